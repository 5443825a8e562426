"""The table of commands: each is there, under its own name, and none costs what another one needs."""

import subprocess
import sys

import click
import pytest

from yuefu.server.cli import commands

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


def test_asking_for_a_token_loads_no_audio_library() -> None:
    code = (
        "import sys, click; from yuefu.server.cli import commands\n"
        "commands.get_command(click.Context(commands), 'token')\n"
        "print(sorted({'av', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
