"""Deals written down: an import's first ones together with its songs, and an operator's, each with who said so."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from yuefu.access.audit import Author
from yuefu.catalogue.song import Publication, PublishedSong, Song
from yuefu.errors import YuefuError
from yuefu.ids import SongId, VendorId
from yuefu.music.highlight import Rule
from yuefu.rights.deal import Block, Chain, Deal, Terms, TermSheet
from yuefu.rights.purpose import browsing
from yuefu.rights.territory import ANYWHERE
from yuefu.server.centre import Centre, Transaction
from yuefu.units import Span, batched

RIGHTS: dict[str, tuple[Chain, ...]] = {
    "both": (Chain.RECORDING, Chain.WORK),
    "recording": (Chain.RECORDING,),
    "work": (Chain.WORK,),
    "none": (),
}
"""The words of `--rights`."""

SLICE = 1_000
"""Songs a transaction: a server beside us waits for the file no longer than one of them takes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The deal that a song gets for those of `chains` it has none for yet."""

    chains: tuple[Chain, ...]
    terms: Terms


class HighlightChanged(YuefuError):
    """An operator set a song's highlight while the song was being imported."""

    def __init__(self, song_id: SongId) -> None:
        super().__init__(f"the highlight of song {song_id} was set meanwhile; import it again")


class LicensedShelf:
    """Publishes songs for an import, each with the deals it lacks in the same transaction.

    `offer` says which those are; a deal that is there already is left alone, and so is a song that a takedown lies
    over: a deal by default would lift it. Each deal has its entry in the audit, by `author`.
    """

    def __init__(self, centre: Centre, author: Author, offer: Callable[[PublishedSong], Offer]) -> None:
        self._centre = centre
        self._author = author
        self._offer = offer
        self._taken_down: set[SongId] = set()

    @property
    def taken_down(self) -> list[SongId]:
        """The songs that got no deal because a takedown lies over them, by id."""
        return sorted(self._taken_down)

    def fingerprint(self, vendor_id: VendorId, source_key: str) -> str | None:
        """The fingerprint under which the song is published, None when it is not."""
        return self._centre.songs.fingerprint(vendor_id, source_key)

    def chosen_clip(self, vendor_id: VendorId, source_key: str) -> Span | None:
        """The clip that an operator set for the published song, None where nobody did."""
        song_id = self._centre.songs.find(vendor_id, source_key)
        return None if song_id is None else _chosen_clip(self._centre.songs.song(song_id))

    def publish(self, song: PublishedSong, *, chosen_clip: Span | None) -> Publication:
        """Put a whole song and its first deals before callers, in one transaction.

        Raises `HighlightChanged` where the operator's clip is no longer the one the song was made with.
        """
        at_ms = self._centre.now_ms()
        song_id = self._centre.songs.find(song.vendor_id, song.source_key)

        def job(transaction: Transaction) -> Publication:
            if song_id is not None and _chosen_clip(transaction.song(song_id)) != chosen_clip:
                raise HighlightChanged(song_id)
            publication = transaction.publish(song, at_ms=at_ms)
            self._license(transaction, publication.song_id, self._offer(song), at_ms=at_ms)
            return publication

        return self._centre.work.run(job)

    def license_lacking(self, song_id: SongId) -> None:
        """Give a published song the deals it lacks: what an import that found it unchanged still owes it."""
        at_ms = self._centre.now_ms()
        offer = self._offer(self._centre.songs.song(song_id).published)
        self._centre.work.run(lambda transaction: self._license(transaction, song_id, offer, at_ms=at_ms))

    def _license(self, transaction: Transaction, song_id: SongId, offer: Offer, *, at_ms: int) -> None:
        rights = transaction.rights(song_id)
        lacking = tuple(chain for chain in offer.chains if rights.sheet(chain) is None)
        if lacking and rights.blocks:
            self._taken_down.add(song_id)
        elif lacking:
            deal = Deal(song_id=song_id, chains=lacking, sheet=TermSheet(terms=(offer.terms,)), source="import")
            write_deal(transaction, deal, self._author, at_ms=at_ms)


def _chosen_clip(song: Song) -> Span | None:
    """The clip that an operator set, None where nobody did."""
    highlight = song.published.highlight
    return highlight.clip if highlight and highlight.rule == Rule.OPERATOR.value else None


def unusable_songs(centre: Centre, song_ids: list[SongId]) -> list[SongId]:
    """Those of the songs that nobody may use now, for want of a deal in force and not because of a takedown."""
    at_ms = centre.now_ms()
    return [song_id for song_id in song_ids if not _needs_no_deal(centre, song_id, at_ms=at_ms)]


