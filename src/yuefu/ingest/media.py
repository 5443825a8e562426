"""Sound in files: what is in them, and the files made of them.

Everything streams: a song is never whole in memory. Positions are counted in samples from the first one heard, so a
stretch cut from a recording lies exactly where the same stretch lies in the whole file made of that recording.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, TypeAlias, cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from numpy.typing import NDArray

from yuefu.ingest import ending
from yuefu.ingest.refusal import Unplayable
from yuefu.units import MINUTE_MS, SECOND_MS, Span

SAMPLE_RATE_HZ = 44_100
LONGEST_MS = 30 * MINUTE_MS

BLOCK_SAMPLES = 8_192
MOST_MISSING_SAMPLES = SAMPLE_RATE_HZ // 100
"""How much of a stretch may lie beyond the recording's end: milliseconds are rounded, and so is resampling."""

MOST_DAMAGE = 0.01
"""The share of packets that may be unreadable before a file counts as damaged."""

DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,matroska,mov,mp3,mpeg,mpegts,ogg,rm,tak,tta,"
    "w64,wav,webm,wv"
)
"""Containers that hold sound. Play lists and scripts are left out on purpose: they name other files and addresses."""

ENCRYPTED_TAGS = {"aavd", "drms", "enca"}
"""What MP4 files call sound that nobody hears without a key: of audio books, of shops, by common encryption."""

ENCRYPTED = "its sound is encrypted; a delivery must be free of copy protection"

LOUDEST = 100.0
"""How far beyond full scale a sample may lie; no encoder takes what is no number, or as large as floats can be."""

EXACT_CONTAINERS = {"aiff", "caf", "flac", "mov", "ogg"}
"""Containers that state the length and are right about it, so that less sound than stated means damage."""

SAMPLE_RATES_HZ = range(2_000, 6_000_000)
"""Sound has a rate among these: telephones are at the lower end, streams of single bits, counted in eights, at the
upper. Other rates are made up, and filters for them take minutes to build."""

Sound: TypeAlias = NDArray[np.float32]
"""Stereo samples at `SAMPLE_RATE_HZ`, shaped (2, samples), full scale at ±1."""

Ear: TypeAlias = Callable[[Sound], object]
"""Is given a sound block by block, from its beginning to its end."""


@dataclass(frozen=True, slots=True)
class AudioProbe:
    """What is in an audio file. `duration_ms` is what was decoded, whatever the header claims.

    `bit_rate_bps` is what the sound takes in the file. `has_end` is False where the format marks its end and the mark
    is missing.
    """

    duration_ms: int
    sample_rate_hz: int
    channels: int
    codec: str
    container: str
    is_lossless: bool
    bit_rate_bps: int
    damaged_packets: int = 0
    has_end: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """How sound is written: by which codec, into which container, and what the file then is."""

    codec: str
    samples: Literal["flt", "fltp", "s16"]
    container: str
    suffix: str
    media_type: str
    bit_rate_bps: int = 0
    codec_options: tuple[tuple[str, str], ...] = ()


AAC_96K = Form("aac", "fltp", "ipod", ".m4a", "audio/mp4", 96_000, (("aac_coder", "fast"),))
"""The codec's long search would keep more above 15 kHz and pay for it with noise below, in twice the time."""
AAC_256K = Form(
    "aac", "fltp", "ipod", ".m4a", "audio/mp4", 256_000, (("aac_coder", "fast"), ("aac_pns", "0"), ("aac_is", "0"))
)
"""With so many bits nothing need be made up of noise, nor of one channel. In songs of real bands the error is then
farther below what masks it than after the codec's long search, in half the time; in synthetic ones about as far.
"""
FLAC = Form("flac", "s16", "flac", ".flac", "audio/flac")
FLOAT_WAV = Form("pcm_f32le", "flt", "wav", ".wav", "audio/wav")
"""For sound on its way to parts: every sample as it is, beyond full scale too."""


