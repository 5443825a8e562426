"""Token04: the contract's vector, round trips, and what a forger might try."""

import base64
import json
import struct
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given
from hypothesis import strategies as st

from yuefu.wire import token04
from yuefu.wire.login import LoginClaims, TokenExpired, TokenInvalid

APP_ID = 1
SECRET = "fa94dd0f974cf2e293728a526b028271"
OTHER_SECRET = "0123456789abcdef0123456789abcdef"
IV = b"0123456789abcdef"
CTIME_S, EXPIRE_S = 1_700_000_000, 1_700_003_600
PLAINTEXT = {
    "app_id": APP_ID,
    "user_id": "demo",
    "nonce": 7,
    "ctime": CTIME_S,
    "expire": EXPIRE_S,
    "payload": "",
}
VECTOR = (
    "04AAAAAGVT/xAAEDAxMjM0NTY3ODlhYmNkZWYAYPDOWcZeMCPxbh1dpHzCTREIwK2oIO5x78Qlcu9iUMPYZNGOlA6LCYUTQGwUgUq+/8Ln5TSnZdwWJ"
    "/nXKFuvvrODPsW7KjBXiWK9XfFOi6Xo8AriioVyLhRRReWddk5UmA=="
)


def sealed(
    plain: bytes | dict[str, Any], *, secret: str = SECRET, expire: int = EXPIRE_S, gcm: bool = False, tail: bytes = b""
) -> str:
    """A token around any plaintext, as someone who has the secret could make it."""
    text = plain if isinstance(plain, bytes) else json.dumps(plain, separators=(",", ":")).encode()
    if gcm:
        cipher = AESGCM(secret.encode()).encrypt(IV, text, None)
        tail = b"\x01"
    else:
        padder = PKCS7(128).padder()
        encryptor = Cipher(algorithms.AES256(secret.encode()), modes.CBC(IV)).encryptor()
        cipher = encryptor.update(padder.update(text) + padder.finalize()) + encryptor.finalize()
    return packed(expire, IV, cipher, tail)


def packed(expire: int, iv: bytes, cipher: bytes, tail: bytes = b"") -> str:
    body = struct.pack(f">qH{len(iv)}sH{len(cipher)}s", expire, len(iv), iv, len(cipher), cipher) + tail
    return "04" + base64.b64encode(body).decode()


def unpacked(token: str) -> bytearray:
    return bytearray(base64.b64decode(token[2:]))


def repacked(body: bytes | bytearray) -> str:
    return "04" + base64.b64encode(body).decode()


def verified(token: str, *, at_s: int = CTIME_S, secrets: tuple[str, ...] = (SECRET,)) -> LoginClaims:
    return token04.verify(token, app_id=APP_ID, live_secrets=secrets, at_s=at_s)


def refuses(token: str, *, at_s: int = CTIME_S) -> None:
    with pytest.raises(TokenInvalid) as caught:
        verified(token, at_s=at_s)
    assert str(caught.value) == "the token is not valid for this app"


def test_the_contracts_vector_verifies() -> None:
    assert verified(VECTOR) == LoginClaims(user_id="demo", expires_at_s=EXPIRE_S)


def test_the_contracts_vector_is_issued_letter_by_letter() -> None:
    plaintext = token04.Plaintext(app_id=1, user_id="demo", nonce=7, ctime=CTIME_S, expire=EXPIRE_S, payload="")
    assert token04.issue(plaintext, secret=SECRET, iv=IV) == VECTOR


@pytest.mark.parametrize("order", [("ctime", "expire", "nonce"), ("nonce", "app_id", "user_id")])
def test_any_order_of_keys_is_read(order: tuple[str, ...]) -> None:
    keys = [*order, *(key for key in PLAINTEXT if key not in order)]
    assert verified(sealed({key: PLAINTEXT[key] for key in keys})).user_id == "demo"


