"""SongDraft → AnalysedSong: the audio measured, the lyrics held against it, the highlight chosen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from yuefu.catalogue.song import Highlight
from yuefu.ingest.draft import SongDraft
from yuefu.ingest.media import AudioProbe, Studio, hear_nothing
from yuefu.music import highlight
from yuefu.music.findings import Finding
from yuefu.music.lyrics import Line, Lyrics, Word
from yuefu.music.notes import PitchLine

LARGEST_GAP_MS = 2_000
"""How much an accompaniment may differ in length from its original before its owner should hear of it."""


@dataclass(frozen=True, slots=True)
class Backing:
    """The accompaniment's source and its length."""

    file: Path
    duration_ms: int


@dataclass(frozen=True, slots=True)
class AnalysedSong:
    """A song about which all is known that its parts are made by.

    `original` are the files that sound together as the original: none, the recording, or vocals and backing.
    `duration_ms` is the original's, the accompaniment's where there is no original; nothing in `lyrics` and
    `pitch_line` lies beyond it.
    """

    draft: SongDraft
    original: tuple[Path, ...]
    backing: Backing | None
    duration_ms: int
    lyrics: Lyrics
    pitch_line: PitchLine
    highlight: Highlight | None
    findings: tuple[Finding, ...]


def analyse_song(draft: SongDraft, studio: Studio, *, heard: Callable[[float], None] = hear_nothing) -> AnalysedSong:
    """Measure the song. Raises `Unplayable` when its audio cannot be used."""
    tracks = draft.tracks
    probes = {
        file: studio.probe(file, heard=heard) for file in tracks.files if file != tracks.vocals or not tracks.original
    }
    original = _original(draft)
    backing = Backing(tracks.backing, probes[tracks.backing].duration_ms) if tracks.backing else None
    duration_ms = max(probes[file].duration_ms for file in original or (tracks.backing,) if file)
    lyrics, lyric_findings = fit_lyrics(draft.lyrics, duration_ms)
    pitch_line, note_findings = fit_pitch_line(draft.pitch_line, duration_ms)
    shared_ms = min(duration_ms, backing.duration_ms) if backing else duration_ms
    return AnalysedSong(
        draft=draft,
        original=original,
        backing=backing,
        duration_ms=duration_ms,
        lyrics=lyrics,
        pitch_line=pitch_line,
        highlight=_highlight(draft, lyrics, shared_ms),
        findings=(
            *draft.findings,
            *_damage(probes),
            *lyric_findings,
            *note_findings,
            *_unequal_lengths(backing, duration_ms),
        ),
    )


def _original(draft: SongDraft) -> tuple[Path, ...]:
    tracks = draft.tracks
    if tracks.original:
        return (tracks.original,)
    return (tracks.vocals, tracks.backing) if tracks.vocals and tracks.backing else ()


def _highlight(draft: SongDraft, lyrics: Lyrics, duration_ms: int) -> Highlight | None:
    choice = highlight.choose(lyrics, duration_ms=duration_ms, medley=draft.medley, preview_ms=draft.preview_ms)
    if choice is None:
        return None
    return Highlight(clip=choice.clip, prelude_ms=choice.prelude_ms, segments=choice.segments, rule=choice.rule.value)


def fit_lyrics(lyrics: Lyrics, duration_ms: int) -> tuple[Lyrics, tuple[Finding, ...]]:
    """The lyrics that are sung before the audio ends, `duration_ms` after its beginning."""
    fitted = tuple(line for line in (_fit_line(line, duration_ms) for line in lyrics.lines) if line)
    return (
        msgspec.structs.replace(lyrics, lines=fitted),
        _beyond("line", lyrics.lines, fitted, lyrics.end_ms - duration_ms),
    )


def _fit_line(line: Line, duration_ms: int) -> Line | None:
    if line.end_ms <= duration_ms:
        return line
    words = tuple(word for word in (_fit_word(word, duration_ms) for word in line.words) if word)
    if line.begin_ms >= duration_ms or (line.words and not words):
        return None
    text = line.text if len(words) == len(line.words) else "".join(word.text for word in words).strip()
    return msgspec.structs.replace(line, end_ms=duration_ms, words=words, text=text)


def _fit_word(word: Word, duration_ms: int) -> Word | None:
    syllables = tuple(
        msgspec.structs.replace(syllable, duration_ms=min(syllable.duration_ms, duration_ms - syllable.begin_ms))
        for syllable in word.syllables
        if syllable.begin_ms < duration_ms
    )
    return Word(syllables=syllables) if syllables else None


def fit_pitch_line(pitch_line: PitchLine, duration_ms: int) -> tuple[PitchLine, tuple[Finding, ...]]:
    """The notes that are sung before the audio ends."""
    fitted = tuple(
        msgspec.structs.replace(note, duration_ms=min(note.duration_ms, duration_ms - note.begin_ms))
        for note in pitch_line.notes
        if note.begin_ms < duration_ms
    )
    late_ms = max((note.end_ms for note in pitch_line.notes), default=0) - duration_ms
    return PitchLine(notes=fitted), _beyond("note", pitch_line.notes, fitted, late_ms)


def _beyond(noun: str, given: tuple[object, ...], fitted: tuple[object, ...], late_ms: int) -> tuple[Finding, ...]:
    if late_ms <= 0:
        return ()
    left_out = len(given) - len(fitted)
    action = f"{left_out} of {len(given)} {noun}s left out" if left_out else f"the last {noun} shortened"
    return (Finding(problem=f"the {noun}s end {late_ms / 1000:.1f} s after the audio", action=action),)


def _damage(probes: dict[Path, AudioProbe]) -> Iterator[Finding]:
    for file, probe in probes.items():
        if probe.damaged_packets:
            yield Finding(
                file=file.name, problem=f"{probe.damaged_packets} packets cannot be decoded", action="skipped"
            )
        if not probe.has_end:
            yield Finding(file=file.name, problem="no end mark; the file may be cut off", action="taken as it is")


def _unequal_lengths(backing: Backing | None, duration_ms: int) -> tuple[Finding, ...]:
    if backing is None or abs(backing.duration_ms - duration_ms) <= LARGEST_GAP_MS:
        return ()
    gap_s = abs(backing.duration_ms - duration_ms) / 1000
    order = "shorter" if backing.duration_ms < duration_ms else "longer"
    return (
        Finding(
            file=backing.file.name,
            problem=f"the accompaniment is {gap_s:.1f} s {order} than the original",
            action="taken as it is; both are thought to begin together",
        ),
    )
