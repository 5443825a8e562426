"""Deals: terms that contradict themselves are refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.errors import YuefuError
from yuefu.rights.deal import BadTerms, Terms, TermSheet

instants_ms = st.integers(-(2**40), 2**42)


@given(instants_ms, instants_ms)
def test_a_deal_ends_after_it_begins(from_ms: int, until_ms: int) -> None:
    if from_ms < until_ms:
        assert Terms(valid_from_ms=from_ms, valid_until_ms=until_ms).valid_until_ms == until_ms
    else:
        with pytest.raises(BadTerms, match="ends before it begins"):
            Terms(valid_from_ms=from_ms, valid_until_ms=until_ms)


@given(st.none() | instants_ms)
def test_a_deal_may_be_open_at_either_end(at_ms: int | None) -> None:
    assert Terms(valid_from_ms=at_ms).valid_until_ms is None
    assert Terms(valid_until_ms=at_ms).valid_from_ms is None


def test_a_channel_is_no_negative_number() -> None:
    with pytest.raises(BadTerms, match="channel"):
        Terms(channel=-1)


def test_bad_terms_are_a_fact_of_ours_and_a_bad_value() -> None:
    assert issubclass(BadTerms, YuefuError)
    assert issubclass(BadTerms, ValueError)


def test_terms_are_checked_wherever_they_come_from() -> None:
    with pytest.raises(msgspec.ValidationError, match="ends before it begins"):
        msgspec.json.decode(b'{"terms":[{"valid_from_ms":2,"valid_until_ms":1}]}', type=TermSheet)


def test_terms_once_written_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Terms(channel=1).channel = 2  # type: ignore[misc]
