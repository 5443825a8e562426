"""`yuefu deal list`, `history`, `explain` and `expiring`, and `yuefu song blocked`: what is on record, and why."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import click
import msgspec

from yuefu.access.app import UnknownApp
from yuefu.ids import AppId, SongId
from yuefu.rights.deal import Chain, SongRights, TermSheet, Use
from yuefu.rights.purpose import MODELS, SCENES
from yuefu.rights.record import LicensedSong, Revision
from yuefu.server.centre import Centre
from yuefu.server.cli.options import (
    INSTANT,
    NUMBER,
    SONG_ID,
    escape_controls,
    print_json,
    print_table,
    settings_for,
    standard_options,
)
from yuefu.server.explanation import Explanation, Ground, Inquiry, explain
from yuefu.server.programme import known_vendor
from yuefu.server.rights_watch import BlockedSong, blocked_songs, expiring_deals
from yuefu.server.rights_words import say_answer, say_asked, say_block, say_chains, say_sheet, say_terms
from yuefu.server.wiring import open_installation
from yuefu.units import format_instant, parse_stretch_ms

MOST_SHOWN = 1_000
"""Rows that people are shown; JSON has all of them."""

_CAUSES = {"deal": "deal", "takedown": "takedown", "undo": "takedown undone"}


class _Duration(click.ParamType[int]):
    """A stretch of time, as 30d, in ms."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return parse_stretch_ms(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


_one_vendor = click.option("--vendor", type=NUMBER, help="Of one vendor only.")


@click.command("list")
@click.option("--song", type=SONG_ID, help="Of one song only.")
@_one_vendor
@standard_options
def list_deals(*, song: SongId | None, vendor: int | None, data: str | None, as_json: bool) -> None:
    """The deals on record, whether they are in force or not, and the takedowns that lie over them."""
    with open_installation(settings_for(data)) as installation:
        found = _licensed(installation.centre, song, vendor)
        if as_json:
            print_json([_deals(each) for each in found])
            return
        rows = [row for each in islice(found, MOST_SHOWN) for row in _deal_rows(each)]
        rest = sum(1 for _ in found)
    print_table(("Song", "Vendor", "Title", "Revision", "Rights", "Deal"), rows)
    _say_rest(rest)


@click.command("history")
@click.argument("song", type=SONG_ID)
@standard_options
def history(*, song: SongId, data: str | None, as_json: bool) -> None:
    """Every revision of a song's rights: when, what happened, what brought it, and what held from then on."""
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        revisions = centre.rights.revisions(song)
        if not revisions:
            centre.rights.rights(song)  # an unknown song is an error, a song without deals is not
    if as_json:
        print_json([_revision(each) for each in revisions])
        return
    for each in revisions:
        by = f", by {escape_controls(each.source)}" if each.source else ""
        click.echo(f"Revision {each.rights.revision}, {format_instant(each.recorded_at_ms)}: {_what(each)}{by}")
        for rights, words in _held(each.rights):
            click.echo(f"  {rights}: {words}")


