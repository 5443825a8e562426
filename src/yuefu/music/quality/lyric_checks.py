"""Whether lyrics can be sung from: all lines there, at their times, one after the other."""

from collections.abc import Iterable, Iterator, Sequence

from yuefu.music.lyrics import Line, Lyrics, Word, split_text
from yuefu.music.quality import limits
from yuefu.music.quality.check import MOST_PLACES, Check, Measure, Verdict
from yuefu.music.quality.stretches import Stretches
from yuefu.units import SECOND_MS, Span


def lyric_checks(lyrics: Lyrics, *, duration_ms: int) -> Iterator[Check]:
    """The checks of lyrics that have lines, in a song of that length."""
    lines = [line for line in lyrics.lines if not line.is_background] or list(lyrics.lines)
    sung = Stretches(span_of(line) for line in lines)
    if sung.spans:
        yield _coverage(sung)
        yield _gap(sung)
        yield _edges(sung, duration_ms)
    yield _overlap(lines)
    yield _outside_line(lyrics.lines)
    yield _fast_words(lyrics.lines)


def span_of(timed: Line | Word) -> Span:
    return Span(begin_ms=timed.begin_ms, end_ms=timed.end_ms)


def timed_words(lines: Sequence[Line]) -> list[Word]:
    """The words that have times."""
    return [word for line in lines for word in line.words if word.syllables]


def spans_sung(lines: Iterable[Line]) -> list[Span]:
    """The times of all words; of a line whose words have none, its own."""
    return [span for line in lines for span in ([span_of(word) for word in timed_words([line])] or [span_of(line)])]


def _coverage(sung: Stretches) -> Check:
    whole_ms = sung.spans[-1].end_ms - sung.spans[0].begin_ms
    share = round(sung.covered_ms / whole_ms, 3)
    return Check(
        measure=Measure.LYRIC_COVERAGE,
        verdict=limits.COVERAGE.judge(share),
        figure=share,
        words="of the time from the first line to the end of the last has a line",
    )


def _gap(sung: Stretches) -> Check:
    longest = max(sung.gaps, key=lambda gap: gap.duration_ms, default=Span(begin_ms=0, end_ms=0))
    gap_s = longest.duration_ms / SECOND_MS
    verdict = limits.LONGEST_GAP_S.judge(gap_s)
    return Check(
        measure=Measure.LYRIC_GAP,
        verdict=verdict,
        figure=gap_s,
        words="the longest time without a line; an instrumental break, or lines that are missing",
        places=_if_not_good(verdict, [longest]),
    )


def _edges(sung: Stretches, duration_ms: int) -> Check:
    before = Span(begin_ms=0, end_ms=max(sung.spans[0].begin_ms, 0))
    after = Span(begin_ms=min(sung.spans[-1].end_ms, duration_ms), end_ms=duration_ms)
    longest = max(before, after, key=lambda edge: edge.duration_ms)
    edge_s = longest.duration_ms / SECOND_MS
    verdict = limits.MOST_EDGE_S.judge(edge_s)
    where = "before the first line" if longest is before else "after the last line"
    return Check(
        measure=Measure.LYRIC_EDGES,
        verdict=verdict,
        figure=edge_s,
        words=f"of music {where}; where it is long, lines may be missing there",
        places=_if_not_good(verdict, [longest]),
    )


def _overlap(lines: Sequence[Line]) -> Check:
    places: list[Span] = []
    for voice in sorted({voice for line in lines for voice in line.voices}):
        end_ms = None
        for line in sorted((line for line in lines if voice in line.voices), key=lambda line: line.begin_ms):
            if end_ms is not None and min(end_ms, line.end_ms) - line.begin_ms > limits.LEAST_OVERLAP_MS:
                places.append(Span(begin_ms=line.begin_ms, end_ms=min(end_ms, line.end_ms)))
            end_ms = line.end_ms if end_ms is None else max(end_ms, line.end_ms)
    return Check(
        measure=Measure.LYRIC_OVERLAP,
        verdict=limits.OVERLAPS.judge(len(places) / len(lines)),
        figure=len(places),
        words="lines that begin before the one before them, of the same voice, has ended",
        places=tuple(places[:MOST_PLACES]),
    )


def _outside_line(lines: Sequence[Line]) -> Check:
    outside = [span_of(line) for line in lines if _has_words_outside(line)]
    return Check(
        measure=Measure.OUTSIDE_LINE,
        verdict=limits.OUTSIDE_LINE.judge(len(outside) / len(lines)),
        figure=len(outside),
        words="lines with words that are sung before the line begins or after it ends, or out of order",
        places=tuple(outside[:MOST_PLACES]),
    )


def _has_words_outside(line: Line) -> bool:
    words = timed_words([line])
    begins = [word.begin_ms for word in words]
    first_ms, last_ms = line.begin_ms - limits.EDGE_MS, line.end_ms + limits.EDGE_MS
    return begins != sorted(begins) or any(word.begin_ms < first_ms or word.end_ms > last_ms for word in words)


def _fast_words(lines: Sequence[Line]) -> Check:
    """A line without times of words counts as so many words as light up in it."""
    fast: list[Span] = []
    count = fast_count = 0
    for line in lines:
        pieces = [(span_of(word), len(word.syllables)) for word in timed_words([line])]
        for span, syllables in pieces or [(span_of(line), max(len(split_text(line.text)), 1))]:
            words = 1 if pieces else syllables
            count += words
            if span.duration_ms < limits.SHORTEST_SYLLABLE_MS * syllables:
                fast.append(span)
                fast_count += words
    return Check(
        measure=Measure.FAST_WORDS,
        verdict=limits.FAST_WORDS.judge(fast_count / count),
        figure=fast_count,
        words=f"of {count} words: less than {limits.SHORTEST_SYLLABLE_MS} ms for a syllable",
        places=tuple(fast[:MOST_PLACES]),
    )


def _if_not_good(verdict: Verdict, places: list[Span]) -> tuple[Span, ...]:
    return () if verdict is Verdict.GOOD else tuple(places)
