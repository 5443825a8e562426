"""What a rights holder allows, and for how long.

A karaoke play uses two chains of rights that come and go separately: the *recording* (it may be played) and the *work*,
words and music (it may be sung). A deal is the terms for one chain of one song. "No deal = no deal", and a new message
replaces the earlier deals of that song and chain.

Terms never change once written: they are stored by content, so thousands of songs that came with the same terms share
one term sheet, and whoever holds its number may keep what it says for ever.
"""

from enum import Enum

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import SongId


class Chain(Enum):
    """The two chains of rights."""

    RECORDING = "recording"
    WORK = "work"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """One deal's terms. The validity is half-open: from `valid_from_ms` on, up to but not at `valid_until_ms`.

    None means "since ever" and "until further notice". `channel` 0 asks for the logo beside the song.
    """

    valid_from_ms: int | None = None
    valid_until_ms: int | None = None
    channel: int = 0

    def __post_init__(self) -> None:
        if (
            self.valid_from_ms is not None
            and self.valid_until_ms is not None
            and self.valid_until_ms <= self.valid_from_ms
        ):
            raise BadTerms("the deal ends before it begins")
        if self.channel < 0:
            raise BadTerms("a channel is a number from 0")


class TermSheet(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """All terms in force together for one chain of one song: any of them may allow a use."""

    terms: tuple[Terms, ...]


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """A deal as it comes in: the terms for some chains of one song."""

    song_id: SongId
    chains: tuple[Chain, ...]
    sheet: TermSheet


class SongRights(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """What is known of a song's rights; the same value for all songs of which the same is known.

    `revision` goes up by one at each deal or block.
    """

    revision: int
    recording: TermSheet | None
    work: TermSheet | None


class BadTerms(YuefuError, ValueError):
    """Terms that contradict themselves."""
