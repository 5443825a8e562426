"""`get_krc_lyric_by_token`: word lyrics for whoever holds a token of their own app, while the song may be sung."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuefu.access.tickets import KrcTicket, seal_krc_ticket
from yuefu.ids import AppId, SongId
from yuefu.rights.deal import Chain, Terms
from yuefu.units import HOUR_MS

EMPTY, MALFORMED, EXPIRED, NO_LYRIC, ILLEGAL = 1017008, 1017046, 1017047, 1017048, 1017040
ACCOMPANIMENT = 1


@pytest.fixture
def member(world: Any) -> Any:
    return world.member()


def token_of(member: Any, song: str = "whole", resource_type: int = ACCOMPANIMENT) -> str:
    token: str = member.granted(song, resource_type)["krc_token"]
    return token


def fetch(member: Any, token: Any) -> Any:
    return member.call("get_krc_lyric_by_token", krc_token=token)


def refusal(answer: Any) -> int:
    assert answer.keys() == {"code", "message", "request_id"}
    assert answer["message"].startswith("krc_token: ")
    code: int = answer["code"]
    return code


@pytest.mark.parametrize("resource_type", [1, 2, 3])
def test_the_lyric_is_a_bare_object_of_the_whole_song(member: Any, resource_type: int) -> None:
    assert fetch(member, token_of(member, resource_type=resource_type)) == {
        "lines": [
            {
                "begin_time": 10_000,
                "duration": 2_000,
                "content": "好花",
                "words": [
                    {"offset": 0, "duration": 900, "word": "好"},
                    {"offset": 1_000, "duration": 1_000, "word": "花"},
                ],
            }
        ],
        "krc_format_offset": 0,
        "ti": "whole",
        "ar": "甲/乙",
        "al": "民歌",
        "lenght": 200_000,
    }


def test_a_song_that_is_only_listened_to_has_no_krc_token(member: Any) -> None:
    assert "krc_token" not in member.granted(resource_type=0)


def test_a_token_is_good_for_every_session_of_its_app(world: Any, member: Any) -> None:
    token = token_of(member)
    assert "lines" in fetch(world.member(user_id="another"), token)


@pytest.mark.parametrize("body", [{}, {"krc_token": ""}])
def test_an_empty_token_has_its_own_code(member: Any, body: dict[str, str]) -> None:
    assert refusal(member.call("get_krc_lyric_by_token", **body)) == EMPTY


@pytest.mark.parametrize("token", ["nonsense", "a" * 4_096, "茉莉", "=", "04AAAA", "\x00", "a.b.c"])
def test_what_is_no_token_is_malformed(member: Any, token: str) -> None:
    assert refusal(fetch(member, token)) == MALFORMED


@pytest.mark.parametrize("token", [7, None, [], {}, "x" * 4_097], ids=repr)
def test_what_is_no_text_or_far_too_long_is_an_illegal_parameter(member: Any, token: Any) -> None:
    assert refusal(fetch(member, token)) == ILLEGAL


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 200), letter=st.sampled_from("Aa0_-"))
def test_an_altered_token_is_malformed(member: Any, place: int, letter: str) -> None:
    token = token_of(member)
    place %= len(token) - 1  # the last letter carries bits that mean nothing
    if token[place] != letter:
        assert refusal(fetch(member, token[:place] + letter + token[place + 1 :])) == MALFORMED


def test_another_apps_token_reads_as_no_token_at_all(world: Any, member: Any) -> None:
    token, stranger = token_of(member), world.member(world.add_app(99))
    foreign, nonsense = fetch(stranger, token), fetch(stranger, "nonsense")
    assert refusal(foreign) == MALFORMED
    assert foreign["message"] == nonsense["message"]


def test_a_token_is_good_for_twelve_hours(world: Any, member: Any) -> None:
    token = token_of(member)
    world.wait(12 * HOUR_MS - 1)
    assert "lines" in fetch(member, token)
    world.wait(1)
    assert refusal(fetch(member, token)) == EXPIRED


def test_rights_that_have_gone_take_the_lyric_with_them(world: Any, member: Any) -> None:
    token = token_of(member)
    world.record_deal("whole", Chain.RECORDING, terms=())
    assert "lines" in fetch(member, token)
    world.record_deal("whole", Chain.WORK, terms=())
    assert refusal(fetch(member, token)) == NO_LYRIC
    world.record_deal("whole", Chain.WORK, terms=(Terms(),))
    assert "lines" in fetch(member, token)


def test_a_removed_song_has_no_lyric(world: Any, member: Any) -> None:
    token = token_of(member)
    world.remove("whole")
    assert refusal(fetch(member, token)) == NO_LYRIC


@pytest.mark.parametrize("song", ["no words", "no highlight"])
def test_a_song_without_word_lyrics_says_so(member: Any, song: str) -> None:
    assert refusal(fetch(member, token_of(member, song))) == NO_LYRIC


def test_a_ticket_for_a_song_that_never_was_has_no_lyric(world: Any, member: Any) -> None:
    ticket = KrcTicket(app_id=AppId(12345), song_id=SongId(1), expires_at_ms=world.now_us)
    assert refusal(fetch(member, seal_krc_ticket(ticket, world.centre.keys))) == NO_LYRIC
