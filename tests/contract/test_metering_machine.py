"""Metering against a model of a few lines, step by step: uses, prices, bounds, reversals, closed months, clocks.

After every step the store's charges must be those that the model counts from the uses, its books must balance and come
to the charges, and the sum kept of each month must be the model's. `make test` takes a few thousand steps;
`make soak ARGS=metering` takes as many as it is told, here, through `METERING_STEPS`, and reads what they were from
the file `METERING_TALLY`.
"""

import json
import os
import random
import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.conftest import make_song
from tests.contract.conftest import STORES, make_app
from tests.contract.test_metering import APP, MODES, NOW_MS, PER_USE, USERS, Till

from yuefu.ids import SongId, VendorId
from yuefu.rights.charge import CapReached
from yuefu.rights.ledger import NothingToReverse, PostingKind, balances
from yuefu.rights.plan import Period, Plan
from yuefu.rights.price import NewPrice
from yuefu.units import DAY_MS, HOUR_MS, MINUTE_MS, parse_instant_ms

STEPS = 2_500
STEPS_AN_EXAMPLE = 50
STEPS_A_RUN = 10_000
"""Hypothesis remembers a run whole, so long ones are several."""

SPARE_RUNS = 10
RARE = ("free", "refused", "reversed", "adjusted", "closed", "set back")
"""What a run must have met to be worth anything."""


@dataclass
class Model:
    """What a till should hold, by the plainest means."""

    zone: str
    cap: int | None = None
    closed: str = ""
    prices: list[NewPrice] = field(default_factory=list)
    paid: set[tuple[Any, ...]] = field(default_factory=set)
    charges: list[tuple[str, str, int]] = field(default_factory=list)
    reversed: set[int] = field(default_factory=set)
    adjusted: set[int] = field(default_factory=set)
    owed: dict[str, int] = field(default_factory=dict)

    def period(self, at_ms: int) -> str:
        shown = month_shown(at_ms, self.zone)
        if shown > self.closed:
            return shown
        year, month = map(int, self.closed.split("-"))
        return f"{year + month // 12}-{month % 12 + 1:02}"

    def price(self, vendor: int, mode: int, at_ms: int) -> int:
        best, found = (False, -1, -1), 0
        for number, price in enumerate(self.prices):
            if price.vendor_id in {None, vendor} and price.billing_mode == mode and price.valid_from_ms <= at_ms:
                rank = (price.vendor_id is not None, price.valid_from_ms, number)
                if rank > best:
                    best, found = rank, price.amount_minor
        return found

    def use(self, subject: str, vendor: int, mode: int, at_ms: int) -> bool:
        """Whether it passes; then it is charged."""
        period = self.period(at_ms)
        month = (vendor, mode, subject, period)
        is_free = mode != PER_USE and month in self.paid
        amount = 0 if is_free else self.price(vendor, mode, at_ms)
        if self.cap is not None and amount and self.owed.get(period, 0) + amount > self.cap:
            return False
        if mode != PER_USE:
            self.paid.add(month)
        self.charges.append((period, subject, amount))
        self.owed[period] = self.owed.get(period, 0) + amount
        return True

    def reverse(self, number: int) -> bool:
        period, _, amount = self.charges[number]
        if number in self.reversed or not amount:
            return False
        self.reversed.add(number)
        if period <= self.closed:
            self.adjusted.add(number)
        self.owed[period] -= amount
        return True


