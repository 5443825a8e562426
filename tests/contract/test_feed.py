"""What every change feed tells: each song once, at its latest change, and nothing it has told already."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuefu.catalogue.song import PublishedSong
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Block, Chain, Deal, Terms, TermSheet
from yuefu.rights.feed import ChangeKind, FeedRow
from yuefu.storage.sqlite import clock, feed
from yuefu.units import DAY_MS, HOUR_MS

SongMaker = Callable[..., PublishedSong]

BOTH = (Chain.RECORDING, Chain.WORK)
NOW_MS = 1_700_000_000_000
ADDED, CHANGED, WITHDRAWN, RESTORED = ChangeKind
ALL = frozenset({1, 2})


def publish(store: Any, song: PublishedSong, *terms: Terms, at_ms: int = NOW_MS) -> SongId:
    """A song with those terms for both chains."""

    def job(transaction: Any) -> SongId:
        song_id: SongId = transaction.publish(song, at_ms=at_ms).song_id
        if terms:
            deal = Deal(song_id=song_id, chains=BOTH, sheet=TermSheet(terms=terms))
            transaction.record_deal(deal, at_ms=at_ms)
        return song_id

    published: SongId = store.work.run(job)
    return published


def deal(store: Any, song_id: SongId, *terms: Terms, at_ms: int = NOW_MS) -> None:
    recorded = Deal(song_id=song_id, chains=BOTH, sheet=TermSheet(terms=terms))
    store.work.run(lambda transaction: transaction.record_deal(recorded, at_ms=at_ms))


def block(store: Any, song_id: SongId, *, from_ms: int, at_ms: int = NOW_MS, case_id: int = 1) -> None:
    laid = Block(case_id=case_id, from_ms=from_ms, is_banned=False)
    store.work.run(lambda transaction: transaction.block(song_id, laid, source="a case", at_ms=at_ms))


def follow(store: Any, at_ms: int) -> int:
    """Follow the clock up to an instant; in how many transactions."""
    steps = 0
    while store.feed.is_behind(at_ms):
        store.work.run(lambda transaction: transaction.follow_clock(at_ms))
        steps += 1
    return steps


def rows(store: Any, after: int = 0, vendors: frozenset[int] = ALL, at_most: int = 100) -> list[FeedRow]:
    found: list[FeedRow] = store.feed.page(vendors, after=after, at_most=at_most).rows
    return found


def told(store: Any, after: int = 0) -> list[tuple[SongId, ChangeKind, int]]:
    return [(row.song_id, row.kind, row.at_ms) for row in rows(store, after)]


@pytest.fixture
def song_id(store: Any, song_maker: SongMaker) -> SongId:
    """A song that may be used until further notice."""
    return publish(store, song_maker(), Terms())


def test_a_feed_without_songs_is_at_its_end(store: Any) -> None:
    page = store.feed.page(ALL, after=0, at_most=10)
    assert (page.rows, page.until, page.is_last) == ([], 0, True)
    assert store.feed.latest() == 0


def test_what_nobody_could_ever_use_is_not_in_it(store: Any, song_maker: SongMaker) -> None:
    bare = publish(store, song_maker("bare"))
    past = publish(store, song_maker("past"), Terms(valid_until_ms=NOW_MS))
    assert told(store) == []
    store.remove(bare)
    store.remove(past)
    assert told(store) == []


def test_it_is_first_the_list_of_all_songs_and_then_what_changed(store: Any, other: Any, song_maker: SongMaker) -> None:
    first, second = (publish(store, song_maker(name), Terms()) for name in ("first", "second"))
    assert told(other) == [(first, ADDED, NOW_MS), (second, ADDED, NOW_MS)]
    until = store.feed.page(ALL, after=0, at_most=10).until
    assert told(other, until) == []
    deal(store, first, Terms(channel=2), at_ms=NOW_MS + 1)
    third = publish(store, song_maker("third"), Terms(), at_ms=NOW_MS + 2)
    store.work.run(lambda transaction: transaction.remove_song(second, at_ms=NOW_MS + 3))
    assert told(other, until) == [
        (first, CHANGED, NOW_MS + 1),
        (third, ADDED, NOW_MS + 2),
        (second, WITHDRAWN, NOW_MS + 3),
    ]
    assert [row.song_id for row in rows(other)] == [first, third, second], "each song once"


def test_a_song_is_withdrawn_and_restored_by_what_takes_and_gives_its_rights(store: Any, song_id: SongId) -> None:
    place = store.feed.latest()
    block(store, song_id, from_ms=NOW_MS + 1, at_ms=NOW_MS + 1)
    assert told(store, place) == [(song_id, WITHDRAWN, NOW_MS + 1)]
    assert rows(store, place)[0].revision == 2
    place = store.feed.latest()
    store.work.run(lambda transaction: transaction.unblock(song_id, 1, source="a case", at_ms=NOW_MS + 2))
    assert told(store, place) == [(song_id, RESTORED, NOW_MS + 2)]
    place = store.feed.latest()
    deal(store, song_id, at_ms=NOW_MS + 3)
    assert told(store, place) == [(song_id, WITHDRAWN, NOW_MS + 3)]
    place = store.feed.latest()
    deal(store, song_id, Terms(), at_ms=NOW_MS + 4)
    assert told(store, place) == [(song_id, RESTORED, NOW_MS + 4)]


def test_changes_of_one_transaction_are_one_change(store: Any, song_id: SongId) -> None:
    place = store.feed.latest()

    def job(transaction: Any) -> None:
        transaction.remove_song(song_id, at_ms=NOW_MS + 1)

    store.work.run(job)
    assert told(store, place) == [(song_id, WITHDRAWN, NOW_MS + 1)]
    assert store.feed.latest() == place + 1


def test_only_the_vendors_asked_are_told(store: Any, song_maker: SongMaker) -> None:
    one = publish(store, song_maker("one"), Terms())
    two = publish(store, song_maker("two", vendor_id=VendorId(2)), Terms())
    assert [(row.song_id, row.vendor_id) for row in rows(store, vendors=frozenset({2}))] == [(two, 2)]
    assert [row.song_id for row in rows(store, vendors=ALL)] == [one, two]
    assert rows(store, vendors=frozenset()) == []


@pytest.mark.parametrize("at_most", [1, 2, 3, 7, 8])
def test_pages_tell_everything_once(store: Any, song_maker: SongMaker, at_most: int) -> None:
    ids = [publish(store, song_maker(f"song {number}"), Terms()) for number in range(7)]
    found, place, is_last = [], 0, False
    while not is_last:
        page = store.feed.page(ALL, after=place, at_most=at_most)
        assert len(page.rows) <= at_most
        found += [row.song_id for row in page.rows]
        place, is_last = page.until, page.is_last
    assert found == ids
    assert place == store.feed.latest()


def test_a_page_passes_over_what_is_none_of_its_readers_business(
    store: Any, song_maker: SongMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_LOOKED_AT", 3)
    for number in range(5):
        publish(store, song_maker(f"of one {number}"), Terms())
    wanted = publish(store, song_maker("of two", vendor_id=VendorId(2)), Terms())
    first = store.feed.page({2}, after=0, at_most=10)
    assert (first.rows, first.until, first.is_last) == ([], 3, False)
    second = store.feed.page({2}, after=first.until, at_most=10)
    assert [row.song_id for row in second.rows] == [wanted]
    assert store.feed.page({2}, after=second.until, at_most=10).is_last


def test_a_deal_that_ends_by_itself_is_told_of_at_its_instant(store: Any, other: Any, song_maker: SongMaker) -> None:
    song_id = publish(store, song_maker(), Terms(valid_until_ms=NOW_MS + 1_000))
    follow(store, NOW_MS)
    place = store.feed.latest()
    assert follow(store, NOW_MS + 999) == 0
    assert told(store, place) == []
    assert follow(other, NOW_MS + 5_000) > 0
    assert told(store, place) == [(song_id, WITHDRAWN, NOW_MS + 1_000)]
    assert follow(store, NOW_MS + 5_000) == 0, "it was followed by the other process"
    assert store.feed.latest() == place + 1


def test_a_deal_that_begins_by_itself_is_told_of_at_its_instant(store: Any, song_maker: SongMaker) -> None:
    begin_ms, end_ms = NOW_MS + 1_000, NOW_MS + 2_000
    song_id = publish(store, song_maker(), Terms(valid_from_ms=begin_ms, valid_until_ms=end_ms))
    assert told(store) == []
    follow(store, begin_ms)
    assert told(store) == [(song_id, ADDED, begin_ms)]
    follow(store, end_ms)
    assert told(store) == [(song_id, WITHDRAWN, end_ms)]


def test_a_scheduled_takedown_is_told_of_at_its_instant(store: Any, song_id: SongId) -> None:
    block(store, song_id, from_ms=NOW_MS + 3_000)
    follow(store, NOW_MS + 2_999)
    assert rows(store)[0].kind is CHANGED
    follow(store, NOW_MS + 3_000)
    assert told(store) == [(song_id, WITHDRAWN, NOW_MS + 3_000)]


def test_a_boundary_that_changes_no_answer_is_not_told(store: Any, song_maker: SongMaker) -> None:
    song_id = publish(store, song_maker(), Terms(valid_until_ms=NOW_MS + 1_000), Terms())
    place = store.feed.latest()
    follow(store, NOW_MS + HOUR_MS)
    assert told(store, place) == []
    assert [row.song_id for row in rows(store)] == [song_id]


@pytest.mark.parametrize(
    "terms",
    [
        (Terms(territories=("JP",), valid_until_ms=NOW_MS + 1_000), Terms(territories=("CN",))),
        (Terms(channel=1, valid_until_ms=NOW_MS + 1_000), Terms(channel=2, valid_from_ms=NOW_MS + 1_000)),
    ],
    ids=["in one territory", "of the channel"],
)
def test_a_boundary_that_changes_some_answer_is_told(
    store: Any, song_maker: SongMaker, terms: tuple[Terms, ...]
) -> None:
    song_id = publish(store, song_maker(), *terms)
    place = store.feed.latest()
    follow(store, NOW_MS + HOUR_MS)
    assert told(store, place) == [(song_id, CHANGED, NOW_MS + 1_000)]


def test_what_was_over_before_it_was_recorded_is_not_told_again(store: Any, song_maker: SongMaker) -> None:
    follow(store, NOW_MS - DAY_MS)
    song_id = publish(store, song_maker(), Terms(valid_from_ms=NOW_MS - HOUR_MS))
    follow(store, NOW_MS + 1)
    assert told(store) == [(song_id, ADDED, NOW_MS)]


def test_a_deal_that_ended_on_its_way_into_the_store_is_not_told_as_good(store: Any, song_maker: SongMaker) -> None:
    """Its instant was taken before it was written, and the clock was followed in between."""
    song_id = publish(store, song_maker("there"), Terms(valid_until_ms=NOW_MS + 500))
    follow(store, NOW_MS + 1_000)
    late = publish(store, song_maker("late"), Terms(valid_until_ms=NOW_MS + 500), at_ms=NOW_MS)
    follow(store, NOW_MS + HOUR_MS)
    assert told(store) == [(song_id, WITHDRAWN, NOW_MS + 500)]
    assert late not in {row.song_id for row in rows(store)}


def test_a_clock_that_goes_back_tells_nothing(store: Any, song_maker: SongMaker) -> None:
    publish(store, song_maker(), Terms(valid_until_ms=NOW_MS + 500))
    follow(store, NOW_MS + 1_000)
    place = store.feed.latest()
    assert follow(store, NOW_MS - DAY_MS) == 0
    assert store.feed.latest() == place


def test_many_songs_are_followed_in_slices_that_any_process_may_do(
    store: Any, other: Any, song_maker: SongMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "SLICE", 3)
    end = Terms(valid_until_ms=NOW_MS + 1_000)
    ids = [publish(store, song_maker(f"song {number}"), end) for number in range(8)]
    follow(store, NOW_MS)
    place = store.feed.latest()
    later_ms = NOW_MS + 2_000
    for process in (store, other, store):
        process.work.run(lambda transaction: transaction.follow_clock(later_ms))
    between = publish(store, song_maker("between"), end, at_ms=NOW_MS)
    assert follow(other, later_ms) > 0
    assert told(store, place) == [(song_id, WITHDRAWN, NOW_MS + 1_000) for song_id in ids]
    assert between not in {row.song_id for row in rows(store)}


def test_following_that_broke_off_is_taken_up_again(
    store: Any, song_maker: SongMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "SLICE", 1)
    for number in range(3):
        publish(store, song_maker(f"song {number}"), Terms(valid_until_ms=NOW_MS + 1_000))
    follow(store, NOW_MS)
    place = store.feed.latest()

    def broken(transaction: Any) -> None:
        transaction.follow_clock(NOW_MS + 2_000)
        raise RuntimeError

    store.work.run(lambda transaction: transaction.follow_clock(NOW_MS + 2_000))
    with pytest.raises(RuntimeError):
        store.work.run(broken)
    follow(store, NOW_MS + 2_000)
    assert len(told(store, place)) == 3


_STARTS = iter(range(NOW_MS + DAY_MS, NOW_MS + 10_000 * DAY_MS, DAY_MS))
"""Every example has a day and songs of its own: the store's clock never goes back."""

