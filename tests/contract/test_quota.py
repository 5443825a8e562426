"""What every quota keeps. That the count is the right one is `tests/unit/access/test_quota.py`."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from yuefu.access.authentication import NonceBook
from yuefu.access.quota import Quota, Rate, admit

AT_US = 1_700_000_000_000_000
RATE = Rate(200, burst=200)


def passed(quota: Quota, key: str, count: int, *, at_us: int = AT_US) -> int:
    return sum(quota.spend(key, RATE, at_us=at_us) for _ in range(count))


def test_the_burst_passes_at_once_and_no_more(quota: Quota) -> None:
    assert passed(quota, "7/QuerySongsCopyright", 401) == 200


def test_each_key_is_counted_by_itself(quota: Quota) -> None:
    assert passed(quota, "7/QuerySongsCopyright", 300) == 200
    assert passed(quota, "8/QuerySongsCopyright", 300) == 200
    assert passed(quota, "7/DescribeTags", 300) == 200


def test_what_is_refused_is_not_counted(quota: Quota) -> None:
    passed(quota, "key", 5_000)
    assert passed(quota, "key", 300, at_us=AT_US + 1_000_000) == 200


def test_only_keys_that_are_as_good_as_new_are_pruned(quota: Quota) -> None:
    passed(quota, "spent", 200)
    passed(quota, "spent long ago", 200, at_us=AT_US - 1_000_000)
    quota.prune(at_us=AT_US)
    assert passed(quota, "spent", 300) == 0
    assert passed(quota, "spent long ago", 300) == 200


@settings(max_examples=40, deadline=None)
@given(calls=st.lists(st.tuples(st.integers(0, 400_000), st.sampled_from("ab")), max_size=60))
def test_a_quota_follows_the_rule_key_by_key(
    new_short_lived: Callable[[], tuple[NonceBook, Quota]], calls: list[tuple[int, str]]
) -> None:
    (_, quota), rate = new_short_lived(), Rate(5, burst=5)
    at_us, arrivals = AT_US, {"a": 0, "b": 0}
    for gap_us, key in calls:
        at_us += gap_us
        arrival = admit(arrivals[key], at_us=at_us, rate=rate)
        assert quota.spend(key, rate, at_us=at_us) == (arrival is not None)
        arrivals[key] = arrivals[key] if arrival is None else arrival
