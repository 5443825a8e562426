"""`yuefu song …`."""

from typing import Any

import click
import msgspec

from yuefu.catalogue.facts import write_fact
from yuefu.catalogue.genre import genre_of
from yuefu.catalogue.song import REFERENCE_LUFS, Loudness, PublishedSong, Song, SongFacts, Tempo
from yuefu.ids import SongId, VendorId
from yuefu.music.notes import PitchLine, PitchSource
from yuefu.rights.decision import Answer, Decision
from yuefu.rights.purpose import browsing
from yuefu.rights.territory import ANYWHERE
from yuefu.server.actions.pitch import read_pitch_line
from yuefu.server.cli.checks import check
from yuefu.server.cli.deal_questions import blocked
from yuefu.server.cli.facts import edit, export, import_
from yuefu.server.cli.highlights import highlight
from yuefu.server.cli.options import (
    NUMBER,
    SONG_ID,
    command_author,
    print_json,
    print_table,
    settings_for,
    standard_options,
)
from yuefu.server.facts import remove_songs
from yuefu.server.wiring import Installation, open_installation
from yuefu.units import MINUTE_MS, SECOND_MS, format_instant


@click.group()
def song() -> None:
    """Songs: what the catalogue holds."""


for command in (edit, export, import_, blocked, check, highlight):
    song.add_command(command)


@song.command("list")
@click.option("--vendor", type=NUMBER, help="Of one vendor only.")
@standard_options
def list_songs(*, vendor: int | None, data: str | None, as_json: bool) -> None:
    """The published songs and what may be done with them now."""
    with open_installation(settings_for(data)) as installation:
        songs = installation.centre.songs.songs(None if vendor is None else VendorId(vendor))
        shown = [_summary(installation, each) for each in songs]
    if as_json:
        print_json(shown)
        return
    rows = [
        (
            each["song_id"],
            str(each["vendor_id"]),
            each["title"],
            "/".join(each["singers"]),
            _clock(each["duration_ms"]),
            _use(each),
            _state(each),
        )
        for each in shown
    ]
    print_table(("Song", "Vendor", "Title", "Singers", "Length", "May be", "State"), rows)


@song.command("show")
@click.argument("song_id", type=SONG_ID)
@standard_options
def show(*, song_id: int, data: str | None, as_json: bool) -> None:
    """All that is known of one song: facts, parts, highlight, rights, and its like."""
    with open_installation(settings_for(data)) as installation:
        songs = installation.centre.songs
        found = songs.song(SongId(song_id))
        decision = _decision(installation, found)
        twins = [songs.song(each) for each in songs.twins(found.song_id)]
        versions = [songs.song(each) for each in songs.versions(found.song_id)]
        pitch_line = read_pitch_line(installation.centre, found)
    if as_json:
        print_json(
            {
                **msgspec.to_builtins(found),
                "rights": msgspec.to_builtins(decision),
                "same_recording": [_relative(each) for each in twins],
                "other_versions": [_relative(each) for each in versions],
            }
        )
        return
    published = found.published
    print_table(
        ("Fact", "Value"),
        [
            ("song id", str(found.song_id)),
            ("revision", str(found.revision)),
            ("vendor", str(found.vendor_id)),
            ("source key", published.source_key),
            *((field, _fact(found, field)) for field in SongFacts.__struct_fields__),
            ("length", _clock(published.duration_ms)),
            ("also at vendor", "\n".join(f"{each.vendor_id}: {_name(each)}" for each in twins)),
            ("other versions", "\n".join(f"vendor {each.vendor_id}: {_name(each)}" for each in versions)),
            ("may be played", _explain(decision.play)),
            ("may be sung", _explain(decision.sing)),
            ("highlight", _highlight(found)),
            ("pitch line", _pitch_line(pitch_line)),
            *_separation(published.separated_by),
            *_tempo(published.tempo),
            *_level(published),
            ("state", ", ".join(state.value for state in published.states).replace("_", " ") or "complete"),
        ],
    )
    print_table(
        ("Part", "Quality", "Type", "Tracks", "Length", "Bytes"),
        [
            (
                part.kind.value.replace("_", " "),
                part.quality.value,
                part.media_type,
                str(part.track_count or ""),
                _clock(part.duration_ms) if part.duration_ms else "",
                f"{part.blob.size_bytes:,}",
            )
            for part in published.parts
        ],
    )


@song.command("remove")
@click.argument("song_ids", type=SONG_ID, nargs=-1, required=True)
@standard_options
def remove(*, song_ids: tuple[int, ...], data: str | None, as_json: bool) -> None:
    """Take songs out of the catalogue. Imported again, a song has its old id."""
    with open_installation(settings_for(data)) as installation:
        remove_songs(installation.centre, [SongId(song_id) for song_id in song_ids], command_author())
    if as_json:
        print_json({"removed": [str(song_id) for song_id in song_ids]})
    else:
        click.echo(f"{len(song_ids)} songs removed.")


