"""Separation by a model in the ONNX format, of any kind that turns a stretch of stereo sound into one as long.

Its one input and its one output are `float32` shaped [1, 2, N]: samples at `SAMPLE_RATE_HZ`, full scale at ±1. N may be
fixed by the model or left open. A song goes through it in chunks that overlap, so memory does not grow with the song.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from yuefu.ingest.media import SAMPLE_RATE_HZ, Sound
from yuefu.ingest.separation import BadModel, NoSound, Stem, Stems

CHUNK_SAMPLES = 10 * SAMPLE_RATE_HZ
"""How much a model that leaves N open is given at once."""

LEAST_CHUNK_SAMPLES, MOST_CHUNK_SAMPLES = 8_192, 60 * SAMPLE_RATE_HZ
LARGEST_MODEL_BYTES = 2 * 2**30
"""More than this no ONNX file can hold: it is one protobuf message."""

LOUDEST = 8.0
"""No stem of a song at full scale comes near this."""


@dataclass(frozen=True, slots=True)
class OnnxSeparator:
    """The separator by the model in `path`, which is used only while its SHA-256 is `model_sha256`."""

    path: Path
    model_sha256: str
    gives: Stem

    def try_out(self) -> None:
        """Run the model on a chunk of silence. Raises `BadModel` where it cannot be used."""
        model = _Model(self.path, self.model_sha256)
        try:
            model(np.zeros((2, model.chunk_samples), np.float32))
        except NoSound as why:
            raise BadModel(self.path, f"of silence it makes {why}") from None

    def separate(self, sound: Iterable[Sound]) -> Iterator[Stems]:
        model = _kept_model(self.path, self.model_sha256)
        for mix, stem in work_in_chunks(sound, model, model.chunk_samples):
            match self.gives:
                case Stem.VOCALS:
                    yield Stems(vocals=stem, accompaniment=mix - stem)
                case Stem.ACCOMPANIMENT:
                    yield Stems(vocals=mix - stem, accompaniment=stem)


def work_in_chunks(
    sound: Iterable[Sound], work: Callable[[Sound], Sound], chunk_samples: int
) -> Iterator[tuple[Sound, Sound]]:
    """The sound and what `work` makes of it, stretch by stretch, as if it had been given the whole at once.

    `work` is given chunks of `chunk_samples`, silence after the end. A quarter of each is also in the next, and there
    the one turns into the other; near its own edges, where `work` has heard one side only, nothing is taken of a chunk.
    """
    overlap = chunk_samples // 4
    fade = _fade(overlap)
    tail = None
    for chunk, length in _chunks(sound, chunk_samples, chunk_samples - overlap):
        made = work(chunk).copy()
        if tail is not None:
            made[:, :overlap] = tail + fade * (made[:, :overlap] - tail)
        tail = made[:, -overlap:]
        yield chunk[:, :length], made[:, :length]


def _chunks(sound: Iterable[Sound], size: int, hop: int) -> Iterator[tuple[Sound, int]]:
    """Chunks that begin every `hop` samples, and how much of each lies before the next one, or before the end."""
    chunk, filled = np.zeros((2, size), np.float32), 0
    for block in sound:
        taken = 0
        while taken < block.shape[1]:
            if filled == size:
                yield chunk, hop
                chunk = np.concatenate([chunk[:, hop:], np.zeros((2, hop), np.float32)], axis=1)
                filled -= hop
            count = min(size - filled, block.shape[1] - taken)
            chunk[:, filled : filled + count] = block[:, taken : taken + count]
            filled, taken = filled + count, taken + count
    if filled:
        yield chunk, filled


def _fade(overlap: int) -> Sound:
    """How much the later chunk counts: nothing at first, all of it in the end, between them half a cosine."""
    edge = overlap // 4
    ramp = (1 - np.cos(np.linspace(0, np.pi, overlap - 2 * edge))) / 2
    return np.concatenate([np.zeros(edge), ramp, np.ones(edge)]).astype(np.float32)


class _Model:
    """A model that was checked and is loaded. Raises `BadModel`."""

    def __init__(self, path: Path, sha256: str) -> None:
        self._path = path
        self._session = _load(path, _read(path, sha256))
        given, made = self._session.get_inputs(), self._session.get_outputs()
        if len(given) != 1 or len(made) != 1:
            counts = f"{len(given)} inputs and {len(made)} outputs"
            raise BadModel(path, f"it has {counts}; one of each is needed, [1, 2, N] → [1, 2, N]")
        self._name = given[0].name
        self.chunk_samples = self._fixed_length(given[0], made[0]) or CHUNK_SAMPLES
        if not LEAST_CHUNK_SAMPLES <= self.chunk_samples <= MOST_CHUNK_SAMPLES:
            bounds = f"{LEAST_CHUNK_SAMPLES:,} to {MOST_CHUNK_SAMPLES:,} are needed"
            raise BadModel(path, f"it takes {self.chunk_samples:,} samples at once; {bounds}")

    def __call__(self, chunk: Sound) -> Sound:
        """What the model makes of a chunk. Raises `NoSound` too."""
        try:
            (made,) = self._session.run(None, {self._name: chunk[np.newaxis]})
        except Exception as error:  # the runtime has a dozen unrelated classes of them
            raise BadModel(self._path, f"cannot be run: {_in_a_line(error)}") from error
        if made.shape != (1, *chunk.shape):
            raise BadModel(self._path, f"makes {list(made.shape)} of {[1, *chunk.shape]}; both must be the same")
        stem: Sound = made[0]
        if not np.isfinite(stem).all():
            raise NoSound("values that are no numbers")
        if np.abs(stem).max() > LOUDEST:
            raise NoSound(f"values up to {np.abs(stem).max():.3g}, where 1 is full scale")
        return stem

    def _fixed_length(self, given: Any, made: Any) -> int | None:
        """N, None where the model leaves it open."""
        lengths = set()
        for noun, value in (("takes", given), ("makes", made)):
            if value.type != "tensor(float)" or not _fits(value.shape):
                shape = ", ".join(map(str, value.shape))
                raise BadModel(self._path, f"it {noun} {value.type} [{shape}]; tensor(float) [1, 2, N] is needed")
            lengths |= {size for size in value.shape[2:] if isinstance(size, int)}
        if len(lengths) > 1:
            raise BadModel(self._path, f"it takes and makes stretches of other lengths, {sorted(lengths)}")
        return lengths.pop() if lengths else None


@lru_cache(maxsize=1)
def _kept_model(path: Path, sha256: str) -> _Model:
    """One a process, for all its songs."""
    return _Model(path, sha256)


def _fits(shape: Sequence[Any]) -> bool:
    """Whether a tensor may be [1, 2, N]; sizes that are left open have names or none."""
    return len(shape) == 3 and all(
        size == wanted for size, wanted in zip(shape, (1, 2), strict=False) if isinstance(size, int)
    )


def _read(path: Path, sha256: str) -> bytes:
    try:
        if not path.is_file():
            raise BadModel(path, "there is no such file")
        if path.stat().st_size > LARGEST_MODEL_BYTES:
            raise BadModel(path, "larger than 2 GiB, so it is no ONNX model")
        model = path.read_bytes()
    except OSError as error:
        raise BadModel(path, error.strerror or str(error)) from error
    found = hashlib.sha256(model).hexdigest()
    if found != sha256:
        raise BadModel(path, f"its SHA-256 is {found}, not {sha256} as separation_sha256 says")
    return model


def _load(path: Path, model: bytes) -> Any:
    try:
        import onnxruntime  # noqa: PLC0415 - takes a quarter of a second, and few imports separate
    except ImportError as error:
        raise BadModel(path, "the ONNX runtime is not installed; pip install 'yuefu[separation]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # imports already take a core each
    options.enable_cpu_mem_arena = False  # it would keep what one chunk took at its peak
    options.log_severity_level = 4  # what goes wrong is raised
    # Weights in files beside the model would escape the hash: there are none inside a file.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path.absolute()))
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above
        raise BadModel(path, f"not an ONNX model we can load: {_in_a_line(error)}") from error


def _in_a_line(error: Exception) -> str:
    """The runtime's message without its line ends, cut where it gets long."""
    return " ".join((str(error) or type(error).__name__).split())[:300]
