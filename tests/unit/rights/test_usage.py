"""Lines of reports, their keys, and where an app's months have their edges."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.rights.test_split import used

from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.ledger import ClosedPeriod, PostingKind
from yuefu.rights.plan import Period
from yuefu.rights.usage import BY_PRICE, BY_USE, BadKey, Counts, Selection, known_until_ms, month_span, roll_up, total
from yuefu.units import HOUR_MS, parse_instant_ms

NOVEMBER = Period(2026, 11)
months = st.builds(Period, st.integers(1000, 2999), st.integers(1, 12))
numbers = st.none() | st.integers(0, 10**17)
selections = st.builds(
    Selection,
    app_id=st.integers(1, 2**32).map(AppId),
    period=months,
    entry=st.none() | st.sampled_from(list(PostingKind)),
    of_period=st.none() | months,
    vendor_id=numbers,
    resource_type=numbers,
    scene_id=numbers,
    billing_mode=numbers,
    song_id=numbers,
    currency=st.none() | st.text("ABCXYZ", min_size=3, max_size=3),
    price_id=numbers,
    unit_minor=numbers,
)


@given(selections)
def test_a_key_stands_for_the_line_that_it_is_of(selection: Selection) -> None:
    assert Selection.parse(selection.key) == selection


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11",
        "2026-13/app=7",
        "2026-11/app=七",
        "2026-11/app=7/app=7",
        "2026-11/app=7/colour=red",
        "2026-11/app=7/vendor",
        "2026-11/app=7/vendor=-1",
        "2026-11/app=7/vendor=01",
        "2026-11/app=" + "9" * 30,
        "2026-11/app=7/entry=gift",
        "2026-11/app=7/currency=yuan",
        "'; DROP TABLE charges; --",
        "/" * 10_000,
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadKey, match="no line's key"):
        Selection.parse(text)


@given(st.text(max_size=60))
def test_no_text_is_more_than_refused(text: str) -> None:
    with contextlib.suppress(BadKey):
        Selection.parse(text)


@given(
    st.lists(
        st.builds(
            used,
            st.integers(1, 3),
            mode=st.integers(0, 3),
            requests=st.integers(0, 9),
            shared=st.integers(0, 9),
            amount_minor=st.integers(-99, 99),
            unit_minor=st.integers(0, 2),
            entry=st.sampled_from(list(PostingKind)),
            scene_id=st.integers(0, 4),
        )
    )
)
def test_every_line_has_what_its_key_holds_and_all_lines_have_all(uses: list) -> None:  # type: ignore[type-arg]
    for by in (BY_USE, BY_PRICE, (*BY_USE, "song_id")):
        lines = roll_up(uses, by)
        assert sum((line.counts for line in lines), Counts()) == total(uses)
        for line in lines:
            assert line.counts == total(each for each in uses if line.selection.holds(each.kind))
        assert len({line.selection.key for line in lines}) == len(lines)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Shanghai"])
def test_a_month_lasts_from_its_first_to_its_last_millisecond_in_the_zone_of_the_plan(zone: str) -> None:
    for month in (Period(2026, 3), Period(2026, 10), NOVEMBER):
        span = month_span(month, zone, ())
        assert (span.begin_ms, span.end_ms) == (month.begin_ms(zone), month.following().begin_ms(zone))
    if zone == "America/New_York":  # summer time ends within November
        assert month_span(NOVEMBER, zone, ()).duration_ms == (30 * 24 + 1) * HOUR_MS


def closed(month: Period, zone: str, at_ms: int = 0) -> ClosedPeriod:
    return ClosedPeriod(app_id=AppId(7), period=month, closed_at_ms=at_ms, time_zone=zone)


def test_a_closed_month_keeps_its_edges_when_the_plan_moves_and_the_next_begins_there() -> None:
    closings = [closed(NOVEMBER, "Asia/Shanghai")]
    here, after = (month_span(month, "America/New_York", closings) for month in (NOVEMBER, Period(2026, 12)))
    assert here.begin_ms == parse_instant_ms("2026-11-01T00:00:00+08:00")
    assert here.end_ms == after.begin_ms == parse_instant_ms("2026-12-01T00:00:00+08:00")
    assert after.end_ms == parse_instant_ms("2027-01-01T00:00:00-05:00")


def test_what_a_month_knew_ends_with_the_first_closing_that_closes_it() -> None:
    closings = [closed(Period(2026, 9), "UTC", 10), closed(NOVEMBER, "UTC", 20)]
    assert [known_until_ms(Period(2026, month), closings) for month in (9, 10, 11, 12)] == [10, 20, 20, None]


def test_a_line_is_of_one_song_or_of_all() -> None:
    uses = [used(1, requests=1), used(2, requests=1)]
    assert [line.selection.song_id for line in roll_up(uses, (*BY_USE, "song_id"))] == [SongId(1), SongId(2)]
    (line,) = roll_up(uses, BY_USE)
    assert (line.selection.song_id, line.selection.vendor_id) == (None, VendorId(1))
