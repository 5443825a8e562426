"""What a rights holder allows: for which uses, where, how it is paid, and for how long.

A karaoke play uses two chains of rights that come and go separately: the *recording* (it may be played) and the *work*,
words and music (it may be sung). A deal is the terms for one chain of one song. "No deal = no deal", and a new message
replaces the earlier deals of that song and chain. A takedown lays a block over both, whatever the deals say.

Terms never change once written: they are stored by content, so thousands of songs that came with the same terms share
one term sheet, and whoever holds its number may keep what it says for ever.
"""

from collections.abc import Callable
from enum import Enum
from functools import cached_property
from typing import Any

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import SongId
from yuefu.rights.territory import ANYWHERE, check_territories, expand
from yuefu.units import HOUR_MS


class Chain(Enum):
    """The two chains of rights."""

    RECORDING = "recording"
    WORK = "work"


class Use(Enum):
    """What is done with a song. Live rooms are asked for beside another use."""

    LISTEN = "listen"
    SING = "sing"
    CLIP = "clip"
    BACKGROUND = "background"
    LIVE_ROOM = "live_room"


class CommercialModel(Enum):
    """How a use is paid. A deal that is free serves callers on any model."""

    PER_USE = "per_use"
    USER_MONTH = "user_month"
    ROOM_MONTH = "room_month"
    HOST_MONTH = "host_month"
    FREE = "free"


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, cache_hash=True):
    """One deal's terms; what they leave out they do not restrict.

    The validity is half-open: from `valid_from_ms` on, up to but not at `valid_until_ms`; None means "since ever" and
    "until further notice". `territories` or else `excluded_territories` are codes and groups. `max_uses` is how many
    grants of the song there may be within the validity. `tier` is the rights holder's own class of price. `channel` 0
    asks for the logo beside the song. Raises `BadTerms` for what contradicts itself, `UnknownTerritory`.
    """

    valid_from_ms: int | None = None
    valid_until_ms: int | None = None
    uses: tuple[Use, ...] = ()
    models: tuple[CommercialModel, ...] = ()
    territories: tuple[str, ...] = ()
    excluded_territories: tuple[str, ...] = ()
    max_uses: int | None = None
    tier: str = ""
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
        if self.max_uses is not None and self.max_uses < 0:
            raise BadTerms("a cap on uses is a number from 0")
        if self.territories and self.excluded_territories:
            raise BadTerms("a deal names the territories it is for, or those it is not for, never both")
        self._spell("uses", lambda uses: tuple(sorted(set(uses), key=tuple(Use).index)))
        self._spell("models", lambda models: tuple(sorted(set(models), key=tuple(CommercialModel).index)))
        self._spell("territories", check_territories)
        self._spell("excluded_territories", check_territories)

    def _spell(self, name: str, spell: Callable[[Any], tuple[Any, ...]]) -> None:
        """One spelling for one meaning: sheets are shared by content."""
        said = getattr(self, name)
        if said:
            msgspec.structs.force_setattr(self, name, spell(said))

    def is_for_uses(self, asked: tuple[Use, ...]) -> bool:
        """Whether all of those uses together are allowed."""
        return not self.uses or all(use in self.uses for use in asked)

    def is_for_territory(self, code: str) -> bool:
        """Whether the terms hold there; of `ANYWHERE`, whether they hold in any place at all."""
        if code == ANYWHERE:
            return expand(self.excluded_territories) != expand(("WORLD",))
        if self.territories:
            return code in expand(self.territories)
        return code not in expand(self.excluded_territories)

    def is_for_model(self, model: CommercialModel) -> bool:
        """Whether a caller who pays that way may use them."""
        return not self.models or model in self.models or CommercialModel.FREE in self.models


class TermSheet(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True, dict=True):
    """All terms in force together for one chain of one song: any of them may allow a use."""

    terms: tuple[Terms, ...]

    @cached_property
    def is_capped(self) -> bool:
        """Whether how often the song was used matters."""
        return any(terms.max_uses is not None for terms in self.terms)

    @cached_property
    def boundaries_ms(self) -> tuple[int, ...]:
        """The instants at which some of the terms begin or end, in order."""
        instants = {at for terms in self.terms for at in (terms.valid_from_ms, terms.valid_until_ms) if at is not None}
        return tuple(sorted(instants))


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """A deal as it comes in: the terms for some chains of one song. `source` says what brought it, for the record."""

    song_id: SongId
    chains: tuple[Chain, ...]
    sheet: TermSheet
    source: str = ""


CLOCK_SLACK_MS = HOUR_MS
"""How far the clock of a machine may be set back without a takedown being forgotten for as long."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """What a takedown lays over a song from `from_ms` on, until its case is undone.

    One that was in force when it was laid is `is_at_once`: it holds for `CLOCK_SLACK_MS` before as well, so that a
    clock set back opens nothing. A new deal for a chain lifts it from that chain, unless the song is banned.
    """

    case_id: int
    from_ms: int
    is_banned: bool
    is_at_once: bool = False
    chains: tuple[Chain, ...] = (Chain.RECORDING, Chain.WORK)

    @property
    def begins_ms(self) -> int:
        """The instant from which it is in force."""
        return self.from_ms - CLOCK_SLACK_MS if self.is_at_once else self.from_ms


class SongRights(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True, dict=True):
    """What is known of a song's rights; the same value for all songs of which the same is known.

    `revision` goes up by one at each deal, takedown or undoing.
    """

    revision: int
    recording: TermSheet | None
    work: TermSheet | None
    blocks: tuple[Block, ...] = ()

    def sheet(self, chain: Chain) -> TermSheet | None:
        """The terms of one chain, None where there has never been a deal."""
        return self.recording if chain is Chain.RECORDING else self.work

    @cached_property
    def is_capped(self) -> bool:
        """Whether how often the song was used matters."""
        return any(sheet is not None and sheet.is_capped for sheet in (self.recording, self.work))


class BadTerms(YuefuError, ValueError):
    """Terms that contradict themselves."""
