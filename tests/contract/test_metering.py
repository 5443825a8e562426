"""What every store keeps of money: one charge for one use, however often it is asked for; books that
balance; closed months.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import apsw
import msgspec
import pytest
from tests.contract.conftest import make_app

from yuefu.access.app import UnknownApp
from yuefu.catalogue.song import PublishedSong
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.charge import CapReached, MeteredUse
from yuefu.rights.grant import GrantedResource, Need, NewGrant
from yuefu.rights.kept_answer import BadRequestKey, RequestKey
from yuefu.rights.ledger import (
    NothingToReverse,
    PeriodClosed,
    PostingKind,
    UnknownCharge,
    balances,
)
from yuefu.rights.plan import EVERY_VENDOR, Member, NoMember, Period, Plan
from yuefu.rights.price import NewPrice, Priced
from yuefu.server.charging import take_charge
from yuefu.units import DAY_MS, MINUTE_MS, parse_instant_ms

SongMaker = Callable[..., PublishedSong]
NOW_MS = parse_instant_ms("2026-11-20T12:00:00+00:00")
APP = AppId(7)
NOVEMBER = Period(2026, 11)
PER_USE, USER_MONTH, ROOM_MONTH, HOST_MONTH = range(4)
MODES = (PER_USE, USER_MONTH, ROOM_MONTH, HOST_MONTH)
DEADLINE_S = 30
USERS = ("甲", "乙")


@dataclass
class Till:
    """A store with one app, some songs and a plan; short words for what is bought there."""

    store: Any
    songs: Sequence[SongId]
    plan: Plan = field(default_factory=Plan)
    number: int = 0

    def session(self, user: str) -> Any:
        self.number += 1
        name = f"{user} {self.number}"
        return self.store.open_session(name, user_id=UserId(user), expires_at_ms=NOW_MS + 400 * DAY_MS)

    def buy(
        self,
        session: Any,
        *,
        mode: int = PER_USE,
        at_ms: int = NOW_MS,
        song: int = 0,
        vendor: int = 1,
        room: str = "r",
        host: str = "h",
        view: Any = None,
    ) -> int:
        """Buy once; the grant's id."""
        grant = self.grant(session, mode=mode, at_ms=at_ms, song=song, vendor=vendor, room=room)
        use = MeteredUse(
            app_id=APP,
            vendor_id=VendorId(vendor),
            song_id=grant.song_id,
            resource_type=1,
            scene_id=0,
            billing_mode=mode,
            user_id=grant.user_id,
            room_id=RoomId(room),
            host_id=host,
        )

        def job(transaction: Any) -> int:
            return take_charge(transaction, use, self.plan, lambda: transaction.issue_grant(grant), at_ms=at_ms)

        bought: int = (view or self.store).work.run(job)
        return bought

    def grant(self, session: Any, *, mode: int, at_ms: int, song: int, vendor: int, room: str) -> NewGrant:
        return NewGrant(
            session_id=session.session_id,
            app_id=APP,
            user_id=session.user_id,
            room_id=RoomId(room),
            song_id=self.songs[song],
            vendor_id=VendorId(vendor),
            resource_type=1,
            scene_id=0,
            billing_mode=mode,
            granted_at_ms=at_ms,
            expires_at_ms=at_ms + DAY_MS,
            rights_revision=1,
            territory="CN",
            resources=(GrantedResource(resource_id=f"z_{self.songs[song]}_1", need=Need.PLAY),),
        )

    def price(self, amount_minor: int, mode: int = PER_USE, **named: Any) -> int:
        plain = NewPrice(billing_mode=mode, amount_minor=amount_minor, currency="CNY", valid_from_ms=0)
        price = msgspec.structs.replace(plain, **named)
        number: int = self.store.work.run(lambda transaction: transaction.prices.add(price, at_ms=NOW_MS))
        return number

    def reverse(self, charge_id: int, *, at_ms: int = NOW_MS) -> Any:
        return self.store.work.run(lambda transaction: transaction.ledger.reverse(charge_id, reason="错", at_ms=at_ms))

    def close(self, period: Period) -> None:
        self.store.work.run(lambda transaction: transaction.ledger.close(APP, period, at_ms=NOW_MS))

    @property
    def charges(self) -> list[Any]:
        charges: list[Any] = self.store.ledger.charges(at_most=10_000)
        return charges

    @property
    def postings(self) -> list[Any]:
        postings: list[Any] = self.store.ledger.postings(at_most=10_000)
        return postings


