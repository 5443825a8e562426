"""What a login token proves, whichever kind of token it is."""

import msgspec

from yuefu.errors import YuefuError


class LoginClaims(msgspec.Struct, frozen=True, kw_only=True):
    """Who the app says its user is.

    `rooms` is None when the token is good for every room. `territory` (ISO 3166-1 alpha-2) is where the app says the
    user is; "" leaves the app's home territory in force.
    """

    user_id: str
    expires_at_s: int
    rooms: tuple[str, ...] | None = None
    territory: str = ""


class TokenInvalid(YuefuError):
    """A login token that is not genuine. Says no more: the reason would teach a forger."""

    def __init__(self) -> None:
        super().__init__("the token is not valid for this app")


class TokenExpired(YuefuError):
    """A genuine login token past its time."""

    def __init__(self) -> None:
        super().__init__("the token has expired; ask the app's back end for a new one")
