"""The data folder that a soak plays on: one song to take down, one to leave alone, and many more without files."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from yuefu.access.app import SCENES
from yuefu.access.session import SESSION_LIFE_MS, TOKEN_BYTES, NewSession, hash_token, new_token
from yuefu.catalogue.song import Blob, Part, PartKind, PublishedSong, Quality, SongFacts
from yuefu.ids import AppId, SongId, UserId, VendorId
from yuefu.music.lyrics import Line, Lyrics, Syllable, Word
from yuefu.music.notes import Note, PitchLine
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.rights.price import NewPrice
from yuefu.server.centre import Transaction
from yuefu.server.founding import new_app
from yuefu.server.settings import Settings
from yuefu.server.wiring import Installation, open_installation
from yuefu.wire.vendor import BillingMode

APP_ID = 4_000_000_001
VENDOR = VendorId(1)
TARGET_ISRC = "CNA012600001"
LARGE_BYTES = 64 << 20
SMALL_BYTES = 200_000
_LYRIC_CALLS_PER_S = 10_000
_WORD = Word(syllables=(Syllable(begin_ms=10_000, duration_ms=900, text="好"),))
_NOTE = Note(begin_ms=10_000, duration_ms=900, pitch=69)
_LYRICS = Lyrics(lines=(Line(begin_ms=10_000, end_ms=12_000, text="好", words=(_WORD,)),) * 50)


@dataclass(frozen=True, slots=True)
class Stage:
    """Who may call, and the songs: `target` is taken down again and again, `other` never, `bulk` all at once."""

    folder: Path
    server_secret: str
    target: SongId
    other: SongId
    bulk: tuple[SongId, ...]


def set_stage(folder: Path, *, bulk: int = 0, large_bytes: int = LARGE_BYTES) -> Stage:
    """A new data folder with an app, the two songs, whose originals are that large, and `bulk` more."""
    with open_installation(Settings(data=str(folder))) as installation:
        app = new_app(
            "soak",
            app_id=APP_ID,
            vendors=(VENDOR,),
            default_vendor=VENDOR,
            scenes=SCENES,
            billing=(BillingMode.PER_USE, BillingMode.USER_MONTH),
            territory="CN",
        )
        app = msgspec.structs.replace(app, quotas={"DescribeSongLyric": _LYRIC_CALLS_PER_S})
        centre = installation.centre
        centre.apps.create(app, at_ms=centre.now_ms())
        parts = _parts(installation, large_bytes)
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


def _parts(installation: Installation, large_bytes: int) -> tuple[Part, ...]:
    """What is sent is bytes to the server: nobody here listens to them."""
    contents = {
        PartKind.ORIGINAL: bytes(large_bytes),
        PartKind.ACCOMPANIMENT: bytes(SMALL_BYTES),
        PartKind.LYRICS: msgspec.json.encode(_LYRICS),
        PartKind.PITCH_LINE: msgspec.json.encode(PitchLine(notes=(_NOTE,))),
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


def open_sessions(stage: Stage, user_ids: Sequence[str]) -> list[tuple[str, str]]:
    """A session for each user: who it is, and the token of it."""
    with open_installation(Settings(data=str(stage.folder))) as installation:
        centre = installation.centre
        at_ms = centre.now_ms()
        tokens = [(user_id, new_token(centre.random_bytes(TOKEN_BYTES))) for user_id in user_ids]

        def job(transaction: Transaction) -> None:
            for user_id, token in tokens:
                session = NewSession(
                    token_hash=hash_token(token),
                    app_id=AppId(APP_ID),
                    user_id=UserId(user_id),
                    user_name="",
                    rooms=None,
                    joined_rooms=(),
                    territory="CN",
                    started_at_ms=at_ms,
                    expires_at_ms=at_ms + SESSION_LIFE_MS,
                )
                transaction.open_session(session)

        centre.work.run(job)
        return tokens


def set_prices(stage: Stage, prices_minor: Mapping[int, int]) -> None:
    """Put prices on the list, by billing mode, for whatever is used."""
    with open_installation(Settings(data=str(stage.folder))) as installation:
        centre = installation.centre

        def job(transaction: Transaction) -> None:
            for mode, amount_minor in prices_minor.items():
                price = NewPrice(billing_mode=mode, amount_minor=amount_minor, currency="CNY", valid_from_ms=0)
                transaction.prices.add(price, at_ms=centre.now_ms())

        centre.work.run(job)
