"""A centre at the boundary: scripted answers behind the HTTP library's own mock transport, and both kinds of client."""

import asyncio
import inspect
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Self

import httpx2
import pytest

from yuefu.client import CopyrightedMusic, CopyrightedMusicSync, Retries, SignedClient, SignedClientSync

BASE_URL = "https://centre.example"
SERVER_SECRET = "fa94dd0f974cf2e293728a526b028271"
AT_ONCE = Retries(attempts=4, first_wait_s=0.0)

Step = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


class Centre:
    """Answers with the script, step by step, and keeps what it was asked. More calls than steps are a failure."""

    def __init__(self) -> None:
        self.script: list[Step] = []
        self.requests: list[httpx2.Request] = []
        self.transport = httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        assert self.script, f"one call too many: {request.method} {request.url.path}"
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, httpx2.Response):  # a copy: tests of both kinds of client share their parameters
            return httpx2.Response(step.status_code, headers=step.headers, content=step.content)
        return step(request)

    def will(self, *steps: Step) -> None:
        self.script += steps

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


class Awaited:
    """An async client whose methods can be called from a plain test."""

    def __init__(self, client: Any, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, {"close": "aclose"}.get(name, name))
        if not inspect.iscoroutinefunction(attribute):
            return attribute
        return lambda *args, **kwargs: self._runner.run(attribute(*args, **kwargs))

    def __repr__(self) -> str:
        return repr(self._client)

    def __enter__(self) -> Self:
        self._runner.run(self._client.__aenter__())
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.run(self._client.__aexit__(*error))


@pytest.fixture
def centre() -> Iterator[Centre]:
    centre = Centre()
    yield centre
    assert not centre.script, "not every scripted answer was asked for"


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(params=["async rfc9421", "sync rfc9421", "async 2.0", "sync 2.0"])
def signed(request: pytest.FixtureRequest, centre: Centre, runner: asyncio.Runner) -> Iterator[Any]:
    """A signed client of either kind and signature, called alike. Its clock ticks a second a look; its nonces count."""
    kind, signature = request.param.split(" ")
    times_s = iter(range(1_700_000_000, 1_700_000_100))
    nonces = iter(f"nonce-{count}" for count in range(100))
    options: dict[str, Any] = {
        "app_id": 12345,
        "server_secret": SERVER_SECRET,
        "user_id": "茉莉",
        "transport": centre.transport,
        "retries": AT_ONCE,
        "clock": lambda: float(next(times_s)) + 0.9,
        "new_nonce": lambda: next(nonces),
        "signature": signature,
    }
    if kind == "sync":
        client: Any = SignedClientSync(BASE_URL, **options)
    else:
        client = Awaited(SignedClient(BASE_URL, **options), runner)
    yield client
    client.close()


@pytest.fixture(params=["async", "sync"])
def stranger(request: pytest.FixtureRequest, centre: Centre, runner: asyncio.Runner) -> Iterator[Any]:
    """A client of either kind that has not called init."""
    if request.param == "sync":
        client: Any = CopyrightedMusicSync(BASE_URL, transport=centre.transport, retries=AT_ONCE)
    else:
        client = Awaited(CopyrightedMusic(BASE_URL, transport=centre.transport, retries=AT_ONCE), runner)
    yield client
    client.close()


@pytest.fixture
def music(stranger: Any, centre: Centre) -> Any:
    """A client of either kind with a session."""
    centre.will(enveloped({"session": "the-session", "expires_in": 86400}))
    stranger.init(app_id=12345, user_id="demo", token="the-login-token")
    centre.requests.clear()
    return stranger


def enveloped(data: object, **changes: object) -> httpx2.Response:
    """A success of the client API."""
    return httpx2.Response(200, json={"code": 0, "message": "succeed", "request_id": "r-1", "data": data, **changes})


def refusal(code: int, message: str = "no", *, status: int = 200) -> httpx2.Response:
    """A refusal of the client API."""
    return httpx2.Response(status, json={"code": code, "message": message, "request_id": "r-2"})


def replied(data: object = None, *, code: int = 0, message: str = "succeed") -> httpx2.Response:
    """An answer of the server API."""
    reply = {"Code": code, "Message": message, "RequestId": "r-3"}
    return httpx2.Response(200, json=reply if data is None else {**reply, "Data": data})


@pytest.fixture(scope="session")
def say() -> Any:
    """The ways a centre answers."""
    return SimpleNamespace(enveloped=enveloped, refusal=refusal, replied=replied, awaited=Awaited)
