"""What the wire lets each vendor do, as data.

The profiles of the documented vendors are in `vendors.toml` beside this module; an operator may add vendors of their
own with a file of the same form. No handler asks which vendor it serves: it asks the profile.
"""

import re
from collections.abc import Collection, Iterable
from enum import IntEnum
from importlib.resources import files
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from yuefu.errors import YuefuError
from yuefu.wire.operations import OPERATIONS

DEFAULT_VENDOR = 0
"""On the wire: "the app's default vendor"."""

QUALITIES = ("normal", "hq", "sq")
"""How finely audio may be delivered."""

VENDOR_FIELDS = (
    "has_clip",
    "has_clip_url",
    "has_short_segment",
    "has_short_segment_url",
    "other_segments",
    "pitch_ability",
)
"""The result fields that only some vendors get."""

_VENDOR_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
"""What the common parameter VendorId can spell."""

_Label = Annotated[str, Meta(min_length=1, max_length=64)]
_ChartName = Annotated[str, Meta(min_length=1, max_length=200)]
_TtlMs = Annotated[int, Meta(ge=1_000, le=31_536_000_000)]
"""From a second to a year of 365 days."""


class ResourceType(IntEnum):
    """What `request_resource` may ask for."""

    SONG = 0
    ACCOMPANIMENT = 1
    ACCOMPANIMENT_CLIP = 2
    ACCOMPANIMENT_SEGMENT = 3


class BillingMode(IntEnum):
    """How a use is charged."""

    PER_USE = 0
    USER_MONTH = 1
    ROOM_MONTH = 2
    HOST_MONTH = 3


class VendorProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One vendor's possibilities on the wire. All TTLs are the documented defaults unless the profile says otherwise.

    `qualities` maps a resource type's lowercase name to the qualities it is delivered in; a type that is not there is
    not supported. `fields` names those of `VENDOR_FIELDS` that the vendor gets. `segment_file` says that the short
    segment is a file of its own (else callers find it inside the long clip by `other_segments`). `charts` names the
    documented charts by their TopId: they are there from the start, filled or not; operators may add their own.
    """

    name: _Label
    operations: tuple[str, ...]
    qualities: dict[str, tuple[str, ...]]
    fields: tuple[str, ...] = ()
    segment_file: bool = False
    charts: dict[_Label, _ChartName] = {}
    resource_ttl_ms: _TtlMs = 86_400_000
    share_token_ttl_ms: _TtlMs = 3_600_000
    krc_token_ttl_ms: _TtlMs = 43_200_000

    def supports(self, resource_type: ResourceType) -> bool:
        return resource_type.name.lower() in self.qualities

    def qualities_of(self, resource_type: ResourceType) -> tuple[str, ...]:
        """The qualities it is delivered in, best known first in the profile's order; empty when unsupported."""
        return self.qualities.get(resource_type.name.lower(), ())


class BadProfile(YuefuError):
    """A profile file that does not follow the form of `vendors.toml`: which key, and what it may be."""


def parse_profiles(text: str) -> dict[int, VendorProfile]:
    """The profiles in a TOML text, by vendor id. Raises `BadProfile` naming the key at fault and what it may be."""
    try:
        tables: dict[str, Any] = msgspec.toml.decode(text)
    except msgspec.DecodeError as error:
        raise BadProfile(str(error)) from None
    return {_vendor_number(key): _parse_profile(key, table) for key, table in tables.items()}


def _vendor_number(key: str) -> int:
    if not _VENDOR_NUMBER.fullmatch(key):
        raise BadProfile(f"[{_quoted(key)}]: a table's name must be a vendor's number, from 0 to 999999999")
    return int(key)


def _parse_profile(vendor: str, table: Any) -> VendorProfile:
    if not isinstance(table, dict):
        raise BadProfile(f"{vendor}: must be a table, as [{vendor}]")
    _check_known(vendor, "key", table, VendorProfile.__struct_fields__)
    try:
        profile = msgspec.convert(table, VendorProfile)
    except msgspec.ValidationError as error:
        raise BadProfile(_place(vendor, str(error))) from None
    _check_known(f"{vendor}.operations", "Action", profile.operations, [each.action for each in OPERATIONS])
    _check_known(f"{vendor}.fields", "field", profile.fields, VENDOR_FIELDS)
    _check_known(
        f"{vendor}.qualities", "resource type", profile.qualities, [each.name.lower() for each in ResourceType]
    )
    for resource_type, qualities in profile.qualities.items():
        place = f"{vendor}.qualities.{resource_type}"
        _check_known(place, "quality", qualities, QUALITIES)
        if not qualities:
            raise BadProfile(f"{place}: names no quality; leave out a resource type that is not delivered")
    if profile.segment_file and "other_segments" in profile.fields:
        raise BadProfile(f"{vendor}.fields: other_segments are inside a long clip; segment_file says there is none")
    for text in (profile.name, *profile.charts, *profile.charts.values()):
        if text != text.strip() or not text.isprintable():
            raise BadProfile(f"{vendor}: {_quoted(text)} must be printable, without a space at either end")
    return profile


def _check_known(place: str, kind: str, given: Iterable[str], known: Collection[str]) -> None:
    """That all of `given` are known, each once. Raises `BadProfile`."""
    met: set[str] = set()
    for value in given:
        if value not in known:
            raise BadProfile(f"{place}: there is no {kind} {_quoted(value)}; there are {', '.join(known)}")
        if value in met:
            raise BadProfile(f"{place}: {value} stands there twice")
        met.add(value)


def _place(vendor: str, problem: str) -> str:
    """A converter's message, with its place in the file before it instead of after: `7.operations: Expected …`."""
    what, _, where = problem.partition(" - at ")
    path = where.replace("`", "").replace("[...]", "").replace("$", vendor)
    return f"{path or vendor}: {what}"


def _quoted(text: str) -> str:
    return repr(text[:64])


def documented_profiles() -> dict[int, VendorProfile]:
    """The profiles of vendors 0, 1, 2 and 4 as documented. 0 holds what a call may ask of "the default"."""
    return parse_profiles(files("yuefu.wire").joinpath("vendors.toml").read_text(encoding="utf-8"))
