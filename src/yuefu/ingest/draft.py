"""SongFolder → SongDraft: what the delivery says, read and understood, its files found; nothing decoded yet."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yuefu.catalogue.genre import genres_in
from yuefu.catalogue.song import SongFacts
from yuefu.ingest.contents import PICTURE_SUFFIXES, SOUND_SUFFIXES, Contents, fold, read_text_bytes
from yuefu.ingest.folder import SongFolder
from yuefu.ingest.refusal import Refused
from yuefu.ingest.tracks import NO_TRACKS, Tracks, group_by_name
from yuefu.music import ultrastar
from yuefu.music.findings import Finding
from yuefu.music.formats import ParsedLyrics, read_format
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import PitchLine
from yuefu.music.singers import share_lines, tell_voices
from yuefu.music.unreadable import UnreadableSong
from yuefu.units import Span


@dataclass(frozen=True, slots=True)
class Separation:
    """Which files of a song's tracks were made of its original, and the SHA-256 of the model they were made by."""

    model_sha256: str
    made: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class SongDraft:
    """A song as its delivery describes it. `pictures` are singers with their pictures.

    `separation` is None where all tracks were delivered.
    """

    folder: SongFolder
    facts: SongFacts
    lyrics: Lyrics
    pitch_line: PitchLine
    tracks: Tracks
    cover: Path | None = None
    pictures: tuple[tuple[str, Path], ...] = ()
    medley: Span | None = None
    preview_ms: int | None = None
    separation: Separation | None = None
    findings: tuple[Finding, ...] = ()


def draft_song(folder: SongFolder) -> SongDraft:
    """Read the song's texts and find its files. Raises `Refused` when no song can come of them."""
    return _from_text(folder, folder.text) if folder.text else _from_recording(folder)


def _check_sound(tracks: Tracks, findings: Sequence[Finding] = ()) -> None:
    if tracks.original or tracks.backing:
        return
    if tracks.vocals:
        raise Refused("only the vocals are there, neither the original nor the accompaniment")
    missing = "; ".join(finding.problem for finding in findings)
    raise Refused(
        f"no audio: {missing}" if missing else "no audio: none is named and no audio file has the song's name"
    )


def _from_text(folder: SongFolder, text: Path) -> SongDraft:
    try:
        song = ultrastar.parse(read_text_bytes(text), file=text.name)
    except UnreadableSong as error:
        raise Refused(f"{text.name}: {error}") from error
    contents = Contents.of(folder.folder)
    tracks, track_findings = _named_tracks(contents, text, song)
    cover, cover_findings = _named_cover(contents, text, song.cover)
    facts = SongFacts(
        title=song.title,
        singers=_singers(song.artist),
        language=song.language,
        genre=song.genre,
        genres=genres_in(song.genre),
        year=song.year,
    )
    facts = folder.sidecar.override(facts)
    pictures, picture_findings = _pictures(contents, folder, facts.singers)
    return SongDraft(
        folder=folder,
        facts=facts,
        lyrics=_part_voices(song.lyrics, folder),
        pitch_line=song.pitch_line,
        tracks=tracks,
        cover=cover,
        pictures=pictures,
        medley=song.medley,
        preview_ms=song.preview_ms,
        findings=(
            *folder.findings,
            *song.findings,
            *track_findings,
            *cover_findings,
            *picture_findings,
            *_playing_range(text, song),
        ),
    )


def _named_tracks(contents: Contents, text: Path, song: ultrastar.UltraStarSong) -> tuple[Tracks, tuple[Finding, ...]]:
    """The audio that the song text names, completed by files whose names say they belong to it."""
    findings: list[Finding] = []

    def find(name: str) -> Path | None:
        if not name:
            return None
        found = contents.find(name, named_by=text.name, kinds=SOUND_SUFFIXES)
        findings.extend(found.findings)
        return found.path

    named = Tracks(find(song.audio_file), find(song.instrumental), find(song.vocals))
    if named.original is None and song.audio and song.mp3:
        named = replace(named, original=find(song.mp3))
    groups = group_by_name(contents.with_suffix(SOUND_SUFFIXES))
    tracks = named.completed_by(groups.get(fold(Path(song.audio_file or text.name).stem), NO_TRACKS))
    if tracks.original and tracks.original == tracks.backing:
        tracks = replace(tracks, original=None)
        findings.append(_note(text, "the same file is the original and the instrumental", "taken as the instrumental"))
    if tracks.vocals and tracks.vocals in {tracks.original, tracks.backing}:
        tracks = replace(tracks, vocals=None)
        findings.append(_note(text, "the same file is the vocals and something else", "not taken as the vocals"))
    _check_sound(tracks, findings)
    unnamed = [file for file in tracks.files if file not in named.files]
    findings += [_note(text, f"{file.name!r} is not named", "taken, as its name says what it is") for file in unnamed]
    return tracks, tuple(findings)


def _named_cover(contents: Contents, text: Path, name: str) -> tuple[Path | None, tuple[Finding, ...]]:
    if not name:
        return _cover_beside(contents, text.stem), ()
    found = contents.find(name, named_by=text.name, kinds=PICTURE_SUFFIXES)
    return found.path, found.findings


