"""A song as lists show it: one flat value, cheap to read by the dozen."""

from enum import IntFlag

import msgspec

from yuefu.catalogue.song import PartKind, PublishedSong, SongState
from yuefu.ids import SongId, VendorId


class Feature(IntFlag):
    """What can be done with a song once its rights allow it."""

    ACCOMPANIMENT = 1
    LINE_LYRICS = 2
    WORD_LYRICS = 4
    PITCH_LINE = 8
    CLIP = 16
    SEGMENT = 32


class Covers(msgspec.Struct, frozen=True, array_like=True):
    """A cover's picture in four sizes, each by the hash of its file."""

    full: str
    mini: str
    small: str
    medium: str


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What a row of a list says of a song. `singer_id`, `singer_image` are the first singer's; ids are 0 for none."""

    song_id: SongId
    vendor_id: VendorId
    title: str
    singers: tuple[str, ...]
    singer_id: int
    singer_image: str
    album_id: int
    album: str
    covers: Covers | None
    duration_ms: int
    accompaniment_duration_ms: int
    features: Feature
    isrc: str


_NO_FEATURE = Feature(0)
_FEATURES_OF_PARTS = (
    (PartKind.ACCOMPANIMENT, Feature.ACCOMPANIMENT),
    (PartKind.LYRICS, Feature.LINE_LYRICS),
    (PartKind.CLIP, Feature.CLIP),
)
_COVER_KINDS = (PartKind.COVER, PartKind.COVER_MINI, PartKind.COVER_SMALL, PartKind.COVER_MEDIUM)


def features_of(song: PublishedSong) -> Feature:
    """The features that a song's parts make."""
    if not song.parts:
        return _NO_FEATURE
    kinds = [part.kind for part in song.parts]
    features = _NO_FEATURE
    for kind, feature in _FEATURES_OF_PARTS:
        if kind in kinds:
            features |= feature
    has_segments = song.highlight is not None and bool(song.highlight.segments)
    if PartKind.SEGMENT in kinds or (PartKind.CLIP in kinds and has_segments):
        features |= Feature.SEGMENT
    if PartKind.PITCH_LINE in kinds and SongState.NEEDS_PITCH_LINE not in song.states:
        features |= Feature.PITCH_LINE
    if PartKind.LYRICS in kinds and SongState.NEEDS_WORD_LYRICS not in song.states:
        features |= Feature.WORD_LYRICS
    return features


def covers_of(song: PublishedSong) -> Covers | None:
    """The cover's four files, None for a song without a cover."""
    if not song.parts:
        return None
    files = {part.kind: part.blob.sha256 for part in song.parts}
    return Covers(*map(files.__getitem__, _COVER_KINDS)) if all(kind in files for kind in _COVER_KINDS) else None
