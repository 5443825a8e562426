"""What every store lets go: what a session held once it is long over, and on demand all that says who a user was."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.conftest import make_app, open_sqlite
from tests.contract.test_metering import APP, MODES, NOW_MS, PER_USE, ROOM_MONTH, USER_MONTH, Till

from yuefu.access.person import Traces
from yuefu.access.retention import Limits, Pruned, Retention
from yuefu.access.session import SessionUnknown
from yuefu.access.webhook import NewEvent, NewWebhook, Place, Tells
from yuefu.catalogue.song import PublishedSong
from yuefu.ids import AppId, RoomId, UserId, VendorId
from yuefu.rights.grant import Need
from yuefu.rights.kept_answer import RequestKey
from yuefu.rights.plan import Member
from yuefu.rights.play import Heard, PlayKey, begin
from yuefu.units import DAY_MS

SongMaker = Callable[..., PublishedSong]
RETENTION = Retention(sessions_days=7, users_days=400)
WHO, OTHER = "顾客-d41d8cd9", "客人-98f00b20"
ROOMS = {WHO: "包厢甲", OTHER: "包厢乙"}
ALIAS = "forgotten 00"
MANY = 1_000


@pytest.fixture
def till(store: Any, song_maker: SongMaker) -> Till:
    return open_till(store, song_maker)


def open_till(store: Any, song_maker: SongMaker) -> Till:
    songs = [store.publish(song_maker(f"song {number}")).song_id for number in range(2)]
    store.apps.create(make_app(), at_ms=NOW_MS)
    return Till(store, songs)


def visit(till: Till, user: str, *, at_ms: int = NOW_MS, mode: int = PER_USE, **bought: Any) -> Any:
    """All that one visit of a user leaves: a session in a room, a grant, its share, an answer, a play."""
    till.number += 1
    session = till.store.open_session(
        f"{user} {till.number}",
        user_id=UserId(user),
        user_name=f"name of {user}",
        started_at_ms=at_ms,
        expires_at_ms=at_ms + DAY_MS,
    )
    room = bought.pop("room", ROOMS.get(user, user))
    grant_id = till.buy(session, at_ms=at_ms, mode=mode, room=room, **bought)
    grant = till.grant(session, mode=mode, at_ms=at_ms, song=0, vendor=1, room=room)
    resource_id = f"z_{till.songs[0]}_1"
    sung = PlayKey(app_id=APP, user_id=UserId(user), name=f"{user.encode().hex()}-{till.number}")
    key = RequestKey(session_id=session.session_id, key="1", request_hash=b"")

    def job(transaction: Any) -> None:
        transaction.shares.open(grant_id, grant)
        transaction.answers.keep(key, user.encode(), grant_id=grant_id, need=Need.PLAY, at_ms=at_ms)
        transaction.plays.add(
            sung, session.session_id, begin(resource_id, Heard(seconds=40), 200_000, at_ms=at_ms), at_ms=at_ms
        )

    till.store.work.run(job)
    return session


def prune(till: Till, at_ms: int, *, at_most: int = MANY) -> Pruned:
    limits = RETENTION.limits(at_ms=at_ms)
    pruned, is_more = Pruned(), True
    while is_more:
        went, is_more = till.store.work.run(lambda transaction: transaction.retention.prune(limits, at_most=at_most))
        assert went.total <= at_most
        pruned += went
    return pruned


def forget(till: Till, user: str, *, alias: str = ALIAS, at_ms: int = NOW_MS) -> Traces:
    traces: Traces = till.store.work.run(
        lambda transaction: transaction.persons.forget(APP, UserId(user), alias=alias, at_ms=at_ms)
    )
    return traces


def books(till: Till) -> tuple[Any, ...]:
    """All that sums are made of, but whose it was."""
    charges = [msgspec.structs.replace(charge, subject="") for charge in till.charges]
    return charges, till.postings, [till.store.count(kind) for kind in ("grants", "charges", "postings", "plays")]


# Pruning.


@pytest.mark.parametrize("at_most", [1, 2, 3, MANY])
def test_a_session_goes_with_all_it_held_once_it_is_over_for_long_enough(till: Till, at_most: int) -> None:
    for user in (WHO, OTHER):
        visit(till, user)
    before = books(till)
    last_ms = NOW_MS + DAY_MS + 7 * DAY_MS
    assert prune(till, last_ms - 1, at_most=at_most) == Pruned(shares=2)
    assert prune(till, last_ms, at_most=at_most) == Pruned(sessions=2, held_resources=2, kept_answers=2, room_members=2)
    assert [till.store.count(kind) for kind in ("sessions", "granted_resources", "kept_answers", "room_members")] == [
        0,
        0,
        0,
        0,
    ]
    assert prune(till, last_ms, at_most=at_most) == Pruned()
    assert books(till) == before
    assert sorted(till.store.holds(WHO)) == ["grants", "plays"]


def test_a_session_that_goes_on_keeps_what_it_holds_beside_one_that_goes(till: Till) -> None:
    visit(till, WHO, at_ms=NOW_MS - 30 * DAY_MS)
    stays = visit(till, OTHER)
    prune(till, NOW_MS)
    held = till.store.grants.held(stays.session_id, f"z_{till.songs[0]}_1")
    assert held is not None
    assert till.store.rooms.joined(stays.session_id) == (RoomId("包厢"),)
    assert till.store.count("shares") == till.store.count("kept_answers") == 1


@pytest.mark.parametrize("at_most", [1, 3, MANY])
def test_after_some_months_no_record_says_whose_it_was(till: Till, at_most: int) -> None:
    member = Member(app_id=APP, user_id=UserId(WHO), vendor_id=VendorId(1), added_at_ms=NOW_MS, until_ms=NOW_MS + 1)
    till.store.work.run(lambda transaction: transaction.plans.add_member(member))
    visit(till, WHO)
    visit(till, OTHER, at_ms=NOW_MS + DAY_MS)
    before = books(till)
    at_ms = NOW_MS + 400 * DAY_MS + 1
    limits = RETENTION.limits(at_ms=at_ms)
    expected = till.store.retention.prunable(limits)
    assert (expected.users_of_grants, expected.users_of_plays, expected.members) == (1, 1, 1)
    assert prune(till, at_ms, at_most=at_most) == expected
    assert (till.store.holds(WHO), sorted(till.store.holds(OTHER))) == ([], ["grants", "plays"])
    assert till.store.holds(WHO.encode().hex()) == []
    assert books(till) == before
    assert till.store.retention.prunable(limits) == Pruned()


def test_what_is_pruned_bit_by_bit_is_what_a_dry_run_counted(till: Till) -> None:
    for number in range(9):
        visit(till, f"user {number}", at_ms=NOW_MS + number * DAY_MS)
    limits = Limits(sessions_ms=NOW_MS + 6 * DAY_MS, users_ms=NOW_MS + 3 * DAY_MS)
    expected = till.store.retention.prunable(limits)
    assert (expected.sessions, expected.shares, expected.users_of_grants, expected.users_of_plays) == (6, 7, 4, 4)
    went = [till.store.work.run(lambda desk: desk.retention.prune(limits, at_most=2))[0] for _ in range(40)]
    assert sum(went, start=Pruned()) == expected
    assert max(each.total for each in went) == 2


def test_a_clock_that_was_wrong_for_a_while_holds_nothing_up(till: Till) -> None:
    for at_ms in (NOW_MS, NOW_MS + 5_000 * DAY_MS, NOW_MS + 1):
        visit(till, WHO, at_ms=at_ms)
    assert prune(till, NOW_MS + 500 * DAY_MS).users_of_grants == 3
    assert sorted(till.store.holds(WHO)) == ["kept_answers", "sessions"]


def test_a_share_that_was_paid_for_anew_stays_when_the_old_grant_is_gone_through(till: Till) -> None:
    visit(till, WHO, at_ms=NOW_MS - 30 * DAY_MS)
    visit(till, WHO)
    assert prune(till, NOW_MS).shares == 0
    assert till.store.count("shares") == 1


# Forgetting.


def test_a_user_who_is_forgotten_is_named_nowhere_and_no_other_is_touched(till: Till, other: Any) -> None:
    for mode, user in itertools.product(MODES, (WHO, OTHER)):
        visit(till, user, mode=mode, host=user)
    member = Member(app_id=APP, user_id=UserId(WHO), vendor_id=VendorId(1), added_at_ms=NOW_MS)
    till.store.work.run(lambda transaction: transaction.plans.add_member(member))
    before, named = books(till), till.store.holds(OTHER)
    assert forget(till, WHO) == Traces(sessions=4, members=1, shares=1, grants=4, plays=4, charges=2)
    assert (till.store.holds(WHO), other.holds(WHO), till.store.holds(WHO.encode().hex())) == ([], [], [])
    assert till.store.holds(OTHER) == named
    assert books(till) == before
    assert forget(till, WHO, alias="forgotten 01") == Traces()
    assert till.store.holds("forgotten 01") == []


def test_the_file_itself_has_no_copy_of_the_name(tmp_path: Path, song_maker: SongMaker) -> None:
    with open_sqlite(tmp_path) as store:
        till = open_till(store, song_maker)
        for mode in MODES:
            visit(till, WHO, mode=mode, host=WHO)
    assert WHO.encode() in (tmp_path / "yuefu.sqlite3").read_bytes()
    with open_sqlite(tmp_path) as store:
        till.store = store
        forget(till, WHO)
    for file in tmp_path.glob("yuefu.sqlite3*"):
        assert WHO.encode() not in file.read_bytes()


def test_who_comes_back_is_somebody_new_whose_month_is_charged(till: Till) -> None:
    till.price(3_000, USER_MONTH)
    for _ in range(2):
        visit(till, WHO, mode=USER_MONTH)
    forget(till, WHO)
    visit(till, WHO, mode=USER_MONTH)
    assert [(charge.amount_minor, charge.subject) for charge in till.charges] == [
        (3_000, ALIAS),
        (0, ALIAS),
        (3_000, WHO),
    ]
    forget(till, WHO, alias="forgotten 01")
    assert {charge.subject for charge in till.charges} == {ALIAS, "forgotten 01"}


def test_a_room_that_bears_the_name_of_a_user_stays_paid(till: Till) -> None:
    till.price(3_000, ROOM_MONTH)
    visit(till, OTHER, mode=ROOM_MONTH, room=WHO)
    assert forget(till, WHO).charges == 0
    visit(till, OTHER, mode=ROOM_MONTH, room=WHO)
    assert [charge.amount_minor for charge in till.charges] == [3_000, 0]


def test_a_user_of_the_same_name_in_another_app_is_another_user(till: Till) -> None:
    till.store.apps.create(make_app(8), at_ms=NOW_MS)
    till.store.open_session("theirs", app_id=AppId(8), user_id=UserId(WHO))
    visit(till, WHO)
    forget(till, WHO)
    assert till.store.holds(WHO) == ["sessions"]


def test_what_is_under_way_for_somebody_forgotten_is_refused_whole(till: Till) -> None:
    session = visit(till, WHO)
    before = books(till)
    forget(till, WHO)
    with pytest.raises(SessionUnknown):
        till.buy(session)
    with pytest.raises(SessionUnknown):
        till.store.work.run(lambda transaction: transaction.rooms.join(session.session_id, RoomId("包厢")))
    assert books(till) == before
    assert till.store.holds(WHO) == []


def test_nothing_is_shared_any_more_by_who_was_forgotten(till: Till) -> None:
    visit(till, WHO)
    (charge,) = till.charges
    forget(till, WHO, at_ms=NOW_MS + 1)
    share = till.store.shares.share_of(charge.grant_id)
    assert (share.payer, share.expires_at_ms) == ("", NOW_MS + 1)


def fail_to_tell(till: Till, tells: Tells) -> int:
    """A webhook with an event under way that names somebody, which nobody took; its number."""
    new = NewWebhook(app_id=APP, url="https://h.example/", tells=tells, sealed_secret="", told_until=Place(0))
    event = NewEvent(event_id="evt_1", body=WHO, tells_from=Place(0), tells_until=Place(9))

    def job(transaction: Any) -> int:
        webhook_id: int = transaction.webhooks.add(new, at_ms=NOW_MS)
        attempt = transaction.webhooks.claim(webhook_id, event, at_ms=NOW_MS, until_ms=NOW_MS)
        transaction.webhooks.failed(attempt, "x", at_ms=NOW_MS, next_attempt_ms=NOW_MS)
        return webhook_id

    number: int = till.store.work.run(job)
    return number


@pytest.mark.parametrize("tells", Tells)
def test_an_event_under_way_that_may_name_somebody_is_made_anew(till: Till, tells: Tells) -> None:
    visit(till, WHO)
    webhook_id = fail_to_tell(till, tells)
    names_users = tells is Tells.USAGE
    assert forget(till, OTHER).events == 0
    assert forget(till, WHO).events == names_users
    assert (till.store.webhooks.event(webhook_id) is None) is names_users
    assert till.store.webhooks.webhook(webhook_id).told_until == Place(0)


@pytest.mark.parametrize("tells", Tells)
def test_an_event_of_usage_that_nobody_took_for_so_long_goes(till: Till, tells: Tells) -> None:
    fail_to_tell(till, tells)
    due_ms = NOW_MS + 400 * DAY_MS
    assert prune(till, due_ms - 1) == Pruned()
    expected = till.store.retention.prunable(RETENTION.limits(at_ms=due_ms))
    assert prune(till, due_ms) == expected == Pruned(events=int(tells is Tells.USAGE))
    assert till.store.holds(WHO) == ([] if tells is Tells.USAGE else ["webhook_events"])


users, hosts = st.sampled_from([WHO, OTHER]), st.sampled_from([WHO, OTHER, "h"])
uses = st.lists(st.tuples(st.sampled_from(MODES), users, hosts, st.integers(0, 2)), max_size=8)


@given(uses, st.lists(st.integers(0, 7), max_size=3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sum_changes_when_somebody_is_forgotten(
    tmp_path_factory: pytest.TempPathFactory,
    song_maker: SongMaker,
    bought: list[tuple[int, str, str, int]],
    reversed_charges: list[int],
) -> None:
    with open_sqlite(tmp_path_factory.mktemp("till")) as store:
        till = open_till(store, song_maker)
        for mode in MODES:
            till.price(100 + mode, mode)
        for mode, user, host, months in bought:
            visit(till, user, mode=mode, host=host, at_ms=NOW_MS + months * 30 * DAY_MS)
        for number in set(reversed_charges):
            if number < len(till.charges) and till.charges[number].amount_minor:
                till.reverse(till.charges[number].charge_id)
        before = books(till)
        subjects = [charge.subject for charge in till.charges]
        forget(till, WHO)
        assert books(till) == before
        assert [charge.subject for charge in till.charges] == [ALIAS if each == WHO else each for each in subjects]
        assert store.holds(WHO) == []
