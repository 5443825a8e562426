"""Krc tokens and share tokens come back as what they stood for, until their time; old callers can read the latter."""

import base64
import json
import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import OctKey

from yuefu.access.keyring import KeyRing, key_id
from yuefu.access.tickets import (
    KrcTicket,
    ShareTicket,
    TicketExpired,
    TicketMalformed,
    open_krc_ticket,
    open_share_ticket,
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
    grant_id=42,
    expires_at_ms=NOW_MS + 3_600_000,
)

krc_tickets = st.builds(
    KrcTicket,
    app_id=st.integers(1, 2**32 - 1).map(AppId),
    song_id=st.integers(1, 2**63 - 1).map(SongId),
    expires_at_ms=st.integers(NOW_MS + 1, NOW_MS * 2),
)

share_tickets = st.builds(
    ShareTicket,
    app_id=st.integers(1, 2**32 - 1).map(AppId),
    room_id=st.text(max_size=20),
    vendor_id=st.integers(1, 99),
    song_id=st.integers(1, 2**63 - 1).map(SongId),
    resource_type=st.integers(0, 3),
    grant_id=st.integers(1, 2**63 - 1),
    expires_at_ms=st.integers(NOW_MS // 1000 + 1, NOW_MS // 500).map(lambda at_s: at_s * 1000),
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
        "grant": 42,
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


@given(share_tickets)
def test_a_share_token_stands_for_its_ticket(ticket: ShareTicket) -> None:
    assert open_share_ticket(sign_share_ticket(ticket, KEYS), KEYS, at_ms=NOW_MS) == ticket


@given(share_tickets)
def test_a_share_token_ends_at_its_instant_and_not_before(ticket: ShareTicket) -> None:
    token = sign_share_ticket(ticket, KEYS)
    assert open_share_ticket(token, KEYS, at_ms=ticket.expires_at_ms - 1) == ticket
    with pytest.raises(TicketExpired):
        open_share_ticket(token, KEYS, at_ms=ticket.expires_at_ms)


@given(st.integers(1, 999))
def test_a_share_token_lasts_no_shorter_than_was_told(more_ms: int) -> None:
    ticket = msgspec.structs.replace(SHARE, expires_at_ms=SHARE.expires_at_ms + more_ms)
    opened = open_share_ticket(sign_share_ticket(ticket, KEYS), KEYS, at_ms=ticket.expires_at_ms - 1)
    assert opened.expires_at_ms == SHARE.expires_at_ms + 1_000


@given(st.text() | st.from_regex(r"[0-9A-Za-z_-]*\.[0-9A-Za-z_-]*\.[0-9A-Za-z_-]*", fullmatch=True))
def test_any_other_text_is_a_malformed_share_token(text: str) -> None:
    with pytest.raises(TicketMalformed):
        open_share_ticket(text, KEYS, at_ms=NOW_MS)


CLAIMS = {"app": "7", "room": "", "vendor": 1, "song": "1", "type": 1, "grant": 1, "exp": NOW_MS // 1000 + 1}


def signed(claims: dict[str, object], **header: object) -> str:
    key = OctKey.import_key(KEYS.derive("share-token"))
    head = {"alg": "HS256", "kid": KEYS.active} | header
    registry = jws.JWSRegistry(algorithms=["HS256", "HS512"], strict_check_header=False)
    return jwt.encode(
        {name: value for name, value in head.items() if value is not None}, claims, key, registry=registry
    )


def test_these_claims_are_well_signed() -> None:
    assert open_share_ticket(signed(CLAIMS), KEYS, at_ms=NOW_MS).grant_id == 1


@pytest.mark.parametrize(
    "token",
    [
        *(signed({name: value for name, value in CLAIMS.items() if name != left_out}) for left_out in CLAIMS),
        signed(CLAIMS | {"app": "seven"}),
        signed(CLAIMS | {"grant": "1"}),
        signed(CLAIMS | {"exp": "tomorrow"}),
        signed(CLAIMS, kid="00000000"),
        signed(CLAIMS, kid=None),
        signed(CLAIMS, alg="HS512"),
    ],
)
def test_what_we_do_not_write_is_no_share_token(token: str) -> None:
    with pytest.raises(TicketMalformed):
        open_share_ticket(token, KEYS, at_ms=NOW_MS)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256", "crit": 5}, {"alg": "HS256", "kid": KEYS.active}])
def test_an_unsigned_share_token_is_malformed(header: dict[str, object]) -> None:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, CLAIMS)]
    with pytest.raises(TicketMalformed):
        open_share_ticket(".".join([*parts, ""]), KEYS, at_ms=NOW_MS)


def test_tokens_of_an_old_key_are_taken_while_the_ring_has_it() -> None:
    new = bytes(range(32))
    rotated = KeyRing(active=key_id(new), keys={key_id(new): new, **KEYS.keys}, random_bytes=os.urandom)
    retired = KeyRing(active=key_id(new), keys={key_id(new): new}, random_bytes=os.urandom)
    krc = KrcTicket(app_id=AppId(7), song_id=SongId(1), expires_at_ms=NOW_MS + 1)
    share_token, krc_token = sign_share_ticket(SHARE, KEYS), seal_krc_ticket(krc, KEYS)
    assert open_share_ticket(share_token, rotated, at_ms=NOW_MS) == SHARE
    assert open_krc_ticket(krc_token, rotated, at_ms=NOW_MS) == krc
    with pytest.raises(TicketMalformed):
        open_share_ticket(share_token, retired, at_ms=NOW_MS)
    with pytest.raises(TicketMalformed):
        open_krc_ticket(krc_token, retired, at_ms=NOW_MS)
