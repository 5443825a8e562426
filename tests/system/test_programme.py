"""`yuefu chart` and `yuefu tag` from end to end: the commands, a server that runs meanwhile, the CSV files."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.system.conftest import run_yuefu, serving

from yuefu.access.session import NewSession, hash_token
from yuefu.catalogue.song import PublishedSong
from yuefu.client import new_nonce, signed_url
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.rights.grant import NewGrant
from yuefu.server.settings import Settings
from yuefu.server.wiring import open_installation
from yuefu.units import DAY_MS, HOUR_MS

COUNTING_LIMIT_S = 15


@pytest.fixture
def installed(tmp_path: Path, song_maker: Callable[..., PublishedSong]) -> tuple[Path, dict[str, Any], list[str]]:
    """A data folder with three songs that may be sung, and an app. The second was asked for three times yesterday."""
    data = tmp_path / "data"
    app = json.loads(run_yuefu("app", "create", "测试", "--vendor", "1", "--data", data, "--json"))
    now_ms = time.time_ns() // 1_000_000

    def job(transaction: Any) -> list[SongId]:
        songs = [transaction.publish(song_maker(title), at_ms=now_ms).song_id for title in ("茉莉花", "送别", "康定")]
        for song_id in songs:
            sheet = TermSheet(terms=(Terms(),))
            transaction.record_deal(Deal(song_id=song_id, chains=(Chain.WORK,), sheet=sheet), at_ms=now_ms)
        return songs

    with open_installation(Settings(data=str(data))) as installation:
        songs = installation.centre.work.run(job)
        for _ in range(3):
            grant(installation.centre, AppId(app["app_id"]), songs[1], at_ms=now_ms - DAY_MS - HOUR_MS)
    return data, app, [str(song_id) for song_id in songs]


def grant(centre: Any, app_id: AppId, song_id: SongId, *, at_ms: int) -> None:
    token_hash = hash_token(new_nonce())
    opened = NewSession(
        token_hash=token_hash,
        app_id=app_id,
        user_id=UserId("茉莉"),
        user_name="茉莉",
        rooms=None,
        joined_rooms=(),
        territory="CN",
        started_at_ms=at_ms,
        expires_at_ms=at_ms + DAY_MS,
    )
    centre.work.run(lambda transaction: transaction.open_session(opened))
    issued = NewGrant(
        session_id=centre.sessions.session(token_hash).session_id,
        app_id=app_id,
        user_id=UserId("茉莉"),
        room_id=RoomId(""),
        song_id=song_id,
        vendor_id=VendorId(1),
        resource_type=1,
        scene_id=0,
        billing_mode=0,
        granted_at_ms=at_ms,
        expires_at_ms=at_ms + DAY_MS,
        rights_revision=1,
        territory="CN",
        resources=(),
    )
    centre.work.run(lambda transaction: transaction.issue_grant(issued))


def ask(base_url: str, app: dict[str, Any], action: str, **params: str) -> Any:
    url = signed_url(
        base_url,
        action,
        params,
        app_id=app["app_id"],
        server_secret=app["server_secret"],
        user_id="后台",
        nonce=new_nonce(),
        timestamp_s=int(time.time()),
        vendor_id=1,
    )
    return httpx2.get(url).json()


def test_charts_and_tags_go_round_by_the_command_line(
    installed: tuple[Path, dict[str, Any], list[str]], tmp_path: Path
) -> None:
    data, app, songs = installed

    def yuefu(*words: str | Path, ok: bool = True) -> str:
        return run_yuefu(*words, "--data", data, ok=ok)

    with serving(data) as server:
        yuefu("chart", "set", "8888", *songs[::-1], "--vendor", "1")
        yuefu("tag", "group", "add", "5", "场景")
        yuefu("tag", "add", "587", "学习", "--group", "5")
        yuefu("tag", "songs", "587", songs[2], songs[0])
        answer = ask(server.base_url, app, "DescribeTopSongs", TopId="8888", Page="1")
        assert [song["SongId"] for song in answer["Data"]["Songs"]] == songs[::-1]
        answer = ask(server.base_url, app, "DescribeTagSongs", TagId="587", Page="1")
        assert [song["SongId"] for song in answer["Data"]["Songs"]] == [songs[2], songs[0]]
        answer = ask(server.base_url, app, "DescribeTags")
        assert answer["Data"]["Groups"] == [
            {"GroupId": "5", "GroupName": "场景", "Tags": [{"TagId": "587", "TagName": "学习"}]}
        ]
    tags, charts = tmp_path / "标签.csv", tmp_path / "charts.csv"
    yuefu("tag", "export", tags)
    yuefu("chart", "export", charts)
    assert tags.read_bytes().startswith(b"\xef\xbb\xbf")
    assert yuefu("tag", "export", "-") == tags.read_text("utf-8-sig")
    for command, file in (("tag", tags), ("chart", charts)):
        bad = tmp_path / f"bad-{file.name}"
        bad.write_bytes(file.read_bytes().replace(songs[0].encode(), b"5"))
        assert f"{bad.name}:" in yuefu(command, "import", bad, ok=False)
        assert "nothing was written" in yuefu(command, "import", file, "--dry-run")
    yuefu("chart", "remove", "8888", "--vendor", "1")
    yuefu("tag", "remove", "587")
    yuefu("tag", "group", "remove", "5")
    for command, file in (("tag", tags), ("chart", charts)):
        assert json.loads(yuefu(command, "import", file, "--json"))["is_written"]
    assert yuefu("tag", "export", "-") == tags.read_text("utf-8-sig")
    assert yuefu("chart", "export", "-") == charts.read_text("utf-8-sig")
    assert "vendor 3" in yuefu("chart", "set", "8888", songs[0], "--vendor", "3", ok=False)


def test_servers_count_a_chart_that_came_due_while_they_were_away(
    installed: tuple[Path, dict[str, Any], list[str]],
) -> None:
    data, app, songs = installed
    rule = ["--days", "7", "--threshold", "3", "--cut-off", "5", "--zone", "Asia/Shanghai", "--size", "100"]
    run_yuefu("chart", "rule", "8888", "--vendor", "1", *rule, "--data", data)
    shown = json.loads(run_yuefu("chart", "show", "8888", "--vendor", "1", "--json", "--data", data))
    assert shown["rule"]["time_zone"] == "Asia/Shanghai"
    assert shown["songs"] == [{"song_id": songs[1], "song_name": "送别", "singer_name": "甲/乙", "uses": 3}]
    with open_installation(Settings(data=str(data))) as installation:  # as it was left a day ago
        chart = installation.centre.programme.chart("8888", VendorId(1))
        assert chart is not None
        assert chart.as_of_ms is not None
        old = type(chart)(
            vendor_id=VendorId(1), top_id="8888", name="旧", rule=chart.rule, as_of_ms=chart.as_of_ms - DAY_MS
        )
        installation.centre.work.run(lambda transaction: transaction.programme.put_chart(old, []))
    with serving(data, YUEFU_WORKERS="2") as server:
        give_up_at_s = time.monotonic() + COUNTING_LIMIT_S
        while not (answer := ask(server.base_url, app, "DescribeTopSongs", TopId="8888", Page="1"))["Data"]["Songs"]:
            assert time.monotonic() < give_up_at_s
            time.sleep(0.1)
    assert [song["SongId"] for song in answer["Data"]["Songs"]] == [songs[1]]
    again = json.loads(run_yuefu("chart", "show", "8888", "--vendor", "1", "--json", "--data", data))
    assert (again["name"], again["as_of"], again["songs"]) == ("旧", shown["as_of"], shown["songs"])


def test_a_rule_s_time_zone_needs_no_zone_database_of_the_machine(
    installed: tuple[Path, dict[str, Any], list[str]],
) -> None:
    data, _, _ = installed
    bare = {"PYTHONTZPATH": ""}
    words = ("chart", "rule", "8888", "--vendor", "1", "--days", "7", "--cut-off", "5", "--data", data)
    for zone in ("Asia/Shanghai", "America/New_York", "Asia/Shanghai"):
        run_yuefu(*words, "--zone", zone, env=bare)
    shown = json.loads(run_yuefu("chart", "show", "8888", "--vendor", "1", "--json", "--data", data))
    assert (shown["rule"]["time_zone"], shown["as_of"][10:]) == ("Asia/Shanghai", "T21:00:00.000Z")
    assert "Asia/Nowhere" in run_yuefu(*words, "--zone", "Asia/Nowhere", env=bare, ok=False)
