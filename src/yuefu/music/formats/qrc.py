"""QRC: lines with the time of each word after it.

    [ti:Title]
    [1200,3400]two (1200,400)words(1600,300)

All times are milliseconds of the song, each followed by a duration. The text may lie in the attribute `LyricContent` of
an XML document, as players keep it; what they distribute is encrypted, and is not read here.

Source: the practice of players, as their open-source readers of the format show it.
"""

import html
import re

from yuefu.music.findings import FindingList
from yuefu.music.formats.text import ParsedLyrics, decode_text, widen_brackets, write_tags
from yuefu.music.formats.timed_lines import WORD_TIME, lyrics_of, read_timed_text
from yuefu.music.lyrics import Lyrics, with_words
from yuefu.music.unreadable import NotInFormat

_WORD_TIME = re.compile(rf"\({WORD_TIME}\)")
_CONTENT = re.compile(r'LyricContent\s{0,9}=\s{0,9}"([^"]*)"')
_HEX = re.compile(r"\s*[0-9A-Fa-f]{64,}\s*")


def parse(data: bytes, *, file: str = "") -> ParsedLyrics:
    """The lyrics that `data` spells. Raises TooLarge, and NotInFormat for encrypted text."""
    findings = FindingList(file)
    read = read_timed_text(_unwrap(decode_text(data, findings)), findings)
    return lyrics_of(read, _WORD_TIME, findings, time_first=False)


def render(lyrics: Lyrics) -> str:
    """QRC text, its own lines ended by CRLF. A line without word times shares its time among its words."""
    lines = [
        f"[{line.begin_ms},{line.duration_ms}]"
        + "".join(
            f"{widen_brackets(each.text, _WORD_TIME)}({each.begin_ms},{each.duration_ms})"
            for each in with_words(line).syllables
        )
        for line in lyrics.lines
    ]
    return "".join(f"{line}\r\n" for line in [*write_tags(lyrics.headers), *lines])


def _unwrap(text: str) -> str:
    if text.lstrip().startswith("<"):
        if content := _CONTENT.search(text):
            return html.unescape(content[1])
        raise NotInFormat("QRC", "it is an XML document without an attribute LyricContent")
    if _HEX.fullmatch(text):
        raise NotInFormat("QRC", "it is encrypted; export it as text from what plays it")
    return text
