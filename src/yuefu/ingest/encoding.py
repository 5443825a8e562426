"""AnalysedSong → EncodedSong: every part the delivery supports, as a file in a work folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from yuefu.catalogue.song import COVER_SIZES_PX, SINGER_PICTURE_PX, PartKind, Quality, SongState
from yuefu.ingest import cover, media
from yuefu.ingest.analysis import AnalysedSong
from yuefu.ingest.media import Studio, Take, hear_nothing
from yuefu.music.findings import Finding
from yuefu.units import Span

BIT_RATES_BPS = {Quality.NORMAL: 96_000}


@dataclass(frozen=True, slots=True)
class EncodedPart:
    """A part whose bytes are in `file`; the rest as in `catalogue.song.Part`."""

    kind: PartKind
    file: Path
    media_type: str
    quality: Quality = Quality.NORMAL
    duration_ms: int = 0
    track_count: int = 0


@dataclass(frozen=True, slots=True)
class EncodedSong:
    """A song whose parts are all made, and its singers' pictures by singer; nobody sees them yet."""

    analysed: AnalysedSong
    parts: tuple[EncodedPart, ...]
    pictures: tuple[tuple[str, Path], ...]
    states: tuple[SongState, ...]
    findings: tuple[Finding, ...]

    @property
    def accompaniment_duration_ms(self) -> int:
        return next((part.duration_ms for part in self.parts if part.kind is PartKind.ACCOMPANIMENT), 0)


def encode_song(
    song: AnalysedSong,
    studio: Studio,
    folder: Path,
    *,
    segment_file: bool,
    heard: Callable[[float], None] = hear_nothing,
) -> EncodedSong:
    """Make the song's parts in `folder`, which must be empty. `segment_file` asks for the short segment as a file.

    Raises `Unplayable` when a source breaks off.
    """
    parts: list[EncodedPart] = []
    for quality in BIT_RATES_BPS:
        parts += _sound_parts(song, studio, folder, quality, segment_file=segment_file, heard=heard)
    parts += _text_parts(song, folder)
    cover_parts, cover_findings = _cover_parts(song, folder)
    pictures, picture_findings = _pictures(song, folder)
    return EncodedSong(
        analysed=song,
        parts=(*parts, *cover_parts),
        pictures=pictures,
        states=states_of(song),
        findings=(*song.findings, *cover_findings, *picture_findings),
    )


def states_of(song: AnalysedSong) -> tuple[SongState, ...]:
    """What the song lacks."""
    lyrics, pitched = song.lyrics, any(note.kind.is_pitched for note in song.pitch_line.notes)
    lacks = {
        SongState.NEEDS_ACCOMPANIMENT: song.backing is None,
        SongState.NEEDS_LYRICS: not lyrics.lines,
        SongState.NEEDS_WORD_LYRICS: bool(lyrics.lines) and not lyrics.has_words,
        SongState.NEEDS_PITCH_LINE: not pitched,
    }
    return tuple(state for state, lacking in lacks.items() if lacking)


def _sound_parts(
    song: AnalysedSong,
    studio: Studio,
    folder: Path,
    quality: Quality,
    *,
    segment_file: bool,
    heard: Callable[[float], None],
) -> Iterator[EncodedPart]:
    """The audio parts in one quality: each source is decoded once, each sound encoded once."""

    def take(kind: PartKind, span: Span | None = None) -> Take:
        return Take(folder / f"{kind.value}-{quality.value}{media.SUFFIX}", span, BIT_RATES_BPS[quality])

    def part(kind: PartKind, track_count: int = 1) -> EncodedPart:
        file = take(kind).file
        return EncodedPart(kind, file, media.MEDIA_TYPE, quality, studio.duration_ms(file), track_count)

    if song.original:
        studio.record(song.original, [take(PartKind.ORIGINAL)], heard=heard)
        yield part(PartKind.ORIGINAL)
    if song.backing is None:
        return
    whole = PartKind.ACCOMPANIMENT_ALONE if song.original else PartKind.ACCOMPANIMENT
    stretches = _stretches(song, segment_file=segment_file)
    studio.record(
        [song.backing.file], [take(whole), *(take(kind, span) for kind, span in stretches.items())], heard=heard
    )
    if song.original:
        tracks = [("accompaniment", take(whole).file), ("original", take(PartKind.ORIGINAL).file)]
        studio.join(tracks, take(PartKind.ACCOMPANIMENT).file)
        yield part(PartKind.ACCOMPANIMENT, track_count=2)
    for kind in (whole, *stretches):
        yield part(kind)


def _stretches(song: AnalysedSong, *, segment_file: bool) -> dict[PartKind, Span]:
    """The stretches of the backing that are files of their own."""
    if song.highlight is None:
        return {}
    stretches = {PartKind.CLIP: song.highlight.clip}
    if segment_file and song.highlight.segments:
        stretches[PartKind.SEGMENT] = song.highlight.segments[0]
    return stretches


def _text_parts(song: AnalysedSong, folder: Path) -> Iterator[EncodedPart]:
    if song.lyrics.lines:
        yield _json_part(PartKind.LYRICS, song.lyrics, folder)
    if song.pitch_line.notes:
        yield _json_part(PartKind.PITCH_LINE, song.pitch_line, folder)


def _json_part(kind: PartKind, value: msgspec.Struct, folder: Path) -> EncodedPart:
    file = folder / f"{kind.value}.json"
    file.write_bytes(msgspec.json.encode(value))
    return EncodedPart(kind, file, "application/json")


def _cover_parts(song: AnalysedSong, folder: Path) -> tuple[tuple[EncodedPart, ...], tuple[Finding, ...]]:
    """The cover in every size that lists show."""
    source = song.draft.cover
    if source is None:
        return (), ()
    files = {kind: folder / f"{kind.value}.jpg" for kind in COVER_SIZES_PX}
    findings = _write_pictures(source, {file: COVER_SIZES_PX[kind] for kind, file in files.items()}, "cover")
    if findings:
        return (), findings
    return tuple(EncodedPart(kind, file, cover.MEDIA_TYPE) for kind, file in files.items()), ()


def _pictures(song: AnalysedSong, folder: Path) -> tuple[tuple[tuple[str, Path], ...], tuple[Finding, ...]]:
    """The singers' pictures that can be used."""
    pictures: list[tuple[str, Path]] = []
    findings: list[Finding] = []
    for place, (singer, source) in enumerate(song.draft.pictures):
        file = folder / f"singer-{place}.jpg"
        problems = _write_pictures(source, {file: SINGER_PICTURE_PX}, "picture")
        findings += problems
        pictures += [] if problems else [(singer, file)]
    return tuple(pictures), tuple(findings)


def _write_pictures(source: Path, targets: dict[Path, int], noun: str) -> tuple[Finding, ...]:
    """What kept the pictures from being made, if anything did."""
    try:
        cover.write_pictures(source, targets)
    except cover.BadPicture as bad:
        return (Finding(file=source.name, problem=f"the {noun} cannot be used: {bad}", action="left out"),)
    return ()
