"""Apps on the admin API. Only the answer that makes a ServerSecret has it."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from yuefu.access.person import Traces
from yuefu.ids import AppId, UserId
from yuefu.rights.territory import UnknownTerritory, check_territory
from yuefu.server.apps import (
    ShownApp,
    create_app,
    finish_rotation,
    grant_app,
    granting,
    new_app_id,
    rotate_secret,
    shown_app,
)
from yuefu.server.founding import new_app
from yuefu.server.http.admin.endpoint import (
    EVERYBODY,
    OPERATORS,
    PREFIX,
    AnyEndpoint,
    BadBody,
    Call,
    Endpoint,
    Nothing,
    NotThere,
)
from yuefu.server.http.admin.shapes import AppChange, AppSecret, AppsList, ForgottenUser, NewAppBody
from yuefu.server.keeping import forget_user
from yuefu.wire.operations import OPERATIONS
from yuefu.wire.signing import MAX_APP_ID

MISSING = "no such app"

_ACTIONS = sorted(operation.action for operation in OPERATIONS)
_SETS = ("vendors", "scenes", "billing_modes")
_SWITCHES = ("is_enabled", "is_replay_protected", "takes_signature2", "takes_token04")


def _list(call: Call[Nothing, Nothing]) -> AppsList:
    return AppsList(apps=[shown_app(call.centre, app) for app in call.centre.apps.apps()])


def _show(call: Call[Nothing, Nothing]) -> ShownApp:
    app = call.centre.apps.app(_app_id(call))
    if app is None:
        raise NotThere
    return shown_app(call.centre, app)


def _create(call: Call[Nothing, NewAppBody]) -> AppSecret:
    body = call.body
    default_vendor = body.default_vendor or body.vendors[0]
    fresh = new_app(
        body.name,
        app_id=body.app_id or new_app_id(),
        vendors=body.vendors,
        default_vendor=default_vendor,
        scenes=body.scenes,
        billing=body.billing_modes,
        territory=_territory(body.home_territory),
    )
    switches = {name: getattr(body, name) for name in _SWITCHES[1:]}
    app = granting(call.centre, switches, _rates(body.quotas))(fresh)
    create_app(call.centre, app, call.author)
    return AppSecret(app=shown_app(call.centre, app), server_secret=app.live_secrets[0])


def _change(call: Call[Nothing, AppChange]) -> ShownApp:
    said = {name: value for name, value in msgspec.structs.asdict(call.body).items() if value is not UNSET}
    if not said:
        raise BadBody(f"body: says nothing to change; there are {', '.join(AppChange.__struct_fields__)}")
    rates = _rates(said.pop("quotas", {}))
    if "home_territory" in said:
        _territory(said["home_territory"])
    changes = {name: frozenset(value) if name in _SETS else value for name, value in said.items()}
    return shown_app(call.centre, grant_app(call.centre, _app_id(call), changes, rates, call.author))


def _rotate(call: Call[Nothing, Nothing]) -> AppSecret:
    app = rotate_secret(call.centre, _app_id(call), call.author)
    return AppSecret(app=shown_app(call.centre, app), server_secret=app.live_secrets[0])


def _finish(call: Call[Nothing, Nothing]) -> ShownApp:
    return shown_app(call.centre, finish_rotation(call.centre, _app_id(call), call.author))


def _forget_user(call: Call[Nothing, ForgottenUser]) -> Traces:
    return forget_user(call.centre, _app_id(call), UserId(call.body.user_id), call.author)


def _app_id(call: Call[Any, Any]) -> AppId:
    text = call.path["app_id"]
    if not re.fullmatch("[1-9][0-9]{0,9}", text, re.ASCII) or int(text) > MAX_APP_ID:
        raise NotThere
    return AppId(int(text))


def _territory(text: str) -> str:
    try:
        return check_territory(text)
    except UnknownTerritory as error:
        raise BadBody(f"home_territory: {error}") from None


def _rates(quotas: Mapping[str, int | None]) -> Mapping[str, int | None]:
    for action in quotas:
        if action not in _ACTIONS:
            raise BadBody(f"quotas: {action[:40]!r} is no Action; there are {', '.join(_ACTIONS)}")
    return quotas


APPS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        name="list_apps",
        summary="The apps and what they were granted",
        method="GET",
        path=f"{PREFIX}/apps",
        roles=EVERYBODY,
        handle=_list,
        query=Nothing,
        body=Nothing,
        result=AppsList,
    ),
    Endpoint(
        name="create_app",
        summary="Create an app; its ServerSecret is in this answer and in no other",
        method="POST",
        path=f"{PREFIX}/apps",
        roles=OPERATORS,
        handle=_create,
        query=Nothing,
        body=NewAppBody,
        result=AppSecret,
        status=201,
    ),
    Endpoint(
        name="show_app",
        summary="What an app was granted",
        method="GET",
        path=f"{PREFIX}/apps/{{app_id}}",
        roles=EVERYBODY,
        handle=_show,
        query=Nothing,
        body=Nothing,
        result=ShownApp,
        missing=MISSING,
    ),
    Endpoint(
        name="change_app",
        summary="Change what an app may do, at once",
        method="PATCH",
        path=f"{PREFIX}/apps/{{app_id}}",
        roles=OPERATORS,
        handle=_change,
        query=Nothing,
        body=AppChange,
        result=ShownApp,
        missing=MISSING,
    ),
    Endpoint(
        name="rotate_app_secret",
        summary="Give an app a second ServerSecret; both are good until the rotation is finished",
        method="POST",
        path=f"{PREFIX}/apps/{{app_id}}/secrets",
        roles=OPERATORS,
        handle=_rotate,
        query=Nothing,
        body=Nothing,
        result=AppSecret,
        status=201,
        missing=MISSING,
    ),
    Endpoint(
        name="finish_app_rotation",
        summary="End the rotation: the older ServerSecret is good no more",
        method="POST",
        path=f"{PREFIX}/apps/{{app_id}}/secrets/finish",
        roles=OPERATORS,
        handle=_finish,
        query=Nothing,
        body=Nothing,
        result=ShownApp,
        missing=MISSING,
    ),
    Endpoint(
        name="forget_user",
        summary="Erase a user's id from every record, for good; no sum changes",
        method="POST",
        path=f"{PREFIX}/apps/{{app_id}}/users/forget",
        roles=OPERATORS,
        handle=_forget_user,
        query=Nothing,
        body=ForgottenUser,
        result=Traces,
        missing=MISSING,
    ),
)
