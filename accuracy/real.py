"""What is real: one singer with hand-made annotations, three rendered scores, and free songs with hand-made notes.

They are other people's, so they lie outside the repository; what is absent is skipped and named.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accuracy.baseline import track_baseline
from accuracy.codec import read_sound
from accuracy.measure import Melody, Notes, compare_melody, compare_notes
from accuracy.suite import heard
from yuefu.ingest.draft import SongDraft, draft_song
from yuefu.ingest.folder import SongFolder, discover
from yuefu.ingest.refusal import Refused
from yuefu.music.f0 import FRAME_MS, RATE_HZ, Mono, PitchTrack, track_pitch
from yuefu.music.highlight import Choice, choose
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import PitchLine
from yuefu.music.prominence import loudness_curve
from yuefu.music.subtraction import NotThatBacking, subtract
from yuefu.music.tempo import Tempo, find_tempo
from yuefu.music.transcription import (
    BLEEDING_RANGE_DB,
    CLEAN_RANGE_DB,
    HeardNote,
    find_notes,
    gate_by_level,
    syllables_per_s,
    write_notes,
)
from yuefu.units import Span

DATA = Path(__file__).parents[2] / "shared/data"
SINGER = DATA / "singing/vocadito_1"
SCORES = DATA / "scores/rendered"
SONGS = DATA / "ultrastar"


@dataclass(frozen=True, slots=True)
class SingerFigures:
    """The hand-annotated singer: melody, pYIN's, notes against each annotator, and one annotator against the other."""

    melody: Melody
    baseline: Melody
    notes: tuple[Notes, ...]
    between_annotators: Notes


def measure_singer() -> SingerFigures | None:
    """None where the recording is absent."""
    if not SINGER.is_dir():
        return None
    sound = heard(read_sound(SINGER / "Audio/vocadito_1.wav"))
    written = np.array(_rows(SINGER / "Annotations/F0/vocadito_1_f0.csv"))
    track = track_pitch(sound)
    places = np.searchsorted(written[:, 0], track.times_ms / 1_000).clip(max=len(written) - 1)
    f0_hz = written[places, 1]
    by_hand = [_annotated(SINGER / f"Annotations/Notes/vocadito_1_notes{name}.csv") for name in ("A1", "A2")]
    gated = gate_by_level(track, range_db=CLEAN_RANGE_DB)
    found = find_notes(gated)
    return SingerFigures(
        melody=compare_melody(f0_hz, gated),
        baseline=compare_melody(f0_hz, track_baseline(sound)),
        notes=tuple(compare_notes(notes, found) for notes in by_hand),
        between_annotators=compare_notes(*by_hand),
    )


def annotated_singer() -> tuple[PitchTrack, list[HeardNote]]:
    """What is heard of the singer, and the first annotator's notes."""
    track = track_pitch(heard(read_sound(SINGER / "Audio/vocadito_1.wav")))
    return track, _annotated(SINGER / "Annotations/Notes/vocadito_1_notesA1.csv")


def read_score(folder: Path) -> tuple[PitchTrack, list[HeardNote]]:
    """What is heard of a rendered score's melody, and its notes."""
    written = json.loads((folder / "notes.json").read_text("utf-8"))["notes"]
    true = [HeardNote(note["start"], note["start"] + note["duration"], note["midi"]) for note in written]
    return track_pitch(heard(read_sound(folder / "melody.ogg"))), true


def _rows(path: Path) -> list[list[float]]:
    with path.open(encoding="utf-8") as file:
        return [[float(cell) for cell in row] for row in csv.reader(file)]


def _annotated(path: Path) -> list[HeardNote]:
    """Begin, pitch in Hz and length of each note, in seconds."""
    return [
        HeardNote(begin_s * 1_000, (begin_s + length_s) * 1_000, 69 + 12 * float(np.log2(hz / 440)))
        for begin_s, hz, length_s in _rows(path)
    ]


@dataclass(frozen=True, slots=True)
class ScoreFigures:
    """A rendered score: its notes found in the melody alone, and in the mix without the accompaniment."""

    name: str
    melody: Notes
    difference: Notes | None
    drop_db: float | None
    why_not: str = ""


def measure_scores() -> list[ScoreFigures]:
    """Empty where the scores are absent."""
    return [_measure_score(folder) for folder in sorted(SCORES.glob("*")) if (folder / "notes.json").is_file()]


