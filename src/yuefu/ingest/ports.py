"""Where ingest puts what it has made; `storage` implements both."""

from pathlib import Path
from typing import Protocol

from yuefu.catalogue.song import Blob, Publication, PublishedSong
from yuefu.ids import VendorId
from yuefu.units import Span


class BlobStore(Protocol):
    """Bytes by their SHA-256."""

    def put(self, path: Path) -> Blob:
        """Store the file's bytes, whole or not at all; storing them again changes nothing. `path` stays."""
        ...


class Shelf(Protocol):
    """The songs that are published."""

    def fingerprint(self, vendor_id: VendorId, source_key: str) -> str | None:
        """The fingerprint under which the song was published last, None for a song that is not."""
        ...

    def chosen_clip(self, vendor_id: VendorId, source_key: str) -> Span | None:
        """The clip that an operator set for the published song, None where nobody did."""
        ...

    def publish(self, song: PublishedSong, *, chosen_clip: Span | None) -> Publication:
        """Make the song visible in one transaction: new, as a new revision, or unchanged by its fingerprint.

        Raises a `YuefuError` where the operator's clip is no longer `chosen_clip`, which the song was made with.
        """
        ...
