"""An app: a tenant of this installation, and what it has been granted."""

from typing import Any, Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, VendorId

SCENES = (1, 2, 3, 4)
"""1 chat room, 2 live karaoke, 3 live background music, 4 grab the mic. 0 is always granted: "default"."""

LONGEST_NAME = 200

MAX_CALLS_PER_S = 10_000
"""The highest quota of an app: whole microseconds keep rates up to here within 1 %."""


class App(msgspec.Struct, frozen=True, kw_only=True):
    """What an app may do. `live_secrets` are its ServerSecrets, newest first: two during a rotation.

    `quotas` are calls a second by Action, where they are not the operation's own. An app `takes_signature2` and
    `takes_token04` until it is switched to what covers more: HTTP message signatures, and login tokens that are JWTs.
    """

    app_id: AppId
    name: str
    live_secrets: tuple[str, ...]
    default_vendor: VendorId
    vendors: frozenset[int]
    scenes: frozenset[int]
    billing_modes: frozenset[int]
    home_territory: str
    is_enabled: bool = True
    is_replay_protected: bool = True
    quotas: dict[str, int] = {}
    takes_signature2: bool = True
    takes_token04: bool = True

    def __repr__(self) -> str:
        """Without the secrets, wherever it may be printed."""
        return f"App({self.app_id}, {self.name!r})"


class UnknownApp(YuefuError):
    """No app of that id."""

    def __init__(self, app_id: int) -> None:
        super().__init__(f"there is no app {app_id}")
        self.app_id = app_id


class AppExists(YuefuError):
    """The app id is taken."""

    def __init__(self, app_id: int) -> None:
        super().__init__(f"there is an app {app_id} already")
        self.app_id = app_id


class RotationOpen(YuefuError):
    """The app has two live secrets already."""

    def __init__(self, app_id: int) -> None:
        super().__init__(f"a rotation of app {app_id} is under way; finish it first")


class NoRotation(YuefuError):
    """The app has no second secret to drop."""

    def __init__(self, app_id: int) -> None:
        super().__init__(f"no rotation of app {app_id} is under way")


class DefaultVendorNotGranted(YuefuError):
    """The vendor that VendorId 0 stands for is none that the app may use."""

    def __init__(self, vendor_id: int) -> None:
        super().__init__(f"the default vendor {vendor_id} is not among the vendors granted; name another default")


class BadAppName(YuefuError):
    """A name that nobody could read."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name[:40]!r} cannot name an app; 1 to {LONGEST_NAME} characters, none a control, no space at either end"
        )


def check_name(name: str) -> str:
    """The name, as it is. Raises `BadAppName`."""
    if not 1 <= len(name) <= LONGEST_NAME or name != name.strip() or not name.isprintable():
        raise BadAppName(name)
    return name


def with_changes(app: App, **changes: Any) -> App:
    """The app with some fields replaced. Raises `DefaultVendorNotGranted`, `BadAppName`."""
    if "name" in changes:
        check_name(changes["name"])
    changed = msgspec.structs.replace(app, **changes)
    if changed.default_vendor not in changed.vendors:
        raise DefaultVendorNotGranted(changed.default_vendor)
    return changed


def with_new_secret(app: App, secret: str) -> App:
    """The app with a second, newer secret: both are good until the rotation is finished. Raises `RotationOpen`."""
    if len(app.live_secrets) > 1:
        raise RotationOpen(app.app_id)
    return msgspec.structs.replace(app, live_secrets=(secret, *app.live_secrets))


def with_rotation_finished(app: App) -> App:
    """The app with its newest secret alone. Raises `NoRotation`."""
    if len(app.live_secrets) < 2:
        raise NoRotation(app.app_id)
    return msgspec.structs.replace(app, live_secrets=app.live_secrets[:1])


class AppDirectory(Protocol):
    """Where apps are looked up, many times a second."""

    def app(self, app_id: AppId) -> App | None:
        """The app of that id, as it is now."""
