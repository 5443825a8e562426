"""HTTP message signatures: fixed vectors, what is covered, and how strictly the fields are read."""

import base64
import hashlib
import hmac
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.wire.codes import Code
from yuefu.wire.http_signature import (
    MAX_FIELD_LENGTH,
    MAX_SIGNED_BYTES,
    HttpMessage,
    SignedMessage,
    Target,
    content_digest,
    sign_message,
    signed_message,
)
from yuefu.wire.query import parse_query
from yuefu.wire.refusal import Refusal

SECRET = "0123456789abcdef0123456789abcdef"
APP_ID = 1234567890
NONCE = "9f86d081884c7d65"
AT_S = 1790000000
QUERY = "Action=QuerySongsCopyright&UserId=mei&VendorId=1&SongsId%5B%5D=100000001"
BODY = b'{"UserId":"mei","SongsId":["100000001"]}'
ASKED = HttpMessage(method="GET", targets=(Target("music.example", "/"),), query=QUERY)
POSTED = HttpMessage(
    method="POST", targets=(Target("music.example", "/v1/actions/QuerySongsCopyright"),), query="", body=BODY
)
COVERED = '("@method" "@authority" "@path" "@query")'
PARAMETERS = f';created={AT_S};keyid="{APP_ID}";alg="hmac-sha256";nonce="{NONCE}";tag="yuefu"'
# Made by http-message-signatures 3.0.0, an implementation that shares no line with ours.
ASKED_SIGNATURE = "yuefu=:VmDT+9/LWyzZ1BS8dE6+AJY/lF/bIRilYA4bVq2eWLM=:"
POSTED_SIGNATURE = "yuefu=:pAApbWIE4+/RFuZXW00EG5IqAG/pgEymw1uDsTkcNws=:"


def signed(message: HttpMessage, *, secret: str = SECRET, nonce: str = NONCE) -> HttpMessage:
    """The message with the headers that sign it."""
    headers = sign_message(message, app_id=APP_ID, secret=secret, nonce=nonce, created_s=AT_S)
    return msgspec.structs.replace(
        message,
        signature_input=headers["Signature-Input"],
        signature=headers["Signature"],
        content_digest=headers.get("Content-Digest", ""),
    )


def read(message: HttpMessage) -> SignedMessage:
    """The message as the server API reads it. What the alias has in its body is not asked for."""
    fields = parse_query(message.query.encode())
    fields.setdefault("Action", ["QuerySongsCopyright"])
    return signed_message(fields, message, needs_user="UserId" in fields)


def refused(message: HttpMessage) -> tuple[int, str]:
    """The code, and the field that the message names."""
    with pytest.raises(Refusal) as caught:
        read(message)
    return caught.value.code, caught.value.message.partition(":")[0]


def with_input(parameters: str = PARAMETERS, *, covered: str = COVERED, **changes: Any) -> HttpMessage:
    return msgspec.structs.replace(
        ASKED, **{"signature_input": f"yuefu={covered}{parameters}", "signature": ASKED_SIGNATURE} | changes
    )


# Vectors.


def test_the_vector_of_a_question() -> None:
    assert sign_message(ASKED, app_id=APP_ID, secret=SECRET, nonce=NONCE, created_s=AT_S) == {
        "Signature-Input": f"yuefu={COVERED}{PARAMETERS}",
        "Signature": ASKED_SIGNATURE,
    }


def test_the_vector_of_a_question_with_a_body() -> None:
    assert sign_message(POSTED, app_id=APP_ID, secret=SECRET, nonce=NONCE, created_s=AT_S) == {
        "Content-Digest": "sha-256=:xSbygkkVL123nCPAumouw+P1MvbZicT0qfcGhKvUJV8=:",
        "Signature-Input": f'yuefu=("@method" "@authority" "@path" "@query" "content-digest"){PARAMETERS}',
        "Signature": POSTED_SIGNATURE,
    }


