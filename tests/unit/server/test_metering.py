"""Metering at the front door: keys, plans, memberships, months, bounds and dry runs of `request_resource`."""

from functools import partial
from typing import Any

import msgspec
import pytest

from yuefu.access.audit import Author
from yuefu.ids import AppId, UserId, VendorId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.rights.ledger import PeriodRunning
from yuefu.rights.plan import EVERY_VENDOR, Membership, Period
from yuefu.rights.price import NewPrice
from yuefu.server.charging import add_member, change_plan, close_period, remove_member, reverse_charge, set_price
from yuefu.units import DAY_MS, HOUR_MS, MINUTE_MS

MEI = Author(actor="cli:mei", origin="host")
APP = AppId(12345)
ILLEGAL, NO_MEMBERSHIP, UNREASONABLE, NO_RIGHTS = 1017040, 1017032, 1017043, 1017030
PER_USE, USER_MONTH, ROOM_MONTH, HOST_MONTH = range(4)


@pytest.fixture
def centre(world: Any) -> Any:
    """A centre whose app may be billed in every mode, with a price for each."""
    all_modes = frozenset({0, 1, 2, 3})
    world.centre.apps.change(APP, lambda app: msgspec.structs.replace(app, billing_modes=all_modes))
    for mode, amount_minor in enumerate((150, 3_000, 9_000, 6_000)):
        price = NewPrice(billing_mode=mode, amount_minor=amount_minor, currency="CNY", valid_from_ms=0)
        set_price(world.centre, price, MEI)
    return world.centre


@pytest.fixture
def plan(centre: Any) -> Any:
    return lambda **changes: change_plan(centre, APP, changes, MEI)


def ask(member: Any, key: str | None = None, song: str = "whole", **body: Any) -> Any:
    given = {"song_id": str(member.world.songs[song]), "resource_type": 0} | body
    headers = {"authorization": f"Bearer {member.session}"}
    if key is not None:
        headers["idempotency-key"] = key
    return member.world.http().post("/client/v1/request_resource", json=given, headers=headers).json()


def amounts(world: Any) -> list[int]:
    return [charge["amount_minor"] for charge in world.rows("charges")]


# Keys.


def test_the_same_request_under_one_key_gets_the_very_same_answer_and_is_charged_once(world: Any, centre: Any) -> None:
    member = world.member()
    first = ask(member, "k-1")
    world.wait(HOUR_MS)
    assert ask(member, "k-1") == first
    assert first["code"] == 0
    assert amounts(world) == [150]
    assert ask(member, "k-2")["data"] != first["data"]
    assert amounts(world) == [150, 150]


def test_a_request_without_a_key_is_charged_each_time(world: Any, centre: Any) -> None:
    member = world.member()
    assert [ask(member)["code"] for _ in range(2)] == [0, 0]
    assert amounts(world) == [150, 150]


@pytest.mark.parametrize("other", [{"mode": 1}, {"resource_type": 1}, {"vendor_id": 1}, {"room_id": "包厢"}], ids=str)
def test_another_request_under_a_used_key_is_refused_and_not_charged(
    world: Any, centre: Any, other: dict[str, Any]
) -> None:
    member = world.member()
    ask(member, "k")
    answer = ask(member, "k", **other)
    assert answer["code"] == ILLEGAL
    assert answer["message"].startswith("Idempotency-Key: was used for another request")
    assert amounts(world) == [150]


@pytest.mark.parametrize("key", ["", "k" * 65, "a\tb"])
def test_a_key_that_cannot_be_kept_is_refused(world: Any, centre: Any, key: str) -> None:
    answer = ask(world.member(), key)
    assert (answer["code"], answer["message"][:16]) == (ILLEGAL, "Idempotency-Key:")
    assert amounts(world) == []


def test_keys_of_two_sessions_do_not_meet(world: Any, centre: Any) -> None:
    answers = [ask(world.member(), "k") for _ in range(2)]
    assert [answer["code"] for answer in answers] == [0, 0]
    assert amounts(world) == [150, 150]


