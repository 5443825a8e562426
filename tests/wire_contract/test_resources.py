"""`request_resource` and what a room shares of it: for each type and vendor, who gets it, and with which fields; and in
which order both refuse.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.server.conftest import BOTH, FOREVER, HIGHLIGHT, open_world
from tests.wire_contract.conftest import Asker
from tests.wire_contract.contract import VENDORS, check, contract, is_in_order

from yuefu.catalogue.song import Part, PartKind, PublishedSong, Quality
from yuefu.ids import VendorId
from yuefu.rights.deal import Deal, TermSheet
from yuefu.units import DAY_MS
from yuefu.wire.vendor import ResourceType, documented_profiles

RESULTS: dict[str, dict[str, Any]] = contract()["request_resource"]["results"]
SHARED: dict[str, dict[str, Any]] = RESULTS | contract()["get_shared_resource"]["results"]
CASES = [
    (name, vendor) for name, result in RESULTS.items() for vendor in VENDORS if vendor in result["qualities"]["normal"]
]
VENDOR_INVALID, VENDOR_UNSUPPORTED, RESOURCE_MISSING = 1017071, 1017053, 1017034


def request(asker: Asker, vendor: int, *, app: str = "all", **body: Any) -> Any:
    asker.world.wait(20)
    song_id = asker.song_id("whole", vendor if vendor in VENDORS else 1)
    return asker.member(app).call("request_resource", **({"song_id": song_id, "vendor_id": vendor} | body))


@pytest.mark.parametrize("vendor", [0, 1, 2, 4, 3, 99])
@pytest.mark.parametrize("name", RESULTS)
def test_a_resource_has_exactly_the_fields_of_its_type_and_vendor(asker: Asker, name: str, vendor: int) -> None:
    result = RESULTS[name]
    answer = request(asker, vendor, resource_type=result["type"])
    if vendor not in contract()["vendors"]:
        assert answer["code"] == VENDOR_INVALID
    elif (vendor or 1) not in result["qualities"]["normal"]:
        assert answer["code"] == VENDOR_UNSUPPORTED
    else:
        assert answer["code"] == 0
        assert answer["data"]["resources_size"] == len(answer["data"]["resources"]) == 1
        check(answer["data"], result["data"], vendor=vendor or 1)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("name", RESULTS)
def test_the_qualities_of_a_vendor_are_those_of_its_profile(name: str, vendor: int) -> None:
    expected = [quality for quality, vendors in RESULTS[name]["qualities"].items() if vendor in vendors]
    profile = documented_profiles()[vendor]
    assert list(profile.qualities_of(ResourceType(RESULTS[name]["type"]))) == expected


# In which qualities.

AUDIO = (
    PartKind.ORIGINAL,
    PartKind.ACCOMPANIMENT,
    PartKind.ACCOMPANIMENT_ALONE,
    PartKind.CLIP,
    PartKind.SEGMENT,
)
HELD = {"all": ("normal", "hq", "sq"), "normal": ("normal",), "fine": ("hq", "sq")}
BODIES: dict[str, dict[str, Any]] = {
    "the type beside the config": {},
    "the type in the config": {"mode": 0, "room_id": "", "master_id": "", "scene_id": 0},
}
"""Both documented ways of asking come to one body; what is left out of it says the same as what says nothing."""


@pytest.fixture(scope="module")
def finer(
    contract_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    song_maker: Callable[..., PublishedSong],
    part_maker: Callable[..., Part],
) -> Iterator[Asker]:
    """Beside the samples, songs that have all their audio in some qualities, whether their vendor delivers them or
    not.
    """
    with open_world(contract_folder, tmp_path_factory.mktemp("finer")) as world:

        def job(transaction: Any) -> None:
            for vendor in VENDORS:
                for name, qualities in HELD.items():
                    parts = tuple(
                        msgspec.structs.replace(
                            part_maker(kind, f"{kind} in {quality}".encode(), track_count=2), quality=Quality(quality)
                        )
                        for kind in AUDIO
                        for quality in qualities
                    )
                    key = f"in {name} of {vendor}"
                    song = song_maker(key, vendor_id=VendorId(vendor), parts=parts, highlight=HIGHLIGHT)
                    world.songs[key] = transaction.publish(song, at_ms=1).song_id
                    sheet = TermSheet(terms=(FOREVER,))
                    transaction.record_deal(Deal(song_id=world.songs[key], chains=BOTH, sheet=sheet), at_ms=1)

        world.centre.work.run(job)
        yield Asker(world)


def part_of(name: str, vendor: int) -> PartKind:
    """Which part answers a request of that type."""
    kinds = {
        "song": PartKind.ORIGINAL,
        "accompaniment": PartKind.ACCOMPANIMENT,
        "accompaniment_clip": PartKind.CLIP,
        "accompaniment_segment": PartKind.SEGMENT if documented_profiles()[vendor].segment_file else PartKind.CLIP,
    }
    return kinds[name]


@pytest.mark.parametrize(("held", "form"), [*zip(HELD, 2 * tuple(BODIES), strict=False), ("all", tuple(BODIES)[1])])
@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("name", RESULTS)
def test_an_answer_lists_the_qualities_that_the_song_has_and_its_vendor_delivers(
    finer: Asker, name: str, vendor: int, held: str, form: str
) -> None:
    finer.world.wait(20)
    body = {"vendor_id": vendor, "resource_type": RESULTS[name]["type"]} | BODIES[form]
    answer = finer.member().request(f"in {held} of {vendor}", **body)
    delivered = [quality for quality, vendors in RESULTS[name]["qualities"].items() if vendor in vendors]
    expected = [quality for quality in delivered if quality in HELD[held]]
    if not delivered:
        assert answer["code"] == VENDOR_UNSUPPORTED
        return
    if not expected:
        assert answer["code"] == RESOURCE_MISSING
        return
    assert answer["code"] == 0
    data = answer["data"]
    check(data, RESULTS[name]["data"], vendor=vendor)
    resources = data["resources"]
    assert data["resources_size"] == len(resources)
    assert [resource["quality"] for resource in resources] == expected
    assert len({resource["resource_id"] for resource in resources}) == len(resources)
    kind = part_of(name, vendor)
    assert [each["size"] for each in resources] == [len(f"{kind} in {quality}") for quality in expected]
    assert all(0 < each["resource_ttl"] <= DAY_MS for each in resources)


@pytest.mark.parametrize(("name", "vendor"), CASES)
def test_all_qualities_are_shared_at_once(finer: Asker, name: str, vendor: int) -> None:
    room, song = f"{name} of {vendor}", f"in all of {vendor}"
    body = {"vendor_id": vendor, "room_id": room, "resource_type": RESULTS[name]["type"]}
    payer, singer = finer.member(user_id="房主"), finer.member(user_id="客人")
    for member in (payer, singer):
        assert member.call("join_room", room_id=room)["code"] == 0
    paid = payer.granted(song, **body)
    fetched = singer.call("get_shared_resource", song_id=str(finer.world.songs[song]), **body)
    check(fetched["data"], SHARED[name]["data"], vendor=vendor)
    told = [
        [(each["resource_id"], each["size"], each["quality"]) for each in data["resources"]]
        for data in (paid, fetched["data"])
    ]
    assert told[0] == told[1]


def test_a_refusal_is_the_first_of_its_order(asker: Asker) -> None:
    """Everything is wrong at once; each step puts one more thing right (decision G34)."""
    body: dict[str, Any] = {
        "song_id": "",
        "mode": 3,
        "vendor_id": 3,
        "scene_id": 9,
        "resource_type": 1,
    }
    steps: list[tuple[dict[str, Any], int]] = [
        ({"song_id": "1"}, 1017002),
        ({"master_id": "房主"}, 1017073),
        ({"room_id": "包厢"}, 1017040),
        ({"vendor_id": 1}, 1017071),
        ({"scene_id": 1}, 1017076),
        ({"mode": 0}, 1017042),
        ({"song_id": asker.song_id("unlicensed", 1)}, 1017072),
        ({"song_id": asker.song_id("played only", 1)}, 1017030),
        ({"song_id": asker.song_id("bare", 1)}, 1017031),
        ({"song_id": asker.song_id("whole", 1)}, 1017033),
        ({}, 0),
    ]
    assert is_in_order([code for _, code in steps if code], "request_resource")
    for right, code in steps:
        answer = asker.member().call("request_resource", **body)
        assert answer["code"] == code, (body, answer)
        body |= right


def test_without_a_session_nothing_else_is_looked_at(asker: Asker) -> None:
    assert asker.world.post("request_resource", {"song_id": ""}, "nobody")["code"] == 1017096


# What a room shares.


def share(asker: Asker, room: str, vendor: int, resource_type: int) -> tuple[Any, str]:
    """A resource is paid for in a room: another member of it, and the share token."""
    payer, singer = asker.member(user_id="房主"), asker.member(user_id="客人")
    for member in (payer, singer):
        assert member.call("join_room", room_id=room)["code"] == 0
    body = {"song_id": asker.song_id("whole", vendor), "vendor_id": vendor, "room_id": room}
    answer = payer.call("request_resource", resource_type=resource_type, **body)
    assert answer["code"] == 0, answer
    return singer, answer["data"]["resources"][0]["share_token"]


@pytest.mark.parametrize(("name", "vendor"), CASES)
def test_what_is_shared_has_exactly_the_fields_of_its_type_and_vendor(asker: Asker, name: str, vendor: int) -> None:
    room, resource_type = f"{name} of {vendor}", RESULTS[name]["type"]
    singer, _ = share(asker, room, vendor, resource_type)
    song_id = asker.song_id("whole", vendor)
    answer = singer.call(
        "get_shared_resource", song_id=song_id, vendor_id=vendor, room_id=room, resource_type=resource_type
    )
    assert answer["code"] == 0, answer
    assert answer["data"]["resources_size"] == len(answer["data"]["resources"]) == 1
    check(answer["data"], SHARED[name]["data"], vendor=vendor)


@pytest.mark.parametrize(("name", "vendor"), CASES)
def test_what_a_share_token_brings_has_the_same_fields(asker: Asker, name: str, vendor: int) -> None:
    singer, token = share(asker, f"token for {name} of {vendor}", vendor, RESULTS[name]["type"])
    answer = singer.call("get_music_by_token", share_token=token)
    assert answer["code"] == 0, answer
    check(answer["data"], SHARED[name]["data"], vendor=vendor)


def test_a_refusal_of_a_fetch_is_the_first_of_its_order(own_asker: Asker) -> None:
    """Everything is wrong at once; each step puts one more thing right."""
    asker, room, segment = own_asker, "包厢", 3
    singer, _ = share(asker, room, 1, segment)
    payer = asker.member(user_id="房主")
    whole = asker.song_id("whole", 1)
    body: dict[str, Any] = {"song_id": "", "vendor_id": 3, "resource_type": 2, "room_id": "另一间"}
    steps: list[tuple[dict[str, Any], int]] = [
        ({"song_id": "1"}, 1017002),
        ({"room_id": room}, 1017054),
        ({"vendor_id": 4}, 1017071),
        ({"vendor_id": 1}, 1017053),
        ({"song_id": whole}, 1017072),
        ({"resource_type": segment}, 1017050),
        ({}, 0),
        ({}, 1017051),
    ]
    assert is_in_order([code for _, code in steps if code], "get_shared_resource")
    for right, code in steps:
        answer = singer.call("get_shared_resource", **body)
        assert answer["code"] == code, (body, answer)
        body |= right
    assert payer.call("get_shared_resource", **body)["code"] == 1017051