def test_the_vector_by_hand() -> None:
    """The signature base written out, as section 2.5 of the RFC has it."""
    base = (
        '"@method": POST\n'
        '"@authority": music.example\n'
        '"@path": /v1/actions/QuerySongsCopyright\n'
        '"@query": ?\n'
        '"content-digest": sha-256=:xSbygkkVL123nCPAumouw+P1MvbZicT0qfcGhKvUJV8=:\n'
        '"@signature-params": ("@method" "@authority" "@path" "@query" "content-digest");created=1790000000'
        ';keyid="1234567890";alg="hmac-sha256";nonce="9f86d081884c7d65";tag="yuefu"'
    )
    mac = hmac.new(b"0123456789abcdef0123456789abcdef", base.encode(), hashlib.sha256).digest()
    assert f"yuefu=:{base64.b64encode(mac).decode()}:" == POSTED_SIGNATURE


def test_a_signed_question_is_read_back() -> None:
    query = read(signed(ASKED))
    assert (query.action, query.app_id, query.nonce, query.timestamp_s) == ("QuerySongsCopyright", APP_ID, NONCE, AT_S)
    assert (query.user_id, query.room_id, query.vendor_id) == ("mei", "", 1)
    assert query.business == {"SongsId": ["100000001"]}
    assert query.is_signed_with([SECRET])


@given(
    method=st.sampled_from(["GET", "POST"]),
    authority=st.sampled_from(["music.example", "127.0.0.1:8080", "[::1]:9000"]),
    path=st.sampled_from(["/", "/v1/actions/DescribeTags", "/ktv/", "/a%20b"]),
    extra=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="&=#%+"), max_size=40),
    body=st.binary(max_size=300),
    nonce=st.from_regex(r"[!#-\[\]-~]{1,64}", fullmatch=True),
)
def test_what_is_signed_is_proven_by_its_secret_alone(
    *, method: str, authority: str, path: str, extra: str, body: bytes, nonce: str
) -> None:
    query = f"UserId=u&X={extra}"
    message = HttpMessage(method=method, targets=(Target(authority, path),), query=query, body=body)
    proven = read(signed(message, nonce=nonce))
    assert proven.nonce == nonce
    assert proven.is_signed_with([SECRET])
    assert not proven.is_signed_with([SECRET.upper()])
    assert not proven.is_signed_with([])


# What is covered.

ALTERED: dict[str, dict[str, Any]] = {
    "the method": {"method": "PUT"},
    "the authority": {"targets": (Target("other.example", POSTED.targets[0].path),)},
    "the path": {"targets": (Target("music.example", "/v1/actions/DescribeTags"),)},
    "the query": {"query": "a=1"},
    "the body": {"body": BODY.replace(b"mei", b"eve")},
    "no body": {"body": b""},
    "the body and its digest": {
        "body": BODY.replace(b"mei", b"eve"),
        "content_digest": content_digest(BODY.replace(b"mei", b"eve")),
    },
    "the digest": {"content_digest": content_digest(BODY).replace("sha-256", "sha-512")},
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED)
def test_whatever_is_altered_breaks_the_signature(change: dict[str, Any]) -> None:
    message = signed(POSTED)
    assert read(message).is_signed_with([SECRET])
    assert not read(msgspec.structs.replace(message, **change)).is_signed_with([SECRET])


@pytest.mark.parametrize("name", ["created", "keyid", "nonce"])
def test_the_parameters_are_covered(name: str) -> None:
    message = signed(ASKED)
    altered = {
        "created": message.signature_input.replace(str(AT_S), str(AT_S + 1)),
        "keyid": message.signature_input.replace(str(APP_ID), "7"),
        "nonce": message.signature_input.replace(NONCE, "another"),
    }[name]
    assert not read(msgspec.structs.replace(message, signature_input=altered)).is_signed_with([SECRET])


def test_either_live_secret_is_good() -> None:
    assert read(signed(ASKED)).is_signed_with(["f" * 32, SECRET])
    assert not read(signed(ASKED)).is_signed_with(["f" * 32, "e" * 32])


def test_a_proxy_may_have_put_another_name() -> None:
    """Signed for the one, received as the other: either name of ours is good, and no third."""
    inside, outside = Target("10.0.0.5:8080", "/"), Target("music.example", "/ktv/")
    for signed_for in (inside, outside):
        message = signed(msgspec.structs.replace(ASKED, targets=(signed_for,)))
        received = msgspec.structs.replace(message, targets=(inside, outside))
        assert read(received).is_signed_with([SECRET])
    message = signed(msgspec.structs.replace(ASKED, targets=(Target("evil.example", "/"),)))
    assert not read(msgspec.structs.replace(message, targets=(inside, outside))).is_signed_with([SECRET])


