from pathlib import Path

import pytest
from tests.unit.ingest.conftest import SongMaker

from yuefu.ingest.draft import SongDraft, draft_song
from yuefu.ingest.folder import SongFolder, discover
from yuefu.ingest.refusal import Refused
from yuefu.music.formats import krc


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


WORD_LYRICS = "[1000,900]<0,400,0>故<400,500,0>事\n"


def test_of_several_lyrics_those_with_word_times_are_taken(songs: Path) -> None:
    (songs / "a.mp3").touch()
    (songs / "a.lrc").write_text("[00:01.00]故事\n", "utf-8")
    (songs / "a.krc").write_bytes(krc.encrypt(WORD_LYRICS.encode()))
    song = draft(songs)
    assert [word.text for word in song.lyrics.lines[0].words] == ["故", "事"]
    assert [(finding.file, finding.action) for finding in song.findings] == [("a.lrc", "took 'a.krc'")]


def test_lyrics_that_cannot_be_read_are_left_out_where_others_can(songs: Path) -> None:
    (songs / "a.mp3").touch()
    (songs / "a.krc").write_bytes(b"krc1 of another key")
    with pytest.raises(Refused, match=r"^a\.krc: this cannot be read as KRC"):
        draft(songs)
    (songs / "a.lrc").write_text("[00:01.00]故事\n", "utf-8")
    song = draft(songs)
    assert song.lyrics.lines[0].text == "故事"
    assert [(finding.file, finding.action) for finding in song.findings] == [("a.krc", "left out")]


def test_marks_in_the_words_tell_who_sings(songs: Path) -> None:
    (songs / "a.mp3").touch()
    words = "[00:01.00]小明：故事\n[00:02.00]小红：花\n[00:03.00]合：开\n"
    (songs / "a.lrc").write_text(f"[ar:小明、小红]\n{words}", "utf-8")
    lyrics = draft(songs).lyrics
    assert [line.voices for line in lyrics.lines] == [(1,), (2,), (1, 2)]
    assert lyrics.voice_names == ("小明", "小红")


def test_a_sidecar_shares_the_lines_of_a_song_of_one_voice_out(make_song: SongMaker) -> None:
    folder = make_song("a")
    (folder / "song.toml").write_text("chorus = 2\n", "utf-8")
    assert draft(folder).lyrics.voices == (1, 2)
    (folder / "song.toml").write_text("chorus = 1\n", "utf-8")
    song = draft(folder)
    assert song.lyrics.voices == (1,)
    assert [finding.problem for finding in song.findings] == ["chorus: 1 is no number of singers from 2 to 9"]


def test_an_lrc_without_audio_is_refused(songs: Path) -> None:
    (songs / "a.lrc").write_text("[00:01.00]la\n")
    with pytest.raises(Refused, match=r"^no audio"):
        draft(songs)
