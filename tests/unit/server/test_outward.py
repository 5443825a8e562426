"""No call of ours may be led into the operator's own network."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.server.outward import (
    BadAddress,
    Destination,
    Messenger,
    Resolver,
    Unreachable,
    find_destination,
    is_public,
    resolve_name,
)

PUBLIC = "203.119.1.1"


def answering(*addresses: str) -> Resolver:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def find(url: str, resolve: Resolver | None = None, *, allow_private: bool = False) -> Destination:
    return asyncio.run(find_destination(url, allow_private=allow_private, resolve=resolve or answering(PUBLIC)))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "0",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "239.1.2.3",
        "240.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fec0::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
    ],
)
def test_private_addresses_are_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(BadAddress, match="private"):
        find(f"https://{host}/hook")


@pytest.mark.parametrize("address", ["10.1.2.3", "::1", "::ffff:192.168.0.1", "fe80::1%2", "nonsense"])
def test_a_name_that_leads_to_a_private_address_is_refused(address: str) -> None:
    with pytest.raises(BadAddress, match="private"):
        find("https://app.example.org/hook", answering(address))


def test_one_private_address_among_public_ones_is_enough_to_refuse_a_name() -> None:
    with pytest.raises(BadAddress, match="private"):
        find("https://app.example.org/hook", answering(PUBLIC, "2606:4700::1111", "10.0.0.1"))


def test_the_machine_s_own_name_is_refused() -> None:
    with pytest.raises(BadAddress, match="private"):
        find("https://localhost/hook", resolve_name)


@given(number=st.integers(0, 2**32 - 1))
def test_an_address_within_ipv6_is_as_public_as_it_is_by_itself(number: int) -> None:
    plain = socket.inet_ntoa(number.to_bytes(4, "big"))
    assert is_public(f"::ffff:{plain}") == is_public(f"64:ff9b::{plain}") == is_public(plain)
    if not is_public(plain):
        assert not is_public(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1")


def test_a_public_address_passes_and_is_the_one_to_call() -> None:
    found = find("https://app.example.org/hook?a=1", answering(PUBLIC, "203.119.1.2"))
    assert (found.host, found.port, found.address) == ("app.example.org", 443, PUBLIC)
    assert find("https://[2606:4700::1111]:8443/").address == "2606:4700::1111"


def test_a_name_without_an_address_is_said_so() -> None:
    with pytest.raises(Unreachable, match=r"nowhere\.example has no address"):
        find("https://nowhere.example/", answering())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example.org/hook",
        "ftp://app.example.org/",
        "file:///etc/passwd",
        "gopher://app.example.org/",
        "https://",
        "https://app.example.org:0/",
        "https://app.example.org:99999/",
        "https://[::1",
        "https://me:secret@app.example.org/",
        "https://app.example.org/#part",
        "https://app.example.org/ space",
        "https://app.example.org/\r\nX: y",
        "https://app.example.org\\@10.0.0.1/",
        "https://音乐.example/",
        "https://app.example.org/" + "a" * 3_000,
    ],
)
def test_what_is_no_url_to_send_to_is_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        find(url, allow_private=True)


def test_plain_http_is_for_private_networks_alone() -> None:
    with pytest.raises(BadAddress, match="https"):
        find("http://app.example.org/")
    assert find("http://127.0.0.1:9/", allow_private=True).address == "127.0.0.1"


@contextmanager
def listening(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server for one connection that answers these bytes, or nothing at all, and keeps what it was sent."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(65_536))
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], received
        thread.join()


async def post(port: int, host: str = "app.example.org") -> int:
    messenger = Messenger()
    try:
        to = await find_destination(
            f"http://{host}:{port}/hook?a=b", allow_private=True, resolve=answering("127.0.0.1")
        )
        return await messenger.post(to, headers={"webhook-id": "evt_1"}, body=b"{}")
    finally:
        await messenger.aclose()


async def test_the_checked_address_is_called_by_its_name() -> None:
    """Nobody asks what the name means a second time: it has no address but the one that was checked."""
    with listening(b"HTTP/1.1 204 No Content\r\n\r\n") as (port, received):
        assert await post(port) == 204
    head = received[0].decode().lower()
    assert head.startswith("post /hook?a=b http/1.1\r\n")
    assert f"\r\nhost: app.example.org:{port}\r\n" in head
    assert "\r\nwebhook-id: evt_1\r\n" in head


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with listening(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n") as (port, _):
        assert await post(port) == 302


async def test_what_comes_with_an_answer_is_not_waited_for() -> None:
    with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nonly this") as (port, _):
        assert await post(port) == 200


async def test_an_answer_that_comes_too_slowly_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        messenger = Messenger(total_timeout_s=0.05)
        to = await find_destination(
            f"http://127.0.0.1:{silent.getsockname()[1]}/", allow_private=True, resolve=answering()
        )
        with pytest.raises(Unreachable, match="timed out"):
            await messenger.post(to, headers={}, body=b"{}")
        await messenger.aclose()


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000])
async def test_what_is_no_answer_is_a_failure_that_says_nothing_of_what_was_sent(answer: bytes) -> None:
    with listening(answer) as (port, _), pytest.raises(Unreachable) as failure:
        await post(port)
    assert str(failure.value).isidentifier()
