"""The OpenAPI document: valid, complete, and true of what is answered."""

import json
from dataclasses import replace
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route
from starlette.testclient import TestClient
from tests.unit.server.conftest import World

from yuefu.server.actions import ACTIONS, COMMANDS
from yuefu.server.http.openapi import describe_api
from yuefu.server.http.site import Site
from yuefu.wire.client_api import PRELUDE_COMMAND
from yuefu.wire.vendor import documented_profiles

DOCUMENT = json.loads(json.dumps(describe_api(documented_profiles())))


def schema_of(reference: str) -> OAS31Validator:
    """What validates against a schema of the document."""
    return OAS31Validator({"$ref": f"#/components/schemas/{reference}", "components": DOCUMENT["components"]})


def validator(schema: Any) -> OAS31Validator:
    return OAS31Validator({**schema, "components": DOCUMENT["components"]})


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_document_is_served(still_world: World) -> None:
    reply = still_world.http().get("/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == DOCUMENT


def test_every_route_is_described_and_nothing_else(still_world: World) -> None:
    served: set[tuple[str, str]] = set()
    for route in Site(still_world.centre)._rest.routes:
        assert isinstance(route, Route)
        paths = [f"/v1/actions/{action}" for action in ACTIONS] if "{action}" in route.path else [route.path]
        served |= {(path, method.lower()) for path in paths for method in route.methods or ()}
    described = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    always = {(path, "head") for path, _ in served if (path, "get") in served}  # a GET's HEAD goes without saying
    assert described - {("/", "post")} <= served
    assert served - always <= described


def test_every_operation_says_its_action_and_its_command() -> None:
    paths = DOCUMENT["paths"]
    for name, action in ACTIONS.items():
        described = paths[f"/v1/actions/{name}"]["post"]
        assert (described["x-action"], described.get("x-command")) == (name, action.operation.command)
        assert described["summary"] == action.operation.summary


def test_every_command_may_be_sent() -> None:
    body = DOCUMENT["paths"]["/client/v1/send_extended_request"]["post"]["requestBody"]
    choices = body["content"]["application/json"]["schema"]["oneOf"]
    assert {choice["properties"]["command"]["const"] for choice in choices} == {*COMMANDS, PRELUDE_COMMAND}


def test_vendors_are_those_of_the_centre(still_world: World) -> None:
    own = replace(still_world.centre, profiles={**still_world.centre.profiles, 7: still_world.centre.profiles[4]})
    schemas = TestClient(Site(own)).get("/openapi.json").json()["components"]["schemas"]
    assert schemas["QuerySongRequest"]["properties"]["VendorId"]["enum"] == [0, 1, 2, 4, 7]
    assert schemas["DescribeSongExtraRequest"]["properties"]["VendorId"]["enum"] == [0, 1]


def test_operation_ids_are_unique() -> None:
    ids = [held["operationId"] for methods in DOCUMENT["paths"].values() for held in methods.values()]
    assert len(set(ids)) == len(ids)


def test_what_declarations_say_of_fields_is_told() -> None:
    row = DOCUMENT["components"]["schemas"]["TagSong"]
    assert row["properties"]["Duration"]["description"] == "Milliseconds."
    assert "Vendors with the field" in row["properties"]["HasClip"]["description"]
    assert row["properties"]["HasClip"]["type"] == "integer"
    assert "HasClip" not in row["required"]
    assert DOCUMENT["components"]["schemas"]["KrcSegment"]["description"].startswith("A stretch")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("QuerySongsCopyrightRequest", {"SongsId": ["1"], "VendorId": 1}, {"SongsId": []}),
        ("QuerySongsCopyrightRequest", {"SongsId": ["1"]}, {"SongsId": ["1"], "VendorId": 2}),
        ("DescribeTagSongsRequest", {"TagId": "1", "Page": 1, "Filter": [1]}, {"TagId": "1", "Page": 0}),
        ("DescribeTagSongsRequest", {"TagId": "1", "Page": 1, "Filter": None}, {"TagId": "1", "Page": "1"}),
        ("QuerySongRequest", {"Keyword": "送", "Page": 1, "UserId": "茉莉"}, {"Keyword": "", "Page": 1}),
        ("QuerySongRequest", {"Keyword": "a", "Page": 1}, {"Keyword": "a", "Page": 1, "UserId": "\n"}),
    ],
)
def test_requests_are_described_as_they_are_checked(name: str, good: Any, bad: Any) -> None:
    assert schema_of(name).is_valid(good)
    assert not schema_of(name).is_valid(bad)


def test_lyrics_and_pitch_lines_are_as_described(world: World) -> None:
    member = world.member()
    granted = member.granted(resource_type=1)
    bodies: dict[str, dict[str, Any]] = {
        "get_lrc_lyric": {"song_id": str(world.songs["whole"])},
        "get_krc_lyric_by_token": {"krc_token": granted["krc_token"]},
        "get_standard_pitch": {"resource_id": granted["resources"][0]["resource_id"]},
    }
    notes = [{"begin_time": 0, "duration": 1, "value": 10}]
    for name, body in bodies.items():
        content = DOCUMENT["paths"][f"/client/v1/{name}"]["post"]["responses"]["200"]["content"]
        check = validator(content["application/json"]["schema"])
        check.validate(member.call(name, **body))
        check.validate(member.call(name))
        assert not check.is_valid({"lines": 7, "pitch": 7})
        assert check.is_valid({"pitch": notes, "data": {"pitch": notes}}) == (name == "get_standard_pitch")


def test_answers_are_as_described(world: World) -> None:
    member = world.member()
    init = DOCUMENT["paths"]["/client/v1/init"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    validator(init).validate(world.init())
    validator(init).validate(world.init(token="wrong"))
    request = DOCUMENT["paths"]["/client/v1/request_resource"]["post"]["responses"]["200"]["content"]
    for resource_type in range(4):
        answer = member.request("whole", resource_type)
        validator(request["application/json"]["schema"]).validate(answer)
    extended = DOCUMENT["paths"]["/client/v1/send_extended_request"]["post"]["responses"]["200"]["content"]
    check = validator(extended["application/json"]["schema"])
    check.validate(member.call("send_extended_request", command="/song/infos", params={"songs_id": world.ids("whole")}))
    check.validate(member.call("send_extended_request", command="/nothing", params={"a": 1}))
    accompaniment = member.resource_id("whole", 1)
    params = {"resource_id": accompaniment}
    prelude = member.call("send_extended_request", command=PRELUDE_COMMAND, params=params)
    check.validate(prelude)
    assert not check.is_valid({"prelude_end_time": "soon"})
