"""DescribeKrcSegment, `/song/accompany/krc/segment`: who sings what, when several sing."""

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.describe_song_lyric import SongParams


class KrcSegment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the whole song in ms, and the labels of those who sing it."""

    start: int
    end: int
    tags: list[str]


class KrcSegments(msgspec.Struct, frozen=True, kw_only=True):
    """Empty for a song that is not parted."""

    tags: list[KrcSegment]


DESCRIBE_KRC_SEGMENT = Operation(
    action="DescribeKrcSegment",
    command="/song/accompany/krc/segment",
    params=SongParams,
    result=KrcSegments,
    summary="Who sings which part of a song",
)
