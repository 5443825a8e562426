"""Tempo on the synthetic suite."""

from dataclasses import dataclass, field

import numpy as np

from accuracy.suite import heard, items
from yuefu.music.notes import NO_NOTES
from yuefu.music.tempo import find_tempo
from yuefu.music.transcription import syllables_per_s

SEED = 31
"""Other excerpts than those that the weights were chosen on."""

KIN = (1.0, 2.0, 0.5, 3.0, 1 / 3)
SLOW_BELOW_BPM, FAST_FROM_BPM = 90, 125


@dataclass(slots=True)
class TempoFigures:
    """How often, in each way of looking, the tempo was right: of `count` items."""

    count: int = 0
    right: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    def share(self, what: str) -> float:
        return 100 * self.right.get(what, 0) / max(self.count, 1)


def measure_tempo(count: int, *, seed: int = SEED) -> TempoFigures:
    """By the sound alone, and with the rate of the words."""
    figures = TempoFigures()
    for item in items(count, seed=seed):
        figures.count += 1
        sound, rate = heard(item.mix), syllables_per_s(item.lyrics, NO_NOTES)
        for how, syllables in (("audio", None), ("words", rate)):
            found = find_tempo(sound, syllables_per_s=syllables)
            bpm = found.bpm if found else 1.0
            for what, right in _judge(bpm, item.score.tempo).items():
                figures.right[f"{how} {what}"] = figures.right.get(f"{how} {what}", 0) + right
            if how == "words" and not _judge(bpm, item.score.tempo)["exact"]:
                figures.missed.append(f"{item.name}: {bpm:.0f}")
    return figures


def _judge(bpm: float, true_bpm: float) -> dict[str, bool]:
    ratio = bpm / true_bpm
    kin = min(KIN, key=lambda kin: abs(np.log2(ratio / kin)))
    return {
        "exact": abs(ratio - 1) <= 0.04,
        "kin": abs(ratio / kin - 1) <= 0.04,
        "kin 1 %": abs(ratio / kin - 1) <= 0.01,
        "class": _class_of(bpm) == _class_of(true_bpm),
    }


def _class_of(bpm: float) -> int:
    return int(bpm >= SLOW_BELOW_BPM) + int(bpm >= FAST_FROM_BPM)
