"""Search in the embedded engine: FTS5 over tokens that we make ourselves.

Every token begins with the vendor's number and a mark that says what it is, so one vendor's songs are found without
looking at another's. The rowid is the song's id, so matches come in a stable order without sorting; titles that equal
the keyword, or begin with it, are asked for first by an ordinary index. A long stretch of Han is asked for by its pairs
of neighbours and initials by theirs, which other texts may have too, so then the songs themselves are looked at.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from operator import add
from typing import Any

import apsw
import msgspec

from yuefu.catalogue.search import Keyword, first_letters, initial_pairs
from yuefu.catalogue.song import PublishedSong
from yuefu.catalogue.spelling import fold, initials, is_unspaced, text_pieces
from yuefu.ids import SongId, VendorId
from yuefu.storage.sqlite.database import Database, fetch, json_text

# No folded text has such a mark in it, and the tokenizer takes all of them for letters.
_WORD = "¶"  # a word, a Han character, a pair of neighbours
_SOUND = "§"  # the first letter of a text or word, the initials of a pair of neighbours
_NAME = "¤"  # a singer's whole name, and in place of the blanks in it

_TEXTS = """
SELECT songs.song_id, songs.vendor_id, songs.title, songs.aliases, songs.singers
FROM json_each(?) AS wanted CROSS JOIN songs ON songs.song_id = wanted.value WHERE songs.removed_at_ms IS NULL
"""
_INDEX = "INSERT INTO song_search (rowid, tokens) VALUES (?, ?)"
_UNINDEX = "DELETE FROM song_search WHERE rowid = ?"
_EXACT = """
SELECT song_id FROM songs
WHERE vendor_id = ?1 AND title_key = ?2 AND song_id > ?3 AND removed_at_ms IS NULL ORDER BY song_id LIMIT ?4
"""
_PREFIX = """
SELECT title_key, song_id FROM songs
WHERE vendor_id = ?1 AND (title_key, song_id) > (?2, ?3) AND title_key < ?4 AND removed_at_ms IS NULL
ORDER BY title_key, song_id LIMIT ?5
"""
_MATCH = "SELECT rowid FROM song_search WHERE song_search MATCH ?1 AND rowid > ?2 ORDER BY rowid LIMIT ?3"
_CANDIDATES = """
SELECT songs.song_id, songs.title, songs.aliases, songs.singers
FROM song_search CROSS JOIN songs ON songs.song_id = song_search.rowid
WHERE song_search MATCH ?1 AND song_search.rowid > ?2 ORDER BY song_search.rowid LIMIT ?3
"""
STATEMENTS = (_EXACT, _PREFIX, _MATCH, _CANDIDATES)
"""All that a search may ask; none reads a table from end to end."""

_BATCH = 40
_LAST_CHARACTER, _LAST_ID = "\U0010ffff", 2**63 - 1

_names = msgspec.json.Decoder(tuple[str, ...]).decode


class SqliteSearch:
    """Matches in batches, each one statement, so that a page near the top costs little however many match."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def matches(self, vendor_id: VendorId, keyword: Keyword) -> Iterator[SongId]:
        """The songs that a keyword finds, best first, each once."""
        if not keyword.pieces:
            return
        seen: set[SongId] = set()
        for song_id in chain(
            self._exact(vendor_id, keyword), self._prefix(vendor_id, keyword), self._containing(vendor_id, keyword)
        ):
            if song_id not in seen:
                seen.add(song_id)
                yield song_id

    def named(self, vendor_id: VendorId, keyword: Keyword) -> Iterator[SongId]:
        """The songs whose title is the keyword, or one of whose singers is."""
        if keyword.pieces:
            yield from self._exact(vendor_id, keyword)
            yield from self._found(_MATCH, _quoted(vendor_id, _name(keyword.whole)))

    def _exact(self, vendor_id: VendorId, keyword: Keyword) -> Iterator[SongId]:
        last = 0
        while rows := self._fetch(_EXACT, (vendor_id, keyword.whole, last, _BATCH)):
            yield from (SongId(song_id) for (song_id,) in rows)
            last = rows[-1][0]

    def _prefix(self, vendor_id: VendorId, keyword: Keyword) -> Iterator[SongId]:
        after = (keyword.whole, _LAST_ID)
        end = keyword.whole + _LAST_CHARACTER
        while rows := self._fetch(_PREFIX, (vendor_id, *after, end, _BATCH)):
            yield from (SongId(song_id) for _, song_id in rows)
            after = rows[-1]

    def _containing(self, vendor_id: VendorId, keyword: Keyword) -> Iterator[SongId]:
        expression = _expression(vendor_id, keyword)
        if all(len(piece) <= 2 for piece in keyword.pieces):
            yield from self._found(_MATCH, expression)
        else:
            yield from self._found(_CANDIDATES, expression, keyword)

    def _found(self, statement: str, expression: str, keyword: Keyword | None = None) -> Iterator[SongId]:
        last = 0
        while rows := self._fetch(statement, (expression, last, _BATCH)):
            for song_id, *texts in rows:
                if keyword is None or keyword.finds(_all_texts(*texts)):
                    yield SongId(song_id)
            last = rows[-1][0]

    def _fetch(self, statement: str, bindings: tuple[Any, ...]) -> list[Any]:
        return fetch(self._database.reader, statement, bindings)


