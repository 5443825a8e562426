"""What is remembered of rights messages once they have been taken in: which came, and what each last spoke of.

A message counts by the instant its sender made it at, not by when it came: an older one that comes late changes
nothing that a newer one has spoken of.
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain


class MessageName(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a message from every other: whose catalogue it is for, who sent it, and the sender's id for it."""

    vendor_id: VendorId
    sender: str
    message_id: str


class LastWord(msgspec.Struct, frozen=True, kw_only=True):
    """The latest message that spoke of one chain of a song, and when its sender made it.

    `revision` is that of the song's rights as the message left them: what a later one says of the chain came otherwise.
    """

    sender: str
    message_id: str
    created_at_ms: int
    revision: int = 0


class DealOrigin(msgspec.Struct, frozen=True):
    """Where the deal of a chain came from: the revision that it made, and what brought it."""

    revision: int
    source: str


class MessageDesk(Protocol):
    """Where one transaction looks up and writes down rights messages."""

    def content(self, name: MessageName) -> str | None:
        """The SHA-256 of the message that came under that name, None when none did."""

    def receive(self, name: MessageName, sha256: str, *, created_at_ms: int, at_ms: int) -> None:
        """Write down that a message came."""

    def recordings(self, vendor_id: VendorId, isrc: str) -> list[SongId]:
        """The vendor's published songs of that recording."""

    def delivered(self, vendor_id: VendorId, source_key: str) -> SongId | None:
        """The vendor's published song that came under that key."""

    def released(self, vendor_id: VendorId, release_id: str) -> list[SongId]:
        """The vendor's published songs that their latest message had in that release."""

    def last_word(self, song_id: SongId, chain: Chain) -> LastWord | None:
        """The latest message that spoke of that chain of the song."""

    def origin(self, song_id: SongId, chain: Chain) -> DealOrigin | None:
        """Where the latest deal of that chain came from that earlier transactions wrote, None when there is none."""

    def releases(self, song_id: SongId) -> set[str]:
        """The releases that a song's latest message had it in."""

    def speak(self, song_id: SongId, chains: Iterable[Chain], word: LastWord) -> None:
        """Write down the latest message that spoke of those chains of a song."""

    def put_in_releases(self, vendor_id: VendorId, song_id: SongId, release_ids: Iterable[str]) -> None:
        """Write down the releases that the song is in, in place of those before."""
