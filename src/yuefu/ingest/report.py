"""What an import did, song by song."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec

from yuefu.catalogue.song import COVER_SIZES_PX, PartKind, SongState
from yuefu.ids import SongId
from yuefu.ingest.encoding import EncodedPart
from yuefu.music.findings import Finding
from yuefu.units import Span

Fate = Literal["new", "changed", "unchanged", "refused"]

TABLE_HEAD = ("Song", "Result", "Parts", "Highlight", "Notes")


class SongReport(msgspec.Struct, frozen=True, kw_only=True):
    """One song's fate. In a dry run `outcome` is what publishing would have been, and `parts` is empty.

    `reason` tells why a song was refused; `parts` names what was made, in words; `seconds` is the time it took.
    """

    source_key: str
    folder: str
    outcome: Fate
    song_id: SongId | None = None
    revision: int | None = None
    title: str = ""
    singers: tuple[str, ...] = ()
    duration_ms: int = 0
    parts: tuple[str, ...] = ()
    states: tuple[SongState, ...] = ()
    highlight_rule: str = ""
    clip: Span | None = None
    findings: tuple[Finding, ...] = ()
    reason: str | None = None
    seconds: float = 0.0


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """The songs of a run, in the order they were found."""

    songs: tuple[SongReport, ...]
    dry_run: bool = False

    def count(self, outcome: Fate) -> int:
        return sum(song.outcome == outcome for song in self.songs)


def describe_parts(parts: Iterable[EncodedPart]) -> tuple[str, ...]:
    """Each kind of part in a few words, as in "accompaniment, normal and hq, 2 tracks, 3:09.3".

    A cover is one, in however many sizes.
    """
    by_kind: dict[PartKind, list[EncodedPart]] = {}
    for part in parts:
        if part.kind not in COVER_SIZES_PX or part.kind is PartKind.COVER:
            by_kind.setdefault(part.kind, []).append(part)
    return tuple(_describe(*alike) for alike in by_kind.values())


def _describe(part: EncodedPart, *finer: EncodedPart) -> str:
    words = [part.kind.value.replace("_", " ")]
    if finer:
        *qualities, finest = (each.quality.value for each in (part, *finer))
        words.append(f"{', '.join(qualities)} and {finest}")
    if part.track_count > 1:
        words.append(f"{part.track_count} tracks")
    if part.duration_ms:
        words.append(clock(part.duration_ms))
    return ", ".join(words)


def report_table(report: ImportReport) -> list[tuple[str, str, str, str, str]]:
    """The report as rows under `TABLE_HEAD`, for a terminal and for a page."""
    return [
        (song.source_key, song.outcome, "; ".join(song.parts), _highlight(song), "; ".join(_notes(song)))
        for song in report.songs
    ]


def markdown_report(report: ImportReport, paths: Sequence[Path]) -> str:
    """The report as a Markdown page that says how to make it again."""
    rows = [TABLE_HEAD, tuple("---" for _ in TABLE_HEAD), *report_table(report)]
    table = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
    folders = " ".join(path.name for path in paths)
    counts = ", ".join(f"{report.count(fate)} {fate}" for fate in get_args(Fate) if report.count(fate))
    return (
        f"# Import report\n\n{len(report.songs)} songs: {counts}.\n\n"
        f"Made by `yuefu import {folders} --vendor N --report FILE`; a song is named by its folder.\n\n{table}\n"
    )


def _highlight(song: SongReport) -> str:
    if song.clip is None:
        return ""
    return f"{song.highlight_rule.replace('_', ' ')} {clock(song.clip.begin_ms)}–{clock(song.clip.end_ms)}"


def _notes(song: SongReport) -> list[str]:
    notes = [song.reason] if song.reason else []
    notes += [state.value.replace("_", " ") for state in song.states]
    return notes + [describe_finding(finding) for finding in song.findings]


def describe_finding(finding: Finding) -> str:
    """The finding on one line: "song.txt:12: no timestamp: left out"."""
    place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
    return ": ".join(word for word in (place, finding.problem, finding.action) if word)


def clock(at_ms: int) -> str:
    """Minutes and seconds to a tenth, as in 3:09.3."""
    tenths = round(at_ms / 100)
    return f"{tenths // 600}:{tenths % 600 // 10:02}.{tenths % 10}"


def with_section(page: str, section: str) -> str:
    """The page with that section, which begins with its heading `## …`, in place of the one of the same heading."""
    head, sections = _take_apart(page)
    heading = section.partition("\n")[0]
    kept = [each for each in sections if each.partition("\n")[0] != heading]
    return "\n\n".join(part.strip() for part in (head, *kept, section) if part.strip()) + "\n"


def keep_sections(page: str, earlier: str) -> str:
    """A new page with the sections that other reports had put into the earlier one."""
    for section in _take_apart(earlier)[1]:
        page = with_section(page, section)
    return page


def _take_apart(page: str) -> tuple[str, list[str]]:
    head, *sections = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    return head, sections
