"""The ids under which parts are downloaded: `z_{song_id}_{n}`.

An id is no secret and no permission; it says which part is meant. Callers treat it as opaque.
"""

import msgspec

from yuefu.catalogue.song import PartKind, Quality
from yuefu.ids import SongId, parse_song_id

_KINDS = {
    PartKind.ORIGINAL: 1,
    PartKind.ACCOMPANIMENT: 2,
    PartKind.CLIP: 3,
    PartKind.SEGMENT: 4,
    PartKind.ACCOMPANIMENT_ALONE: 5,
}
_QUALITIES = {Quality.NORMAL: 0, Quality.HQ: 10, Quality.SQ: 20}
_PARTS = {
    str(number + tens): (kind, quality) for kind, number in _KINDS.items() for quality, tens in _QUALITIES.items()
}


class ResourceRef(msgspec.Struct, frozen=True):
    """The part a resource id means."""

    song_id: SongId
    kind: PartKind
    quality: Quality


def resource_id(ref: ResourceRef) -> str:
    """The id of a part that can be downloaded. Raises KeyError for a kind that never is (lyrics, covers)."""
    return f"z_{ref.song_id}_{_KINDS[ref.kind] + _QUALITIES[ref.quality]}"


def parse_resource_id(text: str) -> ResourceRef | None:
    """The part that `text` means, None when it is no id of ours."""
    prefix, _, rest = text.partition("_")
    song_text, _, number = rest.partition("_")
    song_id = parse_song_id(song_text)
    part = _PARTS.get(number)
    if prefix != "z" or song_id is None or part is None:
        return None
    return ResourceRef(song_id, *part)
