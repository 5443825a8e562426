"""What may be done inside one transaction, for code that must not know the engine."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import apsw

from yuefu.access.session import NewSession
from yuefu.catalogue.song import Outcome, Publication, PublishedSong, Song, SongFacts
from yuefu.ids import SongId
from yuefu.rights.deal import Deal, SongRights
from yuefu.rights.grant import NewGrant
from yuefu.storage.sqlite.database import Database
from yuefu.storage.sqlite.grants import issue_grant
from yuefu.storage.sqlite.programme import SqliteProgrammeDesk
from yuefu.storage.sqlite.rights import read_rights, record_deal
from yuefu.storage.sqlite.search import index_songs
from yuefu.storage.sqlite.sessions import end_session, open_session
from yuefu.storage.sqlite.songs import edit_song, publish, read_song, remove_song

T = TypeVar("T")


class SqliteTransaction:
    """One transaction's view of the store: it sees its own writes, others see them all at once or never."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._respelt: dict[SongId, bool] = {}  # songs to index anew, and whether the index knew none of it

    @property
    def programme(self) -> SqliteProgrammeDesk:
        """Where charts and tags are written."""
        return SqliteProgrammeDesk(self._connection)

    def rights(self, song_id: SongId) -> SongRights:
        """A published song's rights. Raises `UnknownSong`."""
        return read_rights(self._connection, song_id)

    def record_deal(self, deal: Deal, *, at_ms: int) -> int:
        """Write a deal down; the new revision of the song's rights. Raises `UnknownSong`."""
        return record_deal(self._connection, deal, at_ms=at_ms)

    def publish(self, song: PublishedSong, *, at_ms: int) -> Publication:
        """Put a whole song before callers."""
        publication = publish(self._connection, song, at_ms=at_ms)
        if publication.outcome is not Outcome.UNCHANGED:
            self._respelt.setdefault(publication.song_id, publication.outcome is Outcome.NEW)
        return publication

    def song(self, song_id: SongId) -> Song:
        """The published song. Raises `UnknownSong`."""
        return read_song(self._connection, song_id)

    def edit_song(self, song_id: SongId, facts: SongFacts, *, at_ms: int) -> Publication:
        """Put an operator's facts in place of a song's. Raises `UnknownSong`."""
        self._respelt.setdefault(song_id, False)
        return edit_song(self._connection, song_id, facts, at_ms=at_ms)

    def remove_song(self, song_id: SongId, *, at_ms: int) -> None:
        """Take a song out of the catalogue. Raises `UnknownSong`."""
        self._respelt.setdefault(song_id, False)
        remove_song(self._connection, song_id, at_ms=at_ms)

    def open_session(self, session: NewSession) -> None:
        """Begin a client's session."""
        open_session(self._connection, session)

    def end_session(self, session_id: int, *, at_ms: int) -> None:
        """End a client's session."""
        end_session(self._connection, session_id, at_ms=at_ms)

    def issue_grant(self, grant: NewGrant) -> int:
        """Write a grant, its charge and what its session may now download; the grant's id."""
        return issue_grant(self._connection, grant)

    def finish(self) -> None:
        """Make findable what was written, all of it together: that is several times cheaper than song by song."""
        index_songs(self._connection, self._respelt)


class SqliteWork:
    """Units of work on a database: each one is committed before it is answered, or leaves nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, job: Callable[[SqliteTransaction], T]) -> "Future[T]":
        """Have `job` done in a transaction; the future is done once it is on disk."""

        def whole(connection: apsw.Connection) -> T:
            transaction = SqliteTransaction(connection)
            value = job(transaction)
            transaction.finish()
            return value

        return self._database.submit(whole)

    def run(self, job: Callable[[SqliteTransaction], T]) -> T:
        """`submit`, and wait."""
        return self.submit(job).result()