@pytest.fixture
def till(store: Any, song_maker: SongMaker) -> Till:
    songs = [store.publish(song_maker(f"song {number}")).song_id for number in range(4)]
    store.apps.create(make_app(), at_ms=NOW_MS)
    return Till(store, songs)


# Charges.


def test_every_use_that_is_charged_by_the_use_is_charged(till: Till) -> None:
    number = till.price(150)
    session = till.session("甲")
    grants = [till.buy(session) for _ in range(3)]
    assert [charge.grant_id for charge in till.charges] == grants
    assert {(charge.amount_minor, charge.currency, charge.price_id) for charge in till.charges} == {
        (150, "CNY", number)
    }
    assert [posting.charge_id for posting in till.postings] == [charge.charge_id for charge in till.charges]
    assert {(posting.debit, posting.credit, posting.amount_minor) for posting in till.postings} == {
        ("app 7", "vendor 1", 150)
    }


@pytest.mark.parametrize(
    ("mode", "same", "other"),
    [
        (USER_MONTH, {"room": "another", "host": "another"}, {"vendor": 2}),
        (ROOM_MONTH, {"host": "another"}, {"room": "another"}),
        (HOST_MONTH, {"room": "another"}, {"host": "another"}),
    ],
)
def test_a_month_is_charged_once_and_counted_ever_after(
    till: Till, mode: int, same: dict[str, Any], other: dict[str, Any]
) -> None:
    till.price(3_000, mode)
    session = till.session("甲")
    for asked in ({}, same, {"song": 1}, other):
        till.buy(session, mode=mode, **asked)
    if mode != USER_MONTH:
        till.buy(till.session("乙"), mode=mode)
    assert [charge.amount_minor for charge in till.charges][:4] == [3_000, 0, 0, 3_000]
    assert [charge.amount_minor for charge in till.charges][4:] in ([], [0])
    assert sum(posting.amount_minor for posting in till.postings) == 6_000


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
def test_a_new_month_is_charged_from_its_first_millisecond_in_the_zone_of_the_plan(till: Till, zone: str) -> None:
    till.price(3_000, USER_MONTH)
    till.plan = Plan(time_zone=zone)
    edge_ms = NOVEMBER.begin_ms(zone)
    session = till.session("甲")
    for at_ms in (edge_ms - 1, edge_ms - 1, edge_ms, edge_ms, edge_ms + 11 * MINUTE_MS, edge_ms - 11 * MINUTE_MS):
        till.buy(session, mode=USER_MONTH, at_ms=at_ms)
    told = [(charge.period, charge.amount_minor) for charge in till.charges]
    paid, counted = [("2026-10", 3_000), ("2026-10", 0)], [("2026-11", 3_000), ("2026-11", 0), ("2026-11", 0)]
    assert told == [*paid, *counted, ("2026-10", 0)]


def test_the_database_itself_refuses_a_second_charge_for_a_month(till: Till) -> None:
    session = till.session("甲")
    till.price(3_000, USER_MONTH)
    till.buy(session, mode=USER_MONTH)
    grant = till.grant(session, mode=USER_MONTH, at_ms=NOW_MS, song=0, vendor=1, room="r")

    class Forgetful:
        """A meter that knows of nothing paid."""

        def closed_until(self, _: AppId) -> None:
            return None

        def is_month_paid(self, _: Any) -> bool:
            return False

    def job(transaction: Any) -> None:
        class Desk:
            charge_grant = transaction.ledger.charge_grant
            closed_until = Forgetful().closed_until
            is_month_paid = Forgetful().is_month_paid

        class Doctored:
            ledger, prices = Desk(), transaction.prices

        use = MeteredUse(
            app_id=APP,
            vendor_id=VendorId(1),
            song_id=grant.song_id,
            resource_type=1,
            scene_id=0,
            billing_mode=USER_MONTH,
            user_id=grant.user_id,
            room_id=RoomId("r"),
            host_id="",
        )
        doctored: Any = Doctored()
        take_charge(doctored, use, till.plan, lambda: transaction.issue_grant(grant), at_ms=NOW_MS)

    with pytest.raises(apsw.ConstraintError, match="UNIQUE"):
        till.store.work.run(job)
    assert len(till.charges) == till.store.count("grants") == 1


