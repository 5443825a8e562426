"""May this song be played, may it be sung: one pure function over the deals and blocks in force at one instant.

Whatever serves a song asks it: batch questions, lists, grants, tokens, every range of bytes.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from math import inf

import msgspec

from yuefu.ids import SongId
from yuefu.rights.deal import Block, Chain, SongRights, Terms, TermSheet
from yuefu.rights.purpose import Purpose, Uses


class Reason(Enum):
    """Why an answer is what it is. Of several deals that do not allow a use, the one that comes closest gives it."""

    NO_DEAL = "there is no deal"
    NOT_FOR_USE = "no deal is for this use"
    NOT_FOR_TERRITORY = "no deal is for this territory"
    NOT_FOR_MODEL = "no deal is for this way of paying"
    ENDED = "the deal has ended"
    NOT_YET = "the deal has not begun"
    USED_UP = "the deal's uses are used up"
    TAKEN_DOWN = "it has been taken down"
    BANNED = "it is banned"
    IN_FORCE = "a deal is in force"


_CLOSENESS = {reason: place for place, reason in enumerate(Reason)}

Used = Mapping[Terms, int]
"""How many uses those terms have already seen of this song; what is missing has seen none."""

CountUses = Callable[[SongId, SongRights], Used]
"""Counts the uses that the capped ones among a song's terms have seen."""


class Answer(msgspec.Struct, frozen=True):
    """Yes or no, why, and until when: `until_ms` is the next instant at which it may be different, None for never.

    `terms` are those that allow it; `block` is what forbids it, if that is a takedown.
    """

    allowed: bool
    reason: Reason
    until_ms: int | None
    terms: Terms | None = None
    block: Block | None = None


class Decision(msgspec.Struct, frozen=True, cache_hash=True):
    """The two answers about one song, and the revision of its rights that they rest on."""

    play: Answer
    sing: Answer
    revision: int

    def answer(self, chain: Chain) -> Answer:
        """What one chain allows."""
        return self.play if chain is Chain.RECORDING else self.sing

    @property
    def until_ms(self) -> int | None:
        """The next instant at which either answer may be different, None for never."""
        return min((at for at in (self.play.until_ms, self.sing.until_ms) if at is not None), default=None)

    @property
    def any_right(self) -> bool:
        """The documented `Right`: whether any sub-right is held."""
        return self.play.allowed or self.sing.allowed

    @property
    def channel(self) -> int:
        """The channel of the deal that allows the song; of the recording's first, for it is the recording's mark."""
        terms = self.play.terms or self.sing.terms
        return 0 if terms is None else terms.channel


MOST_KEPT = 65_536
"""How many standing decisions are kept: more kinds of rights than any delivery has, and some megabytes at most."""

_NOTHING_USED: Used = {}

_Standing = tuple[int, float, Decision]
"""A decision with the instants from and until which it stands."""


def decide(rights: SongRights, purpose: Purpose, *, at_ms: int, used: Used = _NOTHING_USED) -> Decision:
    """What deals and blocks allow at `at_ms`."""
    return Decision(
        play=ask_chain(rights, Chain.RECORDING, purpose, at_ms=at_ms, used=used),
        sing=ask_chain(rights, Chain.WORK, purpose, at_ms=at_ms, used=used),
        revision=rights.revision,
    )


def count_none(_song_id: SongId, _rights: SongRights) -> Used:
    """For whoever does not mind how often a song was used."""
    return _NOTHING_USED


class StandingDecisions:
    """`decide`, with each decision kept for as long as it stands.

    Sheets never change and every answer says until when it holds, so what was decided for one song serves every song
    of which the same is known, until the next instant at which it may be different. Nothing needs to be told of a new
    deal: after it, something else is known. What counts a song's uses is decided anew each time.
    """

    def __init__(self) -> None:
        self._kept: dict[Purpose, dict[SongRights, _Standing]] = {}
        self._count = 0

    def decide(
        self, song_id: SongId, rights: SongRights, purpose: Purpose, *, at_ms: int, count: CountUses
    ) -> Decision:
        """What deals and blocks allow at `at_ms`. Only what a deal caps is counted."""
        ((_, decision),) = self.decide_all([(song_id, rights)], purpose, at_ms=at_ms, count=count)
        return decision

    def decide_all(
        self, songs: Iterable[tuple[SongId, SongRights]], purpose: Purpose, *, at_ms: int, count: CountUses
    ) -> list[tuple[SongId, Decision]]:
        """`decide` for several songs, in their order."""
        kept = self._kept.get(purpose) or self._kept.setdefault(purpose, {})
        decided = []
        for song_id, rights in songs:
            standing = kept.get(rights)
            if standing is None or not standing[0] <= at_ms < standing[1]:
                if rights.is_capped:
                    decided.append((song_id, decide(rights, purpose, at_ms=at_ms, used=count(song_id, rights))))
                    continue
                standing = self._keep(rights, purpose, at_ms)
            decided.append((song_id, standing[2]))
        return decided

    def _keep(self, rights: SongRights, purpose: Purpose, at_ms: int) -> _Standing:
        if self._count >= MOST_KEPT:
            self._kept.clear()
            self._count = 0
        decision = decide(rights, purpose, at_ms=at_ms)
        until_ms = inf if decision.until_ms is None else decision.until_ms
        kept = self._kept.setdefault(purpose, {})
        self._count += rights not in kept
        standing = kept[rights] = (at_ms, until_ms, decision)
        return standing


