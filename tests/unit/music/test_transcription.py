from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.music.singing import BEGIN_S, PHRASES, PITCHES, band, lyrics, voice

from yuefu.music.f0 import RATE_HZ, track_pitch
from yuefu.music.lyrics import Lyrics
from yuefu.music.transcription import HeardNote, gate_by_level, transcribe, write_notes

NO_LYRICS = Lyrics(lines=())


def test_a_voice_gives_its_notes() -> None:
    singing = transcribe(track_pitch(voice()), lyrics())
    assert [note.pitch for note in singing.notes] == [*PITCHES, *PITCHES]
    begins_ms = [note.begin_s * 1_000 for phrase in PHRASES for note in phrase]
    assert [note.begin_ms for note in singing.notes] == pytest.approx(begins_ms, abs=100)
    assert singing.confidence > 0.9
    assert singing.begin_ms == pytest.approx(BEGIN_S * 1_000, abs=100)


def test_without_lyrics_the_notes_are_found_as_well() -> None:
    found = {note.pitch for note in transcribe(track_pitch(voice()), NO_LYRICS).notes}
    assert found == set(PITCHES)


def test_a_song_that_is_tuned_lower_keeps_its_intervals() -> None:
    low = np.interp(np.arange(0, len(voice()), 2 ** (-0.4 / 12)), np.arange(len(voice())), voice()).astype(np.float32)
    pitches = [note.pitch for note in transcribe(track_pitch(low), NO_LYRICS).notes]
    assert set(pitches) == set(PITCHES)


def test_nothing_is_written_outside_the_lines() -> None:
    first_line = Lyrics(lines=lyrics().lines[:1])
    singing = transcribe(track_pitch(voice()), first_line)
    assert [note.pitch for note in singing.notes] == list(PITCHES)


def test_lyrics_that_lie_elsewhere_are_not_believed() -> None:
    singing = transcribe(track_pitch(voice()), lyrics(begin_s=BEGIN_S + 60))
    assert not singing.is_with_lyrics
    assert len(singing.notes) >= len(PITCHES)


def test_what_bleeds_is_not_taken_for_singing() -> None:
    track = track_pitch(voice() + 0.03 * band())
    gated = gate_by_level(track, range_db=18)
    intro = slice(0, round(BEGIN_S / 0.016) - 10)
    assert gated.voiced[intro].sum() < 0.1 * len(gated.voiced[intro])


@pytest.mark.parametrize("samples", [0, 1, 255, 256, 5_000])
def test_next_to_no_sound_has_no_notes(samples: int) -> None:
    singing = transcribe(track_pitch(np.zeros(samples, np.float32)), NO_LYRICS)
    assert (singing.notes, singing.confidence) == ((), 0.0)


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 500), st.floats(24, 90))))
def test_written_notes_come_in_order_and_never_overlap(heard: list[tuple[float, float, float]]) -> None:
    notes = write_notes([HeardNote(begin, begin + length, pitch) for begin, length, pitch in sorted(heard)])
    assert all(note.duration_ms > 0 for note in notes)
    assert all(before.end_ms <= after.begin_ms for before, after in pairwise(notes))


def test_the_rate_is_that_of_the_model() -> None:
    from swift_f0 import FRAME_PERIOD, SAMPLE_RATE  # noqa: PLC0415 - as the code itself asks for it

    from yuefu.music.f0 import FRAME_MS  # noqa: PLC0415

    assert (SAMPLE_RATE, FRAME_PERIOD * 1_000) == (RATE_HZ, FRAME_MS)
