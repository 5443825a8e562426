"""HTTP message signatures (RFC 9421), in the one profile that this wire takes.

HMAC-SHA256 with the ServerSecret over `@method`, `@authority`, `@path`, `@query` and, when there is a body,
`content-digest` (RFC 9530), in any order and nothing else. Parameters: `created` (Unix seconds), `keyid` (the AppId in
decimal), `nonce` (used once), `tag` "yuefu", and `alg` where wanted. Unlike signature 2.0 it covers the whole question.

The fields are read in the canonical form that every implementation writes (RFC 9651, section 4.1), so the text of the
parameters is signed as it came and nothing is parsed twice. (Decision record 0008.)
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import ClassVar

import msgspec

from yuefu.ids import AppId
from yuefu.wire.refusal import illegal
from yuefu.wire.signing import MAX_APP_ID, SIGNATURE_FIELDS, SignedQuery, read_asker, single

CREATED_FRESHNESS_S = 300
"""How far `created` may be from the server's clock, inclusive, either way."""

TAG = "yuefu"
ALGORITHM = "hmac-sha256"
MAX_FIELD_LENGTH = 4_096
MAX_SIGNED_BYTES = 65_536
"""The largest body that can be signed: as much as the server reads of one."""

_INPUT, _SIGNATURE, _DIGEST = "Signature-Input", "Signature", "Content-Digest"
_TARGET = ("@method", "@authority", "@path", "@query")
_BODY = "content-digest"
_COVERED = frozenset(_TARGET)

_KEY = r"[a-z*][a-z0-9_.*-]*"
_STRING = r'"[ !#-\[\]-~]*(?:\\["\\][ !#-\[\]-~]*)*"'
_BARE = rf"(?:{_STRING}|-?[0-9]{{1,15}}|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*|:[A-Za-z0-9+/]*={{0,2}}:|\?[01])"
_PARAMETERS = rf"(?:;{_KEY}(?:={_BARE})?)*"
_NEXT = r"(?:,[ \t]*(?!\Z)|\Z)"
_ITEM = rf"{_STRING}{_PARAMETERS}"
_MEMBER = re.compile(
    rf"(?P<label>{_KEY})=(?P<value>\((?P<covered>(?:{_ITEM}(?: {_ITEM})*)?)\)(?P<parameters>{_PARAMETERS})){_NEXT}",
    re.ASCII,
)
_PARAMETER = re.compile(rf";({_KEY})(?:=({_BARE}))?", re.ASCII)
_BYTES_MEMBER = re.compile(rf"(?P<label>{_KEY})=:(?P<value>[A-Za-z0-9+/]*={{0,2}}):{_NEXT}", re.ASCII)

_CREATED = re.compile(r"[1-9][0-9]{9}", re.ASCII)
_KEY_ID = re.compile(r'"([1-9][0-9]{0,9})"', re.ASCII)
_NONCE = re.compile(r'"([!#-\[\]-~]{1,64})"', re.ASCII)
_MAC = re.compile(r"[A-Za-z0-9+/]{43}=", re.ASCII)

_DIGESTS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


class Target(msgspec.Struct, frozen=True):
    """Where a request went, as its sender wrote it: "centre.example", "/". The path is percent-encoded."""

    authority: str
    path: str


class HttpMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What of an HTTP request a signature covers, as it was sent: nothing decoded.

    `targets` are the names under which the request may have been signed: one, unless a proxy stands between. A header
    given in several lines is one text here, joined by ", "; "" stands for one that is not there.
    """

    method: str
    targets: tuple[Target, ...]
    query: str
    body: bytes = b""
    signature_input: str = ""
    signature: str = ""
    content_digest: str = ""


class SignedMessage(SignedQuery, frozen=True, kw_only=True):
    """A query proven by the HTTP message that carries it. `timestamp_s` is `created`; `signature` is in base64.

    `bases` are the texts of which one was signed, a target each.
    """

    freshness_s: ClassVar[int] = CREATED_FRESHNESS_S
    timestamp_name: ClassVar[str] = "created"
    nonce_name: ClassVar[str] = "nonce"
    is_signature2: ClassVar[bool] = False

    bases: tuple[bytes, ...]
    content_digest: str
    body: bytes

    def is_signed_with(self, live_secrets: Iterable[str]) -> bool:
        """Whether the message was signed with one of `live_secrets`, and its body is the one that was signed."""
        given = base64.b64decode(self.signature)
        matches = False
        for secret in live_secrets:
            key = secret.encode()
            for base in self.bases:
                matches |= hmac.compare_digest(hmac.digest(key, base, "sha256"), given)
        return matches and _is_digest_of(self.content_digest, self.body)


def sign_message(message: HttpMessage, *, app_id: int, secret: str, nonce: str, created_s: int) -> dict[str, str]:
    """The headers that sign `message`, sent to its first target; `Content-Digest` is among them when it has a body."""
    headers = {}
    covered: tuple[str, ...] = _TARGET
    digest = ""
    if message.body:
        digest = content_digest(message.body)
        headers[_DIGEST] = digest
        covered = (*_TARGET, _BODY)
    names = " ".join(f'"{name}"' for name in covered)
    parameters = f'({names});created={created_s};keyid="{app_id}";alg="{ALGORITHM}";nonce="{nonce}";tag="{TAG}"'
    base = _base(message, message.targets[0], covered, parameters, digest)
    mac = base64.b64encode(hmac.digest(secret.encode(), base, "sha256")).decode()
    headers[_INPUT] = f"{TAG}={parameters}"
    headers[_SIGNATURE] = f"{TAG}=:{mac}:"
    return headers


def content_digest(body: bytes) -> str:
    """The `Content-Digest` of a body (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signed_message(fields: dict[str, list[str]], message: HttpMessage, *, needs_user: bool = True) -> SignedMessage:
    """The signed query that parsed `fields` and their message make; takes its common parameters out of them.

    Raises `Refusal` (illegal parameter) naming the header or the common parameter that is missing or misshapen.
    """
    if twice := fields.keys() & SIGNATURE_FIELDS:
        raise illegal(min(twice), f"not together with the {_INPUT} header, which says it")
    if len(message.body) > MAX_SIGNED_BYTES:
        raise illegal("body", f"larger than {MAX_SIGNED_BYTES} bytes")
    label, covered, parameters, text = _read_input(message.signature_input)
    action = single(fields, "Action")
    asker = read_asker(fields, needs_user=needs_user)
    _check_covered(covered, message)
    return SignedMessage(
        action=action,
        app_id=_app_id(parameters),
        signature=_read_mac(message.signature, label),
        nonce=_shaped(parameters, "nonce", _NONCE, "1 to 64 visible characters but quotes and backslashes"),
        timestamp_s=int(_shaped(parameters, "created", _CREATED, "Unix time in seconds, ten digits")),
        user_id=asker.user_id,
        room_id=asker.room_id,
        vendor_id=asker.vendor_id,
        territory=asker.territory,
        business=fields,
        bases=tuple(_base(message, target, covered, text, message.content_digest) for target in message.targets),
        content_digest=message.content_digest if _BODY in covered else "",
        body=message.body,
    )


def _base(message: HttpMessage, target: Target, covered: Iterable[str], parameters: str, digest: str) -> bytes:
    """The signature base (RFC 9421, section 2.5). No value has a line feed in it: HTTP has none there."""
    values = {
        "@method": message.method,
        "@authority": target.authority,
        "@path": target.path,
        "@query": f"?{message.query}",
        _BODY: digest,
    }
    lines = [f'"{name}": {values[name]}' for name in covered]
    lines.append(f'"@signature-params": {parameters}')
    return "\n".join(lines).encode("latin-1")


def _read_input(text: str) -> tuple[str, list[str], dict[str, str], str]:
    """Our member of a `Signature-Input`: its label, what it covers, its parameters, and these two as written."""
    ours = []
    for member in _members(text, _MEMBER, _INPUT):
        parameters = _PARAMETER.findall(member["parameters"])
        if ("tag", f'"{TAG}"') in parameters:
            ours.append((member, parameters))
    if len(ours) != 1:
        raise illegal(_INPUT, f'must have one signature with the tag "{TAG}"')
    member, parameters = ours[0]
    named = dict(parameters)
    if len(named) != len(parameters):
        raise illegal(_INPUT, "a parameter is given more than once")
    if unknown := named.keys() - {"created", "keyid", "nonce", "tag", "alg"}:
        raise illegal(_INPUT, f"{min(unknown)} is not among created, keyid, nonce, tag and alg")
    if named.get("alg", f'"{ALGORITHM}"') != f'"{ALGORITHM}"':
        raise illegal(_INPUT, f'alg must be "{ALGORITHM}"')
    covered = [name[1:-1] for name in member["covered"].split(" ")] if member["covered"] else []
    return member["label"], covered, named, member["value"]


def _members(text: str, shape: re.Pattern[str], header: str) -> list[re.Match[str]]:
    """The members of a dictionary field, each label once."""
    if not text:
        raise illegal(header, "missing")
    if len(text) > MAX_FIELD_LENGTH:
        raise illegal(header, f"longer than {MAX_FIELD_LENGTH} characters")
    members, at = [], 0
    while at < len(text):
        member = shape.match(text, at)
        if member is None:
            raise illegal(header, f"not in the canonical form of RFC 9421 from character {at + 1} on")
        members.append(member)
        at = member.end()
    if len({member["label"] for member in members}) != len(members):
        raise illegal(header, "a label is given more than once")
    return members


def _check_covered(covered: list[str], message: HttpMessage) -> None:
    """What must be covered is, once, and nothing else: a signer who adds to the profile should not think it counts."""
    names = set(covered)
    if len(names) != len(covered) or not _COVERED <= names <= {*_COVERED, _BODY}:
        raise illegal(_INPUT, f"must cover {' '.join(_TARGET)} and, with a body, {_BODY}: each once, nothing else")
    if message.body and _BODY not in names:
        raise illegal(_INPUT, f"must cover {_BODY}, as there is a body")
    if _BODY in names:
        digests = _members(message.content_digest, _BYTES_MEMBER, _DIGEST)
        if not any(digest["label"] in _DIGESTS for digest in digests):
            raise illegal(_DIGEST, f"must have one of {', '.join(_DIGESTS)}")


def _read_mac(text: str, label: str) -> str:
    """The signature under `label`, in base64."""
    for member in _members(text, _BYTES_MEMBER, _SIGNATURE):
        if member["label"] == label:
            if _MAC.fullmatch(member["value"]) is None:
                break
            return member["value"]
    raise illegal(_SIGNATURE, f"must have 32 bytes under the label {label}")


def _app_id(parameters: dict[str, str]) -> AppId:
    app_id = int(_shaped(parameters, "keyid", _KEY_ID, "the AppId, without leading zeros"))
    if app_id > MAX_APP_ID:
        raise illegal(_INPUT, "keyid is more than 4294967295")
    return AppId(app_id)


def _shaped(parameters: dict[str, str], name: str, shape: re.Pattern[str], wanted: str) -> str:
    value = parameters.get(name)
    if value is None:
        raise illegal(_INPUT, f"{name} is missing")
    match = shape.fullmatch(value)
    if match is None:
        raise illegal(_INPUT, f"{name} must be {wanted}")
    return match[match.lastindex or 0]


def _is_digest_of(digest: str, body: bytes) -> bool:
    """Whether every digest that we know is the body's. No digest was needed when there is no body."""
    if not digest:
        return not body
    return all(
        hmac.compare_digest(base64.b64encode(known(body).digest()).decode(), member["value"])
        for member in _members(digest, _BYTES_MEMBER, _DIGEST)
        if (known := _DIGESTS.get(member["label"])) is not None
    )
