"""What a deal is for, and where: asked of a running server, as the deals change beside it."""

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.system.calls import Client, login
from tests.system.conftest import DemoSong, Server

from yuefu.client import CopyrightedMusicError, SignedClientSync, mint_login_token
from yuefu.ids import SongId
from yuefu.rights.deal import Chain, CommercialModel, Deal, Terms, TermSheet, Use
from yuefu.server.settings import load_settings
from yuefu.server.wiring import open_installation

SONG, ACCOMPANIMENT, CLIP, SEGMENT = 0, 1, 2, 3
KINDS = (SONG, ACCOMPANIMENT, SEGMENT)
NO_RIGHTS, LISTEN_ONLY, BAD_TOKEN, ILLEGAL = 1017030, 1017031, 1017009, 320000004


class Licensor:
    """Gives one song's rights new terms, from outside the server."""

    def __init__(self, server: Server, song_id: str) -> None:
        self._server = server
        self.song_id = song_id

    def deals(self, *terms: Terms, chains: tuple[Chain, ...] = (Chain.RECORDING, Chain.WORK)) -> None:
        with open_installation(load_settings({"data": str(self._server.data)}, {})) as installation:
            centre = installation.centre
            deal = Deal(song_id=SongId(int(self.song_id)), chains=chains, sheet=TermSheet(terms=terms))
            centre.work.run(lambda transaction: transaction.record_deal(deal, at_ms=centre.now_ms()))


@pytest.fixture
def licensor(demo_server: Server, demo_song: DemoSong) -> Iterator[Licensor]:
    """One song of the demo, whose first deals are back when the test is over."""
    licensor = Licensor(demo_server, demo_song("茉莉花", 1))
    yield licensor
    licensor.deals(Terms())


@pytest.fixture
def client(demo_server: Server, demo: dict[str, Any]) -> Iterator[Client]:
    with login(demo_server.base_url, demo, "mei", at_s=int(time.time())) as client:
        yield client


def bits(demo_server: Server, demo: dict[str, Any], song_id: str, territory: str = "") -> tuple[int, int, int]:
    """SongLyric, Recording and Right, asked for a territory."""
    with SignedClientSync(
        demo_server.base_url,
        app_id=demo["app_id"],
        server_secret=demo["server_secret"],
        user_id="back-end",
        vendor_id=1,
        territory=territory,
    ) as signed:
        (row,) = signed.query_songs_copyright(songs_id=[song_id]).copyright
        return row.subright.song_lyric, row.subright.recording, row.right


def code(client: Client, song_id: str, resource_type: int, **body: Any) -> int:
    asked = {"song_id": song_id, "vendor_id": 1, "mode": 0, "resource_type": resource_type, "scene_id": 0, **body}
    answer: int = client.call("request_resource", **asked)["code"]
    return answer


def in_territory(demo_server: Server, demo: dict[str, Any], territory: str) -> tuple[int, Client | None]:
    """The code of an `init` whose login token names that territory, and the session if there is one."""
    token = mint_login_token(
        app_id=demo["app_id"],
        server_secret=demo["server_secret"],
        user_id="mei",
        life_s=60,
        at_s=int(time.time()),
        territory=territory,
    )
    answer = httpx2.post(
        f"{demo_server.base_url}/client/v1/init",
        json={"app_id": demo["app_id"], "user_id": "mei", "user_name": "mei", "room_ids": []},
        headers={"Authorization": f"Bearer {token}"},
    ).json()
    return answer["code"], Client(demo_server.base_url, answer["data"]["session"]) if answer["code"] == 0 else None


def test_a_deal_holds_in_its_territories_and_nowhere_else(
    demo_server: Server, demo: dict[str, Any], licensor: Licensor, client: Client
) -> None:
    licensor.deals(Terms(territories=("JP", "NORDIC")))
    song = licensor.song_id
    assert [bits(demo_server, demo, song, territory) for territory in ("", "CN", "JP", "SE", "DE")] == [
        (0, 0, 0),
        (0, 0, 0),
        (1, 1, 1),
        (1, 1, 1),
        (0, 0, 0),
    ]
    assert code(client, song, ACCOMPANIMENT) == NO_RIGHTS, "the demo app is at home in CN"
    logged_in, abroad = in_territory(demo_server, demo, "JP")
    assert logged_in == 0
    assert abroad is not None
    with abroad:
        resource = abroad.granted(song_id=song, vendor_id=1, mode=0, resource_type=ACCOMPANIMENT, scene_id=0)
        resource_id = resource["resources"][0]["resource_id"]
        assert abroad.media(resource_id).status_code == 200
        licensor.deals(Terms(excluded_territories=("JP",)))
        assert abroad.media(resource_id).status_code in {403, 410}, "a held grant is asked for its own territory again"
        assert code(abroad, song, ACCOMPANIMENT) == NO_RIGHTS
    assert code(client, song, ACCOMPANIMENT) == 0


def test_a_territory_that_is_none_is_refused_by_name(demo_server: Server, demo: dict[str, Any]) -> None:
    for territory in ("XX", "China", "cn"):
        with pytest.raises(CopyrightedMusicError, match="Territory") as caught:
            bits(demo_server, demo, "100000001", territory)
        assert caught.value.code == ILLEGAL
    assert in_territory(demo_server, demo, "XX") == (BAD_TOKEN, None)


