"""`GET /v1/changes`: what became of songs' rights since the caller last asked.

A cursor stands for a place in the feed. It is opaque: callers keep the last one they were given and hand it back.
"""

import base64
import re
from typing import Literal

import msgspec

from yuefu.wire.refusal import illegal

PATH = "/v1/changes"
NAME = "Changes"
"""What the calls are counted under."""

CALLS_PER_S = 10
DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000

_VERSION = b"\x01"
CURSOR_PATTERN = "^AQ[A-Za-z0-9_-]{10}$"
_CURSOR = re.compile(r"[A-Za-z0-9_-]{12}", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The latest change of one song, and which of its rights the app holds now. A song comes again when it changes."""

    song_id: str
    vendor_id: int
    kind: Literal["added", "changed", "withdrawn", "restored"]
    """What became of it for apps as a whole. `withdrawn`: nobody may use it. The numbers speak for this app."""
    at: str
    """Since when, ISO 8601 in UTC."""
    right: int
    """1 when any right is held, in the territory asked."""
    song_lyric: int
    """1 when words, music and accompaniment are: the song may be sung."""
    recording: int
    """1 when the recording is: the song may be played."""
    channel: int
    """No right: a song of channel 0 is shown with the logo."""
    rights_revision: int
    """Counts the deals and takedowns of the song."""


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Some changes in order. A page without changes need not be the last: `more` says."""

    changes: list[Change]
    next: str
    """The cursor to ask with next time. Keep it once the changes are dealt with."""
    more: bool
    """Whether to ask again at once."""


def render_cursor(place: int) -> str:
    """The cursor that stands for a place in the feed."""
    return base64.urlsafe_b64encode(_VERSION + place.to_bytes(8, "big")).decode()


def read_cursor(text: str, *, latest: int) -> int:
    """The place that a cursor stands for, 0 for none. Raises `Refusal` for text that no feed up to `latest` gave."""
    if not text:
        return 0
    raw = base64.urlsafe_b64decode(text) if _CURSOR.fullmatch(text) else b""
    place = int.from_bytes(raw[1:], "big")
    if raw[:1] != _VERSION or place > latest:
        raise illegal("after", "no cursor of this centre; leave it out to begin with the full list")
    return place


def read_limit(text: str) -> int:
    """How many changes at most, the default for "". Raises `Refusal`."""
    if not text:
        return DEFAULT_LIMIT
    if _LIMIT.fullmatch(text) is None or int(text) > MAX_LIMIT:
        raise illegal("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)
