"""Reports from the front door to the line: what was asked, shared, played, taken back and closed, and what is told."""

import contextlib
import csv
import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.rights.test_sales_report import read_message
from tests.unit.server.conftest import APP, World, open_world
from tests.unit.server.test_rights_commands import Shell
from tests.unit.server.test_sharing import enter, fetch

from yuefu.access.audit import Author
from yuefu.errors import YuefuError
from yuefu.ids import AppId, UserId, VendorId
from yuefu.rights.ledger import balances
from yuefu.rights.plan import Period, month_of
from yuefu.rights.price import NewPrice
from yuefu.rights.sales_report import MessageIdUsed
from yuefu.rights.usage import Selection
from yuefu.server.charging import change_plan, close_period, reverse_charge, set_price
from yuefu.server.keeping import forget_user
from yuefu.server.reports import (
    BooksDisagree,
    ReportScope,
    invoice_report,
    statement_report,
    trace,
    trace_grant,
    usage_report,
)
from yuefu.units import DAY_MS, HOUR_MS

MEI = Author(actor="cli:mei", origin="host")
ROOM = "包厢"
NOVEMBER, DECEMBER = Period(2023, 11), Period(2023, 12)
PER_USE, USER_MONTH, ROOM_MONTH = 0, 1, 2


@pytest.fixture
def priced(world: World) -> World:
    return with_prices(world)


def with_prices(world: World) -> World:
    world.centre.apps.change(
        APP.app_id, lambda app: msgspec.structs.replace(app, billing_modes=frozenset({0, 1, 2, 3}))
    )
    for mode, amount_minor in enumerate((150, 3_000, 9_000, 6_000)):
        price(world, amount_minor, mode=mode)
    return world


def price(world: World, amount_minor: int, *, mode: int = PER_USE, currency: str = "CNY", **named: Any) -> None:
    fresh = NewPrice(billing_mode=mode, amount_minor=amount_minor, currency=currency, valid_from_ms=0, **named)
    set_price(world.centre, fresh, MEI)


@pytest.fixture
def shell(priced: World) -> Any:
    class Told(Shell):
        """Commands beside a centre; `rows` are those of a report of November."""

        def rows(self, report: str, *options: object, period: object = NOVEMBER) -> list[dict[str, Any]]:
            told = json.loads(self.run("report", report, "--period", period, "--format", "json", *options))
            found: list[dict[str, Any]] = told["rows"]
            assert found == json.loads(self.run("report", report, "--period", period, "--json", *options))["rows"]
            return found

    return Told(priced)


