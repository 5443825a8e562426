"""Deals on the command line beside a running server: what is recorded is its next answer, and `explain` says why."""

import csv
import io
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.system.calls import login
from tests.system.conftest import YUEFU, DemoSong, Server, run_yuefu

from yuefu.client import SignedClientSync

Told = tuple[int, int]
Deals = Callable[..., Any]


@pytest.fixture
def deals(demo_server: Server) -> Deals:
    """`yuefu deal …` beside the server; what it prints as JSON."""

    def run(*arguments: str | Path) -> Any:
        return json.loads(run_yuefu("deal", *arguments, "--data", demo_server.data, "--json"))

    return run


@pytest.fixture
def song(deals: Deals, demo_song: DemoSong) -> Iterator[str]:
    """One song of the demo, whose first deals are back when the test is over."""
    song_id = demo_song("茉莉花", 1)
    yield song_id
    deals("add", "--song", song_id, "--rights", "both")


@pytest.fixture
def told(demo_server: Server, demo: dict[str, Any], song: str) -> Callable[..., Told]:
    """What the server says of the song: may it be sung, may it be played."""

    def ask(territory: str = "") -> Told:
        with SignedClientSync(
            demo_server.base_url,
            app_id=demo["app_id"],
            server_secret=demo["server_secret"],
            user_id="back-end",
            vendor_id=1,
            territory=territory,
        ) as signed:
            (row,) = signed.query_songs_copyright(songs_id=[song]).copyright
            return row.subright.song_lyric, row.subright.recording

    return ask


