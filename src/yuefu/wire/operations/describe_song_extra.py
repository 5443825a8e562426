"""DescribeSongExtra, `/song/extra`: a song's tempo and genres."""

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.describe_song_lyric import SongParams


class SongExtra(msgspec.Struct, frozen=True, kw_only=True):
    """`bpm` is 0 when unknown. `bpm_type` is a number in a string: 0 unknown, 1 slow, 2 medium, 3 fast. `genres` are
    the documented numbers 1 to 27.
    """

    bpm: int
    bpm_type: str
    genres: list[int]


DESCRIBE_SONG_EXTRA = Operation(
    action="DescribeSongExtra",
    command="/song/extra",
    params=SongParams,
    result=SongExtra,
    summary="A song's tempo and genres",
)
