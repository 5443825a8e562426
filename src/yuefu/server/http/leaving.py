"""Endpoints whose answers leave by the fence: a takedown waits for them until they are handed to the HTTP server."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from yuefu.server.centre import Fence, Passage
from yuefu.server.http.edge import Receive, Scope, Send

Respond = Callable[[Request, Passage], Awaitable[Response]]


class Leaving:
    """ASGI. `respond` enters the passage before it asks the rights; its response is sent within."""

    def __init__(self, fence: Fence, respond: Respond) -> None:
        self._fence = fence
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._fence.passage() as passage:
            response = await self._respond(Request(scope, receive), passage)
            await response(scope, receive, send)
