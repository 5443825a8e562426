"""A month's use of a vendor's songs as a DDEX sales report: tab-separated files of the basic audio profile 1.2.

Sources: DDEX Digital Sales Report, part 1 (architecture, 1.2), part 3 (basic audio profile, 1.2) and part 8 (record
types, 1.2), all on ddex.net. A file is a HEAD, the summary records (SY02.02), blocks and a FOOT. A block is a song:
what is known of the recording and its work (AS02.02), then its usage (SU02), one record for each summary and price. A
summary is one sales context: an app, a commercial model, a use, a territory and a currency.

Whoever makes such files needs DDEX's implementation licence and a party id (DPID), both free of charge.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.deal import CommercialModel, Use
from yuefu.rights.plan import Period
from yuefu.rights.purpose import MODELS, using
from yuefu.rights.usage import UsedSong, Uses
from yuefu.units import SECOND_MS

MESSAGE_VERSION = "dsrf/1.2/7/1.2"
PROFILE, PROFILE_VERSION = "BasicAudioProfile", "1.2"
KARAOKE, ON_DEMAND, STREAM = "UseAsKaraoke", "OnDemandStream", "Stream"
PAID, SUBSCRIBED, FREE = "PayAsYouGoModel", "SubscriptionModel", "FreeOfChargeModel"
CONTENT_CATEGORY = "Karaoke"
SEVERAL_TERRITORIES = "multi"
NO_TERRITORY, NO_CURRENCY = "Worldwide", "XXX"
BLOCKS_A_FILE = 500_000
"""A file may have 4 GB; a block of ours has some hundred bytes."""

_DECIMALS = {
    currency: decimals
    for decimals, currencies in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    )
    for currency in currencies.split()
}
"""Decimals of currencies that have other than two (ISO 4217)."""

_DPID = re.compile(r"PADPIDA[A-Za-z0-9]{1,30}", re.ASCII)
_SONG_TYPE = 0


class BadParty(YuefuError, ValueError):
    """A sender or recipient that no report can name."""


class MessageIdUsed(YuefuError):
    """A message id that an earlier report had."""

    def __init__(self, message_id: str) -> None:
        super().__init__(f"the message id {message_id[:80]} was used before")


class SalesReportDesk(Protocol):
    """Where one transaction writes down which sales reports were made."""

    def add(self, message_id: str, *, vendor_id: VendorId, period: Period, at_ms: int) -> None:
        """Use a message id up, once and for all. Raises `MessageIdUsed`."""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends or gets a report; "" for an id or name that is not known. Raises `BadParty`."""

    dpid: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if self.dpid and not _DPID.fullmatch(self.dpid):
            raise BadParty(f"{self.dpid[:40]!r} is no DDEX party id; one begins with PADPIDA")


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """An app as reports name it, and what stands in a report of a month without any use."""

    app_id: AppId
    name: str
    territory: str
    currency: str

    @property
    def description(self) -> str:
        """Its name in cells and file names, which take no spaces and no underscores."""
        return f"app-{self.app_id}"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is about. `message_id` must never have been used before."""

    message_id: str
    created_at_ms: int
    vendor_id: VendorId
    period: Period
    sender: Party
    recipient: Party
    services: tuple[Service, ...]
    uses: tuple[Uses, ...]
    songs: Mapping[SongId, UsedSong]


class ReportFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a report, and how many blocks are in it."""

    name: str
    blocks: int
    lines: tuple[str, ...]


