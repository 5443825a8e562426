"""From the pitch of a voice to the notes it sings."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from yuefu.music.f0 import FRAME_MS, VOICED, PitchTrack
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import Note, PitchLine
from yuefu.units import SECOND_MS, Span

HOLD_MS = 80.0
"""How long a pitch must last to be a note of its own."""

SHORTEST_NOTE_MS = 60
AROUND_LINES_MS = 700
"""How far beyond its line's time a note may lie: line times are set by hand."""

SHORTEST_SYLLABLE_MS = 80
"""A word's begin nearer than this to a note's begin or end does not part it."""

LONGEST_LOSS_MS = 150
BEGIN_MS = 60
"""How much later than the note it is sung on a syllable may be written to begin."""

LOUD_PERCENTILE = 90
CLEAN_RANGE_DB, BLEEDING_RANGE_DB = 30.0, 18.0
"""How much softer than its loud parts singing may be, alone and with something beside it."""

ALIGNED_TUNING = 0.4
"""How much a song's notes must agree on how far they are from the tempered scale, from 0 to 1, to be moved onto it."""


@dataclass(frozen=True, slots=True)
class HeardNote:
    """A note as it was sung: `pitch` is a MIDI note number with a fraction."""

    begin_ms: float
    end_ms: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Singing:
    """What a voice sings: its notes, how sure they are (0 to 1), and when the singing begins.

    `is_with_lyrics` is False where two thirds of it lie outside the lines; then the lines were not believed.
    """

    notes: tuple[Note, ...]
    confidence: float
    begin_ms: int
    is_with_lyrics: bool = True


def transcribe(track: PitchTrack, lyrics: Lyrics, *, bleeds: bool = False) -> Singing:
    """The notes of a voice; `bleeds` says that something else is left beside it."""
    heard = gate_by_level(track, range_db=BLEEDING_RANGE_DB if bleeds else CLEAN_RANGE_DB)
    in_lines = gate_by_lyrics(heard, lyrics) if lyrics.lines else heard
    is_with_lyrics = 3 * int(in_lines.voiced.sum()) >= int(heard.voiced.sum())
    sung = in_lines if is_with_lyrics else heard
    notes = fit_to_words(find_notes(sung), lyrics)
    return Singing(write_notes(notes), confidence_of(notes, sung), first_sung_ms(heard) or 0, is_with_lyrics)


def gate_by_level(track: PitchTrack, *, range_db: float) -> PitchTrack:
    """The track without what is more than `range_db` softer than the loud parts of the singing: another's sound."""
    sung = track.level_db[track.voiced]
    if not len(sung):
        return track
    floor_db = np.percentile(sung, LOUD_PERCENTILE) - range_db
    return replace(track, confidence=np.where(track.level_db >= floor_db, track.confidence, 0.0))


def gate_by_lyrics(track: PitchTrack, lyrics: Lyrics) -> PitchTrack:
    """The track where lines are sung, and a little around them."""
    times_ms = track.times_ms
    inside = np.zeros(len(times_ms), np.bool_)
    for span in sung_spans(lyrics):
        inside |= (times_ms >= span.begin_ms - AROUND_LINES_MS) & (times_ms <= span.end_ms + AROUND_LINES_MS)
    return replace(track, confidence=np.where(inside, track.confidence, 0.0))


def sung_spans(lyrics: Lyrics) -> Iterator[Span]:
    """When each line is sung. Where words have times, a line without any is a remark and not sung."""
    for line in lyrics.lines:
        if line.words or not lyrics.has_words:
            yield Span(begin_ms=line.begin_ms, end_ms=line.end_ms)


def syllables_per_s(lyrics: Lyrics, pitch_line: PitchLine) -> float | None:
    """How many syllables, or else notes, come in a second while somebody sings; None where neither has times."""
    syllables = [syllable for line in lyrics.lines for word in line.words for syllable in word.syllables]
    lengths_ms = [each.duration_ms for each in syllables or pitch_line.notes]
    return len(lengths_ms) * SECOND_MS / sum(lengths_ms) if sum(lengths_ms) else None


def find_notes(track: PitchTrack) -> list[HeardNote]:
    """The notes of a track, in order and without overlaps."""
    if not track.voiced.any():
        return []
    from swift_f0 import PitchResult, segment_notes  # noqa: PLC0415 - as in `f0`

    heard = PitchResult(track.times_ms / 1_000, track.pitch_hz, track.confidence, track.level_db)
    return [
        HeardNote(note.start * 1_000, note.end * 1_000, 69 + 12 * np.log2(note.pitch_hz / 440))
        for note in segment_notes(heard, pitch_hold_ms=HOLD_MS)
        if (note.end - note.start) * 1_000 >= SHORTEST_NOTE_MS
    ]


