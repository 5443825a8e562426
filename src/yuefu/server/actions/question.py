"""A question whose asker and vendor are settled, ready for its handler."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from yuefu.access.app import App
from yuefu.ids import VendorId
from yuefu.server.centre import Centre
from yuefu.wire.codes import Code
from yuefu.wire.operation import Operation
from yuefu.wire.refusal import Refusal
from yuefu.wire.vendor import DEFAULT_VENDOR, VendorProfile

P = TypeVar("P", bound=msgspec.Struct)
R = TypeVar("R", bound=msgspec.Struct)


class Question(msgspec.Struct, frozen=True):
    """Who asks, of which vendor (the real one, never 0), from where, and when.

    `picture_url` makes the address of a picture from its hash and size, "" from no hash.
    """

    app: App
    action: str
    vendor_id: VendorId
    profiles: Mapping[int, VendorProfile]
    territory: str
    at_ms: int
    picture_url: Callable[[str, int], str]

    @property
    def profile(self) -> VendorProfile:
        """What the vendor's wire allows."""
        return self.profiles[self.vendor_id]

    def check_vendor(self, requested: int, *, parameter: str) -> VendorId:
        """As `choose_vendor`, for a vendor that one of the operation's own parameters names."""
        return choose_vendor(self.profiles, self.app, requested, action=self.action, parameter=parameter)


Handler = Callable[[Centre, Question, P], R]


def choose_vendor(
    profiles: Mapping[int, VendorProfile], app: App, requested: int, *, action: str, parameter: str
) -> VendorId:
    """The vendor a call is about: what it asked for, 0 being the app's default.

    The order is the contract's (decision G8), static before per-app: a number that is no vendor, an operation that
    never supports it, a vendor the app was not granted; each has a cure of its own. Raises `Refusal` that names
    `parameter`.
    """
    profile = profiles.get(requested)
    if profile is None:
        known = ", ".join(str(vendor) for vendor in sorted(profiles))
        raise Refusal(Code.VENDOR_INVALID, f"{parameter}: must be one of {known}")
    if action not in profile.operations:
        raise Refusal(Code.VENDOR_UNSUPPORTED, f"{parameter}: {action} does not support vendor {requested}")
    vendor_id = app.default_vendor if requested == DEFAULT_VENDOR else VendorId(requested)
    if vendor_id not in app.vendors:
        raise Refusal(Code.VENDOR_NOT_GRANTED, f"{parameter}: the app has not been granted vendor {vendor_id}")
    return vendor_id


def pose(
    centre: Centre, operation: Operation[P, R], app: App, *, vendor: int, parameter: str, territory: str
) -> Question:
    """The question that a call of `operation` poses, once its vendor is chosen. Raises `Refusal`."""
    return Question(
        app=app,
        action=operation.action,
        vendor_id=choose_vendor(centre.profiles, app, vendor, action=operation.action, parameter=parameter),
        profiles=centre.profiles,
        territory=territory,
        at_ms=centre.now_ms(),
        picture_url=centre.picture_url,
    )
