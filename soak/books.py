"""What a data folder holds of the purchases of `soak.payer`, and what is wrong with it."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import apsw

PRICES_MINOR = {0: 150, 1: 3_000}
"""What a use and a user's month cost, by billing mode."""

_KEPT = """
SELECT answer FROM kept_answers JOIN sessions USING (session_id) WHERE user_id = ? AND idempotency_key = ?
"""
_ASKED_ONCE = """
SELECT count(*), coalesce(sum(keys != 1), 0)
FROM (SELECT count(idempotency_key) AS keys FROM grants LEFT JOIN kept_answers USING (grant_id) GROUP BY grant_id)
"""
_USES = """
SELECT billing_mode, grants.app_id, grants.vendor_id, user_id, charges.period, amount_minor
FROM grants LEFT JOIN charges USING (grant_id, billing_mode) ORDER BY grant_id
"""
_STRAY_CHARGES = "SELECT count(*) FROM charges WHERE grant_id NOT IN (SELECT grant_id FROM grants)"
_UNPOSTED = """
SELECT count(*) FROM charges FULL JOIN postings USING (charge_id)
WHERE coalesce(charges.amount_minor, 0) != coalesce(postings.amount_minor, 0)
"""
_UNBALANCED = "SELECT count(*) FROM (SELECT 1 FROM entries GROUP BY posting_id HAVING sum(amount_minor) != 0)"
_MONTHS = """
SELECT count(*) FROM app_months FULL JOIN
    (SELECT app_id, period, currency, sum(amount_minor) AS posted FROM postings GROUP BY app_id, period, currency)
    USING (app_id, period, currency)
WHERE coalesce(charged_minor, 0) != coalesce(posted, 0)
"""


@dataclass(frozen=True, slots=True)
class Audit:
    """What all of the books come to. `purchases` is how many grants there are.

    `doubled` of them are beside the one of their key; `miscounted` charges are not what the uses come to, in order;
    `unbalanced` is how many postings, charges and months do not agree with each other. `damage` is what the engine
    says of its file.
    """

    purchases: int
    doubled: int
    miscounted: int
    unbalanced: int
    damage: str

    @property
    def is_clean(self) -> bool:
        return not (self.doubled or self.miscounted or self.unbalanced or self.damage)


class Books:
    """A data folder's books, read as any other process would."""

    def __init__(self, folder: Path) -> None:
        self._connection = apsw.Connection(str(folder / "yuefu.sqlite3"))
        self._connection.execute("PRAGMA query_only=ON")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def lost(self, user_id: str, acknowledged: Iterable[tuple[str, str]]) -> list[str]:
        """The keys whose answer is not there, byte for byte; `acknowledged` are keys and the SHA-256 of answers."""
        return [key for key, digest in acknowledged if self._digest(user_id, key) != digest]

    def audit(self) -> Audit:
        """Go through all of it."""
        purchases, doubled = self._get(_ASKED_ONCE)
        verdict = "\n".join(text for (text,) in self._connection.execute("PRAGMA integrity_check"))
        return Audit(
            purchases=purchases,
            doubled=doubled,
            miscounted=self._miscounted() + self._get(_STRAY_CHARGES),
            unbalanced=sum(self._get(statement) for statement in (_UNPOSTED, _UNBALANCED, _MONTHS)),
            damage="" if verdict == "ok" else verdict,
        )

    def _miscounted(self) -> int:
        """How many charges differ from those that the uses, taken one after the other, come to."""
        paid: Counter[Any] = Counter()
        wrong = 0
        for mode, *month, amount_minor in self._connection.execute(_USES):
            is_paid = mode != 0 and (mode, *month) in paid
            paid[(mode, *month)] += 1
            wrong += amount_minor != (0 if is_paid else PRICES_MINOR[mode])
        return wrong

    def _digest(self, user_id: str, key: str) -> str | None:
        answer = self._get(_KEPT, user_id, key)
        return None if answer is None else hashlib.sha256(answer).hexdigest()

    def _get(self, statement: str, *bindings: Any) -> Any:
        return self._connection.execute(statement, bindings).get