@dataclass(frozen=True, slots=True)
class Take:
    """One file wanted of a recording: all of it, or the stretch `span`."""

    file: Path
    span: Span | None = None
    form: Form = AAC_96K


def hear_nothing(_seconds: float) -> None:
    """For callers who do not follow the progress."""


class Studio(Protocol):
    """What ingest asks of a codec library. Every method raises `Unplayable` for sources that cannot be used.

    `heard` is called now and then with the seconds of audio worked through since the last call.
    """

    def probe(
        self, path: Path, *, ears: Sequence[Ear] = (), heard: Callable[[float], None] = hear_nothing
    ) -> AudioProbe:
        """Decode the file's first audio stream to its end, for all ears to hear, and say what it is."""
        ...

    def listen(
        self, sources: Sequence[Path], ears: Sequence[Ear], *, heard: Callable[[float], None] = hear_nothing
    ) -> None:
        """Let all ears hear the sources sounding together; nothing is done about peaks beyond full scale."""
        ...

    def record(
        self,
        sources: Sequence[Path],
        takes: Sequence[Take],
        *,
        gain: float = 1.0,
        heard: Callable[[float], None] = hear_nothing,
    ) -> None:
        """Write every take in one pass over the sources, which sound together, with every sample times `gain`."""
        ...

    def rework(
        self,
        source: Path,
        files: Sequence[Path],
        work: Callable[[Iterable[Sound]], Iterable[Sequence[Sound]]],
        *,
        heard: Callable[[float], None] = hear_nothing,
    ) -> None:
        """Write what `work` makes of the source's sound, as `FLOAT_WAV`: block by block, one of each for every file."""
        ...

    def join(self, tracks: Sequence[tuple[str, Path]], file: Path) -> None:
        """Put one-track files made by `record` into one MP4 file, track by track, under the names given."""
        ...

    def duration_ms(self, path: Path) -> int:
        """How long the first track of a file made by `record` or `join` plays."""
        ...


@dataclass(frozen=True, slots=True)
class PyAvStudio:
    """The studio on FFmpeg's libraries."""

    longest_ms: int = LONGEST_MS

    def probe(
        self, path: Path, *, ears: Sequence[Ear] = (), heard: Callable[[float], None] = hear_nothing
    ) -> AudioProbe:
        with _Source(path, self.longest_ms) as source:
            _hear(_even(source.sound()), ears, heard)
            return source.judge()

    def listen(
        self, sources: Sequence[Path], ears: Sequence[Ear], *, heard: Callable[[float], None] = hear_nothing
    ) -> None:
        _hear(self._mix(sources), ears, heard)

    def record(
        self,
        sources: Sequence[Path],
        takes: Sequence[Take],
        *,
        gain: float = 1.0,
        heard: Callable[[float], None] = hear_nothing,
    ) -> None:
        with _recording(takes) as recorders:
            for block in self._mix(sources):
                louder = block if gain == 1.0 else block * np.float32(gain)
                for recorder in recorders:
                    recorder.hear(louder)
                heard(block.shape[1] / SAMPLE_RATE_HZ)

    def rework(
        self,
        source: Path,
        files: Sequence[Path],
        work: Callable[[Iterable[Sound]], Iterable[Sequence[Sound]]],
        *,
        heard: Callable[[float], None] = hear_nothing,
    ) -> None:
        with _recording([Take(file, form=FLOAT_WAV) for file in files]) as recorders:
            for blocks in work(self._blocks(source)):
                for recorder, block in zip(recorders, blocks, strict=True):
                    recorder.hear(block)
                heard(blocks[0].shape[1] / SAMPLE_RATE_HZ)

    def join(self, tracks: Sequence[tuple[str, Path]], file: Path) -> None:
        with contextlib.ExitStack() as stack:
            sources = [stack.enter_context(av.open(str(path))) for _, path in tracks]
            target = stack.enter_context(_create(file, "mp4"))
            streams = []
            for (name, _), source in zip(tracks, sources, strict=True):
                stream = target.add_stream_from_template(source.streams.audio[0])
                stream.metadata["handler_name"] = name
                streams.append(stream)
            packets = [source.demux(source.streams.audio[0]) for source in sources]
            for column in zip_longest(*packets):
                for stream, packet in zip(streams, column, strict=True):
                    if packet is not None and packet.dts is not None:
                        packet.stream = stream
                        target.mux_one(packet)

    def duration_ms(self, path: Path) -> int:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            return round((stream.duration or 0) * (stream.time_base or Fraction(0)) * SECOND_MS)

    def _mix(self, sources: Sequence[Path]) -> Iterator[Sound]:
        """The sources sounding together; the shorter ones end in silence."""
        for blocks in zip_longest(*(self._blocks(source) for source in sources)):
            present = [block for block in blocks if block is not None]
            if len(present) == 1:
                yield present[0]
                continue
            mixed = np.zeros((2, max(block.shape[1] for block in present)), np.float32)
            for block in present:
                mixed[:, : block.shape[1]] += block
            yield mixed

    def _blocks(self, path: Path) -> Iterator[Sound]:
        with _Source(path, self.longest_ms) as source:
            yield from _even(source.sound())