_CASES = count(1)

DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("deal"), st.integers(0, 2), st.integers(-3, 6), st.integers(1, 6)),
        st.tuples(st.just("block"), st.integers(0, 2), st.integers(-3, 6), st.just(0)),
        st.tuples(st.just("wait"), st.just(0), st.integers(1, 4), st.just(0)),
        st.tuples(st.just("read"), st.just(0), st.just(0), st.just(0)),
    ),
    max_size=12,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(deeds=DEEDS)
def test_who_follows_the_feed_knows_what_may_be_used(store: Any, song_maker: SongMaker, deeds: Any) -> None:
    """A reader who keeps what he is told has, whenever he has read to the end, the songs that anybody may use."""
    start_ms = now_ms = next(_STARTS)
    ids = [publish(store, song_maker(f"song {number} of {start_ms}"), at_ms=now_ms) for number in range(3)]
    usable: set[SongId] = set()
    terms: dict[SongId, tuple[int, int]] = {}
    blocks: dict[SongId, list[int]] = {song_id: [] for song_id in ids}
    follow(store, now_ms)
    place = store.feed.latest()
    for kind, number, offset, length in [*deeds, ("read", 0, 0, 0)]:
        song_id = ids[number]
        match kind:
            case "deal":
                begin_ms = now_ms + offset * 10
                terms[song_id] = (begin_ms, begin_ms + length * 10)
                blocks[song_id] = [from_ms for from_ms in blocks[song_id] if from_ms > now_ms]  # what is to come stays
                deal(store, song_id, Terms(valid_from_ms=begin_ms, valid_until_ms=terms[song_id][1]), at_ms=now_ms)
            case "block":
                blocks[song_id].append(now_ms + offset * 10)
                block(store, song_id, from_ms=now_ms + offset * 10, at_ms=now_ms, case_id=next(_CASES))
            case "wait":
                now_ms += offset * 7
            case "read":
                follow(store, now_ms)
                for row in _drawn(store, place):
                    assert start_ms <= row.at_ms <= now_ms
                    (usable.discard if row.kind is WITHDRAWN else usable.add)(row.song_id)
                    place = row.place
                assert usable == {
                    song_id
                    for song_id, (begin_ms, end_ms) in terms.items()
                    if begin_ms <= now_ms < end_ms and not any(from_ms <= now_ms for from_ms in blocks[song_id])
                }


def _drawn(store: Any, place: int) -> Iterator[FeedRow]:
    while found := rows(store, place, at_most=2):
        yield from found
        place = found[-1].place
