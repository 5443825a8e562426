"""The signed clients, async and sync, against a scripted centre."""

import asyncio
from typing import Any

import httpx2
import pytest

from yuefu.client import (
    BadAnswer,
    BadParameter,
    Busy,
    CopyrightedMusicError,
    NotAuthenticated,
    SignedClient,
    SignedClientSync,
    SongsCopyright,
    TransportFailed,
    signed_headers,
    signed_url,
)
from yuefu.client.signed import new_nonce
from yuefu.wire.http_signature import HttpMessage, Target, signed_message
from yuefu.wire.operations.query_songs_copyright import QUERY_SONGS_COPYRIGHT, QuerySongsCopyrightParams
from yuefu.wire.query import parse_query
from yuefu.wire.signing import SIGNATURE_FIELDS, SignedQuery, parse_signed_query

SECRET = "fa94dd0f974cf2e293728a526b028271"
SEED = {
    "Copyright": [
        {"Subright": {"SongLyric": 0, "Recording": 1, "Channel": 0}, "Right": 1, "SongId": "32593638"},
    ]
}


def asked(request: httpx2.Request) -> SignedQuery:
    """A request as a centre reads it, however it was signed."""
    if "signature-input" not in request.headers:
        return parse_signed_query(request.url.query)
    path, _, query = request.url.raw_path.decode().partition("?")
    message = HttpMessage(
        method=request.method,
        targets=(Target(request.headers["host"], path),),
        query=query,
        body=request.content,
        signature_input=request.headers["signature-input"],
        signature=request.headers["signature"],
        content_digest=request.headers.get("content-digest", ""),
    )
    return signed_message(parse_query(request.url.query), message)


def test_a_question_is_asked_as_documented_and_its_answer_typed(signed: Any, centre: Any, say: Any) -> None:
    centre.will(say.replied(SEED))
    answer = signed.query_songs_copyright(songs_id=["32593638", "7"], vendor_id=1)
    assert isinstance(answer, SongsCopyright)
    assert [(row.song_id, row.right, row.subright.recording) for row in answer.copyright] == [("32593638", 1, 1)]
    (request,) = centre.requests
    assert (request.method, request.url.path) == ("GET", "/")
    assert b"SongsId%5B%5D=32593638&SongsId%5B%5D=7" in request.url.query
    query = asked(request)
    assert (query.action, query.app_id, query.user_id, query.vendor_id) == ("QuerySongsCopyright", 12345, "茉莉", 1)
    assert query.is_signed_with([SECRET])


def test_a_question_may_name_its_own_user_and_room(signed: Any, centre: Any, say: Any) -> None:
    centre.will(say.replied(SEED), say.replied(SEED))
    params = QuerySongsCopyrightParams(songs_id=["1"])
    signed.ask(QUERY_SONGS_COPYRIGHT, params, user_id="u2", room_id="房间")
    signed.ask(QUERY_SONGS_COPYRIGHT, params)
    queries = [asked(request) for request in centre.requests]
    assert [(query.user_id, query.room_id, query.vendor_id) for query in queries] == [
        ("u2", "房间", 0),
        ("茉莉", "", 0),
    ]


@pytest.mark.parametrize(
    "failure",
    [
        httpx2.ConnectError("x"),
        httpx2.ConnectTimeout("x"),
        httpx2.ReadTimeout("x"),
        httpx2.RemoteProtocolError("x"),
        httpx2.Response(500),
        httpx2.Response(502, html="<h1>Bad gateway</h1>"),
        httpx2.Response(429),
        httpx2.Response(200, json={"Code": 320050002, "Message": "", "RequestId": ""}),
        httpx2.Response(200, json={"Code": 320000002, "Message": "", "RequestId": ""}),
    ],
    ids=range(9),
)
def test_what_may_pass_is_asked_again_with_a_new_signature(failure: Any, signed: Any, centre: Any, say: Any) -> None:
    centre.will(failure, failure, say.replied(SEED))
    assert signed.query_songs_copyright(songs_id=["1"]).copyright[0].song_id == "32593638"
    queries = [asked(request) for request in centre.requests]
    assert [query.nonce for query in queries] == ["nonce-0", "nonce-1", "nonce-2"]
    assert [query.timestamp_s for query in queries] == [1_700_000_000, 1_700_000_001, 1_700_000_002]
    assert all(query.is_signed_with([SECRET]) for query in queries)


def test_a_network_that_stays_down_ends_the_patience(signed: Any, centre: Any) -> None:
    centre.will(*[httpx2.ConnectError("x")] * 4)
    with pytest.raises(TransportFailed):
        signed.query_songs_copyright(songs_id=["1"])
    assert len(centre.requests) == 4


