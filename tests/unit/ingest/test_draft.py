from pathlib import Path

import pytest
from tests.unit.ingest.conftest import SongMaker

from yuefu.ingest.draft import SongDraft, draft_song
from yuefu.ingest.folder import SongFolder, discover
from yuefu.ingest.refusal import Refused


def draft(folder: Path) -> SongDraft:
    (song,) = discover([folder])
    assert isinstance(song, SongFolder)
    return draft_song(song)


def test_a_song_text_gives_facts_lyrics_and_notes(make_song: SongMaker) -> None:
    song = draft(make_song("a", GENRE="民歌", YEAR="1957"))
    assert (song.facts.title, song.facts.singers, song.facts.language) == ("茉莉花", ("甲", "乙"), "Chinese")
    assert (song.facts.genre, song.facts.genres, song.facts.year) == ("民歌", (19,), 1957)
    assert song.facts.bpm is None, "#BPM is how fast the text counts, not the tempo"
    assert len(song.lyrics.lines) == 6
    assert len(song.pitch_line.notes) == 24


def test_the_sidecar_speaks_over_the_song_text(make_song: SongMaker) -> None:
    folder = make_song("a")
    (folder / "song.toml").write_text('title = "Jasmine"\nalbum = "歌"\nyear = 1800\n', "utf-8")
    facts = draft(folder).facts
    assert (facts.title, facts.album, facts.year, facts.singers) == ("Jasmine", "歌", 1800, ("甲", "乙"))


def test_named_tracks_are_taken(make_song: SongMaker) -> None:
    folder = make_song("a", sounds=("audio.wav", "i.wav", "v.wav"), INSTRUMENTAL="i.wav", VOCALS="v.wav")
    assert draft(folder).tracks.files == (folder / "audio.wav", folder / "i.wav", folder / "v.wav")


def test_the_older_tag_stands_in_where_the_newer_names_nothing(make_song: SongMaker) -> None:
    folder = make_song("a", AUDIO="gone.ogg", MP3="audio.wav")
    song = draft(folder)
    assert song.tracks.original == folder / "audio.wav"
    assert [finding.problem for finding in song.findings] == ["'gone.ogg' is not there"]


def test_tracks_that_are_only_named_by_their_files_are_taken_and_noted(make_song: SongMaker) -> None:
    folder = make_song("a", sounds=("audio.wav", "audio [INSTR].wav"))
    song = draft(folder)
    assert song.tracks.backing == folder / "audio [INSTR].wav"
    assert [finding.problem for finding in song.findings] == ["'audio [INSTR].wav' is not named"]


def test_a_text_that_names_no_audio_takes_that_of_its_own_name(make_song: SongMaker) -> None:
    folder = make_song("a", sounds=("song.wav",), AUDIO="")
    assert draft(folder).tracks.original == folder / "song.wav"


def test_a_file_named_as_everything_is_the_backing(make_song: SongMaker) -> None:
    folder = make_song("a", INSTRUMENTAL="audio.wav", VOCALS="audio.wav")
    song = draft(folder)
    assert song.tracks.files == (folder / "audio.wav",)
    assert song.tracks.backing == folder / "audio.wav"
    assert len(song.findings) == 2


@pytest.mark.parametrize(
    ("sounds", "headers", "reason"),
    [
        ((), {}, "no audio: 'audio.wav' is not there"),
        ((), {"AUDIO": "../a.wav"}, "no audio: '../a.wav' lies outside the song's folder"),
        ((), {"AUDIO": ""}, "no audio: none is named and no audio file has the song's name"),
        (("v.wav",), {"AUDIO": "", "VOCALS": "v.wav"}, "only the vocals are there"),
        (("audio.wav",), {"BPM": ""}, "song.txt: the song has no #BPM"),
    ],
)
def test_a_song_that_cannot_sound_is_refused(
    make_song: SongMaker, sounds: tuple[str, ...], headers: dict[str, str], reason: str
) -> None:
    with pytest.raises(Refused) as refusal:
        draft(make_song("a", sounds=sounds, **headers))
    assert str(refusal.value).startswith(reason)


def test_where_a_game_begins_and_ends_is_noted_only(make_song: SongMaker) -> None:
    song = draft(make_song("a", START="2,5", END="9000"))
    problems = [finding.problem for finding in song.findings]
    assert problems == ["#START at 2.5 s", "#END at 9 s"]


def test_an_lrc_gives_title_and_singer_and_else_the_file_name_does(songs: Path) -> None:
    (songs / "周杰伦 - 晴天.mp3").touch()
    assert (draft(songs).facts.title, draft(songs).facts.singers) == ("晴天", ("周杰伦",))
    (songs / "周杰伦 - 晴天.lrc").write_text("[ti:Sunny Day]\n[ar:Jay]\n[al:叶惠美]\n[00:01.00]故事的小黄花\n", "utf-8")
    song = draft(songs)
    assert (song.facts.title, song.facts.singers, song.facts.album) == ("Sunny Day", ("Jay",), "叶惠美")
    assert [line.text for line in song.lyrics.lines] == ["故事的小黄花"]


def test_an_lrc_without_audio_is_refused(songs: Path) -> None:
    (songs / "a.lrc").write_text("[00:01.00]la\n")
    with pytest.raises(Refused, match=r"^no audio"):
        draft(songs)
