"""The grid of beats and where it lies in time."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

SLOWEST_BPM = 1
FASTEST_BPM = 20_000
"""Real songs write some hundreds: the value is a grid, four to eight times the tempo one hears."""

_MINUTE_MS = 60_000
_BEATS_PER_QUARTER = 4


class BeatClock:
    """Turns beats into milliseconds: `gap_ms` is the time of beat 0, `changes` are (beat, bpm) of later tempos."""

    def __init__(self, bpm: float, *, gap_ms: float, changes: Sequence[tuple[int, float]] = ()) -> None:
        tempos = [(0, bpm), *sorted(changes, key=lambda change: change[0])]
        self._beats = [beat for beat, _ in tempos]
        self._beat_ms = [_MINUTE_MS / bpm / _BEATS_PER_QUARTER for _, bpm in tempos]
        self._at_ms = list(_accumulate(gap_ms, self._beats, self._beat_ms))

    def time_ms(self, beat: int) -> int:
        """When `beat` falls, to the nearest millisecond; before the first change of tempo beats may be negative."""
        i = max(bisect_right(self._beats, beat) - 1, 0)
        return round(self._at_ms[i] + (beat - self._beats[i]) * self._beat_ms[i])


def _accumulate(begin_ms: float, beats: Iterable[int], beat_ms: Iterable[float]) -> Iterable[float]:
    yield begin_ms
    for (begin, end), length_ms in zip(pairwise(beats), beat_ms, strict=False):
        begin_ms += (end - begin) * length_ms
        yield begin_ms
