"""EncodedSong → StoredSong → PublishedSong: blobs first, then one transaction that shows the song."""

from dataclasses import dataclass

from yuefu.catalogue.song import Part, Publication, PublishedSong, SingerPicture
from yuefu.ids import VendorId
from yuefu.ingest.encoding import EncodedPart, EncodedSong
from yuefu.ingest.ports import BlobStore, Shelf
from yuefu.units import Span


@dataclass(frozen=True, slots=True)
class StoredSong:
    """A song whose parts are blobs. Blobs without a song are invisible, so stopping here harms nothing."""

    encoded: EncodedSong
    parts: tuple[Part, ...]
    pictures: tuple[SingerPicture, ...]


def store_song(song: EncodedSong, blobs: BlobStore) -> StoredSong:
    parts = tuple(store_part(part, blobs) for part in song.parts)
    pictures = tuple(SingerPicture(singer=singer, blob=blobs.put(file)) for singer, file in song.pictures)
    return StoredSong(song, parts, pictures)


def store_part(part: EncodedPart, blobs: BlobStore) -> Part:
    return Part(
        kind=part.kind,
        quality=part.quality,
        media_type=part.media_type,
        blob=blobs.put(part.file),
        duration_ms=part.duration_ms,
        track_count=part.track_count,
    )


def publish_song(
    song: StoredSong, shelf: Shelf, *, vendor_id: VendorId, fingerprint: str, chosen_clip: Span | None
) -> Publication:
    """Show the song to callers, whole. Raises as `Shelf.publish`."""
    encoded, analysed = song.encoded, song.encoded.analysed
    return shelf.publish(
        PublishedSong(
            vendor_id=vendor_id,
            source_key=analysed.draft.folder.source_key,
            fingerprint=fingerprint,
            facts=analysed.draft.facts,
            duration_ms=analysed.duration_ms,
            accompaniment_duration_ms=encoded.accompaniment_duration_ms,
            highlight=analysed.highlight,
            parts=song.parts,
            states=encoded.states,
            pictures=song.pictures,
            level=analysed.level,
            tempo=analysed.tempo,
            separated_by=analysed.draft.separation.model_sha256 if analysed.draft.separation else "",
        ),
        chosen_clip=chosen_clip,
    )
