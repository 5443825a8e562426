"""A whole centre in a folder, without a socket: a clock that tests set, songs whose blobs are a few bytes."""

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import pytest
import structlog
from starlette.testclient import TestClient

from yuefu.access.app import App
from yuefu.catalogue.song import Highlight, Part, PartKind, PublishedSong
from yuefu.ids import AppId, SongId, VendorId
from yuefu.music.lyrics import Line, Lyrics, Syllable, Word
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.server.centre import Centre
from yuefu.server.http.edge import answer_action
from yuefu.server.http.site import Site
from yuefu.server.settings import Settings
from yuefu.server.wiring import Installation, open_installation
from yuefu.units import SECOND_MS, Span
from yuefu.wire import user_token
from yuefu.wire.login import LoginClaims
from yuefu.wire.signing import sign

START_S = 1_700_000_000
START_MS = START_S * SECOND_MS
SECRET = "fa94dd0f974cf2e293728a526b028271"
APP = App(
    app_id=AppId(12345),
    name="测试",
    live_secrets=(SECRET,),
    default_vendor=VendorId(1),
    vendors=frozenset({1, 2}),
    scenes=frozenset({1, 2, 3, 4}),
    billing_modes=frozenset({0}),
    home_territory="CN",
)
CLIP = Span(begin_ms=60_000, end_ms=100_000)
HIGHLIGHT = Highlight(clip=CLIP, prelude_ms=5_000, segments=(Span(begin_ms=70_000, end_ms=90_000),), rule="medley")
LYRICS = Lyrics(
    lines=(
        Line(
            begin_ms=10_000,
            end_ms=12_000,
            text="好花",
            words=(
                Word(syllables=(Syllable(begin_ms=10_000, duration_ms=900, text="好"),)),
                Word(syllables=(Syllable(begin_ms=11_000, duration_ms=1_000, text="花"),)),
            ),
        ),
        Line(begin_ms=13_000, end_ms=14_000, text="(间奏)"),
    )
)
WORDLESS = Lyrics(lines=(Line(begin_ms=10_000, end_ms=12_000, text="好花"),))
CONTENTS = {
    PartKind.ORIGINAL: b"the original recording",
    PartKind.ACCOMPANIMENT: b"the backing with the original beside it",
    PartKind.ACCOMPANIMENT_ALONE: b"the backing alone",
    PartKind.CLIP: bytes(range(256)) * 40,
    PartKind.SEGMENT: b"the short segment",
    PartKind.LYRICS: msgspec.json.encode(LYRICS),
}
BOTH = (Chain.RECORDING, Chain.WORK)
WHOLE = tuple(CONTENTS)
FOREVER = Terms(channel=0)


@dataclass(frozen=True)
class Delivery:
    """One song of the template: what it has and what may be done with it."""

    parts: tuple[PartKind, ...] = WHOLE
    chains: tuple[Chain, ...] = BOTH
    terms: Terms = FOREVER
    vendor: int = 1
    tracks: int = 2
    lyrics: Lyrics = LYRICS


DELIVERIES = {
    "whole": Delivery(),
    "sung only": Delivery(chains=(Chain.WORK,), terms=Terms(channel=3)),
    "played only": Delivery(chains=(Chain.RECORDING,), terms=Terms(channel=2)),
    "nothing allowed": Delivery(chains=()),
    "bare and nothing allowed": Delivery(parts=(PartKind.ORIGINAL,), chains=()),
    "mix only": Delivery(parts=(PartKind.ORIGINAL,)),
    "backing only": Delivery(parts=(PartKind.ACCOMPANIMENT, PartKind.LYRICS), tracks=1),
    "no highlight": Delivery(parts=(PartKind.ORIGINAL, PartKind.ACCOMPANIMENT)),
    "no words": Delivery(lyrics=WORDLESS),
    "ended": Delivery(terms=Terms(valid_until_ms=START_MS)),
    "coming": Delivery(terms=Terms(valid_from_ms=START_MS + SECOND_MS)),
    "ending": Delivery(terms=Terms(valid_until_ms=START_MS + SECOND_MS)),
    "of vendor 2": Delivery(vendor=2),
}


