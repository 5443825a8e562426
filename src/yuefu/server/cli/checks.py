"""`yuefu song check`: what is wrong with songs, before a singer finds it."""

import sys
from pathlib import Path

import click

from yuefu.ids import SongId
from yuefu.music.quality import Check, Measure, Verdict
from yuefu.server.check_page import count_songs, draw_catalogue, draw_checks, explain, name_of, write_figure
from yuefu.server.cli.options import (
    NUMBER,
    SONG_ID,
    escape_controls,
    print_json,
    print_table,
    settings_for,
    standard_options,
    write_file,
)
from yuefu.server.programme import known_vendor
from yuefu.server.song_checks import CatalogueCheck, CheckedSong, as_shown, check_catalogue, check_song
from yuefu.server.wiring import open_installation


@click.command("check")
@click.argument("song_ids", metavar="SONG...", type=SONG_ID, nargs=-1)
@click.option("--all", "whole", is_flag=True, help="Every song, the worst first.")
@click.option("--vendor", type=NUMBER, help="With --all: the songs of one vendor only.")
@click.option("--page", type=click.Path(dir_okay=False, path_type=Path), help="Also write a page to look at (HTML).")
@standard_options
def check(
    *, song_ids: tuple[int, ...], whole: bool, vendor: int | None, page: Path | None, data: str | None, as_json: bool
) -> None:
    """Judge songs by their figures: lyrics, notes, sound, highlight, what is missing.

    Each thing is good, to be looked at, or bad. Exit status 1 when anything is bad.
    """
    if whole == bool(song_ids):
        raise click.UsageError("say which songs, or --all")
    if vendor is not None and not whole:
        raise click.UsageError("--vendor goes with --all")
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        if whole:
            summary = check_catalogue(centre, None if vendor is None else known_vendor(centre, vendor))
            if page:
                write_file(page, draw_catalogue(summary))
            _tell_catalogue(summary, as_json=as_json)
            is_bad = bool(summary.verdicts[Verdict.BAD])
        else:
            songs = [centre.songs.song(SongId(song_id)) for song_id in dict.fromkeys(song_ids)]
            checked = [check_song(centre, song) for song in songs]
            if page:
                write_file(page, draw_checks(checked))
            _tell_songs(checked, as_json=as_json)
            is_bad = any(each.verdict is Verdict.BAD for each in checked)
    if page and not as_json:
        click.echo(f"A page to look at: {page}")
    sys.exit(1 if is_bad else 0)


def _tell_songs(songs: list[CheckedSong], *, as_json: bool) -> None:
    if as_json:
        print_json([as_shown(each) for each in songs])
        return
    for each in songs:
        click.echo(escape_controls(f"{name_of(each)}: {each.verdict.value} {each.verdict.chinese}"))
        print_table(("Check", "Figure", "Verdict", "Meaning"), list(map(_row, each.checks)))


def _row(check: Check) -> tuple[str, str, str, str]:
    """What a good figure means is left to the page."""
    titles = f"{check.measure.title}\n{check.measure.chinese}"
    said = "" if check.verdict is Verdict.GOOD else explain(check)
    return titles, write_figure(check), check.verdict.value, said


def _tell_catalogue(summary: CatalogueCheck, *, as_json: bool) -> None:
    if as_json:
        print_json(summary)
        return
    if summary.worst:
        rows = [
            (each.song_id, str(each.vendor_id), each.title, _titles(each.bad), _titles(each.look))
            for each in summary.worst
        ]
        print_table(("Song", "Vendor", "Title", "Bad", "To look at"), rows)
    click.echo(count_songs(summary))


def _titles(measures: tuple[Measure, ...]) -> str:
    return "; ".join(measure.title.lower() for measure in measures)
