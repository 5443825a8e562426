"""The price list: the most specific price holds, and of those the latest."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.ids import AppId, VendorId
from yuefu.rights.plan import BadPlan
from yuefu.rights.price import HIGHEST_MINOR, BadPrice, NewPrice, Price, Priced, best_price

ASKED = Priced(app_id=AppId(7), vendor_id=VendorId(1), resource_type=1, scene_id=2, billing_mode=0, currency="CNY")
BASE = NewPrice(billing_mode=0, amount_minor=100, currency="CNY", valid_from_ms=0)


def listed(*prices: NewPrice) -> list[Price]:
    return [Price(price_id=number, price=price, recorded_at_ms=0) for number, price in enumerate(prices, start=1)]


def priced(*prices: NewPrice, at_ms: int = 1_000) -> int | None:
    found = best_price(listed(*prices), ASKED, at_ms=at_ms)
    return None if found is None else found.price.amount_minor


def price(amount_minor: int, **named: int) -> NewPrice:
    return msgspec.structs.replace(BASE, amount_minor=amount_minor, **named)


def test_a_price_that_names_more_of_a_use_goes_before_one_that_names_less() -> None:
    general, vendor, kind = price(1), price(2, vendor_id=1), price(3, resource_type=1, scene_id=2)
    app = price(4, app_id=7)
    assert priced(general) == 1
    assert priced(kind, general) == 3
    assert priced(vendor, kind, general) == 2
    assert priced(app, vendor, kind, general) == 4
    assert priced(price(5, app_id=7, scene_id=2), app) == 5


def test_of_prices_that_name_the_same_the_one_valid_last_holds() -> None:
    assert priced(price(1, valid_from_ms=10), price(2, valid_from_ms=5)) == 1
    assert priced(price(1, valid_from_ms=10), price(2, valid_from_ms=10)) == 2


def test_a_price_holds_from_its_instant_on() -> None:
    later = price(2, valid_from_ms=1_000)
    assert priced(price(1), later, at_ms=999) == 1
    assert priced(price(1), later, at_ms=1_000) == 2
    assert priced(later, at_ms=999) is None


@pytest.mark.parametrize(
    "other", [{"app_id": 8}, {"vendor_id": 2}, {"resource_type": 0}, {"scene_id": 0}, {"billing_mode": 1}], ids=str
)
def test_a_price_of_something_else_says_nothing(other: dict[str, int]) -> None:
    assert priced(price(1, **other)) is None
    assert priced(msgspec.structs.replace(BASE, currency="USD")) is None


@given(st.permutations(range(5)))
def test_the_order_of_the_list_does_not_matter(order: list[int]) -> None:
    prices = listed(price(1), price(2, vendor_id=1), price(3, app_id=7), price(4, app_id=7), price(5, app_id=8))
    found = best_price([prices[place] for place in order], ASKED, at_ms=0)
    assert found is not None
    assert found.price.amount_minor == 4


@pytest.mark.parametrize("wrong", [{"amount_minor": -1}, {"amount_minor": HIGHEST_MINOR + 1}, {"billing_mode": 4}])
def test_what_is_no_price_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BadPrice):
        msgspec.structs.replace(BASE, **wrong)
    with pytest.raises(BadPlan, match="currency"):
        msgspec.structs.replace(BASE, currency="RMB元")
