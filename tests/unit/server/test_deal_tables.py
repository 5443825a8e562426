"""Deals as a table: what is written is read back, and whatever cannot be is said with its row and column."""

import io
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.rights.conftest import some_terms
from tests.unit.server.conftest import BOTH, FOREVER, START_MS, World

from yuefu.access.audit import Author
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Block, Chain, CommercialModel, Terms, TermSheet, Use
from yuefu.server import deal_tables
from yuefu.server.deal_tables import EXPORT_FORM, FORM, DealsImport, export_deals, import_deals
from yuefu.server.licensing import settle_terms
from yuefu.units import parse_instant_ms

MEI = Author(actor="cli:mei", origin="here")
ISRC = "QMABC2400001"
HEAD = ",".join(FORM.columns)


def take(world: World, text: str | bytes, *, vendor: int = 1, **options: Any) -> DealsImport:
    raw = text if isinstance(text, bytes) else text.encode()
    return import_deals(world.centre, VendorId(vendor), raw, MEI, file="deals.csv", **options)


def table(*rows: Mapping[str, object]) -> str:
    """A file of rows; cells that a row leaves out are empty."""
    lines = [",".join(f'"{row.get(column, "")}"' for column in FORM.columns) for row in rows]
    return "\r\n".join([HEAD, *lines, ""])


def export(world: World, vendor: int = 1) -> str:
    file = io.StringIO(newline="")
    export_deals(world.centre.rights_views.licensed(VendorId(vendor)), file)
    return file.getvalue()


def sheets(world: World, song: str = "whole") -> tuple[TermSheet | None, TermSheet | None]:
    rights = world.centre.rights.rights(world.songs[song])
    return rights.recording, rights.work


def problems(done: DealsImport) -> list[tuple[int | None, str]]:
    return [(finding.line, finding.problem) for finding in done.findings]


# Reading.


def test_a_row_says_all_that_terms_can(world: World) -> None:
    done = take(
        world,
        table(
            {
                "song_id": world.songs["whole"],
                "rights": "work",
                "uses": "sing | Clip",
                "models": "per_use、free",
                "territories": "cn;greater-china",
                "valid_from": "2026-01-01T00:00:00+08:00",
                "valid_until": "2027-01-01T00:00:00+08:00",
                "max_uses": 50,
                "tier": "甲级",
                "channel": 3,
            }
        ),
    )
    terms = Terms(
        uses=(Use.SING, Use.CLIP),
        models=(CommercialModel.PER_USE, CommercialModel.FREE),
        territories=("CN", "GREATER-CHINA"),
        valid_from_ms=parse_instant_ms("2025-12-31T16:00:00Z"),
        valid_until_ms=parse_instant_ms("2026-12-31T16:00:00Z"),
        max_uses=50,
        tier="甲级",
        channel=3,
    )
    assert (done.findings, done.notes, done.is_written) == ((), (), True)
    assert sheets(world) == (TermSheet(terms=(FOREVER,)), TermSheet(terms=(terms,)))
    (change,) = done.changes
    assert (change.song_id, change.chain, change.before) == (
        world.songs["whole"],
        Chain.WORK,
        "for any use, everywhere, channel 0",
    )
    assert change.after == (
        "for sing and clip, in CN and GREATER-CHINA, paid per use and free, from 2025-12-31T16:00:00.000Z, "
        "until 2026-12-31T16:00:00.000Z, at most 50 times, tier 甲级, channel 3"
    )


def test_rows_for_one_chain_are_the_terms_of_one_sheet(world: World) -> None:
    song = world.songs["whole"]
    rows: list[Mapping[str, object]] = [
        {"song_id": song, "rights": "both", "territories": "CN"},
        {"source_key": "whole", "rights": "work", "territories": "JP", "uses": "sing"},
        {"song_id": song, "rights": "recording|work", "territories": "CN"},
    ]
    done = take(world, table(*rows))
    assert (done.row_count, done.notes, len(done.changes)) == (3, (), 2)
    china, japan = Terms(territories=("CN",)), Terms(territories=("JP",), uses=(Use.SING,))
    assert sheets(world) == (TermSheet(terms=(china,)), TermSheet(terms=(china, japan)))


