"""A search across vendors begins with its first page, or it is refused with the documented 1017074.

The server keeps no searches and needs no such order. The documented SDK does, so an app that breaks the rule is told
here already, and not first by another server of this wire (decision G9 of the contract).
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from yuefu.client.errors import BadParameter
from yuefu.wire.codes import ClientCode
from yuefu.wire.operations import QUERY_SONG_PLUS

FIRST_PAGE = 1
SEARCHES_KEPT = 64
"""Whoever has begun as many others since begins anew."""

_Search: TypeAlias = frozenset[tuple[str, bytes]]
"""What is asked, whatever the page."""


class Searches:
    """The searches across vendors that a session has begun."""

    def __init__(self) -> None:
        self._begun: tuple[_Search, ...] = ()

    def check(self, command: str, params: Mapping[str, Any]) -> None:
        """Let pass all but a later page of a search that was not begun. Raises `BadParameter`."""
        if command != QUERY_SONG_PLUS.command:
            return
        page = params.get("page")
        if isinstance(page, int) and page > FIRST_PAGE and _search(params) not in self._begun:
            raise BadParameter(ClientCode.PAGE_INVALID, f"page: a search across vendors begins with page {FIRST_PAGE}")

    def note(self, command: str, params: Mapping[str, Any]) -> None:
        """Remember a question that was answered, if it begins a search."""
        if command == QUERY_SONG_PLUS.command and params.get("page") == FIRST_PAGE:
            search = _search(params)
            self._begun = (*(begun for begun in self._begun if begun != search), search)[-SEARCHES_KEPT:]


def _search(params: Mapping[str, Any]) -> _Search:
    return frozenset((name, msgspec.json.encode(value)) for name, value in params.items() if name != "page")
