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
from yuefu.wire.signing import FRESHNESS_S, SignedQuery, is_fresh

NONCE_LIFE_S = 2 * FRESHNESS_S + 60
"""How long a nonce must be remembered: a query stamped ten minutes ahead stays acceptable for twenty. Those of HTTP
message signatures, good for half as long, are kept in the same book and for the same time.
"""


class StaleTimestamp(YuefuError):
    """The query was signed too long ago, or too far ahead, by our clock."""

    def __init__(self, query: SignedQuery) -> None:
        super().__init__(f"{query.timestamp_name}: more than {query.freshness_s} seconds from the server's clock")


class WrongSignature(YuefuError):
    """The signature is not the app's. Says no more: the reason would teach a forger."""


class SignatureNotTaken(YuefuError):
    """A good signature of a kind that the app has been switched off from."""


class ReplayedNonce(YuefuError):
    """The nonce was used before."""

    def __init__(self, query: SignedQuery) -> None:
        super().__init__(f"{query.nonce_name}: used before; sign every call anew")


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

        Raises `UnknownApp`, `StaleTimestamp`, `WrongSignature`, `SignatureNotTaken`, `ReplayedNonce` or
        `RateExceeded`, whichever comes first in that order. `calls_per_s` is the operation's own rate.
        """
        at_s = at_us // 1_000_000
        app = self.apps.app(query.app_id)
        if app is None:
            raise UnknownApp(query.app_id)
        if not is_fresh(query.timestamp_s, at_s=at_s, within_s=query.freshness_s):
            raise StaleTimestamp(query)
        if not query.is_signed_with(app.live_secrets):
            raise WrongSignature
        if query.is_signature2 and not app.takes_signature2:
            raise SignatureNotTaken
        if app.is_replay_protected and self.nonces.is_spent(app.app_id, query.nonce, at_s=at_s):
            raise ReplayedNonce(query)
        self.spend_call(app, query.action, calls_per_s=calls_per_s, at_us=at_us)
        self._spend_nonce(app, query, at_s=at_s)
        return Caller(
            app=app,
            user_id=UserId(query.user_id),
            room_id=RoomId(query.room_id),
            territory=query.territory or app.home_territory,
        )

    def spend_call(self, app: App, action: str, *, calls_per_s: int, at_us: int, user_id: str = "") -> None:
        """Count one call of a proven caller, by the app's own rate for it where it has one. Raises `RateExceeded`.

        A user's calls are counted by themselves, so that nobody's phone can spend what the app's back end lives on.
        """
        rate = rate_of(app.quotas.get(action, calls_per_s))
        key = f"{app.app_id}/{action}/{user_id}" if user_id else f"{app.app_id}/{action}"
        if not self.quota.spend(key, rate, at_us=at_us):
            raise RateExceeded

    def _spend_nonce(self, app: App, query: SignedQuery, *, at_s: int) -> None:
        """Note the nonce of an admitted call. Only those are kept, so the quota bounds how many there are."""
        until_s = at_s + NONCE_LIFE_S
        if app.is_replay_protected and not self.nonces.spend(app.app_id, query.nonce, until_s=until_s, at_s=at_s):
            raise ReplayedNonce(query)
