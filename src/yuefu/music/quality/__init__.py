"""How good a song is to sing: figures in, verdicts out.

Every verdict has a figure and a limit (`limits`) that it was held against. What cannot be measured, because the song
lacks it, is not judged: that it is missing is a verdict of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yuefu.music.highlight import CLIP, SEGMENT, Choice, Rule
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import NO_NOTES, PitchLine
from yuefu.music.quality import limits
from yuefu.music.quality.check import MOST_PLACES, Check, Limit, Measure, Unit, Verdict, worst
from yuefu.music.quality.lyric_checks import lyric_checks, span_of, spans_sung
from yuefu.music.quality.note_checks import note_checks, note_span
from yuefu.music.quality.sound_checks import SoundLevel, level_checks, waveform_checks
from yuefu.music.waveform import Waveform
from yuefu.units import SECOND_MS, Span

__all__ = ["Check", "Evidence", "Limit", "Measure", "SoundLevel", "Unit", "Verdict", "judge", "worst"]


NO_LYRICS = Lyrics(lines=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that a song is judged by; what it lacks is None or empty.

    `accompaniment_ms` is 0 without an accompaniment. `lost` names the files that are not as they were stored, `lacking`
    what the delivery did not support, and `lacking_badly` that of it without which nobody can sing.
    `tempo_confidence` is 1 for a tempo that the delivery says. `cover_px` are width and height.
    """

    duration_ms: int
    accompaniment_ms: int = 0
    lyrics: Lyrics = NO_LYRICS
    pitch_line: PitchLine = NO_NOTES
    waveform: Waveform | None = None
    original: SoundLevel | None = None
    backing: SoundLevel | None = None
    highlight: Choice | None = None
    bpm: float | None = None
    tempo_confidence: float = 0.0
    cover_px: tuple[int, int] | None = None
    lost: Sequence[str] = ()
    lacking: Sequence[str] = ()
    lacking_badly: Sequence[str] = ()


def judge(song: Evidence) -> tuple[Check, ...]:
    """Every check that the song allows, in the order of `Measure`."""
    order = {measure: place for place, measure in enumerate(Measure)}
    return tuple(sorted(_checks(song), key=lambda check: order[check.measure]))


def _checks(song: Evidence) -> Iterator[Check]:
    yield _files(song)
    yield _parts(song)
    if song.lyrics.lines:
        yield from lyric_checks(song.lyrics, duration_ms=song.duration_ms)
    if song.pitch_line.notes:
        yield from note_checks(song.pitch_line, song.lyrics)
    if song.lyrics.lines or song.pitch_line.notes:
        yield _outside_song(song)
    yield from level_checks(song.original, song.backing)
    if song.waveform is not None and song.waveform.length:
        yield from waveform_checks(song.waveform)
    if song.original and song.backing:
        yield _accompaniment_length(song)
    yield from _highlight_checks(song)
    yield _tempo(song)
    yield _cover(song)


def _files(song: Evidence) -> Check:
    return Check(
        measure=Measure.FILES,
        verdict=limits.NONE_OR_BAD.judge(len(song.lost)),
        figure=len(song.lost),
        words="; ".join(song.lost) or "every file is there and can be read",
    )


def _parts(song: Evidence) -> Check:
    missing = [*song.lacking_badly, *song.lacking]
    verdict = Verdict.BAD if song.lacking_badly else limits.NONE_AT_ALL.judge(len(missing))
    return Check(
        measure=Measure.PARTS, verdict=verdict, figure=len(missing), words=", ".join(missing) or "nothing is missing"
    )


def _outside_song(song: Evidence) -> Check:
    """What is sung before the song, or while no sound is left in its accompaniment."""
    last_ms = min(song.duration_ms, song.accompaniment_ms or song.duration_ms) + limits.EDGE_MS
    sung = [*spans_sung(song.lyrics.lines), *map(note_span, song.pitch_line.notes)]
    outside = [span for span in sung if span.begin_ms < 0 or span.end_ms > last_ms]
    return Check(
        measure=Measure.OUTSIDE_SONG,
        verdict=limits.NONE_OR_BAD.judge(len(outside)),
        figure=len(outside),
        words="words, lines and notes before the song begins or after it, or its accompaniment, has ended",
        places=tuple(outside[:MOST_PLACES]),
    )


def _accompaniment_length(song: Evidence) -> Check:
    longer_s = (song.accompaniment_ms - song.duration_ms) / SECOND_MS
    return Check(
        measure=Measure.ACCOMPANIMENT_LENGTH,
        verdict=limits.ACCOMPANIMENT_LENGTH_S.judge(abs(longer_s)),
        figure=longer_s,
        words="how much longer the accompaniment is than the original; both are thought to begin together",
    )


