"""Lyrics and pitch lines of the demo's songs, through a real server: held against the notes the songs are made from."""

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from tests.system import fields
from tests.system.calls import Client, login
from tests.system.conftest import DemoSong, Server, run_yuefu

from yuefu.client import (
    ClientCode,
    CopyrightedMusic,
    CopyrightedMusicSync,
    NotAllowed,
    NotFound,
    ResourceType,
    clip_of,
    crop_lyric,
    crop_pitch,
    lookup_ms,
    mint_login_token,
)
from yuefu.ingest import repertoire

ACCOMPANIMENT, SEGMENT = 1, 3
NOTE = {"begin_time": int, "duration": int, "value": int}
LRC_LINE = {"begin_time": int, "end_time": int, "content": str}

Written = list[tuple[float, float, int]]
"""Begin, end and pitch."""


@pytest.fixture(scope="module")
def client(demo_server: Server, demo: dict[str, Any]) -> Iterator[Client]:
    with login(demo_server.base_url, demo, "小明", at_s=int(time.time())) as session:
        yield session


def written_notes(song_text: str) -> list[Written]:
    """Each voice's notes as the UltraStar text has them. Read here once more, apart from the code under test."""
    headers = dict(line[1:].split(":", 1) for line in song_text.splitlines() if line.startswith("#"))
    beat_ms = 60_000 / float(headers["BPM"]) / 4
    voices: list[Written] = [[]]
    for line in song_text.splitlines():
        if line.startswith("P2"):
            voices.append([])
        elif line.startswith(": "):
            begin, length, pitch = map(int, line.split()[1:4])
            begin_ms = float(headers["GAP"]) + begin * beat_ms
            voices[-1].append((begin_ms, begin_ms + length * beat_ms, 60 + pitch))
    return voices


