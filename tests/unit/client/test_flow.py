"""Retries, driven by hand: no clock, no network."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.client.errors import Busy, CopyrightedMusicError, ServerFailed, TransportFailed
from yuefu.client.flow import Answer, Flow, Request, Retries, Send, Wait, retried, send

REQUEST = Request("GET", "https://h/?Signature=s", {"Authorization": "Bearer t"}, b"secret")
ANSWER = Answer(200, {})
BUSY = Busy(1017097, "")
UNSENT = TransportFailed(1017098, "", unsent=True)
LOST = TransportFailed(1017098, "")


def asked(chance: float = 1.0, *, retries: Retries) -> Flow[Answer]:
    return retried(lambda: send(REQUEST), retries=retries, chance=lambda: chance)


def drive(flow: Flow[Answer], script: Sequence[Answer | CopyrightedMusicError]) -> list[float]:
    """The waits between attempts that end as in `script`, all of it; raises the flow's own error."""
    outcomes = iter(script)
    waits: list[float] = []
    effect = next(flow)
    while True:
        try:
            if isinstance(effect, Wait):
                waits.append(effect.wait_s)
                effect = flow.send(None)
                continue
            assert effect == Send(REQUEST)
            outcome = next(outcomes)
            effect = flow.throw(outcome) if isinstance(outcome, CopyrightedMusicError) else flow.send(outcome)
        except StopIteration:
            assert not list(outcomes)
            return waits


def test_waits_double_up_to_the_longest() -> None:
    retries = Retries(attempts=6, first_wait_s=0.2, longest_wait_s=1.0)
    waits = drive(asked(retries=retries), [BUSY, LOST, UNSENT, BUSY, BUSY, ANSWER])
    assert waits == pytest.approx([0.2, 0.4, 0.8, 1.0, 1.0])


def test_what_a_busy_server_asks_comes_before_the_wait_and_is_bounded() -> None:
    retries = Retries(attempts=4, first_wait_s=0.2, longest_wait_s=3.0)
    soon, late = Busy(1017097, ""), Busy(1017097, "")
    soon.retry_after_s, late.retry_after_s = 1, 3_600
    assert drive(asked(retries=retries), [soon, BUSY, late, ANSWER]) == pytest.approx([1.2, 0.4, 3.0])


def test_chance_spreads_the_waits() -> None:
    retries = Retries(attempts=3, first_wait_s=1.0, longest_wait_s=9.0)
    assert drive(asked(0.25, retries=retries), [BUSY, BUSY, ANSWER]) == pytest.approx([0.25, 0.5])


@given(st.integers(0, 9), st.integers(1, 5))
def test_attempts_are_counted(failures: int, attempts: int) -> None:
    flow = asked(retries=Retries(attempts=attempts))
    if failures < attempts:
        assert len(drive(flow, [*[BUSY] * failures, ANSWER])) == failures
    else:
        with pytest.raises(Busy):
            drive(flow, [BUSY] * attempts)


@pytest.mark.parametrize("final", [ServerFailed(320050000, ""), CopyrightedMusicError(5, "")], ids=repr)
def test_what_will_not_pass_is_not_asked_again(final: CopyrightedMusicError) -> None:
    with pytest.raises(type(final)):
        drive(asked(retries=Retries()), [final])


def test_a_request_shows_neither_url_nor_headers_nor_body() -> None:
    assert repr(REQUEST) == "Request(method='GET')"
