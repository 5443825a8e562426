"""The bare server: an ASGI app that knows one answer. What it costs is what any ASGI app on this server costs."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

ANSWER_VARIABLE = "BENCH_ANSWER"

Message = MutableMapping[str, Any]
AsgiApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


def make_app() -> AsgiApp:
    """The app that answers everything with the bytes of the file that `BENCH_ANSWER` names."""
    answer = Path(os.environ[ANSWER_VARIABLE]).read_bytes()
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json; charset=utf-8")],
    }
    body = {"type": "http.response.body", "body": answer}

    async def app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        del receive
        if scope["type"] == "http":
            await send(start)
            await send(body)

    return app
