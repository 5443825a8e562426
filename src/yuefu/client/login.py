"""Login tokens: what an app's back end gives its users for `CopyrightedMusic.init`."""

import secrets
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from yuefu.client.errors import bad_parameter
from yuefu.wire import token04, user_token
from yuefu.wire.login import LoginClaims

_IV_BYTES = 16
_MAY = 1
_LOGIN_ROOM, _PUBLISH_STREAM = "1", "2"


def mint_login_token(
    *,
    app_id: int,
    server_secret: str,
    user_id: str,
    life_s: int,
    at_s: int,
    rooms: Sequence[str] | None = None,
    territory: str = "",
    kind: Literal["jwt", "token04"] = "jwt",
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """A token that lets `user_id` log in until `life_s` seconds after `at_s` (Unix seconds).

    `rooms` None is every room; `territory` (ISO 3166-1 alpha-2) is where the user is, "" the app's home. A "token04"
    is for clients that know nothing else: it names one room at most and no territory, and it can be altered where a
    JWT cannot. Raises `BadParameter` for what a centre would refuse.
    """
    if not user_id:
        raise bad_parameter("user_id", "empty")
    if life_s <= 0:
        raise bad_parameter("life_s", "must be above 0")
    if kind == "token04":
        return _mint_token04(
            app_id=app_id,
            server_secret=server_secret,
            user_id=user_id,
            life_s=life_s,
            at_s=at_s,
            payload=_privilege(rooms, territory),
            random_bytes=random_bytes,
        )
    claims = LoginClaims(
        user_id=user_id,
        expires_at_s=at_s + life_s,
        rooms=None if rooms is None else tuple(rooms),
        territory=territory,
    )
    return user_token.issue(claims, app_id=app_id, secret=server_secret)


def _mint_token04(
    *,
    app_id: int,
    server_secret: str,
    user_id: str,
    life_s: int,
    at_s: int,
    payload: str,
    random_bytes: Callable[[int], bytes],
) -> str:
    if life_s > token04.MAX_LIFETIME_S:
        raise bad_parameter("life_s", f"a Token04 lives {token04.MAX_LIFETIME_S} seconds at most")
    plaintext = token04.Plaintext(
        app_id=app_id,
        user_id=user_id,
        nonce=int.from_bytes(random_bytes(4), signed=True),
        ctime=at_s,
        expire=at_s + life_s,
        payload=payload,
    )
    try:
        return token04.issue(plaintext, secret=server_secret, iv=random_bytes(_IV_BYTES))
    except ValueError as error:
        raise bad_parameter("server_secret", "a Token04 needs one of 32 characters") from error


def _privilege(rooms: Sequence[str] | None, territory: str) -> str:
    """The documented payload that limits a Token04 to one room; "" for none."""
    if territory:
        raise bad_parameter("territory", "a Token04 cannot carry one; take a JWT")
    if rooms is None:
        return ""
    if len(rooms) != 1:
        raise bad_parameter("rooms", "a Token04 is good for one room or for all; take a JWT")
    may = {_LOGIN_ROOM: _MAY, _PUBLISH_STREAM: _MAY}
    return msgspec.json.encode({"room_id": rooms[0], "privilege": may, "stream_id_list": None}).decode()
