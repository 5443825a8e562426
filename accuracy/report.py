"""The figures as a page: against which goal, over what, and what they do not say."""

import math
import os
import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from accuracy.highlights import WAYS, Bin, HighlightFigures, TextFigures
from accuracy.live import CLEAN as LIVE_CLEAN
from accuracy.live import ITEMS as LIVE_ITEMS
from accuracy.live import NOISE_10 as LIVE_NOISE_10
from accuracy.live import SLOW_PERCENTILE, LiveFigures
from accuracy.media import MediaFigures
from accuracy.pitch import (
    BASELINE_ITEMS,
    DRY,
    LIMITED,
    NOISE_0,
    NOISE_10,
    REFUSAL_ITEMS,
    REMOVED,
    PitchFigures,
)
from accuracy.real import ScoreFigures, SingerFigures, SongFigures
from accuracy.scoring import HUMMING, PERFECT, RANDOM, SILENT, ScoringFigures
from accuracy.tempo import TempoFigures
from accuracy.weight import MINUTES, ROUNDS, TIERS_S, WeightFigures
from yuefu.music.scoring import LEVELS
from yuefu.units import Span

ABSENT = "the third-party recordings are not here (`../shared/data`)"


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was measured; None or nothing for what is absent."""

    pitch: PitchFigures
    live: LiveFigures
    scoring: ScoringFigures
    tempo: TempoFigures
    highlights: HighlightFigures
    confidence: Sequence[Bin]
    texts: Sequence[TextFigures]
    media: MediaFigures
    weight: WeightFigures
    singer: SingerFigures | None
    scores: Sequence[ScoreFigures]
    songs: Sequence[SongFigures]


@dataclass(frozen=True, slots=True)
class _Line:
    what: str
    goal: str
    measured: str
    is_met: bool


_PAGE = """\
# Accuracy

Written by `make accuracy`, never by hand.
{day} · Yuefu {yuefu} · Python {python} · swift-f0 {swift} · librosa {librosa} · {system}, {cores} cores,
{minutes} min.

How right are the pitch lines, tempi, preludes and highlights that an import makes where a delivery does not bring them,
and how fair are scores?
Most of what follows is synthetic: the project's own voice and band sing and play excerpts of the demo's songs at other
tempi, and of those everything is known. Such figures rank methods and guard against getting worse; they promise
nothing about a catalogue. What is real follows after them.

## Goals

{goals}
The accompaniment taken out, tempo, pitch and notes found: all that is heard of a song takes one core {heard_times:.0f}
times less than it sounds. Of {weight_rounds} rounds the least disturbed counts.

## Pitch, by what was heard

{count} excerpts of some 25 s. RPA: sung frames with the pitch within 50 cents; RCA: in any octave; VR: sung frames that
are said to be sung; VFA: silent ones that are; all in %, with the gates that an import uses. F1 of notes: begin within
100 ms, the right semitone; in the last column the words' times are known too, and part notes.

{conditions}
Against librosa's pYIN, on the first {baseline_items} of them:

{baseline}
Of the first {refusal_items}, {drifts} were refused when the accompaniment ran 100 parts in a million slow, and {others}
when it was the same piece played anew. Of the mix as it is no pitch line is made at all: the row above says why.

## Live pitch

{live_items} other excerpts in blocks of 8 ms: what is heard while the voice sounds. A frame without pitch is wrong
where somebody sings. Scores are those the voice gets that is heard so, at levels 0 (the hardest) to 4.

{live}
## Scores

The notes of {scored_songs} demo songs as simulated singers sing them; the rules are in [scoring](scoring.md). Mean
scores, 0 to 100, by level; cents are the spread of a singer's errors from note to note.

{scoring}
## Tempo

{tempo}
Still wrong with the words known: {missed}.

## Highlight

{per_difficulty} songs easy and {per_difficulty} hard, as `accuracy/forms.py` makes them: in how many, in %, the first
segment begins within 3 s of a chorus. The weights were chosen on other seeds of the same maker, which knows choruses to
be somewhat higher and louder: that is an assumption. Where several did as well there, the texts further down decided.

{highlights}
How far its confidence is to be trusted: on {judged} choices among such songs and folk songs, some of which have no
chorus, so that whatever is chosen is wrong. Seeds are others than those it was fitted on, the forms are the same. That
is no promise for a catalogue, which may hold more or fewer songs without a chorus. Much hangs on what counts as one:
"doubted" adds a form of which one verse's second half is sung again, and takes every choice there for wrong.

{confidence}
The demo's songs, and other texts whose authors marked a medley: what is chosen by words and notes alone; the mark is
not read. These texts and marks were known when the weights were chosen, so they are examples and no test. A segment may
lie outside the mark and yet hold its lines, at another time they are sung. Folk songs of one verse have no chorus; what
is found is there to be looked at.

