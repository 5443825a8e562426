"""The server as a process: several workers, a sudden end, pages for people."""

import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.system.conftest import YUEFU, Server, free_port, run_yuefu, serving

from yuefu.client import new_nonce, signed_url


def signed(base_url: str, app: dict[str, Any], **changes: Any) -> str:
    return signed_url(
        base_url,
        "QuerySongsCopyright",
        {"SongsId": ["100000001"]},
        app_id=app["app_id"],
        server_secret=app["server_secret"],
        user_id="back-end",
        **{"nonce": new_nonce(), "timestamp_s": int(time.time()), "vendor_id": 1, **changes},
    )


@pytest.fixture
def empty(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A data folder without songs, and an app."""
    data = tmp_path / "data"
    return data, json.loads(run_yuefu("app", "create", "tests", "--vendor", "1", "--data", data, "--json"))


def test_a_nonce_is_good_once_among_several_workers(empty: tuple[Path, dict[str, Any]]) -> None:
    data, app = empty
    with serving(data, YUEFU_WORKERS="2") as server:
        for _ in range(20):
            url = signed(server.base_url, app)
            codes: list[int] = []

            def ask(url: str = url, codes: list[int] = codes) -> None:
                codes.append(httpx2.get(url).json()["Code"])

            asking = [threading.Thread(target=ask) for _ in range(6)]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
            assert sorted(codes) == [0, *[100000005] * 5]


def test_a_song_imported_while_the_server_runs_is_answered(
    empty: tuple[Path, dict[str, Any]], demo_folder: Path
) -> None:
    del demo_folder
    data, app = empty
    with serving(data) as server:
        assert httpx2.get(signed(server.base_url, app)).json()["Data"] == {"Copyright": []}
        run_yuefu("bench", "catalogue", "--songs", "50", "--data", data)
        assert len(httpx2.get(signed(server.base_url, app)).json()["Data"]["Copyright"]) == 1


def test_a_killed_server_frees_its_port_and_starts_again(empty: tuple[Path, dict[str, Any]]) -> None:
    data, app = empty
    with serving(data) as server:
        server.process.kill()
        server.process.wait(10)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and _answers(server):
            time.sleep(0.1)
        assert not _answers(server), "the worker outlived its server"
    with serving(data) as server:
        assert httpx2.get(signed(server.base_url, app)).json()["Code"] == 0


def _answers(server: Server) -> bool:
    try:
        return httpx2.get(f"{server.base_url}/healthz", timeout=1).status_code == 200
    except httpx2.TransportError:
        return False


def test_a_browser_gets_a_page_and_a_program_an_answer(empty: tuple[Path, dict[str, Any]]) -> None:
    data, _ = empty
    with serving(data) as server:
        page = httpx2.get(server.base_url, headers={"Accept": "text/html,application/xhtml+xml"})
        assert page.headers["content-type"].startswith("text/html")
        assert "乐府" in page.text
        assert httpx2.get(server.base_url).json()["Code"] == 320000004
        assert httpx2.get(f"{server.base_url}/?Action=Nonsense", headers={"Accept": "text/html"}).json()["Code"] != 0
        assert httpx2.get(f"{server.base_url}/readyz").text == "ready\n"
        assert httpx2.put(server.base_url).status_code == 405


def test_the_demo_refuses_a_folder_that_holds_a_real_installation(empty: tuple[Path, dict[str, Any]]) -> None:
    data, _ = empty
    assert "is not a demo" in run_yuefu("demo", "--no-serve", "--data", data, ok=False)


def test_the_demo_says_how_to_ask_before_it_takes_requests(demo_folder: Path) -> None:
    facts = json.loads((demo_folder / "demo.json").read_text("utf-8"))
    assert facts.keys() == {"base_url", "app_id", "server_secret", "vendor_id", "songs"}
    assert all(song.keys() == {"song_id", "song_name", "singer_name", "vendor_id"} for song in facts["songs"])
    names = [(song["vendor_id"], song["song_name"]) for song in facts["songs"]]
    assert names[0] == (1, "茉莉花")
    assert {"送别", "小星星"} <= {name for vendor, name in names if vendor == 1}
    assert sum(vendor == 2 for vendor, _ in names) >= 4
    assert len({name for _, name in names}) >= 12


def test_a_wrong_setting_is_named_and_its_secret_is_not_shown(tmp_path: Path) -> None:
    said = run_yuefu(
        "song", "list", "--data", tmp_path, ok=False, env={"YUEFU_DATABASE": "postgresql://me:hunter2@db/yuefu"}
    )
    assert "database" in said
    assert "hunter2" not in said


def test_a_taken_port_is_said_so(empty: tuple[Path, dict[str, Any]]) -> None:
    data, _ = empty
    with serving(data) as server:
        port = server.base_url.rpartition(":")[2]
        second = subprocess.run(
            [YUEFU, "serve", "--data", data, "--port", port], capture_output=True, text=True, timeout=30, check=False
        )
        assert second.returncode != 0
        assert port in second.stdout + second.stderr
    assert free_port() != int(port)
