"""Loudness by EBU R 128, and the gain that evens it out.

Measured as ITU-R BS.1770 and EBU Tech 3341 and 3342 say, by FFmpeg's `ebur128`, which tells after every tenth of a
second what it has heard so far.
"""

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction

import av
import msgspec
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph

from yuefu.catalogue.song import REFERENCE_LUFS, Level, Loudness
from yuefu.ingest.media import SAMPLE_RATE_HZ, Sound

HIGHEST_PEAK_DBTP = -1.0
"""How high a gain may lift the true peak: encoding adds a little."""

_STEP_SAMPLES = SAMPLE_RATE_HZ // 10
_SILENT_LUFS = -70.0
_TAG = "lavfi.r128."


class LoudnessMeter:
    """Measures the sound it hears, block after block."""

    def __init__(self) -> None:
        self._graph = Graph()
        source = self._graph.add_abuffer(
            sample_rate=SAMPLE_RATE_HZ, format="fltp", layout="stereo", time_base=Fraction(1, SAMPLE_RATE_HZ)
        )
        meter = self._graph.add("ebur128", "metadata=1:peak=true:framelog=quiet")
        source.link_to(meter)
        meter.link_to(self._graph.add("abuffersink"))
        self._graph.configure()
        self._heard = 0
        self._told: dict[str, str] = {}

    def hear(self, block: Sound) -> None:
        self._push(block)

    def finish(self) -> Loudness:
        """The loudness of all that was heard; nothing may be heard afterwards."""
        self._push(np.zeros((2, -self._heard % _STEP_SAMPLES), np.float32))  # the meter tells at full steps only
        self._graph.push(None)
        self._pull()
        integrated, peak = float(self._told.get(f"{_TAG}I", "-inf")), float(self._told.get(f"{_TAG}true_peak", "0"))
        return Loudness(
            integrated_lufs=integrated if integrated > _SILENT_LUFS else None,
            range_lu=float(self._told.get(f"{_TAG}LRA", "0")),
            true_peak_dbtp=round(as_db(peak), 2) if peak else None,
        )

    def _push(self, block: Sound) -> None:
        if not block.shape[1]:
            return
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE_HZ, Fraction(1, SAMPLE_RATE_HZ), self._heard
        self._heard += block.shape[1]
        self._graph.push(frame)
        self._pull()

    def _pull(self) -> None:
        for frame in self._frames():
            if frame.metadata:
                self._told = dict(frame.metadata)

    def _frames(self) -> Iterator[AudioFrame]:
        with contextlib.suppress(av.BlockingIOError, av.EOFError):
            while True:
                frame = self._graph.pull()
                if isinstance(frame, AudioFrame):
                    yield frame


def set_level(*, original: Loudness | None, backing: Loudness | None, level_lufs: float | None) -> tuple[Level, float]:
    """The level of a song whose parts are to be as loud as `level_lufs` says, and the factor for their samples.

    Original and backing get the same gain, that of the original where there is one, so that a singer who switches
    between them meets what was mixed. No gain lifts either's true peak above `HIGHEST_PEAK_DBTP`.
    """
    applied_db = 0.0 if level_lufs is None else _gain_db(level_lufs, original, backing)
    level = Level(
        original=original,
        backing=backing,
        applied_db=applied_db,
        gain_db=round(_gain_db(REFERENCE_LUFS, original, backing) - applied_db, 2),
    )
    return level, 10 ** (applied_db / 20)


def amplify(loudness: Loudness, by_db: float) -> Loudness:
    """The loudness of the same sound with that gain."""
    return msgspec.structs.replace(
        loudness,
        integrated_lufs=None if loudness.integrated_lufs is None else round(loudness.integrated_lufs + by_db, 2),
        true_peak_dbtp=None if loudness.true_peak_dbtp is None else round(loudness.true_peak_dbtp + by_db, 2),
    )


def as_db(factor: float) -> float:
    """A factor for samples in decibels."""
    return 20 * math.log10(factor)


def _gain_db(level_lufs: float, original: Loudness | None, backing: Loudness | None) -> float:
    leading = original or backing
    if leading is None or leading.integrated_lufs is None:
        return 0.0
    peaks = [each.true_peak_dbtp for each in (original, backing) if each and each.true_peak_dbtp is not None]
    wanted_db = level_lufs - leading.integrated_lufs
    return round(min([wanted_db, *(HIGHEST_PEAK_DBTP - peak for peak in peaks)]), 2)