def test_a_use_without_a_price_is_free_and_marked(till: Till) -> None:
    till.price(150, currency="USD")
    till.buy(till.session("甲"))
    (charge,) = till.store.ledger.charges(is_unpriced=True, at_most=10)
    assert (charge.amount_minor, charge.price_id, charge.is_unpriced) == (0, None, True)
    till.price(0)
    till.buy(till.session("甲"))
    assert [charge.is_unpriced for charge in till.charges] == [True, False]
    assert till.postings == []


def test_what_a_charge_cost_does_not_change_with_the_list(till: Till) -> None:
    session = till.session("甲")
    till.price(150)
    till.buy(session)
    till.price(200)
    till.buy(session)
    assert [charge.amount_minor for charge in till.charges] == [150, 200]


def test_a_bound_on_the_month_lets_nothing_over_it_and_tells_at_80_and_100_percent(till: Till) -> None:
    till.price(100)
    till.price(0, app_id=APP, resource_type=1, scene_id=0, vendor_id=VendorId(2))
    till.plan = Plan(monthly_cap_minor=1_000)
    session = till.session("甲")
    for _ in range(10):
        till.buy(session)
    with pytest.raises(CapReached, match="2026-11"):
        till.buy(session)
    till.buy(session, vendor=2)
    assert till.store.count("grants") == 11
    alerts = [written.entry for written in till.store.audit.entries() if written.entry.action == "cap.alert"]
    assert [(entry.subject, entry.detail["percent"]) for entry in alerts] == [("app 7", 80), ("app 7", 100)]
    till.reverse(1)
    till.buy(session)
    assert till.store.ledger.charged_minor(APP, NOVEMBER, "CNY") == 1_000


def test_a_bound_on_songs_counts_different_songs_of_one_user_in_one_day(till: Till) -> None:
    till.plan = Plan(songs_a_day=2, time_zone="Europe/Berlin")
    session, other = till.session("甲"), till.session("乙")
    midnight_ms = parse_instant_ms("2026-11-20T23:00:00+00:00")
    for song in (0, 1, 0, 1):
        till.buy(session, song=song)
    with pytest.raises(CapReached, match="2 different songs"):
        till.buy(till.session("甲"), song=2, at_ms=midnight_ms - 1)
    till.buy(other, song=2)
    till.buy(session, song=2, at_ms=midnight_ms)


# Plans, members and prices.


def test_an_app_has_a_plan_from_the_start_and_keeps_what_it_is_given(till: Till, other: Any) -> None:
    assert till.store.plans.plan(APP) == Plan()
    changed = Plan(time_zone="Europe/Berlin", currency="EUR", monthly_cap_minor=5, is_repeat_free=True, songs_a_day=9)
    till.store.work.run(lambda transaction: transaction.plans.set_plan(APP, changed))
    assert till.store.plans.plan(APP) == other.plans.plan(APP) == changed
    with pytest.raises(UnknownApp):
        till.store.work.run(lambda transaction: transaction.plans.set_plan(AppId(8), changed))


def test_a_membership_is_at_one_vendor_or_all_and_ends_when_it_is_said_to(till: Till) -> None:
    def is_member(user: str, vendor: int, at_ms: int = NOW_MS) -> bool:
        told: bool = till.store.plans.is_member(APP, UserId(user), VendorId(vendor), at_ms=at_ms)
        return told

    def change(job: Callable[[Any], None]) -> None:
        till.store.work.run(lambda transaction: job(transaction.plans))

    everywhere = Member(app_id=APP, user_id=UserId("甲"), vendor_id=EVERY_VENDOR, added_at_ms=NOW_MS)
    here = Member(app_id=APP, user_id=UserId("乙"), vendor_id=VendorId(1), added_at_ms=NOW_MS, until_ms=NOW_MS + 1)
    for member in (everywhere, here):
        change(lambda desk, member=member: desk.add_member(member))  # type: ignore[misc]
    assert [is_member("甲", 1), is_member("甲", 2), is_member("乙", 1), is_member("乙", 2)] == [True, True, True, False]
    assert not is_member("乙", 1, NOW_MS + 1)
    assert till.store.plans.members(APP) == sorted([everywhere, here], key=lambda member: member.user_id)
    change(lambda desk: desk.remove_member(APP, UserId("甲"), EVERY_VENDOR))
    assert not is_member("甲", 1)
    with pytest.raises(NoMember):
        change(lambda desk: desk.remove_member(APP, UserId("甲"), EVERY_VENDOR))


