"""What an endpoint of the admin API is declared by. Routes, roles, checks and the OpenAPI document come from that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from yuefu.access.admin_key import Role
from yuefu.access.audit import Author
from yuefu.server.centre import Centre

Q = TypeVar("Q", bound=msgspec.Struct)
B = TypeVar("B", bound=msgspec.Struct)
R = TypeVar("R", bound=msgspec.Struct)

PREFIX = "/admin/v1"

OPERATORS = frozenset({Role.OPERATOR})
AUDITORS = frozenset({Role.OPERATOR, Role.FINANCE})
EVERYBODY = frozenset(Role)


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No query, an empty body, or no answer."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """One call of an endpoint: by whom, of what, with which query and body. `centre` is the calling thread's own."""

    centre: Centre
    author: Author
    path: Mapping[str, str]
    query: Q
    body: B


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Q, B, R]):
    """One method of one path. `handle` runs in a thread beside the event loop, so it may take its time.

    `missing` are the words for what the path names and is not there; "" for a path that names nothing.
    """

    name: str
    summary: str
    method: str
    path: str
    roles: frozenset[Role]
    handle: Callable[[Call[Q, B]], R]
    query: type[Q]
    body: type[B]
    result: type[R]
    status: int = 200
    missing: str = ""

    @property
    def is_write(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"

    @property
    def takes_body(self) -> bool:
        """Whether a body must come with it."""
        return self.is_write and bool(self.body.__struct_fields__)


AnyEndpoint = Endpoint[Any, Any, Any]


class NotThere(LookupError):
    """The path names what is not there."""


class BadBody(ValueError):
    """A body that keeps to its schema and cannot be meant; says where and why."""
