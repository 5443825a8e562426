"""`docs/contract.yaml` agrees with the distilled documentation of the wire, where that lies beside the repository."""

import re
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml
from tests.wire_contract.conftest import Asker
from tests.wire_contract.contract import OPERATIONS, REPOSITORY, VENDORS, contract, named, shape, snake

from yuefu.server.http.schemas import CLIENT_CALLS
from yuefu.wire import token04
from yuefu.wire.client_api import (
    GetSharedBody,
    KrcLyric,
    KrcTokenBody,
    LrcLyric,
    LrcLyricBody,
    MusicTokenBody,
    StandardPitch,
    StandardPitchBody,
)
from yuefu.wire.codes import ClientCode, Code, client_code
from yuefu.wire.operation import Operation
from yuefu.wire.operations import OPERATIONS as DECLARED
from yuefu.wire.operations import SESSION_COMMANDS
from yuefu.wire.signing import sign
from yuefu.wire.vendor import documented_profiles

FOLDER = REPOSITORY / "../shared/contract"
ACTIONS = [operation["action"] for operation in OPERATIONS]
TYPES = {
    "String": "string",
    "Number": "integer",
    "Int": "integer",
    "Array of String": "list of string",
    "Array of Number": "list of integer",
    "Array of Int": "list of integer",
}


@cache
def documented(name: str) -> Any:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the documentation is not here (../shared/contract/{name})")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def server(action: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in documented("server_api.yaml")["actions"] if row["name"] == action)
    return found


# The declarations and ours: this needs no documentation beside the repository.


def test_every_declared_operation_is_in_the_contract() -> None:
    assert [(operation.action, operation.command) for operation in DECLARED] == [
        (operation["action"], operation["command"]) for operation in OPERATIONS
    ]


@pytest.mark.parametrize("operation", DECLARED, ids=lambda operation: operation.action)
def test_a_declaration_says_what_the_contract_says(operation: Operation[Any, Any]) -> None:
    ours = named(operation.action)
    assert operation.calls_per_s == contract()["rate"]["calls_per_s"]
    assert operation.message == ours.get("message", "succeed")
    assert operation.request_id.value == ours.get("request_id", contract()["envelope"]["request_id"])
    assert operation.names_vendors == ours.get("names_vendors", False)
    assert list(operation.params.__struct_fields__) == [snake(name) for name in ours["parameters"]]
    assert list(operation.result.__struct_fields__) == [snake(name) for name in ours["result"]]


def test_every_command_of_sessions_alone_is_in_the_contract() -> None:
    assert [declared.command for declared in SESSION_COMMANDS] == list(contract()["client_only"])
    for declared in SESSION_COMMANDS:
        ours = contract()["client_only"][declared.command]
        assert set(declared.params.__struct_fields__) == set(ours["parameters"])
        assert set(declared.result.__struct_fields__) == set(ours["result"])
        assert declared.calls_per_s == contract()["rate"]["calls_per_s"]
        assert declared.needs_params == any(parameter["required"] for parameter in ours["parameters"].values())


def test_the_profiles_say_what_the_contract_says() -> None:
    for vendor, profile in documented_profiles().items():
        assert set(profile.operations) == {row["action"] for row in OPERATIONS if vendor in row["vendors"]}
        assert list(profile.charts) == contract()["enums"]["TopId"].get(vendor, [])


def test_the_codes_are_those_of_the_contract() -> None:
    ours = contract()["codes"]
    assert set(Code) == set(ours["server"])
    assert {int(code) for code in ClientCode} - {0} <= set(ours["client"])
    for code, facts in ours["server"].items():
        assert client_code(Code(code)) == facts.get("client", 0)


# Ours and the documentation.


def test_the_operations_are_the_documented_ones() -> None:
    assert {row["name"] for row in documented("server_api.yaml")["actions"]} == set(ACTIONS)
    commands = {row["command"] for row in documented("client_api.yaml")["commands"]["list"]}
    assert commands == {row["command"] for row in OPERATIONS if row["command"]} | set(contract()["client_only"])


@pytest.mark.parametrize("action", ACTIONS)
def test_an_operation_has_the_documented_vendors_rate_and_codes(action: str) -> None:
    ours, theirs = named(action), server(action)
    assert ours["vendors"] == theirs["vendors"]
    assert contract()["rate"]["calls_per_s"] == theirs["rate_limit_per_s"]
    assert set(theirs["codes"]) <= set(contract()["codes"]["server"])
    mapping = documented("server_api.yaml")["client_command_mapping"][action]
    assert mapping == ours["command"] or (ours["command"] is None and mapping.startswith("none"))