def test_a_busy_server_ends_it_too(signed: Any, centre: Any, say: Any) -> None:
    centre.will(*[say.replied(code=320050002, message="busy")] * 4)
    with pytest.raises(Busy, match="320050002 SYSTEM_BUSY: busy"):
        signed.query_songs_copyright(songs_id=["1"])


@pytest.mark.parametrize("code", [100000004, 100000005, 320000004, 320010013, 320050000])
def test_a_refusal_is_not_asked_again(code: int, signed: Any, centre: Any, say: Any) -> None:
    centre.will(say.replied(code=code, message="SongsId: empty"))
    with pytest.raises(CopyrightedMusicError) as caught:
        signed.query_songs_copyright(songs_id=["1"])
    assert (caught.value.code, caught.value.message) == (code, "SongsId: empty")
    assert caught.value.request_id == "r-3"


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200),
        httpx2.Response(200, text="<html>"),
        httpx2.Response(200, content=b'{"Code":0,"Message":"\xff","RequestId":""}'),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={"code": 0, "message": "", "request_id": ""}),
        httpx2.Response(200, json={"Code": 0, "Message": ""}),
        httpx2.Response(200, json={"Code": "0", "Message": "", "RequestId": ""}),
        httpx2.Response(200, json={"Code": 0, "Message": "", "RequestId": ""}),
        httpx2.Response(200, json={"Code": 0, "Message": "", "RequestId": "", "Data": None}),
        httpx2.Response(200, json={"Code": 0, "Message": "", "RequestId": "", "Data": {"Copyright": [{"Right": 1}]}}),
        httpx2.Response(200, content=b'{"Code":0,"Data":' + b'{"a":' * 9_000),
        lambda _: httpx2.Response(200, stream=httpx2.ByteStream(b"broken"), headers={"Content-Encoding": "gzip"}),
        httpx2.Response(302, headers={"Location": "https://elsewhere.example"}),
        httpx2.Response(404, text="not here"),
        httpx2.Response(404, json={"Code": 0, "Message": "", "RequestId": "", "Data": SEED}),
    ],
    ids=range(15),
)
def test_another_shape_than_the_documented_one_is_a_bad_answer(
    answer: httpx2.Response, signed: Any, centre: Any
) -> None:
    centre.will(answer)
    with pytest.raises(BadAnswer):
        signed.query_songs_copyright(songs_id=["1"])


def test_fields_nobody_documented_are_ignored(signed: Any, centre: Any) -> None:
    row = {**SEED["Copyright"][0], "Mood": "calm"}
    centre.will(
        httpx2.Response(
            200, json={"Code": 0, "Message": "", "RequestId": "", "Data": {"Copyright": [row], "New": 1}, "Trace": []}
        )
    )
    assert signed.query_songs_copyright(songs_id=["1"]).copyright[0].song_id == "32593638"


def test_neither_repr_nor_error_tells_the_secret(signed: Any, centre: Any, say: Any) -> None:
    centre.will(say.replied(code=100000005, message="Signature: wrong"), *[httpx2.ConnectError("x")] * 4)
    with pytest.raises(NotAuthenticated) as refused:
        signed.query_songs_copyright(songs_id=["1"])
    with pytest.raises(TransportFailed) as failed:
        signed.query_songs_copyright(songs_id=["1"])
    for text in (repr(signed), repr(refused.value), str(refused.value), repr(failed.value), str(failed.value)):
        assert SECRET not in text
    assert repr(signed).endswith("app_id=12345)")


def test_a_password_in_the_base_url_is_not_shown() -> None:
    client = SignedClientSync("https://user:hunter2@centre.example", app_id=1, server_secret=SECRET, user_id="u")
    assert "hunter2" not in repr(client)
    client.close()


def test_a_text_that_no_url_can_hold_is_a_bad_parameter(signed: Any) -> None:
    with pytest.raises(BadParameter):
        signed.query_songs_copyright(songs_id=["\ud800"])


@pytest.mark.parametrize("signature", ["", "1.0", "3.0", "RFC9421"])
def test_a_signature_nobody_knows_is_refused(signature: Any) -> None:
    with pytest.raises(BadParameter, match=r"signature: must be one of rfc9421, 2\.0"):
        SignedClientSync("https://h", app_id=1, server_secret=SECRET, user_id="u", signature=signature)


@pytest.mark.parametrize(
    ("signature", "in_query"), [({}, False), ({"signature": "rfc9421"}, False), ({"signature": "2.0"}, True)]
)
def test_the_message_is_signed_unless_2_0_is_asked_for(
    signature: Any, centre: Any, say: Any, *, in_query: bool
) -> None:
    centre.will(say.replied(SEED))
    with SignedClientSync(
        "https://h", app_id=1, server_secret=SECRET, user_id="u", transport=centre.transport, **signature
    ) as client:
        client.query_songs_copyright(songs_id=["1"])
    (request,) = centre.requests
    assert SIGNATURE_FIELDS & set(request.url.params) == (SIGNATURE_FIELDS if in_query else set())
    assert ("signature-input" in request.headers, "signature" in request.headers) == (not in_query, not in_query)


