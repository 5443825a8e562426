"""Two drivers for one kind of flow: the only modules that touch the network.

Every exception of the HTTP library leaves here as one of ours.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import TypeVar, cast

import httpx2

from yuefu.client.errors import LOWER_LAYER, CopyrightedMusicError, transport_error
from yuefu.client.flow import Answer, Effect, Flow, Open, Read, Request, Send, Wait

T = TypeVar("T")
Timeout = httpx2.Timeout | float


@contextmanager
def mapped_errors() -> Iterator[None]:
    try:
        yield
    except LOWER_LAYER as error:
        raise transport_error(error) from error


class AsyncLine:
    """A pool of connections, driven from an event loop."""

    def __init__(self, *, transport: httpx2.AsyncBaseTransport | None, timeout: Timeout) -> None:
        self._http = httpx2.AsyncClient(transport=transport, timeout=timeout)

    async def run(self, flow: Flow[T]) -> T:
        """The outcome of `flow`, with everything it wants done on the way."""
        call = _AsyncCall(self._http)
        try:
            with closing(flow):
                step = partial(next, flow)
                while True:
                    try:
                        effect = step()
                    except StopIteration as end:
                        return cast("T", end.value)
                    try:
                        outcome = await call.perform(effect)
                    except CopyrightedMusicError as error:
                        step = partial(flow.throw, error)
                    else:
                        step = partial(flow.send, outcome)
        finally:
            await call.close()

    async def close(self) -> None:
        await self._http.aclose()


class _AsyncCall:
    """One flow's dealings with the network, its opened answer among them."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self._opened: httpx2.Response | None = None
        self._pieces: AsyncIterator[bytes]

    async def perform(self, effect: Effect) -> Answer | bytes | None:
        with mapped_errors():
            match effect:
                case Send(request):
                    response = await self._http.send(_built(self._http, request))
                    return Answer(response.status_code, response.headers, response.content)
                case Open(request):
                    await self.close()
                    self._opened = await self._http.send(_built(self._http, request), stream=True)
                    self._pieces = self._opened.aiter_bytes()
                    return Answer(self._opened.status_code, self._opened.headers)
                case Read():
                    return await anext(self._pieces, None)
                case Wait(wait_s):
                    await asyncio.sleep(wait_s)
                    return None

    async def close(self) -> None:
        if self._opened is not None:
            with mapped_errors():
                await self._opened.aclose()
            self._opened = None


class SyncLine:
    """A pool of connections, driven from plain threads."""

    def __init__(self, *, transport: httpx2.BaseTransport | None, timeout: Timeout) -> None:
        self._http = httpx2.Client(transport=transport, timeout=timeout)

    def run(self, flow: Flow[T]) -> T:
        """The outcome of `flow`, with everything it wants done on the way."""
        call = _SyncCall(self._http)
        try:
            with closing(flow):
                step = partial(next, flow)
                while True:
                    try:
                        effect = step()
                    except StopIteration as end:
                        return cast("T", end.value)
                    try:
                        outcome = call.perform(effect)
                    except CopyrightedMusicError as error:
                        step = partial(flow.throw, error)
                    else:
                        step = partial(flow.send, outcome)
        finally:
            call.close()

    def close(self) -> None:
        self._http.close()


class _SyncCall:
    """As `_AsyncCall`."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http
        self._opened: httpx2.Response | None = None
        self._pieces: Iterator[bytes]

    def perform(self, effect: Effect) -> Answer | bytes | None:
        with mapped_errors():
            match effect:
                case Send(request):
                    response = self._http.send(_built(self._http, request))
                    return Answer(response.status_code, response.headers, response.content)
                case Open(request):
                    self.close()
                    self._opened = self._http.send(_built(self._http, request), stream=True)
                    self._pieces = self._opened.iter_bytes()
                    return Answer(self._opened.status_code, self._opened.headers)
                case Read():
                    return next(self._pieces, None)
                case Wait(wait_s):
                    time.sleep(wait_s)
                    return None

    def close(self) -> None:
        if self._opened is not None:
            with mapped_errors():
                self._opened.close()
            self._opened = None


def _built(http: httpx2.Client | httpx2.AsyncClient, request: Request) -> httpx2.Request:
    return http.build_request(request.method, request.url, headers=dict(request.headers), content=request.body or None)
