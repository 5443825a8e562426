"""Rooms and what they share, as the SDK asks for it."""

from typing import Any, assert_type

import httpx2
import pytest

from yuefu.client import (
    BadParameter,
    ClipResult,
    CopyrightedMusic,
    CopyrightedMusicSync,
    NotAllowed,
    NotFound,
    ResourceType,
    SegmentResult,
    SharedAccompanimentResult,
    SharedSongResult,
)
from yuefu.client.music import SharedResult

FILE = {"resource_id": "z_7_2", "size": 3_000_000, "quality": "normal", "resource_ttl": 300_000}
TAIL = {"resources_size": 1, "resources": [FILE]}
SONG = {"is_accompany": 0, "song_name": "茉莉花", "singer_name": "甲", "song_id": "7", "duration": 60_000, **TAIL}
ACCOMPANIMENT = {
    "has_original": 1,
    "is_accompany": 1,
    "song_id": "7",
    "duration": 60_000,
    "krc_token": "a-krc-token",
    "krc_token_ttl": 43_200_000,
    **TAIL,
}
CLIP = {
    "is_clip": 1,
    "is_accompany": 0,
    "krc_token": "a-krc-token",
    "krc_token_ttl": 43_200_000,
    "song_id": "7",
    "share_token_ttl": 3_600_000,
    "token_ttl": 3_600_000,
    "segment_begin": 133_157,
    "segment_end": 235_337,
    "prelude_duration": 5_000,
    "resources_size": 1,
    "resources": [FILE | {"share_token": "a-share-token"}],
}
SEGMENT = {**CLIP, "other_segments": [{"begin": 59_776, "end": 73_000}]}
BY_TYPE: dict[ResourceType, tuple[dict[str, Any], type[SharedResult]]] = {
    ResourceType.SONG: (SONG, SharedSongResult),
    ResourceType.ACCOMPANIMENT: (ACCOMPANIMENT, SharedAccompanimentResult),
    ResourceType.ACCOMPANIMENT_CLIP: (CLIP, ClipResult),
    ResourceType.ACCOMPANIMENT_SEGMENT: (SEGMENT, SegmentResult),
}


@pytest.mark.parametrize("call", ["join_room", "leave_room"])
def test_rooms_are_joined_and_left_by_name(music: Any, centre: Any, say: Any, call: str) -> None:
    centre.will(say.enveloped({}))
    getattr(music, call)("包厢")
    assert centre.requests[0].url.path == f"/client/v1/{call}"
    assert centre.bodies == [{"room_id": "包厢"}]
    with pytest.raises(BadParameter, match="room_id"):
        getattr(music, call)("")


@pytest.mark.parametrize("resource_type", BY_TYPE)
def test_the_type_asked_for_is_the_type_shared(music: Any, centre: Any, say: Any, resource_type: ResourceType) -> None:
    data, shape = BY_TYPE[resource_type]
    centre.will(say.enveloped(data))
    result = music.get_shared_resource("7", resource_type=resource_type, vendor_id=1, room_id="包厢")
    assert type(result) is shape
    assert result.resources[0].resource_ttl == 300_000
    assert centre.requests[0].url.path == "/client/v1/get_shared_resource"
    assert centre.bodies == [{"song_id": "7", "vendor_id": 1, "room_id": "包厢", "resource_type": int(resource_type)}]


def test_an_accompaniment_is_asked_for_unless_told_otherwise(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped(ACCOMPANIMENT))
    assert music.get_shared_resource("7").has_original == 1
    assert centre.bodies == [{"song_id": "7", "vendor_id": 0, "room_id": "", "resource_type": 1}]


@pytest.mark.parametrize("resource_type", BY_TYPE)
def test_a_share_token_brings_whatever_type_it_stands_for(
    music: Any, centre: Any, say: Any, resource_type: ResourceType
) -> None:
    data, shape = BY_TYPE[resource_type]
    centre.will(say.enveloped(data))
    assert type(music.get_music_by_token("a-share-token")) is shape
    assert centre.requests[0].url.path == "/client/v1/get_music_by_token"
    assert centre.bodies == [{"share_token": "a-share-token"}]


@pytest.mark.parametrize(("code", "kind"), [(1017050, NotFound), (1017051, NotAllowed), (1017054, NotAllowed)])
def test_a_refused_fetch_says_why(music: Any, centre: Any, say: Any, code: int, kind: type[Exception]) -> None:
    centre.will(say.refusal(code, "why"))
    with pytest.raises(kind, match="why"):
        music.get_shared_resource("7")


@pytest.mark.parametrize(("fetch", "shared"), [("get_shared_resource", ACCOMPANIMENT), ("get_music_by_token", SONG)])
def test_a_fetch_whose_answer_got_lost_is_made_again_under_its_key(
    music: Any, centre: Any, say: Any, fetch: str, shared: dict[str, Any]
) -> None:
    centre.will(httpx2.ReadTimeout("lost"), say.enveloped(shared))
    getattr(music, fetch)("7")
    keys = [request.headers["idempotency-key"] for request in centre.requests]
    assert len(keys) == 2
    assert keys[0] == keys[1] != ""


def test_a_type_that_is_none_is_refused(music: Any) -> None:
    with pytest.raises(BadParameter, match="resource_type"):
        music.get_shared_resource("7", resource_type=4)


async def test_the_types_known_to_the_checker_are_the_types_shared(centre: Any, say: Any) -> None:
    """Run by mypy as much as by pytest: `assert_type` is the test."""
    answers: tuple[dict[str, Any], ...] = (
        {"session": "s", "expires_in": 1},
        ACCOMPANIMENT,
        SONG,
        CLIP,
        SEGMENT,
        SONG,
        {},
    )
    centre.will(*[say.enveloped(data) for data in answers])
    async with CopyrightedMusic("https://h", transport=centre.transport) as music:
        await music.init(app_id=1, user_id="u", token="t")
        assert_type(await music.get_shared_resource("7", room_id="包厢"), SharedAccompanimentResult)
        assert_type(await music.get_shared_resource("7", resource_type=ResourceType.SONG), SharedSongResult)
        assert_type(await music.get_shared_resource("7", resource_type=ResourceType.ACCOMPANIMENT_CLIP), ClipResult)
        segment = await music.get_shared_resource("7", resource_type=ResourceType.ACCOMPANIMENT_SEGMENT)
        assert_type(segment, SegmentResult)
        assert_type(await music.get_music_by_token("a-share-token"), SharedResult)


def test_the_types_known_to_the_checker_are_those_of_the_sync_client_too(centre: Any, say: Any) -> None:
    answers: tuple[dict[str, Any], ...] = ({"session": "s", "expires_in": 1}, ACCOMPANIMENT, SONG, CLIP, {})
    centre.will(*[say.enveloped(data) for data in answers])
    with CopyrightedMusicSync("https://h", transport=centre.transport) as music:
        music.init(app_id=1, user_id="u", token="t")
        assert_type(music.get_shared_resource("7", vendor_id=1), SharedAccompanimentResult)
        assert_type(music.get_shared_resource("7", resource_type=ResourceType.SONG), SharedSongResult)
        assert_type(music.get_shared_resource("7", resource_type=ResourceType.ACCOMPANIMENT_CLIP), ClipResult)
