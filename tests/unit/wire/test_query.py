"""Query strings in all their spellings."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.wire.codes import Code
from yuefu.wire.query import MAX_PARAMETERS, parse_query, render_query
from yuefu.wire.refusal import Refusal

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,11}", fullmatch=True)


@pytest.mark.parametrize(
    "raw",
    [
        b"SongsId[]=7&SongsId[]=9",
        b"SongsId%5B%5D=7&SongsId%5B%5D=9",
        b"SongsId%5b%5d=7&SongsId%5b%5d=9",
        b"SongsId[0]=7&SongsId[1]=9",
        b"SongsId%5B0%5D=7&SongsId%5B1%5D=9",
        b"SongsId=7&SongsId=9",
        b"SongsId=7&SongsId[]=9",
        b"&SongsId[]=7&&SongsId[]=9&",
    ],
)
def test_every_spelling_of_a_list_is_one_list(raw: bytes) -> None:
    assert parse_query(raw) == {"SongsId": ["7", "9"]}


@pytest.mark.parametrize(
    ("raw", "items"),
    [
        (b"SongsId[1]=b&SongsId[0]=a", ["a", "b"]),
        (b"SongsId%5B10%5D=c&SongsId%5B9%5D=b&SongsId%5B0%5D=a", ["a", "b", "c"]),
        (b"SongsId[]=a&SongsId[2]=c&SongsId=d&SongsId[1]=b", ["a", "b", "c", "d"]),
        (b"SongsId[5]=a&SongsId[]=b&SongsId[6]=c&SongsId[]=d", ["a", "b", "c", "d"]),
        (b"SongsId[0]=a&SongsId[0]=b", ["a", "b"]),
        (b"SongsId[b]=a&SongsId[a]=b", ["a", "b"]),
        ("SongsId[１]=a&SongsId[０]=b".encode(), ["a", "b"]),
        (b"SongsId[%s]=a&SongsId[0]=b" % (b"1" * 5_000), ["a", "b"]),
        (b"SongsId[0]=a&SongsId[%s]=b" % (b"0" * 5_000), ["a", "b"]),
        (b"&SongsId[1]=b&&SongsId[0]=a&", ["a", "b"]),
    ],
)
def test_numbered_items_go_by_their_numbers_and_the_rest_follow_those_before_them(raw: bytes, items: list[str]) -> None:
    assert parse_query(raw) == {"SongsId": items}


@given(st.permutations(range(12)))
def test_numbers_say_the_order_wherever_their_items_stand(numbers: list[int]) -> None:
    raw = "&".join(f"Items[{number}]={number}&Page={number}" for number in numbers).encode()
    assert parse_query(raw) == {"Items": [str(number) for number in range(12)], "Page": list(map(str, numbers))}


def test_commas_do_not_split() -> None:
    assert parse_query(b"SongsId[]=7,9") == {"SongsId": ["7,9"]}


def test_chinese_comes_raw_or_percent_encoded() -> None:
    assert parse_query("Keyword=茉莉花".encode()) == {"Keyword": ["茉莉花"]}
    assert parse_query(b"Keyword=%E8%8C%89%E8%8E%89%E8%8A%B1") == {"Keyword": ["茉莉花"]}


def test_a_plus_is_a_space_and_an_encoded_plus_a_plus() -> None:
    assert parse_query(b"Keyword=a+b%2Bc") == {"Keyword": ["a b+c"]}


def test_an_equals_sign_may_be_part_of_the_value() -> None:
    assert parse_query(b"UserId=a=b=") == {"UserId": ["a=b="]}


def test_a_name_without_a_value_is_empty() -> None:
    assert parse_query(b"UserId&RoomId=") == {"UserId": [""], "RoomId": [""]}


def test_nothing_asks_nothing() -> None:
    assert parse_query(b"") == {}


@pytest.mark.parametrize("raw", [b"Keyword=%ff", b"Keyword=\xff", b"Keyword=%ED%A0%80", b"Keyword=%C0%AF"])
def test_bytes_that_are_no_utf8_are_refused_by_name(raw: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        parse_query(raw)
    assert caught.value.code is Code.ILLEGAL_PARAMETER
    assert caught.value.message.startswith("Keyword: ")


def test_a_flood_of_parameters_is_refused() -> None:
    assert len(parse_query(b"&".join([b"a=1"] * MAX_PARAMETERS))["a"]) == MAX_PARAMETERS
    with pytest.raises(Refusal):
        parse_query(b"&".join([b"a=1"] * (MAX_PARAMETERS + 1)))


@given(st.dictionaries(NAMES, TEXT | st.lists(TEXT, min_size=1, max_size=4), max_size=6))
def test_what_is_rendered_is_read_back(fields: dict[str, str | list[str]]) -> None:
    expected = {name: value if isinstance(value, list) else [value] for name, value in fields.items()}
    assert parse_query(render_query(fields).encode("ascii")) == expected


@given(st.dictionaries(NAMES, TEXT, min_size=1, max_size=6))
def test_what_is_rendered_means_the_same_to_other_readers(fields: dict[str, str]) -> None:
    assert dict(parse_qsl(render_query(dict(fields)), keep_blank_values=True)) == fields


def test_rendered_lists_carry_encoded_brackets() -> None:
    assert render_query({"SongsId": ["7", "9"]}) == "SongsId%5B%5D=7&SongsId%5B%5D=9"


@given(st.binary(max_size=300))
def test_whatever_comes_is_fields_or_a_refusal(raw: bytes) -> None:
    try:
        fields = parse_query(raw)
    except Refusal:
        return
    assert sum(map(len, fields.values())) <= raw.count(b"&") + 1
