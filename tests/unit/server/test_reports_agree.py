"""All reports of all months against each other and against the books, after months of anything that may happen."""

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.unit.server.conftest import APP
from tests.unit.server.test_reports import MEI, ROOM, close, with_prices

from yuefu.ids import UserId, VendorId
from yuefu.rights.deal import Chain
from yuefu.rights.ledger import NothingToReverse, PeriodClosed, PeriodRunning, balances
from yuefu.rights.plan import Period, month_of
from yuefu.rights.sales_report import Party
from yuefu.rights.split import Portion, Split
from yuefu.rights.usage import Selection
from yuefu.server.charging import change_plan, reverse_charge
from yuefu.server.keeping import forget_user
from yuefu.server.reports import (
    ReportScope,
    invoice_report,
    set_split,
    statement_report,
    trace,
    usage_report,
    write_sales_report,
)
from yuefu.units import DAY_MS, SECOND_MS

STEPS = 120
FIRST = Period(2023, 10)
ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin")
VENDORS = {"whole": 1, "of vendor 2": 2}
HAPPENINGS = {"use": 12, "reverse": 2, "wait": 2, "move": 1, "close": 1, "split": 1, "forget": 1}


class Months:
    """Uses, and all that befalls them, in whatever order the chance has it."""

    def __init__(self, world: Any, chance: random.Random) -> None:
        self.world, self.centre, self.chance = world, world.centre, chance

    def pass_by(self) -> None:
        for number in range(STEPS):
            (what,) = self.chance.choices(list(HAPPENINGS), list(HAPPENINGS.values()))
            getattr(self, f"_{what}")(number)

    def _use(self, number: int) -> None:
        payer, guest = (self.world.member(user_id=self.chance.choice(users)) for users in ("甲乙丙", "丁戊"))
        song = self.chance.choice(list(VENDORS))
        asked = {"song_id": str(self.world.songs[song]), "vendor_id": VENDORS[song], "room_id": ROOM}
        asked["resource_type"] = self.chance.choice([0, 1]) if song == "whole" else 0
        terms = {"mode": self.chance.randrange(4), "scene_id": self.chance.choice([0, 2]), "master_id": "房主"}
        self.world.wait(SECOND_MS)
        guest.call("join_room", room_id=ROOM)
        assert payer.call("request_resource", **asked, **terms)["code"] == 0
        shared = guest.call("get_shared_resource", **asked)
        if shared["code"] == 0:
            resource_id = shared["data"]["resources"][0]["resource_id"]
            assert guest.call("report_play", resource_id=resource_id, play_id=f"p-{number}", seconds=35)["code"] == 0

    def _reverse(self, _: int) -> None:
        for charge in self.chance.sample(self.charges, min(1, len(self.charges))):
            try:
                reverse_charge(self.centre, charge.charge_id, "退款", MEI)
            except NothingToReverse:
                continue

    def _wait(self, _: int) -> None:
        self.world.wait(self.chance.randrange(1, 20) * DAY_MS)

    def _move(self, _: int) -> None:
        change_plan(self.centre, APP.app_id, {"time_zone": self.chance.choice(ZONES)}, MEI)

    def _close(self, _: int) -> None:
        before = [month for month in self.shown() if month < self.now]
        try:
            close(self.world, before[-1])
        except (PeriodClosed, PeriodRunning):
            return

    def _split(self, number: int) -> None:
        portions = (
            Portion(chain=Chain.WORK, holder="词曲", share_ppm=self.chance.randrange(1, 500_000)),
            Portion(chain=Chain.RECORDING, holder="录音", share_ppm=333_333),
        )
        split = Split(vendor_id=VendorId(1 + number % 2), from_period=Period(2023, 11), portions=portions)
        set_split(self.centre, split, MEI)

    def _forget(self, _: int) -> None:
        forget_user(self.centre, APP.app_id, UserId(self.chance.choice("甲丁")), MEI)

    @property
    def now(self) -> Period:
        return month_of(self.world.now_us // 1_000, "UTC")

    @property
    def charges(self) -> Any:
        return self.centre.ledger.charges(at_most=9_999)

    def shown(self) -> list[Period]:
        """The months that anything may be in, and one more."""
        months = [FIRST]
        while months[-1] <= self.now.following():
            months.append(months[-1].following())
        return months


def sold_minor(centre: Any, month: Period, folder: Path) -> int:
    """The revenue of all sales reports of a month; in each the usage must be what the summaries say."""
    sold = Decimal()
    for vendor_id in VENDORS.values():
        target = folder / f"{month}-{vendor_id}"
        target.mkdir()
        party = Party()
        made = write_sales_report(
            centre, VendorId(vendor_id), month, MEI, app_id=APP.app_id, folder=target, sender=party, recipient=party
        )
        (file,) = made.files
        lines = [line.split("\t") for line in Path(file).read_text(encoding="utf-8").splitlines()]
        used = [line for line in lines if line[0] == "SU02"]
        for summary in (line for line in lines if line[0] == "SY02.02"):
            own = [line for line in used if line[2] == summary[1]]
            assert sum(int(line[7]) for line in own) == int(summary[8])
            if summary[4] == "PayAsYouGoModel":
                assert sum(int(line[7]) * Decimal(line[8]) for line in own) == Decimal(summary[11])
            sold += Decimal(summary[11])
    return int(sold * 100)


@pytest.mark.parametrize("seed", range(3))
def test_all_reports_of_all_months_come_to_what_the_books_say(world: Any, tmp_path: Path, seed: int) -> None:
    centre = with_prices(world).centre
    months = Months(world, random.Random(seed))
    months.pass_by()
    owed, counted = 0, dict.fromkeys(("requests", "shared", "plays", "reversed"), 0)
    for month in months.shown():
        scope = ReportScope(period=month, app_id=APP.app_id)
        usage = usage_report(centre, scope)
        reports = (usage, usage_report(centre, scope, by_song=True), statement_report(centre, scope))
        sums = {sum(row.amount_minor for row in report.rows) for report in (*reports, invoice_report(centre, scope))}
        assert sums == {sold_minor(centre, month, tmp_path)}
        owed += sums.pop()
        for row in usage.rows:
            traced = trace(centre, Selection.parse(row.key), at_most=9_999)
            assert sum(each.amount_minor for each in traced.rows) == traced.amount_minor == row.amount_minor
            assert len(traced.rows) == row.requests + row.shared + row.plays + row.reversed
            for name in counted:
                counted[name] += getattr(row, name)
    postings = centre.ledger.postings(at_most=9_999)
    assert sum(amount for (account, _), amount in balances(postings).items() if account.startswith("app")) == owed
    assert counted == {
        "requests": len(months.charges),
        "shared": sum(grant["shared_from"] is not None for grant in world.rows("grants")),
        "plays": len(world.rows("plays")),
        "reversed": sum(posting.amount_minor > 0 and posting.kind.value != "charge" for posting in postings),
    }
    assert min(counted.values()) > 0
    assert centre.ledger.closed_periods(APP.app_id)
