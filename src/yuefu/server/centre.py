"""The licensed-music centre as its actions see it: ports only, no engine, no socket."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from yuefu.access.admin_key import AdminKeyBook, AdminKeyDesk
from yuefu.access.app import App, AppDirectory
from yuefu.access.audit import AuditEntry, WrittenEntry
from yuefu.access.authentication import Gate
from yuefu.access.downloads import DownloadSlots
from yuefu.access.keyring import KeyRing
from yuefu.access.person import PersonDesk
from yuefu.access.retention import RetentionBook, RetentionDesk
from yuefu.access.session import NewSession, SessionDesk
from yuefu.access.webhook import WebhookBook, WebhookDesk
from yuefu.catalogue.chart import Programme, ProgrammeDesk
from yuefu.catalogue.listing import Listing
from yuefu.catalogue.search import SearchIndex
from yuefu.catalogue.song import Highlight, Part, Publication, PublishedSong, Song, SongFacts
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.deal import Block, Deal, SongRights, Terms
from yuefu.rights.decision import Decision, StandingDecisions, count_none
from yuefu.rights.feed import ChangeFeed
from yuefu.rights.grant import HeldGrant, NewGrant, RunningGrant
from yuefu.rights.kept_answer import AnswerBook, AnswerDesk
from yuefu.rights.ledger import Ledger, LedgerDesk
from yuefu.rights.message import MessageDesk
from yuefu.rights.plan import PlanBook, PlanDesk
from yuefu.rights.play import PlayBook, PlayDesk
from yuefu.rights.price import PriceBook, PriceDesk
from yuefu.rights.purpose import Purpose
from yuefu.rights.record import LicensedSong, Revision
from yuefu.rights.sales_report import SalesReportDesk
from yuefu.rights.split import SplitBook, SplitDesk
from yuefu.rights.takedown import TakedownBook, TakedownDesk
from yuefu.rights.usage import UsageBook
from yuefu.rights.usage_event import UsageFeed
from yuefu.rooms.sharing import Share, ShareKey
from yuefu.wire.vendor import VendorProfile

T = TypeVar("T")


class SongShelf(Protocol):
    """Published songs, read many times a second."""

    def song(self, song_id: SongId) -> Song:
        """The published song. Raises `UnknownSong`."""

    def songs(
        self, vendor_id: VendorId | None = None, *, after: SongId | None = None, at_most: int | None = None
    ) -> list[Song]:
        """The published songs, of one vendor or of all, by id; or so many that come after an id."""

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

    def create(self, app: App, *, at_ms: int, entry: AuditEntry | None = None) -> None:
        """Add an app, and the audit's entry with it. Raises `AppExists` when its id is taken."""

    def change(
        self,
        app_id: AppId,
        change: Callable[[App], App],
        entry: Callable[[App, App], AuditEntry] | None = None,
    ) -> App:
        """Replace the app by what `change` makes of it, in one transaction.

        `entry` makes the audit's entry of the app before and after. Raises `UnknownApp`, or as `change`.
        """


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

    def used(self, song_id: SongId, rights: SongRights, *, before_ms: int | None = None) -> dict[Terms, int]:
        """How many grants of the song each of its capped terms has seen, ever or before an instant."""

    def known_at(self, song_id: SongId, at_ms: int) -> SongRights:
        """What was known of a song's rights at an instant, whether it is still published or not."""

    def revisions(self, song_id: SongId) -> list[Revision]:
        """Every revision of a song's rights, in order."""


class RightsViews(Protocol):
    """The rights of many songs at once, as operators look at them."""

    def licensed(self, vendor_id: VendorId | None = None) -> Iterator[LicensedSong]:
        """All published songs beside their rights, of one vendor or of all, by id."""

    def bounded(self, vendor_id: VendorId | None, *, from_ms: int, until_ms: int) -> Iterator[LicensedSong]:
        """Those songs of which some terms begin or end in that span of time, its end exclusive."""

    def song_ids(self, vendor_id: VendorId) -> Iterator[SongId]:
        """The ids of a vendor's published songs, in order."""

    def recordings(self, vendor_id: VendorId, isrc: str) -> list[SongId]:
        """The vendor's published songs of the recording with that ISRC, by id."""

    def works(self, vendor_id: VendorId, iswc: str) -> list[SongId]:
        """The vendor's published songs of the work with that ISWC, by id."""


class GrantBook(Protocol):
    """What sessions hold."""

    def held(self, session_id: int, resource_id: str) -> HeldGrant | None:
        """The session's latest grant of that resource, run out or not; None when it never had one."""

    def running(self, grant: NewGrant, *, at_ms: int) -> RunningGrant | None:
        """The session's grant that was paid for, runs still at that instant and is for the same as this one."""


class RoomBook(Protocol):
    """Which sessions are in which rooms."""

    def joined(self, session_id: int) -> tuple[RoomId, ...]:
        """The rooms a session is in, by name; none once it has ended."""


