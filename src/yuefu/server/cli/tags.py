"""`yuefu tag …`."""

from pathlib import Path
from typing import Any

import click

from yuefu.ids import SongId
from yuefu.server.centre import Centre
from yuefu.server.cli.options import SONG_ID, command_author, print_json, print_table, settings_for, standard_options
from yuefu.server.cli.tables import export_file, import_options, print_report, write_table
from yuefu.server.programme import add_tag, add_tag_group, remove_tag, remove_tag_group, set_tag_songs
from yuefu.server.programme_tables import export_tags, import_tags
from yuefu.server.wiring import open_installation


@click.group()
def tag() -> None:
    """Tags: words that songs carry, in groups."""


@tag.group("group")
def group() -> None:
    """Groups of tags."""


@group.command("add")
@click.argument("group_id")
@click.argument("name")
@standard_options
def add_group_command(*, group_id: str, name: str, data: str | None, as_json: bool) -> None:
    """Add a group at the end, or give one another name."""
    with open_installation(settings_for(data)) as installation:
        add_tag_group(installation.centre, group_id, name, author=command_author())
    _say({"group_id": group_id, "name": name}, f"Group {group_id} is {name}.", as_json=as_json)


@group.command("remove")
@click.argument("group_id")
@standard_options
def remove_group_command(*, group_id: str, data: str | None, as_json: bool) -> None:
    """Take away a group that has no tags."""
    with open_installation(settings_for(data)) as installation:
        remove_tag_group(installation.centre, group_id, author=command_author())
    _say({"removed": group_id}, f"Group {group_id} is removed.", as_json=as_json)


@tag.command("add")
@click.argument("tag_id")
@click.argument("name")
@click.option("--group", "group_id", required=True, help="The group it belongs to.")
@standard_options
def add_command(*, tag_id: str, name: str, group_id: str, data: str | None, as_json: bool) -> None:
    """Add a tag at the end of its group, or give one another name or group."""
    with open_installation(settings_for(data)) as installation:
        add_tag(installation.centre, group_id, tag_id, name, author=command_author())
    _say({"group_id": group_id, "tag_id": tag_id, "name": name}, f"Tag {tag_id} is {name}.", as_json=as_json)


@tag.command("songs")
@click.argument("tag_id")
@click.argument("song_ids", metavar="SONG...", type=SONG_ID, nargs=-1, required=True)
@standard_options
def songs_command(*, tag_id: str, song_ids: tuple[SongId, ...], data: str | None, as_json: bool) -> None:
    """Say which songs carry a tag, in their order, in place of those that did. They may be of several vendors."""
    with open_installation(settings_for(data)) as installation:
        set_tag_songs(installation.centre, tag_id, song_ids, author=command_author())
    facts = {"tag_id": tag_id, "songs": [str(song_id) for song_id in song_ids]}
    _say(facts, f"Songs that carry tag {tag_id}: {len(song_ids)}", as_json=as_json)


@tag.command("list")
@standard_options
def list_command(*, data: str | None, as_json: bool) -> None:
    """The groups, their tags, and the songs that carry them."""
    with open_installation(settings_for(data)) as installation:
        shown = _groups(installation.centre)
    if as_json:
        print_json(shown)
        return
    rows = [
        (each["group_id"], each["name"], tag["tag_id"], tag["name"], str(len(tag["songs"])))
        for each in shown
        for tag in each["tags"] or [{"tag_id": "", "name": "", "songs": []}]
    ]
    print_table(("Group", "Name", "Tag", "Name", "Songs"), rows)


@tag.command("remove")
@click.argument("tag_id")
@standard_options
def remove_command(*, tag_id: str, data: str | None, as_json: bool) -> None:
    """Take a tag away, from its songs too."""
    with open_installation(settings_for(data)) as installation:
        remove_tag(installation.centre, tag_id, author=command_author())
    _say({"removed": tag_id}, f"Tag {tag_id} is removed.", as_json=as_json)


@tag.command("export")
@export_file
@standard_options
def export_command(*, file: str, data: str | None, as_json: bool) -> None:
    """Write groups, tags and their songs as CSV; `-` is standard output."""
    with open_installation(settings_for(data)) as installation:
        table = export_tags(installation.centre)
    write_table(table, file, as_json=as_json)


@tag.command("import")
@import_options
@standard_options
def import_command(*, file: Any, dry_run: bool, data: str | None, as_json: bool) -> None:
    """Take in tags from CSV: the whole file or, with findings, nothing and exit status 1."""
    with open_installation(settings_for(data)) as installation:
        report = import_tags(
            installation.centre, file.read(), author=command_author(), file=Path(file.name).name, dry_run=dry_run
        )
    print_report(report, as_json=as_json)


def _groups(centre: Centre) -> list[dict[str, Any]]:
    return [
        {
            "group_id": each.group_id,
            "name": each.name,
            "tags": [
                {
                    "tag_id": tag.tag_id,
                    "name": tag.name,
                    "songs": [str(song_id) for song_id in centre.programme.tagged(tag.tag_id, None) or ()],
                }
                for tag in each.tags
            ],
        }
        for each in centre.programme.tag_groups()
    ]


def _say(facts: dict[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        click.echo(words)
