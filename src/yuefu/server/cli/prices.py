"""`yuefu price …`."""

from typing import Any

import click

from yuefu.ids import AppId, VendorId
from yuefu.rights.price import NewPrice, Price, Priced
from yuefu.server.charging import find_plan, set_price
from yuefu.server.cli.options import (
    COUNT,
    CURRENCY,
    INSTANT,
    NUMBER,
    command_author,
    print_json,
    print_table,
    settings_for,
    standard_options,
)
from yuefu.server.wiring import open_installation
from yuefu.units import format_instant
from yuefu.wire.vendor import BillingMode, ResourceType

_MODE = click.IntRange(0, max(BillingMode))
_TYPE = click.IntRange(0, max(ResourceType))
_SCENE = click.IntRange(0, 4)
_ANY = "any"


@click.group()
def price() -> None:
    """Prices: what uses cost, from when on. The list is only ever added to."""


@price.command("set")
@click.option("--mode", "billing_mode", type=_MODE, required=True, help="0 a use, 1-3 a user's, room's, host's month.")
@click.option("--amount", "amount_minor", type=COUNT, required=True, help="In the smallest unit, as 150.")
@click.option("--currency", type=CURRENCY, default="CNY", show_default=True)
@click.option("--app", "app_id", type=NUMBER, help="For one app. [default: any]")
@click.option("--vendor", "vendor_id", type=NUMBER, help="For songs of one vendor. [default: any]")
@click.option("--type", "resource_type", type=_TYPE, help="For one resource type. [default: any]")
@click.option("--scene", "scene_id", type=_SCENE, help="For one scene. [default: any]")
@click.option("--from", "valid_from_ms", type=INSTANT, help="From when on, with an offset. [default: now]")
@standard_options
def set_command(
    *,
    app_id: int | None,
    vendor_id: int | None,
    valid_from_ms: int | None,
    data: str | None,
    as_json: bool,
    **terms: Any,
) -> None:
    """Put a price on the list. One that names more of a use goes before one that names less."""
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        price = NewPrice(
            app_id=None if app_id is None else AppId(app_id),
            vendor_id=None if vendor_id is None else VendorId(vendor_id),
            valid_from_ms=centre.now_ms() if valid_from_ms is None else valid_from_ms,
            **terms,
        )
        price_id = set_price(centre, price, command_author())
        recorded = Price(price_id=price_id, price=price, recorded_at_ms=centre.now_ms())
    if as_json:
        print_json(_facts(recorded))
    else:
        click.echo(f"Price {price_id} holds from {format_instant(price.valid_from_ms)} on.")


@price.command("list")
@click.option("--app", "app_id", type=NUMBER, help="Those that may hold for one app.")
@standard_options
def list_prices(*, app_id: int | None, data: str | None, as_json: bool) -> None:
    """The prices, in the order they were written."""
    with open_installation(settings_for(data)) as installation:
        found = installation.centre.prices.prices()
    prices = [each for each in found if app_id is None or each.price.app_id in {None, app_id}]
    if as_json:
        print_json([_facts(each) for each in prices])
        return
    head = ("Price", "Mode", "App", "Vendor", "Type", "Scene", "Amount", "", "From")
    print_table(head, [_row(each) for each in prices])


@price.command("quote")
@click.argument("app_id", metavar="APP", type=NUMBER)
@click.option("--vendor", "vendor_id", type=NUMBER, required=True)
@click.option("--mode", "billing_mode", type=_MODE, default=0, show_default=True)
@click.option("--type", "resource_type", type=_TYPE, default=1, show_default=True)
@click.option("--scene", "scene_id", type=_SCENE, default=0, show_default=True)
@click.option("--at", "at_ms", type=INSTANT, help="When, with an offset. [default: now]")
@standard_options
def quote(*, app_id: int, vendor_id: int, at_ms: int | None, data: str | None, as_json: bool, **use: int) -> None:
    """What a use of APP's costs. A month that is paid already costs nothing more."""
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        currency = find_plan(centre, AppId(app_id)).currency
        priced = Priced(app_id=AppId(app_id), vendor_id=VendorId(vendor_id), currency=currency, **use)
        found = centre.prices.price(priced, at_ms=centre.now_ms() if at_ms is None else at_ms)
    if as_json:
        amount = 0 if found is None else found.price.amount_minor
        price_id = None if found is None else found.price_id
        print_json({"amount_minor": amount, "currency": currency, "price_id": price_id, "unpriced": int(found is None)})
    elif found is None:
        click.echo(f"0 {currency}: no price holds for it")
    else:
        click.echo(f"{found.price.amount_minor} {currency} (price {found.price_id})")


def _facts(price: Price) -> dict[str, Any]:
    each = price.price
    return {
        "price_id": price.price_id,
        "mode": each.billing_mode,
        "app_id": each.app_id,
        "vendor_id": each.vendor_id,
        "resource_type": each.resource_type,
        "scene_id": each.scene_id,
        "amount_minor": each.amount_minor,
        "currency": each.currency,
        "valid_from": format_instant(each.valid_from_ms),
        "recorded_at": format_instant(price.recorded_at_ms),
    }


def _row(price: Price) -> tuple[str, ...]:
    each = price.price
    named = (each.app_id, each.vendor_id, each.resource_type, each.scene_id)
    return (
        str(price.price_id),
        str(each.billing_mode),
        *(_ANY if value is None else str(value) for value in named),
        str(each.amount_minor),
        each.currency,
        format_instant(each.valid_from_ms),
    )