class _Source:
    """An audio file being read."""

    def __init__(self, path: Path, longest_ms: int) -> None:
        self._path = path
        self._longest_ms = longest_ms
        self._damaged_packets = 0
        self._packets = 0
        self._bytes = 0
        self._samples = 0
        self._container = _open(path)
        streams = self._container.streams.audio
        if not streams:
            self._container.close()
            raise Unplayable(path.name, "no audio in it")
        self._stream: AudioStream = streams[0]
        context = cast("AudioCodecContext | None", self._stream.codec_context)
        if context is not None and context.codec_tag in ENCRYPTED_TAGS:
            self._container.close()
            raise Unplayable(path.name, ENCRYPTED)
        if context is None or not context.sample_rate:
            self._container.close()
            raise Unplayable(path.name, "no audio in it that we can read; it may be encrypted")
        if context.sample_rate not in SAMPLE_RATES_HZ:
            self._container.close()
            raise Unplayable(path.name, f"no sound has {context.sample_rate} samples a second")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    @property
    def rate_hz(self) -> int:
        return self._stream.codec_context.sample_rate

    @property
    def _late_s(self) -> float:
        """How long after the container's start, where a video begins, its audio does."""
        if self._stream.start_time is None or self._stream.time_base is None:
            return 0.0
        return max(0.0, float(self._stream.start_time * self._stream.time_base) - self._container.start_time / 1e6)

    def frames(self) -> Iterator[AudioFrame]:
        """The decoded frames. Raises `Unplayable` where the file is longer than allowed or cannot be read on."""
        seconds = self._late_s
        stated_ms = self._stated_ms()
        if stated_ms is not None and stated_ms > self._longest_ms:
            raise self._too_long()
        try:
            for packet in self._container.demux(self._stream):
                if packet.has_sidedata("encryption_info"):  # common encryption: the codec's tag need not tell
                    raise Unplayable(self._path.name, ENCRYPTED)
                self._packets += 1
                self._bytes += packet.size
                try:
                    frames = packet.decode()
                except av.InvalidDataError:
                    self._damaged_packets += 1
                    continue
                for frame in frames:
                    self._samples += frame.samples
                    seconds += frame.samples / frame.sample_rate
                    if seconds * SECOND_MS > self._longest_ms:
                        raise self._too_long()
                    yield frame
        except av.FFmpegError as error:
            raise Unplayable(self._path.name, f"unreadable after {seconds:.1f} s ({error.strerror})") from error

    def sound(self) -> Iterator[Sound]:
        """The audio at our rate in stereo, from the container's start on. Raises `Unplayable` as `frames`."""
        for block in self._stereo():
            if block.size and not np.abs(block).max() <= LOUDEST:  # nor what is no number
                raise Unplayable(self._path.name, f"damaged: samples more than {LOUDEST:g} times full scale")
            yield block

    def _stereo(self) -> Iterator[Sound]:
        if self._late_s:
            yield np.zeros((2, round(self._late_s * SAMPLE_RATE_HZ)), np.float32)
        resampler, form = None, None
        for frame in self.frames():
            if form != (frame.format.name, frame.layout.name, frame.sample_rate):
                if resampler:
                    yield from map(_samples, resampler.resample(None))
                # One channel is doubled by us: FFmpeg would take 3 dB off it.
                layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
                resampler = AudioResampler(format="fltp", layout=layout, rate=SAMPLE_RATE_HZ)
                form = (frame.format.name, frame.layout.name, frame.sample_rate)
            frame.pts = None
            try:
                yield from map(_samples, cast("AudioResampler", resampler).resample(frame))
            except (av.FFmpegError, ValueError) as error:
                raise Unplayable(self._path.name, f"cannot be brought to stereo ({error})") from error
        if resampler:
            yield from map(_samples, resampler.resample(None))

    def judge(self) -> AudioProbe:
        """The probe of this file, which was decoded to its end. Raises `Unplayable` for a damaged one."""
        decoded_ms = self._samples * SECOND_MS / self.rate_hz
        if not self._samples:
            raise Unplayable(self._path.name, "no sound can be decoded from it")
        if self._damaged_packets > MOST_DAMAGE * self._packets:
            share = f"{self._damaged_packets} of {self._packets} packets cannot be decoded"
            raise Unplayable(self._path.name, f"damaged: {share}, {decoded_ms / 1000:.1f} s can")
        stated_ms = self._stated_ms()
        if stated_ms is not None and stated_ms - decoded_ms > max(SECOND_MS, 0.02 * stated_ms):
            raise Unplayable(
                self._path.name, f"cut off: {decoded_ms / 1000:.1f} s of {stated_ms / 1000:.1f} s can be decoded"
            )
        if stated_ms is not None and 0 < decoded_ms - stated_ms < 50:
            decoded_ms = stated_ms  # the codec's last frame is padded; the header says where it ends
        context = self._stream.codec_context
        return AudioProbe(
            duration_ms=max(1, round(decoded_ms + self._late_s * SECOND_MS)),
            sample_rate_hz=self.rate_hz,
            channels=context.channels,
            codec=context.codec.canonical_name,
            container=self._container.format.name,
            is_lossless=is_lossless(context.codec),
            bit_rate_bps=round(self._bytes * 8 * SECOND_MS / decoded_ms),
            damaged_packets=self._damaged_packets,
            has_end=ending.has_end(self._path, self._formats),
        )

    def _too_long(self) -> Unplayable:
        return Unplayable(self._path.name, f"longer than {self._longest_ms / MINUTE_MS:g} minutes")

    @property
    def _formats(self) -> set[str]:
        """The container's kind, by all names FFmpeg has for it."""
        return set(self._container.format.name.split(","))

    def _stated_ms(self) -> float | None:
        """The length the header states, where such a statement is to be trusted."""
        if self._formats & EXACT_CONTAINERS and self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base) * SECOND_MS
        if "matroska" in self._formats and self._container.duration and not self._container.streams.video:
            return self._container.duration / 1_000
        return ending.stated_ms(self._path, self._formats, self.rate_hz)


