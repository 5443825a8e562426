"""`join_room` and `leave_room`: which rooms a session is in, as its app says (decision G32)."""

from yuefu.ids import RoomId
from yuefu.rooms.membership import NotInRoom, RoomClosed, RoomNotSaid, TooManyRooms, check_entry, room_meant
from yuefu.server.actions.sessions import Member
from yuefu.server.centre import Centre, Transaction
from yuefu.wire.client_api import RoomBody
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal


async def join_room(centre: Centre, caller: Member, body: RoomBody) -> None:
    """Put the session into a room; coming twice is coming once. Raises `ClientRefusal`."""
    session, room_id = caller.session, RoomId(body.room_id)

    def join(transaction: Transaction) -> None:
        joined = transaction.rooms.joined(session.session_id)
        check_entry(room_id, joined=joined, allowed=session.rooms)
        transaction.rooms.join(session.session_id, room_id)

    try:
        await centre.work.perform(join)
    except (RoomClosed, TooManyRooms) as error:
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, f"room_id: {error}") from None


async def leave_room(centre: Centre, caller: Member, body: RoomBody) -> None:
    """Take the session out of a room, if it is in it. What it was granted there stays its own."""
    session_id, room_id = caller.session.session_id, RoomId(body.room_id)
    await centre.work.perform(lambda transaction: transaction.rooms.leave(session_id, room_id))


def room_of(centre: Centre, caller: Member, room_id: str) -> RoomId:
    """The room that a call of a member means. Raises `ClientRefusal`: not in it, or which of several."""
    try:
        return room_meant(RoomId(room_id), centre.rooms.joined(caller.session.session_id))
    except NotInRoom as error:
        raise not_in_room(error) from None
    except RoomNotSaid as error:
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, f"room_id: {error}") from None


def not_in_room(error: NotInRoom) -> ClientRefusal:
    """The documented refusal of whoever is not in the room."""
    return ClientRefusal(ClientCode.ROOM_NOT_JOINED, f"room_id: {error}")
