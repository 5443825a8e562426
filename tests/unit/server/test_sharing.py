"""Sharing in rooms by the front door: one member pays, every other one fetches once, free."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from tests.unit.server.conftest import APP, Member, World
from tests.unit.server.test_openapi import DOCUMENT, validator
from tests.unit.server.test_takedowns import under_way

from yuefu.access.audit import Author
from yuefu.access.keyring import KeyRing, key_id
from yuefu.rights.deal import Chain, Terms
from yuefu.rights.takedown import NewCase, Scope
from yuefu.server.http.site import Site
from yuefu.server.takedowns import take_down
from yuefu.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from yuefu.wire.codes import ClientCode

SONG, ACCOMPANIMENT, CLIP, SEGMENT = range(4)
NO_RIGHTS, LISTEN_ONLY, MISSING, ILLEGAL = 1017030, 1017031, 1017034, 1017040
TOKEN_EMPTY, TOKEN_EXPIRED, TOKEN_MALFORMED = 1017003, 1017044, 1017045
KRC_MALFORMED, KRC_EXPIRED = 1017046, 1017047
NOTHING_SHARED, USED_UP, NOT_IN_ROOM = 1017050, 1017051, 1017054
ENDED = 1017096
ROOM, OTHER_ROOM = "包厢一", "包厢二"


def enter(world: World, user_id: str, *rooms: str, app: Any = APP, token: str | None = None) -> Member:
    answer = world.init(app, user_id, token, room_ids=list(rooms))
    assert answer["code"] == 0, answer
    return Member(world, answer["data"]["session"])


def fetch(member: Member, song: str = "whole", resource_type: int = ACCOMPANIMENT, **body: Any) -> Any:
    given = {"song_id": str(member.world.songs[song]), "resource_type": resource_type} | body
    return member.call("get_shared_resource", **given)


def redeem(member: Member, token: str) -> Any:
    return member.call("get_music_by_token", share_token=token)


def refusal(answer: Any) -> tuple[int, str]:
    """The code of a refusal, and the parameter it names."""
    assert answer.keys() == {"code", "message", "request_id"}, answer
    return answer["code"], answer["message"].partition(":")[0]


def token_of(member: Member, song: str = "whole", resource_type: int = ACCOMPANIMENT, **body: Any) -> str:
    token: str = member.granted(song, resource_type, **body)["resources"][0]["share_token"]
    return token


@pytest.fixture
def payer(world: World) -> Member:
    return enter(world, "茉莉", ROOM)


@pytest.fixture
def singer(world: World) -> Member:
    return enter(world, "阿明", ROOM)


# One pays, the others fetch.


@pytest.mark.parametrize("resource_type", [SONG, ACCOMPANIMENT, CLIP, SEGMENT])
def test_another_member_has_what_the_payer_has_free(
    world: World, payer: Member, singer: Member, resource_type: int
) -> None:
    paid = payer.granted("whole", resource_type, room_id=ROOM)
    charges = world.rows("charges")
    answer = fetch(singer, resource_type=resource_type, room_id=ROOM)
    assert answer.keys() == {"code", "message", "request_id", "data"}, answer
    (theirs,), (ours,) = paid["resources"], answer["data"]["resources"]
    assert theirs["resource_id"] == ours["resource_id"]
    assert singer.download(ours["resource_id"]).content == payer.download(theirs["resource_id"]).content
    assert world.rows("charges") == charges
    assert [row["shared_from"] for row in world.rows("grants")] == [None, 1]


@pytest.mark.parametrize(
    ("resource_type", "lost"),
    [
        (SONG, {"token_ttl"}),
        (ACCOMPANIMENT, {"token_ttl", "share_token"}),
        (CLIP, set()),
        (SEGMENT, set()),
    ],
)
def test_songs_and_accompaniments_come_without_share_tokens(
    payer: Member, singer: Member, resource_type: int, lost: set[str]
) -> None:
    paid = payer.granted("whole", resource_type, room_id=ROOM)
    data = fetch(singer, resource_type=resource_type, room_id=ROOM)["data"]
    assert data.keys() == paid.keys() - lost
    assert data["resources"][0].keys() == paid["resources"][0].keys() - ({"share_token"} if lost else set())


def test_who_is_in_a_single_room_need_not_name_it(payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    assert fetch(singer)["code"] == 0


def test_who_is_in_several_rooms_says_which(world: World, payer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    busy = enter(world, "阿明", ROOM, OTHER_ROOM)
    assert refusal(fetch(busy)) == (ILLEGAL, "room_id")
    assert refusal(fetch(busy, room_id=OTHER_ROOM)) == (NOTHING_SHARED, "song_id")
    assert fetch(busy, room_id=ROOM)["code"] == 0


def test_own_shares_and_second_fetches_are_used_up(world: World, payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    assert refusal(fetch(payer)) == (USED_UP, "song_id")
    assert fetch(singer)["code"] == 0
    assert refusal(fetch(singer)) == (USED_UP, "song_id")
    assert refusal(fetch(enter(world, "阿明", ROOM))) == (USED_UP, "song_id")  # another session of the same user
    assert refusal(fetch(enter(world, "茉莉", ROOM))) == (USED_UP, "song_id")


def keyed(member: Member, key: str, call: str, **body: Any) -> Any:
    """A call under a key."""
    headers = {"authorization": f"Bearer {member.session}", "idempotency-key": key}
    return member.world.http().post(f"/client/v1/{call}", json=body, headers=headers).json()


@pytest.mark.parametrize("call", ["get_shared_resource", "get_music_by_token"])
def test_a_fetch_under_one_key_is_answered_again_and_counted_once(
    world: World, payer: Member, singer: Member, call: str
) -> None:
    token = token_of(payer)
    bodies: dict[str, dict[str, Any]] = {
        "get_shared_resource": {"song_id": str(world.songs["whole"]), "resource_type": ACCOMPANIMENT},
        "get_music_by_token": {"share_token": token},
    }
    body = bodies[call]
    first = keyed(singer, "k", call, **body)
    world.wait(MINUTE_MS)
    assert keyed(singer, "k", call, **body) == first
    assert first["code"] == 0
    assert (len(world.rows("grants")), len(world.rows("charges"))) == (2, 1)
    assert keyed(singer, "other", call, **body)["code"] == USED_UP
    assert keyed(singer, "k", call, **(body | {"share_token": "x", "song_id": "7"}))["code"] == ILLEGAL
    assert keyed(singer, "k" * 65, call, **body)["code"] == ILLEGAL


def test_a_key_stands_for_one_call_only(world: World, payer: Member, singer: Member) -> None:
    token = token_of(payer)
    song = {"song_id": str(world.songs["whole"]), "resource_type": ACCOMPANIMENT}
    assert keyed(singer, "k", "get_shared_resource", **song)["code"] == 0
    assert keyed(singer, "k", "get_music_by_token", share_token=token)["code"] == ILLEGAL
    assert keyed(singer, "k", "request_resource", **song)["code"] == ILLEGAL
    assert len(world.rows("charges")) == 1


def test_what_is_answered_again_asks_the_rights_again(world: World, payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    song = {"song_id": str(world.songs["whole"]), "resource_type": ACCOMPANIMENT}
    assert keyed(singer, "k", "get_shared_resource", **song)["code"] == 0
    world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=())
    assert keyed(singer, "k", "get_shared_resource", **song)["code"] == NO_RIGHTS


def test_parallel_twins_under_one_key_get_one_answer(world: World, payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    song = {"song_id": str(world.songs["whole"]), "resource_type": ACCOMPANIMENT}

    async def ask_together() -> list[Any]:
        transport = httpx2.ASGITransport(Site(world.centre))
        async with httpx2.AsyncClient(transport=transport, base_url="http://centre") as http:
            headers = {"authorization": f"Bearer {singer.session}", "idempotency-key": "k"}
            asked = (http.post("/client/v1/get_shared_resource", json=song, headers=headers) for _ in range(8))
            return [reply.json() for reply in await asyncio.gather(*asked)]

    first, *others = asyncio.run(ask_together())
    assert first["code"] == 0
    assert others == [first] * 7
    assert len(world.rows("grants")) == 2


def test_a_new_request_shares_anew(payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    assert fetch(singer)["code"] == 0
    singer.granted("whole", ACCOMPANIMENT)
    assert fetch(payer)["code"] == 0
    assert refusal(fetch(singer)) == (USED_UP, "song_id")
    payer.granted("whole", ACCOMPANIMENT)
    assert fetch(singer)["code"] == 0


def test_each_type_song_room_and_app_is_a_share_of_its_own(world: World, payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    assert refusal(fetch(singer, resource_type=SONG)) == (NOTHING_SHARED, "song_id")
    assert refusal(fetch(singer, "mix only", SONG)) == (NOTHING_SHARED, "song_id")
    assert refusal(fetch(enter(world, "阿兰", OTHER_ROOM))) == (NOTHING_SHARED, "song_id")
    stranger = enter(world, "阿兰", ROOM, app=world.add_app(777))
    assert refusal(fetch(stranger)) == (NOTHING_SHARED, "song_id")


def test_the_free_permission_ends_with_the_payer_s(world: World, payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    world.wait(HOUR_MS)
    late = enter(world, "阿兰", ROOM)
    (resource,) = fetch(late)["data"]["resources"]
    assert resource["resource_ttl"] == DAY_MS - HOUR_MS
    world.wait(DAY_MS - HOUR_MS - 1)
    assert late.download(resource["resource_id"]).status_code == 200
    world.wait(1)
    assert late.download(resource["resource_id"]).status_code == 410
    assert refusal(fetch(enter(world, "小雨", ROOM))) == (NOTHING_SHARED, "song_id")


def test_a_fetch_shortens_nothing_that_was_held_before(world: World) -> None:
    early = enter(world, "茉莉", ROOM)
    world.wait(HOUR_MS)
    late = enter(world, "阿明", ROOM)
    resource_id = late.resource_id("whole", ACCOMPANIMENT)
    early.granted("whole", ACCOMPANIMENT)
    assert fetch(late)["code"] == 0
    world.wait(DAY_MS - HOUR_MS)  # the payer's session is over, and with it what was shared
    assert late.download(resource_id).status_code == 200


def test_a_song_whose_last_use_was_paid_for_can_still_be_shared(world: World, payer: Member, singer: Member) -> None:
    world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=(Terms(channel=0, max_uses=1),))
    payer.granted("whole", ACCOMPANIMENT)
    assert fetch(singer)["code"] == 0
    assert payer.request("whole", ACCOMPANIMENT)["code"] == NO_RIGHTS


def test_a_free_fetch_is_no_use_of_what_a_deal_counts(world: World, payer: Member, singer: Member) -> None:
    world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=(Terms(channel=0, max_uses=2),))
    payer.granted("whole", ACCOMPANIMENT)
    assert fetch(singer)["code"] == 0
    assert payer.request("whole", ACCOMPANIMENT)["code"] == 0


# The rights are asked again, for whoever fetches.


def test_the_rights_are_those_of_the_caller_s_own_territory(world: World, payer: Member) -> None:
    world.record_deal("whole", Chain.WORK, terms=(Terms(channel=0),))
    world.record_deal("whole", Chain.RECORDING, terms=(Terms(channel=0, territories=("CN",)),))
    assert payer.granted("whole", ACCOMPANIMENT)["has_original"] == 1
    payer.granted("whole", SONG)
    abroad = enter(world, "阿明", ROOM, token=world.login_token(user_id="阿明", territory="US"))
    assert fetch(abroad)["data"]["has_original"] == 0
    assert refusal(fetch(abroad, resource_type=SONG))[0] == NO_RIGHTS


@pytest.mark.parametrize(("chains", "code"), [((), NO_RIGHTS), ((Chain.RECORDING,), LISTEN_ONLY), ((Chain.WORK,), 0)])
def test_withdrawn_rights_are_withdrawn_from_the_room(
    world: World, payer: Member, singer: Member, chains: tuple[Chain, ...], code: int
) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=())
    for chain in chains:
        world.record_deal("whole", chain)
    assert fetch(singer)["code"] == code
    assert len(world.rows("grants")) == 1 + (code == 0)


def test_a_takedown_counts_and_ends_what_was_shared(world: World, payer: Member, singer: Member) -> None:
    token = token_of(payer)
    resource_id = fetch(singer)["data"]["resources"][0]["resource_id"]
    case = NewCase(
        scope=Scope(songs=(world.songs["whole"],)), reason="下架", is_banned=False, from_ms=world.now_us // 1_000
    )
    report = take_down(world.centre, case, Author(actor="cli:mei", origin="host"))
    assert (report.grants_revoked, report.rooms_affected) == (2, 1)
    assert singer.download(resource_id).status_code == 410
    late = enter(world, "阿兰", ROOM)
    assert refusal(fetch(late))[0] == NO_RIGHTS
    assert refusal(redeem(late, token))[0] == NO_RIGHTS


# Rooms are joined and left.


def test_a_room_is_joined_and_left(world: World, payer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT, room_id=ROOM)
    guest = enter(world, "阿明")
    assert refusal(fetch(guest, room_id=ROOM)) == (NOT_IN_ROOM, "room_id")
    assert refusal(fetch(guest)) == (NOT_IN_ROOM, "room_id")
    joined = guest.call("join_room", room_id=ROOM)
    assert (joined["code"], joined["data"]) == (0, {})
    assert guest.call("join_room", room_id=ROOM)["code"] == 0
    left = guest.call("leave_room", room_id=ROOM)
    assert (left["code"], left["data"]) == (0, {})
    assert guest.call("leave_room", room_id=ROOM)["code"] == 0
    assert refusal(fetch(guest, room_id=ROOM)) == (NOT_IN_ROOM, "room_id")
    guest.call("join_room", room_id=ROOM)
    assert fetch(guest, room_id=ROOM)["code"] == 0


def test_what_was_fetched_in_a_room_stays_when_it_is_left(payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    resource_id = fetch(singer)["data"]["resources"][0]["resource_id"]
    singer.call("leave_room", room_id=ROOM)
    assert singer.download(resource_id).status_code == 200


def test_what_the_payer_shared_stays_when_the_payer_leaves(payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    payer.call("leave_room", room_id=ROOM)
    payer.call("destroy")
    assert fetch(singer)["code"] == 0


def test_a_login_token_for_one_room_is_good_for_no_other(world: World) -> None:
    guest = enter(world, "阿明", token=world.login_token(user_id="阿明", rooms=(ROOM,)))
    assert guest.call("join_room", room_id=ROOM)["code"] == 0
    assert refusal(guest.call("join_room", room_id=OTHER_ROOM)) == (ILLEGAL, "room_id")
    assert refusal(fetch(guest, room_id=OTHER_ROOM)) == (NOT_IN_ROOM, "room_id")


def test_a_session_that_ends_is_out_of_its_rooms(world: World, singer: Member) -> None:
    assert [row["room_id"] for row in world.rows("room_members")] == [ROOM]
    singer.call("destroy")
    assert world.rows("room_members") == []
    assert refusal(singer.call("join_room", room_id=ROOM))[0] == ENDED


def test_a_session_is_in_64_rooms_at_most(world: World) -> None:
    guest = enter(world, "阿明", *(f"包厢 {number}" for number in range(64)))
    assert refusal(guest.call("join_room", room_id=ROOM)) == (ILLEGAL, "room_id")
    assert guest.call("join_room", room_id="包厢 7")["code"] == 0
    guest.call("leave_room", room_id="包厢 7")
    assert guest.call("join_room", room_id=ROOM)["code"] == 0


@pytest.mark.parametrize("name", ["join_room", "leave_room"])
@pytest.mark.parametrize("body", [{}, {"room_id": ""}, {"room_id": 7}, {"room_id": None}, {"room_id": "x" * 257}])
def test_a_room_has_a_name(still_world: World, name: str, body: Any) -> None:
    assert refusal(still_world.member().call(name, **body)) == (ILLEGAL, "room_id")


@pytest.mark.parametrize("name", ["join_room", "leave_room", "get_shared_resource", "get_music_by_token"])
def test_without_a_session_nothing_else_is_looked_at(still_world: World, name: str) -> None:
    assert still_world.post(name, {}, "nobody")["code"] == ENDED


# Nobody gets past the checks while their call waits its turn.


def delayed(world: World, act: Callable[[], object]) -> Any:
    """The centre, but for its writer: before it gets to a job, `act` is done."""

    @dataclass
    class Slow:
        work: Any

        async def perform(self, job: Any) -> Any:
            act()
            return await self.work.perform(job)

    slow: Any = Slow(world.centre.work)
    return replace(world.centre, work=slow)


def fetch_slowly(world: World, singer: Member, act: Callable[[], object]) -> int:
    """The code of a fetch that is overtaken by `act`."""
    before = world.centre

    def overtake() -> None:
        world.centre = before
        act()

    world.centre = delayed(world, overtake)
    try:
        code: int = fetch(singer, room_id=ROOM)["code"]
    finally:
        world.centre = before
    return code


def test_who_left_meanwhile_fetches_nothing(world: World, payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    code = fetch_slowly(world, singer, lambda: singer.call("leave_room", room_id=ROOM))
    assert code == NOT_IN_ROOM


def test_what_lapsed_meanwhile_is_not_fetched(world: World, payer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    world.wait(DAY_MS - SECOND_MS)
    late = enter(world, "阿明", ROOM)
    assert fetch_slowly(world, late, lambda: world.wait(SECOND_MS)) == NOTHING_SHARED


def test_what_was_withdrawn_meanwhile_is_not_fetched(world: World, payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    code = fetch_slowly(world, singer, lambda: world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=()))
    assert code == NO_RIGHTS
    assert len(world.rows("grants")) == 1


def test_what_was_fetched_meanwhile_is_not_fetched_again(world: World, payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    assert fetch_slowly(world, singer, lambda: fetch(singer)) == USED_UP
    assert len(world.rows("grants")) == 2


@pytest.mark.parametrize("call", ["get_shared_resource", "get_music_by_token"])
def test_an_answer_is_inside_the_fence_until_it_was_handed_over(
    world: World, payer: Member, singer: Member, call: str
) -> None:
    token = token_of(payer)
    body = {"share_token": token, "song_id": str(world.songs["whole"]), "resource_type": ACCOMPANIMENT}
    inside: list[bool] = []
    sent = under_way(
        world,
        singer,
        f"/client/v1/{call}",
        method="POST",
        body=json.dumps(body).encode(),
        meanwhile=lambda _: inside.append(any(gate.is_locked for gate in fence_of(world)._gates)),
    )
    assert json.loads(sent[1]["body"])["code"] == 0
    assert inside[:2] == [True, True]


def test_what_is_withdrawn_before_the_answer_leaves_is_not_handed_out(
    world: World, payer: Member, singer: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rights end between the commit of the free grant and its answer."""
    payer.granted("whole", ACCOMPANIMENT)
    enter_gate = fence_of(world).enter

    def enter_late() -> Any:
        monkeypatch.setattr(world.centre.fence, "enter", enter_gate)
        world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=())
        return enter_gate()

    monkeypatch.setattr(world.centre.fence, "enter", enter_late)
    assert refusal(fetch(singer))[0] == NO_RIGHTS
    assert len(world.rows("grants")) == 2


