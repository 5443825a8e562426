"""The one place that sees both sides of every port: settings in, a working centre out."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yuefu.access.authentication import Gate, NonceBook
from yuefu.access.quota import Quota
from yuefu.ingest.ports import BlobStore
from yuefu.rights.decision import StandingDecisions
from yuefu.server.centre import Centre
from yuefu.server.settings import BadSettings, Settings
from yuefu.storage.folder import BlobFolder
from yuefu.storage.keyfile import open_keyring
from yuefu.storage.memory import MemoryNonces, MemoryQuota
from yuefu.storage.sqlite.apps import SqliteApps
from yuefu.storage.sqlite.database import Database
from yuefu.storage.sqlite.grants import SqliteGrants
from yuefu.storage.sqlite.listings import SqliteListings
from yuefu.storage.sqlite.programme import SqliteProgramme
from yuefu.storage.sqlite.rights import SqliteRights
from yuefu.storage.sqlite.search import SqliteSearch
from yuefu.storage.sqlite.sessions import SqliteSessions
from yuefu.storage.sqlite.shared import SharedState
from yuefu.storage.sqlite.songs import SqliteSongs
from yuefu.storage.sqlite.transaction import SqliteWork
from yuefu.wire.vendor import VendorProfile, documented_profiles, parse_profiles

KEY_FILE = "keys.json"
SHARED_FILE = "shared.sqlite3"


@dataclass(frozen=True, slots=True)
class Installation:
    """An opened data folder: the centre, and what only imports need."""

    settings: Settings
    centre: Centre
    blobs: BlobStore


@contextmanager
def open_installation(settings: Settings) -> Iterator[Installation]:
    """The installation in the settings' data folder, made if it is not there; closed in order at the end."""
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    keys = open_keyring(settings.data_folder / KEY_FILE, secrets.token_bytes)
    with Database(settings.database_path) as database, _short_lived(settings) as (nonces, quota):
        apps = SqliteApps(database, keys)
        blobs = BlobFolder(settings.blobs_path)
        centre = Centre(
            profiles=_profiles(settings),
            gate=Gate(apps=apps, nonces=nonces, quota=quota),
            apps=apps,
            songs=SqliteSongs(database),
            listings=SqliteListings(database),
            search=SqliteSearch(database),
            programme=SqliteProgramme(database),
            rights=SqliteRights(database),
            standing=StandingDecisions(),
            sessions=SqliteSessions(database),
            grants=SqliteGrants(database),
            work=SqliteWork(database),
            view=database,
            blobs=blobs,
            keys=keys,
            now_us=_now_us,
            random_bytes=secrets.token_bytes,
            new_request_id=_new_request_id,
            public_url=settings.base_url,
            has_public_url=bool(settings.public_url),
        )
        yield Installation(settings=settings, centre=centre, blobs=blobs)


@contextmanager
def _short_lived(settings: Settings) -> Iterator[tuple[NonceBook, Quota]]:
    """Nonces and quotas: in memory for one worker, in a file between several."""
    if settings.workers == 1:
        yield MemoryNonces(), MemoryQuota()
        return
    shared = SharedState(settings.data_folder / SHARED_FILE)
    try:
        yield shared.nonces, shared.quota
    finally:
        shared.close()


def _profiles(settings: Settings) -> dict[int, VendorProfile]:
    profiles = documented_profiles()
    if settings.vendors_file:
        path = settings.data_folder / Path(settings.vendors_file)
        try:
            profiles |= parse_profiles(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadSettings(f"vendors_file: {error}") from None
    return profiles


def _now_us() -> int:
    return time.time_ns() // 1_000


def _new_request_id() -> str:
    """A UUID of version 4 (RFC 9562), at a third of the cost of the library's object."""
    digits = secrets.token_hex(16)
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
