"""Territories: the codes of ISO 3166-1, and groups that have known codes only."""

import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.rights.conftest import MEMBERS, NAMES, PLACES

from yuefu.errors import YuefuError
from yuefu.rights.territory import ANYWHERE, UnknownTerritory, check_territories, check_territory, expand

GROUPS = ["ASEAN", "DACH", "EEA", "EU", "GCC", "GREATER-CHINA", "NORDIC", "NORTH-AMERICA", "WORLD"]
NO_TERRITORIES = [
    "",
    " ",
    "cn",
    "Cn",
    "CN ",
    "CHN",
    "156",
    "中国",
    "XX",
    "ZZ",
    "UK",
    "EU ",
    "eu",
    "World",
    "\x00",
    "A" * 99,
]

names = st.lists(st.sampled_from(NAMES), max_size=6)


def test_the_codes_are_249_of_two_capital_letters() -> None:
    codes = expand(("WORLD",))
    assert len(codes) == 249
    assert all(re.fullmatch("[A-Z]{2}", code) for code in codes)


def test_the_codes_are_those_that_the_time_zone_database_takes_from_iso_3166() -> None:
    lines = resources.files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8").splitlines()
    assert expand(("WORLD",)) == {line.split("\t")[0] for line in lines if not line.startswith("#")}


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_has_several_codes_and_all_of_them_known(group: str) -> None:
    members = expand((group,))
    assert len(members) > 1
    assert {check_territory(code) for code in members} == members


@pytest.mark.parametrize(("group", "count"), [("EU", 27), ("EEA", 30), ("ASEAN", 11), ("GCC", 6), ("NORDIC", 9)])
def test_a_group_has_as_many_members_as_it_has(group: str, count: int) -> None:
    assert len(expand((group,))) == count


def test_the_economic_area_is_the_union_and_three_more() -> None:
    assert expand(("EEA",)) - expand(("EU",)) == {"IS", "LI", "NO"}
    assert expand(("EU",)) < expand(("EEA",))


@pytest.mark.parametrize("group", MEMBERS)
def test_a_group_has_the_places_that_belong_to_it(group: str) -> None:
    assert expand((group,)) & set(PLACES) == MEMBERS[group]


@given(names)
def test_names_come_to_the_codes_of_each(texts: list[str]) -> None:
    wanted = {place for text in texts for place in MEMBERS.get(text, {text})}
    assert expand(tuple(texts)) & set(PLACES) == wanted


def test_no_names_come_to_no_codes() -> None:
    assert expand(()) == frozenset()


@given(names)
def test_names_are_spelt_one_way_whatever_order_they_come_in(texts: list[str]) -> None:
    checked = check_territories(texts)
    assert checked == tuple(sorted(set(texts)))
    assert check_territories(reversed(texts)) == check_territories(checked) == checked


@pytest.mark.parametrize("text", [*NO_TERRITORIES, *GROUPS])
def test_a_caller_is_in_one_place_that_there_is(text: str) -> None:
    with pytest.raises(UnknownTerritory):
        check_territory(text)


@pytest.mark.parametrize("text", NO_TERRITORIES)
def test_a_deal_names_no_place_that_there_is_not(text: str) -> None:
    with pytest.raises(UnknownTerritory) as caught:
        check_territories(["CN", text, "EU"])
    assert caught.value.text == text


def test_what_is_no_territory_is_told_what_is_one() -> None:
    with pytest.raises(UnknownTerritory) as caught:
        check_territories(["UK"])
    assert str(caught.value) == (
        "'UK' is no territory: write an ISO 3166-1 alpha-2 code, as CN, or one of ASEAN, DACH, EEA, EU, GCC, "
        "GREATER-CHINA, NORDIC, NORTH-AMERICA, WORLD"
    )


@pytest.mark.parametrize("text", ["UK", "EU"])
def test_a_caller_who_can_be_in_no_group_is_offered_none(text: str) -> None:
    with pytest.raises(UnknownTerritory) as caught:
        check_territory(text)
    assert str(caught.value) == f"{text!r} is no territory: write an ISO 3166-1 alpha-2 code, as CN"


def test_of_a_long_text_only_the_beginning_is_repeated() -> None:
    assert "A" * 41 not in str(UnknownTerritory("A" * 5_000))


def test_an_unknown_territory_is_a_fact_of_ours_and_a_bad_value() -> None:
    assert issubclass(UnknownTerritory, YuefuError)
    assert issubclass(UnknownTerritory, ValueError)


def test_anywhere_is_no_code_that_a_deal_could_name() -> None:
    with pytest.raises(UnknownTerritory):
        check_territories([ANYWHERE])