@pytest.mark.parametrize(
    ("base_url", "authority", "path"),
    [
        ("https://Centre.Example", "centre.example", "/"),
        ("https://centre.example:443/", "centre.example", "/"),
        ("http://centre.example:8080/ktv/", "centre.example:8080", "/ktv/"),
        ("http://user:hunter2@[::1]:9000", "[::1]:9000", "/"),
        ("https://音乐.example/点歌", "xn--fjq180p.example", "/%E7%82%B9%E6%AD%8C/"),
    ],
)
def test_what_is_signed_is_what_is_sent(base_url: str, authority: str, path: str, centre: Any, say: Any) -> None:
    centre.will(say.replied(SEED))
    with SignedClientSync(
        base_url, app_id=1, server_secret=SECRET, user_id="茉莉 花", transport=centre.transport
    ) as client:
        client.query_songs_copyright(songs_id=["1"], room_id="r&1")
    (request,) = centre.requests
    assert (request.headers["host"], request.url.raw_path.decode().partition("?")[0]) == (authority, path)
    assert asked(request).is_signed_with([SECRET])


def test_ready_headers_are_pure_and_verify() -> None:
    """The vector of `docs/wire.md`."""
    headers = signed_headers(
        "https://music.example/v1/actions/QuerySongsCopyright",
        method="POST",
        body=b'{"UserId":"mei","SongsId":["100000001"]}',
        app_id=1234567890,
        server_secret="0123456789abcdef0123456789abcdef",
        nonce="9f86d081884c7d65",
        created_s=1790000000,
    )
    assert headers == {
        "Content-Digest": "sha-256=:xSbygkkVL123nCPAumouw+P1MvbZicT0qfcGhKvUJV8=:",
        "Signature-Input": 'yuefu=("@method" "@authority" "@path" "@query" "content-digest");created=1790000000'
        ';keyid="1234567890";alg="hmac-sha256";nonce="9f86d081884c7d65";tag="yuefu"',
        "Signature": "yuefu=:pAApbWIE4+/RFuZXW00EG5IqAG/pgEymw1uDsTkcNws=:",
    }


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "centre.example",
        "ftp://h",
        "https://",
        "https://h/?",
        "https://h/?a=1",
        "https://h/#f",
        "http://h/\x00",
        "http://h:x",
    ],
)
def test_a_base_url_that_is_none_is_refused_at_once(base_url: str) -> None:
    with pytest.raises(BadParameter, match="base_url"):
        SignedClientSync(base_url, app_id=1, server_secret=SECRET, user_id="u")


def test_a_ready_url_is_pure_and_verifies() -> None:
    url = signed_url(
        "https://centre.example/ktv/",
        "QuerySongsCopyright",
        {"SongsId": ["7", "9"]},
        app_id=12345,
        server_secret="9193cc662a4c0ec135ec71fb57194b38",
        user_id="茉莉 花",
        nonce="4fd24687296dd9f3",
        timestamp_s=1615186943,
        vendor_id=1,
        room_id="r&1",
    )
    assert url == (
        "https://centre.example/ktv/?Action=QuerySongsCopyright&AppId=12345&Signature=43e5cfcca828314675f91b001390566a"
        "&SignatureNonce=4fd24687296dd9f3&SignatureVersion=2.0&Timestamp=1615186943"
        "&UserId=%E8%8C%89%E8%8E%89%20%E8%8A%B1&VendorId=1&RoomId=r%261&SongsId%5B%5D=7&SongsId%5B%5D=9"
    )


def test_nonces_are_documented_and_new() -> None:
    nonces = {new_nonce() for _ in range(1_000)}
    assert len(nonces) == 1_000
    assert all(len(nonce) == 16 and int(nonce, 16) >= 0 for nonce in nonces)


async def test_many_questions_go_at_once(say: Any) -> None:
    all_asked = asyncio.Barrier(20)

    async def answer(request: httpx2.Request) -> httpx2.Response:
        await all_asked.wait()
        (song_id,) = asked(request).business["SongsId"]
        response: httpx2.Response = say.replied({"Copyright": [{**SEED["Copyright"][0], "SongId": song_id}]})
        return response

    async with SignedClient(
        "https://h", app_id=1, server_secret=SECRET, user_id="u", transport=httpx2.MockTransport(answer)
    ) as client:
        answers = await asyncio.gather(*(client.query_songs_copyright(songs_id=[str(n)]) for n in range(20)))
    assert [answer.copyright[0].song_id for answer in answers] == [str(n) for n in range(20)]