class _Recorder:
    """A file being written from the sound it hears."""

    def __init__(self, take: Take) -> None:
        self._span = take.span
        self._begin = _position(take.span.begin_ms) if take.span else 0
        self._end = _position(take.span.end_ms) if take.span else None
        self._heard = 0
        self._written = 0
        self._file = take.file
        self._form = take.form
        self._container = _create(take.file, take.form.container)
        self._stream = cast(
            "AudioStream",
            self._container.add_stream(
                take.form.codec,
                rate=SAMPLE_RATE_HZ,
                options=dict(take.form.codec_options),
                layout="stereo",
                format=take.form.samples,
            ),
        )
        if take.form.bit_rate_bps:
            self._stream.bit_rate = take.form.bit_rate_bps

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def hear(self, block: Sound) -> None:
        first = max(self._begin - self._heard, 0)
        last = block.shape[1] if self._end is None else min(max(self._end - self._heard, 0), block.shape[1])
        self._heard += block.shape[1]
        if first >= last:
            return
        frame = _frame(block[:, first:last], self._form.samples)
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        frame.pts = self._written
        self._written += last - first
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Flush the encoder. Raises `Unplayable` when the sources ended before the stretch did."""
        missing = self._end - self._begin - self._written if self._end is not None else 0
        if not self._written or missing > MOST_MISSING_SAMPLES:
            raise Unplayable(self._file.name, f"the recording ends {missing / SAMPLE_RATE_HZ:.3f} s too early")
        self._container.mux(self._stream.encode(None))


@contextlib.contextmanager
def _recording(takes: Iterable[Take]) -> Iterator[list[_Recorder]]:
    """A recorder for each take; all are finished where nothing went wrong, and closed in any case."""
    with contextlib.ExitStack() as stack:
        recorders = [stack.enter_context(_Recorder(take)) for take in takes]
        yield recorders
        for recorder in recorders:
            recorder.finish()


def _hear(blocks: Iterable[Sound], ears: Sequence[Ear], heard: Callable[[float], None]) -> None:
    for block in blocks:
        for ear in ears:
            ear(block)
        heard(block.shape[1] / SAMPLE_RATE_HZ)


def is_lossless(codec: av.Codec) -> bool:
    """Whether a codec keeps every sample. DTS may, in an extension that is rare: it is taken not to."""
    return codec.lossless and codec.canonical_name != "dts"


def _open(path: Path) -> InputContainer:
    """The container, read by a demuxer of sound from this very file and from nothing it may point to."""
    try:
        return av.open(
            str(path.absolute()),
            metadata_errors="replace",
            options={"format_whitelist": DEMUXERS, "protocol_whitelist": "file"},
        )
    except (av.FFmpegError, ValueError) as error:
        raise Unplayable(path.name, "not an audio file we can read") from error


def _create(path: Path, container: str) -> OutputContainer:
    """An empty file; the index of an MP4 file will lie in front, so that it plays while it is being fetched."""
    options = {"movflags": "faststart"} if container in {"ipod", "mp4"} else {}
    return av.open(str(path), "w", format=container, options=options)


def _position(at_ms: int) -> int:
    return round(at_ms * SAMPLE_RATE_HZ / SECOND_MS)


def _frame(sound: Sound, samples: Literal["flt", "fltp", "s16"]) -> AudioFrame:
    if samples == "fltp":
        return AudioFrame.from_ndarray(np.ascontiguousarray(sound), format=samples, layout="stereo")
    if samples == "flt":
        return AudioFrame.from_ndarray(sound.T.reshape(1, -1), format=samples, layout="stereo")
    whole = np.clip(np.rint(sound.T * 32_768), -32_768, 32_767).astype(np.int16)  # what 16-bit sources were, exactly
    return AudioFrame.from_ndarray(whole.reshape(1, -1), format=samples, layout="stereo")


def _samples(frame: AudioFrame) -> Sound:
    return np.broadcast_to(cast("Sound", frame.to_ndarray()), (2, frame.samples))


def _even(blocks: Iterable[Sound]) -> Iterator[Sound]:
    """The same sound in blocks of `BLOCK_SAMPLES`, the last one shorter."""
    held: list[Sound] = []
    size = 0
    for block in blocks:
        held.append(block)
        size += block.shape[1]
        if size >= BLOCK_SAMPLES:
            joined = np.concatenate(held, axis=1)
            whole = size - size % BLOCK_SAMPLES
            for begin in range(0, whole, BLOCK_SAMPLES):
                yield joined[:, begin : begin + BLOCK_SAMPLES]
            held, size = [joined[:, whole:]], size - whole
    if size:
        yield np.concatenate(held, axis=1)