@click.command("explain")
@click.argument("song", type=SONG_ID)
@click.option("--vendor", type=NUMBER, required=True, help="Whose song it is.")
@click.option("--app", "app_id", type=NUMBER, required=True, help="Who asks.")
@click.option("--use", type=click.Choice([use.value for use in Use]), help="What for. [default: anything]")
@click.option("--scene", type=click.Choice([str(scene) for scene in SCENES]), help="As request_resource asks in it.")
@click.option(
    "--type",
    "resource_type",
    type=click.Choice(["0", "1", "2", "3"]),
    help="Its type: 0 song, 1 accompaniment, 2 long clip, 3 short segment. [default: what the use is for]",
)
@click.option(
    "--mode",
    type=click.Choice([str(mode) for mode in MODELS]),
    default="0",
    show_default=True,
    help="Its billing mode.",
)
@click.option("--territory", help="ISO 3166-1 alpha-2. [default: the app's home]")
@click.option("--at", type=INSTANT, help="The instant of use, ISO 8601 with offset. [default: now, or --known-at]")
@click.option("--known-at", type=INSTANT, help="What was on record then. [default: now]")
@standard_options
def explain_command(
    *,
    song: SongId,
    vendor: int,
    app_id: int,
    use: str | None,
    scene: str | None,
    resource_type: str | None,
    mode: str,
    territory: str | None,
    at: int | None,
    known_at: int | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Whether an app may use a song, and why: the decision that the server itself makes.

    Without --use and --scene it is the answer of QuerySongsCopyright; with --scene, that of request_resource.
    """
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        app = centre.apps.app(AppId(app_id))
        if app is None:
            raise UnknownApp(app_id)
        inquiry = Inquiry(
            song_id=song,
            vendor_id=known_vendor(centre, vendor),
            app=app,
            use=None if use is None else Use(use),
            scene_id=None if scene is None else int(scene),
            resource_type=None if resource_type is None else int(resource_type),
            billing_mode=int(mode),
            territory=None if territory is None else territory.upper(),
            at_ms=at,
            known_at_ms=known_at,
        )
        explanation = explain(centre, inquiry)
    if as_json:
        print_json(_explained(inquiry, explanation))
    else:
        click.echo("\n".join(_told(inquiry, explanation)))


@click.command("expiring")
@click.option("--within", "within_ms", type=_Duration(), required=True, help="Hours, days or weeks, as 30d.")
@_one_vendor
@standard_options
def expiring(*, within_ms: int, vendor: int | None, data: str | None, as_json: bool) -> None:
    """The deals that end soon, and are not followed by others."""
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        found = expiring_deals(centre, None if vendor is None else known_vendor(centre, vendor), within_ms=within_ms)
    if as_json:
        print_json([{**msgspec.to_builtins(each), "song_id": str(each.song_id)} for each in found])
        return
    rows = [
        (
            str(each.song_id),
            str(each.vendor_id),
            each.title,
            each.chain.value,
            format_instant(each.ends_at_ms),
            say_terms(each.terms),
        )
        for each in found[:MOST_SHOWN]
    ]
    print_table(("Song", "Vendor", "Title", "Rights", "Ends at", "Deal"), rows)
    _say_rest(len(found) - len(rows))


@click.command("blocked")
@_one_vendor
@standard_options
def blocked(*, vendor: int | None, data: str | None, as_json: bool) -> None:
    """The published songs that nobody may play, or sing, or that lack lyrics or an accompaniment, and why."""
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        found = blocked_songs(centre, None if vendor is None else known_vendor(centre, vendor))
        if as_json:
            print_json([_blocked(each) for each in found])
            return
        rows = [
            (
                str(each.song_id),
                str(each.vendor_id),
                each.title,
                "" if each.play is None else each.play.value,
                "" if each.sing is None else each.sing.value,
                ", ".join(each.states).replace("_", " "),
            )
            for each in islice(found, MOST_SHOWN)
        ]
        rest = sum(1 for _ in found)
    print_table(("Song", "Vendor", "Title", "May not be played", "May not be sung", "State"), rows)
    _say_rest(rest)


def _say_rest(count: int) -> None:
    if count > 0:
        click.echo(f"… and {count} more; --json lists all of them.")


def _licensed(centre: Centre, song: SongId | None, vendor: int | None) -> Iterable[LicensedSong]:
    vendor_id = None if vendor is None else known_vendor(centre, vendor)
    if song is None:
        return centre.rights_views.licensed(vendor_id)
    found = centre.songs.song(song)
    return iter(
        [
            LicensedSong(
                song_id=song,
                vendor_id=found.vendor_id,
                source_key=found.published.source_key,
                isrc=found.published.facts.isrc,
                title=found.published.facts.title,
                states=tuple(state.value for state in found.published.states),
                rights=centre.rights.rights(song),
            )
        ]
        if vendor_id in {None, found.vendor_id}
        else []
    )


def _held(rights: SongRights) -> list[tuple[str, str]]:
    """What is on record of a song, chain by chain, and what lies over it."""
    deals = [(chain.value, say_sheet(rights.sheet(chain))) for chain in Chain]
    if rights.recording == rights.work:
        deals = [("both", say_sheet(rights.work))]
    return [*deals, *(("takedown", say_block(block)) for block in rights.blocks)]


def _deal_rows(song: LicensedSong) -> list[tuple[str, ...]]:
    first = (str(song.song_id), str(song.vendor_id), song.title, str(song.rights.revision))
    heads = [first, *[("",) * len(first)] * (len(Chain) + len(song.rights.blocks))]
    return [(*head, *held) for head, held in zip(heads, _held(song.rights), strict=False)]


def _what(revision: Revision) -> str:
    words = _CAUSES.get(revision.cause, revision.cause)
    return f"{words} for {say_chains(revision.chains)}" if revision.chains else words


# As JSON.


def _sheet(sheet: TermSheet | None) -> dict[str, Any] | None:
    return None if sheet is None else {"terms": msgspec.to_builtins(sheet.terms), "words": say_sheet(sheet)}


def _rights(rights: SongRights) -> dict[str, Any]:
    return {
        "revision": rights.revision,
        "recording": _sheet(rights.recording),
        "work": _sheet(rights.work),
        "takedowns": msgspec.to_builtins(rights.blocks),
    }


def _deals(song: LicensedSong) -> dict[str, Any]:
    return {"song_id": str(song.song_id), "vendor_id": song.vendor_id, "title": song.title, **_rights(song.rights)}


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "recorded_at": format_instant(revision.recorded_at_ms),
        "cause": revision.cause,
        "chains": [chain.value for chain in revision.chains],
        "source": revision.source,
        **_rights(revision.rights),
    }


def _blocked(song: BlockedSong) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(song),
        "song_id": str(song.song_id),
        "play": None if song.play is None else song.play.name.lower(),
        "sing": None if song.sing is None else song.sing.name.lower(),
    }


def _explained(inquiry: Inquiry, explanation: Explanation) -> dict[str, Any]:
    return {
        "song_id": str(inquiry.song_id),
        "vendor_id": inquiry.vendor_id,
        "app_id": inquiry.app.app_id,
        "title": explanation.title,
        "allowed": explanation.allowed,
        "territory": explanation.territory,
        "is_home_territory": explanation.is_home,
        "at": format_instant(explanation.at_ms),
        "known_at": format_instant(explanation.known_at_ms),
        "revision": explanation.decision.revision,
        "play": _ground(explanation, explanation.play),
        "sing": _ground(explanation, explanation.sing),
        "refused_before": list(explanation.before),
    }


def _ground(explanation: Explanation, ground: Ground) -> dict[str, Any]:
    answer = ground.answer
    return {
        "allowed": answer.allowed,
        "reason": answer.reason.name.lower(),
        "words": answer.reason.value,
        "until": None if answer.until_ms is None else format_instant(answer.until_ms),
        "asked": [[use.value for use in uses] for uses in explanation.purpose.uses(ground.chain)],
        "terms": None if answer.terms is None else msgspec.to_builtins(answer.terms),
        "terms_words": None if answer.terms is None else say_terms(answer.terms),
        "deal": None if ground.deal is None else _revision(ground.deal),
        "takedown": None if answer.block is None else msgspec.to_builtins(answer.block),
        "takedown_revision": None if ground.takedown is None else _revision(ground.takedown),
    }


# In words.


def _told(inquiry: Inquiry, explanation: Explanation) -> list[str]:
    title = f" {explanation.title}" if explanation.title else ""
    home = ", the app's home" if explanation.is_home else ""
    verdict = "allowed" if explanation.allowed else "not allowed"
    use = "" if inquiry.use is None else f" for {inquiry.use.value.replace('_', ' ')}"
    asker = f"vendor {inquiry.vendor_id}, app {inquiry.app.app_id}"
    lines = [
        f"Song {inquiry.song_id}{title}, {asker}: {verdict}{use}",
        f"  asked for: {_asked(inquiry, explanation)}",
        f"  territory: {explanation.territory}{home}",
        f"  at: {format_instant(explanation.at_ms)}, as known at {format_instant(explanation.known_at_ms)}",
    ]
    lines += _told_ground(explanation.play, "may be played (recording)", explanation)
    lines += _told_ground(explanation.sing, "may be sung (work)", explanation)
    return [*lines, *(f"  before the rights are asked: {words}" for words in explanation.before)]


def _asked(inquiry: Inquiry, explanation: Explanation) -> str:
    purpose = explanation.purpose
    scene = "" if inquiry.scene_id is None else f" (scene {inquiry.scene_id}, billing mode {inquiry.billing_mode})"
    return f"{say_asked(purpose.play)} of the recording, {say_asked(purpose.sing)} of the work{scene}"


def _told_ground(ground: Ground, what: str, explanation: Explanation) -> list[str]:
    answer = ground.answer
    lines = [f"  {what}: {say_answer(answer)}"]
    if answer.block is not None:
        laid = ground.takedown
        recorded = "" if laid is None else f", recorded {_recorded(laid)}"
        lines.append(f"    {say_block(answer.block)}{recorded}")
    elif answer.terms is not None:
        lines.append(f"    by the deal {say_terms(answer.terms)}")
    elif ground.deal is not None:
        lines.append(f"    the deal says: {say_sheet(explanation.rights.sheet(ground.chain))}")
    if ground.deal is not None:
        lines.append(f"    deal recorded {_recorded(ground.deal)}")
    return lines


def _recorded(revision: Revision) -> str:
    by = f" by {revision.source}" if revision.source else ""
    return f"{format_instant(revision.recorded_at_ms)} as revision {revision.rights.revision}{by}"
