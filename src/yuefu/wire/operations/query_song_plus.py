"""QuerySongPlus, `/search/plus`: search several vendors at once, each song once."""

from typing import Annotated

import msgspec
from msgspec import Meta

from yuefu.wire.operation import Operation
from yuefu.wire.operations.parameters import Keyword, Page, SearchFilter
from yuefu.wire.operations.query_song import FoundSongs


class QuerySongPlusParams(msgspec.Struct, frozen=True, kw_only=True):
    """Without `vendors_id`, every vendor the app was granted is searched. `items`, as long as `vendors_id`, is how many
    rows in turn come from each of them, one by default. `keep_vendor` is whose row stays of a song that several vendors
    have.
    """

    keyword: Keyword
    page: Page
    filter: SearchFilter | None = None
    vendors_id: Annotated[list[int], Meta(min_length=1)] | None = None
    keep_vendor: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    items: Annotated[list[Annotated[int, Meta(ge=1, le=1_000)]], Meta(min_length=1)] | None = None


QUERY_SONG_PLUS = Operation(
    action="QuerySongPlus",
    command="/search/plus",
    params=QuerySongPlusParams,
    result=FoundSongs,
    summary="Search several vendors' songs at once",
    names_vendors=True,
)
