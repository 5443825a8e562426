"""The client API's clients, async and sync, against a scripted centre."""

import json
from collections.abc import Callable
from typing import Any, assert_type, get_args, get_origin

import httpx2
import msgspec
import pytest
from msgspec import UNSET

from yuefu.client import (
    AccompanimentResult,
    BadAnswer,
    BadParameter,
    BillingMode,
    ClientCode,
    ClipResult,
    CopyrightedMusic,
    CopyrightedMusicError,
    CopyrightedMusicSync,
    Expired,
    KrcLyric,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    ResourceQuote,
    ResourceResult,
    ResourceType,
    SegmentResult,
    SongResult,
    TransportFailed,
)
from yuefu.client.searches import SEARCHES_KEPT
from yuefu.wire.operation import Operation
from yuefu.wire.operations import DESCRIBE_SONG_LYRIC, OPERATIONS

RESOURCE = {
    "resource_id": "z_7_1",
    "size": 9,
    "quality": "normal",
    "share_token": "a-share-token",
    "resource_ttl": 86_400_000,
}
TAIL = {"resources_size": 1, "resources": [RESOURCE]}
SONG = {
    "is_accompany": 0,
    "song_name": "茉莉花",
    "singer_name": "民歌",
    "song_id": "7",
    "duration": 60_000,
    "token_ttl": 3_600_000,
    **TAIL,
}
ACCOMPANIMENT = {
    "has_original": 1,
    "is_accompany": 1,
    "song_id": "7",
    "share_token": "a-share-token",
    "duration": 60_000,
    "token_ttl": 3_600_000,
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
    **TAIL,
}
SEGMENT = {**CLIP, "other_segments": [{"begin": 59_776, "end": 73_000}]}
KRC = {
    "lines": [
        {
            "begin_time": 1_000,
            "duration": 900,
            "content": "好一朵",
            "words": [{"offset": 0, "duration": 300, "word": "好"}, {"offset": 300, "duration": 600, "word": "一朵"}],
        }
    ],
    "krc_format_offset": 0,
    "ti": "茉莉花",
}
BY_TYPE: dict[ResourceType, tuple[dict[str, Any], type[ResourceResult]]] = {
    ResourceType.SONG: (SONG, SongResult),
    ResourceType.ACCOMPANIMENT: (ACCOMPANIMENT, AccompanimentResult),
    ResourceType.ACCOMPANIMENT_CLIP: (CLIP, ClipResult),
    ResourceType.ACCOMPANIMENT_SEGMENT: (SEGMENT, SegmentResult),
}


def test_init_sends_the_login_token_and_later_calls_the_session(stranger: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({"session": "the-session", "expires_in": 86400}), httpx2.Response(200, json=KRC))
    stranger.init(app_id=12345, user_id="demo", token="04token==", user_name="小明", room_ids=["房间一"])
    stranger.get_krc_lyric_by_token("k")
    init, lyric = centre.requests
    assert (init.method, init.url.path) == ("POST", "/client/v1/init")
    assert init.headers["Authorization"] == "Bearer 04token=="
    assert init.headers["Content-Type"] == "application/json"
    assert centre.bodies[0] == {"app_id": 12345, "user_id": "demo", "user_name": "小明", "room_ids": ["房间一"]}
    assert lyric.headers["Authorization"] == "Bearer the-session"


def test_nothing_can_be_asked_before_init(stranger: Any, tmp_path: Any) -> None:
    calls: list[Callable[[], object]] = [
        lambda: stranger.request_resource("7"),
        lambda: stranger.get_krc_lyric_by_token("k"),
        lambda: stranger.send_extended_request("/song/copyright", {}),
        lambda: stranger.get_resource_bytes("z_7_1"),
        lambda: stranger.download("z_7_1", tmp_path / "a"),
        stranger.destroy,
    ]
    for call in calls:
        with pytest.raises(NotAuthenticated) as caught:
            call()
        assert caught.value.code == ClientCode.NOT_INITIALISED


