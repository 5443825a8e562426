"""What an operator may set: `yuefu.toml` in the data folder, overridden by `YUEFU_*` variables, overridden by flags."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from yuefu.access.retention import Retention
from yuefu.catalogue.song import LOUDEST_LUFS, QUIETEST_LUFS
from yuefu.errors import YuefuError
from yuefu.rights.territory import UnknownTerritory, check_territory

FILE_NAME = "yuefu.toml"
PREFIX = "YUEFU_"
MOST_ON_A_PAGE = 100
MOST_DOWNLOADS = 1_000
LONGEST_KEPT_DAYS = 36_500
SHORTEST_USERS_DAYS = 2
"""What is counted of a user's day is counted from the grants of that day, which may have 25 hours."""

_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_ACCEL_PREFIX = re.compile(r"/(?:[0-9A-Za-z._~-]+/)+")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings in force. An empty URL means the embedded engine in the data folder.

    `public_url` is how callers reach the centre when something stands in front of it; without one, addresses in answers
    begin with what the caller wrote. `trusted_proxies` are the networks (CIDR) whose word on callers is taken,
    `allowed_origins` the sites whose pages may call ("*" for all). `tls_certificate` and `tls_key` are PEM files; a
    relative path is under the data folder, as that of `vendors_file`, which adds or replaces vendor profiles (the form
    of `vendors.toml`), and that of `keys_file`. `keys` are the sealing keys themselves, base64, the active one first;
    with them no key file is read or made. `home_territory` is where new apps are at home (ISO 3166-1 alpha-2).
    `level_lufs` is how loud imports make songs, None for as loud as they were delivered. They make accompaniments by
    the ONNX file `separation_model` (a relative path as above), which has the SHA-256 `separation_sha256`, in hex, and
    gives the stem `separation_gives`. `page_size` is how many songs of a list or of a search are on a page. Webhooks
    may lead to private addresses with `webhook_allow_private`, and are switched off after failing for
    `webhook_failing_days`.
    A session may have `downloads_at_once` downloads under way. Media files of up to `accel_max_bytes` are left to a
    trusted proxy to send, which has the blobs at `accel_prefix`; without one the centre sends everything itself.
    Sessions that ended are kept for `keep_sessions_days`, whose a grant was for `keep_users_days`.
    """

    data: str = "./yuefu-data"
    database: str = ""
    cache: str = "memory:"
    blobs: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    tls_certificate: str = ""
    tls_key: str = ""
    access_log: bool = False
    vendors_file: str = ""
    keys: tuple[str, ...] = ()
    keys_file: str = "keys.json"
    home_territory: str = "CN"
    level_lufs: float | None = None
    separation_model: str = ""
    separation_sha256: str = ""
    separation_gives: Literal["vocals", "accompaniment"] = "vocals"
    page_size: int = 20
    downloads_at_once: int = 4
    accel_prefix: str = ""
    accel_max_bytes: int = 1_048_576
    webhook_allow_private: bool = False
    webhook_failing_days: int = 5
    keep_sessions_days: int = 7
    keep_users_days: int = 400
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def retention(self) -> Retention:
        """For how long what ended is kept."""
        return Retention(sessions_days=self.keep_sessions_days, users_days=self.keep_users_days)

    def __repr__(self) -> str:
        return f"Settings({self.shown()})"

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

    @property
    def base_url(self) -> str:
        """Where callers reach the centre: `public_url`, or where it listens."""
        return self.public_url.rstrip("/") or self.listening_url

    @property
    def listening_url(self) -> str:
        """Where the server itself listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_certificate else 'http'}://{host}:{self.port}"

    @property
    def tls_files(self) -> tuple[Path, Path] | None:
        """The certificate and its key, None to serve without TLS."""
        if not self.tls_certificate:
            return None
        return self.data_folder / self.tls_certificate, self.data_folder / self.tls_key

    def environment(self) -> dict[str, str]:
        """The settings as variables without their prefix, for processes started by this one."""
        return {
            name.upper(): ",".join(value) if isinstance(value, tuple) else str(value)
            for name, value in msgspec.structs.asdict(self).items()
            if value is not None
        }

    def shown(self) -> dict[str, Any]:
        """The settings as they may be printed: keys and passwords in URLs left out."""
        shown = {
            name: _without_secrets(value) if isinstance(value, str) else value
            for name, value in msgspec.to_builtins(self).items()
        }
        return shown | {"keys": ["***" for _ in self.keys]}


class BadSettings(YuefuError):
    """A setting that cannot be; says which and what it may be."""


