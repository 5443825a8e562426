"""What operators do with charts and tags, and the charts that are counted by themselves."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
import structlog

from yuefu.access.audit import Author
from yuefu.catalogue.chart import (
    BadSongs,
    Chart,
    ChartEntry,
    ChartRule,
    ForeignChart,
    ProgrammeDesk,
    Tag,
    TagGroup,
    TagGroupInUse,
    UnknownChart,
    UnknownTag,
    UnknownTagGroup,
    check_id,
    check_name,
    counted_span,
    song_problems,
    with_group,
    with_tag,
)
from yuefu.errors import YuefuError
from yuefu.ids import SongId, VendorId
from yuefu.server.centre import Centre, Transaction
from yuefu.units import MINUTE_MS

T = TypeVar("T")

SETTLING_MS = MINUTE_MS
"""How long after a cut-off it is counted: by then every grant and play from before it is on disk."""

COUNTING_PERIOD_S = 60

_log = structlog.get_logger(__name__)


class UnknownVendor(YuefuError):
    """A number that no vendor profile has."""


def known_vendor(centre: Centre, number: int | str) -> VendorId:
    """The vendor of that number or its canonical text. Raises `UnknownVendor`."""
    known = {str(vendor): VendorId(vendor) for vendor in sorted(centre.profiles) if vendor}
    if str(number) not in known:
        raise UnknownVendor(f"there is no vendor {str(number)[:40]}; there are {', '.join(known)}")
    return known[str(number)]


# Charts.


def list_charts(centre: Centre, vendor_id: VendorId | None = None) -> list[Chart]:
    """The charts of one vendor or of all, filled or documented, by vendor and id."""
    charts = {
        (vendor, top_id): Chart(vendor_id=VendorId(vendor), top_id=top_id, name=name)
        for vendor, profile in centre.profiles.items()
        for top_id, name in profile.charts.items()
    }
    charts |= {(chart.vendor_id, chart.top_id): chart for chart in centre.programme.charts()}
    return [chart for (vendor, _), chart in sorted(charts.items()) if vendor_id in {None, vendor}]


def show_chart(centre: Centre, vendor_id: VendorId, top_id: str) -> tuple[Chart, list[ChartEntry]]:
    """A chart and its songs. Raises `UnknownChart`."""
    for chart in list_charts(centre, vendor_id):
        if chart.top_id == top_id:
            return chart, centre.programme.charted(top_id, vendor_id) or []
    raise UnknownChart(vendor_id, top_id)


def set_chart(
    centre: Centre,
    vendor_id: VendorId,
    top_id: str,
    song_ids: Sequence[SongId],
    *,
    author: Author,
    name: str | None = None,
) -> Chart:
    """Keep a chart by hand. Raises `BadSongs`, `BadName`, `ForeignChart`."""
    at_ms = centre.now_ms()

    def job(desk: ProgrammeDesk) -> Chart:
        check_songs(desk, song_ids, vendor_id)
        chart = head_chart(centre, desk, vendor_id, top_id, name)
        return list_chart(desk, chart, song_ids, at_ms=at_ms)

    return _run_for(centre, job, author, "chart.set", chart_subject(vendor_id, top_id), songs=len(song_ids))


def rule_chart(
    centre: Centre, vendor_id: VendorId, top_id: str, rule: ChartRule, *, author: Author, name: str | None = None
) -> Chart:
    """Have a chart counted by a rule, for the first time now. Raises `BadRule`, `BadName`, `ForeignChart`."""
    at_ms = centre.now_ms()

    def job(desk: ProgrammeDesk) -> Chart:
        return count_chart(desk, head_chart(centre, desk, vendor_id, top_id, name), rule, at_ms=at_ms)

    subject = chart_subject(vendor_id, top_id)
    return _run_for(centre, job, author, "chart.rule", subject, rule=msgspec.to_builtins(rule))


def compute_charts(
    centre: Centre, vendor_id: VendorId | None = None, top_id: str | None = None, *, author: Author
) -> list[Chart]:
    """Count the charts that have a rule again: all, a vendor's, or those of one id."""
    return [
        counted
        for chart in centre.programme.charts()
        if vendor_id in {None, chart.vendor_id} and top_id in {None, chart.top_id}
        if (counted := _recount(centre, chart, only_due=False, author=author)) is not None
    ]


