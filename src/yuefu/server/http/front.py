"""What stands between the internet and the site: trusted proxies, other sites' pages, a line a call in the log.

Each is plain ASGI around what is behind it, and is left out where its setting is empty: a call then pays nothing.
"""

import re
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import structlog

from yuefu.server.centre import Centre
from yuefu.server.http.edge import Receive, Scope, Send, header
from yuefu.server.settings import Settings

ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

ANY_ORIGIN = "*"
IS_PROXIED = "yuefu.is_proxied"
"""In the scope of a call: whether a trusted proxy says for whom it makes it."""

PREFLIGHT_LIFE_S = 7_200
"""As long as browsers keep one at most."""

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS = b"Authorization, Range, Content-Type, Idempotency-Key, If-Range"
_RESPONSE_HEADERS = b"Content-Range, Content-Length, Accept-Ranges, ETag, Retry-After, X-Request-Id"
_HOST = re.compile(r"[0-9A-Za-z.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?", re.ASCII)
_log = structlog.get_logger(__name__)


def place_in_front(site: ASGI, settings: Settings) -> ASGI:
    """The site with what the settings put in front of it."""
    app = site
    if settings.allowed_origins:
        app = Cors(app, settings.allowed_origins)
    if settings.access_log:
        app = AccessLog(app)
    if settings.trusted_proxies:
        app = TrustedProxies(app, map(ip_network, settings.trusted_proxies))
    return app


def reached(centre: Centre, scope: Scope) -> Centre:
    """The centre as this caller reached it: addresses in its answers begin with what the caller wrote.

    Where the operator says what they begin with (`public_url`), that is what holds.
    """
    return centre if centre.has_public_url else _reached_at(centre, scope["scheme"], header(scope, b"host"))


@lru_cache(maxsize=64)
def _reached_at(centre: Centre, scheme: str, host: str) -> Centre:
    """Callers know a centre by few names, so each is made up once."""
    return centre.reached_at(f"{scheme}://{host}") if _HOST.fullmatch(host) else centre


class Cors:
    """Lets pages of the allowed origins call from a browser. No cookies are involved, so "*" may be allowed too.

    Source: the Fetch standard, "CORS protocol".
    """

    def __init__(self, app: ASGI, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)
        self._is_open = ANY_ORIGIN.encode() in self._origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = header(scope, b"origin").encode("latin-1")
        if scope["method"] == "OPTIONS" and origin and header(scope, b"access-control-request-method"):
            await self._answer_preflight(origin, send)
            return
        added = self._headers(origin)

        async def send_with_headers(message: Scope) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    async def _answer_preflight(self, origin: bytes, send: Send) -> None:
        headers = self._headers(origin)
        if self._allows(origin):
            headers += [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _REQUEST_HEADERS),
                (b"access-control-max-age", str(PREFLIGHT_LIFE_S).encode()),
            ]
        status = 204 if self._allows(origin) else 403
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _headers(self, origin: bytes) -> list[tuple[bytes, bytes]]:
        """What an answer to that origin carries; caches are told when another origin's would differ."""
        headers = [] if self._is_open else [(b"vary", b"Origin")]
        if origin and self._allows(origin):
            headers += [
                (b"access-control-allow-origin", b"*" if self._is_open else origin),
                (b"access-control-expose-headers", _RESPONSE_HEADERS),
            ]
        return headers

    def _allows(self, origin: bytes) -> bool:
        return self._is_open or origin in self._origins


class TrustedProxies:
    """Believes `X-Forwarded-For` and `X-Forwarded-Proto`, of the named proxies only.

    The caller is the last address in the list that is not itself a trusted proxy: what stands before it anybody may
    have written.
    """

    def __init__(self, app: ASGI, networks: Iterable[Network]) -> None:
        self._app = app
        self._networks = tuple(networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = _address(scope["client"][0]) if scope["type"] == "http" and scope.get("client") else None
        if peer is not None and self._trusts(peer):
            forwarded = _listed(scope, b"x-forwarded-for")
            scope = {**scope, "client": (self._caller(peer, forwarded), 0), IS_PROXIED: bool(forwarded)}
            protocols = _listed(scope, b"x-forwarded-proto")
            if protocols and protocols[-1] in {"http", "https"}:
                scope["scheme"] = protocols[-1]
        await self._app(scope, receive, send)

    def _caller(self, peer: Address, forwarded: list[str]) -> str:
        caller = peer
        for text in reversed(forwarded):
            address = _address(text)
            if address is None:
                break
            caller = address
            if not self._trusts(address):
                break
        return str(caller)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


class AccessLog:
    """A line a call: who, what, how it went, how long it took. Query strings hold signatures and are left out."""

    def __init__(self, app: ASGI, now_s: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._now_s = now_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s, status = self._now_s(), 0

        async def send_noting_status(message: Scope) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            _log.info(
                "call",
                client=scope["client"][0] if scope.get("client") else "",
                method=scope["method"],
                path=scope["path"],
                status=status,
                took_ms=round((self._now_s() - began_s) * 1_000, 3),
            )


def _listed(scope: Scope, name: bytes) -> list[str]:
    """The comma-separated items of a header, however many times it comes."""
    joined = b",".join(value for key, value in scope["headers"] if key == name)
    return [item for item in map(str.strip, joined.decode("latin-1").split(",")) if item]


@lru_cache(maxsize=4096)
def _address(text: str) -> Address | None:
    """The IP address in `text`, with a port behind it or without, None when there is none."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