# What other implementations write, and is good too.


def resigned(parameters: str, covered: str = COVERED, label: str = "sig1", message: HttpMessage = ASKED) -> HttpMessage:
    """The message signed by hand over these very parameters."""
    values = {
        "@method": message.method,
        "@authority": message.targets[0].authority,
        "@path": message.targets[0].path,
        "@query": f"?{message.query}",
        "content-digest": message.content_digest,
    }
    names = [name.strip('"') for name in covered.strip("()").split(" ")]
    lines = [f'"{name}": {values[name]}' for name in names] + [f'"@signature-params": {covered}{parameters}']
    mac = base64.b64encode(hmac.digest(SECRET.encode(), "\n".join(lines).encode(), "sha256")).decode()
    return msgspec.structs.replace(
        message, signature_input=f"{label}={covered}{parameters}", signature=f"{label}=:{mac}:"
    )


@pytest.mark.parametrize(
    "parameters",
    [
        f';created={AT_S};keyid="{APP_ID}";nonce="{NONCE}";tag="yuefu"',
        f';tag="yuefu";nonce="{NONCE}";keyid="{APP_ID}";created={AT_S}',
        f';alg="hmac-sha256";tag="yuefu";nonce="a+b/c=";keyid="{APP_ID}";created={AT_S}',
    ],
)
def test_parameters_may_come_in_any_order_and_without_the_algorithm(parameters: str) -> None:
    assert read(resigned(parameters)).is_signed_with([SECRET])


@pytest.mark.parametrize(
    "covered", ['("@query" "@path" "@authority" "@method")', '("@path" "@method" "@query" "@authority")']
)
def test_components_may_come_in_any_order(covered: str) -> None:
    assert read(resigned(PARAMETERS, covered)).is_signed_with([SECRET])


def test_an_empty_body_may_have_its_digest_covered() -> None:
    message = msgspec.structs.replace(ASKED, content_digest=content_digest(b""))
    covered = '("@method" "@authority" "@path" "@query" "content-digest")'
    assert read(resigned(PARAMETERS, covered, message=message)).is_signed_with([SECRET])


@pytest.mark.parametrize(
    ("digests", "is_good"),
    [
        (("sha-512",), True),
        (("sha-256", "sha-512"), True),
        (("md5-of-old", "sha-256"), True),
        (("sha-256", "wrong sha-512"), False),
    ],
)
def test_every_digest_that_is_known_must_be_the_bodys(digests: tuple[str, ...], is_good: bool) -> None:  # noqa: FBT001
    values = {
        "sha-256": base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
        "sha-512": base64.b64encode(hashlib.sha512(BODY).digest()).decode(),
        "md5-of-old": "AAAA",
        "wrong sha-512": "AAAA",
    }
    field = ", ".join(f"{name.removeprefix('wrong ')}=:{values[name]}:" for name in digests)
    message = msgspec.structs.replace(POSTED, content_digest=field)
    covered = '("@method" "@authority" "@path" "@query" "content-digest")'
    assert read(resigned(PARAMETERS, covered, message=message)).is_signed_with([SECRET]) is is_good


def test_another_partys_signature_beside_ours_is_passed_over() -> None:
    ours = signed(ASKED)
    other = 'proxy=("@method" "x-forwarded-for";sf "@query-param";name="a b");created=1;expires=2;keyid="p";tag="ttrp"'
    for first in (True, False):
        inputs = [other, ours.signature_input] if first else [ours.signature_input, other]
        message = msgspec.structs.replace(
            ours, signature_input=", ".join(inputs), signature=f"proxy=:AAAA:, {ours.signature}"
        )
        assert read(message).is_signed_with([SECRET])


# What is refused before anything is proven, and by which name.