{texts}
## A human voice

{singer}
## Rendered scores

{scores}
## Free songs with hand-made notes

{songs}
## How to repeat it

`make accuracy` measures all of it and writes this page; `make accuracy ARGS="--pictures DIR"` draws pitch lines over
what was heard, and highlights in their songs. `make test` runs a small share.

## Pictures

Of five songs of the demo: the pitch line that is found in the mix minus its accompaniment, at another tempo; and the
highlight, with what spoke for it.

{pictures}"""

PICTURES = Path(__file__).parents[1] / "docs/pictures"
"""Those that are kept; `--pictures` draws them anew, and others."""

_SINGER = """\
33 s of one unaccompanied singer, with pitch and notes annotated by hand (vocadito 1).

{melody}
Notes (100 ms, 50 cents): F1 {first:.2f} against the first annotator, {second:.2f} against the second; the two against
each other {between:.2f}.
"""

_SONGS = """\
Nothing is delivered of these but the mix, of which an import makes no pitch line; here one is heard all the same, to
see how far it would go. Agreement: of the frames that carry a written note and are heard as sung, those within a
semitone of it in some octave; "by chance" is the same with the notes moved by some seconds. What limits it: the band
sounds with the singer, the notes are games', made by ear on a grid, of whole semitones, often an octave off, and some
songs are spoken or growled. No true tempi and choruses are known; what is found is there to be looked at.

