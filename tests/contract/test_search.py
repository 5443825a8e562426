"""What every search index keeps: it finds exactly what a slow reading of every song would, in the same order."""

import random
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuefu.catalogue.search import Keyword
from yuefu.catalogue.song import PublishedSong, SongFacts
from yuefu.catalogue.spelling import fold, initials, is_unspaced, keyword_pieces, text_pieces
from yuefu.ids import SongId, VendorId
from yuefu.storage.sqlite.database import Database, fetch
from yuefu.storage.sqlite.search import STATEMENTS
from yuefu.storage.sqlite.transaction import SqliteWork

SongMaker = Callable[..., PublishedSong]
Shelf = dict[SongId, PublishedSong]

ONE, TWO, TWELVE = VendorId(1), VendorId(2), VendorId(12)
HOSTILE = [
    '"',
    '""',
    '"花',
    "花*",
    "*",
    "^花",
    "tokens:花",
    "{tokens}: 花",
    "花 AND 月",
    "花 OR 月",
    "花 NOT 月",
    "NOT 花",
    "NEAR(花 月, 5)",
    "花 + 月",
    "-花",
    "(花",
    "花)",
    "((((((((((",
    "' OR 1=1 --",
    "花'; DROP TABLE songs; --",
    "%",
    "_",
    "花\x00月",
    "\x00",
    "\ud800",
    "\udfff花",
    "🎤",
    "👩‍🎤花",
    "\u202e花",
    "¶花",
    "1¶花",
    "§h",
    "¤甲",
    "花" * 128,
    "花月" * 64,
    "l o " * 32,
    "lo" * 64,
    "\U0010ffff",
    " \t\u3000",
    "，。！",
]


def slow_finds(typed: str, facts: SongFacts) -> bool:
    """As the port says it, read off every text of a song."""
    pieces = keyword_pieces(typed)
    texts = [fold(text) for text in (facts.title, *facts.aliases, *facts.singers)]
    return bool(pieces) and all(
        any(slow_is_in(piece, text, is_last=place == len(pieces) - 1) for text in texts)
        for place, piece in enumerate(pieces)
    )


def slow_is_in(piece: str, text: str, *, is_last: bool) -> bool:
    if is_unspaced(piece):
        return piece in text
    words = [word for word in text_pieces(text) if not is_unspaced(word)]
    if any(word == piece or (is_last and word.startswith(piece)) for word in words):
        return True
    readings = ["".join(reading) for reading in product(*initials(text_pieces(text)))]
    if len(piece) == 1:
        return any(reading.startswith(piece) for reading in readings) or any(word[0] == piece for word in words)
    return piece.isascii() and any(piece in reading for reading in readings)


def slow_matches(shelf: Shelf, vendor_id: VendorId, typed: str) -> list[SongId]:
    whole = fold(typed)

    def place(song_id: SongId) -> tuple[int, str, SongId]:
        title = fold(shelf[song_id].facts.title)
        if title == whole:
            return 0, "", song_id
        return (1, title, song_id) if title.startswith(whole) else (2, "", song_id)

    found = [key for key, song in shelf.items() if song.vendor_id == vendor_id and slow_finds(typed, song.facts)]
    return sorted(found, key=place)


def matches(store: Any, vendor_id: VendorId, typed: str) -> list[SongId]:
    return list(store.search.matches(vendor_id, Keyword.parse(typed)))


def titled(song_maker: SongMaker, title: str, *singers: str, key: str = "", **changes: Any) -> PublishedSong:
    facts = SongFacts(title=title, singers=singers, aliases=changes.pop("aliases", ()))
    return song_maker(key or f"{title}/{singers}", facts=facts, **changes)


def shelve(store: Any, songs: Iterable[PublishedSong]) -> Shelf:
    """All of them published in one transaction."""
    found: Shelf = store.work.run(
        lambda transaction: {transaction.publish(song, at_ms=1).song_id: song for song in songs}
    )
    return found


