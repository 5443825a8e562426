"""What every store tells of usage: each grant with its charge, and what was taken back, in order, to whose it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.conftest import make_app
from tests.contract.test_metering import NOVEMBER, NOW_MS, PER_USE, USER_MONTH, Till

from yuefu.catalogue.song import PublishedSong
from yuefu.ids import AppId, VendorId
from yuefu.rights.usage_event import UsageEvent, UsageKind, UsagePlace
from yuefu.rooms.sharing import Share, ShareKey
from yuefu.storage.sqlite import usage_events
from yuefu.storage.sqlite.database import Database, fetch
from yuefu.units import DAY_MS

APP, BEGIN = AppId(7), UsagePlace(0, 0)


@pytest.fixture
def till(store: Any, song_maker: Callable[..., PublishedSong]) -> Till:
    store.apps.create(make_app(), at_ms=NOW_MS)
    return Till(store, [store.publish(song_maker(f"song {number}")).song_id for number in range(4)])


def tell(till: Till, after: UsagePlace = BEGIN, *, at_most: int = 100) -> list[UsageEvent]:
    """All there is after a place, page by page."""
    told: list[UsageEvent] = []
    while True:
        events, until = till.store.usage_events.page(APP, after, at_most=at_most)
        assert len(events) <= at_most
        told += events
        if until == after:
            assert events == []
            return told
        after = until


def fetch_share(till: Till, grant_id: int, session: Any) -> int:
    grant = till.grant(session, mode=PER_USE, at_ms=NOW_MS, song=0, vendor=1, room="包厢")
    key = ShareKey(app_id=APP, room_id=grant.room_id, vendor_id=VendorId(1), song_id=grant.song_id, resource_type=1)
    share = Share(
        key=key, grant_id=grant_id, payer=session.user_id, scene_id=0, billing_mode=0, expires_at_ms=NOW_MS + DAY_MS
    )
    fetched: int = till.store.work.run(lambda transaction: transaction.shares.fetch(share, grant))
    return fetched


def test_a_charge_is_told_with_what_it_was_for(till: Till) -> None:
    till.price(150)
    grant_id = till.buy(till.session("甲"), song=2, room="包厢", at_ms=NOW_MS + 7)
    (event,) = tell(till)
    assert event == UsageEvent(
        kind=UsageKind.CHARGED,
        at_ms=NOW_MS + 7,
        grant_id=grant_id,
        posting_id=None,
        paid_grant_id=None,
        song_id=till.songs[2],
        vendor_id=VendorId(1),
        user_id=event.user_id,
        room_id=event.room_id,
        resource_type=1,
        scene_id=0,
        billing_mode=PER_USE,
        territory="CN",
        rights_revision=1,
        amount_minor=150,
        currency="CNY",
        period="2026-11",
        is_unpriced=False,
        reason="",
    )
    assert (event.user_id, event.room_id) == ("甲", "包厢")


def test_shares_and_what_was_taken_back_are_told_too(till: Till) -> None:
    till.price(150)
    paid = till.buy(till.session("甲"))
    fetched = fetch_share(till, paid, till.session("乙"))
    (charge,) = till.charges
    posting = till.reverse(charge.charge_id)
    assert [(each.kind, each.grant_id, each.paid_grant_id, each.amount_minor, each.reason) for each in tell(till)] == [
        (UsageKind.CHARGED, paid, None, 150, ""),
        (UsageKind.SHARED, fetched, paid, 0, ""),
        (UsageKind.REVERSED, paid, None, -150, "错"),
    ]
    assert tell(till)[-1].posting_id == posting.posting_id
    assert (tell(till)[1].currency, tell(till)[1].period) == ("", "")


def test_what_is_taken_back_in_a_closed_month_is_an_adjustment(till: Till) -> None:
    till.price(150)
    till.buy(till.session("甲"), at_ms=NOVEMBER.begin_ms("Asia/Shanghai"))
    till.close(NOVEMBER)
    till.reverse(till.charges[0].charge_id)
    assert [(each.kind, each.period) for each in tell(till)] == [
        (UsageKind.CHARGED, str(NOVEMBER)),
        (UsageKind.ADJUSTED, str(NOVEMBER)),
    ]


@pytest.mark.parametrize("at_most", [1, 2, 3])
def test_nothing_is_taken_back_before_it_was_told_of(till: Till, at_most: int) -> None:
    till.price(150)
    session = till.session("甲")
    for _ in range(4):
        till.buy(session)
    for charge in (till.charges[3], till.charges[0]):
        till.reverse(charge.charge_id)
    told = tell(till, at_most=at_most)
    assert [each.grant_id for each in told if each.posting_id is None] == [each.grant_id for each in till.charges]
    for place, event in enumerate(told):
        if event.posting_id is not None:
            assert event.grant_id in [each.grant_id for each in told[:place]]
    assert sum(each.posting_id is not None for each in told) == 2


def test_other_apps_usage_is_passed_over_however_much_it_is(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_events, "MOST_LOOKED_AT", 2)
    till.price(150)
    for _ in range(5):
        till.buy(till.session("甲"))
    till.reverse(till.charges[0].charge_id)
    latest = till.store.usage_events.latest()
    place, steps = BEGIN, 0
    while place != latest:
        events, place = till.store.usage_events.page(AppId(8), place, at_most=10)
        assert events == []
        steps += 1
    assert steps == 3
    assert len(tell(till)) == 6


def test_what_came_before_a_place_is_not_told_again(till: Till) -> None:
    till.price(150)
    assert till.store.usage_events.latest() == BEGIN
    till.buy(till.session("甲"))
    till.reverse(till.charges[0].charge_id)
    latest = till.store.usage_events.latest()
    assert tell(till, latest) == []
    later = till.buy(till.session("甲"))
    assert [each.grant_id for each in tell(till, latest)] == [later]


@pytest.mark.parametrize("statement", [usage_events._GRANTS, usage_events._TAKEN_BACK])
def test_sqlite_finds_a_page_by_its_place_and_not_by_its_app(statement: str, tmp_path: Path) -> None:
    with Database(tmp_path / "yuefu.sqlite3") as database:
        first, *_ = fetch(database.reader, f"EXPLAIN QUERY PLAN {statement}", (1, 2, 7, 100))
    plan = first[3]
    assert "id>? AND" in plan, plan
    assert "app_id" not in plan, plan


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.sampled_from(["use", "month", "reverse", "tell"]), min_size=1, max_size=12),
    at_most=st.integers(1, 4),
)
def test_the_amounts_that_were_told_come_to_what_the_app_owes(till: Till, steps: list[str], at_most: int) -> None:
    """Whatever is done in whichever order, told in pages of any size, from wherever the last example ended."""
    if not till.store.count("prices"):
        till.price(150)
        till.price(3_000, USER_MONTH)
    place, told = BEGIN, 0
    session = till.session("甲")
    for step in steps:
        if step == "use":
            till.buy(session)
        elif step == "month":
            till.buy(session, mode=USER_MONTH)
        elif step == "reverse":
            owed = [charge for charge in till.charges if charge.amount_minor and not charge.is_reversed]
            if owed:
                till.reverse(owed[-1].charge_id)
        else:
            events, place = till.store.usage_events.page(APP, place, at_most=at_most)
            told += sum(each.amount_minor for each in events)
    told += sum(each.amount_minor for each in tell(till, place, at_most=at_most))
    assert told == sum(
        posting.amount_minor if posting.debit == "app 7" else -posting.amount_minor for posting in till.postings
    )