def test_a_row_may_name_a_work_and_is_then_for_every_song_there_is_of_it(world: World) -> None:
    def job(transaction: Any) -> None:
        for name in ("whole", "mix only", "of vendor 2"):
            facts = transaction.song(world.songs[name]).published.facts
            edited = msgspec.structs.replace(facts, iswc="T0345246801")
            transaction.edit_song(world.songs[name], edited, at_ms=1)

    world.centre.work.run(job)
    done = take(world, table({"iswc": "T-034.524.680-1", "rights": "work", "uses": "sing"}))
    assert [change.song_id for change in done.changes] == [world.songs["whole"], world.songs["mix only"]]
    row = {"iswc": "T0345246801", "song_id": world.songs["coming"], "rights": "both"}
    assert problems(take(world, table(row))) == [(2, "song_id and iswc: do not name the same song")]


def test_a_song_may_be_named_by_its_isrc_and_is_then_every_song_of_that_recording(world: World) -> None:
    def job(transaction: Any) -> None:
        for name in ("whole", "mix only", "of vendor 2"):
            facts = transaction.song(world.songs[name]).published.facts
            edited = msgspec.structs.replace(facts, isrc=ISRC)
            transaction.edit_song(world.songs[name], edited, at_ms=1)

    world.centre.work.run(job)
    done = take(world, table({"isrc": "QM-ABC-24-00001", "rights": "both", "uses": "sing"}))
    assert {change.song_id for change in done.changes} == {world.songs["whole"], world.songs["mix only"]}
    done = take(world, table({"isrc": ISRC, "song_id": world.songs["whole"], "rights": "both", "uses": "listen"}))
    assert {change.song_id for change in done.changes} == {world.songs["whole"]}
    (problem,) = problems(take(world, table({"isrc": ISRC, "source_key": "coming", "rights": "both"})))
    assert problem == (2, "isrc and source_key: do not name the same song")


def test_none_is_a_rights_holder_s_no_deal(world: World) -> None:
    done = take(world, table({"song_id": world.songs["whole"], "rights": "recording", "uses": "none"}))
    assert sheets(world) == (TermSheet(terms=()), TermSheet(terms=(FOREVER,)))
    assert [(change.before, change.after) for change in done.changes] == [
        ("for any use, everywhere, channel 0", "no deal")
    ]
    (row,) = world.ask()["Data"]["Copyright"]
    assert row["Subright"] == {"SongLyric": 1, "Recording": 0, "Channel": 0}


@pytest.mark.parametrize(
    ("rows", "held", "note"),
    [
        ([{"tier": "A"}, {"tier": "B"}], (Terms(tier="B"),), "tier A"),
        (
            [{"channel": "1"}, {"uses": "sing"}, {"channel": "2"}],
            (Terms(uses=(Use.SING,)), Terms(channel=2)),
            "channel 1",
        ),
        ([{"uses": "none"}, {"tier": "A"}], (Terms(tier="A"),), "(no deal)"),
        ([{"tier": "A"}, {"uses": "sing"}, {"uses": "none"}], (), "tier A"),
    ],
)
def test_of_rows_that_contradict_each_other_the_last_holds_and_it_is_said(
    world: World, rows: list[dict[str, object]], held: tuple[Terms, ...], note: str
) -> None:
    song = {"song_id": world.songs["whole"], "rights": "work"}
    done = take(world, table(*(song | row for row in rows)))
    assert done.is_written
    assert sheets(world)[1] == TermSheet(terms=held)
    (finding,) = done.notes
    assert (finding.line, finding.action) == (len(rows) + 1, "this one holds")
    assert finding.problem.startswith(f"contradicts an earlier row for song {world.songs['whole']}, work")
    assert note in finding.problem


