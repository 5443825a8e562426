"""Charts and tags in SQLite."""

from collections.abc import Iterable, Sequence
from typing import Any

import apsw
import msgspec

from yuefu.catalogue.chart import Chart, ChartEntry, ChartRule, Counted, Tag, TagGroup
from yuefu.ids import SongId, VendorId
from yuefu.storage.sqlite.database import Database, fetch, json_text
from yuefu.units import Span

_TAG_GROUPS = """
SELECT tag_groups.group_id, tag_groups.name, tags.tag_id, tags.name
FROM tag_groups LEFT JOIN tags USING (group_id)
ORDER BY tag_groups.place, tag_groups.group_id, tags.place, tags.tag_id
"""
_TAG = "SELECT tag_id FROM tags WHERE tag_id = ?"
_TAGGED = "SELECT song_id FROM tagged_songs WHERE tag_id = ? AND vendor_id = ? ORDER BY place, song_id"
_TAGGED_OF_ALL = "SELECT song_id FROM tagged_songs WHERE tag_id = ? ORDER BY place, song_id"
_CHARTS = "SELECT vendor_id, top_id, name, rule, as_of_ms FROM charts ORDER BY vendor_id, top_id"
_CHART = "SELECT vendor_id, top_id, name, rule, as_of_ms FROM charts WHERE vendor_id = ? AND top_id = ?"
_CHARTED = "SELECT song_id, uses FROM chart_songs WHERE vendor_id = ? AND top_id = ? ORDER BY place"
_OWNER = "SELECT vendor_id FROM songs WHERE song_id = ?"

_PUT_GROUP = """
INSERT INTO tag_groups VALUES (?, ?, ?)
ON CONFLICT (group_id) DO UPDATE SET name = excluded.name, place = excluded.place
"""
_PUT_TAG = """
INSERT INTO tags VALUES (?, ?, ?, ?)
ON CONFLICT (tag_id) DO UPDATE SET group_id = excluded.group_id, name = excluded.name, place = excluded.place
"""
_REMOVE_GROUP = "DELETE FROM tag_groups WHERE group_id = ?"
_REMOVE_TAG = "DELETE FROM tags WHERE tag_id = ?"
_UNTAG_ALL = "DELETE FROM tagged_songs WHERE tag_id = ?"
_TAG_SONG = """
INSERT INTO tagged_songs (tag_id, vendor_id, place, song_id)
SELECT ?1, vendor_id, ?2, song_id FROM songs WHERE song_id = ?3
"""
_PUT_CHART = """
INSERT INTO charts VALUES (?, ?, ?, ?, ?)
ON CONFLICT (vendor_id, top_id) DO UPDATE
SET name = excluded.name, rule = excluded.rule, as_of_ms = excluded.as_of_ms
"""
_REMOVE_CHART = "DELETE FROM charts WHERE vendor_id = ? AND top_id = ?"
_CLEAR_CHART = "DELETE FROM chart_songs WHERE vendor_id = ? AND top_id = ?"
_CHART_SONG = "INSERT INTO chart_songs VALUES (?, ?, ?, ?, ?)"
_USES: dict[Counted, str] = {
    "grants": """
SELECT song_id, count(*) AS uses FROM grants
WHERE vendor_id = ? AND granted_at_ms >= ? AND granted_at_ms < ?
GROUP BY song_id HAVING count(*) >= ? ORDER BY uses DESC, song_id LIMIT ?
""",
    "plays": """
SELECT song_id, count(*) AS uses FROM plays
WHERE vendor_id = ? AND defined_at_ms >= ? AND defined_at_ms < ?
GROUP BY song_id HAVING count(*) >= ? ORDER BY uses DESC, song_id LIMIT ?
""",
}


