import os
import unicodedata
from pathlib import Path

import pytest

from yuefu.ingest.contents import SOUND_SUFFIXES, Contents, natural_order

OUTSIDE = [
    "../secret.ogg",
    "sub/../../secret.ogg",
    "..\\secret.ogg",
    "/etc/passwd",
    "C:\\music\\song.ogg",
    "http://example.org/song.ogg",
    "file:///etc/passwd",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.ogg").write_bytes(b"not yours")
    song = tmp_path / "song"
    (song / "sub").mkdir(parents=True)
    (song / "sub" / "deep.ogg").touch()
    return song.resolve()


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_out_of_the_folder_finds_nothing(folder: Path, name: str) -> None:
    found = Contents.of(folder).find(name, named_by="song.txt")
    assert found.path is None
    assert [(finding.file, finding.action) for finding in found.findings] == [("song.txt", "left out")]
    assert "outside the song's folder" in found.findings[0].problem


def test_a_link_that_leads_out_of_the_folder_finds_nothing(folder: Path) -> None:
    (folder / "audio.ogg").symlink_to(folder.parent / "secret.ogg")
    (folder / "out").symlink_to(folder.parent)
    contents = Contents.of(folder)
    assert contents.files == ()
    assert contents.find("audio.ogg", named_by="song.txt").path is None
    assert contents.find("out/secret.ogg", named_by="song.txt").path is None


def test_a_name_with_another_letter_case_is_found_and_noted(folder: Path) -> None:
    (folder / "audio.ogg").touch()
    found = Contents.of(folder).find("Audio.OGG", named_by="song.txt")
    assert found.path == folder / "audio.ogg"
    assert [finding.problem for finding in found.findings] == ["'Audio.OGG' is written 'audio.ogg' in the folder"]


def test_the_exact_name_wins_over_one_in_another_letter_case(folder: Path) -> None:
    (folder / "AUDIO.ogg").touch()
    (folder / "audio.ogg").touch()
    found = Contents.of(folder).find("audio.ogg", named_by="song.txt")
    assert (found.path, found.findings) == (folder / "audio.ogg", ())


@pytest.mark.parametrize(("on_disk", "in_text"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_accents_may_be_composed_either_way(folder: Path, on_disk: str, in_text: str) -> None:
    name = "Verdächtig, ça va? – 送别.ogg"
    (folder / unicodedata.normalize(on_disk, name)).touch()  # type: ignore[arg-type]
    found = Contents.of(folder).find(unicodedata.normalize(in_text, name), named_by="song.txt")  # type: ignore[arg-type]
    assert found.path is not None
    assert found.findings == ()


def test_a_file_in_a_subfolder_is_found(folder: Path) -> None:
    contents = Contents.of(folder)
    assert contents.find("sub\\deep.ogg", named_by="song.txt").path == folder / "sub" / "deep.ogg"
    assert contents.find("./sub/../sub/deep.ogg", named_by="song.txt").path == folder / "sub" / "deep.ogg"


def test_the_only_file_of_the_same_stem_stands_in_for_a_missing_one(folder: Path) -> None:
    (folder / "audio.ogg").touch()
    (folder / "audio.jpg").touch()
    found = Contents.of(folder).find("audio.mp3", named_by="song.txt", kinds=SOUND_SUFFIXES)
    assert found.path == folder / "audio.ogg"
    assert found.findings[0].action == "took 'audio.ogg'"
    (folder / "audio.flac").touch()
    assert Contents.of(folder).find("audio.mp3", named_by="song.txt", kinds=SOUND_SUFFIXES).path is None


def test_devices_and_folders_are_no_files(folder: Path) -> None:
    os.mkfifo(folder / "audio.ogg")
    (folder / "cover.jpg").mkdir()
    contents = Contents.of(folder)
    assert contents.files == ()
    assert contents.find("audio.ogg", named_by="song.txt").path is None
    assert contents.find("cover.jpg", named_by="song.txt").path is None


def test_numbers_sort_by_value() -> None:
    names = ["Song 10", "song 2", "Song 1", "10", "9", "送别"]
    assert sorted(names, key=natural_order) == ["9", "10", "Song 1", "song 2", "Song 10", "送别"]
