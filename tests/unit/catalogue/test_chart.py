"""What a chart's rule counts, against a model that watches a clock on the wall minute by minute; and merging tags."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuefu.catalogue.chart import (
    BadName,
    BadRule,
    ChartRule,
    Tag,
    TagGroup,
    check_id,
    check_name,
    counted_span,
    make_rule,
    merge_groups,
    song_problems,
    with_group,
    with_tag,
)
from yuefu.ids import SongId, VendorId
from yuefu.units import HOUR_MS, MINUTE_MS, format_instant, parse_instant_ms

ZONES = (
    "UTC",
    "Asia/Shanghai",  # summer time until 1991
    "America/New_York",
    "Europe/London",
    "America/Sao_Paulo",  # leaps over midnight
    "America/St_Johns",  # falls back from 00:01 to the day before
    "Australia/Lord_Howe",  # by half an hour
    "Antarctica/Troll",  # by two hours
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Apia",  # leaps over 2011-12-30
    "Pacific/Kwajalein",  # leaps over 1993-08-21
    "Pacific/Kiritimati",
)
FIRST_DAY, LAST_DAY = date(1975, 1, 1), date(2037, 12, 1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def instant(text: str) -> int:
    return parse_instant_ms(text)


def span_texts(rule: ChartRule, at: str) -> tuple[str, str]:
    span = counted_span(rule, instant(at))
    return format_instant(span.begin_ms), format_instant(span.end_ms)


@cache
def changes_of_clock(zone: str) -> list[datetime]:
    """The days in which the zone's clocks are changed."""
    days = [datetime(1975, 1, 1, tzinfo=UTC) + DAY * number for number in range((LAST_DAY - FIRST_DAY).days)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after] or days[:1]


def watch(zone: str, hour: int, begin: datetime, end: datetime) -> dict[date, datetime]:
    """The cut-offs that somebody notes down who looks at the clock every minute from `begin` to `end`."""
    noted: dict[date, datetime] = {}
    now, shown = begin, begin.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    while now < end:
        later = now + MINUTE
        shows = later.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        day = shown.date()
        while day <= shows.date():  # what the clock came by, or leapt over, since the last look
            due = datetime.combine(day, time(hour))
            if shown < due <= shows:
                noted.setdefault(day, later if due == shows else now + (due - shown))
            day += DAY
        now, shown = later, shows
    return noted


def slow_span(rule: ChartRule, at: datetime) -> tuple[datetime, datetime]:
    minute = at.replace(second=0, microsecond=0)
    ends = watch(rule.time_zone, rule.cut_off_hour, minute - 4 * DAY, minute + DAY)
    end = max(moment for moment in ends.values() if moment <= at)
    last_day = min(day for day, moment in ends.items() if moment == end)
    first_day = last_day - rule.days * DAY
    noon = datetime(first_day.year, first_day.month, first_day.day, 12, tzinfo=UTC)
    return watch(rule.time_zone, rule.cut_off_hour, noon - 2 * DAY, noon + 2 * DAY)[first_day], end


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """Any instant, as often as not within two days of a change of the zone's clocks."""
    if draw(st.booleans()):
        return draw(st.sampled_from(changes_of_clock(zone))) + draw(st.timedeltas(-2 * DAY, 2 * DAY))
    return draw(st.datetimes(datetime(1976, 6, 1), datetime(2037, 6, 1), timezones=st.just(UTC)))  # noqa: DTZ001


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_the_cut_off_is_where_a_watcher_of_the_clock_sees_it(data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    days, hour = data.draw(st.integers(1, 366)), data.draw(st.integers(0, 23))
    rule = ChartRule(days=days, cut_off_hour=hour, time_zone=zone)
    at = data.draw(moments(zone)).replace(microsecond=0)
    begin, end = slow_span(rule, at)
    span = counted_span(rule, int(at.timestamp()) * 1_000)
    assert (span.begin_ms, span.end_ms) == (int(begin.timestamp()) * 1_000, int(end.timestamp()) * 1_000)


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    days=st.integers(1, 366),
    at_ms=st.integers(200_000_000_000, 2_000_000_000_000),
    later_ms=st.integers(0, 10 * 86_400_000),
)
def test_cut_offs_never_go_back(zone: str, hour: int, days: int, at_ms: int, later_ms: int) -> None:
    rule = ChartRule(days=days, cut_off_hour=hour, time_zone=zone)
    before, after = counted_span(rule, at_ms), counted_span(rule, at_ms + later_ms)
    assert before.end_ms <= at_ms < before.end_ms + 50 * HOUR_MS
    assert before.begin_ms < before.end_ms <= after.end_ms
    assert before.begin_ms <= after.begin_ms


