"""What of a song's lyrics and notes belongs to a clip: held, instant by instant, against the rule of the wire."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.client import (
    Clip,
    ClipResult,
    KrcLine,
    KrcLyric,
    LrcLine,
    LrcLyric,
    OtherSegment,
    PitchNote,
    SegmentResult,
    clip_of,
    crop_lyric,
    crop_pitch,
    lookup_ms,
    shown_ms,
)

GRANTED: dict[str, Any] = {
    "is_clip": 1,
    "is_accompany": 0,
    "krc_token": "k",
    "krc_token_ttl": 1,
    "song_id": "7",
    "share_token_ttl": 1,
    "token_ttl": 1,
    "segment_begin": 60_000,
    "segment_end": 100_000,
    "prelude_duration": 5_000,
    "resources_size": 0,
    "resources": [],
}
CLIP = Clip(begin_ms=60_000, sung_from_ms=65_000, end_ms=100_000)


def krc(*lines: tuple[int, int], offset: int = 0) -> KrcLyric:
    return KrcLyric(
        lines=[KrcLine(begin_time=begin, duration=end - begin, content="好", words=[]) for begin, end in lines],
        krc_format_offset=offset,
        ti="茉莉花",
    )


def test_a_clip_is_sung_after_its_lead_in() -> None:
    assert clip_of(ClipResult(**GRANTED)) == CLIP
    assert clip_of(SegmentResult(**GRANTED)) == CLIP


def test_a_short_segment_lies_in_the_file_s_own_time() -> None:
    granted = SegmentResult(**GRANTED, other_segments=[OtherSegment(begin=10_000, end=30_000)])
    assert isinstance(granted.other_segments, list)
    assert clip_of(granted, granted.other_segments[0]) == Clip(begin_ms=60_000, sung_from_ms=70_000, end_ms=90_000)


@pytest.mark.parametrize(
    ("line", "is_kept"),
    [
        ((60_000, 65_000), False),
        ((60_000, 65_001), True),
        ((65_000, 66_000), True),
        ((99_999, 120_000), True),
        ((100_000, 120_000), False),
        ((10_000, 200_000), True),
    ],
)
def test_a_line_stays_if_something_of_it_is_sung(line: tuple[int, int], *, is_kept: bool) -> None:
    assert len(crop_lyric(krc(line), CLIP).lines) == is_kept
    by_line = LrcLyric(lines=[LrcLine(begin_time=line[0], end_time=line[1], content="好")], lrc_format="")
    assert len(crop_lyric(by_line, CLIP).lines) == is_kept


def test_lines_go_by_the_original_s_time_whatever_the_offset() -> None:
    assert crop_lyric(krc((65_000, 66_000), offset=5_000), CLIP) == krc((65_000, 66_000), offset=5_000)
    assert crop_lyric(krc((60_000, 61_000), offset=-5_000), CLIP).lines == []


def test_notes_go_by_the_accompaniment_s_time() -> None:
    notes = [PitchNote(begin_time=begin, duration=1_000, value=60) for begin in (64_000, 64_600, 98_900, 99_500)]
    assert [(note.begin_time, note.duration) for note in crop_pitch(notes, CLIP, krc_format_offset=200)] == [
        (64_800, 200),
        (64_800, 800),
        (98_900, 900),
        (99_500, 300),
    ]


def test_the_whole_song_is_looked_up_as_it_plays() -> None:
    assert lookup_ms(1_234, krc_format_offset=99) == 1_234
    assert lookup_ms(1_234, CLIP, krc_format_offset=99) == 61_135


TIMES = st.integers(0, 400)
CLIPS = st.builds(
    lambda begin, prelude, sung: Clip(begin_ms=begin, sung_from_ms=begin + prelude, end_ms=begin + prelude + sung),
    TIMES,
    st.integers(0, 100),
    st.integers(0, 200),
)
SPANS = st.lists(st.builds(lambda begin, length: (begin, begin + length), TIMES, st.integers(1, 200)), max_size=8)
OFFSETS = st.integers(-150, 150)


def played(clip: Clip) -> range:
    """Every position of the clip's file at which there is singing."""
    return range(clip.sung_from_ms - clip.begin_ms, clip.end_ms - clip.begin_ms)


@given(clip=CLIPS, spans=SPANS, offset=OFFSETS)
def test_exactly_the_lines_stay_that_are_shown_while_the_clip_is_sung(
    clip: Clip, spans: list[tuple[int, int]], offset: int
) -> None:
    lyric = krc(*spans, offset=offset)
    looked_up = {lookup_ms(progress, clip, krc_format_offset=offset) for progress in played(clip)}

    def is_shown(line: KrcLine) -> bool:
        begin_ms = shown_ms(line.begin_time, krc_format_offset=offset)
        return not looked_up.isdisjoint(range(begin_ms, begin_ms + line.duration))

    cropped = crop_lyric(lyric, clip)
    assert cropped.lines == [line for line in lyric.lines if is_shown(line)]
    assert crop_lyric(cropped, clip) == cropped
    assert msgspec.structs.replace(cropped, lines=lyric.lines) == lyric


@given(clip=CLIPS, spans=SPANS, offset=OFFSETS)
def test_at_every_position_of_the_clip_the_same_notes_sound_as_in_the_song(
    clip: Clip, spans: list[tuple[int, int]], offset: int
) -> None:
    notes = [PitchNote(begin_time=begin, duration=end - begin, value=10 + i) for i, (begin, end) in enumerate(spans)]
    cropped = crop_pitch(notes, clip, krc_format_offset=offset)

    def sounding(of: list[PitchNote], at_ms: int) -> list[int]:
        return [note.value for note in of if note.begin_time <= at_ms < note.begin_time + note.duration]

    inside = [lookup_ms(progress, clip, krc_format_offset=offset) for progress in played(clip)]
    for at_ms in inside:
        assert sounding(cropped, at_ms) == sounding(notes, at_ms)
    for note in cropped:
        assert note.duration > 0
        assert {note.begin_time, note.begin_time + note.duration - 1} <= set(inside)
    assert crop_pitch(cropped, clip, krc_format_offset=offset) == cropped
