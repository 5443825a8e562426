"""`request_resource` and what a room shares of it: for each type and vendor, who gets it, and with which fields; and in
which order both refuse.
"""

from typing import Any

import pytest
from tests.wire_contract.conftest import Asker
from tests.wire_contract.contract import VENDORS, check, contract, is_in_order

from yuefu.wire.vendor import ResourceType, documented_profiles

RESULTS: dict[str, dict[str, Any]] = contract()["request_resource"]["results"]
SHARED: dict[str, dict[str, Any]] = RESULTS | contract()["get_shared_resource"]["results"]
VENDOR_INVALID, VENDOR_UNSUPPORTED = 1017071, 1017053


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


CASES = [
    (name, vendor) for name, result in RESULTS.items() for vendor in VENDORS if vendor in result["qualities"]["normal"]
]


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
