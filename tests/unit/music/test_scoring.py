import math
import random
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from accuracy.scoring import HUMMING, IN_ORDER, OCTAVE_DOWN, PERFECT, RANDOM, SILENT, SINGERS, song_score
from hypothesis import given
from hypothesis import strategies as st

from yuefu.ingest.repertoire import entries
from yuefu.music import ultrastar
from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.notes import NO_NOTES, Note, NoteKind, PitchLine
from yuefu.music.scoring import (
    BEFORE_FIRST_LINE,
    EASIEST,
    LEVELS,
    REACH_MS,
    ScoredLine,
    Scoring,
    SungFrame,
    score_line,
    scored_lines,
)

PITCHES = (60, 62, 64, 65)
LEVEL_NUMBERS = range(len(LEVELS))


def note(begin_ms: int, pitch: int, duration_ms: int = 400, kind: NoteKind = NoteKind.NORMAL, voice: int = 1) -> Note:
    return Note(begin_ms=begin_ms, duration_ms=duration_ms, pitch=pitch, kind=kind, voice=voice)


def line_at(begin_ms: int, pitches: tuple[int, ...] = PITCHES, number: int = 0) -> ScoredLine:
    notes = tuple(note(begin_ms + 400 * place, pitch) for place, pitch in enumerate(pitches))
    return ScoredLine(number, notes, notes[-1].end_ms)


def words(begin_ms: int, end_ms: int, voices: tuple[int, ...] = (1,), *, is_background: bool = False) -> Line:
    return Line(begin_ms=begin_ms, end_ms=end_ms, text="啦", voices=voices, is_background=is_background)


def frame(time_ms: float, pitch: float, level_db: float = -20.0) -> SungFrame:
    return SungFrame(time_ms, 440 * 2 ** ((pitch - 69) / 12), level_db)


def sung(line: ScoredLine, *, off: float = 0.0, late_ms: float = 0.0, interval_ms: int = 48) -> list[SungFrame]:
    return [
        frame(time_ms + late_ms, each.pitch + off)
        for each in line.notes
        for time_ms in range(each.begin_ms, each.end_ms, interval_ms)
    ]


def take(lines: list[ScoredLine], frames: list[SungFrame], level: int = EASIEST) -> Scoring:
    scoring = Scoring(lines, level=level)
    for each in frames:
        scoring.hear(each)
    scoring.finish()
    return scoring


anything = st.builds(frame, st.floats(-100, 2_000), st.floats(40, 80))
takes = st.lists(anything, max_size=60)
levels = st.sampled_from(LEVEL_NUMBERS)
lines = st.builds(line_at, st.just(0), st.lists(st.integers(50, 70), min_size=1, max_size=5).map(tuple))


@given(lines, st.lists(st.builds(SungFrame, st.floats(), st.none() | st.floats(), st.floats())), levels)
def test_whatever_is_heard_a_score_lies_between_0_and_100(
    line: ScoredLine, frames: list[SungFrame], level: int
) -> None:
    (line_score,) = take([line], frames, level).scores
    assert 0 <= line_score.score <= 100
    assert 0 <= line_score.coverage <= 1


@given(lines, st.lists(st.floats(-100, 2_000)), levels)
def test_silence_scores_nothing(line: ScoredLine, times_ms: list[float], level: int) -> None:
    (line_score,) = take([line], [SungFrame(time_ms, None, -90.0) for time_ms in times_ms], level).scores
    assert (line_score.score, line_score.coverage) == (0, 0.0)


@given(lines, levels)
def test_who_sings_what_is_written_gets_everything(line: ScoredLine, level: int) -> None:
    line_score = score_line(line, sung(line), level=level)
    assert (line_score.score, line_score.coverage) == (100, 1.0)


@given(lines, takes, levels, st.data())
def test_octaves_change_nothing_all_at_once_or_frame_by_frame(
    line: ScoredLine, frames: list[SungFrame], level: int, data: st.DataObject
) -> None:
    octaves = data.draw(st.lists(st.integers(0, 1), min_size=len(frames), max_size=len(frames)))
    here = score_line(line, frames, level=level)
    whole = [replace(each, pitch_hz=2 * (each.pitch_hz or 0)) for each in frames]
    assert abs(score_line(line, whole, level=level).score - here.score) <= 1
    right = sung(line)
    mixed = [
        replace(each, pitch_hz=(each.pitch_hz or 0) * 2**octave)
        for each, octave in zip(right, [*octaves, *[0] * len(right)], strict=False)
    ]
    assert score_line(line, mixed, level=level).score == 100


@given(lines, takes)
def test_an_easier_level_never_gives_less(line: ScoredLine, frames: list[SungFrame]) -> None:
    scores = [score_line(line, frames, level=level).score for level in LEVEL_NUMBERS]
    assert scores == sorted(scores)