def index_songs(connection: apsw.Connection, new: Mapping[SongId, PublishedSong], respelt: Collection[SongId]) -> None:
    """Make songs findable by what they say now, and unfindable if they are gone, inside the caller's transaction.

    The index knows nothing of those that are `new`. For a transaction's end rather than song by song: FTS5 writes out
    what it has gathered whenever another statement opens a savepoint of its own, as an UPSERT, a RETURNING or a foreign
    key makes it do.
    """
    connection.executemany(_INDEX, ((song_id, _own_tokens(song)) for song_id, song in new.items()))
    if respelt:
        connection.executemany(_UNINDEX, ((song_id,) for song_id in respelt))
        rows = fetch(connection, _TEXTS, (json_text(sorted(respelt)),))
        connection.executemany(_INDEX, ((song_id, _stored_tokens(*texts)) for song_id, *texts in rows))


def _all_texts(title: str, aliases: str, singers: str) -> list[str]:
    return [title, *_names(aliases), *_names(singers)]


def _own_tokens(song: PublishedSong) -> str:
    return _tokens(song.vendor_id, song.facts.title, song.facts.aliases, song.facts.singers)


def _stored_tokens(vendor_id: int, title: str, aliases: str, singers: str) -> str:
    return _tokens(vendor_id, title, _names(aliases), _names(singers))


def _tokens(vendor_id: int, title: str, aliases: Iterable[str], singers: Iterable[str]) -> str:
    """All that a song is found by."""
    texts = [_spell(vendor_id, title)]
    texts += [_spell(vendor_id, alias) for alias in aliases]
    texts += [_spell_singer(vendor_id, singer) for singer in singers]
    return "".join(texts)


@lru_cache(maxsize=32_768)
def _spell_singer(vendor_id: int, name: str) -> str:
    return f"{_spell(vendor_id, name)} {vendor_id}{_name(fold(name))}"


def _spell(vendor_id: int, text: str) -> str:
    """The tokens of one text."""
    pieces = text_pieces(fold(text))
    words: list[str] = []
    for piece in pieces:
        if is_unspaced(piece):
            words += piece
            words += map(add, piece, piece[1:])
        else:
            words.append(piece)
    sounds = initials(pieces)
    heard = first_letters(pieces, sounds) + initial_pairs(sounds)
    return _marked(vendor_id, _WORD, words) + _marked(vendor_id, _SOUND, heard)


def _marked(vendor_id: int, mark: str, parts: Iterable[str]) -> str:
    return f" {vendor_id}{mark}".join(["", *parts])


def _name(folded: str) -> str:
    return _NAME + folded.replace(" ", _NAME)


def _expression(vendor_id: VendorId, keyword: Keyword) -> str:
    """What FTS5 is asked: all songs that the keyword finds are among the answer.

    Every token is quoted, and no piece has a quote in it: nothing a caller types is an operator.
    """
    *whole, last = keyword.pieces
    asked = [_piece_expression(vendor_id, piece) for piece in whole]
    return " AND ".join([*asked, _piece_expression(vendor_id, last, is_last=True)])


def _piece_expression(vendor_id: VendorId, piece: str, *, is_last: bool = False) -> str:
    if is_unspaced(piece):
        return _all_of(vendor_id, _WORD, _pairs(piece))
    if piece.isascii() and len(piece) == 1:
        return _quoted(vendor_id, _SOUND + piece)
    word = _quoted(vendor_id, _WORD + piece) + (" *" if is_last else "")
    return f"({word} OR {_all_of(vendor_id, _SOUND, _pairs(piece))})" if piece.isascii() else word


def _pairs(piece: str) -> list[str]:
    return list(dict.fromkeys(map(add, piece, piece[1:]))) or [piece]


def _all_of(vendor_id: VendorId, mark: str, parts: list[str]) -> str:
    return f"({' AND '.join(_quoted(vendor_id, mark + part) for part in parts)})"


def _quoted(vendor_id: VendorId, token: str) -> str:
    return f'"{vendor_id}{token}"'
