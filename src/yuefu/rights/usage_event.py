"""Usage as it is told to apps: every grant with what it was charged, and every charge that was taken back.

Grants and postings are written in the order of their numbers and never cut, so that a place in what there is to tell
is two numbers and nothing is written down to be told.
"""

from enum import Enum
from typing import NamedTuple, Protocol

import msgspec

from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId


class UsageKind(Enum):
    """What became of a use."""

    CHARGED = "charged"
    """It was granted and charged; 0 where it was free or is covered by a month that was paid."""
    SHARED = "shared"
    """It was fetched from whoever paid, free."""
    REVERSED = "reversed"
    """Its charge was taken back while its month was open."""
    ADJUSTED = "adjusted"
    """Its charge was taken back after its month was closed."""


class UsagePlace(NamedTuple):
    """How far usage was told: up to which grant, and up to which posting of those that take charges back."""

    grant_id: int
    posting_id: int


class UsageEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that became of one use. `amount_minor` is what it adds to the app's month, below 0 for a reversal.

    `paid_grant_id` is the grant that a shared one came of. What is shared has no month and no currency ("").
    """

    kind: UsageKind
    at_ms: int
    grant_id: int
    posting_id: int | None
    paid_grant_id: int | None
    song_id: SongId
    vendor_id: VendorId
    user_id: UserId
    room_id: RoomId
    resource_type: int
    scene_id: int
    billing_mode: int
    territory: str
    rights_revision: int
    amount_minor: int
    currency: str
    period: str
    is_unpriced: bool
    reason: str


class UsageFeed(Protocol):
    """Where usage is read to be told."""

    def page(self, app_id: AppId, after: UsagePlace, *, at_most: int) -> tuple[list[UsageEvent], UsagePlace]:
        """What became of an app's uses after a place, each use before what was done about it, and how far that tells.

        There may be more after a page that is empty.
        """

    def latest(self) -> UsagePlace:
        """The place after everything there is."""
