"""Catalogue facts: what the demo shows of them, and how an operator corrects them while a server runs."""

import csv
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image
from tests.system.conftest import DemoSong, Server, run_yuefu, serving

from yuefu.client import new_nonce, signed_url

Ask = Callable[..., dict[str, Any]]
PICTURES_PX = {"AlbumImg": 1000, "AlbumImgMedium": 500, "AlbumImgSmall": 300, "AlbumImgMini": 100, "SingerImg": 300}


@pytest.fixture(scope="module")
def ask(demo_server: Server, demo: dict[str, Any]) -> Ask:
    """Asks an Action as the demo app's back end does; its data."""
    return asker(demo_server, demo)


@pytest.fixture
def pristine_ask(demo_folder: Path, tmp_path: Path, demo: dict[str, Any]) -> Iterator[Ask]:
    """Asks a demo of its own, which no test has edited."""
    shutil.copytree(demo_folder, tmp_path / "data")
    with serving(tmp_path / "data") as server:
        yield asker(server, demo)


def asker(server: Server, demo: dict[str, Any]) -> Ask:
    def ask(action: str, vendor_id: int = 1, **params: str | list[str]) -> dict[str, Any]:
        url = signed_url(
            server.base_url,
            action,
            params,
            app_id=demo["app_id"],
            server_secret=demo["server_secret"],
            user_id="back-end",
            vendor_id=vendor_id,
            nonce=new_nonce(),
            timestamp_s=int(time.time()),
        )
        answer = httpx2.get(url).json()
        assert answer["Code"] == 0, answer
        data: dict[str, Any] = answer["Data"]
        return data

    return ask


def edit(server: Server, song_id: str, *options: str) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(run_yuefu("song", "edit", song_id, *options, "--data", server.data, "--json"))
    return printed


def show(server: Server, song_id: str) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(run_yuefu("song", "show", song_id, "--data", server.data, "--json"))
    return printed


def export(server: Server, *options: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run_yuefu("song", "export", "-", *options, "--data", server.data))))


