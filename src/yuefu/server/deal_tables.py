"""Deals as a table: a row is one chain's, or both chains', terms of one song, and several rows are one sheet's.

A file's rows take the place of what was on record for the chains of the songs they name, and leave all else alone.
What says what is on record already is no new deal.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import TextIO, TypeVar

import msgspec

from yuefu.access.audit import Author
from yuefu.catalogue.identifier import BadIdentifier, parse_isrc, parse_iswc
from yuefu.ids import SongId, VendorId, parse_song_id
from yuefu.music.findings import Finding, FindingList
from yuefu.rights.deal import BadTerms, Chain, CommercialModel, Deal, SongRights, Terms, TermSheet, Use
from yuefu.rights.record import LicensedSong
from yuefu.rights.territory import UnknownTerritory, check_territories
from yuefu.server.centre import Centre
from yuefu.server.licensing import RIGHTS, LiftedCase, record_deals, rehearse_lifting, says_the_same, scope_of
from yuefu.server.rights_words import say_sheet, say_terms
from yuefu.server.table import Row, TableForm
from yuefu.units import format_instant, parse_instant_ms

E = TypeVar("E", bound=Enum)
T = TypeVar("T")

SONG_COLUMNS = ("song_id", "isrc", "source_key")
TERMS_COLUMNS = (
    "uses",
    "models",
    "territories",
    "excluded_territories",
    "valid_from",
    "valid_until",
    "max_uses",
    "tier",
    "channel",
)
FORM = TableForm((*SONG_COLUMNS, "iswc", "rights", *TERMS_COLUMNS), needed=frozenset({"rights"}))
"""What may be read: all that is written, and the work for whoever has deals by work."""
EXPORT_FORM = TableForm((*SONG_COLUMNS, "rights", *TERMS_COLUMNS), needed=frozenset())

LARGEST_BYTES = 128 * 1024 * 1024
"""More than a million rows, which take 2 to 3 GiB of memory. What is larger comes in several files."""

LONGEST_TIER = 100
NOTHING = "none"
"""What `uses` says in the row of a song that its rights holder gives no deal."""

_SEPARATOR = re.compile(r"[|,;、，；\s]+")
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


class SheetChange(msgspec.Struct, frozen=True, kw_only=True):
    """A chain of a song whose deal is another than before, both in words."""

    song_id: SongId
    chain: Chain
    before: str
    after: str


class DealsImport(msgspec.Struct, frozen=True, kw_only=True):
    """What a table said. `unchanged` counts chains of songs of which the same is on record.

    `findings` are what is wrong with it, `notes` what was made of it: how it was read, which of two rows holds.
    `lifted` are the takedowns that its deals lift. Of a table that `is_refused` nothing may be written.
    """

    row_count: int
    changes: tuple[SheetChange, ...] = ()
    lifted: tuple[LiftedCase, ...] = ()
    unchanged: int = 0
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    is_refused: bool = False
    is_written: bool = False


# Writing.


def export_deals(songs: Iterable[LicensedSong], file: TextIO) -> int:
    """Write the deals of songs; how many rows it were. `file` must leave line ends alone (`newline=""`)."""
    return EXPORT_FORM.write((row for song in songs for row in _rows_of(song)), file)


def _rows_of(song: LicensedSong) -> Iterator[Sequence[object]]:
    rights = song.rights
    if rights.recording == rights.work:
        sheets = [("both", rights.work)]
    else:
        sheets = [(chain.value, rights.sheet(chain)) for chain in Chain]
    for word, sheet in sheets:
        if sheet is not None:
            for cells in map(_cells, sheet.terms) if sheet.terms else [_NO_DEAL_CELLS]:
                yield (song.song_id, song.isrc, song.source_key, word, *cells)


_NO_DEAL_CELLS = (NOTHING, *[""] * (len(TERMS_COLUMNS) - 1))


@lru_cache(maxsize=4096)
def _cells(terms: Terms) -> tuple[str, ...]:
    return (
        "|".join(use.value for use in terms.uses),
        "|".join(model.value for model in terms.models),
        "|".join(terms.territories),
        "|".join(terms.excluded_territories),
        "" if terms.valid_from_ms is None else format_instant(terms.valid_from_ms),
        "" if terms.valid_until_ms is None else format_instant(terms.valid_until_ms),
        "" if terms.max_uses is None else str(terms.max_uses),
        terms.tier,
        str(terms.channel),
    )


# Reading.


def import_deals(
    centre: Centre,
    vendor_id: VendorId,
    data: bytes,
    author: Author,
    *,
    file: str,
    dry_run: bool = False,
    skip_bad: bool = False,
) -> DealsImport:
    """Write down what a table says of a vendor's songs. With any finding, or in a dry run, nothing is written.

    With `skip_bad` rows that are wrong keep out only their own songs' chains, all of whose rows stay out with them;
    a file that is no table, or is cut off, is refused all the same.
    """
    if len(data) > LARGEST_BYTES:
        problem = f"has more than {LARGEST_BYTES // 1024 // 1024} MiB; part it into several files"
        return DealsImport(
            row_count=0, findings=(Finding(problem=problem, action="refused", file=file),), is_refused=True
        )
    table = FORM.read(data, file=file)
    is_table = not table.findings.close()
    draft = _Draft(centre, vendor_id, file)
    for row in table.rows:
        draft.read(row)
    findings = table.findings.close()
    deals = list(draft.deals())
    changes = draft.changes(deals)
    is_refused = bool(findings) and not (skip_bad and is_table)
    is_written = not (is_refused or dry_run)
    changed = {(change.song_id, change.chain) for change in changes}
    new = [deal for deal in deals if (deal.song_id, deal.chains[0]) in changed]
    if is_written:
        lifted = record_deals(centre, new, author, changes_only=True).lifted  # looks again: others write, too
    else:
        lifted = () if is_refused else rehearse_lifting(centre, new, author)
    return DealsImport(
        row_count=len(table.rows),
        changes=changes,
        lifted=lifted,
        unchanged=sum(len(deal.chains) for deal in deals) - len(changes),
        findings=findings,
        notes=(*table.notes, *draft.notes.close()),
        is_refused=is_refused,
        is_written=is_written,
    )


_Key = tuple[SongId, Chain]


class _Draft:
    """The sheets that the rows come to."""

    def __init__(self, centre: Centre, vendor_id: VendorId, file: str) -> None:
        self._centre = centre
        self._vendor_id = vendor_id
        self._file = file
        self._sheets: dict[_Key, dict[Terms, Terms]] = {}
        self._bad: set[_Key] = set()
        self._rights: dict[SongId, SongRights] = {}
        self._read_before: dict[tuple[str, ...], Terms | None] = {}
        self.notes = FindingList(file)

    def read(self, row: Row) -> None:
        """Take in one row; what cannot be is a finding, and keeps out all that it is about."""
        said = _Said(row)
        songs = self._songs(said)
        chains = said.chains()
        terms = self._terms(said)
        keys = [(song_id, chain) for song_id in songs for chain in (chains or tuple(Chain))]
        if said.is_wrong:
            self._bad.update(keys)
            return
        for key in keys:
            self._add(key, terms, row)

    def deals(self) -> Iterator[Deal]:
        """What the good rows say, a deal a chain."""
        sheets: dict[tuple[Terms, ...], TermSheet] = {}
        for (song_id, chain), by_scope in self._sheets.items():
            if (song_id, chain) not in self._bad:
                terms = tuple(by_scope.values())
                sheet = sheets.setdefault(terms, TermSheet(terms=terms))
                yield Deal(song_id=song_id, chains=(chain,), sheet=sheet, source=f"table {self._file}")

    def changes(self, deals: Iterable[Deal]) -> tuple[SheetChange, ...]:
        """Those of the deals that are new, beside what is on record."""
        return tuple(
            SheetChange(song_id=deal.song_id, chain=chain, before=say_sheet(held), after=say_sheet(deal.sheet))
            for deal in deals
            for chain in deal.chains
            if not says_the_same(held := self._rights[deal.song_id].sheet(chain), deal.sheet)
        )

    def _add(self, key: _Key, terms: Terms | None, row: Row) -> None:
        """One row more for a chain of a song. Of two that contradict each other the later holds."""
        held = self._sheets.get(key)
        if held is None:
            self._sheets[key] = {} if terms is None else {scope_of(terms): terms}
            return
        song_id, chain = key
        scope = None if terms is None else scope_of(terms)
        if terms is None or scope is None:
            contradicted = " and ".join(map(say_terms, held.values()))
            held.clear()
        elif not held:
            contradicted = "no deal"
            held[scope] = terms
        elif held.get(scope, terms) == terms:
            held.setdefault(scope, terms)
            return
        else:
            contradicted = say_terms(held.pop(scope))
            held[scope] = terms
        if contradicted:
            problem = f"contradicts an earlier row for song {song_id}, {chain.value} ({contradicted})"
            self.notes.add(problem, "this one holds", row.line)

    def _songs(self, said: "_Said") -> list[SongId]:
        """The songs that a row is about: one, or all of the vendor's of an ISRC's recording or an ISWC's work."""
        by_column = {column: found for column, find in self._ways if (found := find(said)) is not None}
        if not by_column:
            said.wrong(f"names no song; {', '.join(SONG_COLUMNS)} or iswc must")
            return []
        meant = set.intersection(*map(set, by_column.values()))
        if not meant and all(by_column.values()):
            said.wrong(f"{' and '.join(by_column)}: do not name the same song")
        return sorted(meant or set().union(*by_column.values()))

    @property
    def _ways(self) -> tuple[tuple[str, Callable[["_Said"], list[SongId] | None]], ...]:
        return (
            ("song_id", self._by_id),
            ("isrc", self._by_isrc),
            ("source_key", self._by_key),
            ("iswc", self._by_iswc),
        )

    def _by_id(self, said: "_Said") -> list[SongId] | None:
        text = said.row.text("song_id")
        if not text:
            return None
        song_id = parse_song_id(text)
        if song_id is not None and self._is_held(song_id):
            return [song_id]
        said.wrong(f"song_id: vendor {self._vendor_id} has no song {text[:40]!r}")
        return []

    def _by_isrc(self, said: "_Said") -> list[SongId] | None:
        views = self._centre.rights_views
        return self._by_code(said, "isrc", lambda text: views.recordings(self._vendor_id, parse_isrc(text)))

    def _by_iswc(self, said: "_Said") -> list[SongId] | None:
        views = self._centre.rights_views
        return self._by_code(said, "iswc", lambda text: views.works(self._vendor_id, parse_iswc(text)))

    def _by_code(self, said: "_Said", column: str, find: Callable[[str], list[SongId]]) -> list[SongId] | None:
        text = said.row.text(column)
        if not text:
            return None
        try:
            songs = find(text)
        except BadIdentifier as error:
            said.wrong(f"{column}: {error}")
            return []
        held = [song for song in songs if self._is_held(song)]
        if not held:
            said.wrong(f"{column}: vendor {self._vendor_id} has no song with {text[:40]!r}")
        return held

    def _by_key(self, said: "_Said") -> list[SongId] | None:
        text = said.row.text("source_key")
        if not text:
            return None
        for key in (said.row.cells["source_key"], text):
            song_id = self._centre.songs.find(self._vendor_id, key)
            if song_id is not None and self._is_held(song_id):
                return [song_id]
        said.wrong(f"source_key: vendor {self._vendor_id} has no song {text[:40]!r}")
        return []

    def _is_held(self, song_id: SongId) -> bool:
        """Whether the vendor has the song; what is on record of it is kept for the diff."""
        if song_id not in self._rights:
            self._rights.update(self._centre.rights.rights_of(self._vendor_id, [song_id]))
        return song_id in self._rights

    def _terms(self, said: "_Said") -> Terms | None:
        """The row's terms, None for "no deal" and for what is wrong. Most rows of a file say what others said."""
        cells = tuple(said.row.text(column) for column in TERMS_COLUMNS)
        if cells not in self._read_before:
            found = len(said.problems)
            terms = said.terms()
            if len(said.problems) > found:
                return None
            self._read_before[cells] = terms
        return self._read_before[cells]


