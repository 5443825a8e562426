"""What every book of nonces keeps."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from yuefu.access.authentication import NONCE_LIFE_S, NonceBook
from yuefu.access.quota import Quota
from yuefu.ids import AppId

AT_S = 1_700_000_000
APP = AppId(7)


def spend(nonces: NonceBook, nonce: str, *, at_s: int = AT_S, app_id: AppId = APP) -> bool:
    return nonces.spend(app_id, nonce, until_s=at_s + NONCE_LIFE_S, at_s=at_s)


def test_a_nonce_is_good_once(nonces: NonceBook) -> None:
    assert spend(nonces, "a")
    assert not spend(nonces, "a")
    assert spend(nonces, "b")


def test_nonces_of_different_apps_are_different(nonces: NonceBook) -> None:
    assert spend(nonces, "a")
    assert spend(nonces, "a", app_id=AppId(8))


def test_letter_case_makes_another_nonce(nonces: NonceBook) -> None:
    assert spend(nonces, "abc")
    assert spend(nonces, "ABC")


def test_a_nonce_is_remembered_to_its_last_second_and_then_forgotten(nonces: NonceBook) -> None:
    assert spend(nonces, "a")
    assert not spend(nonces, "a", at_s=AT_S + NONCE_LIFE_S - 1)
    assert spend(nonces, "a", at_s=AT_S + NONCE_LIFE_S)


def test_a_refused_nonce_does_not_live_longer(nonces: NonceBook) -> None:
    assert spend(nonces, "a")
    assert not spend(nonces, "a", at_s=AT_S + 100)
    assert spend(nonces, "a", at_s=AT_S + NONCE_LIFE_S)


calls = st.lists(st.tuples(st.integers(0, 900), st.sampled_from("abc"), st.sampled_from([7, 8])), max_size=40)


@settings(max_examples=40, deadline=None)
@given(calls=calls)
def test_a_book_answers_as_a_list_of_all_nonces_would(
    new_short_lived: Callable[[], tuple[NonceBook, Quota]], calls: list[tuple[int, str, int]]
) -> None:
    nonces, _ = new_short_lived()
    at_s, noted = AT_S, dict[tuple[int, str], int]()
    for gap_s, nonce, app_id in calls:
        at_s += gap_s
        expected = noted.get((app_id, nonce), 0) <= at_s
        assert spend(nonces, nonce, at_s=at_s, app_id=AppId(app_id)) == expected
        if expected:
            noted[app_id, nonce] = at_s + NONCE_LIFE_S


def test_a_clock_set_back_forgets_nothing(nonces: NonceBook) -> None:
    assert spend(nonces, "a", at_s=AT_S)
    assert spend(nonces, "b", at_s=AT_S - 300)
    assert not spend(nonces, "a", at_s=AT_S - 300)
    assert not spend(nonces, "b", at_s=AT_S - 300)


def test_a_nonce_is_spent_from_the_moment_it_is_noted(nonces: NonceBook) -> None:
    assert not nonces.is_spent(APP, "a", at_s=AT_S)
    assert spend(nonces, "a")
    assert nonces.is_spent(APP, "a", at_s=AT_S)
    assert not nonces.is_spent(AppId(8), "a", at_s=AT_S)
    assert not nonces.is_spent(APP, "a", at_s=AT_S + NONCE_LIFE_S)
