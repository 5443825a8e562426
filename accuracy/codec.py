"""Sounds through lossy codecs and back."""

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream

from yuefu.ingest.media import SAMPLE_RATE_HZ, PyAvStudio, Sound


def through_codec(sound: Sound, codec: str, bit_rate_bps: int, folder: Path) -> Sound:
    """What is heard of the sound after `codec` (`aac`, `libmp3lame`), from the same beginning on."""
    file = folder / ("sound.m4a" if codec == "aac" else "sound.mp3")
    with av.open(str(file), "w") as target:
        stream = cast("AudioStream", target.add_stream(codec, rate=SAMPLE_RATE_HZ, layout="stereo", format="fltp"))
        stream.bit_rate = bit_rate_bps
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        frame.pts = 0  # else players hear the codec's own lead-in
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return read_sound(file)


def read_sound(file: Path) -> Sound:
    """All of a file at 44.1 kHz in stereo."""
    blocks: list[Sound] = []
    PyAvStudio().listen([file], [blocks.append])
    return np.concatenate(blocks, axis=1)
