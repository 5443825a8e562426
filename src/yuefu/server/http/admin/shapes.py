"""What crosses the network on the admin API, both ways."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from yuefu.access.app import LONGEST_NAME, MAX_CALLS_PER_S
from yuefu.catalogue.song import Highlight, Part, SongFacts, SongState
from yuefu.rights.deal import Chain, CommercialModel, Use
from yuefu.rights.split import LONGEST_HOLDER
from yuefu.server.apps import ShownApp
from yuefu.server.http.admin.endpoint import BadBody
from yuefu.server.reports import ShownSplit
from yuefu.units import parse_instant_ms
from yuefu.wire.signing import MAX_APP_ID
from yuefu.wire.vendor import BillingMode

_SONG_ID = "^[1-9][0-9]{0,17}$"
SongIdText = Annotated[str, Meta(pattern=_SONG_ID, description="A song's id.")]
Instant = Annotated[
    str,
    Meta(
        max_length=40,
        description="ISO 8601 with an offset, as 2026-01-01T00:00:00+08:00.",
        extra_json_schema={"format": "date-time"},
    ),
]
Text = Annotated[str, Meta(max_length=2_000)]
_ONE_LINE = r"^(?![\s\S]*[\x00-\x1f\x7f-\x9f\u2028\u2029])"
_STRETCH = "^[1-9][0-9]{0,3}[hdw]$"
PATTERNS = {
    _ONE_LINE: "must be on one line, without control characters",
    _SONG_ID: "must be a song's id, a number from 1 in digits",
    _STRETCH: "must be hours, days or weeks, as 12h, 30d or 8w",
}
"""What each pattern of a text means, for whoever sent one that does not match."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
VendorNumber = Annotated[int, Meta(ge=1, le=999_999_999)]
PageSize = Annotated[int, Meta(ge=1, le=1_000)]


def instant_ms(text: str | None, where: str) -> int | None:
    """The instant. Raises `BadBody` that says where it stands."""
    try:
        return None if text is None else parse_instant_ms(text)
    except ValueError as error:
        raise BadBody(f"{where}: {error}") from None


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent; a field that there is not is refused."""


# Songs.


class SongsQuery(Asked, frozen=True, kw_only=True):
    vendor: VendorNumber | None = None
    """Of one vendor only."""
    after: SongIdText | None = None
    """The last song of the page before."""
    limit: PageSize = 100


class SongRow(Shape, frozen=True, kw_only=True):
    """A song in a list. `states` are what it lacks; `separated_by` is the SHA-256, in hex, of the model that made its
    accompaniment from the original, "" where no model did.
    """

    song_id: str
    vendor_id: int
    title: str
    singers: tuple[str, ...]
    duration_ms: int
    revision: int
    may_play: bool
    """Whether somebody, somewhere, may play it now."""
    may_sing: bool
    """Whether somebody, somewhere, may sing it now."""
    states: tuple[SongState, ...]
    separated_by: str


class SongsPage(Shape, frozen=True, kw_only=True):
    songs: list[SongRow]
    next_after: str | None
    """What to ask for as `after` next; null on the last page."""


class ChecksQuery(Asked, frozen=True, kw_only=True):
    vendor: VendorNumber | None = None
    """Of one vendor only."""


class RightsAnswer(Shape, frozen=True, kw_only=True):
    """May it be used, why, and until when."""

    allowed: bool
    reason: str
    words: str
    until: Instant | None


class SongDetail(SongRow, frozen=True, kw_only=True):
    """All that is known of one song."""

    source_key: str
    facts: SongFacts
    delivered: SongFacts | None
    """What the delivery says, where an operator has edited the facts."""
    highlight: Highlight | None
    parts: tuple[Part, ...]
    play: RightsAnswer
    sing: RightsAnswer


FactText = str | None
FactTexts = list[str] | None


class SongEdit(Asked, frozen=True, kw_only=True):
    """New values by field; null empties one. What is not named stays."""

    title: str | UnsetType = UNSET
    aliases: FactTexts | UnsetType = UNSET
    singers: FactTexts | UnsetType = UNSET
    album: FactText | UnsetType = UNSET
    language: FactText | UnsetType = UNSET
    genres: list[int | str] | UnsetType | None = UNSET
    """Numbers from 1 to 27, or their names."""
    year: int | UnsetType | None = UNSET
    bpm: int | UnsetType | None = UNSET
    isrc: FactText | UnsetType = UNSET
    iswc: FactText | UnsetType = UNSET
    version: FactText | UnsetType = UNSET
    """studio, live, cover, instrumental or remix."""
    restore: list[str] = []
    """Fields that are to say again what the delivery says."""


class FactChange(Shape, frozen=True, kw_only=True):
    """A field before and after, as tables write it."""

    field: str
    before: str
    after: str


class SongEdited(Shape, frozen=True, kw_only=True):
    song_id: str
    revision: int
    changes: list[FactChange]


# Rights.


class TermsShape(Asked, frozen=True, kw_only=True):
    """One deal's terms; what they leave out they do not restrict."""

    uses: list[Use] = []
    models: list[CommercialModel] = []
    territories: Annotated[list[str], Meta(max_length=400)] = []
    """Codes and groups, as CN or EU; either these or `excluded_territories`."""
    excluded_territories: Annotated[list[str], Meta(max_length=400)] = []
    valid_from: Instant | None = None
    """The first instant; null for since ever."""
    valid_until: Instant | None = None
    """The first instant after it; null for until further notice."""
    max_uses: Count | None = None
    """Grants of a song within the validity; null for no cap."""
    tier: str = ""
    """The rights holder's class of price."""
    channel: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    """0 asks for the logo beside the song."""