def counted(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def close(world: World, period: Period) -> None:
    close_period(world.centre, APP.app_id, period, MEI)


def to_month(world: World, period: Period, zone: str = "Asia/Shanghai") -> None:
    world.now_us = (period.begin_ms(zone) + HOUR_MS) * 1_000


# Usage.


def test_usage_is_counted_by_vendor_type_scene_and_mode(shell: Any) -> None:
    payer, guest = enter(shell.world, "茉莉", ROOM), enter(shell.world, "白兰", ROOM)
    for _ in range(2):
        payer.granted("whole", 1, room_id=ROOM)
    payer.granted("whole", 1, room_id=ROOM, mode=USER_MONTH)
    payer.granted("whole", 0, mode=USER_MONTH)
    payer.granted("of vendor 2", 0, vendor_id=2, scene_id=2)
    assert fetch(guest, "whole", 1, room_id=ROOM)["code"] == 0
    rows = shell.rows("usage")
    shape = ("vendor_id", "resource_type", "scene_id", "mode", "requests", "covered", "shared", "amount_minor")
    assert counted(rows, *shape) == [
        (1, 0, 0, 1, 1, 1, 0, 0),
        (1, 1, 0, 0, 2, 0, 0, 300),
        (1, 1, 0, 1, 1, 0, 1, 3_000),
        (2, 0, 2, 0, 1, 0, 0, 150),
    ]
    assert {(row["app_id"], row["period"], row["entry"], row["currency"]) for row in rows} == {
        (12345, "2023-11", "charge", "CNY")
    }
    by_song = shell.rows("usage", "--by", "song")
    assert sum(row["requests"] for row in by_song) == 5
    assert {(row["song_id"], row["title"]) for row in by_song} == {
        (str(song.song_id), song.published.facts.title)
        for song in shell.world.centre.songs.songs()
        if song.published.source_key in {"whole", "of vendor 2"}
    }
    assert shell.rows("usage", "--vendor", 2) == rows[3:]
    assert shell.rows("usage", "--app", 12345) == rows


def test_a_use_without_a_price_is_told(shell: Any) -> None:
    change_plan(shell.world.centre, APP.app_id, {"currency": "SGD"}, MEI)
    shell.world.member().granted("whole")
    assert counted(shell.rows("usage"), "requests", "unpriced", "amount_minor", "currency") == [(1, 1, 0, "SGD")]


def test_a_defined_play_is_counted_where_its_grant_is(shell: Any) -> None:
    member = shell.world.member()
    resource_id = member.resource_id("whole", 1)
    for play, seconds in (("a", 1), ("b", 31), ("b", 40)):
        answer = member.call("report_play", resource_id=resource_id, play_id=play, seconds=seconds)
        assert answer["code"] == 0, answer
    (row,) = shell.rows("usage")
    assert (row["requests"], row["plays"], row["amount_minor"]) == (1, 1, 150)
    assert counted(shell.rows("invoice"), "requests", "plays", "unit_minor") == [(1, 1, 150)]


def test_an_app_that_changed_its_currency_has_lines_and_a_sum_of_each(shell: Any) -> None:
    price(shell.world, 40, currency="USD")
    member = shell.world.member()
    member.granted("whole")
    change_plan(shell.world.centre, APP.app_id, {"currency": "USD"}, MEI)
    member.granted("whole")
    assert counted(shell.rows("usage"), "currency", "amount_minor") == [("CNY", 150), ("USD", 40)]
    told = shell.json("report", "invoice", "--period", NOVEMBER)
    assert [(each["currency"], each["amount_minor"], each["ledger_minor"]) for each in told["sums"]] == [
        ("CNY", 150, 150),
        ("USD", 40, 40),
    ]
    assert {(row["currency"], row["amount_minor"]) for row in shell.rows("statement")} == {("CNY", 150), ("USD", 40)}


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
def test_months_have_their_edges_in_the_zone_of_the_plan(shell: Any, zone: str) -> None:
    world = shell.world
    change_plan(world.centre, APP.app_id, {"time_zone": zone}, MEI)
    edge_ms = DECEMBER.begin_ms(zone)
    world.now_us = (edge_ms - 1) * 1_000
    payer, guest = enter(world, "茉莉", ROOM), enter(world, "白兰", ROOM)
    payer.granted("whole", 1, room_id=ROOM)
    assert fetch(guest, "whole", 1, room_id=ROOM)["code"] == 0
    world.now_us = edge_ms * 1_000
    payer.granted("no highlight", 1, room_id=ROOM)
    late = enter(world, "玉兰", ROOM)
    assert fetch(late, "whole", 1, room_id=ROOM)["code"] == 0
    shape = ("requests", "shared", "amount_minor")
    assert counted(shell.rows("usage"), *shape) == [(1, 1, 150)]
    assert counted(shell.rows("usage", period=DECEMBER), *shape) == [(1, 1, 150)]
    assert [row.period for row in usage_report(world.centre, ReportScope()).rows] == [str(DECEMBER)]


# What is taken back, and closed months.


def test_what_is_taken_back_while_the_month_is_open_has_lines_of_its_own(shell: Any) -> None:
    world = shell.world
    member = world.member()
    for _ in range(3):
        member.granted("whole")
    reverse_charge(world.centre, 1, "错", MEI)
    to_month(world, DECEMBER)
    reverse_charge(world.centre, 2, "晚了", MEI)
    assert counted(shell.rows("usage"), "entry", "requests", "reversed", "amount_minor") == [
        ("charge", 3, 0, 450),
        ("reversal", 0, 2, -300),
    ]
    assert shell.rows("usage", period=DECEMBER) == []
    (owed,) = shell.json("report", "invoice", "--period", NOVEMBER)["sums"]
    assert (owed["amount_minor"], owed["is_closed"]) == (150, False)


def test_a_closed_month_is_told_unchanged_ever_after(shell: Any) -> None:
    """What comes later: charges taken back, a late share, a split for it, a plan of another zone and currency."""
    world = shell.world
    shell.run("split", "set", "--vendor", 1, "--recording", "环球=50", "--from", NOVEMBER)
    world.now_us = (NOVEMBER.end_ms("Asia/Shanghai") - HOUR_MS) * 1_000
    payer, guest = enter(world, "茉莉", ROOM), enter(world, "白兰", ROOM)
    for song in ("whole", "no highlight"):
        payer.granted(song, 1, room_id=ROOM)
    payer.granted("whole", 1, mode=USER_MONTH)
    assert fetch(guest, "whole", 1, room_id=ROOM)["code"] == 0
    world.wait(2 * HOUR_MS)
    reports = ("usage", "statement", "invoice")
    close(world, NOVEMBER)
    before = {report: shell.rows(report) for report in reports}
    for charge in (1, 3):
        reverse_charge(world.centre, charge, "退款", MEI)
    assert fetch(enter(world, "玉兰", ROOM), "no highlight", 1, room_id=ROOM)["code"] == 0
    shell.run("split", "set", "--vendor", 1, "--recording", "滚石=100", "--from", NOVEMBER)
    change_plan(world.centre, APP.app_id, {"time_zone": "America/New_York", "currency": "USD"}, MEI)
    assert {report: shell.rows(report) for report in reports} == before
    later = shell.rows("usage", period=DECEMBER)
    assert counted(later, "entry", "month", "mode", "reversed", "shared", "amount_minor") == [
        ("charge", "2023-12", 0, 0, 1, 0),
        ("adjustment", "2023-11", 0, 1, 0, -150),
        ("adjustment", "2023-11", 1, 1, 0, -3_000),
    ]
    assert counted(shell.rows("statement", period=DECEMBER), "holder", "month", "amount_minor") == [
        ("滚石", "2023-12", 0),
        ("滚石", "2023-11", -3_150),
    ]
    invoices = [shell.json("report", "invoice", "--period", month)["sums"] for month in (NOVEMBER, DECEMBER)]
    assert [(each["amount_minor"], each["is_closed"]) for sums in invoices for each in sums] == [
        (3_300, True),
        (-3_150, False),
    ]
    assert balances(world.centre.ledger.postings(at_most=99))["app 12345", "CNY"] == 150


def test_an_invoice_that_the_books_do_not_bear_out_is_refused(shell: Any) -> None:
    shell.world.member().granted("whole")

    def spoil(transaction: Any) -> None:
        transaction._connection.execute("UPDATE app_months SET charged_minor = charged_minor + 1")

    shell.world.centre.work.run(spoil)
    with pytest.raises(BooksDisagree):
        invoice_report(shell.world.centre, ReportScope(period=NOVEMBER))
    assert "send it to nobody" in shell.run("report", "invoice", "--period", NOVEMBER, exit_code=1)


def test_forgetting_a_user_changes_no_report(shell: Any) -> None:
    world = shell.world
    busy(world)
    months = (NOVEMBER, DECEMBER)
    before = [reports_of(world, month) for month in months]
    for user in ("茉莉", "白兰"):
        forget_user(world.centre, APP.app_id, UserId(user), MEI)
    assert [reports_of(world, month) for month in months] == before


# Statements.


def test_a_statement_names_each_holder_and_what_nobody_is_assigned(shell: Any) -> None:
    world = shell.world
    song_id = world.songs["no highlight"]
    shell.run("split", "set", "--vendor", 1, "--recording", "环球=60", "--work", "音著协=33.3333", "--from", NOVEMBER)
    shell.run("split", "set", "--vendor", 1, "--song", song_id, "--work", "词人=100", "--from", NOVEMBER)
    member = world.member()
    for song, vendor in (("whole", 1), ("whole", 1), ("no highlight", 1), ("of vendor 2", 2)):
        member.granted(song, 0, vendor_id=vendor)
    rows = shell.rows("statement")
    assert counted(rows, "vendor_id", "chain", "holder", "requests", "amount_minor") == [
        (1, "recording", "环球", 2, 180),
        (1, "work", "词人", 1, 150),
        (1, "work", "音著协", 2, 100),
        (1, None, "unassigned", 2, 20),
        (2, None, "unassigned", 1, 150),
    ]
    (entry,) = [written.entry for written in world.centre.audit.entries() if written.entry.action == "split.set"][:1]
    assert (entry.subject, entry.detail["portions"]) == (
        "vendor 1",
        ["recording: 环球: 60 %", "work: 音著协: 33.3333 %"],
    )
    listed = shell.json("split", "list", "--vendor", 1)
    assert [(each["song_id"], each["from_period"], len(each["shares"])) for each in listed] == [
        (None, "2023-11", 2),
        (str(song_id), "2023-11", 1),
    ]
    assert "词人" in shell.run("split", "list")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--recording", "环球=60", "--work", "乙=41"), "come to 101 %"),
        (("--recording", "环球"), "HOLDER=PERCENT"),
        (("--recording", "=50"), "no rights holder"),
        (("--recording", "甲=百"), "no percentage"),
        (("--from", "2026-13"), "no month"),
        (("--song", "x"), "no song id"),
        (("--song", "7"), "no song 7"),
        (("--vendor", "9"), "no vendor 9"),
    ],
)
def test_a_split_that_cannot_be_is_refused_and_nothing_written(
    shell: Any, options: tuple[str, ...], problem: str
) -> None:
    named = options if "--vendor" in options else ("--vendor", "1", *options)
    exit_code = 1 if problem.startswith("no song 7") or "vendor 9" in problem else 2
    assert problem in " ".join(shell.run("split", "set", *named, exit_code=exit_code).split())
    assert shell.world.rows("splits") == []


