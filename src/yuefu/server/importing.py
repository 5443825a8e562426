"""An import as people watch it: with a progress bar, a rate and the time left."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from yuefu.ids import VendorId
from yuefu.ingest import importer
from yuefu.ingest.report import ImportReport
from yuefu.server.licensing import LicensedShelf
from yuefu.server.wiring import Installation

WORK_FOLDER = "work"
"""Where imports keep what is half made, under the data folder: each sweeps what a killed one left."""


def run_import(
    installation: Installation,
    paths: Sequence[Path],
    vendor_id: VendorId,
    shelf: LicensedShelf,
    *,
    workers: int | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Import with a progress bar on standard error: songs done, rate, time left."""
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
            segment_file=installation.centre.profiles[vendor_id].segment_file,
            shelf=shelf,
            blobs=installation.blobs,
            workers=workers or os.cpu_count() or 1,
            dry_run=dry_run,
            work_dir=installation.settings.data_folder / WORK_FOLDER,
            on_progress=show,
        )
