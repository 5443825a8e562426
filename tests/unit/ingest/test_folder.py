import os
import unicodedata
from pathlib import Path

import pytest
from tests.unit.ingest.conftest import SongMaker, song_text

from yuefu.ingest.draft import draft_song
from yuefu.ingest.folder import Rejection, SongFolder, discover


def keys(*paths: Path) -> list[str]:
    return [song.source_key for song in discover(paths) if isinstance(song, SongFolder)]


def rejections(*paths: Path) -> list[tuple[str, str]]:
    return [(song.source_key, song.reason) for song in discover(paths) if isinstance(song, Rejection)]


def add_text(folder: Path, name: str = "song.txt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(song_text(), "utf-8")
    return folder


def test_a_song_is_known_by_its_path_under_what_is_imported(songs: Path) -> None:
    for name in ("流行/茉莉花", "Jonathan's, Flickr", "a/b/Song 10", "a/b/Song 2"):
        add_text(songs / name)
    assert keys(songs) == ["a/b/Song 2", "a/b/Song 10", "Jonathan's, Flickr", "流行/茉莉花"]


def test_importing_one_folder_gives_the_key_that_importing_its_parent_gives(songs: Path) -> None:
    folder = add_text(songs / "茉莉花")
    assert keys(songs) == keys(folder) == keys(folder / "song.txt") == ["茉莉花"]


def test_texts_that_share_a_folder_are_told_apart_by_their_names(songs: Path) -> None:
    add_text(songs / "album", "2.txt")
    add_text(songs / "album", "10.txt")
    (songs / "album" / "license.txt").write_text("All rights reserved. Do what you want.")
    assert keys(songs) == ["album/2", "album/10"]
    assert keys(songs / "album" / "10.txt") == ["album/10"]


def test_the_key_does_not_depend_on_how_the_file_system_composes_accents(songs: Path) -> None:
    add_text(songs / unicodedata.normalize("NFD", "Verdächtig"))
    assert keys(songs) == [unicodedata.normalize("NFC", "Verdächtig")]


def test_a_path_that_is_no_text_still_makes_a_key_that_is(songs: Path) -> None:
    add_text(Path(os.fsdecode(os.fsencode(songs) + b"/Verd\xe4chtig")))
    assert keys(songs) == ["Verd\ufffdchtig"]


def test_a_link_back_ends_the_walk(songs: Path) -> None:
    folder = add_text(songs / "a")
    (folder / "loop").symlink_to(songs)
    (songs / "again").symlink_to(folder)
    assert keys(songs, folder) == ["a"]


def test_the_sidecar_gives_key_and_facts(songs: Path) -> None:
    folder = add_text(songs / "a")
    (folder / "song.toml").write_text('id = 17\nsingers = ["甲", "乙"]\nmood = "sad"\n', "utf-8")
    (song,) = discover([songs])
    assert isinstance(song, SongFolder)
    assert song.source_key == "17"
    assert song.sidecar.said["singers"] == ("甲", "乙")
    assert [finding.problem for finding in song.findings] == ["unknown key 'mood'"]


def test_songs_that_share_a_folder_have_sidecars_of_their_own_names(songs: Path) -> None:
    add_text(songs / "a", "1.txt")
    add_text(songs / "a", "2.txt")
    (songs / "a" / "2.toml").write_text('id = "two"\n')
    (songs / "a" / "song.toml").write_text('id = "whose?"\n')
    assert keys(songs) == ["a/1", "two"]


@pytest.mark.parametrize(
    ("sidecar", "reason"),
    [("id = ", "Invalid value"), ("year = 'old'", "Expected `int | null`"), ("id = ' '", "the id is empty")],
)
def test_a_sidecar_that_cannot_be_read_rejects_its_song(songs: Path, sidecar: str, reason: str) -> None:
    (add_text(songs / "a") / "song.toml").write_text(sidecar)
    ((key, told),) = rejections(songs)
    assert key == "a"
    assert told.startswith("song.toml: ")
    assert reason in told


def test_of_two_songs_with_one_key_the_second_is_rejected(songs: Path) -> None:
    for name in ("a", "b"):
        (add_text(songs / name) / "song.toml").write_text('id = "same"\n')
    assert keys(songs) == ["same"]
    assert rejections(songs) == [("same", f"its key 'same' is that of {songs / 'a'}")]


def test_audio_is_a_song_with_its_lrc_or_without(songs: Path) -> None:
    mix, lyrics, backing = "周杰伦 - 晴天.mp3", "周杰伦 - 晴天.lrc", "周杰伦 - 晴天（伴奏）.flac"
    for name in (mix, lyrics, backing, "b.m4a", "b.vocals.m4a", "clip.mp4"):
        (songs / name).touch()
    first, second = discover([songs])
    assert isinstance(first, SongFolder)
    assert isinstance(second, SongFolder)
    assert (first.stem, second.stem) == ("b", "周杰伦 - 晴天")
    assert (first.lyric_files, first.tracks.vocals) == ((), songs / "b.vocals.m4a")
    assert second.lyric_files == (songs / lyrics,)
    assert second.tracks.files == (songs / mix, songs / backing)


def test_of_two_files_of_one_sound_the_lossless_one_is_taken_and_the_other_named(songs: Path) -> None:
    for name in ("a.avi", "a.mp3", "a.wav", "a.lrc", "a.inst.m4a", "a.karaoke.flac"):
        (songs / name).touch()
    (song,) = discover([songs])
    assert isinstance(song, SongFolder)
    assert song.tracks.files == (songs / "a.wav", songs / "a.karaoke.flac")
    told = {finding.file: finding.action for finding in draft_song(song).findings if "same sound" in finding.problem}
    assert told.keys() == {"a.avi", "a.mp3", "a.inst.m4a"}
    assert set(told.values()) == {"left out; took a.wav/a.karaoke.flac"}


def test_sound_under_copy_protection_is_found_and_not_passed_over(songs: Path) -> None:
    (songs / "a.m4p").touch()
    assert keys(songs) == [songs.name]


def test_only_lyrics_of_karaoke_are_missing_their_audio(songs: Path) -> None:
    for name in ("a.krc", "b.vtt", "c.ass", "d.ttml"):
        (songs / name).touch()
    (song,) = discover([songs])
    assert isinstance(song, SongFolder)
    assert (song.stem, song.tracks.files) == ("a", ())


def test_json_beside_audio_is_lyrics_only_where_it_holds_some(songs: Path) -> None:
    (songs / "a.mp3").touch()
    (songs / "a.json").write_text('{"title": "a"}')
    (songs / "b.mp3").touch()
    (songs / "b.json").write_text('{"lines": [{"begin_time": 0, "content": "la", "end_time": 9}]}')
    first, second = discover([songs])
    assert isinstance(first, SongFolder)
    assert isinstance(second, SongFolder)
    assert (first.lyric_files, second.lyric_files) == ((), (songs / "b.json",))


@pytest.mark.parametrize(
    "companion",
    ["X.instrumental.mp3", "X.Accompaniment.ogg", "X [INSTR].mp3", "X（伴奏）.mp3", "X(伴奏).flac", "X_伴奏.m4a"],
)
def test_a_backing_is_known_by_its_name(songs: Path, companion: str) -> None:
    (songs / "X.mp3").touch()
    (songs / companion).touch()
    (song,) = discover([songs])
    assert isinstance(song, SongFolder)
    assert song.tracks.backing == songs / companion


def test_audio_beside_a_song_text_is_no_song_of_its_own(make_song: SongMaker, songs: Path) -> None:
    folder = make_song("a")
    (folder / "leftover.ogg").touch()
    assert keys(songs) == ["a"]


def test_an_lrc_pair_beside_a_song_text_is_a_song_unless_the_text_names_it(make_song: SongMaker, songs: Path) -> None:
    folder = make_song("a")
    for name in ("audio.lrc", "other.mp3", "other.lrc"):
        (folder / name).touch()
    assert keys(songs) == ["a/song", "a/other"]


def test_an_empty_text_is_rejected_where_no_other_song_is(songs: Path) -> None:
    (songs / "a").mkdir()
    (songs / "a" / "empty.txt").write_text(" \n")
    (songs / "a" / "no_headers.txt").write_text(": 0 4 12 la\nE\n")
    add_text(songs / "b")
    (songs / "b" / "notes.txt").touch()
    assert keys(songs) == ["a", "b"]
    assert rejections(songs) == [("a/empty", "empty.txt is empty")]


def test_paths_without_a_song_say_so(songs: Path) -> None:
    (songs / "license.txt").write_text("Do what you want.")
    assert rejections(songs) == [("", f"no song found in {songs}")]
    assert rejections(songs / "gone") == [("", f"no song found in {songs / 'gone'}")]


def test_hidden_files_and_folders_are_left_aside(songs: Path) -> None:
    for name in (".trash", "__MACOSX", "a"):
        add_text(songs / name)
    (songs / "a" / "._song.txt").write_text(song_text(), "utf-8")
    assert keys(songs) == ["a"]
