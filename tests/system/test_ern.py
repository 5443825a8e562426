"""`yuefu ern`, as an operator runs it."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from tests.system.conftest import run_yuefu
from tests.unit.ingest.ern.messages import Made, Terms, Track

CREATED = "2024-03-01T12:00:00+08:00"
KARAOKE = Terms(uses=("UseAsKaraoke",), models=("PayAsYouGoModel",), territories=("CN",))


@pytest.fixture
def data(demo_folder: Path, tmp_path: Path) -> Path:
    """A demo of its own."""
    data = tmp_path / "data"
    shutil.copytree(demo_folder, data)
    return data


def song_of(data: Path) -> dict[str, str]:
    """A song of vendor 1 beside the key it was delivered under."""
    table = run_yuefu("deal", "export", "-", "--vendor", "1", "--data", data)
    row: dict[str, str] = next(csv.DictReader(io.StringIO(table)))
    return row


def test_a_message_is_rehearsed_and_then_taken_in(data: Path, tmp_path: Path) -> None:
    song = song_of(data)
    file = tmp_path / "release.xml"
    file.write_bytes(Made(created=CREATED, tracks=(Track(isrc="", key=song["source_key"]),), deals=(KARAOKE,)).bytes())
    command = ("ern", "import", file, "--vendor", "1", "--rights", "both", "--data", data)

    rehearsed = json.loads(run_yuefu(*command, "--dry-run", "--json"))
    (report,) = rehearsed["files"]
    assert rehearsed["dry_run"]
    assert {change["song_id"] for change in report["changes"]} == {song["song_id"]}
    assert [change["chain"] for change in report["changes"]] == ["recording", "work"]
    assert song_of(data) == song

    printed = run_yuefu(*command)
    assert "1 file: 1 read. 2 deals recorded." in printed
    assert song_of(data)["uses"] == "sing|clip|live_room"
    assert "ERN M1" in run_yuefu("deal", "history", song["song_id"], "--data", data)
    again = json.loads(run_yuefu(*command, "--json"))
    assert [file["fate"] for file in again["files"]] == ["known"]


def test_a_refused_file_ends_the_command_with_1_and_keeps_out_no_other(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "messages"
    folder.mkdir()
    song = song_of(data)
    (folder / "good.xml").write_bytes(Made(created=CREATED, tracks=(Track(isrc="", key=song["source_key"]),)).bytes())
    (folder / "bad.xml").write_bytes(b"<!DOCTYPE x><x/>")
    with (folder / "large.xml").open("wb") as large:
        large.truncate(100_000_000)
    printed = run_yuefu("ern", "import", folder, "--vendor", "1", "--data", data, "--json", ok=False)
    fates = {
        file["file"]: (file["fate"], file["reason"]) for file in json.loads(printed[: printed.rindex("}") + 1])["files"]
    }
    assert fates["good.xml"][0] == "read"
    assert "document type" in fates["bad.xml"][1]
    assert fates["large.xml"] == ("refused", "it is larger than 64 MiB")


def test_a_message_in_local_time_needs_the_operators_word(tmp_path: Path) -> None:
    file = tmp_path / "local.xml"
    file.write_bytes(Made(created="2024-03-01T12:00:00").bytes())
    command = ("ern", "import", file, "--vendor", "1", "--data", tmp_path / "data")
    assert "--time-zone" in run_yuefu(*command, ok=False)
    assert "1 read" in run_yuefu(*command, "--time-zone", "Asia/Shanghai")
    assert "is no time zone" in run_yuefu(*command, "--time-zone", "Nowhere/At_all", ok=False)


def test_a_vendor_that_is_not_there_is_said(tmp_path: Path) -> None:
    file = tmp_path / "release.xml"
    file.write_bytes(Made().bytes())
    assert "no vendor 77" in run_yuefu("ern", "import", file, "--vendor", "77", "--data", tmp_path / "data", ok=False)


def test_the_report_is_a_section_that_others_leave_alone(tmp_path: Path) -> None:
    messages, songs = tmp_path / "messages", tmp_path / "songs"
    messages.mkdir()
    songs.mkdir()
    (messages / "a|b.xml").write_bytes(Made(created=CREATED).bytes())
    page = tmp_path / "report.md"
    page.write_text("# Import report\n\nsongs\n\n## Other\n\nkept\n", "utf-8")
    command = ("ern", "import", messages, "--vendor", "1", "--dry-run", "--data", tmp_path / "data", "--report", page)
    run_yuefu(*command)
    once = page.read_text("utf-8")
    run_yuefu(*command)
    assert page.read_text("utf-8") == once
    assert once.startswith("# Import report\n\nsongs\n\n## Other\n\nkept\n\n## Rights messages\n\n1 file: 1 read.\n")
    assert "| a/b.xml | 4.3 | read | NewReleaseMessage: 1 recording, 2 releases, 1 deal |" in once
    run_yuefu("import", songs, "--vendor", "1", "--data", tmp_path / "data", "--report", page, ok=False)
    assert page.read_text("utf-8").startswith("# Import report\n\n1 songs: 1 refused.\n")
    assert page.read_text("utf-8").endswith(once[once.index("## Other") :])


def test_messages_are_held_against_the_operators_schemas(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "release-notification.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://ddex.net/xml/ern/43">'
        '<xs:element name="NewReleaseMessage" type="xs:anyType"/></xs:schema>'
    )
    good, bad = tmp_path / "good.xml", tmp_path / "bad.xml"
    good.write_bytes(Made().bytes())
    bad.write_bytes(b"<x/>")
    assert "good.xml: valid" in run_yuefu("ern", "validate", good, "--schemas", schemas)
    printed = run_yuefu("ern", "validate", good, bad, "--schemas", schemas, ok=False)
    assert "bad.xml: not valid" in printed


def test_every_published_message_is_read_or_refused_with_its_reason(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "rights"
    command = ("ern", "import", folder, "--vendor", "1", "--dry-run", "--json", "--data", tmp_path / "data")
    printed = run_yuefu(*command, ok=False)
    files = json.loads(printed[: printed.rindex("\n}") + 2])["files"]
    assert {file["file"] for file in files} == {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    }
    assert all(file["reason"] for file in files if file["fate"] == "refused")
    read = {file["file"] for file in files if file["fate"] == "read"}
    assert "sshaw-ddex/fixtures/ern/42/4 SimpleAudioSingle.xml" in read
    assert "dmp/dataimport.csv" not in read
