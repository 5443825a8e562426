"""The change feed as the SDK reads it."""

import json
from typing import Any

import httpx2
import msgspec
import pytest
from tests.unit.client.conftest import BASE_URL, SERVER_SECRET

from yuefu.client import (
    BadAnswer,
    BadParameter,
    Busy,
    Change,
    NotAuthenticated,
    SignedClient,
    SignedClientSync,
    iterate_changes,
    iterate_changes_sync,
)

OPTIONS: dict[str, Any] = {"app_id": 12345, "server_secret": SERVER_SECRET, "user_id": "茉莉", "territory": "JP"}
ROW = {
    "song_id": "1",
    "vendor_id": 1,
    "kind": "added",
    "at": "2026-11-20T08:00:00.000Z",
    "right": 1,
    "song_lyric": 1,
    "recording": 0,
    "channel": 0,
    "rights_revision": 3,
}


def page(cursor: str, *song_ids: str, more: bool = False) -> httpx2.Response:
    rows = [{**ROW, "song_id": song_id, "one more": "field"} for song_id in song_ids]
    return httpx2.Response(200, json={"changes": rows, "next": cursor, "more": more})


def refused(status: int, code: int, detail: str) -> httpx2.Response:
    problem = {"type": "about:blank", "title": "No", "status": status, "detail": detail, "code": code}
    return httpx2.Response(status, content=json.dumps({**problem, "request_id": "r-1"}))


def test_changes_are_read_and_asked_for_with_what_is_given(signed: Any, centre: Any) -> None:
    centre.will(page("c1", "1"), page("c2"))
    first = signed.changes()
    assert first.changes == [msgspec.convert(ROW, Change)]
    assert (first.next, first.more) == ("c1", False)
    assert signed.changes("c1", limit=7, territory="SE").changes == []
    first_asked, then_asked = (request.url for request in centre.requests)
    assert first_asked.path == "/v1/changes"
    assert (first_asked.params["limit"], "after" in first_asked.params) == ("100", False)
    named = {name: then_asked.params[name] for name in ("after", "limit", "territory")}
    assert named == {"after": "c1", "limit": "7", "territory": "SE"}


def test_every_attempt_is_signed_anew(signed: Any, centre: Any) -> None:
    centre.will(httpx2.ConnectError("no"), page("c1"))
    signed.changes()
    first, second = (request.headers.get("signature") or request.url.params["Signature"] for request in centre.requests)
    assert first != second


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (refused(400, 320000004, "after: no cursor of this centre"), BadParameter, "after"),
        (refused(401, 100000005, "Signature: not the one of these values"), NotAuthenticated, "r-1"),
        (httpx2.Response(404, text="nothing here"), BadAnswer, "404"),
        (httpx2.Response(200, json={"changes": []}), BadAnswer, "next"),
        (httpx2.Response(200, text="nonsense"), BadAnswer, "data"),
    ],
)
def test_refusals_are_the_errors_that_their_codes_mean(
    signed: Any, centre: Any, answer: httpx2.Response, kind: type[Exception], says: str
) -> None:
    centre.will(answer)
    with pytest.raises(kind, match=says):
        signed.changes("c1")


def test_a_busy_centre_is_asked_again(signed: Any, centre: Any) -> None:
    centre.will(*[httpx2.Response(503, text="busy")] * 4)
    with pytest.raises(Busy):
        signed.changes()


def test_pages_are_asked_for_until_there_is_no_more(centre: Any) -> None:
    centre.will(page("c1", "1", more=True), page("c2", more=True), page("c3", "2"))
    with SignedClientSync(BASE_URL, transport=centre.transport, **OPTIONS) as client:
        pages = list(iterate_changes_sync(client.changes, after="c0", limit=2))
    assert [[change.song_id for change in each.changes] for each in pages] == [["1"], [], ["2"]]
    assert [request.url.params["after"] for request in centre.requests] == ["c0", "c1", "c2"]
    assert {request.url.params["limit"] for request in centre.requests} == {"2"}
    assert {request.url.params["territory"] for request in centre.requests} == {"JP"}


async def test_they_are_for_an_event_loop(centre: Any) -> None:
    centre.will(page("c1", "1", more=True), page("c2", "2"))
    async with SignedClient(BASE_URL, transport=centre.transport, **OPTIONS) as client:
        pages = [each async for each in iterate_changes(client.changes)]
    assert [each.next for each in pages] == ["c1", "c2"]
