"""Who is paid of what is owed for a vendor's songs: rights holders, each with a share of the recording or the work.

A split says how one unit of money is divided: 40 % to one holder for the recording, 35 % to another for the work. What
it leaves over stays the vendor's to say, and every statement names it as unassigned. Splits are only ever added to.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.deal import Chain
from yuefu.rights.ledger import PostingKind
from yuefu.rights.plan import Period
from yuefu.rights.usage import Counts, Kind, Selection, Uses

WHOLE_PPM = 1_000_000
UNASSIGNED = "unassigned"
LONGEST_HOLDER = 200
_PPM_IN_PERCENT = 10_000


class BadSplit(YuefuError, ValueError):
    """A split that divides nothing."""


class Portion(msgspec.Struct, frozen=True, kw_only=True):
    """What a holder gets for a chain of rights, in millionths of the amount. Raises `BadSplit`."""

    chain: Chain
    holder: str
    share_ppm: int

    def __post_init__(self) -> None:
        name = self.holder
        if not name.strip() or name != name.strip() or len(name) > LONGEST_HOLDER or name == UNASSIGNED:
            raise BadSplit(f"{name[:40]!r} is no rights holder's name; it has 1 to {LONGEST_HOLDER} characters")
        if any(unicodedata.category(character).startswith("C") for character in name):
            raise BadSplit(f"{name[:40]!r} is no rights holder's name; it has a control character")
        if not 0 < self.share_ppm <= WHOLE_PPM:
            raise BadSplit(f"{name[:40]}: a share is more than 0 and at most 100 %")


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """How what is owed for a vendor's song, or for all that have no split of their own, is divided from a month on.

    Without portions nobody is known, and all is unassigned. Raises `BadSplit`.
    """

    vendor_id: VendorId
    song_id: SongId | None = None
    from_period: Period
    portions: tuple[Portion, ...]

    def __post_init__(self) -> None:
        claimed = sum(portion.share_ppm for portion in self.portions)
        if claimed > WHOLE_PPM:
            raise BadSplit(f"the shares come to {spell_share(claimed)} %, more than there is")
        twice = [
            name for name, count in Counter((each.chain, each.holder) for each in self.portions).items() if count > 1
        ]
        if twice:
            raise BadSplit(f"{twice[0][1][:40]} has two shares of the {twice[0][0].value}; add them up")


class RecordedSplit(msgspec.Struct, frozen=True, kw_only=True):
    """A split on record."""

    split_id: int
    split: Split
    recorded_at_ms: int


def parse_share(text: str) -> int:
    """A percentage in millionths: "33.3333". Raises `BadSplit`."""
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", text.strip(), re.ASCII):
        raise BadSplit(f"{text[:20]!r} is no percentage of four decimals at most, as 33.3333")
    return int(Decimal(text.strip()) * _PPM_IN_PERCENT)


def spell_share(share_ppm: int) -> str:
    """Millionths as a percentage; `parse_share` reads it back."""
    return f"{Decimal(share_ppm) / _PPM_IN_PERCENT:f}"


class SplitTable:
    """A vendor's splits as they were known at an instant."""

    def __init__(self, splits: Iterable[RecordedSplit], *, known_at_ms: int | None) -> None:
        self._of_song: dict[SongId | None, list[RecordedSplit]] = defaultdict(list)
        for each in splits:
            if known_at_ms is None or each.recorded_at_ms <= known_at_ms:
                self._of_song[each.split.song_id].append(each)

    def portions(self, song_id: SongId, period: Period) -> tuple[Portion, ...]:
        """How a song's money is divided in a month: by its own split, else by that of all the vendor's songs."""
        for key in (song_id, None):
            held = [each for each in self._of_song.get(key, ()) if each.split.from_period <= period]
            if held:
                return max(held, key=lambda each: (each.split.from_period, each.split_id)).split.portions
        return ()


