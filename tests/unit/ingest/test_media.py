import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from tests.unit.ingest.conftest import RATE_HZ, lag_samples, make_sound, read_sound, write_encoded, write_wav

from yuefu.ingest.contents import SOUND_SUFFIXES
from yuefu.ingest.media import AAC_96K, AAC_256K, FLAC, PyAvStudio, Sound, Take, is_lossless
from yuefu.ingest.refusal import Unplayable
from yuefu.units import Span

STUDIO = PyAvStudio()
AAC_FRAME_SAMPLES = 1_024
MEDIA_FORMATS = Path(__file__).parents[3] / "../shared/data/ultrastar/media-formats"


SOURCES = [
    (".mp3", "libmp3lame"),
    (".m4a", "aac"),
    (".m4a", "alac"),
    (".opus", "libopus"),
    (".ogg", "libopus"),
    (".ogg", "flac"),
    (".flac", "flac"),
    (".wav", "pcm_s16le"),
    (".mka", "ac3"),
    (".aiff", "pcm_s16be"),
    (".tta", "tta"),
    (".wv", "wavpack"),
]
FORMS = [AAC_96K, AAC_256K, FLAC]


@pytest.mark.parametrize(("suffix", "codec"), SOURCES)
def test_a_cut_begins_and_ends_where_its_span_says_in_every_form(tmp_path: Path, suffix: str, codec: str) -> None:
    source = write_encoded(tmp_path / f"song{suffix}", make_sound(9), codec)
    span = Span(begin_ms=3_217, end_ms=7_004)
    files = {(form, cut): tmp_path / f"{place}-{cut}" for place, form in enumerate(FORMS) for cut in (False, True)}
    STUDIO.record([source], [Take(file, span if cut else None, form) for (form, cut), file in files.items()])

    begin, end = (round(at_ms * RATE_HZ / 1_000) for at_ms in (span.begin_ms, span.end_ms))
    delivered = make_sound(9)[0]
    for form in FORMS:
        whole, heard = read_sound(files[form, False])[0], read_sound(files[form, True])[0]
        assert STUDIO.duration_ms(files[form, True]) == span.duration_ms
        assert 0 <= len(heard) - (end - begin) < (1 if form is FLAC else AAC_FRAME_SAMPLES)  # the header trims the rest
        assert lag_samples(heard, whole[begin:end]) == 0
        assert lag_samples(whole, delivered) == 0


def test_what_was_delivered_on_compact_disc_terms_comes_back_bit_by_bit_as_flac(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "song.wav", make_sound(3, level=1.0))
    STUDIO.record([wav], [Take(tmp_path / "song.flac", form=FLAC)])
    assert np.array_equal(read_sound(tmp_path / "song.flac"), read_sound(wav))


def test_all_forms_are_made_of_one_decoding(tmp_path: Path) -> None:
    heard: list[float] = []
    wav = write_wav(tmp_path / "song.wav", make_sound(3))
    takes = [Take(tmp_path / f"{place}.out", form=form) for place, form in enumerate(FORMS)]
    STUDIO.record([wav], takes, heard=heard.append)
    assert sum(heard) == pytest.approx(3, abs=0.01)
    sizes = [take.file.stat().st_size for take in takes]
    assert sizes == sorted(sizes)


def test_a_gain_is_applied_to_every_sample_and_clips_at_full_scale(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "song.wav", make_sound(2, level=0.5))
    takes = [Take(tmp_path / "soft.flac", form=FLAC)], [Take(tmp_path / "loud.flac", form=FLAC)]
    STUDIO.record([wav], takes[0], gain=0.5)
    STUDIO.record([wav], takes[1], gain=4.0)
    delivered = read_sound(wav)
    assert np.abs(read_sound(takes[0][0].file) - delivered * 0.5).max() <= 1
    assert np.array_equal(read_sound(takes[1][0].file), np.clip(delivered * 4, -32_768, 32_767))


def test_joined_tracks_keep_their_order_names_and_every_sample(tmp_path: Path) -> None:
    backing, original, joined = (tmp_path / f"{name}.m4a" for name in ("backing", "original", "joined"))
    STUDIO.record([write_wav(tmp_path / "1.wav", make_sound(5, 1))], [Take(backing)])
    STUDIO.record([write_wav(tmp_path / "2.wav", make_sound(4, 2))], [Take(original)])

    STUDIO.join([("accompaniment", backing), ("original", original)], joined)

    with av.open(str(joined)) as container:
        assert [stream.metadata["handler_name"] for stream in container.streams.audio] == ["accompaniment", "original"]
    assert np.array_equal(read_sound(joined, 0), read_sound(backing))
    assert np.array_equal(read_sound(joined, 1), read_sound(original))
    assert STUDIO.duration_ms(joined) == 5_000
    assert joined.read_bytes().find(b"moov") < joined.read_bytes().find(b"mdat")


