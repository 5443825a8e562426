"""Whether a song sounds as it should: neither too loud nor too soft, not cut off, and never long silent."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from yuefu.music.quality import limits
from yuefu.music.quality.check import Check, Measure, Verdict
from yuefu.music.waveform import FULL_SCALE, Waveform
from yuefu.units import SECOND_MS, Span

SILENCE_DB = round(20 * math.log10(0.5 / FULL_SCALE))
"""What is softer comes out as 0 in a waveform."""


@dataclass(frozen=True, slots=True)
class SoundLevel:
    """How loud a part is, by EBU R 128; None as in `catalogue.song.Loudness`."""

    integrated_lufs: float | None
    range_lu: float
    true_peak_dbtp: float | None


def level_checks(original: SoundLevel | None, backing: SoundLevel | None) -> Iterator[Check]:
    """The checks of how loud the original is, the backing where there is no original, and of the two together."""
    leading = original or backing
    if leading is None:
        return
    yield _loudness(leading)
    if leading.integrated_lufs is not None:
        yield _range(leading.range_lu)
    if leading.true_peak_dbtp is not None:
        yield _true_peak(leading.true_peak_dbtp)
    if original and backing:
        yield _balance(original, backing)


def _loudness(level: SoundLevel) -> Check:
    if level.integrated_lufs is None:
        return Check(measure=Measure.LOUDNESS, verdict=Verdict.BAD, figure=None, words="it is silent")
    lufs = round(level.integrated_lufs, 1)
    verdict = max(limits.LOUDEST_LUFS.judge(lufs), limits.SOFTEST_LUFS.judge(lufs), key=lambda each: each.weight)
    loud = "loud" if lufs > limits.LOUDEST_LUFS.good else "soft" if lufs < limits.SOFTEST_LUFS.good else ""
    words = f"the song is very {loud} among others" if loud else "as loud as songs are"
    return Check(measure=Measure.LOUDNESS, verdict=verdict, figure=lufs, words=words)


def _range(range_lu: float) -> Check:
    verdict = limits.RANGE_LU.judge(range_lu)
    words = "how far soft and loud parts lie apart" if verdict is Verdict.GOOD else "the soft parts will not be heard"
    return Check(measure=Measure.LOUDNESS_RANGE, verdict=verdict, figure=round(range_lu, 1), words=words)


def _true_peak(peak_dbtp: float) -> Check:
    verdict = limits.TRUE_PEAK_DBTP.judge(peak_dbtp)
    words = "the highest peak; 0 is full scale" if verdict is Verdict.GOOD else "peaks beyond full scale distort"
    return Check(measure=Measure.TRUE_PEAK, verdict=verdict, figure=round(peak_dbtp, 1), words=words)


def _balance(original: SoundLevel, backing: SoundLevel) -> Check:
    """How much louder the backing is than the original, where both can be heard."""
    measure = Measure.ACCOMPANIMENT_LEVEL
    if backing.integrated_lufs is None:
        return Check(measure=measure, verdict=Verdict.BAD, figure=None, words="the accompaniment is silent")
    if original.integrated_lufs is None:
        return Check(measure=measure, verdict=Verdict.BAD, figure=None, words="the original is silent")
    louder_lu = round(backing.integrated_lufs - original.integrated_lufs, 1)
    limit = limits.LOUDER_BY_LU if louder_lu > 0 else limits.QUIETER_BY_LU
    return Check(
        measure=measure,
        verdict=limit.judge(abs(louder_lu)),
        figure=louder_lu,
        words="how much louder the accompaniment is than the original; who switches between them hears it",
    )


def waveform_checks(waveform: Waveform) -> Iterator[Check]:
    """The checks that a waveform which is not empty allows."""
    step_ms = waveform.samples_per_pixel * SECOND_MS / waveform.sample_rate
    peaks = [max(-low, high) for low, high in zip(waveform.data[::2], waveform.data[1::2], strict=True)]
    yield _clipping([peak >= FULL_SCALE for peak in peaks], step_ms)
    yield from _silence([peak == 0 for peak in peaks], step_ms)


def _clipping(is_full: list[bool], step_ms: float) -> Check:
    share = round(sum(is_full) / len(is_full), 3)
    verdict = limits.CLIPPED.judge(share)
    runs = sorted(_runs(is_full, step_ms), key=lambda span: -span.duration_ms)
    return Check(
        measure=Measure.CLIPPING,
        verdict=verdict,
        figure=share,
        words="of the tenths of a second reach full scale; where most do, peaks were cut off",
        places=() if verdict is Verdict.GOOD else tuple(sorted(runs[:5], key=lambda span: span.begin_ms)),
    )


def _silence(is_silent: list[bool], step_ms: float) -> Iterator[Check]:
    end_ms = round(len(is_silent) * step_ms)
    before = after = inside = Span(begin_ms=0, end_ms=0)
    for run in _runs(is_silent, step_ms):
        if run.begin_ms == 0:
            before = run
        elif run.end_ms == end_ms:
            after = run
        elif run.duration_ms > inside.duration_ms:
            inside = run
    for measure, limit, run in (
        (Measure.SILENCE_BEFORE, limits.BEFORE_S, before),
        (Measure.SILENCE_AFTER, limits.AFTER_S, after),
        (Measure.SILENCE_INSIDE, limits.INSIDE_S, inside),
    ):
        silent_s = run.duration_ms / SECOND_MS
        verdict = limit.judge(silent_s)
        yield Check(
            measure=measure,
            verdict=verdict,
            figure=silent_s,
            words=f"softer than {SILENCE_DB} dB",
            places=() if verdict is Verdict.GOOD else (run,),
        )


def _runs(flags: list[bool], step_ms: float) -> Iterator[Span]:
    """The stretches of steps that are flagged."""
    place = 0
    for flag, run in groupby(flags):
        length = len(list(run))
        if flag:
            yield Span(begin_ms=round(place * step_ms), end_ms=round((place + length) * step_ms))
        place += length
