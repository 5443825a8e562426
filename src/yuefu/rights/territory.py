"""Where a deal holds: ISO 3166-1 alpha-2 codes, and groups of them with names (`territories.toml`)."""

import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from yuefu.errors import YuefuError

ANYWHERE = ""
"""A purpose that names no territory: what a deal allows in some territory, it allows."""


class UnknownTerritory(YuefuError, ValueError):
    """A text that names no territory and no group of them."""

    def __init__(self, text: str, *, or_group: bool = True) -> None:
        groups = f", or one of {', '.join(_groups())}" if or_group else ""
        super().__init__(f"{text[:40]!r} is no territory: write an ISO 3166-1 alpha-2 code, as CN{groups}")
        self.text = text


def is_territory(text: str) -> bool:
    """Whether that is the code of one territory."""
    return text in _codes()


def territories() -> list[str]:
    """All codes, in alphabetical order."""
    return sorted(_codes())


def check_territory(text: str) -> str:
    """The code of one territory. Raises `UnknownTerritory`, for a group too: a caller is in one place."""
    if text not in _codes():
        raise UnknownTerritory(text, or_group=False)
    return text


def check_territories(texts: Iterable[str]) -> tuple[str, ...]:
    """Codes and names of groups, each once, in alphabetical order. Raises `UnknownTerritory`."""
    found = sorted(set(texts))
    for text in found:
        if text not in _codes() and text not in _groups():
            raise UnknownTerritory(text)
    return tuple(found)


@lru_cache(maxsize=4096)
def expand(names: tuple[str, ...]) -> frozenset[str]:
    """All the codes that codes and groups come to."""
    groups = _groups()
    return frozenset(code for name in names for code in groups.get(name, (name,)))


@cache
def _codes() -> frozenset[str]:
    codes: str = _data()["codes"]
    return frozenset(codes.split())


@cache
def _groups() -> dict[str, frozenset[str]]:
    return {name: frozenset(codes.split()) for name, codes in _data()["groups"].items()} | {"WORLD": _codes()}


def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files("yuefu.rights").joinpath("territories.toml").read_text(encoding="utf-8"))
