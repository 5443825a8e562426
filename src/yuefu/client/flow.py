"""Calls without I/O: each is a generator that yields what it wants done and is resumed with the outcome.

A flow is written once. `transport` has two drivers for it, one async and one sync, so that the two clients behave
alike by construction, and a test can drive a flow by hand.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from yuefu.client.errors import CopyrightedMusicError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Headers and body may hold tokens, and a URL its signature, so a repr shows neither."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are looked up in any case; an opened answer has no body yet."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request and read its whole answer."""

    request: Request


@dataclass(frozen=True, slots=True)
class Open:
    """Send the request and read its answer's head; the body follows by `Read`. Closes what was opened before."""

    request: Request


@dataclass(frozen=True, slots=True)
class Read:
    """Read the next piece of the opened answer's body, None at its end."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Let `wait_s` seconds pass."""

    wait_s: float


Effect: TypeAlias = Send | Open | Read | Wait
Flow: TypeAlias = Generator[Effect, Any, T]


def send(request: Request) -> Flow[Answer]:
    answer: Answer = yield Send(request)
    return answer


def open_answer(request: Request) -> Flow[Answer]:
    head: Answer = yield Open(request)
    return head


def read_piece() -> Flow[bytes | None]:
    piece: bytes | None = yield Read()
    return piece


@dataclass(frozen=True, slots=True)
class Retries:
    """How stubborn a client is: at most `attempts` tries, waiting up to `first_wait_s` before the second and up to
    twice as long before each further one, after what a busy server asked; never more than `longest_wait_s`.
    """

    attempts: int = 4
    first_wait_s: float = 0.2
    longest_wait_s: float = 3.0

    def wait_s(self, tries: int, chance: float, asked_s: float = 0.0) -> float:
        """The wait after `tries` failures, on top of the `asked_s` of the server. `chance` in 0–1 spreads callers that
        failed together.
        """
        wait_s = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (tries - 1)) * chance
        return min(self.longest_wait_s, asked_s + wait_s)


DEFAULT_RETRIES = Retries()


def retried(
    attempt: Callable[[], Flow[T]],
    *,
    retries: Retries,
    chance: Callable[[], float],
) -> Flow[T]:
    """`attempt`, made again while its failure may pass and tries are left: for what counts once however often it is
    made.
    """
    for tries in range(1, retries.attempts):
        try:
            return (yield from attempt())
        except CopyrightedMusicError as error:
            if not error.transient:
                raise
            wait_s = retries.wait_s(tries, chance(), error.retry_after_s or 0.0)
        yield Wait(wait_s)
    return (yield from attempt())
