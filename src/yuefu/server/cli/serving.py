"""`yuefu serve` and `yuefu demo`."""

import os
import socket
import ssl
from pathlib import Path

import click
from granian.constants import Interfaces, Loops, SSLProtocols
from granian.log import LogLevels
from granian.server import Server

from yuefu.server.cli.options import NUMBER, print_json, settings_for, standard_options
from yuefu.server.demo import DEMO_FILE, prepare_demo, sample_call
from yuefu.server.settings import PREFIX, BadSettings, Settings
from yuefu.server.wiring import open_installation

_BACKLOG = 1024
_PORT = click.IntRange(0, 65_535)


@click.command()
@click.option("--host", help="The address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=_PORT, help="[default: 8080]")
@click.option("--workers", type=NUMBER, help="Worker processes. [default: 1]")
@standard_options
def serve(*, host: str | None, port: int | None, workers: int | None, data: str | None, as_json: bool) -> None:
    """Serve the centre over HTTP."""
    run_server(settings_for(data, host=host, port=port, workers=workers), as_json=as_json)


@click.command()
@click.option("--host", help="The address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=_PORT, help="[default: 8080]")
@click.option("--no-serve", is_flag=True, help="Stop once the repertoire is made.")
@standard_options
def demo(*, host: str | None, port: int | None, no_serve: bool, data: str | None, as_json: bool) -> None:
    """Make a small free repertoire and serve it: everything here can be tried on it."""
    settings = settings_for(data, host=host, port=port)
    facts = prepare_demo(settings)
    if as_json:
        print_json(facts)
    else:
        where = settings.data_folder / DEMO_FILE
        click.echo(f"{len(facts.songs)} songs are ready in {settings.data}; {where} says how to ask.")
        click.echo(f"\nTry, within ten minutes:\n\n{sample_call(facts)}\n")
    if not no_serve:
        run_server(settings, as_json=as_json)


def run_server(settings: Settings, *, as_json: bool) -> None:
    """Serve until told to stop. Workers are told the settings by their environment."""
    _check_port(settings)
    certificate, key = _check_tls(settings)
    with open_installation(settings):
        pass  # whatever is wrong with the data folder is said here, not by each worker
    for name, value in settings.environment().items():
        os.environ[PREFIX + name] = value
    base_url = settings.listening_url
    if as_json:
        print_json({"base_url": base_url})
    else:
        click.echo(f"Yuefu 乐府 listens on {base_url}")
    Server(
        "yuefu.server.asgi:make_site",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        loop=Loops.uvloop,
        websockets=False,
        backlog=_BACKLOG,
        ssl_cert=certificate,
        ssl_key=key,
        ssl_protocol_min=SSLProtocols.tls12,
        log_level=LogLevels.warning,
    ).serve()


def _check_tls(settings: Settings) -> tuple[Path | None, Path | None]:
    """The certificate and its key, if there are to be any. Raises `BadSettings` for files that do not make a pair."""
    if settings.tls_files is None:
        return None, None
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*settings.tls_files, password="")
    except (OSError, ValueError) as error:
        raise BadSettings(f"tls_certificate, tls_key: {error}") from None
    return settings.tls_files


def _check_port(settings: Settings) -> None:
    """Refuse a port that is taken: workers share theirs, so two servers would share it too, and each get half."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise BadSettings(f"cannot listen on {where} ({error.strerror}); give another --port") from None
