"""A small share of `make accuracy`."""

import pytest
from accuracy.forms import FORMS, form_song
from accuracy.highlights import is_hit, measure_confidence
from accuracy.measure import compare_melody, compare_notes
from accuracy.picture import SONGS
from accuracy.report import PICTURES
from accuracy.suite import Item, heard, items

from yuefu.music.f0 import RATE_HZ, track_pitch
from yuefu.music.highlight import choose
from yuefu.music.subtraction import subtract
from yuefu.music.tempo import find_tempo
from yuefu.music.transcription import HeardNote, transcribe


@pytest.fixture(scope="module")
def item() -> Item:
    return next(items(1))


def test_the_voice_alone_is_heard_right(item: Item) -> None:
    track = track_pitch(heard(item.dry))
    melody = compare_melody(item.f0_hz, track)
    assert melody.pitch_accuracy > 99
    assert melody.recall > 97
    assert melody.false_alarm < 10
    notes = [HeardNote(note.begin_ms, note.end_ms, note.pitch) for note in transcribe(track, item.lyrics).notes]
    assert compare_notes(item.notes, notes).f1 > 0.93


def test_the_voice_is_heard_right_without_its_accompaniment(item: Item) -> None:
    residual = subtract(heard(item.mix), heard(item.backing), RATE_HZ)
    assert abs(residual.offset_s * RATE_HZ) < 0.1
    assert compare_melody(item.f0_hz, track_pitch(residual.voice)).pitch_accuracy > 97


def test_the_tempo_is_right_up_to_a_factor(item: Item) -> None:
    found = find_tempo(heard(item.mix))
    assert found
    assert min(abs(found.bpm * factor / item.score.tempo - 1) for factor in (0.5, 1, 2)) < 0.01


def test_choruses_that_are_louder_are_found() -> None:
    missed = []
    for form in FORMS:
        for seed in range(100, 103):
            song = form_song(form, hard=False, seed=seed)
            choice = choose(
                song.lyrics, duration_ms=song.duration_ms, pitch_line=song.pitch_line, loudness_db=song.loudness_db
            )
            assert choice
            missed += [] if is_hit(song, choice.segments[0].begin_ms) else [(form, seed)]
    assert len(missed) <= 1, missed


def test_what_is_said_to_be_sure_is_right_and_what_is_not_is_not() -> None:
    right = {each.least: each.right for each in measure_confidence(range(200, 204))}
    assert right[0.9] > 0.9
    assert right[0.0] < 0.3


def test_each_picture_of_a_pitch_line_has_one_of_the_highlight_beside_it() -> None:
    pitch, highlight = (
        {file.name.removesuffix(f"-{kind}.svg") for file in PICTURES.glob(f"*-{kind}.svg")}
        for kind in ("pitch", "highlight")
    )
    assert len(pitch) == SONGS
    assert pitch == highlight
