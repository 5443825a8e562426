"""`yuefu lyrics …`, as somebody at a terminal meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from yuefu.music.formats import FORMATS, krc
from yuefu.server.cli import commands

LRC = "[ti:长亭]\n[ar:小明]\n[00:01.00]男：<00:01.00>长<00:01.50>亭<00:02.00>\n[00:03.00]女：外面\n"


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.lrc"
    path.write_text(LRC, "utf-8")
    return path


def run(*words: object) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(commands, ["lyrics", *map(str, words)])


@pytest.mark.parametrize("suffix", [".lrc", ".krc", ".qrc", ".yrc", ".txt", ".ttml", ".ass", ".vtt", ".json"])
def test_a_file_is_converted_by_its_name_and_is_sound_afterwards(song: Path, suffix: str) -> None:
    target = song.with_name(f"converted{suffix}")
    done = run("convert", song, target)
    assert done.exit_code == 0, done.output
    checked = run("check", target)
    assert checked.exit_code == 0, checked.output
    assert "2 lines" in checked.output


def test_what_is_lost_is_said(song: Path) -> None:
    target = song.with_name("out.lrc")
    assert "not in it: the times of words\n" in run("convert", song, target).output
    report = json.loads(run("convert", song, target, "--json").stdout)
    assert report["lost"] == ["the times of words", "who sings which line"]
    assert (report["from"], report["to"], report["lines"]) == ("lrc", "lrc", 2)


@pytest.mark.parametrize("lyric_format", FORMATS, ids=lambda each: each.name)
def test_every_format_can_be_asked_for_and_named(song: Path, lyric_format: object) -> None:
    name = getattr(lyric_format, "name", "")
    target = song.with_name("out.bin")
    assert run("convert", song, target, "--to", name).exit_code == 0
    assert run("check", target, "--from", name).exit_code == 0


def test_standard_output_holds_lyrics_alone(song: Path) -> None:
    done = run("convert", song, "-", "--to", "krc-text", "--traditional", "--pinyin")
    assert done.stdout.startswith("[ti:長亭]")
    assert "<0,250,0>長" not in done.stdout
    assert ">長" in done.stdout
    assert "[language:" in done.stdout
    assert "-: KRC, plain, 2 lines" in done.stderr


def test_two_scripts_at_once_are_the_last_one_named(song: Path) -> None:
    assert "长" in run("convert", song, "-", "--to", "lrc", "--traditional", "--simplified").stdout


def test_a_name_that_tells_no_format_is_refused(song: Path) -> None:
    done = run("convert", song, song.with_name("song.doc"))
    assert done.exit_code == 1
    assert "tells no lyric format" in str(done.exception)


def test_nothing_is_written_where_there_are_no_lyrics(song: Path) -> None:
    song.write_text("just words\n")
    target = song.with_name("out.krc")
    done = run("convert", song, target)
    assert done.exit_code == 1
    assert not target.exists()
    assert "song.lrc:1: a line has no time: left out" in done.output


def test_what_cannot_be_written_is_an_error_of_one_line(song: Path) -> None:
    done = run("convert", song, song / "below" / "out.krc")
    assert done.exit_code == 1
    assert "Could not open file" in done.output


def test_what_is_wrong_is_told_line_by_line(song: Path) -> None:
    song.write_text("[00:01.00]a\nwords\n[offset:soon]\n", "utf-8")
    done = run("check", song)
    assert done.exit_code == 1
    assert "song.lrc:2: a line has no time: left out" in done.output
    assert "soon" in done.output
    assert [finding["line"] for finding in json.loads(run("check", song, "--json").stdout)["findings"]] == [None, 2]


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(song: Path) -> None:
    bad = song.with_name("bad.krc")
    bad.write_bytes(krc.MAGIC + b"nothing packed")
    done = run("check", bad)
    assert done.exit_code == 1
    assert "does not unpack" in str(done.exception)


def test_parts_name_who_sings(song: Path) -> None:
    assert json.loads(run("parts", song, "--json").stdout) == [
        {"start": 1000, "end": 3000, "tags": ["1"]},
        {"start": 3000, "end": 8000, "tags": ["2"]},
    ]
    assert "2 女" in run("parts", song).output


def test_parts_can_be_made_for_as_many_as_sing(song: Path) -> None:
    song.write_text("".join(f"[00:{second:02}.00]la\n" for second in range(1, 13)), "utf-8")
    assert "--singers N shares it out" in run("parts", song).output
    assert [part["tags"] for part in json.loads(run("parts", song, "--singers", 3, "--json").stdout)] == [
        ["1"], ["2"], ["1", "2", "3"],
    ]  # fmt: skip


def test_a_file_without_lyrics_has_no_parts_and_no_singer(song: Path) -> None:
    song.write_text("nothing is sung here", "utf-8")
    told = run("parts", song)
    assert told.exit_code == 1
    assert "no line carries a time" in told.output
    assert "sings it all" not in told.output


def test_formats_are_listed_with_what_they_hold() -> None:
    assert "enhanced-lrc" in run("formats").output
    assert len(json.loads(run("formats", "--json").stdout)) == len(FORMATS)
