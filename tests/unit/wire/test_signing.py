"""Signature 2.0 and the common parameters around it."""

import string
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.wire.codes import Code
from yuefu.wire.refusal import Refusal
from yuefu.wire.signing import (
    FRESHNESS_S,
    MAX_APP_ID,
    MAX_USER_ID_LENGTH,
    is_fresh,
    parse_signed_query,
    sign,
    signature_matches,
)

SECRET = "9193cc662a4c0ec135ec71fb57194b38"
DOCUMENTED = {
    "Action": "QuerySongsCopyright",
    "AppId": "12345",
    "Signature": "43e5cfcca828314675f91b001390566a",
    "SignatureNonce": "4fd24687296dd9f3",
    "SignatureVersion": "2.0",
    "Timestamp": "1615186943",
    "UserId": "demo",
}
NONCES = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=64)
APP_IDS = st.integers(1, MAX_APP_ID)
SECRETS = st.text(string.hexdigits, min_size=32, max_size=32)
TIMES_S = st.integers(1_000_000_001, 9_999_999_999)


def raw(**changes: str | None) -> bytes:
    return urlencode({name: value for name, value in {**DOCUMENTED, **changes}.items() if value is not None}).encode()


def refusal(query: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse_signed_query(query)
    return caught.value


def test_the_documented_example_signs_as_documented() -> None:
    signature = sign(app_id=12345, nonce="4fd24687296dd9f3", secret=SECRET, timestamp_s=1615186943)
    assert signature == "43e5cfcca828314675f91b001390566a"


def test_the_documented_example_is_accepted_whole() -> None:
    query = parse_signed_query(raw())
    assert (query.app_id, query.nonce, query.timestamp_s) == (12345, "4fd24687296dd9f3", 1615186943)
    assert (query.user_id, query.room_id, query.vendor_id) == ("demo", "", 0)
    assert signature_matches(query, [SECRET])


def test_the_fourteen_digit_nonce_of_the_sample_url_is_accepted() -> None:
    assert parse_signed_query(raw(SignatureNonce="15215528852396")).nonce == "15215528852396"


def test_hex_in_capitals_is_the_same_signature() -> None:
    assert signature_matches(parse_signed_query(raw(Signature=DOCUMENTED["Signature"].upper())), [SECRET])


def test_either_of_two_live_secrets_signs() -> None:
    query = parse_signed_query(raw())
    assert signature_matches(query, ["another secret", SECRET])
    assert not signature_matches(query, ["another secret"])
    assert not signature_matches(query, [])


@given(app_id=APP_IDS, nonce=NONCES, secret=SECRETS, timestamp_s=TIMES_S)
def test_what_is_signed_matches_and_nothing_else_does(app_id: int, nonce: str, secret: str, timestamp_s: int) -> None:
    signature = sign(app_id=app_id, nonce=nonce, secret=secret, timestamp_s=timestamp_s)
    query = parse_signed_query(
        raw(AppId=str(app_id), SignatureNonce=nonce, Timestamp=str(timestamp_s), Signature=signature)
    )
    assert signature_matches(query, [secret])
    assert not signature_matches(query, [secret[::-1] + "x"])
    later = parse_signed_query(
        raw(AppId=str(app_id), SignatureNonce=nonce, Timestamp=str(timestamp_s - 1), Signature=signature)
    )
    assert not signature_matches(later, [secret])


@given(offset_s=st.integers(-2 * FRESHNESS_S, 2 * FRESHNESS_S))
def test_ten_minutes_either_way_are_fresh_to_the_second(offset_s: int) -> None:
    assert is_fresh(1_700_000_000 + offset_s, at_s=1_700_000_000) is (-600 <= offset_s <= 600)


def test_a_timestamp_lengthened_by_md5_extension_is_no_timestamp() -> None:
    assert refusal(raw(Timestamp="1615186943\x80\x00\x00extended")).message.startswith("Timestamp:")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AppId", "012345"),
        ("AppId", "0"),
        ("AppId", "-1"),
        ("AppId", "+12345"),
        ("AppId", "12 345"),
        ("AppId", "١٢٣٤٥"),
        ("AppId", str(MAX_APP_ID + 1)),
        ("AppId", "9" * 400),
        ("Signature", "Pc5WB8gokVn0xfeu/ZV+iNM1dgI="),
        ("Signature", "43e5cfcca828314675f91b001390566"),
        ("Signature", "43e5cfcca828314675f91b001390566a\n"),
        ("SignatureNonce", "a b"),
        ("SignatureNonce", "非"),
        ("SignatureNonce", "n" * 65),
        ("SignatureVersion", "1.0"),
        ("SignatureVersion", "2"),
        ("Timestamp", "161518694"),
        ("Timestamp", "01615186943"),
        ("Timestamp", "1615186943.0"),
        ("Timestamp", "1615186943\n"),
        ("UserId", "u" * (MAX_USER_ID_LENGTH + 1)),
        ("UserId", "a\x00b"),
        ("Territory", "cn"),
        ("Territory", "CHN"),
        ("Territory", ""),
        ("RoomId", "r\nr"),
        ("VendorId", "one"),
        ("VendorId", "1.0"),
        ("VendorId", ""),
    ],
)
def test_a_misshapen_common_parameter_is_named(name: str, value: str) -> None:
    refused = refusal(raw(**{name: value}))
    assert refused.code is Code.ILLEGAL_PARAMETER
    assert refused.message.startswith(f"{name}: ")


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_a_missing_empty_or_repeated_common_parameter_is_named(name: str) -> None:
    assert refusal(raw(**{name: None})).message == f"{name}: missing"
    assert refusal(raw(**{name: ""})).message == f"{name}: empty"
    assert refusal(raw() + f"&{name}={quote(DOCUMENTED[name])}".encode()).message == f"{name}: given more than once"


def test_chinese_users_and_rooms_are_welcome() -> None:
    query = parse_signed_query(raw(UserId="茉莉 花", RoomId="房间一"))
    assert (query.user_id, query.room_id) == ("茉莉 花", "房间一")


def test_an_empty_room_is_no_room() -> None:
    assert parse_signed_query(raw(RoomId="")).room_id == ""
    assert parse_signed_query(raw()).territory == ""
    assert parse_signed_query(raw(Territory="JP")).territory == "JP"


def test_the_operations_own_parameters_are_left_for_it() -> None:
    assert parse_signed_query(raw() + b"&SongsId[]=1&SongsId[]=2").business == {"SongsId": ["1", "2"]}


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_query_or_a_refusal(query: bytes) -> None:
    with pytest.raises(Refusal):
        parse_signed_query(query)
