"""`request_resource`: the documented answers for each vendor, the order of the checks, and one charge a grant."""

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import msgspec
import pytest

from yuefu.access.session import SESSION_LIFE_MS
from yuefu.catalogue.song import PartKind
from yuefu.ids import VendorId
from yuefu.rights.deal import Chain, Terms
from yuefu.storage.sqlite.database import StorageFailed
from yuefu.units import DAY_MS, HOUR_MS, SECOND_MS

SONG, ACCOMPANIMENT, CLIP, SEGMENT = range(4)
TYPES = (SONG, ACCOMPANIMENT, CLIP, SEGMENT)
NO_RIGHTS, LISTEN_ONLY, NO_ACCOMPANIMENT, MISSING = 1017030, 1017031, 1017033, 1017034

RESOURCE = {"resource_id": str, "size": int, "quality": str, "share_token": str, "resource_ttl": int}
FILES = {"resources_size": int, "resources": list}
KRC = {"krc_token": str, "krc_token_ttl": int}
IN_SONG = {"is_clip": int, "is_accompany": int, "song_id": str, "share_token_ttl": int, "token_ttl": int} | {
    "segment_begin": int,
    "segment_end": int,
    "prelude_duration": int,
}
FIELDS: dict[tuple[int, int], dict[str, type]] = {
    (1, SONG): {"is_accompany": int, "song_name": str, "singer_name": str, "song_id": str, "duration": int}
    | {"token_ttl": int}
    | FILES,
    (1, ACCOMPANIMENT): {"has_original": int, "is_accompany": int, "song_id": str, "share_token": str}
    | {"duration": int, "token_ttl": int}
    | KRC
    | FILES,
    (1, CLIP): IN_SONG | KRC | FILES,
    (1, SEGMENT): IN_SONG | KRC | FILES | {"other_segments": list},
    (2, SEGMENT): IN_SONG | KRC | FILES,
}
FIELDS[2, SONG] = FIELDS[1, SONG]
FIELDS[2, ACCOMPANIMENT] = FIELDS[1, ACCOMPANIMENT]
SONG_OF = {1: "whole", 2: "of vendor 2"}


@pytest.mark.parametrize(("vendor", "resource_type"), FIELDS)
def test_an_answer_has_exactly_the_documented_fields(world: Any, vendor: int, resource_type: int) -> None:
    answer = world.member().request(SONG_OF[vendor], resource_type, vendor_id=vendor)
    assert answer.keys() == {"code", "message", "request_id", "data"}
    data = answer["data"]
    assert {name: type(value) for name, value in data.items()} == FIELDS[vendor, resource_type]
    assert data["resources_size"] == len(data["resources"]) == 1
    for resource in data["resources"]:
        assert {name: type(value) for name, value in resource.items()} == RESOURCE
    for segment in data.get("other_segments", []):
        assert {name: type(value) for name, value in segment.items()} == {"begin": int, "end": int}


def test_a_song_is_described(world: Any) -> None:
    data = world.member().granted(resource_type=SONG)
    assert {name: data[name] for name in data.keys() - {"resources"}} == {
        "is_accompany": 0,
        "song_name": "whole",
        "singer_name": "甲/乙",
        "song_id": world.ids("whole")[0],
        "duration": 200_000,
        "token_ttl": HOUR_MS,
        "resources_size": 1,
    }
    assert (data["resources"][0]["size"], data["resources"][0]["quality"]) == (len(b"the original recording"), "normal")


def test_an_accompaniment_is_described(world: Any) -> None:
    data = world.member().granted(resource_type=ACCOMPANIMENT)
    assert (data["is_accompany"], data["has_original"], data["duration"]) == (1, 1, 199_500)
    assert (data["token_ttl"], data["krc_token_ttl"]) == (HOUR_MS, 12 * HOUR_MS)


def test_a_clip_says_where_it_is_in_the_song(world: Any) -> None:
    data = world.member().granted(resource_type=CLIP)
    assert (data["is_clip"], data["is_accompany"]) == (1, 0)
    assert (data["segment_begin"], data["segment_end"], data["prelude_duration"]) == (60_000, 100_000, 5_000)
    assert (data["share_token_ttl"], data["token_ttl"], data["krc_token_ttl"]) == (HOUR_MS, HOUR_MS, 12 * HOUR_MS)


def test_a_segment_of_vendor_1_is_found_inside_the_clip(world: Any) -> None:
    member = world.member()
    data = member.granted(resource_type=SEGMENT)
    assert (data["segment_begin"], data["segment_end"], data["prelude_duration"]) == (60_000, 100_000, 5_000)
    assert data["other_segments"] == [{"begin": 10_000, "end": 30_000}]
    assert data["resources"][0]["resource_id"] == member.resource_id(resource_type=CLIP)


