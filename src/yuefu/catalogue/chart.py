"""Charts and tags: what an operator says belongs together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, NamedTuple, Protocol, TypeAlias
from unicodedata import category
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from yuefu.errors import YuefuError
from yuefu.ids import SongId, VendorId
from yuefu.units import SECOND_MS, Span

LONGEST_ID = 64
"""Characters that callers may ask for a tag or chart by."""

LONGEST_NAME = 200

_DAY = timedelta(days=1)
_NOT_TEXT = {"Cc", "Cs", "Zl", "Zp"}
"""Controls, lone surrogates, separators of lines and paragraphs."""


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    tag_id: str
    name: str


class TagGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of tags, in the operator's order."""

    group_id: str
    name: str
    tags: tuple[Tag, ...]


Counted: TypeAlias = Literal["grants", "plays"]
"""What makes a song popular: how often it was granted, or how often it was sung, as clients report it."""


class ChartRule(msgspec.Struct, frozen=True, kw_only=True):
    """A chart by count: songs granted at least `threshold` times in the `days` days before the last cut-off.

    The cut-off is `cut_off_hour` o'clock in `time_zone` (an IANA name); at most `size` songs are listed. Of `counted`
    plays it is the defined ones, by the instant at which each became one.
    """

    days: Annotated[int, Meta(ge=1, le=366)]
    threshold: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 1
    cut_off_hour: Annotated[int, Meta(ge=0, le=23)] = 0
    time_zone: str = "Asia/Shanghai"
    size: Annotated[int, Meta(ge=1, le=1_000)] = 100
    counted: Counted = "grants"


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A chart of one vendor. `rule` None is a list kept by hand.

    `as_of_ms` is the instant it speaks of: the cut-off its songs were counted up to, or when the list was written;
    None for a documented chart that nobody has filled.
    """

    vendor_id: VendorId
    top_id: str
    name: str
    rule: ChartRule | None = None
    as_of_ms: int | None = None


class ChartEntry(NamedTuple):
    """A song in a chart, and how often it was granted or played in the time counted; 0 in a list kept by hand."""

    song_id: SongId
    uses: int = 0


class BadRule(YuefuError):
    """A rule that cannot be; says what it may be."""


class BadName(YuefuError):
    """An id or name that nobody could ask for or read."""


class BadSongs(YuefuError):
    """Songs that cannot be listed there; says which and why."""


class UnknownTag(YuefuError):
    """There is no such tag."""

    def __init__(self, tag_id: str) -> None:
        super().__init__(f"there is no tag {tag_id}; `yuefu tag list` shows those there are")


class UnknownTagGroup(YuefuError):
    """There is no such group of tags."""

    def __init__(self, group_id: str) -> None:
        super().__init__(f"there is no tag group {group_id}; `yuefu tag group add {group_id} NAME` makes it")


class TagGroupInUse(YuefuError):
    """The group still has tags."""

    def __init__(self, group_id: str) -> None:
        super().__init__(f"tag group {group_id} still has tags; remove or move them first")


class ForeignChart(YuefuError):
    """The id is that of a documented chart, and the vendor is none of those that have it."""

    def __init__(self, vendor_id: VendorId, top_id: str, owners: Iterable[int]) -> None:
        known = ", ".join(map(str, owners))
        super().__init__(
            f"chart {top_id} is documented for vendor {known}, not for vendor {vendor_id}; choose another id"
        )


class UnknownChart(YuefuError):
    """The vendor has no such chart."""

    def __init__(self, vendor_id: VendorId, top_id: str) -> None:
        super().__init__(f"vendor {vendor_id} has no chart {top_id}; `yuefu chart list` shows those there are")


class Programme(Protocol):
    """Where charts and tags are read."""

    def tag_groups(self) -> list[TagGroup]:
        """All tag groups, in the operator's order."""

    def tagged(self, tag_id: str, vendor_id: VendorId | None) -> list[SongId] | None:
        """The vendor's songs (any vendor's when None) that carry the tag, in order; None when there is no such tag."""

    def charts(self) -> list[Chart]:
        """All charts that somebody has filled, by vendor and id."""

    def chart(self, top_id: str, vendor_id: VendorId) -> Chart | None:
        """A vendor's chart; None when nobody has filled it."""

    def charted(self, top_id: str, vendor_id: VendorId) -> list[ChartEntry] | None:
        """The songs of a vendor's chart, in order; None when nobody has filled it."""


class ProgrammeDesk(Programme, Protocol):
    """Where charts and tags are written, inside a transaction."""

    def put_tag_group(self, group: TagGroup, *, place: int) -> None:
        """Write a group and its tags, new or changed; tags it does not name stay."""

    def remove_tag_group(self, group_id: str) -> None:
        """Take away a group without tags."""

    def tag_songs(self, tag_id: str, song_ids: Sequence[SongId]) -> None:
        """Say which songs carry a tag, in their order."""

    def remove_tag(self, tag_id: str) -> None:
        """Take a tag away, from its songs too."""

    def put_chart(self, chart: Chart, entries: Iterable[ChartEntry]) -> None:
        """Write a chart and its songs in place of what it was."""

    def remove_chart(self, top_id: str, vendor_id: VendorId) -> None:
        """Take a chart away."""

    def uses(self, vendor_id: VendorId, span: Span, *, counted: Counted, threshold: int, size: int) -> list[ChartEntry]:
        """The vendor's most granted or most played songs in a stretch of time, most first, then by id."""

    def owners(self, song_ids: Iterable[SongId]) -> dict[SongId, VendorId]:
        """Whose those songs are; songs taken out of the catalogue among them, for they may come back."""


