"""Lists that come in pages, as one iteration.

    async for song in iterate_songs(client.query_song, keyword="茉莉花", page=1):
        ...

Any method that takes a `page` and answers with `songs` will do, of either client. No answer says how many pages there
are, so a list ends at its first empty page (decision G2 of the contract); a page is asked for when the one before it is
used up. Pages are not of one moment: what is published or withdrawn meanwhile may shift the rest by a row.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from itertools import count
from typing import Any, ParamSpec, Protocol, TypeVar

from yuefu.client.errors import bad_parameter
from yuefu.wire.changes import Changes
from yuefu.wire.operations.rows import SongRow

P = ParamSpec("P")
S = TypeVar("S", bound=SongRow)
S_co = TypeVar("S_co", bound=SongRow, covariant=True)


class SongPage(Protocol[S_co]):
    """An answer that is one page of songs."""

    @property
    def songs(self) -> Sequence[S_co]: ...


async def iterate_songs(
    method: Callable[P, Awaitable[SongPage[S]]], *args: P.args, **kwargs: P.kwargs
) -> AsyncIterator[S]:
    """The songs of page after page, from `page` on. Raises what `method` raises, when its page is asked for."""
    for asked in _pages(kwargs):
        songs = (await method(*args, **asked)).songs
        for song in songs:
            yield song
        if not songs:
            return


def iterate_songs_sync(method: Callable[P, SongPage[S]], *args: P.args, **kwargs: P.kwargs) -> Iterator[S]:
    """`iterate_songs` for the clients without an event loop."""
    for asked in _pages(kwargs):
        songs = method(*args, **asked).songs
        yield from songs
        if not songs:
            return


async def iterate_changes(
    method: Callable[..., Awaitable[Changes]], after: str = "", **question: Any
) -> AsyncIterator[Changes]:
    """Page after page of the change feed, until there is no more for now. Raises what `method` raises.

        async for page in iterate_changes(client.changes, after=kept):
            take_in(page.changes)
            kept = page.next

    Keep `next` with what was taken in: whoever goes on from it misses nothing, whatever stopped him.
    """
    more = True
    while more:
        page = await method(after, **question)
        yield page
        after, more = page.next, page.more


def iterate_changes_sync(method: Callable[..., Changes], after: str = "", **question: Any) -> Iterator[Changes]:
    """`iterate_changes` for the client without an event loop."""
    more = True
    while more:
        page = method(after, **question)
        yield page
        after, more = page.next, page.more


def _pages(question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same question about page after page."""
    if "page" not in question:
        raise bad_parameter("page", "missing; name the page to begin with")
    return ({**question, "page": page} for page in count(question["page"]))