def test_a_request_that_was_refused_leaves_its_key_free(world: Any, centre: Any) -> None:
    member = world.member()
    assert ask(member, "k", song="coming")["code"] == NO_RIGHTS
    world.wait(2 * 1_000)
    assert ask(member, "k", song="coming")["code"] == 0
    assert amounts(world) == [150]


def test_an_answer_is_given_again_only_while_the_song_may_be_used(world: Any, centre: Any) -> None:
    member = world.member()
    assert ask(member, "k", song="ending")["code"] == 0
    world.wait(2 * 1_000)
    assert ask(member, "k", song="ending")["code"] == NO_RIGHTS
    assert amounts(world) == [150]


def test_who_used_up_the_last_use_of_a_song_is_answered_again(world: Any, centre: Any) -> None:
    sheet = TermSheet(terms=(Terms(max_uses=1),))
    deal = Deal(song_id=world.songs["whole"], chains=tuple(Chain), sheet=sheet)
    centre.work.run(lambda transaction: transaction.record_deal(deal, at_ms=world.now_us // 1_000))
    member = world.member()
    first = ask(member, "k")
    assert first["code"] == 0
    assert ask(member, "k") == first
    assert ask(member, "another")["code"] == NO_RIGHTS
    assert amounts(world) == [150]


# Months and memberships.


@pytest.mark.parametrize(
    ("mode", "fields", "paid"),
    [
        (USER_MONTH, {}, 3_000),
        (ROOM_MONTH, {"room_id": "r"}, 9_000),
        (HOST_MONTH, {"room_id": "r", "master_id": "h"}, 6_000),
    ],
)
def test_a_month_is_charged_once_by_the_clock_of_the_store(
    world: Any, centre: Any, mode: int, fields: dict[str, str], paid: int
) -> None:
    member = world.member()
    for _ in range(3):
        assert ask(member, mode=mode, **fields)["code"] == 0
    assert amounts(world) == [paid, 0, 0]
    world.now_us = Period(2023, 11).end_ms("Asia/Shanghai") * 1_000
    assert ask(world.member(), mode=mode, **fields)["code"] == 0
    world.now_us -= 11 * MINUTE_MS * 1_000  # a clock that was set back pays no month twice
    assert ask(world.member(), mode=mode, **fields)["code"] == 0
    assert amounts(world) == [paid, 0, 0, paid, 0]


def test_whose_membership_must_be_granted_is_refused_without_one(world: Any, centre: Any, plan: Any) -> None:
    assert ask(world.member(), mode=USER_MONTH)["code"] == 0
    plan(membership=Membership.GRANTED)
    member = world.member(user_id="会员")
    assert ask(member, mode=USER_MONTH)["code"] == NO_MEMBERSHIP
    assert ask(member, mode=PER_USE)["code"] == 0
    add_member(centre, APP, UserId("会员"), MEI, vendor_id=VendorId(1))
    assert ask(member, mode=USER_MONTH)["code"] == 0
    assert ask(member, mode=PER_USE)["code"] == UNREASONABLE
    elsewhere: dict[str, Any] = {"song": "of vendor 2", "vendor_id": 2}
    assert [ask(member, mode=mode, **elsewhere)["code"] for mode in (PER_USE, USER_MONTH)] == [0, NO_MEMBERSHIP]
    remove_member(centre, APP, UserId("会员"), MEI, vendor_id=VendorId(1))
    assert ask(member, mode=USER_MONTH)["code"] == NO_MEMBERSHIP


def test_a_membership_runs_out(world: Any, centre: Any, plan: Any) -> None:
    plan(membership=Membership.GRANTED)
    until_ms = world.now_us // 1_000 + HOUR_MS
    add_member(centre, APP, UserId("茉莉"), MEI, vendor_id=EVERY_VENDOR, until_ms=until_ms)
    member = world.member()
    assert ask(member, mode=USER_MONTH)["code"] == 0
    world.wait(HOUR_MS)
    assert ask(member, mode=USER_MONTH)["code"] == NO_MEMBERSHIP


# Repeats.


def test_a_plan_may_give_the_same_grant_again_with_what_is_left_of_it(world: Any, centre: Any, plan: Any) -> None:
    plan(is_repeat_free=True)
    member = world.member()
    first = ask(member)["data"]["resources"][0]
    world.wait(HOUR_MS)
    again = ask(member)["data"]["resources"][0]
    assert again["resource_id"] == first["resource_id"]
    assert again["resource_ttl"] == first["resource_ttl"] - HOUR_MS
    assert (len(world.rows("grants")), amounts(world)) == (1, [150])


@pytest.mark.parametrize("other", [{"scene_id": 1}, {"mode": 1}, {"room_id": "r"}, {"resource_type": 1}], ids=str)
def test_what_is_not_the_same_grant_is_charged(world: Any, centre: Any, plan: Any, other: dict[str, Any]) -> None:
    plan(is_repeat_free=True)
    member = world.member()
    ask(member)
    assert ask(member, **other)["code"] == 0
    assert ask(world.member())["code"] == 0  # nor is another session's
    assert len(world.rows("grants")) == 3


@pytest.mark.parametrize("other", [{"scene_id": 1}, {"room_id": "r"}, {"resource_type": 3}], ids=str)
def test_a_grant_is_given_again_whatever_else_came_of_the_same_files(
    world: Any, centre: Any, plan: Any, other: dict[str, Any]
) -> None:
    plan(is_repeat_free=True)
    member = world.member()
    first: dict[str, Any] = {"resource_type": 2 if "resource_type" in other else 0}
    resource = ask(member, **first)["data"]["resources"][0]
    assert ask(member, **(first | other))["data"]["resources"][0]["resource_id"] == resource["resource_id"]
    assert ask(member, **first, dry_run=True)["data"]["already_paid"] == 1
    assert [ask(member, **body)["code"] for body in (first | other, first)] == [0, 0]
    assert amounts(world) == [150, 150]
    assert [row["grant_id"] for row in world.rows("granted_resources")] == [1]  # plays go to what was asked for last


def test_a_grant_that_ran_out_is_not_given_again(world: Any, centre: Any, plan: Any) -> None:
    plan(is_repeat_free=True)
    ask(world.member())
    world.wait(DAY_MS)
    assert ask(world.member())["code"] == 0
    assert amounts(world) == [150, 150]


def test_a_repeat_uses_no_use_up(world: Any, centre: Any, plan: Any) -> None:
    plan(is_repeat_free=True)
    sheet = TermSheet(terms=(Terms(max_uses=1),))
    deal = Deal(song_id=world.songs["whole"], chains=tuple(Chain), sheet=sheet)
    centre.work.run(lambda transaction: transaction.record_deal(deal, at_ms=world.now_us // 1_000))
    member = world.member()
    assert [ask(member)["code"] for _ in range(3)] == [0, 0, 0]
    assert ask(world.member())["code"] == NO_RIGHTS
    assert ask(world.member(), dry_run=True)["code"] == NO_RIGHTS


# Bounds.


def test_a_bound_on_the_month_refuses_what_would_go_over_it(world: Any, centre: Any, plan: Any) -> None:
    plan(monthly_cap_minor=300)
    member = world.member()
    assert [ask(member)["code"] for _ in range(3)] == [0, 0, UNREASONABLE]
    assert "2023-11" in ask(member)["message"]
    assert (len(world.rows("grants")), amounts(world)) == (2, [150, 150])
    reverse_charge(centre, 1, "客户退款", MEI)
    assert ask(member)["code"] == 0


def test_a_bound_on_songs_stops_who_takes_them_all(world: Any, centre: Any, plan: Any) -> None:
    plan(songs_a_day=2)
    member = world.member()
    songs = ("whole", "played only", "whole", "mix only")
    assert [ask(member, song=song)["code"] for song in songs] == [0, 0, 0, UNREASONABLE]
    assert ask(world.member(user_id="别人"), song="mix only")["code"] == 0


# Dry runs.


def test_a_dry_run_says_the_price_and_writes_nothing(world: Any, centre: Any) -> None:
    member = world.member()
    generation = centre.view.generation()
    answer = ask(member, "k", dry_run=True)
    assert answer["data"] == {
        "amount_minor": 150,
        "currency": "CNY",
        "period": "2023-11",
        "unpriced": 0,
        "already_paid": 0,
    }
    assert centre.view.generation() == generation
    assert [world.rows(table) for table in ("grants", "charges", "kept_answers")] == [[], [], []]


def test_a_dry_run_tells_a_paid_month_from_a_missing_price(world: Any, centre: Any, plan: Any) -> None:
    member = world.member()
    quotes = partial(ask, member, dry_run=True, mode=USER_MONTH)
    assert quotes()["data"]["amount_minor"] == 3_000
    ask(member, mode=USER_MONTH)
    told = quotes()["data"]
    assert (told["amount_minor"], told["already_paid"], told["unpriced"]) == (0, 1, 0)
    plan(currency="EUR")
    told = ask(member, dry_run=True)["data"]
    assert (told["amount_minor"], told["currency"], told["unpriced"]) == (0, "EUR", 1)


def test_a_dry_run_of_what_is_held_still_costs_nothing(world: Any, centre: Any, plan: Any) -> None:
    plan(is_repeat_free=True)
    member = world.member()
    assert ask(member, dry_run=True)["data"]["already_paid"] == 0
    ask(member)
    told = ask(member, dry_run=True)["data"]
    assert (told["amount_minor"], told["already_paid"]) == (0, 1)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"song": "nothing allowed"}, NO_RIGHTS),
        ({"mode": HOST_MONTH}, 1017073),
        ({"vendor_id": 9}, 1017071),
        ({"song_id": "7"}, 1017072),
    ],
    ids=str,
)
def test_a_dry_run_checks_all_that_a_request_does(world: Any, centre: Any, asked: dict[str, Any], code: int) -> None:
    assert ask(world.member(), dry_run=True, **asked)["code"] == ask(world.member(), **asked)["code"] == code


