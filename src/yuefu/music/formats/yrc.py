"""YRC: lines with the time of each word before it.

    {"t":0,"c":[{"tx":"作曲: "},{"tx":"…"}]}     credits
    [1200,3400](1200,400,0)two (1600,300,0)words

All times are milliseconds of the song, each followed by a duration.

Source: the practice of players, as their open-source readers of the format show it.
"""

import re

from yuefu.music.findings import FindingList
from yuefu.music.formats.text import ParsedLyrics, decode_text, widen_brackets, write_tags
from yuefu.music.formats.timed_lines import WORD_TIME, TimedText, lyrics_of, read_timed_text
from yuefu.music.lyrics import Lyrics, with_words

_WORD_TIME = re.compile(rf"\({WORD_TIME},-?[0-9]{{1,9}}\)")


def parse(data: bytes, *, file: str = "") -> ParsedLyrics:
    """The lyrics that `data` spells. Raises TooLarge."""
    findings = FindingList(file)

    def leave_credits(number: int, line: str, _: TimedText) -> bool:
        if not line.lstrip().startswith("{"):
            return False
        findings.add("a line of credits is not sung", "left out", number)
        return True

    read = read_timed_text(decode_text(data, findings), findings, other=leave_credits)
    return lyrics_of(read, _WORD_TIME, findings, time_first=True)


def render(lyrics: Lyrics) -> str:
    """YRC text. A line without word times shares its time among its words."""
    lines = [
        f"[{line.begin_ms},{line.duration_ms}]"
        + "".join(
            f"({each.begin_ms},{each.duration_ms},0){widen_brackets(each.text, _WORD_TIME)}"
            for each in with_words(line).syllables
        )
        for line in lyrics.lines
    ]
    return "".join(f"{line}\n" for line in [*write_tags(lyrics.headers), *lines])
