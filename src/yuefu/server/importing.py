"""An import as people watch it: with a progress bar, a rate and the time left."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from yuefu.access.audit import Author
from yuefu.catalogue.song import PartKind, Quality
from yuefu.ids import VendorId
from yuefu.ingest import importer
from yuefu.ingest.crew import MEMORY_LIMIT_BYTES, Crew
from yuefu.ingest.onnx_separator import OnnxSeparator
from yuefu.ingest.recipe import Recipe
from yuefu.ingest.report import ImportReport
from yuefu.ingest.separation import Separator, Stem
from yuefu.server.licensing import LicensedShelf
from yuefu.server.settings import BadSettings, Settings
from yuefu.server.wiring import Installation
from yuefu.wire.vendor import ResourceType, VendorProfile

WORK_FOLDER = "work"
"""Where imports keep what is half made, under the data folder: each sweeps what a killed one left."""

SEPARATION_LIMIT_S = 3_600.0
SEPARATION_MEMORY_BYTES = 6 * 2**30
"""A song that is separated may take this long and this much: models are many times slower and larger than codecs."""


def recipe_for(
    profile: VendorProfile,
    *,
    finest: Quality = Quality.SQ,
    level_lufs: float | None = None,
    separator: Separator | None = None,
) -> Recipe:
    """What a vendor's callers may ask for, in no finer quality than that."""
    kinds = {
        ResourceType.SONG: PartKind.ORIGINAL,
        ResourceType.ACCOMPANIMENT: PartKind.ACCOMPANIMENT,
        ResourceType.ACCOMPANIMENT_CLIP: PartKind.CLIP,
        ResourceType.ACCOMPANIMENT_SEGMENT: PartKind.SEGMENT if profile.segment_file else PartKind.CLIP,
    }
    qualities = list(Quality)
    allowed = qualities[: qualities.index(finest) + 1]
    parts = {(kind, Quality(name)) for asked, kind in kinds.items() for name in profile.qualities_of(asked)}
    return Recipe(frozenset(part for part in parts if part[1] in allowed), level_lufs, separator)


def open_separator(settings: Settings, *, separate: bool | None) -> Separator | None:
    """The separator that the settings name, tried out; None where they name none, or songs shall not be separated.

    `separate` is None where nobody said. Raises `BadModel`, and `BadSettings` where songs shall be and none is named.
    """
    if separate is False:
        return None
    if not settings.separation_model:
        if separate:
            raise BadSettings("separation_model, separation_sha256: must be set for songs to be separated")
        return None
    separator = OnnxSeparator(
        path=settings.data_folder / settings.separation_model,
        model_sha256=settings.separation_sha256.lower(),
        gives=Stem(settings.separation_gives),
    )
    separator.try_out()
    return separator


def hire_crew(workers: int | None = None, *, separates: bool = False) -> Crew:
    """Workers for imports, one a core unless said otherwise."""
    return Crew(
        workers or os.cpu_count() or 1,
        time_limit_s=SEPARATION_LIMIT_S if separates else importer.SONG_LIMIT_S,
        memory_limit_bytes=SEPARATION_MEMORY_BYTES if separates else MEMORY_LIMIT_BYTES,
    )


def run_import(
    installation: Installation,
    paths: Sequence[Path],
    vendor_id: VendorId,
    shelf: LicensedShelf,
    author: Author,
    *,
    crew: Crew,
    recipe: Recipe,
    rights: str = "none",
    dry_run: bool = False,
) -> ImportReport:
    """Import with a progress bar on standard error: songs done, rate, time left.

    The audit has an entry when it begins, so that one that is killed is not unknown, and one with its counts when it is
    done; `rights` is what it says of the songs' first deals.
    """
    if dry_run:
        return _run(installation, paths, vendor_id, shelf, crew=crew, recipe=recipe, dry_run=True)
    subject = f"vendor {vendor_id}"
    _audit(installation, author, "song.import", subject, paths=list(map(str, paths)), rights=rights)
    report = _run(installation, paths, vendor_id, shelf, crew=crew, recipe=recipe, dry_run=False)
    counts: Counter[str] = Counter(song.outcome for song in report.songs)
    _audit(installation, author, "song.imported", subject, **counts)
    return report


def _audit(installation: Installation, author: Author, action: str, subject: str, **detail: Any) -> None:
    centre = installation.centre
    entry = author.entry(action, subject, at_ms=centre.now_ms(), **detail)
    centre.work.run(lambda transaction: transaction.audit(entry))


def _run(
    installation: Installation,
    paths: Sequence[Path],
    vendor_id: VendorId,
    shelf: LicensedShelf,
    *,
    crew: Crew,
    recipe: Recipe,
    dry_run: bool,
) -> ImportReport:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task("looking for songs", total=None, rate="")

        def show(progress: importer.Progress) -> None:
            elapsed_s = bar.tasks[task].elapsed or 0.0
            rate = f"{progress.audio_s / elapsed_s:.0f}× real time" if elapsed_s > 1 else ""
            bar.update(
                task, completed=progress.done, total=progress.total, description=progress.current[-40:], rate=rate
            )

        return importer.run(
            paths,
            vendor_id=vendor_id,
            recipe=recipe,
            shelf=shelf,
            blobs=installation.blobs,
            crew=crew,
            dry_run=dry_run,
            work_dir=installation.settings.data_folder / WORK_FOLDER,
            on_progress=show,
        )
