"""The data folder that a soak plays on: one song to take down, one to leave alone, and many more without files."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from yuefu.access.app import SCENES
from yuefu.catalogue.song import Blob, Part, PartKind, PublishedSong, Quality, SongFacts
from yuefu.ids import SongId, VendorId
from yuefu.music.lyrics import Line, Lyrics, Syllable, Word
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.server.centre import Transaction
from yuefu.server.founding import new_app
from yuefu.server.settings import Settings
from yuefu.server.wiring import Installation, open_installation
from yuefu.wire.vendor import BillingMode

APP_ID = 4_000_000_001
VENDOR = VendorId(1)
TARGET_ISRC = "CNA012600001"
LARGE_BYTES = 64 << 20
_SMALL_BYTES = 200_000
_LYRIC_CALLS_PER_S = 10_000
_WORD = Word(syllables=(Syllable(begin_ms=10_000, duration_ms=900, text="好"),))
_LYRICS = Lyrics(lines=(Line(begin_ms=10_000, end_ms=12_000, text="好", words=(_WORD,)),) * 50)


@dataclass(frozen=True, slots=True)
class Stage:
    """Who may call, and the songs: `target` is taken down again and again, `other` never, `bulk` all at once."""

    folder: Path
    server_secret: str
    target: SongId
    other: SongId
    bulk: tuple[SongId, ...]


def set_stage(folder: Path, *, bulk: int = 0) -> Stage:
    """A new data folder with an app, the two songs, and `bulk` more."""
    with open_installation(Settings(data=str(folder))) as installation:
        app = new_app(
            "soak",
            app_id=APP_ID,
            vendors=(VENDOR,),
            default_vendor=VENDOR,
            scenes=SCENES,
            billing=(BillingMode.PER_USE,),
            territory="CN",
        )
        app = msgspec.structs.replace(app, quotas={"DescribeSongLyric": _LYRIC_CALLS_PER_S})
        centre = installation.centre
        centre.apps.create(app, at_ms=centre.now_ms())
        parts = _parts(installation)
        songs = [_song("target", parts, isrc=TARGET_ISRC), _song("other", parts)]
        songs += [_song(f"bulk {number}") for number in range(bulk)]
        ids = _publish(installation, songs)
        return Stage(folder=folder, server_secret=app.live_secrets[0], target=ids[0], other=ids[1], bulk=tuple(ids[2:]))


def _song(title: str, parts: tuple[Part, ...] = (), *, isrc: str = "") -> PublishedSong:
    return PublishedSong(
        vendor_id=VENDOR,
        source_key=title,
        fingerprint=title,
        facts=SongFacts(title=title, singers=("甲",), album="", language="zh", genre="folk", year=None, isrc=isrc),
        duration_ms=200_000,
        accompaniment_duration_ms=200_000,
        highlight=None,
        parts=parts,
    )


def _parts(installation: Installation) -> tuple[Part, ...]:
    """What is sent is bytes to the server: nobody here listens to them."""
    contents = {
        PartKind.ORIGINAL: bytes(LARGE_BYTES),
        PartKind.ACCOMPANIMENT: bytes(_SMALL_BYTES),
        PartKind.LYRICS: msgspec.json.encode(_LYRICS),
    }
    return tuple(
        Part(
            kind=kind,
            quality=Quality.NORMAL,
            media_type="audio/mp4",
            blob=_put(installation, content),
            track_count=1,
        )
        for kind, content in contents.items()
    )


def _put(installation: Installation, content: bytes) -> Blob:
    with tempfile.NamedTemporaryFile(dir=installation.settings.data_folder) as file:
        file.write(content)
        file.flush()
        return installation.blobs.put(Path(file.name))


def _publish(installation: Installation, songs: list[PublishedSong]) -> list[SongId]:
    centre = installation.centre
    at_ms = centre.now_ms()
    sheet = TermSheet(terms=(Terms(),))

    def job(transaction: Transaction) -> list[SongId]:
        ids = [transaction.publish(song, at_ms=at_ms).song_id for song in songs]
        for song_id in ids:
            transaction.record_deal(Deal(song_id=song_id, chains=tuple(Chain), sheet=sheet), at_ms=at_ms)
        return ids

    return centre.work.run(job)
