"""Every operation of the wire, one module each."""

from typing import Any

from yuefu.wire.operation import Operation
from yuefu.wire.operations.query_songs_copyright import QUERY_SONGS_COPYRIGHT

OPERATIONS: tuple[Operation[Any, Any], ...] = (QUERY_SONGS_COPYRIGHT,)
