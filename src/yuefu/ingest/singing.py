"""The pitch line of a song that came without notes: heard from its voice, where that can be had alone.

From the vocals, delivered or separated, or else from what is left of the original without its accompaniment. Never
from the original as it is: no tracker hears the singer through a band.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from yuefu.ingest.draft import SongDraft
from yuefu.ingest.tracks import Tracks
from yuefu.music.f0 import RATE_HZ, Mono, track_pitch
from yuefu.music.findings import Finding
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import NO_NOTES, PitchLine, PitchSource
from yuefu.music.subtraction import LEAST_DROP_DB, NotThatBacking, measure_drop_db, subtract
from yuefu.music.transcription import Singing, sung_spans, transcribe
from yuefu.units import SECOND_MS

LEAST_CONFIDENCE = 0.5
"""A pitch line that is less sure than this is not published: singers would be scored by chance."""

SURE_DROP_DB = 20.0
"""An accompaniment of which so much could be taken out leaves the voice as good as alone."""

FARTHEST_BACKING_MS = 20
FARTHEST_LYRICS_MS = 2_000


@dataclass(frozen=True, slots=True)
class HeardSinging:
    """What was heard of the singer."""

    pitch_line: PitchLine
    findings: tuple[Finding, ...]


NOTHING_HEARD = HeardSinging(NO_NOTES, ())


def needed_sounds(draft: SongDraft) -> tuple[Path, ...]:
    """The files by whose sound `hear_singing` tells what is sung."""
    tracks = draft.tracks
    if draft.pitch_line.notes:
        return ()
    if tracks.vocals and tracks.original and _is_made(tracks.vocals, draft):
        return (tracks.original, tracks.vocals)
    if tracks.vocals:
        return (tracks.vocals,)
    return (tracks.original, tracks.backing) if tracks.original and tracks.backing else ()


def hear_singing(draft: SongDraft, sounds: Mapping[Path, Mono], lyrics: Lyrics) -> HeardSinging:
    """The delivery's own notes, or else those that are heard in the `needed_sounds`.

    Where these give none the pitch line is without notes, and a finding says why.
    """
    tracks = draft.tracks
    if draft.pitch_line.notes or not sounds:
        return HeardSinging(draft.pitch_line, ())
    if tracks.vocals and tracks.original and _is_made(tracks.vocals, draft):
        return _hear_separated(sounds[tracks.original], sounds[tracks.vocals], lyrics)
    if tracks.vocals:
        return _judge(transcribe(track_pitch(sounds[tracks.vocals]), lyrics), PitchSource.VOCALS, lyrics, 1.0)
    return _hear_difference(tracks, sounds, lyrics)


def _is_made(vocals: Path, draft: SongDraft) -> bool:
    return draft.separation is not None and vocals in draft.separation.made


def _hear_separated(original: Mono, vocals: Mono, lyrics: Lyrics) -> HeardSinging:
    """Vocals that a model made are believed as far as it took the music out."""
    length = min(len(original), len(vocals))
    drop_db = measure_drop_db(original[:length], vocals[:length])
    if drop_db < LEAST_DROP_DB:
        problem = f"the separated vocals still have the music in them: only {max(drop_db, 0):.0f} dB of it are gone"
        return replace(NOTHING_HEARD, findings=(Finding(problem=problem, action="no pitch line made"),))
    singing = transcribe(track_pitch(vocals), lyrics, bleeds=True)
    return _judge(singing, PitchSource.SEPARATED_VOCALS, lyrics, min(1.0, drop_db / SURE_DROP_DB))


def _hear_difference(tracks: Tracks, sounds: Mapping[Path, Mono], lyrics: Lyrics) -> HeardSinging:
    if not (tracks.original and tracks.backing):
        return NOTHING_HEARD
    try:
        residual = subtract(sounds[tracks.original], sounds[tracks.backing], RATE_HZ)
    except NotThatBacking as why:
        finding = Finding(
            file=tracks.backing.name,
            problem=f"the accompaniment cannot be taken out of the original to hear the voice: {why}",
            action="no pitch line made",
        )
        return replace(NOTHING_HEARD, findings=(finding,))
    singing = transcribe(track_pitch(residual.voice), lyrics, bleeds=True)
    heard = _judge(singing, PitchSource.DIFFERENCE, lyrics, min(1.0, residual.drop_db / SURE_DROP_DB))
    return replace(heard, findings=(*_displaced(tracks.backing, residual.offset_s), *heard.findings))


def _judge(singing: Singing, source: PitchSource, lyrics: Lyrics, trust: float) -> HeardSinging:
    """The pitch line, if it can be believed, and what about it the song's owner should hear of."""
    confidence = round(singing.confidence * trust, 2)
    if confidence < LEAST_CONFIDENCE:
        problem = f"the singing cannot be made out (confidence {confidence})" if singing.notes else "nobody sings in it"
        return replace(NOTHING_HEARD, findings=(Finding(problem=problem, action="no pitch line made"),))
    pitch_line = PitchLine(notes=singing.notes, source=source, confidence=confidence)
    return HeardSinging(pitch_line, tuple(_disagreements(singing, lyrics)))


def _disagreements(singing: Singing, lyrics: Lyrics) -> Iterator[Finding]:
    """Where the singing and the times of the lyrics do not go together."""
    if not singing.is_with_lyrics:
        problem = "most of the singing lies outside the lines of the lyrics"
        yield Finding(problem=problem, action="notes taken as they are sung, lyrics as they are written")
    first_line_ms = min((span.begin_ms for span in sung_spans(lyrics)), default=None)
    if first_line_ms is not None and abs(singing.begin_ms - first_line_ms) > FARTHEST_LYRICS_MS:
        times = f"at {singing.begin_ms / SECOND_MS:.1f} s, the lyrics at {first_line_ms / SECOND_MS:.1f} s"
        yield Finding(problem=f"the singing begins {times}", action="the prelude ends where the lyrics begin")


def _displaced(backing: Path, offset_s: float) -> tuple[Finding, ...]:
    offset_ms = abs(offset_s) * SECOND_MS
    if offset_ms <= FARTHEST_BACKING_MS:
        return ()
    order = "ahead of" if offset_s > 0 else "behind"
    problem = f"the accompaniment is {offset_ms:.0f} ms {order} the original"
    return (Finding(file=backing.name, problem=problem, action="taken as it is"),)
