"""A question whose asker and vendor are settled, ready for its handler."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from yuefu.access.app import App
from yuefu.ids import VendorId
from yuefu.server.centre import Centre
from yuefu.wire.codes import Code
from yuefu.wire.refusal import Refusal
from yuefu.wire.vendor import DEFAULT_VENDOR, VendorProfile

P = TypeVar("P")
R = TypeVar("R")


class Question(msgspec.Struct, frozen=True):
    """Who asks, of which vendor (the real one, never 0), from where, and when."""

    app: App
    vendor_id: VendorId
    profile: VendorProfile
    territory: str
    at_ms: int


Handler = Callable[[Centre, Question, P], R]


def choose_vendor(centre: Centre, app: App, requested: int, *, action: str, parameter: str) -> VendorId:
    """The vendor a call is about: what it asked for, 0 being the app's default.

    The order is the contract's (decision G8), static before per-app: a number that is no vendor, an operation that
    never supports it, a vendor the app was not granted; each has a cure of its own. Raises `Refusal` that
    names `parameter`.
    """
    profile = centre.profiles.get(requested)
    if profile is None:
        known = ", ".join(str(vendor) for vendor in sorted(centre.profiles))
        raise Refusal(Code.VENDOR_INVALID, f"{parameter}: must be one of {known}")
    if action not in profile.operations:
        raise Refusal(Code.VENDOR_UNSUPPORTED, f"{parameter}: {action} does not support vendor {requested}")
    vendor_id = app.default_vendor if requested == DEFAULT_VENDOR else VendorId(requested)
    if vendor_id not in app.vendors:
        raise Refusal(Code.VENDOR_NOT_GRANTED, f"{parameter}: the app has not been granted vendor {vendor_id}")
    return vendor_id
