"""What is right and wrong with the songs of the catalogue, by what an import stored of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import chain
from typing import Any, TypeVar

import msgspec
from PIL import Image

from yuefu.catalogue.song import Highlight, Level, Loudness, Part, PartKind, Quality, Song, SongState
from yuefu.ids import SongId, VendorId
from yuefu.music.highlight import Choice, Rule
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import NO_NOTES, PitchLine
from yuefu.music.quality import Check, Evidence, Measure, SoundLevel, Verdict, judge, worst
from yuefu.music.waveform import FULL_SCALE, Waveform
from yuefu.server.centre import Centre
from yuefu.units import DAY_MS, Span

T = TypeVar("T", bound=msgspec.Struct)

PAGE = 500
"""How many songs are held at a time while all are checked."""

MOST_LISTED = 1_000
"""How many of the songs with faults, the worst first, a summary names."""

HIGHEST_MIDI = 1_000
"""Far beyond what is a pitch: what a damaged file may say is not drawn."""

BADLY_LACKING = frozenset({SongState.NEEDS_ACCOMPANIMENT, SongState.NEEDS_LYRICS})
"""Without these nobody can sing."""


class ShownCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One thing judged: `figure` in `unit`, null where there is nothing to measure; `places` are where to look."""

    measure: Measure
    title: str
    title_zh: str
    verdict: Verdict
    figure: float | None
    unit: str
    words: str
    places: tuple[Span, ...]


class SongCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A song's verdicts; `verdict` is the worst of them."""

    song_id: str
    vendor_id: int
    title: str
    singers: tuple[str, ...]
    revision: int
    verdict: Verdict
    checks: tuple[ShownCheck, ...]


class FaultySong(msgspec.Struct, frozen=True, kw_only=True):
    """A song in the summary, with what is not good of it."""

    song_id: str
    vendor_id: int
    title: str
    singers: tuple[str, ...]
    verdict: Verdict
    bad: tuple[Measure, ...]
    look: tuple[Measure, ...]


class CatalogueCheck(msgspec.Struct, frozen=True, kw_only=True):
    """How many songs are good, to be looked at and bad; how often each measure is; the worst songs first."""

    songs: int
    verdicts: dict[Verdict, int]
    measures: dict[Measure, dict[Verdict, int]]
    worst: tuple[FaultySong, ...]


@dataclass(frozen=True, slots=True)
class CheckedSong:
    """A song, what was read of it, and what that comes to."""

    song: Song
    evidence: Evidence
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        return worst(self.checks)

    @property
    def faults(self) -> list[Check]:
        return [check for check in self.checks if check.verdict is not Verdict.GOOD]


def check_song(centre: Centre, song: Song) -> CheckedSong:
    """Judge a published song. It reads the small parts and no audio."""
    evidence = _gather(centre, song)
    return CheckedSong(song, evidence, judge(evidence))


def check_catalogue(centre: Centre, vendor_id: VendorId | None) -> CatalogueCheck:
    """Judge every published song, of one vendor or of all."""
    verdicts: Counter[Verdict] = Counter()
    measures: dict[Measure, Counter[Verdict]] = {measure: Counter() for measure in Measure}

    def count(checked: CheckedSong) -> CheckedSong:
        verdicts[checked.verdict] += 1
        for check in checked.checks:
            measures[check.measure][check.verdict] += 1
        return checked

    faulty = (_faulty(checked) for checked in map(count, _checked(centre, vendor_id)) if checked.faults)
    listed = nlargest(MOST_LISTED, faulty, key=lambda song: (len(song.bad), len(song.look), -int(song.song_id)))
    return CatalogueCheck(
        songs=verdicts.total(),
        verdicts={verdict: verdicts[verdict] for verdict in Verdict},
        measures={
            measure: {verdict: counts[verdict] for verdict in Verdict} for measure, counts in measures.items() if counts
        },
        worst=tuple(listed),
    )


def as_shown(checked: CheckedSong) -> SongCheck:
    """The verdicts as they are told outside."""
    song = checked.song
    return SongCheck(
        song_id=str(song.song_id),
        vendor_id=song.vendor_id,
        title=song.published.facts.title,
        singers=song.published.facts.singers,
        revision=song.revision,
        verdict=checked.verdict,
        checks=tuple(
            ShownCheck(
                measure=check.measure,
                title=check.measure.title,
                title_zh=check.measure.chinese,
                verdict=check.verdict,
                figure=check.figure,
                unit=check.measure.unit.value,
                words=check.words,
                places=check.places,
            )
            for check in checked.checks
        ),
    )


def _checked(centre: Centre, vendor_id: VendorId | None) -> Iterator[CheckedSong]:
    after: SongId | None = None
    while songs := centre.songs.songs(vendor_id, after=after, at_most=PAGE):
        yield from (check_song(centre, song) for song in songs)
        after = songs[-1].song_id


def _faulty(checked: CheckedSong) -> FaultySong:
    song, faults = checked.song, checked.faults
    return FaultySong(
        song_id=str(song.song_id),
        vendor_id=song.vendor_id,
        title=song.published.facts.title,
        singers=song.published.facts.singers,
        verdict=checked.verdict,
        bad=tuple(check.measure for check in faults if check.verdict is Verdict.BAD),
        look=tuple(check.measure for check in faults if check.verdict is Verdict.LOOK),
    )


