"""Lyrics and pitch lines are the whole song's: what of them belongs to a clip, and where the clip is in them.

Words, `segment_begin` and `segment_end` are on the original recording's timeline. The accompaniment, and with it the
pitch line and what is looked up while it plays, runs `krc_format_offset` ms behind: what the original has at t it has
at t − `krc_format_offset`. All functions here are pure; times are milliseconds (decision G20 of the wire).
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from yuefu.wire.client_api import (
    ClipResult,
    KrcLine,
    KrcLyric,
    LrcLine,
    LrcLyric,
    OtherSegment,
    PitchNote,
    SegmentResult,
)

L = TypeVar("L", KrcLyric, LrcLyric)


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """Where a granted clip lies in the original recording: its file begins at `begin_ms`, and is sung to from
    `sung_from_ms`, after its lead-in, until `end_ms`.
    """

    begin_ms: int
    sung_from_ms: int
    end_ms: int


def clip_of(granted: ClipResult | SegmentResult, segment: OtherSegment | None = None) -> Clip:
    """The clip that was granted; with `segment`, only that short segment of its file is sung."""
    begin_ms = granted.segment_begin
    if segment is None:
        return Clip(begin_ms=begin_ms, sung_from_ms=begin_ms + granted.prelude_duration, end_ms=granted.segment_end)
    return Clip(begin_ms=begin_ms, sung_from_ms=begin_ms + segment.begin, end_ms=begin_ms + segment.end)


def crop_lyric(lyric: L, clip: Clip) -> L:
    """The lyric with only those lines of which something is sung in the clip. Times stay as they are."""
    lines = [line for line in lyric.lines if max(line.begin_time, clip.sung_from_ms) < min(_end_ms(line), clip.end_ms)]
    return msgspec.structs.replace(lyric, lines=lines)


def crop_pitch(notes: Iterable[PitchNote], clip: Clip, *, krc_format_offset: int = 0) -> list[PitchNote]:
    """The notes that are hit in the clip, the first and the last cut where its singing begins and ends.

    Their times stay as they are. `krc_format_offset` is that of the song's word lyrics.
    """
    from_ms, until_ms = clip.sung_from_ms - krc_format_offset, clip.end_ms - krc_format_offset
    cropped = (_crop_note(note, from_ms, until_ms) for note in notes)
    return [note for note in cropped if note.duration > 0]


def lookup_ms(progress_ms: int, clip: Clip | None = None, *, krc_format_offset: int = 0) -> int:
    """The time to look up among notes, and lines by `shown_ms`, while a file is at `progress_ms`.

    `clip` is what the file plays; None says the whole song.
    """
    return progress_ms if clip is None else progress_ms + clip.begin_ms - krc_format_offset


def shown_ms(begin_time: int, *, krc_format_offset: int) -> int:
    """When a line that begins at `begin_time` is shown, on the timeline of `lookup_ms`."""
    return begin_time - krc_format_offset


def _end_ms(line: KrcLine | LrcLine) -> int:
    return line.end_time if isinstance(line, LrcLine) else line.begin_time + line.duration


def _crop_note(note: PitchNote, from_ms: int, until_ms: int) -> PitchNote:
    """The note's stretch between two times; one without length, or less, when it has none there."""
    begin_ms = max(note.begin_time, from_ms)
    end_ms = min(note.begin_time + note.duration, until_ms)
    return msgspec.structs.replace(note, begin_time=begin_ms, duration=end_ms - begin_ms)
