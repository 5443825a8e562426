"""Song ids as callers spell them."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yuefu.ids import parse_song_id, parse_song_ids

ODD_TEXTS = st.one_of(
    st.integers(-5, 10**19).map(str),
    st.text("0123456789,+- \n٣", max_size=20),
    st.sampled_from(["", "7", "07", "+7", "1,2", "7 ", "1_000", "７", "9" * 18, "9" * 19]),
)


@given(st.lists(ODD_TEXTS, max_size=25))
@example(["1,2"])
@example(["1,2", "3"])
@example(["7", "7", "07"])
def test_a_batch_holds_what_each_of_its_texts_spells_once_and_in_their_order(texts: list[str]) -> None:
    one_by_one = [parse_song_id(text) for text in dict.fromkeys(texts)]

    assert parse_song_ids(texts) == [song_id for song_id in one_by_one if song_id is not None]


@given(st.text(max_size=20) | ODD_TEXTS)
def test_only_the_canonical_decimal_is_an_id(text: str) -> None:
    is_canonical = re.fullmatch("[1-9][0-9]{0,17}", text) is not None

    assert parse_song_id(text) == (int(text) if is_canonical else None)


@pytest.mark.parametrize("text", ["0", "", "01", "1.0", "10000000000000000000", "１"])
def test_what_can_be_nobodys_id_is_none(text: str) -> None:
    assert parse_song_id(text) is None