def _needs_no_deal(centre: Centre, song_id: SongId, *, at_ms: int) -> bool:
    rights = centre.rights.rights(song_id)
    return bool(rights.blocks) or centre.decide(song_id, rights, browsing(ANYWHERE), at_ms=at_ms).any_right


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Two deals that came together for one chain of one song and say different things. The later one holds."""

    song_id: SongId
    chain: Chain
    dropped: TermSheet
    kept: TermSheet


class LiftedBlock(msgspec.Struct, frozen=True):
    """A takedown's block that a deal lifted from some chains of a song."""

    case_id: int
    chains: tuple[Chain, ...]


class LiftedCase(msgspec.Struct, frozen=True):
    """A takedown that deals lifted, from those chains of so many songs."""

    case: int
    chains: tuple[Chain, ...]
    songs: int


class RecordedDeal(msgspec.Struct, frozen=True, kw_only=True):
    """A deal that was written down, and the revision of its song's rights that it made of the one before."""

    song_id: SongId
    chains: tuple[Chain, ...]
    before_revision: int
    after_revision: int
    lifted: tuple[LiftedBlock, ...] = ()


class RecordedDeals(msgspec.Struct, frozen=True, kw_only=True):
    """What became of deals. `unchanged_songs` are those of which the same was on record."""

    recorded: tuple[RecordedDeal, ...]
    unchanged_songs: int
    conflicts: tuple[Conflict, ...]

    @property
    def lifted(self) -> tuple[LiftedCase, ...]:
        """The takedowns that they lifted, and from how many songs."""
        return count_lifted((each.song_id, block) for each in self.recorded for block in each.lifted)


def record_deals(
    centre: Centre, deals: Iterable[Deal], author: Author, *, changes_only: bool = False, at_once: bool = False
) -> RecordedDeals:
    """Write deals down, each with its audit entry in the same transaction, some songs a transaction or all `at_once`.

    Of several for one chain of one song the last holds, and of a sheet's terms that contradict each other. With
    `changes_only` a deal that says what is on record is no new deal: it makes no revision and lifts no takedown. Raises
    `UnknownSong`; what came before it in the order of transactions stays written.
    """
    by_song, conflicts = _settle(deals)
    recorded: list[RecordedDeal] = []
    unchanged_songs = 0
    for slice_of in batched(by_song.values(), max(len(by_song), 1) if at_once else SLICE):
        at_ms = centre.now_ms()

        def job(
            transaction: Transaction, songs: Sequence[Sequence[Deal]] = slice_of, at_ms: int = at_ms
        ) -> list[list[RecordedDeal]]:
            return [_record(transaction, song, author, changes_only=changes_only, at_ms=at_ms) for song in songs]

        for written in centre.work.run(job):
            recorded += written
            unchanged_songs += not written
    return RecordedDeals(recorded=tuple(recorded), unchanged_songs=unchanged_songs, conflicts=conflicts)


class _Rehearsed(YuefuError):
    """Ends a rehearsal's transaction."""


def rehearse_lifting(centre: Centre, deals: Iterable[Deal], author: Author) -> tuple[LiftedCase, ...]:
    """The takedowns that deals would lift, and from how many songs: they are written down and undone again.

    Those of songs that no takedown lies over are left out, so that nobody has to wait long for the file.
    """
    blocked = [deal for deal in deals if centre.rights.rights(deal.song_id).blocks]
    found: list[tuple[SongId, LiftedBlock]] = []
    for slice_of in batched(blocked, SLICE):
        at_ms = centre.now_ms()

        def rehearse(transaction: Transaction, some: Sequence[Deal] = slice_of, at_ms: int = at_ms) -> None:
            for each in _record(transaction, some, author, changes_only=True, at_ms=at_ms):
                found.extend((each.song_id, block) for block in each.lifted)
            raise _Rehearsed

        with suppress(_Rehearsed):
            centre.work.run(rehearse)
    return count_lifted(found)


def lifted_blocks(before: Iterable[Block], after: Iterable[Block]) -> tuple[LiftedBlock, ...]:
    """What a song's blocks have lost."""
    left = {block.case_id: block.chains for block in after}
    lost = (
        LiftedBlock(block.case_id, tuple(chain for chain in block.chains if chain not in left.get(block.case_id, ())))
        for block in before
    )
    return tuple(block for block in lost if block.chains)


def count_lifted(found: Iterable[tuple[SongId, LiftedBlock]]) -> tuple[LiftedCase, ...]:
    """Each case once for each choice of chains that it was lifted from, by number."""
    by_song: dict[tuple[int, SongId], set[Chain]] = defaultdict(set)
    for song_id, block in found:
        by_song[block.case_id, song_id].update(block.chains)
    counts: dict[tuple[int, tuple[Chain, ...]], int] = defaultdict(int)
    for (case_id, _), chains in by_song.items():
        counts[case_id, tuple(chain for chain in Chain if chain in chains)] += 1
    cases = [LiftedCase(case_id, chains, songs) for (case_id, chains), songs in counts.items()]
    return tuple(sorted(cases, key=lambda each: (each.case, [chain.value for chain in each.chains])))