@given(lines, takes, levels, st.randoms())
def test_the_order_of_a_lines_frames_does_not_matter(
    line: ScoredLine, frames: list[SungFrame], level: int, chance: random.Random
) -> None:
    shuffled = chance.sample(frames, len(frames))
    assert score_line(line, shuffled, level=level) == score_line(line, frames, level=level)


@pytest.mark.parametrize("level", LEVEL_NUMBERS)
def test_a_tritone_off_scores_nothing_and_is_singing_all_the_same(level: int) -> None:
    line_score = score_line(line_at(0), sung(line_at(0), off=6.0), level=level)
    assert (line_score.score, line_score.coverage) == (0, 1.0)


@pytest.mark.parametrize("level", LEVEL_NUMBERS)
def test_between_full_and_zero_a_level_counts_evenly_less(level: int) -> None:
    line, rule = line_at(0), LEVELS[level]
    by_off = [score_line(line, sung(line, off=off), level=level).score for off in np.linspace(rule.full, rule.zero, 9)]
    assert by_off[0] == 100
    assert by_off == sorted(by_off, reverse=True)
    assert score_line(line, sung(line, off=rule.zero), level=0).score == 0


def test_humming_gives_next_to_nothing_where_the_line_moves() -> None:
    line = line_at(0, (60, 62, 61, 60, 62))
    hum = [frame(time_ms, 61.0) for time_ms in range(0, 2_000, 48)]
    assert [score_line(line, hum, level=level).score for level in LEVEL_NUMBERS] == [0, 0, 0, 0, 0]


def test_a_line_on_one_pitch_may_be_hummed() -> None:
    line = line_at(0, (60, 60, 72, 60))
    hum = [frame(time_ms, 60.0) for time_ms in range(0, 1_600, 48)]
    assert score_line(line, hum, level=0).score == 100


@pytest.mark.parametrize("late_ms", [-REACH_MS, REACH_MS])
def test_a_little_early_or_late_is_in_time(late_ms: int) -> None:
    line = line_at(0)
    assert score_line(line, sung(line, late_ms=late_ms, interval_ms=16), level=0).score >= 97
    assert score_line(line, sung(line, late_ms=4 * late_ms, interval_ms=16), level=0).score < 80


@pytest.mark.parametrize("interval_ms", [10, 16, 48, 50, 60])
def test_the_interval_of_frames_does_not_matter(interval_ms: int) -> None:
    line = line_at(0)
    assert score_line(line, sung(line, interval_ms=interval_ms), level=0).score == 100


@pytest.mark.parametrize("level", LEVEL_NUMBERS)
def test_half_a_line_sung_is_half_a_line(level: int) -> None:
    line = line_at(0)
    line_score = score_line(line, [each for each in sung(line, interval_ms=16) if each.time_ms < 750], level=level)
    assert line_score.score == pytest.approx(50, abs=2)
    assert line_score.coverage == pytest.approx(0.5, abs=0.02)


def test_a_golden_note_counts_twice() -> None:
    plain, golden = note(0, 60), note(400, 64, kind=NoteKind.GOLDEN)
    line = ScoredLine(0, (plain, golden), 800)
    only_golden = [each for each in sung(line) if each.time_ms > 400]
    assert score_line(line, only_golden, level=0).score == pytest.approx(67, abs=2)


@pytest.mark.parametrize("quiet", [frame(0, 60, -61.0), frame(0, 30), frame(0, 110), SungFrame(0, math.nan, -20.0)])
def test_what_nobody_sings_is_not_heard(quiet: SungFrame) -> None:
    assert not quiet.is_sung


def test_what_is_much_softer_than_the_singer_is_anothers() -> None:
    first, second = line_at(0), line_at(2_000, number=1)
    bleeding = [replace(each, level_db=-52.0) for each in sung(second)]
    assert [each.score for each in take([first, second], sung(first) + bleeding).scores] == [100, 0]


def test_a_line_has_its_score_as_soon_as_it_is_over() -> None:
    first, second = line_at(0), line_at(2_000, number=1)
    scoring = Scoring([first, second])
    assert (scoring.previous, scoring.average, scoring.total, scoring.full) == (BEFORE_FIRST_LINE, 0, 0, 200)
    for each in sung(first):
        assert scoring.hear(each) == ()
    assert scoring.hear(SungFrame(1_600 + REACH_MS, None, -90.0)) == ()
    (ended,) = scoring.hear(SungFrame(1_600 + REACH_MS + 1, None, -90.0))
    assert (ended.number, ended.score, scoring.previous) == (0, 100, 100)
    assert scoring.hear(frame(100, 62)) == ()
    assert [each.number for each in scoring.finish()] == [1]
    assert (scoring.previous, scoring.average, scoring.total, scoring.full) == (0, 50, 100, 200)
    assert scoring.finish() == ()


