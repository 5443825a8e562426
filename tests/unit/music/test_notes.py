"""One line to hit, of all the voices' notes."""

from hypothesis import given
from hypothesis import strategies as st

from yuefu.music.notes import SHORTEST_PIECE_MS, Note, NoteKind, PitchLine, merge_voices


def note(begin_ms: int, end_ms: int, pitch: int = 60, voice: int = 1, kind: NoteKind = NoteKind.NORMAL) -> Note:
    return Note(begin_ms=begin_ms, duration_ms=end_ms - begin_ms, pitch=pitch, voice=voice, kind=kind)


def merged(*notes: Note) -> list[tuple[int, int, int]]:
    line = PitchLine(notes=tuple(sorted(notes, key=lambda each: each.begin_ms)))
    return [(each.begin_ms, each.end_ms, each.pitch) for each in merge_voices(line)]


def test_the_notes_of_one_voice_are_the_line() -> None:
    assert merged(note(0, 500, 60), note(500, 900, 62)) == [(0, 500, 60), (500, 900, 62)]


def test_what_has_no_pitch_is_not_in_it_and_takes_nobody_s_place() -> None:
    free = [note(0, 500, kind=kind) for kind in (NoteKind.FREESTYLE, NoteKind.RAP, NoteKind.RAP_GOLDEN)]
    assert merged(*free) == []
    assert merged(*free, note(0, 500, 67, 2, NoteKind.GOLDEN)) == [(0, 500, 67)]


def test_voices_in_turn_are_all_in_it() -> None:
    assert merged(note(0, 400, 60, 1), note(400, 800, 55, 2), note(900, 999, 60, 1)) == [
        (0, 400, 60),
        (400, 800, 55),
        (900, 999, 60),
    ]


def test_together_the_first_voice_is_followed() -> None:
    assert merged(note(0, 400, 64, 2), note(0, 400, 60, 1)) == [(0, 400, 60)]
    assert merged(note(0, 900, 64, 2), note(300, 600, 60, 1)) == [(0, 300, 64), (300, 600, 60), (600, 900, 64)]


def test_a_rest_too_short_to_hit_anything_in_stays_one() -> None:
    line = merged(note(0, 500, 60, 1), note(500 + SHORTEST_PIECE_MS - 1, 900, 60, 1), note(0, 900, 64, 2))
    assert [pitch for _, _, pitch in line] == [60, 60]
    assert (500, 530, 64) in merged(note(0, 500, 60, 1), note(500, 530, 64, 2)), "as short as it was written"


NOTES = st.builds(
    lambda begin, length, pitch, voice, kind: note(begin, begin + length, pitch, voice, kind),
    st.integers(0, 3_000),
    st.integers(0, 700),
    st.integers(0, 127),
    st.integers(1, 4),
    st.sampled_from(NoteKind),
)


@given(st.lists(NOTES, max_size=40))
def test_one_note_at_a_time_and_each_a_piece_of_a_written_one(notes: list[Note]) -> None:
    line = merge_voices(PitchLine(notes=tuple(notes)))
    end_ms = 0
    for hit in line:
        assert hit.begin_ms >= end_ms
        assert hit.duration_ms > 0
        end_ms = hit.end_ms
        assert any(
            each.kind is hit.kind
            and (each.pitch, each.voice) == (hit.pitch, hit.voice)
            and each.begin_ms <= hit.begin_ms
            and hit.end_ms <= each.end_ms
            for each in notes
        )


@given(st.lists(NOTES, max_size=40))
def test_nothing_is_left_out_for_long_while_no_voice_before_it_sings(notes: list[Note]) -> None:
    """Instant by instant: where anybody has a pitch, so has the line, but for pieces too short to hit."""
    pitched = [each for each in notes if each.kind.is_pitched]
    line = merge_voices(PitchLine(notes=tuple(notes)))
    missing = sorted(
        {at for each in pitched for at in range(each.begin_ms, each.end_ms)}
        - {at for hit in line for at in range(hit.begin_ms, hit.end_ms)}
    )
    edges = {edge for each in pitched for edge in (each.begin_ms, each.end_ms)}
    run = 0
    for before, at in zip([-2, *missing], missing, strict=False):
        run = run + 1 if at == before + 1 and at not in edges else 1
        assert run < SHORTEST_PIECE_MS


@given(st.lists(NOTES, max_size=40))
def test_the_first_voice_is_whole(notes: list[Note]) -> None:
    first = [each for each in notes if each.kind.is_pitched and each.voice == 1]
    alone = merge_voices(PitchLine(notes=tuple(first)))
    assert [hit for hit in merge_voices(PitchLine(notes=tuple(notes))) if hit.voice == 1] == list(alone)