class RoomDesk(Protocol):
    """Where one transaction writes that."""

    def joined(self, session_id: int) -> tuple[RoomId, ...]: ...
    def join(self, session_id: int, room_id: RoomId) -> None: ...
    def leave(self, session_id: int, room_id: RoomId) -> None: ...


class ShareBook(Protocol):
    """What rooms share."""

    def share(self, key: ShareKey) -> Share | None:
        """What is shared under a key, lapsed or not; None where nobody ever shared it."""

    def share_of(self, grant_id: int) -> Share | None:
        """The share that a paid grant is, lapsed or not; None when there is no such grant."""

    def has_fetched(self, grant_id: int, user_id: UserId) -> bool:
        """Whether a user has fetched the share of a paid grant."""


class ShareDesk(Protocol):
    """Where one transaction writes that."""

    def open(self, grant_id: int, grant: NewGrant) -> None:
        """Share a paid grant with its room, in place of what was shared there before; without a room nothing is."""

    def fetch(self, share: Share, grant: NewGrant) -> int:
        """Write the free grant of somebody who fetches a share; its id. Raises `ShareUsedUp`: they have before."""


class BlobShelf(Protocol):
    """Stored bytes by hash."""

    def path(self, sha256: str) -> Path:
        """Where the blob of that hash is, if it is."""

    def place(self, sha256: str) -> str:
        """The same below the shelf's root, with slashes: for a web server that sends it itself."""

    def read(self, sha256: str) -> bytes:
        """The whole blob: for small ones. Raises FileNotFoundError."""


class AuditBook(Protocol):
    """Who changed what."""

    def entries(
        self,
        after: int | None = None,
        *,
        subject: str | None = None,
        actor: str | None = None,
        since_ms: int | None = None,
    ) -> Iterator[WrittenEntry]:
        """Every entry after that one, in order: of one subject, of one actor, from an instant on where these are said.

        Never raises for what is no entry as we write them: it comes as what it is.
        """


class Transaction(Protocol):
    """What may be done inside one transaction. `programme` is where charts and tags are written."""

    @property
    def programme(self) -> ProgrammeDesk: ...
    @property
    def messages(self) -> MessageDesk: ...
    @property
    def takedowns(self) -> TakedownDesk: ...
    @property
    def admin_keys(self) -> AdminKeyDesk: ...
    @property
    def rooms(self) -> RoomDesk: ...
    @property
    def shares(self) -> ShareDesk: ...
    def rights(self, song_id: SongId) -> SongRights: ...
    def used(self, song_id: SongId, rights: SongRights) -> dict[Terms, int]: ...
    def record_deal(self, deal: Deal, *, at_ms: int) -> int: ...
    def block(self, song_id: SongId, block: Block, *, source: str, at_ms: int) -> int: ...
    def unblock(self, song_id: SongId, case_id: int, *, source: str, at_ms: int) -> int: ...
    def retell(self, song_id: SongId, *, at_ms: int) -> None: ...
    def follow_clock(self, at_ms: int) -> bool: ...
    @property
    def webhooks(self) -> WebhookDesk: ...
    def publish(self, song: PublishedSong, *, at_ms: int) -> Publication: ...
    def song(self, song_id: SongId) -> Song: ...
    def edit_song(self, song_id: SongId, facts: SongFacts, *, at_ms: int) -> Publication: ...
    def set_highlight(
        self, song_id: SongId, highlight: Highlight | None, cuts: Sequence[Part], *, at_ms: int
    ) -> Publication: ...
    def remove_song(self, song_id: SongId, *, at_ms: int) -> None: ...
    def audit(self, entry: AuditEntry) -> None: ...
    def open_session(self, session: NewSession) -> None: ...
    def end_session(self, session_id: int, *, at_ms: int) -> None: ...
    def issue_grant(self, grant: NewGrant) -> int: ...
    def running_grant(self, grant: NewGrant, *, at_ms: int) -> RunningGrant | None: ...
    def hold_again(self, grant: NewGrant, grant_id: int) -> None: ...
    @property
    def answers(self) -> AnswerDesk: ...
    @property
    def plans(self) -> PlanDesk: ...
    @property
    def prices(self) -> PriceDesk: ...
    @property
    def ledger(self) -> LedgerDesk: ...
    @property
    def splits(self) -> SplitDesk: ...
    @property
    def sales_reports(self) -> SalesReportDesk: ...
    @property
    def plays(self) -> PlayDesk: ...
    @property
    def retention(self) -> RetentionDesk: ...
    @property
    def persons(self) -> PersonDesk: ...


class StoreView(Protocol):
    """When what others have written is noticed."""

    def look(self) -> None:
        """Notice it now; until `look_away` that is all there is to notice."""

    def look_away(self) -> None:
        """Notice it at every reading again."""


