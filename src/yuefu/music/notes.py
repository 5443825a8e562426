"""The notes a singer is meant to hit."""

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import groupby

import msgspec

LOWEST_PITCH, HIGHEST_PITCH = 10, 90
"""What callers can draw."""

SHORTEST_PIECE_MS = 60
"""What another voice leaves of a note can be hit only if it lasts as long as this: pitch is looked at so often."""


class NoteKind(Enum):
    """How a note counts when it is scored."""

    NORMAL = "normal"
    GOLDEN = "golden"
    FREESTYLE = "freestyle"
    RAP = "rap"
    RAP_GOLDEN = "rap_golden"

    @property
    def is_pitched(self) -> bool:
        """Whether the note's pitch means anything: free and spoken notes have none."""
        return self in {NoteKind.NORMAL, NoteKind.GOLDEN}


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One note: times on the original recording's timeline, `pitch` as a MIDI note number (69 = 440 Hz)."""

    begin_ms: int
    duration_ms: int
    pitch: int
    kind: NoteKind = NoteKind.NORMAL
    voice: int = 1

    @property
    def end_ms(self) -> int:
        return self.begin_ms + self.duration_ms


class PitchSource(Enum):
    """What a pitch line was made of."""

    NOTES = "notes"
    """The delivery's own notes."""
    VOCALS = "vocals"
    """The voice alone, as delivered."""
    SEPARATED_VOCALS = "separated_vocals"
    """The voice alone, as a model made it of the original."""
    DIFFERENCE = "difference"
    """The original minus its accompaniment."""


class PitchLine(msgspec.Struct, frozen=True, kw_only=True):
    """A song's notes in order of `begin_ms` (all voices merged), what they come from, and how sure that is (0 to 1)."""

    notes: tuple[Note, ...]
    source: PitchSource = PitchSource.NOTES
    confidence: float = 1.0


NO_NOTES = PitchLine(notes=())


def merge_voices(pitch_line: PitchLine) -> tuple[Note, ...]:
    """The pitched notes as one line to hit, in order and without overlaps.

    The first voice's notes are all in it; of each further voice what lies in the rests of those before it, so that a
    part sung together is the first voice's.
    """
    pitched = sorted((note for note in pitch_line.notes if note.kind.is_pitched), key=_by_voice)
    merged: list[Note] = []
    for _, notes in groupby(pitched, key=lambda note: note.voice):
        merged = sorted([*merged, *_in_rests(notes, merged)], key=lambda note: note.begin_ms)
    return tuple(merged)


def _by_voice(note: Note) -> tuple[int, int]:
    return note.voice, note.begin_ms


def _in_rests(notes: Iterable[Note], sung: list[Note]) -> Iterator[Note]:
    """What of one voice's notes sounds while none of `sung` does; both are in order of time."""
    place, free_ms = 0, 0
    for note in notes:
        begin_ms = max(note.begin_ms, free_ms)
        free_ms = max(free_ms, note.end_ms)
        while place < len(sung) and sung[place].end_ms <= begin_ms:
            place += 1
        after = place
        while after < len(sung) and sung[after].begin_ms < note.end_ms:
            yield from _piece(note, begin_ms, sung[after].begin_ms)
            begin_ms = max(begin_ms, sung[after].end_ms)
            after += 1
        yield from _piece(note, begin_ms, note.end_ms)


def _piece(note: Note, begin_ms: int, end_ms: int) -> Iterator[Note]:
    """That stretch of a note, unless it is none or too short to be hit."""
    length_ms = end_ms - begin_ms
    if length_ms == note.duration_ms > 0 or length_ms >= SHORTEST_PIECE_MS:
        yield msgspec.structs.replace(note, begin_ms=begin_ms, duration_ms=length_ms)