class _Reading:
    """What both sides read by, each through its own connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def tag_groups(self) -> list[TagGroup]:
        """All tag groups, in the operator's order."""
        groups: dict[str, tuple[str, list[Tag]]] = {}
        for group_id, group_name, tag_id, tag_name in fetch(self._connection, _TAG_GROUPS):
            _, tags = groups.setdefault(group_id, (group_name, []))
            if tag_id is not None:
                tags.append(Tag(tag_id=tag_id, name=tag_name))
        return [TagGroup(group_id=key, name=name, tags=tuple(tags)) for key, (name, tags) in groups.items()]

    def tagged(self, tag_id: str, vendor_id: VendorId | None) -> list[SongId] | None:
        """The vendor's songs (any vendor's when None) that carry the tag, in order; None when there is no such tag."""
        if not fetch(self._connection, _TAG, (tag_id,)):
            return None
        if vendor_id is None:
            rows = fetch(self._connection, _TAGGED_OF_ALL, (tag_id,))
        else:
            rows = fetch(self._connection, _TAGGED, (tag_id, vendor_id))
        return [SongId(song_id) for (song_id,) in rows]

    def charts(self) -> list[Chart]:
        """All charts that somebody has filled, by vendor and id."""
        return [_to_chart(row) for row in fetch(self._connection, _CHARTS)]

    def chart(self, top_id: str, vendor_id: VendorId) -> Chart | None:
        """A vendor's chart; None when nobody has filled it."""
        rows = fetch(self._connection, _CHART, (vendor_id, top_id))
        return _to_chart(rows[0]) if rows else None

    def charted(self, top_id: str, vendor_id: VendorId) -> list[ChartEntry] | None:
        """The songs of a vendor's chart, in order; None when nobody has filled it."""
        if not fetch(self._connection, _CHART, (vendor_id, top_id)):
            return None
        return [ChartEntry(*row) for row in fetch(self._connection, _CHARTED, (vendor_id, top_id))]


class SqliteProgramme(_Reading):
    """Reads on the caller's thread."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.reader)


class SqliteProgrammeDesk(_Reading):
    """Reads and writes inside the caller's transaction."""

    def put_tag_group(self, group: TagGroup, *, place: int) -> None:
        """Write a group and its tags, new or changed; tags it does not name stay."""
        self._connection.execute(_PUT_GROUP, (group.group_id, group.name, place))
        rows = ((tag.tag_id, group.group_id, tag.name, tag_place) for tag_place, tag in enumerate(group.tags))
        self._connection.executemany(_PUT_TAG, rows)

    def remove_tag_group(self, group_id: str) -> None:
        """Take away a group without tags."""
        self._connection.execute(_REMOVE_GROUP, (group_id,))

    def tag_songs(self, tag_id: str, song_ids: Sequence[SongId]) -> None:
        """Say which songs carry a tag, in their order."""
        self._connection.execute(_UNTAG_ALL, (tag_id,))
        self._connection.executemany(_TAG_SONG, ((tag_id, place, song_id) for place, song_id in enumerate(song_ids)))

    def remove_tag(self, tag_id: str) -> None:
        """Take a tag away, from its songs too."""
        self._connection.execute(_UNTAG_ALL, (tag_id,))
        self._connection.execute(_REMOVE_TAG, (tag_id,))

    def put_chart(self, chart: Chart, entries: Iterable[ChartEntry]) -> None:
        """Write a chart and its songs in place of what it was."""
        key = (chart.vendor_id, chart.top_id)
        rule = None if chart.rule is None else json_text(chart.rule)
        self._connection.execute(_PUT_CHART, (*key, chart.name, rule, chart.as_of_ms))
        self._connection.execute(_CLEAR_CHART, key)
        rows = ((*key, place, entry.song_id, entry.uses) for place, entry in enumerate(entries))
        self._connection.executemany(_CHART_SONG, rows)

    def remove_chart(self, top_id: str, vendor_id: VendorId) -> None:
        """Take a chart away."""
        self._connection.execute(_CLEAR_CHART, (vendor_id, top_id))
        self._connection.execute(_REMOVE_CHART, (vendor_id, top_id))

    def uses(self, vendor_id: VendorId, span: Span, *, counted: Counted, threshold: int, size: int) -> list[ChartEntry]:
        """The vendor's most granted or most played songs in a stretch of time, most first, then by id."""
        rows = fetch(self._connection, _USES[counted], (vendor_id, span.begin_ms, span.end_ms, threshold, size))
        return [ChartEntry(*row) for row in rows]

    def owners(self, song_ids: Iterable[SongId]) -> dict[SongId, VendorId]:
        """Whose those songs are; songs taken out of the catalogue among them, for they may come back."""
        found = ((song_id, fetch(self._connection, _OWNER, (song_id,))) for song_id in song_ids)
        return {song_id: VendorId(rows[0][0]) for song_id, rows in found if rows}


def _to_chart(row: tuple[Any, ...]) -> Chart:
    vendor_id, top_id, name, rule, as_of_ms = row
    return Chart(
        vendor_id=VendorId(vendor_id),
        top_id=top_id,
        name=name,
        rule=None if rule is None else msgspec.json.decode(rule, type=ChartRule),
        as_of_ms=as_of_ms,
    )