def fit_to_words(notes: Sequence[HeardNote], lyrics: Lyrics) -> list[HeardNote]:
    """The notes by syllables, where these have times.

    A pitch sung on over two syllables is two notes, and one that was lost for a moment within a syllable is one.
    """
    begins_ms = np.unique([syllable.begin_ms for line in lyrics.lines for syllable in line.syllables])
    if not len(begins_ms):
        return list(notes)
    return list(_parted(_joined(notes, begins_ms), begins_ms))


def _joined(notes: Iterable[HeardNote], begins_ms: NDArray[np.int64]) -> list[HeardNote]:
    joined: list[HeardNote] = []
    for note in notes:
        before = joined[-1] if joined else None
        if (
            before
            and note.begin_ms - before.end_ms <= LONGEST_LOSS_MS
            and abs(note.pitch - before.pitch) < 0.5
            and not _begin_between(begins_ms, before.begin_ms + SHORTEST_SYLLABLE_MS, note.begin_ms + BEGIN_MS)
        ):
            joined[-1] = replace(before, end_ms=note.end_ms)
        else:
            joined.append(note)
    return joined


def _begin_between(begins_ms: NDArray[np.int64], from_ms: float, until_ms: float) -> bool:
    first, last = np.searchsorted(begins_ms, (from_ms, until_ms))
    return bool(last > first)


def _parted(notes: Iterable[HeardNote], begins_ms: NDArray[np.int64]) -> Iterator[HeardNote]:
    for note in notes:
        edges = [note.begin_ms]
        first, last = np.searchsorted(begins_ms, (note.begin_ms, note.end_ms))
        for at_ms in begins_ms[first:last]:
            if at_ms - edges[-1] >= SHORTEST_SYLLABLE_MS and note.end_ms - at_ms >= SHORTEST_SYLLABLE_MS:
                edges.append(float(at_ms))
        edges.append(note.end_ms)
        for begin_ms, end_ms in pairwise(edges):
            yield HeardNote(begin_ms, end_ms, note.pitch)


def write_notes(notes: Sequence[HeardNote]) -> tuple[Note, ...]:
    """The notes on the tempered scale, to the semitone.

    A song whose notes agree on lying beside the scale, on an instrument tuned to another pitch, is moved onto it whole:
    rounded one by one, notes of one key would fall to either side.
    """
    tuning = _tuning(notes)
    written: list[Note] = []
    for note in notes:
        begin_ms, end_ms = round(note.begin_ms), round(note.end_ms)
        if written:
            begin_ms = max(begin_ms, written[-1].end_ms)
        if end_ms > begin_ms:
            pitch = round(note.pitch - tuning)
            written.append(Note(begin_ms=begin_ms, duration_ms=end_ms - begin_ms, pitch=pitch))
    return tuple(written)


def _tuning(notes: Sequence[HeardNote]) -> float:
    """How many semitones, -0.5 to 0.5, the notes lie above the scale; 0 where they do not agree."""
    weights = np.array([note.end_ms - note.begin_ms for note in notes])
    if not weights.sum() > 0:
        return 0.0
    angles = 2 * np.pi * np.array([note.pitch for note in notes])
    mean = np.sum(weights * np.exp(1j * angles)) / np.sum(weights)
    return float(np.angle(mean) / (2 * np.pi)) if abs(mean) >= ALIGNED_TUNING else 0.0


def confidence_of(notes: Sequence[HeardNote], track: PitchTrack) -> float:
    """How sure the tracker was of the frames in the notes, on average, from 0 to 1."""
    sure: list[NDArray[np.float64]] = [
        track.confidence[int(note.begin_ms / FRAME_MS) : max(int(note.end_ms / FRAME_MS), 1)] for note in notes
    ]
    return float(np.mean(np.concatenate(sure))) if sure else 0.0


def first_sung_ms(track: PitchTrack) -> int | None:
    """When the singing begins: the first of eight frames of which seven are sung; None when nobody sings."""
    voiced = (track.confidence >= VOICED).astype(int)
    if len(voiced) < 8:
        return None
    counts = np.convolve(voiced, np.ones(8, int), "valid")
    begins = np.flatnonzero((counts >= 7) & (voiced[: len(counts)] == 1))
    return round(begins[0] * FRAME_MS) if len(begins) else None
