"""A running server keeps what its own `/openapi.json` says of the aliases: requests are made up from the document, as
it allows them and as it doesn't, and the answers are held to it.
"""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter
from schemathesis import BaseSchema, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.system.conftest import serving
from tests.wire_contract.conftest import APPS
from tests.wire_contract.contract import OPERATIONS, VENDORS, named

from yuefu.client import SignedClientSync, new_nonce
from yuefu.client.signed import signed_headers

Case = schemathesis.Case[Any]

SEED = 20261120
"""Any would do; this one makes every run the same."""

APP = APPS["all"]
ACTIONS = [operation["action"] for operation in OPERATIONS]
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"with-security-parameters": False},  # they are not made up: every request is signed
        "checks": {"negative_data_rejection": {"expected-statuses": ["400", "405"]}},
    }
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
TWENTY = settings(max_examples=20, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

BEYOND_SCHEMAS = re.compile(
    r"TagId: there is no such tag"
    r"|TopId: vendor \d+ has no such chart"
    r"|SongId: the vendor has no such song"
    r"|SongId: the song has no lyrics that may be shown"
    r"|Items: must say one number for each of VendorsId"
)
"""Why a request may be refused that its schema allows: a schema knows neither which ids there are nor that two lists
must be of one length.
"""


class Signature:
    """Signs a request as it is about to be sent (RFC 9421)."""

    def __call__(self, request: Any) -> Any:
        body = request.body or b""
        headers = signed_headers(
            request.url,
            app_id=APP.app_id,
            server_secret=APP.live_secrets[0],
            nonce=new_nonce(),
            created_s=int(time.time()),
            method=request.method,
            body=body.encode() if isinstance(body, str) else body,
        )
        request.headers.update(headers)
        return request


@dataclass(frozen=True)
class Described:
    """A running server, what it says of itself, and for each vendor a value of every parameter that it can answer."""

    base_url: str
    schema: BaseSchema
    known: dict[int, dict[str, Any]]

    def operation(self, action: str) -> schemathesis.APIOperation[Any, Any, Any, Any]:
        return self.schema[f"/v1/actions/{action}"]["POST"]

    def known_of(self, action: str) -> st.SearchStrategy[dict[str, Any]]:
        """The known values of the vendors that have the operation."""
        return st.sampled_from([self.known[vendor] for vendor in VENDORS if vendor in named(action)["vendors"]])

    def ask(self, case: Case) -> HTTPStatus:
        """Send a case and hold the answer to the document."""
        answer = case.call(base_url=self.base_url, auth=Signature())
        case.validate_response(answer, checks=CHECKS)
        status = HTTPStatus(answer.status_code)
        if mode_of(case) is GenerationMode.POSITIVE and status is not HTTPStatus.OK:
            assert BEYOND_SCHEMAS.fullmatch(answer.json()["detail"]), answer.text
        return status


@pytest.fixture(scope="module")
def described(contract_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    data = tmp_path_factory.mktemp("described") / "data"
    shutil.copytree(contract_folder, data)
    with serving(data) as server:
        schema = schemathesis.openapi.from_url(f"{server.base_url}/openapi.json", config=CONFIG)
        yield Described(server.base_url, schema, {vendor: known_values(server.base_url, vendor) for vendor in VENDORS})


@pytest.fixture(scope="module", autouse=True)
def _examples_are_shown_again() -> Iterator[None]:
    """Making up requests takes Hypothesis its printer, in the whole process; other tests need theirs to say why they
    fail.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hypothesis.core.RepresentationPrinter", RepresentationPrinter)
        yield


def known_values(base_url: str, vendor: int) -> dict[str, Any]:
    with SignedClientSync(base_url, app_id=APP.app_id, server_secret=APP.live_secrets[0], user_id="茉莉") as client:
        songs = client.describe_tag_songs(tag_id="587", page=1, filter=[3], vendor_id=vendor).songs
    return {
        "VendorId": vendor,
        "TagId": "587",
        "TopId": "22004" if vendor == 2 else "8888",
        "Page": 1,
        "Keyword": "茉莉",
        "SongId": songs[0].song_id,
        "SongsId": [song.song_id for song in songs],
        "VendorsId": [vendor, 0],
        "Items": [1, 2],
    }


def mode_of(case: Case) -> GenerationMode:
    assert case.meta is not None
    return case.meta.generation.mode


def written_whole(value: Any) -> Any:
    """The same JSON with its whole numbers written without a point: to a schema 1.0 is one of them, to us it isn't."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [written_whole(item) for item in value]
        case dict():
            return {name: written_whole(item) for name, item in value.items()}
        case _:
            return value


@pytest.mark.parametrize("action", ACTIONS)
def test_what_the_document_allows_is_answered_as_it_says(described: Described, action: str) -> None:
    statuses = set()

    @seed(SEED)
    @TWENTY
    @given(
        case=described.operation(action).as_strategy(GenerationMode.POSITIVE),
        known=st.just({}) | described.known_of(action),
    )
    def ask(case: Case, known: dict[str, Any]) -> None:
        if isinstance(case.body, dict):
            fitting = {name: known[name] for name in known if name in case.body or name == "VendorId"}
            case.body = written_whole(case.body) | fitting
        statuses.add(described.ask(case))
        assert mode_of(case) is GenerationMode.POSITIVE

    ask()
    assert HTTPStatus.OK in statuses


@pytest.mark.parametrize("action", ACTIONS)
def test_what_the_document_forbids_is_refused_as_it_says(described: Described, action: str) -> None:
    @seed(SEED)
    @TWENTY
    @given(case=described.operation(action).as_strategy(GenerationMode.NEGATIVE))
    def ask(case: Case) -> None:
        described.ask(case)

    ask()


@pytest.mark.parametrize("action", ACTIONS)
def test_every_bound_is_where_the_document_says(described: Described, action: str) -> None:
    operation = described.operation(action)
    config = described.schema.config.generation_for(operation=operation)
    modes = set()
    for case in described.schema.iter_coverage_cases(
        operation, generation_modes=list(GenerationMode), generation_config=config
    ):
        described.ask(case)
        modes.add(mode_of(case))
    assert modes == set(GenerationMode)


def test_a_whole_number_is_written_without_a_point_as_the_document_says(described: Described) -> None:
    case = described.operation("QuerySong").Case(body={"Keyword": "茉莉", "Page": 1.0}, media_type="application/json")
    answer = case.call_and_validate(base_url=described.base_url, auth=Signature(), checks=CHECKS)
    assert (answer.status_code, answer.json()["detail"]) == (HTTPStatus.BAD_REQUEST, "Page: must be a whole number")
