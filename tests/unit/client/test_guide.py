"""The guide's examples: they compile, and what they import is there."""

import ast
import re
from pathlib import Path

import pytest

import yuefu.client
from yuefu.wire.operations import OPERATIONS
from yuefu.wire.vendor import DEFAULT_VENDOR, VendorProfile, documented_profiles

GUIDE = Path(__file__).parents[3] / "docs/sdk.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_imports_what_there_is(example: str) -> None:
    imported = {
        alias.name
        for node in ast.walk(ast.parse(example))
        if isinstance(node, ast.ImportFrom) and node.module == "yuefu.client"
        for alias in node.names
    }
    assert imported
    assert imported <= set(yuefu.client.__all__)


def test_every_kind_of_error_is_explained() -> None:
    kinds = {kind.__name__ for kind in yuefu.client.CopyrightedMusicError.__subclasses__()}
    assert kinds == set(re.findall(r"^\| `(\w+)` \| [a-z]", GUIDE.read_text(encoding="utf-8"), re.MULTILINE))


def row(vendor: int, profile: VendorProfile) -> str:
    """What the guide's table says of a vendor."""
    resources = "<br>".join(f"`{kind.upper()}`: {', '.join(held)}" for kind, held in profile.qualities.items())
    fields = ", ".join(f"`{field}`" for field in sorted(profile.fields))
    lacks = ", ".join(f"`{each.method}`" for each in OPERATIONS if each.action not in profile.operations)
    return f"| {vendor} | {resources} | {fields} | {lacks or '–'} |"


def test_the_differences_between_vendors_are_those_of_their_profiles() -> None:
    rows = [row(vendor, profile) for vendor, profile in documented_profiles().items() if vendor != DEFAULT_VENDOR]
    assert rows == re.findall(r"^\| \d .*$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)


def test_all_names_are_there() -> None:
    assert all(hasattr(yuefu.client, name) for name in yuefu.client.__all__)
