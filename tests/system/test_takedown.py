"""A takedown by another process, while a real server is asked by many for what it takes away."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from soak.burst import Burst, Kind
from soak.operator import Operator
from soak.rounds import play_round
from soak.stage import APP_ID, Stage, set_stage
from tests.system.calls import Client, login
from tests.system.conftest import Server, run_yuefu, serving

from yuefu.server.cli import commands

SONG, ACCOMPANIMENT = 0, 1
ROUNDS = 20
BULK = 6_000
IN_BUFFERS = 8 << 20
"""More than the HTTP server and the kernel hold of an answer; the file is eight times as long."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return set_stage(tmp_path_factory.mktemp("takedown") / "data", bulk=BULK)


@pytest.fixture(scope="module")
def server(stage: Stage) -> Iterator[Server]:
    with serving(stage.folder, YUEFU_WORKERS="2") as server:
        yield server


@pytest.fixture
def client(server: Server, stage: Stage) -> Iterator[Client]:
    app = {"app_id": APP_ID, "server_secret": stage.server_secret}
    with login(server.base_url, app, "小明", at_s=int(time.time())) as session:
        yield session


def takedown(stage: Stage, *arguments: str) -> Any:
    return json.loads(run_yuefu("takedown", *arguments, "--data", stage.folder, "--json"))


@pytest.fixture
def take_down(stage: Stage) -> Iterator[Callable[..., Any]]:
    """Takes songs down for the length of a test."""
    cases: list[str] = []

    def take(*arguments: str) -> Any:
        report = takedown(stage, *arguments, "--reason", "测试")
        cases.append(str(report["case"]))
        return report

    yield take
    for case in cases:
        takedown(stage, "--undo", case)


def test_nothing_comes_through_after_a_takedown_returned(server: Server, stage: Stage) -> None:
    """Requests, lyrics and ranges of 32 clients, downloads under way: again and again."""
    burst = Burst(server.base_url, stage)
    with Operator(stage.folder) as operator:
        burst.start()
        try:
            rounds = [play_round(burst, operator, stage, number) for number in range(ROUNDS)]
        finally:
            burst.stop()
    for played in rounds:
        assert played.leaked == {}, "something was given of a song that had been taken down"
        assert played.new_downloads == 0
        assert played.late_bytes <= IN_BUFFERS, "a download under way went on beyond what had been handed over"
        for kind in Kind:
            assert played.before[kind] > 0, f"{kind.value}: the burst never had the song"
            assert played.asked[kind] > 0, f"{kind.value}: nobody asked while it was gone"
            assert played.others[kind] > 0, f"{kind.value}: another song was taken down with it"


def test_a_grant_in_an_answer_that_was_under_way_is_worth_nothing(
    client: Client, stage: Stage, take_down: Callable[..., Any]
) -> None:
    granted = client.granted(song_id=str(stage.target), vendor_id=1, resource_type=ACCOMPANIMENT)
    resource_id = granted["resources"][0]["resource_id"]
    assert client.media(resource_id).status_code == 200
    report = take_down("--song", str(stage.target), "--vendor", "1")
    assert (report["songs"], report["unknown"]) == ([str(stage.target)], [])
    assert report["grants_revoked"] >= 1
    refused = client.media(resource_id)
    assert (refused.status_code, refused.json()["code"]) == (410, 1017030)
    assert client.call("get_krc_lyric_by_token", krc_token=granted["krc_token"])["code"] == 1017048
    assert client.call("request_resource", song_id=str(stage.target), vendor_id=1)["code"] == 1017030


def test_undoing_gives_back_what_is_left_of_a_grant(client: Client, stage: Stage) -> None:
    resource_id = client.granted(song_id=str(stage.target), vendor_id=1, resource_type=ACCOMPANIMENT)["resources"][0][
        "resource_id"
    ]
    case = takedown(stage, "--song", str(stage.target), "--reason", "x")["case"]
    assert client.media(resource_id).status_code == 410
    takedown(stage, "--undo", str(case))
    assert client.media(resource_id).status_code == 200


def test_a_takedown_does_not_wait_for_a_client_that_reads_nothing(client: Client, stage: Stage) -> None:
    resource_id = client.granted(song_id=str(stage.target), vendor_id=1, resource_type=SONG)["resources"][0][
        "resource_id"
    ]
    with client._http.stream("GET", f"/resources/{resource_id}/0") as answer:
        assert answer.status_code == 200
        chunks = answer.iter_raw(65_536)
        came = len(next(chunks))
        case = takedown(stage, "--song", str(stage.target), "--reason", "x")["case"]
        with pytest.raises(Exception, match=r"closed|incomplete|reset"):  # noqa: PT012
            for chunk in chunks:
                came += len(chunk)
        assert came < int(answer.headers["content-length"])
    takedown(stage, "--undo", str(case))


