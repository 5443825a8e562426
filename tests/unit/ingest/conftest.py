"""Deliveries made on the spot, and the smallest shelf and blob store that keep their promises."""

import hashlib
import shutil
import wave
from collections.abc import Callable
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from yuefu.catalogue.song import Blob, Outcome, Publication, PublishedSong
from yuefu.ids import SongId, VendorId
from yuefu.units import Span

RATE_HZ = 44_100


def make_sound(seconds: float, seed: int = 1, *, level: float = 0.3) -> NDArray[np.float32]:
    """Stereo noise with little treble, which survives encoding and has one clear place in time."""
    noise = np.random.default_rng(seed).standard_normal((2, round(seconds * RATE_HZ) + 31))
    smooth = np.stack([np.convolve(channel, np.hanning(32), "valid") for channel in noise])
    scaled: NDArray[np.float32] = (smooth / np.abs(smooth).max() * level).astype(np.float32)
    return scaled


def write_wav(path: Path, sound: NDArray[np.float32]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(sound.shape[0])
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((sound.T * 32_767).astype("<i2").tobytes())
    return path


def write_encoded(path: Path, sound: NDArray[np.float32], codec: str, *, bit_rate_bps: int = 0) -> Path:
    """The sound in the container that the name of `path` asks for."""
    wav = write_wav(path.with_suffix(".source.wav"), sound)
    with av.open(str(wav)) as source, av.open(str(path), "w") as target:
        stream = cast("AudioStream", target.add_stream(codec, rate=48_000 if codec == "libopus" else RATE_HZ))
        if bit_rate_bps:
            stream.bit_rate = bit_rate_bps
        for frame in source.decode(source.streams.audio[0]):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    wav.unlink()
    return path


def read_sound(path: Path, track: int = 0) -> NDArray[np.float32]:
    """What a plain decoder hears of a stereo file."""
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.audio[track]))
    blocks = [frame.to_ndarray() if frame.format.is_planar else frame.to_ndarray().reshape(-1, 2).T for frame in frames]
    return np.concatenate(blocks, axis=1).astype(np.float32)


def lag_samples(late: NDArray[np.float32], early: NDArray[np.float32]) -> int:
    """By how many samples `late` trails `early`, where they are most alike."""
    size = 1 << (len(late) + len(early)).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(early, size)), size)
    lag = int(np.argmax(likeness))
    return lag if lag < size // 2 else lag - size


class Shelf:
    """Songs in memory."""

    def __init__(self) -> None:
        self.songs: dict[tuple[VendorId, str], tuple[SongId, int, PublishedSong]] = {}

    def fingerprint(self, vendor_id: VendorId, source_key: str) -> str | None:
        held = self.songs.get((vendor_id, source_key))
        return held[2].fingerprint if held else None

    def chosen_clip(self, vendor_id: VendorId, source_key: str) -> Span | None:
        held = self.songs.get((vendor_id, source_key))
        highlight = held[2].highlight if held else None
        return highlight.clip if highlight and highlight.rule == "operator" else None

    def publish(self, song: PublishedSong, *, chosen_clip: Span | None) -> Publication:
        key = (song.vendor_id, song.source_key)
        held = self.songs.get(key)
        song_id, revision = (held[0], held[1] + 1) if held else (SongId(len(self.songs) + 1), 1)
        self.songs[key] = (song_id, revision, song)
        return Publication(song_id=song_id, revision=revision, outcome=Outcome.CHANGED if held else Outcome.NEW)

    def song(self, source_key: str) -> PublishedSong:
        return next(song for _, _, song in self.songs.values() if song.source_key == source_key)


class Blobs:
    """Files named by their hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def put(self, path: Path) -> Blob:
        name = hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.copyfile(path, self.folder / name)
        return Blob(sha256=name, size_bytes=path.stat().st_size)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    return folder


SongMaker = Callable[..., Path]


def song_text(title: str = "茉莉花", **headers: str) -> str:
    """An UltraStar text of six lines, one each two seconds, with headers over the usual ones."""
    tags = {"TITLE": title, "ARTIST": "甲、乙", "LANGUAGE": "Chinese", "BPM": "150", "GAP": "1000"} | headers
    head = "".join(f"#{tag}:{value}\n" for tag, value in tags.items())
    body = ""
    for line in range(6):
        at = line * 20
        body += "".join(f": {at + 4 * i} 3 {i + line} {syllable}\n" for i, syllable in enumerate("好一朵花"))
        body += f"- {at + 18}\n"
    return f"{head}{body}E\n"


@pytest.fixture
def make_song(songs: Path) -> SongMaker:
    """Makes a folder with a song text and, by name, noise of twelve seconds."""

    def make(name: str, *, sounds: tuple[str, ...] = ("audio.wav",), title: str = "茉莉花", **headers: str) -> Path:
        folder = songs / name
        folder.mkdir(parents=True, exist_ok=True)
        for seed, sound in enumerate(sounds):
            write_wav(folder / sound, make_sound(14, seed))
        (folder / "song.txt").write_text(song_text(title, **({"AUDIO": "audio.wav"} | headers)), "utf-8")
        return folder

    return make
