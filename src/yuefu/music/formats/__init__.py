"""Every lyric format: what it is called, how it is read and written, and what it carries.

`parse(render(lyrics))` gives `carried(lyrics, format.carries)`, for every format here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from yuefu.errors import YuefuError
from yuefu.music import ultrastar
from yuefu.music.formats import answers, ass, krc, lrc, qrc, song_text, ttml, webvtt, yrc
from yuefu.music.formats.carries import Carries, carried, losses
from yuefu.music.formats.text import ParsedLyrics
from yuefu.music.lyrics import Lyrics
from yuefu.music.text import decode

__all__ = [
    "FORMATS",
    "Carries",
    "LyricFormat",
    "ParsedLyrics",
    "UnknownFormat",
    "carried",
    "format_named",
    "losses",
    "read_format",
    "written_format",
]

_SAMPLE_BYTES = 64 * 1024


class UnknownFormat(YuefuError):
    """Neither a name nor an extension that any format has."""

    def __init__(self, name: str) -> None:
        names = ", ".join(each.name for each in FORMATS)
        super().__init__(f"{name!r} tells no lyric format; name one of {names}")


@dataclass(frozen=True, slots=True)
class LyricFormat:
    """A way to write lyrics. Formats of one suffix are read alike; a file of it is written as the first of them."""

    name: str
    title: str
    suffix: str
    parse: Callable[..., ParsedLyrics] = field(repr=False)
    render: Callable[[Lyrics], bytes] = field(repr=False)
    carries: Carries = field(repr=False)


def _text(render: Callable[[Lyrics], str]) -> Callable[[Lyrics], bytes]:
    return lambda lyrics: render(lyrics).encode()


_BY_WORD = Carries(free_lines=False)
_KRC = Carries(free_lines=False, translation=True, pronunciation=True, background=True)
_ULTRASTAR = Carries(free_lines=False, free_ends=False, voices=True, headers=("ti", "ar", "la", "ge", "by"))

FORMATS = (
    LyricFormat(
        "lrc", "LRC", ".lrc", lrc.parse, _text(lambda lyrics: lrc.render(lyrics, ends=True)),
        Carries(words=False, syllables=False, overlaps=False, translation=True, resolution_ms=10),
    ),
    LyricFormat(
        "enhanced-lrc", "enhanced LRC (A2)", ".lrc", lrc.parse,
        _text(lambda lyrics: lrc.render(lyrics, words=True, ends=True)),
        Carries(free_ends=False, overlaps=False, translation=True, resolution_ms=10),
    ),
    LyricFormat("krc", "KRC", ".krc", krc.parse, krc.render_encrypted, _KRC),
    LyricFormat("krc-text", "KRC, plain", ".krc", krc.parse, _text(krc.render), _KRC),
    LyricFormat("qrc", "QRC text", ".qrc", qrc.parse, _text(qrc.render), _BY_WORD),
    LyricFormat("yrc", "YRC text", ".yrc", yrc.parse, _text(yrc.render), _BY_WORD),
    LyricFormat("ultrastar", "UltraStar 1", ".txt", song_text.parse, _text(song_text.render), _ULTRASTAR),
    LyricFormat(
        "ultrastar-2", "UltraStar 2", ".txt", song_text.parse,
        _text(lambda lyrics: song_text.render(lyrics, major_version=2)), _ULTRASTAR,
    ),
    LyricFormat(
        "ultrastar-0", "UltraStar, unversioned", ".txt", song_text.parse,
        _text(lambda lyrics: song_text.render(lyrics, major_version=0)), _ULTRASTAR,
    ),
    LyricFormat(
        "ttml", "TTML", ".ttml", ttml.parse, _text(ttml.render),
        Carries(voices=True, translation=True, pronunciation=True, background=True, headers=("ti", "al")),
    ),
    LyricFormat(
        "ass", "ASS", ".ass", ass.parse, _text(ass.render),
        Carries(voices=True, translation=True, background=True, resolution_ms=10),
    ),
    LyricFormat("vtt", "WebVTT", ".vtt", webvtt.parse, _text(webvtt.render), Carries(voices=True, translation=True)),
    LyricFormat(
        "krc-json", "KRC answer", ".json", answers.parse, answers.render_krc,
        Carries(free_lines=False, syllables=False, headers=answers.TAGS),
    ),
    LyricFormat(
        "lrc-json", "LRC answer", ".json", answers.parse, answers.render_lrc,
        Carries(words=False, syllables=False, headers=answers.TAGS),
    ),
)  # fmt: skip

_SIGNS = (
    ("krc", re.compile(r"^[ \t]{0,9}\[-?\d{1,9},-?\d{1,9}\][ \t]{0,9}<-?\d{1,9},", re.MULTILINE)),
    ("yrc", re.compile(r"^[ \t]{0,9}\[-?\d{1,9},-?\d{1,9}\][ \t]{0,9}\(-?\d{1,9},-?\d{1,9},", re.MULTILINE)),
    ("qrc", re.compile(r"^[ \t]{0,9}\[-?\d{1,9},-?\d{1,9}\][^\r\n]{0,200}?\(-?\d{1,9},-?\d{1,9}\)", re.MULTILINE)),
    ("lrc", re.compile(r"^[ \t]{0,9}\[\d{1,3}:\d{1,2}[.:\]]", re.MULTILINE)),
)


def format_named(name: str) -> LyricFormat:
    """The format of that name. Raises UnknownFormat."""
    for each in FORMATS:
        if each.name == name:
            return each
    raise UnknownFormat(name)


def read_format(suffix: str, data: bytes) -> LyricFormat:
    """How a file with that suffix is read; a `.txt` that is no song text by what is in it. Raises UnknownFormat."""
    suffix = suffix.lower()
    if suffix == ".txt" and not ultrastar.is_song_text(data):
        text = decode(data[:_SAMPLE_BYTES]).text
        for name, sign in _SIGNS:
            if sign.search(text):
                return format_named(name)
    return _first(suffix)


def written_format(suffix: str, lyrics: Lyrics) -> LyricFormat:
    """How a file with that suffix is written: as JSON with words where the lyrics have any. Raises UnknownFormat."""
    if suffix.lower() == ".json" and not lyrics.has_words:
        return format_named("lrc-json")
    return _first(suffix.lower())


def _first(suffix: str) -> LyricFormat:
    for each in FORMATS:
        if each.suffix == suffix:
            return each
    raise UnknownFormat(suffix)
