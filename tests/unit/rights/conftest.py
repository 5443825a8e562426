"""Made-up terms for the tests of rights: on instants at which clocks change and leap days begin, in a small world."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from yuefu.rights.deal import CommercialModel, Terms, Use

T = TypeVar("T")

MEMBERS = {
    "WORLD": {"AT", "CH", "CN", "DE", "FR", "HK", "MO", "NO", "TW", "US", "ZW"},
    "GREATER-CHINA": {"CN", "HK", "MO", "TW"},
    "DACH": {"AT", "CH", "DE"},
    "EU": {"AT", "DE", "FR"},
    "NORDIC": {"NO"},
    "NORTH-AMERICA": {"US"},
}
"""Which places of a small world each group has, written down by hand. Deals name ZW through WORLD alone, so whatever
else they leave out, it stands for the rest of the world."""

PLACES = sorted(MEMBERS["WORLD"])
NAMES = sorted({"AT", "CN", "DE", "HK", "NO", "TW", "US"} | MEMBERS.keys())
"""What deals name: codes, groups and groups that overlap."""


def local_ms(zone: str, *clock: int, fold: int = 0) -> int:
    """The instant, in milliseconds since 1970, at which clocks of that zone show a date and time."""
    moment = datetime(*clock, fold=fold, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type,misc]
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


EDGES_MS = sorted(
    {
        local_ms("Asia/Shanghai", 2024, 2, 29),
        local_ms("Asia/Shanghai", 2024, 3, 1),
        local_ms("Europe/Berlin", 2024, 2, 29),
        local_ms("Europe/Berlin", 2024, 3, 31, 1, 59, 59),
        local_ms("Europe/Berlin", 2024, 3, 31, 3),
        local_ms("Europe/Berlin", 2024, 10, 27, 2, 30),
        local_ms("Europe/Berlin", 2024, 10, 27, 2, fold=1),
        local_ms("Europe/Berlin", 2024, 10, 27, 2, 30, fold=1),
        local_ms("Europe/Berlin", 2024, 10, 27, 3),
    }
)
"""Around leap days, the hour that a spring night leaves out and the one that an autumn night has twice."""

edges_ms = st.sampled_from(EDGES_MS)
instants_ms = st.builds(int.__add__, edges_ms, st.sampled_from([-1, 0, 1, 1000]))


def some_of(values: Sequence[T]) -> st.SearchStrategy[tuple[T, ...]]:
    """None, one or two of those values, in any order; as often none as any."""
    some = [*permutations(values, 1), *permutations(values, 2)]
    return st.sampled_from([()] * len(some) + some)


some_uses, some_models, some_names = some_of(tuple(Use)), some_of(tuple(CommercialModel)), some_of(NAMES)
spans_ms = st.sampled_from(
    [
        (from_ms, until_ms)
        for from_ms, until_ms in product([None, *EDGES_MS], repeat=2)
        if from_ms is None or until_ms is None or from_ms < until_ms
    ]
)


@st.composite
def some_terms(draw: st.DrawFn, *, is_capped: bool = True) -> Terms:
    """Terms of every kind. Their ends lie on a few common instants, so that deals touch and overlap."""
    from_ms, until_ms = draw(spans_ms)
    names, is_exclusion = draw(some_names), draw(st.booleans())
    return Terms(
        valid_from_ms=from_ms,
        valid_until_ms=until_ms,
        uses=draw(some_uses),
        models=draw(some_models),
        territories=() if is_exclusion else names,
        excluded_territories=names if is_exclusion else (),
        max_uses=draw(st.sampled_from([None, None, None, 0, 1, 2])) if is_capped else None,
        channel=draw(st.integers(0, 2)),
    )
