"""May this song be played, may it be sung: one pure function over the deals in force at one instant."""

from collections.abc import Iterable, Iterator
from enum import Enum
from math import inf

import msgspec

from yuefu.rights.deal import SongRights, Terms, TermSheet


class Reason(Enum):
    """Why an answer is what it is."""

    IN_FORCE = "a deal is in force"
    NO_DEAL = "there is no deal"
    NOT_YET = "the deal has not begun"
    ENDED = "the deal has ended"


class Answer(msgspec.Struct, frozen=True):
    """Yes or no, why, and until when: `until_ms` is the next instant at which it may be different, None for never."""

    allowed: bool
    reason: Reason
    until_ms: int | None
    channel: int = 0


class Decision(msgspec.Struct, frozen=True, cache_hash=True):
    """The two answers about one song."""

    play: Answer
    sing: Answer

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
        return self.play.channel if self.play.allowed or not self.sing.allowed else self.sing.channel


MOST_KEPT = 65_536
"""How many standing decisions are kept: more kinds of rights than any delivery has, and some megabytes at most."""

_NO_DEAL = Answer(allowed=False, reason=Reason.NO_DEAL, until_ms=None)


def decide(rights: SongRights, *, at_ms: int) -> Decision:
    """What the deals allow at `at_ms`."""
    return Decision(play=ask_chain(rights.recording, at_ms=at_ms), sing=ask_chain(rights.work, at_ms=at_ms))


class StandingDecisions:
    """`decide`, with each decision kept for as long as it stands.

    Sheets never change and every answer says until when it holds, so what was decided for one song serves every song
    of which the same is known, until the next instant at which it may be different. Nothing needs to be told of a new
    deal: after it, something else is known.
    """

    def __init__(self) -> None:
        self._kept: dict[SongRights, tuple[int, float, Decision]] = {}

    def decide(self, rights: SongRights, *, at_ms: int) -> Decision:
        """What the deals allow at `at_ms`."""
        kept = self._kept.get(rights)
        if kept is None or not kept[0] <= at_ms < kept[1]:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            decision = decide(rights, at_ms=at_ms)
            kept = self._kept[rights] = (at_ms, inf if decision.until_ms is None else decision.until_ms, decision)
        return kept[2]


def ask_chain(sheet: TermSheet | None, *, at_ms: int) -> Answer:
    """What one chain's terms allow at `at_ms`. The longest-lasting terms in force speak for the sheet."""
    if sheet is None or not sheet.terms:
        return _NO_DEAL
    in_force = [terms for terms in sheet.terms if _has_begun(terms, at_ms) and not _has_ended(terms, at_ms)]
    coming = [terms for terms in sheet.terms if not _has_begun(terms, at_ms)]
    if in_force:
        speaker = max(in_force, key=_precedence)
        changes = [speaker.valid_until_ms, *_beginnings(terms for terms in coming if _outranks(terms, speaker))]
        until_ms = min((at for at in changes if at is not None), default=None)
        return Answer(allowed=True, reason=Reason.IN_FORCE, until_ms=until_ms, channel=speaker.channel)
    if coming:
        return Answer(allowed=False, reason=Reason.NOT_YET, until_ms=min(_beginnings(coming)))
    return Answer(allowed=False, reason=Reason.ENDED, until_ms=None)


def _has_begun(terms: Terms, at_ms: int) -> bool:
    return terms.valid_from_ms is None or terms.valid_from_ms <= at_ms


def _has_ended(terms: Terms, at_ms: int) -> bool:
    return terms.valid_until_ms is not None and terms.valid_until_ms <= at_ms


def _beginnings(terms: Iterable[Terms]) -> Iterator[int]:
    return (each.valid_from_ms for each in terms if each.valid_from_ms is not None)


def _outranks(terms: Terms, other: Terms) -> bool:
    return _precedence(terms) > _precedence(other)


def _precedence(terms: Terms) -> tuple[float, float]:
    """The later end first; of two that end together, the earlier beginning, so that the speaker does not change."""
    return (
        inf if terms.valid_until_ms is None else terms.valid_until_ms,
        inf if terms.valid_from_ms is None else -terms.valid_from_ms,
    )