def sung_songs(client: Client, demo: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Every demo song whose accompaniment the app is granted, with what its notes are made from."""
    entries = {(entry.title, entry.vendor_id, "/".join(entry.singers)): entry for entry in repertoire.entries()}
    for song in demo["songs"]:
        entry = entries[song["song_name"], song["vendor_id"], song["singer_name"]]
        answer = client.call(
            "request_resource", song_id=song["song_id"], vendor_id=song["vendor_id"], resource_type=ACCOMPANIMENT
        )
        if answer["code"] == 0:
            yield entry, answer["data"]


def test_the_notes_to_hit_are_the_demo_s_own_or_heard_in_its_vocals(client: Client, demo: dict[str, Any]) -> None:
    alone, duets, heard = 0, 0, 0
    for entry, granted in sung_songs(client, demo):
        answer = client.call("get_standard_pitch", resource_id=granted["resources"][0]["resource_id"])
        assert answer.keys() == {"pitch", "data"}
        assert answer["data"] == {"pitch": answer["pitch"]}
        _check_notes(answer["pitch"], granted["duration"])
        if entry.delivery == "lrc":
            heard += 1
            continue
        voices = written_notes(entry.song_text.decode())
        if len(voices) == 1:
            _check_same(answer["pitch"], voices[0])
            alone += 1
        else:
            _check_duet(answer["pitch"], voices)
            duets += 1
    assert alone > 5
    assert duets > 0
    assert heard > 0


def _check_notes(pitch: list[dict[str, int]], duration_ms: int) -> None:
    for note in pitch:
        fields.check(note, NOTE)
        assert 0 <= note["begin_time"] < note["begin_time"] + note["duration"] <= duration_ms
        assert 10 <= note["value"] <= 90
    for note, following in pairwise(pitch):
        assert note["begin_time"] + note["duration"] <= following["begin_time"]


def _check_same(pitch: list[dict[str, int]], written: Written) -> None:
    assert [note["value"] for note in pitch] == [value for _, _, value in written]
    for note, (begin_ms, end_ms, _) in zip(pitch, written, strict=True):
        assert note["begin_time"] == pytest.approx(begin_ms, abs=2)
        assert note["begin_time"] + note["duration"] == pytest.approx(end_ms, abs=2)


def _check_duet(pitch: list[dict[str, int]], voices: list[Written]) -> None:
    """The first voice is whole; besides it there is nothing that the second does not sing."""
    left = list(pitch)
    for begin_ms, end_ms, value in voices[0]:
        (found,) = [note for note in left if abs(note["begin_time"] - begin_ms) <= 2 and note["value"] == value]
        assert found["begin_time"] + found["duration"] == pytest.approx(end_ms, abs=2)
        left.remove(found)
    assert left
    for note in left:
        end_time = note["begin_time"] + note["duration"]
        assert any(
            begin_ms - 2 <= note["begin_time"] and end_time <= end_ms + 2 and note["value"] == value
            for begin_ms, end_ms, value in voices[1]
        )


def test_line_lyrics_are_there_with_and_without_word_times(client: Client, demo: dict[str, Any]) -> None:
    kinds = set()
    for entry, granted in sung_songs(client, demo):
        lyric = client.call("get_lrc_lyric", song_id=granted["song_id"], vendor_id=entry.vendor_id)
        assert lyric.keys() == {"lines", "lrc_format", "ti", "ar", "al", "offset", "lenght"}
        words = client.call("get_krc_lyric_by_token", krc_token=granted["krc_token"])
        kinds.add("lines" in words)
        for line in lyric["lines"]:
            fields.check(line, LRC_LINE)
            assert 0 <= line["begin_time"] < line["end_time"] <= lyric["lenght"]
            assert f"]{line['content']}\r\n" in lyric["lrc_format"]
        if "lines" in words:
            assert [line["content"] for line in words["lines"]] == [line["content"] for line in lyric["lines"]]
    assert kinds == {True, False}


def test_a_song_that_may_only_be_played_has_line_lyrics_and_one_without_rights_none(
    client: Client, demo: dict[str, Any]
) -> None:
    by_rights: dict[str, repertoire.Entry] = {
        entry.rights: entry for entry in repertoire.entries() if entry.vendor_id == 1
    }

    def fetch(rights: str) -> dict[str, Any]:
        entry = by_rights[rights]
        (song_id,) = [
            song["song_id"]
            for song in demo["songs"]
            if (song["song_name"], song["vendor_id"], song["singer_name"]) == (entry.title, 1, "/".join(entry.singers))
        ]
        return client.call("get_lrc_lyric", song_id=song_id, vendor_id=1)

    assert fetch("recording")["lines"]
    assert fetch("work")["lines"]
    assert fetch("none")["code"] == 1017048


def test_what_is_taken_down_has_neither_words_nor_notes(
    client: Client, demo_server: Server, demo_song: DemoSong
) -> None:
    song_id = demo_song("送别", 1)
    granted = client.granted(song_id=song_id, vendor_id=1, resource_type=ACCOMPANIMENT)

    def codes() -> list[int]:
        resource_id = granted["resources"][0]["resource_id"]
        answers = [
            client.call("get_lrc_lyric", song_id=song_id, vendor_id=1),
            client.call("get_krc_lyric_by_token", krc_token=granted["krc_token"]),
            client.call("get_standard_pitch", resource_id=resource_id),
        ]
        return [answer.get("code", 0) for answer in answers]

    assert codes() == [0, 0, 0]
    report = run_yuefu("takedown", "--song", song_id, "--reason", "测试", "--data", demo_server.data, "--json")
    assert codes() == [1017048, 1017048, 1017049]
    run_yuefu("takedown", "--undo", str(json.loads(report)["case"]), "--data", demo_server.data)
    assert codes() == [0, 0, 0]


async def test_the_sdk_crops_words_and_notes_to_a_clip(
    demo_server: Server, demo: dict[str, Any], demo_song: DemoSong
) -> None:
    facts = {"app_id": demo["app_id"], "user_id": "singer"}
    token = mint_login_token(**facts, server_secret=demo["server_secret"], life_s=60, at_s=int(time.time()))
    song_id = demo_song("茉莉花", 1)
    async with CopyrightedMusic(demo_server.base_url) as music:
        await music.init(**facts, token=token)
        granted = await music.request_resource(song_id, vendor_id=1, resource_type=ResourceType.ACCOMPANIMENT_CLIP)
        whole = await music.get_krc_lyric_by_token(granted.krc_token)
        pitch = await music.get_standard_pitch(granted.resources[0].resource_id)
        by_line = await music.get_lrc_lyric(song_id, vendor_id=1)
        original = await music.request_resource(song_id, vendor_id=1, resource_type=ResourceType.SONG)
        with pytest.raises(NotFound) as caught:
            await music.get_lrc_lyric("7", vendor_id=1)
        assert caught.value.code == ClientCode.SONG_INVALID
    clip = clip_of(granted)
    words = crop_lyric(whole, clip)
    notes = crop_pitch(pitch.pitch, clip, krc_format_offset=whole.krc_format_offset)
    assert 0 < len(words.lines) < len(whole.lines)
    assert 0 < len(notes) < len(pitch.pitch)
    assert [line.content for line in crop_lyric(by_line, clip).lines] == [line.content for line in words.lines]
    begins = [line.begin_time for line in words.lines]
    assert begins[0] == lookup_ms(granted.prelude_duration, clip), "the clip is cut at the beginning of a line"
    assert {note.begin_time for note in notes} >= set(begins), "each line begins with a note"
    with CopyrightedMusicSync(demo_server.base_url) as sync:
        sync.init(**facts, token=token)
        resource = sync.request_resource(song_id, vendor_id=1).resources[0]
        assert sync.get_standard_pitch(resource.resource_id) == pitch
        assert sync.get_lrc_lyric(song_id, vendor_id=1) == by_line
        with pytest.raises(NotAllowed):
            sync.get_standard_pitch(original.resources[0].resource_id)
