"""What each operation does. Handlers don't know how a question came, so both dialects share them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yuefu.server.actions.query_songs_copyright import query_songs_copyright
from yuefu.server.actions.question import Handler
from yuefu.wire.operation import Operation
from yuefu.wire.operations.query_songs_copyright import QUERY_SONGS_COPYRIGHT


@dataclass(frozen=True, slots=True)
class Action:
    """A declaration and what answers it."""

    operation: Operation[Any, Any]
    handle: Handler[Any, Any]


_ALL = (Action(QUERY_SONGS_COPYRIGHT, query_songs_copyright),)

ACTIONS: Mapping[str, Action] = {action.operation.action: action for action in _ALL}
COMMANDS: Mapping[str, Action] = {action.operation.command: action for action in _ALL}
