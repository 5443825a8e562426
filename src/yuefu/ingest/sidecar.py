"""`song.toml`, the file by which whoever delivers a song says what its song text cannot.

    id = "QMZ-0001"                # the song's key at its vendor; stays when the folder moves
    title = "茉莉花"
    aliases = ["Jasmine Flower"]
    singers = ["甲", "乙"]
    album = "…"
    language = "zh"
    genre = "民歌"                  # in the vendor's own words
    genres = [19, "guofeng"]       # the documented numbers, or words that mean them
    year = 1957
    bpm = 88
    isrc = "QM-ABC-24-00001"
    iswc = "T-345.246.800-1"
    version = "live"
    chorus = 2                     # give the lines to that many singers in turn, where nothing tells who sings

    [pictures]
    "甲" = "jia.jpg"

Everything is optional. The file is called `<stem>.toml` after the song text or recording beside it; that of a folder's
only song may be called `song.toml`.
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from yuefu.catalogue.facts import BadFact, read_fact, with_facts
from yuefu.catalogue.genre import distinct, genres_in, parse_genre
from yuefu.catalogue.song import SongFacts
from yuefu.ingest.contents import Contents, fold, read_text_bytes
from yuefu.ingest.refusal import Refused
from yuefu.music.findings import Finding
from yuefu.music.singers import MOST_SINGERS

_CHECKED = ("year", "bpm", "isrc", "iswc", "version")
"""What can be wrong by itself; then it is left out, and the song comes in without it."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar says: the song's key, facts by field, files with pictures by singer, and how many sing in turn
    (0: unsaid).
    """

    source_key: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    chorus: int = 0

    def override(self, facts: SongFacts) -> SongFacts:
        """The facts with what the sidecar says in place of what was there."""
        return with_facts(facts, self.said)


NO_SIDECAR = Sidecar()


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it is written; None is unsaid."""

    id: str | int | None = None
    title: str | None = None
    aliases: tuple[str, ...] | None = None
    singers: tuple[str, ...] | None = None
    album: str | None = None
    language: str | None = None
    genre: str | None = None
    genres: tuple[str | int, ...] | None = None
    year: int | None = None
    bpm: float | None = None
    isrc: str | None = None
    iswc: str | None = None
    version: str | None = None
    chorus: int = 0
    pictures: dict[str, str] = {}


def find_sidecar(contents: Contents, stem: str, *, alone: bool) -> Path | None:
    """The sidecar of the song called `stem`, which is `alone` in its folder or not."""
    names = {fold(f"{stem}.toml"), fold("song.toml")} if alone else {fold(f"{stem}.toml")}
    found = [file for file in contents.with_suffix({".toml"}) if fold(file.name) in names]
    return max(found, key=lambda file: fold(file.stem) == fold(stem), default=None)


def read_sidecar(path: Path) -> tuple[Sidecar, tuple[Finding, ...]]:
    """What the file says. Raises `Refused` when it cannot be understood: its id might be lost, and the song doubled."""
    try:
        table = tomllib.loads(read_text_bytes(path).decode("utf-8-sig"))
        written = msgspec.convert(table, _Table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise Refused(f"{path.name}: {error}") from error
    key = None if written.id is None else unicodedata.normalize("NFC", str(written.id).strip())
    if key == "":
        raise Refused(f"{path.name}: the id is empty")
    said, problems = _understand(written)
    problems += [f"unknown key {key!r}" for key in sorted(set(table) - set(_Table.__struct_fields__))]
    chorus = written.chorus if 2 <= written.chorus <= MOST_SINGERS else 0
    if written.chorus != chorus:
        problems.append(f"chorus: {written.chorus} is no number of singers from 2 to {MOST_SINGERS}")
    findings = tuple(Finding(file=path.name, problem=problem, action="left out") for problem in problems)
    return Sidecar(key, said, written.pictures, chorus), findings


def _understand(written: _Table) -> tuple[dict[str, Any], list[str]]:
    """The facts that are written, and what is wrong with those that are not taken."""
    facts = ((name, getattr(written, name)) for name in SongFacts.__struct_fields__)
    said = {name: value for name, value in facts if value is not None}
    problems: list[str] = []
    for name in _CHECKED:
        if name in said:
            said[name] = _checked(name, said[name], problems)
    if written.genres is not None:
        said["genres"] = distinct(_genre(each, problems) for each in written.genres)
    elif written.genre is not None:
        said["genres"] = genres_in(written.genre)
    return {name: value for name, value in said.items() if value is not None}, problems


def _genre(value: str | int, problems: list[str]) -> int | None:
    number = parse_genre(str(value))
    if number is None:
        problems.append(f"genres: {value!r} is no genre")
    return number


def _checked(name: str, value: object, problems: list[str]) -> Any:
    """The fact as the catalogue writes it, None for a wrong one, which is a problem."""
    try:
        return read_fact(name, [f"{value:.0f}" if isinstance(value, float) else str(value)])
    except BadFact as bad:
        problems.append(f"{name}: {bad}")
        return None
