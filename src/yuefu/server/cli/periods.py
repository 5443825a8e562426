"""`yuefu charge …` and `yuefu period …`."""

from typing import Any

import click
import msgspec

from yuefu.ids import AppId
from yuefu.rights.ledger import Charge, ClosedPeriod, Posting
from yuefu.rights.plan import BadPeriod, Period
from yuefu.server.charging import close_period, reverse_charge
from yuefu.server.cli.apps import find_app
from yuefu.server.cli.options import (
    COUNT,
    NUMBER,
    command_author,
    print_json,
    print_table,
    settings_for,
    standard_options,
)
from yuefu.server.wiring import open_installation
from yuefu.units import format_instant


class PeriodType(click.ParamType[Period]):
    """A month, as 2026-11."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Period:
        try:
            return value if isinstance(value, Period) else Period.parse(value)
        except BadPeriod as error:
            self.fail(str(error), param, ctx)


PERIOD = PeriodType()
_app = click.argument("app_id", metavar="APP", type=NUMBER)


@click.group()
def charge() -> None:
    """Charges: what each grant was charged. None is ever edited; one that was wrong is reversed."""


@charge.command("list")
@click.option("--app", "app_id", type=NUMBER, help="Of one app.")
@click.option("--period", type=PERIOD, help="Of one month, as 2026-11.")
@click.option("--unpriced", is_flag=True, help="Uses that no price held for.")
@click.option("--after", type=COUNT, default=0, help="Those after that number.")
@click.option("--limit", "at_most", type=click.IntRange(1, 10_000), default=100, show_default=True)
@standard_options
def list_charges(
    *,
    app_id: int | None,
    period: Period | None,
    unpriced: bool,
    after: int,
    at_most: int,
    data: str | None,
    as_json: bool,
) -> None:
    """Charges, in the order they were made. A later use of a month that is paid is there with 0."""
    with open_installation(settings_for(data)) as installation:
        charges = installation.centre.ledger.charges(
            None if app_id is None else AppId(app_id),
            period=period,
            is_unpriced=unpriced or None,
            after=after,
            at_most=at_most,
        )
    if as_json:
        print_json([_charge_facts(each) for each in charges])
        return
    head = ("Charge", "App", "Vendor", "Mode", "Subject", "Month", "Amount", "", "")
    print_table(head, [_charge_row(each) for each in charges])


@charge.command("reverse")
@click.argument("charge_id", metavar="CHARGE", type=NUMBER)
@click.option("--reason", required=True, help="Why, for whoever reads the books.")
@standard_options
def reverse(*, charge_id: int, reason: str, data: str | None, as_json: bool) -> None:
    """Take back what was posted for CHARGE, by a posting of its own. The grant stays."""
    if not reason.strip():
        raise click.BadParameter("say why", param_hint="--reason")
    with open_installation(settings_for(data)) as installation:
        posting = reverse_charge(installation.centre, charge_id, reason, command_author())
    if as_json:
        print_json(_posting_facts(posting))
    else:
        click.echo(
            f"{posting.kind.value.capitalize()} of {posting.amount_minor} {posting.currency} in {posting.period}."
        )


@charge.command("postings")
@click.option("--app", "app_id", type=NUMBER, help="Of one app.")
@click.option("--period", type=PERIOD, help="Of one month, as 2026-11.")
@click.option("--after", type=COUNT, default=0, help="Those after that number.")
@click.option("--limit", "at_most", type=click.IntRange(1, 10_000), default=100, show_default=True)
@standard_options
def postings(
    *, app_id: int | None, period: Period | None, after: int, at_most: int, data: str | None, as_json: bool
) -> None:
    """The postings, in order: what each amount was taken from and given to."""
    with open_installation(settings_for(data)) as installation:
        found = installation.centre.ledger.postings(
            None if app_id is None else AppId(app_id), period=period, after=after, at_most=at_most
        )
    if as_json:
        print_json([_posting_facts(each) for each in found])
        return
    rows = [
        (
            str(each.posting_id),
            str(each.charge_id),
            each.kind.value,
            each.debit,
            each.credit,
            str(each.amount_minor),
            each.currency,
            str(each.period),
        )
        for each in found
    ]
    print_table(("Posting", "Charge", "Kind", "From", "To", "Amount", "", "Month"), rows)


@click.group()
def period() -> None:
    """Months: one that is closed takes adjustments only."""


@period.command("close")
@_app
@click.argument("month", metavar="MONTH", type=PERIOD)
@standard_options
def close(*, app_id: int, month: Period, data: str | None, as_json: bool) -> None:
    """Close MONTH of APP, and all before it, once it has ended in the app's time zone."""
    with open_installation(settings_for(data)) as installation:
        close_period(installation.centre, AppId(app_id), month, command_author())
    if as_json:
        print_json({"app_id": app_id, "period": str(month)})
    else:
        click.echo(f"{month} is closed.")


@period.command("list")
@_app
@standard_options
def list_periods(*, app_id: int, data: str | None, as_json: bool) -> None:
    """The months of APP that were closed."""
    with open_installation(settings_for(data)) as installation:
        find_app(installation, app_id)
        closed = installation.centre.ledger.closed_periods(AppId(app_id))
    if as_json:
        print_json([_period_facts(each) for each in closed])
        return
    print_table(("Month", "Closed at"), [(str(each.period), format_instant(each.closed_at_ms)) for each in closed])


def _period_facts(closed: ClosedPeriod) -> dict[str, Any]:
    return {"period": str(closed.period), "closed_at": format_instant(closed.closed_at_ms)}


def _charge_facts(charge: Charge) -> dict[str, Any]:
    facts = msgspec.structs.asdict(charge)
    charged_at = format_instant(facts.pop("charged_at_ms"))
    return {**facts, "charged_at": charged_at}


def _charge_row(charge: Charge) -> tuple[str, ...]:
    return (
        str(charge.charge_id),
        str(charge.app_id),
        str(charge.vendor_id),
        str(charge.billing_mode),
        charge.subject,
        charge.period,
        str(charge.amount_minor),
        charge.currency,
        "reversed" if charge.is_reversed else "unpriced" if charge.is_unpriced else "",
    )


def _posting_facts(posting: Posting) -> dict[str, Any]:
    facts = msgspec.structs.asdict(posting)
    posted_at = format_instant(facts.pop("posted_at_ms"))
    months = {"period": str(posting.period), "booked_in": str(posting.booked_in)}
    return {**facts, "kind": posting.kind.value, **months, "posted_at": posted_at}