def load_settings(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The settings that hold. Flags that are None were not given. Raises `BadSettings`."""
    given = {name: value for name, value in flags.items() if value is not None}
    from_environment = _read_environment(environment)
    data = str(given.get("data") or from_environment.get("data") or Settings().data)
    file = Path(data) / FILE_NAME
    from_file = _read_file(file)
    if "keys" in from_file:
        raise BadSettings(f"{file}: keys: belong in {PREFIX}KEYS or in the keys_file, which others cannot read")
    merged = {**from_file, **from_environment, **given, "data": data}
    try:
        settings = msgspec.convert(merged, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(f"settings: {error}") from None
    _check(settings)
    return settings


def _read_environment(environment: Mapping[str, str]) -> dict[str, str | list[str]]:
    """The settings among the variables; lists are written with commas."""
    given: dict[str, str | list[str]] = {}
    for field in msgspec.structs.fields(Settings):
        text = environment.get(PREFIX + field.name.upper())
        if text is not None:
            is_list = isinstance(field.default, tuple)
            given[field.name] = [item for item in map(str.strip, text.split(",")) if item] if is_list else text
    return given


def _read_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: {error}") from None


def _check(settings: Settings) -> None:
    try:
        check_territory(settings.home_territory)
    except UnknownTerritory as error:
        raise BadSettings(f"home_territory: {error}") from None
    if settings.cache != "memory:":
        raise BadSettings(f"cache: {_without_secrets(settings.cache)!r} is not supported; write memory:")
    if not 0 <= settings.port <= 65_535:
        raise BadSettings("port: must be from 0 to 65535")
    if settings.workers < 1:
        raise BadSettings("workers: must be at least 1")
    if not 1 <= settings.page_size <= MOST_ON_A_PAGE:
        raise BadSettings(f"page_size: must be from 1 to {MOST_ON_A_PAGE}")
    if settings.level_lufs is not None and not QUIETEST_LUFS <= settings.level_lufs <= LOUDEST_LUFS:
        raise BadSettings(f"level_lufs: must be from {QUIETEST_LUFS:g} to {LOUDEST_LUFS:g}")
    _check_separation(settings)
    if not 1 <= settings.downloads_at_once <= MOST_DOWNLOADS:
        raise BadSettings(f"downloads_at_once: must be from 1 to {MOST_DOWNLOADS}")
    if settings.webhook_failing_days < 1:
        raise BadSettings("webhook_failing_days: must be at least 1")
    if not 1 <= settings.keep_sessions_days <= LONGEST_KEPT_DAYS:
        raise BadSettings(f"keep_sessions_days: must be from 1 to {LONGEST_KEPT_DAYS}")
    if not SHORTEST_USERS_DAYS <= settings.keep_users_days <= LONGEST_KEPT_DAYS:
        raise BadSettings(f"keep_users_days: must be from {SHORTEST_USERS_DAYS} to {LONGEST_KEPT_DAYS}")
    _ = settings.database_path, settings.blobs_path
    _check_front(settings)
    _check_accel(settings)


def _check_separation(settings: Settings) -> None:
    if bool(settings.separation_model) != bool(settings.separation_sha256):
        raise BadSettings("separation_model, separation_sha256: each needs the other")
    if settings.separation_sha256 and not _SHA256.fullmatch(settings.separation_sha256):
        raise BadSettings("separation_sha256: must be 64 hexadecimal digits, as sha256sum prints them")


def _check_front(settings: Settings) -> None:
    if settings.public_url and not _is_address(settings.public_url.rstrip("/"), with_path=True):
        raise BadSettings("public_url: must be an address as in https://music.example.org")
    for origin in settings.allowed_origins:
        if origin != "*" and not _is_address(origin):
            raise BadSettings(f"allowed_origins: {origin!r} must be * or an origin as in https://app.example.org")
    for network in settings.trusted_proxies:
        try:
            ip_network(network)
        except ValueError as error:
            raise BadSettings(f"trusted_proxies: {error}") from None
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise BadSettings("tls_certificate, tls_key: each needs the other")


def _check_accel(settings: Settings) -> None:
    if not settings.accel_prefix:
        return
    if not _ACCEL_PREFIX.fullmatch(settings.accel_prefix):
        raise BadSettings("accel_prefix: must be a path with a slash at either end, as in /yuefu-blobs/")
    if not settings.trusted_proxies:
        raise BadSettings("accel_prefix: needs trusted_proxies, for only they are left to send files")
    if settings.accel_max_bytes < 1:
        raise BadSettings("accel_max_bytes: must be at least 1")


def _is_address(text: str, *, with_path: bool = False) -> bool:
    parts = urlsplit(text)
    spelled = f"{parts.scheme}://{parts.netloc}{parts.path if with_path else ''}"
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and text == spelled


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")).geturl()