def test_vocals_and_backing_sound_together(tmp_path: Path) -> None:
    vocals, backing = make_sound(3, 1), make_sound(4, 2)
    sources = [write_wav(tmp_path / "v.wav", vocals), write_wav(tmp_path / "b.wav", backing)]
    STUDIO.record(sources, [Take(tmp_path / "mix.m4a")])

    mix = read_sound(tmp_path / "mix.m4a")[:, : 4 * RATE_HZ]
    expected = backing.copy()
    expected[:, : vocals.shape[1]] += vocals
    assert STUDIO.duration_ms(tmp_path / "mix.m4a") == 4_000
    assert np.corrcoef(mix[0], expected[0])[0, 1] > 0.99


def test_a_mono_recording_keeps_its_level_on_both_sides(tmp_path: Path) -> None:
    mono = make_sound(3)[:1]
    STUDIO.record([write_wav(tmp_path / "mono.wav", mono)], [Take(tmp_path / "out.m4a")])

    out = read_sound(tmp_path / "out.m4a")
    assert np.std(out[0]) == pytest.approx(np.std(mono[0]), rel=0.02)
    assert np.std(out[1]) == pytest.approx(np.std(mono[0]), rel=0.02)


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write_wav(tmp_path / "song.wav", make_sound(2))
    STUDIO.record([source], [Take(tmp_path / "1.m4a")])
    STUDIO.record([source], [Take(tmp_path / "2.m4a")])
    assert (tmp_path / "1.m4a").read_bytes() == (tmp_path / "2.m4a").read_bytes()


def test_a_probe_says_what_is_in_the_file_and_how_much_was_heard(tmp_path: Path) -> None:
    heard: list[float] = []
    probe = STUDIO.probe(write_encoded(tmp_path / "song.mp3", make_sound(25), "libmp3lame"), heard=heard.append)
    assert (probe.sample_rate_hz, probe.channels, probe.codec, probe.container) == (RATE_HZ, 2, "mp3", "mp3")
    assert probe.duration_ms == pytest.approx(25_000, abs=1)
    assert sum(heard) == pytest.approx(25, abs=0.1)


def test_the_length_is_what_decodes_where_the_header_overstates(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "song.wav", make_sound(10))
    data = bytearray(wav.read_bytes())
    data[40:44] = (0xFFFFFFFF).to_bytes(4, "little")  # a recorder that never learnt the length
    wav.write_bytes(data)
    assert STUDIO.probe(wav).duration_ms == 10_000


def playlist(target: Path) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n".encode()


def test_a_play_list_in_disguise_reads_no_other_file(tmp_path: Path) -> None:
    secret = write_wav(tmp_path / "secret.wav", make_sound(2))
    for name, content in (("a.mp3", playlist(secret)), ("b.ogg", f"ffconcat version 1.0\nfile '{secret}'\n".encode())):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Unplayable, match=r"not an audio file we can read"):
            STUDIO.probe(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"no music at all", bytes(range(256)) * 400], ids=["empty", "text", "junk"])
def test_a_file_without_audio_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "song.mp3").write_bytes(content)
    with pytest.raises(Unplayable, match=r"^song\.mp3: "):
        STUDIO.probe(tmp_path / "song.mp3")


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("song.mp3", "libmp3lame"),
        ("song.flac", "flac"),
        ("song.wav", "pcm_s16le"),
        ("song.w64", "pcm_s16le"),
        ("song.mka", "flac"),
        ("song.wma", "wmav2"),
    ],
)
def test_a_file_that_was_cut_off_is_refused_with_what_decodes(tmp_path: Path, name: str, codec: str) -> None:
    path = write_encoded(tmp_path / name, make_sound(20), codec, bit_rate_bps=128_000)
    assert STUDIO.probe(path).duration_ms == pytest.approx(20_000, abs=50 if codec == "wmav2" else 5)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Unplayable, match=r"(cut off|damaged): .*\b\d+\.\d s"):
        STUDIO.probe(path)


