import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.music.formats import lrc
from yuefu.music.formats.text import MOST_LINES
from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.unreadable import TooLarge


def lines_of(text: str) -> list[tuple[int, int, str]]:
    return [(line.begin_ms, line.end_ms, line.text) for line in lrc.parse(text.encode()).lyrics.lines]


def test_a_line_ends_where_the_next_begins_and_the_last_after_five_seconds() -> None:
    assert lines_of("[00:01.00]one\n[00:03.50]two") == [(1000, 3500, "one"), (3500, 8500, "two")]


def test_a_line_before_a_long_break_is_not_sung_through_it() -> None:
    assert lines_of("[00:01.00]one\n[01:00.00]two")[0] == (1000, 11_000, "one")


def test_a_stamp_without_text_ends_the_line_before() -> None:
    assert lines_of("[00:01.00]one\n[00:02.00]\n[00:09.00]two")[0] == (1000, 2000, "one")


@pytest.mark.parametrize(
    ("stamp", "time_ms"),
    [("01:02", 62_000), ("01:02.5", 62_500), ("01:02.34", 62_340), ("01:02.345", 62_345), ("1:2:34", 62_340)],
)
def test_fractions_have_any_length_and_either_sign(stamp: str, time_ms: int) -> None:
    assert lines_of(f"[{stamp}]la")[0][0] == time_ms


def test_a_line_with_several_stamps_is_sung_several_times() -> None:
    assert lines_of("[00:30.00] [00:10.00]副歌\n[00:20.00]主歌") == [
        (10_000, 20_000, "副歌"),
        (20_000, 30_000, "主歌"),
        (30_000, 35_000, "副歌"),
    ]


def test_a_positive_offset_makes_everything_earlier() -> None:
    assert lines_of("[offset:+500]\n[00:01.00]one\n[00:00.20]zero") == [(0, 500, "zero"), (500, 5500, "one")]
    assert lines_of("[offset:-500]\n[00:01.00]one")[0][0] == 1500


def test_an_offset_that_is_no_number_is_a_finding() -> None:
    (finding,) = lrc.parse(b"[offset:soon]\n[00:01.00]one", file="a.lrc").findings
    assert finding.file == "a.lrc"
    assert "soon" in finding.problem


def test_header_tags_are_read_in_any_case_and_keep_their_brackets() -> None:
    parsed = lrc.parse("\ufeff[Ti:月亮 [Live]]\r\n[ar:甲]\r\n[00:01.00]你\r\n".encode())
    assert parsed.lyrics.headers == {"ti": "月亮 [Live]", "ar": "甲"}
    assert not parsed.findings


def test_a_second_line_that_begins_with_another_is_its_translation() -> None:
    line = lrc.parse("[00:01.00]爱\n[00:01.00]love\n[00:04.00]end".encode()).lyrics.lines[0]
    assert (line.text, line.translation, line.end_ms) == ("爱", "love", 4000)


def test_two_singers_who_begin_together_are_two_lines() -> None:
    assert [text for _, _, text in lines_of("[00:01.00]男：爱\n[00:01.00]女：我")] == ["男：爱", "女：我"]


def test_a_silence_ends_a_line_however_long_it_is() -> None:
    assert lines_of("[00:01.00]one\n[00:30.00]\n[01:00.00]two")[0] == (1000, 30_000, "one")


def test_a_line_later_than_any_song_is_left_out() -> None:
    parsed = lrc.parse(b"[00:01.00]one\n[999:00.00]two")
    assert [line.text for line in parsed.lyrics.lines] == ["one"]
    assert [(finding.line, finding.action) for finding in parsed.findings] == [(2, "left out")]


def test_words_of_enhanced_text_have_times_of_their_own() -> None:
    line = lrc.parse(
        "[00:15.50]<00:15.50>two <00:15.90>wor<00:16.10>ds <00:16.40>我爱<00:17.00>".encode()
    ).lyrics.lines[0]
    assert line.text == "two words 我爱"
    assert [(word.text, word.begin_ms, word.end_ms) for word in line.words] == [
        ("two ", 15_500, 15_900),
        ("words ", 15_900, 16_400),
        ("我", 16_400, 16_700),
        ("爱", 16_700, 17_000),
    ]
    assert line.end_ms == 17_000


def test_the_last_word_without_an_end_lasts_as_long_as_its_line() -> None:
    line = lrc.parse(b"[00:01.00]<00:01.00>one <00:02.00>two\n[00:04.00]next").lyrics.lines[0]
    assert line.words[-1].end_ms == line.end_ms == 4000


def test_a_mark_before_the_first_word_is_sung_with_it() -> None:
    line = lrc.parse("[00:01.00]男：<00:01.00>啊<00:02.00>".encode()).lyrics.lines[0]
    assert [(word.text, word.begin_ms, word.end_ms) for word in line.words] == [
        ("男：", 1000, 1500),
        ("啊", 1500, 2000),
    ]


def test_words_move_with_each_stamp_of_their_line() -> None:
    again = lrc.parse(b"[00:01.00][00:11.00]<00:01.00>one <00:02.00>two<00:03.00>").lyrics.lines[1]
    assert [word.begin_ms for word in again.words] == [11_000, 12_000]


def test_a_text_without_times_has_no_lines_and_says_so() -> None:
    parsed = lrc.parse(b"just words\nmore words")
    assert parsed.lyrics.lines == ()
    assert [finding.problem for finding in parsed.findings] == [
        "no line carries a time",
        "a line has no time (2 times)",
    ]


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(TooLarge, match="lines"):
        lrc.parse(b"[00:01]la\n" * (MOST_LINES + 1))


def test_rendered_text_has_crlf_and_hundredths() -> None:
    lyrics = Lyrics(
        lines=(Line(begin_ms=61_237, end_ms=70_000, text="你问我"), Line(begin_ms=3_600_000, end_ms=1, text="x"))
    )
    assert lrc.render(lyrics, {"ti": "月亮", "al": ""}) == "[ti:月亮]\r\n[01:01.24]你问我\r\n[60:00.00]x\r\n"


WORDS = st.text(st.sampled_from("abc我爱你 ,.é"), max_size=12).map(lambda text: " ".join(f"啊{text}".split()))


@given(st.lists(st.tuples(st.integers(0, 500_000), WORDS), max_size=20, unique_by=lambda timed: timed[0]))
def test_parsing_what_was_rendered_gives_the_same_lines(timed: list[tuple[int, str]]) -> None:
    lines = tuple(Line(begin_ms=at * 10, end_ms=at * 10 + 5, text=text) for at, text in sorted(timed))
    read = lrc.parse(lrc.render(Lyrics(lines=lines)).encode()).lyrics.lines
    assert [(line.begin_ms, line.text) for line in read] == [(line.begin_ms, line.text) for line in lines]


PIECES = ["[00:01.00]", "[", "]", "<00:02.00>", "<", "[offset:", "99:99", "\r", "\n", "我", " ", "\0", "ti:", "[-1:0]"]


@given(st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=60).map(lambda p: "".join(p).encode()))
def test_any_bytes_give_lines_in_order_that_last(data: bytes) -> None:
    lines = lrc.parse(data).lyrics.lines
    assert list(lines) == sorted(lines, key=lambda line: line.begin_ms)
    assert all(0 <= line.begin_ms < line.end_ms and line.text for line in lines)
    assert all(syllable.duration_ms > 0 for line in lines for syllable in line.syllables)
