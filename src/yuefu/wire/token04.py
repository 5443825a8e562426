"""Token04: what an app's back end gives its user to log in with.

Layout: "04" + base64 of `int64be expire | uint16be n | iv | uint16be m | ciphertext [| uint8 mode]`, AES-256 with the
32 characters of the ServerSecret as key, CBC with PKCS7 padding (mode byte absent or 0) or GCM (1), around a JSON
object `app_id, user_id, nonce, ctime, expire, payload`. (Contract: client API, `token_auth`.)

CBC carries no proof of integrity: whoever flips a bit of the IV changes the start of the plaintext, and the outer
expiry is outside the cipher. So only the inner values are trusted, the outer expiry must equal the inner one, the
plaintext must be exactly the documented object, and every failure reads the same to the caller. Our own token
(`wire.user_token`) is signed, and is the one to prefer.
"""

import base64
import binascii
import hmac
import struct
from collections.abc import Iterable
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from yuefu.wire.login import LoginClaims, TokenExpired, TokenInvalid

PREFIX = "04"
MAX_TOKEN_LENGTH = 8_192
MAX_LIFETIME_S = 30 * 86_400
CLOCK_SKEW_S = 600

_SECRET_BYTES = 32
_IV_BYTES = 16
_CBC, _GCM = 0, 1


class Plaintext(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the cipher protects. Times are Unix seconds."""

    app_id: int
    user_id: str
    nonce: int
    ctime: int
    expire: int
    payload: str


class _Privilege(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of a token that is good for one room only."""

    room_id: str
    privilege: dict[Literal["1", "2"], Literal[0, 1]]
    stream_id_list: list[str] | None = None


def issue(plaintext: Plaintext, *, secret: str, iv: bytes) -> str:
    """The token around `plaintext`, in the CBC form that every reader takes. `iv` is 16 random bytes.

    Raises ValueError when `secret` is not 32 bytes long.
    """
    padder = PKCS7(128).padder()
    padded = padder.update(msgspec.json.encode(plaintext)) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(secret.encode()), modes.CBC(iv)).encryptor()
    cipher = encryptor.update(padded) + encryptor.finalize()
    body = struct.pack(f">qH{len(iv)}sH{len(cipher)}s", plaintext.expire, len(iv), iv, len(cipher), cipher)
    return PREFIX + base64.b64encode(body).decode()


def verify(token: str, *, app_id: int, live_secrets: Iterable[str], at_s: int) -> LoginClaims:
    """The claims of a token that is genuine and in force at `at_s`.

    Raises `TokenInvalid` for anything else but age, and `TokenExpired` for a genuine token that has run out.
    """
    outer = _unpack(token)
    opened = [plaintext for secret in live_secrets if (plaintext := _decrypt(outer, secret)) is not None]
    for plaintext in opened:
        if _is_sound(plaintext, outer, app_id=app_id, at_s=at_s):
            if plaintext.expire <= at_s:
                raise TokenExpired
            return LoginClaims(
                user_id=plaintext.user_id, expires_at_s=plaintext.expire, rooms=_rooms(plaintext.payload)
            )
    raise TokenInvalid


class _Outer(msgspec.Struct, frozen=True):
    expire: int
    iv: bytes
    cipher: bytes
    mode: int


def _unpack(token: str) -> _Outer:
    if not token.startswith(PREFIX) or len(token) > MAX_TOKEN_LENGTH:
        raise TokenInvalid
    try:
        body = base64.b64decode(token[len(PREFIX) :], validate=True)
        expire, iv_length = struct.unpack_from(">qH", body)
        iv = body[10 : 10 + iv_length]
        (cipher_length,) = struct.unpack_from(">H", body, 10 + iv_length)
    except (binascii.Error, struct.error, ValueError):
        raise TokenInvalid from None
    rest = body[12 + iv_length :]
    cipher, tail = rest[:cipher_length], rest[cipher_length:]
    if len(iv) != _IV_BYTES or len(cipher) != cipher_length or not cipher or tail not in {b"", b"\x00", b"\x01"}:
        raise TokenInvalid
    return _Outer(expire=expire, iv=iv, cipher=cipher, mode=tail[0] if tail else _CBC)


def _decrypt(outer: _Outer, secret: str) -> Plaintext | None:
    """The plaintext under one secret, None when it isn't one: wrong key, wrong padding and wrong JSON look alike."""
    key = secret.encode()
    if len(key) != _SECRET_BYTES:
        return None
    try:
        plain = _decrypt_gcm(outer, key) if outer.mode == _GCM else _decrypt_cbc(outer, key)
        return msgspec.json.decode(plain, type=Plaintext)
    except (ValueError, InvalidTag, UnicodeDecodeError, msgspec.DecodeError):
        return None


def _decrypt_cbc(outer: _Outer, key: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES256(key), modes.CBC(outer.iv)).decryptor()
    padded = decryptor.update(outer.cipher) + decryptor.finalize()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _decrypt_gcm(outer: _Outer, key: bytes) -> bytes:
    return AESGCM(key).decrypt(outer.iv, outer.cipher, None)


def _is_sound(plaintext: Plaintext, outer: _Outer, *, app_id: int, at_s: int) -> bool:
    return (
        plaintext.app_id == app_id
        and plaintext.expire == outer.expire
        and bool(plaintext.user_id)
        and -(2**31) <= plaintext.nonce < 2**31
        and 0 < plaintext.expire - plaintext.ctime <= MAX_LIFETIME_S
        and plaintext.ctime <= at_s + CLOCK_SKEW_S
    )


def _rooms(payload: str) -> tuple[str, ...] | None:
    """The rooms a payload limits the token to; None when it limits nothing."""
    if not payload:
        return None
    try:
        privilege = msgspec.json.decode(payload, type=_Privilege)
    except (msgspec.DecodeError, RecursionError):
        return None  # the payload is the app's own business unless it is the documented privilege
    return (privilege.room_id,) if privilege.privilege.get("1") == 1 else ()


def same_user(claimed: str, given: str) -> bool:
    """Whether the token's user is the one who says so, in constant time."""
    return hmac.compare_digest(claimed.encode(), given.encode())