class Passage(Protocol):
    """One answer's way out, from the moment it asks the rights until it has been handed to the HTTP server."""

    def enter(self) -> None:
        """From here on a takedown waits for this answer; ask the rights after it."""

    def check(self) -> None:
        """Let pass an answer that a takedown still waits for. Raises `EngineBusy`: it took too long."""


class Fence(Protocol):
    """What answers that hand out music leave by, so that a takedown can wait for those under way."""

    def passage(self) -> AbstractContextManager[Passage]:
        """One answer's way out; it costs nothing until it is entered."""

    def drain(self) -> None:
        """Return when no answer that asked the rights before this call can leave any more, on any node.

        Never on the event loop of a node: its own answers could not leave.
        """


class UnitOfWork(Protocol):
    """Transactions, each committed before it is answered."""

    def submit(self, job: Callable[[Transaction], T]) -> "Future[T]":
        """Have `job` done in a transaction; the future is done once it is on disk."""

    async def perform(self, job: Callable[[Transaction], T]) -> T:
        """As `submit`, for a task of an event loop: `job` may be done on that loop, so it must be brief."""

    def run(self, job: Callable[[Transaction], T]) -> T:
        """`submit`, and wait."""


@dataclass(frozen=True, slots=True, eq=False)
class Centre:
    """Everything an action may use. Time and chance are among it, so tests can set both.

    Absolute addresses in answers begin with `public_url`; `has_public_url` says that the operator chose it. Lists come
    `page_size` songs a page. Where `accel_prefix` is not "", media files of up to `accel_max_bytes` are sent by the
    proxy in front, from that address on.
    """

    profiles: Mapping[int, VendorProfile]
    gate: Gate
    apps: AppRegister
    songs: SongShelf
    listings: ListingShelf
    search: SearchIndex
    programme: Programme
    rights: RightsBook
    rights_views: RightsViews
    feed: ChangeFeed
    webhooks: WebhookBook
    usage_events: UsageFeed
    takedowns: TakedownBook
    standing: StandingDecisions
    sessions: SessionDesk
    grants: GrantBook
    answers: AnswerBook
    plans: PlanBook
    prices: PriceBook
    ledger: Ledger
    usage: UsageBook
    splits: SplitBook
    plays: PlayBook
    rooms: RoomBook
    shares: ShareBook
    retention: RetentionBook
    audit: AuditBook
    admin_keys: AdminKeyBook
    work: UnitOfWork
    view: StoreView
    fence: Fence
    blobs: BlobShelf
    downloads: DownloadSlots
    keys: KeyRing
    now_us: Callable[[], int]
    random_bytes: Callable[[int], bytes]
    new_request_id: Callable[[], str]
    public_url: str
    has_public_url: bool
    page_size: int
    accel_prefix: str
    accel_max_bytes: int
    open_beside: Callable[[], "Centre"]

    def beside(self) -> "Centre":
        """The same centre with connections of its own, for one thread that takes its time; it is closed with this one.

        What reads here is for the thread that serves; only units of work are for everyone.
        """
        return replace(
            self.open_beside(),
            profiles=self.profiles,
            now_us=self.now_us,
            random_bytes=self.random_bytes,
            new_request_id=self.new_request_id,
            page_size=self.page_size,
        )

    def reached_at(self, base_url: str) -> "Centre":
        """The same centre with addresses that begin with `base_url`: how one caller happened to reach it."""
        return replace(self, public_url=base_url)

    def picture_url(self, sha256: str, size: int) -> str:
        """Where a picture is fetched, "" for none."""
        return f"{self.public_url}/images/{sha256}-{size}.jpg" if sha256 else ""

    def decide(self, song_id: SongId, rights: SongRights, purpose: Purpose, *, at_ms: int) -> Decision:
        """What the rights held of a song allow for a purpose."""
        return self.standing.decide(song_id, rights, purpose, at_ms=at_ms, count=self.rights.used)

    def decide_new(self, song_id: SongId, purpose: Purpose, *, at_ms: int) -> Decision:
        """What the rights allow of a song that is about to be granted. Raises `UnknownSong`."""
        return self.decide(song_id, self.rights.rights(song_id), purpose, at_ms=at_ms)

    def decide_held(self, song_id: SongId, purpose: Purpose, *, at_ms: int) -> Decision:
        """What the rights allow of a song that was granted already, when its use was counted. Raises `UnknownSong`."""
        rights = self.rights.rights(song_id)
        return self.standing.decide(song_id, rights, purpose, at_ms=at_ms, count=count_none)

    def decide_all(
        self, vendor_id: VendorId, song_ids: Sequence[SongId], purpose: Purpose, *, at_ms: int
    ) -> list[tuple[SongId, Decision]]:
        """What the rights allow for those of the songs that the vendor has, in the order asked."""
        held = self.rights.rights_of(vendor_id, song_ids)
        return self.standing.decide_all(held, purpose, at_ms=at_ms, count=self.rights.used)

    def now_ms(self) -> int:
        return self.now_us() // 1_000
