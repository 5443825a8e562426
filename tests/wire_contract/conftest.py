"""A small world with everything that the contract speaks of, at each of the documented vendors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.server.conftest import APP, BOTH, FOREVER, HIGHLIGHT, START_MS, Member, World, open_world
from tests.wire_contract.contract import VENDORS, snake

from yuefu.catalogue.chart import Chart, ChartEntry, Tag, TagGroup
from yuefu.catalogue.song import Part, PartKind, PublishedSong, SongFacts
from yuefu.ids import AppId, SongId, VendorId
from yuefu.music.lyrics import Line, Lyrics, Syllable, Word
from yuefu.music.notes import Note, PitchLine
from yuefu.rights.deal import Chain, Deal, TermSheet
from yuefu.server.settings import Settings
from yuefu.server.wiring import open_installation

APPS = {
    "all": msgspec.structs.replace(APP, vendors=frozenset({1, 2, 4})),
    "only 1": msgspec.structs.replace(APP, app_id=AppId(20001), vendors=frozenset({1})),
    "only 2": msgspec.structs.replace(APP, app_id=AppId(20002), vendors=frozenset({2}), default_vendor=VendorId(2)),
    "only 4": msgspec.structs.replace(APP, app_id=AppId(20004), vendors=frozenset({4}), default_vendor=VendorId(4)),
    "disabled": msgspec.structs.replace(APP, app_id=AppId(20005), is_enabled=False),
    "unbilled": msgspec.structs.replace(APP, app_id=AppId(20006), billing_modes=frozenset()),
    "by room": msgspec.structs.replace(APP, app_id=AppId(20007), billing_modes=frozenset({2})),
    "hurried": msgspec.structs.replace(APP, app_id=AppId(20008)),
}
DUET = Lyrics(
    lines=tuple(
        Line(
            begin_ms=begin_ms,
            end_ms=begin_ms + 1_500,
            text="好花",
            words=(Word(syllables=(Syllable(begin_ms=begin_ms, duration_ms=1_500, text="好花"),)),),
            voices=voices,
        )
        for begin_ms, voices in ((10_000, (1,)), (12_000, (2,)), (14_000, (1, 2)))
    )
)
NOTES = PitchLine(
    notes=tuple(
        Note(begin_ms=begin_ms, duration_ms=1_500, pitch=pitch, voice=voice)
        for begin_ms, pitch, voice in (
            (10_000, 7, 1),
            (12_000, 69, 2),
            (14_000, 64, 1),
            (14_000, 99, 2),
            (16_000, 99, 2),
        )
    )
)
WHOLE = (
    PartKind.ORIGINAL,
    PartKind.ACCOMPANIMENT,
    PartKind.ACCOMPANIMENT_ALONE,
    PartKind.CLIP,
    PartKind.SEGMENT,
    PartKind.LYRICS,
    PartKind.PITCH_LINE,
    PartKind.COVER,
    PartKind.COVER_MINI,
    PartKind.COVER_SMALL,
    PartKind.COVER_MEDIUM,
)
BARE = (PartKind.ORIGINAL,)
PAGE_SIZE = 20


@dataclass(frozen=True)
class Sample:
    """One song that every vendor has."""

    title: str
    parts: tuple[PartKind, ...] = BARE
    chains: tuple[Chain, ...] = BOTH
    bpm: int | None = None
    genres: tuple[int, ...] = ()


SAMPLES = {
    "whole": Sample("茉莉花", WHOLE, bpm=61, genres=(5, 12)),
    "bare": Sample("茉莉"),
    "unlicensed": Sample("茉莉花 (未授权)", WHOLE, chains=()),
    "played only": Sample("茉莉夜", WHOLE, chains=(Chain.RECORDING,)),
    "pure music": Sample("茉莉花 (纯音乐)", WHOLE, bpm=130, genres=(23,)),
    **{f"more {number:02}": Sample(f"茉莉曲 {number:02}") for number in range(PAGE_SIZE)},
}
LICENSED = [name for name, sample in SAMPLES.items() if sample.chains]


def key(name: str, vendor: int) -> str:
    """What a vendor's song is called in tests; vendor 1's by its plain name."""
    return name if vendor == 1 else f"{name} of {vendor}"


class Asker:
    """Asks the same question in both dialects. Each call moves the clock on, so that no quota is in the way."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._members: dict[tuple[int, str], Member] = {}

    def song_id(self, name: str, vendor: int) -> str:
        return str(self.world.songs[key(name, vendor)])

    def action(
        self, action: str, params: dict[str, Any], *, vendor: int | None = None, app: str = "all", **common: Any
    ) -> Any:
        """The server API's answer. Lists are written with brackets, None leaves a parameter out."""
        self.world.wait(20)
        own = {
            f"{name}[]" if isinstance(value, list) else name: value
            for name, value in params.items()
            if value is not None
        }
        return self.world.ask(APPS[app], **({"Action": action, "VendorId": vendor, "SongsId[]": None} | own | common))

    def command(self, command: str, params: dict[str, Any], *, vendor: int | None = None, app: str = "all") -> Any:
        """The client API's answer."""
        self.world.wait(20)
        given = {snake(name): value for name, value in params.items()}
        if vendor is not None:
            given["vendor_id"] = vendor
        return self.member(app).call("send_extended_request", command=command, params=given)

    def member(self, app: str = "all", user_id: str = "茉莉") -> Member:
        who = (APPS[app].app_id, user_id)
        if who not in self._members:
            self._members[who] = self.world.member(APPS[app], user_id)
        return self._members[who]

    def params(self, operation: dict[str, Any], vendor: int) -> dict[str, Any]:
        """Parameters to which the vendor has an answer with every field."""
        song_ids = [self.song_id(name, vendor) for name in SAMPLES][:20]
        known = {
            "TagId": "587",
            "TopId": {1: "8888", 2: "22004"}.get(vendor, "8888"),
            "Page": 1,
            "Keyword": "茉莉",
            "SongsId": song_ids,
            "SongId": self.song_id("whole", vendor),
            "VendorsId": [vendor],
        }
        return {name: known[name] for name in operation["parameters"] if name in known}


