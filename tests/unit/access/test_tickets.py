"""Krc tokens come back as what they stood for, until their time; share tokens are what old callers can read."""

import base64
import json
import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import OctKey

from yuefu.access.keyring import KeyRing, key_id
from yuefu.access.tickets import (
    KrcTicket,
    ShareTicket,
    TicketExpired,
    TicketMalformed,
    open_krc_ticket,
    seal_krc_ticket,
    sign_share_ticket,
)
from yuefu.ids import AppId, SongId

KEY = bytes(32)
KEYS = KeyRing(active=key_id(KEY), keys={key_id(KEY): KEY}, random_bytes=os.urandom)
NOW_MS = 1_700_000_000_000
SHARE = ShareTicket(
    app_id=AppId(7),
    room_id="包厢一",
    vendor_id=2,
    song_id=SongId(100_000_001),
    resource_type=3,
    expires_at_ms=NOW_MS + 3_600_000,
)

krc_tickets = st.builds(
    KrcTicket,
    app_id=st.integers(1, 2**32 - 1).map(AppId),
    song_id=st.integers(1, 2**63 - 1).map(SongId),
    expires_at_ms=st.integers(NOW_MS + 1, NOW_MS * 2),
)


@given(krc_tickets)
def test_a_krc_token_stands_for_its_ticket(ticket: KrcTicket) -> None:
    assert open_krc_ticket(seal_krc_ticket(ticket, KEYS), KEYS, at_ms=NOW_MS) == ticket


@given(krc_tickets)
def test_a_krc_token_ends_at_its_instant_and_not_before(ticket: KrcTicket) -> None:
    token = seal_krc_ticket(ticket, KEYS)
    assert open_krc_ticket(token, KEYS, at_ms=ticket.expires_at_ms - 1) == ticket
    with pytest.raises(TicketExpired):
        open_krc_ticket(token, KEYS, at_ms=ticket.expires_at_ms)


def test_a_krc_token_shows_nothing_of_what_it_stands_for() -> None:
    token = seal_krc_ticket(KrcTicket(app_id=AppId(1), song_id=SongId(100_000_001), expires_at_ms=NOW_MS), KEYS)
    opaque = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert msgspec.msgpack.encode(100_000_001) not in opaque
    assert b"100000001" not in opaque


@given(st.text())
def test_any_other_text_is_malformed(text: str) -> None:
    with pytest.raises(TicketMalformed):
        open_krc_ticket(text, KEYS, at_ms=NOW_MS)


@given(st.binary(max_size=60))
def test_sealed_bytes_that_are_no_ticket_are_malformed(plain: bytes) -> None:
    with pytest.raises(TicketMalformed):
        open_krc_ticket(KEYS.seal(plain, purpose="krc-token"), KEYS, at_ms=NOW_MS)


def test_what_was_sealed_for_another_purpose_is_malformed() -> None:
    ticket = KrcTicket(app_id=AppId(1), song_id=SongId(1), expires_at_ms=NOW_MS + 1)
    with pytest.raises(TicketMalformed):
        open_krc_ticket(KEYS.seal(msgspec.msgpack.encode(ticket), purpose="server-secret"), KEYS, at_ms=NOW_MS)


def test_a_share_token_is_a_signed_jwt_that_names_its_key() -> None:
    token = sign_share_ticket(SHARE, KEYS)
    decoded = jwt.decode(token, OctKey.import_key(KEYS.derive("share-token")), algorithms=["HS256"])
    assert decoded.header == {"alg": "HS256", "kid": KEYS.active, "typ": "JWT"}
    assert decoded.claims == {
        "app": "7",
        "room": "包厢一",
        "vendor": 2,
        "song": "100000001",
        "type": 3,
        "exp": (NOW_MS + 3_600_000) // 1000,
    }


def test_an_altered_share_token_is_no_longer_signed() -> None:
    head, body, signature = sign_share_ticket(SHARE, KEYS).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"song": "1"}).encode()).decode().rstrip("=")
    with pytest.raises(BadSignatureError):
        jwt.decode(f"{head}.{forged}.{signature}", OctKey.import_key(KEYS.derive("share-token")), algorithms=["HS256"])


def test_the_share_tokens_key_is_not_the_key_that_seals() -> None:
    assert KEYS.derive("share-token") != KEY
