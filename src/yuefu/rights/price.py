"""What a use costs: a list of prices that is only ever added to. The one that names most of a use holds for it."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, VendorId
from yuefu.rights.plan import check_currency
from yuefu.rights.purpose import MODELS

HIGHEST_MINOR = 10**12
"""What a price may be at most: sums over a million months of it still fit 64 bits."""


class BadPrice(YuefuError, ValueError):
    """A price that can be nobody's."""


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """A use whose price is asked for."""

    app_id: AppId
    vendor_id: VendorId
    resource_type: int
    scene_id: int
    billing_mode: int
    currency: str


class NewPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What uses cost from `valid_from_ms` on: those of that billing mode, and of whatever else it names.

    What is None it does not look at. Raises `BadPrice`, `BadPlan` for the currency.
    """

    app_id: AppId | None = None
    vendor_id: VendorId | None = None
    resource_type: int | None = None
    scene_id: int | None = None
    billing_mode: int
    amount_minor: int
    currency: str
    valid_from_ms: int

    def __post_init__(self) -> None:
        check_currency(self.currency)
        if not 0 <= self.amount_minor <= HIGHEST_MINOR:
            raise BadPrice(f"{self.amount_minor} is no price; it is 0 to {HIGHEST_MINOR} of the smallest unit")
        if self.billing_mode not in MODELS:
            raise BadPrice(f"{self.billing_mode} is no billing mode; there are 0 to {max(MODELS)}")

    def fits(self, priced: Priced, *, at_ms: int) -> bool:
        """Whether it says anything of that use at that instant."""
        return (
            self.app_id in {None, priced.app_id}
            and self.vendor_id in {None, priced.vendor_id}
            and self.resource_type in {None, priced.resource_type}
            and self.scene_id in {None, priced.scene_id}
            and self.billing_mode == priced.billing_mode
            and self.currency == priced.currency
            and self.valid_from_ms <= at_ms
        )


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """A price on the list."""

    price_id: int
    price: NewPrice
    recorded_at_ms: int

    @property
    def _weight(self) -> tuple[bool, bool, bool, bool, int, int]:
        price = self.price
        return (
            price.app_id is not None,
            price.vendor_id is not None,
            price.resource_type is not None,
            price.scene_id is not None,
            price.valid_from_ms,
            self.price_id,
        )


def best_price(prices: Iterable[Price], priced: Priced, *, at_ms: int) -> Price | None:
    """The price of a use, None when there is none.

    The most specific that fits: one for the app before one for the vendor, then the type, then the scene. Of those
    that name the same the one valid for the shortest time, and of these the last one written.
    """
    fitting = (price for price in prices if price.price.fits(priced, at_ms=at_ms))
    return max(fitting, key=lambda price: price._weight, default=None)  # noqa: SLF001 - one of us


class PriceBook(Protocol):
    """The price list."""

    def price(self, priced: Priced, *, at_ms: int) -> Price | None:
        """What holds for a use at that instant, as `best_price` of all there are."""

    def prices(self) -> list[Price]:
        """All there are, in the order they were written."""


class PriceDesk(PriceBook, Protocol):
    """Where one transaction writes prices."""

    def add(self, price: NewPrice, *, at_ms: int) -> int:
        """Put a price on the list; its number."""
