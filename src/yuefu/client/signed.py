"""The server API for an app's back end: signed questions, answered with typed results."""

import random
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Generic, Literal, Self, TypeVar, get_args

import httpx2

from yuefu.client.address import parse_base_url
from yuefu.client.errors import bad_parameter
from yuefu.client.flow import DEFAULT_RETRIES, Flow, Request, Retries, retried, send
from yuefu.client.questions import Questions, QuestionsSync
from yuefu.client.reading import read_action, read_plain
from yuefu.client.transport import AsyncLine, SyncLine, Timeout
from yuefu.wire.changes import DEFAULT_LIMIT, Changes
from yuefu.wire.changes import PATH as CHANGES_PATH
from yuefu.wire.http_signature import HttpMessage, Target, sign_message
from yuefu.wire.operation import Operation, P, R
from yuefu.wire.query import render_query
from yuefu.wire.signing import SIGNATURE_VERSION, sign

Transport = TypeVar("Transport")

Signature = Literal["rfc9421", "2.0"]
"""How a call is signed: the whole HTTP message, or the documented four values in the query."""


def new_nonce() -> str:
    """A nonce as documented: 8 random bytes in hex."""
    return secrets.token_hex(8)


def signed_url(
    base_url: str,
    action: str,
    params: Mapping[str, str | list[str]],
    *,
    app_id: int,
    server_secret: str,
    user_id: str,
    nonce: str,
    timestamp_s: int,
    vendor_id: int = 0,
    room_id: str = "",
    territory: str = "",
) -> str:
    """The URL that asks `action` with signature 2.0; good once, for ten minutes around `timestamp_s`.

    `params` are the operation's own, in the spelling of the server API without brackets: `{"SongsId": ["1", "2"]}`.
    Raises `BadParameter` for a base URL or a text that no URL can hold.
    """
    proof = _signature2(app_id=app_id, server_secret=server_secret, nonce=nonce, timestamp_s=timestamp_s)
    return question_url(
        base_url,
        action,
        params,
        proof=proof,
        user_id=user_id,
        vendor_id=vendor_id,
        room_id=room_id,
        territory=territory,
    )


def signed_headers(
    url: str, *, app_id: int, server_secret: str, nonce: str, created_s: int, method: str = "GET", body: bytes = b""
) -> dict[str, str]:
    """The headers that sign a request of `url` (RFC 9421); good once, for five minutes around `created_s`.

    They sign what is sent: send that URL and that body, and let nothing on the way change them.
    """
    sent = httpx2.URL(url)
    path, _, query = sent.raw_path.decode().partition("?")
    message = HttpMessage(method=method, targets=(Target(sent.netloc.decode(), path),), query=query, body=body)
    return sign_message(message, app_id=app_id, secret=server_secret, nonce=nonce, created_s=created_s)


def _signature2(*, app_id: int, server_secret: str, nonce: str, timestamp_s: int) -> dict[str, str]:
    """The common parameters that are signature 2.0."""
    return {
        "AppId": str(app_id),
        "Signature": sign(app_id=app_id, nonce=nonce, secret=server_secret, timestamp_s=timestamp_s),
        "SignatureNonce": nonce,
        "SignatureVersion": SIGNATURE_VERSION,
        "Timestamp": str(timestamp_s),
    }


