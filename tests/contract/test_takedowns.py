"""What every store keeps of takedowns: whom each hit, until it is undone, and the bans for songs that come later."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from yuefu.catalogue.song import PublishedSong, SongFacts
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Block, Chain, Deal, Terms, TermSheet
from yuefu.rights.takedown import CaseEnded, Hits, NewCase, Reach, Revised, Scope, UnknownCase

SongMaker = Callable[..., PublishedSong]
NOW_MS = 1_700_000_000_000
PLAIN = TermSheet(terms=(Terms(),))
ISRC, ISWC = "CNA012600001", "T0345246801"


def facts(title: str = "茉莉花", singers: tuple[str, ...] = ("甲",), **changes: Any) -> SongFacts:
    return SongFacts(title=title, singers=singers, album="", language="zh", genre="folk", year=None, **changes)


def case_of(*, is_banned: bool = False, from_ms: int = NOW_MS, **scope: Any) -> NewCase:
    return NewCase(scope=Scope(**scope), reason="下架通知", is_banned=is_banned, from_ms=from_ms)


def take_down(store: Any, case: NewCase) -> Hits:
    def job(transaction: Any) -> Hits:
        hits: Hits = transaction.takedowns.open(case, actor="cli:mei", at_ms=NOW_MS)
        transaction.takedowns.lay(hits.case_id, case.block(hits.case_id), hits.songs, at_ms=NOW_MS)
        return hits

    hits: Hits = store.work.run(job)
    return hits


def undo(store: Any, case_id: int, *, at_most: int = 100) -> int:
    def job(transaction: Any) -> int:
        lifted = len(transaction.takedowns.lift(case_id, at_most=at_most, at_ms=NOW_MS + 1))
        if lifted < at_most:
            transaction.takedowns.close(case_id, actor="cli:lan", at_ms=NOW_MS + 1)
        return lifted

    lifted: int = store.work.run(job)
    return lifted


def blocked(store: Any, song_ids: Sequence[SongId]) -> list[SongId]:
    return [song_id for song_id, rights in store.rights.rights_of(None, song_ids) if rights.blocks]


@pytest.fixture
def songs(store: Any, song_maker: SongMaker) -> dict[str, SongId]:
    """Songs of two vendors, some of one recording, some of one work."""
    deliveries = {
        "plain": song_maker("plain", facts=facts("小星星")),
        "recording": song_maker("recording", facts=facts(isrc=ISRC)),
        "recording at 2": song_maker("recording at 2", vendor_id=VendorId(2), facts=facts(isrc=ISRC, iswc=ISWC)),
        "work": song_maker("work", facts=facts("送别", ("丁", "Beyoncé"), iswc=ISWC)),
    }
    return {name: store.publish(song).song_id for name, song in deliveries.items()}


SCOPES: dict[str, tuple[Callable[[dict[str, SongId]], dict[str, Any]], list[str]]] = {
    "songs": (lambda songs: {"songs": (songs["plain"], songs["work"])}, ["plain", "work"]),
    "songs of one vendor": (
        lambda songs: {"songs": tuple(songs.values()), "vendor_id": VendorId(2)},
        ["recording at 2"],
    ),
    "a recording": (lambda _: {"recording": ISRC}, ["recording", "recording at 2"]),
    "a recording at a vendor": (lambda _: {"recording": ISRC, "vendor_id": VendorId(1)}, ["recording"]),
    "a work": (lambda _: {"work": ISWC}, ["recording at 2", "work"]),
    "a singer": (lambda _: {"singer": "甲"}, ["plain", "recording", "recording at 2"]),
    "a singer spelt otherwise": (lambda _: {"singer": "beyonce"}, ["work"]),
    "a vendor": (lambda _: {"vendor_id": VendorId(1)}, ["plain", "recording", "work"]),
    "nobody": (lambda _: {"singer": "无名"}, []),
}


@pytest.mark.parametrize("name", SCOPES)
def test_a_case_hits_the_songs_of_its_scope_alone(store: Any, other: Any, songs: dict[str, SongId], name: str) -> None:
    scope, hit = SCOPES[name]
    hits = take_down(store, case_of(**scope(songs)))
    assert hits.songs == tuple(songs[each] for each in hit)
    for view in (store, other):
        assert blocked(view, list(songs.values())) == list(hits.songs)
        assert view.takedowns.case(hits.case_id).songs == len(hit)
    block = Block(case_id=hits.case_id, from_ms=NOW_MS, is_banned=False, is_at_once=True)
    assert all(store.rights.rights(song_id).blocks == (block,) for song_id in hits.songs)


def test_ids_that_are_no_song_of_the_scope_are_named_each_once(store: Any, songs: dict[str, SongId]) -> None:
    asked = (SongId(5), songs["plain"], songs["recording at 2"], SongId(5))
    assert take_down(store, case_of(songs=asked)).unknown == (SongId(5),)
    assert take_down(store, case_of(songs=asked, vendor_id=VendorId(1))).unknown == (
        SongId(5),
        songs["recording at 2"],
    )


def test_a_removed_song_is_hit_too_and_comes_back_blocked(
    store: Any, songs: dict[str, SongId], song_maker: SongMaker
) -> None:
    store.remove(songs["plain"])
    assert take_down(store, case_of(songs=(songs["plain"],))).songs == (songs["plain"],)
    store.publish(song_maker("plain", facts=facts("小星星")))
    assert blocked(store, [songs["plain"]]) == [songs["plain"]]


def test_undoing_a_case_lifts_its_blocks_and_no_others(store: Any, other: Any, songs: dict[str, SongId]) -> None:
    first = take_down(store, case_of(vendor_id=VendorId(1)))
    second = take_down(store, case_of(songs=(songs["work"],), is_banned=True))
    assert undo(store, first.case_id) == 3
    assert blocked(other, list(songs.values())) == [songs["work"]]
    assert [block.case_id for block in store.rights.rights(songs["work"]).blocks] == [second.case_id]
    undo(store, second.case_id)
    assert blocked(other, list(songs.values())) == []


def test_laying_and_lifting_tell_the_revisions_they_made(store: Any, songs: dict[str, SongId]) -> None:
    plain, work = songs["plain"], songs["work"]
    store.record_deal(plain, Chain.RECORDING, sheet=PLAIN)
    case = case_of(songs=(plain, work))
    case_id = take_down(store, case_of(songs=(work,))).case_id

    def lay(transaction: Any) -> Any:
        return transaction.takedowns.lay(case_id, case.block(case_id), sorted([plain, work]), at_ms=NOW_MS)

    assert store.work.run(lay) == (Revised(plain, 2),), "the other one had it"
    lifted = store.work.run(lambda transaction: transaction.takedowns.lift(case_id, at_most=9, at_ms=NOW_MS))
    assert set(lifted) == {Revised(plain, 3), Revised(work, 2)}


def test_a_case_says_how_many_songs_it_still_lies_over(store: Any, other: Any, songs: dict[str, SongId]) -> None:
    first = take_down(store, case_of(vendor_id=VendorId(1))).case_id
    second = take_down(store, case_of(songs=(songs["plain"],), is_banned=True)).case_id
    recording = Deal(song_id=songs["work"], chains=(Chain.RECORDING,), sheet=PLAIN)
    whole = Deal(song_id=songs["plain"], chains=tuple(Chain), sheet=PLAIN)
    store.work.run(lambda transaction: transaction.record_deal(recording, at_ms=NOW_MS))
    assert other.takedowns.case(first).blocked_songs == 3, "one of its chains is blocked still"
    store.work.run(lambda transaction: transaction.record_deal(whole, at_ms=NOW_MS))
    assert [case.blocked_songs for case in other.takedowns.cases()] == [1, 2]
    undo(store, first)
    assert [(case.songs, case.blocked_songs) for case in other.takedowns.cases()] == [(1, 1), (3, 0)]
    assert store.takedowns.case(second).blocked_songs == 1


def test_a_case_is_undone_once(store: Any, songs: dict[str, SongId]) -> None:
    case_id = take_down(store, case_of(songs=(songs["plain"],))).case_id
    undo(store, case_id)
    with pytest.raises(CaseEnded, match=f"case {case_id}"):
        undo(store, case_id)
    with pytest.raises(UnknownCase, match=f"case {case_id + 1}"):
        undo(store, case_id + 1)
    with pytest.raises(UnknownCase):
        store.takedowns.case(case_id + 1)


def test_an_undoing_that_broke_off_is_carried_on_with(store: Any, songs: dict[str, SongId]) -> None:
    case_id = take_down(store, case_of(vendor_id=VendorId(1))).case_id
    assert undo(store, case_id, at_most=2) == 2
    assert len(blocked(store, list(songs.values()))) == 1
    assert store.takedowns.case(case_id).ended_at_ms is None
    assert undo(store, case_id, at_most=2) == 1
    assert blocked(store, list(songs.values())) == []
    assert store.takedowns.case(case_id).ended_at_ms == NOW_MS + 1


def test_a_case_that_was_undone_lays_nothing_more(store: Any, songs: dict[str, SongId]) -> None:
    case = case_of(songs=(songs["plain"],))
    case_id = take_down(store, case).case_id
    undo(store, case_id)
    with pytest.raises(CaseEnded):
        store.work.run(
            lambda transaction: transaction.takedowns.lay(case_id, case.block(case_id), [songs["plain"]], at_ms=NOW_MS)
        )
    assert blocked(store, [songs["plain"]]) == []


def test_all_cases_are_on_record_the_latest_first(store: Any, songs: dict[str, SongId]) -> None:
    plain = case_of(songs=(songs["plain"], SongId(5)))
    ban = case_of(singer="甲", vendor_id=VendorId(2), is_banned=True, from_ms=NOW_MS + 9)
    one, two = take_down(store, plain), take_down(store, ban)
    undo(store, one.case_id)
    latest, first = store.takedowns.cases()
    assert (first.case_id, first.case, first.songs, first.ended_at_ms) == (one.case_id, plain, 1, NOW_MS + 1)
    assert (latest.case_id, latest.case, latest.songs, latest.ended_at_ms) == (two.case_id, ban, 1, None)
    assert (first.actor, first.recorded_at_ms) == ("cli:mei", NOW_MS)


def test_a_new_deal_ends_a_takedown_for_its_song_and_no_ban(store: Any, songs: dict[str, SongId]) -> None:
    take_down(store, case_of(songs=(songs["plain"],)))
    ban = take_down(store, case_of(songs=(songs["plain"],), is_banned=True))
    deal = Deal(song_id=songs["plain"], chains=tuple(Chain), sheet=PLAIN)
    store.work.run(lambda transaction: transaction.record_deal(deal, at_ms=NOW_MS))
    assert [block.case_id for block in store.rights.rights(songs["plain"]).blocks] == [ban.case_id]


# Bans, and the songs that come after them.


BANS: dict[str, dict[str, Any]] = {
    "a vendor": {"vendor_id": VendorId(1)},
    "a singer": {"singer": "新人"},
    "a recording": {"recording": ISRC},
    "a work": {"work": ISWC},
    "an id": {"songs": (SongId(100_000_001),)},
}


@pytest.mark.parametrize("name", BANS)
def test_a_ban_holds_for_a_song_that_comes_later_and_a_takedown_does_not(
    store: Any, song_maker: SongMaker, name: str
) -> None:
    take_down(store, case_of(**BANS[name]))
    ban = take_down(store, case_of(**BANS[name], is_banned=True, from_ms=NOW_MS + 7))
    song = song_maker("new", facts=facts(singers=("新人",), isrc=ISRC, iswc=ISWC))
    song_id = store.publish(song).song_id
    assert store.rights.rights(song_id).blocks == (Block(case_id=ban.case_id, from_ms=NOW_MS + 7, is_banned=True),)
    stranger = song_maker("stranger", vendor_id=VendorId(2), facts=facts("送别"))
    assert store.rights.rights(store.publish(stranger).song_id).blocks == ()
    undo(store, ban.case_id)
    assert store.rights.rights(song_id).blocks == ()


def test_a_song_edited_into_the_scope_of_a_ban_is_banned_once_and_stays_so(
    store: Any, songs: dict[str, SongId]
) -> None:
    ban = take_down(store, case_of(singer="beyonce", is_banned=True))
    plain = songs["plain"]
    for singers in (("甲", "BEYONCÉ"), ("Beyonce",), ("甲",)):
        store.edit(plain, singers=singers)
        assert [block.case_id for block in store.rights.rights(plain).blocks] == [ban.case_id]
    assert store.takedowns.case(ban.case_id).songs == 2


def test_a_ban_that_was_undone_holds_for_nothing_that_comes(store: Any, song_maker: SongMaker) -> None:
    ban = take_down(store, case_of(vendor_id=VendorId(1), is_banned=True))
    undo(store, ban.case_id)
    assert store.rights.rights(store.publish(song_maker()).song_id).blocks == ()


def test_a_ban_holds_within_its_own_transaction(store: Any, song_maker: SongMaker) -> None:
    def job(transaction: Any) -> SongId:
        transaction.publish(song_maker("before"), at_ms=NOW_MS)
        transaction.takedowns.open(case_of(vendor_id=VendorId(1), is_banned=True), actor="", at_ms=NOW_MS)
        song_id: SongId = transaction.publish(song_maker("after"), at_ms=NOW_MS).song_id
        return song_id

    song_id = store.work.run(job)
    assert blocked(store, [song_id]) == [song_id]


def test_a_transaction_asks_for_bans_once_however_many_songs_it_publishes(store: Any, song_maker: SongMaker) -> None:
    def job(transaction: Any) -> int:
        asked = 0

        def trace(_: Any, statement: str, __: Any) -> bool:
            nonlocal asked
            asked += "takedowns" in statement
            return True

        transaction._connection.set_exec_trace(trace)
        try:
            for number in range(20):
                transaction.publish(song_maker(f"song {number}"), at_ms=NOW_MS)
        finally:
            transaction._connection.set_exec_trace(None)
        return asked

    assert store.work.run(job) == 1


# Whom it reaches.


def test_the_reach_of_a_case_is_its_live_grants_and_their_rooms(store: Any, songs: dict[str, SongId]) -> None:
    session, ended = store.open_session(), store.open_session("ended", expires_at_ms=NOW_MS)
    plain = songs["plain"]
    for room in ("包厢", "包厢", "大厅", ""):
        store.issue_grant(session, plain, room_id=room)
    store.issue_grant(session, songs["work"], room_id="another song's")
    store.issue_grant(session, plain, room_id="run out", expires_at_ms=NOW_MS)
    store.issue_grant(ended, plain, room_id="session ended")
    hits = take_down(store, case_of(songs=(plain,)))
    assert store.takedowns.reach(hits.case_id, at_ms=NOW_MS) == Reach(grants=4, rooms=2)
    nobody = take_down(store, case_of(songs=(songs["recording"],)))
    assert store.takedowns.reach(nobody.case_id, at_ms=NOW_MS) == Reach(grants=0, rooms=0)


def test_a_case_that_begins_later_reaches_the_grants_that_last_until_then(store: Any, songs: dict[str, SongId]) -> None:
    session = store.open_session()
    for life_ms in (999, 1_000, 1_001):
        store.issue_grant(session, songs["plain"], expires_at_ms=NOW_MS + life_ms)
    hits = take_down(store, case_of(songs=(songs["plain"],), from_ms=NOW_MS + 1_000))
    assert store.takedowns.reach(hits.case_id, at_ms=NOW_MS + 1_000) == Reach(grants=1, rooms=1)