@pytest.fixture(scope="session")
def contract_folder(
    tmp_path_factory: pytest.TempPathFactory, song_maker: Callable[..., PublishedSong], part_maker: Callable[..., Part]
) -> Path:
    """A data folder with every sample at every vendor, in tags and charts, to copy from."""
    folder = tmp_path_factory.mktemp("contract")
    with open_installation(Settings(data=str(folder))) as installation:
        for app in APPS.values():
            installation.centre.apps.create(app, at_ms=START_MS)
        contents = {kind: _content(kind) for kind in PartKind}
        for content in set(contents.values()):
            (folder / "source").write_bytes(content)
            installation.blobs.put(folder / "source")

        def job(transaction: Any) -> None:
            published: dict[int, list[SongId]] = {vendor: [] for vendor in VENDORS}
            for vendor, song_ids in published.items():
                for name, sample in SAMPLES.items():
                    parts = tuple(part_maker(kind, contents[kind], track_count=2) for kind in sample.parts)
                    song = _song(song_maker, key(name, vendor), vendor, sample, parts)
                    song_id = transaction.publish(song, at_ms=START_MS).song_id
                    song_ids.append(song_id)
                    if sample.chains:
                        deal = Deal(song_id=song_id, chains=sample.chains, sheet=TermSheet(terms=(FOREVER,)))
                        transaction.record_deal(deal, at_ms=START_MS)
            _compose(transaction.programme, published)

        installation.centre.work.run(job)
    return folder


def _content(kind: PartKind) -> bytes:
    written = {PartKind.LYRICS: DUET, PartKind.PITCH_LINE: NOTES}
    return msgspec.json.encode(written[kind]) if kind in written else kind.value.encode()


def _song(
    make: Callable[..., PublishedSong], source_key: str, vendor: int, sample: Sample, parts: tuple[Part, ...]
) -> PublishedSong:
    facts = SongFacts(title=sample.title, singers=("甲", "乙"), album="民歌", bpm=sample.bpm, genres=sample.genres)
    return make(
        source_key,
        vendor_id=VendorId(vendor),
        facts=facts,
        parts=parts,
        highlight=HIGHLIGHT if PartKind.CLIP in sample.parts else None,
    )


def _compose(programme: Any, published: dict[int, list[SongId]]) -> None:
    tags = (Tag(tag_id="587", name="学习"), Tag(tag_id="588", name="空"))
    programme.put_tag_group(TagGroup(group_id="5", name="场景", tags=tags), place=0)
    programme.tag_songs("587", [song_id for song_ids in published.values() for song_id in song_ids])
    for vendor, top_id in ((1, "8888"), (2, "22004")):
        chart = Chart(vendor_id=VendorId(vendor), top_id=top_id, name="热门")
        programme.put_chart(chart, [ChartEntry(song_id) for song_id in published[vendor]])


@pytest.fixture(scope="module")
def asker(contract_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """A centre that a module's tests share and leave as it is."""
    with open_world(contract_folder, tmp_path_factory.mktemp("asked")) as world:
        yield Asker(world)


@pytest.fixture
def own_asker(contract_folder: Path, tmp_path: Path) -> Iterator[Asker]:
    """A centre of the test's own, to break."""
    with open_world(contract_folder, tmp_path) as world:
        yield Asker(world)
