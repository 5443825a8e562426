"""From written notes on beats to what one voice sings in time: notes and lines of words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from yuefu.music.findings import FindingList
from yuefu.music.lyrics import Line, Syllable, add_text, end_word, gather_words, line_of_words, split_text
from yuefu.music.notes import Note, NoteKind
from yuefu.music.ultrastar.beats import BeatClock
from yuefu.music.ultrastar.body import WrittenNote
from yuefu.units import HOUR_MS

LATEST_MS = 6 * HOUR_MS
MIDDLE_C = 60
"""The MIDI number of pitch 0."""

HOLDS = "~～〜"
"""Signs for "the syllable goes on"; the full-width ones come from East Asian keyboards."""


@dataclass(frozen=True, slots=True)
class TimedNote:
    """A note in milliseconds; `phrase` is the number of its phrase within its voice."""

    line: int
    kind: NoteKind
    begin_ms: int
    end_ms: int
    pitch: int
    text: str
    phrase: int


def sing(
    phrases: Sequence[Sequence[WrittenNote]],
    *,
    voice: int,
    clock: BeatClock,
    findings: FindingList,
) -> tuple[list[Line], list[Note]]:
    """The lines and notes of one voice, in order of time and without overlaps; what was repaired is a finding."""
    timed = [
        note
        for phrase, written_notes in enumerate(phrases)
        for written in written_notes
        if (note := _time_note(written, phrase, clock, findings))
    ]
    in_order = sorted(timed, key=lambda note: note.begin_ms)
    for note, expected in zip(timed, in_order, strict=True):
        if note is not expected:
            findings.add("notes are not in the order of their beats", "sorted", note.line)
            break
    sung = _part_overlaps(in_order, findings)
    by_phrase = groupby(sorted(sung, key=lambda note: note.phrase), key=lambda note: note.phrase)
    lines = [line for _, notes in by_phrase if (line := _write_line(notes, voice))]
    return lines, [_as_note(note, voice) for note in sung]


def _time_note(written: WrittenNote, phrase: int, clock: BeatClock, findings: FindingList) -> TimedNote | None:
    kind, length, pitch = written.kind, written.length, MIDDLE_C + written.pitch
    if length < 0:
        findings.add("a note has a negative length", "left out", written.line)
        return None
    if length == 0:
        # Games show such a note and cannot score it.
        findings.add("a note has no length", "kept as a freestyle note of one beat", written.line)
        kind, length = NoteKind.FREESTYLE, 1
    if not 0 <= pitch <= 127:
        findings.add("a note's pitch is out of every voice's range", "kept as a freestyle note", written.line)
        kind, pitch = NoteKind.FREESTYLE, MIDDLE_C
    begin_ms, end_ms = clock.time_ms(written.beat), clock.time_ms(written.beat + length)
    if end_ms > LATEST_MS:
        findings.add("a note ends later than any song", "left out", written.line)
        return None
    if end_ms <= 0:
        findings.add("a note lies before the beginning of the audio", "left out", written.line)
        return None
    if begin_ms < 0:
        findings.add("a note begins before the audio", "cut there", written.line)
    return TimedNote(
        line=written.line,
        kind=kind,
        begin_ms=max(begin_ms, 0),
        end_ms=max(end_ms, begin_ms + 1),
        pitch=pitch,
        text=written.text,
        phrase=phrase,
    )


def _part_overlaps(notes: Iterable[TimedNote], findings: FindingList) -> list[TimedNote]:
    """The same notes, each ending before the next begins. Of two that begin together the first written stays."""
    parted: list[TimedNote] = []
    for note in notes:
        before = parted[-1] if parted else None
        if before and before.begin_ms == note.begin_ms:
            findings.add("two notes of one voice begin together", "left out the second", note.line)
            continue
        if before and before.end_ms > note.begin_ms:
            findings.add("a note goes on after the next one begins", "cut there", before.line)
            parted[-1] = replace(before, end_ms=note.begin_ms)
        parted.append(note)
    return parted


def _as_note(note: TimedNote, voice: int) -> Note:
    return Note(
        begin_ms=note.begin_ms,
        duration_ms=note.end_ms - note.begin_ms,
        pitch=note.pitch,
        kind=note.kind,
        voice=voice,
    )


def _write_line(notes: Iterable[TimedNote], voice: int) -> Line | None:
    """The line a phrase sings; None for one without words."""
    syllables: list[Syllable] = []
    for note in notes:
        _add_note(syllables, note)
    words = gather_words(syllables)
    return line_of_words(words, voices=(voice,)) if words else None


def _add_note(syllables: list[Syllable], note: TimedNote) -> None:
    """Add what `note` sings to its phrase's syllables.

    A held note prolongs the syllable before it, to which it may add a letter ("co", "~f", "fee"); one at the beginning
    of a phrase has nothing to prolong and no words.
    """
    text = note.text.lstrip()
    if text and text[0] not in HOLDS:
        add_text(syllables, note.text, begin_ms=note.begin_ms, end_ms=note.end_ms)
        return
    added = " ".join(text.lstrip(HOLDS).split())
    if syllables and _fits(syllables[-1], added):
        syllables[-1] = _prolong(syllables[-1], added, note.end_ms)
    elif added:
        add_text(syllables, added, begin_ms=note.begin_ms, end_ms=note.end_ms)
    if note.text[-1:].isspace():
        end_word(syllables)


def _fits(syllable: Syllable, text: str) -> bool:
    """Whether `text` can be a part of that syllable."""
    return not text or len(split_text(syllable.text.rstrip() + text)) == 1


def _prolong(syllable: Syllable, text: str, end_ms: int) -> Syllable:
    sung = syllable.text.rstrip() + text if text else syllable.text
    return Syllable(begin_ms=syllable.begin_ms, duration_ms=end_ms - syllable.begin_ms, text=sung)