def test_a_refused_login_leaves_no_session(stranger: Any, centre: Any, say: Any) -> None:
    centre.will(say.refusal(1017009, "the token has expired"))
    with pytest.raises(NotAuthenticated, match="the token has expired"):
        stranger.init(app_id=1, user_id="u", token="t")
    with pytest.raises(NotAuthenticated, match="init"):
        stranger.request_resource("7")


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "茉莉"])
def test_a_login_token_that_no_header_can_hold_is_refused_and_not_repeated(token: str, stranger: Any) -> None:
    with pytest.raises(BadParameter) as caught:
        stranger.init(app_id=1, user_id="u", token=token)
    assert str(caught.value) == "1017040 ILLEGAL_PARAMETER: token: not a login token"


@pytest.mark.parametrize(
    "data", [{}, {"session": "s"}, {"session": "", "expires_in": 1}, {"session": "a\nb", "expires_in": 1}]
)
def test_a_session_that_is_none_is_a_bad_answer(data: Any, stranger: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped(data))
    with pytest.raises(BadAnswer):
        stranger.init(app_id=1, user_id="u", token="t")


@pytest.mark.parametrize("resource_type", list(ResourceType))
def test_the_type_asked_for_is_the_type_answered(
    resource_type: ResourceType, music: Any, centre: Any, say: Any
) -> None:
    data, result = BY_TYPE[resource_type]
    centre.will(say.enveloped(data))
    answer: Any = music.request_resource("7", resource_type=resource_type)
    assert type(answer) is result
    assert answer.resources[0].size == 9
    assert centre.requests[0].url.path == "/client/v1/request_resource"
    assert centre.bodies[0]["resource_type"] == resource_type.value


def test_an_accompaniment_is_asked_for_unless_told_otherwise(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped(ACCOMPANIMENT))
    assert music.request_resource("7").has_original == 1
    assert centre.bodies == [
        {
            "song_id": "7",
            "mode": 0,
            "vendor_id": 0,
            "room_id": "",
            "master_id": "",
            "scene_id": 0,
            "resource_type": 1,
        }
    ]


def test_all_terms_are_sent(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped(SEGMENT))
    segment = music.request_resource(
        "7",
        resource_type=ResourceType.ACCOMPANIMENT_SEGMENT,
        mode=BillingMode.HOST_MONTH,
        vendor_id=2,
        room_id="房间",
        master_id="host",
        scene_id=4,
    )
    assert segment.other_segments[0].begin == 59_776
    assert centre.bodies[0] == {
        "song_id": "7",
        "mode": 3,
        "vendor_id": 2,
        "room_id": "房间",
        "master_id": "host",
        "scene_id": 4,
        "resource_type": 3,
    }


def test_a_resource_type_that_is_none_is_refused(music: Any) -> None:
    with pytest.raises(BadParameter, match=r"resource_type: must be one of \[0, 1, 2, 3\]"):
        music.request_resource("7", resource_type=4)


QUOTE = {"amount_minor": 150, "currency": "CNY", "period": "2026-11", "unpriced": 0, "already_paid": 0}
PASSING: list[Any] = [
    httpx2.ConnectError("x"),
    httpx2.ReadTimeout("x"),
    httpx2.WriteError("x"),
    httpx2.RemoteProtocolError("x"),
    httpx2.Response(503),
    httpx2.Response(200, json={"code": 1017097, "message": "", "request_id": ""}),
]


@pytest.mark.parametrize("failure", PASSING, ids=range(6))
def test_a_request_whose_answer_got_lost_is_made_again_under_its_key(
    failure: Any, music: Any, centre: Any, say: Any
) -> None:
    centre.will(failure, failure, say.enveloped(ACCOMPANIMENT))
    assert music.request_resource("7").song_id == "7"
    assert len({request.headers["idempotency-key"] for request in centre.requests}) == 1
    assert len({request.content for request in centre.requests}) == 1


@pytest.mark.parametrize("failure", PASSING, ids=range(6))
@pytest.mark.parametrize("call", ["get_shared_resource", "get_music_by_token"])
def test_a_fetch_whose_answer_got_lost_is_made_again_under_its_key(
    call: str, failure: Any, music: Any, centre: Any, say: Any
) -> None:
    centre.will(failure, failure, say.enveloped(ACCOMPANIMENT))
    assert getattr(music, call)("7").song_id == "7"
    assert len({request.headers["idempotency-key"] for request in centre.requests}) == 1
    assert len({request.content for request in centre.requests}) == 1


