"""The price list in SQLite."""

from functools import lru_cache
from typing import Any

import apsw

from yuefu.ids import AppId, VendorId
from yuefu.rights.price import NewPrice, Price, Priced, best_price
from yuefu.storage.sqlite.database import fetch

_PRICES = """
SELECT price_id, app_id, vendor_id, resource_type, scene_id, billing_mode, amount_minor, currency, valid_from_ms,
       recorded_at_ms
FROM prices
"""
_FITTING = f"""{_PRICES}
WHERE billing_mode = ? AND currency = ? AND valid_from_ms <= ? AND (app_id IS NULL OR app_id = ?)
  AND (vendor_id IS NULL OR vendor_id = ?) AND (resource_type IS NULL OR resource_type = ?)
  AND (scene_id IS NULL OR scene_id = ?)
"""
_ALL = f"{_PRICES} ORDER BY price_id"
_ADD = """
INSERT INTO prices (app_id, vendor_id, resource_type, scene_id, billing_mode, amount_minor, currency, valid_from_ms,
                    recorded_at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING price_id
"""


class SqlitePrices:
    """Reads on whatever connection it is given: a reader, or a transaction's own."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def price(self, priced: Priced, *, at_ms: int) -> Price | None:
        """What holds for a use at that instant, as `best_price` of all there are."""
        bindings = (
            priced.billing_mode,
            priced.currency,
            at_ms,
            priced.app_id,
            priced.vendor_id,
            priced.resource_type,
            priced.scene_id,
        )
        return best_price(map(_to_price, fetch(self._connection, _FITTING, bindings)), priced, at_ms=at_ms)

    def prices(self) -> list[Price]:
        """All there are, in the order they were written."""
        return [_to_price(row) for row in fetch(self._connection, _ALL)]


class SqlitePriceDesk(SqlitePrices):
    """Where one transaction writes prices."""

    def add(self, price: NewPrice, *, at_ms: int) -> int:
        """Put a price on the list; its number."""
        row = (
            price.app_id,
            price.vendor_id,
            price.resource_type,
            price.scene_id,
            price.billing_mode,
            price.amount_minor,
            price.currency,
            price.valid_from_ms,
            at_ms,
        )
        return int(fetch(self._connection, _ADD, row)[0][0])


@lru_cache(maxsize=1024)  # the list is only ever added to, so a row means the same for ever
def _to_price(row: tuple[Any, ...]) -> Price:
    price_id, app_id, vendor_id, resource_type, scene_id, mode, amount_minor, currency, valid_from_ms, at_ms = row
    return Price(
        price_id=price_id,
        price=NewPrice(
            app_id=None if app_id is None else AppId(app_id),
            vendor_id=None if vendor_id is None else VendorId(vendor_id),
            resource_type=resource_type,
            scene_id=scene_id,
            billing_mode=mode,
            amount_minor=amount_minor,
            currency=currency,
            valid_from_ms=valid_from_ms,
        ),
        recorded_at_ms=at_ms,
    )
