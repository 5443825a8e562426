"""A question whose asker and vendor are settled, ready for its handler."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from yuefu.access.app import App
from yuefu.ids import VendorId
from yuefu.server.centre import Centre
from yuefu.wire.codes import Code
from yuefu.wire.operation import Operation
from yuefu.wire.refusal import Refusal, bad_value
from yuefu.wire.vendor import DEFAULT_VENDOR, VendorProfile

P = TypeVar("P", bound=msgspec.Struct)
R = TypeVar("R", bound=msgspec.Struct)


class Question(msgspec.Struct, frozen=True):
    """Who asks, of which vendor (the real one, never 0), from where, and when.

    `picture_url` makes the address of a picture from its hash and size, "" from no hash. `spell` makes of a parameter's
    name the one that the caller knows it by: refusals name parameters in the caller's dialect.
    """

    app: App
    action: str
    vendor_id: VendorId
    profiles: Mapping[int, VendorProfile]
    territory: str
    at_ms: int
    picture_url: Callable[[str, int], str]
    spell: Callable[[str], str]

    @property
    def profile(self) -> VendorProfile:
        """What the vendor's wire allows."""
        return self.profiles[self.vendor_id]

    def check_vendor(self, requested: int, *, parameter: str) -> VendorId:
        """The real vendor that one of the operation's own parameters asks for. Raises `Refusal`."""
        return _choose_vendor(self.profiles, self.app, requested, action=self.action, parameter=self.spell(parameter))

    def refusal(self, code: Code, parameter: str, problem: str) -> Refusal:
        """The refusal that names one of the operation's parameters."""
        return Refusal(code, f"{self.spell(parameter)}: {problem}")

    def bad_value(self, parameter: str, problem: str) -> Refusal:
        """The documented refusal of a parameter that is there and wrong."""
        return bad_value(self.spell(parameter), problem)


Handler = Callable[[Centre, Question, P], R]


def resolve_vendor(profiles: Mapping[int, VendorProfile], app: App, requested: int, *, parameter: str) -> VendorId:
    """The real vendor of a requested one, 0 being the app's default. Raises `Refusal` for a number that is none."""
    if requested not in profiles:
        known = ", ".join(str(vendor) for vendor in sorted(profiles))
        raise Refusal(Code.VENDOR_INVALID, f"{parameter}: must be one of {known}")
    return app.default_vendor if requested == DEFAULT_VENDOR else VendorId(requested)


def check_granted(app: App, vendor_id: VendorId, *, parameter: str) -> None:
    """Let pass what an app asks of a vendor it was granted. Raises `Refusal`.

    It comes after what the vendor never supports: static before per-app, each has a cure of its own (decision G8).
    """
    if vendor_id not in app.vendors:
        raise Refusal(Code.VENDOR_NOT_GRANTED, f"{parameter}: the app has not been granted vendor {vendor_id}")


def _choose_vendor(
    profiles: Mapping[int, VendorProfile], app: App, requested: int, *, action: str, parameter: str
) -> VendorId:
    vendor_id = resolve_vendor(profiles, app, requested, parameter=parameter)
    if action not in profiles[requested].operations:
        raise Refusal(Code.VENDOR_UNSUPPORTED, f"{parameter}: {action} does not support vendor {requested}")
    check_granted(app, vendor_id, parameter=parameter)
    return vendor_id


def pose(
    centre: Centre, operation: Operation[P, R], app: App, *, vendor: int, territory: str, spell: Callable[[str], str]
) -> Question:
    """The question that a call of `operation` poses, once its vendor is chosen. Raises `Refusal`."""
    parameter = spell("vendor_id")
    return Question(
        app=app,
        action=operation.action,
        vendor_id=_choose_vendor(centre.profiles, app, vendor, action=operation.action, parameter=parameter),
        profiles=centre.profiles,
        territory=territory,
        at_ms=centre.now_ms(),
        picture_url=centre.picture_url,
        spell=spell,
    )
