"""DescribeAccompanyClipInfo, `/song/accompany/clip_info`: where a song's highlight is."""

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.describe_song_lyric import SongParams


class ClipInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds in the whole song. Vendors that deliver the short segment as a file of its own (2 of the documented)
    mean the short pair, the others the long one; the pair that is not meant is 0.
    """

    segment_begin: int
    segment_end: int
    short_segment_begin: int
    short_segment_end: int


DESCRIBE_ACCOMPANY_CLIP_INFO = Operation(
    action="DescribeAccompanyClipInfo",
    command="/song/accompany/clip_info",
    params=SongParams,
    result=ClipInfo,
    summary="Where a song's highlight is",
)
