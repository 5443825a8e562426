"""Pages as one iteration."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from yuefu.client import (
    BadParameter,
    CopyrightedMusic,
    CopyrightedMusicError,
    CopyrightedMusicSync,
    Retries,
    SignedClient,
    SignedClientSync,
    iterate_songs,
    iterate_songs_sync,
)
from yuefu.wire.operation import Operation
from yuefu.wire.operations import OPERATIONS

BASE_URL = "https://centre.example"
OPTIONS: dict[str, Any] = {
    "app_id": 12345,
    "server_secret": "fa94dd0f974cf2e293728a526b028271",
    "user_id": "茉莉",
    "retries": Retries(attempts=1),
}
TEXTS = ("SongName", "SingerName", "SingerImg", "AlbumName", "AlbumImg", "AlbumImgMini", "AlbumImgSmall")
MORE_TEXTS = ("AlbumImgMedium", "SingerId", "AlbumId")
RIGHTS = {"SongLyric": 1, "Recording": 1, "Channel": 0}
PAGED = [operation for operation in OPERATIONS if "page" in operation.params.__struct_fields__]
PARAMS = {"keyword": "茉莉花", "tag_id": "587", "top_id": "8888"}


def page(*song_ids: str) -> dict[str, Any]:
    """A page of songs, with all that any list says of them."""
    texts = dict.fromkeys((*TEXTS, *MORE_TEXTS), "")
    return {
        "Songs": [
            {"SongId": song_id, "Duration": 1, "VendorId": 1, "Copyright": RIGHTS} | texts for song_id in song_ids
        ]
    }


def snake_page(*song_ids: str) -> dict[str, Any]:
    """The same page in the client API's spelling."""

    def spelled(value: Any) -> Any:
        if isinstance(value, list):
            return [spelled(item) for item in value]
        if isinstance(value, dict):
            return {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): spelled(inner) for name, inner in value.items()}
        return value

    spelling: dict[str, Any] = spelled(page(*song_ids))
    return spelling


def params_of(operation: Operation[Any, Any]) -> dict[str, Any]:
    return {name: value for name, value in PARAMS.items() if name in operation.params.__struct_fields__}


@pytest.fixture
def client(centre: Any) -> Iterator[SignedClientSync]:
    with SignedClientSync(BASE_URL, transport=centre.transport, **OPTIONS) as client:
        yield client


def asked_pages(centre: Any) -> list[str]:
    return [request.url.params["Page"] for request in centre.requests]


def test_all_lists_of_the_wire_are_paged() -> None:
    assert {operation.method for operation in PAGED} == {
        "describe_tag_songs",
        "query_song",
        "query_song_plus",
        "describe_top_songs",
    }


@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.action)
def test_songs_come_page_after_page_until_one_is_empty(
    client: SignedClientSync, centre: Any, say: Any, operation: Operation[Any, Any]
) -> None:
    centre.will(say.replied(page("1", "2")), say.replied(page("3")), say.replied(page()))
    songs = iterate_songs_sync(getattr(client, operation.method), **params_of(operation), page=1)
    assert [song.song_id for song in songs] == ["1", "2", "3"]
    assert asked_pages(centre) == ["1", "2", "3"]


@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.action)
async def test_they_do_for_an_event_loop(centre: Any, say: Any, operation: Operation[Any, Any]) -> None:
    centre.will(say.replied(page("1", "2")), say.replied(page("3")), say.replied(page()))
    async with SignedClient(BASE_URL, transport=centre.transport, **OPTIONS) as client:
        songs = iterate_songs(getattr(client, operation.method), **params_of(operation), page=1)
        assert [song.song_id async for song in songs] == ["1", "2", "3"]
    assert asked_pages(centre) == ["1", "2", "3"]


SESSION = {"session": "the-session", "expires_in": 86400}
LOGIN: dict[str, Any] = {"app_id": 12345, "user_id": "demo", "token": "the-login-token"}


def commanded_pages(centre: Any) -> list[Any]:
    return [body["params"]["page"] for body in centre.bodies if "params" in body]


@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.action)
def test_songs_come_page_after_page_from_a_session_too(centre: Any, say: Any, operation: Operation[Any, Any]) -> None:
    pages = (snake_page("1", "2"), snake_page("3"), snake_page())
    centre.will(say.enveloped(SESSION), *map(say.enveloped, pages), say.enveloped({}))
    with CopyrightedMusicSync(BASE_URL, transport=centre.transport) as music:
        music.init(**LOGIN)
        songs = iterate_songs_sync(getattr(music, operation.method), **params_of(operation), page=1)
        assert [song.song_id for song in songs] == ["1", "2", "3"]
    assert commanded_pages(centre) == [1, 2, 3]


@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.action)
async def test_they_do_from_a_session_on_an_event_loop(centre: Any, say: Any, operation: Operation[Any, Any]) -> None:
    pages = (snake_page("1", "2"), snake_page("3"), snake_page())
    centre.will(say.enveloped(SESSION), *map(say.enveloped, pages), say.enveloped({}))
    async with CopyrightedMusic(BASE_URL, transport=centre.transport) as music:
        await music.init(**LOGIN)
        songs = iterate_songs(getattr(music, operation.method), **params_of(operation), page=1)
        assert [song.song_id async for song in songs] == ["1", "2", "3"]
    assert commanded_pages(centre) == [1, 2, 3]


def test_the_question_stays_the_same(client: SignedClientSync, centre: Any, say: Any) -> None:
    centre.will(say.replied(page("1")), say.replied(page()))
    assert len(list(iterate_songs_sync(client.query_song, keyword="茉莉花", page=7, filter=[1, 3], vendor_id=2))) == 1
    for request, number in zip(centre.requests, ("7", "8"), strict=True):
        asked = request.url.params
        assert (asked["Keyword"], asked["Page"], asked["VendorId"]) == ("茉莉花", number, "2")
        assert asked.get_list("Filter[]") == ["1", "3"]


def test_a_page_is_asked_for_when_the_one_before_is_used_up(client: SignedClientSync, centre: Any, say: Any) -> None:
    centre.will(say.replied(page("1", "2")), say.replied(page()))
    songs = iterate_songs_sync(client.query_song, keyword="茉莉花", page=1)
    assert centre.requests == []
    assert [next(songs).song_id, next(songs).song_id] == ["1", "2"]
    assert asked_pages(centre) == ["1"]
    assert list(songs) == []


def test_a_refusal_ends_it(client: SignedClientSync, centre: Any, say: Any) -> None:
    centre.will(say.replied(page("1")), say.replied(code=320010013, message="VendorId: no"))
    songs = iterate_songs_sync(client.query_song, keyword="茉莉花", page=1)
    assert next(songs).song_id == "1"
    with pytest.raises(CopyrightedMusicError):
        next(songs)


def test_a_method_without_pages_is_refused(client: SignedClientSync) -> None:
    with pytest.raises(BadParameter, match="page"):
        next(iterate_songs_sync(client.query_songs_info, songs_id=["1"]))
