"""What every store of rights keeps: each deal for good, and what they come to now."""

from collections.abc import Callable
from typing import Any

import pytest

from yuefu.catalogue.song import PublishedSong, UnknownSong
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain, SongRights, Terms, TermSheet

SongMaker = Callable[..., PublishedSong]

PLAIN = TermSheet(terms=(Terms(),))
DATED = TermSheet(terms=(Terms(valid_from_ms=1, valid_until_ms=2, channel=3), Terms(valid_from_ms=5)))


@pytest.fixture
def song_id(store: Any, song_maker: SongMaker) -> SongId:
    published: SongId = store.publish(song_maker()).song_id
    return published


def test_a_song_comes_without_rights(store: Any, song_id: SongId) -> None:
    assert store.rights.rights(song_id) == SongRights(revision=0, recording=None, work=None)


def test_a_deal_is_in_force_for_its_chains(store: Any, other: Any, song_id: SongId) -> None:
    assert store.record_deal(song_id, Chain.WORK, sheet=DATED) == 1
    for view in (store, other):
        assert view.rights.rights(song_id) == SongRights(revision=1, recording=None, work=DATED)
    assert store.record_deal(song_id, Chain.RECORDING, Chain.WORK, sheet=PLAIN) == 2
    for view in (store, other):
        assert view.rights.rights(song_id) == SongRights(revision=2, recording=PLAIN, work=PLAIN)


def test_a_deal_takes_the_place_of_the_earlier_one_which_stays_on_record(store: Any, song_id: SongId) -> None:
    for sheet in (PLAIN, DATED, PLAIN):
        store.record_deal(song_id, Chain.WORK, sheet=sheet)
    assert store.rights.rights(song_id).work == PLAIN
    assert store.rights.rights(song_id).revision == 3
    assert store.count("deals") == 3


def test_a_sheet_without_terms_takes_the_rights_away(store: Any, song_id: SongId) -> None:
    store.record_deal(song_id, Chain.WORK, sheet=PLAIN)
    store.record_deal(song_id, Chain.WORK, sheet=TermSheet(terms=()))
    assert store.rights.rights(song_id).work == TermSheet(terms=())


def test_songs_with_the_same_terms_share_one_sheet(store: Any, song_maker: SongMaker) -> None:
    for number in range(20):
        song_id = store.publish(song_maker(f"song {number}")).song_id
        store.record_deal(song_id, Chain.RECORDING, Chain.WORK, sheet=PLAIN)
        store.record_deal(song_id, Chain.WORK, sheet=DATED)
    assert store.count("term_sheets") == 2
    assert store.count("deals") == 60


def test_a_new_revision_of_a_song_keeps_its_rights(store: Any, song_id: SongId, song_maker: SongMaker) -> None:
    store.record_deal(song_id, Chain.WORK, sheet=DATED)
    store.publish(song_maker(fingerprint="second"))
    assert store.rights.rights(song_id) == SongRights(revision=1, recording=None, work=DATED)


def test_a_song_that_comes_again_has_the_rights_it_had(store: Any, song_id: SongId, song_maker: SongMaker) -> None:
    store.record_deal(song_id, Chain.WORK, sheet=PLAIN)
    store.record_deal(song_id, Chain.RECORDING, sheet=DATED)
    store.record_deal(song_id, Chain.WORK, sheet=DATED)
    before = store.rights.rights(song_id)
    store.remove(song_id)
    store.publish(song_maker())
    assert store.rights.rights(song_id) == before


def test_there_is_no_deal_for_a_song_that_is_not_there(store: Any, song_id: SongId) -> None:
    store.remove(song_id)
    for missing in (song_id, SongId(5)):
        with pytest.raises(UnknownSong):
            store.record_deal(missing, Chain.WORK, sheet=PLAIN)
    assert store.count("deals") == 0
    assert store.count("term_sheets") == 0


def test_a_batch_is_answered_in_the_order_asked_and_without_strangers(store: Any, song_maker: SongMaker) -> None:
    ids = [
        store.publish(song_maker(f"song {number}", vendor_id=VendorId(1 + number % 2))).song_id for number in range(8)
    ]
    store.record_deal(ids[2], Chain.WORK, sheet=DATED)
    asked = (ids[6], SongId(5), ids[2], ids[1], ids[0])
    assert [song_id for song_id, _ in store.rights.rights_of(VendorId(1), asked)] == [ids[6], ids[2], ids[0]]
    assert [song_id for song_id, _ in store.rights.rights_of(VendorId(2), asked)] == [ids[1]]
    assert [song_id for song_id, _ in store.rights.rights_of(None, asked)] == [ids[6], ids[2], ids[1], ids[0]]
    assert store.rights.rights_of(VendorId(1), asked)[1][1].work == DATED
    assert store.rights.rights_of(VendorId(1), ()) == []


@pytest.mark.parametrize("count", [1, 2, 20, 250])
def test_a_batch_may_be_of_any_size(store: Any, song_maker: SongMaker, count: int) -> None:
    ids: list[SongId] = store.work.run(
        lambda transaction: [
            transaction.publish(song_maker(f"song {number}"), at_ms=1).song_id for number in range(count)
        ]
    )
    asked = ids[::-1]
    assert [song_id for song_id, _ in store.rights.rights_of(VendorId(1), asked)] == asked


def test_a_transaction_sees_the_rights_as_they_are_within_it(store: Any, song_id: SongId) -> None:
    def job(transaction: Any) -> tuple[SongRights, SongRights]:
        before = transaction.rights(song_id)
        transaction.remove_song(song_id, at_ms=1)
        with pytest.raises(UnknownSong):
            transaction.rights(song_id)
        return before, store.rights.rights(song_id)

    within, without = store.work.run(job)
    assert within == without == SongRights(revision=0, recording=None, work=None)
