"""How a body or query misses its shape, in words: which field, and where a set is closed, what is in it."""

import re
from collections.abc import Iterable, Iterator
from enum import Enum

import msgspec
from msgspec import inspect

from yuefu.server.http.admin.shapes import PATTERNS
from yuefu.wire.refusal import explain_misfit as explain_place

_PATTERN = re.compile(r"Expected `str` matching regex (?P<spelt>.*)", re.DOTALL)
_PATTERNS = {repr(pattern): words for pattern, words in PATTERNS.items()}
_STEP = re.compile(r"\w+|\[\.\.\.\]|\[\d+\]")


def explain_misfit(error: msgspec.ValidationError, shape: type[msgspec.Struct], *, whole: str) -> str:
    """Where and how; of a value outside a closed set also what there is, of an unknown field which there are."""
    said = explain_place(error, whole=whole)
    path, _, problem = said.partition(": ")
    if missed := _PATTERN.fullmatch(problem):
        return f"{path}: {_PATTERNS[missed['spelt']]}"
    steps = [step for step in _STEP.findall(path) if path != whole]
    if said.endswith(": there is no such field"):
        names = _fields(_follow(inspect.type_info(shape), steps[:-1]))
        return f"{said}; there are {', '.join(names)}" if names else f"{said} here"
    members = _members(_follow(inspect.type_info(shape), steps)) if "enum value" in said else []
    return f"{said}; there are {', '.join(members)}" if members else said


def _follow(kind: inspect.Type, steps: Iterable[str]) -> list[inspect.Type]:
    """The types that may stand at the end of a way into a shape."""
    kinds = list(_plain(kind))
    for step in steps:
        kinds = [inner for each in kinds for inner in _inside(each, step)]
    return kinds


def _inside(kind: inspect.Type, step: str) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            if field.encode_name == step:
                yield from _plain(field.type)
    elif isinstance(kind, inspect.ListType):
        yield from _plain(kind.item_type)
    elif isinstance(kind, inspect.DictType):
        yield from _plain(kind.value_type)


def _plain(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The types of a union one by one, without what is said about them."""
    if isinstance(kind, inspect.Metadata):
        yield from _plain(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _plain(each)
    else:
        yield kind


def _members(kinds: Iterable[inspect.Type]) -> list[str]:
    found: list[type[Enum]] = [kind.cls for kind in kinds if isinstance(kind, inspect.EnumType)]
    return [str(member.value) for members in found for member in members]


def _fields(kinds: Iterable[inspect.Type]) -> list[str]:
    return [field.encode_name for kind in kinds if isinstance(kind, inspect.StructType) for field in kind.fields]
