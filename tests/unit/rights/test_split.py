"""Who gets what: parts that add up to the whole, whatever is divided and however."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.deal import Chain
from yuefu.rights.ledger import PostingKind
from yuefu.rights.plan import Period
from yuefu.rights.split import (
    UNASSIGNED,
    WHOLE_PPM,
    BadSplit,
    Portion,
    RecordedSplit,
    Split,
    SplitTable,
    apportion,
    parse_share,
    spell_share,
    statement,
)
from yuefu.rights.usage import Counts, Kind, Uses

VENDOR = VendorId(1)
OCTOBER, NOVEMBER = Period(2026, 10), Period(2026, 11)
PER_USE, USER_MONTH = 0, 1


def portion(holder: str, percent: str, chain: Chain = Chain.RECORDING) -> Portion:
    return Portion(chain=chain, holder=holder, share_ppm=parse_share(percent))


def table(*splits: tuple[int | None, tuple[Portion, ...]], from_period: Period = OCTOBER) -> SplitTable:
    return SplitTable(
        [
            RecordedSplit(
                split_id=number,
                split=Split(
                    vendor_id=VENDOR,
                    song_id=None if song is None else SongId(song),
                    from_period=from_period,
                    portions=portions,
                ),
                recorded_at_ms=number,
            )
            for number, (song, portions) in enumerate(splits, start=1)
        ],
        known_at_ms=None,
    )


def used(song: int = 1, *, mode: int = PER_USE, **changes: Any) -> Uses:
    counts = {name: changes.pop(name) for name in tuple(changes) if name in Counts.__struct_fields__}
    kind: dict[str, Any] = {
        "app_id": AppId(7),
        "period": NOVEMBER,
        "of_period": NOVEMBER,
        "entry": PostingKind.CHARGE,
        "vendor_id": VENDOR,
        "resource_type": 1,
        "scene_id": 0,
        "billing_mode": mode,
        "song_id": SongId(song),
        "territory": "CN",
        "currency": "CNY",
        "price_id": 1,
        "unit_minor": 0,
    }
    return Uses(kind=Kind(**kind | changes), counts=Counts(**counts))


def told(uses: list[Uses], splits: SplitTable, **earlier: Any) -> list[tuple[str, str, int]]:
    lines = statement(uses, {VENDOR: splits}, earlier.get("earlier", {}))
    return [(line.holder, line.chain.value if line.chain else "", line.counts.amount_minor) for line in lines]


amounts = st.integers(-(10**15), 10**15)
weights = st.lists(st.integers(0, WHOLE_PPM), min_size=1, max_size=12).filter(any)


@given(amounts, weights)
def test_parts_add_up_to_the_whole_and_none_is_a_unit_off(amount: int, shares: list[int]) -> None:
    parts = apportion(amount, shares)
    assert sum(parts) == amount
    whole = sum(shares)
    assert all(abs(part * whole - amount * share) < whole for part, share in zip(parts, shares, strict=True))
    assert all(part == 0 for part, share in zip(parts, shares, strict=True) if share == 0)


@given(amounts, weights)
def test_what_is_taken_back_is_parted_as_it_was_given(amount: int, shares: list[int]) -> None:
    assert apportion(-amount, shares) == [-part for part in apportion(amount, shares)]


def test_of_equal_remainders_the_first_is_rounded_up() -> None:
    assert apportion(100, [1, 1, 1]) == [34, 33, 33]
    assert apportion(2, [1, 1, 1]) == [1, 1, 0]


holders = st.lists(
    st.tuples(st.sampled_from(list(Chain)), st.sampled_from(["环球", "滚石", "MCSC", "词人", "曲人"])),
    unique=True,
    max_size=6,
)


@st.composite
def portions(draw: st.DrawFn) -> tuple[Portion, ...]:
    named = draw(holders)
    shares = draw(st.lists(st.integers(1, WHOLE_PPM // 6), min_size=len(named), max_size=len(named)))
    return tuple(
        Portion(chain=chain, holder=holder, share_ppm=share)
        for (chain, holder), share in zip(named, shares, strict=True)
    )


uses_of_songs = st.lists(
    st.builds(
        used,
        st.integers(1, 4),
        mode=st.sampled_from([PER_USE, USER_MONTH]),
        requests=st.integers(0, 50),
        shared=st.integers(0, 5),
        amount_minor=st.integers(-(10**9), 10**9),
        entry=st.sampled_from([PostingKind.CHARGE, PostingKind.REVERSAL]),
        currency=st.sampled_from(["CNY", "JPY"]),
    ),
    max_size=12,
)


@given(uses_of_songs, st.dictionaries(st.sampled_from([None, 1, 2, 3]), portions()))
def test_a_statement_adds_up_to_what_was_charged(
    uses: list[Uses], splits: dict[int | None, tuple[Portion, ...]]
) -> None:
    lines = statement(uses, {VENDOR: table(*splits.items())}, {})
    for entry in PostingKind:
        for currency in ("CNY", "JPY"):
            charged = sum(
                each.counts.amount_minor for each in uses if (each.kind.entry, each.kind.currency) == (entry, currency)
            )
            lines_of = [
                line.counts.amount_minor
                for line in lines
                if (line.selection.entry, line.selection.currency) == (entry, currency)
            ]
            assert sum(lines_of) == charged


def test_a_vendor_without_splits_has_one_line_that_says_so() -> None:
    assert told([used(requests=2, amount_minor=301)], table()) == [(UNASSIGNED, "", 301)]


def test_a_songs_own_split_goes_before_the_vendors() -> None:
    splits = table((None, (portion("甲", "50"),)), (2, (portion("乙", "100", Chain.WORK),)))
    assert told([used(1, amount_minor=301), used(2, amount_minor=7)], splits) == [
        ("甲", "recording", 151),
        ("乙", "work", 7),
        (UNASSIGNED, "", 150),
    ]


def test_a_month_that_was_paid_is_spread_over_all_songs_used_in_it() -> None:
    splits = table((1, (portion("甲", "100"),)), (2, (portion("乙", "100"),)))
    uses = [
        used(1, mode=USER_MONTH, requests=1, amount_minor=3_000),
        used(2, mode=USER_MONTH, requests=2, covered=2),
        used(2, mode=USER_MONTH, shared=1),
        used(1, requests=100),  # charged by the use: nothing of the month is theirs
    ]
    assert told(uses, splits) == [("乙", "recording", 2_250), ("甲", "recording", 750)]


def test_an_adjustment_is_spread_as_its_own_month_was() -> None:
    splits = table((1, (portion("甲", "100"),)), (2, (portion("乙", "100"),)))
    uses = [
        used(2, mode=USER_MONTH, requests=5, amount_minor=100),
        used(1, mode=USER_MONTH, reversed=1, amount_minor=-80, entry=PostingKind.ADJUSTMENT, of_period=OCTOBER),
    ]
    october = [
        used(song, mode=USER_MONTH, requests=count, period=OCTOBER, of_period=OCTOBER)
        for song, count in ((1, 3), (2, 1))
    ]
    lines = statement(uses, {VENDOR: splits}, {OCTOBER: october})
    assert [(line.holder, line.counts.amount_minor) for line in lines if line.counts.amount_minor] == [
        ("乙", 100),
        ("乙", -20),
        ("甲", -60),
    ]


def test_the_latest_split_that_has_begun_and_was_known_holds() -> None:
    first, second, later = ((portion(name, "100"),) for name in ("先", "后", "将来"))
    written = [
        RecordedSplit(
            split_id=number,
            split=Split(vendor_id=VENDOR, from_period=period, portions=shares),
            recorded_at_ms=number * 10,
        )
        for number, (period, shares) in enumerate(
            ((OCTOBER, first), (OCTOBER, second), (Period(2026, 12), later)), start=1
        )
    ]
    known = SplitTable(written, known_at_ms=None)
    assert known.portions(SongId(1), Period(2026, 9)) == ()
    assert known.portions(SongId(1), NOVEMBER) == second
    assert known.portions(SongId(1), Period(2027, 1)) == later
    assert SplitTable(written, known_at_ms=19).portions(SongId(1), NOVEMBER) == first


@pytest.mark.parametrize(
    ("shares", "problem"),
    [
        ([("甲", "60"), ("乙", "40.0001")], "come to 100.0001 %"),
        ([("甲", "1"), ("甲", "2")], "two shares"),
        ([("", "1")], "no rights holder"),
        ([(" 甲", "1")], "no rights holder"),
        ([("甲\n乙", "1")], "control character"),
        ([("甲" * 201, "1")], "no rights holder"),
        ([(UNASSIGNED, "1")], "no rights holder"),
        ([("甲", "0")], "more than 0"),
        ([("甲", "-1")], "no percentage"),
        ([("甲", "100.1")], "at most 100"),
        ([("甲", "1.00001")], "four decimals"),
        ([("甲", "一")], "no percentage"),
        ([("甲", "NaN")], "no percentage"),
        ([("甲", "1e400000")], "no percentage"),
        ([("甲", "")], "no percentage"),
    ],
)
def test_a_split_that_divides_nothing_is_refused(shares: list[tuple[str, str]], problem: str) -> None:
    with pytest.raises(BadSplit, match=problem):
        Split(vendor_id=VENDOR, from_period=NOVEMBER, portions=tuple(portion(*share) for share in shares))


@given(st.integers(1, WHOLE_PPM))
def test_a_share_is_read_as_it_is_spelt(share_ppm: int) -> None:
    assert parse_share(spell_share(share_ppm)) == share_ppm
