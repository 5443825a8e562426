"""Cursors of the change feed: what was given is taken, everything else is refused by name."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.wire.changes import MAX_LIMIT, read_cursor, read_limit, render_cursor
from yuefu.wire.refusal import Refusal

LATEST = 2**40


@given(place=st.integers(0, LATEST))
def test_a_cursor_is_read_back(place: int) -> None:
    assert read_cursor(render_cursor(place), latest=LATEST) == place


def test_no_cursor_is_the_beginning() -> None:
    assert read_cursor("", latest=0) == 0


@given(text=st.text(min_size=1) | st.from_regex(r"[A-Za-z0-9_=+/-]{1,20}|AQ[A-Za-z0-9_-]{10}", fullmatch=True))
def test_whatever_else_comes_is_refused_by_name(text: str) -> None:
    assert _place_or_problem(text) in {text, "after"}, "no place has two spellings"


def _place_or_problem(text: str) -> str:
    """What the cursor of the place is that a text is read as, or the parameter that the refusal names."""
    try:
        return render_cursor(read_cursor(text, latest=LATEST))
    except Refusal as refusal:
        return refusal.message.partition(":")[0]


@pytest.mark.parametrize(
    "text",
    [
        render_cursor(8),
        render_cursor(2**60 - 1),
        render_cursor(7) + "\n",
        render_cursor(7)[:-1],
        base64.urlsafe_b64encode(b"\x02" + (7).to_bytes(8, "big")).decode(),
        "7",
        "-1",
        "\ud800",
        "AQ" + "١" * 10,
        "A" * 100_000,
    ],
)
def test_cursors_that_no_feed_of_seven_changes_gave_are_refused(text: str) -> None:
    with pytest.raises(Refusal, match="after: no cursor of this centre"):
        read_cursor(text, latest=7)


@pytest.mark.parametrize("text", ["0", "-1", "1001", "1.0", "01", "1e2", "١", " 5", "99999", "abc"])
def test_a_limit_out_of_range_is_refused_by_name(text: str) -> None:
    with pytest.raises(Refusal, match="limit: must be a whole number from 1 to 1000"):
        read_limit(text)


def test_limits() -> None:
    assert [read_limit(text) for text in ("", "1", "1000")] == [100, 1, MAX_LIMIT]
