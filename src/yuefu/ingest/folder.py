"""Finding songs: which folders hold which, and by which key each is known.

A song is an UltraStar text, or an audio file with or without lyrics of the same name. Beside UltraStar texts an audio
file without lyrics is no song of its own: it is what a text names, or what is left of an older delivery.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yuefu.catalogue.song import SongFacts
from yuefu.ingest.contents import (
    KARAOKE_SUFFIXES,
    LYRIC_SUFFIXES,
    SOUND_SUFFIXES,
    VIDEO_SUFFIXES,
    Contents,
    fold,
    natural_order,
    printable,
    read_text_bytes,
)
from yuefu.ingest.refusal import Refused
from yuefu.ingest.sidecar import NO_SIDECAR, Sidecar, find_sidecar, read_sidecar
from yuefu.ingest.tracks import NO_TRACKS, Tracks, group_by_name
from yuefu.music import ultrastar
from yuefu.music.findings import Finding
from yuefu.music.formats.answers import is_answer
from yuefu.music.unreadable import UnreadableSong


@dataclass(frozen=True, slots=True)
class SongFolder:
    """Where one song lies. `text` is its UltraStar text, or `lyric_files` its lyrics and `tracks` its audio, as far as
    found.

    `folder` is a real path; `source_key` is the song's name for good at its vendor.
    """

    folder: Path
    stem: str
    source_key: str
    text: Path | None = None
    lyric_files: tuple[Path, ...] = ()
    tracks: Tracks = NO_TRACKS
    sidecar_file: Path | None = None
    sidecar: Sidecar = NO_SIDECAR
    findings: tuple[Finding, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(file for file in (self.text, *self.lyric_files, self.sidecar_file, *self.tracks.files) if file)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something that was delivered as a song and cannot be taken in. `facts` are known when its text could be read."""

    folder: Path
    source_key: str
    reason: str
    facts: SongFacts | None = None
    findings: tuple[Finding, ...] = ()


def discover(paths: Sequence[Path]) -> tuple[SongFolder | Rejection, ...]:
    """The songs under `paths`, folders or files, in natural order.

    A folder reached twice, through a link or another path, counts once. Of two songs with one key the second is
    rejected: it would replace the first.
    """
    found: list[SongFolder | Rejection] = []
    seen: set[Path] = set()
    for path in paths:
        under = list(_under(path, seen))
        found += under or [Rejection(path, "", f"no song found in {path}")]
    return tuple(_without_doubles(found))


def _under(path: Path, seen: set[Path]) -> Iterator[SongFolder | Rejection]:
    real = path.resolve()
    if real.is_file():
        yield from (song for song in _songs_in(real.parent, real.parent.name) if _holds(song, real))
    elif real.is_dir():
        for folder in _folders(real, seen):
            relative = folder.relative_to(real).as_posix()
            yield from _songs_in(folder.resolve(), real.name if relative == "." else relative)


def _holds(song: SongFolder | Rejection, file: Path) -> bool:
    return isinstance(song, Rejection) or file in song.files