@pytest.mark.parametrize("edit", ["UPDATE splits SET vendor_id = 2", "DELETE FROM splits", "DELETE FROM sales_reports"])
def test_splits_and_message_ids_are_added_to_and_never_edited(shell: Any, tmp_path: Path, edit: str) -> None:
    shell.run("split", "set", "--vendor", 1, "--recording", "环球=60")
    shell.run("report", "dsr", "--period", NOVEMBER, "--vendor", 1, "--to", tmp_path / "out")
    with pytest.raises(Exception, match=r"append-only|never used again"):
        shell.world.centre.work.run(lambda transaction: transaction._connection.execute(edit))


# Tracing.


def busy(world: World) -> None:
    payer, guest = enter(world, "茉莉", ROOM), enter(world, "白兰", ROOM)
    for song in ("whole", "no highlight", "whole"):
        payer.granted(song, 1, room_id=ROOM)
    payer.granted("whole", 1, mode=USER_MONTH)
    payer.granted("no highlight", 0, mode=USER_MONTH)
    resource_id = fetch(guest, "whole", 1, room_id=ROOM)["data"]["resources"][0]["resource_id"]
    assert guest.call("report_play", resource_id=resource_id, play_id="p", seconds=31)["code"] == 0
    guest.granted("of vendor 2", 0, vendor_id=2)
    reverse_charge(world.centre, 1, "退款", MEI)
    to_month(world, DECEMBER)
    close(world, NOVEMBER)
    reverse_charge(world.centre, 4, "退款", MEI)