def test_each_request_has_a_key_of_its_own(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped(ACCOMPANIMENT), say.enveloped(ACCOMPANIMENT))
    for _ in range(2):
        music.request_resource("7")
    first, second = (request.headers["idempotency-key"] for request in centre.requests)
    assert first != second
    assert 1 <= len(first) <= 64


def test_a_request_that_failed_for_good_is_made_once(music: Any, centre: Any) -> None:
    centre.will(httpx2.Response(200, json={"code": 1017099, "message": "", "request_id": ""}))
    with pytest.raises(CopyrightedMusicError):
        music.request_resource("7")
    assert len(centre.requests) == 1


def test_a_dry_run_says_what_a_request_would_cost(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped(QUOTE))
    assert music.request_resource("7", dry_run=True) == ResourceQuote(
        amount_minor=150, currency="CNY", period="2026-11"
    )
    assert json.loads(centre.requests[0].content)["dry_run"] is True
    assert "idempotency-key" not in centre.requests[0].headers


@pytest.mark.parametrize(
    ("code", "error"), [(1017030, NotAllowed), (1017033, NotFound), (1017019, Expired), (1017040, BadParameter)]
)
def test_a_refused_request_says_why(
    code: int, error: type[CopyrightedMusicError], music: Any, centre: Any, say: Any
) -> None:
    centre.will(say.refusal(code, "why"))
    with pytest.raises(error, match=f"{code} .*: why .request r-2"):
        music.request_resource("7")


@pytest.mark.parametrize("field", [name for name in ACCOMPANIMENT if name != "share_token"])
def test_a_missing_documented_field_is_a_bad_answer(field: str, music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({name: value for name, value in ACCOMPANIMENT.items() if name != field}))
    with pytest.raises(BadAnswer, match=field):
        music.request_resource("7")


def test_an_accompaniment_is_read_without_the_share_token_of_old(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({name: value for name, value in ACCOMPANIMENT.items() if name != "share_token"}))
    assert music.request_resource("7").share_token is UNSET


def test_fields_nobody_documented_are_ignored(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({**SONG, "mood": "calm"}, trace="x"))
    assert music.request_resource("7", resource_type=ResourceType.SONG).song_name == "茉莉花"


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200),
        httpx2.Response(200, text="茉莉花"),
        httpx2.Response(200, json=ACCOMPANIMENT),
        httpx2.Response(200, json={"code": 0, "message": "", "request_id": ""}),
        httpx2.Response(200, json={"code": 0, "data": ACCOMPANIMENT}),
        httpx2.Response(200, json={"code": 0, "message": "", "request_id": "", "data": []}),
        httpx2.Response(200, content=b'{"code":0,"data":' + b"[" * 9_000),
        httpx2.Response(401, json={"error": "no"}),
    ],
    ids=range(8),
)
def test_another_shape_than_the_documented_one_is_a_bad_answer(answer: Any, music: Any, centre: Any) -> None:
    centre.will(answer)
    with pytest.raises(BadAnswer):
        music.request_resource("7")


def test_word_lyrics_come_as_a_bare_object(music: Any, centre: Any) -> None:
    centre.will(httpx2.ReadTimeout("x"), httpx2.Response(200, json=KRC))
    lyric = music.get_krc_lyric_by_token("the-krc-token")
    assert isinstance(lyric, KrcLyric)
    assert [word.word for word in lyric.lines[0].words] == ["好", "一朵"]
    assert centre.requests[1].url.path == "/client/v1/get_krc_lyric_by_token"
    assert centre.bodies[1] == {"krc_token": "the-krc-token"}


def test_refused_word_lyrics_come_in_an_envelope(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.refusal(1017047), httpx2.Response(200, json={"lines": [{"begin_time": 0}]}))
    with pytest.raises(Expired):
        music.get_krc_lyric_by_token("k")
    with pytest.raises(BadAnswer):
        music.get_krc_lyric_by_token("k")


def test_a_command_brings_its_data_or_its_bare_object(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({"copyright": []}), httpx2.Response(200, json={"prelude_end_time": 900}))
    assert music.send_extended_request("/song/copyright", {"songs_id": ["1"], "vendor_id": 1}) == {"copyright": []}
    assert music.send_extended_request("/api/get_prelude_end_time", {"resource_id": "z"}) == {"prelude_end_time": 900}
    assert centre.requests[0].url.path == "/client/v1/send_extended_request"
    assert centre.bodies[0] == {"command": "/song/copyright", "params": {"songs_id": ["1"], "vendor_id": 1}}