# What a song is judged by


def _gather(centre: Centre, song: Song) -> Evidence:
    published, parts = song.published, _Parts(centre)
    level = published.level or Level(original=None, backing=None)
    lyrics = parts.read(song.part(PartKind.LYRICS), Lyrics)
    pitch_line = parts.read(song.part(PartKind.PITCH_LINE), PitchLine)
    waveform = parts.read(song.part(PartKind.WAVEFORM), Waveform)
    cover_px = parts.picture_px(song.part(PartKind.COVER))
    parts.look_for(published.parts)
    return Evidence(
        duration_ms=published.duration_ms,
        accompaniment_ms=published.accompaniment_duration_ms,
        lyrics=lyrics or Lyrics(lines=()),
        pitch_line=pitch_line or NO_NOTES,
        waveform=waveform,
        original=_sound_level(level.original, level.applied_db),
        backing=_sound_level(level.backing, level.applied_db),
        highlight=_choice(published.highlight),
        bpm=published.bpm,
        tempo_confidence=1.0 if published.facts.bpm else published.tempo.confidence if published.tempo else 0.0,
        cover_px=cover_px,
        lost=tuple(parts.lost.values()),
        lacking_badly=(*_without_sound(song), *_lacking(each for each in published.states if each in BADLY_LACKING)),
        lacking=_lacking(each for each in published.states if each not in BADLY_LACKING),
    )


def _lacking(states: Iterable[SongState]) -> tuple[str, ...]:
    return tuple(state.value.removeprefix("needs_").replace("_", " ") for state in states)


def _without_sound(song: Song) -> tuple[str, ...]:
    """Catalogues may come without files."""
    has_sound = song.part(PartKind.ORIGINAL) or song.part(PartKind.ACCOMPANIMENT)
    return () if has_sound else ("sound",)


def _sound_level(loudness: Loudness | None, applied_db: float) -> SoundLevel | None:
    """How loud the parts are: as delivered, with what was applied."""
    if loudness is None:
        return None
    lufs, peak = loudness.integrated_lufs, loudness.true_peak_dbtp
    return SoundLevel(
        integrated_lufs=None if lufs is None else lufs + applied_db,
        range_lu=loudness.range_lu,
        true_peak_dbtp=None if peak is None else peak + applied_db,
    )


def _choice(highlight: Highlight | None) -> Choice | None:
    if highlight is None:
        return None
    return Choice(
        clip=highlight.clip,
        prelude_ms=highlight.prelude_ms,
        segments=highlight.segments,
        rule=Rule(highlight.rule),
        confidence=highlight.confidence,
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Reads a song's parts, and remembers which are not as they were stored."""

    centre: Centre
    lost: dict[tuple[PartKind, Quality], str] = field(default_factory=dict)

    def read(self, part: Part | None, kind: type[T]) -> T | None:
        """The part's content, None where there is none that can be read."""
        if part is None:
            return None
        try:
            content = msgspec.json.decode(self.centre.blobs.read(part.blob.sha256), type=kind)
        except FileNotFoundError:
            return None  # `look_for` tells
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._lose(part, f"cannot be read ({error})")
            return None
        if not _is_possible(content):
            self._lose(part, "cannot be read (figures that no song has)")
            return None
        return content

    def picture_px(self, part: Part | None) -> tuple[int, int] | None:
        if part is None:
            return None
        try:
            with Image.open(self.centre.blobs.path(part.blob.sha256), formats=("JPEG",)) as image:
                return image.size
        except FileNotFoundError:
            return None
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            self._lose(part, "is no picture any more")
            return None

    def look_for(self, parts: Iterable[Part]) -> None:
        """Hold every file against its size."""
        for part in parts:
            try:
                size_bytes = self.centre.blobs.path(part.blob.sha256).stat().st_size
            except OSError:
                self._lose(part, "is gone")
                continue
            if size_bytes != part.blob.size_bytes:
                self._lose(part, f"has {size_bytes} bytes instead of {part.blob.size_bytes}")

    def _lose(self, part: Part, why: str) -> None:
        quality = "" if part.quality is Quality.NORMAL else f" ({part.quality.value})"
        self.lost.setdefault((part.kind, part.quality), f"{part.kind.value.replace('_', ' ')}{quality} {why}")


def _is_possible(content: Any) -> bool:
    """Whether all figures are those of a song, so that they can be counted with and drawn."""
    match content:
        case Waveform():
            has_steps = content.sample_rate > 0 and content.samples_per_pixel > 0
            has_pairs = len(content.data) == 2 * content.length
            return has_steps and has_pairs and all(abs(level) <= FULL_SCALE + 1 for level in content.data)
        case Lyrics():
            timed: Iterable[Any] = chain(content.lines, chain.from_iterable(line.syllables for line in content.lines))
        case PitchLine():
            timed = content.notes
            if any(abs(note.pitch) > HIGHEST_MIDI for note in content.notes):
                return False
        case _:
            return True
    return all(abs(each.begin_ms) < DAY_MS and abs(each.end_ms) < DAY_MS for each in timed)
