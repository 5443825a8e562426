"""`init` and `destroy`: a client's session begins with a login token and ends on request."""

from dataclasses import dataclass

from yuefu.access.app import App
from yuefu.access.session import (
    SESSION_LIFE_MS,
    TOKEN_BYTES,
    NewSession,
    Session,
    SessionUnknown,
    hash_token,
    live_session,
    new_token,
)
from yuefu.ids import AppId, RoomId, UserId
from yuefu.rights.territory import is_territory
from yuefu.server.centre import Centre
from yuefu.units import SECOND_MS
from yuefu.wire import token04, user_token
from yuefu.wire.client_api import InitBody, InitResult
from yuefu.wire.codes import ClientCode
from yuefu.wire.login import LoginClaims, TokenExpired, TokenInvalid
from yuefu.wire.refusal import ClientRefusal


@dataclass(frozen=True, slots=True)
class Member:
    """A proven caller of the client API: the session and its app, as both are now."""

    app: App
    session: Session


def member(centre: Centre, bearer: str) -> Member:
    """Who a session token stands for. Raises `ClientRefusal`: not initialised, or the app was disabled since."""
    try:
        session = live_session(centre.sessions, bearer, at_ms=centre.now_ms())
    except SessionUnknown as error:
        raise ClientRefusal(ClientCode.NOT_INITIALISED, str(error)) from None
    app = centre.apps.app(session.app_id)
    if app is None or not app.is_enabled:
        raise ClientRefusal(ClientCode.APP_NOT_USABLE, "app_id: copyrighted music is not enabled for this app")
    return Member(app, session)


async def init(centre: Centre, login_token: str, body: InitBody) -> InitResult:
    """Begin a session for the user whom the login token names. Raises `ClientRefusal`."""
    app = centre.apps.app(AppId(body.app_id))
    claims = _login(centre, app, login_token)
    if app is None or not token04.same_user(claims.user_id, body.user_id):
        raise ClientRefusal(ClientCode.NOT_AUTHENTICATED, "user_id: the login token is another user's")
    if not app.is_enabled:
        raise ClientRefusal(ClientCode.APP_NOT_USABLE, "app_id: copyrighted music is not enabled for this app")
    if claims.territory and not is_territory(claims.territory):
        raise ClientRefusal(ClientCode.NOT_AUTHENTICATED, "territory: the login token's is none of ISO 3166-1")
    if claims.rooms is not None and not set(body.room_ids) <= set(claims.rooms):
        raise ClientRefusal(ClientCode.NOT_AUTHENTICATED, "room_ids: the login token is not good for these rooms")
    token = new_token(centre.random_bytes(TOKEN_BYTES))
    at_ms = centre.now_ms()
    session = NewSession(
        token_hash=hash_token(token),
        app_id=app.app_id,
        user_id=UserId(body.user_id),
        user_name=body.user_name,
        rooms=None if claims.rooms is None else tuple(RoomId(room) for room in claims.rooms),
        joined_rooms=tuple(RoomId(room) for room in body.room_ids),
        territory=claims.territory or app.home_territory,
        started_at_ms=at_ms,
        expires_at_ms=at_ms + SESSION_LIFE_MS,
    )
    await centre.work.perform(lambda transaction: transaction.open_session(session))
    return InitResult(session=token, expires_in=SESSION_LIFE_MS // SECOND_MS)


async def destroy(centre: Centre, caller: Member) -> None:
    """End the session; its token and everything granted to it are worth nothing from then on."""
    at_ms = centre.now_ms()
    await centre.work.perform(lambda transaction: transaction.end_session(caller.session.session_id, at_ms=at_ms))


def _login(centre: Centre, app: App | None, login_token: str) -> LoginClaims:
    """What the login token proves. An unknown app and a wrong token read alike."""
    is_token04 = login_token.startswith(token04.PREFIX)
    verify = token04.verify if is_token04 else user_token.verify
    try:
        claims = verify(
            login_token,
            app_id=app.app_id if app else 0,
            live_secrets=app.live_secrets if app else (),
            at_s=centre.now_ms() // SECOND_MS,
        )
    except (TokenInvalid, TokenExpired) as error:
        raise ClientRefusal(ClientCode.NOT_AUTHENTICATED, str(error)) from None
    if is_token04 and app is not None and not app.takes_token04:
        raise ClientRefusal(ClientCode.NOT_AUTHENTICATED, "the app takes no Token04; mint a JWT")
    return claims
