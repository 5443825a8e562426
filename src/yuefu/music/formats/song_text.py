"""The words of an UltraStar text without its notes, and a text for words that have none."""

import msgspec

from yuefu.music import ultrastar
from yuefu.music.formats.text import ParsedLyrics, flatten
from yuefu.music.lyrics import Lyrics, with_words
from yuefu.music.notes import Note, NoteKind, PitchLine
from yuefu.music.ultrastar.singing import MIDDLE_C

UNTITLED = "无题"
"""A song text needs a title."""

_TAGS = {"ti": "title", "ar": "artist", "la": "language", "ge": "genre", "by": "creator"}


def parse(data: bytes, *, file: str = "") -> ParsedLyrics:
    """What the song sings; raises as `ultrastar.parse`."""
    song = ultrastar.parse(data, file=file)
    headers = {tag: str(getattr(song, field)) for tag, field in _TAGS.items() if getattr(song, field)}
    if song.title == UNTITLED:
        del headers["ti"]
    lyrics = msgspec.structs.replace(song.lyrics, headers=headers)
    return ParsedLyrics(lyrics=lyrics, findings=song.findings)


def render(lyrics: Lyrics, *, major_version: int = 1) -> str:
    """A song text with a freestyle note for each syllable, which nobody has to hit."""
    sung = msgspec.structs.replace(lyrics, lines=tuple(map(with_words, lyrics.lines)))
    notes = sorted(
        (
            Note(
                begin_ms=each.begin_ms,
                duration_ms=each.duration_ms,
                pitch=MIDDLE_C,
                kind=NoteKind.FREESTYLE,
                voice=voice,
            )
            for line in sung.lines
            for voice in line.voices
            for each in line.syllables
        ),
        key=lambda note: (note.begin_ms, note.voice),
    )
    song = ultrastar.UltraStarSong(
        title=flatten(lyrics.headers.get("ti", "")) or UNTITLED,
        artist=flatten(lyrics.headers.get("ar", "")),
        language=flatten(lyrics.headers.get("la", "")),
        genre=flatten(lyrics.headers.get("ge", "")),
        creator=flatten(lyrics.headers.get("by", "")),
        lyrics=sung,
        pitch_line=PitchLine(notes=tuple(notes)),
    )
    return ultrastar.render(song, major_version=major_version)