class _Context(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """What a summary record is of."""

    app_id: int
    model: str
    use: str
    territory: str
    currency: str


class _Usage(msgspec.Struct, kw_only=True):
    count: int = 0
    amount_minor: int = 0


def use_type(*, resource_type: int, scene_id: int) -> str:
    """DDEX's word for what a grant was for, by the rights that it asked: singing in any form is karaoke."""
    purpose = using(scene_id=scene_id, resource_type=resource_type, billing_mode=0, territory="")
    asked = {use for uses in (purpose.play if resource_type == _SONG_TYPE else purpose.sing) for use in uses}
    if asked & {Use.SING, Use.CLIP}:
        return KARAOKE
    return STREAM if Use.BACKGROUND in asked else ON_DEMAND


def decimal_amount(amount_minor: int, currency: str) -> str:
    """An amount in the currency's own unit, as cells have it: 150 CNY are "1.50", 150 JPY "150"."""
    return f"{Decimal(amount_minor).scaleb(-_DECIMALS.get(currency, 2)):f}"


def escape_cell(text: str) -> str:
    """Text as a cell holds it: on one line, with the marks that part values written out (part 1, 6.6.4)."""
    plain = "".join(" " if unicodedata.category(each) in {"Cc", "Zl", "Zp"} else each for each in text)
    plain = " ".join(plain.split())
    return "".join({"\\": "\\\\\\", "|": "\\\\|"}.get(each, each) for each in plain)


def write_report(report: Report, *, blocks_a_file: int = BLOCKS_A_FILE) -> list[ReportFile]:
    """The files of a report. No block is in two of them; without any use they are one, of HEAD, summaries and FOOT."""
    contexts, songs = _gather(report)
    summaries = _summaries(report, contexts)
    numbers = {context: number for number, context in enumerate(sorted(contexts), start=1)}
    blocks = list(_blocks(report, songs, numbers))
    parts = [blocks[at : at + blocks_a_file] for at in range(0, len(blocks), blocks_a_file)] or [[]]
    lengths = [2 + len(summaries) + sum(map(len, part)) for part in parts]
    files = []
    for number, (part, length) in enumerate(zip(parts, lengths, strict=True), start=1):
        is_last = number == len(parts)
        whole = (str(sum(lengths)), str(len(blocks))) if is_last else ("", "")
        foot = ("FOOT", str(length), whole[0], str(len(summaries)), str(len(part)), whole[1])
        lines = [
            _head(report, number, len(parts)),
            *summaries,
            *(line for block in part for line in block),
            _line(foot),
        ]
        name = _file_name(report, contexts, number, len(parts))
        files.append(ReportFile(name=name, blocks=len(part), lines=tuple(lines)))
    return files


def _gather(report: Report) -> tuple[dict[_Context, _Usage], dict[SongId, dict[tuple[_Context, int], int]]]:
    """What each summary comes to, and of each song how often it was used in which context at which price."""
    contexts: dict[_Context, _Usage] = defaultdict(_Usage)
    songs: dict[SongId, dict[tuple[_Context, int], int]] = defaultdict(lambda: defaultdict(int))
    for each in report.uses:
        kind, counts = each.kind, each.counts
        context = _Context(
            app_id=kind.app_id,
            model=PAID if MODELS[kind.billing_mode] is CommercialModel.PER_USE else SUBSCRIBED,
            use=use_type(resource_type=kind.resource_type, scene_id=kind.scene_id),
            territory=kind.territory or NO_TERRITORY,
            currency=kind.currency or NO_CURRENCY,
        )
        taken_back = counts.reversed if context.model == PAID else 0  # a month that was taken back was still used
        count = counts.requests - taken_back
        if count or counts.amount_minor:
            contexts[context].count += count
            contexts[context].amount_minor += counts.amount_minor
            songs[kind.song_id][context, kind.unit_minor if context.model == PAID else 0] += count
        if counts.shared:
            free = msgspec.structs.replace(context, model=FREE)
            contexts[free].count += counts.shared
            songs[kind.song_id][free, 0] += counts.shared
    if not contexts:
        for service in report.services:
            contexts[
                _Context(
                    app_id=service.app_id,
                    model=PAID,
                    use=KARAOKE,
                    territory=service.territory,
                    currency=service.currency,
                )
            ].count += 0
    return contexts, songs


def _head(report: Report, number: int, count: int) -> str:
    first = date(report.period.year, report.period.month, 1)
    following = report.period.following()
    last = date(following.year, following.month, 1) - timedelta(days=1)
    created = datetime.fromtimestamp(report.created_at_ms // SECOND_MS, UTC)
    return _line(
        (
            "HEAD",
            MESSAGE_VERSION,
            PROFILE,
            PROFILE_VERSION,
            report.message_id,
            created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            str(number),
            str(count),
            first.isoformat(),
            last.isoformat(),
            report.sender.dpid,
            escape_cell(report.sender.name),
            _service_description(report),
            report.recipient.dpid,
            escape_cell(report.recipient.name),
            "",
        )
    )


def _summaries(report: Report, contexts: Mapping[_Context, _Usage]) -> list[str]:
    services = {service.app_id: service for service in report.services}
    lines = []
    for number, context in enumerate(sorted(contexts), start=1):
        usage, service = contexts[context], services[AppId(context.app_id)]
        cells = (
            "SY02.02",
            str(number),
            escape_cell(service.name),
            "",
            context.model,
            context.use,
            context.territory,
            service.description,
            str(usage.count),
            "",
            context.currency,
            decimal_amount(usage.amount_minor, context.currency),
            *[""] * 6,
            CONTENT_CATEGORY,
            *[""] * 3,
        )
        lines.append(_line(cells))
    return lines


def _blocks(
    report: Report, songs: Mapping[SongId, Mapping[tuple[_Context, int], int]], numbers: Mapping[_Context, int]
) -> Iterator[list[str]]:
    transaction = block = 0
    for song_id in sorted(songs):
        used = [(context, unit, count) for (context, unit), count in sorted(songs[song_id].items()) if count]
        if not used:
            continue
        block += 1
        lines = [_resource(report.songs[song_id], block)]
        for context, unit_minor, count in used:
            transaction += 1
            price = decimal_amount(unit_minor, context.currency) if context.model == PAID else ""
            numbered = (str(block), str(numbers[context]), str(transaction))
            lines.append(_line(("SU02", *numbered, "", "1", "true", str(count), price, "")))
        yield lines


def _resource(song: UsedSong, block: int) -> str:
    return _line(
        (
            "AS02.02",
            str(block),
            "1",
            str(song.song_id),
            song.isrc,
            escape_cell(song.title),
            "",
            escape_cell(", ".join(song.singers)),
            "",
            _duration(song.duration_ms),
            "SoundRecording",
            song.iswc,
            *[""] * 10,
        )
    )


def _duration(duration_ms: int) -> str:
    """ISO 8601: PT3M5.25S."""
    minutes, milliseconds = divmod(duration_ms, 60 * SECOND_MS)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{Decimal(milliseconds) / SECOND_MS:f}"
    return f"PT{hours}H{minutes}M{seconds}S" if hours else f"PT{minutes}M{seconds}S"


def _line(cells: Sequence[str]) -> str:
    return "\t".join(cells)


def _service_description(report: Report) -> str:
    return report.services[0].description if len(report.services) == 1 else CONTENT_CATEGORY


def file_stamp(at_ms: int) -> str:
    """The second in which a report was made, as the last element of its files' names tells it."""
    return datetime.fromtimestamp(at_ms // SECOND_MS, UTC).strftime("%Y%m%dT%H%M%S")


def _file_name(report: Report, contexts: Iterable[_Context], number: int, count: int) -> str:
    """Part 1, 8.1: elements parted by underscores, which none of them has."""
    territories = {context.territory for context in contexts}
    elements = (
        "DSR",
        report.recipient.dpid or f"vendor-{report.vendor_id}",
        report.sender.dpid,
        _service_description(report),
        str(report.period),
        territories.pop() if len(territories) == 1 else SEVERAL_TERRITORIES,
        f"{number}of{count}",
        file_stamp(report.created_at_ms),
    )
    return "_".join(elements) + ".tsv"
