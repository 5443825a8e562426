"""What is measured of a sound while it is heard once."""

from yuefu.catalogue.song import Loudness
from yuefu.ingest.loudness import LoudnessMeter
from yuefu.ingest.media import SAMPLE_RATE_HZ, Sound
from yuefu.music.waveform import Outline, Waveform


class Hearing:
    """An ear that measures."""

    def __init__(self) -> None:
        self._meter = LoudnessMeter()
        self._outline = Outline(sample_rate_hz=SAMPLE_RATE_HZ)
        self.peak = 0.0
        """The largest sample so far, 1 being full scale."""

    def __call__(self, block: Sound) -> None:
        self._meter.hear(block)
        self._outline.hear(block)
        self.peak = max(self.peak, float(abs(block).max()))

    def loudness(self) -> Loudness:
        """The loudness of all that was heard. To be asked once, at the end."""
        return self._meter.finish()

    def waveform(self) -> Waveform:
        """The shape of all that was heard, to be drawn."""
        return self._outline.finish()
