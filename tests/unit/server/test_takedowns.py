"""Takedowns through the front door without a socket: what is refused, what is written down, and what fails closed."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import apsw
import pytest

from yuefu.access.audit import Author, verify
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain
from yuefu.rights.takedown import BadScope, CaseEnded, NewCase, NothingHit, Scope
from yuefu.server import takedowns
from yuefu.server.http.site import Site
from yuefu.server.takedowns import read_song_ids, take_down, undo
from yuefu.storage.fence import LEASE_S

SONG, ACCOMPANIMENT, CLIP = range(3)
MEI = Author(actor="cli:mei", origin="host")
NO_LYRIC, NO_RIGHTS = 1017048, 1017030


def case_of(world: Any, *songs: str, is_banned: bool = False, in_ms: int = 0, **scope: Any) -> NewCase:
    named = tuple(world.songs[song] for song in songs)
    from_ms = world.now_us // 1_000 + in_ms
    return NewCase(scope=Scope(songs=named, **scope), reason="版权到期", is_banned=is_banned, from_ms=from_ms)


def hide(world: Any, *songs: str, **changes: Any) -> int:
    return take_down(world.centre, case_of(world, *songs, **changes), MEI).case_id


def allowed(world: Any, song: str = "whole") -> int:
    right: int = world.ask(**{"SongsId[]": world.ids(song)})["Data"]["Copyright"][0]["Right"]
    return right


def lyric_code(world: Any) -> int:
    query = world.query(Action="DescribeSongLyric", SongId=world.ids("whole")[0], **{"SongsId[]": None})
    code: int = world.http().get(f"/?{query.decode()}").json()["Code"]
    return code


def test_what_is_taken_down_is_given_to_nobody_until_it_is_undone(world: Any) -> None:
    member = world.member()
    granted = member.granted(resource_type=ACCOMPANIMENT)
    resource_id, krc = granted["resources"][0]["resource_id"], {"krc_token": granted["krc_token"]}
    case_id = hide(world, "whole")
    assert allowed(world) == 0
    assert lyric_code(world) == 320010009
    assert member.request(resource_type=CLIP)["code"] == NO_RIGHTS
    assert member.call("get_krc_lyric_by_token", **krc)["code"] == NO_LYRIC
    refused = member.download(resource_id)
    assert (refused.status_code, refused.json()["code"]) == (410, NO_RIGHTS)
    assert allowed(world, "sung only") == 1
    undo(world.centre, case_id, MEI)
    assert (allowed(world), lyric_code(world)) == (1, 0)
    assert member.download(resource_id).status_code == 200, "the grant has its life still"
    assert member.call("get_krc_lyric_by_token", **krc)["lines"]


def test_a_takedown_to_come_holds_from_its_instant(world: Any) -> None:
    member = world.member()
    resource_id = member.resource_id(resource_type=CLIP)
    hide(world, "whole", in_ms=1_000)
    world.wait(999)
    assert member.download(resource_id).status_code == 200
    world.wait(1)
    assert member.download(resource_id).status_code == 410
    assert allowed(world) == 0


def test_the_report_says_what_was_hit_and_who_had_it(world: Any) -> None:
    for room in ("包厢", "大厅"):
        world.member().granted(resource_type=CLIP, room_id=room)
    world.member().granted("sung only", resource_type=CLIP, room_id="包厢")
    scope = Scope(songs=(world.songs["whole"], SongId(7)), vendor_id=VendorId(1))
    case = NewCase(scope=scope, reason="x", is_banned=False, from_ms=world.now_us // 1_000)
    report = take_down(world.centre, case, MEI)
    assert (report.songs, report.unknown) == ((world.songs["whole"],), (SongId(7),))
    assert (report.grants_revoked, report.rooms_affected) == (2, 2)


def test_both_are_in_the_audit_with_who_and_why(world: Any) -> None:
    case_id = hide(world, "whole")
    undo(world.centre, case_id, Author(actor="admin:lan", origin="10.0.0.7"))
    taken, laid, lifted, undone = (written.entry for written in world.centre.audit.entries())
    assert (taken.action, taken.subject, taken.actor, taken.origin) == (
        "takedown",
        f"case {case_id}",
        *("cli:mei", "host"),
    )
    assert taken.detail["scope"] == {"songs": [world.songs["whole"]]}
    assert (taken.detail["reason"], taken.detail["songs"], taken.detail["is_banned"]) == ("版权到期", 1, False)
    assert (undone.action, undone.subject, undone.actor) == ("takedown.undo", f"case {case_id}", "admin:lan")
    for entry, action, actor, revision in (
        (laid, "takedown.lay", "cli:mei", 1),
        (lifted, "takedown.lift", "admin:lan", 2),
    ):
        assert (entry.action, entry.subject, entry.actor) == (action, f"song {world.songs['whole']}", actor)
        assert (entry.before_revision, entry.after_revision) == (revision, revision + 1)
        assert entry.detail == {"case": case_id}


def test_every_song_of_a_case_of_several_transactions_has_its_entries(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takedowns, "SLICE", 5)
    case_id = hide(world, vendor_id=VendorId(1))
    undo(world.centre, case_id, MEI)
    entries = [written.entry for written in world.centre.audit.entries()]
    hit = {f"song {song_id}" for name, song_id in world.songs.items() if name != "of vendor 2"}
    for action in ("takedown.lay", "takedown.lift"):
        subjects = [entry.subject for entry in entries if entry.action == action]
        assert (set(subjects), len(subjects)) == (hit, len(hit))
    assert verify(world.centre.audit.entries()).count == len(entries)


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "one\ntwo", "one\u2028two", "\x00"])
def test_a_reason_that_would_draw_on_a_terminal_is_refused(world: Any, text: str) -> None:
    case = NewCase(scope=Scope(songs=(world.songs["whole"],)), reason=text, is_banned=False, from_ms=0)
    with pytest.raises(BadScope, match="the reason has control characters"):
        take_down(world.centre, case, MEI)
    assert world.centre.takedowns.cases() == []


def test_a_takedown_of_nothing_leaves_nothing_and_a_ban_waits_for_its_song(world: Any) -> None:
    with pytest.raises(NothingHit):
        hide(world, singer="无名")
    assert world.centre.takedowns.cases() == []
    assert list(world.centre.audit.entries()) == []
    hide(world, singer="无名", is_banned=True)
    assert len(world.centre.takedowns.cases()) == 1


def test_a_new_deal_ends_a_takedown_and_not_a_ban(world: Any) -> None:
    hide(world, "whole")
    world.record_deal("whole", *Chain)
    assert allowed(world) == 1
    ban = hide(world, "whole", is_banned=True)
    world.record_deal("whole", *Chain)
    assert allowed(world) == 0
    undo(world.centre, ban, MEI)
    assert allowed(world) == 1


@pytest.mark.parametrize("size", [1, 3, 4, 12, 13, 100])
def test_one_case_may_take_several_transactions(world: Any, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(takedowns, "SLICE", size)
    vendor_1 = [name for name in world.songs if name != "of vendor 2"]
    case_id = hide(world, vendor_id=VendorId(1))
    assert world.centre.takedowns.case(case_id).songs == len(vendor_1) == 12
    assert not any(allowed(world, song) for song in vendor_1)
    assert undo(world.centre, case_id, MEI) == 12
    assert [allowed(world, song) for song in ("whole", "sung only", "played only")] == [1, 1, 1]
    with pytest.raises(CaseEnded):
        undo(world.centre, case_id, MEI)


def test_a_takedown_returns_once_the_answers_under_way_have_left(world: Any) -> None:
    with world.centre.fence.passage() as passage:
        passage.enter()
    with pytest.raises(BadScope):
        Scope()
    hide(world, "whole")


def test_a_list_of_ids_is_read_as_people_write_it() -> None:
    text = "\ufeff100000001\r\n\n  100000002  # 茉莉花\n# 全部\n100000001\n"
    assert read_song_ids(text.encode(), file="ids.txt") == ([SongId(100_000_001), SongId(100_000_002)], ())
    ids, findings = read_song_ids(b"7\n07\n1,2\n\xff\n7 8\n", file="ids.txt")
    assert ids == [SongId(7)]
    assert [finding.line for finding in findings] == [2, 3, 4, 5]


# When the truth cannot be asked.


@contextmanager
def broken_reads(world: Any, error: type[Exception], words: str) -> Iterator[None]:
    """SQLite answers no statement that reads rights; sessions and apps are still found."""

    def trace(_: Any, statement: str, __: Any) -> bool:
        if any(word in statement for word in words.split()):
            raise error("injected")
        return True

    reader = world.centre.view.reader
    reader.set_exec_trace(trace)
    try:
        yield
    finally:
        reader.set_exec_trace(None)


@pytest.mark.parametrize("error", [apsw.BusyError, apsw.IOError, apsw.CorruptError])
@pytest.mark.parametrize("words", ["song_rights data_version", "song_rights", "data_version"])
def test_rights_that_cannot_be_asked_are_refused_and_never_remembered(
    world: Any, error: type[Exception], words: str
) -> None:
    member = world.member()
    granted = member.granted(resource_type=ACCOMPANIMENT)
    resource_id = granted["resources"][0]["resource_id"]
    assert allowed(world) == 1
    case_id = hide(world, "whole")
    with broken_reads(world, error, words):
        answer = world.ask()
        assert answer["Code"] in {320050002, 320050004}
        assert "Data" not in answer
        assert lyric_code(world) != 0
        assert member.request()["code"] != 0
        assert "lines" not in member.call("get_krc_lyric_by_token", krc_token=granted["krc_token"])
        refused = member.download(resource_id)
        assert refused.status_code in {410, 500, 503}
    undo(world.centre, case_id, MEI)
    assert allowed(world) == 1


def test_an_answer_that_took_as_long_as_the_lease_is_refused(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    member = world.member()
    granted = member.granted(resource_type=ACCOMPANIMENT)
    clock = iter(range(1_000))
    monkeypatch.setattr(world.centre.fence, "now_s", lambda: next(clock) * LEASE_S)
    assert lyric_code(world) == 320050002
    assert member.request()["code"] == 1017097
    assert member.call("get_krc_lyric_by_token", krc_token=granted["krc_token"])["code"] == 1017097
    refused = member.download(granted["resources"][0]["resource_id"])
    assert (refused.status_code, refused.json()["code"]) == (503, 1017097)
    assert allowed(world) == 1, "what hands out no music needs no lease"


# Between the asking and the answer.


def under_way(
    world: Any, member: Any, path: str, *, method: str, body: bytes, meanwhile: Callable[[str], None]
) -> list[Any]:
    """What is sent to a call; `meanwhile` is told before each message of the answer is handed over."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        meanwhile(message["type"])
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"host", b"centre"), (b"authorization", f"Bearer {member.session}".encode())],
        "http_version": "1.1",
        "extensions": {},
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }
    asyncio.run(Site(world.centre)(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    "call", ["request_resource", "get_lrc_lyric", "get_krc_lyric_by_token", "get_standard_pitch", "media"]
)
def test_an_answer_is_inside_until_it_was_handed_over(world: Any, call: str) -> None:
    member = world.member()
    granted = member.granted(resource_type=ACCOMPANIMENT)
    resource_id = granted["resources"][0]["resource_id"]
    fields = {
        "request_resource": f'{{"song_id": "{world.songs["whole"]}"}}',
        "get_lrc_lyric": f'{{"song_id": "{world.songs["whole"]}"}}',
        "get_krc_lyric_by_token": f'{{"krc_token": "{granted["krc_token"]}"}}',
        "get_standard_pitch": f'{{"resource_id": "{resource_id}"}}',
        "media": "",
    }
    path = f"/client/v1/resources/{resource_id}/0" if call == "media" else f"/client/v1/{call}"
    inside: list[bool] = []

    def look(_: str) -> None:
        inside.append(any(gate.is_locked for gate in world.centre.fence._gates))

    method = "GET" if call == "media" else "POST"
    sent = under_way(world, member, path, method=method, body=fields[call].encode(), meanwhile=look)
    assert sent[0]["status"] == 200
    assert inside[:2] == [True, True]
    assert not any(gate.is_locked for gate in world.centre.fence._gates), "all have left"


def test_a_grant_that_was_withdrawn_while_it_was_written_is_not_handed_out(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The takedown commits between the grant's commit and its answer."""
    member = world.member()
    enter = world.centre.fence.enter

    def enter_late() -> Any:
        monkeypatch.setattr(world.centre.fence, "enter", enter)
        hide(world, "whole")
        return enter()

    monkeypatch.setattr(world.centre.fence, "enter", enter_late)
    assert member.request()["code"] == NO_RIGHTS
    assert [row["song_id"] for row in world.rows("charges JOIN grants USING (grant_id)")] == [world.songs["whole"]]


def test_a_download_that_was_withdrawn_before_its_first_byte_is_refused_as_such(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = world.member()
    resource_id = member.resource_id(resource_type=CLIP)
    enter = world.centre.fence.enter

    def enter_late() -> Any:
        monkeypatch.setattr(world.centre.fence, "enter", enter)
        hide(world, "whole")
        return enter()

    monkeypatch.setattr(world.centre.fence, "enter", enter_late)
    refused = member.download(resource_id)
    assert (refused.status_code, refused.json()["code"]) == (410, NO_RIGHTS)
