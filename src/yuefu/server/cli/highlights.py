"""`yuefu song highlight`: look at what was chosen of a song, and choose something else."""

from pathlib import Path

import click
import msgspec

from yuefu.catalogue.song import PartKind, Song
from yuefu.ids import SongId
from yuefu.music.lyrics import Lyrics
from yuefu.music.waveform import Waveform
from yuefu.server.actions.pitch import read_pitch_line
from yuefu.server.actions.songs import read_lyrics
from yuefu.server.centre import Centre
from yuefu.server.cli.options import (
    SONG_ID,
    command_author,
    print_json,
    settings_for,
    standard_options,
    write_file,
)
from yuefu.server.highlight_page import describe_highlight, draw_highlight
from yuefu.server.highlights import choose_again, set_clip
from yuefu.server.wiring import open_installation
from yuefu.units import SECOND_MS, Span


@click.command("highlight")
@click.argument("song_id", type=SONG_ID)
@click.option("--set", "seconds", type=(float, float), metavar="BEGIN END", help="Take this stretch, in seconds.")
@click.option("--auto", "is_auto", is_flag=True, help="Take again what the rules choose.")
@click.option("--preview", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to look at it (HTML).")
@standard_options
def highlight(
    *,
    song_id: int,
    seconds: tuple[float, float] | None,
    is_auto: bool,
    preview: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """What of a song is its highlight, and by which rule; or set it by hand.

    A highlight set by hand is cut at once, and is kept when the song is imported again, until --auto.
    """
    if is_auto and seconds is not None:
        raise click.UsageError("--set and --auto: one or the other")
    with open_installation(settings_for(data)) as installation:
        if seconds is not None:
            begin_ms, end_ms = (_milliseconds(each) for each in seconds)
            set_clip(installation, SongId(song_id), Span(begin_ms=begin_ms, end_ms=end_ms), command_author())
        elif is_auto:
            choose_again(installation, SongId(song_id), command_author())
        song = installation.centre.songs.song(SongId(song_id))
        if preview is not None:
            write_file(preview, _page(installation.centre, song))
    if as_json:
        chosen = song.published.highlight
        print_json({"song_id": str(song_id), "revision": song.revision, "highlight": msgspec.to_builtins(chosen)})
        return
    click.echo(f"{song.published.facts.title}: {describe_highlight(song.published.highlight)}")
    if preview is not None:
        click.echo(f"A page to look at: {preview}")


def _milliseconds(seconds: float) -> int:
    """Raises `click.BadParameter` for what is no time."""
    if not abs(seconds) < 1e6:  # nor NaN
        raise click.BadParameter(f"{seconds} is no time in a song", param_hint="--set")
    return round(seconds * SECOND_MS)


def _page(centre: Centre, song: Song) -> str:
    lyrics = read_lyrics(centre, song) or Lyrics(lines=())
    part = song.part(PartKind.WAVEFORM)
    waveform = msgspec.json.decode(centre.blobs.read(part.blob.sha256), type=Waveform) if part else None
    return draw_highlight(song, lyrics, read_pitch_line(centre, song), waveform)