def apportion(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in whole parts as near to the weights as can be, which add up to it: the largest remainders are
    rounded up, the first of equal ones before later ones. Weights are 0 or more, and not all 0.
    """
    whole = sum(weights)
    quotients = [divmod(abs(amount) * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in quotients]
    by_remainder = sorted(range(len(weights)), key=lambda at: -quotients[at][1])
    for at in by_remainder[: abs(amount) - sum(parts)]:
        parts[at] += 1
    return parts if amount >= 0 else [-part for part in parts]


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a rights holder gets of what an app owes a vendor; `portion` None for what nobody is assigned.

    `selection` is what the amount was divided from. The counts are of the uses the holder has a share in, so those of
    several holders add up to more than there were.
    """

    selection: Selection
    chain: Chain | None
    holder: str
    counts: Counts


def statement(
    uses: Sequence[Uses], tables: Mapping[VendorId, SplitTable], earlier: Mapping[Period, Sequence[Uses]]
) -> list[StatementLine]:
    """What an app's month comes to for each vendor's rights holders; all lines of a vendor add up to what is owed it.

    What was charged for a use is divided by its song's split. What was charged for a month is first spread over the
    songs that were used in that billing mode, by how often. `earlier` has the uses of the months that adjustments are
    of, whose money is spread as it was then.
    """
    sums: dict[Selection, dict[tuple[Portion, ...], Counts]] = defaultdict(lambda: defaultdict(Counts))
    pools: dict[tuple[Selection, Period, int], int] = defaultdict(int)
    for each in uses:
        kind, counts = each.kind, each.counts
        selection = _owed_to_vendor(kind)
        if kind.billing_mode and counts.amount_minor:
            pools[selection, kind.of_period, kind.billing_mode] += counts.amount_minor
            counts = msgspec.structs.replace(counts, amount_minor=0)
        sums[selection][_portions(kind, tables)] += counts
    for (selection, of_period, mode), amount in pools.items():
        spread = _spread(earlier.get(of_period, uses), selection, mode, tables) or {(): 1}
        for portions, part in zip(spread, apportion(amount, list(spread.values())), strict=True):
            sums[selection][portions] += Counts(amount_minor=part)
    lines = [line for selection, by_portions in sums.items() for line in _divide(selection, by_portions)]
    return sorted(lines, key=_order)


def _owed_to_vendor(kind: Kind) -> Selection:
    return Selection(
        app_id=kind.app_id,
        period=kind.period,
        entry=kind.entry,
        of_period=kind.of_period,
        vendor_id=kind.vendor_id,
        currency=kind.currency,
    )


def _portions(kind: Kind, tables: Mapping[VendorId, SplitTable]) -> tuple[Portion, ...]:
    return tables[kind.vendor_id].portions(kind.song_id, kind.of_period)


def _spread(
    uses: Iterable[Uses], selection: Selection, mode: int, tables: Mapping[VendorId, SplitTable]
) -> dict[tuple[Portion, ...], int]:
    """How many uses of that billing mode there were at the vendor, by how their songs are split."""
    counts: dict[tuple[Portion, ...], int] = defaultdict(int)
    for each in uses:
        if each.kind.vendor_id == selection.vendor_id and each.kind.billing_mode == mode:
            count = each.counts.requests + each.counts.shared
            if count:
                counts[_portions(each.kind, tables)] += count
    return counts


def _divide(selection: Selection, by_portions: Mapping[tuple[Portion, ...], Counts]) -> list[StatementLine]:
    sums: dict[tuple[Chain | None, str], Counts] = defaultdict(Counts)
    for portions, counts in by_portions.items():
        left_ppm = WHOLE_PPM - sum(portion.share_ppm for portion in portions)
        holders: list[tuple[Chain | None, str]] = [(each.chain, each.holder) for each in portions]
        weights = [each.share_ppm for each in portions]
        if left_ppm:
            holders, weights = [*holders, (None, UNASSIGNED)], [*weights, left_ppm]
        for holder, amount in zip(holders, apportion(counts.amount_minor, weights), strict=True):
            sums[holder] += msgspec.structs.replace(counts, amount_minor=amount)
    return [
        StatementLine(selection=selection, chain=chain, holder=holder, counts=counts)
        for (chain, holder), counts in sums.items()
    ]


def _order(line: StatementLine) -> tuple[AppId, VendorId | None, int, str, str, bool, str, str]:
    entry = line.selection.entry or PostingKind.CHARGE
    return (
        line.selection.app_id,
        line.selection.vendor_id,
        list(PostingKind).index(entry),
        str(line.selection.of_period),
        line.selection.currency or "",
        line.chain is None,
        line.chain.value if line.chain else "",
        line.holder,
    )


class SplitBook(Protocol):
    """The splits."""

    def splits(self, vendor_id: VendorId | None = None) -> list[RecordedSplit]:
        """All there are, of one vendor or of all, in the order they were written."""


class SplitDesk(SplitBook, Protocol):
    """Where one transaction writes splits."""

    def add(self, split: Split, *, at_ms: int) -> int:
        """Write a split down; its number."""
