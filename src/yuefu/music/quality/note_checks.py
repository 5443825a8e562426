"""Whether notes can be hit: on the words, within what can be drawn, one at a time."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import HIGHEST_PITCH, LOWEST_PITCH, Note, PitchLine, PitchSource
from yuefu.music.quality import limits
from yuefu.music.quality.check import MOST_PLACES, Check, Measure
from yuefu.music.quality.lyric_checks import span_of, spans_sung, timed_words
from yuefu.music.quality.stretches import Stretches
from yuefu.units import Span

_MADE_FROM = {
    PitchSource.NOTES: "the delivery's own notes",
    PitchSource.VOCALS: "heard in the vocals",
    PitchSource.SEPARATED_VOCALS: "heard in vocals that a model separated",
    PitchSource.DIFFERENCE: "heard in the original minus its accompaniment",
}


def note_checks(pitch_line: PitchLine, lyrics: Lyrics) -> Iterator[Check]:
    """The checks of a pitch line that has notes."""
    pitched = [note for note in pitch_line.notes if note.kind.is_pitched]
    if pitched and lyrics.lines:
        yield _notes_on_words(pitched, lyrics)
    if timed_words(lyrics.lines):
        yield _words_with_notes(pitch_line.notes, lyrics)
    yield _range(pitched)
    yield _overlap(pitch_line.notes)
    yield _source(pitch_line)


def note_span(note: Note) -> Span:
    return Span(begin_ms=note.begin_ms, end_ms=note.end_ms)


def _notes_on_words(notes: Sequence[Note], lyrics: Lyrics) -> Check:
    words = Stretches(spans_sung(lyrics.lines))
    missing = [span for span in map(note_span, notes) if words.overlap_ms(span) * 2 < span.duration_ms]
    share = round(1 - len(missing) / len(notes), 3)
    return Check(
        measure=Measure.NOTES_ON_WORDS,
        verdict=limits.NOTES_ON_WORDS.judge(share),
        figure=share,
        words=f"of {len(notes)} notes lie by half or more where the lyrics sing",
        places=tuple(missing[:MOST_PLACES]),
    )


def _words_with_notes(notes: Sequence[Note], lyrics: Lyrics) -> Check:
    words = [span_of(word) for word in timed_words(lyrics.lines)]
    sung = Stretches(map(note_span, notes))
    missing = [word for word in words if not sung.overlap_ms(word)]
    share = round(1 - len(missing) / len(words), 3)
    return Check(
        measure=Measure.WORDS_WITH_NOTES,
        verdict=limits.WORDS_WITH_NOTES.judge(share),
        figure=share,
        words=f"of {len(words)} words have a note; for the others nobody is scored",
        places=tuple(missing[:MOST_PLACES]),
    )


def _range(notes: Sequence[Note]) -> Check:
    outside = [note_span(note) for note in notes if not LOWEST_PITCH <= note.pitch <= HIGHEST_PITCH]
    return Check(
        measure=Measure.NOTE_RANGE,
        verdict=limits.NONE_OR_BAD.judge(len(outside)),
        figure=len(outside),
        words=f"clients draw {LOWEST_PITCH} to {HIGHEST_PITCH}; notes beyond are moved to the edge and cannot be hit",
        places=tuple(outside[:MOST_PLACES]),
    )


def _overlap(notes: Sequence[Note]) -> Check:
    places: list[Span] = []
    for _, voice in groupby(sorted(notes, key=lambda note: (note.voice, note.begin_ms)), key=lambda note: note.voice):
        end_ms = None
        for note in voice:
            if end_ms is not None and note.begin_ms < end_ms:
                places.append(Span(begin_ms=note.begin_ms, end_ms=max(min(end_ms, note.end_ms), note.begin_ms)))
            end_ms = note.end_ms if end_ms is None else max(end_ms, note.end_ms)
    return Check(
        measure=Measure.NOTE_OVERLAP,
        verdict=limits.OVERLAPPING_NOTES.judge(len(places) / len(notes)),
        figure=len(places),
        words="notes that begin before the one before them, of the same voice, has ended",
        places=tuple(places[:MOST_PLACES]),
    )


def _source(pitch_line: PitchLine) -> Check:
    return Check(
        measure=Measure.PITCH_LINE,
        verdict=limits.PITCH_CONFIDENCE.judge(pitch_line.confidence),
        figure=pitch_line.confidence,
        words=f"{len(pitch_line.notes)} notes, {_MADE_FROM[pitch_line.source]}",
    )