def test_the_price_list_keeps_every_price(till: Till, other: Any) -> None:
    till.price(1)
    number = till.price(2, app_id=APP, vendor_id=VendorId(1), resource_type=1, scene_id=0)
    for view in (till.store, other):
        assert [price.price.amount_minor for price in view.prices.prices()] == [1, 2]
    asked = Priced(app_id=APP, vendor_id=VendorId(1), resource_type=1, scene_id=0, billing_mode=0, currency="CNY")
    found = till.store.prices.price(asked, at_ms=NOW_MS)
    assert (found.price_id, found.price.amount_minor) == (number, 2)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE prices SET amount_minor = 0",
        "DELETE FROM prices",
        "UPDATE postings SET amount_minor = 1",
        "DELETE FROM postings",
        "UPDATE charges SET amount_minor = 0",
        "UPDATE charges SET subject = '别人'",
        "UPDATE charges SET subject = 'forgotten 1', period = '2026-12'",
        "UPDATE closed_periods SET period = '2027-01'",
        "DELETE FROM closed_periods",
        "INSERT OR REPLACE INTO postings SELECT * FROM postings",
    ],
)
def test_money_is_added_to_and_never_edited(till: Till, edit: str) -> None:
    till.price(150)
    till.buy(till.session("甲"))
    till.close(Period(2026, 10))
    before = (till.charges, till.postings, till.store.prices.prices(), till.store.ledger.closed_periods(APP))
    with pytest.raises(apsw.ConstraintError):
        till.store.work.run(lambda transaction: transaction._connection.execute(edit))
    assert before == (
        till.charges,
        till.postings,
        till.store.prices.prices(),
        till.store.ledger.closed_periods(APP),
    )


def test_of_a_charge_nothing_but_a_persons_name_can_be_taken_out(till: Till) -> None:
    till.price(3_000, USER_MONTH)
    for user in USERS:
        till.buy(till.session(user), mode=USER_MONTH)
    forget = "UPDATE charges SET subject = 'forgotten 1' WHERE app_id = 7 AND billing_mode = 1 AND subject = '甲'"
    till.store.work.run(lambda transaction: transaction._connection.execute(forget))
    assert [(charge.subject, charge.amount_minor) for charge in till.charges] == [("forgotten 1", 3_000), ("乙", 3_000)]


# The books.


def test_a_charge_is_taken_back_once_by_a_posting_of_its_own(till: Till) -> None:
    till.price(150)
    till.buy(till.session("甲"))
    posting = till.reverse(1)
    assert (posting.kind, posting.debit, posting.credit) == (PostingKind.REVERSAL, "vendor 1", "app 7")
    assert till.postings[1] == posting
    assert set(balances(till.postings).values()) == {0}
    assert till.store.ledger.charge(1).is_reversed
    with pytest.raises(NothingToReverse):
        till.reverse(1)
    with pytest.raises(UnknownCharge):
        till.reverse(2)
    till.buy(till.session("甲"), mode=USER_MONTH)
    with pytest.raises(NothingToReverse):
        till.reverse(2)


