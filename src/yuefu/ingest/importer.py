"""The import: every song through every step, the slow ones in worker processes, the visible one here."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from yuefu.catalogue.song import SongFacts
from yuefu.errors import YuefuError
from yuefu.ids import VendorId
from yuefu.ingest.analysis import AnalysedSong, analyse_song
from yuefu.ingest.contents import printable
from yuefu.ingest.crew import Crew, Lost
from yuefu.ingest.draft import SongDraft, draft_song
from yuefu.ingest.encoding import EncodedSong, encode_song, states_of
from yuefu.ingest.fingerprint import fingerprint
from yuefu.ingest.folder import Rejection, SongFolder, discover
from yuefu.ingest.media import PyAvStudio, Studio
from yuefu.ingest.ports import BlobStore, Shelf
from yuefu.ingest.publication import publish_song, store_song
from yuefu.ingest.recipe import Recipe
from yuefu.ingest.refusal import Refused
from yuefu.ingest.report import Fate, ImportReport, SongReport, describe_parts
from yuefu.ingest.separation import BadModel, needs_separation, separate_song, without_accompaniment
from yuefu.ingest.workshop import open_workshop
from yuefu.music.findings import Finding
from yuefu.units import Span

SONG_LIMIT_S = 600.0
"""How long one song may take before it is given up. `run` leaves it to its crew."""

TELL_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: songs done of all found, the one being worked at, seconds of audio worked through."""

    done: int
    total: int
    current: str
    audio_s: float


@dataclass(frozen=True, slots=True)
class Job:
    """One song, at its place among those found, to prepare in the folder `work`.

    `known` is the fingerprint under which it is published already, `chosen_clip` the highlight that an operator set.
    """

    place: int
    song: SongFolder
    work: Path
    known: str | None
    chosen_clip: Span | None
    recipe: Recipe
    dry_run: bool
    studio: Studio


@dataclass(frozen=True, slots=True)
class Prepared:
    """A song as a worker hands it over: `analysed` unless it is unchanged, `encoded` unless this is a dry run."""

    draft: SongDraft
    fingerprint: str
    analysed: AnalysedSong | None = None
    encoded: EncodedSong | None = None


def run(
    paths: Sequence[Path],
    *,
    vendor_id: VendorId,
    recipe: Recipe,
    shelf: Shelf,
    blobs: BlobStore,
    crew: Crew,
    dry_run: bool,
    work_dir: Path,
    on_progress: Callable[[Progress], None],
    studio: Studio | None = None,
) -> ImportReport:
    """Import the songs under `paths`. Each is published whole or refused with its reason; none stops another.

    A dry run reads, measures and chooses, and makes
    and stores nothing. Half-made files are in `work_dir` only, and gone afterwards. KeyboardInterrupt and errors of the
    shelf or the blob store end the run; what was published by then stays, whole.
    """
    found = discover(paths)
    reports = {place: _rejected(item) for place, item in enumerate(found) if isinstance(item, Rejection)}
    places = [place for place in range(len(found)) if place not in reports]
    meter = _Meter(len(places), on_progress)

    def jobs(workshop: Path) -> Iterator[Job]:
        for place, song in enumerate(found):
            if isinstance(song, SongFolder):
                meter.begin(place, song.source_key)
                yield Job(
                    place=place,
                    song=song,
                    work=workshop / str(place),
                    known=shelf.fingerprint(vendor_id, song.source_key),
                    chosen_clip=shelf.chosen_clip(vendor_id, song.source_key),
                    recipe=recipe,
                    dry_run=dry_run,
                    studio=studio or PyAvStudio(),
                )

    with (
        open_workshop(work_dir) as workshop,
        contextlib.closing(
            crew.work_through(
                prepare_song,
                jobs(workshop),
                told=lambda job, audio_s: meter.hear(job.song.source_key, audio_s),
            )
        ) as answers,
    ):
        for finished in _in_order(answers, places, meter):
            report = _finish(finished.job, finished.answer, shelf, blobs, vendor_id)
            shutil.rmtree(finished.job.work, ignore_errors=True)
            reports[finished.job.place] = msgspec.structs.replace(report, seconds=finished.seconds)
    return ImportReport(songs=tuple(reports[place] for place in range(len(found))), dry_run=dry_run)


def prepare_song(job: Job, tell: Callable[[float], None]) -> Prepared | Rejection:
    """The steps that need nothing but the song: drafting, measuring, encoding. Runs in a worker."""
    song, draft = job.song, None
    try:
        draft = draft_song(song)
        prepared = Prepared(draft, fingerprint(draft, job.recipe))
        if prepared.fingerprint == job.known:
            return prepared
        with _Teller(tell) as heard:
            job.work.mkdir()
            draft = _accompany(draft, job, heard)
            analysed = analyse_song(
                draft, job.studio, level_lufs=job.recipe.level_lufs, chosen_clip=job.chosen_clip, heard=heard
            )
            prepared = replace(prepared, draft=draft, analysed=analysed)
            if job.dry_run:
                return prepared
            parts = job.work / "parts"
            parts.mkdir()
            encoded = encode_song(analysed, job.studio, parts, recipe=job.recipe, heard=heard)
            return replace(prepared, encoded=encoded)
    except (Refused, BadModel) as refused:
        known = (draft.facts, draft.findings) if draft else (None, song.findings)
        return Rejection(song.folder, song.source_key, str(refused), *known)


