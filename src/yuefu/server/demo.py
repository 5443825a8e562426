"""The demo: a small repertoire of free songs, made by the project itself, with an app that may use it.

Between them the songs show every rule: both rights, one, none; with and without word lyrics; three vendors, recordings
that two of them have, a duet. Charts and tags are filled, and a second app is granted other vendors and less use.
"""

import contextlib
import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress

from yuefu.access.app import SCENES
from yuefu.access.audit import Author
from yuefu.catalogue.song import PublishedSong, Quality, Song
from yuefu.client import new_nonce, signed_url
from yuefu.errors import YuefuError
from yuefu.ids import AppId
from yuefu.ingest import repertoire
from yuefu.ingest.crew import Crew, Lost
from yuefu.ingest.fingerprint import PIPELINE_VERSION
from yuefu.ingest.repertoire import Entry
from yuefu.rights.deal import Terms
from yuefu.server.apps import create_app
from yuefu.server.demo_programme import fill_programme
from yuefu.server.founding import new_app
from yuefu.server.importing import hire_crew, recipe_for, run_import
from yuefu.server.licensing import RIGHTS, LicensedShelf, Offer
from yuefu.server.settings import Settings
from yuefu.server.wiring import Installation, open_installation
from yuefu.wire.vendor import BillingMode

DEMO_FILE = "demo.json"
VERSION_FILE = ".demo-version"
STAGING_FOLDER = "demo-staging"
APP_ID = AppId(1_234_567_890)
SMALL_APP_ID = AppId(1_234_567_891)
"""An app with other grants. `yuefu sign` and `yuefu token` know its secret; `demo.json` has the first one's."""

VENDORS, SMALL_APP_VENDORS = (1, 2), (1, 4)

_FINER = 2
"""How many of a vendor's songs come in all its qualities: one would leave the second core idle."""

_REVISION = 6
"""Raised when the demo is to be made anew though its songs and the import are the same."""

DEMO_VERSION = f"{_REVISION}-{PIPELINE_VERSION}-{repertoire.REPERTOIRE_VERSION}"

_AUTHOR = Author(actor="demo", origin="")
"""Who the audit says made the demo."""


class DemoSong(msgspec.Struct, frozen=True, kw_only=True):
    song_id: str
    song_name: str
    singer_name: str
    vendor_id: int


class DemoFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`demo.json`: what a program needs to try the demo: an app, and the songs of the vendors it may use."""

    base_url: str
    app_id: int
    server_secret: str
    vendor_id: int
    songs: tuple[DemoSong, ...]


class NotADemo(YuefuError):
    """The data folder is somebody's real installation."""


def prepare_demo(settings: Settings) -> DemoFacts:
    """Make the demo in the settings' data folder where it lacks it, and write `demo.json`.

    What an older version made is made anew. Raises `NotADemo` for a data folder that is not a demo's.
    """
    folder = settings.data_folder
    folder.mkdir(parents=True, exist_ok=True)
    if not _is_made(folder):
        _clear(settings)
        (folder / VERSION_FILE).write_text("unfinished\n", encoding="utf-8")
        with open_installation(settings) as installation:
            _make(installation)
        (folder / VERSION_FILE).write_text(f"{DEMO_VERSION}\n", encoding="utf-8")
    with open_installation(settings) as installation:
        facts = _facts(installation)
    staged = folder / f"{DEMO_FILE}.new"
    staged.touch(mode=0o600)  # it holds the app's secret
    staged.write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n")
    staged.replace(folder / DEMO_FILE)
    return facts


def sample_call(facts: DemoFacts) -> str:
    """A curl line that asks for the rights of the first songs, good for ten minutes."""
    url = signed_url(
        facts.base_url,
        "QuerySongsCopyright",
        {"SongsId": [song.song_id for song in facts.songs[:2]]},
        app_id=facts.app_id,
        server_secret=facts.server_secret,
        user_id="demo",
        vendor_id=facts.vendor_id,
        nonce=new_nonce(),
        timestamp_s=int(time.time()),
    )
    return f"curl {shlex.quote(url)}"


def demo_base_url(settings: Settings) -> str | None:
    """Where the demo in that data folder was last served, None when there is no demo."""
    file = settings.data_folder / DEMO_FILE
    return msgspec.json.decode(file.read_bytes(), type=DemoFacts).base_url if file.is_file() else None


def _is_made(folder: Path) -> bool:
    version = folder / VERSION_FILE
    return version.is_file() and version.read_text(encoding="utf-8").strip() == DEMO_VERSION