# What cannot be.


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"song_id": ""}, "names no song; song_id, isrc, source_key or iswc must"),
        ({"song_id": "5"}, "song_id: vendor 1 has no song '5'"),
        ({"song_id": "甲"}, "song_id: vendor 1 has no song '甲'"),
        ({"song_id": "9" * 60}, f"song_id: vendor 1 has no song '{'9' * 40}'"),
        ({"isrc": "XX"}, "isrc: 'XX' is no ISRC"),
        ({"isrc": ISRC}, f"isrc: vendor 1 has no song with '{ISRC}'"),
        ({"iswc": "T0345246802"}, "iswc: 'T0345246802' is no ISWC: the check digit is wrong"),
        ({"iswc": "T0345246801"}, "iswc: vendor 1 has no song with 'T0345246801'"),
        ({"source_key": "'; DROP TABLE songs; --"}, "source_key: vendor 1 has no song"),
        ({"source_key": "of vendor 2"}, "source_key: vendor 1 has no song 'of vendor 2'"),
        ({"source_key": "mix only"}, "song_id and source_key: do not name the same song"),
        ({"rights": ""}, "rights: '' is none of both, recording, work"),
        ({"rights": "none"}, "rights: 'none' is none of both, recording, work"),
        ({"uses": "dance"}, "uses: 'dance' is none of listen, sing, clip, background, live_room"),
        ({"uses": "sing|none"}, "uses: 'none' is none of"),
        ({"uses": "none", "tier": "A"}, "tier: where uses is 'none', there is nothing to say here"),
        ({"models": "monthly"}, "models: 'monthly' is none of per_use, user_month"),
        ({"territories": "XX"}, "territories: 'XX' is no territory: write an ISO 3166-1 alpha-2 code"),
        ({"excluded_territories": "CN ATLANTIS"}, "excluded_territories: 'ATLANTIS' is no territory"),
        (
            {"territories": "CN", "excluded_territories": "JP"},
            "excluded_territories: a deal names the territories it is for, or those it is not for, never both",
        ),
        ({"valid_from": "2026-01-01T00:00:00"}, "valid_from: '2026-01-01T00:00:00' has no time zone; write an offset"),
        ({"valid_until": "2026-01-01"}, "valid_until: '2026-01-01' has no time zone"),
        ({"valid_until": "tomorrow"}, "valid_until: Invalid isoformat string"),
        ({"valid_until": "2026-02-29T00:00:00Z"}, "valid_until: day is out of range for month"),
        (
            {"valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-01-02T00:00:00Z"},
            "valid_until: the deal ends before it begins",
        ),
        ({"max_uses": "-1"}, "max_uses: '-1' is no whole number from 0"),
        ({"max_uses": "1.5"}, "max_uses: '1.5' is no whole number from 0"),
        ({"max_uses": "9" * 30}, "max_uses: "),
        ({"channel": "logo"}, "channel: 'logo' is no whole number from 0"),
        ({"channel": "１"}, "channel: '１' is no whole number from 0"),
        ({"tier": "A" * 101}, "tier: "),
        ({"tier": "A\nB"}, "tier: "),
    ],
)
def test_what_is_wrong_with_a_row_is_said_with_its_line_and_column(
    still_world: World, row: dict[str, object], problem: str
) -> None:
    song = {"song_id": still_world.songs["whole"], "rights": "both"}
    if row.keys() & {"isrc", "iswc"}:
        song["song_id"] = ""
    good = {"song_id": still_world.songs["mix only"], "rights": "both", "uses": "sing"}
    done = take(still_world, table(good, song | row))
    (found,) = problems(done)
    assert found[0] == 3
    assert found[1].startswith(problem)
    assert (done.is_refused, done.is_written) == (True, False)
    assert sheets(still_world, "mix only")[0] == TermSheet(terms=(FOREVER,)), "nothing is written when any row is bad"


def test_a_share_is_no_column_of_a_deal(still_world: World) -> None:
    done = take(still_world, f"{HEAD},share\n")
    assert problems(done)[0][1].startswith("there is no such column as 'share'")
    assert done.is_refused


def test_every_problem_of_a_file_is_told_at_once(still_world: World) -> None:
    song = still_world.songs["whole"]
    done = take(still_world, table({"song_id": song, "rights": "x", "uses": "y", "channel": "z"}, {"rights": "both"}))
    assert [(line, text.partition(":")[0]) for line, text in problems(done)] == [
        (2, "rights"),
        (2, "uses"),
        (2, "channel"),
        (3, "names no song; song_id, isrc, source_key or iswc must"),
    ]


def test_with_skip_bad_a_wrong_row_keeps_out_all_rows_of_its_song(world: World) -> None:
    whole, mix = world.songs["whole"], world.songs["mix only"]
    rows: list[Mapping[str, object]] = [
        {"song_id": whole, "rights": "both", "territories": "CN"},
        {"song_id": whole, "rights": "work", "territories": "XX"},
        {"song_id": mix, "rights": "work", "territories": "JP"},
        {"song_id": "5", "rights": "work"},
        {"song_id": whole, "isrc": "XX", "rights": "recording"},
    ]
    done = take(world, table(*rows), skip_bad=True)
    assert (done.is_written, done.is_refused, len(done.findings)) == (True, False, 3)
    assert sheets(world, "whole") == (TermSheet(terms=(FOREVER,)),) * 2
    assert sheets(world, "mix only")[1] == TermSheet(terms=(Terms(territories=("JP",)),))


@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_file_that_is_cut_off_is_refused_whatever_is_said(world: World, *, skip_bad: bool) -> None:
    whole = {"song_id": world.songs["whole"], "rights": "both", "uses": "sing"}
    text = table(whole, whole | {"uses": "listen"}).rstrip()
    last_row, last_comma = text.rindex("\r\n") + 2, text.rindex(",")
    for cut in range(last_row + 1, last_comma + 1):
        done = take(world, text[:cut], skip_bad=skip_bad)
        assert (done.is_refused, done.is_written) == (True, False)
    assert sheets(world) == (TermSheet(terms=(FOREVER,)),) * 2