{table}"""


def render_page(figures: Figures, *, minutes: float) -> str:
    """The whole page, in Markdown."""
    pitch, highlights = figures.pitch, figures.highlights
    return _PAGE.format(
        day=time.strftime("%Y-%m-%d", time.gmtime()),
        yuefu=version("yuefu"),
        python=platform.python_version(),
        swift=version("swift-f0"),
        librosa=version("librosa"),
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count(),
        minutes=math.ceil(minutes),
        goals=_table(("what", "goal", "measured", "verdict"), map(_goal, _lines(figures))),
        heard_times=figures.weight.times_real,
        weight_rounds=ROUNDS,
        count=pitch.items,
        conditions=_conditions(pitch),
        baseline_items=BASELINE_ITEMS,
        baseline=_baseline(pitch),
        refusal_items=REFUSAL_ITEMS,
        drifts=pitch.refused_drifts,
        others=pitch.refused_others,
        live_items=LIVE_ITEMS,
        live=_live(figures.live),
        scored_songs=figures.scoring.songs,
        scoring=_scoring(figures.scoring),
        tempo=_tempo(figures.tempo),
        missed="; ".join(figures.tempo.missed) or "none",
        per_difficulty=highlights.count,
        highlights=_table(
            ("way", "easy", "hard"),
            ((way, *(f"{highlights.share(way, hard=hard):.0f}" for hard in (False, True))) for way in WAYS),
        ),
        texts=_texts(figures.texts),
        judged=sum(each.count for each in figures.confidence),
        confidence=_confidence(figures.confidence),
        singer=_singer(figures.singer),
        scores=_scores(figures.scores),
        songs=_songs(figures.songs),
        pictures=_pictures(),
    )


def _lines(figures: Figures) -> Iterator[_Line]:
    conditions, tempo, highlights = figures.pitch.conditions, figures.tempo, figures.highlights
    dry, removed = conditions[DRY].melody, conditions[REMOVED].melody
    yield _at_least("pitch of the voice alone, RPA", dry.pitch_accuracy, 99)
    yield _at_least("… VR", dry.recall, 97)
    yield _at_most("… VFA", dry.false_alarm, 10, "%")
    yield _at_least("… under noise 10 dB below, RPA", conditions[NOISE_10].melody.pitch_accuracy, 97)
    yield _at_least("… under noise as loud, RPA", conditions[NOISE_0].melody.pitch_accuracy, 91)
    yield _at_least("pitch of the mix minus its accompaniment, RPA", removed.pitch_accuracy, 97)
    yield _at_most("… VFA", removed.false_alarm, 10, "%")
    yield _at_most("… alignment, largest error", max(figures.pitch.offset_errors_samples), 1, "samples at 44.1 kHz")
    yield _at_least("notes of the voice alone, F1", 100 * conditions[DRY].notes_by_words.f1, 93)
    yield _at_least("… of the mix minus its accompaniment", 100 * conditions[REMOVED].notes_by_words.f1, 88)
    yield _at_least("… of the limited mix minus its accompaniment", 100 * conditions[LIMITED].notes_by_words.f1, 78)
    yield from _live_lines(figures.live)
    yield from _scoring_lines(figures.scoring)
    yield _at_least("tempo by the sound alone, within 4 %", tempo.share("audio exact"), 68)
    yield _at_least("… up to a factor", tempo.share("audio kin"), 95)
    yield _at_least("… up to a factor, within 1 %", tempo.share("audio kin 1 %"), 95)
    yield _at_least("tempo with the rate of the words, within 4 %", tempo.share("words exact"), 85)
    way = list(WAYS)[-1]
    yield _at_least("highlight, easy songs", highlights.share(way, hard=False), 95)
    yield _at_least("highlight, hard songs", highlights.share(way, hard=True), 60)
    for name in (DRY, REMOVED):
        yield _at_most(
            f"begin of the singing, {name}", median(figures.pitch.prelude_errors_ms[name]), 50, "ms (median)"
        )
    cut_samples = max(abs(samples) for samples in figures.media.begin_samples.values())
    yield _at_most("a cut's begin", cut_samples, 0, "samples off")
    yield _at_most("a cut's length", max(abs(each) for each in figures.media.length_ms.values()), 10, "ms off")
    loudness_lu = max(abs(error) for error in figures.media.loudness_lu)
    yield _at_most("loudness, EBU Tech 3341 cases 1 to 5", loudness_lu, 0.1, "LU off")
    yield _at_least("pitch of a voice, on one core", figures.weight.tracking_times_real, 100, "× real time")
    yield _at_most(f"all qualities of a song of {TIERS_S} s", figures.weight.tiers_s, 6, "s of CPU")
    yield _at_most(f"memory for {MINUTES} minutes", figures.weight.memory_mb, 300, "MB")


def _live_lines(live: LiveFigures) -> Iterator[_Line]:
    yield _at_most("live pitch, a frame's age", live.oldest_ms, 50, "ms")
    yield _at_most(f"… time to find it, {SLOW_PERCENTILE} of 100 frames", live.slow_ms, 20, "ms")
    yield _at_least("… of the voice alone, RPA", live.melodies[LIVE_CLEAN].pitch_accuracy, 99)
    yield _at_least("… under noise 10 dB below, RPA", live.melodies[LIVE_NOISE_10].pitch_accuracy, 96)


def _scoring_lines(scoring: ScoringFigures) -> Iterator[_Line]:
    step = scoring.smallest_step
    yield _Line("scores, a better singer's lead at any level", "> 0 points", f"{step:.1f} points", step > 0)
    yield _at_least("… who sings all right, at any level", min(scoring.means[PERFECT]), 97, "points")
    by_chance = max(*scoring.means[HUMMING], *scoring.means[RANDOM])
    yield _at_most("… who hums, or sings any pitch", by_chance, 15, "points")
    yield _at_most("… who is silent", max(scoring.means[SILENT]), 0, "points")
    yield _at_most("… what an octave changes", scoring.octave_difference, 3, "points")


def _at_least(what: str, value: float, goal: float, unit: str = "%") -> _Line:
    return _Line(what, f"≥ {goal:g} {unit}", f"{value:.1f} {unit}", value >= goal)


def _at_most(what: str, value: float, goal: float, unit: str) -> _Line:
    return _Line(what, f"≤ {goal:g} {unit}", f"{value:.2f} {unit}", value <= goal)


def _goal(line: _Line) -> tuple[str, ...]:
    return line.what, line.goal, line.measured, "met" if line.is_met else "**missed**"


def _conditions(pitch: PitchFigures) -> str:
    rows = (
        (
            name,
            *(
                f"{value:.1f}"
                for value in (
                    each.melody.pitch_accuracy,
                    each.melody.chroma_accuracy,
                    each.melody.recall,
                    each.melody.false_alarm,
                )
            ),
            f"{each.notes.f1:.2f}",
            f"{each.notes_by_words.f1:.2f}",
        )
        for name, each in pitch.conditions.items()
    )
    return _table(("heard", "RPA", "RCA", "VR", "VFA", "F1", "F1 with words"), rows)


def _baseline(pitch: PitchFigures) -> str:
    rows = (
        (
            name,
            *(f"{each.same.pitch_accuracy:.1f} / {each.same.recall:.1f} / {each.same.false_alarm:.1f}",),
            *(f"{each.baseline.pitch_accuracy:.1f} / {each.baseline.recall:.1f} / {each.baseline.false_alarm:.1f}",),
        )
        for name, each in pitch.conditions.items()
        if each.baseline.sung
    )
    speeds = f"× real time: {pitch.tracker_x:.0f} and {pitch.baseline_x:.0f}; subtraction {pitch.subtraction_x:.0f}.\n"
    return _table(("heard", "RPA / VR / VFA", "pYIN"), rows) + "\n" + speeds


def _live(live: LiveFigures) -> str:
    rows = (
        (
            condition,
            *(f"{value:.1f}" for value in (melody.pitch_accuracy, melody.recall, melody.false_alarm)),
            " / ".join(f"{live.mean_score(condition, level):.0f}" for level in range(len(LEVELS))),
        )
        for condition, melody in live.melodies.items()
    )
    return _table(("heard", "RPA", "VR", "VFA", "score by level"), rows)


def _scoring(scoring: ScoringFigures) -> str:
    head = ("singer", *(f"level {level}" for level in range(len(LEVELS))))
    return _table(head, ((name, *(f"{mean:.1f}" for mean in means)) for name, means in scoring.means.items()))


def _tempo(tempo: TempoFigures) -> str:
    whats = ("exact", "kin", "kin 1 %", "class")
    rows = ((how, *(f"{tempo.share(f'{how} {what}'):.0f}" for what in whats)) for how in ("audio", "words"))
    head = ("known", "within 4 %", "up to ×2, ×3", "… within 1 %", "slow, medium, fast")
    return f"{tempo.count} excerpts between 58 and 178 beats a minute; % of them.\n\n" + _table(head, rows)


def _confidence(bins: Sequence[Bin]) -> str:
    rows = (
        (f"from {each.least:.1f}", str(each.count), f"{each.said:.2f}", f"{each.right:.0%}", f"{each.doubted:.0%}")
        for each in bins
    )
    return _table(("confidence", "choices", "on average", "right", "doubted"), rows)


def _texts(texts: Sequence[TextFigures]) -> str:
    return _table(
        ("song", "first segment (confidence)", "mark"), ((each.name, _chosen(each), _mark(each)) for each in texts)
    )


def _chosen(text: TextFigures) -> str:
    if text.choice is None:
        return "none"
    first, rule = text.choice.segments[0], text.choice.rule.value.replace("_", " ")
    return f"{_seconds(first)}, {rule} ({text.choice.confidence:.2f}): {text.line}"


def _mark(text: TextFigures) -> str:
    if text.mark is None:
        return ""
    first = text.choice.segments[0] if text.choice else Span(begin_ms=0, end_ms=0)
    shared_ms = min(first.end_ms, text.mark.end_ms) - max(first.begin_ms, text.mark.begin_ms)
    share = max(shared_ms, 0) / max(first.duration_ms, 1)
    return f"{_seconds(text.mark)}, {share:.0%} of the segment in it, {text.marked_words:.0%} of its lines"


def _seconds(span: Span) -> str:
    return f"{span.begin_ms / 1_000:.0f} to {span.end_ms / 1_000:.0f} s"


def _singer(singer: SingerFigures | None) -> str:
    if singer is None:
        return f"Skipped: {ABSENT}.\n"
    rows = (
        (name, f"{melody.pitch_accuracy:.1f}", f"{melody.recall:.1f}", f"{melody.false_alarm:.1f}")
        for name, melody in (("ours", singer.melody), ("pYIN", singer.baseline))
    )
    first, second = singer.notes
    return _SINGER.format(
        melody=_table(("", "RPA", "VR", "VFA"), rows),
        first=first.f1,
        second=second.f1,
        between=singer.between_annotators.f1,
    )


def _scores(scores: Sequence[ScoreFigures]) -> str:
    if not scores:
        return f"Skipped: {ABSENT}.\n"
    rows = (
        (
            each.name,
            f"{each.melody.f1:.2f}",
            each.why_not or f"{each.difference.f1:.2f} ({each.drop_db:.0f} dB taken out)"
            if each.difference
            else each.why_not,
        )
        for each in scores
    )
    return "Played by an instrument and not sung; repeated notes on one pitch are heard as one.\n\n" + _table(
        ("score", "F1 from the melody", "F1 from the mix minus its accompaniment"), rows
    )


def _songs(songs: Sequence[SongFigures]) -> str:
    if not songs:
        return f"Skipped: {ABSENT}.\n"
    rows = (
        (
            each.name,
            f"{each.agreement:.0f} %",
            f"{each.chance:.0f} %",
            f"{each.tempo.bpm:.1f} or {each.tempo.bpm_alt:.1f} ({each.tempo.confidence:.2f})" if each.tempo else "none",
            f"{each.highlight.segments[0].begin_ms / 1_000:.0f} s, {each.highlight.rule.value.replace('_', ' ')} "
            f"({each.highlight.confidence:.2f}): {each.highlight_line}"
            if each.highlight
            else "none",
        )
        for each in songs
    )
    head = ("song", "agreement", "by chance", "tempo, alternative (confidence)", "highlight (confidence)")
    return _SONGS.format(table=_table(head, rows))


def _pictures() -> str:
    names = sorted(file.name.removesuffix("-pitch.svg") for file in PICTURES.glob("*-pitch.svg"))
    links = (
        (name, f"[pitch line](pictures/{name}-pitch.svg)", f"[highlight](pictures/{name}-highlight.svg)")
        for name in names
    )
    return _table(("song", "", ""), links)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
