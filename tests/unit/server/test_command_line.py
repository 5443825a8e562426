"""The table of commands: each is there, under its own name, and none costs what another one needs."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from yuefu.server.cli import commands
from yuefu.server.cli.options import SongIdType

_NAMES = commands.list_commands(click.Context(commands))


@pytest.mark.parametrize("name", _NAMES)
def test_a_command_of_the_table_loads_under_its_own_name_and_says_what_it_does(name: str) -> None:
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str()


def test_an_unknown_command_is_refused_with_a_usage_line() -> None:
    with pytest.raises(click.UsageError, match="No such command 'sing'"):
        commands.resolve_command(click.Context(commands), ["sing"])


def leaves(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and the words that name it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, *path, name)
        else:
            yield (*path, name), command


_NUMBERS = [
    (path, command, parameter)
    for path, command in leaves(commands)
    for parameter in command.params
    if isinstance(parameter.type, click.types.IntParamType | SongIdType)
]


@pytest.mark.parametrize(
    ("path", "command", "parameter"), _NUMBERS, ids=[f"{' '.join(path)} {each.name}" for path, _, each in _NUMBERS]
)
@pytest.mark.parametrize("number", ["9" * 30, "-1", "1.5"])
def test_a_number_that_no_store_gave_out_is_a_usage_error(
    path: tuple[str, ...], command: click.Command, parameter: click.Parameter, number: str
) -> None:
    context = click.Context(command, info_name=path[-1])
    with pytest.raises(click.BadParameter):
        parameter.type_cast_value(context, (number,) if parameter.nargs == -1 or parameter.multiple else number)


def test_a_huge_number_on_the_command_line_is_two_lines_and_exit_status_2() -> None:
    done = CliRunner().invoke(commands, ["song", "show", "9" * 30])
    assert done.exit_code == 2
    assert "no song id" in done.output
    assert CliRunner().invoke(commands, ["app", "show", "9" * 30]).exit_code == 2


def test_asking_for_a_token_loads_no_audio_library() -> None:
    code = (
        "import sys, click; from yuefu.server.cli import commands\n"
        "commands.get_command(click.Context(commands), 'token')\n"
        "print(sorted({'av', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