@dataclass
class World:
    """A centre, and short words for what tests do to it."""

    centre: Centre
    folder: Path
    songs: dict[str, SongId]
    now_us: int = START_MS * 1_000

    def __post_init__(self) -> None:
        self.request_numbers = itertools.count(1)
        self.nonces = itertools.count(1)
        self.centre = replace(
            self.centre,
            now_us=lambda: self.now_us,
            new_request_id=lambda: f"00000000-0000-4000-8000-{next(self.request_numbers):012}",
        )

    @property
    def now_s(self) -> int:
        return self.now_us // 1_000_000

    def wait(self, wait_ms: int) -> None:
        self.now_us += wait_ms * 1_000

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, by column."""

        def job(transaction: Any) -> list[dict[str, Any]]:
            cursor = transaction._connection.execute(f"SELECT * FROM {table}")
            return [dict(zip([name for name, _ in cursor.get_description()], row, strict=True)) for row in cursor]

        return self.centre.work.run(job)

    def add_app(self, app_id: int, **changes: Any) -> App:
        app = msgspec.structs.replace(APP, app_id=AppId(app_id), **changes)
        self.centre.apps.create(app, at_ms=self.now_us // 1_000)
        return app

    def record_deal(self, song: str, *chains: Chain, terms: tuple[Terms, ...] = (FOREVER,)) -> None:
        """Give a song terms; with none of them, take its rights away."""
        deal = Deal(song_id=self.songs[song], chains=chains, sheet=TermSheet(terms=terms))
        self.centre.work.run(lambda transaction: transaction.record_deal(deal, at_ms=self.now_us // 1_000))

    def remove(self, song: str) -> None:
        self.centre.work.run(lambda transaction: transaction.remove_song(self.songs[song], at_ms=1))

    def ids(self, *songs: str) -> list[str]:
        return [str(self.songs[song]) for song in songs]

    # The server API.

    def fields(self, app: App = APP, **changes: Any) -> dict[str, list[str]]:
        """A well signed question about the first song. None takes a field away, a list repeats it."""
        nonce = str(changes.get("SignatureNonce") or f"nonce-{next(self.nonces)}")
        timestamp = str(changes.get("Timestamp") or self.now_s)
        given: dict[str, Any] = {
            "Action": "QuerySongsCopyright",
            "AppId": app.app_id,
            "SignatureNonce": nonce,
            "SignatureVersion": "2.0",
            "Timestamp": timestamp,
            "UserId": "茉莉",
            "SongsId[]": self.ids("whole"),
            "Signature": sign(
                app_id=app.app_id,
                nonce=nonce,
                secret=app.live_secrets[0],
                timestamp_s=int(timestamp) if len(timestamp) == 10 and timestamp.isdecimal() else 0,
            ),
        }
        given |= changes
        return {
            name: [str(item) for item in value] if isinstance(value, list) else [str(value)]
            for name, value in given.items()
            if value is not None
        }

    def query(self, app: App = APP, **changes: Any) -> bytes:
        pairs = [(name, value) for name, values in self.fields(app, **changes).items() for value in values]
        return "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs).encode()

    def answer(self, raw_query: bytes, body: bytes = b"", content_type: str = "") -> Any:
        return json.loads(answer_action(self.centre, raw_query, body, content_type))

    def ask(self, app: App = APP, **changes: Any) -> Any:
        return self.answer(self.query(app, **changes))

    # The client API.

    def http(self) -> TestClient:
        return TestClient(Site(self.centre))

    def login_token(self, app: App = APP, user_id: str = "茉莉", **changes: Any) -> str:
        claims = LoginClaims(user_id=user_id, expires_at_s=self.now_s + 3_600)
        return user_token.issue(
            msgspec.structs.replace(claims, **changes), app_id=app.app_id, secret=app.live_secrets[0]
        )

    def init(self, app: App = APP, user_id: str = "茉莉", token: str | None = None, **body: Any) -> Any:
        bearer = self.login_token(app, user_id) if token is None else token
        given = {"app_id": app.app_id, "user_id": user_id, "user_name": user_id} | body
        return self.post("init", given, bearer)

    def post(self, name: str, body: Any, bearer: str = "", **options: Any) -> Any:
        """What the client API says to a call; never anything but HTTP 200 and JSON."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        reply = self.http().post(f"/client/v1/{name}", content=sent, headers=headers, **options)
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "application/json; charset=utf-8"
        return reply.json()

    def member(self, app: App = APP, user_id: str = "茉莉") -> "Member":
        return Member(self, self.init(app, user_id)["data"]["session"])