def _accompany(draft: SongDraft, job: Job, heard: Callable[[float], None]) -> SongDraft:
    """The draft with an accompaniment, where it can have one. A dry run only says that it would."""
    separator = job.recipe.separator
    if separator is None or not needs_separation(draft):
        return draft
    if job.dry_run:
        finding = without_accompaniment("will be separated from the original")
        return replace(draft, findings=(*draft.findings, finding))
    return separate_song(draft, job.studio, separator, job.work / "stems", heard=heard)


@dataclass(frozen=True, slots=True)
class _Finished:
    job: Job
    answer: Prepared | Rejection | Lost
    seconds: float


def _in_order(
    answers: Iterable[tuple[Job, Prepared | Rejection | Lost]], places: Sequence[int], meter: "_Meter"
) -> Iterator[_Finished]:
    """The answers as the songs were found, so that ids go up in the order of the delivery whoever was done first."""
    early: dict[int, _Finished] = {}
    due = iter(places)
    place = next(due, None)
    for job, answer in answers:
        early[job.place] = _Finished(job, answer, meter.end(job.place, job.song.source_key))
        while place in early:
            yield early.pop(place)
            place = next(due, None)


def _finish(
    job: Job, answer: Prepared | Rejection | Lost, shelf: Shelf, blobs: BlobStore, vendor_id: VendorId
) -> SongReport:
    """Publish a prepared song and report what became of it."""
    if isinstance(answer, Lost):
        trace = (Finding(problem=answer.trace, action="please report this"),) if answer.trace else ()
        return _rejected(Rejection(job.song.folder, job.song.source_key, answer.reason, findings=trace))
    if isinstance(answer, Rejection):
        return _rejected(answer)
    if answer.analysed is None:
        return _described(answer.draft, "unchanged")
    report = _measured(answer.analysed, "new" if job.known is None else "changed")
    if answer.encoded is None:
        return report
    stored = store_song(answer.encoded, blobs)
    try:
        publication = publish_song(
            stored, shelf, vendor_id=vendor_id, fingerprint=answer.fingerprint, chosen_clip=job.chosen_clip
        )
    except YuefuError as error:
        return msgspec.structs.replace(report, outcome="refused", reason=str(error))
    return msgspec.structs.replace(
        report,
        outcome=publication.outcome.value,
        song_id=publication.song_id,
        revision=publication.revision,
        parts=describe_parts(answer.encoded.parts),
        findings=_printable(answer.encoded.findings),
    )


def _rejected(rejection: Rejection) -> SongReport:
    facts = rejection.facts or SongFacts(title="")
    return SongReport(
        source_key=rejection.source_key,
        folder=printable(str(rejection.folder)),
        outcome="refused",
        title=printable(facts.title),
        singers=facts.singers,
        findings=_printable(rejection.findings),
        reason=printable(rejection.reason),
    )


def _described(draft: SongDraft, outcome: Fate) -> SongReport:
    return SongReport(
        source_key=draft.folder.source_key,
        folder=printable(str(draft.folder.folder)),
        outcome=outcome,
        title=draft.facts.title,
        singers=draft.facts.singers,
        findings=_printable(draft.findings),
    )


def _measured(song: AnalysedSong, outcome: Fate) -> SongReport:
    return msgspec.structs.replace(
        _described(song.draft, outcome),
        duration_ms=song.duration_ms,
        states=states_of(song),
        highlight_rule=song.highlight.rule if song.highlight else "",
        clip=song.highlight.clip if song.highlight else None,
        findings=_printable(song.findings),
    )


def _printable(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings quote file names, which may hold bytes that are no text."""
    return tuple(
        msgspec.structs.replace(finding, file=printable(finding.file), problem=printable(finding.problem))
        for finding in findings
    )


class _Meter:
    """Counts what is done and passes it on."""

    def __init__(self, total: int, on_progress: Callable[[Progress], None]) -> None:
        self._done, self._total, self._audio_s = 0, total, 0.0
        self._on_progress = on_progress
        self._begun_s: dict[int, float] = {}

    def begin(self, place: int, name: str) -> None:
        self._begun_s[place] = time.monotonic()
        self._show(name)

    def hear(self, name: str, audio_s: float) -> None:
        self._audio_s += audio_s
        self._show(name)

    def end(self, place: int, name: str) -> float:
        """The seconds since the song was begun."""
        self._done += 1
        self._show(name)
        return time.monotonic() - self._begun_s.pop(place)

    def _show(self, name: str) -> None:
        self._on_progress(Progress(self._done, self._total, name, self._audio_s))


class _Teller:
    """Gathers seconds of audio, of which a worker hears in crumbs, into messages worth sending."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self._tell, self._untold_s = tell, 0.0

    def __enter__(self) -> Callable[[float], None]:
        return self._hear

    def __exit__(self, *_: object) -> None:
        self._tell(self._untold_s)

    def _hear(self, audio_s: float) -> None:
        self._untold_s += audio_s
        if self._untold_s >= TELL_EVERY_S:
            self._tell(self._untold_s)
            self._untold_s = 0.0
