"""From the XML of an ERN message to a `Message`. Both families are read by one set of rules: what differs between them
is where things stand, so each thing is looked for in all the places that some version has for it.
"""

import re
from collections.abc import Iterable, Iterator

from yuefu.catalogue.identifier import BadIdentifier, parse_isrc, parse_iswc
from yuefu.ingest.ern.document import Node, parse_document
from yuefu.ingest.ern.message import (
    Channel,
    Message,
    MessageKind,
    MessageRefused,
    Offer,
    Period,
    Recording,
    Release,
    ReleaseDeal,
    Sender,
    Territory,
    Word,
    Work,
)
from yuefu.ingest.ern.period import BadTime, Clock, parse_duration_ms
from yuefu.ingest.ern.shares import ShareCheck
from yuefu.music.findings import FindingList

OLDEST_KNOWN = (3, 3)
"""Before 3.8 the same elements stood in the same places, as far as deals go; such a message is read, with a finding."""
OLDEST_PROMISED = (3, 8)
NEWEST_OF_3 = (3, 8)
OLDEST_OF_4 = (4, 1)
NEWEST_OF_4 = (4, 3)

MOST_USES = 2**53
LONGEST_ID = 255

_NAMESPACE = re.compile(r"http://(?:service\.)?ddex\.net/xml/(?:\d{4,8}/)?ern(?:-main)?/(\d)(\d)(\d)?", re.ASCII)
_KINDS = {kind.value: kind for kind in MessageKind}
_ENDING_FLAGS = ("TakeDown", "AllDealsCancelled")


def read_message(data: bytes, clock: Clock, *, file: str = "") -> Message:
    """The message in those bytes; findings name `file`. Raises `MessageRefused`."""
    root = parse_document(data)
    version = find_version(root)
    try:
        return _Reader(root, version, clock, FindingList(file)).message()
    except MessageRefused as refused:
        raise MessageRefused(str(refused), version=version) from None


def find_version(root: Node) -> str:
    """The version that a message's namespace names, as in "4.3.1". Raises `MessageRefused` for one that is not read."""
    match = _NAMESPACE.fullmatch(root.namespace)
    if match is None:
        where = f"in the namespace {root.namespace[:80]!r}" if root.namespace else "without a namespace"
        raise MessageRefused(f"it is no ERN message: its root is {root.name[:40]!r} {where}")
    major, minor = int(match[1]), int(match[2])
    version = ".".join(digit for digit in match.groups() if digit is not None)
    if not (OLDEST_KNOWN <= (major, minor) <= NEWEST_OF_3 or OLDEST_OF_4 <= (major, minor) <= NEWEST_OF_4):
        raise MessageRefused(f"it is ERN {version}; read are 3.8, and 4.1 to 4.3", version=version)
    if root.name not in _KINDS:
        raise MessageRefused(f"a {root.name[:40]} says nothing of deals; read are {', '.join(_KINDS)}", version=version)
    return version