def make_rule(facts: Mapping[str, Any]) -> ChartRule:
    """The rule of those facts, numbers or their texts. Raises `BadRule`."""
    try:
        rule = msgspec.convert(facts, ChartRule, strict=False)
    except msgspec.ValidationError as error:
        raise BadRule(f"chart rule: {error}") from None
    _zone(rule)
    return rule


def counted_span(rule: ChartRule, at_ms: int) -> Span:
    """What the rule counts at an instant: up to the last cut-off not after it, from as many calendar days before.

    Clocks that change make days of 23 or 25 hours. An hour that a clock shows twice is the first of the two; one that
    it leaps over is where it would have been. Raises `BadRule` when the time zone is not known (any more).
    """
    zone = _zone(rule)
    day = datetime.fromtimestamp(at_ms // SECOND_MS, zone).date() + _DAY
    while (end_ms := _cut_off_ms(rule, zone, day)) > at_ms:
        day -= _DAY
    while _cut_off_ms(rule, zone, day - _DAY) == end_ms:
        day -= _DAY  # the zone leapt over a whole day: its cut-off is the next day's, and it is no day of its own
    return Span(begin_ms=_cut_off_ms(rule, zone, day - rule.days * _DAY), end_ms=end_ms)


def with_group(groups: Iterable[TagGroup], group_id: str, name: str) -> list[TagGroup]:
    """The groups with that one named so: where it was, or new at the end."""
    named = {group.group_id: group for group in groups}
    group = named.get(group_id, TagGroup(group_id=group_id, name=name, tags=()))
    return list((named | {group_id: msgspec.structs.replace(group, name=name)}).values())


def with_tag(groups: Iterable[TagGroup], group_id: str, tag: Tag) -> list[TagGroup]:
    """The groups with that tag in one of them, and in no other: where it was, or new at the end."""

    def tags_of(group: TagGroup) -> tuple[Tag, ...]:
        tags = {each.tag_id: each for each in group.tags}
        if group.group_id == group_id:
            return tuple((tags | {tag.tag_id: tag}).values())
        return tuple(each for each in group.tags if each.tag_id != tag.tag_id)

    return [msgspec.structs.replace(group, tags=tags_of(group)) for group in groups]


def merge_groups(held: Iterable[TagGroup], new: Sequence[TagGroup]) -> list[TagGroup]:
    """`new` groups and tags in their order, then what else is held; a tag is where `new` has it."""
    moved = {tag.tag_id for group in new for tag in group.tags}
    left = {
        group.group_id: msgspec.structs.replace(group, tags=tuple(tag for tag in group.tags if tag.tag_id not in moved))
        for group in held
    }
    merged = [
        msgspec.structs.replace(group, tags=group.tags + (left[group.group_id].tags if group.group_id in left else ()))
        for group in new
    ]
    named = {group.group_id for group in new}
    return merged + [group for group in left.values() if group.group_id not in named]


def check_id(text: str) -> str:
    """The id of a tag, group or chart, as it is. Raises `BadName`."""
    return _check_text(text, LONGEST_ID)


def check_name(text: str) -> str:
    """The name of a tag, group or chart, as it is. Raises `BadName`."""
    return _check_text(text, LONGEST_NAME)


def song_problems(
    song_ids: Iterable[SongId], owners: Mapping[SongId, VendorId], vendor_id: VendorId | None
) -> Iterator[tuple[int, str]]:
    """Why songs cannot stand in one list, each with its place in `song_ids`; all of one vendor unless that is None."""
    met: set[SongId] = set()
    for place, song_id in enumerate(song_ids):
        owner = owners.get(song_id)
        if owner is None:
            yield place, f"there is no song {song_id}"
        elif vendor_id is not None and owner != vendor_id:
            yield place, f"song {song_id} is vendor {owner}'s, not vendor {vendor_id}'s"
        elif song_id in met:
            yield place, f"song {song_id} is there twice"
        met.add(song_id)


def _cut_off_ms(rule: ChartRule, zone: ZoneInfo, day: date) -> int:
    return int(datetime.combine(day, time(rule.cut_off_hour), zone).timestamp()) * SECOND_MS


def _zone(rule: ChartRule) -> ZoneInfo:
    try:
        return ZoneInfo(rule.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRule(
            f"chart rule: {rule.time_zone!r} is no time zone this machine knows; write one like Asia/Shanghai"
        ) from None


def _check_text(text: str, longest: int) -> str:
    has_control = any(category(character) in _NOT_TEXT for character in text)
    if not 1 <= len(text) <= longest or text != text.strip() or has_control:
        raise BadName(f"{text[:40]!r} must be 1 to {longest} characters, no control among them, no space at either end")
    return text
