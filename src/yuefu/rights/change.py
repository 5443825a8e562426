"""When what callers are told of a song becomes another by itself: deals begin and end, takedowns come into force."""

from collections.abc import Iterator

from yuefu.rights.deal import SongRights, Terms
from yuefu.rights.decision import Used, decide
from yuefu.rights.purpose import browsing
from yuefu.rights.territory import ANYWHERE, expand

_Told = tuple[tuple[bool, bool, int], ...]


def latest_change(rights: SongRights, *, after_ms: int, until_ms: int) -> int | None:
    """The last instant after `after_ms` and up to `until_ms` at which what lists show differs from the moment before,
    in some territory; None when there is none.

    How often a song was used is not known here: capped terms are taken as unused and as used up, both.
    """
    instants = {at_ms for at_ms in boundaries(rights) if after_ms < at_ms <= until_ms}
    if not instants:
        return None
    places = _distinct_places(rights)
    for at_ms in sorted(instants, reverse=True):
        if _told(rights, places, at_ms - 1) != _told(rights, places, at_ms):
            return at_ms
    return None


def boundaries(rights: SongRights) -> Iterator[int]:
    """The instants at which anything known of a song begins or ends."""
    for sheet in (rights.recording, rights.work):
        if sheet is not None:
            yield from sheet.boundaries_ms
    for block in rights.blocks:
        yield block.begins_ms


def _told(rights: SongRights, places: tuple[str, ...], at_ms: int) -> _Told:
    decisions = [
        decide(rights, browsing(place), at_ms=at_ms, used=used) for place in places for used in _possible_uses(rights)
    ]
    return tuple((each.play.allowed, each.sing.allowed, each.channel) for each in decisions)


def _possible_uses(rights: SongRights) -> tuple[Used, ...]:
    used_up = {terms: terms.max_uses for terms in _terms(rights) if terms.max_uses is not None}
    return ({}, used_up) if used_up else ({},)


def _distinct_places(rights: SongRights) -> tuple[str, ...]:
    """One territory of each kind that the terms tell apart."""
    bounded = [terms for terms in _terms(rights) if terms.territories or terms.excluded_territories]
    if not bounded:
        return (ANYWHERE,)
    kinds = {tuple(terms.is_for_territory(code) for terms in bounded): code for code in sorted(expand(("WORLD",)))}
    return tuple(kinds.values())


def _terms(rights: SongRights) -> Iterator[Terms]:
    for sheet in (rights.recording, rights.work):
        if sheet is not None:
            yield from sheet.terms
