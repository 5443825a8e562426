"""What was sung, told by the SDK of either kind, and the chart that is counted from it."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import apsw
from tests.system.conftest import Server, run_yuefu

from yuefu.client import CopyrightedMusic, CopyrightedMusicSync, mint_login_token

TWINS = 8
"""With the first report and the last as many as a user may make at once."""


def token(demo: dict[str, Any], user_id: str) -> str:
    secret = {"app_id": demo["app_id"], "server_secret": demo["server_secret"]}
    return mint_login_token(**secret, user_id=user_id, life_s=3600, at_s=int(time.time()))


def plays(server: Server, resource_id: str) -> list[Any]:
    """What is in the store, read as one more process would."""
    connection = apsw.Connection(str(server.data / "yuefu.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        statement = "SELECT user_id, seconds, is_completed, score FROM plays WHERE resource_id = ? ORDER BY play_id"
        return connection.execute(statement, (resource_id,)).fetchall()
    finally:
        connection.close()


def test_a_play_is_one_however_often_and_from_however_many_threads_it_is_told_of(
    demo_server: Server, demo: dict[str, Any]
) -> None:
    song = demo["songs"][0]
    with CopyrightedMusicSync(demo_server.base_url) as music:
        music.init(app_id=demo["app_id"], user_id="茉莉", token=token(demo, "茉莉"))
        resource_id = music.request_resource(song["song_id"], vendor_id=song["vendor_id"]).resources[0].resource_id
        begun = music.report_play(resource_id, started=int(time.time() * 1000))
        assert (begun.seconds, begun.completed, begun.defined) == (0, 0, 0)

        def tell(seconds: int) -> int:
            return music.report_play(resource_id, begun.play_id, seconds=seconds, score=seconds).seconds

        with ThreadPoolExecutor(4) as pool:
            assert max(pool.map(tell, range(1, TWINS + 1))) == TWINS
        ended = music.report_play(resource_id, begun.play_id, completed=True)
        assert (ended.play_id, ended.seconds, ended.completed, ended.defined) == (begun.play_id, TWINS, 1, 1)
        assert plays(demo_server, resource_id) == [("茉莉", TWINS, 1, TWINS)]


async def test_the_client_of_an_event_loop_reports_plays_and_a_chart_is_counted_from_them(
    demo_server: Server, demo: dict[str, Any]
) -> None:
    song = demo["songs"][1]
    async with CopyrightedMusic(demo_server.base_url) as music:
        await music.init(app_id=demo["app_id"], user_id="客人", token=token(demo, "客人"))
        granted = await music.request_resource(song["song_id"], vendor_id=song["vendor_id"])
        resource_id = granted.resources[0].resource_id
        for _ in range(2):
            play = await music.report_play(resource_id, seconds=31, score=77)
            assert (play.defined, play.score) == (1, 77)
    assert plays(demo_server, resource_id) == [("客人", 31, 0, 77)] * 2
    rule = ("chart", "rule", "我们唱的", "--vendor", str(song["vendor_id"]), "--days", "7", "--count", "plays")
    (chart,) = json.loads(run_yuefu(*rule, "--data", demo_server.data, "--json"))
    assert chart["rule"]["counted"] == "plays"
    said = run_yuefu("chart", "list", "--data", demo_server.data, "--json")
    assert [each["songs"] for each in json.loads(said) if each["top_id"] == "我们唱的"] == [0], "today counts tomorrow"