def fence_of(world: World) -> Any:
    return world.centre.fence


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=60))
@pytest.mark.parametrize("name", ["join_room", "leave_room", "get_shared_resource", "get_music_by_token"])
def test_any_bytes_are_answered_with_a_documented_code(still_world: World, name: str, body: bytes) -> None:
    answer = still_world.post(name, body, sessions(still_world))
    assert answer["code"] in set(ClientCode) - {ClientCode.OK, ClientCode.INTERNAL_ERROR}


def sessions(world: World) -> str:
    """A session that is as good as new."""
    session: str = world.init()["data"]["session"]
    return session


@pytest.mark.parametrize("resource_type", [SONG, ACCOMPANIMENT, CLIP, SEGMENT])
def test_answers_are_as_described(world: World, payer: Member, singer: Member, resource_type: int) -> None:
    token = token_of(payer, resource_type=resource_type)
    answers = {
        "get_shared_resource": fetch(singer, resource_type=resource_type),
        "get_music_by_token": redeem(enter(world, "阿兰", ROOM), token),
        "join_room": singer.call("join_room", room_id=ROOM),
        "leave_room": singer.call("leave_room", room_id=ROOM),
    }
    for name, answer in answers.items():
        content = DOCUMENT["paths"][f"/client/v1/{name}"]["post"]["responses"]["200"]["content"]
        check = validator(content["application/json"]["schema"])
        assert answer["code"] == 0
        check.validate(answer)
        check.validate(singer.call(name))
        assert not check.is_valid({"code": 0})


