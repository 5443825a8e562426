"""What the wire lets each vendor do, as data.

The profiles of the documented vendors are in `vendors.toml` beside this module; an operator may add vendors of their
own with a file of the same form. No handler asks which vendor it serves: it asks the profile.
"""

from enum import IntEnum
from importlib.resources import files
from typing import Any

import msgspec

from yuefu.errors import YuefuError

DEFAULT_VENDOR = 0
"""On the wire: "the app's default vendor"."""


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
    not supported. `fields` names the result fields that only some vendors get. `segment_file` says that the short
    segment is a file of its own (else callers find it inside the long clip by `other_segments`). `charts` names the
    documented charts by their TopId: they are there from the start, filled or not; operators may add their own.
    """

    name: str
    operations: tuple[str, ...]
    qualities: dict[str, tuple[str, ...]]
    fields: tuple[str, ...] = ()
    segment_file: bool = False
    charts: dict[str, str] = {}
    resource_ttl_ms: int = 86_400_000
    share_token_ttl_ms: int = 3_600_000
    krc_token_ttl_ms: int = 43_200_000

    def supports(self, resource_type: ResourceType) -> bool:
        return resource_type.name.lower() in self.qualities

    def qualities_of(self, resource_type: ResourceType) -> tuple[str, ...]:
        """The qualities it is delivered in, best known first in the profile's order; empty when unsupported."""
        return self.qualities.get(resource_type.name.lower(), ())


class BadProfile(YuefuError):
    """A profile file that does not follow the form of `vendors.toml`."""


def parse_profiles(text: str) -> dict[int, VendorProfile]:
    """The profiles in a TOML text, by vendor id. Raises `BadProfile` naming the place at fault."""
    try:
        tables: dict[str, Any] = msgspec.toml.decode(text)
        return {int(key): msgspec.convert(table, VendorProfile) for key, table in tables.items()}
    except (msgspec.DecodeError, ValueError) as error:
        raise BadProfile(f"vendor profiles: {error}") from None


def documented_profiles() -> dict[int, VendorProfile]:
    """The profiles of vendors 0, 1, 2 and 4 as documented. 0 holds what a call may ask of "the default"."""
    return parse_profiles(files("yuefu.wire").joinpath("vendors.toml").read_text(encoding="utf-8"))
