"""What every store keeps of rooms and of what they share: who is where, and nobody fetches twice, whoever else asks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from threading import Barrier
from typing import Any

import msgspec
import pytest

from yuefu.access.session import Session
from yuefu.catalogue.song import PublishedSong
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.grant import GrantedResource, Need, NewGrant
from yuefu.rooms.sharing import Share, ShareKey, ShareUsedUp
from yuefu.units import HOUR_MS

SongMaker = Callable[..., PublishedSong]
NOW_MS = 1_700_000_000_000
ROOM, OTHER_ROOM = RoomId("包厢"), RoomId("另一间")
MEMBERS = 64


@dataclass
class Karaoke:
    """A song that somebody paid for in a room."""

    store: Any
    song_id: SongId
    payer: Session

    @property
    def resource(self) -> GrantedResource:
        return GrantedResource(resource_id=f"z_{self.song_id}_2", need=Need.SING)

    @property
    def key(self) -> ShareKey:
        return self.key_in(ROOM)

    def key_in(self, room_id: RoomId) -> ShareKey:
        return ShareKey(app_id=AppId(7), room_id=room_id, vendor_id=VendorId(1), song_id=self.song_id, resource_type=1)

    def grant(self, session: Session, **changes: Any) -> NewGrant:
        grant = NewGrant(
            session_id=session.session_id,
            app_id=session.app_id,
            user_id=session.user_id,
            room_id=ROOM,
            song_id=self.song_id,
            vendor_id=VendorId(1),
            resource_type=1,
            scene_id=2,
            billing_mode=0,
            granted_at_ms=NOW_MS,
            expires_at_ms=NOW_MS + HOUR_MS,
            rights_revision=1,
            territory="CN",
            resources=(self.resource,),
        )
        return msgspec.structs.replace(grant, **changes)

    def pay(self, **changes: Any) -> int:
        """A grant that was paid for and is shared; its id."""
        grant = self.grant(self.payer, **changes)

        def job(transaction: Any) -> int:
            grant_id = int(transaction.issue_grant(grant))
            transaction.shares.open(grant_id, grant)
            return grant_id

        return int(self.store.work.run(job))

    def shared(self) -> Share:
        share: Share | None = self.store.shares.share(self.key)
        assert share is not None
        return share

    def guest(self, user_id: str) -> Session:
        session: Session = self.store.open_session(user_id, user_id=UserId(user_id))
        return session

    def fetch(self, session: Session, share: Share, *, store: Any = None, **changes: Any) -> int:
        grant = self.grant(session, **changes)
        return int((store or self.store).work.run(lambda transaction: transaction.shares.fetch(share, grant)))


@pytest.fixture
def karaoke(store: Any, song_maker: SongMaker) -> Karaoke:
    payer = store.open_session("payer")
    return Karaoke(store, store.publish(song_maker()).song_id, payer)


# Rooms.


def test_a_session_begins_in_the_rooms_it_says(store: Any) -> None:
    session = store.open_session(joined_rooms=(OTHER_ROOM, ROOM, ROOM))
    assert set(store.rooms.joined(session.session_id)) == {ROOM, OTHER_ROOM}
    assert store.rooms.joined(session.session_id + 1) == ()


def test_rooms_are_joined_and_left_as_often_as_one_likes(store: Any, other: Any) -> None:
    session_id = store.open_session(joined_rooms=()).session_id
    for _ in range(2):
        store.work.run(lambda transaction: transaction.rooms.join(session_id, ROOM))
        assert other.rooms.joined(session_id) == (ROOM,)
        assert other.work.run(lambda transaction: transaction.rooms.joined(session_id)) == (ROOM,)
    for _ in range(2):
        other.work.run(lambda transaction: transaction.rooms.leave(session_id, ROOM))
        assert store.rooms.joined(session_id) == ()


def test_a_session_that_ends_leaves_its_rooms_and_no_other_s(store: Any) -> None:
    one, two = store.open_session("one").session_id, store.open_session("two").session_id
    store.work.run(lambda transaction: transaction.end_session(one, at_ms=NOW_MS))
    assert (store.rooms.joined(one), store.rooms.joined(two)) == ((), (ROOM,))


# Shares.


def test_a_share_is_what_was_paid_for(karaoke: Karaoke) -> None:
    assert karaoke.store.shares.share(karaoke.key) is None
    grant_id = karaoke.pay(billing_mode=2)
    share = karaoke.shared()
    assert share == Share(
        key=karaoke.key,
        grant_id=grant_id,
        payer=karaoke.payer.user_id,
        scene_id=2,
        billing_mode=2,
        expires_at_ms=NOW_MS + HOUR_MS,
    )
    assert karaoke.store.shares.share_of(grant_id) == share
    assert karaoke.store.shares.share(karaoke.key_in(OTHER_ROOM)) is None


def test_the_latest_that_was_paid_for_is_shared(karaoke: Karaoke) -> None:
    first, second = karaoke.pay(), karaoke.pay()
    assert karaoke.shared().grant_id == second
    assert karaoke.store.shares.share_of(first).grant_id == first


def test_what_is_paid_for_in_no_room_is_in_no_room_s_offer(karaoke: Karaoke) -> None:
    grant_id = karaoke.pay(room_id=RoomId(""))
    assert karaoke.store.count("shares") == 0
    assert karaoke.store.shares.share_of(grant_id).key == karaoke.key_in(RoomId(""))


def test_a_free_grant_is_held_and_costs_nothing(karaoke: Karaoke) -> None:
    karaoke.pay()
    charges = karaoke.store.count("charges")
    guest = karaoke.guest("阿明")
    grant_id = karaoke.fetch(guest, karaoke.shared())
    held = karaoke.store.grants.held(guest.session_id, karaoke.resource.resource_id)
    assert (held.need, held.expires_at_ms, held.scene_id) == (Need.SING, NOW_MS + HOUR_MS, 2)
    assert karaoke.store.count("charges") == charges
    assert karaoke.store.shares.share_of(grant_id) is None, "what came free cannot be shared on as one's own"


def test_nobody_fetches_a_share_twice(karaoke: Karaoke) -> None:
    karaoke.pay()
    share, guest = karaoke.shared(), karaoke.guest("阿明")
    assert not karaoke.store.shares.has_fetched(share.grant_id, guest.user_id)
    karaoke.fetch(guest, share)
    assert karaoke.store.shares.has_fetched(share.grant_id, guest.user_id)
    again = karaoke.store.open_session("again", user_id=guest.user_id)
    for session in (guest, again):
        with pytest.raises(ShareUsedUp):
            karaoke.fetch(session, share)
    assert karaoke.store.count("grants") == 2
    assert karaoke.store.grants.held(again.session_id, karaoke.resource.resource_id) is None


def test_a_user_of_the_same_name_elsewhere_is_no_matter(karaoke: Karaoke) -> None:
    karaoke.pay()
    first, guest = karaoke.shared(), karaoke.guest("阿明")
    karaoke.fetch(guest, first)
    karaoke.pay()
    karaoke.fetch(guest, karaoke.shared())
    assert karaoke.store.count("grants") == 4


def test_a_fetch_lengthens_what_is_held_and_never_shortens_it(karaoke: Karaoke) -> None:
    guest = karaoke.guest("阿明")

    def held_until_ms() -> int:
        return int(karaoke.store.grants.held(guest.session_id, karaoke.resource.resource_id).expires_at_ms)

    for lasts_ms, until_ms in ((2_000, 2_000), (1_000, 2_000), (3_000, 3_000)):
        karaoke.pay(expires_at_ms=NOW_MS + lasts_ms)
        karaoke.fetch(guest, karaoke.shared(), expires_at_ms=NOW_MS + lasts_ms)
        assert held_until_ms() == NOW_MS + until_ms


def test_sixty_four_at_once_through_two_stores_fetch_once_each(karaoke: Karaoke, other: Any) -> None:
    """Everybody asks twice at the same time, once of each store."""
    karaoke.pay()
    share = karaoke.shared()
    guests = [karaoke.guest(f"客人 {number}") for number in range(MEMBERS)]
    asked = [(guest, store) for guest in guests for store in (karaoke.store, other)]
    begin = Barrier(len(asked))

    def fetch(guest: Session, store: Any) -> bool:
        begin.wait()
        try:
            karaoke.fetch(guest, share, store=store)
        except ShareUsedUp:
            return False
        return True

    with ThreadPoolExecutor(len(asked)) as pool:
        outcomes = list(pool.map(lambda pair: fetch(*pair), asked))
    assert sum(outcomes) == MEMBERS
    assert karaoke.store.count("grants") == other.count("grants") == 1 + MEMBERS
    for guest in guests:
        assert other.grants.held(guest.session_id, karaoke.resource.resource_id) is not None


def test_those_who_pay_at_once_leave_one_share(karaoke: Karaoke, other: Any) -> None:
    stores = cycle((karaoke.store, other))
    with ThreadPoolExecutor(8) as pool:
        paying = [Karaoke(next(stores), karaoke.song_id, karaoke.payer) for _ in range(16)]
        paid = list(pool.map(lambda each: each.pay(), paying))
    assert karaoke.store.count("shares") == 1
    assert karaoke.shared().grant_id == max(paid)


def test_users_who_were_forgotten_are_all_alike(karaoke: Karaoke) -> None:
    """Erasing who fetched a share leaves every grant."""
    karaoke.pay()
    share = karaoke.shared()
    forgotten = karaoke.store.open_session("forgotten", user_id=UserId(""))
    for _ in range(2):
        karaoke.fetch(forgotten, share)
    assert karaoke.store.count("grants") == 3


def test_a_share_whose_grant_is_no_more_is_none(karaoke: Karaoke) -> None:
    grant_id = karaoke.pay()
    share = karaoke.shared()
    karaoke.store.work.run(
        lambda transaction: transaction._connection.execute(
            "DELETE FROM granted_resources WHERE grant_id = ?; DELETE FROM grants WHERE grant_id = ?", (grant_id,) * 2
        )
    )
    assert karaoke.store.shares.share(share.key) is None
    assert karaoke.store.shares.share_of(grant_id) is None