# Share tokens, for old callers.


@pytest.mark.parametrize("resource_type", [SONG, ACCOMPANIMENT, CLIP, SEGMENT])
def test_a_share_token_is_redeemed_for_the_same_answer(
    world: World, payer: Member, singer: Member, resource_type: int
) -> None:
    token = token_of(payer, resource_type=resource_type)
    data = redeem(singer, token)["data"]
    other = fetch(enter(world, "阿兰", ROOM), resource_type=resource_type)["data"]
    assert data.keys() == other.keys()
    assert data["resources"][0]["resource_id"] == other["resources"][0]["resource_id"]
    assert singer.download(data["resources"][0]["resource_id"]).status_code == 200


def test_a_token_and_a_fetch_are_the_same_free_use(payer: Member, singer: Member) -> None:
    token = token_of(payer)
    assert redeem(singer, token)["code"] == 0
    assert refusal(redeem(singer, token)) == (USED_UP, "share_token")
    assert refusal(fetch(singer)) == (USED_UP, "song_id")
    assert refusal(redeem(payer, token)) == (USED_UP, "share_token")


def test_a_shared_highlight_s_token_passes_on_what_was_paid_for(world: World, payer: Member, singer: Member) -> None:
    payer.granted("whole", CLIP)
    passed_on = fetch(singer, resource_type=CLIP)["data"]["resources"][0]["share_token"]
    assert redeem(enter(world, "阿兰", ROOM), passed_on)["code"] == 0
    assert refusal(redeem(payer, passed_on)) == (USED_UP, "share_token")


