"""What a message allows for each recording, in our vocabulary.

Deals are for releases; a recording has the deals of all releases of the message that hold it. What a deal says beyond
what we understand it does not allow: it is left out with a finding, and "no deal = no deal".
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import TypeVar

import msgspec

from yuefu.errors import YuefuError
from yuefu.ingest.ern.message import (
    Channel,
    Message,
    MessageRefused,
    Offer,
    Period,
    Recording,
    Release,
    ReleaseDeal,
    Word,
)
from yuefu.ingest.ern.vocabulary import CHANNEL_TYPES, INTERFACES, WORLD, models_of, territory_of, uses_of
from yuefu.music.findings import Finding, FindingList
from yuefu.rights.deal import BadTerms, Terms, TermSheet
from yuefu.rights.territory import UnknownTerritory, expand

MOST_TERMS = 400
"""In one sheet, once those that differ by territory alone are put together."""
MOST_STEPS = 5_000_000
"""Deals times releases and resources: a message that is small and crossed often enough would never be done."""

_MOST_COMPARED = 60

T = TypeVar("T")


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says of some recordings: those of `recording`, or all that have been known to be in `releases`.

    `releases` are the ids of the message's releases that hold the recording. A sheet without terms: no deal.
    """

    recording: Recording | None
    releases: tuple[str, ...]
    sheet: TermSheet


class Licences(msgspec.Struct, frozen=True, kw_only=True):
    """All that a message allows and ends, recording by recording, and then release by release."""

    recordings: tuple[Licence, ...]
    releases: tuple[Licence, ...]
    findings: tuple[Finding, ...]


class LeftOut(YuefuError):
    """Why an offer is none to us."""


def read_licences(message: Message, *, channels: Sequence[str] = (), channel: int = 0, file: str = "") -> Licences:
    """The licences of a message. `channels` are the operator's own distribution channels, as the sender names them;
    `channel` is the number that the terms get (0 asks for the logo). Raises `MessageRefused` for what would take too
    long.
    """
    return _Lawyer(message, frozenset(channels), channel, FindingList(file)).licences()


