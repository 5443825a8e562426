"""What no song may do to an import: take all memory, or hang it, or come in as something it is not."""

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from numpy.typing import NDArray
from tests.unit.ingest.conftest import RATE_HZ, make_sound, write_encoded, write_wav

from yuefu.ingest.hearing import Hearing
from yuefu.ingest.media import AAC_96K, AAC_256K, FLAC, PyAvStudio, Take
from yuefu.ingest.refusal import Unplayable

STUDIO = PyAvStudio()
MOST_MEMORY_MB = 300

PREPARE = """
import sys
from pathlib import Path
from yuefu.catalogue.song import PartKind, Quality
from yuefu.ingest.folder import discover
from yuefu.ingest.importer import Job, Prepared, prepare_song
from yuefu.ingest.media import PyAvStudio
from yuefu.ingest.recipe import Recipe
from yuefu.music.notes import PitchSource

(song,) = discover([Path(sys.argv[1])])
recipe = Recipe(frozenset((PartKind.ORIGINAL, quality) for quality in Quality))
job = Job(
    place=0, song=song, work=Path(sys.argv[2]), known=None, chosen_clip=None, recipe=recipe, dry_run=False,
    studio=PyAvStudio(),
)
done = prepare_song(job, lambda seconds: None)
assert isinstance(done, Prepared) and done.encoded is not None, done
assert len({part.quality for part in done.encoded.parts if part.kind is PartKind.ORIGINAL}) == 3
assert done.encoded.analysed.pitch_line.source is PitchSource.DIFFERENCE, done.encoded.analysed.findings
(peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell a process's peak memory")
def test_a_song_of_ten_minutes_takes_little_memory_heard_and_in_all_qualities(tmp_path: Path) -> None:
    songs = tmp_path / "songs"
    songs.mkdir()
    backing = np.tile(make_sound(20, level=0.1), 30)
    write_wav(songs / "long.instrumental.wav", backing)
    write_wav(songs / "long.wav", backing + sing_on_one_pitch(backing.shape[1] / RATE_HZ))
    lines = (f"[{at_s // 60:02}:{at_s % 60:02}.00]啦啦啦" for at_s in range(0, 596, 4))
    (songs / "long.lrc").write_text("\n".join(lines), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PREPARE, songs, tmp_path / "work"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 20 < int(done.stdout) <= MOST_MEMORY_MB


def sing_on_one_pitch(seconds: float) -> NDArray[np.float32]:
    """Three seconds of a voice that trembles around 220 Hz, one of silence, and again."""
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * 220 * times_s + np.sin(2 * np.pi * 5 * times_s)
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 8))
    return np.asarray(0.1 * voice * (times_s % 4 < 3), np.float32)


def test_five_hours_are_refused_before_they_are_heard(tmp_path: Path) -> None:
    """Silence as FLAC is a few bytes a block: a small file that unfolds to hours."""
    path = tmp_path / "song.flac"
    write_encoded(path, np.zeros((2, RATE_HZ * 40), np.float32), "flac")
    heard: list[float] = []
    with pytest.raises(Unplayable, match=r"longer than 0\.5 minutes"):
        PyAvStudio(longest_ms=30_000).probe(path, heard=heard.append)
    assert sum(heard) <= 30


def test_what_states_that_it_is_too_long_is_not_heard_at_all(tmp_path: Path) -> None:
    path = write_encoded(tmp_path / "song.flac", np.zeros((2, RATE_HZ * 4), np.float32), "flac")
    heard: list[float] = []
    with pytest.raises(Unplayable, match=r"longer than 0\.05 minutes"):
        PyAvStudio(longest_ms=3_000).probe(path, heard=heard.append)
    assert heard == []


@pytest.mark.parametrize("sample", [np.nan, np.inf, 1e30])
def test_samples_that_no_encoder_takes_are_refused(tmp_path: Path, sample: float) -> None:
    sound = np.full((RATE_HZ, 2), 0.1, "<f4")
    sound[RATE_HZ // 2] = sample
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 2, RATE_HZ, 8 * RATE_HZ, 8, 32)
    data = struct.pack("<4sI", b"data", sound.nbytes) + sound.tobytes()
    wav = tmp_path / "song.wav"
    wav.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data)
    with pytest.raises(Unplayable, match=r"^song\.wav: damaged: samples more than 100 times full scale"):
        STUDIO.probe(wav)


@pytest.mark.parametrize("samples", [1, 2, 1_023])
def test_a_sound_of_a_sample_is_a_sound(tmp_path: Path, samples: int) -> None:
    wav = write_wav(tmp_path / "song.wav", np.full((2, samples), 0.5, np.float32))
    hearing = Hearing()
    assert STUDIO.probe(wav, ears=[hearing]).duration_ms == max(1, round(samples * 1000 / RATE_HZ))
    assert hearing.loudness().integrated_lufs is None
    assert hearing.waveform().length == 1
    takes = [Take(tmp_path / f"{place}", form=form) for place, form in enumerate((AAC_96K, AAC_256K, FLAC))]
    STUDIO.record([wav], takes)
    assert all(take.file.stat().st_size for take in takes)


def test_no_samples_are_no_sound(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "song.wav", np.zeros((2, 0), np.float32))
    with pytest.raises(Unplayable, match=r"no sound can be decoded|not an audio file"):
        STUDIO.probe(wav)


def test_the_name_of_a_file_does_not_say_what_is_in_it(tmp_path: Path) -> None:
    flac = write_encoded(tmp_path / "song.flac", make_sound(2), "flac")
    assert STUDIO.probe(flac.rename(tmp_path / "song.mp3")).codec == "flac"


def _program(_folder: Path) -> bytes:
    return b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(range(256)) * 64


def _old_audio_book(_folder: Path) -> bytes:
    return struct.pack(">II", 0, 0x57907536) + bytes(range(256)) * 64


@pytest.mark.parametrize("make", [_program, _old_audio_book])
@pytest.mark.parametrize("name", ["song.mp3", "song.m4a"])
def test_what_is_no_sound_is_refused_whatever_its_name(
    tmp_path: Path, name: str, make: Callable[[Path], bytes]
) -> None:
    (tmp_path / name).write_bytes(make(tmp_path))
    with pytest.raises(Unplayable, match=rf"^{name}: not an audio file we can read"):
        STUDIO.probe(tmp_path / name)


def test_sound_under_common_encryption_is_refused_as_such(tmp_path: Path) -> None:
    """Its sample entry says by what it was encoded before, which is what FFmpeg then calls it."""
    lock = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76" * 16, "encryption_kid": "a7" * 16}
    with av.open(str(tmp_path / "song.m4a"), "w", format="mp4", options=lock) as target:
        stream = target.add_stream("aac", rate=RATE_HZ, layout="stereo")
        frame = AudioFrame.from_ndarray(make_sound(2), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = RATE_HZ, 0
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    with pytest.raises(Unplayable, match=r"^song\.m4a: its sound is encrypted"):
        STUDIO.probe(tmp_path / "song.m4a")


@pytest.mark.parametrize("rate_hz", [1, 1_000_000_000])
def test_a_rate_that_no_sound_has_is_refused_at_once(tmp_path: Path, rate_hz: int) -> None:
    path = write_wav(tmp_path / "song.wav", make_sound(1))
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", rate_hz)
    path.write_bytes(data)
    with pytest.raises(Unplayable, match=rf"^song\.wav: no sound has {rate_hz} samples a second"):
        STUDIO.probe(path)


@pytest.mark.parametrize("tag", [b"drms", b"enca", b"aavd"])
def test_encrypted_sound_is_refused_as_such(tmp_path: Path, tag: bytes) -> None:
    path = write_encoded(tmp_path / "song.m4a", make_sound(2), "aac")
    path.write_bytes(path.read_bytes().replace(b"mp4a", tag))
    with pytest.raises(Unplayable, match=r"^song\.m4a: its sound is encrypted"):
        STUDIO.probe(path)
