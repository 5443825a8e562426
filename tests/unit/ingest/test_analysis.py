import msgspec
from hypothesis import given
from hypothesis import strategies as st

from yuefu.ingest.analysis import fit_lyrics, fit_pitch_line
from yuefu.music.lyrics import Line, Lyrics, Syllable, Word, line_of_words
from yuefu.music.notes import Note, PitchLine


def word(text: str, begin_ms: int, duration_ms: int = 400) -> Word:
    return Word(syllables=(Syllable(begin_ms=begin_ms, duration_ms=duration_ms, text=text),))


LYRICS = Lyrics(
    lines=(
        line_of_words([word("好", 0), word("一", 500), word("朵", 1_000)]),
        line_of_words([word("美 ", 2_000), word("丽 ", 2_500)]),
        Line(begin_ms=4_000, end_ms=6_000, text="茉莉花"),
    )
)


def test_lyrics_inside_the_audio_stay_as_they_are() -> None:
    assert fit_lyrics(LYRICS, 6_000) == (LYRICS, ())


def test_a_line_that_outlasts_the_audio_ends_with_it() -> None:
    fitted, findings = fit_lyrics(LYRICS, 5_000)
    assert fitted.lines[-1] == Line(begin_ms=4_000, end_ms=5_000, text="茉莉花")
    assert [(finding.problem, finding.action) for finding in findings] == [
        ("the lines end 1.0 s after the audio", "the last line shortened")
    ]


def test_words_after_the_end_are_left_out_of_their_line() -> None:
    fitted, findings = fit_lyrics(LYRICS, 2_300)
    assert [line.text for line in fitted.lines] == ["好一朵", "美"]
    assert fitted.lines[-1].end_ms == fitted.lines[-1].words[-1].end_ms == 2_300
    assert findings[0].action == "1 of 3 lines left out"


def test_words_that_are_left_out_leave_no_reading_behind() -> None:
    read = msgspec.structs.replace(LYRICS.lines[1], pronunciation=("měi", "lì"))
    (line,) = fit_lyrics(Lyrics(lines=(read,)), 2_300)[0].lines
    assert line.pronunciation == ("měi",)


@given(st.integers(0, 7_000))
def test_nothing_is_sung_after_the_audio(duration_ms: int) -> None:
    fitted, _ = fit_lyrics(LYRICS, duration_ms)
    for line in fitted.lines:
        assert line.text
        assert line.begin_ms < line.end_ms <= duration_ms
        assert all(word.end_ms <= duration_ms for word in line.words)
    notes = tuple(Note(begin_ms=at, duration_ms=400, pitch=60) for at in range(0, 6_000, 500))
    pitch_line, _ = fit_pitch_line(PitchLine(notes=notes), duration_ms)
    assert len(pitch_line.notes) == min(12, -(-duration_ms // 500))
    assert all(note.duration_ms > 0 and note.end_ms <= duration_ms for note in pitch_line.notes)