def _decision(installation: Installation, found: Song) -> Decision:
    """What somebody, somewhere, may do with the song now."""
    centre = installation.centre
    rights = centre.rights.rights(found.song_id)
    return centre.decide(found.song_id, rights, browsing(ANYWHERE), at_ms=centre.now_ms())


def _summary(installation: Installation, found: Song) -> dict[str, Any]:
    decision = _decision(installation, found)
    return {
        "song_id": str(found.song_id),
        "vendor_id": found.vendor_id,
        "title": found.published.facts.title,
        "singers": list(found.published.facts.singers),
        "duration_ms": found.published.duration_ms,
        "revision": found.revision,
        "may_play": decision.play.allowed,
        "may_sing": decision.sing.allowed,
        "states": [state.value for state in found.published.states],
        "separated_by": found.published.separated_by,
    }


def _fact(found: Song, field: str) -> str:
    """A fact in words, and what the delivery says where an operator says otherwise."""
    words = _words(found.published.facts, field)
    if found.delivered is None or _words(found.delivered, field) == words:
        return words
    return f"{words or 'nothing'} (edited; delivered: {_words(found.delivered, field) or 'nothing'})"


def _words(facts: SongFacts, field: str) -> str:
    texts = write_fact(facts, field)
    if field == "genres":
        return ", ".join(f"{number} {genre.english}" for number in facts.genres if (genre := genre_of(number)))
    return "/".join(texts)


def _name(found: Song) -> str:
    facts = found.published.facts
    version = f", {facts.version.value}" if facts.version.value else ""
    return f"{facts.title} - {'/'.join(facts.singers)} (song {found.song_id}{version})"


def _relative(found: Song) -> dict[str, Any]:
    facts = found.published.facts
    return {
        "song_id": str(found.song_id),
        "vendor_id": found.vendor_id,
        "title": facts.title,
        "singers": list(facts.singers),
        "version": facts.version.value,
    }


def _use(summary: dict[str, Any]) -> str:
    uses = [word for word, key in (("played", "may_play"), ("sung", "may_sing")) if summary[key]]
    return ", ".join(uses) or "nothing: no deal in force"


def _state(summary: dict[str, Any]) -> str:
    words = [state.replace("_", " ") for state in summary["states"]]
    return ", ".join([*words, "accompaniment separated"] if summary["separated_by"] else words)


def _explain(answer: Answer) -> str:
    words = f"{'yes' if answer.allowed else 'no'}: {answer.reason.value}"
    return words if answer.until_ms is None else f"{words}, until {format_instant(answer.until_ms)}"


def _highlight(found: Song) -> str:
    highlight = found.published.highlight
    if highlight is None:
        return "none"
    clip = highlight.clip
    rule = highlight.rule.replace("_", " ")
    return f"{_clock(clip.begin_ms)} to {_clock(clip.end_ms)} ({rule}, confidence {highlight.confidence:.2f})"


def _separation(model_sha256: str) -> list[tuple[str, str]]:
    return [("accompaniment", f"separated from the original by model {model_sha256}")] if model_sha256 else []


def _tempo(tempo: Tempo | None) -> list[tuple[str, str]]:
    if tempo is None:
        return []
    return [("tempo as measured", f"{tempo.bpm:g} or {tempo.bpm_alt:g} (confidence {tempo.confidence:.2f})")]


def _pitch_line(pitch_line: PitchLine) -> str:
    if not pitch_line.notes:
        return "none"
    source = "delivery" if pitch_line.source is PitchSource.NOTES else pitch_line.source.value.replace("_", " ")
    return f"{len(pitch_line.notes)} notes from the {source} (confidence {pitch_line.confidence:.2f})"


def _level(published: PublishedSong) -> list[tuple[str, str]]:
    level = published.level
    if level is None:
        return []
    applied = f"{level.applied_db:+.1f} dB applied; " if level.applied_db else ""
    return [
        ("original as delivered", _loudness(level.original)),
        (f"backing as {'separated' if published.separated_by else 'delivered'}", _loudness(level.backing)),
        ("gain", f"{applied}{level.gain_db:+.1f} dB to {REFERENCE_LUFS:g} LUFS"),
    ]


def _loudness(loudness: Loudness | None) -> str:
    if loudness is None:
        return "none"
    if loudness.integrated_lufs is None or loudness.true_peak_dbtp is None:
        return "silent"
    return (
        f"{loudness.integrated_lufs:.1f} LUFS, range {loudness.range_lu:.1f} LU, "
        f"true peak {loudness.true_peak_dbtp:.1f} dBTP"
    )


def _clock(duration_ms: int) -> str:
    return f"{duration_ms // MINUTE_MS}:{duration_ms % MINUTE_MS / SECOND_MS:04.1f}"
