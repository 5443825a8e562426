"""The SDK's four clients beside each other, through a real server process."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.system.conftest import DemoSong, Server

from yuefu.client import (
    BadParameter,
    ClientCode,
    CopyrightedMusic,
    CopyrightedMusicSync,
    SignedClient,
    SignedClientSync,
    iterate_songs,
    iterate_songs_sync,
    mint_login_token,
)
from yuefu.wire.operation import Operation
from yuefu.wire.operations import OPERATIONS

COMMANDS = [operation for operation in OPERATIONS if operation.command]
VENDOR = 1


def login_token(demo: dict[str, Any]) -> str:
    return mint_login_token(
        app_id=demo["app_id"], server_secret=demo["server_secret"], user_id="sdk", life_s=60, at_s=int(time.time())
    )


@pytest.fixture(scope="module")
def signed(demo_server: Server, demo: dict[str, Any]) -> Iterator[SignedClientSync]:
    secret = demo["server_secret"]
    with SignedClientSync(demo_server.base_url, app_id=demo["app_id"], server_secret=secret, user_id="sdk") as client:
        yield client


@pytest.fixture(scope="module")
def music(demo_server: Server, demo: dict[str, Any]) -> Iterator[CopyrightedMusicSync]:
    with CopyrightedMusicSync(demo_server.base_url) as music:
        music.init(app_id=demo["app_id"], user_id="sdk", token=login_token(demo))
        yield music


@pytest.fixture(scope="module")
def ask_all(
    demo_server: Server, demo: dict[str, Any], signed: SignedClientSync, music: CopyrightedMusicSync
) -> Callable[..., list[Any]]:
    """The answers of all four kinds of client to one question."""

    async def ask_async(method: str, question: dict[str, Any]) -> list[Any]:
        facts = {"app_id": demo["app_id"], "server_secret": demo["server_secret"], "user_id": "sdk"}
        async with SignedClient(demo_server.base_url, **facts) as client:
            answer = await getattr(client, method)(**question)
        async with CopyrightedMusic(demo_server.base_url) as session:
            await session.init(app_id=demo["app_id"], user_id="sdk", token=login_token(demo))
            return [answer, await getattr(session, method)(**question)]

    def ask(method: str, **question: Any) -> list[Any]:
        plain = [getattr(client, method)(**question) for client in (signed, music)]
        return plain + asyncio.run(ask_async(method, question))

    return ask


@pytest.mark.parametrize("operation", COMMANDS, ids=lambda operation: operation.action)
def test_all_clients_have_the_same_answer_to_the_same_question(
    ask_all: Callable[..., list[Any]], demo_song: DemoSong, operation: Operation[Any, Any]
) -> None:
    song = demo_song("茉莉花", VENDOR)
    known: dict[str, Any] = {
        "keyword": "茉莉花",
        "page": 1,
        "tag_id": "1001",
        "top_id": "8888",
        "song_id": song,
        "songs_id": [song],
    }
    question = {name: value for name, value in known.items() if name in operation.params.__struct_fields__}
    if not operation.names_vendors:
        question["vendor_id"] = VENDOR
    first, *others = ask_all(operation.method, **question)
    assert type(first) is operation.result
    assert others == [first] * 3


async def test_either_kind_of_client_reads_a_chart_to_its_end(
    demo_server: Server, demo: dict[str, Any], signed: SignedClientSync, music: CopyrightedMusicSync
) -> None:
    chart = list(iterate_songs_sync(signed.describe_top_songs, top_id="8888", vendor_id=VENDOR, page=1))
    assert chart
    assert {song.song_id for song in chart} <= {song["song_id"] for song in demo["songs"]}
    assert list(iterate_songs_sync(music.describe_top_songs, top_id="8888", vendor_id=VENDOR, page=1)) == chart
    async with CopyrightedMusic(demo_server.base_url) as session:
        await session.init(app_id=demo["app_id"], user_id="sdk", token=login_token(demo))
        songs = iterate_songs(session.describe_top_songs, top_id="8888", vendor_id=VENDOR, page=1)
        assert [song async for song in songs] == chart


def test_a_session_s_search_across_vendors_begins_with_its_first_page(
    signed: SignedClientSync, music: CopyrightedMusicSync
) -> None:
    assert signed.query_song_plus(keyword="小星星", page=2).songs == []
    with pytest.raises(BadParameter) as caught:
        music.query_song_plus(keyword="小星星", page=2)
    assert caught.value.code == ClientCode.PAGE_INVALID
    found = list(iterate_songs_sync(music.query_song_plus, keyword="小星星", page=1))
    assert "小星星" in {song.song_name for song in found}
    assert found == list(iterate_songs_sync(signed.query_song_plus, keyword="小星星", page=1))


def test_a_field_is_there_for_the_vendors_that_have_it(signed: SignedClientSync, demo_song: DemoSong) -> None:
    of_one = signed.describe_accompany_clip_status(song_id=demo_song("茉莉花", 1), vendor_id=1)
    of_two = signed.describe_accompany_clip_status(song_id=demo_song("茉莉花", 2), vendor_id=2)
    assert (of_one.has_clip_url, of_two.has_clip_url) == (1, None)


def test_the_end_of_the_prelude_lies_in_the_accompaniment(music: CopyrightedMusicSync, demo_song: DemoSong) -> None:
    granted = music.request_resource(demo_song("茉莉花", VENDOR), vendor_id=VENDOR)
    end = music.get_prelude_end_time(resource_id=granted.resources[0].resource_id, vendor_id=VENDOR)
    lyric = music.get_krc_lyric_by_token(granted.krc_token)
    assert 0 <= end.prelude_end_time == lyric.lines[0].begin_time < granted.duration
