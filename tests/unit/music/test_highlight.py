import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.music.highlight import Choice, Rule, choose, set_by_hand
from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.notes import Note, PitchLine
from yuefu.music.prominence import STEP_MS, Curve
from yuefu.units import Span

LINE_MS, REST_MS = 3_500, 500
CHORUS = ["你问我爱你有多深", "我爱你有几分", "我的情也真我的爱也真", "月亮代表我的心"]
VERSE_SIGNS = "春夏秋冬花鸟鱼虫山川日月风雨雷电天地玄黄宇宙洪荒寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜"


def verse(number: int, length: int = 4) -> list[str]:
    return [VERSE_SIGNS[i : i + 5] for i in range(number * 20, number * 20 + length * 5, 5)]


def sing(texts: list[str], *, begin_ms: int = 10_000, breaks_ms: dict[int, int] | None = None) -> Lyrics:
    """Lines of 3.5 s with rests of 0.5 s; `breaks_ms` names longer rests before lines."""
    lines = []
    for i, text in enumerate(texts):
        begin_ms += (breaks_ms or {}).get(i, 0)
        lines.append(Line(begin_ms=begin_ms, end_ms=begin_ms + LINE_MS, text=text))
        begin_ms += LINE_MS + REST_MS
    return Lyrics(lines=tuple(lines))


def choose_in(lyrics: Lyrics, *, medley: Span | None = None, preview_ms: int | None = None) -> Choice:
    choice = choose(lyrics, duration_ms=lyrics.end_ms + 10_000, medley=medley, preview_ms=preview_ms)
    assert choice
    return choice


def first_text(choice: Choice, lyrics: Lyrics) -> str:
    """The line the clip's singing begins with."""
    return next(line.text for line in lyrics.lines if line.begin_ms == choice.clip.begin_ms + choice.prelude_ms)


# Rules


def test_a_song_without_lines_has_no_highlight() -> None:
    assert choose(Lyrics(lines=()), duration_ms=60_000) is None
    assert choose(sing(CHORUS, begin_ms=60_000), duration_ms=60_000) is None
    assert choose(sing(CHORUS), duration_ms=0) is None


def test_the_chorus_is_found_by_its_repetition() -> None:
    lyrics = sing([*verse(0), *CHORUS, *verse(1), *CHORUS, *verse(0, 2), *CHORUS])
    choice = choose_in(lyrics)
    assert choice.rule is Rule.REPEATED_LYRICS
    assert first_text(choice, lyrics) == CHORUS[0]


def test_of_equal_occurrences_the_one_in_the_middle_of_the_song_is_taken() -> None:
    lyrics = sing([*CHORUS, *verse(0, 8), *CHORUS, *verse(1, 2), *CHORUS])
    choice = choose_in(lyrics)
    assert choice.clip.begin_ms + choice.prelude_ms == lyrics.lines[12].begin_ms


def test_a_chorus_whose_words_vary_a_little_is_found() -> None:
    varied = ["你问我爱你有多久", *CHORUS[1:3], "月亮代表了我的心！"]
    lyrics = sing([*verse(0, 6), *CHORUS, *verse(1), *varied, *verse(0, 2)])
    assert choose_in(lyrics).rule is Rule.REPEATED_LYRICS


def test_a_chorus_outweighs_a_line_sung_over_and_over() -> None:
    lyrics = sing([*verse(0), *CHORUS, *["啦啦啦"] * 8, *verse(1), *CHORUS, *CHORUS])
    assert first_text(choose_in(lyrics), lyrics) == CHORUS[0]


def test_where_verse_and_chorus_repeat_as_a_whole_the_chorus_is_taken() -> None:
    chorus = CHORUS * 2
    chorus[4:] = ["轻轻的一个吻", "已经打动我的心", "深深的一段情", "教我思念到如今"]
    song = [*verse(0, 8), *chorus]
    lyrics = sing([*song, *song], breaks_ms={16: 6_000})
    assert first_text(choose_in(lyrics), lyrics) == CHORUS[0]


def test_a_block_does_not_hold_a_long_break() -> None:
    song = [*CHORUS, *verse(0)]
    lyrics = sing([*song, *verse(1), *song], breaks_ms={4: 20_000, 16: 20_000})
    choice = choose_in(lyrics)
    sung = [line for line in lyrics.lines if choice.clip.begin_ms <= line.begin_ms < choice.clip.end_ms]
    assert all(line.begin_ms - before.end_ms < 12_000 for before, line in pairwise(sung))