@given(takes)
def test_a_line_scores_the_same_in_a_song_as_alone(frames: list[SungFrame]) -> None:
    """However much was sung since: frames are kept only as long as a line needs them."""
    first, second, third = line_at(0), line_at(1_700, number=1), line_at(3_400, number=2)
    heard = sorted([*frames, *sung(second), *sung(third)], key=lambda each: each.time_ms)
    scores = take([first, second, third], heard).scores
    assert [each.number for each in scores] == [0, 1, 2]
    until_first = [each for each in heard if each.time_ms <= first.end_ms + REACH_MS]
    assert scores[0] == score_line(first, until_first)
    assert scores[2].score == 100


def test_nothing_to_sing_scores_nothing() -> None:
    scoring = take([], [frame(0, 60)])
    assert (scoring.scores, scoring.previous, scoring.average, scoring.full) == ((), BEFORE_FIRST_LINE, 0, 0)


@pytest.mark.parametrize("level", [-1, len(LEVELS)])
def test_a_level_that_there_is_not_is_refused(level: int) -> None:
    with pytest.raises(IndexError):
        Scoring([], level=level)


def test_notes_are_their_lines_and_the_rest_is_free() -> None:
    lyrics = Lyrics(lines=(words(0, 1_000), words(1_000, 2_000, is_background=True), words(2_000, 3_000)))
    notes = (
        note(0, 60),
        note(500, 60, kind=NoteKind.FREESTYLE),
        note(900, 62, 180),
        note(1_300, 64),
        note(2_400, 65, 800),
        note(5_000, 65),
    )
    lines = scored_lines(PitchLine(notes=notes), lyrics)
    assert [(line.number, [each.begin_ms for each in line.notes], line.end_ms) for line in lines] == [
        (0, [0, 900], 1_080),
        (2, [2_400], 3_200),
    ]


def test_lines_without_notes_to_hit_are_not_scored() -> None:
    lyrics = Lyrics(lines=(words(0, 1_000), words(1_000, 2_000)))
    spoken = PitchLine(notes=(note(0, 60, kind=NoteKind.RAP), note(500, 60, kind=NoteKind.RAP_GOLDEN)))
    assert scored_lines(spoken, lyrics) == ()
    assert scored_lines(NO_NOTES, lyrics) == ()


def test_each_singer_of_a_duet_has_lines_of_their_own() -> None:
    lyrics = Lyrics(lines=(words(0, 1_000, (1,)), words(500, 1_500, (2,)), words(2_000, 3_000, (1, 2))))
    notes = (note(0, 60), note(600, 62), note(600, 65, voice=2), note(2_000, 60), note(2_000, 64, voice=2))
    pitch_line = PitchLine(notes=notes)
    assert [line.number for line in scored_lines(pitch_line, lyrics, voice=1)] == [0, 2]
    second = scored_lines(pitch_line, lyrics, voice=2)
    assert [(line.number, line.notes[0].pitch) for line in second] == [(1, 65), (2, 64)]
    together = scored_lines(pitch_line, lyrics)
    assert [(line.number, len(line.notes)) for line in together] == [(0, 2), (2, 1)]


@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 600), st.integers(40, 80), st.sampled_from(NoteKind))))
def test_whatever_notes_a_voice_has_every_line_can_be_scored(drawn: list[tuple[int, int, int, NoteKind]]) -> None:
    notes = tuple(sorted((note(begin, pitch, length, kind) for begin, length, pitch, kind in drawn), key=_begin_ms))
    lyrics = Lyrics(lines=(words(0, 1_500), words(1_400, 3_000)))
    for voice in (None, 1):
        lines = scored_lines(PitchLine(notes=notes), lyrics, voice=voice)
        assert all(before.end_ms <= after.end_ms for before, after in pairwise(lines))
        assert all(score_line(line, sung(line, interval_ms=16)).coverage == 1 for line in lines)


def _begin_ms(each: Note) -> int:
    return each.begin_ms


def test_singers_are_ranked_as_they_sing() -> None:
    """A small share of `make accuracy`."""
    song = ultrastar.parse(entries()[0].song_text)
    lines = scored_lines(song.pitch_line, song.lyrics)
    notes = [each for line in lines for each in line.notes]
    assert [msgspec.structs.replace(each, voice=1) for each in song.pitch_line.notes] == notes
    for level in LEVEL_NUMBERS:
        scores = {
            name: song_score(lines, sing(notes, np.random.default_rng(100)), level=level)
            for name, sing in SINGERS.items()
        }
        assert scores[PERFECT] >= 97
        assert scores[SILENT] == 0
        assert abs(scores[OCTAVE_DOWN] - scores["good, 50 cents"]) <= 3
        ranked = [*(scores[name] for name in IN_ORDER), max(scores[HUMMING], scores[RANDOM])]
        assert all(better > worse for better, worse in pairwise(ranked))


def test_the_page_names_the_levels_as_they_are() -> None:
    page = (Path(__file__).parents[3] / "docs/scoring.md").read_text("utf-8")
    for number, level in enumerate(LEVELS):
        assert re.search(rf"^\| {number}\b[^|]*\| {level.full:g} \| {level.zero:g} \|$", page, re.MULTILINE)
