"""What an operator should see coming, and what stops songs from being used today; one pass over all songs."""

from collections.abc import Iterator

import msgspec

from yuefu.catalogue.song import SongState
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain, Terms, TermSheet
from yuefu.rights.decision import Reason
from yuefu.rights.expiry import endings
from yuefu.rights.purpose import browsing
from yuefu.rights.territory import ANYWHERE
from yuefu.server.centre import Centre

BLOCKING_STATES = frozenset({SongState.NEEDS_LYRICS.value, SongState.NEEDS_ACCOMPANIMENT.value})
"""States without which a song cannot be sung."""


class ExpiringDeal(msgspec.Struct, frozen=True, kw_only=True):
    """Terms that end and are not followed by others."""

    song_id: SongId
    vendor_id: VendorId
    title: str
    chain: Chain
    ends_at_ms: int
    terms: Terms


class BlockedSong(msgspec.Struct, frozen=True, kw_only=True):
    """A published song that cannot be used as a whole.

    `play` and `sing` say why the rights of the recording and of the work forbid it, None where they do not; `states`
    are what it lacks.
    """

    song_id: SongId
    vendor_id: VendorId
    title: str
    play: Reason | None
    sing: Reason | None
    states: tuple[str, ...]


def expiring_deals(centre: Centre, vendor_id: VendorId | None, *, within_ms: int) -> list[ExpiringDeal]:
    """The deals of published songs that end between now and then, the earliest first."""
    from_ms = centre.now_ms() + 1  # what ends at this instant has ended
    until_ms = from_ms + within_ms
    ending: dict[TermSheet, list[Terms]] = {}
    found = []
    for song in centre.rights_views.bounded(vendor_id, from_ms=from_ms, until_ms=until_ms):
        for chain in Chain:
            sheet = song.rights.sheet(chain)
            if sheet is None:
                continue
            if sheet not in ending:
                ending[sheet] = endings(sheet, from_ms=from_ms, until_ms=until_ms)
            found += [
                ExpiringDeal(
                    song_id=song.song_id,
                    vendor_id=song.vendor_id,
                    title=song.title,
                    chain=chain,
                    ends_at_ms=terms.valid_until_ms or 0,
                    terms=terms,
                )
                for terms in ending[sheet]
            ]
    return sorted(found, key=lambda deal: (deal.ends_at_ms, deal.song_id))


def blocked_songs(centre: Centre, vendor_id: VendorId | None) -> Iterator[BlockedSong]:
    """The published songs of which a chain allows nobody anything now, or that lack what singing needs, by id."""
    at_ms, purpose = centre.now_ms(), browsing(ANYWHERE)
    for song in centre.rights_views.licensed(vendor_id):
        decision = centre.decide(song.song_id, song.rights, purpose, at_ms=at_ms)
        states = tuple(state for state in song.states if state in BLOCKING_STATES)
        if states or not (decision.play.allowed and decision.sing.allowed):
            yield BlockedSong(
                song_id=song.song_id,
                vendor_id=song.vendor_id,
                title=song.title,
                play=None if decision.play.allowed else decision.play.reason,
                sing=None if decision.sing.allowed else decision.sing.reason,
                states=states,
            )