def instant(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


def test_the_server_s_next_answer_is_by_the_new_deal(
    demo_server: Server, demo: dict[str, Any], deals: Deals, song: str, told: Callable[..., Told]
) -> None:
    assert told() == (1, 1)
    deals("add", "--song", song, "--rights", "work", "--territory", "jp,EU", "--territory", "HK", "--max-uses", "9")
    assert (told(), told("JP"), told("FR"), told("HK"), told("US")) == ((0, 1), (1, 1), (1, 1), (1, 1), (0, 1))
    deals("add", "--song", song, "--rights", "both", "--except-territory", "CN", "--tier", "B")
    assert (told(), told("US")) == ((0, 0), (1, 1))
    deals("add", "--song", song, "--rights", "both", "--use", "listen", "--use", "sing", "--model", "user_month")
    assert told() == (1, 1)
    with login(demo_server.base_url, demo, "mei", at_s=int(time.time())) as client:
        assert client.call("request_resource", song_id=song, resource_type=1)["code"] == 1017030
    deals("end", "--song", song, "--rights", "recording")
    assert told() == (1, 0)
    deals("end", "--song", song)
    assert told() == (0, 0)


def test_what_was_recorded_is_listed_with_its_history(deals: Deals, song: str) -> None:
    deals("add", "--song", song, "--rights", "work", "--use", "sing", "--tier", "甲")
    deals("end", "--song", song, "--rights", "recording")
    (listed,) = deals("list", "--song", song)
    assert (listed["recording"]["words"], listed["work"]["words"]) == (
        "no deal",
        "for sing, everywhere, tier 甲, channel 0",
    )
    *_, added, ended = deals("history", song)
    assert (added["cause"], added["chains"], added["source"]) == ("deal", ["work"], "yuefu deal add")
    assert (ended["chains"], ended["revision"], ended["work"]) == (["recording"], listed["revision"], listed["work"])
    assert {each["vendor_id"] for each in deals("list", "--vendor", "2")} == {2}


def test_a_table_goes_out_is_mended_and_comes_in(
    deals: Deals, song: str, demo_server: Server, told: Callable[..., Told], tmp_path: Path
) -> None:
    file = tmp_path / "授权.csv"
    deals("export", file, "--vendor", "1")
    again = deals("import", file, "--vendor", "1")
    assert (again["changes"], again["findings"], again["is_written"]) == ([], [], True)
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
    mended = [row | {"rights": "work", "territories": "JP"} for row in rows if row["song_id"] == song]
    with file.open("w", encoding="utf-8", newline="") as target:
        table = csv.DictWriter(target, rows[0])
        table.writeheader()
        table.writerows(mended)
    before = deals("history", song)
    rehearsed = deals("import", file, "--vendor", "1", "--dry-run")
    assert rehearsed["changes"] == [
        {
            "song_id": song,
            "chain": "work",
            "before": "for any use, everywhere, channel 0",
            "after": "for any use, in JP, channel 0",
        }
    ]
    assert (deals("history", song), told()) == (before, (1, 1))
    assert deals("import", file, "--vendor", "1")["changes"] == rehearsed["changes"]
    assert told() == (0, 1)
    assert deals("history", song)[-1]["source"] == "table 授权.csv"
    assert "1 rows read: 0 deals recorded, 1 as they were." in run_yuefu(
        "deal", "import", file, "--vendor", "1", "--data", demo_server.data
    )


def test_a_table_with_a_bad_row_changes_nothing(deals: Deals, song: str, demo_server: Server, tmp_path: Path) -> None:
    file = tmp_path / "deals.csv"
    file.write_text(f"song_id,rights,territories\n{song},work,JP\n100000002,work,ATLANTIS\n", "utf-8")
    before = deals("history", song)
    said = run_yuefu("deal", "import", file, "--vendor", "1", "--data", demo_server.data, ok=False)
    assert "deals.csv:3: territories: 'ATLANTIS' is no territory" in said
    assert "Nothing was imported" in said
    assert deals("history", song) == before
    done = deals("import", file, "--vendor", "1", "--skip-bad")
    assert ([change["song_id"] for change in done["changes"]], len(done["findings"])) == ([song], 1)


def test_a_deal_that_cannot_be_is_refused_in_one_line(demo_server: Server, song: str) -> None:
    for options, problem in {
        ("--territory", "CN", "--except-territory", "JP"): "never both",
        ("--territory", "XX"): "'XX' is no territory",
        ("--from", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"): "ends before it begins",
        ("--until", "2026-01-01T00:00:00"): "has no time zone",
        ("--tier", "A" * 101): "is no name of a tier",
        ("--max-uses", "-1"): "-1 is not in the range",
    }.items():
        said = run_yuefu(
            "deal", "add", "--song", song, "--rights", "both", *options, "--data", demo_server.data, ok=False
        )
        assert problem in " ".join(said.replace("│", " ").split())
        assert "Traceback" not in said


def test_explain_tells_the_server_s_answer_and_what_it_would_have_been(
    deals: Deals, song: str, demo: dict[str, Any], demo_server: Server, told: Callable[..., Told]
) -> None:
    asked = ("explain", song, "--vendor", "1", "--app", str(demo["app_id"]))
    until = instant(days=3)
    deals("add", "--song", song, "--rights", "work", "--use", "sing", "--territory", "CN", "--until", until)
    then = instant()
    time.sleep(0.01)
    deals("end", "--song", song, "--rights", "work")
    for territory in ("CN", "JP"):
        now = deals(*asked, "--territory", territory)
        assert (int(now["sing"]["allowed"]), int(now["play"]["allowed"])) == told(territory) == (0, 1)
    past = deals(*asked, "--use", "sing", "--scene", "0", "--known-at", then)
    assert (past["allowed"], past["territory"], past["is_home_territory"]) == (True, "CN", True)
    assert past["sing"]["terms_words"].startswith("for sing, in CN, until ")
    assert past["sing"]["until"] is not None
    assert past["sing"]["deal"]["revision"] == past["revision"] == now["revision"] - 1
    assert not deals(*asked, "--use", "sing", "--known-at", then, "--at", until)["allowed"]
    assert (
        deals(*asked, "--use", "sing", "--known-at", then, "--territory", "jp")["sing"]["reason"] == "not_for_territory"
    )
    words = run_yuefu("deal", *asked, "--use", "sing", "--known-at", then, "--data", demo_server.data)
    assert "allowed for sing" in words
    assert "territory: CN, the app's home" in words
    assert "by the deal for sing, in CN, until " in words
    assert "by yuefu deal add" in words


def test_explain_names_the_takedown(deals: Deals, song: str, demo: dict[str, Any], demo_server: Server) -> None:
    arguments = (
        "takedown",
        "--song",
        song,
        "--vendor",
        "1",
        "--reason",
        "withdrawn",
        "--data",
        demo_server.data,
        "--json",
    )
    case = json.loads(run_yuefu(*arguments))["case"]
    found = deals("explain", song, "--vendor", "1", "--app", str(demo["app_id"]), "--use", "listen")
    assert (found["allowed"], found["play"]["reason"]) == (False, "taken_down")
    assert found["play"]["takedown"]["case_id"] == case
    assert found["play"]["takedown_revision"]["cause"] == "takedown"
    blocked = json.loads(run_yuefu("song", "blocked", "--vendor", "1", "--data", demo_server.data, "--json"))
    (row,) = [each for each in blocked if each["song_id"] == song]
    assert (row["play"], row["sing"]) == ("taken_down", "taken_down")


def test_what_ends_soon_is_seen(deals: Deals, song: str) -> None:
    deals("add", "--song", song, "--rights", "work", "--until", instant(days=3))
    (found,) = deals("expiring", "--within", "4d")
    assert (found["song_id"], found["chain"]) == (song, "work")
    assert deals("expiring", "--within", "2d") == []
    assert deals("expiring", "--within", "1w", "--vendor", "2") == []


def test_a_stretch_of_time_that_is_none_is_refused(demo_server: Server) -> None:
    for text in ("30", "0d", "-1d", "d", "1y", "99999d", "３d"):
        said = run_yuefu("deal", "expiring", "--within", text, "--data", demo_server.data, ok=False)
        assert "is no stretch of time" in " ".join(said.replace("│", " ").split())


def test_words_for_people_are_there_without_json(demo_server: Server, song: str) -> None:
    for command in (
        ("deal", "list"),
        ("deal", "history", song),
        ("song", "blocked"),
        ("deal", "expiring", "--within", "1d"),
    ):
        assert run_yuefu(*command, "--data", demo_server.data)


def test_a_table_comes_from_standard_input_and_goes_to_standard_output(demo_server: Server, song: str) -> None:
    written = run_yuefu("deal", "export", "-", "--vendor", "1", "--data", demo_server.data)
    done = subprocess.run(
        [YUEFU, "deal", "import", "-", "--vendor", "1", "--data", demo_server.data],
        input=written,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "0 deals recorded" in done.stdout