BAD_INPUTS = {
    "empty": "",
    "no dictionary": "yuefu",
    "no list": f'yuefu="a"{PARAMETERS}',
    "a blank too many": f'yuefu=("@method"  "@authority" "@path" "@query"){PARAMETERS}',
    "a blank before a parameter": f"yuefu={COVERED}; created={AT_S}",
    "a comma too many": f"yuefu={COVERED}{PARAMETERS},",
    "a label in capitals": f"Yuefu={COVERED}{PARAMETERS}",
    "twice the same label": f"yuefu={COVERED}{PARAMETERS}, yuefu={COVERED}{PARAMETERS}",
    "two of ours": f"a={COVERED}{PARAMETERS}, b={COVERED}{PARAMETERS}",
    "no tag": f"yuefu={COVERED}{PARAMETERS}".replace(';tag="yuefu"', ""),
    "another tag": f"yuefu={COVERED}{PARAMETERS}".replace('tag="yuefu"', 'tag="web-bot-auth"'),
    "a tag that is no text": f"yuefu={COVERED}{PARAMETERS}".replace('tag="yuefu"', "tag=yuefu"),
    "a second tag": f'yuefu={COVERED}{PARAMETERS};tag="other"',
    "a parameter twice": f"yuefu={COVERED}{PARAMETERS};created={AT_S}",
    "an unknown parameter": f"yuefu={COVERED}{PARAMETERS};expires={AT_S + 9}",
    "another algorithm": f"yuefu={COVERED}{PARAMETERS}".replace("hmac-sha256", "ed25519"),
    "no algorithm at all": f"yuefu={COVERED}{PARAMETERS}".replace('"hmac-sha256"', '""'),
    "no time": f"yuefu={COVERED}{PARAMETERS}".replace(f";created={AT_S}", ""),
    "a time as text": f"yuefu={COVERED}{PARAMETERS}".replace(str(AT_S), f'"{AT_S}"'),
    "a time before the epoch": f"yuefu={COVERED}{PARAMETERS}".replace(str(AT_S), "-1790000000"),
    "a time of nine digits": f"yuefu={COVERED}{PARAMETERS}".replace(str(AT_S), "179000000"),
    "no app": f"yuefu={COVERED}{PARAMETERS}".replace(f';keyid="{APP_ID}"', ""),
    "an app that is no text": f"yuefu={COVERED}{PARAMETERS}".replace(f'"{APP_ID}"', str(APP_ID)),
    "an app with a zero before": f"yuefu={COVERED}{PARAMETERS}".replace(str(APP_ID), "01"),
    "an app too large": f"yuefu={COVERED}{PARAMETERS}".replace(str(APP_ID), "4294967296"),
    "an app by name": f"yuefu={COVERED}{PARAMETERS}".replace(str(APP_ID), "茉莉"),
    "no nonce": f"yuefu={COVERED}{PARAMETERS}".replace(f';nonce="{NONCE}"', ""),
    "an empty nonce": f"yuefu={COVERED}{PARAMETERS}".replace(NONCE, ""),
    "a nonce too long": f"yuefu={COVERED}{PARAMETERS}".replace(NONCE, "a" * 65),
    "a nonce with a blank": f"yuefu={COVERED}{PARAMETERS}".replace(NONCE, "a b"),
    "a nonce with a quote": f"yuefu={COVERED}{PARAMETERS}".replace(NONCE, 'a\\"b'),
    "nothing covered": f"yuefu=(){PARAMETERS}",
    "the query not covered": f'yuefu=("@method" "@authority" "@path"){PARAMETERS}',
    "one parameter of the query covered": f'yuefu=("@method" "@authority" "@path" "@query-param";name="a"){PARAMETERS}',
    "something covered twice": f'yuefu=("@method" "@authority" "@path" "@query" "@query"){PARAMETERS}',
    "something else covered too": f'yuefu=("@method" "@authority" "@path" "@query" "date"){PARAMETERS}',
    "a component with a parameter": f'yuefu=("@method" "@authority" "@path" "@query";req){PARAMETERS}',
    "a component that is no text": f"yuefu=(@method){PARAMETERS}",
    "a line feed": f"yuefu={COVERED}\n{PARAMETERS}",
    "huge": f"yuefu={COVERED}{PARAMETERS}" + " " * MAX_FIELD_LENGTH,
}


