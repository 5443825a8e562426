"""What answers where: Actions at `/`, a page for browsers, and everything else by its own path."""

import json
from typing import Any

import pytest

from yuefu.server.http.edge import MAX_BODY_BYTES, read_body

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def action(world: Any, method: str = "GET", **options: Any) -> Any:
    """What `/` says to a good question; always HTTP 200 and JSON."""
    reply = world.http().request(method, f"/?{options.pop('query', None) or world.query().decode()}", **options)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    return reply.json()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("headers", [{}, HTML, {"accept": "*/*"}], ids=["none", "browser", "any"])
def test_an_action_is_answered_whoever_asks(world: Any, method: str, headers: dict[str, str]) -> None:
    assert action(world, method, headers=headers)["Code"] == 0


@pytest.mark.parametrize("query", ["a=b", "Action=Nothing", "%ff", "Action=QuerySongsCopyright"])
def test_a_refusal_is_answered_with_http_200_too(world: Any, query: str) -> None:
    assert action(world, query=query)["Code"] == 320000004


def test_a_body_comes_through(world: Any) -> None:
    asked = world.ids("ended", "whole")
    query = world.query(**{"SongsId[]": None}).decode()
    answer = action(world, "POST", query=query, content=json.dumps({"SongsId": asked}).encode())
    assert [row["SongId"] for row in answer["Data"]["Copyright"]] == asked


def test_a_form_comes_through(world: Any) -> None:
    query = world.query(**{"SongsId[]": None}).decode()
    answer = action(world, "POST", query=query, data={"SongsId[]": world.ids("ended", "whole")})
    assert [row["SongId"] for row in answer["Data"]["Copyright"]] == world.ids("ended", "whole")


def test_a_large_body_is_refused_by_name(world: Any) -> None:
    answer = action(world, "POST", content=b"x" * 10_000_000)
    assert (answer["Code"], answer["Message"].partition(":")[0]) == (320000004, "body")


def test_the_body_of_a_get_is_not_read(world: Any) -> None:
    assert action(world, "GET", content=b"{")["Code"] == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_nothing_else_can_be_done_at_the_root(world: Any, method: str) -> None:
    assert world.http().request(method, f"/?{world.query().decode()}").status_code == 405


def test_a_browser_gets_a_page(world: Any) -> None:
    reply = world.http().get("/", headers=HTML)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/html")
    assert "乐府" in reply.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_server_says_that_it_is_well(world: Any, path: str) -> None:
    assert world.http().get(path).status_code == 200


@pytest.mark.parametrize("path", ["/nothing", "/client/v1/nothing", "/client/v1/resources/z_1_1", "/client/v1/init"])
def test_what_is_not_there_is_neither_a_stack_trace_nor_our_fault(world: Any, path: str) -> None:
    reply = world.http().get(path)
    assert reply.status_code in {404, 405}
    assert "Traceback" not in reply.text


class Wire:
    """A request's body in pieces, as the server hands them over."""

    def __init__(self, *pieces: bytes, breaks_off: bool = False) -> None:
        self.messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        self.messages.append({"type": "http.disconnect"} if breaks_off else {"type": "http.request"})

    async def receive(self) -> Any:
        return self.messages.pop(0)


async def test_a_body_in_pieces_is_read_whole() -> None:
    assert await read_body(Wire(b"one ", b"", b"two").receive) == b"one two"


async def test_a_body_that_breaks_off_is_what_came_of_it() -> None:
    assert await read_body(Wire(b"one ", breaks_off=True).receive) == b"one "


async def test_a_body_is_read_no_further_than_its_limit() -> None:
    wire = Wire(*[b"x" * 1_000] * 200)
    assert len(await read_body(wire.receive)) == MAX_BODY_BYTES + 1
    assert len(wire.messages) > 100
