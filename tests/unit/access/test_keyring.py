"""The key ring: what it seals only it opens, for the same purpose, and it tells nobody its keys."""

import base64
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.access.keyring import KEY_BYTES, KeyRing, NotSealedHere, key_id, sealing_key

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def ring(*keys: bytes) -> KeyRing:
    """A ring whose first key seals."""
    return KeyRing(active=key_id(keys[0]), keys={key_id(key): key for key in keys}, random_bytes=os.urandom)


def unsealed_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def as_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@given(st.binary(max_size=300), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_what_is_sealed_is_opened(plain: bytes, purpose: str) -> None:
    keys = ring(NEW)
    assert keys.open_sealed(keys.seal(plain, purpose=purpose), purpose=purpose) == plain


@given(st.binary(max_size=300))
def test_sealed_text_names_its_key(plain: bytes) -> None:
    assert sealing_key(ring(NEW, OLD).seal(plain, purpose="a")) == key_id(NEW)


@pytest.mark.parametrize("text", ["", "*", "键"])
def test_what_nobody_sealed_names_no_key(text: str) -> None:
    assert sealing_key(text) == ""


@given(st.binary(max_size=300))
def test_sealed_text_may_stand_in_a_url(plain: bytes) -> None:
    assert re.fullmatch(r"[0-9A-Za-z_-]+", ring(NEW).seal(plain, purpose="a"))


def test_the_same_text_is_never_sealed_alike_twice() -> None:
    keys = ring(NEW)
    assert len({keys.seal(b"secret", purpose="a") for _ in range(100)}) == 100


def test_another_purpose_does_not_open_it() -> None:
    keys = ring(NEW)
    with pytest.raises(NotSealedHere):
        keys.open_sealed(keys.seal(b"secret", purpose="server-secret"), purpose="krc-token")


def test_every_altered_byte_is_noticed() -> None:
    keys = ring(NEW)
    raw = unsealed_bytes(keys.seal("茉莉花".encode(), purpose="a"))
    for place in range(len(raw)):
        altered = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(NotSealedHere):
            keys.open_sealed(as_text(altered), purpose="a")


def test_every_shortened_text_is_noticed() -> None:
    keys = ring(NEW)
    sealed = keys.seal(b"secret", purpose="a")
    for length in range(len(sealed)):
        with pytest.raises(NotSealedHere):
            keys.open_sealed(sealed[:length], purpose="a")


@given(st.text())
def test_text_from_anywhere_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(NotSealedHere):
        ring(NEW).open_sealed(text, purpose="a")


@given(st.binary())
def test_bytes_behind_a_known_key_id_are_refused_too(raw: bytes) -> None:
    with pytest.raises(NotSealedHere):
        ring(NEW).open_sealed(as_text(bytes.fromhex(key_id(NEW)) + raw), purpose="a")


def test_after_a_rotation_what_the_older_key_sealed_still_opens() -> None:
    sealed = ring(OLD).seal(b"secret", purpose="a")
    assert ring(NEW, OLD).open_sealed(sealed, purpose="a") == b"secret"


def test_a_new_key_seals_as_soon_as_it_is_active() -> None:
    sealed = ring(NEW, OLD).seal(b"secret", purpose="a")
    assert ring(NEW).open_sealed(sealed, purpose="a") == b"secret"


def test_what_a_retired_key_sealed_is_closed_for_good() -> None:
    sealed = ring(OLD).seal(b"secret", purpose="a")
    with pytest.raises(NotSealedHere):
        ring(NEW).open_sealed(sealed, purpose="a")


def test_a_ring_shows_the_ids_of_its_keys_and_not_the_keys() -> None:
    keys = ring(NEW, OLD)
    shown = f"{keys!r} {keys} {keys!s}"
    assert key_id(NEW) in shown
    assert key_id(OLD) in shown
    for key in (NEW, OLD):
        assert str(key)[2:-1] not in shown
        assert key.hex() not in shown
        assert base64.b64encode(key).decode() not in shown


@given(st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES))
def test_derived_keys_differ_by_purpose_and_from_the_key(key: bytes) -> None:
    derived = [ring(key).derive(purpose) for purpose in ("share-token", "share-tokens", "krc-token", "", "分享")]
    assert len({key, *derived}) == 6
    assert {len(each) for each in derived} == {KEY_BYTES}
    assert ring(key).derive("share-token") == derived[0]


def test_a_key_is_derived_from_any_key_of_the_ring_by_its_id() -> None:
    assert ring(NEW, OLD).derive("share-token", key=key_id(OLD)) == ring(OLD).derive("share-token")
    with pytest.raises(NotSealedHere):
        ring(NEW).derive("share-token", key=key_id(OLD))