class Writer:
    """Makes up texts of so few characters and words that nearly every keyword finds something."""

    HAN = "花月乐长爱𠮷々"
    WORDS = ("love", "lo", "You", "DJ", "a", "99", "été", "don't", "Ⅻ", "さく", "ｌｏｖｅ")
    BETWEEN = (" ", "", "·", " (", "，", "_", '"', "*")

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def text(self, most: int = 4) -> str:
        parts = [self._part() + self.chance.choice(self.BETWEEN) for _ in range(self.chance.randint(1, most))]
        return "".join(parts)

    def keyword(self, texts: list[str]) -> str:
        """A text of one's own, a stretch out of one that there is, its initials, or two of these together."""
        text = self.chance.choice(texts)
        begin = self.chance.randrange(len(text))
        stretch = text[begin : begin + self.chance.randint(1, 6)]
        letters = "".join(self.chance.choice(sound) for sound in initials(text_pieces(fold(text))))
        begin = self.chance.randrange(len(letters) + 1)
        sounds = letters[begin : begin + self.chance.randint(1, 4)]
        options = (self.text(2), stretch, sounds, f"{stretch} {sounds}", f"{sounds} {self._part()}")
        return self.chance.choice(options)

    def song(self, song_maker: SongMaker, number: int) -> PublishedSong:
        return titled(
            song_maker,
            self.text(),
            *(self.text(2) for _ in range(self.chance.randint(0, 2))),
            aliases=tuple(self.text(2) for _ in range(self.chance.randint(0, 1))),
            key=str(number),
            vendor_id=self.chance.choice((ONE, ONE, TWELVE)),
        )

    def _part(self) -> str:
        if self.chance.random() < 0.4:
            return self.chance.choice(self.WORDS)
        return "".join(self.chance.choices(self.HAN, k=self.chance.randint(1, 4)))


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_a_slow_reading_finds_in_the_same_order(store: Any, song_maker: SongMaker, seed: int) -> None:
    writer = Writer(seed)
    shelf = shelve(store, [writer.song(song_maker, number) for number in range(200)])
    texts = [text for song in shelf.values() for text in (song.facts.title, *song.facts.aliases, *song.facts.singers)]
    found = 0
    for typed in (writer.keyword(texts) for _ in range(400)):
        for vendor_id in (ONE, TWELVE):
            expected = slow_matches(shelf, vendor_id, typed)
            assert matches(store, vendor_id, typed) == expected, typed
            found += len(expected)
    assert found > 5_000


@pytest.fixture
def small_shelf(store: Any, song_maker: SongMaker) -> Shelf:
    titles = ("花", "花月", "月花", "OR", "and not near", "lo lo lo", "tokens", "1=1", "花月花月花", "1花", "花💐月")
    return shelve(store, [titled(song_maker, title, "甲") for title in titles])


@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_is_typed_is_an_operator(store: Any, small_shelf: Shelf, typed: str) -> None:
    assert matches(store, ONE, typed) == slow_matches(small_shelf, ONE, typed)


@pytest.mark.parametrize("typed", ["", " ", '"', "*", "?!", "_", "\x00", "🎤", "\ud800", "¶", "-" * 128])
def test_a_keyword_without_a_letter_finds_nothing(store: Any, small_shelf: Shelf, typed: str) -> None:
    assert small_shelf
    assert matches(store, ONE, typed) == []
    assert list(store.search.named(ONE, Keyword.parse(typed))) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(typed=st.text(st.characters() | st.sampled_from('花月lo01"*() \x00'), max_size=128))
def test_any_text_may_be_typed(store: Any, small_shelf: Shelf, typed: str) -> None:
    assert matches(store, ONE, typed) == slow_matches(small_shelf, ONE, typed)