def test_an_ogg_without_its_last_page_has_no_end(tmp_path: Path) -> None:
    ogg = write_encoded(tmp_path / "song.ogg", make_sound(12), "libopus")
    assert STUDIO.probe(ogg).has_end
    ogg.write_bytes(ogg.read_bytes()[: ogg.stat().st_size // 2])
    assert not STUDIO.probe(ogg).has_end


@pytest.mark.parametrize("codec", ["libopus", "flac"])
def test_an_ogg_of_which_little_decodes_is_refused(tmp_path: Path, codec: str) -> None:
    """A page that is damaged is passed over, so that every packet that is met can be decoded."""
    ogg = write_encoded(tmp_path / "song.ogg", make_sound(12), codec)
    data = bytearray(ogg.read_bytes())
    for at in range(len(data) // 5, len(data) - 1, 3_000):
        data[at] ^= 0xFF
    ogg.write_bytes(data)
    with pytest.raises(Unplayable, match=r"cut off: \d\.\d s of 1[12]\.\d s can be decoded"):
        STUDIO.probe(ogg)


def test_a_recording_longer_than_allowed_is_refused(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "song.wav", make_sound(4))
    with pytest.raises(Unplayable, match=r"longer than 0\.05 minutes"):
        PyAvStudio(longest_ms=3_000).probe(wav)
    with pytest.raises(Unplayable, match=r"longer than 0\.05 minutes"):
        PyAvStudio(longest_ms=3_000).record([wav], [Take(tmp_path / "out.m4a")])


def test_a_stretch_beyond_the_end_is_refused(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "song.wav", make_sound(4))
    with pytest.raises(Unplayable, match=r"ends 1\.000 s too early"):
        STUDIO.record([wav], [Take(tmp_path / "out.m4a", Span(begin_ms=1_000, end_ms=5_000))])


@pytest.mark.parametrize("name", ["mp3-ConstantBitRate.mp3", "ogg.ogg", "wav.wav", "m4a.m4a", "flac.flac"])
def test_every_common_format_is_read(name: str) -> None:
    assert STUDIO.probe(delivered(name)).duration_ms == pytest.approx(4_000, abs=40)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("song.wma", "wmav2"), ("song.caf", "alac"), ("song.mp2", "mp2"), ("song.ac3", "ac3"), ("song.w64", "pcm_s16le")],
)
def test_formats_of_other_systems_are_read(tmp_path: Path, name: str, codec: str) -> None:
    path = write_encoded(tmp_path / name, make_sound(4), codec, bit_rate_bps=128_000)
    probe = STUDIO.probe(path)
    assert path.suffix in SOUND_SUFFIXES
    assert probe.duration_ms == pytest.approx(4_000, abs=100)
    assert probe.is_lossless is (codec in {"alac", "pcm_s16le"})


@pytest.mark.parametrize(
    ("decoder", "keeps_all"),
    [
        ("ape", True),
        ("tak", True),
        ("wmalossless", True),
        ("wavpack", True),
        ("wmapro", False),
        ("dca", False),
        ("cook", False),
    ],
)
def test_formats_that_nothing_here_writes_can_be_decoded(decoder: str, *, keeps_all: bool) -> None:
    assert is_lossless(av.Codec(decoder, "r")) is keeps_all


def test_a_stream_of_single_bits_is_read(tmp_path: Path) -> None:
    path = write_dsf(tmp_path / "song.dsf", seconds=0.5)
    heard: list[Sound] = []
    probe = STUDIO.probe(path, ears=[heard.append])
    assert path.suffix in SOUND_SUFFIXES
    assert (probe.codec, probe.duration_ms) == ("dsd_lsbf_planar", 500)
    sound = np.concatenate(heard, axis=1)[0]
    assert np.argmax(np.abs(np.fft.rfft(sound))) * RATE_HZ / len(sound) == pytest.approx(440, abs=2)


def write_dsf(path: Path, *, seconds: float) -> Path:
    """A tone of 440 Hz as DSD, two channels alike: 64 bits for each sample of a compact disc, the lowest first."""
    rate_hz, block = 64 * RATE_HZ, 4_096
    count = int(seconds * rate_hz)
    wave = 0.5 + 0.25 * np.sin(2 * np.pi * 440 * np.arange(count) / rate_hz)
    bits = np.diff(np.floor(np.cumsum(wave)), prepend=0).astype(np.uint8)
    packed = np.packbits(bits, bitorder="little")
    blocks = np.pad(packed, (0, -len(packed) % block)).reshape(-1, 1, block).repeat(2, axis=1).tobytes()
    form = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 2, 2, rate_hz, 1, count, block, 0)
    data = struct.pack("<4sQ", b"data", 12 + len(blocks)) + blocks
    path.write_bytes(struct.pack("<4sQQQ", b"DSD ", 28, 28 + len(form) + len(data), 0) + form + data)
    return path


@pytest.mark.parametrize("name", ["mp4.mp4", "webm-vp9.webm"])
def test_the_sound_of_a_video_is_taken(tmp_path: Path, name: str) -> None:
    assert STUDIO.probe(delivered(name)).duration_ms == pytest.approx(4_000, abs=60)
    STUDIO.record([delivered(name)], [Take(tmp_path / "out.m4a")])
    with av.open(str(tmp_path / "out.m4a")) as container:
        assert [stream.type for stream in container.streams] == ["audio"]


def delivered(name: str) -> Path:
    if not MEDIA_FORMATS.is_dir():
        pytest.skip("the third-party media suite is not here (../shared/data)")
    return MEDIA_FORMATS / name


def test_codecs_keep_quiet(tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(bytes(range(256)) * 400)
    script = (
        "from pathlib import Path; from yuefu.ingest.media import PyAvStudio\n"
        "try: PyAvStudio().probe(Path('song.mp3'))\n"
        "except Exception as error: print(type(error).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("Unplayable\n", "")
