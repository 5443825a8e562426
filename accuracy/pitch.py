"""Pitch, notes, subtraction and the prelude on the synthetic suite."""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from accuracy.baseline import track_baseline
from accuracy.codec import through_codec
from accuracy.measure import NO_FRAMES, NO_NOTES, Melody, Notes, compare_melody, compare_notes
from accuracy.suite import Item, heard, items, limited, played_anew, with_backing, with_noise, with_room
from yuefu.ingest.media import SAMPLE_RATE_HZ
from yuefu.music.f0 import RATE_HZ, Mono, PitchTrack, track_pitch
from yuefu.music.lyrics import Lyrics
from yuefu.music.subtraction import NotThatBacking, subtract
from yuefu.music.transcription import (
    BLEEDING_RANGE_DB,
    CLEAN_RANGE_DB,
    HeardNote,
    first_sung_ms,
    gate_by_level,
    transcribe,
)

DRY, NOISE_10, NOISE_0, ROOM, CODEC = "dry", "noise, 10 dB", "noise, 0 dB", "room", "AAC 96k"
BACKING_10, MIX = "backing 10 dB below", "mix"
REMOVED, LIMITED = "mix − accompaniment", "limited mix − accompaniment"
LATE_SAMPLES = 1_753
"""How late the backing lies in its own file, at 44.1 kHz; prime, so that no grid of ours helps."""

GAIN = 0.63
BASELINE_ITEMS, REFUSAL_ITEMS = 4, 6
WITHOUT_LYRICS = Lyrics(lines=())


@dataclass(slots=True)
class Condition:
    """What came out over all items in one condition; `baseline` is pyin's on the first few, `same` ours on these."""

    melody: Melody = NO_FRAMES
    notes: Notes = NO_NOTES
    notes_by_words: Notes = NO_NOTES
    baseline: Melody = NO_FRAMES
    same: Melody = NO_FRAMES


@dataclass(slots=True)
class PitchFigures:
    """The conditions by name, and what else was looked at on the way."""

    conditions: dict[str, Condition] = field(default_factory=dict)
    offset_errors_samples: list[float] = field(default_factory=list)
    prelude_errors_ms: dict[str, list[float]] = field(default_factory=dict)
    refused_drifts: int = 0
    refused_others: int = 0
    items: int = 0
    tracker_x: float = 0.0
    subtraction_x: float = 0.0
    baseline_x: float = 0.0


@dataclass(slots=True)
class _Clock:
    """Seconds of audio and of CPU."""

    audio_s: float = 0.0
    cpu_s: float = 1e-9

    @property
    def times_real(self) -> float:
        return self.audio_s / self.cpu_s


def measure_pitch(count: int) -> PitchFigures:
    """All conditions of so many items."""
    figures = PitchFigures()
    tracking, subtracting, baseline = _Clock(), _Clock(), _Clock()
    with tempfile.TemporaryDirectory(prefix="yuefu-accuracy-") as folder:
        for number, item in enumerate(items(count)):
            figures.items += 1
            for name, sound in _conditions(item, number, Path(folder), figures, subtracting):
                condition = figures.conditions.setdefault(name, Condition())
                track = _timed(track_pitch, sound, tracking)
                _add(condition, name, item, track)
                if number < BASELINE_ITEMS and name in {DRY, NOISE_10, NOISE_0, MIX, REMOVED}:
                    condition.baseline += compare_melody(item.f0_hz, _timed(track_baseline, sound, baseline))
                    condition.same += compare_melody(item.f0_hz, _gated(track, name))
                if name in {DRY, REMOVED}:
                    _add_prelude(figures, name, item, _gated(track, name))
            if number < REFUSAL_ITEMS:
                _refusals(item, figures)
    figures.tracker_x, figures.subtraction_x = tracking.times_real, subtracting.times_real
    figures.baseline_x = baseline.times_real
    return figures


def _timed(track: Callable[[Mono], PitchTrack], sound: Mono, clock: _Clock) -> PitchTrack:
    begun_s = time.process_time()
    found = track(sound)
    clock.cpu_s += time.process_time() - begun_s
    clock.audio_s += len(sound) / RATE_HZ
    return found


def _conditions(
    item: Item, number: int, folder: Path, figures: PitchFigures, clock: _Clock
) -> Iterator[tuple[str, Mono]]:
    dry, backing, mix = heard(item.dry), heard(item.backing), heard(item.mix)
    yield DRY, dry
    yield NOISE_10, with_noise(dry, 10, seed=number)
    yield NOISE_0, with_noise(dry, 0, seed=number)
    yield ROOM, heard(with_room(item.dry, seed=number))
    yield CODEC, heard(through_codec(np.stack([item.dry, item.dry]), "aac", 96_000, folder))
    yield BACKING_10, with_backing(dry, backing, 10)
    yield MIX, mix
    alone = np.pad(item.backing, ((0, 0), (LATE_SAMPLES, 0))) * np.float32(GAIN)
    delivered = heard(through_codec(alone, "libmp3lame", 192_000, folder))
    for name, sound in ((REMOVED, item.mix), (LIMITED, limited(item.mix))):
        recording = heard(through_codec(sound, "aac", 192_000, folder))
        begun_s = time.process_time()
        residual = subtract(recording, delivered, RATE_HZ)
        clock.cpu_s += time.process_time() - begun_s
        clock.audio_s += len(recording) / RATE_HZ
        figures.offset_errors_samples.append(abs(residual.offset_s * SAMPLE_RATE_HZ + LATE_SAMPLES))
        yield name, residual.voice


def _gated(track: PitchTrack, name: str) -> PitchTrack:
    """As an import looks at it."""
    bleeds = name in {BACKING_10, MIX, REMOVED, LIMITED}
    return gate_by_level(track, range_db=BLEEDING_RANGE_DB if bleeds else CLEAN_RANGE_DB)


def _add(condition: Condition, name: str, item: Item, track: PitchTrack) -> None:
    bleeds = name in {BACKING_10, MIX, REMOVED, LIMITED}
    condition.melody += compare_melody(item.f0_hz, _gated(track, name))
    condition.notes += compare_notes(item.notes, _notes(track, WITHOUT_LYRICS, bleeds=bleeds))
    condition.notes_by_words += compare_notes(item.notes, _notes(track, item.lyrics, bleeds=bleeds))


def _notes(track: PitchTrack, lyrics: Lyrics, *, bleeds: bool) -> list[HeardNote]:
    """The notes of a pitch line, as whole semitones."""
    written = transcribe(track, lyrics, bleeds=bleeds).notes
    return [HeardNote(note.begin_ms, note.end_ms, note.pitch) for note in written]


def _add_prelude(figures: PitchFigures, name: str, item: Item, track: PitchTrack) -> None:
    begin_ms = first_sung_ms(track)
    first_ms = item.notes[0].begin_ms
    figures.prelude_errors_ms.setdefault(name, []).append(abs((begin_ms or 0) - first_ms))


def _refusals(item: Item, figures: PitchFigures) -> None:
    """The backing a hundred parts in a million slower, and played anew by other hands."""
    mix, backing = heard(item.mix), heard(item.backing)
    slower = np.interp(np.arange(len(backing)) * (1 - 1e-4), np.arange(len(backing)), backing).astype(np.float32)
    figures.refused_drifts += _is_refused(mix, slower)
    figures.refused_others += _is_refused(mix, heard(played_anew(item)))


def _is_refused(mix: Mono, backing: Mono) -> bool:
    try:
        subtract(mix, backing, RATE_HZ)
    except NotThatBacking:
        return True
    return False
