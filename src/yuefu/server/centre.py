"""The licensed-music centre as its actions see it: ports only, no engine, no socket."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from yuefu.access.app import App, AppDirectory
from yuefu.access.authentication import Gate
from yuefu.access.keyring import KeyRing
from yuefu.access.session import NewSession, SessionDesk
from yuefu.catalogue.chart import Programme, ProgrammeDesk
from yuefu.catalogue.listing import Listing
from yuefu.catalogue.search import SearchIndex
from yuefu.catalogue.song import Publication, PublishedSong, Song, SongFacts
from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.deal import Deal, SongRights
from yuefu.rights.decision import StandingDecisions
from yuefu.rights.grant import HeldGrant, NewGrant
from yuefu.wire.vendor import VendorProfile

T = TypeVar("T")


class SongShelf(Protocol):
    """Published songs, read many times a second."""

    def song(self, song_id: SongId) -> Song:
        """The published song. Raises `UnknownSong`."""

    def songs(self, vendor_id: VendorId | None = None) -> list[Song]:
        """All published songs, of one vendor or of all, by id."""

    def find(self, vendor_id: VendorId, source_key: str) -> SongId | None:
        """The published song that came under that key, None when there is none."""

    def twins(self, song_id: SongId) -> list[SongId]:
        """The other published entries of the same recording, at any vendor, by id."""

    def versions(self, song_id: SongId) -> list[SongId]:
        """The published entries of other recordings of the same work, by id."""

    def fingerprint(self, vendor_id: VendorId, source_key: str) -> str | None:
        """The fingerprint of the published song that came under that key, None when there is none."""


class AppRegister(AppDirectory, Protocol):
    """Apps as their operator keeps them."""

    def apps(self) -> list[App]:
        """All apps, by id."""

    def create(self, app: App, *, at_ms: int) -> None:
        """Add an app. Raises `AppExists` when its id is taken."""

    def change(self, app_id: AppId, change: Callable[[App], App]) -> App:
        """Replace the app by what `change` makes of it, in one transaction. Raises `UnknownApp`, or as `change`."""


class ListingShelf(Protocol):
    """Songs as lists show them."""

    def listings(self, song_ids: Sequence[SongId]) -> list[Listing]:
        """The published ones among those songs, in the order asked."""

    def same_recording(self, listing: Listing, vendor_id: VendorId) -> list[SongId]:
        """The vendor's published entries of the recording: of the same ISRC, or of the same title and singers."""

    def has_image(self, sha256: str, size: int) -> bool:
        """Whether that file is a public picture of that size."""


class RightsBook(Protocol):
    """The rights in force, read at the moment of use."""

    def rights(self, song_id: SongId) -> SongRights:
        """A published song's rights. Raises `UnknownSong`."""

    def rights_of(self, vendor_id: VendorId | None, song_ids: Sequence[SongId]) -> list[tuple[SongId, SongRights]]:
        """Those songs that the vendor has (any vendor when None) and their rights, in the order asked."""


class GrantBook(Protocol):
    """What sessions hold."""

    def held(self, session_id: int, resource_id: str) -> HeldGrant | None:
        """The session's latest grant of that resource, run out or not; None when it never had one."""


class BlobShelf(Protocol):
    """Stored bytes by hash."""

    def path(self, sha256: str) -> Path:
        """Where the blob of that hash is, if it is."""

    def read(self, sha256: str) -> bytes:
        """The whole blob: for small ones. Raises FileNotFoundError."""


class Transaction(Protocol):
    """What may be done inside one transaction. `programme` is where charts and tags are written."""

    @property
    def programme(self) -> ProgrammeDesk: ...
    def rights(self, song_id: SongId) -> SongRights: ...
    def record_deal(self, deal: Deal, *, at_ms: int) -> int: ...
    def publish(self, song: PublishedSong, *, at_ms: int) -> Publication: ...
    def song(self, song_id: SongId) -> Song: ...
    def edit_song(self, song_id: SongId, facts: SongFacts, *, at_ms: int) -> Publication: ...
    def remove_song(self, song_id: SongId, *, at_ms: int) -> None: ...
    def open_session(self, session: NewSession) -> None: ...
    def end_session(self, session_id: int, *, at_ms: int) -> None: ...
    def issue_grant(self, grant: NewGrant) -> int: ...


class StoreView(Protocol):
    """When what others have written is noticed."""

    def look(self) -> None:
        """Notice it now; until `look_away` that is all there is to notice."""

    def look_away(self) -> None:
        """Notice it at every reading again."""


class UnitOfWork(Protocol):
    """Transactions, each committed before it is answered."""

    def submit(self, job: Callable[[Transaction], T]) -> "Future[T]":
        """Have `job` done in a transaction; the future is done once it is on disk."""

    def run(self, job: Callable[[Transaction], T]) -> T:
        """`submit`, and wait."""


@dataclass(frozen=True, slots=True, eq=False)
class Centre:
    """Everything an action may use. Time and chance are among it, so tests can set both.

    Absolute addresses in answers begin with `public_url`; `has_public_url` says that the operator chose it.
    """

    profiles: Mapping[int, VendorProfile]
    gate: Gate
    apps: AppRegister
    songs: SongShelf
    listings: ListingShelf
    search: SearchIndex
    programme: Programme
    rights: RightsBook
    standing: StandingDecisions
    sessions: SessionDesk
    grants: GrantBook
    work: UnitOfWork
    view: StoreView
    blobs: BlobShelf
    keys: KeyRing
    now_us: Callable[[], int]
    random_bytes: Callable[[int], bytes]
    new_request_id: Callable[[], str]
    public_url: str
    has_public_url: bool

    def reached_at(self, base_url: str) -> "Centre":
        """The same centre with addresses that begin with `base_url`: how one caller happened to reach it."""
        return replace(self, public_url=base_url)

    def picture_url(self, sha256: str, size: int) -> str:
        """Where a picture is fetched, "" for none."""
        return f"{self.public_url}/images/{sha256}-{size}.jpg" if sha256 else ""

    def now_ms(self) -> int:
        return self.now_us() // 1_000
