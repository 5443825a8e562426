"""`yuefu config`."""

from typing import Any

import click

from yuefu.server.cli.options import print_json, print_table, settings_for, standard_options


@click.group()
def config() -> None:
    """Settings: `yuefu.toml` in the data folder, then YUEFU_* variables, then flags."""


@config.command("show")
@standard_options
def show(*, data: str | None, as_json: bool) -> None:
    """The settings that hold, without secrets."""
    shown = settings_for(data).shown()
    if as_json:
        print_json(shown)
    else:
        print_table(("Setting", "Value"), [(name, _spell(value)) for name, value in shown.items()])


def _spell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple | list) else str(value)
