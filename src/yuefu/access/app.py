"""An app: a tenant of this installation, and what it has been granted."""

from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, VendorId

SCENES = (1, 2, 3, 4)
"""1 chat room, 2 live karaoke, 3 live background music, 4 grab the mic. 0 is always granted: "default"."""


class App(msgspec.Struct, frozen=True, kw_only=True):
    """What an app may do. `live_secrets` are its ServerSecrets, newest first: two during a rotation."""

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


class AppDirectory(Protocol):
    """Where apps are looked up, many times a second."""

    def app(self, app_id: AppId) -> App | None:
        """The app of that id, as it is now."""