def _highlight_checks(song: Evidence) -> Iterator[Check]:
    if song.highlight is None:
        yield Check(measure=Measure.HIGHLIGHT, verdict=Verdict.LOOK, figure=None, words="there is none")
        return
    yield _highlight(song.highlight)
    yield _highlight_length(song.highlight, song.lyrics)
    yield _highlight_place(song.highlight, song)


def _highlight(chosen: Choice) -> Check:
    return Check(
        measure=Measure.HIGHLIGHT,
        verdict=limits.HIGHLIGHT_CONFIDENCE.judge(chosen.confidence),
        figure=chosen.confidence,
        words="set by hand" if chosen.rule is Rule.OPERATOR else f"by the rule {chosen.rule.value.replace('_', ' ')}",
    )


def _highlight_length(chosen: Choice, lyrics: Lyrics) -> Check:
    """Shorter than usual is well where it holds all that is sung."""
    clip = chosen.clip
    sung_ms = clip.duration_ms - chosen.prelude_ms
    holds_all = bool(lyrics.lines) and clip.begin_ms <= lyrics.begin_ms and lyrics.end_ms <= clip.end_ms
    is_usual = sung_ms <= CLIP.longest_ms and (holds_all or sung_ms >= limits.SHORTEST_SUNG_MS)
    odd = [part for part in chosen.segments if not SEGMENT.shortest_ms <= part.duration_ms <= SEGMENT.longest_ms]
    is_clip = clip.duration_ms <= limits.LONGEST_CLIP_MS and (holds_all or clip.duration_ms >= limits.SHORTEST_CLIP_MS)
    verdict = Verdict.BAD if not is_clip else Verdict.LOOK if odd or not is_usual else Verdict.GOOD
    usual = f"{limits.SHORTEST_SUNG_MS // SECOND_MS} to {CLIP.longest_ms // SECOND_MS} s"
    short = f"{SEGMENT.shortest_ms // SECOND_MS} to {SEGMENT.longest_ms // SECOND_MS} s"
    return Check(
        measure=Measure.HIGHLIGHT_LENGTH,
        verdict=verdict,
        figure=clip.duration_ms / SECOND_MS,
        words=f"usual are {usual} of singing with a lead-in, and segments of {short}",
        places=() if verdict is Verdict.GOOD else (clip, *odd),
    )


def _highlight_place(chosen: Choice, song: Evidence) -> Check:
    clip = chosen.clip
    last_ms = min(song.duration_ms, song.accompaniment_ms or song.duration_ms)
    edges_ms = {clip.begin_ms + chosen.prelude_ms, clip.end_ms}
    edges_ms |= {edge_ms for part in chosen.segments for edge_ms in (part.begin_ms, part.end_ms)}
    cut = [span_of(line) for line in song.lyrics.lines if any(_cuts(edge_ms, span_of(line)) for edge_ms in edges_ms)]
    if clip.begin_ms < 0 or clip.end_ms > last_ms:
        verdict, words = Verdict.BAD, "it does not lie inside the song and its accompaniment"
    else:
        verdict, words = limits.NONE_AT_ALL.judge(len(cut)), "lines that it cuts through where it begins or ends"
    return Check(
        measure=Measure.HIGHLIGHT_PLACE,
        verdict=verdict,
        figure=len(cut),
        words=words,
        places=tuple(cut[:MOST_PLACES]),
    )


def _cuts(edge_ms: int, line: Span) -> bool:
    return line.begin_ms + limits.EDGE_MS < edge_ms < line.end_ms - limits.EDGE_MS


def _tempo(song: Evidence) -> Check:
    if song.bpm is None:
        return Check(measure=Measure.TEMPO, verdict=Verdict.LOOK, figure=None, words="not known")
    return Check(
        measure=Measure.TEMPO,
        verdict=limits.TEMPO_CONFIDENCE.judge(song.tempo_confidence),
        figure=song.bpm,
        words=f"confidence {song.tempo_confidence:.2f}" if song.tempo_confidence < 1 else "as the delivery says",
    )


def _cover(song: Evidence) -> Check:
    if song.cover_px is None:
        return Check(measure=Measure.COVER, verdict=Verdict.LOOK, figure=None, words="there is none")
    side_px = min(song.cover_px)
    return Check(
        measure=Measure.COVER,
        verdict=limits.COVER_PX.judge(side_px),
        figure=side_px,
        words=f"{song.cover_px[0]} × {song.cover_px[1]} pixels",
    )
