"""Plays: what clients say was sung under their grants. They are counted apart from charges and change none.

A play that is long enough to count is a *defined play* (`is_defined`): charts and statements count those, each once, at
the instant at which it became one.
"""

import re
from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, SongId, UserId, VendorId
from yuefu.units import SECOND_MS

DEFINED_S = 30
"""So many seconds make a defined play of any resource."""

MARGIN_S = 30
"""What may be sung beyond one and a half times the resource, which a slower tempo and a line begun anew may take."""

FULL_SCORE = 100
LATEST_START_MS = 253_402_300_799_999
"""The end of the year 9999, the last that has an ISO 8601 date."""

MOST_PLAYS = 100
"""Plays of one grant: a day of nothing but three-minute songs has some four times as many, of all songs together."""

LONGEST_NAME = 64
_is_name = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_NAME}}}").fullmatch


class BadReport(YuefuError):
    """A report of what cannot have been; `field` is the one at fault."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


class NotHeld(YuefuError):
    """The session has no grant of that resource."""


class TooManyPlays(YuefuError):
    """The grant has as many plays as one may have."""

    def __init__(self) -> None:
        super().__init__(f"the grant has had {MOST_PLAYS} plays, as many as one may have")


class PlayKey(msgspec.Struct, frozen=True, kw_only=True):
    """A user's own name for a play. Raises `BadReport`."""

    app_id: AppId
    user_id: UserId
    name: str

    def __post_init__(self) -> None:
        if _is_name(self.name) is None:
            raise BadReport("play_id", f"must be 1 to {LONGEST_NAME} printable characters of ASCII without blanks")


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of a play so far. `started_at_ms` is by its own clock: kept, and nothing is counted by it.

    `score` is the average over the lines sung, 0 to 100; None where nobody scores.
    """

    seconds: int = 0
    is_completed: bool = False
    score: int | None = None
    started_at_ms: int | None = None


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """A play on record. `defined_at_ms` is when it became a defined play, None of one that is none (yet)."""

    resource_id: str
    duration_ms: int
    heard: Heard
    defined_at_ms: int | None


def check_report(heard: Heard, duration_ms: int) -> None:
    """Let pass what may have been heard of a resource of that length. Raises `BadReport`."""
    longest_s = duration_ms * 3 // (2 * SECOND_MS) + MARGIN_S
    if not 0 <= heard.seconds <= longest_s:
        raise BadReport("seconds", f"must be from 0 to {longest_s}: half as long again as the resource, and {MARGIN_S}")
    if heard.score is not None and not 0 <= heard.score <= FULL_SCORE:
        raise BadReport("score", f"must be from 0 to {FULL_SCORE}")
    if heard.started_at_ms is not None and not 0 <= heard.started_at_ms <= LATEST_START_MS:
        raise BadReport("started", "must be milliseconds since 1970, before the year 10000")


def is_defined(heard: Heard, duration_ms: int) -> bool:
    """The rule: half a minute, or half the resource, or to its end."""
    return heard.is_completed or heard.seconds >= DEFINED_S or 2 * heard.seconds * SECOND_MS >= max(duration_ms, 1)


def begin(resource_id: str, heard: Heard, duration_ms: int, *, at_ms: int) -> Play:
    """A play as its first report has it, at that instant of the store's clock. Raises `BadReport`."""
    check_report(heard, duration_ms)
    defined_at_ms = at_ms if is_defined(heard, duration_ms) else None
    return Play(resource_id=resource_id, duration_ms=duration_ms, heard=heard, defined_at_ms=defined_at_ms)


def advance(play: Play, resource_id: str, heard: Heard, *, at_ms: int) -> Play:
    """A play as one more report leaves it: never shorter, never less complete, defined when it first was.

    Reports may come late and twice: the score is that of the longest, the start is what was said first. Raises
    `BadReport`.
    """
    if resource_id != play.resource_id:
        raise BadReport("play_id", "stands for a play of another resource; take a new one for each")
    check_report(heard, play.duration_ms)
    held = play.heard
    is_late = heard.seconds < held.seconds
    now = Heard(
        seconds=max(held.seconds, heard.seconds),
        is_completed=held.is_completed or heard.is_completed,
        score=held.score if heard.score is None or (is_late and held.score is not None) else heard.score,
        started_at_ms=heard.started_at_ms if held.started_at_ms is None else held.started_at_ms,
    )
    defined_at_ms = play.defined_at_ms
    if defined_at_ms is None and is_defined(now, play.duration_ms):
        defined_at_ms = at_ms
    return msgspec.structs.replace(play, heard=now, defined_at_ms=defined_at_ms)


class RecordedPlay(msgspec.Struct, frozen=True, kw_only=True):
    """A play on record, with what its grant was for. `user_id` and `name` are "" once nobody is to know them."""

    number: int
    grant_id: int
    app_id: AppId
    user_id: UserId
    name: str
    song_id: SongId
    vendor_id: VendorId
    resource_type: int
    scene_id: int
    billing_mode: int
    play: Play
    reported_at_ms: int


class PlayBook(Protocol):
    """Plays, as anyone reads them."""

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


class PlayDesk(Protocol):
    """Where one transaction writes plays."""

    def find(self, key: PlayKey) -> Play | None:
        """The play of that name."""

    def add(self, key: PlayKey, session_id: int, play: Play, *, at_ms: int) -> None:
        """Write a play's first report under the session's latest grant of its resource, run out or not.

        Raises `NotHeld`, `TooManyPlays`.
        """

    def change(self, key: PlayKey, play: Play, *, at_ms: int) -> None:
        """Write a play as another report left it."""
