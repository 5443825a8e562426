"""Which rooms a session is in, as far as its app says: the centre itself carries no voices (decision G32)."""

from collections.abc import Collection

from yuefu.errors import YuefuError
from yuefu.ids import RoomId

MOST_ROOMS = 64
"""How many rooms a session may be in at once."""


class NotInRoom(YuefuError):
    """The session is not in that room."""

    def __init__(self) -> None:
        super().__init__("not in this room; call join_room first")


class RoomNotSaid(YuefuError):
    """The session is in several rooms, and the call does not say which one it means."""

    def __init__(self) -> None:
        super().__init__("missing; who is in several rooms says which one")


class RoomClosed(YuefuError):
    """The session's login token is not good for that room."""

    def __init__(self) -> None:
        super().__init__("the login token is not good for this room")


class TooManyRooms(YuefuError):
    """The session is in as many rooms as it may be."""

    def __init__(self) -> None:
        super().__init__(f"in {MOST_ROOMS} rooms already; leave one first")


def check_entry(room_id: RoomId, *, joined: Collection[RoomId], allowed: Collection[RoomId] | None) -> None:
    """Let a session into a room; one that is in it already may come again.

    `allowed` are the only rooms its login token is good for, None for any. Raises `RoomClosed` or `TooManyRooms`.
    """
    if allowed is not None and room_id not in allowed:
        raise RoomClosed
    if room_id not in joined and len(joined) >= MOST_ROOMS:
        raise TooManyRooms


def room_meant(room_id: RoomId, joined: Collection[RoomId]) -> RoomId:
    """The room that a call means: the one it names, and, where it names none (""), the only one.

    Raises `NotInRoom` or `RoomNotSaid`.
    """
    if room_id:
        check_inside(room_id, joined)
        return room_id
    if len(joined) > 1:
        raise RoomNotSaid
    if not joined:
        raise NotInRoom
    return only_room(joined)


def check_inside(room_id: RoomId, joined: Collection[RoomId]) -> None:
    """Let pass what only a room's members may do. Raises `NotInRoom`."""
    if room_id not in joined:
        raise NotInRoom


def only_room(joined: Collection[RoomId]) -> RoomId:
    """The room of a session that is in a single one, else ""."""
    return next(iter(joined)) if len(joined) == 1 else RoomId("")
