"""One fixture a port, parametrised over its adapters. An adapter that joins adds itself here, and to no test."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from yuefu.access.admin_key import AdminKeyBook
from yuefu.access.app import App
from yuefu.access.authentication import NonceBook
from yuefu.access.quota import Quota
from yuefu.access.retention import RetentionBook
from yuefu.access.session import NewSession, Session, SessionDesk, hash_token
from yuefu.access.webhook import WebhookBook
from yuefu.catalogue.chart import Programme
from yuefu.catalogue.search import SearchIndex
from yuefu.catalogue.song import Publication, PublishedSong
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.deal import Chain, Deal, TermSheet
from yuefu.rights.feed import ChangeFeed
from yuefu.rights.grant import GrantedResource, NewGrant
from yuefu.rights.kept_answer import AnswerBook
from yuefu.rights.ledger import Ledger
from yuefu.rights.plan import PlanBook
from yuefu.rights.play import PlayBook
from yuefu.rights.price import PriceBook
from yuefu.rights.split import SplitBook
from yuefu.rights.takedown import TakedownBook
from yuefu.rights.usage import UsageBook
from yuefu.rights.usage_event import UsageFeed
from yuefu.server.centre import (
    AuditBook,
    BlobShelf,
    GrantBook,
    ListingShelf,
    RightsBook,
    RoomBook,
    ShareBook,
    SongShelf,
    Transaction,
    UnitOfWork,
)
from yuefu.storage.folder import BlobFolder
from yuefu.storage.keyfile import open_keyring
from yuefu.storage.memory import MemoryNonces, MemoryQuota
from yuefu.storage.sqlite.admin_keys import SqliteAdminKeys
from yuefu.storage.sqlite.apps import SqliteApps
from yuefu.storage.sqlite.audit import SqliteAudit
from yuefu.storage.sqlite.database import Database, fetch
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
from yuefu.units import DAY_MS

NOW_MS = 1_700_000_000_000


@dataclass(frozen=True)
class Store:
    """The truth as one process has it: every port that shares one engine, and short words for common deeds.

    `count` tells how many rows of a kind there are: "grants", "charges", "rights_revisions", "term_sheets", "parts".
    `holds` tells of which kinds some row has a text anywhere in it.
    """

    apps: Any
    songs: SongShelf
    listings: ListingShelf
    search: SearchIndex
    rights: RightsBook
    feed: ChangeFeed
    webhooks: WebhookBook
    usage_events: UsageFeed
    sessions: SessionDesk
    grants: GrantBook
    rooms: RoomBook
    shares: ShareBook
    answers: AnswerBook
    plans: PlanBook
    prices: PriceBook
    ledger: Ledger
    usage: UsageBook
    splits: SplitBook
    plays: PlayBook
    takedowns: TakedownBook
    programme: Programme
    audit: AuditBook
    admin_keys: AdminKeyBook
    work: UnitOfWork
    retention: RetentionBook
    count: Callable[[str], int]
    holds: Callable[[str], list[str]]

    def publish(self, song: PublishedSong) -> Publication:
        return self.work.run(lambda transaction: transaction.publish(song, at_ms=NOW_MS))

    def edit(self, song_id: SongId, **facts: Any) -> Publication:
        def job(transaction: Transaction) -> Publication:
            before = transaction.song(song_id).published.facts
            return transaction.edit_song(song_id, msgspec.structs.replace(before, **facts), at_ms=NOW_MS)

        return self.work.run(job)

    def remove(self, song_id: SongId) -> None:
        self.work.run(lambda transaction: transaction.remove_song(song_id, at_ms=NOW_MS))

    def record_deal(self, song_id: SongId, *chains: Chain, sheet: TermSheet) -> int:
        deal = Deal(song_id=song_id, chains=chains, sheet=sheet)
        return self.work.run(lambda transaction: transaction.record_deal(deal, at_ms=NOW_MS))

    def open_session(self, name: str = "session", **changes: Any) -> Session:
        """A session of the app 7, which is there from then on."""
        if self.apps.app(AppId(7)) is None:
            self.apps.create(make_app(), at_ms=NOW_MS)
        session = NewSession(
            token_hash=hash_token(name),
            app_id=AppId(7),
            user_id=UserId("茉莉"),
            user_name="茉莉花",
            rooms=None,
            joined_rooms=(RoomId("包厢"),),
            territory="CN",
            started_at_ms=NOW_MS,
            expires_at_ms=NOW_MS + DAY_MS,
        )
        changed = msgspec.structs.replace(session, **changes)
        self.work.run(lambda transaction: transaction.open_session(changed))
        opened = self.sessions.session(hash_token(name))
        assert opened is not None
        return opened

    def issue_grant(self, session: Session, song_id: SongId, *resources: GrantedResource, **changes: Any) -> int:
        grant = NewGrant(
            session_id=session.session_id,
            app_id=session.app_id,
            user_id=session.user_id,
            room_id=RoomId("包厢"),
            song_id=song_id,
            vendor_id=VendorId(1),
            resource_type=1,
            scene_id=0,
            billing_mode=0,
            granted_at_ms=NOW_MS,
            expires_at_ms=NOW_MS + DAY_MS,
            rights_revision=1,
            territory="CN",
            resources=resources,
        )
        changed = msgspec.structs.replace(grant, **changes)
        return self.work.run(lambda transaction: transaction.issue_grant(changed))


def make_app(app_id: int = 7, **changes: Any) -> App:
    app = App(
        app_id=AppId(app_id),
        name="卡拉永远",
        live_secrets=("fa94dd0f974cf2e293728a526b028271", "9193cc662a4c0ec135ec71fb57194b38"),
        default_vendor=VendorId(1),
        vendors=frozenset({1, 2}),
        scenes=frozenset({1, 4}),
        billing_modes=frozenset({0, 3}),
        home_territory="CN",
    )
    return msgspec.structs.replace(app, **changes)


ShortLived = tuple[NonceBook, Quota]
OpenStore = Callable[[], AbstractContextManager[Store]]


def holding(connection: apsw.Connection, text: str) -> list[str]:
    """The tables of a database that have the text in any column of any row."""
    found = []
    for (table,) in fetch(
        connection, "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'"
    ):
        columns = [name for (name,) in fetch(connection, "SELECT name FROM pragma_table_info(?)", (table,))]
        anywhere = " OR ".join(f"instr(CAST({name} AS BLOB), ?1)" for name in columns)
        if fetch(connection, f"SELECT 1 FROM {table} WHERE {anywhere} LIMIT 1", (text.encode(),)):
            found.append(table)
    return found


@contextmanager
def open_sqlite(folder: Path) -> Iterator[Store]:
    keys = open_keyring(folder / "keys.json", os.urandom)
    with Database(folder / "yuefu.sqlite3") as database:
        yield Store(
            apps=SqliteApps(database, keys),
            songs=SqliteSongs(database),
            listings=SqliteListings(database),
            search=SqliteSearch(database),
            rights=SqliteRights(database),
            feed=SqliteFeed(database),
            webhooks=SqliteWebhooks(database),
            usage_events=SqliteUsageFeed(database),
            sessions=SqliteSessions(database),
            grants=SqliteGrants(database),
            rooms=SqliteRooms(database),
            shares=SqliteShares(database),
            answers=SqliteAnswers(database.reader),
            plans=SqlitePlans(database.reader),
            prices=SqlitePrices(database.reader),
            ledger=SqliteLedger(database.reader),
            usage=SqliteUsage(database.reader),
            splits=SqliteSplits(database.reader),
            plays=SqlitePlays(database.reader),
            takedowns=SqliteTakedowns(database),
            programme=SqliteProgramme(database),
            audit=SqliteAudit(database),
            admin_keys=SqliteAdminKeys(database),
            work=SqliteWork(database),
            retention=SqliteRetention(database),
            holds=partial(holding, database.reader),
            count=lambda kind: int(fetch(database.reader, f"SELECT count(*) FROM {kind}")[0][0]),
        )


@contextmanager
def open_memory(folder: Path) -> Iterator[ShortLived]:
    yield MemoryNonces(), MemoryQuota()


@contextmanager
def open_shared_file(folder: Path) -> Iterator[ShortLived]:
    with closing(SharedState(folder / "shared.sqlite3")) as state:
        yield state.nonces, state.quota


STORES = {"sqlite": open_sqlite}
SHORT_LIVED = {"memory": open_memory, "shared file": open_shared_file}
BLOBS: dict[str, Callable[[Path], BlobShelf]] = {"folder": BlobFolder}


@pytest.fixture(params=STORES)
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens the same store again, as another process would."""
    return lambda: STORES[request.param](tmp_path)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def store(open_store: OpenStore, stack: ExitStack) -> Store:
    return stack.enter_context(open_store())


@pytest.fixture
def other(store: Store, open_store: OpenStore, stack: ExitStack) -> Store:
    """The same store as another process has it, at the same time."""
    return stack.enter_context(open_store())


@pytest.fixture(params=SHORT_LIVED, scope="session")
def new_short_lived(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], ShortLived]]:
    """Makes nonces and quotas that know of nothing yet."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(SHORT_LIVED[request.param](tmp_path_factory.mktemp("short-lived")))


@pytest.fixture
def nonces(new_short_lived: Callable[[], ShortLived]) -> NonceBook:
    return new_short_lived()[0]


@pytest.fixture
def quota(new_short_lived: Callable[[], ShortLived]) -> Quota:
    return new_short_lived()[1]


@pytest.fixture(params=BLOBS)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobShelf:
    return BLOBS[request.param](tmp_path / "blobs")


@pytest.fixture(scope="session")
def app_maker() -> Callable[..., App]:
    return make_app
