"""`yuefu import`."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from yuefu.catalogue.song import LOUDEST_LUFS, QUIETEST_LUFS, Quality
from yuefu.ids import SongId, VendorId
from yuefu.ingest.report import TABLE_HEAD, ImportReport, keep_sections, markdown_report, report_table
from yuefu.rights.deal import Terms
from yuefu.server.cli.options import (
    COUNT,
    NUMBER,
    command_author,
    print_json,
    print_table,
    settings_for,
    standard_options,
    write_file,
)
from yuefu.server.importing import hire_crew, open_separator, recipe_for, run_import
from yuefu.server.licensing import RIGHTS, LicensedShelf, Offer, unusable_songs
from yuefu.server.wiring import Installation, open_installation
from yuefu.wire.vendor import VendorProfile

_SHOWN_IDS = 10


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--vendor", type=NUMBER, required=True, help="Whose songs they are.")
@click.option(
    "--rights",
    type=click.Choice(list(RIGHTS)),
    default="none",
    show_default=True,
    help="A deal for songs that have none: it may be sung and played, only played, only sung.",
)
@click.option("--channel", type=COUNT, default=0, show_default=True, help="The channel of that deal.")
@click.option(
    "--finest",
    type=click.Choice([quality.value for quality in Quality]),
    default=Quality.SQ.value,
    show_default=True,
    help="The finest quality to make, of those the vendor has and the sources are good for.",
)
@click.option(
    "--level",
    "level_lufs",
    type=click.FloatRange(QUIETEST_LUFS, LOUDEST_LUFS),
    help="Make the songs this loud (LUFS, as -16). [default: setting level_lufs, else as delivered]",
)
@click.option(
    "--separate/--no-separate",
    default=None,
    help="Make accompaniments that are not delivered. [default: where the setting separation_model names a model]",
)
@click.option("--workers", type=NUMBER, help="Songs at a time. [default: one a core]")
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the table here, as Markdown.",
)
@click.option("--dry-run", is_flag=True, help="Read and measure everything, store nothing.")
@standard_options
def import_command(
    *,
    paths: tuple[Path, ...],
    vendor: int,
    rights: str,
    channel: int,
    finest: str,
    level_lufs: float | None,
    separate: bool | None,
    workers: int | None,
    report_file: Path | None,
    dry_run: bool,
    data: str | None,
    as_json: bool,
) -> None:
    """Import song folders: UltraStar songs, or audio with lyrics.

    Each song is published whole or refused with its reason. Exit status 1 when any was refused.
    """
    settings = settings_for(data, level_lufs=level_lufs)
    separator = open_separator(settings, separate=separate)
    with open_installation(settings) as installation, hire_crew(workers, separates=separator is not None) as crew:
        profile = _vendor_profile(installation, vendor)
        offer = Offer(RIGHTS[rights], Terms(channel=channel))
        shelf = LicensedShelf(installation.centre, command_author(), lambda _: offer)
        report = run_import(
            installation,
            paths,
            VendorId(vendor),
            shelf,
            command_author(),
            crew=crew,
            recipe=recipe_for(profile, finest=Quality(finest), level_lufs=settings.level_lufs, separator=separator),
            rights=rights,
            dry_run=dry_run,
        )
        published = _published(installation, report, VendorId(vendor))
        if not dry_run:
            for song_id in published:
                shelf.license_lacking(song_id)
        unusable = [] if dry_run else unusable_songs(installation.centre, published)
        of_vendor = len(installation.centre.songs.songs(VendorId(vendor))) if unusable else 0
    following = None if not unusable else _next_command(unusable, of_vendor, VendorId(vendor), data)
    if as_json:
        shown = {
            "unusable": list(map(str, unusable)),
            "taken_down": list(map(str, shelf.taken_down)),
            "next": following,
        }
        print_json({**msgspec.to_builtins(report), **shown})
    else:
        print_table(TABLE_HEAD, report_table(report))
        click.echo(_summary(report))
        if shelf.taken_down:
            click.secho(_left_alone(shelf.taken_down), fg="yellow")
        if following:
            click.secho(f"{len(unusable)} of them nobody may use yet: there is no deal for them. Next:", fg="yellow")
            click.echo(f"  {following}")
    if report_file:  # last: what was imported is told even where this cannot be written
        earlier = report_file.read_text("utf-8") if report_file.exists() else ""
        write_file(report_file, keep_sections(markdown_report(report, paths), earlier))
    sys.exit(1 if report.count("refused") else 0)


def _published(installation: Installation, report: ImportReport, vendor_id: VendorId) -> list[SongId]:
    """The songs of a run that callers can see now, unchanged ones among them."""
    found = (
        installation.centre.songs.find(vendor_id, song.source_key) for song in report.songs if song.outcome != "refused"
    )
    return [song_id for song_id in found if song_id is not None]


def _vendor_profile(installation: Installation, vendor: int) -> VendorProfile:
    known = sorted(profile for profile in installation.centre.profiles if profile)
    if vendor not in known:
        raise click.UsageError(f"there is no vendor {vendor}; there are {', '.join(map(str, known))}")
    return installation.centre.profiles[vendor]


def _summary(report: ImportReport) -> str:
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in ("new", "changed", "unchanged", "refused"))
    return f"{len(report.songs)} songs: {counts}."


def _left_alone(song_ids: Sequence[SongId]) -> str:
    named = ", ".join(map(str, song_ids[:_SHOWN_IDS]))
    more = f" and {len(song_ids) - _SHOWN_IDS:,} more" if len(song_ids) > _SHOWN_IDS else ""
    return f"{len(song_ids):,} taken down, and so given no deal, which would lift that: {named}{more}."


def _next_command(unusable: Sequence[SongId], of_vendor: int, vendor_id: VendorId, data: str | None) -> str:
    """What to run so that the songs may be used; by vendor when it has no other songs."""
    which = [f"--song {song_id}" for song_id in unusable] if len(unusable) < of_vendor else [f"--vendor {vendor_id}"]
    where = [f"--data {shlex.quote(data)}"] if data else []
    return " ".join(["yuefu deal add", *which, "--rights both", *where])
