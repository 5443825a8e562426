"""Rooms: who may enter, and which room a call means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.ids import RoomId
from yuefu.rooms.membership import (
    MOST_ROOMS,
    NotInRoom,
    RoomClosed,
    RoomNotSaid,
    TooManyRooms,
    check_entry,
    check_inside,
    only_room,
    room_meant,
)

NOWHERE = RoomId("")
ONE, OTHER = RoomId("包厢一"), RoomId("包厢二")
room_ids = st.text(min_size=1, max_size=3).map(RoomId)


@given(room_ids, st.sets(room_ids, max_size=5))
def test_a_session_without_limits_enters_any_room_any_number_of_times(room_id: RoomId, joined: set[RoomId]) -> None:
    check_entry(room_id, joined=joined, allowed=None)
    check_entry(room_id, joined=joined | {room_id}, allowed=None)


@given(room_ids, st.sets(room_ids))
def test_a_login_token_that_names_rooms_limits_them(room_id: RoomId, allowed: set[RoomId]) -> None:
    if room_id in allowed:
        check_entry(room_id, joined=(), allowed=allowed)
    else:
        with pytest.raises(RoomClosed):
            check_entry(room_id, joined=(), allowed=allowed)


def test_a_session_is_in_so_many_rooms_at_most() -> None:
    full = [RoomId(str(number)) for number in range(MOST_ROOMS)]
    check_entry(ONE, joined=full[1:], allowed=None)
    check_entry(full[0], joined=full, allowed=None)
    with pytest.raises(TooManyRooms):
        check_entry(ONE, joined=full, allowed=None)


@pytest.mark.parametrize("joined", [(ONE,), (ONE, OTHER)])
def test_a_call_means_the_room_it_names(joined: tuple[RoomId, ...]) -> None:
    assert room_meant(ONE, joined) == ONE


def test_a_call_that_names_no_room_means_the_only_one() -> None:
    assert room_meant(NOWHERE, (ONE,)) == ONE
    with pytest.raises(RoomNotSaid):
        room_meant(NOWHERE, (ONE, OTHER))
    with pytest.raises(NotInRoom):
        room_meant(NOWHERE, ())


def test_nobody_speaks_for_a_room_they_are_not_in() -> None:
    for joined in ((), (OTHER,)):
        with pytest.raises(NotInRoom):
            room_meant(ONE, joined)
        with pytest.raises(NotInRoom):
            check_inside(ONE, joined)
    check_inside(ONE, (ONE,))


def test_who_is_in_none_or_in_several_rooms_is_in_no_single_one() -> None:
    assert [only_room(joined) for joined in ((), (ONE,), (ONE, OTHER))] == [NOWHERE, ONE, NOWHERE]
