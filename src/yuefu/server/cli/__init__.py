"""The command line: human text on a terminal, JSON with `--json`, one way to start and errors that say what to do."""

import sys
from importlib import import_module

import click

from yuefu import __version__
from yuefu.errors import YuefuError

# name: module of this package, and the command in it. A command's module is loaded when the command is asked for,
# so that `yuefu token` does not wait for the audio libraries that `yuefu import` needs.
_COMMANDS = {
    "demo": "serving:demo",
    "serve": "serving:serve",
    "import": "importing:import_command",
    "song": "songs:song",
    "lyrics": "lyrics:lyrics",
    "chart": "charts:chart",
    "tag": "tags:tag",
    "deal": "deals:deal",
    "ern": "ern:ern",
    "takedown": "takedowns:takedown",
    "app": "apps:app",
    "plan": "members:plan",
    "member": "members:member",
    "price": "prices:price",
    "charge": "periods:charge",
    "period": "periods:period",
    "play": "plays:play",
    "split": "splits:split",
    "report": "reports:report",
    "user": "keeping:user",
    "prune": "keeping:prune",
    "webhook": "webhooks:webhook",
    "token": "apps:token",
    "admin": "admin:admin",
    "audit": "audit:audit",
    "sign": "signing:sign",
    "config": "config:config",
    "bench": "bench:bench",
}


class _LoadedWhenAsked(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), attribute)
        return command


@click.group(cls=_LoadedWhenAsked, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="yuefu")
def commands() -> None:
    """Yuefu 乐府: a self-hosted licensed-music centre for online karaoke.

    Start with `yuefu demo`: it makes a small repertoire and serves it.
    """


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and exit status 1."""
    try:
        commands()
    except YuefuError as error:
        click.secho(f"yuefu: {error}", fg="red", err=True)
        sys.exit(1)
