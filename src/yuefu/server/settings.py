"""What an operator may set: `yuefu.toml` in the data folder, overridden by `YUEFU_*` variables, overridden by flags."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from yuefu.errors import YuefuError

FILE_NAME = "yuefu.toml"
PREFIX = "YUEFU_"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings in force. An empty URL means the embedded engine in the data folder.

    `vendors_file` adds or replaces vendor profiles (the form of `vendors.toml`); a relative path is under the data
    folder. `home_territory` is where new apps are at home (ISO 3166-1 alpha-2).
    """

    data: str = "./yuefu-data"
    database: str = ""
    cache: str = "memory:"
    blobs: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    vendors_file: str = ""
    home_territory: str = "CN"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def data_folder(self) -> Path:
        return Path(self.data)

    @property
    def database_path(self) -> Path:
        """The SQLite file. Raises `BadSettings` for an engine this version has no adapter for."""
        return self._local_path("database", self.database, "sqlite", default="yuefu.sqlite3")

    @property
    def blobs_path(self) -> Path:
        """The blob folder. Raises `BadSettings` for a store this version has no adapter for."""
        return self._local_path("blobs", self.blobs, "file", default="blobs")

    def _local_path(self, name: str, url: str, scheme: str, *, default: str) -> Path:
        if not url:
            return self.data_folder / default
        parts = urlsplit(url)
        if parts.scheme != scheme or parts.netloc or not parts.path:
            raise BadSettings(f"{name}: {_without_secrets(url)!r} is not supported; write {scheme}:///path")
        return Path(parts.path)

    def environment(self) -> dict[str, str]:
        """The settings as variables without their prefix, for processes started by this one."""
        return {name.upper(): str(value) for name, value in msgspec.to_builtins(self).items()}

    def shown(self) -> dict[str, Any]:
        """The settings as they may be printed: passwords in URLs left out."""
        return {
            name: _without_secrets(value) if isinstance(value, str) else value
            for name, value in msgspec.to_builtins(self).items()
        }


class BadSettings(YuefuError):
    """A setting that cannot be; says which and what it may be."""


def load_settings(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The settings that hold. Flags that are None were not given. Raises `BadSettings`."""
    given = {name: value for name, value in flags.items() if value is not None}
    from_environment = {
        name: environment[PREFIX + name.upper()]
        for name in Settings.__struct_fields__
        if PREFIX + name.upper() in environment
    }
    data = given.get("data") or from_environment.get("data") or Settings().data
    merged = {**_read_file(Path(data) / FILE_NAME), **from_environment, **given, "data": str(data)}
    try:
        settings = msgspec.convert(merged, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(f"settings: {error}") from None
    _check(settings)
    return settings


def _read_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: {error}") from None


def _check(settings: Settings) -> None:
    if settings.cache != "memory:":
        raise BadSettings(f"cache: {_without_secrets(settings.cache)!r} is not supported; write memory:")
    if not 0 <= settings.port <= 65_535:
        raise BadSettings("port: must be from 0 to 65535")
    if settings.workers < 1:
        raise BadSettings("workers: must be at least 1")
    _ = settings.database_path, settings.blobs_path


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")).geturl()
