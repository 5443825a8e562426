"""Calls to addresses that apps chose: none of them may lead into the operator's own network.

A name is resolved once, every address that it has is looked at, and the connection goes to one of these: what the name
says a moment later no longer matters. Redirects are not followed and nothing of an answer but its status is read.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import httpx2

from yuefu.errors import YuefuError

TOTAL_TIMEOUT_S = 15.0
LONGEST_URL = 2_048

_STEP_TIMEOUT_S = 10.0
_PORTS = {"https": 443, "http": 80}
_NUMERIC = re.compile(r"[0-9a-fx.]+", re.ASCII | re.IGNORECASE)
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that networks without IPv4 give to IPv4 addresses: their last four bytes (RFC 6052)."""

_INNER = tuple(map(ip_network, ("168.63.129.16", "192.0.0.0/24", "fec0::/10")))
"""What passes for public by its number, and is answered inside a provider's network or a site."""

_IpAddress = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class BadAddress(YuefuError):
    """A URL that events are not sent to. Says why."""


class Unreachable(YuefuError):
    """No answer came. Says in what way, nothing of what was sent."""


class Destination(NamedTuple):
    """Where a URL leads: the address that was looked at, and the name by which to ask there."""

    url: SplitResult
    host: str
    port: int
    address: str


async def find_destination(url: str, *, allow_private: bool, resolve: Resolver) -> Destination:
    """Where a URL leads now. Raises `BadAddress` for what is no URL to send to, and for private addresses unless they
    are allowed; `Unreachable` for a name without an address.
    """
    parts = _parse(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    literal = _literal(host)
    try:
        found = [literal] if literal else list(await resolve(host, port))
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise Unreachable(f"{host} has no address")
    if not allow_private:
        for address in found:
            if not is_public(address):
                raise BadAddress(f"{host} leads to {address}, which is private; webhook_allow_private would allow it")
        if parts.scheme != "https":
            raise BadAddress("write https://; plain http is for private networks, with webhook_allow_private")
    return Destination(parts, host, port, found[0])


async def resolve_name(host: str, port: int) -> list[str]:
    """Every address of a name, as the machine resolves it. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(text: str) -> bool:
    """Whether an address is one that anybody on the internet may be asked to call."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(
        each.is_global and not each.is_multicast and not each.is_reserved and not any(each in inner for inner in _INNER)
        for each in _meant(address)
    )


class Messenger:
    """Sends to destinations; one for a process. Close it with `aclose()`."""

    def __init__(self, total_timeout_s: float = TOTAL_TIMEOUT_S) -> None:
        self._total_timeout_s = total_timeout_s
        unshared = httpx2.Limits(max_keepalive_connections=0)  # two names at one address must not share a connection
        self._http = httpx2.AsyncClient(
            trust_env=False, follow_redirects=False, timeout=_STEP_TIMEOUT_S, limits=unshared
        )

    async def post(self, to: Destination, *, headers: Mapping[str, str], body: bytes) -> int:
        """The status that answers the body; what comes with it is not read. Raises `Unreachable`."""
        pinned = f"[{to.address}]" if ":" in to.address else to.address
        url = to.url._replace(netloc=f"{pinned}:{to.port}", fragment="").geturl()
        try:
            async with (
                asyncio.timeout(self._total_timeout_s),
                self._http.stream(
                    "POST",
                    url,
                    headers={**headers, "host": to.url.netloc},
                    content=body,
                    extensions={"sni_hostname": to.host},
                ) as answer,
            ):
                return answer.status_code
        except TimeoutError:
            raise Unreachable("timed out") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
            raise Unreachable(type(error).__name__) from None

    async def aclose(self) -> None:
        await self._http.aclose()


def _parse(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_is_good = parts.port != 0
    except ValueError:
        raise BadAddress("that is no URL") from None
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > LONGEST_URL:
        raise BadAddress(f"a URL is at most {LONGEST_URL} visible ASCII characters")
    if parts.scheme not in _PORTS or not parts.hostname or not port_is_good or "\\" in url:
        raise BadAddress("write a URL as in https://app.example.org/yuefu")
    if "@" in parts.netloc or parts.fragment:
        raise BadAddress("a URL without user, password and fragment; what arrives is proven by its signature")
    return parts


def _literal(host: str) -> str | None:
    """The address that a host is by itself, in whichever of the spellings that resolvers take; None for a name."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host)) if _NUMERIC.fullmatch(host) else None
    except OSError:
        return None


def _meant(address: _IpAddress) -> tuple[_IpAddress, ...]:
    """All the addresses that one leads to: those spelt within it too."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _TRANSLATED:
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    return (address,) if address.sixtofour is None else (address, address.sixtofour)
