"""From a signed query to a caller: is it fresh, genuine, new, and not one too many.

The order is the contract's (decision G14): the app, then the time, then the signature, then the nonce, then the rate.
Nothing is counted against an app before its signature is proven, so strangers cannot spend its quota or its nonces.
"""

from dataclasses import dataclass
from typing import Protocol

import msgspec

from yuefu.access.app import App, AppDirectory, UnknownApp
from yuefu.access.quota import Quota, rate_of
from yuefu.errors import YuefuError
from yuefu.ids import AppId, RoomId, UserId
from yuefu.wire.signing import FRESHNESS_S, SignedQuery, is_fresh, signature_matches

NONCE_LIFE_S = 2 * FRESHNESS_S + 60
"""How long a nonce must be remembered: a query stamped ten minutes ahead stays acceptable for twenty."""


class StaleTimestamp(YuefuError):
    """The Timestamp is more than ten minutes from our clock."""


class WrongSignature(YuefuError):
    """The signature is not the app's."""


class ReplayedNonce(YuefuError):
    """The nonce was used before."""


class RateExceeded(YuefuError):
    """The app calls this operation too often."""


class NonceBook(Protocol):
    """Remembers nonces for as long as the queries that carry them stay acceptable."""

    def is_spent(self, app_id: AppId, nonce: str, *, at_s: int) -> bool:
        """Whether the nonce was noted and is not yet forgotten."""

    def spend(self, app_id: AppId, nonce: str, *, until_s: int, at_s: int) -> bool:
        """Note the nonce; False when it was noted before and is not yet forgotten."""


class Caller(msgspec.Struct, frozen=True):
    """A proven caller of the server API. `territory` is where the rights are asked for."""

    app: App
    user_id: UserId
    room_id: RoomId
    territory: str


@dataclass(frozen=True, slots=True)
class Gate:
    """The ports that authentication needs, joined."""

    apps: AppDirectory
    nonces: NonceBook
    quota: Quota

    def admit(self, query: SignedQuery, *, calls_per_s: int, at_us: int) -> Caller:
        """The caller behind a query.

        Raises `UnknownApp`, `StaleTimestamp`, `WrongSignature`, `ReplayedNonce` or `RateExceeded`, whichever comes
        first in that order.
        """
        at_s = at_us // 1_000_000
        app = self.apps.app(query.app_id)
        if app is None:
            raise UnknownApp(query.app_id)
        if not is_fresh(query.timestamp_s, at_s=at_s):
            raise StaleTimestamp
        if not signature_matches(query, app.live_secrets):
            raise WrongSignature
        if app.is_replay_protected and self.nonces.is_spent(app.app_id, query.nonce, at_s=at_s):
            raise ReplayedNonce
        if not self.quota.spend(f"{app.app_id}/{query.action}", rate_of(calls_per_s), at_us=at_us):
            raise RateExceeded
        self._spend_nonce(app, query.nonce, at_s=at_s)
        return Caller(
            app=app,
            user_id=UserId(query.user_id),
            room_id=RoomId(query.room_id),
            territory=app.home_territory,
        )

    def _spend_nonce(self, app: App, nonce: str, *, at_s: int) -> None:
        """Note the nonce of an admitted call. Only those are kept, so the quota bounds how many there are."""
        if app.is_replay_protected and not self.nonces.spend(app.app_id, nonce, until_s=at_s + NONCE_LIFE_S, at_s=at_s):
            raise ReplayedNonce
