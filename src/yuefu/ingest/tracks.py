"""Which audio file is what: told apart by their names.

Beside a recording `X.mp3` may lie its backing, `X.instrumental.flac`, `X.accompaniment.m4a`, `X [INSTR].mp3` or
`X（伴奏）.mp3`, and its voice, `X.vocals.ogg`, `X [VOC].mp3` or `X（人声）.mp3`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from yuefu.ingest.contents import VIDEO_SUFFIXES, fold

_BACKING = r"instrumental|accompaniment|accomp|instr|inst|karaoke|backing|off[ _-]?vocal|伴奏|纯音乐|純音樂"
_VOICE = r"vocals?|voc|人声|人聲|清唱"
_ROLE = re.compile(
    rf"(?P<base>.+?)\s*(?:[._-]\s*(?P<plain>{_BACKING}|{_VOICE})|[\[(（【]\s*(?P<boxed>{_BACKING}|{_VOICE})\s*[\])）】])",
    re.IGNORECASE,
)
_LOSSLESS_SUFFIXES = frozenset(
    {".aif", ".aiff", ".ape", ".dff", ".dsf", ".flac", ".tak", ".tta", ".w64", ".wav", ".wv"}
)


@dataclass(frozen=True, slots=True)
class Tracks:
    """A song's audio as it was delivered: with its singer, without, and the singer alone.

    `spare` are files that would have done for one of these as well.
    """

    original: Path | None = None
    backing: Path | None = None
    vocals: Path | None = None
    spare: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(file for file in (self.original, self.backing, self.vocals) if file)

    def completed_by(self, other: "Tracks") -> "Tracks":
        """These, and the other's where one is missing."""
        return Tracks(self.original or other.original, self.backing or other.backing, self.vocals or other.vocals)


NO_TRACKS = Tracks()


def group_by_name(files: Iterable[Path]) -> dict[str, Tracks]:
    """The audio files by the (folded) stem they share.

    Of two files for one purpose the one counts whose form keeps more, and of those the first.
    """
    groups: dict[str, Tracks] = {}
    for file in sorted(files, key=_coarseness):
        base, role = _read_name(file.stem)
        held = groups.get(fold(base), NO_TRACKS)
        is_spare = getattr(held, role) is not None
        change: dict[str, Any] = {"spare": (*held.spare, file)} if is_spare else {role: file}
        groups[fold(base)] = replace(held, **change)
    return groups


def _coarseness(file: Path) -> int:
    """Where a file's form stands: lossless, lossy, beside a picture."""
    suffix = file.suffix.lower()
    return 0 if suffix in _LOSSLESS_SUFFIXES else 2 if suffix in VIDEO_SUFFIXES else 1


def _read_name(stem: str) -> tuple[str, str]:
    match = _ROLE.fullmatch(stem)
    if match is None:
        return stem, "original"
    word = match["plain"] or match["boxed"]
    return match["base"], "backing" if re.fullmatch(_BACKING, word, re.IGNORECASE) else "vocals"