def test_gcm_and_an_explicit_cbc_byte_are_read() -> None:
    assert verified(sealed(PLAINTEXT, gcm=True)).user_id == "demo"
    assert verified(sealed(PLAINTEXT, tail=b"\x00")).user_id == "demo"


@given(
    user_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    nonce=st.integers(-(2**31), 2**31 - 1),
    life_s=st.integers(1, token04.MAX_LIFETIME_S),
    iv=st.binary(min_size=16, max_size=16),
)
def test_what_is_issued_verifies_until_it_expires(user_id: str, nonce: int, life_s: int, iv: bytes) -> None:
    plaintext = token04.Plaintext(
        app_id=APP_ID, user_id=user_id, nonce=nonce, ctime=CTIME_S, expire=CTIME_S + life_s, payload=""
    )
    token = token04.issue(plaintext, secret=SECRET, iv=iv)
    assert verified(token, at_s=CTIME_S + life_s - 1).user_id == user_id
    with pytest.raises(TokenExpired):
        verified(token, at_s=CTIME_S + life_s)


@given(bit=st.integers(0, len(unpacked(VECTOR)) * 8 - 1))
def test_no_single_flipped_bit_makes_another_user_or_a_longer_life(bit: int) -> None:
    body = unpacked(VECTOR)
    body[bit // 8] ^= 1 << bit % 8
    try:
        claims = verified(repacked(body))
    except TokenInvalid:
        return
    assert claims == LoginClaims(user_id="demo", expires_at_s=EXPIRE_S)


@pytest.mark.parametrize("bit", range(128))
def test_a_flipped_bit_of_a_gcm_iv_is_noticed(bit: int) -> None:
    body = unpacked(sealed(PLAINTEXT, gcm=True))
    body[10 + bit // 8] ^= 1 << bit % 8
    refuses(repacked(body))


def test_an_app_id_changed_through_the_iv_is_another_apps() -> None:
    body = unpacked(VECTOR)
    body[10 + len('{"app_id":')] ^= ord("1") ^ ord("9")
    with pytest.raises(TokenInvalid):
        verified(repacked(body))
    as_nine = token04.verify(repacked(body), app_id=9, live_secrets=[SECRET], at_s=CTIME_S)
    assert as_nine.user_id == "demo", "the attack works where an app trusts another app's secret"


@pytest.mark.parametrize("expire", [EXPIRE_S + 1, EXPIRE_S + 10**9, EXPIRE_S - 1, 0, -1, 2**63 - 1])
def test_a_rewritten_outer_expiry_is_noticed(expire: int) -> None:
    body = unpacked(VECTOR)
    body[:8] = struct.pack(">q", expire)
    refuses(repacked(body))


def test_a_secret_of_another_app_opens_nothing() -> None:
    with pytest.raises(TokenInvalid):
        verified(VECTOR, secrets=(OTHER_SECRET,))
    with pytest.raises(TokenInvalid):
        verified(VECTOR, secrets=("too short",))
    assert verified(VECTOR, secrets=(OTHER_SECRET, SECRET)).user_id == "demo"


def test_a_token_of_another_app_with_the_same_secret_is_refused() -> None:
    refuses(sealed({**PLAINTEXT, "app_id": 2}))


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": ""},
        {"user_id": 7},
        {"nonce": 2**31},
        {"nonce": -(2**31) - 1},
        {"nonce": "7"},
        {"app_id": "1"},
        {"app_id": True},
        {"payload": None},
        {"ctime": EXPIRE_S},
        {"ctime": EXPIRE_S + 1},
        {"ctime": EXPIRE_S - token04.MAX_LIFETIME_S - 1},
        {"ctime": CTIME_S + token04.CLOCK_SKEW_S + 1},
        {"is_admin": True},
    ],
    ids=str,
)
def test_a_plaintext_that_is_not_the_documented_one_is_refused(changes: dict[str, Any]) -> None:
    refuses(sealed({**PLAINTEXT, **changes}))