def test_equal_titles_come_first_then_those_that_begin_so_then_the_rest(store: Any, song_maker: SongMaker) -> None:
    titles = ("我爱花", "花开", "花", "花儿", "茉莉花", "花", "送别")
    shelf = shelve(store, [titled(song_maker, title, key=str(place)) for place, title in enumerate(titles)])
    ids = list(shelf)
    assert matches(store, ONE, "花") == [ids[2], ids[5], ids[3], ids[1], ids[0], ids[4]]


def test_singers_and_aliases_are_searched_too(store: Any, song_maker: SongMaker) -> None:
    shelf = shelve(store, [titled(song_maker, "晴天", "周杰伦", "Lara", aliases=("Sunny Day",))])
    for typed in ("周杰伦", "杰伦", "zjl", "lara", "sunny", "day sun", "周杰伦 晴天", "qt 周杰伦", "晴 lar"):
        assert matches(store, ONE, typed) == list(shelf), typed
    for typed in ("伦杰", "sun", "周杰伦 雨天", "unny"):
        assert matches(store, ONE, typed) == ([] if typed != "sun" else list(shelf)), typed


def test_a_vendor_finds_only_its_own_songs(store: Any, song_maker: SongMaker) -> None:
    vendors = (ONE, TWO, TWELVE)
    shelf = shelve(store, [titled(song_maker, "花 234 4", "甲", vendor_id=vendor) for vendor in vendors])
    for vendor_id, song_id in zip(vendors, shelf, strict=True):
        for typed in ("花", "23", "234", "4", "h", "甲"):
            assert matches(store, vendor_id, typed) == [song_id]
        assert list(store.search.named(vendor_id, Keyword.parse("甲"))) == [song_id]
    for typed in ("花", "h", "甲"):
        assert matches(store, VendorId(3), typed) == []
    assert matches(store, ONE, "2234") == []


def test_named_songs_have_that_title_or_that_singer(store: Any, song_maker: SongMaker) -> None:
    songs = [
        titled(song_maker, "王菲"),
        titled(song_maker, "红豆", "王菲"),
        titled(song_maker, "王菲的歌", "王菲菲"),
        titled(song_maker, "Bad Blood", "Taylor Swift"),
        titled(song_maker, "Taylor", "Swift"),
        titled(song_maker, "约定", aliases=("王菲",)),
    ]
    ids = list(shelve(store, songs))
    assert list(store.search.named(ONE, Keyword.parse("王菲"))) == ids[:2]
    assert list(store.search.named(ONE, Keyword.parse("TAYLOR  SWIFT"))) == [ids[3]]


def test_more_matches_than_are_read_at_once_come_in_order_and_once(store: Any, song_maker: SongMaker) -> None:
    songs = [titled(song_maker, f"{'花' if number % 3 else ''}花开", key=str(number)) for number in range(150)]
    shelf = shelve(store, songs + [titled(song_maker, "好花", key=f"more {number}") for number in range(150)])
    for typed in ("花", "花开", "hk", "花花开"):
        assert matches(store, ONE, typed) == slow_matches(shelf, ONE, typed)


def test_a_changed_song_is_found_by_what_it_says_now(store: Any, other: Any, song_maker: SongMaker) -> None:
    song_id = store.publish(titled(song_maker, "茉莉花", "甲", key="1")).song_id
    assert matches(other, ONE, "茉莉") == [song_id]
    store.publish(titled(song_maker, "送别", "乙", key="1", fingerprint="second"))
    for view in (store, other):
        assert matches(view, ONE, "茉莉") == matches(view, ONE, "甲") == matches(view, ONE, "mlh") == []
        assert matches(view, ONE, "送") == matches(view, ONE, "乙") == matches(view, ONE, "sb") == [song_id]


def test_an_edited_song_is_found_by_its_edited_facts(store: Any, song_maker: SongMaker) -> None:
    song_id = store.publish(titled(song_maker, "茉莉花", key="1")).song_id
    store.edit(song_id, title="送别")
    store.publish(titled(song_maker, "茉莉花", key="1", fingerprint="second"))
    assert matches(store, ONE, "送别") == [song_id]
    assert matches(store, ONE, "茉莉花") == []


