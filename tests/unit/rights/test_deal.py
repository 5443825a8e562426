"""Deals: terms that contradict themselves are refused, and what means the same is spelt the same."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.rights.conftest import MEMBERS, PLACES, some_terms

from yuefu.errors import YuefuError
from yuefu.rights.deal import BadTerms, Block, Chain, CommercialModel, SongRights, Terms, TermSheet, Use
from yuefu.rights.territory import ANYWHERE, UnknownTerritory

instants_ms = st.integers(-(2**40), 2**42)
untimed = settings(deadline=None)


@given(instants_ms, instants_ms)
def test_a_deal_ends_after_it_begins(from_ms: int, until_ms: int) -> None:
    if from_ms < until_ms:
        assert Terms(valid_from_ms=from_ms, valid_until_ms=until_ms).valid_until_ms == until_ms
    else:
        with pytest.raises(BadTerms, match="ends before it begins"):
            Terms(valid_from_ms=from_ms, valid_until_ms=until_ms)


@given(instants_ms)
def test_a_deal_lasts_at_least_a_millisecond(at_ms: int) -> None:
    assert Terms(valid_from_ms=at_ms, valid_until_ms=at_ms + 1).valid_until_ms == at_ms + 1
    with pytest.raises(BadTerms, match="ends before it begins"):
        Terms(valid_from_ms=at_ms, valid_until_ms=at_ms)


@given(st.none() | instants_ms)
def test_a_deal_may_be_open_at_either_end(at_ms: int | None) -> None:
    assert Terms(valid_from_ms=at_ms).valid_until_ms is None
    assert Terms(valid_until_ms=at_ms).valid_from_ms is None


def test_a_channel_is_no_negative_number() -> None:
    with pytest.raises(BadTerms, match="channel"):
        Terms(channel=-1)


def test_a_cap_on_uses_is_no_negative_number() -> None:
    assert Terms(max_uses=0).max_uses == 0
    with pytest.raises(BadTerms, match="cap"):
        Terms(max_uses=-1)


def test_a_deal_is_for_some_territories_or_not_for_some_never_both() -> None:
    with pytest.raises(BadTerms, match="never both"):
        Terms(territories=("EU",), excluded_territories=("DE",))


@pytest.mark.parametrize("field", ["territories", "excluded_territories"])
@pytest.mark.parametrize("name", ["XX", "cn", "UK", "Europe", ""])
def test_a_deal_names_known_territories_only(field: str, name: str) -> None:
    with pytest.raises(UnknownTerritory, match="GREATER-CHINA"):
        msgspec.structs.replace(Terms(), **{field: ("CN", name)})


def test_bad_terms_are_a_fact_of_ours_and_a_bad_value() -> None:
    assert issubclass(BadTerms, YuefuError)
    assert issubclass(BadTerms, ValueError)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (b'{"valid_from_ms":2,"valid_until_ms":1}', "ends before it begins"),
        (b'{"channel":-1}', "channel"),
        (b'{"max_uses":-1}', "cap"),
        (b'{"territories":["CN"],"excluded_territories":["HK"]}', "never both"),
        (b'{"territories":["XX"]}', "GREATER-CHINA"),
        (b'{"excluded_territories":["XX"]}', "GREATER-CHINA"),
        (b'{"uses":["dance"]}', "dance"),
        (b'{"models":["barter"]}', "barter"),
    ],
)
def test_terms_are_checked_wherever_they_come_from(terms: bytes, words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.json.decode(b'{"terms":[%s]}' % terms, type=TermSheet)


def test_a_use_by_another_name_is_refused_and_not_left_out() -> None:
    with pytest.raises(ValueError, match="not in"):
        Terms(uses=("sing",))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not in"):
        Terms(models=("free",))  # type: ignore[arg-type]


def test_terms_once_written_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Terms(channel=1).channel = 2  # type: ignore[misc]


@untimed
@given(some_terms(), st.randoms(use_true_random=False))
def test_terms_that_mean_the_same_are_written_the_same(terms: Terms, chance: Random) -> None:
    def shuffled(values: tuple[object, ...]) -> tuple[object, ...]:
        more = [*values, *values[:1]]
        chance.shuffle(more)
        return tuple(more)

    lists = ("uses", "models", "territories", "excluded_territories")
    other = msgspec.structs.replace(terms, **{name: shuffled(getattr(terms, name)) for name in lists})
    assert (other, hash(other)) == (terms, hash(terms))
    assert msgspec.json.encode(TermSheet(terms=(other,))) == msgspec.json.encode(TermSheet(terms=(terms,)))


@untimed
@given(st.lists(some_terms(), max_size=3))
def test_a_sheet_is_read_as_it_was_written(terms: list[Terms]) -> None:
    sheet = TermSheet(terms=tuple(terms))
    body = msgspec.json.encode(sheet)
    read = msgspec.json.decode(body, type=TermSheet)
    assert (read, hash(read)) == (sheet, hash(sheet))
    assert msgspec.json.encode(read) == body


def test_a_sheet_says_only_what_it_restricts() -> None:
    assert msgspec.json.encode(TermSheet(terms=(Terms(),))) == b'{"terms":[{}]}'
    assert (
        msgspec.json.encode(Terms(uses=(Use.SING, Use.LISTEN), territories=("EU", "CN"), tier="A"))
        == b'{"uses":["listen","sing"],"territories":["CN","EU"],"tier":"A"}'
    )


@pytest.mark.parametrize(
    ("body", "terms"),
    [
        (b'{"terms":[{"valid_from_ms":null,"valid_until_ms":null,"channel":0}]}', Terms()),
        (b'{"terms":[{"valid_from_ms":null,"valid_until_ms":7,"channel":1}]}', Terms(valid_until_ms=7, channel=1)),
        (b'{"terms":[{"valid_from_ms":-3,"valid_until_ms":null,"channel":0}]}', Terms(valid_from_ms=-3)),
    ],
)
def test_sheets_written_by_the_first_version_are_still_read(body: bytes, terms: Terms) -> None:
    assert msgspec.json.decode(body, type=TermSheet) == TermSheet(terms=(terms,))


def test_what_terms_leave_out_they_do_not_restrict() -> None:
    terms = Terms()
    assert terms.is_for_uses(tuple(Use))
    assert all(terms.is_for_territory(place) for place in [*PLACES, ANYWHERE])
    assert all(terms.is_for_model(model) for model in CommercialModel)


def test_uses_must_be_allowed_together() -> None:
    terms = Terms(uses=(Use.LISTEN, Use.LIVE_ROOM))
    assert terms.is_for_uses((Use.LISTEN,))
    assert terms.is_for_uses((Use.LIVE_ROOM, Use.LISTEN))
    assert not terms.is_for_uses((Use.LISTEN, Use.SING))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("group", MEMBERS)
def test_a_deal_for_a_group_is_for_its_members_and_one_without_it_for_the_others(group: str, place: str) -> None:
    assert Terms(territories=(group,)).is_for_territory(place) is (place in MEMBERS[group])
    assert Terms(excluded_territories=(group,)).is_for_territory(place) is (place not in MEMBERS[group])


def test_a_deal_that_leaves_the_world_out_is_for_no_place_at_all() -> None:
    assert Terms(territories=("NO",)).is_for_territory(ANYWHERE)
    assert Terms(excluded_territories=("NO",)).is_for_territory(ANYWHERE)
    assert not Terms(excluded_territories=("WORLD",)).is_for_territory(ANYWHERE)


@pytest.mark.parametrize("model", CommercialModel)
def test_a_free_deal_serves_callers_on_any_model(model: CommercialModel) -> None:
    assert Terms(models=(CommercialModel.FREE,)).is_for_model(model)
    assert Terms(models=(CommercialModel.ROOM_MONTH,)).is_for_model(model) is (model is CommercialModel.ROOM_MONTH)


def test_a_sheet_knows_its_instants_in_order_and_each_once() -> None:
    sheet = TermSheet(
        terms=(Terms(valid_from_ms=5, valid_until_ms=9), Terms(valid_until_ms=5), Terms(valid_from_ms=-1), Terms())
    )
    assert sheet.boundaries_ms == (-1, 5, 9)


def test_rights_are_capped_when_any_terms_are() -> None:
    free, capped = TermSheet(terms=(Terms(),)), TermSheet(terms=(Terms(), Terms(max_uses=0)))
    assert not SongRights(revision=1, recording=free, work=None).is_capped
    assert SongRights(revision=1, recording=None, work=capped).is_capped
    assert SongRights(revision=1, recording=capped, work=free).is_capped


def test_each_chain_has_its_own_sheet() -> None:
    recording, work = TermSheet(terms=()), TermSheet(terms=(Terms(),))
    rights = SongRights(revision=1, recording=recording, work=work)
    assert rights.sheet(Chain.RECORDING) is recording
    assert rights.sheet(Chain.WORK) is work


def test_a_block_covers_both_chains_unless_it_says_otherwise() -> None:
    assert set(Block(case_id=1, from_ms=0, is_banned=False).chains) == set(Chain)