def _cover_beside(contents: Contents, stem: str) -> Path | None:
    names = (fold(stem), "cover", "folder")
    pictures = [file for file in contents.with_suffix(PICTURE_SUFFIXES) if fold(file.stem) in names]
    return min(pictures, key=lambda file: names.index(fold(file.stem)), default=None)


def _pictures(
    contents: Contents, folder: SongFolder, singers: Sequence[str]
) -> tuple[tuple[tuple[str, Path], ...], tuple[Finding, ...]]:
    """The singers' pictures that the sidecar names."""
    pictures: list[tuple[str, Path]] = []
    findings: list[Finding] = []
    sidecar_name = folder.sidecar_file.name if folder.sidecar_file else ""
    for singer, name in folder.sidecar.pictures.items():
        if singer not in singers:
            problem = f"a picture of {singer!r}, who does not sing this song"
            findings.append(Finding(file=sidecar_name, problem=problem, action="left out"))
            continue
        found = contents.find(name, named_by=sidecar_name, kinds=PICTURE_SUFFIXES)
        findings.extend(found.findings)
        pictures += [(singer, found.path)] if found.path else []
    return tuple(pictures), tuple(findings)


def _playing_range(text: Path, song: ultrastar.UltraStarSong) -> tuple[Finding, ...]:
    """`#START` and `#END` tell a game where to play; callers get the recording whole."""
    marks = (("#START", song.start_ms), ("#END", song.end_ms))
    return tuple(
        _note(text, f"{tag} at {at_ms / 1000:g} s", "noted; the recording is kept whole")
        for tag, at_ms in marks
        if at_ms
    )


def _from_recording(folder: SongFolder) -> SongDraft:
    lyrics, findings = _read_lyrics(folder.lyric_files)
    headers = lyrics.headers
    _check_sound(folder.tracks)
    singer, title = _read_stem(folder.stem)
    facts = SongFacts(
        title=headers.get("ti") or title, singers=_singers(headers.get("ar") or singer), album=headers.get("al", "")
    )
    facts = folder.sidecar.override(facts)
    contents = Contents.of(folder.folder)
    pictures, picture_findings = _pictures(contents, folder, facts.singers)
    return SongDraft(
        folder=folder,
        facts=facts,
        lyrics=_part_voices(tell_voices(lyrics, facts.singers), folder),
        pitch_line=PitchLine(notes=()),
        tracks=folder.tracks,
        cover=_cover_beside(contents, folder.stem),
        pictures=pictures,
        findings=(*folder.findings, *findings, *_spare(folder.tracks), *picture_findings),
    )


def _spare(tracks: Tracks) -> tuple[Finding, ...]:
    names = "/".join(file.name for file in tracks.files)
    return tuple(_note(file, "another file of the same sound", f"left out; took {names}") for file in tracks.spare)


def _part_voices(lyrics: Lyrics, folder: SongFolder) -> Lyrics:
    """The lyrics with turns for as many singers as the sidecar asks for, where nothing tells who sings."""
    singer_count = folder.sidecar.chorus
    return share_lines(lyrics, singer_count) if singer_count and len(lyrics.voices) < 2 else lyrics


def _read_lyrics(files: Sequence[Path]) -> tuple[Lyrics, tuple[Finding, ...]]:
    """What the best of the files says. Raises `Refused` when there are files and none can be read."""
    read: list[tuple[Path, ParsedLyrics]] = []
    findings: list[Finding] = []
    for file in files:
        data = read_text_bytes(file)
        try:
            read.append((file, read_format(file.suffix, data).parse(data, file=file.name)))
        except UnreadableSong as error:
            findings.append(_note(file, str(error), "left out"))
    if findings and not read:
        raise Refused("; ".join(f"{finding.file}: {finding.problem}" for finding in findings))
    if not read:
        return Lyrics(lines=()), ()
    best, parsed = max(read, key=lambda each: _worth(each[1].lyrics))
    findings += [_note(file, "other lyrics of the song", f"took {best.name!r}") for file, _ in read if file != best]
    return parsed.lyrics, (*parsed.findings, *findings)


def _worth(lyrics: Lyrics) -> tuple[bool, ...]:
    """How much lyrics say: of several texts of a song the one with word times comes first."""
    return (
        bool(lyrics.lines),
        lyrics.has_words,
        len(lyrics.voices) > 1,
        any(line.translation for line in lyrics.lines),
        any(line.pronunciation for line in lyrics.lines),
    )


def _read_stem(stem: str) -> tuple[str, str]:
    """Singer and title from a file name, written "Singer - Title" or the title alone."""
    singer, dash, title = unicodedata.normalize("NFC", stem).partition(" - ")
    return (singer.strip(), title.strip()) if dash and title.strip() else ("", stem)


def _singers(artist: str) -> tuple[str, ...]:
    """The enumeration comma has no other use in names; "&", "/" and "," are part of some."""
    return tuple(name for name in map(str.strip, artist.split("、")) if name)


def _note(text: Path, problem: str, action: str) -> Finding:
    return Finding(file=text.name, problem=problem, action=action)
