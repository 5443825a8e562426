"""`init` and `destroy`: who gets a session, and for how long it is one."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuefu.units import DAY_MS, HOUR_MS, MINUTE_MS
from yuefu.wire import token04, user_token
from yuefu.wire.codes import ClientCode
from yuefu.wire.login import LoginClaims

NOT_AUTHENTICATED, ILLEGAL, NOT_INITIALISED, NOT_USABLE = 1017009, 1017040, 1017096, 1017041
SECRET = "fa94dd0f974cf2e293728a526b028271"
APP_ID = 12345


def token04_for(world: Any, **changes: Any) -> str:
    """A Token04 for 茉莉, good for an hour."""
    plain = token04.Plaintext(
        app_id=APP_ID, user_id="茉莉", nonce=7, ctime=world.now_s, expire=world.now_s + 3_600, payload=""
    )
    secret = changes.pop("secret", SECRET)
    return token04.issue(msgspec.structs.replace(plain, **changes), secret=secret, iv=b"0123456789abcdef")


def jwt_for(world: Any, *, secret: str = SECRET, app_id: int = APP_ID, **changes: Any) -> str:
    claims = LoginClaims(user_id="茉莉", expires_at_s=world.now_s + 3_600)
    return user_token.issue(msgspec.structs.replace(claims, **changes), app_id=app_id, secret=secret)


ISSUERS = {"Token04": token04_for, "JWT": jwt_for}
EXPIRY = {"Token04": "expire", "JWT": "expires_at_s"}


def refusal(answer: Any) -> tuple[int, str]:
    """The code, and the field that the message names."""
    assert answer.keys() == {"code", "message", "request_id"}
    return answer["code"], answer["message"].partition(":")[0]


@pytest.mark.parametrize("kind", ISSUERS)
def test_a_login_token_opens_a_session_for_a_day(world: Any, kind: str) -> None:
    answer = world.init(token=ISSUERS[kind](world))
    assert answer.keys() == {"code", "message", "request_id", "data"}
    assert (answer["code"], answer["data"].keys()) == (0, {"session", "expires_in"})
    assert answer["data"]["expires_in"] == 86_400
    (row,) = world.rows("sessions")
    assert (row["user_id"], row["user_name"], row["rooms"], row["territory"]) == ("茉莉", "茉莉", None, "CN")
    assert row["expires_at_ms"] - row["started_at_ms"] == DAY_MS


def test_the_store_does_not_hold_the_token(world: Any) -> None:
    session = world.init()["data"]["session"]
    for path in world.folder.rglob("*"):
        if path.is_file():
            assert session.encode() not in path.read_bytes()
            assert SECRET.encode() not in path.read_bytes()


@pytest.mark.parametrize("kind", ISSUERS)
@pytest.mark.parametrize(
    "changes",
    [{"secret": "0" * 32}, {"app_id": 999}, {"user_id": "somebody else"}, {"user_id": "茉莉 "}],
    ids=str,
)
def test_another_users_or_apps_token_is_refused(world: Any, kind: str, changes: dict[str, Any]) -> None:
    assert world.init(token=ISSUERS[kind](world, **changes))["code"] == NOT_AUTHENTICATED
    assert world.rows("sessions") == []


@pytest.mark.parametrize("kind", ISSUERS)
def test_an_expired_token_is_refused_and_the_message_says_so(world: Any, kind: str) -> None:
    token = ISSUERS[kind](world)
    world.wait(HOUR_MS - 1)
    assert world.init(token=token)["code"] == 0
    world.wait(1)
    answer = world.init(token=token)
    assert answer["code"] == NOT_AUTHENTICATED
    assert "expired" in answer["message"]


@pytest.mark.parametrize("token", ["", "04", "04AAAA", "a.b.c", "nonsense", "04" + "A" * 9_000, "x" * 9_000])
def test_what_is_no_token_is_refused(world: Any, token: str) -> None:
    assert world.init(token=token)["code"] == NOT_AUTHENTICATED


def test_an_unknown_app_and_a_wrong_token_read_alike(world: Any) -> None:
    wrong, unknown = world.init(token=jwt_for(world, secret="0" * 32)), world.init(token=jwt_for(world), app_id=999)
    assert (wrong["code"], wrong["message"]) == (unknown["code"], unknown["message"])


def test_a_disabled_app_is_told_so_only_to_those_who_prove_theirs(world: Any) -> None:
    app = world.add_app(99, is_enabled=False)
    assert world.init(app)["code"] == NOT_USABLE
    assert world.init(app, token=jwt_for(world, app_id=99, secret="0" * 32))["code"] == NOT_AUTHENTICATED


def test_either_secret_of_a_rotation_is_good(world: Any) -> None:
    app = world.add_app(99, live_secrets=("1" * 32, "2" * 32))
    for secret in app.live_secrets:
        assert world.init(app, token=jwt_for(world, app_id=99, secret=secret))["code"] == 0
        assert world.init(app, token=token04_for(world, app_id=99, secret=secret))["code"] == 0


ROOM_PAYLOAD = '{"room_id":"包厢","privilege":{"1":1,"2":1},"stream_id_list":null}'


@pytest.mark.parametrize("kind", ISSUERS)
@pytest.mark.parametrize(
    ("rooms", "code"),
    [([], 0), (["包厢"], 0), (["另一间"], NOT_AUTHENTICATED), (["包厢", "另一间"], NOT_AUTHENTICATED)],
    ids=str,
)
def test_a_token_for_one_room_is_good_for_no_other(world: Any, kind: str, rooms: list[str], code: int) -> None:
    limits = {"payload": ROOM_PAYLOAD} if kind == "Token04" else {"rooms": ("包厢",)}
    answer = world.init(token=ISSUERS[kind](world, **limits), room_ids=rooms)
    assert answer["code"] == code
    assert code == 0 or "room_ids" in answer["message"]
    assert [row["rooms"] for row in world.rows("sessions")] == ([] if code else ['["包厢"]'])
    assert [row["room_id"] for row in world.rows("room_members")] == ([] if code else rooms)


def test_a_token_may_say_where_its_user_is(world: Any) -> None:
    world.init(token=jwt_for(world, territory="TW"))
    assert world.rows("sessions")[0]["territory"] == "TW"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"", "app_id"),
        (b"{}", "app_id"),
        (b'{"app_id":12345}', "user_id"),
        (b'{"app_id":"12345","user_id":"a"}', "app_id"),
        (b'{"app_id":0,"user_id":"a"}', "app_id"),
        (b'{"app_id":4294967296,"user_id":"a"}', "app_id"),
        (b'{"app_id":1.5,"user_id":"a"}', "app_id"),
        (b'{"app_id":12345,"user_id":""}', "user_id"),
        (b'{"app_id":12345,"user_id":7}', "user_id"),
        (b'{"app_id":12345,"user_id":null}', "user_id"),
        (b'{"app_id":12345,"user_id":"' + b"u" * 257 + b'"}', "user_id"),
        (b'{"app_id":12345,"user_id":"a","user_name":[]}', "user_name"),
        (b'{"app_id":12345,"user_id":"a","room_ids":"r"}', "room_ids"),
        (b'{"app_id":12345,"user_id":"a","room_ids":[1]}', "room_ids"),
        (b'{"app_id":12345,"user_id":"a","room_ids":[""]}', "room_ids"),
        (b'{"app_id":12345,"user_id":"a","room_ids":[' + b'"r",' * 64 + b'"r"]}', "room_ids"),
        (b"[]", "body"),
        (b"null", "body"),
        (b"{", "body"),
        (b"\xff", "body"),
        (b'{"app_id":12345,"user_id":"\xff"}', "body"),
        (b'{"app_id":12345,"user_id":"\\ud800"}', "body"),
        (b'{"x":' * 30_000, "body"),
        (b'{"x":' + b"[" * 60_000, "body"),
        (b'{"app_id":12345,"user_id":"a"}' + b" " * 100_000, "body"),
    ],
    ids=lambda value: repr(value[:44]),
)
def test_a_broken_body_is_refused_by_name(world: Any, body: bytes, name: str) -> None:
    assert refusal(world.post("init", body, jwt_for(world))) == (ILLEGAL, name)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=60))
@pytest.mark.parametrize("name", ["init", "destroy", "request_resource", "get_krc_lyric_by_token"])
def test_any_bytes_are_answered_with_a_documented_code(still_world: Any, name: str, body: bytes) -> None:
    answer = still_world.post(name, body, "no session")
    assert answer["code"] in set(ClientCode) - {ClientCode.OK, ClientCode.INTERNAL_ERROR}


# The life of a session.


def test_a_session_is_good_for_a_day(world: Any) -> None:
    member = world.member()
    world.wait(DAY_MS - 1)
    assert member.request()["code"] == 0
    world.wait(1)
    assert member.request()["code"] == NOT_INITIALISED


def test_destroy_ends_the_session_and_it_alone(world: Any) -> None:
    member, other = world.member(), world.member()
    assert member.call("destroy")["code"] == 0
    assert member.request()["code"] == NOT_INITIALISED
    assert member.call("destroy")["code"] == NOT_INITIALISED
    assert other.request()["code"] == 0


@pytest.mark.parametrize("name", ["destroy", "request_resource", "get_krc_lyric_by_token", "send_extended_request"])
@pytest.mark.parametrize("bearer", ["", "nonsense", "x" * 10_000])
def test_every_call_but_init_needs_a_session(still_world: Any, name: str, bearer: str) -> None:
    assert still_world.post(name, b"{", bearer)["code"] == NOT_INITIALISED


def test_a_login_token_is_no_session(world: Any) -> None:
    assert world.post("request_resource", {"song_id": "1"}, jwt_for(world))["code"] == NOT_INITIALISED


def test_a_session_ends_with_its_apps_permission(world: Any) -> None:
    member = world.member()
    world.centre.work.run(lambda transaction: transaction._connection.execute("UPDATE apps SET is_enabled = 0"))
    assert member.request()["code"] == NOT_USABLE


def test_sessions_of_one_user_are_different(world: Any) -> None:
    tokens = {world.init()["data"]["session"] for _ in range(5)}
    assert len(tokens) == 5
    world.wait(MINUTE_MS)
    assert {world.post("destroy", {}, token)["code"] for token in tokens} == {0}