def test_behind_every_line_is_all_that_it_counts(shell: Any) -> None:
    busy(shell.world)
    centre = shell.world.centre
    found = 0
    for month in (NOVEMBER, DECEMBER):
        scope = ReportScope(period=month)
        lines = [*usage_report(centre, scope).rows, *usage_report(centre, scope, by_song=True).rows]
        for row in (*lines, *invoice_report(centre, scope).rows):
            traced = trace(centre, Selection.parse(row.key), at_most=1_000)
            entries = [each.entry for each in traced.rows]
            told = (entries.count("charge"), entries.count("shared"), entries.count("play"))
            assert told == (row.requests, row.shared, row.plays) == (traced.requests, traced.shared, traced.plays)
            assert entries.count("reversal") + entries.count("adjustment") == row.reversed == traced.reversed
            assert sum(each.amount_minor for each in traced.rows) == row.amount_minor == traced.amount_minor
            assert all((each.posting_id is None) == (each.amount_minor == 0) for each in traced.rows)
            assert all(each.rights_revision >= 1 for each in traced.rows)
            found += len(entries)
            for each in traced.rows:
                keys = [key for told in trace_grant(centre, each.grant_id).rows for key in told.keys.values()]
                song_line = "/song=" in row.key
                assert song_line or row.key in keys
        for statement_row in statement_report(centre, scope).rows:
            traced = trace(centre, Selection.parse(statement_row.key), at_most=1_000)
            holders = [each for each in statement_report(centre, scope).rows if each.key == statement_row.key]
            assert sum(each.amount_minor for each in holders) == sum(each.amount_minor for each in traced.rows)
    assert found == 3 * (6 + 1 + 1 + 1 + 1)


