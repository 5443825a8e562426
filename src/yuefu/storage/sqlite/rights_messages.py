"""Rights messages in SQLite, inside one transaction."""

from collections.abc import Iterable

import apsw

from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain
from yuefu.rights.message import DealOrigin, LastWord, MessageName
from yuefu.storage.sqlite.database import fetch
from yuefu.storage.sqlite.songs import songs_of_recording

_CONTENT = "SELECT sha256 FROM rights_messages WHERE vendor_id = ? AND sender = ? AND message_id = ?"
_RECEIVE = "INSERT INTO rights_messages VALUES (?, ?, ?, ?, ?, ?)"
_DELIVERED = "SELECT song_id FROM songs WHERE vendor_id = ? AND source_key = ? AND removed_at_ms IS NULL"
_RELEASED = """
SELECT song_id FROM rights_message_releases AS held JOIN songs USING (song_id)
WHERE held.vendor_id = ? AND release_id = ? AND removed_at_ms IS NULL ORDER BY song_id
"""
_LAST_WORD = """
SELECT sender, message_id, created_at_ms, revision FROM rights_message_songs WHERE song_id = ? AND chain = ?
"""
_ORIGIN = """
SELECT revision, source FROM rights_revisions
WHERE song_id = ?1 AND cause = 'deal' AND ?2 IN (SELECT value FROM json_each(chains)) ORDER BY revision DESC LIMIT 1
"""
_RELEASES = "SELECT release_id FROM rights_message_releases WHERE song_id = ?"
_SPEAK = "INSERT OR REPLACE INTO rights_message_songs VALUES (?, ?, ?, ?, ?, ?)"
_LEAVE_RELEASES = "DELETE FROM rights_message_releases WHERE song_id = ?"
_JOIN_RELEASE = "INSERT INTO rights_message_releases VALUES (?, ?, ?)"


class SqliteMessageDesk:
    """Where one transaction looks up and writes down rights messages."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def content(self, name: MessageName) -> str | None:
        """The SHA-256 of the message that came under that name, None when none did."""
        rows = fetch(self._connection, _CONTENT, (name.vendor_id, name.sender, name.message_id))
        return str(rows[0][0]) if rows else None

    def receive(self, name: MessageName, sha256: str, *, created_at_ms: int, at_ms: int) -> None:
        """Write down that a message came."""
        row = (name.vendor_id, name.sender, name.message_id, sha256, created_at_ms, at_ms)
        self._connection.execute(_RECEIVE, row)

    def recordings(self, vendor_id: VendorId, isrc: str) -> list[SongId]:
        """The vendor's published songs of that recording."""
        return songs_of_recording(self._connection, vendor_id, isrc)

    def delivered(self, vendor_id: VendorId, source_key: str) -> SongId | None:
        """The vendor's published song that came under that key."""
        rows = fetch(self._connection, _DELIVERED, (vendor_id, source_key))
        return SongId(rows[0][0]) if rows else None

    def released(self, vendor_id: VendorId, release_id: str) -> list[SongId]:
        """The vendor's published songs that their latest message had in that release."""
        return [SongId(song_id) for (song_id,) in fetch(self._connection, _RELEASED, (vendor_id, release_id))]

    def last_word(self, song_id: SongId, chain: Chain) -> LastWord | None:
        """The latest message that spoke of that chain of the song."""
        rows = fetch(self._connection, _LAST_WORD, (song_id, chain.value))
        if not rows:
            return None
        sender, message_id, created_at_ms, revision = rows[0]
        return LastWord(sender=sender, message_id=message_id, created_at_ms=created_at_ms, revision=revision)

    def origin(self, song_id: SongId, chain: Chain) -> DealOrigin | None:
        """Where the latest deal of that chain came from that earlier transactions wrote, None when there is none."""
        rows = fetch(self._connection, _ORIGIN, (song_id, chain.value))
        return DealOrigin(*rows[0]) if rows else None

    def releases(self, song_id: SongId) -> set[str]:
        """The releases that a song's latest message had it in."""
        return {str(release_id) for (release_id,) in fetch(self._connection, _RELEASES, (song_id,))}

    def speak(self, song_id: SongId, chains: Iterable[Chain], word: LastWord) -> None:
        """Write down the latest message that spoke of those chains of a song."""
        rows = [
            (song_id, chain.value, word.sender, word.message_id, word.created_at_ms, word.revision) for chain in chains
        ]
        self._connection.executemany(_SPEAK, rows)

    def put_in_releases(self, vendor_id: VendorId, song_id: SongId, release_ids: Iterable[str]) -> None:
        """Write down the releases that the song is in, in place of those before."""
        self._connection.execute(_LEAVE_RELEASES, (song_id,))
        self._connection.executemany(_JOIN_RELEASE, [(vendor_id, each, song_id) for each in release_ids])