class SheetShape(Shape, frozen=True, kw_only=True):
    """All terms in force together for one chain; none at all is a rights holder's "no deal"."""

    terms: list[TermsShape]
    words: str


class TakedownShape(Shape, frozen=True, kw_only=True):
    """What a takedown lays over a song."""

    case: int
    begins_at: Instant
    is_banned: bool
    chains: tuple[Chain, ...]


class RightsShape(Shape, frozen=True, kw_only=True):
    """What is known of a song's rights. A chain is null where there has never been a deal."""

    revision: int
    recording: SheetShape | None
    work: SheetShape | None
    takedowns: list[TakedownShape]


class RevisionShape(Shape, frozen=True, kw_only=True):
    """One step: what happened, what brought it, what was known from then on."""

    recorded_at: Instant
    cause: str
    chains: tuple[Chain, ...]
    source: str
    rights: RightsShape


class RightsQuery(Asked, frozen=True, kw_only=True):
    known_at: Instant | None = None
    """What was on record then; now by default."""


class SongRightsShape(Shape, frozen=True, kw_only=True):
    song_id: str
    known_at: Instant
    rights: RightsShape
    revisions: list[RevisionShape]
    """All of them up to then, in order."""


class NewDeal(Asked, frozen=True, kw_only=True):
    """The terms for some chains of one song, in place of its earlier ones; no terms at all end the right."""

    song_id: SongIdText
    chains: Annotated[list[Chain], Meta(min_length=1, max_length=2)]
    terms: Annotated[list[TermsShape], Meta(max_length=1_000)]


class NewDeals(Asked, frozen=True, kw_only=True):
    deals: Annotated[list[NewDeal], Meta(min_length=1, max_length=10_000)]
    source: Annotated[str, Meta(max_length=200, pattern=_ONE_LINE)] = "admin API"
    """What brought them, for the record."""


class RecordedDealShape(Shape, frozen=True, kw_only=True):
    song_id: str
    chains: tuple[Chain, ...]
    before_revision: int
    after_revision: int
    lifted_cases: tuple[int, ...]
    """Takedowns that it lifted from some of its chains."""


class ConflictShape(Shape, frozen=True, kw_only=True):
    """Two deals for one chain of one song came together and say different things, or two terms of one deal differ in
    their tier or channel alone; the later one holds.
    """

    song_id: str
    chain: Chain
    dropped: SheetShape
    kept: SheetShape


class DealsRecorded(Shape, frozen=True, kw_only=True):
    recorded: list[RecordedDealShape]
    conflicts: list[ConflictShape]


