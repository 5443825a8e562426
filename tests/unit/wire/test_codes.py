"""The code tables against the contract."""

import re
from pathlib import Path

import pytest

from yuefu.wire.codes import ClientCode, Code, client_code

CONTRACT = Path(__file__).parents[3] / "../shared/contract/return_codes.yaml"
ON_THE_DEVICE_ALONE = {1017005, 1017006, 1017007, 1017094, 1017095}
"""Playing position and volume, a missing plug-in, an unsupported platform: no server answers these."""


@pytest.fixture(scope="module")
def contract() -> str:
    if not CONTRACT.is_file():
        pytest.skip(f"the contract is not beside this checkout: {CONTRACT.resolve()}")
    return CONTRACT.read_text(encoding="utf-8")


def section(contract: str, name: str) -> dict[int, str]:
    """The entries of one top-level key: code and the rest of its line."""
    body = re.search(rf"^{name}:\n(?P<body>(?:[ #].*\n|\n)*)", contract, re.MULTILINE)
    assert body is not None
    return {int(code): rest for code, rest in re.findall(r'^  "(\d+)": (.*)$', body["body"], re.MULTILINE)}


def test_the_server_table_is_the_documented_one(contract: str) -> None:
    assert {int(code) for code in Code} == set(section(contract, "server"))


def test_the_client_table_is_the_documented_one_but_for_what_no_server_says(contract: str) -> None:
    documented = set(section(contract, "client"))
    assert documented >= ON_THE_DEVICE_ALONE
    assert {int(code) for code in ClientCode} == documented - ON_THE_DEVICE_ALONE | {0}


def test_the_documented_twins_are_ours(contract: str) -> None:
    twins = {
        code: int(twin["code"])
        for code, rest in section(contract, "server").items()
        if (twin := re.search(r"client: (?P<code>\d+)", rest))
    }
    assert len(twins) > 10
    assert {code: int(client_code(Code(code))) for code in twins} == twins


def test_every_server_code_has_a_client_twin() -> None:
    assert all(isinstance(client_code(code), ClientCode) for code in Code)
