"""The whole site as one ASGI app: the Actions first, then everything else."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from yuefu.ids import AppId
from yuefu.server.centre import Centre
from yuefu.server.http.admin.edge import admin_routes
from yuefu.server.http.aliases import alias_routes
from yuefu.server.http.changes import changes_route
from yuefu.server.http.client_api import client_routes
from yuefu.server.http.edge import Receive, Scope, Send, header, serve_action
from yuefu.server.http.front import reached
from yuefu.server.http.media import media_routes
from yuefu.server.http.openapi import openapi_route
from yuefu.server.http.pictures import picture_routes
from yuefu.server.http.problems import missing_page, problem_routes

_ANY_APP = AppId(1)
_ACTION_METHODS = {"GET", "POST"}


class Site:
    """ASGI. Actions answer at `/`; a browser that asks for a page there without an Action gets the landing page.

    `while_up` is entered when the server starts, and left before `on_shutdown`.
    """

    def __init__(
        self,
        centre: Centre,
        on_shutdown: Callable[[], None] = lambda: None,
        while_up: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self._centre = centre

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with while_up():
                yield
            on_shutdown()

        client_calls = client_routes(centre)
        self._client_calls = {call.path: call.app for call in client_calls}
        self._rest = Starlette(
            lifespan=lifespan,
            routes=[
                Route("/", _landing_page, methods=["GET"]),
                Route("/healthz", _healthz, methods=["GET"]),
                Route("/readyz", self._readyz, methods=["GET"]),
                openapi_route(centre),
                *alias_routes(centre),
                changes_route(centre),
                *client_calls,
                *media_routes(centre),
                *picture_routes(centre),
                *admin_routes(centre),
                *problem_routes(),
            ],
            exception_handlers={HTTPException: missing_page(centre)},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/" and _is_action(scope):
            await serve_action(reached(self._centre, scope), scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in self._client_calls:
            await self._client_calls[scope["path"]](scope, receive, send)  # what apps' clients call most, found at once
        else:
            await self._rest(scope, receive, send)

    async def _readyz(self, request: Request) -> Response:
        """Ready when the store answers."""
        del request
        self._centre.apps.app(_ANY_APP)
        return PlainTextResponse("ready\n")


def _is_action(scope: Scope) -> bool:
    if scope["method"] not in _ACTION_METHODS:
        return False
    wants_page = b"Action=" not in scope["query_string"] and "text/html" in header(scope, b"accept")
    return not wants_page


async def _landing_page(request: Request) -> Response:
    del request
    return HTMLResponse(files("yuefu.server.web").joinpath("landing.html").read_text(encoding="utf-8"))


async def _healthz(request: Request) -> Response:
    """Alive: the process takes requests."""
    del request
    return PlainTextResponse("ok\n")
