"""A song's facts as people write them: a few texts a field, checked before they are believed."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from yuefu.catalogue.genre import distinct, parse_genre
from yuefu.catalogue.identifier import BadIdentifier, parse_isrc, parse_iswc
from yuefu.catalogue.song import SongFacts, Version
from yuefu.errors import YuefuError

LISTS = frozenset({"aliases", "singers", "genres"})
"""The fields that take several texts."""

MOST_YEAR, MOST_BPM = 9999, 999
MOST_CHARACTERS = 500
_STUDIO = "studio"


class BadFact(YuefuError, ValueError):
    """A text that a field cannot take."""


def read_fact(field: str, texts: Sequence[str]) -> Any:
    """The value of a field that was written as `texts`; blank texts say nothing, and no text is "nothing known".

    Raises `BadFact`.
    """
    said = [text for text in map(_clean, texts) if text]
    if len(said) > 1 and field not in LISTS:
        raise BadFact(f"one value is taken, not {len(said)}")
    return _READERS[field](said)


def write_fact(facts: SongFacts, field: str) -> tuple[str, ...]:
    """The texts that say a field's value; none for nothing known."""
    value = getattr(facts, field)
    values = value if field in LISTS else (value,)
    return tuple(text for text in map(_text, values) if text)


def with_facts(facts: SongFacts, changes: Mapping[str, Any]) -> SongFacts:
    """The facts with other values in some fields."""
    return msgspec.structs.replace(facts, **changes)


def changed_fields(before: SongFacts, after: SongFacts) -> tuple[str, ...]:
    """The fields in which two songs' facts differ."""
    return tuple(field for field in SongFacts.__struct_fields__ if getattr(before, field) != getattr(after, field))


def _clean(text: str) -> str:
    """The text without blanks about it. Raises `BadFact` for what no name has in it."""
    if any(unicodedata.category(character) in {"Cc", "Cs"} or character == "\ufffd" for character in text):
        raise BadFact(f"{text[:40]!r} has characters in it that are no text")
    if len(text) > MOST_CHARACTERS:
        raise BadFact(f"{text[:40]!r}… has more than {MOST_CHARACTERS} characters")
    return unicodedata.normalize("NFC", text.strip())


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.value if isinstance(value, Version) else str(value)


def _one(said: list[str]) -> str:
    return said[0] if said else ""


def _title(said: list[str]) -> str:
    if not said:
        raise BadFact("a song needs a title")
    return said[0]


def _names(said: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said))


def _genres(said: list[str]) -> tuple[int, ...]:
    for text in said:
        if parse_genre(text) is None:
            raise BadFact(f"{text!r} is no genre; there are the numbers 1 to 27 and their names")
    return distinct(map(parse_genre, said))


def _number(most: int) -> Callable[[list[str]], int | None]:
    def read(said: list[str]) -> int | None:
        if not said:
            return None
        if not (said[0].isascii() and said[0].isdecimal() and 0 < int(said[0][:9]) <= most):
            raise BadFact(f"{said[0][:40]!r} is no number from 1 to {most}")
        return int(said[0])

    return read


def _identifier(parse: Callable[[str], str]) -> Callable[[list[str]], str]:
    def read(said: list[str]) -> str:
        try:
            return parse(said[0]) if said else ""
        except BadIdentifier as bad:
            raise BadFact(str(bad)) from None

    return read


def _version(said: list[str]) -> Version:
    word = _one(said).casefold()
    try:
        return Version("" if word == _STUDIO else word)
    except ValueError:
        words = ", ".join([_STUDIO, *(version.value for version in Version if version.value)])
        raise BadFact(f"{word!r} is no version; there are {words}") from None


_READERS: dict[str, Callable[[list[str]], Any]] = {
    "title": _title,
    "aliases": _names,
    "singers": _names,
    "album": _one,
    "language": _one,
    "genres": _genres,
    "year": _number(MOST_YEAR),
    "bpm": _number(MOST_BPM),
    "isrc": _identifier(parse_isrc),
    "iswc": _identifier(parse_iswc),
    "version": _version,
}

FIELDS = tuple(_READERS)
"""The facts that an operator may edit."""