def test_the_medley_marks_come_first_and_are_kept() -> None:
    lyrics = sing([*verse(0), *CHORUS, *verse(1), *CHORUS])
    marks = Span(begin_ms=lyrics.lines[8].begin_ms - 300, end_ms=lyrics.lines[14].end_ms + 300)
    choice = choose_in(lyrics, medley=marks, preview_ms=1)
    assert choice.rule is Rule.MEDLEY
    assert choice.clip.begin_ms + choice.prelude_ms == lyrics.lines[8].begin_ms
    assert choice.clip.end_ms == lyrics.lines[14].end_ms


def test_marks_around_nothing_sung_are_passed_over() -> None:
    lyrics = sing(verse(0, 8))
    assert choose_in(lyrics, medley=Span(begin_ms=0, end_ms=9_000)).rule is Rule.MIDDLE


def test_without_repetition_the_preview_mark_decides() -> None:
    lyrics = sing([*verse(0, 4), *verse(1, 6), *verse(0, 0), *CHORUS])
    choice = choose_in(lyrics, preview_ms=lyrics.lines[2].begin_ms + 100)
    assert choice.rule is Rule.PREVIEW
    assert choice.clip.begin_ms + choice.prelude_ms == lyrics.lines[2].begin_ms


def test_without_anything_else_the_middle_is_taken() -> None:
    lyrics = sing([*verse(0), *verse(1), *CHORUS, "一二三四", "五六七八", "甲乙丙丁"])
    choice = choose_in(lyrics)
    assert choice.rule is Rule.MIDDLE
    assert choice.clip.begin_ms < lyrics.end_ms / 2 < choice.clip.end_ms


def test_a_short_song_is_its_own_highlight() -> None:
    lyrics = sing(CHORUS, begin_ms=8_000)
    choice = choose_in(lyrics)
    assert choice.clip == Span(begin_ms=3_000, end_ms=lyrics.end_ms)
    assert choice.segments == (Span(begin_ms=8_000, end_ms=lyrics.end_ms),)


# What the music says