def test_a_dry_run_knows_of_bounds(world: Any, centre: Any, plan: Any) -> None:
    plan(monthly_cap_minor=100)
    assert ask(world.member(), dry_run=True)["code"] == UNREASONABLE


# What operators do.


def test_what_operators_do_with_money_is_on_record(world: Any, centre: Any, plan: Any) -> None:
    plan(monthly_cap_minor=300)
    ask(world.member())
    reverse_charge(centre, 1, "客户退款", MEI)
    add_member(centre, APP, UserId("茉莉"), MEI, vendor_id=EVERY_VENDOR)
    world.now_us = Period(2023, 11).end_ms("Asia/Shanghai") * 1_000
    close_period(centre, APP, Period(2023, 11), MEI)
    entries = [written.entry for written in centre.audit.entries() if written.entry.actor == "cli:mei"]
    assert [entry.action for entry in entries][-5:] == [
        "price.set",
        "app.plan",
        "charge.reverse",
        "member.add",
        "period.close",
    ]
    assert "茉莉" not in str(entries)  # a person can be forgotten, the audit cannot


def test_a_month_is_not_closed_before_it_ends_in_the_zone_of_the_plan(world: Any, centre: Any, plan: Any) -> None:
    plan(time_zone="America/New_York")
    world.now_us = Period(2023, 11).end_ms("Asia/Shanghai") * 1_000
    with pytest.raises(PeriodRunning, match="2023-11"):
        close_period(centre, APP, Period(2023, 11), MEI)
    world.now_us = Period(2023, 11).end_ms("America/New_York") * 1_000
    close_period(centre, APP, Period(2023, 11), MEI)
    assert [str(each.period) for each in centre.ledger.closed_periods(APP)] == ["2023-11"]
