"""What every store of rights keeps: each deal for good, and what they come to now."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.contract.conftest import NOW_MS

from yuefu.catalogue.song import PublishedSong, UnknownSong
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Block, Chain, CommercialModel, Deal, SongRights, Terms, TermSheet, Use
from yuefu.rights.decision import decide
from yuefu.rights.grant import GrantedResource, Need
from yuefu.rights.purpose import browsing

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
    assert store.count("rights_revisions") == 3


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
    assert store.count("rights_revisions") == 40


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
    assert store.count("rights_revisions") == 0
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


def deal_at(store: Any, song_id: SongId, sheet: TermSheet, *chains: Chain, at_ms: int) -> None:
    deal = Deal(song_id=song_id, chains=chains, sheet=sheet, source=f"message {at_ms}")
    store.work.run(lambda transaction: transaction.record_deal(deal, at_ms=at_ms))


def test_what_was_known_at_any_instant_can_be_read_back(store: Any, song_id: SongId) -> None:
    deal_at(store, song_id, PLAIN, Chain.WORK, at_ms=10)
    deal_at(store, song_id, DATED, Chain.RECORDING, at_ms=20)
    deal_at(store, song_id, TermSheet(terms=()), Chain.WORK, at_ms=30)
    store.remove(song_id)
    known = {at_ms: store.rights.known_at(song_id, at_ms) for at_ms in (9, 10, 19, 20, 29, 30, 99)}
    assert known[9] == SongRights(revision=0, recording=None, work=None)
    assert known[10] == known[19] == SongRights(revision=1, recording=None, work=PLAIN)
    assert known[20] == known[29] == SongRights(revision=2, recording=DATED, work=PLAIN)
    assert known[30] == known[99] == SongRights(revision=3, recording=DATED, work=TermSheet(terms=()))


def test_every_revision_says_what_brought_it(store: Any, song_id: SongId) -> None:
    deal_at(store, song_id, PLAIN, Chain.WORK, at_ms=10)
    deal_at(store, song_id, DATED, Chain.RECORDING, Chain.WORK, at_ms=20)
    first, second = store.rights.revisions(song_id)
    assert (first.recorded_at_ms, first.cause, first.chains, first.source) == (10, "deal", (Chain.WORK,), "message 10")
    assert (second.chains, second.rights.revision, second.rights.work) == ((Chain.RECORDING, Chain.WORK), 2, DATED)


def test_several_deals_of_one_transaction_are_as_many_revisions(store: Any, song_maker: SongMaker) -> None:
    def job(transaction: Any) -> SongId:
        song_id: SongId = transaction.publish(song_maker(), at_ms=1).song_id
        for sheet in (PLAIN, DATED):
            transaction.record_deal(Deal(song_id=song_id, chains=(Chain.WORK,), sheet=sheet), at_ms=1)
        assert transaction.rights(song_id).work == DATED
        return song_id

    song_id = store.work.run(job)
    assert [revision.rights.work for revision in store.rights.revisions(song_id)] == [PLAIN, DATED]
    assert store.rights.rights_of(None, [song_id]) == [(song_id, store.rights.rights(song_id))]


def lay(store: Any, song_id: SongId, *, case_id: int, is_banned: bool = False) -> Block:
    block = Block(case_id=case_id, from_ms=5, is_banned=is_banned, is_at_once=True)
    store.work.run(lambda transaction: transaction.block(song_id, block, source=f"case {case_id}", at_ms=5))
    return block


def test_a_block_lies_over_the_deals_until_its_case_is_undone(store: Any, other: Any, song_id: SongId) -> None:
    store.record_deal(song_id, Chain.WORK, sheet=PLAIN)
    one, two = lay(store, song_id, case_id=1), lay(store, song_id, case_id=2)
    for view in (store, other):
        assert view.rights.rights(song_id) == SongRights(revision=3, recording=None, work=PLAIN, blocks=(one, two))
        assert dict(view.rights.rights_of(None, [song_id]))[song_id].blocks == (one, two)
    store.work.run(lambda transaction: transaction.unblock(song_id, 1, source="case 1", at_ms=6))
    for view in (store, other):
        assert view.rights.rights(song_id) == SongRights(revision=4, recording=None, work=PLAIN, blocks=(two,))
    assert [revision.cause for revision in store.rights.revisions(song_id)] == ["deal", "takedown", "takedown", "undo"]


def test_a_new_deal_lifts_a_block_from_its_chain_but_never_a_ban(store: Any, song_id: SongId) -> None:
    lay(store, song_id, case_id=1)
    ban = lay(store, song_id, case_id=2, is_banned=True)
    store.record_deal(song_id, Chain.WORK, sheet=PLAIN)
    left = Block(case_id=1, from_ms=5, is_banned=False, is_at_once=True, chains=(Chain.RECORDING,))
    assert store.rights.rights(song_id).blocks == (left, ban)
    store.record_deal(song_id, Chain.RECORDING, sheet=PLAIN)
    assert store.rights.rights(song_id).blocks == (ban,)


def test_songs_that_one_case_hit_share_what_is_written_of_it(store: Any, song_maker: SongMaker) -> None:
    for number in range(20):
        lay(store, store.publish(song_maker(f"song {number}")).song_id, case_id=1)
    assert store.count("block_sets") == 1


def test_uses_are_counted_for_capped_terms_alone_within_their_validity(store: Any, song_id: SongId) -> None:
    capped = Terms(valid_from_ms=100, valid_until_ms=200, max_uses=3)
    ever = Terms(max_uses=2)
    store.record_deal(song_id, Chain.WORK, sheet=TermSheet(terms=(capped, ever, Terms())))
    session = store.open_session()
    for at_ms in (99, 100, 199, 200):
        resource = GrantedResource(resource_id="z_1_2", need=Need.SING)
        store.issue_grant(session, song_id, resource, granted_at_ms=at_ms)
    rights = store.rights.rights(song_id)
    assert store.rights.used(song_id, rights) == {capped: 2, ever: 4}
    assert store.work.run(lambda transaction: transaction.used(song_id, rights)) == {capped: 2, ever: 4}


def test_a_cap_counts_only_what_its_terms_are_for(store: Any, song_id: SongId) -> None:
    at_home = Terms(uses=(Use.SING,), territories=("CN",), models=(CommercialModel.PER_USE,), max_uses=9)
    of_both = Terms(max_uses=9)
    store.record_deal(song_id, Chain.WORK, sheet=TermSheet(terms=(at_home, of_both)))
    store.record_deal(song_id, Chain.RECORDING, sheet=TermSheet(terms=(of_both,)))
    session = store.open_session()
    sung = GrantedResource(resource_id="z_1_2", need=Need.SING)
    played = GrantedResource(resource_id="z_1_1", need=Need.PLAY)
    store.issue_grant(session, song_id, sung)
    store.issue_grant(session, song_id, sung, territory="JP")
    store.issue_grant(session, song_id, sung, billing_mode=1)
    store.issue_grant(session, song_id, sung, scene_id=3)
    store.issue_grant(session, song_id, played, resource_type=0)
    assert store.rights.used(song_id, store.rights.rights(song_id)) == {at_home: 1, of_both: 5}


def test_a_block_to_come_and_one_over_no_deal_outlast_new_words(store: Any, song_id: SongId) -> None:
    lay(store, song_id, case_id=1)
    store.record_deal(song_id, Chain.RECORDING, Chain.WORK, sheet=TermSheet(terms=()))
    assert [block.case_id for block in store.rights.rights(song_id).blocks] == [1], "no deal lifts nothing"
    to_come = Block(case_id=2, from_ms=NOW_MS + 9, is_banned=False)
    store.work.run(lambda transaction: transaction.block(song_id, to_come, source="case 2", at_ms=NOW_MS))
    store.record_deal(song_id, Chain.RECORDING, Chain.WORK, sheet=PLAIN)
    assert store.rights.rights(song_id).blocks == (to_come,)


def test_a_clock_set_back_opens_no_takedown(store: Any, song_id: SongId) -> None:
    store.record_deal(song_id, Chain.WORK, sheet=PLAIN)
    at_once = Block(case_id=1, from_ms=NOW_MS, is_banned=False)
    store.work.run(lambda transaction: transaction.block(song_id, at_once, source="case 1", at_ms=NOW_MS))
    rights = store.rights.rights(song_id)
    assert not decide(rights, browsing("CN"), at_ms=NOW_MS - 2_000).any_right
