"""The options every command has, and what commands print with."""

import getpass
import os
import socket
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from yuefu.access.audit import Author
from yuefu.ids import SongId, parse_song_id
from yuefu.rights.plan import BadPlan, check_currency
from yuefu.rights.territory import UnknownTerritory, check_territory
from yuefu.server.settings import Settings, load_settings
from yuefu.units import parse_instant_ms

F = TypeVar("F", bound=Callable[..., Any])

data_option = click.option(
    "--data", metavar="DIR", help="The data folder. [default: ./yuefu-data, or YUEFU_DATA]", type=click.Path()
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def standard_options(command: F) -> F:
    """`--data` and `--json`."""
    return data_option(json_option(command))


def settings_for(data: str | None, **flags: Any) -> Settings:
    """The settings that hold for a command's flags."""
    return load_settings({"data": data, **flags}, os.environ)


def command_author() -> Author:
    """Who the audit says made a change by a command: the account that ran it, on this machine."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        account = str(os.getuid())
    return Author(actor=f"cli:{account}", origin=socket.gethostname())


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def write_file(file: Path, text: str, *, encoding: str = "utf-8") -> None:
    """Write what a command makes beside its answer. Raises `click.FileError`."""
    try:
        file.write_text(text, encoding, newline="")
    except OSError as error:
        raise click.FileError(str(file), error.strerror or "") from error


def escape_controls(text: str) -> str:
    """The text with control characters written out, so that no name can draw on a terminal; line ends are left."""
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) == "Cc" and character not in "\n\t"
        else character
        for character in text
    )


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """A table for people, as wide as the terminal allows."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in head:
        table.add_column(column, overflow="fold")  # an instant that is cut off says nothing
    for row in rows:
        table.add_row(*(Text(escape_controls(cell)) for cell in row))  # as it is: what a delivery says is no markup
    Console().print(table)


NUMBER = click.IntRange(1, 2**53)
"""The number of something on record: a vendor, a case. What is larger no store has ever given out."""

COUNT = click.IntRange(0, 2**53)
"""How many of something, or a number where 0 says something of its own."""


class InstantType(click.ParamType[int]):
    """An ISO 8601 date-time with an offset, as an instant in ms."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_instant_ms(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


INSTANT = InstantType()


class TerritoryType(click.ParamType[str]):
    """One territory's code."""

    name = "territory"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return check_territory(str(value))
        except UnknownTerritory as error:
            self.fail(str(error), param, ctx)


TERRITORY = TerritoryType()


class CurrencyType(click.ParamType[str]):
    """A currency's code."""

    name = "currency"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return check_currency(str(value))
        except BadPlan as error:
            self.fail(str(error), param, ctx)


CURRENCY = CurrencyType()


class SongIdType(click.ParamType[SongId]):
    """A song's id as the wire writes it."""

    name = "song"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> SongId:
        song_id = parse_song_id(str(value))
        if song_id is None:
            self.fail(f"{value!r} is no song id", param, ctx)
        return song_id


SONG_ID = SongIdType()
