"""QuerySong, `/search/song`: search one vendor's songs, twenty a page."""

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.parameters import Keyword, Page, SearchFilter
from yuefu.wire.operations.rows import FoundSong


class QuerySongParams(msgspec.Struct, frozen=True, kw_only=True):
    keyword: Keyword
    page: Page
    filter: SearchFilter | None = None


class FoundSongs(msgspec.Struct, frozen=True, kw_only=True):
    songs: list[FoundSong]


QUERY_SONG = Operation(
    action="QuerySong",
    command="/search/song",
    params=QuerySongParams,
    result=FoundSongs,
    summary="Search one vendor's songs by title, singer or alias",
)