class _Reader:
    """One reading of one message."""

    def __init__(self, root: Node, version: str, clock: Clock, findings: FindingList) -> None:
        self._root = root
        self._version = version
        self._clock = clock
        self._findings = findings
        self._shares = ShareCheck(findings)

    def message(self) -> Message:
        """The whole of it. Raises `MessageRefused` where the header does not say who sent it, which, and when."""
        header = self._root.first("MessageHeader")
        if header is None:
            raise MessageRefused("it has no MessageHeader")
        self._note_version()
        kind = _KINDS[self._root.name]
        is_new = kind is MessageKind.NEW_RELEASE
        if videos := sum(1 for _ in self._root.all("ResourceList", "Video")):
            self._findings.add(f"videos in it: {videos}", "left out: songs are found by their sound recordings")
        return Message(
            kind=kind,
            version=self._version,
            message_id=_required(header, "MessageId"),
            thread_id=header.text("MessageThreadId"),
            sender=_sender(header),
            created_at_ms=self._created(header),
            is_test=header.text("MessageControlType") == "TestMessage",
            update=self._root.text("UpdateIndicator"),
            recordings=tuple(self._recordings()) if is_new else (),
            works=tuple(self._works()) if is_new else (),
            releases=tuple(self._releases() if is_new else self._purged()),
            deals=tuple(self._deals()) if is_new else (),
            findings=self._findings.close(),
        )

    def _note_version(self) -> None:
        major, minor = (int(number) for number in self._version.split(".")[:2])
        if (major, minor) < OLDEST_PROMISED:
            self._findings.add(f"ERN {self._version} is older than what is promised to be read", "read as 3.8")

    def _created(self, header: Node) -> int:
        try:
            return self._clock.instant(_required(header, "MessageCreatedDateTime"))
        except BadTime as error:
            raise MessageRefused(f"MessageCreatedDateTime: {error}") from None

    def _recordings(self) -> Iterator[Recording]:
        for node in self._root.all("ResourceList", "SoundRecording"):
            editions = list(node.all("SoundRecordingEdition"))
            ids = [*node.all("SoundRecordingId"), *node.all("ResourceId")]
            ids += [each for edition in editions for each in edition.all("ResourceId")]
            works = [*node.all("WorkId"), *node.all("IndirectSoundRecordingId")]
            recording = Recording(
                reference=node.text("ResourceReference"),
                isrcs=self._codes(ids, "ISRC"),
                iswcs=self._codes(works, "ISWC"),
                keys=_keys(ids),
                title=_title(node),
                artists=_artists(node),
                duration_ms=parse_duration_ms(node.text("Duration")),
                kind=node.text("SoundRecordingType") or node.text("Type"),
                versions=node.texts("VersionType"),
            )
            self._shares.check_recording(node, recording.name, _work_of(recording))
            yield recording

    def _works(self) -> Iterator[Work]:
        for node in self._root.all("WorkList", "MusicalWork"):
            ids = list(node.all("MusicalWorkId"))
            if node.first("RightShare") is not None:
                self._findings.add(
                    "a work's rights are claimed",
                    "left out: a claim is no deal; --rights both says that deals are",
                    node.line,
                )
            work = Work(
                reference=node.text("MusicalWorkReference"),
                iswcs=self._codes(ids, "ISWC"),
                keys=_keys(ids),
                title=_title(node),
            )
            self._shares.check_work(node, (*work.iswcs, *work.keys, work.title or work.reference)[0])
            yield work

    def _releases(self) -> Iterator[Release]:
        for name in ("Release", "TrackRelease", "ClipRelease"):
            for node in self._root.all("ReleaseList", name):
                yield Release(
                    reference=node.text("ReleaseReference"),
                    ids=tuple(dict.fromkeys(release_id for each in node.all("ReleaseId") for release_id in _ids(each))),
                    title=_title(node),
                    kind=node.text("ReleaseType"),
                    resources=tuple(dict.fromkeys(each.content for each in node.below("ReleaseResourceReference"))),
                )

    def _purged(self) -> Iterator[Release]:
        for node in self._root.all("PurgedRelease"):
            ids = tuple(dict.fromkeys(release_id for each in node.all("ReleaseId") for release_id in _ids(each)))
            yield Release(reference="", ids=ids, title=_title(node) or node.text("Title", "TitleText"))

    def _deals(self) -> Iterator[ReleaseDeal]:
        for node in self._root.all("DealList", "ReleaseDeal"):
            offers = (offer for deal in node.all("Deal") for offer in self._offers(deal))
            yield ReleaseDeal(releases=node.texts("DealReleaseReference"), offers=tuple(offers))

    def _offers(self, deal: Node) -> Iterator[Offer]:
        terms = deal.first("DealTerms")
        if terms is None:
            yield Offer(line=deal.line, problem="it has no DealTerms: what it allows was told elsewhere")
            return
        apart = list(deal.all("ResourceUsage"))
        exempt = tuple(dict.fromkeys(name for usage in apart for name in usage.texts("DealResourceReference")))
        for usage in list(terms.all("Usage")) or [terms]:
            yield self._offer(terms, usage, exempt=exempt)
        for part in apart:
            for usage in part.all("Usage"):
                yield self._offer(terms, usage, resources=part.texts("DealResourceReference"))

    def _offer(
        self, terms: Node, usage: Node, *, resources: tuple[str, ...] = (), exempt: tuple[str, ...] = ()
    ) -> Offer:
        problem = "it is a pre-order" if terms.flag("IsPreOrderDeal") else ""
        periods: tuple[Period, ...] = ()
        max_uses: int | None = None
        try:
            periods = self._periods(terms)
            max_uses = _max_uses(usage)
        except (BadTime, _BadNumber) as error:
            problem = problem or str(error)
        return Offer(
            line=usage.line,
            resources=resources,
            exempt=exempt,
            models=_words(terms, "CommercialModelType"),
            uses=_words(usage, "UseType"),
            territories=_territories(terms, "TerritoryCode"),
            excluded_territories=_territories(terms, "ExcludedTerritoryCode"),
            periods=periods,
            max_uses=max_uses,
            tier=_tier(terms),
            channels=_channels(terms, "DistributionChannel"),
            excluded_channels=_channels(terms, "ExcludedDistributionChannel"),
            channel_types=_words(usage, "DistributionChannelType"),
            interfaces=_words(usage, "UserInterfaceType"),
            carriers=_words(usage, "CarrierType"),
            policies=terms.texts("RightsClaimPolicy", "RightsClaimPolicyType"),
            ends_deals=next((flag for flag in _ENDING_FLAGS if terms.flag(flag)), ""),
            problem=problem,
        )

    def _periods(self, terms: Node) -> tuple[Period, ...]:
        def tell(problem: str, action: str) -> None:
            self._findings.add(problem, action, terms.line)

        return tuple(self._clock.period(node, tell) for node in terms.all("ValidityPeriod"))

    def _codes(self, ids: Iterable[Node], name: str) -> tuple[str, ...]:
        """The standard codes of that name, checked."""
        parse = parse_isrc if name == "ISRC" else parse_iswc
        codes: dict[str, None] = {}
        for node in (node for each in ids for node in each.all(name)):
            try:
                codes[parse(node.content)] = None
            except BadIdentifier as error:
                self._findings.add(str(error), "left out", node.line)
        return tuple(codes)


