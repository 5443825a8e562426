"""DescribeAccompanyClipStatus, `/song/accompany/clip_url/status`: whether a song's highlights can be requested."""

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.describe_song_lyric import SongParams


class ClipStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """1 it can, 0 it can't."""

    has_clip_url: int | None = None
    """The long clip. Vendors with the field `has_clip_url` only (1 of the documented)."""
    has_short_segment_url: int | None = None
    """The short segment. Vendors with the field `has_short_segment_url` only (1 and 2 of the documented)."""


DESCRIBE_ACCOMPANY_CLIP_STATUS = Operation(
    action="DescribeAccompanyClipStatus",
    command="/song/accompany/clip_url/status",
    params=SongParams,
    result=ClipStatus,
    summary="Whether a song's highlights can be requested",
)
