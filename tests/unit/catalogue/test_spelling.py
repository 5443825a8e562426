"""How texts are folded and what a keyword means, told by examples; the index is held to the same meaning elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.catalogue.search import Keyword, first_letters, initial_pairs
from yuefu.catalogue.spelling import (
    _READ_TWO_WAYS,
    bare_title,
    fold,
    initials,
    is_unspaced,
    keyword_pieces,
    recording_key,
    text_pieces,
    work_key,
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("茉莉花", "茉莉花"),
        ("Let It Be", "let it be"),
        ("ＬＯＶＥ　１２３", "love 123"),
        ("Beyoncé – Déjà Vu", "beyonce deja vu"),
        ("Straße", "strasse"),
        ("don't / don’t", "dont dont"),
        ("迈克尔·杰克逊", "迈克尔杰克逊"),
        ("你好，明天！", "你好明天"),
        ("love 你 forever", "love你forever"),
        ("ｶﾞｰﾙ", "ガール"),
        ("한국", "한국"),
        ("snake_case", "snake case"),
        ("  ,。!？_-*\"'\x00 ", ""),
        ("🎤👩‍🎤", ""),
        ("\ud800花\udfff", "花"),
    ],
)
def test_width_case_accents_and_punctuation_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_folds_no_further(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_nothing_folded_means_anything_to_an_engine(text: str) -> None:
    pieces = keyword_pieces(text)
    assert all(piece.isalnum() for piece in pieces)
    assert "".join(pieces) == fold(text).replace(" ", "")


def test_a_keyword_keeps_apart_what_was_typed_apart() -> None:
    assert keyword_pieces("周杰伦 晴天 Live版") == ("周杰伦", "晴天", "live", "版")
    assert text_pieces(fold("周杰伦 晴天 Live版")) == ["周杰伦晴天", "live", "版"]


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("茉莉花", ["m", "l", "h"]),
        ("let it be", ["l", "i", "b"]),
        ("快乐dj版", ["k", "ly", "d", "b"]),
        ("99次", ["9", "c"]),
        ("さくら", []),
        ("", []),
    ],
)
def test_initials_are_those_of_syllables_and_words(text: str, letters: list[str]) -> None:
    assert initials(text_pieces(text)) == letters


def test_two_readings_are_two_letters_of_one_han_character() -> None:
    entries = _READ_TWO_WAYS.split()
    assert len({entry[0] for entry in entries}) == len(entries)
    for entry in entries:
        assert len(entry) == 3
        assert is_unspaced(entry[0])
        assert entry[1:].isascii()
        assert entry[1] != entry[2]


def test_pairs_of_initials_take_every_reading() -> None:
    assert initial_pairs(["k", "ly", "d"]) == ["kl", "ky", "ld", "yd"]
    assert initial_pairs(["m", "l", "h"]) == ["ml", "lh"]
    assert initial_pairs(["m"]) == initial_pairs([]) == []


def test_first_letters_are_those_of_the_text_and_of_its_words() -> None:
    pieces = text_pieces("长城love song")
    assert first_letters(pieces, initials(pieces)) == ["c", "z", "l", "s"]


@pytest.mark.parametrize(
    ("typed", "texts"),
    [
        ("花", ["茉莉花"]),
        ("莉", ["茉莉花"]),
        ("茉莉花", ["好一朵茉莉花开"]),
        ("你好明天", ["你好，明天"]),
        ("周杰伦 晴天", ["晴天", "周杰伦"]),
        ("be let it", ["Let It Be"]),
        ("let it b", ["Let It Be"]),
        ("LET　it", ["let it be"]),
        ("deja", ["Déjà Vu"]),
        ("mlh", ["茉莉花"]),
        ("lh", ["茉莉花"]),
        ("m", ["茉莉花"]),
        ("b", ["let it be"]),
        ("lib", ["Let It Be"]),
        ("kl", ["快乐"]),
        ("yy", ["音乐"]),
        ("cc", ["长城"]),
        ("zjl qt", ["晴天", "周杰伦"]),
        ("周杰伦 qt", ["晴天", "周杰伦"]),
        ("dj版", ["快乐 (DJ版)"]),
        ("9c", ["99次我爱他"]),
        ("くら", ["さくら"]),
        ("prince", ["送别", "Prince"]),
    ],
)
def test_a_keyword_finds(typed: str, texts: list[str]) -> None:
    assert Keyword.parse(typed).finds(texts)


@pytest.mark.parametrize(
    ("typed", "texts"),
    [
        ("", ["茉莉花"]),
        ("?!", ["?!"]),
        ("*", ["茉莉花"]),
        ("花莉", ["茉莉花"]),
        ("茉花", ["茉莉花"]),
        ("莉花开", ["茉莉花", "花开"]),
        ("le it", ["Let It Be"]),
        ("et", ["let"]),
        ("l", ["茉莉花"]),
        ("mh", ["茉莉花"]),
        ("mlhk", ["茉莉花"]),
        ("茉莉 OR 花", ["茉莉"]),
        ("周杰伦 晴天", ["晴天", "王菲"]),
    ],
)
def test_a_keyword_does_not_find(typed: str, texts: list[str]) -> None:
    assert not Keyword.parse(typed).finds(texts)


def test_a_bare_title_is_without_brackets_unless_all_of_it_is_in_them() -> None:
    assert bare_title("送别 (Live)") == bare_title("送别（合唱版）") == "送别"
    assert bare_title("(Live)") == "live"


def test_a_recording_is_known_by_its_isrc_or_by_title_and_singers() -> None:
    assert recording_key(title="a", singers=(), isrc="X") == recording_key(title="b", singers=("c",), isrc="X")
    assert recording_key(title="Love", singers=("甲", "乙")) == recording_key(title="ＬＯＶＥ", singers=("乙", "甲"))
    assert recording_key(title="送别", singers=()) != recording_key(title="送别 (Live)", singers=())
    assert recording_key(title="?", singers=("甲",)) != recording_key(title="!", singers=("甲",))


def test_a_work_is_known_by_its_bare_title_and_singers() -> None:
    assert work_key(title="送别", singers=("甲",)) == work_key(title="送别 (Live)", singers=("甲",))
    assert work_key(title="…", singers=()) != work_key(title="?", singers=())