def loudness(lyrics: Lyrics, loud: range) -> Curve:
    """A song at -20 dB whose lines in `loud` are 5 dB louder."""
    curve = np.full(lyrics.end_ms // STEP_MS + 100, -20.0)
    for line in (lyrics.lines[i] for i in loud):
        curve[line.begin_ms // STEP_MS : (line.end_ms + REST_MS) // STEP_MS] += 5
    return curve


def melody(lyrics: Lyrics, high: range) -> PitchLine:
    """A note a line; those of the lines in `high` are four semitones higher."""
    return PitchLine(
        notes=tuple(
            Note(begin_ms=line.begin_ms, duration_ms=line.duration_ms, pitch=64 if i in high else 60)
            for i, line in enumerate(lyrics.lines)
        )
    )


def choose_heard(lyrics: Lyrics, *, loud: range = range(0), high: range = range(0)) -> Choice:
    choice = choose(
        lyrics,
        duration_ms=lyrics.end_ms + 10_000,
        pitch_line=melody(lyrics, high),
        loudness_db=loudness(lyrics, loud),
    )
    assert choice
    return choice


@pytest.mark.parametrize("sign", ["loud", "high"])
def test_where_whole_verses_repeat_the_music_says_which_part_is_the_chorus(sign: str) -> None:
    half = [*verse(0), *CHORUS]
    lyrics = sing([*half, *half], breaks_ms={8: 6_000})
    choice = choose_heard(lyrics, **{sign: range(4, 8)})
    assert choice.rule is Rule.REPEATED_LYRICS
    assert choice.segments[0].begin_ms in {lyrics.lines[4].begin_ms, lyrics.lines[12].begin_ms}


def test_without_repetition_the_part_that_stands_out_is_taken() -> None:
    lyrics = sing([*verse(0), *verse(1), *verse(2, 8)])
    choice = choose_heard(lyrics, loud=range(8, 12), high=range(8, 12))
    assert choice.rule is Rule.PROMINENCE
    assert choice.segments[0].begin_ms == lyrics.lines[8].begin_ms


def test_the_first_line_after_an_intro_does_not_stand_out_by_that() -> None:
    lyrics = sing([*verse(0, 8), *CHORUS, *verse(1), *CHORUS], begin_ms=20_000)
    choice = choose_heard(lyrics, loud=range(16))
    assert choice.segments[0].begin_ms != lyrics.lines[0].begin_ms


def test_a_choice_is_surer_the_more_speaks_for_it() -> None:
    lyrics = sing([*verse(0), *verse(1), *verse(2, 8)])
    unclear = choose_heard(lyrics, loud=range(1))
    plain = choose_heard(lyrics, high=range(8, 12))
    clear = choose_heard(lyrics, loud=range(8, 12), high=range(8, 12))
    assert unclear.confidence < plain.confidence < clear.confidence <= 1


def test_verses_that_share_a_line_or_two_are_not_taken_for_a_chorus() -> None:
    verses = [text for number in range(3) for text in (CHORUS[0], *verse(number, 2), CHORUS[3])]
    choice = choose_heard(sing(verses), high=range(1))
    assert choice.rule is Rule.REPEATED_LYRICS
    assert choice.confidence < 0.5


def test_of_places_with_the_same_words_it_is_not_the_opening() -> None:
    song = [*CHORUS[:2], *verse(0, 2), *CHORUS[:2], *verse(1, 4), *CHORUS[:2], *verse(2, 3)]
    lyrics = sing(song)
    assert choose_heard(lyrics, high=range(6, 10)).segments[0].begin_ms != lyrics.lines[0].begin_ms


def test_a_chorus_with_other_words_at_its_begin_is_found_by_its_other_lines() -> None:
    lyrics = sing([*verse(0), *CHORUS, *verse(1), "你问我我有多喜欢他", *CHORUS[1:], *verse(2, 2)])
    choice = choose_heard(lyrics, high=range(5, 8))
    assert choice.segments[0].begin_ms in {lyrics.lines[4].begin_ms, lyrics.lines[12].begin_ms}


@given(
    st.lists(st.tuples(st.integers(0, 200_000), st.integers(-100, 20_000), st.text(max_size=6)), max_size=40),
    st.lists(st.floats(-90, 0), max_size=300),
)
def test_whatever_is_heard_there_is_a_choice(lines: list[tuple[int, int, str]], curve: list[float]) -> None:
    lyrics = Lyrics(lines=tuple(Line(begin_ms=at, end_ms=at + length, text=text) for at, length, text in sorted(lines)))
    choice = choose(lyrics, duration_ms=180_000, pitch_line=melody(lyrics, range(3)), loudness_db=np.array(curve))
    assert (choice is None) == all(line.begin_ms >= 180_000 for line in lyrics.lines)
    assert choice is None or 0 <= choice.confidence <= 1


# Set by hand


def test_a_clip_that_is_set_by_hand_is_taken_as_it_is() -> None:
    lyrics = sing([*verse(0), *CHORUS, *verse(1)])
    clip = Span(begin_ms=24_321, end_ms=60_000)
    choice = set_by_hand(lyrics, clip, duration_ms=lyrics.end_ms)
    assert (choice.clip, choice.rule, choice.confidence) == (clip, Rule.OPERATOR, 1.0)
    assert clip.begin_ms + choice.prelude_ms == lyrics.lines[4].begin_ms
    assert choice.segments[0].begin_ms == lyrics.lines[4].begin_ms


def test_a_clip_without_a_whole_line_is_its_own_segment() -> None:
    clip = Span(begin_ms=1_000, end_ms=9_000)
    choice = set_by_hand(sing(CHORUS), clip, duration_ms=60_000)
    assert (choice.prelude_ms, choice.segments) == (0, (clip,))


# The shape of a clip


@pytest.mark.parametrize(
    ("begin_ms", "rest_ms", "prelude_ms"),
    [(10_000, None, 5_000), (2_000, None, 2_000), (0, None, 0), (0, 8_000, 5_000), (0, 2_000, 2_000), (0, 400, 3_000)],
)
def test_the_lead_in_reaches_back_over_singing_only_when_there_is_no_rest(
    begin_ms: int, rest_ms: int | None, prelude_ms: int
) -> None:
    lines = [Line(begin_ms=begin_ms, end_ms=begin_ms + 4_000, text="一")]
    if rest_ms is not None:
        second_ms = begin_ms + 4_000 + rest_ms
        lines.append(Line(begin_ms=second_ms, end_ms=second_ms + 24_000, text="二"))
    marks = Span(begin_ms=lines[-1].begin_ms, end_ms=lines[-1].end_ms)
    choice = choose(Lyrics(lines=tuple(lines)), duration_ms=60_000, medley=marks)
    assert choice
    assert choice.prelude_ms == prelude_ms
    assert choice.clip.begin_ms == lines[-1].begin_ms - prelude_ms


def test_the_best_segment_begins_with_the_chorus_and_others_are_whole_lines() -> None:
    lyrics = sing([*verse(0), *CHORUS, *verse(1), *CHORUS, *verse(0, 2), *CHORUS, *verse(1, 2)])
    choice = choose_in(lyrics)
    assert choice.segments[0].begin_ms == choice.clip.begin_ms + choice.prelude_ms
    assert len(choice.segments) == 2
    assert {segment.begin_ms for segment in choice.segments} <= {line.begin_ms for line in lyrics.lines}
    assert {segment.end_ms for segment in choice.segments} <= {line.end_ms for line in lyrics.lines}


def test_lines_of_two_voices_that_overlap_are_not_cut_apart() -> None:
    lines = [line for i in range(20) for line in overlapping(i * 5_000, str(i))]
    choice = choose(Lyrics(lines=tuple(lines)), duration_ms=110_000)
    assert choice
    assert (choice.clip.begin_ms + choice.prelude_ms) % 5_000 == 0
    assert {(segment.begin_ms % 5_000, segment.end_ms % 5_000) for segment in choice.segments} == {(0, 4_500)}


def overlapping(begin_ms: int, text: str) -> list[Line]:
    return [
        Line(begin_ms=begin_ms, end_ms=begin_ms + 3_000, text=f"first {text}"),
        Line(begin_ms=begin_ms + 2_000, end_ms=begin_ms + 4_500, text=f"second {text}", voices=(2,)),
    ]


def test_thousands_of_lines_are_chosen_from_quickly() -> None:
    lyrics = sing([f"line {i} of {i * 7919 % 1000} and so on and on" * 20 for i in range(20_000)])
    begin_s = time.perf_counter()
    choose_in(lyrics)
    assert time.perf_counter() - begin_s < 10


def test_thousands_of_lines_are_chosen_from_with_the_music_too() -> None:
    lyrics = sing(CHORUS * 5_000)
    choice = choose_heard(lyrics, loud=range(12, 16))
    assert choice.segments[0].begin_ms == lyrics.lines[12].begin_ms


TIMES = st.integers(0, 200_000)
LINES = st.builds(
    lambda begin_ms, length_ms, text: Line(begin_ms=begin_ms, end_ms=begin_ms + length_ms, text=text),
    TIMES,
    st.integers(0, 40_000),
    st.sampled_from(["", "♪", "la", "月亮代表我的心", "love me do", "love me too", "VERY long line of a song"]),
)
MARKS = st.none() | st.builds(
    lambda begin_ms, length_ms: Span(begin_ms=begin_ms, end_ms=begin_ms + length_ms), TIMES, TIMES
)


@given(st.lists(LINES, max_size=40), st.integers(0, 210_000), MARKS, st.none() | TIMES)
def test_whatever_the_lyrics_the_highlight_has_its_shape(
    lines: list[Line], duration_ms: int, medley: Span | None, preview_ms: int | None
) -> None:
    lyrics = Lyrics(lines=tuple(sorted(lines, key=lambda line: line.begin_ms)))
    choice = choose(lyrics, duration_ms=duration_ms, medley=medley, preview_ms=preview_ms)
    assert (choice is None) == all(line.begin_ms >= duration_ms for line in lines)
    if choice is None:
        return
    sung = Span(begin_ms=choice.clip.begin_ms + choice.prelude_ms, end_ms=choice.clip.end_ms)
    assert 0 <= choice.clip.begin_ms <= sung.begin_ms < sung.end_ms <= duration_ms
    assert choice.prelude_ms <= 5_000
    assert choice.clip.duration_ms <= 60_000
    assert sung.begin_ms in {line.begin_ms for line in lines}
    assert 1 <= len(choice.segments) <= 3
    assert all(sung.begin_ms <= part.begin_ms < part.end_ms <= sung.end_ms for part in choice.segments)
    assert all(part.duration_ms <= 25_000 for part in choice.segments)
    assert all(part.duration_ms >= 10_000 for part in choice.segments[1:])
    in_order = sorted(choice.segments, key=lambda part: part.begin_ms)
    assert all(before.end_ms <= part.begin_ms for before, part in pairwise(in_order))


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(500, 9_000)), min_size=1, max_size=60), st.none() | TIMES)
def test_lines_that_do_not_overlap_are_never_cut(times: list[tuple[int, int]], preview_ms: int | None) -> None:
    lines, at_ms = [], 0
    for i, (rest_ms, length_ms) in enumerate(times):
        lines.append(Line(begin_ms=at_ms + rest_ms, end_ms=at_ms + rest_ms + length_ms, text=f"{i % 7} {i % 3}"))
        at_ms = lines[-1].end_ms
    choice = choose(Lyrics(lines=tuple(lines)), duration_ms=at_ms, preview_ms=preview_ms)
    assert choice
    begins_ms, ends_ms = {line.begin_ms for line in lines}, {line.end_ms for line in lines}
    assert choice.clip.begin_ms + choice.prelude_ms in begins_ms
    assert choice.clip.end_ms in ends_ms
    assert all(part.begin_ms in begins_ms and part.end_ms in ends_ms for part in choice.segments)
