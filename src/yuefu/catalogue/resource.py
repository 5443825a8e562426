"""The ids under which parts are downloaded: `z_{song_id}_{n}`.

An id is no secret and no permission; it says which part is meant. Callers treat it as opaque.
"""

import msgspec

from yuefu.catalogue.song import PartKind, Quality
from yuefu.ids import SongId, parse_song_id

_NUMBERS: dict[tuple[PartKind, Quality], int] = {
    (PartKind.ORIGINAL, Quality.NORMAL): 1,
    (PartKind.ACCOMPANIMENT, Quality.NORMAL): 2,
    (PartKind.CLIP, Quality.NORMAL): 3,
    (PartKind.SEGMENT, Quality.NORMAL): 4,
    (PartKind.ACCOMPANIMENT_ALONE, Quality.NORMAL): 5,
    (PartKind.ORIGINAL, Quality.HQ): 11,
    (PartKind.ACCOMPANIMENT, Quality.HQ): 12,
    (PartKind.ACCOMPANIMENT_ALONE, Quality.HQ): 15,
    (PartKind.ORIGINAL, Quality.SQ): 21,
}
_PARTS = {str(number): part for part, number in _NUMBERS.items()}


class ResourceRef(msgspec.Struct, frozen=True):
    """The part a resource id means."""

    song_id: SongId
    kind: PartKind
    quality: Quality


def resource_id(ref: ResourceRef) -> str:
    """The id of a part that can be downloaded. Raises KeyError for a kind that never is (lyrics, covers)."""
    return f"z_{ref.song_id}_{_NUMBERS[ref.kind, ref.quality]}"


def parse_resource_id(text: str) -> ResourceRef | None:
    """The part that `text` means, None when it is no id of ours."""
    prefix, _, rest = text.partition("_")
    song_text, _, number = rest.partition("_")
    song_id = parse_song_id(song_text)
    part = _PARTS.get(number)
    if prefix != "z" or song_id is None or part is None:
        return None
    return ResourceRef(song_id, *part)
