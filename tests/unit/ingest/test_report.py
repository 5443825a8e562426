import msgspec

from yuefu.catalogue.song import SongState
from yuefu.ids import SongId
from yuefu.ingest.report import TABLE_HEAD, ImportReport, SongReport, report_table
from yuefu.music.findings import Finding
from yuefu.units import Span

REPORT = ImportReport(
    songs=(
        SongReport(
            source_key="茉莉花",
            folder="/songs/茉莉花",
            outcome="new",
            song_id=SongId(7),
            revision=1,
            title="茉莉花",
            parts=("original, 3:09.3", "lyrics"),
            states=(SongState.NEEDS_ACCOMPANIMENT,),
            highlight_rule="repeated_lyrics",
            clip=Span(begin_ms=59_960, end_ms=95_000),
            findings=(Finding(file="song.txt", line=12, problem="no pitch", action="read as 0"),),
        ),
        SongReport(source_key="b", folder="/songs/b", outcome="refused", reason="no audio"),
    )
)


def test_the_table_has_a_row_for_each_song() -> None:
    assert report_table(REPORT) == [
        (
            "茉莉花",
            "new",
            "original, 3:09.3; lyrics",
            "repeated lyrics 1:00.0–1:35.0",
            "needs accompaniment; song.txt:12: no pitch: read as 0",
        ),
        ("b", "refused", "", "", "no audio"),
    ]
    assert all(len(row) == len(TABLE_HEAD) for row in report_table(REPORT))


def test_the_report_survives_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(REPORT), type=ImportReport) == REPORT
