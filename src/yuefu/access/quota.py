"""How often an app may call: GCRA, the leaky bucket as a clock.

Each key has a *theoretical arrival time*: when its bucket will be empty again. A call is admitted when that time is no
more than the burst ahead of now. So in any T seconds no more than `calls_per_s * T + burst` calls pass, and a caller
under the rate is never refused.
"""

from functools import lru_cache
from typing import Protocol

import msgspec

MICROSECONDS = 1_000_000


class Rate(msgspec.Struct, frozen=True):
    """A sustained rate and how many calls may come at once on top of it."""

    calls_per_s: int
    burst: int


@lru_cache(maxsize=256)
def rate_of(calls_per_s: int) -> Rate:
    """The rate of `calls_per_s` with a second's worth at once (decision G11)."""
    return Rate(calls_per_s, burst=calls_per_s)


def admit(arrival_us: int, *, at_us: int, rate: Rate) -> int | None:
    """The key's next theoretical arrival time when a call at `at_us` is admitted, None when it is one too many.

    `arrival_us` is what the last admitted call returned, 0 for the first.
    """
    increment_us = MICROSECONDS // rate.calls_per_s
    next_us = max(arrival_us, at_us) + increment_us
    return next_us if next_us - at_us <= increment_us * rate.burst else None


class Quota(Protocol):
    """Counts calls by key, shared by whatever serves the same callers."""

    def spend(self, key: str, rate: Rate, *, at_us: int) -> bool:
        """Count one call; False when the rate is exceeded (and then it is not counted)."""

    def prune(self, *, at_us: int) -> None:
        """Forget the keys whose buckets are empty by then: they are as good as new."""
