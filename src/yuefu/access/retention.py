"""For how long persons and what they hold stay on record: an ended session some days, who a grant was for some months.

The records that money, caps and charts are counted from stay for good. They only stop saying who it was.
"""

from typing import Protocol

import msgspec

from yuefu.units import DAY_MS


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How many days what ended is kept: sessions with all they held; users in grants, plays and memberships."""

    sessions_days: int
    users_days: int

    def limits(self, *, at_ms: int) -> "Limits":
        """What these days come to at an instant."""
        return Limits(sessions_ms=at_ms - self.sessions_days * DAY_MS, users_ms=at_ms - self.users_days * DAY_MS)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What ended by these instants goes."""

    sessions_ms: int
    users_ms: int


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """How many of each went, or would go. Grants and plays stay; what goes is whose they were.

    `events` are those that webhooks were to be told of usage and could not for that long.
    """

    sessions: int = 0
    held_resources: int = 0
    kept_answers: int = 0
    room_members: int = 0
    shares: int = 0
    members: int = 0
    users_of_grants: int = 0
    users_of_plays: int = 0
    events: int = 0

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})

    @property
    def total(self) -> int:
        return sum(msgspec.structs.astuple(self))


class RetentionBook(Protocol):
    """What is there to prune."""

    def prunable(self, limits: Limits) -> Pruned:
        """How many of each would go by now, were all of it pruned."""


class RetentionDesk(Protocol):
    """Where one transaction prunes."""

    def prune(self, limits: Limits, *, at_most: int) -> tuple[Pruned, bool]:
        """Look at no more than so many rows of what may go, and let those go that are due.

        What went, and whether there may be more. Whoever goes on until there is no more has pruned everything.
        """
