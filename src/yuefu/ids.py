"""Identifiers. Each has a type of its own, so that a room cannot be handed where a user is wanted."""

import re
from collections.abc import Iterable
from typing import NewType, cast

AppId = NewType("AppId", int)
"""An app (tenant) of this installation: uint32, never 0."""

UserId = NewType("UserId", str)
"""An app's own name for one of its users; opaque to us."""

RoomId = NewType("RoomId", str)
"""An app's own name for one of its karaoke rooms; opaque to us."""

VendorId = NewType("VendorId", int)
"""A party supplying recordings and terms. On the wire 0 means "the app's default vendor"; the edge resolves it."""

SongId = NewType("SongId", int)
"""Our entry of one vendor's recording, unique in the installation. Its text on the wire is plain decimal."""

_is_song_id = re.compile(r"[1-9][0-9]{0,17}", re.ASCII).fullmatch
"""At most 18 digits: what a signed 64-bit integer surely holds."""

_are_song_ids = re.compile(r"[1-9][0-9]{0,17}(?:,[1-9][0-9]{0,17})*", re.ASCII).fullmatch


def parse_song_id(text: str) -> SongId | None:
    """The song id that `text` spells, or None when it can be nobody's id.

    Only the canonical decimal counts ("7", not "07" or "+7"), so that one song has one spelling.
    """
    return SongId(int(text)) if _is_song_id(text) else None


def parse_song_ids(texts: Iterable[str]) -> list[SongId]:
    """The song ids that `texts` spell, each once, in their order; what can be nobody's id is left out."""
    unique = list(dict.fromkeys(texts))
    joined = ",".join(unique)
    is_all_good = _are_song_ids(joined) and joined.count(",") < len(unique)  # one look costs less than twenty
    return cast("list[SongId]", list(map(int, unique if is_all_good else filter(_is_song_id, unique))))
