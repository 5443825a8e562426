"""The one place that sees both sides of every port: settings in, a working centre out."""

import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from yuefu.access.authentication import Gate, NonceBook
from yuefu.access.keyring import KeyRing
from yuefu.access.quota import Quota
from yuefu.ingest.ports import BlobStore
from yuefu.rights.decision import StandingDecisions
from yuefu.server.centre import Centre
from yuefu.server.settings import PREFIX, BadSettings, Settings
from yuefu.storage.downloads import DownloadLocks
from yuefu.storage.fence import Fence
from yuefu.storage.folder import BlobFolder
from yuefu.storage.keyfile import BadKeys, open_keyring, read_keyring
from yuefu.storage.memory import MemoryNonces, MemoryQuota
from yuefu.storage.sqlite.admin_keys import SqliteAdminKeys
from yuefu.storage.sqlite.apps import SqliteApps
from yuefu.storage.sqlite.audit import SqliteAudit
from yuefu.storage.sqlite.database import Database
from yuefu.storage.sqlite.feed import SqliteFeed
from yuefu.storage.sqlite.grants import SqliteGrants
from yuefu.storage.sqlite.idempotency import SqliteAnswers
from yuefu.storage.sqlite.ledger import SqliteLedger
from yuefu.storage.sqlite.listings import SqliteListings
from yuefu.storage.sqlite.memberships import SqlitePlans
from yuefu.storage.sqlite.plays import SqlitePlays
from yuefu.storage.sqlite.prices import SqlitePrices
from yuefu.storage.sqlite.programme import SqliteProgramme
from yuefu.storage.sqlite.reports import SqliteUsage
from yuefu.storage.sqlite.retention import SqliteRetention
from yuefu.storage.sqlite.rights import SqliteRights
from yuefu.storage.sqlite.rights_views import SqliteRightsViews
from yuefu.storage.sqlite.rooms import SqliteRooms
from yuefu.storage.sqlite.search import SqliteSearch
from yuefu.storage.sqlite.sessions import SqliteSessions
from yuefu.storage.sqlite.shared import SharedState
from yuefu.storage.sqlite.shares import SqliteShares
from yuefu.storage.sqlite.songs import SqliteSongs
from yuefu.storage.sqlite.splits import SqliteSplits
from yuefu.storage.sqlite.takedowns import SqliteTakedowns
from yuefu.storage.sqlite.transaction import SqliteWork
from yuefu.storage.sqlite.usage_events import SqliteUsageFeed
from yuefu.storage.sqlite.webhooks import SqliteWebhooks
from yuefu.wire.vendor import BadProfile, VendorProfile, documented_profiles, parse_profiles

SHARED_FILE = "shared.sqlite3"
FENCE_FOLDER = "fence"
DOWNLOADS_FILE = "downloads"


@dataclass(frozen=True, slots=True)
class Installation:
    """An opened data folder: the centre, and what only imports need."""

    settings: Settings
    centre: Centre
    blobs: BlobStore


@contextmanager
def open_installation(settings: Settings) -> Iterator[Installation]:
    """The installation in the settings' data folder, made if it is not there; closed in order at the end.

    Raises `BadSettings`, among others for keys that do not open what is sealed here.
    """
    profiles = _profiles(settings)
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    keys = _keys(settings)
    with (
        Database(settings.database_path) as database,
        _short_lived(settings) as (nonces, quota),
        closing(Fence(settings.data_folder / FENCE_FOLDER)) as fence,
        closing(_downloads(settings)) as downloads,
    ):
        _check_keys({*SqliteApps(database, keys).lost_keys(), *SqliteWebhooks(database).lost_keys(keys)}, settings)
        blobs = BlobFolder(settings.blobs_path)

        def centre_on(database: Database) -> Centre:
            apps = SqliteApps(database, keys)
            return Centre(
                profiles=profiles,
                gate=Gate(apps=apps, nonces=nonces, quota=quota),
                apps=apps,
                songs=SqliteSongs(database),
                listings=SqliteListings(database),
                search=SqliteSearch(database),
                programme=SqliteProgramme(database),
                rights=SqliteRights(database),
                rights_views=SqliteRightsViews(database),
                takedowns=SqliteTakedowns(database),
                feed=SqliteFeed(database),
                webhooks=SqliteWebhooks(database),
                usage_events=SqliteUsageFeed(database),
                standing=StandingDecisions(),
                sessions=SqliteSessions(database),
                grants=SqliteGrants(database),
                answers=SqliteAnswers(database.reader),
                plans=SqlitePlans(database.reader),
                prices=SqlitePrices(database.reader),
                ledger=SqliteLedger(database.reader),
                usage=SqliteUsage(database.reader),
                splits=SqliteSplits(database.reader),
                plays=SqlitePlays(database.reader),
                rooms=SqliteRooms(database),
                shares=SqliteShares(database),
                retention=SqliteRetention(database),
                audit=SqliteAudit(database),
                admin_keys=SqliteAdminKeys(database),
                work=SqliteWork(database),
                view=database,
                fence=fence,
                blobs=blobs,
                downloads=downloads,
                keys=keys,
                now_us=_now_us,
                random_bytes=secrets.token_bytes,
                new_request_id=_new_request_id,
                public_url=settings.base_url,
                has_public_url=bool(settings.public_url),
                page_size=settings.page_size,
                accel_prefix=settings.accel_prefix,
                accel_max_bytes=settings.accel_max_bytes,
                open_beside=lambda: centre_on(database.beside()),
            )

        centre = centre_on(database)
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


def _downloads(settings: Settings) -> DownloadLocks:
    return DownloadLocks(settings.data_folder / DOWNLOADS_FILE, at_once=settings.downloads_at_once)


def _keys(settings: Settings) -> KeyRing:
    """The keys that the environment holds, or those of the key file, which is made where it is missing."""
    try:
        if settings.keys:
            return read_keyring(settings.keys, secrets.token_bytes)
        return open_keyring(settings.data_folder / settings.keys_file, secrets.token_bytes)
    except BadKeys as error:
        raise BadSettings(f"{PREFIX}KEYS: {error}") from None
    except OSError as error:
        raise BadSettings(f"keys_file: {error}") from None


def _check_keys(lost: Collection[str], settings: Settings) -> None:
    if lost:
        held = f"{PREFIX}KEYS" if settings.keys else settings.keys_file
        raise BadSettings(
            f"the secrets of apps are sealed with keys that {held} does not hold ({', '.join(sorted(lost))}); "
            f"bring those back, in {PREFIX}KEYS or in the keys_file"
        )


def _profiles(settings: Settings) -> dict[int, VendorProfile]:
    profiles = documented_profiles()
    if settings.vendors_file:
        path = settings.data_folder / Path(settings.vendors_file)
        try:
            profiles |= parse_profiles(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadSettings(f"vendors_file: {error}") from None
        except (BadProfile, UnicodeDecodeError) as error:
            raise BadSettings(f"vendors_file: {path}: {error}") from None
    return profiles


def _now_us() -> int:
    return time.time_ns() // 1_000


def _new_request_id() -> str:
    """A UUID of version 4 (RFC 9562), at a third of the cost of the library's object."""
    digits = secrets.token_hex(16)
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
