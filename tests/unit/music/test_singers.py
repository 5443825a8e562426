"""Who sings, told by marks in the words, or made by sharing the lines out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.parts import sung_parts
from yuefu.music.singers import read_mark, share_lines, tell_voices


def lyrics_of(*texts: str) -> Lyrics:
    lines = (Line(begin_ms=i * 1_000, end_ms=i * 1_000 + 900, text=text) for i, text in enumerate(texts))
    return Lyrics(lines=tuple(lines))


def told(*texts: str, singers: tuple[str, ...] = ()) -> tuple[list[tuple[int, ...]], tuple[str, ...]]:
    lyrics = tell_voices(lyrics_of(*texts), singers)
    return [line.voices for line in lyrics.lines], lyrics.voice_names


def test_marks_tell_who_sings_until_the_next_one() -> None:
    voices, names = told("男：你好", "再见", "女：我好", "合：大家好")
    assert voices == [(1,), (1,), (2,), (1, 2)]
    assert names == ("男", "女")


def test_what_is_written_stays_written() -> None:
    assert [line.text for line in tell_voices(lyrics_of("男：你好", "女：我好")).lines] == ["男：你好", "女：我好"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("男：a", "女:b"),
        ("(男) a", "（女）b"),
        ("【男】a", "[女]：b"),
        ("Male: a", "FEMALE : b"),
        ("M:a", "F：b"),
        ("男", "女："),
    ],
)
def test_marks_are_written_in_many_ways(first: str, second: str) -> None:
    voices, _ = told(first, second)
    assert voices == ([(1,), (2,)] if first != "男" else [(1,), (1,)])


def test_a_mark_alone_on_its_line_holds_for_the_next() -> None:
    assert told("男：", "a", "女：", "b")[0] == [(1,), (1,), (2,), (2,)]


def test_names_of_singers_are_marks_where_they_are_known() -> None:
    texts = ("小明：a", "小红：b", "小明/小红：c")
    assert told(*texts, singers=("小红", "小明")) == ([(1,), (2,), (1, 2)], ("小明", "小红"))
    assert told(*texts) == ([(1,), (1,), (1,)], ())


def test_one_singer_and_everybody_are_two_voices() -> None:
    assert told("男：a", "合：b") == ([(1,), (1, 2)], ("男",))


@pytest.mark.parametrize("text", ["时间：早上", "(oh) yeah", "he said: go", "合", "", "：", "()", "男" * 40 + "：a"])
def test_other_words_before_a_colon_or_in_brackets_are_no_marks(text: str) -> None:
    assert read_mark(text) == ""
    assert told(text, text) == ([(1,), (1,)], ())


def test_voices_that_are_known_are_left_alone() -> None:
    lyrics = Lyrics(
        lines=(
            Line(begin_ms=0, end_ms=9, text="女：a", voices=(1,)),
            Line(begin_ms=9, end_ms=19, text="男：b", voices=(2,)),
        )
    )
    assert tell_voices(lyrics) is lyrics


def test_parts_follow_from_marks() -> None:
    parts = sung_parts(tell_voices(lyrics_of("男：a", "b", "合：c")))
    assert [(part.begin_ms, part.end_ms, part.singers) for part in parts] == [
        (0, 2_000, ("1",)),
        (2_000, 2_900, ("1", "2")),
    ]


def test_lines_are_shared_out_in_turns_of_four_and_the_last_is_everybodys() -> None:
    lyrics = share_lines(lyrics_of(*"abcdefghij"), 3)
    assert [line.voices for line in lyrics.lines] == [(1,)] * 4 + [(2,)] * 4 + [(1, 2, 3)] * 2


def test_a_rest_ends_a_turn() -> None:
    lines = (Line(begin_ms=begin, end_ms=begin + 900, text="la") for begin in (0, 1_000, 9_000, 20_000))
    assert [line.voices for line in share_lines(Lyrics(lines=tuple(lines)), 2).lines] == [(1,), (1,), (2,), (1, 2)]


@given(st.integers(2, 9), st.integers(0, 60))
def test_everybody_who_is_asked_for_sings(singer_count: int, line_count: int) -> None:
    lyrics = share_lines(lyrics_of(*["la"] * line_count), singer_count)
    assert len(lyrics.lines) == line_count
    assert lyrics.voices == (tuple(range(1, singer_count + 1)) if line_count else ())