def test_a_segment_of_vendor_2_is_a_file_of_its_own(world: Any) -> None:
    data = world.member().granted("of vendor 2", SEGMENT, vendor_id=2)
    assert (data["segment_begin"], data["segment_end"], data["prelude_duration"]) == (70_000, 90_000, 0)
    assert data["resources"][0]["size"] == len(b"the short segment")


def test_without_the_recording_right_the_backing_comes_alone(world: Any) -> None:
    data = world.member().granted("sung only", ACCOMPANIMENT)
    assert (data["has_original"], data["resources"][0]["size"]) == (0, len(b"the backing alone"))


def test_a_backing_of_one_track_has_no_original(world: Any) -> None:
    assert world.member().granted("backing only", ACCOMPANIMENT)["has_original"] == 0


@pytest.mark.parametrize(
    ("song", "resource_type", "code"),
    [
        *(("whole", resource_type, 0) for resource_type in TYPES),
        ("sung only", SONG, NO_RIGHTS),
        *(("sung only", resource_type, 0) for resource_type in TYPES[1:]),
        ("played only", SONG, 0),
        *(("played only", resource_type, LISTEN_ONLY) for resource_type in TYPES[1:]),
        *(("nothing allowed", resource_type, NO_RIGHTS) for resource_type in TYPES),
        *(("ended", resource_type, NO_RIGHTS) for resource_type in TYPES),
        *(("coming", resource_type, NO_RIGHTS) for resource_type in TYPES),
        *(("bare and nothing allowed", resource_type, NO_RIGHTS) for resource_type in TYPES),
        ("mix only", SONG, 0),
        *(("mix only", resource_type, NO_ACCOMPANIMENT) for resource_type in TYPES[1:]),
        ("backing only", SONG, MISSING),
        ("backing only", ACCOMPANIMENT, 0),
        ("backing only", CLIP, MISSING),
        ("no highlight", SEGMENT, MISSING),
    ],
)
def test_what_is_granted_follows_the_rights_and_the_parts(world: Any, song: str, resource_type: int, code: int) -> None:
    answer = world.member().request(song, resource_type)
    assert answer["code"] == code, answer
    assert ("data" in answer) == (code == 0)
    assert len(world.rows("charges")) == (code == 0)


def test_a_refusal_for_want_of_rights_says_which_and_why(world: Any) -> None:
    member = world.member()
    assert "may not be played (the deal has ended)" in member.request("ended", SONG)["message"]
    assert "may not be sung (the deal has not begun)" in member.request("coming", CLIP)["message"]


# Numbers that are refused.


@pytest.mark.parametrize("resource_type", [-1, 4, 2**40, 10**30])
def test_an_unknown_resource_type_is_named(world: Any, resource_type: int) -> None:
    answer = world.member().request(resource_type=resource_type)
    assert (answer["code"], answer["message"].partition(":")[0]) == (1017040, "resource_type")


@pytest.mark.parametrize(
    ("body", "code", "name"),
    [
        ({"song_id": ""}, 1017002, "song_id"),
        ({"song_id": "1"}, 1017072, "song_id"),
        ({"song_id": "abc"}, 1017072, "song_id"),
        ({"song_id": "0100000001"}, 1017072, "song_id"),
        ({"song_id": "9" * 200}, 1017072, "song_id"),
        ({"song_id": "x" * 257}, 1017040, "song_id"),
        ({"song_id": 100000001}, 1017040, "song_id"),
        ({"song_id": None}, 1017040, "song_id"),
        ({"vendor_id": 3}, 1017071, "vendor_id"),
        ({"vendor_id": 99}, 1017071, "vendor_id"),
        ({"vendor_id": -1}, 1017071, "vendor_id"),
        ({"vendor_id": 10**30}, 1017071, "vendor_id"),
        ({"vendor_id": "1"}, 1017040, "vendor_id"),
        ({"vendor_id": 4}, 1017052, "vendor_id"),
        ({"vendor_id": 4, "resource_type": CLIP}, 1017053, "vendor_id"),
        ({"vendor_id": 2, "resource_type": CLIP}, 1017053, "vendor_id"),
        ({"vendor_id": 2}, 1017072, "song_id"),
        ({"scene_id": 5}, 1017076, "scene_id"),
        ({"scene_id": -1}, 1017076, "scene_id"),
        ({"scene_id": 10**30}, 1017076, "scene_id"),
        ({"scene_id": []}, 1017040, "scene_id"),
        ({"mode": 1}, 1017042, "mode"),
        ({"mode": 4}, 1017042, "mode"),
        ({"mode": -1}, 1017042, "mode"),
        ({"mode": 10**30}, 1017042, "mode"),
        ({"mode": {}}, 1017040, "mode"),
        ({"mode": 3}, 1017073, "master_id"),
        ({"mode": 3, "room_id": "包厢"}, 1017073, "master_id"),
        ({"mode": 3, "master_id": "主人"}, 1017040, "room_id"),
        ({"mode": 2}, 1017040, "room_id"),
        ({"room_id": "r" * 257}, 1017040, "room_id"),
        ({"master_id": 7}, 1017040, "master_id"),
    ],
    ids=str,
)
def test_a_wrong_field_has_its_own_code_and_is_named(world: Any, body: dict[str, Any], code: int, name: str) -> None:
    answer = world.member().request(**body)
    assert (answer["code"], answer["message"].partition(":")[0]) == (code, name)
    assert world.rows("charges") == []