def test_a_closed_month_takes_adjustments_only(till: Till) -> None:
    till.price(150)
    session = till.session("甲")
    till.buy(session)
    december_ms = NOVEMBER.end_ms(till.plan.time_zone)
    till.close(NOVEMBER)
    assert till.reverse(1, at_ms=december_ms).kind is PostingKind.ADJUSTMENT
    till.buy(session, at_ms=NOW_MS)  # by a clock that was set back
    assert [(posting.kind.value, str(posting.period)) for posting in till.postings] == [
        ("charge", "2026-11"),
        ("adjustment", "2026-11"),
        ("charge", "2026-12"),
    ]
    for earlier in (NOVEMBER, Period(2026, 10)):
        with pytest.raises(PeriodClosed):
            till.close(earlier)
    with pytest.raises(apsw.ConstraintError, match="adjustments only"):
        till.store.work.run(
            lambda transaction: transaction._connection.execute(
                "INSERT INTO postings SELECT 99, 3, 'reversal', app_id, credit, debit, amount_minor, currency,"
                " '2026-11', 0, '', NULL FROM postings WHERE posting_id = 3"
            )
        )


def test_every_posting_sums_to_nothing(till: Till) -> None:
    till.price(150)
    for _ in range(3):
        till.buy(till.session("甲"))
    till.reverse(2)
    sums = till.store.work.run(
        lambda transaction: transaction._connection.execute(
            "SELECT posting_id, sum(amount_minor), count(*) FROM entries GROUP BY posting_id"
        ).fetchall()
    )
    assert sums == [(number, 0, 2) for number in range(1, 5)]


# Kept answers.


def key_of(session: Any, key: str = "k", request: bytes = b"a") -> RequestKey:
    return RequestKey(session_id=session.session_id, key=key, request_hash=request)


def buy_once(till: Till, view: Any, session: Any, key: RequestKey, answer: bytes) -> bytes:
    """What the server does for a request with a key."""
    grant = till.grant(session, mode=PER_USE, at_ms=NOW_MS, song=0, vendor=1, room="r")

    def job(transaction: Any) -> bytes:
        if kept := transaction.answers.find(key):
            kept.check(key)
            found: bytes = kept.answer
            return found
        grant_id = transaction.issue_grant(grant)
        transaction.answers.keep(key, answer, grant_id=grant_id, need=Need.PLAY, at_ms=NOW_MS)
        return answer

    told: bytes = view.work.run(job)
    return told


def test_a_key_stands_for_one_request_of_one_session(till: Till, other: Any) -> None:
    session, neighbour = till.session("甲"), till.session("甲")
    assert buy_once(till, till.store, session, key_of(session), b"one") == b"one"
    assert buy_once(till, other, session, key_of(session), b"two") == b"one"
    assert buy_once(till, till.store, neighbour, key_of(neighbour), b"three") == b"three"
    with pytest.raises(BadRequestKey, match="another request"):
        buy_once(till, till.store, session, key_of(session, request=b"b"), b"four")
    assert till.store.count("grants") == 2
    kept = till.store.answers.find(key_of(session))
    assert (kept.answer, kept.grant.song_id, kept.grant.need) == (b"one", till.songs[0], Need.PLAY)
    assert till.store.answers.find(key_of(session, "another")) is None


@pytest.mark.parametrize("key", ["", "k" * 65, "键", "a\nb", "a\x7f"])
def test_a_key_is_short_and_printable(key: str) -> None:
    with pytest.raises(BadRequestKey, match="64 printable"):
        RequestKey(session_id=1, key=key, request_hash=b"")


def test_parallel_twins_from_two_processes_are_granted_once(till: Till, other: Any) -> None:
    session = till.session("甲")
    start = threading.Barrier(16)

    def twin(number: int) -> bytes:
        start.wait(DEADLINE_S)
        view = (till.store, other)[number % 2]
        return buy_once(till, view, session, key_of(session), f"answer {number}".encode())

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(twin, range(16)))
    assert len(answers) == 1
    assert till.store.count("grants") == till.store.count("kept_answers") == 1


def test_parallel_uses_from_two_processes_pay_a_month_once(till: Till, other: Any) -> None:
    till.price(3_000, USER_MONTH)
    session = till.session("甲")
    start = threading.Barrier(16)

    def use(number: int) -> None:
        start.wait(DEADLINE_S)
        till.buy(session, mode=USER_MONTH, view=(till.store, other)[number % 2])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(use, range(16)))
    assert sorted(charge.amount_minor for charge in till.charges) == [0] * 15 + [3_000]
    assert len(till.postings) == 1
