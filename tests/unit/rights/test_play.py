"""Plays: what counts as one, what cannot have been, and reports that come late, twice or in any order."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.ids import AppId, UserId
from yuefu.rights.play import BadReport, Heard, Play, PlayKey, advance, begin, check_report, is_defined

SONG_MS, SEGMENT_MS = 200_000, 21_000
RESOURCE = "z_100000001_2"

reports = st.builds(
    Heard,
    seconds=st.integers(0, 330),
    is_completed=st.booleans(),
    score=st.none() | st.integers(0, 100),
    started_at_ms=st.none() | st.integers(0, 2**40),
)


@pytest.mark.parametrize(
    ("heard", "duration_ms", "counts"),
    [
        (Heard(), SONG_MS, False),
        (Heard(seconds=29), SONG_MS, False),
        (Heard(seconds=30), SONG_MS, True),
        (Heard(is_completed=True), SONG_MS, True),
        (Heard(seconds=10), SEGMENT_MS, False),
        (Heard(seconds=11), SEGMENT_MS, True),
        (Heard(seconds=10), 20_000, True),
        (Heard(), 0, False),
        (Heard(seconds=1), 0, True),
    ],
)
def test_half_a_minute_or_half_the_resource_or_all_of_it_is_a_defined_play(
    heard: Heard, duration_ms: int, *, counts: bool
) -> None:
    assert is_defined(heard, duration_ms) is counts


@pytest.mark.parametrize(
    ("heard", "field"),
    [
        (Heard(seconds=-1), "seconds"),
        (Heard(seconds=331), "seconds"),
        (Heard(seconds=10**30), "seconds"),
        (Heard(score=-1), "score"),
        (Heard(score=101), "score"),
        (Heard(started_at_ms=-1), "started"),
        (Heard(started_at_ms=253_402_300_800_000), "started"),
    ],
)
def test_what_cannot_have_been_is_refused_by_the_field_at_fault(heard: Heard, field: str) -> None:
    check_report(Heard(seconds=330, score=100, started_at_ms=0), SONG_MS)
    with pytest.raises(BadReport) as caught:
        begin(RESOURCE, heard, SONG_MS, at_ms=1)
    assert caught.value.field == field
    with pytest.raises(BadReport):
        advance(begin(RESOURCE, Heard(), SONG_MS, at_ms=1), RESOURCE, heard, at_ms=2)


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "曲", "a\n", "\x00"])
def test_a_name_that_cannot_be_kept_is_refused(name: str) -> None:
    with pytest.raises(BadReport) as caught:
        PlayKey(app_id=AppId(7), user_id=UserId("茉莉"), name=name)
    assert caught.value.field == "play_id"


def test_a_name_stands_for_a_play_of_one_resource() -> None:
    with pytest.raises(BadReport) as caught:
        advance(begin(RESOURCE, Heard(), SONG_MS, at_ms=1), "z_100000001_3", Heard(), at_ms=2)
    assert caught.value.field == "play_id"


def test_a_play_is_defined_once_and_at_the_report_that_made_it_so() -> None:
    play = begin(RESOURCE, Heard(seconds=29), SONG_MS, at_ms=1)
    assert play.defined_at_ms is None
    play = advance(play, RESOURCE, Heard(seconds=30), at_ms=2)
    assert play.defined_at_ms == 2
    assert advance(play, RESOURCE, Heard(seconds=200, is_completed=True), at_ms=3).defined_at_ms == 2


def test_a_late_report_changes_neither_the_score_nor_the_start_unless_there_was_none() -> None:
    play = begin(RESOURCE, Heard(seconds=60, score=90, started_at_ms=5), SONG_MS, at_ms=1)
    assert advance(play, RESOURCE, Heard(seconds=20, score=10, started_at_ms=7), at_ms=2) == play
    assert advance(play, RESOURCE, Heard(seconds=60, score=88), at_ms=2).heard.score == 88
    unscored = begin(RESOURCE, Heard(seconds=60), SONG_MS, at_ms=1)
    late = advance(unscored, RESOURCE, Heard(seconds=20, score=10, started_at_ms=7), at_ms=2)
    assert late.heard == Heard(seconds=60, score=10, started_at_ms=7)


def told(said: list[Heard]) -> list[Play]:
    """The play after each report."""
    plays = [begin(RESOURCE, said[0], SONG_MS, at_ms=0)]
    for at_ms, heard in enumerate(said[1:], start=1):
        plays.append(advance(plays[-1], RESOURCE, heard, at_ms=at_ms))
    return plays


@given(said=st.lists(reports, min_size=1, max_size=6))
def test_a_play_never_goes_back_and_a_report_that_comes_twice_changes_nothing(said: list[Heard]) -> None:
    plays = told(said)
    for earlier, later in pairwise(plays):
        assert later.heard.seconds >= earlier.heard.seconds
        assert later.heard.is_completed >= earlier.heard.is_completed
        assert earlier.defined_at_ms in {None, later.defined_at_ms}
    assert advance(plays[-1], RESOURCE, said[-1], at_ms=99) == plays[-1]
    assert (plays[-1].defined_at_ms is not None) == is_defined(plays[-1].heard, SONG_MS)


@given(said=st.permutations([Heard(seconds=seconds, score=seconds % 101) for seconds in (0, 12, 31, 90)]))
def test_reports_may_come_in_any_order(said: list[Heard]) -> None:
    last = told(said)[-1]
    assert last.heard == Heard(seconds=90, score=90)
