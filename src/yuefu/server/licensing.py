"""Songs and their first deals together: what an operator says of an import's rights holds from its first moment."""

from collections.abc import Callable
from dataclasses import dataclass

from yuefu.catalogue.song import Publication, PublishedSong
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.rights.decision import decide
from yuefu.server.centre import Centre, Transaction

RIGHTS: dict[str, tuple[Chain, ...]] = {
    "both": (Chain.RECORDING, Chain.WORK),
    "recording": (Chain.RECORDING,),
    "work": (Chain.WORK,),
    "none": (),
}
"""The words of `--rights`."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The deal that a song gets for those of `chains` it has none for yet."""

    chains: tuple[Chain, ...]
    terms: Terms


class LicensedShelf:
    """Publishes songs for an import, each with the deals it lacks in the same transaction.

    `offer` says which those are; a deal that is there already is left alone.
    """

    def __init__(self, centre: Centre, offer: Callable[[PublishedSong], Offer]) -> None:
        self._centre = centre
        self._offer = offer

    def fingerprint(self, vendor_id: VendorId, source_key: str) -> str | None:
        """The fingerprint under which the song is published, None when it is not."""
        return self._centre.songs.fingerprint(vendor_id, source_key)

    def publish(self, song: PublishedSong) -> Publication:
        """Put a whole song and its first deals before callers, in one transaction."""
        at_ms = self._centre.now_ms()

        def job(transaction: Transaction) -> Publication:
            publication = transaction.publish(song, at_ms=at_ms)
            _license(transaction, publication.song_id, self._offer(song), at_ms=at_ms)
            return publication

        return self._centre.work.run(job)

    def license_lacking(self, song_id: SongId) -> None:
        """Give a published song the deals it lacks: what an import that found it unchanged still owes it."""
        at_ms = self._centre.now_ms()
        offer = self._offer(self._centre.songs.song(song_id).published)
        self._centre.work.run(lambda transaction: _license(transaction, song_id, offer, at_ms=at_ms))


def _license(transaction: Transaction, song_id: SongId, offer: Offer, *, at_ms: int) -> None:
    rights = transaction.rights(song_id)
    held = {Chain.RECORDING: rights.recording, Chain.WORK: rights.work}
    lacking = tuple(chain for chain in offer.chains if held[chain] is None)
    if lacking:
        sheet = TermSheet(terms=(offer.terms,))
        transaction.record_deal(Deal(song_id=song_id, chains=lacking, sheet=sheet), at_ms=at_ms)


def unusable_songs(centre: Centre, song_ids: list[SongId]) -> list[SongId]:
    """Those of the songs that nobody may use now, for want of a deal in force."""
    at_ms = centre.now_ms()
    return [song_id for song_id in song_ids if not decide(centre.rights.rights(song_id), at_ms=at_ms).any_right]
