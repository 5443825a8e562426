"""Charts and tags as tables, one song a line.

A file comes in whole or not at all: whatever cannot be is a finding with its line, and with any finding nothing is
written.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from yuefu.access.audit import Author
from yuefu.catalogue.chart import (
    BadName,
    BadRule,
    Chart,
    ChartRule,
    ForeignChart,
    ProgrammeDesk,
    Tag,
    TagGroup,
    check_id,
    check_name,
    make_rule,
    merge_groups,
    song_problems,
)
from yuefu.ids import SongId, VendorId, parse_song_id
from yuefu.server.centre import Centre, Transaction
from yuefu.server.programme import (
    UnknownVendor,
    check_owner,
    count_chart,
    head_chart,
    known_vendor,
    list_chart,
    write_tag_groups,
)
from yuefu.server.table import Row, TableForm, TableReport

TAG_COLUMNS = ("group_id", "group_name", "tag_id", "tag_name", "song_id")
RULE_COLUMNS = ChartRule.__struct_fields__
CHART_COLUMNS = ("vendor_id", "top_id", "name", *RULE_COLUMNS, "song_id", "uses")
_TAGS = TableForm(TAG_COLUMNS, needed=frozenset(TAG_COLUMNS))
_CHARTS = TableForm(CHART_COLUMNS, needed=frozenset({"vendor_id", "top_id", "song_id"}))


class _PlacedSong(NamedTuple):
    row: Row
    song_id: SongId


@dataclass(slots=True)
class _TagLines:
    group_id: str
    name: str
    songs: list[_PlacedSong] = field(default_factory=list)


@dataclass(slots=True)
class _ChartLines:
    vendor_id: VendorId
    top_id: str
    name: str
    rule: ChartRule | None
    songs: list[_PlacedSong] = field(default_factory=list)


def export_tags(centre: Centre) -> str:
    """All groups, tags and their songs."""
    return _written(_TAGS, _tag_rows(centre))


def export_charts(centre: Centre, vendor_id: VendorId | None = None) -> str:
    """All charts that somebody has filled, of one vendor or of all, and their songs."""
    charts = (chart for chart in centre.programme.charts() if vendor_id in {None, chart.vendor_id})
    return _written(_CHARTS, (row for chart in charts for row in _chart_rows(centre, chart)))


def import_tags(centre: Centre, raw: bytes, *, author: Author, file: str, dry_run: bool = False) -> TableReport:
    """Take in a tag file: its groups and tags first, in its order, each tag with the songs it has there."""
    table = _TAGS.read(raw, file=file)
    groups, tags = _parse_tags(table.rows)

    def job(desk: ProgrammeDesk) -> TableReport:
        for tag in tags.values():
            _check_songs(desk, tag.songs, None)
        found = table.findings.close()
        if not found and not dry_run:
            write_tag_groups(desk, merge_groups(desk.tag_groups(), _to_groups(groups, tags)))
            for tag_id, tag in tags.items():
                desk.tag_songs(tag_id, [song.song_id for song in tag.songs])
        counts = {"groups": len(groups), "tags": len(tags), "songs": sum(len(tag.songs) for tag in tags.values())}
        return TableReport(counts=counts, findings=found, notes=table.notes, is_written=not found and not dry_run)

    return _take_in(centre, job, author, "tag.import", "tags", file=file)


def import_charts(centre: Centre, raw: bytes, *, author: Author, file: str, dry_run: bool = False) -> TableReport:
    """Take in a chart file: each chart it names becomes what it says; those with a rule are counted here and now."""
    table = _CHARTS.read(raw, file=file)
    charts = _parse_charts(centre, table.rows)
    at_ms = centre.now_ms()

    def write(desk: ProgrammeDesk, lines: _ChartLines) -> None:
        chart = head_chart(centre, desk, lines.vendor_id, lines.top_id, lines.name or None)
        if lines.rule is None:
            list_chart(desk, chart, [song.song_id for song in lines.songs], at_ms=at_ms)
        else:
            count_chart(desk, chart, lines.rule, at_ms=at_ms)

    def job(desk: ProgrammeDesk) -> TableReport:
        for lines in charts:
            _check_songs(desk, lines.songs, lines.vendor_id)
        found = table.findings.close()
        if not found and not dry_run:
            for lines in charts:
                write(desk, lines)
        counts = {"charts": len(charts), "songs": sum(len(lines.songs) for lines in charts)}
        return TableReport(counts=counts, findings=found, notes=table.notes, is_written=not found and not dry_run)

    return _take_in(centre, job, author, "chart.import", "charts", file=file)


def _take_in(
    centre: Centre, job: Callable[[ProgrammeDesk], TableReport], author: Author, action: str, subject: str, *, file: str
) -> TableReport:
    """Do the job in one transaction, with the audit's entry when it wrote anything."""
    at_ms = centre.now_ms()

    def audited(transaction: Transaction) -> TableReport:
        report = job(transaction.programme)
        if report.is_written:
            transaction.audit(author.entry(action, subject, at_ms=at_ms, file=file, **report.counts))
        return report

    return centre.work.run(audited)


# Writing.