class _Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What the same deals come to for all releases they are for: `named` are the resources that they treat apart."""

    giving: list[Offer]
    named: frozenset[str]
    down: frozenset[str]
    whole: TermSheet


class _Lawyer:
    """One message's deals, gone through once."""

    def __init__(self, message: Message, channels: frozenset[str], channel: int, findings: FindingList) -> None:
        self._message = message
        self._channels = channels
        self._channel = channel
        self._findings = findings
        self._steps = 0
        self._offers: dict[int, tuple[Terms, ...]] = {}
        self._drawn: dict[tuple[int, ...], _Drawn] = {}
        self._sheets: dict[tuple[TermSheet, ...], TermSheet] = {}
        self._deals: dict[str, list[ReleaseDeal]] = defaultdict(list)

    def licences(self) -> Licences:
        """Recordings that are in no release have no deal, and nothing is said of them."""
        self._sort_deals()
        held: dict[str, list[tuple[Release, TermSheet]]] = defaultdict(list)
        for release in self._message.releases:
            whole, apart = self._release(release)
            for reference in release.resources:
                held[reference].append((release, apart.get(reference, whole)))
        recordings = [
            Licence(
                recording=recording,
                releases=_ids(release for release, _ in held[recording.reference]),
                sheet=self._join(tuple(sheet for _, sheet in held[recording.reference])),
            )
            for recording in self._message.recordings
            if recording.reference in held
        ]
        known = {recording.reference for recording in self._message.recordings}
        self._note_strays(known, set(held))
        return Licences(
            recordings=tuple(recordings),
            releases=tuple(
                Licence(recording=None, releases=release.ids, sheet=TermSheet(terms=()))
                for release in self._message.releases
                if release.ids
            ),
            findings=self._findings.close(),
        )

    def _sort_deals(self) -> None:
        known = {release.reference for release in self._message.releases}
        for deal in self._message.deals:
            for reference in deal.releases:
                if reference in known:
                    self._deals[reference].append(deal)
                else:
                    self._findings.add("a deal is for a release that the message does not have", "left out")

    def _note_strays(self, known: set[str], held: set[str]) -> None:
        if known - held:
            self._findings.add(f"recordings that are in no release of the message: {len(known - held)}", "left alone")

    def _release(self, release: Release) -> tuple[TermSheet, dict[str, TermSheet]]:
        """What is allowed for a release, and for those of its resources that its deals treat apart."""
        deals = self._deals.get(release.reference, [])
        key = tuple(id(deal) for deal in deals)
        if key not in self._drawn:
            self._drawn[key] = self._draw_all([offer for deal in deals for offer in deal.offers])
        drawn = self._drawn[key]
        named = drawn.named.intersection(release.resources)
        return drawn.whole, {name: self._draw(drawn.giving, name, drawn.down) for name in named}

    def _draw_all(self, offers: list[Offer]) -> "_Drawn":
        ending = [offer for offer in offers if offer.ends_deals]
        for offer in ending:
            self._findings.add(f"{offer.ends_deals} is deprecated", "taken as no deal, from now on", offer.line)
        down = frozenset(code for offer in ending for code in self._taken_down(offer))
        giving = [offer for offer in offers if not offer.ends_deals]
        return _Drawn(
            giving=giving,
            named=frozenset(name for offer in giving for name in (*offer.resources, *offer.exempt)),
            down=down,
            whole=self._draw(giving, None, down),
        )

    def _draw(self, offers: Sequence[Offer], resource: str | None, down: frozenset[str]) -> TermSheet:
        """The sheet for one resource, or for all that no offer names."""
        self._spend(len(offers) + 1)
        terms: dict[Terms, None] = {}
        for offer in offers:
            if (not offer.resources or resource in offer.resources) and resource not in offer.exempt:
                terms.update(dict.fromkeys(self._terms(offer)))
        return self._put_together(tuple(terms), down)

    def _join(self, sheets: tuple[TermSheet, ...]) -> TermSheet:
        """One recording's sheet, of those of all releases that hold it."""
        different = tuple(dict.fromkeys(sheets))
        if different not in self._sheets:
            self._spend(sum(len(sheet.terms) for sheet in different))
            terms = tuple(dict.fromkeys(terms for sheet in different for terms in sheet.terms))
            sheet = different[0] if len(different) == 1 else self._put_together(terms, frozenset())
            self._note_conflicts(sheet)
            self._sheets[different] = sheet
        return self._sheets[different]

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MOST_STEPS:
            raise MessageRefused("it has too many deals for too many releases")

    def _put_together(self, terms: tuple[Terms, ...], down: frozenset[str]) -> TermSheet:
        left = [rest for each in terms if (rest := self._spare(each, down)) is not None]
        joined = _join_territories(left)
        if len(joined) > MOST_TERMS:
            self._findings.add(f"more than {MOST_TERMS} different deals for one recording", "taken as no deal")
            return TermSheet(terms=())
        return TermSheet(terms=joined)

    def _spare(self, terms: Terms, down: frozenset[str]) -> Terms | None:
        """What is left of terms outside the places where the release is taken down."""
        if not down:
            return terms
        codes = expand(terms.territories or (WORLD,)) - expand(terms.excluded_territories)
        if not codes & down:
            return terms
        self._findings.add("a deal and a takedown of the same release for the same places", "the takedown was followed")
        left = codes - down
        return msgspec.structs.replace(terms, territories=_spell(left), excluded_territories=()) if left else None

    def _taken_down(self, offer: Offer) -> frozenset[str]:
        """The places a takedown is for; all, where that is not clear."""
        try:
            included, excluded = _places(offer)
        except (LeftOut, UnknownTerritory):
            return expand((WORLD,))
        return expand(included or (WORLD,)) - expand(excluded)

    def _terms(self, offer: Offer) -> tuple[Terms, ...]:
        """An offer in our terms: one for each of its periods, none when it is no offer to us."""
        if id(offer) not in self._offers:
            try:
                self._offers[id(offer)] = self._translate(offer)
            except (LeftOut, UnknownTerritory, BadTerms) as error:
                self._findings.add(f"a deal: {error}", "left out", offer.line)
                self._offers[id(offer)] = ()
        return self._offers[id(offer)]

    def _translate(self, offer: Offer) -> tuple[Terms, ...]:
        if offer.problem:
            raise LeftOut(offer.problem)
        self._check_reach(offer)
        included, excluded = _places(offer)
        uses = self._known("use", offer.uses, [uses_of(word) for word in offer.uses], offer.line)
        models = self._known("way of paying", offer.models, [models_of(word) for word in offer.models], offer.line)
        plain = Terms(
            uses=uses,
            models=models,
            territories=included,
            excluded_territories=excluded,
            max_uses=offer.max_uses,
            tier=offer.tier,
            channel=self._channel,
        )
        return tuple(
            msgspec.structs.replace(plain, valid_from_ms=period.from_ms, valid_until_ms=period.until_ms)
            for period in self._periods(offer)
        )

    def _periods(self, offer: Offer) -> tuple[Period, ...]:
        """When it holds. Without a word on that it must not reach back before the message."""
        if offer.periods:
            return offer.periods
        self._findings.add("a deal does not say from when", "read as from the message's creation", offer.line)
        return (Period(from_ms=self._message.created_at_ms),)

    def _known(
        self, what: str, words: tuple[Word, ...], meanings: Iterable[tuple[T, ...]], line: int | None
    ) -> tuple[T, ...]:
        """All that the words we know mean together. Raises `LeftOut` when that is nothing."""
        known: list[T] = []
        for word, meaning in zip(words, meanings, strict=True):
            if not meaning:
                self._findings.add(f"{word} is no {what} that is known", "that part of the deal left out", line)
            known += meaning
        if not known:
            raise LeftOut(f"it names no {what} that is known")
        return tuple(known)

    def _check_reach(self, offer: Offer) -> None:
        """Raises `LeftOut` for what is meant for others, for other devices, or for things that are sold."""
        if "BlockAccess" in offer.policies:
            raise LeftOut("its policy is BlockAccess")
        if offer.carriers:
            raise LeftOut("it is for carriers that are sold")
        if offer.channel_types and not any(word.value in CHANNEL_TYPES for word in offer.channel_types):
            raise LeftOut(f"it is for {', '.join(map(str, offer.channel_types))} only")
        if offer.interfaces and not any(word.value in INTERFACES for word in offer.interfaces):
            raise LeftOut(f"it is for {', '.join(map(str, offer.interfaces))} only")
        if not (offer.channels or offer.excluded_channels):
            return
        if not self._channels:
            raise LeftOut("it depends on the distribution channel; --our-channel says which are yours")
        if offer.channels and not any(self._is_ours(channel) for channel in offer.channels):
            raise LeftOut("it is for other distribution channels")
        if any(self._is_ours(channel) for channel in offer.excluded_channels):
            raise LeftOut("it is not for your distribution channel")

    def _is_ours(self, channel: Channel) -> bool:
        return any(name in self._channels for name in channel.names)

    def _note_conflicts(self, sheet: TermSheet) -> None:
        """Deals that hold at once for the same use but contradict each other: any of them may allow it."""
        if not 1 < len(sheet.terms) <= _MOST_COMPARED:
            return
        if any(_contradict(one, other) for one, other in combinations(sheet.terms, 2)):
            self._findings.add(
                "deals of one recording overlap with different tiers or caps", "all kept; the longest-lasting speaks"
            )