def question_url(
    base_url: str,
    action: str,
    params: Mapping[str, str | list[str]],
    *,
    user_id: str,
    vendor_id: int = 0,
    room_id: str = "",
    territory: str = "",
    proof: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The URL that asks `action`, with what proves it among its parameters unless headers do. Raises `BadParameter`."""
    common: dict[str, str | list[str]] = {
        "Action": action,
        **proof,
        "UserId": user_id,
        "VendorId": str(vendor_id),
    }
    common |= {name: value for name, value in (("RoomId", room_id), ("Territory", territory)) if value}
    try:
        return f"{parse_base_url(base_url)}/?{render_query({**common, **params})}"
    except UnicodeEncodeError as error:
        raise bad_parameter("params", "not every character is Unicode text") from error


class _Signed(ABC, Generic[Transport]):
    """What both signed clients know: who signs, and how a question becomes a flow."""

    def __init__(
        self,
        base_url: str,
        *,
        app_id: int,
        server_secret: str,
        user_id: str,
        vendor_id: int = 0,
        room_id: str = "",
        territory: str = "",
        signature: Signature = "rfc9421",
        timeout: Timeout = 10.0,
        transport: Transport | None = None,
        retries: Retries = DEFAULT_RETRIES,
        clock: Callable[[], float] = time.time,
        new_nonce: Callable[[], str] = new_nonce,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if signature not in get_args(Signature):
            raise bad_parameter("signature", f"must be one of {', '.join(get_args(Signature))}")
        self._base_url = parse_base_url(base_url)
        self._app_id = app_id
        self._server_secret = server_secret
        self._user_id = user_id
        self._vendor_id = vendor_id
        self._room_id = room_id
        self._territory = territory
        self._signature = signature
        self._retries = retries
        self._clock = clock
        self._new_nonce = new_nonce
        self._chance = chance
        self._connect(transport, timeout)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({httpx2.URL(self._base_url)!r}, app_id={self._app_id})"

    @abstractmethod
    def _connect(self, transport: Transport | None, timeout: Timeout) -> None:
        """Make ready to send, by `transport` where there is one."""

    def _answered(
        self, operation: Operation[P, R], params: P, *, vendor_id: int | None, room_id: str | None, user_id: str | None
    ) -> Flow[R]:
        query = operation.action_query(params)

        def attempt() -> Flow[R]:
            request = self._signed(
                operation.action,
                query,
                user_id=self._user_id if user_id is None else user_id,
                vendor_id=self._vendor_id if vendor_id is None else vendor_id,
                room_id=self._room_id if room_id is None else room_id,
            )
            return read_action((yield from send(request)), operation)

        return retried(attempt, retries=self._retries, chance=self._chance)

    def _signed(
        self, action: str, query: Mapping[str, str | list[str]], *, user_id: str, vendor_id: int, room_id: str
    ) -> Request:
        """The request of one attempt, signed anew."""
        app_id, secret, nonce, at_s = self._app_id, self._server_secret, self._new_nonce(), int(self._clock())
        proof, headers = {}, {}
        if self._signature == SIGNATURE_VERSION:
            proof = _signature2(app_id=app_id, server_secret=secret, nonce=nonce, timestamp_s=at_s)
        url = question_url(
            self._base_url,
            action,
            query,
            proof=proof,
            user_id=user_id,
            vendor_id=vendor_id,
            room_id=room_id,
            territory=self._territory,
        )
        if not proof:
            headers = signed_headers(url, app_id=app_id, server_secret=secret, nonce=nonce, created_s=at_s)
        return Request("GET", url, headers)

    def _asked_changes(self, after: str, limit: int, territory: str | None) -> Flow[Changes]:
        query = {"after": after, "limit": str(limit), "territory": self._territory if territory is None else territory}
        given = {name: value for name, value in query.items() if value}

        def attempt() -> Flow[Changes]:
            return read_plain((yield from send(self._signed_changes(given))), Changes)

        return retried(attempt, retries=self._retries, chance=self._chance)

    def _signed_changes(self, query: Mapping[str, str]) -> Request:
        """The request of one attempt, signed anew."""
        app_id, secret, nonce, at_s = self._app_id, self._server_secret, self._new_nonce(), int(self._clock())
        proof, headers = {}, {}
        if self._signature == SIGNATURE_VERSION:
            proof = _signature2(app_id=app_id, server_secret=secret, nonce=nonce, timestamp_s=at_s)
        try:
            url = f"{self._base_url}{CHANGES_PATH}?{render_query({**proof, **query})}"
        except UnicodeEncodeError as error:
            raise bad_parameter("after", "not every character is Unicode text") from error
        if not proof:
            headers = signed_headers(url, app_id=app_id, server_secret=secret, nonce=nonce, created_s=at_s)
        return Request("GET", url, headers)


class SignedClient(_Signed[httpx2.AsyncBaseTransport], Questions):
    """Asks the server API from an event loop; one method per operation.

    `user_id`, `vendor_id` (0: the app's default vendor) and `room_id` hold for every question that doesn't name its
    own; `territory` (ISO 3166-1 alpha-2) is where the users are, "" the app's home. Every attempt is signed anew: over
    the whole HTTP message (RFC 9421), or as documented with `signature="2.0"`, for servers of this wire that know
    nothing else. Questions are asked again, `retries` says how often, when the
    network fails or the server is busy. Close it with `aclose()`, or use it as
    `async with SignedClient(...) as client`.
    """

    def _connect(self, transport: httpx2.AsyncBaseTransport | None, timeout: Timeout) -> None:
        self._line = AsyncLine(transport=transport, timeout=timeout)

    async def ask(
        self,
        operation: Operation[P, R],
        params: P,
        *,
        vendor_id: int | None = None,
        room_id: str | None = None,
        user_id: str | None = None,
    ) -> R:
        """The answer to any operation. Raises `CopyrightedMusicError`."""
        return await self._line.run(
            self._answered(operation, params, vendor_id=vendor_id, room_id=room_id, user_id=user_id)
        )

    async def changes(self, after: str = "", *, limit: int = DEFAULT_LIMIT, territory: str | None = None) -> Changes:
        """What became of songs' rights after a cursor: the full list without one. Raises `CopyrightedMusicError`.

        `iterate_changes` pages on. At most 1000 songs at once; `territory` None is the client's own.
        """
        return await self._line.run(self._asked_changes(after, limit, territory))

    async def aclose(self) -> None:
        await self._line.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class SignedClientSync(_Signed[httpx2.BaseTransport], QuestionsSync):
    """`SignedClient` for code without an event loop. Several threads may share one."""

    def _connect(self, transport: httpx2.BaseTransport | None, timeout: Timeout) -> None:
        self._line = SyncLine(transport=transport, timeout=timeout)

    def ask(
        self,
        operation: Operation[P, R],
        params: P,
        *,
        vendor_id: int | None = None,
        room_id: str | None = None,
        user_id: str | None = None,
    ) -> R:
        """The answer to any operation. Raises `CopyrightedMusicError`."""
        return self._line.run(self._answered(operation, params, vendor_id=vendor_id, room_id=room_id, user_id=user_id))

    def changes(self, after: str = "", *, limit: int = DEFAULT_LIMIT, territory: str | None = None) -> Changes:
        """What became of songs' rights after a cursor: the full list without one. Raises `CopyrightedMusicError`.

        `iterate_changes_sync` pages on. At most 1000 songs at once; `territory` None is the client's own.
        """
        return self._line.run(self._asked_changes(after, limit, territory))

    def close(self) -> None:
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