def ask_chain(rights: SongRights, chain: Chain, purpose: Purpose, *, at_ms: int, used: Used = _NOTHING_USED) -> Answer:
    """What one chain's terms and blocks allow at `at_ms`."""
    blocks = [block for block in rights.blocks if chain in block.chains]
    laid = [block for block in blocks if block.begins_ms <= at_ms]
    if laid:
        block = min(laid, key=lambda block: (not block.is_banned, block.begins_ms))
        if block.is_banned:
            return Answer(allowed=False, reason=Reason.BANNED, until_ms=None, block=block)
        ban_ms = _earliest(coming.begins_ms for coming in blocks if coming.is_banned)
        return Answer(allowed=False, reason=Reason.TAKEN_DOWN, until_ms=ban_ms, block=block)
    answer = _ask_terms(rights.sheet(chain), purpose, purpose.uses(chain), at_ms=at_ms, used=used)
    until_ms = _earliest([answer.until_ms, *(block.begins_ms for block in blocks)])
    return msgspec.structs.replace(answer, until_ms=until_ms)


def _ask_terms(sheet: TermSheet | None, purpose: Purpose, asked: tuple[Uses, ...], *, at_ms: int, used: Used) -> Answer:
    """What the terms alone allow. Of those in force the longest-lasting speak for the sheet."""
    reasons = {terms: _judge(terms, purpose, asked, at_ms=at_ms, used=used) for terms in (sheet.terms if sheet else ())}
    in_force = [terms for terms, reason in reasons.items() if reason is Reason.IN_FORCE]
    coming = [terms for terms, reason in reasons.items() if reason is Reason.NOT_YET]
    if in_force:
        speaker = max(in_force, key=_precedence)
        outranking = (terms for terms in coming if _precedence(terms) > _precedence(speaker))
        until_ms = _earliest([speaker.valid_until_ms, *(terms.valid_from_ms for terms in outranking)])
        return Answer(allowed=True, reason=Reason.IN_FORCE, until_ms=until_ms, terms=speaker)
    reason = max(reasons.values(), key=_CLOSENESS.__getitem__, default=Reason.NO_DEAL)
    until_ms = _earliest(_next_change(terms, reason) for terms, reason in reasons.items())
    return Answer(allowed=False, reason=reason, until_ms=until_ms)


def _judge(terms: Terms, purpose: Purpose, asked: tuple[Uses, ...], *, at_ms: int, used: Used) -> Reason:
    """What one deal says by itself."""
    if not any(terms.is_for_uses(uses) for uses in asked):
        return Reason.NOT_FOR_USE
    if not terms.is_for_territory(purpose.territory):
        return Reason.NOT_FOR_TERRITORY
    if purpose.model is not None and not terms.is_for_model(purpose.model):
        return Reason.NOT_FOR_MODEL
    if terms.valid_until_ms is not None and terms.valid_until_ms <= at_ms:
        return Reason.ENDED
    if terms.valid_from_ms is not None and at_ms < terms.valid_from_ms:
        return Reason.NOT_YET
    if terms.max_uses is not None and used.get(terms, 0) >= terms.max_uses:
        return Reason.USED_UP
    return Reason.IN_FORCE


def _next_change(terms: Terms, reason: Reason) -> int | None:
    """The instant at which a deal that does not allow a use now will say something else, by itself."""
    if reason is Reason.NOT_YET:
        return terms.valid_from_ms
    return terms.valid_until_ms if reason is Reason.USED_UP else None


def _earliest(instants_ms: Iterable[int | None]) -> int | None:
    return min((at for at in instants_ms if at is not None), default=None)


def _precedence(terms: Terms) -> tuple[float, float]:
    """The later end first; of two that end together, the earlier beginning, so that the speaker does not change."""
    return (
        inf if terms.valid_until_ms is None else terms.valid_until_ms,
        inf if terms.valid_from_ms is None else -terms.valid_from_ms,
    )