@pytest.mark.parametrize("text", BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_a_bad_signature_input_is_refused_by_name(text: str) -> None:
    assert refused(with_input(signature_input=text)) == (Code.ILLEGAL_PARAMETER, "Signature-Input")


BAD_SIGNATURES = {
    "missing": "",
    "no dictionary": "VmDT",
    "another label": ASKED_SIGNATURE.replace("yuefu", "sig1"),
    "text, not bytes": 'yuefu="VmDT"',
    "too short": "yuefu=:AAAA:",
    "too long": f"yuefu=:{'A' * 64}:",
    "no base64": ASKED_SIGNATURE.replace("V", "!"),
    "twice": f"{ASKED_SIGNATURE}, {ASKED_SIGNATURE}",
    "with a parameter": f"{ASKED_SIGNATURE};a",
    "huge": ASKED_SIGNATURE + " " * MAX_FIELD_LENGTH,
}


@pytest.mark.parametrize("text", BAD_SIGNATURES.values(), ids=BAD_SIGNATURES)
def test_a_bad_signature_is_refused_by_name(text: str) -> None:
    assert refused(with_input(signature=text)) == (Code.ILLEGAL_PARAMETER, "Signature")


@pytest.mark.parametrize("digest", ["", "sha-256", "md5=:AAAA:", "sha-256=AAAA", "sha-256=:AAAA:, sha-256=:AAAA:"])
def test_a_bad_digest_is_refused_by_name(digest: str) -> None:
    message = msgspec.structs.replace(signed(POSTED), content_digest=digest)
    assert refused(message) == (Code.ILLEGAL_PARAMETER, "Content-Digest")


def test_a_body_must_be_covered() -> None:
    bodiless = signed(msgspec.structs.replace(POSTED, body=b""))
    slipped_in = msgspec.structs.replace(bodiless, body=BODY, content_digest=content_digest(BODY))
    assert refused(slipped_in) == (Code.ILLEGAL_PARAMETER, "Signature-Input")


def test_a_body_too_large_is_told_so() -> None:
    message = signed(msgspec.structs.replace(POSTED, body=b"x" * (MAX_SIGNED_BYTES + 1)))
    assert refused(message) == (Code.ILLEGAL_PARAMETER, "body")


@pytest.mark.parametrize("name", ["AppId", "Signature", "SignatureNonce", "SignatureVersion", "Timestamp"])
def test_what_the_header_says_is_not_said_in_the_query_too(name: str) -> None:
    message = signed(msgspec.structs.replace(ASKED, query=f"{QUERY}&{name}=1"))
    assert refused(message) == (Code.ILLEGAL_PARAMETER, name)


@pytest.mark.parametrize("name", ["Action", "UserId"])
def test_a_common_parameter_that_is_missing_is_named(name: str) -> None:
    query = "&".join(pair for pair in QUERY.split("&") if not pair.startswith(name))
    fields = parse_query(query.encode())
    with pytest.raises(Refusal, match=f"{name}: missing"):
        signed_message(fields, signed(msgspec.structs.replace(ASKED, query=query)))


@given(text=st.text(max_size=200), signature=st.text(max_size=80), digest=st.text(max_size=80))
def test_any_text_is_refused_and_nothing_else(text: str, signature: str, digest: str) -> None:
    with pytest.raises(Refusal):
        read(msgspec.structs.replace(POSTED, signature_input=text, signature=signature, content_digest=digest))


@given(
    field=st.sampled_from(["signature_input", "signature", "content_digest"]),
    chance=st.floats(0, 1),
    slip=st.sampled_from([" ", ",", ";", '"', "\\", "(", ")", ":", "=", "a", "9", "\x00", "é"]),
)
def test_one_character_more_is_refused_or_unproven(field: str, chance: float, slip: str) -> None:
    message = signed(POSTED)
    text = getattr(message, field)
    place = round(chance * len(text))
    message = msgspec.structs.replace(message, **{field: text[:place] + slip + text[place:]})
    try:
        is_proven = read(message).is_signed_with([SECRET])
    except Refusal:
        is_proven = False
    assert not is_proven
