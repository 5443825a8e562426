"""`yuefu admin …`."""

from typing import Any

import click

from yuefu.access.admin_key import AdminKey, Role
from yuefu.server.admin_keys import create_key, revoke_key
from yuefu.server.cli.options import command_author, print_json, print_table, settings_for, standard_options
from yuefu.server.wiring import open_installation
from yuefu.units import format_instant


@click.group()
def admin() -> None:
    """The admin API."""


@admin.group("key")
def key() -> None:
    """Its keys. An operator's may do everything, finance's may look and see the audit, a viewer's may look."""


@key.command("create")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", required=True, help="Who holds it; the audit names him by it.")
@standard_options
def create(*, role: str, name: str, data: str | None, as_json: bool) -> None:
    """Make a key. It is printed once, here; the store keeps a hash of it."""
    with open_installation(settings_for(data)) as installation:
        new = create_key(installation.centre, name, Role(role), command_author())
    if as_json:
        print_json({**_facts(new.key), "key": new.secret})
        return
    click.echo(f"Id   {new.key.key_id}\nKey  {new.secret}")
    click.echo("Keep the key: it is not shown again.")


@key.command("list")
@standard_options
def list_keys(*, data: str | None, as_json: bool) -> None:
    """The keys there are and were; never the keys themselves."""
    with open_installation(settings_for(data)) as installation:
        shown = [_facts(each) for each in installation.centre.admin_keys.all_keys()]
    if as_json:
        print_json(shown)
        return
    rows = [
        (each["key_id"], each["name"], each["role"], each["created_at"], each["revoked_at"] or "in use")
        for each in shown
    ]
    print_table(("Id", "Name", "Role", "Made at", "Revoked at"), rows)


@key.command("revoke")
@click.argument("key_id", metavar="ID")
@standard_options
def revoke(*, key_id: str, data: str | None, as_json: bool) -> None:
    """End a key at once, for running servers too."""
    with open_installation(settings_for(data)) as installation:
        revoked = revoke_key(installation.centre, key_id, command_author())
    if as_json:
        print_json(_facts(revoked))
    else:
        click.echo(f"Key {key_id} of {revoked.name} is revoked.")


def _facts(key: AdminKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "role": key.role.value,
        "created_at": format_instant(key.created_at_ms),
        "revoked_at": None if key.revoked_at_ms is None else format_instant(key.revoked_at_ms),
    }
