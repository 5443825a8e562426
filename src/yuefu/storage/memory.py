"""Short-lived shared state of one process: nonces and quotas. Right for a server of one worker."""

from collections import deque

from yuefu.access.quota import Rate, admit
from yuefu.ids import AppId


class MemoryNonces:
    """Nonces in a set, forgotten in order of age: noting one costs the same however many there are."""

    def __init__(self) -> None:
        self._spent: set[tuple[AppId, str]] = set()
        self._by_age: deque[tuple[int, tuple[AppId, str]]] = deque()

    def is_spent(self, app_id: AppId, nonce: str, *, at_s: int) -> bool:
        """Whether the nonce was noted and is not yet forgotten."""
        by_age = self._by_age
        while by_age and by_age[0][0] <= at_s:
            self._spent.discard(by_age.popleft()[1])
        return (app_id, nonce) in self._spent

    def spend(self, app_id: AppId, nonce: str, *, until_s: int, at_s: int) -> bool:
        """Note the nonce; False when it was noted before and is not yet forgotten."""
        if self.is_spent(app_id, nonce, at_s=at_s):
            return False
        key = (app_id, nonce)
        self._spent.add(key)
        self._by_age.append((until_s, key))
        return True


class MemoryQuota:
    """One number a key: GCRA's theoretical arrival time."""

    def __init__(self) -> None:
        self._arrivals_us: dict[str, int] = {}

    def spend(self, key: str, rate: Rate, *, at_us: int) -> bool:
        """Count one call; False when the rate is exceeded."""
        arrival_us = admit(self._arrivals_us.get(key, 0), at_us=at_us, rate=rate)
        if arrival_us is None:
            return False
        self._arrivals_us[key] = arrival_us
        return True

    def prune(self, *, at_us: int) -> None:
        """Forget the keys whose buckets are empty by then."""
        self._arrivals_us = {key: arrival_us for key, arrival_us in self._arrivals_us.items() if arrival_us > at_us}
