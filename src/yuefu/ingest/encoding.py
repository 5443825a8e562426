"""AnalysedSong → EncodedSong: every part the delivery supports, as a file in a work folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from yuefu.catalogue.song import COVER_SIZES_PX, SINGER_PICTURE_PX, PartKind, Quality, SongState
from yuefu.ingest import cover
from yuefu.ingest.analysis import AnalysedSong, Source
from yuefu.ingest.media import AAC_96K, AAC_256K, FLAC, Studio, Take, hear_nothing
from yuefu.ingest.recipe import Recipe
from yuefu.music.findings import Finding
from yuefu.units import Span

FORMS = {Quality.NORMAL: AAC_96K, Quality.HQ: AAC_256K, Quality.SQ: FLAC}
_JOINED_SUFFIX, _JOINED_TYPE = ".mp4", "audio/mp4"


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
    recipe: Recipe,
    heard: Callable[[float], None] = hear_nothing,
) -> EncodedSong:
    """Make the song's parts in `folder`, which must be empty. Raises `Unplayable` when a source breaks off."""
    parts = [*_Recording(song, studio, folder, recipe).parts(heard), *_drawn_and_written(song, folder)]
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


@dataclass(frozen=True, slots=True)
class _Recording:
    """The making of a song's audio parts: each source is decoded once, each sound encoded once in each quality."""

    song: AnalysedSong
    studio: Studio
    folder: Path
    recipe: Recipe

    def parts(self, heard: Callable[[float], None]) -> Iterator[EncodedPart]:
        original, backing = self.song.original, self.song.backing
        own = self._qualities(PartKind.ORIGINAL, original)
        joined = self._qualities(PartKind.ACCOMPANIMENT, original, backing)
        alone = self._qualities(PartKind.ACCOMPANIMENT, backing)
        if original:
            takes = [self._take(PartKind.ORIGINAL, quality) for quality in Quality if quality in {*own, *joined}]
            self.studio.record(original.files, takes, gain=original.gain, heard=heard)
            yield from (self._part(PartKind.ORIGINAL, quality) for quality in own)
        if backing is None:
            return
        whole = PartKind.ACCOMPANIMENT_ALONE if original else PartKind.ACCOMPANIMENT
        stretches = [
            (kind, quality, span)
            for kind, span in _stretches(self.song).items()
            for quality in self._qualities(kind, backing)
        ]
        takes = [self._take(whole, quality) for quality in alone]
        takes += [self._take(kind, quality, span) for kind, quality, span in stretches]
        self.studio.record(backing.files, takes, gain=backing.gain, heard=heard)
        yield from (self._join(quality) for quality in joined if original)
        yield from (self._part(whole, quality) for quality in alone)
        yield from (self._part(kind, quality) for kind, quality, _ in stretches)

    def _qualities(self, kind: PartKind, *sources: Source | None) -> list[Quality]:
        """The qualities in which a part is wanted and for which all sources it is made of are good."""
        ranks = list(Quality)
        finest = min((ranks.index(source.finest) for source in sources if source), default=-1)
        return [quality for quality in self.recipe.qualities(kind) if ranks.index(quality) <= finest]

    def _take(self, kind: PartKind, quality: Quality, span: Span | None = None) -> Take:
        form = FORMS[quality]
        return Take(self.folder / f"{kind.value}-{quality.value}{form.suffix}", span, form)

    def _part(self, kind: PartKind, quality: Quality) -> EncodedPart:
        file, media_type = self._take(kind, quality).file, FORMS[quality].media_type
        return EncodedPart(kind, file, media_type, quality, self.studio.duration_ms(file), track_count=1)

    def _join(self, quality: Quality) -> EncodedPart:
        """The accompaniment with its original as second track."""
        tracks = [
            ("accompaniment", self._take(PartKind.ACCOMPANIMENT_ALONE, quality).file),
            ("original", self._take(PartKind.ORIGINAL, quality).file),
        ]
        file = self.folder / f"{PartKind.ACCOMPANIMENT.value}-{quality.value}{_JOINED_SUFFIX}"
        self.studio.join(tracks, file)
        duration_ms = self.studio.duration_ms(file)
        return EncodedPart(PartKind.ACCOMPANIMENT, file, _JOINED_TYPE, quality, duration_ms, track_count=2)


def _stretches(song: AnalysedSong) -> dict[PartKind, Span]:
    """The stretches of the backing that may be files of their own."""
    if song.highlight is None:
        return {}
    stretches = {PartKind.CLIP: song.highlight.clip}
    if song.highlight.segments:
        stretches[PartKind.SEGMENT] = song.highlight.segments[0]
    return stretches


def _drawn_and_written(song: AnalysedSong, folder: Path) -> Iterator[EncodedPart]:
    if song.lyrics.lines:
        yield _json_part(PartKind.LYRICS, song.lyrics, folder)
    if song.pitch_line.notes:
        yield _json_part(PartKind.PITCH_LINE, song.pitch_line, folder)
    if source := song.original or song.backing:
        yield _json_part(PartKind.WAVEFORM, source.waveform, folder)


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
