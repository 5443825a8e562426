"""What operators do with apps: each change with who made it, in one transaction. Secrets never reach the audit."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from yuefu.access.app import App, with_changes, with_new_secret, with_rotation_finished
from yuefu.access.audit import AuditEntry, Author
from yuefu.ids import AppId
from yuefu.rights.plan import Plan
from yuefu.server.centre import Centre
from yuefu.server.founding import new_secret
from yuefu.server.programme import known_vendor
from yuefu.wire.signing import MAX_APP_ID

Rates = Mapping[str, int | None]
"""Calls a second by Action; None for the operation's own rate."""


class AppFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of an app but its secrets, of which only the number is told: two during a rotation."""

    app_id: int
    name: str
    is_enabled: bool
    default_vendor: int
    vendors: list[int]
    scenes: list[int]
    billing_modes: list[int]
    home_territory: str
    quotas: dict[str, int]
    is_replay_protected: bool
    takes_signature2: bool
    takes_token04: bool
    live_secrets: int


class ShownApp(AppFacts, frozen=True, kw_only=True):
    """The same, and how the app is billed."""

    plan: Plan


def shown_app(centre: Centre, app: App) -> ShownApp:
    """The app and its plan, as people may see them."""
    return ShownApp(**msgspec.structs.asdict(app_facts(app)), plan=centre.plans.plan(app.app_id))


def app_facts(app: App) -> AppFacts:
    """The app as people may see it."""
    return AppFacts(
        app_id=app.app_id,
        name=app.name,
        is_enabled=app.is_enabled,
        default_vendor=app.default_vendor,
        vendors=sorted(app.vendors),
        scenes=sorted(app.scenes),
        billing_modes=sorted(app.billing_modes),
        home_territory=app.home_territory,
        quotas=dict(sorted(app.quotas.items())),
        is_replay_protected=app.is_replay_protected,
        takes_signature2=app.takes_signature2,
        takes_token04=app.takes_token04,
        live_secrets=len(app.live_secrets),
    )


def new_app_id() -> int:
    """A random AppId."""
    return secrets.randbelow(MAX_APP_ID) + 1


def create_app(centre: Centre, app: App, author: Author) -> None:
    """Add an app. Raises `AppExists`, `UnknownVendor`."""
    _check_vendors(centre, app.vendors)
    at_ms = centre.now_ms()
    facts = msgspec.to_builtins(app_facts(app))
    centre.apps.create(app, at_ms=at_ms, entry=author.entry("app.create", _subject(app), at_ms=at_ms, **facts))


def grant_app(
    centre: Centre,
    app_id: AppId,
    changes: Mapping[str, Any],
    rates: Rates,
    author: Author,
    *,
    action: str = "app.grant",
) -> App:
    """Change what an app may do. Raises `UnknownApp`, `UnknownVendor`, `BadAppName`, `DefaultVendorNotGranted`."""
    return _change(centre, app_id, granting(centre, changes, rates), author, action)


def granting(centre: Centre, changes: Mapping[str, Any], rates: Rates) -> Callable[[App], App]:
    """The change that puts those values in place of an app's, and those rates beside its others.

    Raises `UnknownVendor`; the change itself as `with_changes`.
    """
    named = [changes["default_vendor"]] if "default_vendor" in changes else []
    _check_vendors(centre, (*changes.get("vendors", ()), *named))

    def change(app: App) -> App:
        quotas = {action: rate for action, rate in {**app.quotas, **rates}.items() if rate is not None}
        return with_changes(app, **changes, quotas=quotas)

    return change


def switch_app(centre: Centre, app_id: AppId, author: Author, *, is_enabled: bool) -> App:
    """Switch an app off or on again. Raises `UnknownApp`."""
    action = "app.enable" if is_enabled else "app.disable"
    return grant_app(centre, app_id, {"is_enabled": is_enabled}, {}, author, action=action)


def rotate_secret(centre: Centre, app_id: AppId, author: Author) -> App:
    """Give an app a second, newer secret. Raises `UnknownApp`, `RotationOpen`."""
    return _change(centre, app_id, partial(with_new_secret, secret=new_secret()), author, "app.rotate-secret")


def finish_rotation(centre: Centre, app_id: AppId, author: Author) -> App:
    """End a rotation: the older secret is good no more. Raises `UnknownApp`, `NoRotation`."""
    return _change(centre, app_id, with_rotation_finished, author, "app.finish-rotation")


def _change(centre: Centre, app_id: AppId, change: Callable[[App], App], author: Author, action: str) -> App:
    at_ms = centre.now_ms()

    def entry(before: App, after: App) -> AuditEntry:
        return author.entry(action, _subject(after), at_ms=at_ms, **_differences(before, after))

    return centre.apps.change(app_id, change, entry)


def _differences(before: App, after: App) -> dict[str, Any]:
    """The facts that a change changed, before and after."""
    was, now = msgspec.structs.asdict(app_facts(before)), msgspec.structs.asdict(app_facts(after))
    return {name: {"before": was[name], "after": now[name]} for name in now if was[name] != now[name]}


def _check_vendors(centre: Centre, vendors: Iterable[int | None]) -> None:
    for vendor in vendors:
        if vendor is not None:
            known_vendor(centre, vendor)


def _subject(app: App) -> str:
    return f"app {app.app_id}"
