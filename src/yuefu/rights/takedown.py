"""Takedowns: which songs a case is about, and what is said of a case.

A case lays a block over every song it hits. A plain one is about the songs that are there, and a new deal for a chain
lifts it from that chain. A ban outlives later deals, and is laid over songs that come, or are edited into its scope,
while it is in force. Grants are not taken away: rights are asked at each use, so undoing a case gives back what is left
of them.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Block


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What of a song says whether a scope covers it. Singers are folded names."""

    song_id: SongId
    vendor_id: VendorId
    recording: str
    work: str
    singers: tuple[str, ...]


class Scope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """What a case is about: some songs, a recording (ISRC), a work (ISWC), or a singer; of one vendor or of all.

    A vendor by itself is all of its songs. The singer is a folded name, so that spelling does not hide a song. Raises
    `BadScope` for several of these, or none.
    """

    songs: tuple[SongId, ...] = ()
    recording: str = ""
    work: str = ""
    singer: str = ""
    vendor_id: VendorId | None = None

    def __post_init__(self) -> None:
        said = sum(map(bool, (self.songs, self.recording, self.work, self.singer)))
        if said > 1:
            raise BadScope("a case is about songs, or a recording, or a work, or a singer; open one for each")
        if not said and self.vendor_id is None:
            raise BadScope("say what is taken down: songs, a recording, a work, a singer, or a vendor")

    def covers(self, subject: Subject) -> bool:
        """Whether a song is in the scope."""
        if self.vendor_id is not None and subject.vendor_id != self.vendor_id:
            return False
        if self.songs:
            return subject.song_id in self._song_set
        if self.recording:
            return subject.recording == self.recording
        if self.work:
            return subject.work == self.work
        return not self.singer or self.singer in subject.singers

    @cached_property
    def _song_set(self) -> frozenset[SongId]:
        return frozenset(self.songs)


class NewCase(msgspec.Struct, frozen=True, kw_only=True):
    """A takedown as it is asked for, in force from `from_ms` on. Raises `BadScope` without a reason."""

    scope: Scope
    reason: str
    is_banned: bool
    from_ms: int

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise BadScope("a takedown needs a reason: whoever undoes it will want to know")

    def block(self, case_id: int) -> Block:
        """What the case lays over each song."""
        return Block(case_id=case_id, from_ms=self.from_ms, is_banned=self.is_banned)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A takedown on record. `songs` counts those it hit, `blocked_songs` those of them it still lies over: later deals
    lift it. `ended_at_ms` is None until it is undone.
    """

    case_id: int
    case: NewCase
    songs: int
    blocked_songs: int
    actor: str
    recorded_at_ms: int
    ended_at_ms: int | None


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    """The songs that a new case hits, by id, and the ids it named that are no songs."""

    case_id: int
    songs: tuple[SongId, ...]
    unknown: tuple[SongId, ...]


class Revised(msgspec.Struct, frozen=True):
    """A song whose block a case laid or lifted, and the revision of its rights that this made of the one before."""

    song_id: SongId
    revision: int


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Who was using the songs of a case: live grants, and the rooms they were given in."""

    grants: int
    rooms: int


class CaseReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a takedown did."""

    case_id: int
    case: NewCase
    songs: tuple[SongId, ...]
    unknown: tuple[SongId, ...]
    grants_revoked: int
    rooms_affected: int


class TakedownDesk(Protocol):
    """Where one transaction writes takedowns."""

    def open(self, case: NewCase, *, actor: str, at_ms: int) -> Hits:
        """Write a case down and say what it hits; no song is blocked yet."""

    def lay(self, case_id: int, block: Block, song_ids: Sequence[SongId], *, at_ms: int) -> tuple[Revised, ...]:
        """Lay a case's block over songs in order of id, published or not, but for those that have it; over which.

        Raises `UnknownSong`, `CaseEnded`.
        """

    def lift(self, case_id: int, *, at_most: int, at_ms: int) -> tuple[Revised, ...]:
        """Lift what is left of a case's blocks from that many songs; from which. Raises `UnknownCase`, `CaseEnded`."""

    def close(self, case_id: int, *, actor: str, at_ms: int) -> None:
        """Write down that a case has ended."""


class TakedownBook(Protocol):
    """Takedowns on record."""

    def cases(self) -> list[Case]:
        """Every case, the latest first."""

    def case(self, case_id: int) -> Case:
        """One case. Raises `UnknownCase`."""

    def reach(self, case_id: int, *, at_ms: int) -> Reach:
        """Who would still be using the songs of a case at that instant."""


class BadScope(YuefuError, ValueError):
    """A takedown that does not say what it is about, or why."""


class NothingHit(YuefuError):
    """A takedown of songs that are not there; nothing was written."""

    def __init__(self) -> None:
        super().__init__("there is no such song; a ban (--banned) would also hold for songs that come later")


class UnknownCase(YuefuError):
    """There is no case of that number."""

    def __init__(self, case_id: int) -> None:
        super().__init__(f"there is no case {case_id}; `yuefu takedown --list` shows those there are")
        self.case_id = case_id


class CaseEnded(YuefuError):
    """The case was undone before."""

    def __init__(self, case_id: int) -> None:
        super().__init__(f"case {case_id} was undone before")
        self.case_id = case_id
