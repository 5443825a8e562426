"""What every store remembers of rights messages."""

from collections.abc import Callable
from typing import Any

import pytest

from yuefu.catalogue.song import PublishedSong, SongFacts
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.rights.message import DealOrigin, LastWord, MessageDesk, MessageName

SongMaker = Callable[..., PublishedSong]

VENDOR, OTHER_VENDOR = VendorId(1), VendorId(2)
NAME = MessageName(vendor_id=VENDOR, sender="PADPIDA1", message_id="M1")
WORD = LastWord(sender="PADPIDA1", message_id="M1", created_at_ms=5, revision=3)
ISRC = "CNZ012600001"


@pytest.fixture
def song_id(store: Any, song_maker: SongMaker) -> SongId:
    published: SongId = store.publish(song_maker("one", facts=SongFacts(title="一", isrc=ISRC))).song_id
    return published


def at_desk(store: Any, job: Callable[[MessageDesk], Any]) -> Any:
    return store.work.run(lambda transaction: job(transaction.messages))


def test_a_message_is_known_by_vendor_sender_and_id(store: Any, other: Any) -> None:
    at_desk(store, lambda desk: desk.receive(NAME, "ab", created_at_ms=5, at_ms=6))
    assert at_desk(other, lambda desk: desk.content(NAME)) == "ab"
    others = [
        MessageName(vendor_id=OTHER_VENDOR, sender="PADPIDA1", message_id="M1"),
        MessageName(vendor_id=VENDOR, sender="PADPIDA2", message_id="M1"),
        MessageName(vendor_id=VENDOR, sender="PADPIDA1", message_id="M2"),
    ]
    assert at_desk(store, lambda desk: [desk.content(name) for name in others]) == [None, None, None]


def test_a_vendors_songs_are_found_by_isrc_and_by_key(store: Any, song_maker: SongMaker, song_id: SongId) -> None:
    theirs = store.publish(song_maker("one", vendor_id=OTHER_VENDOR, facts=SongFacts(title="一", isrc=ISRC))).song_id
    assert at_desk(store, lambda desk: desk.recordings(VENDOR, ISRC)) == [song_id]
    assert at_desk(store, lambda desk: desk.recordings(OTHER_VENDOR, ISRC)) == [theirs]
    assert at_desk(store, lambda desk: desk.recordings(VENDOR, "CNZ012600009")) == []
    assert at_desk(store, lambda desk: desk.delivered(VENDOR, "one")) == song_id
    assert at_desk(store, lambda desk: desk.delivered(VENDOR, "two")) is None


def test_a_removed_song_is_found_no_more(store: Any, song_id: SongId) -> None:
    at_desk(store, lambda desk: desk.put_in_releases(VENDOR, song_id, ["ICPN 1"]))
    store.remove(song_id)
    assert at_desk(store, lambda desk: desk.recordings(VENDOR, ISRC)) == []
    assert at_desk(store, lambda desk: desk.delivered(VENDOR, "one")) is None
    assert at_desk(store, lambda desk: desk.released(VENDOR, "ICPN 1")) == []


def test_the_last_word_is_kept_for_each_chain(store: Any, other: Any, song_id: SongId) -> None:
    assert at_desk(store, lambda desk: desk.last_word(song_id, Chain.WORK)) is None
    at_desk(store, lambda desk: desk.speak(song_id, Chain, WORD))
    newer = LastWord(sender="PADPIDA2", message_id="M7", created_at_ms=9)
    at_desk(store, lambda desk: desk.speak(song_id, (Chain.WORK,), newer))
    assert at_desk(other, lambda desk: desk.last_word(song_id, Chain.WORK)) == newer
    assert at_desk(other, lambda desk: desk.last_word(song_id, Chain.RECORDING)) == WORD


def test_the_origin_of_a_chains_deal_is_what_brought_it_last(store: Any, other: Any, song_id: SongId) -> None:
    assert at_desk(store, lambda desk: desk.origin(song_id, Chain.WORK)) is None
    sheet = TermSheet(terms=(Terms(),))
    for source, *chains in (("table a", *Chain), ("ERN M1", Chain.RECORDING)):
        deal = Deal(song_id=song_id, chains=tuple(chains), sheet=sheet, source=source)
        store.work.run(lambda transaction, deal=deal: transaction.record_deal(deal, at_ms=7))
    assert at_desk(other, lambda desk: desk.origin(song_id, Chain.WORK)) == DealOrigin(1, "table a")
    assert at_desk(other, lambda desk: desk.origin(song_id, Chain.RECORDING)) == DealOrigin(2, "ERN M1")


def test_a_song_is_in_the_releases_last_said(store: Any, song_id: SongId) -> None:
    at_desk(store, lambda desk: desk.put_in_releases(VENDOR, song_id, ["ICPN 1", "GRid A"]))
    at_desk(store, lambda desk: desk.put_in_releases(VENDOR, song_id, ["ICPN 2"]))
    assert at_desk(store, lambda desk: desk.releases(song_id)) == {"ICPN 2"}
    assert at_desk(store, lambda desk: desk.released(VENDOR, "ICPN 1")) == []
    assert at_desk(store, lambda desk: desk.released(VENDOR, "ICPN 2")) == [song_id]
    assert at_desk(store, lambda desk: desk.released(OTHER_VENDOR, "ICPN 2")) == []


def test_a_transaction_that_fails_leaves_no_word(store: Any, song_id: SongId) -> None:
    def job(transaction: Any) -> None:
        transaction.messages.receive(NAME, "ab", created_at_ms=5, at_ms=6)
        transaction.messages.speak(song_id, Chain, WORD)
        raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        store.work.run(job)
    assert at_desk(store, lambda desk: desk.content(NAME)) is None
    assert at_desk(store, lambda desk: desk.last_word(song_id, Chain.WORK)) is None
