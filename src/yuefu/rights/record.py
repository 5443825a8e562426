"""What is on record of songs' rights, as operators look at it."""

import msgspec

from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain, SongRights


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One step in what was known of a song's rights: what happened, what brought it, what was known from then on.

    `cause` is "deal", "takedown" or "undo"; `chains` are those that a deal was for.
    """

    recorded_at_ms: int
    cause: str
    chains: tuple[Chain, ...]
    source: str
    rights: SongRights


class LicensedSong(msgspec.Struct, frozen=True, kw_only=True):
    """A published song beside its rights. `states` are the names of what the catalogue says it lacks."""

    song_id: SongId
    vendor_id: VendorId
    source_key: str
    isrc: str
    title: str
    states: tuple[str, ...]
    rights: SongRights
