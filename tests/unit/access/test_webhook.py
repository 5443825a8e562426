"""How long failing webhooks are left alone."""

from hypothesis import given
from hypothesis import strategies as st

from yuefu.access.webhook import FIRST_WAIT_MS, LONGEST_WAIT_MS, wait_ms
from yuefu.units import DAY_MS

CHANCE = st.floats(0, 1, exclude_max=True)


def test_each_wait_is_twice_the_one_before_up_to_the_longest() -> None:
    waits = [wait_ms(attempts, 0) for attempts in range(1, 15)]
    assert waits[:4] == [1_000, 2_000, 4_000, 8_000]
    assert waits[-1] == LONGEST_WAIT_MS


@given(attempts=st.integers(1, 10_000), chance=CHANCE)
def test_chance_takes_off_half_at_most(attempts: int, chance: float) -> None:
    whole_ms = wait_ms(attempts, 0)
    assert FIRST_WAIT_MS <= whole_ms <= LONGEST_WAIT_MS
    assert whole_ms / 2 <= wait_ms(attempts, chance) <= whole_ms


def test_a_webhook_that_fails_for_days_is_tried_often_enough_to_come_back() -> None:
    waited_ms, attempts = 0, 0
    while waited_ms < 5 * DAY_MS:
        attempts += 1
        waited_ms += wait_ms(attempts, 0.5)
    assert 100 < attempts < 250
