"""Songs as lists show them, read by the dozen in one statement."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from yuefu.catalogue.listing import Covers, Feature, Listing
from yuefu.catalogue.spelling import fold, recording_key
from yuefu.ids import SongId, VendorId
from yuefu.storage.sqlite.database import Database, fetch

_LISTINGS = """
WITH wanted (song_id) AS (VALUES {places})
SELECT songs.song_id, songs.vendor_id, songs.title, songs.singers, songs.singer_id, coalesce(singers.image, ''),
       songs.album_id, songs.album, songs.covers, songs.duration_ms, songs.accompaniment_duration_ms, songs.features,
       songs.isrc
FROM wanted CROSS JOIN songs USING (song_id) LEFT JOIN singers ON singers.singer_id = songs.singer_id
WHERE songs.removed_at_ms IS NULL
"""
_SAME_RECORDING = """
SELECT song_id, title, singers, isrc FROM songs
WHERE isrc = ?2 AND isrc <> '' AND vendor_id = ?1 AND removed_at_ms IS NULL
UNION
SELECT song_id, title, singers, isrc FROM songs
WHERE vendor_id = ?1 AND title_key = ?3 AND removed_at_ms IS NULL
ORDER BY song_id
"""
_IMAGE = "SELECT size FROM images WHERE sha256 = ? AND size = ?"

_singers = msgspec.json.Decoder(tuple[str, ...]).decode
_covers = msgspec.json.Decoder(Covers).decode


class SqliteListings:
    """Reads on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listings(self, song_ids: Sequence[SongId]) -> list[Listing]:
        """The published ones among those songs, in the order asked."""
        if not song_ids:
            return []
        rows = fetch(self._database.reader, _listings(len(song_ids)), tuple(song_ids))
        return [_to_listing(row) for row in rows]

    def same_recording(self, listing: Listing, vendor_id: VendorId) -> list[SongId]:
        """The vendor's published entries of the recording, by id: of one ISRC, or of one title and singers."""
        name = recording_key(title=listing.title, singers=listing.singers)
        rows = fetch(self._database.reader, _SAME_RECORDING, (vendor_id, listing.isrc, fold(listing.title)))
        return [
            SongId(song_id)
            for song_id, title, singers, isrc in rows
            if (isrc and isrc == listing.isrc) or recording_key(title=title, singers=_singers(singers)) == name
        ]

    def has_image(self, sha256: str, size: int) -> bool:
        """Whether that file is a public picture of that size."""
        return bool(fetch(self._database.reader, _IMAGE, (sha256, size)))


@lru_cache(maxsize=64)
def _listings(count: int) -> str:
    return _LISTINGS.format(places=", ".join(["(?)"] * count))


def _to_listing(row: tuple[Any, ...]) -> Listing:
    (
        song_id, vendor_id, title, singers, singer_id, singer_image, album_id, album, covers, duration_ms,
        accompaniment_duration_ms, features, isrc,
    ) = row  # fmt: skip
    return Listing(
        song_id=SongId(song_id),
        vendor_id=VendorId(vendor_id),
        title=title,
        singers=_singers(singers),
        singer_id=singer_id,
        singer_image=singer_image,
        album_id=album_id,
        album=album,
        covers=None if covers is None else _covers(covers),
        duration_ms=duration_ms,
        accompaniment_duration_ms=accompaniment_duration_ms,
        features=Feature(features),
        isrc=isrc,
    )
