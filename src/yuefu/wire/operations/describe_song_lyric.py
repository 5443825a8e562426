"""DescribeSongLyric: a song's line lyrics as LRC text. Clients have `get_lrc_lyric` instead."""

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.parameters import Name


class SongParams(msgspec.Struct, frozen=True, kw_only=True):
    song_id: Name


class SongLyric(msgspec.Struct, frozen=True, kw_only=True):
    """LRC text, lines ended with CRLF."""

    lyric: str


DESCRIBE_SONG_LYRIC = Operation(
    action="DescribeSongLyric",
    command=None,
    params=SongParams,
    result=SongLyric,
    summary="A song's line lyrics as LRC text",
)