def test_a_line_is_traced_on_the_command_line_by_key_by_filter_and_back(shell: Any) -> None:
    busy(shell.world)
    (row,) = [each for each in shell.rows("usage") if each["shared"]]
    by_key = shell.json("report", "trace", row["key"])
    assert (by_key["requests"], by_key["shared"], by_key["plays"], by_key["amount_minor"]) == (1, 1, 1, 3_000)
    assert [each["entry"] for each in by_key["rows"]] == ["charge", "shared", "play"]
    options = ("--app", 12345, "--period", NOVEMBER, "--type", 1, "--mode", 1, "--entry", "charge")
    assert shell.json("report", "trace", *options)["rows"] == by_key["rows"]
    cut = shell.json("report", "trace", row["key"], "--limit", 2)
    assert (cut["is_cut"], cut["rows"], cut["amount_minor"]) == (True, by_key["rows"][:2], 3_000)
    assert "the first 2 are shown" in shell.run("report", "trace", row["key"], "--limit", 2)
    back = shell.json("report", "trace", "--grant", by_key["rows"][0]["grant_id"])
    assert [each["entry"] for each in back["rows"]] == ["charge", "adjustment", "shared"]
    assert back["rows"][0]["keys"]["usage"] == row["key"]
    assert row["key"] in shell.run("report", "trace", "--grant", by_key["rows"][0]["grant_id"])
    assert "grant_id" in shell.run("report", "trace", row["key"], "--format", "csv")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "problem"),
    [
        (("trace",), 2, "say what to trace"),
        (("trace", "x"), 2, "no line's key"),
        (("trace", "2023-11/app=7"), 1, "no app 7"),
        (("trace", "--grant", "99"), 1, "no grant 99"),
        (("trace", "--grant", "9" * 30), 2, "not in the range"),
        (("trace", "--vendor", "1"), 2, "--app and --period"),
        (("usage", "--period", "2026-13"), 2, "no month"),
        (("usage", "--period", "一月"), 2, "no month"),
        (("usage", "--app", "7"), 1, "no app 7"),
        (("usage", "--app", "9" * 30), 2, "not in the range"),
        (("statement", "--vendor", "9"), 1, "no vendor 9"),
        (("invoice", "--format", "pdf"), 2, "'pdf'"),
        (("dsr", "--vendor", "1", "--to", "x"), 2, "--period"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_one_line(
    shell: Any, arguments: tuple[str, ...], exit_code: int, problem: str
) -> None:
    assert problem in " ".join(shell.run("report", *arguments, exit_code=exit_code).split())


@pytest.mark.parametrize("period", ["1000-01", "2999-12", "2023-10"])
def test_a_month_in_which_nothing_was_used_is_empty(shell: Any, period: str) -> None:
    for report in ("usage", "statement", "invoice"):
        assert shell.json("report", report, "--period", period)["rows"] == []
        assert shell.run("report", report, "--period", period).strip() == "Nothing to tell."
    assert shell.json("report", "invoice", "--period", period)["sums"] == []


# Shapes.


def test_a_title_is_no_formula_in_a_spreadsheet(shell: Any) -> None:
    world = shell.world
    for title, song in zip(
        ("=1+1", "+1", "-1", "@SUM(A1)", '茉莉花, "一"'),
        ("whole", "no highlight", "no words", "mix only", "ending"),
        strict=True,
    ):
        world.centre.work.run(lambda transaction, song=song, title=title: retitle(transaction, world, song, title))
        world.member().granted(song, 0)
    text = shell.run("report", "usage", "--period", NOVEMBER, "--by", "song", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sorted(row["title"] for row in rows) == ["'+1", "'-1", "'=1+1", "'@SUM(A1)", '茉莉花, "一"']
    assert [int(row["amount_minor"]) for row in rows] == [150] * 5
    assert all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    reverse_charge(world.centre, 1, "错", MEI)
    told = csv.DictReader(io.StringIO(shell.run("report", "invoice", "--period", NOVEMBER, "--format", "csv")))
    assert [row["amount_minor"] for row in told] == ["750", "-150"]


def retitle(transaction: Any, world: World, song: str, title: str) -> None:
    song_id = world.songs[song]
    facts = msgspec.structs.replace(transaction.song(song_id).published.facts, title=title)
    transaction.edit_song(song_id, facts, at_ms=world.centre.now_ms())


def test_tables_are_for_people(shell: Any) -> None:
    busy(shell.world)
    said = shell.run("report", "usage", "--period", NOVEMBER)
    assert "2023-11, App 12345" in said
    assert "Requests" in said
    assert "3000 CNY" in said
    assert "adjustment of 2023-11" in shell.run("report", "usage", "--period", DECEMBER)
    assert "App 12345 owes -3000 CNY for 2023-12 (open), as booked." in shell.run(
        "report", "invoice", "--period", DECEMBER
    )


# Sales reports.


def read_files(files: list[str]) -> Any:
    return read_message([(Path(file).name, Path(file).read_text("utf-8")) for file in files])


def make_files(shell: Any, folder: Path, *options: object, vendor: int = 1, period: Period = NOVEMBER) -> Any:
    before = set(folder.glob("*")) if folder.exists() else set()
    said = shell.run("report", "dsr", "--period", period, "--vendor", vendor, "--to", folder, *options)
    files = sorted(str(path) for path in set(folder.glob("*")) - before)
    assert all(file in said for file in files)
    return read_files(sorted(files, key=lambda name: int(name.split("of")[-2].rsplit("_", 1)[-1])))


def test_a_sales_report_comes_to_what_the_usage_report_says(shell: Any, tmp_path: Path) -> None:
    busy(shell.world)
    retitle_all = "茉|莉\\花\t续"
    shell.world.centre.work.run(lambda transaction: retitle(transaction, shell.world, "whole", retitle_all))
    for vendor in (1, 2):
        rows = shell.rows("usage", "--vendor", vendor)
        message = make_files(shell, tmp_path / str(vendor), "--blocks", 1, vendor=vendor)
        per_use_back = sum(row["reversed"] for row in rows if row["mode"] == PER_USE)
        assert message.streams == sum(row["requests"] + row["shared"] for row in rows) - per_use_back
        revenue = sum(float(summary[11]) for summary in message.summaries.values())
        assert round(revenue * 100) == sum(row["amount_minor"] for row in rows)
        titles = {row["song_id"]: row["title"] for row in shell.rows("usage", "--vendor", vendor, "--by", "song")}
        assert {song_id: song[5] for song_id, song in message.songs.items()} == {
            song_id: title.replace("\t", " ") for song_id, title in titles.items()
        }


def test_a_message_id_is_never_used_again_and_no_file_overwritten(shell: Any, tmp_path: Path) -> None:
    shell.world.member().granted("whole")
    heads = [make_files(shell, tmp_path / "out").head for _ in range(3)]
    assert len({head[4] for head in heads}) == len({head[5] for head in heads}) == 3
    assert {row["message_id"] for row in shell.world.rows("sales_reports")} == {head[4] for head in heads}

    def again(transaction: Any) -> None:
        transaction.sales_reports.add(heads[0][4], vendor_id=VendorId(2), period=DECEMBER, at_ms=0)

    with pytest.raises(MessageIdUsed):
        shell.world.centre.work.run(again)


def test_a_sales_report_of_nothing_says_so(shell: Any, tmp_path: Path) -> None:
    message = make_files(shell, tmp_path / "out", period=DECEMBER)
    assert (message.usages, [summary[8] for summary in message.summaries.values()]) == ([], ["0"])
    assert "no app may use songs of vendor 4" in shell.run(
        "report", "dsr", "--period", NOVEMBER, "--vendor", 4, "--to", tmp_path / "out", exit_code=1
    )


def test_a_sales_report_says_what_it_lacks(shell: Any, tmp_path: Path) -> None:
    options = ("report", "dsr", "--period", NOVEMBER, "--vendor", 1, "--to")
    said = shell.run(*options, tmp_path / "a")
    assert "this one is a draft" in said
    assert "2023-11 of app 12345 is not closed" in said
    said = shell.run(*options, tmp_path / "b", "--sender", "PADPIDA2026010101X")
    assert "draft" not in said
    assert "no DDEX party id" in shell.run(*options, tmp_path / "c", "--sender", "me", exit_code=2)
    (tmp_path / "file").write_text("")
    assert "file" in shell.run(*options, tmp_path / "file", exit_code=2)
    before = shell.world.rows("sales_reports")
    (tmp_path / "locked").mkdir()
    assert "Could not open" in shell.run(*options, tmp_path / "file" / "below", exit_code=1)
    assert shell.world.rows("sales_reports") == before


def test_a_full_disk_leaves_no_half_file(shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.world.member().granted("whole")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    options = ("report", "dsr", "--period", NOVEMBER, "--vendor", 1, "--to", tmp_path / "out")
    assert "No space left on device" in shell.run(*options, exit_code=1)
    assert list((tmp_path / "out").iterdir()) == []
    assert len(shell.world.rows("sales_reports")) == 1  # its id is used up all the same


# All together.

steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(["whole", "no highlight"]), st.sampled_from([0, 1, 2])),
        st.tuples(st.just("wait"), st.sampled_from([1, 20, 35])),
        st.tuples(st.just("reverse"), st.integers(1, 8)),
        st.tuples(st.just("close")),
        st.tuples(
            st.just("plan"), st.sampled_from(["Europe/Berlin", "America/New_York"]), st.sampled_from(["CNY", "JPY"])
        ),
    ),
    max_size=25,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(steps)
def test_whatever_happens_invoices_add_up_to_the_books_and_closed_months_stay(
    template: Path, tmp_path_factory: pytest.TempPathFactory, happening: list[tuple[Any, ...]]
) -> None:
    with open_world(template, tmp_path_factory.mktemp("months")) as world:
        with_prices(world)
        price(world, 15, currency="JPY")
        told_closed: dict[Period, Any] = {}
        for step in happening:
            match step:
                case ("ask", song, mode):
                    world.member().request(song, 0, mode=mode, room_id=ROOM)
                case ("wait", days):
                    world.wait(days * DAY_MS)
                case ("reverse", number):
                    attempt(lambda number=number: reverse_charge(world.centre, number, "错", MEI))
                case ("close",):
                    month = month_of(world.centre.now_ms() - 15 * DAY_MS, "UTC")
                    attempt(lambda month=month: close(world, month))
                    for each in world.centre.ledger.closed_periods(APP.app_id):
                        told_closed.setdefault(each.period, reports_of(world, each.period))
                case ("plan", zone, currency):
                    change_plan(world.centre, APP.app_id, {"time_zone": zone, "currency": currency}, MEI)
        for month, told in told_closed.items():
            assert reports_of(world, month) == told
        owed: dict[tuple[str, str], int] = defaultdict(int)
        for month in months_until(month_of(world.centre.now_ms() + 40 * DAY_MS, "UTC")):
            for invoiced in invoice_report(world.centre, ReportScope(period=month)).sums:
                owed["app 12345", invoiced.currency] += invoiced.amount_minor
        booked = balances(world.centre.ledger.postings(at_most=10_000))
        assert {key: amount for key, amount in owed.items() if amount} == {
            key: amount for key, amount in booked.items() if key[0].startswith("app") and amount
        }


def attempt(deed: Any) -> None:
    """Do what may be refused for a reason of ours."""
    with contextlib.suppress(YuefuError):
        deed()


def reports_of(world: World, month: Period) -> Any:
    scope = ReportScope(period=month, app_id=AppId(12345))
    return (
        usage_report(world.centre, scope).rows,
        statement_report(world.centre, scope).rows,
        invoice_report(world.centre, scope).rows,
    )


def months_until(last: Period) -> list[Period]:
    months = [Period(2023, 10)]
    while months[-1] < last:
        months.append(months[-1].following())
    return months