def write_table(file: Path, rows: list[dict[str, str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as target:
        table = csv.DictWriter(target, rows[0])
        table.writeheader()
        table.writerows(rows)
    return file


def titles(data: dict[str, Any]) -> list[str]:
    return [song["SongName"] for song in data["Songs"]]


def test_every_demo_song_has_tempo_and_genres(pristine_ask: Ask, demo: dict[str, Any]) -> None:
    ask = pristine_ask
    for song in demo["songs"]:
        if song["vendor_id"] == 1:
            extra = ask("DescribeSongExtra", SongId=song["song_id"])
            assert 40 <= extra["BPM"] <= 200
            assert extra["BPMType"] in {"1", "2", "3"}
            assert extra["Genres"]
            assert all(1 <= genre <= 27 for genre in extra["Genres"])


def test_covers_and_singers_pictures_are_fetched_in_their_sizes(pristine_ask: Ask, demo: dict[str, Any]) -> None:
    ask = pristine_ask
    for vendor_id in (1, 2):
        ids = [song["song_id"] for song in demo["songs"] if song["vendor_id"] == vendor_id]
        rows = ask("QuerySongsInfo", vendor_id, SongsId=ids)["Songs"]
        assert [row["SongId"] for row in rows] == ids
        for field, most_px in PICTURES_PX.items():
            for url in {row[field] for row in rows}:
                answer = httpx2.get(url)
                assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
                with Image.open(io.BytesIO(answer.content)) as picture:
                    assert max(picture.size) == min(most_px, 800)


def test_one_recording_at_both_vendors_is_one_row_of_the_vendor_to_keep(ask: Ask, demo_song: DemoSong) -> None:
    twins = {vendor: demo_song("茉莉花", vendor) for vendor in (1, 2)}
    for keep, song_id in twins.items():
        rows = ask(
            "QuerySongPlus", Keyword="茉莉花", Page="1", VendorsId=["1", "2"], Items=["1", "1"], KeepVendor=str(keep)
        )["Songs"]
        assert [row["SongId"] for row in rows if row["SongName"] == "茉莉花"] == [song_id]
        assert "茉莉花 (钢琴版)" in [row["SongName"] for row in rows]


def test_the_demo_charts_and_tags_are_filled(ask: Ask) -> None:
    assert len(ask("DescribeTopSongs", 1, TopId="8888", Page="1")["Songs"]) == 11
    assert len(ask("DescribeTopSongs", 2, TopId="22004", Page="1")["Songs"]) == 6
    groups = ask("DescribeTags")["Groups"]
    assert len(groups) >= 2
    for vendor_id in (1, 2):
        filled = [
            [tag for tag in group["Tags"] if ask("DescribeTagSongs", vendor_id, TagId=tag["TagId"], Page="1")["Songs"]]
            for group in groups
        ]
        assert all(filled), f"every group has a tag with songs of vendor {vendor_id}"


def test_the_demo_has_an_app_that_is_granted_less(demo_server: Server) -> None:
    apps = json.loads(run_yuefu("app", "list", "--data", demo_server.data, "--json"))
    assert [(app["vendors"], app["scenes"]) for app in apps] == [([1, 2], [1, 2, 3, 4]), ([1, 4], [1])]


def test_a_song_is_shown_with_its_like(demo_server: Server, demo_song: DemoSong) -> None:
    shown = show(demo_server, demo_song("茉莉花", 1))
    assert [(each["vendor_id"], each["title"]) for each in shown["same_recording"]] == [(2, "茉莉花")]
    assert [(each["title"], each["version"]) for each in shown["other_versions"]] == [("茉莉花 (钢琴版)", "remix")]


def test_an_edit_is_in_the_running_server_s_next_answer(ask: Ask, demo_server: Server, demo_song: DemoSong) -> None:
    song_id = demo_song("小星星", 1)
    assert "小星星" in titles(ask("QuerySong", Keyword="小星星", Page="1"))
    edited = edit(
        demo_server, song_id, "--title", "启明星", "--alias", "Morning Star", "--singer", "甲", "--singer", "乙",
        "--bpm", "61", "--genre", "guofeng", "--album", "晨",
    )  # fmt: skip
    assert edited["revision"] == 2
    assert {change["field"] for change in edited["changes"]} == {
        "title", "aliases", "singers", "bpm", "genres", "album",
    }  # fmt: skip
    (row,) = ask("QuerySongsInfo", SongsId=[song_id])["Songs"]
    assert (row["SongName"], row["SingerName"], row["AlbumName"]) == ("启明星", "甲/乙", "晨")
    assert ask("DescribeSongExtra", SongId=song_id) == {"BPM": 61, "BPMType": "1", "Genres": [12]}
    assert titles(ask("QuerySong", Keyword="启明", Page="1")) == ["启明星"]
    assert titles(ask("QuerySong", Keyword="Morning Star", Page="1")) == ["启明星"]
    assert titles(ask("QuerySong", Keyword="小星星", Page="1")) == []
    assert "[ti:启明星]" in ask("DescribeSongLyric", SongId=song_id)["Lyric"]


def test_a_fact_is_cleared_and_then_the_delivery_s_again(demo_server: Server, demo_song: DemoSong) -> None:
    song_id = demo_song("送别", 1)
    before = show(demo_server, song_id)["published"]["facts"]
    edit(demo_server, song_id, "--clear", "album", "--clear", "alias", "--clear", "genre", "--clear", "bpm")
    cleared = show(demo_server, song_id)
    assert [cleared["published"]["facts"][name] for name in ("album", "aliases", "genres", "bpm")] == ["", [], [], None]
    assert cleared["delivered"] == before
    edit(demo_server, song_id, *(word for name in ("album", "alias", "genre", "bpm") for word in ("--restore", name)))
    assert show(demo_server, song_id)["published"]["facts"] == before


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "say what to change"),
        (["--title", " "], "a song needs a title"),
        (["--clear", "title"], "a song needs a title"),
        (["--bpm", "0"], "--bpm: '0' is no number"),
        (["--genre", "Pony"], "'Pony' is no genre"),
        (["--isrc", "QM"], "is no ISRC"),
        (["--iswc", "T-034.524.680-2"], "the check digit is wrong"),
        (["--album", "a\nb"], "no text"),
        (["--album", "a", "--clear", "album"], "--clear album"),
        (["--album", "a", "--restore", "album"], "--restore album"),
    ],
)
def test_a_wrong_edit_changes_nothing_and_says_why(
    demo_server: Server, demo_song: DemoSong, options: list[str], problem: str
) -> None:
    song_id = demo_song("孟姜女", 1)
    assert problem in run_yuefu("song", "edit", song_id, *options, "--data", demo_server.data, ok=False)
    assert show(demo_server, song_id)["revision"] == 1