def settle_terms(terms: Iterable[Terms]) -> tuple[Terms, ...]:
    """The terms of one sheet, each once; of those that differ in nothing but tier or channel, the last."""
    settled: dict[Terms, Terms] = {}
    for each in terms:
        scope = scope_of(each)
        if settled.get(scope) != each:
            settled.pop(scope, None)
            settled[scope] = each
    return tuple(settled.values())


def scope_of(terms: Terms) -> Terms:
    """What terms allow, without the two things of which an answer can say only one: their tier and channel."""
    return msgspec.structs.replace(terms, tier="", channel=0)


def says_the_same(held: TermSheet | None, sheet: TermSheet) -> bool:
    """Whether a chain's sheet is on record already."""
    return held is not None and settle_terms(held.terms) == settle_terms(sheet.terms)


def _settle(deals: Iterable[Deal]) -> tuple[dict[SongId, list[Deal]], tuple[Conflict, ...]]:
    """The deals that hold, by song, and what contradicted them."""
    latest: dict[SongId, dict[Chain, Deal]] = {}
    conflicts: list[Conflict] = []
    for said in deals:
        deal, dropped = _settle_sheet(said)
        held = latest.setdefault(deal.song_id, {})
        for chain in deal.chains:
            if dropped:
                conflicts.append(Conflict(song_id=deal.song_id, chain=chain, dropped=dropped, kept=deal.sheet))
            earlier = held.get(chain)
            if earlier is not None and earlier.sheet != deal.sheet:
                conflict = Conflict(song_id=deal.song_id, chain=chain, dropped=earlier.sheet, kept=deal.sheet)
                conflicts.append(conflict)
            held[chain] = deal
    return {song_id: _by_sheet(held) for song_id, held in latest.items()}, tuple(conflicts)


def _settle_sheet(deal: Deal) -> tuple[Deal, TermSheet | None]:
    """The deal with each of its terms once, and those that others in it contradict."""
    settled = settle_terms(deal.sheet.terms)
    if settled == deal.sheet.terms:
        return deal, None
    dropped = tuple(dict.fromkeys(terms for terms in deal.sheet.terms if terms not in settled))
    settled_deal = msgspec.structs.replace(deal, sheet=TermSheet(terms=settled))
    return settled_deal, TermSheet(terms=dropped) if dropped else None


def _by_sheet(held: dict[Chain, Deal]) -> list[Deal]:
    """One deal for the chains that have the same terms from the same source."""
    chains: dict[tuple[TermSheet, str], list[Chain]] = {}
    for chain in Chain:
        if chain in held:
            chains.setdefault((held[chain].sheet, held[chain].source), []).append(chain)
    song_id = next(iter(held.values())).song_id if held else SongId(0)
    return [
        Deal(song_id=song_id, chains=tuple(together), sheet=sheet, source=source)
        for (sheet, source), together in chains.items()
    ]


def _record(
    transaction: Transaction, deals: Sequence[Deal], author: Author, *, changes_only: bool, at_ms: int
) -> list[RecordedDeal]:
    """Write one song's deals."""
    recorded = []
    for deal in deals:
        chains = _changed_chains(transaction, deal) if changes_only else deal.chains
        if not chains:
            continue
        recorded.append(write_deal(transaction, msgspec.structs.replace(deal, chains=chains), author, at_ms=at_ms))
    return recorded


def write_deal(transaction: Transaction, deal: Deal, author: Author, *, at_ms: int, **detail: object) -> RecordedDeal:
    """Write one song's deal down with its audit entry, which has `detail` too. Raises `UnknownSong`."""
    blocks = transaction.rights(deal.song_id).blocks
    after = transaction.record_deal(deal, at_ms=at_ms)
    lifted = lifted_blocks(blocks, transaction.rights(deal.song_id).blocks) if blocks else ()
    said = {"chains": [chain.value for chain in deal.chains], "source": deal.source, **detail}
    if lifted:
        said["lifted_cases"] = [block.case_id for block in lifted]
    subject = f"song {deal.song_id}"
    entry = author.entry("deal.record", subject, at_ms=at_ms, before_revision=after - 1, after_revision=after, **said)
    transaction.audit(entry)
    return RecordedDeal(
        song_id=deal.song_id, chains=deal.chains, before_revision=after - 1, after_revision=after, lifted=lifted
    )


def _changed_chains(transaction: Transaction, deal: Deal) -> tuple[Chain, ...]:
    rights = transaction.rights(deal.song_id)
    return tuple(chain for chain in deal.chains if not says_the_same(rights.sheet(chain), deal.sheet))
