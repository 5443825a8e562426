"""DescribeTagSongs, `/tag/song`: the songs that carry a tag, twenty a page."""

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.parameters import ListFilter, Name, Page
from yuefu.wire.operations.rows import SongRow


class DescribeTagSongsParams(msgspec.Struct, frozen=True, kw_only=True):
    """A tag that is not there is an illegal parameter."""

    tag_id: Name
    page: Page
    filter: ListFilter | None = None


class TagSong(SongRow, frozen=True, kw_only=True, omit_defaults=True):
    has_clip: int | None = None
    """1 has a long clip, 0 has none. Vendors with the field `has_clip` only (1 and 4 of the documented)."""


class TagSongs(msgspec.Struct, frozen=True, kw_only=True):
    songs: list[TagSong]


DESCRIBE_TAG_SONGS = Operation(
    action="DescribeTagSongs",
    command="/tag/song",
    params=DescribeTagSongsParams,
    result=TagSongs,
    summary="The songs that carry a tag",
)
