"""Session tokens: worth nothing to who reads the store, and nothing after their time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.access.session import TOKEN_BYTES, Session, SessionUnknown, hash_token, live_session, new_token
from yuefu.ids import AppId, UserId

NOW_MS = 1_700_000_000_000
TOKEN = new_token(bytes(range(TOKEN_BYTES)))
SESSION = Session(
    session_id=1,
    app_id=AppId(7),
    user_id=UserId("demo"),
    rooms=None,
    territory="CN",
    expires_at_ms=NOW_MS + 1,
)


class Desk:
    """One session, under the hash of its token."""

    def session(self, token_hash: bytes) -> Session | None:
        return SESSION if token_hash == hash_token(TOKEN) else None


@given(st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES))
def test_a_token_may_stand_in_a_header_and_is_not_what_is_stored(random: bytes) -> None:
    token = new_token(random)
    assert re.fullmatch(r"[0-9A-Za-z_-]{43}", token)
    assert token.encode() not in hash_token(token)
    assert random not in hash_token(token)


@given(st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES), st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES))
def test_tokens_of_different_bytes_differ(one: bytes, other: bytes) -> None:
    assert (new_token(one) == new_token(other)) == (one == other)
    assert (hash_token(new_token(one)) == hash_token(new_token(other))) == (one == other)


def test_a_session_is_open_until_its_instant() -> None:
    assert live_session(Desk(), TOKEN, at_ms=SESSION.expires_at_ms - 1) is SESSION
    with pytest.raises(SessionUnknown):
        live_session(Desk(), TOKEN, at_ms=SESSION.expires_at_ms)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_other_token_opens_it(token: str) -> None:
    with pytest.raises(SessionUnknown):
        live_session(Desk(), token, at_ms=NOW_MS)


def test_an_unknown_session_and_an_ended_one_read_alike() -> None:
    with pytest.raises(SessionUnknown) as unknown:
        live_session(Desk(), "", at_ms=NOW_MS)
    with pytest.raises(SessionUnknown) as ended:
        live_session(Desk(), TOKEN, at_ms=SESSION.expires_at_ms)
    assert str(unknown.value) == str(ended.value)