@dataclass(frozen=True, slots=True)
class _Said:
    """What one row says; what cannot be is a finding that begins with its column."""

    row: Row
    problems: list[str] = field(default_factory=list)

    @property
    def is_wrong(self) -> bool:
        return bool(self.problems)

    def wrong(self, problem: str) -> None:
        self.problems.append(problem)
        self.row.wrong(problem)

    def chains(self) -> tuple[Chain, ...]:
        words = self._words("rights")
        known = {word: chains for word, chains in RIGHTS.items() if chains}
        unknown = [word for word in words if word not in known]
        if not words or unknown:
            self.wrong(f"rights: {''.join(unknown[:1])[:40]!r} is none of {', '.join(known)}")
        said = {chain for word in words for chain in known.get(word, ())}
        return tuple(chain for chain in Chain if chain in said)

    def terms(self) -> Terms | None:
        """The row's terms, None for no deal."""
        if self._words("uses") == [NOTHING]:
            for column in TERMS_COLUMNS[1:]:
                if self.row.text(column):
                    self.wrong(f"{column}: where uses is {NOTHING!r}, there is nothing to say here")
            return None
        facts = {
            "uses": self._each("uses", Use),
            "models": self._each("models", CommercialModel),
            "territories": self._territories("territories"),
            "excluded_territories": self._territories("excluded_territories"),
            "valid_from_ms": self._cell("valid_from", parse_instant_ms),
            "valid_until_ms": self._cell("valid_until", parse_instant_ms),
            "max_uses": self._cell("max_uses", _parse_number),
            "tier": self._cell("tier", parse_tier) or "",
            "channel": self._cell("channel", _parse_number) or 0,
        }
        if self.problems:
            return None
        try:
            return Terms(**facts)  # type: ignore[arg-type]
        except BadTerms as error:
            is_named_twice = facts["territories"] and facts["excluded_territories"]
            self.wrong(f"{'excluded_territories' if is_named_twice else 'valid_until'}: {error}")
            return None

    def _words(self, column: str) -> list[str]:
        text = self.row.text(column).lower().replace("-", "_")
        return [word for word in _SEPARATOR.split(text) if word]

    def _each(self, column: str, kind: type[E]) -> tuple[E, ...]:
        known = {each.value: each for each in kind}
        words = self._words(column)
        for word in words:
            if word not in known:
                self.wrong(f"{column}: {word[:40]!r} is none of {', '.join(known)}")
        return tuple(known[word] for word in words if word in known)

    def _territories(self, column: str) -> tuple[str, ...]:
        names = [name for name in _SEPARATOR.split(self.row.text(column).upper()) if name]
        try:
            return check_territories(names)
        except UnknownTerritory as error:
            self.wrong(f"{column}: {error}")
            return ()

    def _cell(self, column: str, parse: Callable[[str], T]) -> T | None:
        text = self.row.text(column)
        try:
            return parse(text) if text else None
        except (ValueError, OverflowError) as error:
            self.wrong(f"{column}: {error}")
            return None


def _parse_number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no whole number from 0")
    return int(text)


def parse_tier(text: str) -> str:
    """The name of a tier. Raises ValueError."""
    if len(text) > LONGEST_TIER or not text.isprintable():
        raise ValueError(f"{text[:40]!r} is no name of a tier: at most {LONGEST_TIER} characters, on one line")
    return text
