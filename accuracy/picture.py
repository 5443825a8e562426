"""Pitch lines over the pitch they were made of, and highlights in their songs, to be looked at: SVG pictures."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from accuracy.highlight_picture import draw_highlight
from accuracy.real import SCORES, SINGER, SeenSong, annotated_singer, read_score, read_songs
from accuracy.suite import heard, items
from yuefu.ingest.repertoire import Entry
from yuefu.ingest.repertoire.performance import perform
from yuefu.ingest.repertoire.plan import chord_track, read_plan
from yuefu.ingest.repertoire.score import parse_score
from yuefu.music import ultrastar
from yuefu.music.f0 import FRAME_MS, RATE_HZ, PitchTrack, track_pitch
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import Note
from yuefu.music.subtraction import subtract
from yuefu.music.transcription import (
    BLEEDING_RANGE_DB,
    CLEAN_RANGE_DB,
    HeardNote,
    gate_by_level,
    transcribe,
)
from yuefu.units import SECOND_MS

SONGS = 5
LONGEST_MS = 30 * SECOND_MS
PIXELS_PER_S, PIXELS_PER_SEMITONE = 45.0, 9.0
HEAD, FOOT, LEFT, RIGHT = 26.0, 52.0, 34.0, 60.0
GRID_MS = 5 * SECOND_MS
SEMITONES = 12


def draw_pictures(folder: Path) -> None:
    """Two pictures of each of five songs of the demo; and in `others` of five real ones with their notes, and the pitch
    of a singer and of a rendered score, where they are there.
    """
    others = folder / "others"
    others.mkdir(parents=True, exist_ok=True)
    for item in items(SONGS):
        name, texts = item.entry.song, ultrastar.parse(item.entry.song_text).lyrics.lines
        lines = [replace(line, text=own.text) for line, own in zip(item.lyrics.lines, texts, strict=False)]
        voice = subtract(heard(item.mix), heard(item.backing), RATE_HZ).voice
        track = gate_by_level(track_pitch(voice), range_db=BLEEDING_RANGE_DB)
        _write(
            folder / f"{name}-pitch.svg", _transcribed(item.entry.title, track, Lyrics(lines=tuple(lines)), item.notes)
        )
        _write(folder / f"{name}-highlight.svg", draw_highlight(_perform(item.entry)))
    for song in read_songs(SONGS):
        track = track_pitch(song.sound)
        _write(
            others / f"{song.title}-pitch.svg",
            draw_pitch(song.title, track, song.lyrics, _notes(song.pitch_line.notes)),
        )
        _write(others / f"{song.title}-highlight.svg", draw_highlight(song))
    alone = {"vocadito": annotated_singer} if SINGER.is_dir() else {}
    if (SCORES / "aloha_oe").is_dir():
        alone["aloha_oe"] = lambda: read_score(SCORES / "aloha_oe")
    for name, read in alone.items():
        track, notes = read()
        track = gate_by_level(track, range_db=CLEAN_RANGE_DB)
        _write(others / f"{name}-pitch.svg", _transcribed(name, track, Lyrics(lines=()), notes))


def _perform(entry: Entry) -> SeenSong:
    """The whole of a demo song, as it is delivered."""
    score, singers = parse_score(entry.score_text), read_plan()[0]
    performance = perform(
        score,
        chord_track(entry.piece.chords),
        [singers[name] for name in entry.singers],
        style=entry.style,
        language=entry.piece.language,
        seed=entry.seed,
    )
    song = ultrastar.parse(entry.song_text)
    sound = heard(performance.mix.T.astype(np.float32) / np.float32(2**15))
    return SeenSong(entry.title, song.lyrics, song.pitch_line, song.medley, sound)


def _write(file: Path, picture: str) -> None:
    file.write_text(picture, encoding="utf-8")


def _notes(notes: Iterable[Note]) -> list[HeardNote]:
    return [HeardNote(note.begin_ms, note.end_ms, note.pitch) for note in notes if note.kind.is_pitched]


def _transcribed(title: str, track: PitchTrack, lyrics: Lyrics, true: Sequence[HeardNote]) -> str:
    return draw_pitch(title, track, lyrics, true, _notes(transcribe(track, lyrics).notes))


def draw_pitch(
    title: str, track: PitchTrack, lyrics: Lyrics, true: Sequence[HeardNote], found: Sequence[HeardNote] = ()
) -> str:
    """True notes as grey boxes, notes found as outlines, the pitch as it was heard as dots; half a minute of it."""
    first_ms = min((note.begin_ms for note in true), default=0) - SECOND_MS
    last_ms = max((note.end_ms for note in true), default=0) + SECOND_MS
    end_ms = min(first_ms + LONGEST_MS, last_ms)
    shown = [note for note in true if first_ms <= note.begin_ms < end_ms]
    boxes = [note for note in found if first_ms <= note.begin_ms < end_ms]
    pitches = [*(note.pitch for note in (*shown, *boxes)), *_usual(track, first_ms, end_ms)]
    highest, lowest = round(max(pitches)) + 3, round(min(pitches)) - 3
    height = HEAD + (highest - lowest) * PIXELS_PER_SEMITONE + FOOT
    width = LEFT + (end_ms - first_ms) / SECOND_MS * PIXELS_PER_S + RIGHT
    scene = _Scene(first_ms, highest, lowest)
    legend = "as written grey, found blue, heard red" if boxes else "as written grey, heard red"
    parts = [
        *scene.grid(end_ms, width),
        *scene.boxes(shown, end_ms, 'fill="#d5d8dc"'),
        *scene.boxes(boxes, end_ms, 'fill="none" stroke="#1f618d" stroke-width="1.3"'),
        scene.dots(track, end_ms),
        *scene.words(lyrics, end_ms, height - 8),
        f'<text x="{LEFT:g}" y="16" font-size="13">{escape(title)}: {legend}</text>',
    ]
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" font-family="sans-serif" '
        'xmlns="http://www.w3.org/2000/svg">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _usual(track: PitchTrack, first_ms: float, end_ms: float) -> list[float]:
    """The lowest and the highest pitch that is heard for more than a moment; it may be octaves off what is written."""
    first, last = (round(max(at_ms, 0) / FRAME_MS) for at_ms in (first_ms, end_ms))
    pitch = track.pitch[first:last][track.voiced[first:last]]
    return np.percentile(pitch, [2, 98]).tolist() if len(pitch) else [60.0]


class _Scene:
    """Time from left to right, pitch upwards."""

    def __init__(self, first_ms: float, highest: int, lowest: int) -> None:
        self._first_ms, self._highest, self._lowest = first_ms, highest, lowest

    def _x(self, at_ms: float) -> float:
        return LEFT + (at_ms - self._first_ms) / SECOND_MS * PIXELS_PER_S

    def _y(self, pitch: float) -> float:
        return HEAD + (self._highest - pitch) * PIXELS_PER_SEMITONE

    def grid(self, end_ms: float, width: float) -> Iterator[str]:
        """Seconds, and a line for each C and G with its name."""
        bottom = self._y(self._lowest)
        for at_ms in range(int(-(-self._first_ms // GRID_MS)) * GRID_MS, int(end_ms), GRID_MS):
            x = self._x(at_ms)
            yield f'<path d="M{x:.1f} {HEAD:g}V{bottom:g}" stroke="#eee"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 13:g}" font-size="11" fill="#777">{at_ms // SECOND_MS} s</text>'
        for pitch in range(self._lowest, self._highest + 1):
            if name := {0: "C", 7: "G"}.get(pitch % SEMITONES):
                y = self._y(pitch)
                yield f'<path d="M{LEFT:g} {y:g}H{width:g}" stroke="#eee"/>'
                octave = pitch // SEMITONES - 1
                yield f'<text x="4" y="{y + 4:g}" font-size="11" fill="#777">{name}{octave}</text>'

    def boxes(self, notes: Sequence[HeardNote], end_ms: float, style: str) -> Iterator[str]:
        for note in notes:
            x, y = self._x(note.begin_ms), self._y(note.pitch + 0.5)
            width = self._x(min(note.end_ms, end_ms)) - x
            yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{PIXELS_PER_SEMITONE:g}" {style}/>'

    def dots(self, track: PitchTrack, end_ms: float) -> str:
        """What lies beyond the picture is left out."""
        path = []
        for frame in np.flatnonzero(track.voiced):
            at_ms, pitch = float(frame * FRAME_MS), float(track.pitch[frame])
            if self._first_ms <= at_ms < end_ms and self._lowest <= pitch <= self._highest:
                path.append(f"M{self._x(at_ms):.1f} {self._y(pitch):.1f}h0")
        return f'<path d="{"".join(path)}" stroke="#c0392b" stroke-width="2.6" stroke-linecap="round"/>'

    def words(self, lyrics: Lyrics, end_ms: float, y: float) -> Iterator[str]:
        """The lines that end inside, below the notes, in two rows by turns."""
        whole = [line for line in lyrics.lines if self._first_ms <= line.begin_ms and line.end_ms <= end_ms]
        for place, line in enumerate(whole):
            x, row = self._x(line.begin_ms), y - 15 * (1 - place % 2)
            yield f'<text x="{x:.1f}" y="{row:g}" font-size="11">{escape(line.text)}</text>'
