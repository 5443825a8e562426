"""Identifiers. Each has a type of its own, so that a room cannot be handed where a user is wanted."""

from typing import NewType

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

SONG_ID_DIGITS = 18
"""The most digits a song id may have: what a signed 64-bit integer surely holds."""


def parse_song_id(text: str) -> SongId | None:
    """The song id that `text` spells, or None when it can be nobody's id.

    Only the canonical decimal counts ("7", not "07" or "+7"), so that one song has one spelling.
    """
    if not 0 < len(text) <= SONG_ID_DIGITS:
        return None
    try:
        number = int(text)
    except ValueError:
        return None
    return SongId(number) if number > 0 and str(number) == text else None