def _clear(settings: Settings) -> None:
    """Take away what an older or interrupted demo left."""
    database = settings.database_path
    if not (settings.data_folder / VERSION_FILE).exists():
        if database.exists():
            raise NotADemo(f"{settings.data} holds an installation that is not a demo; give another --data")
        return
    for path in (database, database.with_name(f"{database.name}-wal"), database.with_name(f"{database.name}-shm")):
        path.unlink(missing_ok=True)
    for left in (settings.blobs_path, settings.data_folder / STAGING_FOLDER):
        shutil.rmtree(left, ignore_errors=True)


def _make(installation: Installation) -> None:
    entries = repertoire.entries()
    staging = installation.settings.data_folder / STAGING_FOLDER
    staging.mkdir()
    with contextlib.ExitStack() as finally_:
        finally_.callback(shutil.rmtree, staging)
        crew = finally_.enter_context(hire_crew())
        folders = _render(entries, staging, crew)
        offers = {entry.key: Offer(RIGHTS[entry.rights], Terms(channel=entry.channel)) for entry in entries}

        def offer(song: PublishedSong) -> Offer:
            return offers[song.source_key]

        shelf = LicensedShelf(installation.centre, _AUTHOR, offer)
        for vendor in sorted({entry.vendor_id for entry in entries}):
            paths = [folder for entry, folder in zip(entries, folders, strict=True) if entry.vendor_id == vendor]
            profile = installation.centre.profiles[vendor]
            for some, finest in ((paths[:_FINER], Quality.SQ), (paths[_FINER:], Quality.NORMAL)):
                recipe = recipe_for(profile, finest=finest)
                report = run_import(installation, some, vendor, shelf, _AUTHOR, crew=crew, recipe=recipe)
                for song in report.songs:
                    if song.outcome == "refused":
                        raise YuefuError(f"the demo song {song.source_key} could not be made: {song.reason}")
    fill_programme(installation.centre, entries, _AUTHOR)
    _create_app(installation, "Yuefu demo", APP_ID, vendors=VENDORS, scenes=SCENES)
    _create_app(
        installation,
        "Yuefu demo: vendors 1 and 4, chat rooms",
        SMALL_APP_ID,
        vendors=SMALL_APP_VENDORS,
        scenes=SCENES[:1],
    )


def _create_app(
    installation: Installation, name: str, app_id: AppId, *, vendors: Sequence[int], scenes: Sequence[int]
) -> None:
    """An app whose default vendor is the first of its vendors."""
    app = new_app(
        name,
        app_id=app_id,
        vendors=vendors,
        default_vendor=vendors[0],
        scenes=scenes,
        billing=(BillingMode.PER_USE,),
        territory=installation.settings.home_territory,
    )
    create_app(installation.centre, app, _AUTHOR)


def _render(entries: Sequence[Entry], staging: Path, crew: Crew) -> list[Path]:
    """Sing and play every song once, one a core at a time; a recording that two vendors have is delivered twice."""
    folders = {entry: staging / f"{place:02}-{entry.folder}" for place, entry in enumerate(entries, start=1)}
    takes: dict[object, Entry] = {}
    for entry in entries:
        takes.setdefault(entry.take, entry)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("singing the demo repertoire", total=len(takes))
        jobs = [(entry, folders[entry]) for entry in takes.values()]
        for (entry, _), answer in crew.work_through(_render_one, jobs, told=lambda *_: None):
            if isinstance(answer, Lost):
                raise YuefuError(f"the demo song {entry.key} could not be sung: {answer.reason}")
            bar.advance(task)
    for entry in entries:
        if takes[entry.take] is not entry:
            repertoire.redeliver(entry, folders[takes[entry.take]], folders[entry])
    return list(folders.values())


def _render_one(job: tuple[Entry, Path], _tell: Callable[[float], None]) -> None:
    repertoire.render(*job)


def _facts(installation: Installation) -> DemoFacts:
    app = installation.centre.apps.app(APP_ID)
    if app is None:
        raise NotADemo(f"{installation.settings.data} has lost its demo app; remove the folder and start again")
    made = {(song.vendor_id, song.published.source_key): song for song in installation.centre.songs.songs()}
    entries = repertoire.entries()
    return DemoFacts(
        base_url=installation.settings.listening_url,
        app_id=app.app_id,
        server_secret=app.live_secrets[0],
        vendor_id=app.default_vendor,
        songs=tuple(
            _shown(made[entry.vendor_id, entry.key])
            for entry in entries
            if entry.vendor_id in app.vendors and (entry.vendor_id, entry.key) in made
        ),
    )


def _shown(song: Song) -> DemoSong:
    facts = song.published.facts
    return DemoSong(
        song_id=str(song.song_id),
        song_name=facts.title,
        singer_name="/".join(facts.singers),
        vendor_id=song.vendor_id,
    )
