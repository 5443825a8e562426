"""The header: lines `#TAG:value` before the first note."""

import re
from functools import cached_property
from typing import TypeVar

from yuefu.music.findings import FindingList
from yuefu.music.ultrastar.beats import FASTEST_BPM, SLOWEST_BPM
from yuefu.music.unreadable import NoTempo, NoTitle
from yuefu.units import SECOND_MS

Number = TypeVar("Number", int, float)

_COLON = re.compile("[:：]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(?:[.,][0-9]{1,12})?")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
_VERSION = re.compile(r"v?([0-9]{1,3})(?:\.[0-9]{1,3}){0,2}", re.IGNORECASE)
_YEAR = re.compile(r"[0-9]{4}")
_VOICE = re.compile(r"(?:DUETSINGER)?P([1-9])")
_ALIASES = {"AUTHOR": "CREATOR", "VOCALSAUDIO": "VOCALS", "INSTRUMENTALAUDIO": "INSTRUMENTAL"}


def split_header(line: str) -> tuple[str, str] | None:
    """Tag (upper case) and value of a header line; None when `line` is none."""
    stripped = line.strip()
    colon = _COLON.search(stripped)
    if not stripped.startswith("#") or colon is None:
        return None
    tag = stripped[1 : colon.start()].strip().upper()
    return (tag, stripped[colon.end() :].strip()) if tag else None


class Headers:
    """The values of a song's header, each with the meaning its format version gives it.

    A value that cannot be read is a finding and counts as missing. Of a tag written twice the first counts.
    """

    def __init__(self, findings: FindingList) -> None:
        self._findings = findings
        self._values: dict[str, tuple[str, int]] = {}
        self.is_empty = True

    def add(self, tag: str, value: str, line: int) -> None:
        tag = _ALIASES.get(tag, tag)
        self.is_empty = False
        if not value:
            return
        if tag in self._values:
            self._findings.add(f"#{tag[:40]} is written twice", "kept the first", line)
            return
        self._values[tag] = (value, line)

    def text(self, tag: str) -> str:
        return self._values.get(tag, ("", 0))[0]

    @property
    def title(self) -> str:
        """Raises NoTitle."""
        if title := self.text("TITLE"):
            return title
        raise NoTitle

    @property
    def bpm(self) -> float:
        """Raises NoTempo."""
        value = self.text("BPM")
        bpm = _read_number(value)
        if bpm is None or not SLOWEST_BPM <= bpm <= FASTEST_BPM:
            raise NoTempo(value[:40], slowest=SLOWEST_BPM, fastest=FASTEST_BPM)
        return bpm

    @property
    def year(self) -> int | None:
        year = _YEAR.search(self.text("YEAR"))
        return int(year[0]) if year else None

    @cached_property
    def major_version(self) -> int:
        """0 for a text without a version, as all were at first."""
        value, line = self._values.get("VERSION", ("", 0))
        version = _VERSION.fullmatch(value)
        if value and version is None:
            self._findings.add(f"#VERSION {value[:40]!r} is no version", "read as an unversioned text", line)
        return int(version[1]) if version else 0

    @property
    def is_relative(self) -> bool:
        return self.text("RELATIVE").lower() in {"yes", "true", "1"}

    @property
    def voice_names(self) -> dict[int, str]:
        """Names by the number of the voice."""
        names: dict[int, str] = {}
        for tag, (value, _) in self._values.items():
            if voice := _VOICE.fullmatch(tag):
                names.setdefault(int(voice[1]), value)
        return names

    def number(self, tag: str) -> float | None:
        return self._read(tag, _read_number(self.text(tag)))

    def whole_number(self, tag: str) -> int | None:
        value = self.text(tag)
        return self._read(tag, int(value) if _WHOLE_NUMBER.fullmatch(value) else None)

    def milliseconds(self, tag: str, *, unit_ms: int = 1) -> int | None:
        """A moment after the beginning that `tag` gives in units of `unit_ms`; None for 0, which games write for
        "not set".
        """
        value = self.number(tag)
        if value is None or value == 0:
            return None
        return self._read(tag, round(value * unit_ms) if value > 0 else None)

    def seconds_or_milliseconds(self, tag: str) -> int | None:
        """Seconds up to version 1, milliseconds from version 2 on."""
        return self.milliseconds(tag, unit_ms=SECOND_MS if self.major_version < 2 else 1)

    def _read(self, tag: str, number: Number | None) -> Number | None:
        value, line = self._values.get(tag, ("", 0))
        if value and number is None:
            self._findings.add(f"#{tag} cannot be {value[:40]!r}", "ignored", line)
        return number


def _read_number(text: str) -> float | None:
    """A decimal number with a point or a comma."""
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None
