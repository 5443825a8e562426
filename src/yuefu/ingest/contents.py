"""The files of one folder, found by the names that people write for them."""

import os
import posixpath
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from yuefu.music.findings import Finding
from yuefu.music.text import LARGEST_BYTES

SOUND_SUFFIXES = frozenset(
    {
        ".aac",
        ".ac3",
        ".aif",
        ".aiff",
        ".amr",
        ".ape",
        ".au",
        ".caf",
        ".dff",
        ".dsf",
        ".dts",
        ".eac3",
        ".flac",
        ".m4a",
        ".m4b",
        ".m4p",
        ".mka",
        ".mp2",
        ".mp3",
        ".oga",
        ".ogg",
        ".opus",
        ".ra",
        ".rm",
        ".tak",
        ".tta",
        ".w64",
        ".wav",
        ".wma",
        ".wv",
    }
)
VIDEO_SUFFIXES = frozenset({".avi", ".flv", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".vob", ".webm", ".wmv"})
LYRIC_SUFFIXES = (".ttml", ".krc", ".yrc", ".qrc", ".ass", ".vtt", ".json", ".lrc")
"""Lyrics that may lie beside a recording; of those that say as much the first are taken."""
KARAOKE_SUFFIXES = frozenset({".krc", ".yrc", ".qrc", ".lrc"})
"""Lyrics that lie nowhere but beside a recording: the others may be something else's."""
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a name: the file, None when there is none to take, and what its owner should know."""

    path: Path | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """The files directly inside one folder, in natural order. Nothing outside `folder` is ever found through it."""

    folder: Path
    files: tuple[Path, ...]

    @classmethod
    def of(cls, folder: Path) -> "Contents":
        """List `folder`, which must be a real path. Hidden files, devices and links that lead out are left aside."""
        names = [entry.name for entry in os.scandir(folder) if not entry.name.startswith(".")]
        files = (folder / name for name in sorted(names, key=natural_order))
        return cls(folder, tuple(file for file in files if file.is_file() and file.resolve().is_relative_to(folder)))

    def with_suffix(self, suffixes: Iterable[str]) -> tuple[Path, ...]:
        return tuple(file for file in self.files if file.suffix.lower() in suffixes)

    def find(self, name: str, *, named_by: str, kinds: frozenset[str] = frozenset()) -> Found:
        """The file that `named_by` calls `name`.

        Letter case and the composition of accents do not matter; failing that, a file of the same stem is taken when
        it is the only one with a suffix in `kinds`. A name that leads out of the folder finds nothing.
        """
        relative = posixpath.normpath(name.strip().replace("\\", "/"))
        if relative.startswith(("/", "..")) or re.match(r"[A-Za-z]+:", relative):
            return Found(None, (_note(named_by, f"{name!r} lies outside the song's folder", "left out"),))
        path = self._walk(Path(relative))
        if path is not None:
            return Found(path, _mismatch(named_by, relative, path.relative_to(self.folder).as_posix()))
        stem = fold(Path(relative).stem)
        alike = [file for file in self.with_suffix(kinds) if fold(file.stem) == stem]
        if len(alike) == 1:
            return Found(alike[0], (_note(named_by, f"{name!r} is not there", f"took {alike[0].name!r}"),))
        return Found(None, (_note(named_by, f"{name!r} is not there", "left out"),))

    def _walk(self, relative: Path) -> Path | None:
        path = self.folder
        for part in relative.parts:
            if not path.is_dir():
                return None
            names = {entry.name for entry in path.iterdir() if fold(entry.name) == fold(part)}
            if not names:
                return None
            path /= part if part in names else min(names)
        inside = path.is_file() and path.resolve().is_relative_to(self.folder)
        return path if inside else None


def read_text_bytes(path: Path) -> bytes:
    """The bytes of a text file; of one larger than any song text only so many that a parser sees it is."""
    with path.open("rb") as file:
        return file.read(LARGEST_BYTES + 1)


def fold(name: str) -> str:
    """The name as it counts for comparing: no letter case, accents composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def printable(name: str) -> str:
    """The name as valid text: bytes of a file name that are not UTF-8 become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def natural_order(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """Sorts "Song 2" before "Song 10"."""
    pieces = re.findall(r"\d+|\D+", fold(name))
    return [(False, int(piece), "") if piece.isdecimal() else (True, 0, piece) for piece in pieces], name


def _note(file: str, problem: str, action: str) -> Finding:
    return Finding(file=file, problem=problem, action=action)


def _mismatch(named_by: str, wanted: str, actual: str) -> tuple[Finding, ...]:
    if unicodedata.normalize("NFC", wanted) == unicodedata.normalize("NFC", actual):
        return ()
    return (_note(named_by, f"{wanted!r} is written {actual!r} in the folder", "taken"),)