def _folders(root: Path, seen: set[Path]) -> Iterator[Path]:
    """`root` and the folders in it, depth first. A link is followed once: where it leads back, the walk ends."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        real = folder.resolve()
        if real not in seen:
            seen.add(real)
            yield folder
            waiting += reversed(_subfolders(folder))


def _subfolders(folder: Path) -> list[Path]:
    try:
        entries = [entry for entry in folder.iterdir() if entry.is_dir()]
    except PermissionError:
        return []  # whoever lists its songs meets the same error, and says so
    names = (entry.name for entry in entries if not entry.name.startswith((".", "__MACOSX")))
    return [folder / name for name in sorted(names, key=natural_order)]


def _songs_in(folder: Path, key: str) -> Iterator[SongFolder | Rejection]:
    """The songs directly in `folder`, whose path under the import root is `key`."""
    try:
        contents = Contents.of(folder)
        songs = [*_texts(contents)]
        songs += _recordings(contents, songs)
        empty = [file for file in contents.with_suffix({".txt"}) if not read_text_bytes(file).strip()]
        if empty and any(song.text is None or _parse(song.text) for song in songs):
            empty = []  # beside a song an empty text is nothing; alone it was meant to be one
    except OSError as error:
        yield Rejection(folder, _key(key), f"cannot be read: {error.strerror}")
        return
    for song in songs:
        path_key = _key(key if len(songs) == 1 else f"{key}/{song.stem}")
        yield _with_sidecar(replace(song, source_key=path_key), contents, alone=len(songs) == 1)
    for file in empty:
        yield Rejection(folder, _key(f"{key}/{file.stem}"), f"{file.name} is empty")


def _key(path: str) -> str:
    """The path as a key: the same on systems that compose accents and on those that do not, and always valid text."""
    return unicodedata.normalize("NFC", printable(path))


def _texts(contents: Contents) -> Iterator[SongFolder]:
    for file in contents.with_suffix({".txt"}):
        if ultrastar.is_song_text(read_text_bytes(file)):
            yield SongFolder(contents.folder, file.stem, "", text=file)


def _recordings(contents: Contents, texts: Sequence[SongFolder]) -> Iterator[SongFolder]:
    groups = group_by_name(contents.with_suffix(SOUND_SUFFIXES | VIDEO_SUFFIXES))
    lyrics = _lyric_files(contents)
    alone = {stem for stem, files in lyrics.items() if any(file.suffix.lower() in KARAOKE_SUFFIXES for file in files)}
    taken = _named_files(texts, contents) if lyrics and texts else set()
    stems = {fold(text.stem) for text in texts}
    for stem in sorted({*groups, *alone}, key=natural_order):
        tracks, lyric_files = groups.get(stem, NO_TRACKS), lyrics.get(stem, ())
        only_video = all(file.suffix.lower() in VIDEO_SUFFIXES for file in tracks.files)
        if not lyric_files and (texts or only_video):
            continue
        if stem in stems or taken.intersection(tracks.files):
            continue
        name = (tracks.original or [*lyric_files, *tracks.files][0]).stem
        yield SongFolder(contents.folder, name, "", lyric_files=lyric_files, tracks=tracks)


def _lyric_files(contents: Contents) -> dict[str, tuple[Path, ...]]:
    """The files with lyrics by their (folded) stems, each song's in the order of `LYRIC_SUFFIXES`."""
    found: defaultdict[str, tuple[Path, ...]] = defaultdict(tuple)
    for suffix in LYRIC_SUFFIXES:
        for file in contents.with_suffix({suffix}):
            if suffix != ".json" or is_answer(read_text_bytes(file)):
                found[fold(file.stem)] += (file,)
    return found


def _named_files(texts: Iterable[SongFolder], contents: Contents) -> set[Path]:
    """The audio files that song texts call theirs."""
    named: set[Path] = set()
    for text in (song.text for song in texts if song.text):
        if parsed := _parse(text):
            for name in filter(None, (parsed.audio, parsed.mp3, parsed.vocals, parsed.instrumental)):
                path = contents.find(name, named_by=text.name, kinds=SOUND_SUFFIXES).path
                named.update([path] if path else [])
    return named


def _parse(text: Path) -> ultrastar.UltraStarSong | None:
    """The song a text spells, None for one that will be refused, with the parser's reason, when its turn comes."""
    try:
        return ultrastar.parse(read_text_bytes(text))
    except UnreadableSong:
        return None


def _with_sidecar(song: SongFolder, contents: Contents, *, alone: bool) -> SongFolder | Rejection:
    file = find_sidecar(contents, song.stem, alone=alone)
    if file is None:
        return song
    try:
        sidecar, findings = read_sidecar(file)
    except Refused as refused:
        return Rejection(song.folder, song.source_key, str(refused))
    key = sidecar.source_key or song.source_key
    return replace(song, source_key=key, sidecar_file=file, sidecar=sidecar, findings=findings)


def _without_doubles(found: Iterable[SongFolder | Rejection]) -> Iterator[SongFolder | Rejection]:
    holders: dict[str, Path] = {}
    for song in found:
        holder = holders.get(song.source_key)
        if isinstance(song, SongFolder) and holder is not None:
            yield Rejection(song.folder, song.source_key, f"its key {song.source_key!r} is that of {holder}")
            continue
        if isinstance(song, SongFolder):
            holders[song.source_key] = song.folder
        yield song