@pytest.mark.parametrize("key", sorted(PLAINTEXT))
def test_a_missing_key_is_refused(key: str) -> None:
    refuses(sealed({name: value for name, value in PLAINTEXT.items() if name != key}))


@pytest.mark.parametrize("plain", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"app_id":1', b"[" * 3_000], ids=repr)
def test_a_plaintext_that_is_no_such_object_is_refused(plain: bytes) -> None:
    refuses(sealed(plain))


def test_text_that_is_not_utf8_is_refused() -> None:
    refuses(sealed(json.dumps(PLAINTEXT).encode().replace(b"demo", b"de\xffo")))


def test_padding_json_and_key_failures_read_alike() -> None:
    """A caller who could tell them apart could decrypt a token byte by byte."""
    body = unpacked(VECTOR)
    body[-17] ^= 1
    refuses(repacked(body))
    refuses(sealed(b"not JSON"))
    refuses(sealed(PLAINTEXT, secret=OTHER_SECRET))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "04",
        "03" + VECTOR[2:],
        VECTOR[2:],
        VECTOR[:-1],
        VECTOR + "=",
        VECTOR + "AAAA",
        VECTOR.replace("+", "-").replace("/", "_"),
        VECTOR + "\n",
        "04茉莉花",
        packed(EXPIRE_S, IV[:15], b"x" * 32),
        packed(EXPIRE_S, IV, b""),
        packed(EXPIRE_S, IV, b"x" * 31),
        packed(EXPIRE_S, IV, b"x" * 32, b"\x02"),
        packed(EXPIRE_S, IV, b"x" * 32, b"\x00\x00"),
        packed(EXPIRE_S, IV, b"x" * 8, b"\x01"),
        "04" + "A" * token04.MAX_TOKEN_LENGTH,
    ],
    ids=range(17),
)
def test_what_is_no_token_is_refused(token: str) -> None:
    refuses(token)


@given(st.text() | st.text().map(lambda text: "04" + text) | st.binary().map(repacked))
def test_whatever_comes_is_refused_and_nothing_else(token: str) -> None:
    refuses(token)


def test_a_genuine_old_token_is_called_expired_and_a_forged_one_is_not() -> None:
    with pytest.raises(TokenExpired):
        verified(VECTOR, at_s=EXPIRE_S)
    body = unpacked(VECTOR)
    body[:8] = struct.pack(">q", EXPIRE_S - 10)
    refuses(repacked(body), at_s=EXPIRE_S)


@pytest.mark.parametrize(
    ("payload", "rooms"),
    [
        ("", None),
        ("anything of the app's own", None),
        ('{"room_id":"r1","privilege":{"1":1},"deep":' + "[" * 3_000, None),
        ('{"room_id":"r1","privilege":{"1":1,"2":1},"stream_id_list":null}', ("r1",)),
        ('{"room_id":"r1","privilege":{"1":0,"2":1},"stream_id_list":null}', ()),
        ('{"room_id":"房间","privilege":{"1":1},"stream_id_list":["s"]}', ("房间",)),
    ],
    ids=range(6),
)
def test_the_privilege_payload_limits_the_rooms(payload: str, rooms: tuple[str, ...] | None) -> None:
    assert verified(sealed({**PLAINTEXT, "payload": payload})).rooms == rooms


def test_a_secret_of_the_wrong_length_issues_nothing() -> None:
    plaintext = token04.Plaintext(app_id=1, user_id="demo", nonce=7, ctime=CTIME_S, expire=EXPIRE_S, payload="")
    with pytest.raises(ValueError, match="key size"):
        token04.issue(plaintext, secret="short", iv=IV)


def test_the_user_who_logs_in_must_be_the_tokens() -> None:
    assert token04.same_user("茉莉", "茉莉")
    assert not token04.same_user("demo", "demo2")