def _tag_rows(centre: Centre) -> Iterator[Sequence[object]]:
    for group in centre.programme.tag_groups():
        if not group.tags:
            yield group.group_id, group.name, "", "", ""
        for tag in group.tags:
            head = (group.group_id, group.name, tag.tag_id, tag.name)
            songs = centre.programme.tagged(tag.tag_id, None)
            yield from ((*head, song_id) for song_id in songs) if songs else [(*head, "")]


def _chart_rows(centre: Centre, chart: Chart) -> Iterator[Sequence[object]]:
    rule = [""] * len(RULE_COLUMNS) if chart.rule is None else msgspec.structs.astuple(chart.rule)
    head = (chart.vendor_id, chart.top_id, chart.name, *rule)
    entries = centre.programme.charted(chart.top_id, chart.vendor_id)
    yield from ((*head, *entry) for entry in entries) if entries else [(*head, "", "")]


def _written(form: TableForm, rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    form.write(rows, text)
    return text.getvalue()


# Reading.


def _parse_tags(rows: Iterable[Row]) -> tuple[dict[str, str], dict[str, _TagLines]]:
    """The groups' names and the tags, by id, in the file's order."""
    groups: dict[str, str] = {}
    tags: dict[str, _TagLines] = {}
    for row in rows:
        said = _Said(row)
        group_id = said.text("group_id", check_id)
        groups[group_id] = said.name("group_name", groups.get(group_id))
        if not row.text("tag_id"):
            if row.text("tag_name") or row.text("song_id"):
                row.wrong("has a tag's name or a song, but no tag_id")
            continue
        tag_id = said.text("tag_id", check_id)
        held = tags.get(tag_id)
        name = said.name("tag_name", held.name if held else None)
        if held is None:
            held = tags[tag_id] = _TagLines(group_id, name)
        elif held.group_id != group_id:
            row.wrong(f"tag {tag_id} is in group {held.group_id} above")
        held.songs.extend(said.songs())
    return groups, tags


def _parse_charts(centre: Centre, rows: Iterable[Row]) -> list[_ChartLines]:
    """The charts in the file's order. The songs of those with a rule are there to be read, and left aside here."""
    charts: dict[tuple[int, str], _ChartLines] = {}
    for row in rows:
        said = _Said(row)
        vendor_id, top_id, rule = said.vendor(centre), said.text("top_id", check_id), said.rule()
        if vendor_id is None:
            continue
        held = charts.get((vendor_id, top_id))
        if held is None:
            name = said.name("name", None if row.text("name") else "")
            try:
                check_owner(centre, vendor_id, top_id)
            except ForeignChart as error:
                row.wrong(str(error))
            held = charts[vendor_id, top_id] = _ChartLines(vendor_id, top_id, name, rule)
        else:
            said.name("name", held.name)
            if rule not in {None, held.rule}:
                row.wrong(f"chart {top_id} has another rule above")
        if held.rule is None:
            held.songs.extend(said.songs())
    return list(charts.values())


@dataclass(frozen=True, slots=True)
class _Said:
    """What one row says; what cannot be is a finding."""

    row: Row

    def text(self, column: str, check: Callable[[str], str]) -> str:
        text = self.row.text(column)
        try:
            check(text)
        except BadName as error:
            self.row.wrong(f"{column}: {error}")
        return text

    def name(self, column: str, held: str | None) -> str:
        """A name: what an earlier row said holds, and this one may leave it out."""
        if held is None:
            return self.text(column, check_name)
        if self.row.text(column) not in {"", held}:
            self.row.wrong(f"{column}: is {held!r} above")
        return held

    def songs(self) -> list[_PlacedSong]:
        """The song, if there is one."""
        text = self.row.text("song_id")
        song_id = parse_song_id(text)
        if song_id is not None:
            return [_PlacedSong(self.row, song_id)]
        if text:
            self.row.wrong(f"song_id: {text[:40]!r} is no song id")
        return []

    def vendor(self, centre: Centre) -> VendorId | None:
        try:
            return known_vendor(centre, self.row.text("vendor_id"))
        except UnknownVendor as error:
            self.row.wrong(f"vendor_id: {error}")
            return None

    def rule(self) -> ChartRule | None:
        """The row's rule; cells left empty stand for their defaults."""
        facts = {column: self.row.text(column) for column in RULE_COLUMNS if self.row.text(column)}
        try:
            return make_rule(facts) if facts else None
        except BadRule as error:
            self.row.wrong(str(error))
            return None


def _to_groups(groups: dict[str, str], tags: dict[str, _TagLines]) -> list[TagGroup]:
    return [
        TagGroup(
            group_id=group_id,
            name=name,
            tags=tuple(Tag(tag_id=tag_id, name=tag.name) for tag_id, tag in tags.items() if tag.group_id == group_id),
        )
        for group_id, name in groups.items()
    ]


def _check_songs(desk: ProgrammeDesk, songs: Sequence[_PlacedSong], vendor_id: VendorId | None) -> None:
    song_ids = [song.song_id for song in songs]
    for place, problem in song_problems(song_ids, desk.owners(song_ids), vendor_id):
        songs[place].row.wrong(problem)
