"""From bytes to text, whatever wrote them.

Song texts carry no reliable label: the same folder may hold UTF-8, UTF-16 from an editor, GB18030 or Big5 from a
Chinese community and CP1252 from a Western one. Reading never fails; what had to be assumed is a finding.
"""

import codecs
import re
from dataclasses import dataclass

from yuefu.music.findings import Finding, FindingList
from yuefu.music.unreadable import TooLarge

LARGEST_BYTES = 4 * 1024 * 1024
"""A song text has some ten thousand bytes; beyond this nobody meant one."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Names of character sets only: Python's codecs also know ciphers, compressions and escapes.
_CHARACTER_SET = re.compile(
    r"utf-?8|us-?ascii|ascii|(cp|windows|ibm)-?\d{3,4}|iso-?8859-?\d{1,2}|latin-?\d{1,2}|koi8-?[rut]|mac-?roman"
    r"|gbk|gb-?2312|gb-?18030|big-?5(-?hkscs)?|shift-?jis|s-?jis|euc-?(jp|kr|cn)",
)
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "big5": "big5hkscs", "cp950": "big5hkscs"}
_UNNAMED = {"", "auto", "locale", "ansi"}

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")
_LINE_END = re.compile("\r\n|\r|\n")
_BYTE_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
_SAMPLE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Decoded:
    """`text` has tabs and line ends of any kind but no other control character; `encoding` is Python's name of it."""

    text: str
    encoding: str
    findings: tuple[Finding, ...] = ()


def check_size(data: bytes) -> None:
    """Raise TooLarge when `data` cannot be a song's text."""
    if len(data) > LARGEST_BYTES:
        raise TooLarge(len(data), LARGEST_BYTES, "bytes")


def decode(data: bytes, *, declared: str | None = None, file: str = "") -> Decoded:
    """The text in `data`; never raises.

    Tried in turn: a byte order mark, UTF-16 that is evident without one, UTF-8, the `declared` encoding, a guess among
    GB18030, Big5 and CP1252. UTF-8 comes before the declaration because no other text passes for it by accident, while
    editors convert a file and leave its old declaration in.
    """
    findings = FindingList(file)
    text, encoding = _read(data, declared or "", findings)
    text, dropped_count = _UNPRINTABLE.subn("", text)
    if dropped_count:
        findings.add(f"{dropped_count} control characters in the text", "left out")
    return Decoded(text, encoding, findings.close())


def leave_printable(text: str) -> str:
    """The text without control characters other than tabs and line ends: for what was not bytes, but escaped."""
    return _UNPRINTABLE.sub("", text)


def split_lines(text: str) -> list[str]:
    """The lines of `text`, whose ends may be of several kinds. Unlike str.splitlines, U+2028 and its like end none."""
    return _LINE_END.split(text)


def _read(data: bytes, declared: str, findings: FindingList) -> tuple[str, str]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _read_loosely(data[len(mark) :], encoding, findings)
    if wide := _find_wide_encoding(data):
        findings.add("no byte order mark", f"read as {wide.upper()}")
        return _read_loosely(data, wide, findings)
    named = _find_codec(declared, findings)
    if (text := _read_strictly(data, "utf-8")) is not None:
        if named not in {None, "utf-8"} and not data.isascii():
            findings.add(f"the encoding is declared as {declared}, but the text is UTF-8", "read as UTF-8")
        return text, "utf-8"
    if named:
        if (text := _read_strictly(data, named)) is not None:
            return text, named
        findings.add(f"the encoding is declared as {declared}, but the text is not in it", "guessed it")
    guess = _guess_encoding(data)
    findings.add("the text is not UTF-8", f"read as {guess.upper()}")
    return _read_loosely(data, guess, findings)


def _read_strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _read_loosely(data: bytes, encoding: str, findings: FindingList) -> tuple[str, str]:
    text = _read_strictly(data, encoding)
    if text is None:
        text = data.decode(encoding, "replace")
        findings.add(f"some bytes are not {encoding.upper()}", "replaced by U+FFFD")
    return text, encoding


def _find_wide_encoding(data: bytes) -> str | None:
    """UTF-16 shows in its zero bytes: line ends, digits and signs have them in the same half of each unit."""
    sample = data[:_SAMPLE_BYTES]
    high_zeros, low_zeros = sample[0::2].count(0), sample[1::2].count(0)
    if max(high_zeros, low_zeros) * 10 < len(sample) // 2 or len(sample) < 4:
        return None
    if low_zeros > 10 * high_zeros:
        return "utf-16-le"
    if high_zeros > 10 * low_zeros:
        return "utf-16-be"
    return None


def _find_codec(declared: str, findings: FindingList) -> str | None:
    """Python's name of the declared character set; None when none is declared or it is unknown (then a finding)."""
    wanted = declared.strip().lower().replace("_", "-")
    if wanted in _UNNAMED:
        return None
    if _CHARACTER_SET.fullmatch(wanted):
        # "cp-1252" and "utf-8" are known to Python without the hyphen, "iso-8859-1" with it.
        for spelling in (wanted, wanted.replace("-", "")):
            try:
                name = codecs.lookup(spelling).name
            except LookupError:
                continue
            return _SUPERSETS.get(name, name)
    findings.add(f"the declared encoding {declared.strip()[:40]!r} is unknown", "guessed it")
    return None


def _guess_encoding(data: bytes) -> str:
    """What a text that is not UTF-8 is most likely to be.

    GB18030 writes everyday Chinese as two high bytes; Big5 as a lead byte of a narrow range and a trail that is low in
    two cases of five; Western text has single high bytes between ASCII letters.
    """
    if _is_nearly(data, "utf-8", sum(byte >= 0xC0 for byte in data[:_SAMPLE_BYTES]), one_in=10):
        return "utf-8"
    pairs = _BYTE_PAIR.findall(data[:_SAMPLE_BYTES])
    high_trails = sum(trail >= 0xA1 for _, trail in pairs)
    gb_pairs = sum(0xA1 <= lead <= 0xF7 and trail >= 0xA1 for lead, trail in pairs)
    big5_pairs = sum(0xA1 <= lead <= 0xC6 for lead, _ in pairs)
    if gb_pairs * 5 >= len(pairs) * 4 and _is_nearly(data, "gb18030", len(pairs)):
        return "gb18030"
    if big5_pairs * 5 >= len(pairs) * 4 and high_trails * 4 >= len(pairs) and _is_nearly(data, "big5hkscs", len(pairs)):
        return "big5hkscs"
    return "cp1252"


def _is_nearly(data: bytes, encoding: str, character_count: int, *, one_in: int = 50) -> bool:
    """Whether at most `one_in` of the sample's characters beyond ASCII is broken in that encoding."""
    broken_count = data[:_SAMPLE_BYTES].decode(encoding, "replace").count("\ufffd")
    return character_count > 0 and broken_count * one_in <= character_count
