"""Highlights on songs whose structure is known."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from accuracy.forms import DOUBTFUL_FORMS, FOLK_FORMS, FORMS, FormedSong, form_song
from yuefu.ingest.repertoire import entries
from yuefu.music import ultrastar
from yuefu.music.highlight import Choice, choose
from yuefu.music.notes import NO_NOTES
from yuefu.music.prominence import STEP_MS, Curve
from yuefu.music.ultrastar import UltraStarSong
from yuefu.music.unreadable import UnreadableSong
from yuefu.units import Span

MARKED = Path(__file__).parents[2] / "shared/data/ultrastar"
FEWEST_LINES = 4
"""A text with fewer is a test of something else."""

ENDING_MS = 4_000
"""What is played after the last note."""

NEAR_MS = 3_000
SEEDS = range(100, 112)
"""None of those that the weights were chosen on."""

CALIBRATION_SEEDS = range(200, 240)
"""None of those that the confidences were fitted on."""

CONFIDENCES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9)
"""Where the bins of confidence begin."""

WAYS: dict[str, Callable[[FormedSong], float]] = {
    "at a third of the song": lambda song: _line_near(song, song.duration_ms / 3),
    "the loudest 20 s": lambda song: _line_near(song, _loudest_ms(song)),
    "lyrics": lambda song: _begin_ms(choose(song.lyrics, duration_ms=song.duration_ms)),
    "lyrics, loudness": lambda song: _begin_ms(
        choose(song.lyrics, duration_ms=song.duration_ms, loudness_db=song.loudness_db)
    ),
    "lyrics, loudness, notes": lambda song: _begin_ms(_choose(song)),
}


@dataclass(slots=True)
class HighlightFigures:
    """How many of `count` songs begin their best segment within 3 s of a chorus, by way and difficulty."""

    count: int = 0
    hits: dict[tuple[str, bool], int] = field(default_factory=dict)

    def share(self, way: str, *, hard: bool) -> float:
        return 100 * self.hits[way, hard] / self.count


def measure_highlights(seeds: Iterable[int] = SEEDS) -> HighlightFigures:
    """Every form, easy and hard."""
    figures = HighlightFigures()
    songs = [
        (form_song(form, hard=hard, seed=seed), hard) for form in FORMS for seed in seeds for hard in (False, True)
    ]
    figures.count = len(songs) // 2
    for song, hard in songs:
        for way, begin_of in WAYS.items():
            hit = is_hit(song, begin_of(song))
            figures.hits[way, hard] = figures.hits.get((way, hard), 0) + hit
    return figures


@dataclass(frozen=True, slots=True)
class Bin:
    """Choices of like confidence, from `least` up: how many, how sure they are on average, and which share is right;
    `doubted` is that share with the doubtful form among them, of which nothing counts as right.
    """

    least: float
    count: int
    said: float
    right: float
    doubted: float


def measure_confidence(seeds: Iterable[int] = CALIBRATION_SEEDS) -> list[Bin]:
    """Every form, folk songs' too, easy and hard, known with loudness and notes and with either; the surest first."""
    known, doubtful = (_judge_forms(forms, list(seeds)) for forms in ((*FORMS, *FOLK_FORMS), DOUBTFUL_FORMS))
    bins = []
    for least, below in zip(reversed(CONFIDENCES), (np.inf, *reversed(CONFIDENCES[1:])), strict=True):
        said, right = known[(least <= known[:, 0]) & (known[:, 0] < below)].T
        doubts = int(((least <= doubtful[:, 0]) & (doubtful[:, 0] < below)).sum())
        if len(said):
            share = float(right.sum()) / (len(right) + doubts)
            bins.append(Bin(least, len(said), float(said.mean()), float(right.mean()), share))
    return bins


def _judge_forms(forms: Iterable[str], seeds: Iterable[int]) -> Curve:
    songs = (form_song(form, hard=hard, seed=seed) for form in forms for seed in seeds for hard in (False, True))
    return np.array([pair for song in songs for pair in _judge(song)], np.float64)


def _judge(song: FormedSong) -> Iterator[tuple[float, bool]]:
    """How sure each choice is, and whether it is right."""
    for loudness_db, notes in (
        (song.loudness_db, song.pitch_line),
        (song.loudness_db, NO_NOTES),
        (None, song.pitch_line),
    ):
        choice = choose(song.lyrics, duration_ms=song.duration_ms, pitch_line=notes, loudness_db=loudness_db)
        if choice is not None:
            yield choice.confidence, is_hit(song, _begin_ms(choice))


@dataclass(frozen=True, slots=True)
class TextFigures:
    """What is chosen of a song by its words and notes alone, and what its author marked, which was not looked at.

    `marked_words` is the share of the first segment's lines whose words are sung between the marks, be it at another
    time of the song.
    """

    name: str
    choice: Choice | None
    line: str
    mark: Span | None
    marked_words: float


def measure_texts() -> list[TextFigures]:
    """The demo's songs, and what else has marks; of the latter none where it is absent."""
    demo = {entry.song: ultrastar.parse(entry.song_text) for entry in entries()}
    return [*map(_measure_text, demo.values()), *map(_measure_text, _marked())]


def _marked() -> Iterator[UltraStarSong]:
    for path in sorted(MARKED.rglob("*.txt")):
        try:
            song = ultrastar.parse(path.read_bytes())
        except UnreadableSong:  # many of these are tests of just that
            continue
        if song.medley and len(song.lyrics.lines) >= FEWEST_LINES:
            yield song


def _measure_text(song: UltraStarSong) -> TextFigures:
    duration_ms = song.lyrics.end_ms + ENDING_MS
    choice = choose(song.lyrics, duration_ms=duration_ms, pitch_line=song.pitch_line)
    begin_ms = choice.segments[0].begin_ms if choice else duration_ms
    line = next((line.text for line in song.lyrics.lines if line.begin_ms >= begin_ms), "")
    return TextFigures(song.title, choice, line, song.medley, _marked_words(song, choice))


def _marked_words(song: UltraStarSong, choice: Choice | None) -> float:
    if choice is None or song.medley is None:
        return 0.0
    chosen, marked = (_texts_in(song, span) for span in (choice.segments[0], song.medley))
    return sum(text in marked for text in chosen) / len(chosen)


def _texts_in(song: UltraStarSong, span: Span) -> list[str]:
    return [line.text for line in song.lyrics.lines if span.begin_ms <= line.begin_ms < span.end_ms]


def is_hit(song: FormedSong, begin_ms: float) -> bool:
    """Whether a chorus begins there."""
    return any(abs(begin_ms - chorus_ms) <= NEAR_MS for chorus_ms in song.chorus_ms)


def _choose(song: FormedSong) -> Choice | None:
    return choose(song.lyrics, duration_ms=song.duration_ms, pitch_line=song.pitch_line, loudness_db=song.loudness_db)


def _begin_ms(choice: Choice | None) -> float:
    return choice.segments[0].begin_ms if choice else -1e9


def _line_near(song: FormedSong, at_ms: float) -> float:
    return min((line.begin_ms for line in song.lyrics.lines), key=lambda begin_ms: abs(begin_ms - at_ms))


def _loudest_ms(song: FormedSong) -> int:
    return int(np.argmax(np.convolve(song.loudness_db, np.ones(20_000 // STEP_MS), "valid"))) * STEP_MS
