"""Every code that an Action can answer is answered."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import apsw
import pytest
from tests.wire_contract.conftest import APPS, Asker
from tests.wire_contract.contract import OPERATIONS, contract, is_in_order

CODES = contract()["codes"]["server"]
BY_ACTIONS = {code for code, facts in CODES.items() if facts.get("answered_by_actions", True)}


def tags(asker: Asker, **common: Any) -> Any:
    return asker.action("DescribeTags", {}, **common)


def song(asker: Asker, action: str, name: str) -> Any:
    return asker.action(action, {"SongId": asker.song_id(name, 1)}, vendor=1)


def one_too_many(asker: Asker) -> Any:
    """The clock stands still, so that the burst is all there is."""
    for _ in range(contract()["rate"]["burst"]):
        assert asker.world.ask(APPS["hurried"], Action="DescribeTags")["Code"] == 0
    return asker.world.ask(APPS["hurried"], Action="DescribeTags")


class BrokenReader:
    """A connection on which every statement fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def execute(self, *_: Any) -> Any:
        raise self._error


def with_broken_reader(asker: Asker, error: Exception) -> Any:
    asker.world.centre.listings._database = replace_reader(asker, error)  # type: ignore[attr-defined]
    return asker.action("DescribeAccompanyClipStatus", {"SongId": asker.song_id("whole", 1)}, vendor=1)


def replace_reader(asker: Asker, error: Exception) -> Any:
    class Database:
        reader = BrokenReader(error)

    return Database()


def with_failing_port(asker: Asker, error: Exception) -> Any:
    class Programme:
        def tag_groups(self) -> Any:
            raise error

    asker.world.centre = replace(asker.world.centre, programme=Programme())  # type: ignore[arg-type]
    return tags(asker)


def with_lost_blob(asker: Asker) -> Any:
    for path in (asker.world.folder / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    return song(asker, "DescribeSongLyric", "whole")


WAYS: dict[int, Callable[[Asker], Any]] = {
    0: tags,
    100000004: lambda asker: tags(asker, Timestamp=asker.world.now_s - 601),
    100000005: lambda asker: tags(asker, Signature="0" * 32),
    320000002: one_too_many,
    320000004: lambda asker: asker.action("QueryTips", {}),
    320010000: lambda asker: tags(asker, app="disabled"),
    320010001: lambda asker: tags(asker, app="unbilled"),
    320010009: lambda asker: song(asker, "DescribeSongLyric", "bare"),
    320010013: lambda asker: tags(asker, app="only 1", vendor=2),
    320010014: lambda asker: asker.action("DescribeSongExtra", {}, vendor=2),
    320040001: lambda asker: tags(asker, vendor=3),
    320040002: lambda asker: tags(asker, AppId=99999),
    320040004: lambda asker: asker.action("DescribeSongExtra", {"SongId": "1"}),
    320040005: lambda asker: asker.action("QuerySong", {"Keyword": "茉莉", "Page": 0}),
    320040008: lambda asker: asker.action("DescribeTopSongs", {"TopId": "22004", "Page": 1}, vendor=1),
    320050000: lambda asker: with_failing_port(asker, KeyError("a bug of ours")),
    320050002: lambda asker: with_broken_reader(asker, apsw.BusyError("database is locked")),
    320050003: with_lost_blob,
    320050004: lambda asker: with_broken_reader(asker, apsw.IOError("disk I/O error")),
}


def test_every_code_of_the_contract_is_tried_here() -> None:
    assert set(WAYS) == BY_ACTIONS


@pytest.mark.parametrize("code", WAYS)
def test_a_code_is_answered(own_asker: Asker, code: int) -> None:
    answer = WAYS[code](own_asker)
    assert answer["Code"] == code
    assert set(answer) == {"Code", "Message", "RequestId"} | ({"Data"} if code == 0 else set())


@pytest.mark.parametrize("code", [320050000, 320050002, 320050003, 320050004])
def test_a_fault_says_nothing_of_its_inside(own_asker: Asker, code: int) -> None:
    message = WAYS[code](own_asker)["Message"]
    for secret in ("bug", "locked", "I/O", "blobs", "/", "Traceback", "Error"):
        assert secret not in message


def test_a_fault_passes_when_its_cause_does(own_asker: Asker) -> None:
    whole = own_asker.world.centre
    assert with_failing_port(own_asker, OSError("the disk is gone"))["Code"] == 320050003
    own_asker.world.centre = whole
    assert tags(own_asker)["Code"] == 0


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["action"])
@pytest.mark.parametrize("app", ["disabled", "unbilled", "by room"])
def test_an_app_that_may_not_is_told_so_whatever_it_asks(asker: Asker, operation: dict[str, Any], app: str) -> None:
    answer = asker.action(operation["action"], asker.params(operation, 1), vendor=1, app=app)
    assert answer["Code"] == {"disabled": 320010000, "unbilled": 320010001, "by room": 320000004}[app]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["action"])
def test_an_app_billed_by_room_says_which(asker: Asker, operation: dict[str, Any]) -> None:
    answer = asker.action(operation["action"], asker.params(operation, 1), vendor=1, app="by room", RoomId="包厢")
    assert answer["Code"] == 0


def test_a_refusal_is_the_first_of_its_order(asker: Asker) -> None:
    """Everything is wrong at once; each step puts one more thing right (decision G14)."""
    wrong: dict[str, Any] = {
        "Action": "Nothing",
        "SignatureVersion": "1.0",
        "AppId": 99999,
        "Timestamp": 1_600_000_000,
        "Signature": "0" * 32,
        "VendorId": 3,
    }
    steps: list[tuple[dict[str, Any], int]] = [
        ({"Action": "QuerySong"}, 320000004),
        ({"SignatureVersion": "2.0"}, 320000004),
        ({"AppId": None}, 320040002),
        ({"Timestamp": None}, 100000004),
        ({"Signature": None}, 100000005),
        ({"VendorId": 1}, 320040001),
        ({"Keyword": "茉莉", "Page": 0}, 320000004),
        ({"Page": 1}, 320040005),
        ({}, 0),
    ]
    assert is_in_order([code for _, code in steps if code], "server")
    for right, code in steps:
        changes = {name: value for name, value in wrong.items() if value is not None}
        answer = asker.action(changes.pop("Action"), {}, vendor=changes.pop("VendorId", None), **changes)
        assert answer["Code"] == code, changes
        wrong |= right
