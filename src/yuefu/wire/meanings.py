"""What the declarations say of their fields, for pages and schemas made from them."""

import ast
import inspect
import textwrap
from functools import cache
from itertools import chain
from typing import Any, get_args

import msgspec


@cache
def field_meanings(shape: type[msgspec.Struct]) -> dict[str, str]:
    """The docstring under each field of `shape` that has one, inherited fields included, by the field's name."""
    meanings: dict[str, str] = {}
    for ancestor in reversed(shape.__mro__):
        if issubclass(ancestor, msgspec.Struct) and ancestor is not msgspec.Struct:
            meanings |= _own_meanings(ancestor)
    return meanings


def text_of(shape: type[msgspec.Struct]) -> str:
    """The docstring of `shape` as one paragraph, "" for a shape without one of its own."""
    return " ".join(inspect.cleandoc(shape.__doc__ or "").split())


def shapes_in(annotation: Any) -> list[type[msgspec.Struct]]:
    """The structs an annotation names, and those that their fields name in turn, each once."""
    found: list[type[msgspec.Struct]] = []
    inner = get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        found.append(annotation)
        inner = tuple(field.type for field in msgspec.structs.fields(annotation))
    return list(dict.fromkeys(chain(found, *map(shapes_in, inner))))


def _own_meanings(shape: type[msgspec.Struct]) -> dict[str, str]:
    """Python forgets a docstring under a field, so it is read from the source."""
    (declaration,) = ast.parse(textwrap.dedent(inspect.getsource(shape))).body
    assert isinstance(declaration, ast.ClassDef)  # noqa: S101 - what the source of a class is
    meanings: dict[str, str] = {}
    for field, text in zip(declaration.body, declaration.body[1:], strict=False):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(meaning))),
            ):
                meanings[name] = " ".join(meaning.split())
    return meanings
