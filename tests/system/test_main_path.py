"""From a published song to someone singing, through a real server process."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import pytest
from tests.system import fields
from tests.system.calls import Client, decode, login, track_count
from tests.system.conftest import DemoSong, Server, run_yuefu

from yuefu.client import (
    CopyrightedMusic,
    NotAllowed,
    ResourceType,
    SignedClient,
    SignedClientSync,
    mint_login_token,
    new_nonce,
    signed_url,
)

SONG, ACCOMPANIMENT, CLIP, SEGMENT = 0, 1, 2, 3


@pytest.fixture(scope="module")
def client(demo_server: Server, demo: dict[str, Any]) -> Iterator[Client]:
    with login(demo_server.base_url, demo, "小明", at_s=int(time.time())) as session:
        yield session


def ask(demo_server: Server, demo: dict[str, Any], song_ids: list[str], vendor_id: int = 1) -> dict[str, Any]:
    url = signed_url(
        demo_server.base_url,
        "QuerySongsCopyright",
        {"SongsId": song_ids},
        app_id=demo["app_id"],
        server_secret=demo["server_secret"],
        user_id="back-end",
        vendor_id=vendor_id,
        nonce=new_nonce(),
        timestamp_s=int(time.time()),
    )
    answer = httpx2.get(url)
    assert answer.status_code == 200
    content: dict[str, Any] = answer.json()
    return content


def test_the_rights_of_the_demo_songs_are_answered_as_documented(demo_server: Server, demo: dict[str, Any]) -> None:
    songs = [song["song_id"] for song in demo["songs"] if song["vendor_id"] == 1]
    answer = ask(demo_server, demo, songs)
    assert answer.keys() == {"Code", "Message", "RequestId", "Data"}
    assert (answer["Code"], answer["Message"]) == (0, "succeed")
    rows = answer["Data"]["Copyright"]
    assert [row["SongId"] for row in rows] == songs
    for row in rows:
        fields.check(row, fields.COPYRIGHT)
        fields.check(row["Subright"], fields.SUBRIGHT)
        assert row["Right"] == int(bool(row["Subright"]["SongLyric"] or row["Subright"]["Recording"]))
    held = {(row["Subright"]["SongLyric"], row["Subright"]["Recording"]) for row in rows}
    assert held == {(1, 1), (1, 0), (0, 1), (0, 0)}, "the demo shows every combination of rights"
    assert {row["Subright"]["Channel"] for row in rows} == {0, 1}


def test_the_same_question_with_a_new_nonce_is_answered_the_same(demo_server: Server, demo: dict[str, Any]) -> None:
    songs = [demo["songs"][0]["song_id"], "7", demo["songs"][1]["song_id"], demo["songs"][0]["song_id"]]
    first, second = (ask(demo_server, demo, songs) for _ in range(2))
    assert first.pop("RequestId") != second.pop("RequestId")
    assert first == second


def test_the_url_that_the_command_line_signs_is_answered(
    demo_server: Server, demo: dict[str, Any], demo_song: DemoSong
) -> None:
    printed = run_yuefu(
        "sign", "QuerySongsCopyright", f"SongsId[]={demo_song('茉莉花', 1)}", "--app", str(demo["app_id"]),
        "--vendor", "1", "--data", demo_server.data, "--base-url", demo_server.base_url, "--json",
    )  # fmt: skip
    assert httpx2.get(json.loads(printed)["url"]).json()["Code"] == 0


async def test_the_sdk_asks_the_same_question_sync_and_async(demo_server: Server, demo: dict[str, Any]) -> None:
    facts = {"app_id": demo["app_id"], "server_secret": demo["server_secret"], "user_id": "sdk"}
    ids = [song["song_id"] for song in demo["songs"]]
    async with SignedClient(demo_server.base_url, **facts) as asking:
        answers = await asking.query_songs_copyright(songs_id=ids, vendor_id=1)
    with SignedClientSync(demo_server.base_url, **facts) as asking_sync:
        assert asking_sync.query_songs_copyright(songs_id=ids, vendor_id=1) == answers
    assert [row.song_id for row in answers.copyright] == [s["song_id"] for s in demo["songs"] if s["vendor_id"] == 1]


def test_an_accompaniment_is_granted_and_carries_the_original_on_its_second_track(
    client: Client, demo_song: DemoSong
) -> None:
    data = client.granted(song_id=demo_song("茉莉花", 1), vendor_id=1, resource_type=ACCOMPANIMENT)
    fields.check(data, fields.ACCOMPANIMENT)
    fields.check_resources(data)
    assert (data["has_original"], data["is_accompany"]) == (1, 1)
    assert (data["token_ttl"], data["krc_token_ttl"]) == (3_600_000, 43_200_000)
    audio = client.media(data["resources"][0]["resource_id"])
    assert (audio.status_code, len(audio.content)) == (200, data["resources"][0]["size"])
    assert track_count(audio.content) == 2
    backing, rate_hz = decode(audio.content, 0)
    original, _ = decode(audio.content, 1)
    assert len(backing) / rate_hz * 1000 == pytest.approx(data["duration"], abs=50)
    shared = min(len(backing), len(original))
    difference = np.abs(backing[:shared] - original[:shared]).mean()
    assert difference > 0.1 * np.abs(original[:shared]).mean(), "the two tracks carry the same sound"


def test_the_original_is_also_a_file_of_its_own(client: Client, demo_song: DemoSong) -> None:
    song = demo_song("送别", 1)
    resource = client.granted(song_id=song, vendor_id=1, resource_type=ACCOMPANIMENT)["resources"][0]
    original = client.media(resource["resource_id"], track=1)
    assert original.status_code == 200
    assert track_count(original.content) == 1
    assert client.media(resource["resource_id"], track=2).status_code == 404


@pytest.mark.parametrize(("vendor_id", "table"), [(1, fields.SEGMENT_IN_CLIP), (2, fields.SEGMENT)])
def test_the_file_of_a_segment_is_exactly_its_stretch_of_the_song(
    client: Client, demo: dict[str, Any], vendor_id: int, table: dict[str, type]
) -> None:
    song = next(song["song_id"] for song in demo["songs"] if song["vendor_id"] == vendor_id)
    data = client.granted(song_id=song, vendor_id=vendor_id, resource_type=SEGMENT)
    fields.check(data, table)
    fields.check_resources(data)
    assert (data["is_clip"], data["is_accompany"]) == (1, 0)
    assert data["share_token_ttl"] == data["token_ttl"] == 3_600_000
    length_ms = data["segment_end"] - data["segment_begin"]
    samples, rate_hz = decode(client.media(data["resources"][0]["resource_id"]).content)
    assert len(samples) / rate_hz * 1000 == pytest.approx(length_ms, abs=50)
    for short in data.get("other_segments", ()):
        assert data["prelude_duration"] <= short["begin"] < short["end"] <= length_ms


def test_the_clip_of_a_segment_sounds_like_its_place_in_the_accompaniment(client: Client, demo_song: DemoSong) -> None:
    song = demo_song("小星星", 1)
    clip = client.granted(song_id=song, vendor_id=1, resource_type=CLIP)
    fields.check(clip, fields.CLIP)
    whole = client.granted(song_id=song, vendor_id=1, resource_type=ACCOMPANIMENT)
    cut, rate_hz = decode(client.media(clip["resources"][0]["resource_id"]).content)
    backing, _ = decode(client.media(whole["resources"][0]["resource_id"]).content)
    begin = round(clip["segment_begin"] * rate_hz / 1000)
    stretch = backing[begin : begin + len(cut)]
    assert np.corrcoef(cut[: len(stretch)], stretch)[0, 1] > 0.98


def test_word_lyrics_lie_inside_the_song_and_spell_its_lines(client: Client, demo_song: DemoSong) -> None:
    data = client.granted(song_id=demo_song("茉莉花", 1), vendor_id=1, resource_type=ACCOMPANIMENT)
    lyric = client.call("get_krc_lyric_by_token", krc_token=data["krc_token"])
    assert "code" not in lyric, "a bare object, as documented"
    assert lyric["krc_format_offset"] == 0
    assert lyric["lines"][0]["content"].startswith("好一朵")
    for line in lyric["lines"]:
        fields.check(line, {"begin_time": int, "duration": int, "content": str, "words": list})
        assert "".join(word["word"] for word in line["words"]).strip() == line["content"]
        for word in line["words"]:
            fields.check(word, {"offset": int, "duration": int, "word": str})
            assert 0 <= word["offset"] <= word["offset"] + word["duration"] <= line["duration"] + 1
        assert 0 <= line["begin_time"] <= line["begin_time"] + line["duration"] <= data["duration"]


def test_a_song_to_listen_to_has_its_documented_fields(client: Client, demo_song: DemoSong) -> None:
    data = client.granted(song_id=demo_song("小星星", 1), vendor_id=1, resource_type=SONG)
    fields.check(data, fields.SONG)
    fields.check_resources(data)
    assert (data["song_name"], data["is_accompany"]) == ("小星星", 0)


def codes(client: Client, song_id: str, vendor_id: int = 1) -> list[int]:
    return [
        client.call("request_resource", song_id=song_id, vendor_id=vendor_id, resource_type=kind)["code"]
        for kind in (SONG, ACCOMPANIMENT, CLIP, SEGMENT)
    ]


def test_each_combination_of_rights_allows_what_is_documented(
    client: Client, demo_server: Server, demo: dict[str, Any]
) -> None:
    answer = ask(demo_server, demo, [song["song_id"] for song in demo["songs"]])
    by_rights = {
        (row["Subright"]["SongLyric"], row["Subright"]["Recording"]): row["SongId"]
        for row in reversed(answer["Data"]["Copyright"])
    }
    assert codes(client, by_rights[1, 1]) == [0, 0, 0, 0]
    assert codes(client, by_rights[1, 0]) == [1017030, 0, 0, 0]
    assert codes(client, by_rights[0, 1]) == [0, 1017031, 1017031, 1017031]
    assert codes(client, by_rights[0, 0]) == [1017030, 1017030, 1017030, 1017030]
    sung_only = client.granted(song_id=by_rights[1, 0], vendor_id=1, resource_type=ACCOMPANIMENT)
    assert sung_only["has_original"] == 0, "the original may not be played, so it is not in the file"
    assert track_count(client.media(sung_only["resources"][0]["resource_id"]).content) == 1


def test_a_resource_id_is_worth_nothing_to_another_session(
    client: Client, demo_server: Server, demo: dict[str, Any], demo_song: DemoSong
) -> None:
    resource_id = client.granted(song_id=demo_song("送别", 1), vendor_id=1, resource_type=SONG)["resources"][0][
        "resource_id"
    ]
    with login(demo_server.base_url, demo, "stranger", at_s=int(time.time()), kind="jwt") as stranger:
        refused = stranger.media(resource_id)
    assert (refused.status_code, refused.json()["code"]) == (403, 1017018)
    assert client.media(resource_id).status_code == 200


def test_ranges_of_the_media_join_to_the_whole(client: Client, demo_song: DemoSong) -> None:
    song = demo_song("茉莉花", 1)
    resource = client.granted(song_id=song, vendor_id=1, resource_type=SONG)["resources"][0]
    whole = client.media(resource["resource_id"])
    head = client.media(resource["resource_id"], headers={"Range": "bytes=0-999"})
    tail = client.media(resource["resource_id"], headers={"Range": "bytes=1000-", "If-Range": whole.headers["etag"]})
    assert (head.status_code, tail.status_code) == (206, 206)
    assert head.headers["content-range"] == f"bytes 0-999/{resource['size']}"
    assert head.content + tail.content == whole.content
    beyond = client.media(resource["resource_id"], headers={"Range": f"bytes={resource['size']}-"})
    assert beyond.status_code == 416
    assert whole.headers["cache-control"] == "private, no-store"


def test_a_song_without_word_lyrics_has_none_to_give(client: Client, demo: dict[str, Any]) -> None:
    answers = []
    for song in demo["songs"]:
        answer = client.call("request_resource", song_id=song["song_id"], vendor_id=song["vendor_id"], resource_type=1)
        if answer["code"] == 0:
            answers.append(client.call("get_krc_lyric_by_token", krc_token=answer["data"]["krc_token"]))
    without = [answer for answer in answers if "code" in answer]
    assert [answer["code"] for answer in without] == [1017048]


async def test_the_sdk_sings_the_whole_path(
    demo_server: Server, demo: dict[str, Any], demo_song: DemoSong, tmp_path: Any
) -> None:
    token = mint_login_token(
        app_id=demo["app_id"],
        server_secret=demo["server_secret"],
        user_id="singer",
        life_s=60,
        at_s=int(time.time()),
    )
    async with CopyrightedMusic(demo_server.base_url) as music:
        await music.init(app_id=demo["app_id"], user_id="singer", token=token)
        segment = await music.request_resource(
            demo_song("茉莉花", 1), vendor_id=1, resource_type=ResourceType.ACCOMPANIMENT_SEGMENT
        )
        file = await music.download(segment.resources[0].resource_id, tmp_path / "clip.m4a")
        lyric = await music.get_krc_lyric_by_token(segment.krc_token)
        first = segment.segment_begin + segment.prelude_duration
        sung = [line.content for line in lyric.lines if first <= line.begin_time < segment.segment_end]
        with pytest.raises(NotAllowed):
            await music.request_resource("7", vendor_id=4, resource_type=ResourceType.SONG)
    assert file.stat().st_size == segment.resources[0].size
    assert sung
