"""Who controls how much of a work or recording, as a message claims it. A claim is no licence: what is looked at is
that the shares of one right in one territory come to no more than the whole.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from yuefu.ingest.ern.document import Node
from yuefu.ingest.ern.message import Territory
from yuefu.ingest.ern.vocabulary import WORLD, territory_of
from yuefu.music.findings import FindingList
from yuefu.rights.territory import expand

WHOLE = Decimal(100)
MOST_STEPS = 2_000_000
"""Shares times territories times instants in one message."""

NO_LICENCE = "noted: claims make no deals"

_PERCENTAGE = re.compile(r"\+?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})", re.ASCII)


class _Claim(msgspec.Struct, frozen=True, cache_hash=True):
    """What shares must have in common to be added up: a right, and where and when it is claimed ("" for no bound)."""

    right: str
    places: frozenset[str]
    begins: str
    ends: str

    def holds_on(self, day: str) -> bool:
        return self.begins <= day and (not self.ends or day < self.ends or day == self.begins)


class ShareCheck:
    """Adds up the shares of one message, node by node."""

    def __init__(self, findings: FindingList) -> None:
        self._findings = findings
        self._steps = 0

    def check_work(self, work: Node, name: str) -> None:
        """The shares of a work of the message's own list."""
        self._check(f"work {name}", work, self._work_shares(work))

    def check_recording(self, recording: Node, name: str, work: str) -> None:
        """The shares of a recording, and of the work that it is of; `work` is how a finding says which that is."""
        self._check(f"recording {name}", recording, self._recording_shares(recording))
        self._check(work, recording, self._controllers(recording.all("WorkRightsController"), "Territory"))

    def _work_shares(self, work: Node) -> Iterator[tuple[_Claim, Decimal]]:
        """A share says its own percentage, or those of its controllers."""
        for share in work.all("RightShare"):
            rights = share.texts("RightsType") or ("",)
            places = _places(share, "TerritoryCode", "ExcludedTerritoryCode")
            begins, ends = _period(share.first("ValidityPeriod"))
            own = self._percentage(share)
            if own is not None:
                yield from ((_Claim(right, places, begins, ends), own) for right in rights)
                continue
            for controller in share.all("RightsController"):
                part = self._percentage(controller)
                if part is not None:
                    named = (_join(right, role) for right in rights for role in _roles(controller))
                    yield from ((_Claim(right, places, begins, ends), part) for right in named)

    def _recording_shares(self, recording: Node) -> Iterator[tuple[_Claim, Decimal]]:
        for details in recording.all("SoundRecordingDetailsByTerritory"):
            places = _places(details, "TerritoryCode", "ExcludedTerritoryCode")
            yield from self._controllers(details.all("RightsController"), "", places)
        for controller in recording.all("ResourceRightsController"):
            delegated = controller.first("DelegatedUsageRights")
            places = expand((WORLD,)) if delegated is None else _places(delegated, "TerritoryOfRightsDelegation")
            yield from self._controllers([controller], "", places)

    def _controllers(
        self, controllers: Iterable[Node], territory: str, places: frozenset[str] = frozenset()
    ) -> Iterator[tuple[_Claim, Decimal]]:
        for controller in controllers:
            part = self._percentage(controller)
            if part is not None:
                there = places or _places(controller, territory)
                begins, ends = _period(controller)
                yield from ((_Claim(role, there, begins, ends), part) for role in _roles(controller))

    def _percentage(self, node: Node) -> Decimal | None:
        said = node.first("RightSharePercentage")
        if said is None:
            return None
        if not _PERCENTAGE.fullmatch(said.content):
            self._findings.add(f"a share of {said.content[:40]!r} is no percentage", "left out", said.line)
            return None
        is_fraction = said.attribute("HasMaxValueOfOne") in {"true", "1"}
        return Decimal(said.content) * (WHOLE if is_fraction else 1)

    def _check(self, name: str, node: Node, shares: Iterable[tuple[_Claim, Decimal]]) -> None:
        rights: dict[str, dict[_Claim, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for claim, part in shares:
            rights[claim.right][claim] += part
        for right, claims in rights.items():
            found = self._largest(claims)
            if found is None:
                self._findings.add("shares are claimed in too many ways to be added up", "left unchecked")
                return
            place, total = found
            if total > WHOLE:
                where = "" if all(claim.places == expand((WORLD,)) for claim in claims) else f" in {place}"
                of = f" ({right})" if right else ""
                self._findings.add(f"the shares of {name}{of} come to {_spell(total)} %{where}", NO_LICENCE, node.line)

    def _largest(self, claims: dict[_Claim, Decimal]) -> tuple[str, Decimal] | None:
        """The place and the sum where most is claimed at one time; None where it would take too long to find."""
        days = {claim.begins for claim in claims}
        self._steps += len(days) * sum(len(claim.places) for claim in claims)
        if self._steps > MOST_STEPS:
            return None
        largest = ("", Decimal(0))
        for day in days:
            sums: dict[str, Decimal] = defaultdict(Decimal)
            for claim, part in claims.items():
                if claim.holds_on(day):
                    for place in claim.places:
                        sums[place] += part
            largest = max([largest, *sums.items()], key=lambda each: (each[1], each[0]))
        return largest


def _roles(controller: Node) -> tuple[str, ...]:
    """What a controller is to the right: an owner's and his administrator's shares are of the same whole."""
    kind = " ".join((*controller.texts("RightsControllerType"), *controller.texts("RightsControlType")))
    return tuple(_join(role, kind) for role in controller.texts("RightsControllerRole") or ("",))


def _join(*words: str) -> str:
    return ", ".join(filter(None, words))


def _places(node: Node, included: str, excluded: str = "") -> frozenset[str]:
    """Where a claim is made; everywhere unless it is said. Codes that are not ours stand for themselves."""
    named = frozenset().union(*(_codes(each) for each in node.all(included))) if included else frozenset()
    if named:
        return named
    left_out = frozenset().union(*(_codes(each) for each in node.all(excluded))) if excluded else frozenset()
    return expand((WORLD,)) - left_out


def _codes(node: Node) -> frozenset[str]:
    return expand((territory_of(Territory(node.content, node.attribute("IdentifierType"))),))


def _period(node: Node | None) -> tuple[str, str]:
    """The days on which it begins and ends, as they sort."""
    if node is None:
        return "", ""
    begins = node.text("StartDate") or node.text("StartDateTime")
    ends = node.text("EndDate") or node.text("EndDateTime")
    return begins[:10], ends[:10]


def _spell(number: Decimal) -> str:
    """Without zeros at the end, never as a power of ten."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
