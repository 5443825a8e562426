"""`song.toml`, the file by which whoever delivers a song says what its song text cannot.

    id = "QMZ-0001"            # the song's key at its vendor; stays when the folder moves
    title = "茉莉花"
    singers = ["甲", "乙"]
    album = "…"
    language = "zh"
    genre = "folk"
    year = 1957

Everything is optional. The file is called `<stem>.toml` after the song text or recording beside it; that of a folder's
only song may be called `song.toml`.
"""

import tomllib
import unicodedata
from pathlib import Path

import msgspec

from yuefu.catalogue.song import SongFacts
from yuefu.ingest.contents import Contents, fold, read_text_bytes
from yuefu.ingest.refusal import Refused
from yuefu.music.findings import Finding


class Sidecar(msgspec.Struct, frozen=True, kw_only=True):
    """What the sidecar says; None is unsaid."""

    id: str | int | None = None
    title: str | None = None
    singers: tuple[str, ...] | None = None
    album: str | None = None
    language: str | None = None
    genre: str | None = None
    year: int | None = None

    @property
    def source_key(self) -> str | None:
        """The delivered id as text, None where it is not given."""
        return None if self.id is None else unicodedata.normalize("NFC", str(self.id).strip())

    def override(self, facts: SongFacts) -> SongFacts:
        """The facts with what the sidecar says in place of what was there."""
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        said.pop("id", None)
        return msgspec.structs.replace(facts, **said)


NO_SIDECAR = Sidecar()


def find_sidecar(contents: Contents, stem: str, *, alone: bool) -> Path | None:
    """The sidecar of the song called `stem`, which is `alone` in its folder or not."""
    names = {fold(f"{stem}.toml"), fold("song.toml")} if alone else {fold(f"{stem}.toml")}
    found = [file for file in contents.with_suffix({".toml"}) if fold(file.name) in names]
    return max(found, key=lambda file: fold(file.stem) == fold(stem), default=None)


def read_sidecar(path: Path) -> tuple[Sidecar, tuple[Finding, ...]]:
    """What the file says. Raises `Refused` when it cannot be understood: its id might be lost, and the song doubled."""
    try:
        table = tomllib.loads(read_text_bytes(path).decode("utf-8-sig"))
        sidecar = msgspec.convert(table, Sidecar)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise Refused(f"{path.name}: {error}") from error
    if sidecar.source_key == "":
        raise Refused(f"{path.name}: the id is empty")
    unknown = sorted(set(table) - set(Sidecar.__struct_fields__))
    return sidecar, tuple(Finding(file=path.name, problem=f"unknown key {key!r}", action="left out") for key in unknown)
