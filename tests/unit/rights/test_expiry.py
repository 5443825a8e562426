"""Which terms end without heirs, against a slow model that asks the decision itself at the last moment and the next."""

from itertools import product

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.rights.conftest import EDGES_MS, local_ms, some_terms

from yuefu.rights.deal import Chain, CommercialModel, SongRights, Terms, TermSheet, Use
from yuefu.rights.decision import ask_chain
from yuefu.rights.expiry import endings
from yuefu.rights.purpose import SCENES, Purpose, Uses, browsing
from yuefu.rights.territory import ANYWHERE, expand

EVER, NEVER = -(2**60), 2**60
LATER = local_ms("Asia/Shanghai", 2027, 1, 1)
ASKED: set[Uses] = {*browsing(ANYWHERE).play, *browsing(ANYWHERE).sing} | {
    uses for scene in SCENES.values() for uses in scene
}
WORLD = sorted(expand(("WORLD",)))


def allows(terms: tuple[Terms, ...], uses: Uses, model: CommercialModel, place: str, at_ms: int) -> bool:
    rights = SongRights(revision=1, recording=None, work=TermSheet(terms=terms))
    purpose = Purpose(territory=place, play=(uses,), sing=(uses,), model=model)
    return ask_chain(rights, Chain.WORK, purpose, at_ms=at_ms).allowed


def is_lost(terms: Terms, sheet: TermSheet) -> bool:
    """Whether somebody, somewhere, who could use the song by those terms cannot when they have ended."""
    end_ms = terms.valid_until_ms
    assert end_ms is not None
    models = [model for model in CommercialModel if model is not CommercialModel.FREE]
    asked = [uses for uses in ASKED if terms.is_for_uses(uses)] or [(use,) for use in terms.uses]
    return any(
        allows((terms,), uses, model, place, end_ms - 1) and not allows(sheet.terms, uses, model, place, end_ms)
        for uses, model, place in product(asked, models, WORLD)
    )


sheets = st.lists(some_terms(is_capped=False), max_size=3).map(lambda terms: TermSheet(terms=tuple(terms)))


@settings(max_examples=60, deadline=None)
@given(sheet=sheets)
def test_terms_end_when_somebody_loses_something(sheet: TermSheet) -> None:
    found = endings(sheet, from_ms=EVER, until_ms=NEVER)
    ending = [terms for terms in dict.fromkeys(sheet.terms) if terms.valid_until_ms is not None]
    assert set(found) == {terms for terms in ending if is_lost(terms, sheet)}
    assert found == sorted(found, key=lambda terms: terms.valid_until_ms or 0)


@given(sheet=sheets, from_ms=st.sampled_from(EDGES_MS), until_ms=st.sampled_from(EDGES_MS))
def test_a_window_has_its_beginning_and_not_its_end(sheet: TermSheet, from_ms: int, until_ms: int) -> None:
    everything = endings(sheet, from_ms=EVER, until_ms=NEVER)
    within = [terms for terms in everything if from_ms <= (terms.valid_until_ms or 0) < until_ms]
    assert endings(sheet, from_ms=from_ms, until_ms=until_ms) == within


def ends(*terms: Terms) -> list[Terms]:
    return endings(TermSheet(terms=terms), from_ms=EVER, until_ms=NEVER)


ENDING = Terms(valid_until_ms=LATER, uses=(Use.SING,), territories=("CN",))


def test_terms_that_others_follow_at_once_are_not_among_them() -> None:
    for heir in (Terms(), Terms(valid_from_ms=LATER), Terms(valid_from_ms=LATER, territories=("GREATER-CHINA",))):
        assert ends(ENDING, heir) == []
    two = [Terms(valid_from_ms=LATER, models=(model,)) for model in CommercialModel]
    assert ends(ENDING, *two) == []


def test_terms_that_others_follow_late_or_with_less_are() -> None:
    for heir in (
        Terms(valid_from_ms=LATER + 1),
        Terms(uses=(Use.LISTEN,)),
        Terms(territories=("HK",)),
        Terms(models=(CommercialModel.PER_USE,)),
        Terms(max_uses=1_000_000),
    ):
        assert ends(ENDING, heir) == [ENDING]


def test_a_cap_is_followed_by_one_as_high() -> None:
    capped = msgspec.structs.replace(ENDING, max_uses=5)
    assert ends(capped, Terms(max_uses=5)) == []
    assert ends(capped, Terms(max_uses=4)) == [capped]


def test_terms_for_a_group_are_followed_where_its_members_are() -> None:
    nordic = Terms(valid_until_ms=LATER, territories=("NORDIC",))
    assert ends(nordic, Terms(excluded_territories=("EU",))) == [nordic]
    assert ends(nordic, Terms(excluded_territories=("DACH",))) == []