def _measure_score(folder: Path) -> ScoreFigures:
    track, true = read_score(folder)
    melody = _found(track, CLEAN_RANGE_DB)
    if not (folder / "mix.mp3").is_file():
        return ScoreFigures(folder.name, compare_notes(true, melody), None, None, "no mix")
    mix, backing = heard(read_sound(folder / "mix.mp3")), heard(read_sound(folder / "accompaniment.ogg"))
    try:
        residual = subtract(mix, backing, RATE_HZ)
    except NotThatBacking as why:
        return ScoreFigures(folder.name, compare_notes(true, melody), None, None, str(why))
    found = _found(track_pitch(residual.voice), BLEEDING_RANGE_DB)
    return ScoreFigures(folder.name, compare_notes(true, melody), compare_notes(true, found), residual.drop_db)


def _found(track: PitchTrack, range_db: float) -> list[HeardNote]:
    notes = write_notes(find_notes(gate_by_level(track, range_db=range_db)))
    return [HeardNote(note.begin_ms, note.end_ms, note.pitch) for note in notes]


@dataclass(frozen=True, slots=True)
class SeenSong:
    """A song to be drawn: `sound` is its recording at `RATE_HZ`, `mark` its author's."""

    title: str
    lyrics: Lyrics
    pitch_line: PitchLine
    mark: Span | None
    sound: Mono

    @property
    def duration_ms(self) -> int:
        return round(len(self.sound) / RATE_HZ * 1_000)


def read_songs(count: int) -> Iterator[SeenSong]:
    """The first of the free songs with their audio; none where they are absent."""
    for name, draft, original in islice(_drafts(), count):
        yield SeenSong(name, draft.lyrics, draft.pitch_line, draft.medley, heard(read_sound(original)))


@dataclass(frozen=True, slots=True)
class SongFigures:
    """A free song with hand-made notes and nothing but its mix.

    `folded` is the share of the noted frames that are heard as sung and have the note's pitch in some octave, within a
    semitone; `chance` what as many frames have at other times of the song.
    """

    name: str
    agreement: float
    chance: float
    tempo: Tempo | None
    highlight: Choice | None
    highlight_line: str


def measure_songs() -> list[SongFigures]:
    """The songs with their audio; none where they are absent."""
    return [_measure_song(*each) for each in _drafts()]


def _drafts() -> Iterator[tuple[str, SongDraft, Path]]:
    """Each song's name, what its delivery says, and its recording."""
    for folder in discover([SONGS / "cc-free", SONGS / "cc-nc"] if SONGS.is_dir() else []):
        if isinstance(folder, SongFolder) and folder.text:
            try:
                draft = draft_song(folder)
            except Refused:  # some came without their audio
                continue
            if draft.tracks.original:
                yield folder.folder.name, draft, draft.tracks.original


def _measure_song(name: str, draft: SongDraft, original: Path) -> SongFigures:
    sound = heard(read_sound(original))
    track = track_pitch(sound)
    noted = _noted(draft, len(track.pitch_hz))
    shifts = [round(seconds * 1_000 / FRAME_MS) for seconds in (7, 13, 29, 41)]
    choice = choose(
        draft.lyrics,
        duration_ms=round(len(sound) / RATE_HZ * 1_000),
        pitch_line=draft.pitch_line,
        loudness_db=loudness_curve(sound),
    )
    begin_ms = choice.segments[0].begin_ms if choice else 0
    return SongFigures(
        name=name,
        agreement=_agreement(noted, track),
        chance=float(np.mean([_agreement(np.roll(noted, shift), track) for shift in shifts])),
        tempo=find_tempo(sound, syllables_per_s=syllables_per_s(draft.lyrics, draft.pitch_line)),
        highlight=choice,
        highlight_line=next((line.text for line in draft.lyrics.lines if line.begin_ms >= begin_ms), ""),
    )


def _noted(draft: SongDraft, size: int) -> NDArray[np.float64]:
    """The pitch that is written for each frame, NaN for none."""
    pitches = np.full(size, np.nan)
    for note in draft.pitch_line.notes:
        if note.kind.is_pitched:
            pitches[round(note.begin_ms / FRAME_MS) : round(note.end_ms / FRAME_MS)] = note.pitch
    return pitches


def _agreement(noted: NDArray[np.float64], track: PitchTrack) -> float:
    voiced = track.voiced & np.isfinite(noted)
    apart = (track.pitch[voiced] - noted[voiced] + 6) % 12 - 6
    return 100 * float(np.mean(np.abs(apart) <= 1.0)) if voiced.any() else 0.0