@pytest.mark.parametrize("action", ACTIONS)
def test_an_operation_has_the_documented_parameters(action: str) -> None:
    ours = named(action)["parameters"]
    theirs = {param["name"].removesuffix("[]"): param for param in server(action)["params"]}
    assert list(ours) == list(theirs)
    for name, param in theirs.items():
        assert ours[name]["type"] == TYPES[param["type"]]
        assert ours[name]["required"] == param["required"]
        for limit in ("allowed", "max_items"):
            assert ours[name].get(limit) == param.get(limit), name
        if "min" in param:
            assert ours[name]["min"] == param["min"]


@pytest.mark.parametrize("action", [action for action in ACTIONS if named(action)["command"]])
def test_a_command_has_the_documented_parameters(action: str) -> None:
    ours = named(action)
    theirs = next(row for row in documented("client_api.yaml")["commands"]["list"] if row["command"] == ours["command"])
    params = {param["name"]: param for param in theirs["params"] if param["name"] != "vendor_id"}
    assert ours["vendors"] == theirs["vendors"]
    assert [snake(name) for name in ours["parameters"]] == list(params)
    for name, param in zip(ours["parameters"].values(), params.values(), strict=True):
        assert name["type"] == TYPES[param["type"]]
        assert name["required"] == param["required"]
        assert name.get("allowed") == param.get("allowed")
        assert name.get("max_items") == param.get("max_items")


@pytest.mark.parametrize("action", ACTIONS)
def test_a_result_has_the_documented_fields(action: str) -> None:
    compare_fields(named(action)["result"], server(action)["data"])


def compare_fields(ours: dict[str, Any], theirs: list[dict[str, Any]]) -> None:
    """Names, types, units and vendors; the documentation's vendor 0 is one of the others here."""
    assert set(ours) == {field["name"] for field in theirs}
    for field in theirs:
        own = ours[field["name"]]
        kind = own["type"].removeprefix("list of ")
        inner = field.get("items") or _referred(field)
        if inner:
            compare_fields(shape(kind), inner)
        else:
            assert own["type"] == TYPES[field["type"]], field["name"]
        assert own.get("unit") == field.get("unit"), field["name"]
        _compare_vendors(own, field)


def _referred(field: dict[str, Any]) -> list[dict[str, Any]]:
    types: dict[str, list[dict[str, Any]]] = documented("server_api.yaml")["types"]
    names = field.get("items_ref", [])
    if field["type"] == "Object":
        names = [field["of"]]
    return [*(row for name in names for row in types[name]), *field.get("extra", [])]


def _compare_vendors(own: dict[str, Any], field: dict[str, Any]) -> None:
    if field["name"] == "VendorId" or "vendors" not in field:
        assert "vendors" not in own
        return
    meant = [vendor for vendor in field["vendors"] if vendor]
    if "otherwise" in field:
        assert [vendor for vendor in VENDORS if vendor not in own["zero_for"]] == meant, field["name"]
    else:
        assert own["vendors"] == meant, field["name"]


def test_the_matrix_of_song_fields_is_the_documented_one() -> None:
    for action, matrix in documented("server_api.yaml")["types"]["song_field_matrix"].items():
        fields = shape(named(action)["result"]["Songs"]["type"].removeprefix("list of "))
        assert {name: name in fields for name in matrix} == matrix


def test_the_enums_are_the_documented_ones() -> None:
    ours, theirs = contract()["enums"], documented("server_api.yaml")["enums"]
    assert list(map(str, ours["YesNo"])) == list(theirs["YesNo01"])
    assert list(map(str, ours["Has"])) == list(theirs["HasNot12"])
    assert list(map(str, ours["Filter"])) == list(theirs["Filter"])
    assert list(ours["BPMType"]) == list(theirs["BPMType"])
    assert list(range(ours["Genres"]["min"], ours["Genres"]["max"] + 1)) == list(theirs["Genres"])
    assert ours["TopId"][1] == list(theirs["TopId"]["vendors_0_1"])
    assert ours["TopId"][2] == list(theirs["TopId"]["vendor_2"])
    client = documented("client_api.yaml")["enums"]

    def enum(ending: str) -> dict[str, Any]:
        return next(values for name, values in client.items() if name.endswith(ending))

    assert set(contract()["vendors"]) == set(enum("VendorID").values())
    assert list(ours["ResourceType"]) == [row["value"] for row in enum("ResourceType").values()]
    assert list(ours["BillingMode"]) == [row["value"] for row in enum("BillingMode").values()]
    assert {str(number) for number in ours["Scene"]} - {"0"} == set(client["sceneID"]) - {"note"}