class _BadNumber(ValueError):
    """A number of usages that is none."""


def _required(header: Node, name: str) -> str:
    text = header.text(name)
    if not text:
        raise MessageRefused(f"its header has no {name}")
    if len(text) > LONGEST_ID:
        raise MessageRefused(f"its {name} is longer than {LONGEST_ID} characters")
    return text


def _sender(header: Node) -> Sender:
    node = header.first("MessageSender")
    party_id, name = ("", "") if node is None else (node.text("PartyId"), _party_name(node))
    if not party_id and not name:
        raise MessageRefused("its header does not say who sent it")
    if max(len(party_id), len(name)) > LONGEST_ID:
        raise MessageRefused(f"its sender's name is longer than {LONGEST_ID} characters")
    return Sender(party_id, name)


def _party_name(node: Node) -> str:
    return node.text("PartyName", "FullName") or node.text("PartyName") or node.text("TradingName")


def _work_of(recording: Recording) -> str:
    return f"work {recording.iswcs[0]}" if recording.iswcs else f"the work of {recording.name}"


def _title(node: Node) -> str:
    places = (
        ("DisplayTitleText",),
        ("DisplayTitle", "TitleText"),
        ("ReferenceTitle", "TitleText"),
        ("Title", "TitleText"),
    )
    return next((text for place in places if (text := node.text(*place))), "")


def _artists(node: Node) -> tuple[str, ...]:
    """Who is shown as its artists: of several spellings of the name the first."""
    if name := node.text("DisplayArtistName"):
        return (name,)
    details = node.first("SoundRecordingDetailsByTerritory")
    if details is None:
        return ()
    names = (_party_name(artist) for artist in details.all("DisplayArtist"))
    return tuple(dict.fromkeys(name for name in names if name)) or details.texts("DisplayArtistName")


def _keys(ids: Iterable[Node]) -> tuple[str, ...]:
    """Proprietary ids, without the namespace: within one vendor's catalogue the id is enough."""
    return tuple(dict.fromkeys(key for each in ids for key in each.texts("ProprietaryId")))


def _ids(node: Node) -> Iterator[str]:
    """A release's ids in one spelling each."""
    for name in ("GRid", "ICPN", "ISRC"):
        for text in node.texts(name):
            yield f"{name} {re.sub(r'[- ]', '', text).upper()}"
    for name in ("CatalogNumber", "ProprietaryId"):
        for each in node.all(name):
            if each.content:
                yield " ".join(word for word in (name, each.attribute("Namespace"), each.content) if word)


def _words(node: Node, name: str) -> tuple[Word, ...]:
    """Every value, an empty one too: it restricts the deal to something that we then do not know."""
    found = (Word(each.content, each.attribute("UserDefinedValue")) for each in node.all(name))
    return tuple(dict.fromkeys(word if word.value == "UserDefined" else Word(word.value) for word in found))


def _territories(terms: Node, name: str) -> tuple[Territory, ...]:
    found = (Territory(each.content, each.attribute("IdentifierType")) for each in terms.all(name))
    return tuple(dict.fromkeys(found))


def _channels(terms: Node, name: str) -> tuple[Channel, ...]:
    return tuple(Channel(tuple(_channel_names(node))) for node in terms.all(name))


def _channel_names(node: Node) -> Iterator[str]:
    if name := _party_name(node):
        yield name
    yield from node.texts("PartyId")
    for party_id in node.all("PartyId"):
        yield from (text for kind in ("DPID", "ISNI", "ProprietaryId") for text in party_id.texts(kind))
    yield from node.texts("TradingName")


def _tier(terms: Node) -> str:
    """The sender's own class of price; amounts of money are not kept."""
    for price in terms.all("PriceInformation"):
        for name in ("PriceCode", "PriceRangeType", "PriceType"):
            if text := price.text(name):
                return text
    return ""


def _max_uses(usage: Node) -> int | None:
    text = usage.text("NumberOfUsages")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,16}", text, re.ASCII) or int(text) > MOST_USES:
        raise _BadNumber(f"NumberOfUsages {text[:40]!r} is no number of usages")
    return int(text)