def test_a_token_from_a_room_is_good_in_that_room(world: World, payer: Member) -> None:
    token = token_of(payer)
    assert refusal(redeem(enter(world, "阿明", OTHER_ROOM), token)) == (NOT_IN_ROOM, "room_id")
    assert redeem(enter(world, "阿明", ROOM, OTHER_ROOM), token)["code"] == 0


def test_a_token_from_no_room_is_good_for_any_user_of_the_app_once(world: World) -> None:
    token = token_of(enter(world, "茉莉"))
    guest = enter(world, "阿明")
    assert redeem(guest, token)["code"] == 0
    assert refusal(redeem(guest, token)) == (USED_UP, "share_token")
    assert refusal(fetch(enter(world, "阿兰", ROOM))) == (NOTHING_SHARED, "song_id")
    assert world.rows("shares") == []


def test_a_share_token_is_good_for_an_hour(world: World, payer: Member) -> None:
    token = token_of(payer)
    world.wait(HOUR_MS - 1)
    assert redeem(enter(world, "阿明", ROOM), token)["code"] == 0
    world.wait(1)
    assert refusal(redeem(enter(world, "阿兰", ROOM), token)) == (TOKEN_EXPIRED, "share_token")
    assert fetch(enter(world, "阿兰", ROOM))["code"] == 0


