"""`docs/contract.yaml` as tests read it: types resolved, names in both spellings, values checked against them."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]

Fields = dict[str, dict[str, Any]]


@cache
def contract() -> dict[str, Any]:
    """The whole file."""
    read: dict[str, Any] = yaml.safe_load((REPOSITORY / "docs/contract.yaml").read_text(encoding="utf-8"))
    return read


OPERATIONS: list[dict[str, Any]] = contract()["operations"]
COMMANDS = [operation for operation in OPERATIONS if operation["command"]]
VENDORS = (1, 2, 4)
"""The real ones; 0 is one of them by another name."""

_KINDS: dict[str, type] = {"string": str, "integer": int}
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def named(action: str) -> dict[str, Any]:
    """The operation of that name."""
    return next(operation for operation in OPERATIONS if operation["action"] == action)


def snake(name: str) -> str:
    """The client API's spelling of a name of the server API. Written here once more, apart from the code under test."""
    return _WORD.sub("_", name).lower()


def snake_all(value: Any) -> Any:
    """The same data in the client API's spelling."""
    if isinstance(value, dict):
        return {snake(name): snake_all(held) for name, held in value.items()}
    return [snake_all(item) for item in value] if isinstance(value, list) else value


def is_in_order(codes: list[int], order: str) -> bool:
    """Whether refusals with these codes, one after the other, go down the checks of `check_order`."""
    checks = contract()["check_order"][order]
    place = 0
    for code in codes:
        while place < len(checks) and code not in checks[place]["codes"]:
            place += 1
    return place < len(checks)


def shape(name: str) -> Fields:
    """The fields of a shape, those that it includes among them."""
    found = contract()["shapes"].get(name) or contract()[name]
    fields = {key: field for key, field in found.items() if key != "includes"}
    return (shape(found["includes"]) if "includes" in found else {}) | fields


def check(data: Any, fields: Fields, *, vendor: int) -> None:
    """Hold an object to its fields: none missing, none more, each of its type and among its values."""
    own = data.get("VendorId", data.get("vendor_id", vendor))
    expected = {name for name, field in fields.items() if own in field.get("vendors", VENDORS)}
    assert set(data) == expected
    for name in expected:
        _check_value(data[name], fields[name], vendor=own, at=name)


def _check_value(value: Any, field: dict[str, Any], *, vendor: int, at: str) -> None:
    kind = field["type"]
    if kind.startswith("list of "):
        assert type(value) is list, at
        assert len(value) <= field.get("max_items", len(value)), at
        for item in value:
            _check_value(item, field | {"type": kind.removeprefix("list of ")}, vendor=vendor, at=at)
    elif kind in _KINDS:
        assert type(value) is _KINDS[kind], at
        _check_scalar(value, field, vendor=vendor, at=at)
    else:
        check(value, shape(kind), vendor=vendor)


def _check_scalar(value: Any, field: dict[str, Any], *, vendor: int, at: str) -> None:
    assert value == field.get("is", value), at
    assert vendor not in field.get("zero_for", ()) or value == 0, at
    if "values" in field:
        allowed = contract()["enums"][field["values"]]
        if isinstance(allowed, dict) and "min" in allowed:
            assert allowed["min"] <= value <= allowed["max"], at
        else:
            assert value in allowed, at
    if field.get("unit") is not None:
        assert value >= 0, at