@pytest.mark.parametrize("vendor", [0, 1])
def test_vendor_0_is_the_apps_default(world: Any, vendor: int) -> None:
    assert world.member().request(vendor_id=vendor)["code"] == 0


def test_vendor_0_follows_the_rules_of_the_vendor_it_stands_for(world: Any) -> None:
    app = world.add_app(99, default_vendor=VendorId(2))
    member = world.member(app)
    assert "other_segments" not in member.granted("of vendor 2", SEGMENT, vendor_id=0)
    assert member.request("whole", SEGMENT, vendor_id=0)["code"] == 1017072


@pytest.mark.parametrize("scene", range(5))
def test_a_granted_scene_and_scene_0_pass(world: Any, scene: int) -> None:
    assert world.member().request(scene_id=scene)["code"] == 0
    assert world.rows("grants")[0]["scene_id"] == scene


def test_a_scene_that_was_not_granted_is_refused(world: Any) -> None:
    member = world.member(world.add_app(99, scenes=frozenset({2})))
    assert [member.request(scene_id=scene)["code"] for scene in range(5)] == [0, 1017076, 0, 1017076, 1017076]


@pytest.mark.parametrize(
    ("mode", "body"),
    [(0, {}), (1, {}), (2, {"room_id": "包厢"}), (3, {"room_id": "包厢", "master_id": "主人"})],
)
def test_a_granted_billing_mode_with_what_it_needs_passes(world: Any, mode: int, body: dict[str, str]) -> None:
    member = world.member(world.add_app(99, billing_modes=frozenset({mode})))
    assert member.request(mode=mode, **body)["code"] == 0
    (grant,), (charge,) = world.rows("grants"), world.rows("charges")
    assert grant["billing_mode"] == charge["billing_mode"] == mode
    assert grant["room_id"] == body.get("room_id", "")


def test_a_session_for_one_room_asks_for_no_other(world: Any) -> None:
    token = world.login_token(rooms=("包厢",))
    member = world.member()
    member.session = world.init(token=token)["data"]["session"]
    assert [member.request(room_id=room)["code"] for room in ("包厢", "", "另一间")] == [0, 0, 1017040]


# The order of the checks (decision G34): of two faults the earlier one is told.


@dataclass(frozen=True)
class Fault:
    """Something wrong with a request: its body, its app, its session or its song."""

    name: str
    code: int
    body: dict[str, Any] = field(default_factory=dict)
    app: dict[str, Any] = field(default_factory=dict)
    song: str = ""
    session: str = ""

    def __str__(self) -> str:
        return self.name


FAULTS = [
    Fault("session", 1017096, session="nonsense"),
    Fault("song missing", 1017002, {"song_id": ""}),
    Fault("host missing", 1017073, {"mode": 3, "master_id": ""}),
    Fault("room missing", 1017040, {"mode": 3, "room_id": ""}),
    Fault("no such vendor", 1017071, {"vendor_id": 3}),
    Fault("vendor never supports", 1017053, {"vendor_id": 4, "resource_type": CLIP}),
    Fault("vendor not granted", 1017052, app={"vendors": frozenset({2})}),
    Fault("scene", 1017076, {"scene_id": 9}),
    Fault("mode not granted", 1017042, app={"billing_modes": frozenset({0})}),
    Fault("no such mode", 1017042, {"mode": 9}),
    Fault("no such song", 1017072, song="of vendor 2"),
    Fault("no rights", NO_RIGHTS, song="bare and nothing allowed"),
    Fault("no accompaniment", NO_ACCOMPANIMENT, song="mix only"),
]


def can_meet(one: Fault, other: Fault) -> bool:
    """Whether one request can have both: they want nothing different of the same field."""
    agree = (one.body | other.body).items() >= one.body.items()
    return agree and not (one.app.keys() & other.app.keys()) and not (one.song and other.song)


PAIRS = [(one, other) for one, other in combinations(FAULTS, 2) if can_meet(one, other)]


