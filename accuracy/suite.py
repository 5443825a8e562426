"""The synthetic suite: excerpts of the demo's songs at other tempi, sung and played anew, so that all is known of them.

The voice and the band are the project's own; nothing here is a recording of people. It ranks and it guards against
getting worse. How well real singing is heard, only real singing says (`accuracy.real`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice

import numpy as np
import soxr
from numpy.typing import NDArray

from yuefu.ingest.media import SAMPLE_RATE_HZ, Sound
from yuefu.ingest.repertoire import entries
from yuefu.ingest.repertoire.performance import Performance, perform, sung_phrases
from yuefu.ingest.repertoire.plan import Entry, chord_track, read_plan
from yuefu.ingest.repertoire.score import Score, parse_score
from yuefu.music.f0 import FRAME_MS, RATE_HZ, Mono
from yuefu.music.lyrics import Line, Lyrics, Syllable, Word
from yuefu.music.synthesis import level_db, reverberate
from yuefu.music.transcription import HeardNote
from yuefu.music.voice import CONTROL_STEP, Singer, SungNote, melody, sing

ITEMS = 24
SECONDS = 24
SLOWEST, FASTEST = 58.0, 178.0
AUDIBLE = 0.05
"""The share of its full loudness from which the voice counts as sung."""


@dataclass(frozen=True, slots=True)
class Item:
    """An excerpt: what is heard of it at 44.1 kHz, and what is true of it.

    `f0_hz` is the voice's pitch each `FRAME_MS`, 0 where it is silent. `dry` is the voice alone without its room;
    `vocals` and `backing` are the stereo stems that add up to the recording.
    """

    entry: Entry
    score: Score
    seed: int
    dry: Mono
    vocals: Sound
    backing: Sound
    f0_hz: NDArray[np.float64]
    notes: tuple[HeardNote, ...]
    lyrics: Lyrics

    @property
    def name(self) -> str:
        return f"{self.entry.song} at {self.score.tempo:g}"

    @property
    def mix(self) -> Sound:
        return self.vocals + self.backing


def items(count: int = ITEMS, *, seed: int = 20) -> Iterator[Item]:
    """So many excerpts; the same ones for the same seed. The songs come in turn, each time sung otherwise."""
    chance = np.random.default_rng(seed)
    solo = [entry for entry in entries() if len(parse_score(entry.score_text).voices) == 1]
    for number, entry in enumerate(islice(cycle(solo), count)):
        score = parse_score(entry.score_text)
        tempo = float(np.clip(round(score.tempo * 2 ** chance.uniform(-0.6, 0.6), 1), SLOWEST, FASTEST))
        yield make_item(entry, replace(score, tempo=tempo), seed=1_000 * seed + number)


def make_item(entry: Entry, score: Score, *, seed: int) -> Item:
    """The beginning of a song as that score has it."""
    language, singer, bars = entry.piece.language, _singer(seed), _bars(score)
    stems = _perform(entry, score, seed=seed)
    end_s = bars * score.bar_units * score.unit_s
    seconds = len(stems.vocals) / SAMPLE_RATE_HZ
    phrases = [phrase for phrase in sung_phrases(score, score.voices[0], language) if phrase[-1].end_s <= end_s]
    pitch_hz, loudness = melody(phrases, singer, seconds=seconds, seed=1_000 * seed)
    times_s = np.arange(round(seconds * 1_000 / FRAME_MS)) * FRAME_MS / 1_000
    control_s = np.arange(len(pitch_hz)) * CONTROL_STEP / SAMPLE_RATE_HZ
    f0_hz = np.interp(times_s, control_s, pitch_hz)
    f0_hz[np.interp(times_s, control_s, loudness) < AUDIBLE] = 0
    return Item(
        entry=entry,
        score=score,
        seed=seed,
        dry=sing(phrases, singer, seconds=seconds, seed=1_000 * seed),
        vocals=_sound(stems.vocals),
        backing=_sound(stems.instrumental),
        f0_hz=f0_hz,
        notes=tuple(_notes(phrases)),
        lyrics=_lyrics(phrases),
    )


def played_anew(item: Item) -> Sound:
    """The backing as other hands play it: the same notes, no sample the same."""
    return _sound(_perform(item.entry, item.score, seed=item.seed + 1).instrumental)


def _perform(entry: Entry, score: Score, *, seed: int) -> Performance:
    return perform(
        score,
        chord_track(entry.piece.chords),
        [_singer(seed)],
        style=entry.style,
        language=entry.piece.language,
        seed=seed,
        only_bars=_bars(score),
    )


def _bars(score: Score) -> int:
    return max(score.intro_bars + 4, round(SECONDS / (score.bar_units * score.unit_s)))


def _singer(seed: int) -> Singer:
    singers = list(read_plan()[0].values())
    return singers[seed % len(singers)]


def heard(sound: Sound | Mono) -> Mono:
    """A sound as `Recall` keeps it: one channel at `RATE_HZ`."""
    mono = sound if sound.ndim == 1 else sound.mean(axis=0, dtype=np.float32)
    return np.asarray(soxr.resample(mono, SAMPLE_RATE_HZ, RATE_HZ), np.float32)


def with_noise(voice: Mono, snr_db: float, *, seed: int) -> Mono:
    """The voice with pink noise that much softer."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(len(voice)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1), len(voice)).astype(np.float32)
    return _beside(voice, noise, snr_db)


def with_backing(voice: Mono, backing: Mono, above_db: float) -> Mono:
    """The voice with its backing that much softer."""
    return _beside(voice, backing, above_db)


def with_room(voice: Mono, *, seed: int) -> Mono:
    """The voice at 44.1 kHz in a room that rings for 0.8 s, 7 dB softer than it."""
    echo = reverberate(voice, seconds=0.8, seed=seed).mean(axis=1)
    return _beside(voice, echo[: len(voice)], 7.0)


def limited(sound: Sound) -> Sound:
    """The sound as mastering for loudness leaves it."""
    return np.asarray(np.tanh(2.5 * sound) / np.tanh(2.5), np.float32)


def _beside(voice: Mono, other: Mono, above_db: float) -> Mono:
    gain = 10 ** ((level_db(voice[:, None]) - level_db(other[:, None]) - above_db) / 20)
    return np.asarray(voice + gain * other, np.float32)


def _sound(pcm: NDArray[np.int16]) -> Sound:
    return np.ascontiguousarray(pcm.T, np.float32) / np.float32(32_767)


def _notes(phrases: list[list[SungNote]]) -> Iterator[HeardNote]:
    for phrase in phrases:
        for note in phrase:
            yield HeardNote(note.begin_s * 1_000, note.end_s * 1_000, note.pitch)


def _lyrics(phrases: list[list[SungNote]]) -> Lyrics:
    """The phrases as lines, each syllable a word that lasts until the next."""
    return Lyrics(lines=tuple(_line(phrase) for phrase in phrases))


def _line(phrase: list[SungNote]) -> Line:
    begins = [note for place, note in enumerate(phrase) if place == 0 or note.sound is not None]
    ends_ms = [round(note.begin_s * 1_000) for note in begins[1:]] + [round(phrase[-1].end_s * 1_000)]
    words = tuple(
        Word(
            syllables=(
                Syllable(
                    begin_ms=round(note.begin_s * 1_000), duration_ms=end_ms - round(note.begin_s * 1_000), text="啦"
                ),
            )
        )
        for note, end_ms in zip(begins, ends_ms, strict=True)
    )
    return Line(begin_ms=words[0].begin_ms, end_ms=words[-1].end_ms, text="啦" * len(words), words=words)
