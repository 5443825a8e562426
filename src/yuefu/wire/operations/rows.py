"""The song rows that lists and batches answer with.

A field that only some vendors get is None for the others and then left out of the JSON: absent, never null.
(Contract: server API, `types.SongBase` and `song_field_matrix`.)
"""

import msgspec


class Copyright(msgspec.Struct, frozen=True, kw_only=True):
    """1 where the right is held, else 0. `channel` is no right: a song of channel 0 is shown with the logo."""

    song_lyric: int
    """Words, music and accompaniment: the song may be sung."""
    recording: int
    """The recording: the song may be played."""
    channel: int


class SongRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every row says of a song. Pictures are absolute URLs, "" where there is none."""

    song_id: str
    song_name: str
    singer_name: str
    singer_img: str
    album_name: str
    album_img: str
    album_img_mini: str
    """About 100 pixels."""
    album_img_small: str
    """About 300 pixels."""
    album_img_medium: str
    """About 500 pixels."""
    duration: int
    """Milliseconds."""
    vendor_id: int
    """The vendor whose song this is; never 0."""
    copyright: Copyright
    pitch_ability: int | None = None
    """1 has a pitch line, 2 has none. Vendors with the field `pitch_ability` only (2 of the documented)."""


class ListedSong(SongRow, frozen=True, kw_only=True, omit_defaults=True):
    """A row with the ids of its singer and album."""

    singer_id: str
    album_id: str


class FoundSong(ListedSong, frozen=True, kw_only=True, omit_defaults=True):
    """A row of a search."""

    has_short_segment: int | None = None
    """1 has a short segment, 2 has none. Vendors with the field `has_short_segment` only (2 of the documented)."""