def sample(annotation: Any) -> Any:
    """The smallest value of a type that a JSON answer may hold."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return {field.name: sample(field.type) for field in msgspec.structs.fields(annotation) if field.required}
    if get_origin(annotation) is list:
        return [sample(get_args(annotation)[0])]
    return {str: "茉莉花", int: 1}[annotation]


COMMANDS = [operation for operation in OPERATIONS if operation.command]
PARAMS: dict[str, Any] = {
    "keyword": "茉莉花",
    "page": 1,
    "tag_id": "587",
    "top_id": "8888",
    "song_id": "7",
    "songs_id": ["7", "8"],
}


@pytest.mark.parametrize("operation", COMMANDS, ids=lambda operation: operation.command)
def test_a_commands_method_answers_with_the_actions_type(
    operation: Operation[Any, Any], music: Any, centre: Any, say: Any
) -> None:
    own = {field.name: PARAMS[field.name] for field in msgspec.structs.fields(operation.params) if field.required}
    data = sample(operation.result)
    centre.will(httpx2.ReadTimeout("x"), say.enveloped(data))
    answer = getattr(music, operation.method)(**own)
    assert type(answer) is operation.result
    assert msgspec.to_builtins(answer) == data
    vendor = {} if operation.names_vendors else {"vendor_id": 0}
    assert centre.requests[1].url.path == "/client/v1/send_extended_request"
    assert centre.bodies[1] == {"command": operation.command, "params": own | vendor}


def test_a_command_sends_all_that_it_is_told(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({"songs": []}), say.enveloped({"songs": []}))
    music.query_song(keyword="茉莉花", page=3, filter=[1, 4], vendor_id=2)
    music.query_song_plus(keyword="茉莉花", page=1, vendors_id=[1, 2], items=[2, 1], keep_vendor=1)
    assert [body["params"] for body in centre.bodies] == [
        {"keyword": "茉莉花", "page": 3, "filter": [1, 4], "vendor_id": 2},
        {"keyword": "茉莉花", "page": 1, "vendors_id": [1, 2], "items": [2, 1], "keep_vendor": 1},
    ]


def test_a_field_that_a_vendor_lacks_is_none(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({"has_short_segment_url": 1}))
    status = music.describe_accompany_clip_status(song_id="7", vendor_id=2)
    assert (status.has_clip_url, status.has_short_segment_url) == (None, 1)


def test_a_command_answered_in_another_shape_is_a_bad_answer(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({"tips": "茉莉花"}), httpx2.Response(200, json={"tips": []}), say.refusal(1017053))
    for error in (BadAnswer, BadAnswer, BadParameter):
        with pytest.raises(error):
            music.query_tips(keyword="茉莉花")


def test_the_end_of_the_prelude_comes_as_a_bare_object(music: Any, centre: Any, say: Any) -> None:
    bare = httpx2.Response(200, json={"prelude_end_time": 900})
    centre.will(bare, say.refusal(1017004, "resource_id: empty"), say.enveloped({"prelude_end_time": 900}))
    assert music.get_prelude_end_time(resource_id="z_7_1", vendor_id=2).prelude_end_time == 900
    assert centre.bodies[0] == {
        "command": "/api/get_prelude_end_time",
        "params": {"resource_id": "z_7_1", "vendor_id": 2},
    }
    with pytest.raises(BadParameter, match="resource_id: empty"):
        music.get_prelude_end_time(resource_id="")
    assert centre.bodies[1]["params"] == {"resource_id": "", "vendor_id": 0}
    with pytest.raises(BadAnswer):
        music.get_prelude_end_time(resource_id="z_7_1")


def test_an_operation_that_is_no_command_is_refused(music: Any) -> None:
    with pytest.raises(BadParameter, match="DescribeSongLyric is no command"):
        music.ask(DESCRIBE_SONG_LYRIC, DESCRIBE_SONG_LYRIC.params(song_id="7"))


# A search across vendors begins with its first page.

NO_SONGS: dict[str, Any] = {"songs": []}


def page_refused(call: Callable[[], object]) -> None:
    with pytest.raises(BadParameter, match="page 1") as caught:
        call()
    assert caught.value.code == ClientCode.PAGE_INVALID


def test_a_search_across_vendors_does_not_begin_with_a_later_page(music: Any, centre: Any) -> None:
    page_refused(lambda: music.query_song_plus(keyword="茉莉花", page=2))
    page_refused(lambda: music.send_extended_request("/search/plus", {"keyword": "茉莉花", "page": 2}))
    assert centre.requests == []


def test_a_search_that_was_begun_goes_on_at_any_page(music: Any, centre: Any, say: Any) -> None:
    centre.will(*[say.enveloped(NO_SONGS)] * 4)
    music.query_song_plus(keyword="茉莉花", page=1, vendors_id=[1, 2])
    music.query_song_plus(keyword="茉莉花", page=9, vendors_id=[1, 2])
    music.send_extended_request("/search/plus", {"vendors_id": [1, 2], "page": 2, "keyword": "茉莉花"})
    music.query_song_plus(keyword="茉莉花", page=2, vendors_id=[1, 2])


@pytest.mark.parametrize("changes", [{"keyword": "送别"}, {"vendors_id": [2, 1]}, {"filter": [1]}, {"keep_vendor": 1}])
def test_another_question_is_another_search(changes: dict[str, Any], music: Any, centre: Any, say: Any) -> None:
    question: dict[str, Any] = {"keyword": "茉莉花", "vendors_id": [1, 2]}
    centre.will(say.enveloped(NO_SONGS))
    music.query_song_plus(**question, page=1)
    page_refused(lambda: music.query_song_plus(**question | changes, page=2))


def test_a_first_page_that_failed_begins_no_search(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.refusal(1017052))
    with pytest.raises(NotAllowed):
        music.query_song_plus(keyword="茉莉花", page=1)
    page_refused(lambda: music.query_song_plus(keyword="茉莉花", page=2))


def test_a_new_session_has_begun_no_search(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped(NO_SONGS), say.enveloped({"session": "another", "expires_in": 86400}))
    music.query_song_plus(keyword="茉莉花", page=1)
    music.init(app_id=12345, user_id="demo", token="the-login-token")
    page_refused(lambda: music.query_song_plus(keyword="茉莉花", page=2))


def test_the_latest_searches_are_remembered(music: Any, centre: Any, say: Any) -> None:
    centre.will(*[say.enveloped(NO_SONGS)] * (SEARCHES_KEPT + 4))
    for keyword in ("first", "second", "first", *map(str, range(SEARCHES_KEPT - 1))):
        music.query_song_plus(keyword=keyword, page=1)
    page_refused(lambda: music.query_song_plus(keyword="second", page=2))
    music.query_song_plus(keyword="first", page=2)
    music.query_song_plus(keyword="0", page=2)


def test_a_search_of_one_vendor_begins_anywhere(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped(NO_SONGS), say.enveloped(NO_SONGS))
    assert music.query_song(keyword="茉莉花", page=2).songs == []
    assert music.describe_top_songs(top_id="8888", page=2).songs == []


@pytest.mark.parametrize("page", [0, -1, True, "2", None])
def test_what_is_no_later_page_the_server_answers(page: Any, music: Any, centre: Any, say: Any) -> None:
    centre.will(say.refusal(1017074, "page: must be a whole number"))
    with pytest.raises(BadParameter, match="whole number"):
        music.send_extended_request("/search/plus", {"keyword": "茉莉花", "page": page})


def test_a_refused_command_says_why(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.refusal(1017000, "command: empty"), httpx2.Response(200, json=[1]))
    with pytest.raises(BadParameter, match="command: empty"):
        music.send_extended_request("", {})
    with pytest.raises(BadAnswer):
        music.send_extended_request("/song/copyright", {})


@pytest.mark.parametrize("value", [object(), "\ud800", {(1, 2): 3}], ids=["object", "surrogate", "key"])
def test_params_that_are_not_json_are_refused(value: object, music: Any) -> None:
    with pytest.raises(BadParameter, match="params"):
        music.send_extended_request("/song/copyright", {"songs_id": value})


def test_destroy_ends_the_session(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({}))
    music.destroy()
    assert centre.requests[0].url.path == "/client/v1/destroy"
    with pytest.raises(NotAuthenticated):
        music.destroy()


def test_a_session_the_server_forgot_is_ended(music: Any, centre: Any, say: Any) -> None:
    centre.will(httpx2.ReadTimeout("x"), say.refusal(1017096))
    music.destroy()


def test_a_session_that_could_not_be_ended_can_be_tried_again(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.refusal(1017099), say.refusal(1017009), say.enveloped({}))
    for error in (CopyrightedMusicError, NotAuthenticated):
        with pytest.raises(error):
            music.destroy()
    music.destroy()


def test_leaving_the_block_ends_the_session(stranger: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({"session": "s", "expires_in": 1}), say.enveloped({}))
    with stranger:
        stranger.init(app_id=1, user_id="u", token="t")
    assert [request.url.path for request in centre.requests] == ["/client/v1/init", "/client/v1/destroy"]


def test_the_blocks_own_error_is_the_one_told(stranger: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({"session": "s", "expires_in": 1}), say.refusal(1017099))
    stranger.init(app_id=1, user_id="u", token="t")
    with pytest.raises(ZeroDivisionError), stranger:
        _ = 1 / 0


def test_a_failing_end_is_told_when_nothing_else_is(stranger: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped({"session": "s", "expires_in": 1}), say.refusal(1017099))
    with pytest.raises(CopyrightedMusicError, match="1017099"), stranger:
        stranger.init(app_id=1, user_id="u", token="t")


def test_a_block_without_a_session_asks_nothing(stranger: Any) -> None:
    with stranger:
        pass


def test_neither_repr_nor_error_tells_a_token(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.refusal(1017046), httpx2.ReadError("the-session"), *[httpx2.ReadTimeout("the-session")] * 7)
    texts = [repr(music)]
    calls: list[Callable[[], object]] = [
        lambda: music.get_krc_lyric_by_token("a-krc-token"),
        lambda: music.request_resource("7"),
    ]
    for call in calls:
        with pytest.raises(CopyrightedMusicError) as caught:
            call()
        texts += [str(caught.value), repr(caught.value)]
    with pytest.raises(TransportFailed) as failed:
        music.get_krc_lyric_by_token("a-krc-token")
    texts += [str(failed.value), repr(failed.value)]
    for secret in ("the-session", "the-login-token", "a-krc-token"):
        assert not any(secret in text for text in texts)


async def test_the_types_known_to_the_checker_are_the_types_answered(centre: Any, say: Any) -> None:
    """Run by mypy as much as by pytest: `assert_type` is the test."""
    centre.will(
        *[say.enveloped(data) for data in ({"session": "s", "expires_in": 1}, ACCOMPANIMENT, SONG, CLIP, SEGMENT)]
    )
    centre.will(say.enveloped({}))
    async with CopyrightedMusic("https://h", transport=centre.transport) as music:
        await music.init(app_id=1, user_id="u", token="t")
        assert_type(await music.request_resource("7", vendor_id=1), AccompanimentResult)
        assert_type(await music.request_resource("7", resource_type=ResourceType.SONG), SongResult)
        assert_type(await music.request_resource("7", resource_type=ResourceType.ACCOMPANIMENT_CLIP), ClipResult)
        segment = await music.request_resource("7", resource_type=ResourceType.ACCOMPANIMENT_SEGMENT, scene_id=4)
        assert_type(segment, SegmentResult)


def test_the_types_known_to_the_checker_are_those_of_the_sync_client_too(centre: Any, say: Any) -> None:
    answers = ({"session": "s", "expires_in": 1}, ACCOMPANIMENT, QUOTE, SONG, SONG)
    centre.will(*[say.enveloped(data) for data in answers])
    centre.will(say.enveloped({}))
    any_type = ResourceType(json.loads("0"))
    with CopyrightedMusicSync("https://h", transport=centre.transport) as music:
        music.init(app_id=1, user_id="u", token="t")
        assert_type(music.request_resource("7"), AccompanimentResult)
        assert_type(music.request_resource("7", dry_run=True), ResourceQuote)
        assert_type(music.request_resource("7", resource_type=ResourceType.SONG), SongResult)
        assert_type(music.request_resource("7", resource_type=any_type), ResourceResult)