def test_a_share_token_ends_with_what_it_shares(world: World, payer: Member) -> None:
    world.wait(DAY_MS - MINUTE_MS)
    token = token_of(payer)
    world.wait(MINUTE_MS)
    assert refusal(redeem(enter(world, "阿明", ROOM), token)) == (TOKEN_EXPIRED, "share_token")


def test_no_token_is_an_empty_one(still_world: World) -> None:
    member = still_world.member()
    assert refusal(redeem(member, "")) == (TOKEN_EMPTY, "share_token")
    assert refusal(member.call("get_music_by_token")) == (TOKEN_EMPTY, "share_token")
    assert refusal(redeem(member, "x" * 4097)) == (ILLEGAL, "share_token")


def test_what_is_no_share_token_of_this_app_is_malformed(world: World, payer: Member, singer: Member) -> None:
    data = payer.granted("whole", ACCOMPANIMENT)
    token, krc_token = data["share_token"], data["krc_token"]
    head, claims, signature = token.split(".")
    stranger = enter(world, "阿明", ROOM, app=world.add_app(777))
    for text in ("x", "..", krc_token, f"{head}.{claims}.", f"{head}.{claims}x.{signature}", f"{head}x.{claims}"):
        assert refusal(redeem(singer, text)) == (TOKEN_MALFORMED, "share_token"), text
    assert refusal(redeem(stranger, token)) == (TOKEN_MALFORMED, "share_token")
    krc = singer.call("get_krc_lyric_by_token", krc_token=token)
    assert refusal(krc) == (KRC_MALFORMED, "krc_token")