def test_thousands_are_taken_down_by_a_list_and_given_back(client: Client, stage: Stage, tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    lines = [
        "\ufeff# 中国音像著作权集体管理协会 2018-11",
        "",
        *map(str, stage.bulk),
        "  7  # 不存在",
        str(stage.bulk[0]),
    ]
    ids.write_text("\r\n".join(lines), encoding="utf-8")
    report = takedown(stage, "--file", str(ids), "--vendor", "1", "--reason", "一次下架六千首")
    assert report["songs"] == [str(song_id) for song_id in stage.bulk]
    assert report["unknown"] == ["7"]
    codes = [client.call("request_resource", song_id=str(song), vendor_id=1)["code"] for song in stage.bulk[::500]]
    assert set(codes) == {1017030}
    assert takedown(stage, "--undo", str(report["case"])) == {"case": report["case"], "songs": BULK}
    codes = [client.call("request_resource", song_id=str(song), vendor_id=1)["code"] for song in stage.bulk[::500]]
    assert set(codes) == {1017034}, "they may be used again and have no files"


def test_two_takedowns_at_once_are_two_cases(stage: Stage) -> None:
    reports: list[Any] = []

    def take_down() -> None:
        reports.append(takedown(stage, "--song", str(stage.target), "--reason", "x"))

    threads = [threading.Thread(target=take_down) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cases = {report["case"] for report in reports}
    assert len(cases) == 2
    for case in cases:
        takedown(stage, "--undo", str(case))


def test_what_was_hit_is_said_in_words_with_how_to_undo_it(stage: Stage) -> None:
    said = run_yuefu(
        "takedown", "--song", str(stage.target), "--song", "7", "--reason", "版权到期", "--data", stage.folder
    )
    listed = json.loads(run_yuefu("takedown", "--list", "--data", stage.folder, "--json"))[0]
    assert f"Case {listed['case']}: 1 song taken down since {listed['from']}" in said
    assert str(stage.target) in said
    assert f"yuefu takedown --undo {listed['case']}" in said
    assert (listed["reason"], listed["songs"], listed["ended_at"]) == ("版权到期", 1, None)
    undone = run_yuefu("takedown", "--undo", str(listed["case"]), "--data", stage.folder)
    assert f"Case {listed['case']} is undone: 1 song" in undone
    again = run_yuefu("takedown", "--undo", str(listed["case"]), "--data", stage.folder, ok=False)
    assert f"case {listed['case']} was undone before" in again


REFUSED: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "say either what to take down"),
    "no reason": (["--song", "100000001"], "Missing option '--reason'"),
    "a blank reason": (["--song", "100000001", "--reason", " "], "needs a reason"),
    "no scope": (["--reason", "x"], "say what is taken down"),
    "two scopes": (["--singer", "甲", "--work", "T0345246801", "--reason", "x"], "or a work, or a singer"),
    "no song id": (["--song", "07", "--reason", "x"], "no song id"),
    "no ISRC": (["--recording", "CN-1", "--reason", "x"], "no ISRC"),
    "no ISWC": (["--work", "T0345246802", "--reason", "x"], "check digit"),
    "a naive time": (["--song", "100000001", "--reason", "x", "--at", "2026-01-01T00:00:00"], "no time zone"),
    "both ways": (["--song", "100000001", "--undo", "1"], "say either"),
    "an unknown case": (["--undo", "999999"], "there is no case 999999"),
    "nobody's songs": (["--singer", "无名", "--reason", "x"], "there is no such song"),
}


def refused(stage: Stage, *arguments: str) -> str:
    """What a command in this process says that must fail and leave no case."""
    before = CliRunner().invoke(commands, ["takedown", "--list", "--data", str(stage.folder), "--json"]).stdout
    result = CliRunner().invoke(commands, ["takedown", *arguments, "--data", str(stage.folder)])
    after = CliRunner().invoke(commands, ["takedown", "--list", "--data", str(stage.folder), "--json"]).stdout
    assert result.exit_code != 0
    assert after == before
    return f"{result.output} {result.exception}"


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_with_the_cure(stage: Stage, name: str) -> None:
    arguments, words = REFUSED[name]
    assert words in " ".join(refused(stage, *arguments).split())


def test_a_bad_line_in_a_list_is_named_and_nothing_is_taken_down(stage: Stage, tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text(f"{stage.target}\n\nabc # x\n12 13\n", encoding="utf-8")
    said = refused(stage, "--file", str(ids), "--reason", "x")
    assert "ids.txt:3: 'abc' is no song id" in said
    assert "ids.txt:4: '12 13' is no song id" in said