def test_an_unknown_song_cannot_be_edited(demo_server: Server) -> None:
    said = run_yuefu("song", "edit", "7", "--title", "x", "--data", demo_server.data, ok=False)
    assert said.strip() == "yuefu: there is no song 7"


def test_an_export_imported_again_changes_nothing(demo_server: Server, demo: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "facts.csv"
    run_yuefu("song", "export", file, "--data", demo_server.data)
    assert file.read_bytes().startswith("\ufeffsong_id,vendor_id,title,".encode())
    outcome = json.loads(run_yuefu("song", "import", file, "--data", demo_server.data, "--json"))
    songs = len(demo["songs"]) + 1  # one is vendor 4's, which the demo's app may not use
    assert outcome == {"song_count": songs, "changes": [], "findings": [], "notes": [], "dry_run": False}
    assert {row["vendor_id"] for row in export(demo_server, "--vendor", "2")} == {"2"}


def test_a_table_mended_in_a_spreadsheet_is_taken_in(
    ask: Ask, demo_server: Server, demo_song: DemoSong, tmp_path: Path
) -> None:
    song_id = demo_song("凤阳花鼓", 1)
    rows = [row for row in export(demo_server) if row["song_id"] == song_id]
    rows[0] |= {"title": "凤阳歌", "aliases": r"花鼓|A\|B", "bpm": "", "genres": "民歌|5", "version": "live"}
    file = write_table(tmp_path / "facts.csv", rows)
    file.write_bytes(file.read_text("utf-8").replace(",", ";").encode("gb18030"))
    dry = json.loads(run_yuefu("song", "import", file, "--dry-run", "--data", demo_server.data, "--json"))
    assert [(each["field"], each["after"]) for each in dry["changes"]] == [
        ("title", "凤阳歌"), ("aliases", r"花鼓|A\|B"), ("bpm", ""), ("version", "live"),
    ]  # fmt: skip
    assert show(demo_server, song_id)["revision"] == 1
    done = json.loads(run_yuefu("song", "import", file, "--data", demo_server.data, "--json"))
    assert done["changes"] == dry["changes"]
    facts = show(demo_server, song_id)["published"]["facts"]
    assert (facts["aliases"], facts["genres"], facts["version"]) == (["花鼓", "A|B"], [19, 5], "live")
    assert titles(ask("QuerySong", Keyword="凤阳歌", Page="1")) == ["凤阳歌"]


def test_one_wrong_line_keeps_the_whole_table_out(demo_server: Server, demo_song: DemoSong, tmp_path: Path) -> None:
    song_id, other = demo_song("Auld Lang Syne", 1), demo_song("Amazing Grace", 1)
    rows = [
        {"song_id": song_id, "vendor_id": "1", "title": "Old Long Since", "bpm": "96"},
        {"song_id": other, "vendor_id": "1", "title": "", "bpm": "fast"},
        {"song_id": other, "vendor_id": "1", "title": "twice", "bpm": ""},
        {"song_id": "7", "vendor_id": "1", "title": "nobody's", "bpm": ""},
        {"song_id": demo_song("Jingle Bells", 2), "vendor_id": "1", "title": "x", "bpm": ""},
    ]
    file = write_table(tmp_path / "facts.csv", rows)
    said = run_yuefu("song", "import", file, "--data", demo_server.data, ok=False)
    for line in (
        "facts.csv:3: title: a song needs a title",
        "facts.csv:3: bpm: 'fast' is no number from 1 to 999",
        f"facts.csv:4: song {other} is there twice",
        "facts.csv:5: there is no song '7'",
        f"facts.csv:6: song {rows[4]['song_id']} is vendor 2's",
    ):
        assert line in said
    assert show(demo_server, song_id)["published"]["facts"]["title"] == "Auld Lang Syne"


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "facts.csv: is empty"),
        ("title\nx\n", "there is no column song_id"),
        ("song_id,titel\n7,x\n", "there is no such column as 'titel'"),
        ("song_id,bpm,bpm\n7,1,2\n", "the column 'bpm' is there twice"),
        ("song_id,title\n7,x,y\n", "facts.csv:2: has 3 cells where the head has 2"),
        ('song_id,title\n7,"x\n', "facts.csv:2: is not CSV"),
    ],
)
def test_what_is_no_such_table_is_not_taken_in(demo_server: Server, tmp_path: Path, table: str, problem: str) -> None:
    (tmp_path / "facts.csv").write_text(table, "utf-8")
    assert problem in run_yuefu("song", "import", tmp_path / "facts.csv", "--data", demo_server.data, ok=False)
