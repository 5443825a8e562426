"""Plans and the months of three time zones with summer time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.rights.plan import BadPeriod, BadPlan, Period, Plan, day_begin_ms, month_of
from yuefu.units import HOUR_MS, parse_instant_ms

ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Shanghai", "America/Havana")
zones = st.sampled_from(ZONES)
instants = st.integers(parse_instant_ms("2000-01-01T00:00:00+00:00"), parse_instant_ms("2090-01-01T00:00:00+00:00"))
EDGES = [
    ("America/New_York", "2026-12-01T05:00:00+00:00", "2026-11", "2026-12"),
    ("America/New_York", "2026-11-01T04:00:00+00:00", "2026-10", "2026-11"),  # summer time ends that morning
    ("Europe/Berlin", "2026-03-31T22:00:00+00:00", "2026-03", "2026-04"),  # it began two days before
    ("Europe/Berlin", "2026-10-31T23:00:00+00:00", "2026-10", "2026-11"),
    ("Australia/Lord_Howe", "2026-09-30T13:30:00+00:00", "2026-09", "2026-10"),
    ("Australia/Lord_Howe", "2026-10-31T13:00:00+00:00", "2026-10", "2026-11"),  # by half an hour
    ("America/Havana", "2026-11-01T04:00:00+00:00", "2026-10", "2026-11"),  # 0:00 to 1:00 comes twice
    ("Asia/Shanghai", "2026-12-31T16:00:00+00:00", "2026-12", "2027-01"),
]


@pytest.mark.parametrize(("zone", "edge", "before", "after"), EDGES)
def test_a_month_begins_at_its_first_instant_and_not_before(zone: str, edge: str, before: str, after: str) -> None:
    at_ms = parse_instant_ms(edge)
    assert (str(month_of(at_ms - 1, zone)), str(month_of(at_ms, zone))) == (before, after)
    assert Period.parse(after).begin_ms(zone) == Period.parse(before).end_ms(zone) == at_ms


@given(instants, zones)
def test_every_instant_is_in_the_month_that_the_wall_shows(at_ms: int, zone: str) -> None:
    period = month_of(at_ms, zone)
    assert period.begin_ms(zone) <= at_ms < period.end_ms(zone)
    wall = datetime.fromtimestamp(at_ms // 1_000, UTC).astimezone(ZoneInfo(zone))
    assert (period.year, period.month) == (wall.year, wall.month)


@given(instants, zones)
def test_a_day_begins_at_most_a_long_day_before(at_ms: int, zone: str) -> None:
    begin_ms = day_begin_ms(at_ms, zone)
    assert 0 <= at_ms - begin_ms < 25 * HOUR_MS + HOUR_MS // 2
    assert day_begin_ms(begin_ms, zone) == begin_ms
    assert month_of(begin_ms, zone) == month_of(at_ms, zone)


@given(st.builds(Period, st.integers(1000, 2998), st.integers(1, 12)))
def test_a_month_is_read_back_as_it_is_written(period: Period) -> None:
    assert Period.parse(str(period)) == period
    assert period < period.following()
    assert (str(period) < str(period.following())) is True


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "202611", "", "2026-11-01", "２０２６-11"])
def test_what_names_no_month_is_refused(text: str) -> None:
    with pytest.raises(BadPeriod, match="is no month"):
        Period.parse(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc/passwd"},
        {"time_zone": "Asia"},
        {"time_zone": ""},
        {"currency": "cny"},
        {"currency": "元"},
        {"monthly_cap_minor": -1},
        {"songs_a_day": -1},
    ],
    ids=str,
)
def test_a_plan_that_nobody_could_be_billed_by_is_refused(wrong: dict[str, str | int]) -> None:
    with pytest.raises(BadPlan):
        msgspec.structs.replace(Plan(), **wrong)
