"""The notes a singer is meant to hit."""

from enum import Enum

import msgspec


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


class PitchLine(msgspec.Struct, frozen=True, kw_only=True):
    """A song's notes in order of `begin_ms` (all voices merged)."""

    notes: tuple[Note, ...]
