"""Our own login token."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from yuefu.wire import user_token
from yuefu.wire.login import LoginClaims, TokenExpired, TokenInvalid

SECRET = "fa94dd0f974cf2e293728a526b028271"
OTHER_SECRET = "0123456789abcdef0123456789abcdef"
AT_S = 1_700_000_000
CLAIMS = LoginClaims(user_id="茉莉", expires_at_s=AT_S + 60, rooms=("房间一", "r2"), territory="CN")


def verified(token: str, *, at_s: int = AT_S, app_id: int = 1) -> LoginClaims:
    return user_token.verify(token, app_id=app_id, live_secrets=[OTHER_SECRET, SECRET], at_s=at_s)


def signed(claims: dict[str, Any], *, algorithm: str = "HS256") -> str:
    return jwt.encode({"alg": algorithm}, claims, OctKey.import_key(SECRET), algorithms=[algorithm])


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_token_says_what_was_put_in() -> None:
    assert verified(user_token.issue(CLAIMS, app_id=1, secret=SECRET)) == CLAIMS


def test_no_rooms_at_all_differ_from_every_room() -> None:
    everywhere = LoginClaims(user_id="u", expires_at_s=AT_S + 1)
    nowhere = LoginClaims(user_id="u", expires_at_s=AT_S + 1, rooms=())
    assert verified(user_token.issue(everywhere, app_id=1, secret=SECRET)).rooms is None
    assert verified(user_token.issue(nowhere, app_id=1, secret=SECRET)).rooms == ()


def test_a_token_expires_at_its_second() -> None:
    token = user_token.issue(CLAIMS, app_id=1, secret=SECRET)
    assert verified(token, at_s=CLAIMS.expires_at_s - 1) == CLAIMS
    with pytest.raises(TokenExpired):
        verified(token, at_s=CLAIMS.expires_at_s)


def test_a_token_of_another_app_is_refused() -> None:
    with pytest.raises(TokenInvalid):
        verified(user_token.issue(CLAIMS, app_id=2, secret=SECRET))


def test_a_token_of_another_secret_is_refused() -> None:
    token = user_token.issue(CLAIMS, app_id=1, secret=OTHER_SECRET)
    with pytest.raises(TokenInvalid):
        user_token.verify(token, app_id=1, live_secrets=[SECRET], at_s=AT_S)


@pytest.mark.parametrize(
    "changes",
    [{"iss": 1}, {"iss": "01"}, {"sub": ""}, {"sub": 7}, {"exp": "9999999999"}, {"exp": 9e9 + 0.5}, {"rooms": "r1"}],
    ids=str,
)
def test_misshapen_claims_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        verified(signed({"iss": "1", "sub": "u", "exp": AT_S + 60, **changes}))


def test_other_algorithms_are_refused() -> None:
    claims = {"iss": "1", "sub": "u", "exp": AT_S + 60}
    assert verified(signed(claims)).user_id == "u"
    with pytest.raises(TokenInvalid):
        verified(signed(claims, algorithm="HS512"))
    with pytest.raises(TokenInvalid):
        verified(f"{segment({'alg': 'none'})}.{segment(claims)}.")


@pytest.mark.parametrize(
    "header",
    [
        5,
        None,
        [],
        {},
        {"alg": 5},
        {"alg": "HS256", "crit": 5},
        {"alg": "HS256", "crit": ["x"]},
        {"alg": "HS256", "typ": 5},
    ],
    ids=str,
)
def test_a_strange_header_is_refused(header: object) -> None:
    _, body, signature = user_token.issue(CLAIMS, app_id=1, secret=SECRET).split(".")
    with pytest.raises(TokenInvalid):
        verified(f"{segment(header)}.{body}.{signature}")


@given(position=st.integers(0, 10_000), letter=st.sampled_from("ABCxyz012-_."))
def test_no_changed_letter_makes_another_user(position: int, letter: str) -> None:
    token = user_token.issue(CLAIMS, app_id=1, secret=SECRET)
    position %= len(token)
    try:
        claims = verified(token[:position] + letter + token[position + 1 :])
    except TokenInvalid:
        return
    assert claims == CLAIMS


@given(st.text() | st.lists(st.text("ABCab01-_", max_size=20), min_size=2, max_size=5).map(".".join))
def test_whatever_comes_is_refused_and_nothing_else(token: str) -> None:
    with pytest.raises(TokenInvalid):
        verified(token)


def test_a_token_without_end_is_refused_unread() -> None:
    with pytest.raises(TokenInvalid):
        verified("a." * user_token.MAX_TOKEN_LENGTH)