def compute_due(centre: Centre) -> list[Chart]:
    """Count the charts whose cut-off has come since they were counted last; a chart that fails keeps no other back."""
    counted = []
    for chart in _run(centre, lambda desk: desk.charts()):
        try:
            counted.append(_recount(centre, chart, only_due=True))
        except YuefuError as error:
            _log.exception("a chart was not counted", vendor_id=chart.vendor_id, top_id=chart.top_id, error=str(error))
    return [chart for chart in counted if chart is not None]


def remove_chart(centre: Centre, vendor_id: VendorId, top_id: str, *, author: Author) -> None:
    """Take a chart away; a documented one is empty from then on. Raises `UnknownChart`."""

    def job(desk: ProgrammeDesk) -> None:
        if desk.chart(top_id, vendor_id) is None:
            raise UnknownChart(vendor_id, top_id)
        desk.remove_chart(top_id, vendor_id)

    _run_for(centre, job, author, "chart.remove", chart_subject(vendor_id, top_id))


@contextmanager
def counting_charts(centre: Centre, *, period_s: float = COUNTING_PERIOD_S) -> Iterator[None]:
    """Meanwhile a thread counts the charts that are due, at once and then every minute.

    Every worker process may have one: each looks inside its own transaction whether a chart is still due, so the first
    counts it and the others find it done; and what was missed while nothing served is made up at the start. The thread
    touches the database through units of work alone, which are made for that.
    """
    stopping = threading.Event()

    def count() -> None:
        while True:
            try:
                compute_due(centre)
            except YuefuError as error:
                _log.exception("the charts were not counted", error=str(error))
            if stopping.wait(period_s):
                return

    thread = threading.Thread(target=count, name="chart-counting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _recount(centre: Centre, chart: Chart, *, only_due: bool, author: Author | None = None) -> Chart | None:
    """The chart counted anew; None when meanwhile it is gone, kept by hand or not due (any more).

    A count that nobody asked for has no author, and no entry in the audit.
    """
    at_ms = centre.now_ms()

    def job(desk: ProgrammeDesk) -> Chart | None:
        found = desk.chart(chart.top_id, chart.vendor_id)
        if found is None or found.rule is None:
            return None
        cut_off_ms = counted_span(found.rule, at_ms - SETTLING_MS).end_ms
        if only_due and found.as_of_ms is not None and cut_off_ms <= found.as_of_ms:
            return None
        return count_chart(desk, found, found.rule, at_ms=at_ms)

    if author is None:
        return _run(centre, job)
    return _run_for(centre, job, author, "chart.compute", chart_subject(chart.vendor_id, chart.top_id))


def head_chart(centre: Centre, desk: ProgrammeDesk, vendor_id: VendorId, top_id: str, name: str | None) -> Chart:
    """A chart by its name alone: without a new one its own, or the documented one, or its id.

    Raises `BadName`, `ForeignChart`.
    """
    check_owner(centre, vendor_id, top_id)
    held = desk.chart(top_id, vendor_id)
    known = held.name if held else centre.profiles[vendor_id].charts.get(top_id, top_id)
    return Chart(vendor_id=vendor_id, top_id=check_id(top_id), name=known if name is None else check_name(name))


def check_owner(centre: Centre, vendor_id: VendorId, top_id: str) -> None:
    """That the vendor may have a chart of that id: apps know a documented id as its vendor's. Raises `ForeignChart`."""
    owners = sorted(vendor for vendor, profile in centre.profiles.items() if top_id in profile.charts)
    if owners and vendor_id not in owners:
        raise ForeignChart(vendor_id, top_id, owners)


def list_chart(desk: ProgrammeDesk, chart: Chart, song_ids: Sequence[SongId], *, at_ms: int) -> Chart:
    """Write a chart as a list kept by hand."""
    written = msgspec.structs.replace(chart, rule=None, as_of_ms=at_ms)
    desk.put_chart(written, [ChartEntry(song_id) for song_id in song_ids])
    return written


def count_chart(desk: ProgrammeDesk, chart: Chart, rule: ChartRule, *, at_ms: int) -> Chart:
    """Write a chart as its rule counts it up to the last cut-off that has settled.

    Only what is from before the cut-off counts, so it is the same whenever, wherever and however often it is done.
    """
    span = counted_span(rule, at_ms - SETTLING_MS)
    counted = msgspec.structs.replace(chart, rule=rule, as_of_ms=span.end_ms)
    entries = desk.uses(chart.vendor_id, span, counted=rule.counted, threshold=rule.threshold, size=rule.size)
    desk.put_chart(counted, entries)
    return counted


# Tags.


def add_tag_group(centre: Centre, group_id: str, name: str, *, author: Author) -> None:
    """Add a group at the end, or give one another name. Raises `BadName`."""
    check_id(group_id)
    check_name(name)

    def job(desk: ProgrammeDesk) -> None:
        write_tag_groups(desk, with_group(desk.tag_groups(), group_id, name))

    _run_for(centre, job, author, "tag-group.set", f"tag group {group_id}", name=name)


def add_tag(centre: Centre, group_id: str, tag_id: str, name: str, *, author: Author) -> None:
    """Add a tag at the end of its group, or give one another name or group. Raises `UnknownTagGroup`, `BadName`."""
    tag = Tag(tag_id=check_id(tag_id), name=check_name(name))

    def job(desk: ProgrammeDesk) -> None:
        groups = desk.tag_groups()
        if all(group.group_id != group_id for group in groups):
            raise UnknownTagGroup(group_id)
        write_tag_groups(desk, with_tag(groups, group_id, tag))

    _run_for(centre, job, author, "tag.set", f"tag {tag_id}", name=name, group_id=group_id)


def set_tag_songs(centre: Centre, tag_id: str, song_ids: Sequence[SongId], *, author: Author) -> None:
    """Say which songs carry a tag, of any vendors, in their order. Raises `UnknownTag`, `BadSongs`."""

    def job(desk: ProgrammeDesk) -> None:
        _check_tag(desk, tag_id)
        check_songs(desk, song_ids, None)
        desk.tag_songs(tag_id, song_ids)

    _run_for(centre, job, author, "tag.songs", f"tag {tag_id}", songs=len(song_ids))


def remove_tag(centre: Centre, tag_id: str, *, author: Author) -> None:
    """Take a tag away, from its songs too. Raises `UnknownTag`."""

    def job(desk: ProgrammeDesk) -> None:
        _check_tag(desk, tag_id)
        desk.remove_tag(tag_id)

    _run_for(centre, job, author, "tag.remove", f"tag {tag_id}")


def remove_tag_group(centre: Centre, group_id: str, *, author: Author) -> None:
    """Take an empty group away. Raises `UnknownTagGroup`, `TagGroupInUse`."""

    def job(desk: ProgrammeDesk) -> None:
        groups = {group.group_id: group for group in desk.tag_groups()}
        if group_id not in groups:
            raise UnknownTagGroup(group_id)
        if groups[group_id].tags:
            raise TagGroupInUse(group_id)
        desk.remove_tag_group(group_id)

    _run_for(centre, job, author, "tag-group.remove", f"tag group {group_id}")


def write_tag_groups(desk: ProgrammeDesk, groups: Iterable[TagGroup]) -> None:
    """Write all groups and their tags, in that order."""
    for place, group in enumerate(groups):
        desk.put_tag_group(group, place=place)


def check_songs(desk: ProgrammeDesk, song_ids: Sequence[SongId], vendor_id: VendorId | None) -> None:
    """Let songs pass that can stand in one list. Raises `BadSongs` that names all that cannot."""
    problems = [problem for _, problem in song_problems(song_ids, desk.owners(song_ids), vendor_id)]
    if problems:
        raise BadSongs("; ".join(problems))


def _check_tag(desk: ProgrammeDesk, tag_id: str) -> None:
    if desk.tagged(tag_id, None) is None:
        raise UnknownTag(tag_id)


def _run(centre: Centre, job: Callable[[ProgrammeDesk], T]) -> T:
    return centre.work.run(lambda transaction: job(transaction.programme))


def _run_for(
    centre: Centre, job: Callable[[ProgrammeDesk], T], author: Author, action: str, subject: str, **detail: Any
) -> T:
    """`_run` for somebody, whom the audit names."""
    at_ms = centre.now_ms()

    def audited(transaction: Transaction) -> T:
        value = job(transaction.programme)
        transaction.audit(author.entry(action, subject, at_ms=at_ms, **detail))
        return value

    return centre.work.run(audited)


def chart_subject(vendor_id: int, top_id: str) -> str:
    """A chart as the audit names it."""
    return f"chart {top_id} of vendor {vendor_id}"
