"""`get_lrc_lyric`: line lyrics for any session, while the song may be played or sung."""

from typing import Any

import pytest

from yuefu.rights.deal import Chain, Terms
from yuefu.units import SECOND_MS

SONG_EMPTY, ILLEGAL, NO_LYRIC, NOT_GRANTED, NO_VENDOR, NO_SONG = 1017002, 1017040, 1017048, 1017052, 1017071, 1017072


@pytest.fixture
def member(world: Any) -> Any:
    return world.member()


def fetch(member: Any, song: str = "whole", **body: Any) -> Any:
    return member.call("get_lrc_lyric", **({"song_id": str(member.world.songs[song])} | body))


def refusal(answer: Any, parameter: str = "song_id") -> int:
    assert answer.keys() == {"code", "message", "request_id"}
    assert answer["message"].startswith(f"{parameter}: ")
    code: int = answer["code"]
    return code


def test_the_lyric_is_a_bare_object_of_the_whole_song(member: Any) -> None:
    assert fetch(member) == {
        "lines": [
            {"begin_time": 10_000, "end_time": 12_000, "content": "好花"},
            {"begin_time": 13_000, "end_time": 14_000, "content": "(间奏)"},
        ],
        "lrc_format": "[ti:whole]\r\n[ar:甲/乙]\r\n[al:民歌]\r\n[total:200000]\r\n[offset:0]\r\n"
        "[00:10.00]好花\r\n[00:13.00](间奏)\r\n",
        "ti": "whole",
        "ar": "甲/乙",
        "al": "民歌",
        "offset": 0,
        "lenght": 200_000,
    }


def test_it_says_what_the_action_says(world: Any, member: Any) -> None:
    action = world.ask(Action="DescribeSongLyric", **{"SongsId[]": None}, SongId=world.songs["whole"])
    assert fetch(member)["lrc_format"] == action["Data"]["Lyric"]


def test_lyrics_without_word_times_are_line_lyrics_all_the_same(member: Any) -> None:
    assert [line["content"] for line in fetch(member, "no words")["lines"]] == ["好花"]


@pytest.mark.parametrize("song", ["sung only", "played only", "ending"])
def test_either_right_is_enough(member: Any, song: str) -> None:
    assert "lines" in fetch(member, song)


@pytest.mark.parametrize("song", ["nothing allowed", "ended", "coming", "no highlight", "mix only"])
def test_without_a_right_or_without_lyrics_there_are_none(member: Any, song: str) -> None:
    assert refusal(fetch(member, song)) == NO_LYRIC


def test_the_reason_is_not_told_apart(member: Any) -> None:
    assert fetch(member, "nothing allowed")["message"] == fetch(member, "mix only")["message"]


def test_rights_that_begin_and_end_are_asked_each_time(world: Any, member: Any) -> None:
    assert "lines" in fetch(member, "ending")
    world.wait(SECOND_MS)
    assert refusal(fetch(member, "ending")) == NO_LYRIC
    assert "lines" in fetch(member, "coming")
    world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=())
    assert refusal(fetch(member)) == NO_LYRIC


def test_rights_are_those_of_the_place_the_user_is_in(world: Any, member: Any) -> None:
    world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=(Terms(territories=("CN",)),))
    assert "lines" in fetch(member)
    token = world.login_token(user_id="abroad", territory="FR")
    abroad = type(member)(world, world.init(user_id="abroad", token=token)["data"]["session"])
    assert refusal(fetch(abroad)) == NO_LYRIC


def test_whoever_got_the_last_use_reads_what_they_sing(world: Any, member: Any) -> None:
    world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=(Terms(max_uses=1),))
    assert member.request(resource_type=1)["code"] == 0
    assert member.request(resource_type=1)["code"] == 1017030
    assert "lines" in fetch(member)


def test_a_removed_song_is_unknown(world: Any, member: Any) -> None:
    world.remove("whole")
    assert refusal(fetch(member)) == NO_SONG


@pytest.mark.parametrize("body", [{}, {"song_id": ""}, {"vendor_id": 99}])
def test_an_empty_song_id_has_its_own_code(member: Any, body: dict[str, Any]) -> None:
    assert refusal(member.call("get_lrc_lyric", **body)) == SONG_EMPTY


@pytest.mark.parametrize("song_id", ["0", "7", "-1", "007", "１", "1e3", "茉莉", "\x00", "' OR 1=1", "9" * 250])
def test_what_is_nobody_s_id_is_an_unknown_song(member: Any, song_id: str) -> None:
    assert refusal(fetch(member, song_id=song_id)) == NO_SONG


@pytest.mark.parametrize(("vendor", "code"), [(3, NO_VENDOR), (-1, NO_VENDOR), (10**30, NO_VENDOR), (4, NOT_GRANTED)])
def test_a_vendor_that_cannot_be_had_is_named(member: Any, vendor: int, code: int) -> None:
    assert refusal(fetch(member, vendor_id=vendor), "vendor_id") == code


def test_each_vendor_has_its_own_songs(member: Any) -> None:
    assert "lines" in fetch(member, "of vendor 2", vendor_id=2)
    assert refusal(fetch(member, "of vendor 2", vendor_id=1)) == NO_SONG
    assert refusal(fetch(member, "of vendor 2")) == NO_SONG