def test_the_cut_off_itself_belongs_to_the_next_day() -> None:
    rule = ChartRule(days=7, cut_off_hour=5)
    assert span_texts(rule, "2026-01-08T04:59:59.999+08:00") == ("2025-12-30T21:00:00.000Z", "2026-01-06T21:00:00.000Z")
    assert span_texts(rule, "2026-01-08T05:00:00+08:00") == ("2025-12-31T21:00:00.000Z", "2026-01-07T21:00:00.000Z")


def test_a_day_is_as_long_as_the_clock_makes_it() -> None:
    rule = ChartRule(days=1, cut_off_hour=5, time_zone="America/New_York")
    hours = []
    for at in ("2026-03-08T12:00-04:00", "2026-03-09T12:00-04:00", "2026-11-01T12:00-05:00"):
        span = counted_span(rule, instant(at))
        hours.append(span.duration_ms / HOUR_MS)
    assert hours == [23, 24, 25]


def test_an_hour_that_is_leapt_over_is_where_it_would_have_been() -> None:
    rule = ChartRule(days=1, cut_off_hour=2, time_zone="America/New_York")
    assert span_texts(rule, "2026-03-08T06:00-04:00") == ("2026-03-07T07:00:00.000Z", "2026-03-08T07:00:00.000Z")


def test_of_an_hour_that_comes_twice_the_first_counts() -> None:
    rule = ChartRule(days=1, cut_off_hour=1, time_zone="America/New_York")
    first_ms = instant("2026-11-01T01:00-04:00")
    assert counted_span(rule, first_ms).end_ms == first_ms
    assert counted_span(rule, first_ms + 90 * MINUTE_MS).end_ms == first_ms


@pytest.mark.parametrize(
    ("zone", "hour", "at", "begin", "end"),
    [
        ("Pacific/Kwajalein", 0, "1993-08-22T12:00+12:00", "1993-08-20T12:00Z", "1993-08-21T12:00Z"),
        ("Pacific/Kwajalein", 0, "1993-08-23T12:00+12:00", "1993-08-21T12:00Z", "1993-08-22T12:00Z"),
        ("Pacific/Apia", 5, "2011-12-31T05:00+14:00", "2011-12-29T15:00Z", "2011-12-30T15:00Z"),
    ],
)
def test_a_day_that_a_zone_leaps_over_makes_no_chart_empty(zone: str, hour: int, at: str, begin: str, end: str) -> None:
    span = counted_span(ChartRule(days=1, cut_off_hour=hour, time_zone=zone), instant(at))
    assert (span.begin_ms, span.end_ms) == (instant(begin), instant(end))


def test_leap_days_are_days() -> None:
    rule = ChartRule(days=1, time_zone="UTC")
    assert span_texts(rule, "2024-03-01T00:00Z") == ("2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z")
    rule = ChartRule(days=366, time_zone="UTC")
    assert span_texts(rule, "2024-03-01T00:00Z") == ("2023-03-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z")


def test_a_rule_may_be_made_from_texts() -> None:
    assert make_rule({"days": "7", "threshold": "3", "cut_off_hour": "5", "size": "50"}) == ChartRule(
        days=7, threshold=3, cut_off_hour=5, time_zone="Asia/Shanghai", size=50
    )


