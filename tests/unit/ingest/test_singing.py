from pathlib import Path

import numpy as np
import pytest
from tests.unit.music.singing import BEGIN_S, PITCHES, band, lyrics, voice

from yuefu.catalogue.song import SongFacts
from yuefu.ingest.draft import SongDraft
from yuefu.ingest.folder import SongFolder
from yuefu.ingest.singing import HeardSinging, hear_singing, needed_sounds
from yuefu.ingest.tracks import Tracks
from yuefu.music.f0 import Mono
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import NO_NOTES, Note, PitchLine, PitchSource

SONG, BACKING, VOCALS = Path("song.flac"), Path("song.instrumental.flac"), Path("song.vocals.flac")
BOTH = Tracks(SONG, BACKING)
ALL = Tracks(SONG, BACKING, VOCALS)


def draft(tracks: Tracks, *, pitch_line: PitchLine = NO_NOTES) -> SongDraft:
    folder = SongFolder(folder=Path("song"), source_key="song", stem="song")
    return SongDraft(
        folder=folder, facts=SongFacts(title="song"), lyrics=lyrics(), pitch_line=pitch_line, tracks=tracks
    )


def listen(
    tracks: Tracks, sounds: dict[Path, Mono], *, words: Lyrics | None = None, pitch_line: PitchLine = NO_NOTES
) -> HeardSinging:
    song = draft(tracks, pitch_line=pitch_line)
    return hear_singing(
        song, {file: sounds[file] for file in needed_sounds(song)}, lyrics() if words is None else words
    )


def problems(heard: HeardSinging) -> str:
    return "; ".join(finding.problem for finding in heard.findings)


def test_the_deliverys_own_notes_are_taken_unheard() -> None:
    written = PitchLine(notes=(Note(begin_ms=0, duration_ms=500, pitch=60),))
    assert needed_sounds(draft(ALL, pitch_line=written)) == ()
    assert listen(ALL, {}, pitch_line=written) == HeardSinging(written, ())


def test_without_notes_the_vocals_are_heard() -> None:
    assert needed_sounds(draft(ALL)) == (VOCALS,)
    heard = listen(ALL, {VOCALS: voice()})
    assert [note.pitch for note in heard.pitch_line.notes] == [*PITCHES, *PITCHES]
    assert heard.pitch_line.source is PitchSource.VOCALS
    assert heard.pitch_line.confidence > 0.9
    assert heard.findings == ()


def test_without_vocals_the_accompaniment_is_taken_out_of_the_original() -> None:
    heard = listen(BOTH, {SONG: voice() + band(), BACKING: 0.7 * band()})
    assert {note.pitch for note in heard.pitch_line.notes} == set(PITCHES)
    assert heard.pitch_line.source is PitchSource.DIFFERENCE
    assert heard.findings == ()


def test_nothing_is_heard_in_the_original_alone() -> None:
    for tracks in (Tracks(SONG), Tracks(backing=BACKING)):
        assert needed_sounds(draft(tracks)) == ()
        assert listen(tracks, {}) == HeardSinging(NO_NOTES, ())


def test_another_accompaniment_gives_no_pitch_line_and_says_why() -> None:
    heard = listen(BOTH, {SONG: voice() + band(), BACKING: band(seed=2)})
    assert heard.pitch_line == NO_NOTES
    assert "the accompaniment cannot be taken out of the original" in problems(heard)
    assert heard.findings[0].file == BACKING.name


def test_an_accompaniment_that_begins_late_is_told_of() -> None:
    late = np.concatenate([np.zeros(1_600, np.float32), band()])
    heard = listen(BOTH, {SONG: voice() + band(), BACKING: late})
    assert problems(heard) == "the accompaniment is 100 ms behind the original"
    assert heard.pitch_line.notes


@pytest.mark.parametrize("sound", [np.zeros(160_000, np.float32), np.zeros(0, np.float32)])
def test_vocals_that_are_silent_give_no_pitch_line(sound: Mono) -> None:
    heard = listen(ALL, {VOCALS: sound})
    assert heard.pitch_line == NO_NOTES
    assert problems(heard) == "nobody sings in it"


def test_lyrics_that_begin_elsewhere_than_the_singing_are_told_of() -> None:
    heard = listen(ALL, {VOCALS: voice()}, words=lyrics(begin_s=BEGIN_S + 3))
    assert f"the singing begins at {BEGIN_S:.1f} s, the lyrics at {BEGIN_S + 3:.1f} s" in problems(heard)
