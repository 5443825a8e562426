"""Vendors beside 1 and 2: one of the operator's own, and the demo's third; and keys that are in no file."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.system.conftest import Server, run_yuefu, serving

from yuefu.client import new_nonce, signed_url

OWN_VENDORS = """
[7]
name = "own"
operations = ["QuerySong", "QuerySongsInfo", "DescribeTopSongs"]
qualities = { song = ["normal"] }
charts = { 70001 = "自制榜" }
"""
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
SMALL_APP_ID = 1234567891
VENDOR_UNSUPPORTED, NOT_GRANTED = 320010014, 320010013


def ask(server: Server, app: dict[str, Any], action: str, vendor_id: int, **params: str | list[str]) -> dict[str, Any]:
    """The answer, whatever its code."""
    url = signed_url(
        server.base_url,
        action,
        params,
        app_id=app["app_id"],
        server_secret=app["server_secret"],
        user_id="back-end",
        vendor_id=vendor_id,
        nonce=new_nonce(),
        timestamp_s=int(time.time()),
    )
    answer: dict[str, Any] = httpx2.get(url).json()
    return answer


# A vendor of the operator's own.


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, Any]]]:
    """A server that knows vendor 7, by its settings file, with keys that the environment alone holds; and an app."""
    data = tmp_path_factory.mktemp("own") / "data"
    data.mkdir()
    (data / "own.toml").write_text(OWN_VENDORS, "utf-8")
    (data / "yuefu.toml").write_text('vendors_file = "own.toml"\n', "utf-8")
    made = run_yuefu("app", "create", "own", "--vendor", "7", "--data", data, "--json", env={"YUEFU_KEYS": KEY})
    with serving(data, YUEFU_KEYS=KEY, YUEFU_WORKERS="2", YUEFU_LOG_LEVEL="debug") as server:
        yield server, json.loads(made)


def test_an_own_vendor_answers_what_its_profile_says(own: tuple[Server, dict[str, Any]]) -> None:
    server, app = own
    for vendor_id in (0, 7):
        found = ask(server, app, "QuerySong", vendor_id, Keyword="茉莉花", Page="1")
        assert (found["Code"], found["Data"]["Songs"]) == (0, [])
    charted = ask(server, app, "DescribeTopSongs", 7, TopId="70001", Page="1")
    assert (charted["Code"], charted["Data"]["Songs"]) == (0, [])
    assert ask(server, app, "DescribeTags", 7)["Code"] == VENDOR_UNSUPPORTED
    assert ask(server, app, "QuerySong", 1, Keyword="茉莉花", Page="1")["Code"] == NOT_GRANTED
    described = httpx2.get(f"{server.base_url}/openapi.json").json()
    assert described["paths"]["/v1/actions/QuerySong"]["post"]["x-vendors"] == [0, 1, 2, 4, 7]
    assert described["paths"]["/v1/actions/DescribeTags"]["post"]["x-vendors"] == [0, 1, 2, 4]


def test_a_server_whose_keys_are_in_the_environment_has_them_nowhere_else(own: tuple[Server, dict[str, Any]]) -> None:
    server, app = own
    assert ask(server, app, "QuerySong", 7, Keyword="茉莉花", Page="1")["Code"] == 0
    assert not (server.data / "keys.json").exists()
    for options in ((), ("--json",)):
        assert KEY not in run_yuefu("config", "show", "--data", server.data, *options, env={"YUEFU_KEYS": KEY})


def test_a_server_does_not_start_without_the_keys(own: tuple[Server, dict[str, Any]], tmp_path: Path) -> None:
    keys_file = str(tmp_path / "other.json")
    said = run_yuefu("serve", "--port", "0", "--data", own[0].data, ok=False, env={"YUEFU_KEYS_FILE": keys_file})
    assert "the secrets of apps are sealed with keys that" in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("written", "instead", "problem"),
    [
        ('"QuerySong"', '"QuerySongz"', "7.operations: there is no Action 'QuerySongz'; there are DescribeTags, "),
        ('["normal"]', '["best"]', "7.qualities.song: there is no quality 'best'; there are normal, hq, sq"),
        ("[7]", "[-7]", "['-7']: a table's name must be a vendor's number, from 0 to 999999999"),
        ('name = "own"', 'name = "own"\nttl_ms = 1', "7: there is no key 'ttl_ms'; there are name, operations, "),
    ],
)
def test_a_server_does_not_start_with_a_wrong_profile(tmp_path: Path, written: str, instead: str, problem: str) -> None:
    (tmp_path / "own.toml").write_text(OWN_VENDORS.replace(written, instead, 1), "utf-8")
    said = run_yuefu("serve", "--port", "0", "--data", tmp_path, ok=False, env={"YUEFU_VENDORS_FILE": "own.toml"})
    assert said.startswith("yuefu: vendors_file: ")
    assert problem in said
    assert len(said.strip().splitlines()) == 1


# The demo's third vendor.


@pytest.fixture(scope="module")
def small_app(demo_server: Server) -> dict[str, Any]:
    """The demo's second app, with a secret that is told."""
    rotated: dict[str, Any] = json.loads(
        run_yuefu("app", "rotate-secret", str(SMALL_APP_ID), "--data", demo_server.data, "--json")
    )
    return rotated


def test_the_demo_s_app_is_told_of_its_own_vendors_alone(demo_server: Server, demo: dict[str, Any]) -> None:
    assert {song["vendor_id"] for song in demo["songs"]} == {1, 2}
    assert ask(demo_server, demo, "QuerySong", 4, Keyword="送别", Page="1")["Code"] == NOT_GRANTED


def test_the_second_app_has_vendor_4(demo_server: Server, small_app: dict[str, Any]) -> None:
    (song,) = ask(demo_server, small_app, "QuerySong", 4, Keyword="送别", Page="1")["Data"]["Songs"]
    assert (song["SongName"], song["VendorId"], song["Copyright"]["SongLyric"]) == ("送别", 4, 1)
    assert "PitchAbility" not in song
    assert ask(demo_server, small_app, "DescribeSongLyric", 4, SongId=song["SongId"])["Data"]["Lyric"]
    clip = ask(demo_server, small_app, "DescribeAccompanyClipInfo", 4, SongId=song["SongId"])["Data"]
    assert clip["SegmentEnd"] > clip["SegmentBegin"] > 0
    assert ask(demo_server, small_app, "DescribeTopSongs", 4, TopId="8888", Page="1")["Code"] == VENDOR_UNSUPPORTED
    tagged = ask(demo_server, small_app, "DescribeTagSongs", 4, TagId="2001", Page="1")["Data"]["Songs"]
    assert [row["SongId"] for row in tagged] == [song["SongId"]]
    assert ask(demo_server, small_app, "QuerySong", 2, Keyword="茉莉花", Page="1")["Code"] == NOT_GRANTED


@pytest.mark.parametrize("keep", [1, 4])
def test_a_recording_at_vendors_1_and_4_is_one_row(demo_server: Server, small_app: dict[str, Any], keep: int) -> None:
    found = ask(
        demo_server,
        small_app,
        "QuerySongPlus",
        1,
        Keyword="送别",
        Page="1",
        VendorsId=["1", "4"],
        Items=["5", "5"],
        KeepVendor=str(keep),
    )
    assert [song["VendorId"] for song in found["Data"]["Songs"]] == [keep]