@pytest.mark.parametrize(
    ("uses", "allowed"),
    [
        ((Use.LISTEN,), {(0, SONG)}),
        ((Use.SING,), {(0, ACCOMPANIMENT), (0, SEGMENT)}),
        ((Use.CLIP,), {(0, SEGMENT)}),
        ((Use.LISTEN, Use.LIVE_ROOM), {(0, SONG), (1, SONG)}),
        (
            (Use.SING, Use.LIVE_ROOM),
            {(0, ACCOMPANIMENT), (0, SEGMENT), (2, SONG)} | {(s, k) for s in (1, 2) for k in (ACCOMPANIMENT, SEGMENT)},
        ),
        ((Use.LISTEN, Use.BACKGROUND), {(0, SONG), (3, SONG), (3, ACCOMPANIMENT), (3, SEGMENT)}),
        ((Use.CLIP, Use.LIVE_ROOM), {(0, SEGMENT), (1, SEGMENT), (2, SEGMENT), (4, SEGMENT)}),
        ((), {(scene, kind) for scene in range(5) for kind in KINDS}),
    ],
)
def test_each_scene_asks_for_its_uses(
    client: Client, licensor: Licensor, uses: tuple[Use, ...], allowed: set[tuple[int, int]]
) -> None:
    licensor.deals(Terms(uses=uses))
    asked = [(scene, kind) for scene in range(5) for kind in KINDS]
    granted = {(scene, kind) for scene, kind in asked if code(client, licensor.song_id, kind, scene_id=scene) == 0}
    assert granted == allowed


def test_lists_show_a_song_by_any_use_of_it(demo_server: Server, demo: dict[str, Any], licensor: Licensor) -> None:
    shown = {
        Use.LISTEN: (0, 1, 1),
        Use.BACKGROUND: (0, 1, 1),
        Use.SING: (1, 0, 1),
        Use.CLIP: (1, 0, 1),
        Use.LIVE_ROOM: (0, 0, 0),
    }
    for use, expected in shown.items():
        licensor.deals(Terms(uses=(use,)))
        assert bits(demo_server, demo, licensor.song_id) == expected, use


def test_a_deal_serves_those_who_pay_its_way(client: Client, licensor: Licensor) -> None:
    licensor.deals(Terms(models=(CommercialModel.USER_MONTH,)))
    assert code(client, licensor.song_id, SONG) == NO_RIGHTS, "the demo app pays per use"
    licensor.deals(Terms(models=(CommercialModel.PER_USE,)))
    assert code(client, licensor.song_id, SONG) == 0
    licensor.deals(Terms(models=(CommercialModel.FREE,)))
    assert code(client, licensor.song_id, SONG) == 0


def test_a_cap_on_uses_is_kept_to_the_last_use(
    demo_server: Server, demo: dict[str, Any], client: Client, licensor: Licensor
) -> None:
    from_ms = int(time.time() * 1000)
    licensor.deals(Terms(valid_from_ms=from_ms, max_uses=3))
    grants = [code(client, licensor.song_id, ACCOMPANIMENT) for _ in range(5)]
    assert grants == [0, 0, 0, NO_RIGHTS, NO_RIGHTS]
    assert bits(demo_server, demo, licensor.song_id) == (0, 0, 0)
    licensor.deals(Terms(valid_from_ms=from_ms, max_uses=4))
    assert code(client, licensor.song_id, ACCOMPANIMENT) == 0
    assert code(client, licensor.song_id, ACCOMPANIMENT) == NO_RIGHTS


def test_a_cap_counts_the_uses_of_its_own_deal(client: Client, licensor: Licensor) -> None:
    from_ms = int(time.time() * 1000)
    licensor.deals(Terms(uses=(Use.LISTEN,)), chains=(Chain.RECORDING,))
    licensor.deals(Terms(uses=(Use.SING,), valid_from_ms=from_ms, max_uses=2), chains=(Chain.WORK,))
    assert [code(client, licensor.song_id, SONG) for _ in range(3)] == [0, 0, 0], "nobody sang"
    assert [code(client, licensor.song_id, ACCOMPANIMENT) for _ in range(3)] == [0, 0, LISTEN_ONLY]
    assert code(client, licensor.song_id, SONG) == 0


def test_what_was_granted_under_a_cap_may_be_fetched_after_it_is_reached(client: Client, licensor: Licensor) -> None:
    licensor.deals(Terms(valid_from_ms=int(time.time() * 1000), max_uses=1))
    granted = client.granted(song_id=licensor.song_id, vendor_id=1, mode=0, resource_type=ACCOMPANIMENT, scene_id=0)
    assert code(client, licensor.song_id, ACCOMPANIMENT) == NO_RIGHTS
    assert client.media(granted["resources"][0]["resource_id"]).status_code == 200


def test_the_work_and_the_recording_are_licensed_apart(client: Client, licensor: Licensor) -> None:
    licensor.deals(Terms(uses=(Use.LISTEN,)), chains=(Chain.RECORDING,))
    licensor.deals(Terms(uses=(Use.CLIP,)), chains=(Chain.WORK,))
    assert code(client, licensor.song_id, SONG) == 0
    assert code(client, licensor.song_id, ACCOMPANIMENT) == LISTEN_ONLY