def _places(offer: Offer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The territories for and not for. Raises `LeftOut` when it is not one of the two, or `UnknownTerritory`."""
    included = tuple(territory_of(territory) for territory in offer.territories)
    excluded = tuple(territory_of(territory) for territory in offer.excluded_territories)
    if included and excluded:
        raise LeftOut("it names the territories it is for, and those it is not for")
    if not included and not excluded:
        raise LeftOut("it names no territory")
    checked = Terms(territories=included, excluded_territories=excluded)
    return checked.territories, checked.excluded_territories


def _join_territories(terms: Iterable[Terms]) -> tuple[Terms, ...]:
    """Terms that differ by the territories they are for as one: some senders write a deal for every country.

    The order is the same whichever the sender wrote them in.
    """
    joined: dict[Terms, list[str]] = {}
    for each in terms:
        key = msgspec.structs.replace(each, territories=())
        joined.setdefault(key, []).extend(each.territories)
    return tuple(
        msgspec.structs.replace(key, territories=_spell(expand(tuple(names))) if names else ())
        for key, names in sorted(joined.items(), key=lambda item: msgspec.json.encode(item[0]))
    )


def _spell(codes: frozenset[str]) -> tuple[str, ...]:
    return (WORLD,) if codes == expand((WORLD,)) else tuple(sorted(codes))


def _contradict(one: Terms, other: Terms) -> bool:
    if (one.tier, one.max_uses) == (other.tier, other.max_uses):
        return False
    begins = [terms.valid_from_ms for terms in (one, other) if terms.valid_from_ms is not None]
    ends = [terms.valid_until_ms for terms in (one, other) if terms.valid_until_ms is not None]
    overlap = not begins or not ends or max(begins) < min(ends)
    codes = [expand(terms.territories or (WORLD,)) - expand(terms.excluded_territories) for terms in (one, other)]
    meets = any(use is asked for use, asked in product(one.uses, other.uses))
    pays = any(model is asked for model, asked in product(one.models, other.models))
    return overlap and meets and pays and bool(codes[0] & codes[1])


def _ids(releases: Iterable[Release]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(release_id for release in releases for release_id in release.ids))