def month_shown(at_ms: int, zone: str) -> str:
    """The month on a calendar on the wall."""
    return datetime.fromtimestamp(at_ms // 1_000, UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m")


ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe")
STARTS = ("2026-10-31T03:00:00+00:00", "2026-03-31T12:00:00+00:00", "2026-12-31T20:00:00+00:00")


class MeteringMachine(RuleBasedStateMachine):
    """A till and its model, side by side. `tally` counts what all runs together did; `fresh` is a store without uses,
    copied for each run, which is quicker than to make one.
    """

    tally: ClassVar[Counter[str]] = Counter()
    fresh: ClassVar[Path]
    song_id: ClassVar[SongId]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copytree(self.fresh, folder, dirs_exist_ok=True)
        self.till = Till(self.stack.enter_context(STORES["sqlite"](folder)), [self.song_id])
        self.sessions = {user: self.till.session(user) for user in USERS}
        self.at_ms = NOW_MS
        self.model = Model(ZONES[0])

    def teardown(self) -> None:
        self.stack.close()

    @initialize(
        zone=st.sampled_from(ZONES),
        start=st.sampled_from(STARTS),
        amounts=st.lists(st.integers(0, 500), min_size=len(MODES), max_size=len(MODES)),
    )
    def open(self, zone: str, start: str, amounts: list[int]) -> None:
        self.till.plan = Plan(time_zone=zone)
        self.model.zone = zone
        self.at_ms = parse_instant_ms(start)
        for mode, amount in zip(MODES, amounts, strict=True):
            self.a_price_is_set(amount, mode, vendor=None, wait_ms=-DAY_MS)

    @rule(step_ms=st.one_of(st.integers(-11 * MINUTE_MS, 11 * MINUTE_MS), st.integers(0, 40 * DAY_MS)))
    def time_passes_or_is_set_back(self, step_ms: int) -> None:
        self.tally["set back"] += step_ms < 0
        self.at_ms += step_ms

    @rule(past_ms=st.sampled_from([-HOUR_MS // 4, -1, 0, DAY_MS]))
    def the_month_ends(self, past_ms: int) -> None:
        self.at_ms = Period.parse(self.model.period(self.at_ms)).end_ms(self.model.zone) + past_ms

    @rule(
        user=st.sampled_from(USERS),
        vendor=st.integers(1, 2),
        mode=st.sampled_from(MODES),
        room=st.sampled_from("rs"),
        times=st.integers(1, 3),
    )
    def somebody_sings(self, user: str, vendor: int, mode: int, room: str, times: int) -> None:
        subject = ("", user, room, "h")[mode]
        for _ in range(times):
            passes = self.model.use(subject, vendor, mode, self.at_ms)
            try:
                self.till.buy(self.sessions[user], mode=mode, vendor=vendor, room=room, at_ms=self.at_ms)
            except CapReached:
                assert not passes
                self.tally["refused"] += 1
            else:
                assert passes
                self.tally["used"] += 1
                self.tally["free"] += mode != PER_USE and not self.model.charges[-1][2]

    @rule(
        amount=st.integers(0, 500),
        mode=st.sampled_from(MODES),
        vendor=st.sampled_from([None, 1, 2]),
        wait_ms=st.sampled_from([0, -DAY_MS, 10 * DAY_MS]),
    )
    def a_price_is_set(self, amount: int, mode: int, vendor: int | None, wait_ms: int) -> None:
        self.till.price(
            amount,
            mode,
            vendor_id=None if vendor is None else VendorId(vendor),
            valid_from_ms=self.at_ms + wait_ms,
        )
        self.model.prices.append(self.till.store.prices.prices()[-1].price)

    @rule(cap=st.one_of(st.none(), st.integers(0, 3_000)))
    def a_bound_is_set(self, cap: int | None) -> None:
        self.till.plan = msgspec.structs.replace(self.till.plan, monthly_cap_minor=cap)
        self.model.cap = cap

    @precondition(lambda self: self.model.charges)
    @rule(pick=st.randoms(use_true_random=False), is_of_closed=st.booleans())
    def a_charge_is_reversed(self, pick: random.Random, *, is_of_closed: bool) -> None:
        charges = range(len(self.model.charges))
        closed = [number for number in charges if self.model.charges[number][0] <= self.model.closed]
        number = pick.choice(closed if is_of_closed and closed else charges)
        passes = self.model.reverse(number)
        try:
            self.till.reverse(number + 1, at_ms=self.at_ms)
        except NothingToReverse:
            assert not passes
        else:
            assert passes
            self.tally["adjusted" if number in self.model.adjusted else "reversed"] += 1

    @rule()
    def the_last_month_is_closed(self) -> None:
        zone = self.model.zone
        last = month_shown(Period.parse(month_shown(self.at_ms, zone)).begin_ms(zone) - 1, zone)
        if last > self.model.closed:
            self.till.close(Period.parse(last))
            self.model.closed = last
            self.tally["closed"] += 1

    @invariant()
    def a_step_was_taken(self) -> None:
        self.tally["steps"] += 1

    @invariant()
    def the_charges_are_the_models(self) -> None:
        charges = self.till.charges
        assert [(each.period, each.subject, each.amount_minor) for each in charges] == self.model.charges
        assert {each.charge_id - 1 for each in charges if each.is_reversed} == self.model.reversed

    @invariant()
    def the_books_balance_and_come_to_the_charges(self) -> None:
        postings = self.till.postings
        owed = balances(postings)
        assert sum(owed.values()) == 0
        due = sum(
            amount for number, (_, _, amount) in enumerate(self.model.charges) if number not in self.model.reversed
        )
        assert owed.get(("app 7", "CNY"), 0) == due
        adjusted = {each.charge_id - 1 for each in postings if each.kind is PostingKind.ADJUSTMENT}
        assert adjusted == self.model.adjusted

    @invariant()
    def the_sum_of_each_month_is_kept(self) -> None:
        for period, owed in self.model.owed.items():
            assert self.till.store.ledger.charged_minor(APP, Period.parse(period), "CNY") == owed


def test_a_till_and_its_model_agree_after_every_step(tmp_path: Path) -> None:
    with STORES["sqlite"](tmp_path) as store:
        store.apps.create(make_app(), at_ms=NOW_MS)
        MeteringMachine.song_id = store.publish(make_song("song")).song_id
    MeteringMachine.fresh = tmp_path
    tally = MeteringMachine.tally
    tally.clear()
    steps = int(os.environ.get("METERING_STEPS", STEPS))
    for _ in range(steps // STEPS_A_RUN + SPARE_RUNS):
        run_state_machine_as_test(MeteringMachine, settings=long_enough_for(min(steps - tally["steps"], STEPS_A_RUN)))
        if tally["steps"] >= steps and all(tally[kind] for kind in RARE):
            break
    else:
        pytest.fail(f"it is not tried by {tally}")
    if path := os.environ.get("METERING_TALLY"):
        Path(path).write_text(json.dumps(tally), encoding="utf-8")


def long_enough_for(steps: int) -> settings:
    """Some examples end early, so this comes near it; it is 20 examples at least."""
    return settings(
        max_examples=max(steps // STEPS_AN_EXAMPLE, 20),
        stateful_step_count=STEPS_AN_EXAMPLE,
        deadline=None,
        database=None,
        derandomize=False,  # runs that repeat each other would try nothing new
        suppress_health_check=list(HealthCheck),
    )
