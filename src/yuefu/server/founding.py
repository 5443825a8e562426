"""New apps and their secrets."""

import secrets
from collections.abc import Collection

from yuefu.access.app import App, check_name
from yuefu.ids import AppId, VendorId


def new_secret() -> str:
    """A fresh ServerSecret of 32 characters."""
    return secrets.token_hex(16)


def new_app(
    name: str,
    *,
    app_id: int,
    vendors: Collection[int],
    default_vendor: int,
    scenes: Collection[int],
    billing: Collection[int],
    territory: str,
) -> App:
    """An app with a fresh ServerSecret. Raises `BadAppName`."""
    return App(
        app_id=AppId(app_id),
        name=check_name(name),
        live_secrets=(new_secret(),),
        default_vendor=VendorId(default_vendor),
        vendors=frozenset((*vendors, default_vendor)),
        scenes=frozenset(scenes),
        billing_modes=frozenset(int(mode) for mode in billing),
        home_territory=territory,
    )
