"""What an ERN message says, in plain values, before anything of it is put into our own vocabulary.

A reference (`A1`, `R0`) names something inside its message only. Unknown text is "", and what a sender wrote is kept as
it was written unless its name says otherwise.
"""

from enum import Enum

import msgspec

from yuefu.errors import YuefuError
from yuefu.music.findings import Finding


class MessageKind(Enum):
    """The messages that rights are read from, by the name of their root element."""

    NEW_RELEASE = "NewReleaseMessage"
    PURGE_RELEASE = "PurgeReleaseMessage"


class Word(msgspec.Struct, frozen=True):
    """A value of an allowed set; `own` is the sender's own value where the set's is `UserDefined`."""

    value: str
    own: str = ""

    def __str__(self) -> str:
        return f"{self.own or '?'} (UserDefined)" if self.value == "UserDefined" else self.value or "an empty text"


class Sender(msgspec.Struct, frozen=True):
    """Who sent a message: the DDEX party id where there is one, and the name."""

    party_id: str
    name: str

    @property
    def key(self) -> str:
        """What tells one sender from another."""
        return self.party_id or self.name


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A sound recording. `isrcs` and `iswcs` are in their canonical spelling, `keys` are proprietary ids.

    `kind` and `versions` are what the sender says of it, as in "MusicalWorkSoundRecording" and "KaraokeVersion".
    """

    reference: str
    isrcs: tuple[str, ...] = ()
    iswcs: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    title: str = ""
    artists: tuple[str, ...] = ()
    duration_ms: int = 0
    kind: str = ""
    versions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How a report names it."""
        return (*self.isrcs, *self.keys, self.title or self.reference)[0]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A musical work that the message describes."""

    reference: str
    iswcs: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    title: str = ""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A release and the references of the resources in it. `ids` name it everywhere, as in "ICPN 0094631432057"."""

    reference: str
    ids: tuple[str, ...] = ()
    title: str = ""
    kind: str = ""
    resources: tuple[str, ...] = ()


class Territory(msgspec.Struct, frozen=True):
    """A territory's code, and the standard it is from where the sender says one ("ISO", "TIS")."""

    code: str
    standard: str = ""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A half-open stretch of time; None where the sender sets no bound."""

    from_ms: int | None = None
    until_ms: int | None = None


class Channel(msgspec.Struct, frozen=True):
    """A distribution channel by all the names and ids it is given."""

    names: tuple[str, ...]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One deal for one manner of use.

    It is for `resources` alone where there are any, and not for `exempt`, which the same deal treats apart.
    `problem` tells why an offer cannot be relied on at all.
    """

    line: int | None = None
    resources: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    models: tuple[Word, ...] = ()
    uses: tuple[Word, ...] = ()
    territories: tuple[Territory, ...] = ()
    excluded_territories: tuple[Territory, ...] = ()
    periods: tuple[Period, ...] = ()
    max_uses: int | None = None
    tier: str = ""
    channels: tuple[Channel, ...] = ()
    excluded_channels: tuple[Channel, ...] = ()
    channel_types: tuple[Word, ...] = ()
    interfaces: tuple[Word, ...] = ()
    carriers: tuple[Word, ...] = ()
    policies: tuple[str, ...] = ()
    ends_deals: str = ""
    problem: str = ""


class ReleaseDeal(msgspec.Struct, frozen=True, kw_only=True):
    """The offers for some releases, by reference. An offer that `ends_deals` says by which flag it does."""

    releases: tuple[str, ...]
    offers: tuple[Offer, ...]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An ERN message. `update` is "OriginalMessage" or "UpdateMessage" where the sender says so."""

    kind: MessageKind
    version: str
    message_id: str
    thread_id: str
    sender: Sender
    created_at_ms: int
    is_test: bool = False
    update: str = ""
    recordings: tuple[Recording, ...] = ()
    works: tuple[Work, ...] = ()
    releases: tuple[Release, ...] = ()
    deals: tuple[ReleaseDeal, ...] = ()
    findings: tuple[Finding, ...] = ()


class MessageRefused(YuefuError):
    """A file that cannot be taken in as a rights message; the text tells why. `version` is "" when it was not found."""

    def __init__(self, reason: str, *, version: str = "") -> None:
        super().__init__(reason)
        self.version = version
