"""What the declarations say of their fields, for pages and schemas made from them."""

import ast
import inspect
import textwrap
from functools import cache
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
    """The structs an annotation names, and those that their fields name in turn, each once; one may name itself."""
    found: dict[type[msgspec.Struct], None] = {}

    def look_into(annotation: Any) -> None:
        inner = get_args(annotation)
        if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
            if annotation in found:
                return
            found[annotation] = None
            inner = tuple(field.type for field in msgspec.structs.fields(annotation))
        for each in inner:
            look_into(each)

    look_into(annotation)
    return list(found)


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
