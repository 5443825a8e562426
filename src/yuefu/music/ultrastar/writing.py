"""From a song to an UltraStar text."""

from collections import deque
from collections.abc import Iterator

from yuefu.music.lyrics import Syllable
from yuefu.music.ultrastar.body import NOTE_KINDS
from yuefu.music.ultrastar.singing import HOLDS, MIDDLE_C
from yuefu.music.ultrastar.song import UltraStarSong

_BPM = 15_000
"""A beat of exactly one millisecond: nothing is rounded, and beats are times."""

_LETTERS = {kind: letter for letter, kind in NOTE_KINDS.items()}


def render(song: UltraStarSong, *, major_version: int = 1) -> str:
    """The text of `song`; parsing it gives the same lyrics and notes. Findings and the unit grid are not kept.

    `major_version` is 1, 2 or, for games that know no versions, 0. Those take a third voice for both of the first two.
    """
    voices = sorted({note.voice for note in song.pitch_line.notes})
    lines = [f"#{tag}:{value}" for tag, value in _headers(song, major_version) if value]
    for voice in voices:
        if len(voices) > 1:
            lines.append(f"P{voice}")
        lines += _render_voice(song, voice)
    return "\n".join([*lines, "E", ""])


def _headers(song: UltraStarSong, major_version: int) -> Iterator[tuple[str, object]]:
    yield from (("VERSION", f"{major_version}.0.0" if major_version else ""), ("TITLE", song.title))
    yield from (("ARTIST", song.artist), ("LANGUAGE", song.language), ("GENRE", song.genre), ("YEAR", song.year))
    yield from (("EDITION", song.edition), ("CREATOR", song.creator))
    yield from _audio_headers(song, major_version)
    yield from (("COVER", song.cover), ("BACKGROUND", song.background), ("VIDEO", song.video))
    yield from (("BPM", _BPM), ("GAP", "0"))
    in_seconds = major_version < 2
    yield from (("START", _moment(song.start_ms, in_seconds=in_seconds)), ("END", song.end_ms))
    yield ("PREVIEWSTART", _moment(song.preview_ms, in_seconds=in_seconds))
    if song.medley:
        begin, end = ("MEDLEYSTARTBEAT", "MEDLEYENDBEAT") if in_seconds else ("MEDLEYSTART", "MEDLEYEND")
        yield from ((begin, str(song.medley.begin_ms)), (end, song.medley.end_ms))  # a beat is a millisecond
    tag = "P" if major_version else "DUETSINGERP"
    yield from ((f"{tag}{voice}", name) for voice, name in enumerate(song.lyrics.voice_names, 1))


def _audio_headers(song: UltraStarSong, major_version: int) -> Iterator[tuple[str, object]]:
    """Version 2 has no `#MP3`; before version 1 there was nothing else."""
    if major_version == 0:
        yield ("MP3", song.mp3 or song.audio)
        return
    yield ("AUDIO", song.audio or (song.mp3 if major_version > 1 else ""))
    yield ("MP3", song.mp3 if major_version == 1 else "")
    yield from (("VOCALS", song.vocals), ("INSTRUMENTAL", song.instrumental))


def _moment(time_ms: int | None, *, in_seconds: bool) -> object:
    return f"{time_ms / 1000:.3f}" if in_seconds and time_ms is not None else time_ms


def _render_voice(song: UltraStarSong, voice: int) -> Iterator[str]:
    """One voice's notes, each with the syllables that begin on it, and a phrase end between two lines.

    A note without a syllable of its own holds the one before, or, past its end, is a phrase without words.
    """
    waiting = deque(_syllables(song, voice))
    phrase, held_until_ms, is_first = 0, 0, True
    for note in (note for note in song.pitch_line.notes if note.voice == voice):
        text, note_phrase = "", phrase if note.begin_ms < held_until_ms else 0
        while waiting and waiting[0][1].begin_ms < note.end_ms:
            note_phrase, syllable = waiting.popleft()
            text, held_until_ms = text + syllable.text, syllable.end_ms
        if not is_first and (note_phrase != phrase or not note_phrase):
            yield f"- {note.begin_ms}"
        phrase, is_first = note_phrase, False
        yield f"{_LETTERS[note.kind]} {note.begin_ms} {note.duration_ms} {note.pitch - MIDDLE_C} {text or HOLDS[0]}"


def _syllables(song: UltraStarSong, voice: int) -> Iterator[tuple[int, Syllable]]:
    """The voice's syllables, each with the number (from 1) of its line."""
    for number, line in enumerate(song.lyrics.lines, 1):
        if voice in line.voices:
            for word in line.words:
                for syllable in word.syllables:
                    yield number, syllable
