"""Plays in SQLite. What a play has of its grant is copied when it begins, so that it outlives the grant."""

from typing import Any

import apsw

from yuefu.ids import AppId, SongId, UserId
from yuefu.rights.play import MOST_PLAYS, Heard, NotHeld, Play, PlayKey, RecordedPlay, TooManyPlays
from yuefu.storage.sqlite.database import fetch

_FIND = """
SELECT resource_id, duration_ms, seconds, is_completed, score, started_at_ms, defined_at_ms FROM plays
WHERE app_id = ? AND user_id = ? AND user_id <> '' AND name = ?
"""
_HELD = "SELECT grant_id FROM granted_resources WHERE session_id = ? AND resource_id = ?"
_COUNT = "SELECT count(*) FROM plays WHERE grant_id = ?"
_ADD = """
INSERT INTO plays (grant_id, app_id, user_id, name, resource_id, song_id, vendor_id, resource_type, scene_id,
                   billing_mode, room_id, territory, rights_revision, duration_ms, seconds, is_completed, score,
                   started_at_ms, reported_at_ms, changed_at_ms, defined_at_ms)
SELECT grant_id, ?2, ?3, ?4, ?5, song_id, vendor_id, resource_type, scene_id,
       billing_mode, room_id, territory, rights_revision, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12
FROM grants WHERE grant_id = ?1
"""
_CHANGE = """
UPDATE plays SET seconds = ?, is_completed = ?, score = ?, started_at_ms = ?, changed_at_ms = ?, defined_at_ms = ?
WHERE app_id = ? AND user_id = ? AND user_id <> '' AND name = ?
"""
_SOME = """
SELECT play_id, grant_id, app_id, user_id, name, song_id, vendor_id, resource_type, scene_id, billing_mode,
       reported_at_ms, resource_id, duration_ms, seconds, is_completed, score, started_at_ms, defined_at_ms
FROM plays
WHERE play_id > ?1 AND (?2 IS NULL OR app_id = ?2) AND (?3 IS NULL OR user_id = ?3) AND (?4 IS NULL OR song_id = ?4)
  AND (?5 IS NULL OR (defined_at_ms IS NOT NULL) = ?5)
ORDER BY play_id LIMIT ?6
"""


class SqlitePlays:
    """Reads on the connection it is given."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def plays(
        self,
        app_id: AppId | None = None,
        *,
        user_id: UserId | None = None,
        song_id: SongId | None = None,
        is_defined: bool | None = None,
        after: int = 0,
        at_most: int,
    ) -> list[RecordedPlay]:
        """The plays after that number, in the order they were first reported: of one app, one user of it, one song,
        defined or not where said.
        """
        bindings = (after, app_id, user_id, song_id, is_defined, at_most)
        return [_to_recorded(row) for row in fetch(self._connection, _SOME, bindings)]


class SqlitePlayDesk:
    """Where one transaction writes plays."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def find(self, key: PlayKey) -> Play | None:
        """The play of that name."""
        rows = fetch(self._connection, _FIND, (key.app_id, key.user_id, key.name))
        if not rows:
            return None
        return _to_play(*rows[0])

    def add(self, key: PlayKey, session_id: int, play: Play, *, at_ms: int) -> None:
        """Write a play's first report under the session's latest grant of its resource, run out or not.

        Raises `NotHeld`, `TooManyPlays`.
        """
        held = fetch(self._connection, _HELD, (session_id, play.resource_id))
        if not held:
            raise NotHeld
        ((grant_id,),) = held
        if fetch(self._connection, _COUNT, (grant_id,))[0][0] >= MOST_PLAYS:
            raise TooManyPlays
        heard = play.heard
        said = (play.duration_ms, heard.seconds, heard.is_completed, heard.score, heard.started_at_ms)
        row = (grant_id, key.app_id, key.user_id, key.name, play.resource_id, *said, at_ms, play.defined_at_ms)
        self._connection.execute(_ADD, row)

    def change(self, key: PlayKey, play: Play, *, at_ms: int) -> None:
        """Write a play as another report left it."""
        heard = play.heard
        said = (heard.seconds, heard.is_completed, heard.score, heard.started_at_ms)
        self._connection.execute(_CHANGE, (*said, at_ms, play.defined_at_ms, key.app_id, key.user_id, key.name))


def _to_play(resource_id: str, duration_ms: int, seconds: int, is_completed: int, *rest: int | None) -> Play:
    score, started_at_ms, defined_at_ms = rest
    heard = Heard(seconds=seconds, is_completed=bool(is_completed), score=score, started_at_ms=started_at_ms)
    return Play(resource_id=resource_id, duration_ms=duration_ms, heard=heard, defined_at_ms=defined_at_ms)


def _to_recorded(row: tuple[Any, ...]) -> RecordedPlay:
    number, grant_id, app_id, user_id, name, song_id, vendor_id, resource_type, scene_id, mode, at_ms, *play = row
    return RecordedPlay(
        number=number,
        grant_id=grant_id,
        app_id=app_id,
        user_id=user_id,
        name=name,
        song_id=song_id,
        vendor_id=vendor_id,
        resource_type=resource_type,
        scene_id=scene_id,
        billing_mode=mode,
        play=_to_play(*play),
        reported_at_ms=at_ms,
    )