class ExpiringQuery(Asked, frozen=True, kw_only=True):
    within: Annotated[str, Meta(pattern=_STRETCH, description="Hours, days or weeks, as 30d.")]
    """Hours, days or weeks, as 30d."""
    vendor: VendorNumber | None = None


class ExpiringDealShape(Shape, frozen=True, kw_only=True):
    song_id: str
    vendor_id: int
    title: str
    chain: Chain
    ends_at: Instant
    terms: TermsShape
    words: str


class ExpiringDeals(Shape, frozen=True, kw_only=True):
    deals: list[ExpiringDealShape]


class BlockedSongShape(Shape, frozen=True, kw_only=True):
    """`play` and `sing` say why the rights forbid it, null where they do not; `states` are what the song lacks."""

    song_id: str
    vendor_id: int
    title: str
    play: str | None
    sing: str | None
    states: tuple[str, ...]


class BlockedSongs(Shape, frozen=True, kw_only=True):
    songs: list[BlockedSongShape]
    next_after: str | None
    """What to ask for as `after` next; null on the last page."""


# Takedowns.


class NewTakedown(Asked, frozen=True, kw_only=True):
    """What is taken down: songs, a recording, a work or a singer, of one vendor or of all; or all of a vendor's.

    A field that is named and left blank is refused, lest it take down all that the others name.
    """

    reason: Annotated[str, Meta(min_length=1, max_length=2_000, pattern=_ONE_LINE)]
    """Why; it is kept with the case."""
    songs: Annotated[list[SongIdText], Meta(min_length=1, max_length=100_000)] | UnsetType = UNSET
    recording: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    """An ISRC."""
    work: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    """An ISWC."""
    singer: Annotated[str, Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    vendor_id: VendorNumber | UnsetType = UNSET
    is_banned: bool = False
    """Whether it also holds against later deals, and for songs that come later."""
    begins_at: Instant | None = None
    """Since when; now by default."""


class TakedownReport(Shape, frozen=True, kw_only=True):
    """What a takedown did. When it is answered nothing of it is granted or served any more, on any node."""

    case: int
    songs: list[str]
    unknown: list[str]
    """Ids it named that are no songs."""
    grants_revoked: int
    rooms_affected: int
    is_banned: bool
    begins_at: Instant
    reason: str


class CaseShape(Shape, frozen=True, kw_only=True):
    """A takedown on record."""

    case: int
    scope: dict[str, Any]
    """What it is about."""
    songs: int
    """How many it hit."""
    blocked_songs: int
    """Over how many of these it still lies: later deals lift it."""
    is_banned: bool
    begins_at: Instant
    reason: str
    actor: str
    recorded_at: Instant
    ended_at: Instant | None
    """When it was undone; null while it is in force."""


class Cases(Shape, frozen=True, kw_only=True):
    takedowns: list[CaseShape]


class CaseUndone(Shape, frozen=True, kw_only=True):
    case: int
    songs: int


# Apps.

Vendors = Annotated[list[VendorNumber], Meta(min_length=1, max_length=1_000)]
Scenes = Annotated[list[Annotated[int, Meta(ge=1, le=4)]], Meta(max_length=4)]
Modes = Annotated[list[Annotated[int, Meta(ge=0, le=int(max(BillingMode)))]], Meta(max_length=4)]
AppName = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Rate = Annotated[int, Meta(ge=1, le=MAX_CALLS_PER_S)]
Rates = dict[str, Rate | None]


class AppsList(Shape, frozen=True, kw_only=True):
    apps: list[ShownApp]


class NewAppBody(Asked, frozen=True, kw_only=True):
    """What a new app is granted."""

    name: AppName
    vendors: Vendors
    home_territory: str
    """ISO 3166-1 alpha-2."""
    app_id: Annotated[int, Meta(ge=1, le=MAX_APP_ID)] | None = None
    """A random one by default."""
    default_vendor: VendorNumber | None = None
    """What VendorId 0 means; the first of `vendors` by default."""
    scenes: Scenes = msgspec.field(default_factory=lambda: [1, 2, 3, 4])
    """All of them by default."""
    billing_modes: Modes = msgspec.field(default_factory=lambda: [int(BillingMode.PER_USE)])
    """Per use by default."""
    quotas: Rates = {}
    """Calls a second by Action, where not the documented rate."""
    is_replay_protected: bool = True
    takes_signature2: bool = True
    takes_token04: bool = True


class AppChange(Asked, frozen=True, kw_only=True):
    """New values by field; what is not named stays."""

    name: AppName | UnsetType = UNSET
    vendors: Vendors | UnsetType = UNSET
    default_vendor: VendorNumber | UnsetType = UNSET
    home_territory: str | UnsetType = UNSET
    scenes: Scenes | UnsetType = UNSET
    billing_modes: Modes | UnsetType = UNSET
    quotas: Rates | UnsetType = UNSET
    """By Action; null for the documented rate. Actions that are not named keep theirs."""
    is_enabled: bool | UnsetType = UNSET
    is_replay_protected: bool | UnsetType = UNSET
    takes_signature2: bool | UnsetType = UNSET
    takes_token04: bool | UnsetType = UNSET


class ForgottenUser(Asked, frozen=True, kw_only=True):
    user_id: Annotated[str, Meta(min_length=1, max_length=2_000)]
    """As the app calls them. It is in the body, so that no log of addresses has it."""


class AppSecret(Shape, frozen=True, kw_only=True):
    """The one answer that has the app's newest ServerSecret: keep it."""

    app: ShownApp
    server_secret: str


# Reports and splits.

Month = Annotated[str, Meta(max_length=20, description="A month, as 2026-11.")]
AppNumber = Annotated[int, Meta(ge=1, le=MAX_APP_ID)]


class ReportQuery(Asked, frozen=True, kw_only=True):
    period: Month | None = None
    """The one that runs by default, in the time zone of each app's plan."""
    vendor: VendorNumber | None = None
    """Of songs of one vendor only."""
    app: AppNumber | None = None
    """Of one app only."""


class UsageQuery(ReportQuery, frozen=True, kw_only=True):
    by: Literal["song"] | None = None
    """A line a song."""


class TraceQuery(Asked, frozen=True, kw_only=True):
    key: Text
    """The `key` of a line."""
    limit: Annotated[int, Meta(ge=1, le=100_000)] = 10_000
    """How much of it is told at most."""


class NewShare(Asked, frozen=True, kw_only=True):
    """What a rights holder gets for a chain of rights, in percent of the whole."""

    chain: Chain
    holder: Annotated[str, Meta(min_length=1, max_length=LONGEST_HOLDER)]
    percent: Annotated[str, Meta(max_length=20)]
    """As 33.3333."""


class NewSplit(Asked, frozen=True, kw_only=True):
    """Who gets what of what is owed for a vendor's song, or for all that have no split of their own."""

    vendor: VendorNumber
    song_id: SongIdText | None = None
    from_period: Month | None = None
    """From which month on; the one that runs in UTC by default."""
    shares: Annotated[list[NewShare], Meta(max_length=1_000)]
    """For recording and work together at most 100 percent; what is left over is unassigned."""


class SplitsQuery(Asked, frozen=True, kw_only=True):
    vendor: VendorNumber | None = None
    """Of one vendor only."""


class Splits(Shape, frozen=True, kw_only=True):
    splits: list[ShownSplit]


# The audit.


class AuditQuery(Asked, frozen=True, kw_only=True):
    after: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    """The last entry of the page before."""
    subject: Text | None = None
    """As in "song 100000001" or "app 7"."""
    actor: Text | None = None
    since: Instant | None = None
    limit: PageSize = 100


class AuditEntryShape(Shape, frozen=True, kw_only=True):
    """Who changed what, from where; the revisions are the subject's, where it has any."""

    entry_id: int
    at: Instant
    actor: str
    origin: str
    action: str
    subject: str
    before_revision: int | None
    after_revision: int | None
    detail: dict[str, Any]
    hash: str
    """SHA-256 of this entry and of all before it, in hex."""


class AuditPage(Shape, frozen=True, kw_only=True):
    entries: list[AuditEntryShape]
    next_after: int | None
    """What to ask for as `after` next; null on the last page."""
