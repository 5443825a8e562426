"""The body: notes, phrase ends, voices and tempo changes, as they are written, in beats."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from yuefu.music.findings import FindingList
from yuefu.music.notes import NoteKind
from yuefu.music.ultrastar.beats import FASTEST_BPM, SLOWEST_BPM
from yuefu.music.unreadable import TooLarge

MOST_NOTES = 20_000
BOTH_VOICES = 3

NOTE_KINDS = {
    ":": NoteKind.NORMAL,
    "*": NoteKind.GOLDEN,
    "F": NoteKind.FREESTYLE,
    "R": NoteKind.RAP,
    "G": NoteKind.RAP_GOLDEN,
}

_BEAT = "-?[0-9]{1,9}"
_NOTE = re.compile(
    rf"\s*(?P<kind>[^\s0-9#-])\s*(?::\s*)?(?P<beat>{_BEAT})\s+(?P<length>{_BEAT})\s+(?P<pitch>{_BEAT})(?:\s(?P<text>.*))?"
)
_PHRASE_END = re.compile(rf"\s*-\s*(?P<end>{_BEAT})?(?:\s+(?P<begin>{_BEAT}))?\s*(?P<rest>.*)")
_VOICE = re.compile(r"\s*P\s*(?P<voice>[1-9])\s*", re.IGNORECASE)
_TEMPO = re.compile(rf"\s*B\s*(?P<beat>{_BEAT})\s+(?P<bpm>[0-9]{{1,6}}(?:[.,][0-9]{{1,9}})?)\s*")


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """A note line. `text` is as written, blanks included; "~" where the line has none."""

    line: int
    kind: NoteKind
    beat: int
    length: int
    pitch: int
    text: str


@dataclass(slots=True)
class Body:
    """Phrases of notes for each voice label, in the order of the file, and the tempo changes as (beat, bpm)."""

    phrases: dict[int, list[list[WrittenNote]]] = field(default_factory=dict)
    changes: list[tuple[int, float]] = field(default_factory=list)
    is_ended: bool = False

    def voices(self, *, label_3_is_both: bool) -> Iterator[tuple[int, list[list[WrittenNote]]]]:
        """Each voice with its phrases, in the order of the file.

        Old duets write `P3` for what both sing; `label_3_is_both` gives those phrases to voices 1 and 2, where they
        belong in time.
        """
        shared = self.phrases.get(BOTH_VOICES, []) if label_3_is_both else []
        for label in sorted(self.phrases):
            if shared and label == BOTH_VOICES:
                continue
            phrases = [phrase for phrase in self.phrases[label] if phrase]
            if shared and label < BOTH_VOICES:
                phrases = sorted(phrases + [phrase for phrase in shared if phrase], key=lambda phrase: phrase[0].beat)
            if phrases:
                yield label, phrases


class BodyReader:
    """Takes a body line by line.

    In a relative text every beat counts from the last phrase end of its voice, which names the new beginning last.
    """

    def __init__(self, findings: FindingList, *, is_relative: bool) -> None:
        self.body = Body()
        self._findings = findings
        self._is_relative = is_relative
        self._origins: dict[int, int] = {}
        self._label = 1
        self._note_count = 0

    def take(self, text: str, line: int) -> bool:
        """Read one line; False when it is no line of a body. Raises TooLarge at more notes than a song has."""
        if text.strip().upper() == "E":
            self.body.is_ended = True
        elif voice := _VOICE.fullmatch(text):
            self._label = int(voice["voice"])
            self._phrases.append([])
        elif end := _PHRASE_END.fullmatch(text):
            self._end_phrase(end, line)
        elif tempo := _TEMPO.fullmatch(text):
            self._change_tempo(tempo, line)
        elif note := _NOTE.fullmatch(text):
            self._take_note(note, line)
        else:
            return False
        return True

    @property
    def _phrases(self) -> list[list[WrittenNote]]:
        return self.body.phrases.setdefault(self._label, [[]])

    @property
    def _origin(self) -> int:
        return self._origins.get(self._label, 0)

    def _end_phrase(self, end: re.Match[str], line: int) -> None:
        self._phrases.append([])
        if self._is_relative:
            self._origins[self._label] = self._origin + int(end["begin"] or end["end"] or 0)
        if not end["rest"]:
            return
        if self.take(end["rest"], line):
            self._findings.add("a line goes on after its phrase end", "read the rest as the next line", line)
        else:
            self._findings.add("a phrase end is followed by something else", "ignored the rest", line)

    def _change_tempo(self, tempo: re.Match[str], line: int) -> None:
        bpm = float(tempo["bpm"].replace(",", "."))
        if SLOWEST_BPM <= bpm <= FASTEST_BPM:
            self.body.changes.append((self._origin + int(tempo["beat"]), bpm))
        else:
            self._findings.add(f"the tempo changes to {tempo['bpm']}", "ignored", line)

    def _take_note(self, note: re.Match[str], line: int) -> None:
        self._note_count += 1
        if self._note_count > MOST_NOTES:
            raise TooLarge(self._note_count, MOST_NOTES, "notes")
        kind = NOTE_KINDS.get(note["kind"].upper())
        if kind is None:
            self._findings.add(f"the note type {note['kind']!r} is unknown", "kept as a freestyle note", line)
        self._phrases[-1].append(
            WrittenNote(
                line=line,
                kind=kind or NoteKind.FREESTYLE,
                beat=self._origin + int(note["beat"]),
                length=int(note["length"]),
                pitch=int(note["pitch"]),
                text=note["text"] if note["text"] is not None else "~",
            )
        )


def is_note_line(text: str) -> bool:
    """Whether `text` is a note of a known type."""
    note = _NOTE.fullmatch(text)
    return note is not None and note["kind"].upper() in NOTE_KINDS
