"""DescribeTopSongs, `/top/song`: a chart, twenty songs a page."""

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.parameters import ListFilter, Name, Page
from yuefu.wire.operations.rows import ListedSong


class DescribeTopSongsParams(msgspec.Struct, frozen=True, kw_only=True):
    top_id: Name
    page: Page
    filter: ListFilter | None = None


class TopSongs(msgspec.Struct, frozen=True, kw_only=True):
    songs: list[ListedSong]


DESCRIBE_TOP_SONGS = Operation(
    action="DescribeTopSongs",
    command="/top/song",
    params=DescribeTopSongsParams,
    result=TopSongs,
    summary="The songs of a chart",
)
