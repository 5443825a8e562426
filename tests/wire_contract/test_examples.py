"""The example parameters of the contract are answered."""

from typing import Any

import pytest
from tests.wire_contract.conftest import Asker
from tests.wire_contract.contract import COMMANDS, OPERATIONS, check, snake_all


def name_of(operation: dict[str, Any]) -> str:
    return str(operation["action"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_an_example_is_answered(asker: Asker, operation: dict[str, Any]) -> None:
    answer = asker.action(operation["action"], operation["example"])
    assert answer["Code"] == 0
    assert any(answer["Data"].values())
    check(answer["Data"], operation["result"], vendor=1)


@pytest.mark.parametrize("operation", COMMANDS, ids=name_of)
def test_an_example_is_answered_as_a_command(asker: Asker, operation: dict[str, Any]) -> None:
    vendor = None if operation.get("names_vendors") else 0
    answer = asker.command(operation["command"], operation["example"], vendor=vendor)
    assert answer["code"] == 0
    assert set(answer["data"]) == set(snake_all(dict.fromkeys(operation["result"])))


def test_the_search_across_vendors_keeps_to_its_example(asker: Asker) -> None:
    """`KeepVendor` 1 of vendors 1 and 2: what both have is shown as vendor 1's."""
    example = next(operation["example"] for operation in OPERATIONS if operation["action"] == "QuerySongPlus")
    rows = asker.action("QuerySongPlus", example)["Data"]["Songs"]
    assert {row["VendorId"] for row in rows} == {1}
