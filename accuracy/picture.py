"""Pitch lines over the pitch they were made of, to be looked at: SVG pictures."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np

from accuracy.real import SCORES, SINGER, annotated_singer, read_score
from accuracy.suite import heard, items
from yuefu.music.f0 import FRAME_MS, RATE_HZ, PitchTrack, track_pitch
from yuefu.music.lyrics import Lyrics
from yuefu.music.subtraction import subtract
from yuefu.music.transcription import (
    BLEEDING_RANGE_DB,
    CLEAN_RANGE_DB,
    HeardNote,
    gate_by_level,
    transcribe,
)

PIXELS_PER_S, PIXELS_PER_SEMITONE, EDGE = 45.0, 9.0, 20.0
LONGEST_MS = 30_000
SYNTHETIC = 3


def draw_pictures(folder: Path) -> None:
    """Three synthetic songs without their accompaniment, the singer and a rendered score where they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for item in items(SYNTHETIC):
        voice = subtract(heard(item.mix), heard(item.backing), RATE_HZ).voice
        track = gate_by_level(track_pitch(voice), range_db=BLEEDING_RANGE_DB)
        _write(folder / f"{item.score.tempo:g}-{item.entry.song}.svg", track, item.lyrics, item.notes)
    if SINGER.is_dir():
        track, notes = annotated_singer()
        _write(folder / "vocadito.svg", gate_by_level(track, range_db=CLEAN_RANGE_DB), Lyrics(lines=()), notes)
    if (SCORES / "aloha_oe").is_dir():
        track, notes = read_score(SCORES / "aloha_oe")
        _write(folder / "aloha_oe.svg", gate_by_level(track, range_db=CLEAN_RANGE_DB), Lyrics(lines=()), notes)


def _write(file: Path, track: PitchTrack, lyrics: Lyrics, true: Sequence[HeardNote]) -> None:
    written = transcribe(track, lyrics).notes
    found = [HeardNote(note.begin_ms, note.end_ms, note.pitch) for note in written]
    file.write_text(draw_pitch(file.stem, track, true, found), encoding="utf-8")


def draw_pitch(title: str, track: PitchTrack, true: Sequence[HeardNote], found: Sequence[HeardNote]) -> str:
    """True notes as grey boxes, notes found as outlines, the pitch as it was heard as dots; half a minute of it."""
    first_ms = min((note.begin_ms for note in true), default=0) - 1_000
    end_ms = first_ms + LONGEST_MS
    pitches = [note.pitch for note in (*true, *found) if first_ms <= note.begin_ms < end_ms] or [60]
    highest = max(pitches) + 2
    height = (highest - min(pitches) + 2) * PIXELS_PER_SEMITONE + 2 * EDGE

    def place(at_ms: float, pitch: float) -> tuple[float, float]:
        return (at_ms - first_ms) / 1_000 * PIXELS_PER_S, EDGE + (highest - pitch) * PIXELS_PER_SEMITONE

    def boxes(notes: Sequence[HeardNote], style: str) -> Iterator[str]:
        for note in notes:
            if first_ms <= note.begin_ms < end_ms:
                x, y = place(note.begin_ms, note.pitch + 0.5)
                width = (note.end_ms - note.begin_ms) / 1_000 * PIXELS_PER_S
                yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{PIXELS_PER_SEMITONE}" {style}/>'

    dots = []
    for frame in np.flatnonzero(track.voiced):
        at_ms = float(frame * FRAME_MS)
        if first_ms <= at_ms < end_ms:
            x, y = place(at_ms, float(track.pitch[frame]))
            dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.3" fill="#c0392b"/>')
    parts = [
        *boxes(true, 'fill="#d5d8dc"'),
        *boxes(found, 'fill="none" stroke="#1f618d" stroke-width="1.3"'),
        *dots,
        f'<text x="6" y="14" font-family="sans-serif" font-size="12">{escape(title)}: true grey, found blue</text>',
    ]
    width = LONGEST_MS / 1_000 * PIXELS_PER_S
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        'xmlns="http://www.w3.org/2000/svg">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
