"""What may be done inside one transaction, for code that must not know the engine."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

import apsw

from yuefu.access.audit import AuditEntry
from yuefu.access.session import NewSession
from yuefu.catalogue.song import Highlight, Outcome, Part, Publication, PublishedSong, Song, SongFacts
from yuefu.ids import SongId
from yuefu.rights.deal import Block, Deal, SongRights, Terms
from yuefu.rights.grant import NewGrant, RunningGrant
from yuefu.storage.sqlite.admin_keys import SqliteAdminKeyDesk
from yuefu.storage.sqlite.audit import write_entries
from yuefu.storage.sqlite.clock import follow
from yuefu.storage.sqlite.database import Database
from yuefu.storage.sqlite.grants import find_running, hold_again, write_grant
from yuefu.storage.sqlite.idempotency import SqliteAnswerDesk
from yuefu.storage.sqlite.ledger import SqliteLedgerDesk
from yuefu.storage.sqlite.memberships import SqlitePlanDesk
from yuefu.storage.sqlite.persons import SqlitePersonDesk
from yuefu.storage.sqlite.plays import SqlitePlayDesk
from yuefu.storage.sqlite.prices import SqlitePriceDesk
from yuefu.storage.sqlite.programme import SqliteProgrammeDesk
from yuefu.storage.sqlite.reports import SqliteSalesReportDesk
from yuefu.storage.sqlite.retention import SqliteRetentionDesk
from yuefu.storage.sqlite.rights import SqliteRightsDesk, count_uses
from yuefu.storage.sqlite.rights_messages import SqliteMessageDesk
from yuefu.storage.sqlite.rooms import SqliteRoomDesk
from yuefu.storage.sqlite.search import index_songs
from yuefu.storage.sqlite.sessions import end_session, open_session
from yuefu.storage.sqlite.shares import SqliteShareDesk
from yuefu.storage.sqlite.songs import edit_song, publish, read_song, remove_song, set_highlight
from yuefu.storage.sqlite.splits import SqliteSplitDesk
from yuefu.storage.sqlite.takedowns import SqliteTakedownDesk
from yuefu.storage.sqlite.webhooks import SqliteWebhookDesk

T = TypeVar("T")


class SqliteTransaction:
    """One transaction's view of the store: it sees its own writes, others see them all at once or never."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._rights = SqliteRightsDesk(connection)
        self._takedowns = SqliteTakedownDesk(connection, self._rights)
        self._entries: list[AuditEntry] = []
        self._new: dict[SongId, PublishedSong] = {}
        self._respelt: set[SongId] = set()  # songs that the search index may know by other words

    @property
    def programme(self) -> SqliteProgrammeDesk:
        """Where charts and tags are written."""
        return SqliteProgrammeDesk(self._connection)

    @property
    def messages(self) -> SqliteMessageDesk:
        """Where rights messages are looked up and written down."""
        return SqliteMessageDesk(self._connection)

    @property
    def takedowns(self) -> SqliteTakedownDesk:
        """Where takedowns are written."""
        return self._takedowns

    @property
    def admin_keys(self) -> SqliteAdminKeyDesk:
        """Where admin keys are written."""
        return SqliteAdminKeyDesk(self._connection)

    @property
    def webhooks(self) -> SqliteWebhookDesk:
        """Where webhooks are written."""
        return SqliteWebhookDesk(self._connection)

    @property
    def rooms(self) -> SqliteRoomDesk:
        """Where memberships of rooms are written."""
        return SqliteRoomDesk(self._connection)

    @property
    def shares(self) -> SqliteShareDesk:
        """Where shares are written."""
        return SqliteShareDesk(self._connection)

    @property
    def answers(self) -> SqliteAnswerDesk:
        """Where answers are kept under keys."""
        return SqliteAnswerDesk(self._connection)

    @property
    def plans(self) -> SqlitePlanDesk:
        """Where plans and members are written."""
        return SqlitePlanDesk(self._connection)

    @property
    def prices(self) -> SqlitePriceDesk:
        """Where prices are written."""
        return SqlitePriceDesk(self._connection)

    @property
    def ledger(self) -> SqliteLedgerDesk:
        """Where charges and postings are written."""
        return SqliteLedgerDesk(self._connection)

    @property
    def plays(self) -> SqlitePlayDesk:
        """Where plays are written."""
        return SqlitePlayDesk(self._connection)

    @property
    def retention(self) -> SqliteRetentionDesk:
        """Where what is old is pruned."""
        return SqliteRetentionDesk(self._connection)

    @property
    def persons(self) -> SqlitePersonDesk:
        """Where users are forgotten."""
        return SqlitePersonDesk(self._connection)

    @property
    def splits(self) -> SqliteSplitDesk:
        """Where splits are written."""
        return SqliteSplitDesk(self._connection)

    @property
    def sales_reports(self) -> SqliteSalesReportDesk:
        """Where it is written down which sales reports were made."""
        return SqliteSalesReportDesk(self._connection)

    def rights(self, song_id: SongId) -> SongRights:
        """A published song's rights. Raises `UnknownSong`."""
        return self._rights.rights(song_id)

    def used(self, song_id: SongId, rights: SongRights) -> dict[Terms, int]:
        """How many grants of the song each of its capped terms has seen."""
        return count_uses(self._connection, song_id, rights)

    def record_deal(self, deal: Deal, *, at_ms: int) -> int:
        """Write a deal down; the new revision of the song's rights. Raises `UnknownSong`."""
        return self._rights.record_deal(deal, at_ms=at_ms)

    def block(self, song_id: SongId, block: Block, *, source: str, at_ms: int) -> int:
        """Lay a takedown's block over a song; the new revision of its rights. Raises `UnknownSong`."""
        return self._rights.block(song_id, block, source=source, at_ms=at_ms)

    def unblock(self, song_id: SongId, case_id: int, *, source: str, at_ms: int) -> int:
        """Take what is left of a case's block from a song; the new revision of its rights. Raises `UnknownSong`."""
        return self._rights.unblock(song_id, case_id, source=source, at_ms=at_ms)

    def retell(self, song_id: SongId, *, at_ms: int) -> None:
        """Have the change feed speak of a song once more. Raises `UnknownSong`."""
        self._rights.touch(song_id, at_ms=at_ms)

    def follow_clock(self, at_ms: int) -> bool:
        """Have the change feed tell of some songs that the clock brought up to that instant; whether more are left."""
        return follow(self._connection, self._rights, at_ms)

    def publish(self, song: PublishedSong, *, at_ms: int) -> Publication:
        """Put a whole song before callers."""
        publication = publish(self._connection, song, at_ms=at_ms)
        match publication.outcome:
            case Outcome.NEW:
                self._rights.add(publication.song_id, song.vendor_id, at_ms=at_ms)
                self._new[publication.song_id] = song
            case Outcome.CHANGED:
                self._rights.show(publication.song_id, at_ms=at_ms)
                self._respell(publication.song_id)
        if publication.outcome is not Outcome.UNCHANGED:
            self._takedowns.lay_bans(publication.song_id, at_ms=at_ms)
        return publication

    def song(self, song_id: SongId) -> Song:
        """The published song. Raises `UnknownSong`."""
        return read_song(self._connection, song_id)

    def edit_song(self, song_id: SongId, facts: SongFacts, *, at_ms: int) -> Publication:
        """Put an operator's facts in place of a song's. Raises `UnknownSong`."""
        publication = edit_song(self._connection, song_id, facts, at_ms=at_ms)
        self._respell(song_id)
        self._rights.touch(song_id, at_ms=at_ms)
        self._takedowns.lay_bans(song_id, at_ms=at_ms)
        return publication

    def set_highlight(
        self, song_id: SongId, highlight: Highlight | None, cuts: Sequence[Part], *, at_ms: int
    ) -> Publication:
        """Put another highlight, and what was cut by it, in place of a song's. Raises `UnknownSong`."""
        publication = set_highlight(self._connection, song_id, highlight, cuts, at_ms=at_ms)
        self._rights.touch(song_id, at_ms=at_ms)
        return publication

    def remove_song(self, song_id: SongId, *, at_ms: int) -> None:
        """Take a song out of the catalogue. Raises `UnknownSong`."""
        self._respell(song_id)
        remove_song(self._connection, song_id, at_ms=at_ms)
        self._rights.hide(song_id, at_ms=at_ms)

    def audit(self, entry: AuditEntry) -> None:
        """Write down who made the change that this transaction makes."""
        self._entries.append(entry)

    def open_session(self, session: NewSession) -> None:
        """Begin a client's session."""
        open_session(self._connection, session)

    def end_session(self, session_id: int, *, at_ms: int) -> None:
        """End a client's session."""
        end_session(self._connection, session_id, at_ms=at_ms)

    def issue_grant(self, grant: NewGrant) -> int:
        """Write a grant and what its session may now download; the grant's id. Its charge is the books'."""
        return write_grant(self._connection, grant)

    def running_grant(self, grant: NewGrant, *, at_ms: int) -> RunningGrant | None:
        """The session's grant that was paid for, runs still at that instant and is for the same as this one."""
        return find_running(self._connection, grant, at_ms=at_ms)

    def hold_again(self, grant: NewGrant, grant_id: int) -> None:
        """Let the session hold the resources by a grant of before; what it holds for longer, it does."""
        hold_again(self._connection, grant, grant_id)

    def finish(self) -> None:
        """Write what is cheaper to write all together than one by one: rights, what songs are found by, the audit."""
        self._rights.finish()
        index_songs(self._connection, self._new, self._respelt)
        if self._entries:
            write_entries(self._connection, self._entries)

    def _respell(self, song_id: SongId) -> None:
        self._new.pop(song_id, None)
        self._respelt.add(song_id)


class SqliteWork:
    """Units of work on a database: each one is committed before it is answered, or leaves nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, job: Callable[[SqliteTransaction], T]) -> "Future[T]":
        """Have `job` done in a transaction; the future is done once it is on disk."""
        return self._database.submit(partial(_do_whole, job))

    async def perform(self, job: Callable[[SqliteTransaction], T]) -> T:
        """As `submit`, for a task of an event loop: `job` may be done on that loop, so it must be brief."""
        return await self._database.perform(partial(_do_whole, job))

    def run(self, job: Callable[[SqliteTransaction], T]) -> T:
        """`submit`, and wait."""
        return self.submit(job).result()


def _do_whole(job: Callable[[SqliteTransaction], T], connection: apsw.Connection) -> T:
    transaction = SqliteTransaction(connection)
    value = job(transaction)
    transaction.finish()
    return value
