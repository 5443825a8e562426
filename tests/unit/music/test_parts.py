"""Who sings what: parts told from the lines of several voices."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.parts import SungPart, sung_parts


def line(begin_ms: int, end_ms: int, *voices: int) -> Line:
    return Line(begin_ms=begin_ms, end_ms=end_ms, text="好花", voices=voices)


def lyrics_of(*lines: Line) -> Lyrics:
    return Lyrics(lines=tuple(sorted(lines, key=lambda each: each.begin_ms)))


def parts_of(*lines: Line) -> list[tuple[int, int, str]]:
    """Begin, end and singers, which are written one after the other."""
    return [(part.begin_ms, part.end_ms, "".join(part.singers)) for part in sung_parts(lyrics_of(*lines))]


def test_a_voice_that_joins_for_a_moment_is_named_for_that_moment() -> None:
    assert parts_of(line(0, 10_000, 1), line(2_000, 3_000, 2)) == [
        (0, 2_000, "1"),
        (2_000, 3_000, "12"),
        (3_000, 10_000, "1"),
    ]


def test_voices_in_turn_are_parts_that_meet() -> None:
    assert parts_of(line(100, 900, 1), line(1_000, 1_900, 2), line(2_000, 3_000, 1, 2)) == [
        (100, 1_000, "1"),
        (1_000, 2_000, "2"),
        (2_000, 3_000, "12"),
    ]


def test_lines_of_one_singer_are_one_part() -> None:
    assert parts_of(line(0, 900, 1), line(1_000, 1_900, 1), line(1_500, 2_500, 1), line(3_000, 4_000, 2)) == [
        (0, 3_000, "1"),
        (3_000, 4_000, "2"),
    ]


def test_two_lines_at_once_are_one_part_of_both() -> None:
    assert parts_of(line(0, 900, 2), line(0, 900, 1)) == [(0, 900, "12")]


def test_a_line_handed_over_at_its_end_overlaps_with_nothing() -> None:
    assert parts_of(line(0, 900, 1), line(900, 1_800, 2)) == [(0, 900, "1"), (900, 1_800, "2")]


def test_a_line_without_length_makes_no_part() -> None:
    assert parts_of(line(0, 900, 1), line(400, 400, 2), line(2_000, 2_000, 2)) == [(0, 900, "1")]
    assert parts_of(line(0, 0, 1), line(400, 400, 2)) == []


def test_a_song_of_one_voice_has_no_parts() -> None:
    assert parts_of(line(0, 900, 1), line(1_000, 1_900, 1)) == []
    assert parts_of() == []


VOICES = st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True)
LINES = st.lists(
    st.builds(
        lambda begin, length, voices: line(begin, begin + length, *voices),
        st.integers(0, 40),
        st.integers(0, 20),
        VOICES,
    ),
    max_size=12,
)


def sounding(lines: list[Line], at_ms: int) -> tuple[str, ...]:
    return tuple(
        sorted({str(voice) for each in lines if each.begin_ms <= at_ms < each.end_ms for voice in each.voices})
    )


def part_at(parts: tuple[SungPart, ...], at_ms: int) -> SungPart | None:
    return next((part for part in parts if part.begin_ms <= at_ms < part.end_ms), None)


@given(LINES)
def test_whoever_sounds_at_an_instant_is_named_and_nobody_else(lines: list[Line]) -> None:
    parts = sung_parts(lyrics_of(*lines))
    if len({voice for each in lines for voice in each.voices}) < 2:
        assert parts == ()
        return
    for at_ms in range(61):
        heard, part = sounding(lines, at_ms), part_at(parts, at_ms)
        if heard:
            assert part is not None
            assert part.singers == heard


@given(LINES)
def test_parts_are_in_order_meet_and_differ_from_their_neighbours(lines: list[Line]) -> None:
    parts = sung_parts(lyrics_of(*lines))
    assert all(part.begin_ms < part.end_ms for part in parts)
    assert all(part.singers for part in parts)
    for before, after in pairwise(parts):
        assert before.end_ms == after.begin_ms
        assert before.singers != after.singers


@given(LINES)
def test_parts_begin_with_the_first_sound_and_end_with_the_last(lines: list[Line]) -> None:
    parts = sung_parts(lyrics_of(*lines))
    heard = [each for each in lines if each.end_ms > each.begin_ms]
    if parts:
        assert parts[0].begin_ms == min(each.begin_ms for each in heard)
        assert parts[-1].end_ms == max(each.end_ms for each in heard)


@given(LINES)
def test_a_silence_belongs_to_the_part_before_it(lines: list[Line]) -> None:
    parts = sung_parts(lyrics_of(*lines))
    for at_ms in range(1, 61):
        if not sounding(lines, at_ms) and (part := part_at(parts, at_ms)):
            assert part_at(parts, at_ms - 1) == part