def test_a_file_without_rows_changes_nothing(still_world: World) -> None:
    assert take(still_world, b"").is_refused
    done = take(still_world, HEAD)
    assert (done.row_count, done.changes, done.is_refused) == (0, (), False)


def test_a_file_that_is_too_large_is_refused(still_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deal_tables, "LARGEST_BYTES", 100)
    (finding,) = take(still_world, HEAD + "," * 100).findings
    assert "part it into several files" in finding.problem


def test_many_rows_are_read_and_written(world: World) -> None:
    song = world.songs["whole"]
    rows = [{"song_id": song, "rights": "work", "max_uses": number} for number in range(1, 3_001)]
    done = take(world, table(*rows))
    assert (done.row_count, len(done.changes)) == (3_000, 1)
    sheet = sheets(world)[1]
    assert sheet is not None
    assert len(sheet.terms) == 3_000
    assert take(world, export(world)).changes == ()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_a_file_comes_in_the_encoding_a_spreadsheet_gave_it(world: World, encoding: str) -> None:
    text = table({"song_id": world.songs["whole"], "rights": "work", "tier": "甲级曲库，独家授权"})
    assert take(world, text.encode(encoding)).is_written
    sheet = sheets(world)[1]
    assert sheet is not None
    assert sheet.terms[0].tier == "甲级曲库，独家授权"


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"{HEAD}\n{text}".encode()))
def test_any_bytes_are_read_or_refused_and_change_nothing(still_world: World, raw: bytes) -> None:
    assert take(still_world, raw).changes == ()


# There and back.

tiers = st.sampled_from(["", "A", "甲", 'a,"b; |'])
sheets_of_any_kind = st.lists(
    st.builds(lambda terms, tier: msgspec.structs.replace(terms, tier=tier), some_terms(), tiers), max_size=4
).map(lambda terms: TermSheet(terms=tuple(terms)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recording=sheets_of_any_kind, work=sheets_of_any_kind)
def test_what_was_exported_changes_nothing_and_makes_other_rights_what_they_were(
    world: World, recording: TermSheet, work: TermSheet
) -> None:
    world.record_deal("whole", Chain.RECORDING, terms=recording.terms)
    world.record_deal("whole", Chain.WORK, terms=work.terms)
    written, revisions = export(world), len(world.rows("rights_revisions"))
    again = take(world, written)
    assert (again.changes, again.findings) == ((), ())
    assert len(world.rows("rights_revisions")) == revisions
    world.record_deal("whole", *BOTH, terms=(Terms(tier="another"),))
    assert take(world, written).findings == ()
    settled = tuple(TermSheet(terms=settle_terms(sheet.terms)) for sheet in (recording, work))
    assert sheets(world) == settled
    assert export(world).count("\r\n") >= 2


def test_what_is_on_record_lifts_no_takedown(world: World) -> None:
    song_id = world.songs["whole"]
    block = Block(case_id=1, from_ms=START_MS, is_banned=False, is_at_once=True)
    world.centre.work.run(lambda transaction: transaction.block(song_id, block, source="case 1", at_ms=START_MS))
    assert take(world, export(world)).changes == ()
    assert world.centre.rights.rights(song_id).blocks == (block,)


def test_an_export_has_every_deal_of_the_vendor_and_no_other(world: World) -> None:
    lines = export(world).splitlines()
    named = {SongId(int(line.partition(",")[0])) for line in lines[1:]}
    dealt = {name for name in world.songs if "nothing allowed" not in name and name != "of vendor 2"}
    assert named == {world.songs[name] for name in dealt}
    assert export(world, vendor=4).splitlines() == [",".join(EXPORT_FORM.columns)]


def test_a_dry_run_tells_the_difference_and_writes_nothing(world: World) -> None:
    text = table({"song_id": world.songs["nothing allowed"], "rights": "work", "uses": "sing"})
    rehearsed = take(world, text, dry_run=True)
    assert [(each.before, each.after) for each in rehearsed.changes] == [
        ("nothing yet", "for sing, everywhere, channel 0")
    ]
    assert not rehearsed.is_written
    assert sheets(world, "nothing allowed") == (None, None)
    assert take(world, text).changes == rehearsed.changes
    assert sheets(world, "nothing allowed")[1] == TermSheet(terms=(Terms(uses=(Use.SING,)),))