@pytest.mark.parametrize(("earlier", "later"), [(fault, fault) for fault in FAULTS] + PAIRS, ids=str)
def test_of_two_faults_the_earlier_is_told(world: Any, earlier: Fault, later: Fault) -> None:
    app = world.add_app(99, **{"billing_modes": frozenset({0, 1, 2, 3})} | earlier.app | later.app)
    member = world.member(app)
    member.session = earlier.session or member.session
    body = {"mode": 3, "master_id": "主人", "room_id": "包厢", "vendor_id": 1, "resource_type": ACCOMPANIMENT}
    song = earlier.song or later.song or "whole"
    answer = member.request(song, **body | earlier.body | later.body)
    assert answer["code"] == earlier.code, answer
    assert world.rows("charges") == []


# Grants and charges.


def test_every_request_that_passes_is_granted_and_charged_once(world: Any) -> None:
    member = world.member()
    for resource_type in TYPES * 2:
        member.granted(resource_type=resource_type)
        world.wait(SECOND_MS)
    grants, charges = world.rows("grants"), world.rows("charges")
    assert [charge["grant_id"] for charge in charges] == [grant["grant_id"] for grant in grants]
    assert [grant["resource_type"] for grant in grants] == [*TYPES, *TYPES]
    assert [charge["charged_at_ms"] for charge in charges] == [grant["granted_at_ms"] for grant in grants]
    assert {(charge["app_id"], charge["vendor_id"], charge["billing_mode"]) for charge in charges} == {(12345, 1, 0)}


def test_a_grant_remembers_the_rights_it_rests_on(world: Any) -> None:
    member = world.member()
    member.granted()
    world.record_deal("whole", Chain.RECORDING, terms=(Terms(channel=1),))
    member.granted()
    assert [grant["rights_revision"] for grant in world.rows("grants")] == [1, 2]


def test_the_permission_counts_down_from_a_day_and_ends_with_the_session(world: Any) -> None:
    member = world.member()
    assert member.granted()["resources"][0]["resource_ttl"] == DAY_MS == SESSION_LIFE_MS
    world.wait(HOUR_MS)
    assert member.granted()["resources"][0]["resource_ttl"] == DAY_MS - HOUR_MS


def test_rights_that_go_between_the_question_and_the_grant_are_not_granted(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = world.member()
    work = world.centre.work
    perform = type(work).perform

    async def withdraw_first(self: Any, job: Any) -> Any:
        monkeypatch.undo()
        world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=())
        return await perform(self, job)

    monkeypatch.setattr(type(work), "perform", withdraw_first)
    assert member.request()["code"] == NO_RIGHTS
    assert (world.rows("grants"), world.rows("charges")) == ([], [])


def test_a_song_that_goes_between_the_question_and_the_grant_is_not_granted(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = world.member()
    perform = type(world.centre.work).perform

    async def remove_first(self: Any, job: Any) -> Any:
        monkeypatch.undo()
        world.remove("whole")
        return await perform(self, job)

    monkeypatch.setattr(type(world.centre.work), "perform", remove_first)
    assert member.request()["code"] == 1017072
    assert (world.rows("grants"), world.rows("charges")) == ([], [])


def test_a_commit_that_fails_gives_an_error_and_no_grant(world: Any) -> None:
    member = world.member()
    full = "PRAGMA max_page_count=1"
    world.centre.work.run(lambda transaction: transaction._connection.execute(full).fetchall())
    codes = [member.request(resource_type=resource_type)["code"] for resource_type in TYPES * 40]
    assert codes.count(0) + codes.count(1017099) == len(codes)
    assert codes[-1] == 1017099
    grants = world.rows("grants")
    assert len(grants) == len(world.rows("charges")) == codes.count(0)
    held = world.rows("granted_resources")
    assert {row["grant_id"] for row in held} <= {grant["grant_id"] for grant in grants}


def test_an_engine_that_fails_is_told_as_an_internal_error_without_its_words(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = world.member()

    async def fail(*_: Any) -> Any:
        raise StorageFailed("disk I/O error at /secret/path")

    monkeypatch.setattr(type(world.centre.work), "perform", fail)
    answer = member.request()
    assert answer["code"] == 1017099
    assert "secret" not in answer["message"]


def test_a_part_that_a_new_revision_lost_is_granted_no_more(world: Any) -> None:
    member = world.member()
    resource_id = member.resource_id(resource_type=CLIP)
    song = world.centre.songs.song(world.songs["whole"]).published
    kept = tuple(part for part in song.parts if part.kind is not PartKind.CLIP)
    thinner = msgspec.structs.replace(song, fingerprint="second", parts=kept)
    world.centre.work.run(lambda transaction: transaction.publish(thinner, at_ms=1))
    assert member.request(resource_type=CLIP)["code"] == MISSING
    assert member.download(resource_id).status_code == 404
