"""The command line: human text on a terminal, JSON with `--json`, one way to start and errors that say what to do."""

import sys

import click

from yuefu import __version__
from yuefu.errors import YuefuError
from yuefu.server.cli.admin import admin
from yuefu.server.cli.apps import app, token
from yuefu.server.cli.audit import audit
from yuefu.server.cli.bench import bench
from yuefu.server.cli.charts import chart
from yuefu.server.cli.config import config
from yuefu.server.cli.deals import deal
from yuefu.server.cli.ern import ern
from yuefu.server.cli.importing import import_command
from yuefu.server.cli.members import member, plan
from yuefu.server.cli.periods import charge, period
from yuefu.server.cli.prices import price
from yuefu.server.cli.serving import demo, serve
from yuefu.server.cli.signing import sign
from yuefu.server.cli.songs import song
from yuefu.server.cli.tags import tag
from yuefu.server.cli.takedowns import takedown
from yuefu.server.cli.webhooks import webhook


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="yuefu")
def commands() -> None:
    """Yuefu 乐府: a self-hosted licensed-music centre for online karaoke.

    Start with `yuefu demo`: it makes a small repertoire and serves it.
    """


_COMMANDS = (
    demo,
    serve,
    import_command,
    song,
    chart,
    tag,
    deal,
    ern,
    takedown,
    app,
    plan,
    member,
    price,
    charge,
    period,
    webhook,
    token,
    admin,
    audit,
    sign,
    config,
    bench,
)
for command in _COMMANDS:
    commands.add_command(command)


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and exit status 1."""
    try:
        commands()
    except YuefuError as error:
        click.secho(f"yuefu: {error}", fg="red", err=True)
        sys.exit(1)
