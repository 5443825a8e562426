"""When something that a deal allows comes to its end, and no other deal takes its place."""

from collections.abc import Iterable
from itertools import product

from yuefu.rights.deal import CommercialModel, Terms, TermSheet, Use
from yuefu.rights.purpose import SCENES, browsing
from yuefu.rights.territory import ANYWHERE, expand

_ASKED = tuple(
    dict.fromkeys(
        [*browsing(ANYWHERE).play, *browsing(ANYWHERE).sing, *(uses for scene in SCENES.values() for uses in scene)]
    )
)
"""All that is ever asked of a chain: uses one by one, and those that a deal must allow together."""

_PAID = tuple(model for model in CommercialModel if model is not CommercialModel.FREE)
_WORLD = expand(("WORLD",))


def endings(sheet: TermSheet, *, from_ms: int, until_ms: int) -> list[Terms]:
    """The terms that end in that span of time (its end exclusive) and are not followed by others, earliest first.

    They are followed when, at the instant at which they end, the terms then in force allow all that they allowed:
    each use in each territory, however it is paid, and as often. A deal that begins some time later leaves a gap.
    """
    ending = [
        (terms.valid_until_ms, terms)
        for terms in dict.fromkeys(sheet.terms)
        if terms.valid_until_ms is not None and from_ms <= terms.valid_until_ms < until_ms
    ]
    return [
        terms
        for end_ms, terms in sorted(ending, key=lambda pair: pair[0])
        if not _are_followed(terms, [other for other in sheet.terms if _is_in_force(other, end_ms)])
    ]


def _is_in_force(terms: Terms, at_ms: int) -> bool:
    begins = terms.valid_from_ms is None or terms.valid_from_ms <= at_ms
    return begins and (terms.valid_until_ms is None or at_ms < terms.valid_until_ms)


def _are_followed(terms: Terms, followers: Iterable[Terms]) -> bool:
    heirs = [heir for heir in followers if _allows_as_many(heir, terms)]
    asked = [uses for uses in _ASKED if terms.is_for_uses(uses)] or [(use,) for use in terms.uses]
    models = [model for model in _PAID if terms.is_for_model(model)]
    places = _places(terms)
    return all(places <= _reach(heirs, uses, model) for uses, model in product(asked, models))


def _allows_as_many(heir: Terms, terms: Terms) -> bool:
    return heir.max_uses is None or (terms.max_uses is not None and heir.max_uses >= terms.max_uses)


def _reach(terms: Iterable[Terms], uses: tuple[Use, ...], model: CommercialModel) -> frozenset[str]:
    """Where any of the terms allows those uses together, paid that way."""
    allowing = (each for each in terms if each.is_for_uses(uses) and each.is_for_model(model))
    return frozenset[str]().union(*(_places(each) for each in allowing))


def _places(terms: Terms) -> frozenset[str]:
    return expand(terms.territories) if terms.territories else _WORLD - expand(terms.excluded_territories)
