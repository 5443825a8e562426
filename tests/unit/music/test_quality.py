"""What is said of a song: a good one has nothing against it, and every fault is found by the check that is for it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.music.highlight import CLIP, Choice, Rule
from yuefu.music.lyrics import Line, Lyrics, Syllable, Word
from yuefu.music.notes import Note, NoteKind, PitchLine, PitchSource
from yuefu.music.quality import Check, Evidence, Limit, Measure, SoundLevel, Unit, Verdict, judge, limits, worst
from yuefu.music.quality.stretches import Stretches
from yuefu.music.waveform import Waveform
from yuefu.units import Span

GOOD, LOOK, BAD = Verdict.GOOD, Verdict.LOOK, Verdict.BAD
DURATION_MS = 180_000
LINE_MS, WORD_MS = 4_000, 500
BEGINS_MS = tuple(range(10_000, 170_000, 5_000))


def sung_line(begin_ms: int, word_ms: int = WORD_MS, **changes: Any) -> Line:
    words = tuple(
        Word(syllables=(Syllable(begin_ms=begin_ms + i * word_ms, duration_ms=word_ms, text=text),))
        for i, text in enumerate("好一朵美丽的茉莉")
    )
    line = Line(begin_ms=begin_ms, end_ms=begin_ms + LINE_MS, text="好一朵美丽的茉莉", words=words)
    return msgspec.structs.replace(line, **changes)


def wave(*levels: tuple[float, int]) -> Waveform:
    """Of stretches in seconds, each with its peak."""
    data = [value for seconds, peak in levels for _ in range(round(seconds * 10)) for value in (-peak, peak)]
    return Waveform(sample_rate=44_100, samples_per_pixel=4_410, length=len(data) // 2, data=tuple(data))


LYRICS = Lyrics(lines=tuple(sung_line(begin_ms) for begin_ms in BEGINS_MS))
NOTES = PitchLine(
    notes=tuple(
        Note(begin_ms=word.begin_ms, duration_ms=word.duration_ms, pitch=60)
        for line in LYRICS.lines
        for word in line.words
    )
)
LEVEL = SoundLevel(integrated_lufs=-14.0, range_lu=7.0, true_peak_dbtp=-1.0)
CHOICE = Choice(
    clip=Span(begin_ms=56_000, end_ms=99_000),
    prelude_ms=4_000,
    segments=(Span(begin_ms=60_000, end_ms=79_000),),
    rule=Rule.REPEATED_LYRICS,
    confidence=0.9,
)
SONG = Evidence(
    duration_ms=DURATION_MS,
    accompaniment_ms=DURATION_MS,
    lyrics=LYRICS,
    pitch_line=NOTES,
    waveform=wave((0.5, 0), (178.5, 90), (1.0, 0)),
    original=LEVEL,
    backing=replace(LEVEL, integrated_lufs=-16.0),
    highlight=CHOICE,
    bpm=88,
    tempo_confidence=1.0,
    cover_px=(800, 800),
)


def checks_of(song: Evidence) -> dict[Measure, Check]:
    return {check.measure: check for check in judge(song)}


def with_lines(*lines: Line) -> Lyrics:
    return Lyrics(lines=lines)


def with_notes(*notes: Note, **changes: Any) -> PitchLine:
    return PitchLine(notes=notes, **changes)


def notes_moved(by_ms: int) -> PitchLine:
    return with_notes(*(msgspec.structs.replace(note, begin_ms=note.begin_ms + by_ms) for note in NOTES.notes))


def lines_within(begin_ms: int, end_ms: int) -> Lyrics:
    return with_lines(*(line for line in LYRICS.lines if begin_ms <= line.begin_ms < end_ms))


def lines_without(begin_ms: int, end_ms: int) -> Lyrics:
    return with_lines(*(line for line in LYRICS.lines if not begin_ms <= line.begin_ms < end_ms))


def lines_changed(count: int | None = None, **by_ms: int) -> Lyrics:
    """The first so many lines with times moved."""
    return with_lines(
        *(
            line
            if count is not None and place >= count
            else msgspec.structs.replace(line, **{name: getattr(line, name) + by for name, by in by_ms.items()})
            for place, line in enumerate(LYRICS.lines)
        )
    )


def first_note(**changes: int) -> PitchLine:
    """The notes with another first one."""
    return with_notes(msgspec.structs.replace(NOTES.notes[0], **changes), *NOTES.notes[1:])


def chosen(**changes: Any) -> Choice:
    return msgspec.structs.replace(CHOICE, **changes)


def test_a_good_song_is_good_in_every_respect() -> None:
    checks = judge(SONG)
    assert [check.measure for check in checks] == list(Measure)
    assert {check.measure: check.words for check in checks if check.verdict is not GOOD} == {}
    assert worst(checks) is GOOD
    assert not any(check.places for check in checks)


FIRST, *REST = LYRICS.lines
OTHERS = tuple(REST)
NOTE = NOTES.notes[0]


@pytest.mark.parametrize(
    ("measure", "verdict", "figure", "changes"),
    [
        (Measure.FILES, BAD, 1, {"lost": ("lyrics is gone",)}),
        (Measure.PARTS, LOOK, 1, {"lacking": ("word lyrics",)}),
        (Measure.PARTS, BAD, 2, {"lacking": ("pitch line",), "lacking_badly": ("accompaniment",)}),
        # A line of 4 s every 16 s, every 40 s.
        (
            Measure.LYRIC_COVERAGE,
            LOOK,
            0.268,
            {"lyrics": with_lines(*(sung_line(at) for at in range(0, 170_000, 16_000)))},
        ),
        (
            Measure.LYRIC_COVERAGE,
            BAD,
            0.122,
            {"lyrics": with_lines(*(sung_line(at) for at in range(0, 170_000, 40_000)))},
        ),
        (Measure.LYRIC_GAP, LOOK, 61, {"lyrics": lines_without(60_000, 120_000)}),
        (Measure.LYRIC_GAP, BAD, 101, {"lyrics": lines_without(50_000, 150_000)}),
        (Measure.LYRIC_EDGES, LOOK, 71, {"lyrics": lines_within(0, 105_001)}),
        (Measure.LYRIC_EDGES, BAD, 151, {"lyrics": lines_within(0, 30_000)}),
        (Measure.LYRIC_EDGES, BAD, 150, {"lyrics": lines_within(150_000, 170_000)}),
        (Measure.LYRIC_OVERLAP, LOOK, 1, {"lyrics": lines_changed(1, end_ms=2_000)}),
        (Measure.LYRIC_OVERLAP, BAD, 31, {"lyrics": lines_changed(end_ms=2_000)}),
        (Measure.OUTSIDE_SONG, BAD, 8, {"lyrics": with_lines(*LYRICS.lines, sung_line(DURATION_MS + 1_000))}),
        (Measure.OUTSIDE_SONG, BAD, 2, {"lyrics": with_lines(sung_line(-1_000), *LYRICS.lines)}),
        (Measure.OUTSIDE_SONG, BAD, 1, {"pitch_line": first_note(begin_ms=DURATION_MS)}),
        (Measure.OUTSIDE_SONG, BAD, 32, {"accompaniment_ms": 160_000}),
        (Measure.OUTSIDE_LINE, LOOK, 1, {"lyrics": lines_changed(1, end_ms=-2_000)}),
        (
            Measure.OUTSIDE_LINE,
            LOOK,
            1,
            {"lyrics": with_lines(msgspec.structs.replace(FIRST, words=FIRST.words[::-1]), *OTHERS)},
        ),
        (Measure.OUTSIDE_LINE, BAD, 32, {"lyrics": lines_changed(begin_ms=100)}),
        (Measure.FAST_WORDS, LOOK, 8, {"lyrics": with_lines(sung_line(5_000, word_ms=39), *OTHERS)}),
        (Measure.FAST_WORDS, BAD, 256, {"lyrics": with_lines(*(sung_line(at, word_ms=10) for at in BEGINS_MS))}),
        (
            Measure.FAST_WORDS,
            BAD,
            8,
            {"lyrics": with_lines(Line(begin_ms=9_000, end_ms=9_100, text="好一朵美丽的茉莉"))},
        ),
        (Measure.NOTES_ON_WORDS, LOOK, 0.875, {"pitch_line": notes_moved(500)}),
        (Measure.NOTES_ON_WORDS, BAD, 0.0, {"pitch_line": with_notes(NOTE), "lyrics": with_lines(*OTHERS)}),
        (
            Measure.WORDS_WITH_NOTES,
            LOOK,
            0.75,
            {"pitch_line": with_notes(*(note for i, note in enumerate(NOTES.notes) if i % 4))},
        ),
        (Measure.WORDS_WITH_NOTES, BAD, 0.5, {"pitch_line": with_notes(*NOTES.notes[::2])}),
        (Measure.NOTE_RANGE, BAD, 1, {"pitch_line": first_note(pitch=91)}),
        (Measure.NOTE_RANGE, BAD, 1, {"pitch_line": first_note(pitch=9)}),
        (Measure.NOTE_OVERLAP, LOOK, 1, {"pitch_line": first_note(duration_ms=501)}),
        (
            Measure.NOTE_OVERLAP,
            BAD,
            255 - 31,
            {"pitch_line": with_notes(*(msgspec.structs.replace(note, duration_ms=600) for note in NOTES.notes))},
        ),
        (
            Measure.PITCH_LINE,
            LOOK,
            0.6,
            {"pitch_line": with_notes(*NOTES.notes, source=PitchSource.VOCALS, confidence=0.6)},
        ),
        (
            Measure.PITCH_LINE,
            BAD,
            0.3,
            {"pitch_line": with_notes(*NOTES.notes, source=PitchSource.DIFFERENCE, confidence=0.3)},
        ),
        (Measure.LOUDNESS, LOOK, -5.0, {"original": replace(LEVEL, integrated_lufs=-5.0)}),
        (Measure.LOUDNESS, BAD, -40.0, {"original": replace(LEVEL, integrated_lufs=-40.0)}),
        (Measure.LOUDNESS, LOOK, -30.0, {"original": None, "backing": replace(LEVEL, integrated_lufs=-30.0)}),
        (Measure.LOUDNESS, BAD, None, {"original": replace(LEVEL, integrated_lufs=None)}),
        (Measure.LOUDNESS_RANGE, LOOK, 20.0, {"original": replace(LEVEL, range_lu=20.0)}),
        (Measure.LOUDNESS_RANGE, BAD, 30.0, {"original": replace(LEVEL, range_lu=30.0)}),
        (Measure.TRUE_PEAK, LOOK, 2.0, {"original": replace(LEVEL, true_peak_dbtp=2.0)}),
        (Measure.TRUE_PEAK, BAD, 6.0, {"original": replace(LEVEL, true_peak_dbtp=6.0)}),
        (Measure.CLIPPING, LOOK, 0.2, {"waveform": wave((20, 127), (80, 90))}),
        (Measure.CLIPPING, BAD, 0.6, {"waveform": wave((60, 128), (40, 90))}),
        (Measure.SILENCE_BEFORE, LOOK, 10, {"waveform": wave((10, 0), (170, 90))}),
        (Measure.SILENCE_BEFORE, BAD, 180, {"waveform": wave((180, 0))}),
        (Measure.SILENCE_AFTER, LOOK, 12, {"waveform": wave((168, 90), (12, 0))}),
        (Measure.SILENCE_AFTER, BAD, 30, {"waveform": wave((150, 90), (30, 0))}),
        (Measure.SILENCE_INSIDE, LOOK, 10, {"waveform": wave((100, 90), (10, 0), (70, 90))}),
        (Measure.SILENCE_INSIDE, BAD, 25, {"waveform": wave((50, 90), (25, 0), (5, 90), (10, 0), (90, 90))}),
        (Measure.ACCOMPANIMENT_LENGTH, LOOK, 5, {"accompaniment_ms": DURATION_MS + 5_000}),
        (Measure.ACCOMPANIMENT_LENGTH, BAD, -11, {"accompaniment_ms": DURATION_MS - 11_000}),
        (Measure.ACCOMPANIMENT_LEVEL, LOOK, 3.0, {"backing": replace(LEVEL, integrated_lufs=-11.0)}),
        (Measure.ACCOMPANIMENT_LEVEL, BAD, -20.0, {"backing": replace(LEVEL, integrated_lufs=-34.0)}),
        (Measure.ACCOMPANIMENT_LEVEL, BAD, None, {"backing": replace(LEVEL, integrated_lufs=None)}),
        (Measure.HIGHLIGHT, LOOK, None, {"highlight": None}),
        (Measure.HIGHLIGHT, LOOK, 0.1, {"highlight": chosen(rule=Rule.MIDDLE, confidence=0.1)}),
        (
            Measure.HIGHLIGHT_LENGTH,
            LOOK,
            14.0,
            {"highlight": chosen(clip=Span(begin_ms=60_000, end_ms=74_000), prelude_ms=0)},
        ),
        (Measure.HIGHLIGHT_LENGTH, LOOK, 43.0, {"highlight": chosen(segments=(Span(begin_ms=60_000, end_ms=64_000),))}),
        (Measure.HIGHLIGHT_LENGTH, BAD, 119.0, {"highlight": chosen(clip=Span(begin_ms=60_000, end_ms=179_000))}),
        (
            Measure.HIGHLIGHT_LENGTH,
            BAD,
            4.0,
            {"highlight": chosen(clip=Span(begin_ms=60_000, end_ms=64_000), prelude_ms=0)},
        ),
        (Measure.HIGHLIGHT_PLACE, LOOK, 1, {"highlight": chosen(clip=Span(begin_ms=56_000, end_ms=97_000))}),
        (
            Measure.HIGHLIGHT_PLACE,
            BAD,
            0,
            {"highlight": chosen(clip=Span(begin_ms=156_000, end_ms=181_000), segments=())},
        ),
        (Measure.TEMPO, LOOK, None, {"bpm": None}),
        (Measure.TEMPO, LOOK, 120, {"bpm": 120, "tempo_confidence": 0.1}),
        (Measure.COVER, LOOK, None, {"cover_px": None}),
        (Measure.COVER, LOOK, 200, {"cover_px": (200, 800)}),
        (Measure.COVER, BAD, 16, {"cover_px": (16, 16)}),
    ],
)
def test_every_fault_is_found_with_its_figure(
    measure: Measure, verdict: Verdict, figure: float | None, changes: dict[str, Any]
) -> None:
    check = checks_of(replace(SONG, **changes))[measure]
    assert (check.verdict, check.figure) == (verdict, pytest.approx(figure) if figure is not None else None)
    assert check.words
    assert worst(judge(replace(SONG, **changes))) is not GOOD


def test_every_measure_can_fail() -> None:
    """The table above leaves none out."""
    (mark,) = [mark for mark in test_every_fault_is_found_with_its_figure.pytestmark if mark.name == "parametrize"]
    assert {case[0] for case in mark.args[1]} == set(Measure)


def test_measures_have_a_title_in_both_languages_and_a_unit() -> None:
    for measure in Measure:
        assert measure.title
        assert any("\u4e00" <= character <= "\u9fff" for character in measure.chinese)
        assert measure.unit in Unit


def test_a_fault_says_where_to_look() -> None:
    silent = checks_of(replace(SONG, waveform=wave((100, 90), (10, 0), (70, 90))))[Measure.SILENCE_INSIDE]
    assert silent.places == (Span(begin_ms=100_000, end_ms=110_000),)
    overlong = lines_changed(1, end_ms=2_000)
    assert checks_of(replace(SONG, lyrics=overlong))[Measure.LYRIC_OVERLAP].places == (
        Span(begin_ms=15_000, end_ms=16_000),
    )


def test_voices_may_overlap_and_so_may_what_is_sung_behind_them() -> None:
    both = tuple(line for begin in BEGINS_MS for line in (sung_line(begin), sung_line(begin + 100, voices=(2,))))
    assert checks_of(replace(SONG, lyrics=with_lines(*both)))[Measure.LYRIC_OVERLAP].figure == 0
    behind = tuple(line for begin in BEGINS_MS for line in (sung_line(begin), sung_line(begin, is_background=True)))
    assert checks_of(replace(SONG, lyrics=with_lines(*behind)))[Measure.LYRIC_OVERLAP].figure == 0
    notes = with_notes(*NOTES.notes, *(msgspec.structs.replace(note, voice=2) for note in NOTES.notes))
    assert checks_of(replace(SONG, pitch_line=notes))[Measure.NOTE_OVERLAP].figure == 0


def test_spoken_notes_count_for_their_words_and_have_no_pitch_to_judge() -> None:
    rap = with_notes(*(msgspec.structs.replace(note, kind=NoteKind.RAP, pitch=0) for note in NOTES.notes))
    checks = checks_of(replace(SONG, pitch_line=rap))
    assert checks[Measure.WORDS_WITH_NOTES].figure == 1
    assert checks[Measure.NOTE_RANGE].figure == 0
    assert Measure.NOTES_ON_WORDS not in checks


def test_a_short_song_may_be_its_own_highlight() -> None:
    lyrics = with_lines(sung_line(2_000), sung_line(6_000))
    clip = Span(begin_ms=0, end_ms=10_000)
    short = replace(
        SONG, duration_ms=12_000, accompaniment_ms=12_000, lyrics=lyrics, highlight=chosen(clip=clip, segments=())
    )
    assert checks_of(short)[Measure.HIGHLIGHT_LENGTH].verdict is GOOD


def test_a_song_that_has_nothing_is_judged_by_what_it_lacks() -> None:
    checks = checks_of(Evidence(duration_ms=0, lacking_badly=("sound", "lyrics")))
    assert set(checks) == {Measure.FILES, Measure.PARTS, Measure.HIGHLIGHT, Measure.TEMPO, Measure.COVER}
    assert checks[Measure.PARTS].verdict is BAD


@pytest.mark.parametrize(
    "song",
    [
        replace(SONG, lyrics=with_lines(Line(begin_ms=5_000, end_ms=5_000, text=""))),
        replace(SONG, lyrics=with_lines(Line(begin_ms=5_000, end_ms=4_000, text="好", words=(Word(syllables=()),)))),
        replace(SONG, lyrics=with_lines(Line(begin_ms=-9, end_ms=-5, text="好", voices=()))),
        replace(SONG, pitch_line=with_notes()),
        replace(SONG, pitch_line=with_notes(Note(begin_ms=-5, duration_ms=-9, pitch=-1))),
        replace(SONG, waveform=wave()),
        replace(SONG, highlight=chosen(clip=Span(begin_ms=9, end_ms=5), segments=(Span(begin_ms=0, end_ms=0),))),
        replace(SONG, duration_ms=0, accompaniment_ms=0),
    ],
    ids=["no length", "no syllable", "nobody sings", "no notes", "backwards", "no waveform", "no clip", "no song"],
)
def test_what_no_import_would_make_is_judged_all_the_same(song: Evidence) -> None:
    assert all(check.words for check in judge(song))


LIMITS = st.tuples(st.floats(-100, 100), st.floats(-100, 100)).map(lambda pair: Limit(*pair))


@given(LIMITS, st.floats(-200, 200), st.floats(-200, 200))
def test_a_figure_farther_from_good_is_never_better(limit: Limit, one: float, other: float) -> None:
    nearer, farther = sorted((one, other), reverse=limit.good > limit.bad)
    assert limit.judge(nearer).weight <= limit.judge(farther).weight
    assert limit.judge(limit.good) is GOOD


SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda s: Span(begin_ms=s[0], end_ms=s[0] + s[1]))
)


@given(SPANS, st.integers(0, 60), st.integers(0, 20))
def test_stretches_cover_what_their_spans_cover(spans: list[Span], begin_ms: int, length_ms: int) -> None:
    instants = {at for span in spans for at in range(span.begin_ms, span.end_ms)}
    stretches = Stretches(spans)
    asked = Span(begin_ms=begin_ms, end_ms=begin_ms + length_ms)
    assert stretches.covered_ms == len(instants)
    assert stretches.overlap_ms(asked) == len(instants.intersection(range(asked.begin_ms, asked.end_ms)))
    assert sum(gap.duration_ms for gap in stretches.gaps) == (
        max(instants) + 1 - min(instants) if instants else 0
    ) - len(instants)


def test_the_page_about_it_names_every_check_and_its_limits() -> None:
    page = (Path(__file__).parents[3] / "docs/quality.md").read_text("utf-8")
    rows = {
        cells[0]: cells[1:]
        for line in page.splitlines()
        if line.startswith("| ") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 4
    }
    for measure in Measure:
        assert rows[measure.title][0] == measure.chinese
    numbers = {
        title: [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", " ".join(row[1:]))]
        for title, row in rows.items()
    }
    for measure, expected in {
        Measure.LYRIC_COVERAGE: [100 * each for each in limits.COVERAGE],
        Measure.LYRIC_GAP: limits.LONGEST_GAP_S,
        Measure.LYRIC_EDGES: limits.MOST_EDGE_S,
        Measure.LYRIC_OVERLAP: (100 * limits.OVERLAPS.bad, limits.LEAST_OVERLAP_MS),
        Measure.OUTSIDE_LINE: (100 * limits.OUTSIDE_LINE.bad,),
        Measure.FAST_WORDS: (*(100 * each for each in limits.FAST_WORDS), limits.SHORTEST_SYLLABLE_MS),
        Measure.NOTES_ON_WORDS: [100 * each for each in limits.NOTES_ON_WORDS],
        Measure.WORDS_WITH_NOTES: [100 * each for each in limits.WORDS_WITH_NOTES],
        Measure.NOTE_OVERLAP: (100 * limits.OVERLAPPING_NOTES.bad,),
        Measure.PITCH_LINE: limits.PITCH_CONFIDENCE,
        Measure.LOUDNESS: (
            limits.SOFTEST_LUFS.good,
            limits.LOUDEST_LUFS.good,
            limits.SOFTEST_LUFS.bad,
            limits.LOUDEST_LUFS.bad,
        ),
        Measure.LOUDNESS_RANGE: limits.RANGE_LU,
        Measure.TRUE_PEAK: limits.TRUE_PEAK_DBTP,
        Measure.CLIPPING: [100 * each for each in limits.CLIPPED],
        Measure.SILENCE_BEFORE: limits.BEFORE_S,
        Measure.SILENCE_AFTER: limits.AFTER_S,
        Measure.SILENCE_INSIDE: limits.INSIDE_S,
        Measure.ACCOMPANIMENT_LENGTH: limits.ACCOMPANIMENT_LENGTH_S,
        Measure.ACCOMPANIMENT_LEVEL: (
            -limits.QUIETER_BY_LU.good,
            limits.LOUDER_BY_LU.good,
            -limits.QUIETER_BY_LU.bad,
            limits.LOUDER_BY_LU.bad,
        ),
        Measure.HIGHLIGHT: (limits.HIGHLIGHT_CONFIDENCE.good,),
        Measure.HIGHLIGHT_LENGTH: (
            limits.SHORTEST_SUNG_MS / 1000,
            CLIP.longest_ms / 1000,
            limits.SHORTEST_CLIP_MS / 1000,
            limits.LONGEST_CLIP_MS / 1000,
        ),
        Measure.TEMPO: (limits.TEMPO_CONFIDENCE.good,),
        Measure.COVER: limits.COVER_PX,
    }.items():
        assert numbers[measure.title] == pytest.approx(list(expected)), measure