@pytest.mark.parametrize("skew_ms", [-11 * MINUTE_MS, 11 * MINUTE_MS])
def test_a_node_whose_clock_is_off_takes_the_tokens_of_the_others(
    world: World, payer: Member, singer: Member, skew_ms: int
) -> None:
    data = payer.granted("whole", ACCOMPANIMENT)
    world.wait(skew_ms)
    assert redeem(singer, data["share_token"])["code"] == 0
    assert "lines" in singer.call("get_krc_lyric_by_token", krc_token=data["krc_token"])


def test_tokens_outlive_the_key_they_were_made_with_while_it_is_in_the_ring(
    world: World, payer: Member, singer: Member
) -> None:
    data = payer.granted("whole", ACCOMPANIMENT)
    old, new = world.centre.keys, bytes(range(32))
    rotated = KeyRing(active=key_id(new), keys={**old.keys, key_id(new): new}, random_bytes=old.random_bytes)
    world.centre = replace(world.centre, keys=rotated)
    assert redeem(singer, data["share_token"])["code"] == 0
    assert "lines" in singer.call("get_krc_lyric_by_token", krc_token=data["krc_token"])
    assert redeem(singer, token_of(payer))["code"] == 0
    world.centre = replace(world.centre, keys=replace(rotated, keys={key_id(new): new}))
    assert refusal(redeem(singer, data["share_token"])) == (TOKEN_MALFORMED, "share_token")
    retired = singer.call("get_krc_lyric_by_token", krc_token=data["krc_token"])
    assert refusal(retired) == (KRC_MALFORMED, "krc_token")


