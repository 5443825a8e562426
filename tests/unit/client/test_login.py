"""Login tokens made by a back end are the ones a centre accepts."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.client import BadParameter, mint_login_token
from yuefu.wire import token04, user_token
from yuefu.wire.login import LoginClaims, TokenExpired

SECRET = "fa94dd0f974cf2e293728a526b028271"
AT_S = 1_700_000_000
VERIFIERS: dict[str, Callable[..., LoginClaims]] = {"jwt": user_token.verify, "token04": token04.verify}
USERS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def mint(**changes: Any) -> str:
    given_: dict[str, Any] = {"app_id": 12345, "server_secret": SECRET, "user_id": "u", "life_s": 60, "at_s": AT_S}
    return mint_login_token(**{**given_, **changes})


@pytest.mark.parametrize("kind", ["jwt", "token04"])
@given(user_id=USERS, life_s=st.integers(1, token04.MAX_LIFETIME_S))
def test_a_minted_token_logs_its_user_in_until_it_ends(kind: str, user_id: str, life_s: int) -> None:
    token = mint(kind=kind, user_id=user_id, life_s=life_s)
    verify = VERIFIERS[kind]
    claims = verify(token, app_id=12345, live_secrets=[SECRET], at_s=AT_S + life_s - 1)
    assert claims == LoginClaims(user_id=user_id, expires_at_s=AT_S + life_s)
    with pytest.raises(TokenExpired):
        verify(token, app_id=12345, live_secrets=[SECRET], at_s=AT_S + life_s)


def test_a_jwt_carries_rooms_and_territory() -> None:
    claims = user_token.verify(
        mint(rooms=["房间", "r2"], territory="CN"), app_id=12345, live_secrets=[SECRET], at_s=AT_S
    )
    assert (claims.rooms, claims.territory) == (("房间", "r2"), "CN")


def test_a_token04_carries_one_room() -> None:
    token = mint(kind="token04", rooms=["房间"])
    assert token04.verify(token, app_id=12345, live_secrets=[SECRET], at_s=AT_S).rooms == ("房间",)


def test_chance_is_an_argument() -> None:
    def zeros(count: int) -> bytes:
        return bytes(count)

    assert mint(kind="token04", random_bytes=zeros) == mint(kind="token04", random_bytes=zeros)
    assert mint(kind="token04") != mint(kind="token04")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"user_id": ""}, "user_id"),
        ({"life_s": 0}, "life_s"),
        ({"kind": "token04", "life_s": token04.MAX_LIFETIME_S + 1}, "life_s"),
        ({"kind": "token04", "territory": "CN"}, "territory"),
        ({"kind": "token04", "rooms": []}, "rooms"),
        ({"kind": "token04", "rooms": ["a", "b"]}, "rooms"),
        ({"kind": "token04", "server_secret": "short"}, "server_secret"),
    ],
    ids=range(7),
)
def test_what_a_centre_would_refuse_is_not_minted(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(BadParameter, match=f"{name}: ") as caught:
        mint(**changes)
    assert SECRET not in str(caught.value)
