"""Importing real folders with the real command, and what callers then get."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
import wave
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest
from tests.system import fields
from tests.system.calls import decode, login, track_count
from tests.system.conftest import YUEFU, run_yuefu, serving
from tests.unit.ingest.conftest import RATE_HZ, make_sound, write_wav
from tests.unit.ingest.onnx_model import gain, write_model

APP_ID = 4242
SONG, ACCOMPANIMENT, SEGMENT = 0, 1, 3


def create_app(data: Path, *vendors: int) -> dict[str, Any]:
    options = [option for vendor in vendors for option in ("--vendor", str(vendor))]
    created: dict[str, Any] = json.loads(
        run_yuefu("app", "create", "tests", "--id", str(APP_ID), *options, "--data", data, "--json")
    )
    return created


def songs(data: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(run_yuefu("song", "list", "--data", data, "--json"))
    return listed


def write_song(folder: Path, score: Path) -> list[dict[str, Any]]:
    """An UltraStar folder of a rendered score: its mix, accompaniment and melody, its notes and words."""
    folder.mkdir()
    for source, name in (("mix.mp3", "mix.mp3"), ("accompaniment.ogg", "backing.ogg"), ("melody.ogg", "melody.ogg")):
        shutil.copy(score / source, folder / name)
    notes: list[dict[str, Any]] = json.loads((score / "notes.json").read_text("utf-8"))["notes"]
    lines = [
        "#VERSION:1.0.0", "#TITLE:A rendered score", "#ARTIST:Nobody", "#BPM:15000", "#GAP:0",
        "#AUDIO:mix.mp3", "#INSTRUMENTAL:backing.ogg", "#VOCALS:melody.ogg",
    ]  # fmt: skip
    previous_end = 0
    for note in notes:  # at 15,000 BPM a beat is a millisecond
        begin, length = round(note["start"]), round(note["duration"])
        if previous_end and begin - previous_end > 400:
            lines.append(f"- {previous_end}")
        lyric = note["lyric"][0] if note["lyric"] else {"text": "~", "syllabic": "middle"}
        blank = " " if lyric["syllabic"] in {"single", "end"} else ""
        lines.append(f": {begin} {length} {note['midi'] - 60} {lyric['text'].strip()}{blank}")
        previous_end = begin + length
    (folder / "song.txt").write_text("\n".join([*lines, "E", ""]), encoding="utf-8")
    return notes


@pytest.mark.parametrize("vendor_id", [1, 2])
def test_a_rendered_score_is_imported_and_sung(shared_data: Path, tmp_path: Path, vendor_id: int) -> None:
    data = tmp_path / "data"
    notes = write_song(tmp_path / "score", shared_data / "scores" / "rendered" / "prayer_of_a_tired_child")
    report = json.loads(
        run_yuefu(
            "import", tmp_path / "score", "--vendor", str(vendor_id), "--rights", "both", "--data", data, "--json"
        )
    )
    assert [song["outcome"] for song in report["songs"]] == ["new"]
    app = create_app(data, vendor_id)
    song_id = songs(data)[0]["song_id"]
    with serving(data) as server, login(server.base_url, app, "singer", at_s=int(time.time())) as client:
        whole = client.granted(song_id=song_id, vendor_id=vendor_id, resource_type=ACCOMPANIMENT)
        fields.check(whole, fields.ACCOMPANIMENT)
        segment = client.granted(song_id=song_id, vendor_id=vendor_id, resource_type=SEGMENT)
        fields.check(segment, fields.SEGMENT_IN_CLIP if vendor_id == 1 else fields.SEGMENT)
        file = client.media(segment["resources"][0]["resource_id"]).content
        dual = client.media(whole["resources"][0]["resource_id"]).content
        lyric = client.call("get_krc_lyric_by_token", krc_token=segment["krc_token"])

    samples, rate_hz = decode(file)
    length_ms = segment["segment_end"] - segment["segment_begin"]
    assert len(samples) / rate_hz * 1000 == pytest.approx(length_ms, abs=50)

    assert (whole["has_original"], track_count(dual)) == (1, 2)
    backing, _ = decode(dual, 0)
    original, _ = decode(dual, 1)
    shared = min(len(backing), len(original))
    assert np.corrcoef(backing[:shared], original[:shared])[0, 1] < 0.9, "the two tracks carry the same sound"
    assert np.corrcoef(samples, _stretch(backing, segment, rate_hz, len(samples)))[0, 1] > 0.98

    words = [(line["begin_time"] + word["offset"], word["word"]) for line in lyric["lines"] for word in line["words"]]
    assert all(0 <= at_ms <= whole["duration"] for at_ms, _ in words)
    first = next(note for note in notes if note["lyric"])
    assert words[0][0] == pytest.approx(first["start"], abs=2)
    assert words[0][1].startswith(first["lyric"][0]["text"].strip())


def _stretch(backing: Any, segment: dict[str, Any], rate_hz: int, length: int) -> Any:
    begin = round(segment["segment_begin"] * rate_hz / 1000)
    return backing[begin : begin + length]


def test_a_song_without_a_backing_may_be_listened_to_only(shared_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder = shared_data / "ultrastar" / "cc-free" / "Joshua Morin - On the run"
    run_yuefu("import", folder, "--vendor", "1", "--rights", "both", "--data", data)
    app = create_app(data, 1)
    song = songs(data)[0]
    assert song["states"] == ["needs_accompaniment"]
    with serving(data) as server, login(server.base_url, app, "listener", at_s=int(time.time())) as client:
        heard = client.granted(song_id=song["song_id"], vendor_id=1, resource_type=SONG)
        fields.check(heard, fields.SONG)
        audio, rate_hz = decode(client.media(heard["resources"][0]["resource_id"]).content)
        assert len(audio) / rate_hz * 1000 == pytest.approx(heard["duration"], abs=50)
        for resource_type in (ACCOMPANIMENT, SEGMENT):
            answer = client.call("request_resource", song_id=song["song_id"], vendor_id=1, resource_type=resource_type)
            assert answer["code"] == 1017033


def test_an_accompaniment_is_made_by_the_operators_model_and_sung_to(tmp_path: Path) -> None:
    """The singer is on the left and the band on the right, so a model that gives the left side separates them."""
    folder, data, model = tmp_path / "in" / "送别", tmp_path / "data", tmp_path / "left.onnx"
    folder.mkdir(parents=True)
    sides = make_sound(13, 1)[0], make_sound(13, 2)[1]
    write_wav(folder / "送别.wav", np.stack(sides))
    (folder / "送别.lrc").write_text("[00:01.00]长亭外\n[00:04.00]古道边\n[00:10.00]\n", "utf-8")
    sha256 = write_model(model, gain(1, 0))
    settings = {"YUEFU_SEPARATION_MODEL": str(model), "YUEFU_SEPARATION_SHA256": sha256, "COLUMNS": "300"}
    command = ("import", tmp_path / "in", "--vendor", "1", "--rights", "both", "--data", data)

    assert "must be set for songs to be separated" in run_yuefu(*command, "--separate", ok=False)
    wrong = run_yuefu(*command, env=settings | {"YUEFU_SEPARATION_SHA256": "ab" * 32}, ok=False)
    assert f"its SHA-256 is {sha256}" in wrong
    assert "Traceback" not in wrong
    assert songs(data) == []

    assert "needs accompaniment" in run_yuefu(*command, "--no-separate", env=settings)
    assert "separated from the original" in run_yuefu(*command, env=settings)
    assert "1 unchanged" in run_yuefu(*command, env=settings)
    (song,) = songs(data)
    assert "needs_accompaniment" not in song["states"]
    assert song["separated_by"] == sha256
    assert "accompaniment separated" in run_yuefu("song", "list", "--data", data, env=settings)
    assert (
        json.loads(run_yuefu("song", "show", song["song_id"], "--data", data, "--json"))["published"]["separated_by"]
        == sha256
    )
    shown = run_yuefu("song", "show", song["song_id"], "--data", data, env=settings)
    assert f"separated from the original by model {sha256}" in shown

    app = create_app(data, 1)
    with serving(data) as server, login(server.base_url, app, "singer", at_s=int(time.time())) as client:
        granted = client.granted(song_id=song["song_id"], vendor_id=1, resource_type=ACCOMPANIMENT)
        dual = client.media(granted["resources"][0]["resource_id"]).content
    backing, original = (decode(dual, track)[0] for track in (0, 1))
    middle = slice(RATE_HZ, 12 * RATE_HZ)
    singer, band = (side[middle] for side in sides)
    assert np.corrcoef(original[middle], singer)[0, 1] > 0.6
    assert abs(np.corrcoef(backing[middle], singer)[0, 1]) < 0.05
    assert np.corrcoef(backing[middle], band)[0, 1] > 0.95


def test_a_song_nobody_has_a_deal_for_says_what_to_do_next(demo_folder: Path, tmp_path: Path) -> None:
    folder = _small_song(tmp_path / "in", "one")
    data = tmp_path / "data"
    said = run_yuefu("import", folder, "--vendor", "1", "--data", data)
    assert "nobody may use yet" in said
    report = json.loads(run_yuefu("import", folder, "--vendor", "1", "--data", data, "--json"))
    assert report["unusable"] == ["100000001"]
    program, *command = shlex.split(report["next"])
    assert program == "yuefu"
    assert report["next"] in " ".join(said.split())
    run_yuefu(*command)
    assert [(song["may_play"], song["may_sing"]) for song in songs(data)] == [(True, True)]
    assert "nobody" not in run_yuefu("import", folder, "--vendor", "1", "--data", data)


def test_a_song_that_was_taken_down_gets_no_deal_by_default_and_the_import_says_so(tmp_path: Path) -> None:
    folder, data = _small_song(tmp_path / "in", "one"), tmp_path / "data"
    command = ("import", folder, "--vendor", "1", "--rights", "both", "--data", data)
    run_yuefu("import", folder, "--vendor", "1", "--rights", "recording", "--data", data)
    run_yuefu("takedown", "--song", "100000001", "--reason", "信函", "--data", data)
    said = run_yuefu(*command)
    assert "1 taken down, and so given no deal, which would lift that: 100000001." in " ".join(said.split())
    assert "deal add" not in said
    report = json.loads(run_yuefu(*command, "--json"))
    assert (report["taken_down"], report["unusable"], report["next"]) == (["100000001"], [], None)
    assert [(song["may_play"], song["may_sing"]) for song in songs(data)] == [(False, False)]
    audit = json.loads(run_yuefu("audit", "list", "--subject", "song 100000001", "--data", data, "--json"))
    assert [entry["action"] for entry in audit] == ["deal.record", "takedown.lay"]


def test_importing_again_changes_nothing_until_something_changed(tmp_path: Path) -> None:
    folder, data = _small_song(tmp_path / "in", "one"), tmp_path / "data"

    def outcome() -> tuple[str, int | None]:
        report = json.loads(run_yuefu("import", folder, "--vendor", "1", "--data", data, "--json"))
        song = report["songs"][0]
        return song["outcome"], song["revision"]

    assert outcome() == ("new", 1)
    before = songs(data)
    assert outcome() == ("unchanged", None)
    assert songs(data) == before
    lyrics = folder / "one.lrc"
    lyrics.write_text(lyrics.read_text("utf-8").replace("春", "夏"), "utf-8")
    assert outcome() == ("changed", 2)
    assert [song["song_id"] for song in songs(data)] == [song["song_id"] for song in before]
    run_yuefu("song", "remove", before[0]["song_id"], "--data", data)
    assert songs(data) == []
    assert outcome() == ("changed", 3)
    assert [song["song_id"] for song in songs(data)] == [song["song_id"] for song in before]


def test_one_bad_folder_does_not_stop_the_others(tmp_path: Path) -> None:
    source = tmp_path / "in"
    _small_song(source, "good")
    (source / "bad").mkdir()
    (source / "bad" / "song.txt").write_text("#TITLE:x\n#ARTIST:y\n#BPM:300\n#MP3:none.mp3\n: 0 5 0 la\nE\n")
    data = tmp_path / "data"
    printed = run_yuefu("import", source, "--vendor", "1", "--data", data, "--json", ok=False)
    report = json.loads(printed[: printed.rindex("}") + 1])
    assert {song["source_key"]: song["outcome"] for song in report["songs"]} == {"bad": "refused", "good": "new"}
    assert [song["title"] for song in songs(data)] == ["good"]


def test_a_dry_run_stores_nothing(tmp_path: Path) -> None:
    folder, data = _small_song(tmp_path / "in", "one"), tmp_path / "data"
    report = json.loads(run_yuefu("import", folder, "--vendor", "1", "--dry-run", "--data", data, "--json"))
    assert [song["outcome"] for song in report["songs"]] == ["new"]
    assert songs(data) == []
    assert not (data / "blobs").exists()


@pytest.mark.parametrize("delay_s", [0.6, 1.2, 2.0])
def test_an_import_killed_at_any_moment_leaves_only_whole_songs(tmp_path: Path, delay_s: float) -> None:
    source, data = tmp_path / "in", tmp_path / "data"
    for number in range(8):
        _small_song(source, f"song {number}", seconds=20)
    running = subprocess.Popen(
        [YUEFU, "import", source, "--vendor", "1", "--rights", "both", "--data", data],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(delay_s)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    for song in songs(data):
        shown = json.loads(run_yuefu("song", "show", song["song_id"], "--data", data, "--json"))
        kinds = {part["kind"] for part in shown["published"]["parts"]}
        assert {"original", "accompaniment", "lyrics"} <= kinds
        for part in shown["published"]["parts"]:
            blob = data / "blobs" / part["blob"]["sha256"][:2] / part["blob"]["sha256"]
            assert blob.stat().st_size == part["blob"]["size_bytes"]
        assert (song["may_play"], song["may_sing"]) == (True, True), "a song and its deals come together"
    run_yuefu("import", source, "--vendor", "1", "--rights", "both", "--data", data)
    assert len(songs(data)) == 8
    assert not list((data / "work").glob("run-*")), "what the killed import left is swept by the next"
    with apsw.Connection(str(data / "yuefu.sqlite3")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _small_song(parent: Path, name: str, seconds: int = 6) -> Path:
    """A folder of two short sounds and three lines of lyrics."""
    folder = parent / name
    folder.mkdir(parents=True)
    _write_wav(folder / f"{name}.wav", seconds, hertz=440.0)
    _write_wav(folder / f"{name}.instrumental.wav", seconds, hertz=220.0)
    (folder / f"{name}.lrc").write_text("[00:01.00]春天来了\n[00:03.00]花儿开了\n[00:04.50]\n", "utf-8")
    return folder


def _write_wav(path: Path, seconds: int, *, hertz: float) -> None:
    rate_hz = 44_100
    wave_form = 0.3 * np.sin(2 * np.pi * hertz * np.arange(seconds * rate_hz) / rate_hz)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((wave_form * 32_767).astype("<i2").tobytes())