@dataclass
class Member:
    """A session of the client API."""

    world: World
    session: str

    def call(self, name: str, **body: Any) -> Any:
        return self.world.post(name, body, self.session)

    def request(self, song: str = "whole", resource_type: int = 0, **body: Any) -> Any:
        given = {"song_id": str(self.world.songs[song]), "resource_type": resource_type} | body
        return self.call("request_resource", **given)

    def granted(self, song: str = "whole", resource_type: int = 0, **body: Any) -> Any:
        """The data of a request that passes."""
        answer = self.request(song, resource_type, **body)
        assert answer["code"] == 0, answer
        return answer["data"]

    def resource_id(self, song: str = "whole", resource_type: int = 0, **body: Any) -> str:
        found: str = self.granted(song, resource_type, **body)["resources"][0]["resource_id"]
        return found

    def download(self, resource_id: str, track: str = "0", method: str = "GET", **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.world.http().request(
            method,
            f"/client/v1/resources/{resource_id}/{track}",
            headers={"authorization": f"Bearer {self.session}"} | named,
        )


@pytest.fixture(scope="session", autouse=True)
def quiet() -> Iterator[None]:
    """Logs are rendered, so that nothing in them can fail unseen, and shown to nobody."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def template(
    tmp_path_factory: pytest.TempPathFactory, song_maker: Callable[..., PublishedSong], part_maker: Callable[..., Part]
) -> Path:
    """A data folder with the app and every delivery, to copy from."""
    folder = tmp_path_factory.mktemp("template")
    with open_installation(Settings(data=str(folder))) as installation:
        installation.centre.apps.create(APP, at_ms=START_MS)
        store_contents(installation, folder)

        def job(transaction: Any) -> None:
            for name, delivery in DELIVERIES.items():
                contents = CONTENTS | {PartKind.LYRICS: msgspec.json.encode(delivery.lyrics)}
                song = song_maker(
                    name,
                    vendor_id=VendorId(delivery.vendor),
                    parts=tuple(
                        part_maker(
                            kind,
                            contents[kind],
                            track_count=delivery.tracks if kind is PartKind.ACCOMPANIMENT else 1,
                        )
                        for kind in delivery.parts
                    ),
                    highlight=HIGHLIGHT if PartKind.CLIP in delivery.parts else None,
                )
                song_id = transaction.publish(song, at_ms=START_MS).song_id
                if delivery.chains:
                    sheet = TermSheet(terms=(delivery.terms,))
                    transaction.record_deal(Deal(song_id=song_id, chains=delivery.chains, sheet=sheet), at_ms=START_MS)

        installation.centre.work.run(job)
    return folder


def store_contents(installation: Installation, folder: Path) -> None:
    source = folder / "source"
    for content in (*CONTENTS.values(), msgspec.json.encode(WORDLESS)):
        source.write_bytes(content)
        installation.blobs.put(source)
    source.unlink()


@contextmanager
def open_world(template: Path, folder: Path, **settings: Any) -> Iterator[World]:
    shutil.copytree(template, folder, dirs_exist_ok=True)
    with open_installation(Settings(data=str(folder), **settings)) as installation:
        songs = {song.published.source_key: song.song_id for song in installation.centre.songs.songs()}
        yield World(centre=installation.centre, folder=folder, songs=songs)


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    """A centre of the test's own."""
    with open_world(template, tmp_path) as world:
        yield world


@pytest.fixture(scope="module")
def still_world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A centre that the tests of a module share, and so leave as it is but for its clock."""
    with open_world(template, tmp_path_factory.mktemp("still")) as world:
        yield world
