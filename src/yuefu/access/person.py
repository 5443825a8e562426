"""Forgetting a user of an app: every record that says who it was stops saying so, and no sum changes."""

from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, UserId

NAME_BYTES = 16


class NobodyNamed(YuefuError, ValueError):
    """The empty user id, which is nobody's."""

    def __init__(self) -> None:
        super().__init__("user_id: empty; say whom to forget")


class Traces(msgspec.Struct, frozen=True, kw_only=True):
    """How many records said who a user was.

    `sessions` go with all that they held, and so do `members` and `shares`; `grants`, `plays` and `charges` stay and
    name nobody. `events` to webhooks that were under way are made anew, of what is left.
    """

    sessions: int = 0
    members: int = 0
    shares: int = 0
    grants: int = 0
    plays: int = 0
    charges: int = 0
    events: int = 0


class PersonDesk(Protocol):
    """Where one transaction forgets."""

    def forget(self, app_id: AppId, user_id: UserId, *, alias: str, at_ms: int) -> Traces:
        """Erase a user's id from every record of an app's; what named it.

        Charges of the user's months name `alias` from then on: one that nobody has, so that each month stays paid once
        and by one. What the user held ends at `at_ms`.
        """


def new_alias(random: bytes) -> str:
    """What stands in charges for somebody forgotten, from `NAME_BYTES` random bytes: nothing leads back from it."""
    return f"forgotten {random.hex()}"
