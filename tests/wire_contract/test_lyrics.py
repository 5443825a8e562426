"""Lyrics and pitch lines: with exactly the fields of the contract, at every vendor; and their codes."""

from typing import Any

import pytest
from tests.wire_contract.conftest import APPS, Asker
from tests.wire_contract.contract import VENDORS, check, contract

CALLS: dict[str, dict[str, Any]] = contract()["bare_calls"]
ACCOMPANIMENT = 1


def request(asker: Asker, vendor: int, name: str = "whole", **body: Any) -> Any:
    asker.world.wait(20)
    song_id = asker.song_id(name, vendor or 1)
    given = {"song_id": song_id, "vendor_id": vendor, "resource_type": ACCOMPANIMENT} | body
    answer = asker.member().call("request_resource", **given)
    assert answer["code"] == 0, answer
    return answer["data"]


def resource_id(asker: Asker, vendor: int = 1, name: str = "whole", **body: Any) -> str:
    found: str = request(asker, vendor, name, **body)["resources"][0]["resource_id"]
    return found


def lrc(asker: Asker, *, app: str = "all", **body: Any) -> Any:
    asker.world.wait(20)
    return asker.member(app).call("get_lrc_lyric", **body)


@pytest.mark.parametrize("vendor", [0, *VENDORS])
def test_line_lyrics_have_exactly_their_fields(asker: Asker, vendor: int) -> None:
    answer = lrc(asker, song_id=asker.song_id("whole", vendor or 1), vendor_id=vendor)
    check(answer, CALLS["get_lrc_lyric"]["result"], vendor=vendor or 1)
    assert [line["content"] for line in answer["lines"]] == ["好花"] * 3


@pytest.mark.parametrize("vendor", [0, *VENDORS])
def test_word_lyrics_have_exactly_their_fields(asker: Asker, vendor: int) -> None:
    token = request(asker, vendor)["krc_token"]
    answer = asker.member().call("get_krc_lyric_by_token", krc_token=token)
    check(answer, CALLS["get_krc_lyric_by_token"]["result"], vendor=vendor or 1)


@pytest.mark.parametrize("vendor", [0, *VENDORS])
def test_a_pitch_line_has_exactly_its_fields_and_comes_twice(asker: Asker, vendor: int) -> None:
    answer = asker.member().call("get_standard_pitch", resource_id=resource_id(asker, vendor))
    check(answer, CALLS["get_standard_pitch"]["result"], vendor=vendor or 1)
    assert answer["data"]["pitch"] == answer["pitch"]
    assert [(note["begin_time"], note["value"]) for note in answer["pitch"]] == [
        (10_000, 10),
        (12_000, 69),
        (14_000, 64),
        (16_000, 90),
    ]


def refused_pitch(asker: Asker, **body: Any) -> Any:
    return asker.member().call("get_standard_pitch", **body)


WAYS: dict[str, dict[int, Any]] = {
    "get_lrc_lyric": {
        1017002: lrc,
        1017048: lambda asker: lrc(asker, song_id=asker.song_id("unlicensed", 1)),
        1017052: lambda asker: lrc(asker, app="only 1", song_id="1", vendor_id=2),
        1017071: lambda asker: lrc(asker, song_id="1", vendor_id=3),
        1017072: lambda asker: lrc(asker, song_id=asker.song_id("whole", 2), vendor_id=1),
    },
    "get_standard_pitch": {
        1017004: refused_pitch,
        1017018: lambda asker: refused_pitch(asker, resource_id="z_1_2"),
        1017020: lambda asker: refused_pitch(asker, resource_id=resource_id(asker, resource_type=0)),
    },
}
"""Those that change nothing of the centre; the others are tried beside the rooms they come from."""


@pytest.mark.parametrize(("call", "code"), [(call, code) for call, ways in WAYS.items() for code in ways])
def test_a_code_is_answered_without_anything_else(asker: Asker, call: str, code: int) -> None:
    assert code in CALLS[call]["codes"]
    answer = WAYS[call][code](asker)
    assert set(answer) == {"code", "message", "request_id"}
    assert answer["code"] == code


@pytest.mark.parametrize("call", CALLS)
def test_without_a_session_nothing_else_is_looked_at(asker: Asker, call: str) -> None:
    assert asker.world.post(call, {}, "nobody")["code"] == 1017096
    assert asker.world.post(call, {})["code"] == 1017096


@pytest.mark.parametrize("call", CALLS)
def test_what_is_of_another_type_or_far_too_long_is_illegal(asker: Asker, call: str) -> None:
    for name, parameter in CALLS[call]["parameters"].items():
        wrong: list[Any] = [None, [], {}, 1.5, True] + ([7, "长" * 5_000] if parameter["type"] == "string" else ["1"])
        for value in wrong:
            answer = asker.member().call(call, **{name: value})
            assert (answer["code"], answer["message"].partition(":")[0]) == (1017040, name), value


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"7", b'{"a":' * 5_000, b" " * 70_000 + b"{}"])
def test_what_is_no_object_is_illegal(asker: Asker, call: str, body: bytes) -> None:
    assert asker.world.post(call, body, asker.member().session)["code"] == 1017040


def test_line_lyrics_are_counted_as_their_action_is(own_asker: Asker) -> None:
    app = own_asker.world.add_app(777, vendors=APPS["all"].vendors, quotas={"DescribeSongLyric": 1})
    member = own_asker.world.member(app)
    body = {"song_id": own_asker.song_id("whole", 1)}
    codes = [member.call("get_lrc_lyric", **body).get("code", 0) for _ in range(3)]
    assert codes == [0, 1017097, 1017097]
    assert "lines" in own_asker.world.member(app, "another").call("get_lrc_lyric", **body)
