"""Our own login token: a JWT (RFC 7519), HS256 with the app's ServerSecret.

Claims: `iss` the AppId in decimal, `sub` the user, `exp`, and, where wanted, `nbf`, `rooms` (the only rooms it is good
for) and `territory` (ISO 3166-1 alpha-2). Unlike Token04 it cannot be altered unnoticed.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from yuefu.wire.login import LoginClaims, TokenExpired, TokenInvalid

ALGORITHM = "HS256"
MAX_TOKEN_LENGTH = 8_192
CLOCK_SKEW_S = 600


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    iss: str
    sub: str
    exp: int
    nbf: int = 0
    rooms: tuple[str, ...] | None = None
    territory: Annotated[str, msgspec.Meta(pattern="^([A-Z]{2})?$")] = ""


def issue(claims: LoginClaims, *, app_id: int, secret: str) -> str:
    """The token that proves `claims` to a centre that knows the app's `secret`."""
    body: dict[str, object] = {"iss": str(app_id), "sub": claims.user_id, "exp": claims.expires_at_s}
    if claims.rooms is not None:
        body["rooms"] = list(claims.rooms)
    if claims.territory:
        body["territory"] = claims.territory
    return jwt.encode({"alg": ALGORITHM}, body, OctKey.import_key(secret), algorithms=[ALGORITHM])


def verify(token: str, *, app_id: int, live_secrets: Iterable[str], at_s: int) -> LoginClaims:
    """The claims of a token that is genuine and in force at `at_s`. Raises `TokenInvalid` or `TokenExpired`."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenInvalid
    for secret in live_secrets:
        claims = _read(token, secret)
        if claims is not None and claims.iss == str(app_id) and claims.sub and claims.nbf <= at_s + CLOCK_SKEW_S:
            if claims.exp <= at_s:
                raise TokenExpired
            return LoginClaims(
                user_id=claims.sub, expires_at_s=claims.exp, rooms=claims.rooms, territory=claims.territory
            )
    raise TokenInvalid


def _read(token: str, secret: str) -> _Claims | None:
    try:
        decoded = jwt.decode(token, OctKey.import_key(secret), algorithms=[ALGORITHM])
        return msgspec.convert(decoded.claims, _Claims)
    except (JoseError, ValueError, TypeError, msgspec.ValidationError):
        return None  # TypeError: a header such as {"crit": 5}, which the library reads before it checks the signature
