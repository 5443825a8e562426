"""What is read out of declarations."""

from typing import Any

import msgspec

from yuefu.wire.meanings import shapes_in


class Leaf(msgspec.Struct):
    text: str


class Tree(msgspec.Struct):
    leaves: list[Leaf]
    parent: "Tree | None" = None


def test_a_shape_that_names_itself_is_found_once() -> None:
    assert shapes_in(dict[str, Tree]) == [Tree, Leaf]
    found: list[Any] = shapes_in(int)
    assert found == []