def test_the_codes_are_the_documented_ones() -> None:
    ours, theirs = contract()["codes"], documented("return_codes.yaml")
    assert set(map(str, ours["server"])) == set(theirs["server"])
    assert set(map(str, ours["client"])) == set(theirs["client"])
    for code, facts in theirs["server"].items():
        if isinstance(facts.get("client"), int):
            assert ours["server"][int(code)]["client"] == facts["client"]


def test_the_common_parameters_are_the_documented_ones_and_our_territory() -> None:
    theirs = {param["name"]: param["required"] for param in documented("server_api.yaml")["common_request_params"]}
    ours = {name: param["required"] for name, param in contract()["common_parameters"].items()}
    assert ours == theirs | {"VendorId": False, "Territory": False}  # decision G1; and ours alone


RESULTS = {
    "song": "Song",
    "accompaniment": "Accompaniment",
    "accompaniment_clip": "AccompanimentClip",
    "accompaniment_segment": "AccompanimentSegment",
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_resource_s_answer_has_the_documented_fields(name: str) -> None:
    ours = contract()["request_resource"]["results"][name]
    theirs = documented("client_api.yaml")["requestResource"]["results"][RESULTS[name]]
    extra = {"share_token"} if name == "accompaniment" else set()  # only its example has it
    assert set(ours["data"]) == {field["name"] for field in theirs["data"]} | extra
    assert not set(ours["data"]) & set(theirs["absent"])
    assert ours["type"] == theirs["type"]
    qualities = {
        quality: [vendor for vendor in vendors if vendor] for quality, vendors in theirs["quality_by_vendor"].items()
    }
    assert ours["qualities"] == qualities
    for field in theirs["data"]:
        own = ours["data"][field["name"]]
        assert own.get("unit") == field.get("unit")
        assert own["type"] == TYPES.get(field["type"], own["type"])
        if "fields" in field:
            assert set(shape(own["type"].removeprefix("list of "))) == {row["name"] for row in field["fields"]}
        for said in ("default", "example"):
            if "is" in own and said in field:
                assert own["is"] == field[said]
        if "vendors" in field:
            assert own["vendors"] == [vendor for vendor in field["vendors"] if vendor]


SHARED_BODIES = {"get_shared_resource": GetSharedBody, "get_music_by_token": MusicTokenBody}


def test_what_is_shared_is_asked_for_with_the_documented_fields() -> None:
    for name, body in SHARED_BODIES.items():
        assert list(body.__struct_fields__) == list(contract()[name]["parameters"])
    theirs = documented("client_api.yaml")["config_classes"]["ZegoCopyrightedMusicGetSharedConfigV2"]
    assert {name.replace("_", "") for name in contract()["get_shared_resource"]["parameters"]} == {
        name.lower() for name in theirs
    }


@pytest.mark.parametrize("name", ["song", "accompaniment"])
def test_a_shared_resource_has_the_documented_fields(name: str) -> None:
    """The document says it as a difference: the same without the fields that share."""
    paid, shared = contract()["request_resource"]["results"][name], contract()["get_shared_resource"]["results"][name]
    said = documented("client_api.yaml")["getSharedResource"]["results"][RESULTS[name]]
    minus = set(re.findall(r"minus (?:data\.)?(\w+)", said)) - {"resources"}
    assert set(shared["data"]) == set(paid["data"]) - minus
    assert "minus resources[].share_token" in said
    assert set(shape("shared_resource")) == set(shape("resource")) - {"share_token"}


BARE_CALLS = {
    "get_lrc_lyric": ("getLrcLyric", LrcLyricBody, LrcLyric),
    "get_krc_lyric_by_token": ("getKrcLyricByToken", KrcTokenBody, KrcLyric),
    "get_standard_pitch": ("getStandardPitch", StandardPitchBody, StandardPitch),
}


def test_every_bare_call_is_in_the_contract() -> None:
    assert {call.name for call in CLIENT_CALLS if call.is_bare} == set(contract()["bare_calls"]) == set(BARE_CALLS)
    for name, (_, body, result) in BARE_CALLS.items():
        ours = contract()["bare_calls"][name]
        assert list(body.__struct_fields__) == list(ours["parameters"])
        assert set(result.__struct_fields__) == set(ours["result"])


@pytest.mark.parametrize("name", ["get_lrc_lyric", "get_krc_lyric_by_token"])
def test_lyrics_have_the_documented_fields(name: str) -> None:
    ours = contract()["bare_calls"][name]["result"]
    theirs = {row["name"]: row for row in documented("client_api.yaml")[BARE_CALLS[name][0]]["result_bare_object"]}
    headers = {word for word in re.findall(r"\w+", theirs.pop("headers")["meaning"]) if word in ours}
    left_out = {"krc_format"}  # an old snippet's
    assert set(ours) == set(theirs) - left_out | headers
    compare_client_fields(shape(ours["lines"]["type"].removeprefix("list of ")), theirs["lines"]["fields"])


def test_a_pitch_line_has_the_documented_fields() -> None:
    ours, theirs = contract()["bare_calls"]["get_standard_pitch"], documented("client_api.yaml")["getStandardPitch"]
    compare_client_fields(shape("pitch_note"), theirs["fields"])
    value = next(field for field in theirs["fields"] if field["name"] == "value")
    allowed = contract()["enums"]["PitchValue"]
    assert value["range"] == f"{allowed['min']}..{allowed['max']}"
    assert set(theirs["codes"].values()) <= set(ours["codes"])
    shown = {name: ours["result"][name] for name in theirs["result_documented"]}
    assert set(shown) == {"pitch"}
    assert set(shape(ours["result"]["data"]["type"])) == set(theirs["result_read_by_component"]["data"])


def test_a_krc_token_is_refused_with_the_documented_codes() -> None:
    theirs = documented("client_api.yaml")["getKrcLyricByToken"]["codes"]
    assert set(theirs.values()) == set(contract()["bare_calls"]["get_krc_lyric_by_token"]["codes"])


def compare_client_fields(ours: dict[str, Any], theirs: list[dict[str, Any]]) -> None:
    """Names, types and units of the client API's own shapes; its tables call arrays objects here and there."""
    assert set(ours) == {field["name"] for field in theirs}
    for field in theirs:
        own = ours[field["name"]]
        assert own.get("unit") == field.get("unit")
        if "fields" in field:
            compare_client_fields(shape(own["type"].removeprefix("list of ")), field["fields"])
        else:
            assert own["type"] == TYPES[field["type"]]


def test_the_worked_examples_come_out() -> None:
    example = documented("server_api.yaml")["signature"]["worked_example"]
    signature = sign(
        app_id=example["AppId"],
        nonce=example["SignatureNonce"],
        secret=example["ServerSecret"],
        timestamp_s=example["Timestamp"],
    )
    assert signature == example["expected"]
    vector = documented("client_api.yaml")["lifecycle"]["token_auth"]["test_vector"]
    claims = token04.verify(vector["token"], app_id=1, live_secrets=(vector["secret"],), at_s=1_700_000_000)
    assert (claims.user_id, claims.expires_at_s) == ("demo", 1_700_003_600)


def test_the_documented_example_parameters_are_answered(asker: Asker) -> None:
    tail = parse_qs(server("QuerySongPlus")["example_request_tail"].lstrip("&"))
    params = {name.removesuffix("[]"): values if name.endswith("[]") else values[0] for name, values in tail.items()}
    assert asker.action("QuerySongPlus", params)["Code"] == 0
    for action in ("DescribeTags", "QuerySongsCopyright", "DescribeSongExtra"):
        example = server(action)["example"]
        answer = asker.action(action, asker.params(named(action), 1), vendor=1)
        assert answer["Message"] == example["Message"]
        assert answer["RequestId"].isdecimal() == example["RequestId"].isdecimal()
        assert shape_of(answer["Data"]) == shape_of(example["Data"])


def shape_of(value: Any) -> Any:
    """Names and types only; of a list, its first item."""
    if isinstance(value, dict):
        return {name: shape_of(held) for name, held in value.items()}
    return [shape_of(item) for item in value[:1]] if isinstance(value, list) else type(value)


def test_the_decisions_are_the_numbered_ones() -> None:
    path = FOLDER / "decisions.md"
    if not path.exists():
        pytest.skip("the documentation is not here (../shared/contract/decisions.md)")
    numbered = set(re.findall(r"^\| (G\d+) \|", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(contract()["decisions"]) <= numbered
