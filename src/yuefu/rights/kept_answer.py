"""Answers kept under a key of the caller's: whoever asks again with it gets the same answer and is charged once."""

import re
from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.rights.grant import HeldGrant, Need

LONGEST_KEY = 64
_is_key = re.compile(rf"[\x20-\x7e]{{1,{LONGEST_KEY}}}").fullmatch


class BadRequestKey(YuefuError, ValueError):
    """A key that cannot be kept, or that stands for another request."""


class RequestKey(msgspec.Struct, frozen=True, kw_only=True):
    """A session's name for one request, and the request's hash in one spelling. Raises `BadRequestKey`."""

    session_id: int
    key: str
    request_hash: bytes

    def __post_init__(self) -> None:
        if _is_key(self.key) is None:
            raise BadRequestKey(f"must be 1 to {LONGEST_KEY} printable characters of ASCII")


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered, and the grant that it tells of, which is asked for anew whenever it is answered again."""

    request_hash: bytes
    answer: bytes
    grant: HeldGrant

    def check(self, key: RequestKey) -> None:
        """Let pass a key that stands for the same request. Raises `BadRequestKey`."""
        if self.request_hash != key.request_hash:
            raise BadRequestKey("was used for another request before; take a new one for each")


class AnswerBook(Protocol):
    """Kept answers."""

    def find(self, key: RequestKey) -> KeptAnswer | None:
        """What was answered under the key, to whichever request."""


class AnswerDesk(AnswerBook, Protocol):
    """Where one transaction keeps answers."""

    def keep(self, key: RequestKey, answer: bytes, *, grant_id: int, need: Need, at_ms: int) -> None:
        """Keep what is about to be answered under the key. Only the first who does can."""
