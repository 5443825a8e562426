from typing import Any

import pytest

from yuefu.catalogue.facts import FIELDS, BadFact, changed_fields, read_fact, with_facts, write_fact
from yuefu.catalogue.song import SongFacts, Version

RICH = SongFacts(
    title="茉莉花",
    aliases=("Jasmine", "好一朵茉莉花"),
    singers=("甲", "乙"),
    album="民歌",
    language="zh",
    genres=(19, 5),
    year=1957,
    bpm=88,
    isrc="QMABC2400001",
    iswc="T0345246801",
    version=Version.LIVE,
)


@pytest.mark.parametrize("field", FIELDS)
def test_a_fact_is_read_back_as_it_was_written(field: str) -> None:
    assert read_fact(field, write_fact(RICH, field)) == getattr(RICH, field)


@pytest.mark.parametrize("field", set(FIELDS) - {"title"})
def test_no_text_or_a_blank_one_is_nothing_known(field: str) -> None:
    nothing = SongFacts(title="")
    for texts in ([], [""], [" \t".strip(), "  "]):
        assert read_fact(field, texts) == getattr(nothing, field)
    assert write_fact(nothing, field) == ()


@pytest.mark.parametrize(
    ("field", "texts", "value"),
    [
        ("title", [" 茉莉花 "], "茉莉花"),
        ("title", ["e\u0301"], "é"),
        ("singers", ["甲", "", "乙", "甲"], ("甲", "乙")),
        ("genres", ["民歌", "5", "folk"], (19, 5)),
        ("bpm", ["088"], 88),
        ("isrc", ["qm-abc-24-00001"], "QMABC2400001"),
        ("iswc", ["T-034.524.680-1"], "T0345246801"),
        ("version", ["Live"], Version.LIVE),
        ("version", ["studio"], Version.STUDIO),
    ],
)
def test_a_fact_is_taken_however_it_was_written(field: str, texts: list[str], value: Any) -> None:
    assert read_fact(field, texts) == value


@pytest.mark.parametrize(
    ("field", "texts", "problem"),
    [
        ("title", [""], "a song needs a title"),
        ("title", ["a", "b"], "one value is taken, not 2"),
        ("album", ["a\nb"], "no text"),
        ("singers", ["\ufffd\ufffd"], "no text"),
        ("aliases", ["x" * 501], "more than 500 characters"),
        ("genres", ["19", "Pony"], "'Pony' is no genre"),
        ("year", ["0"], "from 1 to 9999"),
        ("year", ["-1"], "from 1 to 9999"),
        ("year", ["９"], "from 1 to 9999"),
        ("bpm", ["88.5"], "from 1 to 999"),
        ("bpm", ["9" * 400], "from 1 to 999"),
        ("isrc", ["QM"], "is no ISRC"),
        ("iswc", ["T-034.524.680-2"], "the check digit is wrong"),
        ("version", ["acoustic"], "there are studio, live, cover, instrumental, remix"),
    ],
)
def test_a_text_that_a_field_cannot_take_is_refused_with_the_reason(field: str, texts: list[str], problem: str) -> None:
    with pytest.raises(BadFact, match=problem):
        read_fact(field, texts)


def test_facts_tell_where_they_differ() -> None:
    after = with_facts(RICH, {"bpm": 90, "title": "茉莉花"})
    assert (after.bpm, changed_fields(RICH, after)) == (90, ("bpm",))