def test_the_same_delivery_again_is_still_found(store: Any, song_maker: SongMaker) -> None:
    for _ in range(2):
        song_id = store.publish(titled(song_maker, "茉莉花")).song_id
        assert matches(store, ONE, "莉") == [song_id]


def test_a_removed_song_is_not_found_until_it_comes_again(store: Any, song_maker: SongMaker) -> None:
    song = titled(song_maker, "茉莉花", "甲")
    song_id = store.publish(song).song_id
    store.remove(song_id)
    for typed in ("茉莉花", "茉", "花", "甲", "mlh"):
        assert matches(store, ONE, typed) == []
    assert list(store.search.named(ONE, Keyword.parse("甲"))) == []
    store.publish(song)
    assert matches(store, ONE, "花") == matches(store, ONE, "甲") == [song_id]


def test_what_a_failed_transaction_wrote_is_not_found(store: Any, song_maker: SongMaker) -> None:
    def job(transaction: Any) -> None:
        transaction.publish(titled(song_maker, "茉莉花"), at_ms=1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.work.run(job)
    assert matches(store, ONE, "花") == []


def test_the_last_of_several_changes_in_one_transaction_holds(store: Any, song_maker: SongMaker) -> None:
    def job(transaction: Any) -> None:
        for number, title in enumerate(("茉莉花", "送别", "红豆")):
            transaction.publish(titled(song_maker, title, key="1", fingerprint=str(number)), at_ms=1)
        gone = transaction.publish(titled(song_maker, "花月", key="2"), at_ms=1).song_id
        transaction.remove_song(gone, at_ms=1)

    store.work.run(job)
    assert len(matches(store, ONE, "红豆")) == 1
    assert matches(store, ONE, "茉莉花") == matches(store, ONE, "送") == matches(store, ONE, "花月") == []


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "yuefu.sqlite3") as database:
        yield database


@pytest.mark.parametrize("statement", STATEMENTS)
def test_no_statement_reads_a_table_from_end_to_end(database: Database, statement: str) -> None:
    bindings = ('"花"',) + (1,) * (len(set(re.findall(r"\?\d", statement))) - 1)
    plan = [row[3] for row in fetch(database.reader, f"EXPLAIN QUERY PLAN {statement}", bindings)]
    assert plan
    for step in plan:
        # FTS5's own words for "by the matching expression, beyond that rowid", which has no other name than a scan
        assert step.startswith("SEARCH songs USING") or re.match(r"SCAN song_search VIRTUAL TABLE INDEX \d+:M\d>", step)


def test_a_large_transaction_writes_its_index_in_one_piece(database: Database, song_maker: SongMaker) -> None:
    songs = [titled(song_maker, f"花{number}", "甲") for number in range(300)]
    SqliteWork(database).run(lambda transaction: [transaction.publish(song, at_ms=1) for song in songs])
    assert fetch(database.reader, "SELECT count(DISTINCT segid) FROM song_search_idx") == [(1,)]


def test_a_song_that_is_edited_or_removed_in_the_transaction_it_comes_in_is_found_by_its_last_words(
    store: Any, song_maker: SongMaker
) -> None:
    def job(transaction: Any) -> SongId:
        edited = transaction.publish(song_maker("送别"), at_ms=1).song_id
        facts = transaction.song(edited).published.facts
        transaction.edit_song(edited, msgspec.structs.replace(facts, title="骊歌"), at_ms=1)
        removed = transaction.publish(song_maker("长亭"), at_ms=1).song_id
        transaction.remove_song(removed, at_ms=1)
        return SongId(edited)

    song_id = store.work.run(job)
    found = {word: list(store.search.matches(VendorId(1), Keyword.parse(word))) for word in ("送别", "骊歌", "长亭")}
    assert found == {"送别": [], "骊歌": [song_id], "长亭": []}
