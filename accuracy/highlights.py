"""Highlights on songs whose structure is known."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from accuracy.forms import FORMS, FormedSong, form_song
from yuefu.ingest.repertoire import entries
from yuefu.music import ultrastar
from yuefu.music.highlight import Choice, choose
from yuefu.music.prominence import STEP_MS
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
    confidences: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})

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
        choice = _choose(song)
        if choice is not None:
            figures.confidences[is_hit(song, _begin_ms(choice))].append(choice.confidence)
    return figures


@dataclass(frozen=True, slots=True)
class TextFigures:
    """What is chosen of a song by its words and notes alone, and what its author marked, which was not looked at."""

    name: str
    choice: Choice | None
    line: str
    mark: Span | None


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
    return TextFigures(song.title, choice, line, song.medley)


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