@pytest.mark.parametrize(
    ("facts", "place"),
    [
        ({}, "days"),
        ({"days": 0}, "days"),
        ({"days": 367}, "days"),
        ({"days": "七"}, "days"),
        ({"days": 7, "threshold": 0}, "threshold"),
        ({"days": 7, "threshold": 10**30}, "threshold"),
        ({"days": 7, "cut_off_hour": 24}, "cut_off_hour"),
        ({"days": 7, "cut_off_hour": -1}, "cut_off_hour"),
        ({"days": 7, "size": 0}, "size"),
        ({"days": 7, "size": 1_001}, "size"),
        ({"days": 7, "time_zone": "Asia/Nowhere"}, "Asia/Nowhere"),
        ({"days": 7, "time_zone": ""}, "''"),
        ({"days": 7, "time_zone": "Asia"}, "Asia"),
        ({"days": 7, "time_zone": "../../etc/passwd"}, "etc/passwd"),
        ({"days": 7, "time_zone": "/etc/localtime"}, "localtime"),
        ({"days": 7, "time_zone": "北京"}, "北京"),
    ],
)
def test_a_rule_that_cannot_be_names_what_is_wrong(facts: dict[str, object], place: str) -> None:
    with pytest.raises(BadRule, match=place):
        make_rule(facts)


@pytest.mark.parametrize("text", ["场景", "K 歌", "x", "全角　空格", "👩‍🎤", "a" * 64])
def test_a_name_may_be_any_text(text: str) -> None:
    assert check_id(text) == check_name(text) == text


@pytest.mark.parametrize("text", ["", " ", " a", "a ", "a\nb", "a\0", "\x7f", "\ud800", "a\u2028b", "　a", "a" * 65])
def test_an_id_that_nobody_could_ask_for_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        check_id(text)


def test_every_song_that_cannot_stand_in_a_list_is_named() -> None:
    songs = [SongId(number) for number in (1, 2, 3, 1)]
    owners = {SongId(1): VendorId(1), SongId(2): VendorId(2)}
    assert list(song_problems(songs, owners, VendorId(1))) == [
        (1, "song 2 is vendor 2's, not vendor 1's"),
        (2, "there is no song 3"),
        (3, "song 1 is there twice"),
    ]
    assert [place for place, _ in song_problems(songs, owners, None)] == [2, 3]


def group(group_id: str, *tag_ids: str, name: str = "") -> TagGroup:
    return TagGroup(
        group_id=group_id, name=name or group_id, tags=tuple(Tag(tag_id=tag_id, name=tag_id) for tag_id in tag_ids)
    )


def test_a_group_keeps_its_place_when_it_is_named_anew() -> None:
    groups = [group("场景", "学习"), group("心情")]
    assert with_group(groups, "场景", "场合") == [group("场景", "学习", name="场合"), group("心情")]
    assert with_group(groups, "年代", "年代") == [*groups, group("年代")]


def test_a_tag_is_in_one_group_only() -> None:
    groups = [group("场景", "学习", "驾车"), group("心情", "甜蜜")]
    moved = with_tag(groups, "心情", Tag(tag_id="学习", name="学习"))
    assert moved == [group("场景", "驾车"), group("心情", "甜蜜", "学习")]


def test_what_is_merged_comes_first_and_nothing_else_is_lost() -> None:
    held = [group("场景", "学习", "驾车"), group("心情", "甜蜜"), group("年代", "九零")]
    merged = merge_groups(held, [group("节日", "春节"), group("心情", "学习", "伤感", name="情绪")])
    assert merged == [
        group("节日", "春节"),
        group("心情", "学习", "伤感", "甜蜜", name="情绪"),
        group("场景", "驾车"),
        group("年代", "九零"),
    ]


tag_books = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8).flatmap(
    lambda tags: st.lists(st.sampled_from("123"), min_size=len(tags), max_size=len(tags)).map(
        lambda homes: [group(home, *(tag for tag, its in zip(tags, homes, strict=True) if its == home))
                       for home in dict.fromkeys(homes)]
    )
)  # fmt: skip


@given(held=tag_books, new=tag_books)
def test_merging_keeps_every_tag_once(held: list[TagGroup], new: list[TagGroup]) -> None:
    merged = merge_groups(held, new)
    tags = [tag.tag_id for each in merged for tag in each.tags]
    assert sorted(tags) == sorted({tag.tag_id for each in [*held, *new] for tag in each.tags})
    assert [each.group_id for each in merged][: len(new)] == [each.group_id for each in new]
    assert merge_groups(merged, new) == merged