def test_a_krc_token_is_good_for_twelve_hours(world: World, payer: Member, singer: Member) -> None:
    payer.granted("whole", ACCOMPANIMENT)
    krc_token = fetch(singer)["data"]["krc_token"]
    world.wait(12 * HOUR_MS - 1)
    assert "lines" in singer.call("get_krc_lyric_by_token", krc_token=krc_token)
    world.wait(1)
    assert refusal(singer.call("get_krc_lyric_by_token", krc_token=krc_token)) == (KRC_EXPIRED, "krc_token")


# Against a model: whatever happens in whichever order.

USERS, ROOMS = ("茉莉", "阿明", "阿兰"), (ROOM, OTHER_ROOM)


@dataclass
class Sharing:
    """A share as the model knows it."""

    room: str
    resource_type: int
    payer: str
    until_ms: int
    token: str
    token_until_ms: int
    fetched: set[str] = field(default_factory=set)

    def code_for(self, user: str, at_ms: int, *, lapsed: int) -> int:
        if self.until_ms <= at_ms:
            return lapsed
        return USED_UP if user == self.payer or user in self.fetched else 0


@dataclass
class Guest:
    """A session as the model knows it."""

    user: str
    member: Member
    rooms: set[str]
    until_ms: int


class RoomModel(RuleBasedStateMachine):
    """Sessions come and go, join, leave, pay and fetch; every answer is the one that the model foretells."""

    world: World
    app_numbers = iter(range(50_000, 90_000))

    @initialize()
    def open(self) -> None:
        self.app = self.world.add_app(next(self.app_numbers))
        self.guests: list[Guest] = []
        self.shares: list[Sharing] = []
        self.on_offer: dict[tuple[str, int], Sharing] = {}

    @property
    def at_ms(self) -> int:
        return self.world.now_us // 1_000

    @rule(user=st.sampled_from(USERS), rooms=st.sets(st.sampled_from(ROOMS)))
    def begin(self, user: str, rooms: set[str]) -> None:
        member = enter(self.world, user, *rooms, app=self.app)
        self.guests.append(Guest(user, member, set(rooms), self.at_ms + DAY_MS))

    @precondition(lambda self: self.guests)
    @rule(data=st.data(), room=st.sampled_from(ROOMS), joins=st.booleans())
    def move(self, data: st.DataObject, room: str, *, joins: bool) -> None:
        guest = data.draw(st.sampled_from(self.guests))
        code = guest.member.call("join_room" if joins else "leave_room", room_id=room)["code"]
        assert code == (0 if self.at_ms < guest.until_ms else ENDED)
        (guest.rooms.add if joins else guest.rooms.discard)(room)

    @precondition(lambda self: self.guests)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        guest = data.draw(st.sampled_from(self.guests))
        guest.member.call("destroy")
        guest.until_ms = min(guest.until_ms, self.at_ms)

    @precondition(lambda self: self.guests)
    @rule(data=st.data(), named=st.sampled_from(("", *ROOMS)), resource_type=st.sampled_from((SONG, CLIP)))
    def pay(self, data: st.DataObject, named: str, resource_type: int) -> None:
        guest = data.draw(st.sampled_from(self.guests))
        answer = guest.member.request("whole", resource_type, room_id=named)
        if guest.until_ms <= self.at_ms:
            assert answer["code"] == ENDED
            return
        assert answer["code"] == 0
        share = Sharing(
            room=named or (next(iter(guest.rooms)) if len(guest.rooms) == 1 else ""),
            resource_type=resource_type,
            payer=guest.user,
            until_ms=guest.until_ms,
            token=answer["data"]["resources"][0]["share_token"],
            token_until_ms=self.at_ms + HOUR_MS,
        )
        self.shares.append(share)
        if share.room:
            self.on_offer[share.room, resource_type] = share

    @precondition(lambda self: self.guests)
    @rule(data=st.data(), named=st.sampled_from(("", *ROOMS)), resource_type=st.sampled_from((SONG, CLIP)))
    def have_shared(self, data: st.DataObject, named: str, resource_type: int) -> None:
        guest = data.draw(st.sampled_from(self.guests))
        share, code = self._foretell(guest, named, resource_type)
        assert fetch(guest.member, resource_type=resource_type, room_id=named)["code"] == code
        if share is not None and code == 0:
            share.fetched.add(guest.user)

    def _foretell(self, guest: Guest, named: str, resource_type: int) -> tuple[Sharing | None, int]:
        if guest.until_ms <= self.at_ms:
            return None, ENDED
        if named not in guest.rooms and (named or not guest.rooms):
            return None, NOT_IN_ROOM
        if not named and len(guest.rooms) > 1:
            return None, ILLEGAL
        share = self.on_offer.get((named or next(iter(guest.rooms)), resource_type))
        if share is None:
            return None, NOTHING_SHARED
        return share, share.code_for(guest.user, self.at_ms, lapsed=NOTHING_SHARED)

    @precondition(lambda self: self.guests and self.shares)
    @rule(data=st.data())
    def have_by_token(self, data: st.DataObject) -> None:
        guest, share = data.draw(st.sampled_from(self.guests)), data.draw(st.sampled_from(self.shares))
        if guest.until_ms <= self.at_ms:
            code = ENDED
        elif min(share.token_until_ms, share.until_ms) <= self.at_ms:
            code = TOKEN_EXPIRED
        elif share.room and share.room not in guest.rooms:
            code = NOT_IN_ROOM
        else:
            code = share.code_for(guest.user, self.at_ms, lapsed=TOKEN_EXPIRED)
        assert redeem(guest.member, share.token)["code"] == code
        if code == 0:
            share.fetched.add(guest.user)

    @rule(wait_ms=st.sampled_from((SECOND_MS, HOUR_MS, 12 * HOUR_MS)))
    def wait(self, wait_ms: int) -> None:
        self.world.wait(wait_ms)

    def teardown(self) -> None:
        """One payment a share, and one free grant for each who fetched it."""
        mine = [row for row in self.world.rows("grants") if row["app_id"] == self.app.app_id]
        assert len([row for row in mine if row["shared_from"] is None]) == len(self.shares)
        free = [(row["shared_from"], row["user_id"]) for row in mine if row["shared_from"] is not None]
        assert len(free) == len(set(free)) == sum(len(share.fetched) for share in self.shares)
        charged = {row["grant_id"] for row in self.world.rows("charges")}
        assert {row["grant_id"] for row in mine} & charged == {
            row["grant_id"] for row in mine if row["shared_from"] is None
        }


def test_rooms_do_as_their_model_does(world: World) -> None:
    RoomModel.world = world
    run_state_machine_as_test(
        RoomModel,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
