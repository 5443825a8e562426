"""What the benches measure on: a data folder with a catalogue, and apps enough that no quota stands in the way."""

import contextlib
import secrets
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw
import msgspec

from bench.process import ROOT, Server, free_port, running
from yuefu.access.app import SCENES, App
from yuefu.access.session import SESSION_LIFE_MS, TOKEN_BYTES, NewSession, hash_token, new_token
from yuefu.ids import AppId, RoomId, UserId
from yuefu.server.centre import Transaction
from yuefu.server.founding import new_app
from yuefu.server.settings import Settings
from yuefu.server.wiring import Installation, open_installation
from yuefu.wire.vendor import BillingMode

VENDOR = 1
YUEFU = Path(sysconfig.get_path("scripts")) / "yuefu"
_FILLING_FILE = "filling.json"
_IDS = "SELECT min(song_id), max(song_id), count(*) FROM song_rights"


class Filling(msgspec.Struct, frozen=True):
    """What `yuefu bench catalogue` said of its work."""

    songs: int
    seconds: float
    songs_per_s: float


@dataclass(frozen=True, slots=True)
class Stock:
    """A filled data folder: its apps with their secrets, and the ids of its songs, which follow each other."""

    folder: Path
    apps: tuple[App, ...]
    song_ids: range
    filling: Filling


def stock_up(folder: Path, *, songs: int, apps: int) -> Stock:
    """The stock in `folder`, filled if it isn't yet; what an interrupted filling left there is taken away."""
    report = folder / _FILLING_FILE
    if not report.exists():
        shutil.rmtree(folder, ignore_errors=True)
        command = [str(YUEFU), "bench", "catalogue", "--songs", str(songs), "--data", str(folder), "--json"]
        made = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        report.write_bytes(made.stdout)
    with open_installation(Settings(data=str(folder))) as installation:
        return Stock(
            folder=folder,
            apps=tuple(add_apps(installation, apps)),
            song_ids=_song_ids(installation.settings),
            filling=msgspec.json.decode(report.read_bytes(), type=Filling),
        )


@contextlib.contextmanager
def serving(folder: Path, *, site: str | None = None) -> Iterator[Server]:
    """`yuefu serve` on that folder, with one worker; with another `site` (MODULE:FACTORY) in place of its own."""
    port = free_port()
    command = [str(YUEFU), "serve", "--port", str(port)]
    if site is not None:
        command = [sys.executable, "-m", "bench.serving", site, str(port)]
    environment = {"YUEFU_DATA": str(folder), "YUEFU_WORKERS": "1"}
    with running(command, port=port, ready_path="/readyz", environment=environment) as server:
        yield server


def add_apps(installation: Installation, count: int) -> list[App]:
    """`count` apps that may use everything of the bench's vendor, made where they aren't there yet."""
    known = {app.app_id: app for app in installation.centre.apps.apps()}
    for app_id in range(1, count + 1):
        if app_id not in known:
            app = new_app(
                f"bench {app_id}",
                app_id=app_id,
                vendors=(VENDOR,),
                default_vendor=VENDOR,
                scenes=SCENES,
                billing=(BillingMode.PER_USE,),
                territory=installation.settings.home_territory,
            )
            installation.centre.apps.create(app, at_ms=installation.centre.now_ms())
            known[app.app_id] = app
    return [known[AppId(app_id)] for app_id in range(1, count + 1)]


def open_session(transaction: Transaction, app_id: AppId, number: int, *, at_ms: int) -> str:
    """The token of a new session, of one singer of many."""
    token = new_token(secrets.token_bytes(TOKEN_BYTES))
    session = NewSession(
        token_hash=hash_token(token),
        app_id=app_id,
        user_id=UserId(f"singer-{number}"),
        user_name="",
        rooms=None,
        joined_rooms=(RoomId("bench"),),
        territory="CN",
        started_at_ms=at_ms,
        expires_at_ms=at_ms + SESSION_LIFE_MS,
    )
    transaction.open_session(session)
    return token


def _song_ids(settings: Settings) -> range:
    connection = apsw.Connection(str(settings.database_path), flags=apsw.SQLITE_OPEN_READONLY)
    with contextlib.closing(connection):
        first, last, count = map(int, connection.execute(_IDS).get)
    if last - first + 1 != count:
        raise ValueError(f"{settings.data}: not a folder that the bench alone has filled")
    return range(first, last + 1)
