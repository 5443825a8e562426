"""QueryTips, QuerySong and QuerySongPlus."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from yuefu.catalogue.search import Keyword
from yuefu.catalogue.spelling import fold, recording_key
from yuefu.ids import SongId, VendorId
from yuefu.server.actions.question import Question
from yuefu.server.actions.song_rows import Licensed, found_row, page_of, visible
from yuefu.server.centre import Centre
from yuefu.wire.operations.query_song import FoundSongs, QuerySongParams
from yuefu.wire.operations.query_song_plus import QuerySongPlusParams
from yuefu.wire.operations.query_tips import QueryTipsParams, Tips
from yuefu.wire.operations.rows import FoundSong

MOST_TIPS = 10
_SONGS_FOR_TIPS = 200
"""How many songs are looked at for tips; of a famous singer's songs hundreds may match and only one phrase be new."""

Turn = tuple[VendorId, int]
"""A vendor, and how many rows in a row are its."""


def query_tips(centre: Centre, question: Question, params: QueryTipsParams) -> Tips:
    """Titles and singers that the keyword finds, of songs that may be used; the keyword itself first if it is one."""
    keyword, vendor_id = Keyword.parse(params.keyword), question.vendor_id
    named = _usable(centre, question, centre.search.named(vendor_id, keyword))
    found = _usable(centre, question, centre.search.matches(vendor_id, keyword))
    exact = (phrase for phrase in _phrases(named) if fold(phrase) == keyword.whole)
    close = (phrase for phrase in _phrases(found) if keyword.finds((phrase,)))
    return Tips(tips=list(islice(_each_once(chain(islice(exact, 1), close)), MOST_TIPS)))


def _usable(centre: Centre, question: Question, song_ids: Iterator[SongId]) -> Iterator[Licensed]:
    return visible(centre, question, question.vendor_id, islice(song_ids, _SONGS_FOR_TIPS), None)


def _phrases(songs: Iterable[Licensed]) -> Iterator[str]:
    return (phrase for listing, _ in songs for phrase in (listing.title, *listing.singers))


def _each_once(phrases: Iterable[str]) -> Iterator[str]:
    """The first of all phrases that differ in width, case or punctuation alone."""
    said: set[str] = set()
    for phrase in phrases:
        if (folded := fold(phrase)) not in said:
            said.add(folded)
            yield phrase


def query_song(centre: Centre, question: Question, params: QuerySongParams) -> FoundSongs:
    """The vendor's songs that match and may be used, best first."""
    matches = centre.search.matches(question.vendor_id, Keyword.parse(params.keyword))
    shown = page_of(centre, visible(centre, question, question.vendor_id, matches, params.filter), params.page)
    return FoundSongs(songs=[found_row(FoundSong, question, song) for song in shown])


def query_song_plus(centre: Centre, question: Question, params: QuerySongPlusParams) -> FoundSongs:
    """Several vendors' matches, by turns in the ratio asked for, each recording once (decision G9)."""
    shown = page_of(centre, _Medley(centre, question, params).rows(), params.page)
    return FoundSongs(songs=[found_row(FoundSong, question, song) for song in shown])


class _Medley:
    """Several vendors' matches as one list: so many of the first vendor, so many of the second, and round again.

    A vendor that is named twice has two turns; a row that would show a recording again takes nobody's place. What the
    vendor to be kept has too is left to its next turn. Raises `Refusal`.
    """

    def __init__(self, centre: Centre, question: Question, params: QuerySongPlusParams) -> None:
        self._centre = centre
        self._question = question
        self._filters = params.filter
        self._turns = _turns(question, params)
        self._keep: VendorId | None = None
        if params.keep_vendor is not None:
            self._keep = question.check_vendor(params.keep_vendor, parameter="keep_vendor")
        keyword = Keyword.parse(params.keyword)
        self._found = {
            vendor: self._usable(vendor, centre.search.matches(vendor, keyword)) for vendor, _ in self._turns
        }
        self._left_to_kept: deque[Licensed] = deque()
        self._shown: set[str] = set()

    def rows(self) -> Iterator[Licensed]:
        """The list, to be read once."""
        going = True
        while going:
            going = False
            for vendor_id, count in self._turns:
                for song in islice(self._rows_of(vendor_id), count):
                    going = True
                    yield song
            going = going or bool(self._left_to_kept)

    def _rows_of(self, vendor_id: VendorId) -> Iterator[Licensed]:
        """A vendor's rows from where its last turn ended."""
        if vendor_id == self._keep:
            while self._left_to_kept:
                yield from self._unless_shown(self._left_to_kept.popleft())
        for song in self._found[vendor_id]:
            if self._is_shown(song):
                continue
            if twin := self._kept_twin(song):
                self._left_to_kept.append(twin)
            else:
                yield from self._unless_shown(song)

    def _unless_shown(self, song: Licensed) -> Iterator[Licensed]:
        if not self._is_shown(song):
            self._shown |= _recordings(song)
            yield song

    def _is_shown(self, song: Licensed) -> bool:
        return not self._shown.isdisjoint(_recordings(song))

    def _kept_twin(self, song: Licensed) -> Licensed | None:
        """The entry of the same recording at the vendor to be kept, if that one is searched and it may be used."""
        listing, _ = song
        if self._keep not in self._found or listing.vendor_id == self._keep:
            return None
        return next(self._usable(self._keep, self._centre.listings.same_recording(listing, self._keep)), None)

    def _usable(self, vendor_id: VendorId, song_ids: Iterable[SongId]) -> Iterator[Licensed]:
        return visible(self._centre, self._question, vendor_id, song_ids, self._filters)


def _turns(question: Question, params: QuerySongPlusParams) -> list[Turn]:
    """The vendors to search, in turn: all that the app was granted where none is named. Raises `Refusal`."""
    named, items = params.vendors_id, params.items
    if items is not None and len(items) != len(named or ()):
        raise question.bad_value("items", f"must say one number for each of {question.spell('vendors_id')}")
    if named is None:
        vendors = [vendor for vendor in sorted(question.app.vendors) if _is_searched(question, vendor)]
    else:
        vendors = [question.check_vendor(vendor, parameter="vendors_id") for vendor in named]
    return [(VendorId(vendor), count) for vendor, count in zip(vendors, items or [1] * len(vendors), strict=True)]


def _is_searched(question: Question, vendor_id: int) -> bool:
    profile = question.profiles.get(vendor_id)
    return profile is not None and question.action in profile.operations


def _recordings(song: Licensed) -> set[str]:
    """What a row shows, under both names that it has: the same ISRC is the same recording, and so is the same name."""
    listing, _ = song
    own = recording_key(title=listing.title, singers=listing.singers, isrc=listing.isrc)
    return {own, recording_key(title=listing.title, singers=listing.singers)}
