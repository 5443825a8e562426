"""Quotas: how many calls pass, against a slow count of them."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.access.app import MAX_CALLS_PER_S
from yuefu.access.quota import MICROSECONDS, Rate, admit, rate_of
from yuefu.wire.operation import Operation
from yuefu.wire.operations import OPERATIONS

DOCUMENTED = Rate(200, burst=200)
START_US = 1_700_000_000_000_000

rates = st.sampled_from([1, 2, 5, 8, 20, 50, 200]).map(lambda calls: Rate(calls, burst=calls))
gaps_us = st.one_of(st.just(0), st.integers(0, 2_000), st.integers(0, 300_000), st.integers(0, 5_000_000))


def admitted(arrivals_us: Iterable[int], rate: Rate) -> list[int]:
    """The calls that pass."""
    passed, state = [], 0
    for at_us in arrivals_us:
        following = admit(state, at_us=at_us, rate=rate)
        if following is not None:
            state = following
            passed.append(at_us)
    return passed


def instants(gaps: list[int]) -> list[int]:
    at_us, found = START_US, []
    for gap in gaps:
        at_us += gap
        found.append(at_us)
    return found


def keeps_under(arrivals_us: list[int], rate: Rate) -> list[int]:
    """The calls of somebody who counts for themselves: never more than the rate within any second."""
    kept: list[int] = []
    for at_us in arrivals_us:
        if sum(at_us - MICROSECONDS < earlier for earlier in kept) < rate.calls_per_s:
            kept.append(at_us)
    return kept


@given(st.lists(gaps_us, max_size=150), rates)
def test_no_stretch_of_time_admits_more_than_its_share_and_the_burst(gaps: list[int], rate: Rate) -> None:
    passed = admitted(instants(gaps), rate)
    for first, begin_us in enumerate(passed):
        for last, end_us in enumerate(passed[first:], start=first):
            allowed = rate.calls_per_s * (end_us - begin_us) / MICROSECONDS + rate.burst
            assert last - first + 1 <= allowed


@given(st.lists(gaps_us, max_size=150), rates)
def test_a_caller_under_the_rate_is_never_refused(gaps: list[int], rate: Rate) -> None:
    calm = keeps_under(instants(gaps), rate)
    assert admitted(calm, rate) == calm


@given(st.lists(gaps_us, max_size=60), rates)
def test_what_is_refused_costs_nothing(gaps: list[int], rate: Rate) -> None:
    arrivals = instants(gaps)
    passed = admitted(arrivals, rate)
    assert admitted(passed, rate) == passed


def test_two_hundred_calls_pass_at_once_and_one_more_does_not() -> None:
    assert len(admitted([START_US] * 401, DOCUMENTED)) == 200


def test_a_full_bucket_lets_one_call_pass_every_five_milliseconds() -> None:
    flood = [START_US + tick for tick in range(0, 1_000_000, 1_000)]
    assert len(admitted([START_US] * 200 + flood, DOCUMENTED)) == 200 + 199


def test_after_a_silence_of_a_second_the_whole_burst_is_there_again() -> None:
    assert len(admitted([START_US] * 300 + [START_US + MICROSECONDS] * 300, DOCUMENTED)) == 400


@pytest.mark.parametrize("calls_per_s", [1, 50, 200, 333, 7_000, MAX_CALLS_PER_S])
def test_a_flood_passes_at_its_rate_and_a_burst_within_two_percent(calls_per_s: int) -> None:
    """Four times as many calls as allowed, for ten seconds: 200·T + 200 pass at the documented rate, and likewise at
    any other that an operator may set.
    """
    flood = range(START_US, START_US + 10 * MICROSECONDS, MICROSECONDS // (4 * calls_per_s))
    passed = len(admitted([START_US] * calls_per_s + list(flood), rate_of(calls_per_s)))
    assert passed == pytest.approx(calls_per_s * 10 + calls_per_s, rel=0.02, abs=1)


def test_a_clock_set_back_refuses_for_a_while_and_never_admits_more() -> None:
    arrivals = [START_US] * 200 + [START_US - 60 * MICROSECONDS] * 10 + [START_US + MICROSECONDS] * 300
    assert len(admitted(arrivals, DOCUMENTED)) == 400


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.action)
def test_every_operation_declares_a_rate_that_divides_a_second(operation: Operation[Any, Any]) -> None:
    """Arrivals count whole microseconds: a rate that leaves a rest would admit a little more than it says."""
    assert MICROSECONDS % operation.calls_per_s == 0
