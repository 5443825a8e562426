"""How formats that write a singer's name beside a line tell voices, and what they keep in remarks."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from yuefu.music.formats.text import flatten
from yuefu.music.lyrics import Lyrics
from yuefu.music.singers import MOST_SINGERS

SEPARATOR = "/"

_NOTE = re.compile(r"\s*([a-z]{2,10})(?: ([1-9]))?:\s?(.*)")
_NOT_IN_NAMES = re.compile(r"[/\r\n<>]")


class VoiceBook:
    """Numbers for names and names for numbers; a voice without a name goes by its number.

    Names that are not known yet get the next number. Beyond as many as can sing, they are one more singer of the last.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    @classmethod
    def of(cls, lyrics: Lyrics) -> "VoiceBook":
        """The book of those who sing there."""
        book = cls()
        for number, name in enumerate(lyrics.voice_names, 1):
            book.enter(number, name)
        return book

    def enter(self, number: int, name: str) -> None:
        """Give a voice its name; the first who has a name keeps it."""
        if held := _plain(name):
            self._numbers.setdefault(held, number)

    @property
    def names(self) -> Sequence[str]:
        """The name of each voice from 1 on, "" for one without."""
        by_number = {number: name for name, number in reversed(self._numbers.items())}
        return [by_number.get(number, "") for number in range(1, max(by_number, default=0) + 1)]

    def read(self, text: str) -> tuple[int, ...]:
        """Who is meant by one or more names, the first voice by none."""
        names = dict.fromkeys(filter(None, map(_plain, text.split(SEPARATOR))))
        return tuple(sorted({self._number(name) for name in names})) or (1,)

    def write(self, voices: Iterable[int]) -> str:
        """Those voices by their names."""
        by_number = {number: name for name, number in reversed(self._numbers.items())}
        return SEPARATOR.join(by_number.get(voice, str(voice)) for voice in voices)

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            if name.isascii() and name.isdecimal() and 1 <= int(name[:4]) <= MOST_SINGERS:
                return int(name)
            self._numbers[name] = min(max(self._numbers.values(), default=0) + 1, MOST_SINGERS)
        return self._numbers[name]


def tells_voices(lyrics: Lyrics) -> bool:
    """Whether there is anything to say of who sings."""
    return len(lyrics.voices) > 1 or any(lyrics.voice_names)


def write_notes(headers: Mapping[str, str], lyrics: Lyrics) -> Iterator[str]:
    """Remarks that keep headers and the names of voices: "ar: 甲", "voice 1: 甲"."""
    yield from (f"{tag}: {flatten(value)}" for tag, value in headers.items() if value and _NOTE.fullmatch(f"{tag}: x"))
    yield from (f"voice {n}: {_plain(name)}" for n, name in enumerate(lyrics.voice_names, 1) if _plain(name))


def read_note(text: str, headers: dict[str, str], book: VoiceBook) -> None:
    """Take what a remark keeps; other remarks say nothing."""
    note = _NOTE.fullmatch(text)
    if note is None:
        return
    if note[1] == "voice" and note[2]:
        book.enter(int(note[2]), note[3])
    elif note[2] is None:
        headers.setdefault(note[1], note[3].strip())


def _plain(name: str) -> str:
    return flatten(_NOT_IN_NAMES.sub(" ", name)).replace(",", "，")
