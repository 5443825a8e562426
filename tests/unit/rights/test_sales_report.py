"""Sales reports, read back by a reader that was written from DDEX's rules and shares nothing with the writer."""

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.rights.test_split import used

from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.ledger import PostingKind
from yuefu.rights.plan import Period
from yuefu.rights.sales_report import BadParty, Party, Report, Service, decimal_amount, use_type, write_report
from yuefu.rights.usage import UsedSong

SENDER, RECIPIENT = "PADPIDA2026010101X", "PADPIDA2026010102Y"

# The reader.

CELLS = {"HEAD": 16, "SY02.02": 22, "AS02.02": 22, "SU02": 10, "FOOT": 6}
"""How many cells a record has, empty ones and all (part 8)."""

NEEDED = {
    "HEAD": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    "SY02.02": (1, 2, 5, 6, 7, 8, 9, 11, 12, 19),
    "AS02.02": (1, 2, 3, 4, 6, 8, 11),
    "SU02": (1, 2, 3, 4, 6, 7, 8),
    "FOOT": (1, 2, 4, 5),
}
"""Cells, counted from 1, that must not be empty, but for the sender's own id and name."""

MODELS = {"PayAsYouGoModel", "SubscriptionModel", "FreeOfChargeModel"}
USES = {"UseAsKaraoke", "OnDemandStream", "Stream"}
NAME = re.compile(
    r"DSR_[^_ ]*_[^_ ]*_(?P<service>[^_ ]+)_(?P<period>\d{4}-\d{2})_(?P<territory>[^_ ]+)"
    r"_(?P<x>\d+)of(?P<y>\d+)_(?P<at>\d{8}T\d{6})\.tsv"
)


def cells_of(line: str) -> list[str]:
    """Cells of a record with what was escaped: one backslash before a tab, two before a pipe, three for one."""
    cells, cell, slashes = [], "", 0
    for mark in [*line, "\t"]:
        if mark == "\\":
            slashes += 1
            continue
        cell += "\\" * (slashes // 3)
        left, slashes = slashes % 3, 0
        if mark == "\t" and left == 0:
            cells.append(cell)
            cell = ""
            continue
        assert left == {"\t": 1, "|": 2}.get(mark, 0), f"{mark!r} after {left} backslashes in {line!r}"
        cell += mark
    return cells


@dataclass
class Message:
    """What a recipient has after reading all files."""

    head: list[str]
    summaries: dict[str, list[str]]
    songs: dict[str, list[str]]
    usages: list[list[str]]

    @property
    def streams(self) -> int:
        return sum(int(usage[7]) for usage in self.usages)


def read_message(files: list[tuple[str, str]]) -> Message:
    """Read (name, content) pairs; every rule that is broken is an assertion."""
    heads, summaries, songs, usages, lengths, seen_blocks = [], [], {}, [], [], []
    for number, (name, content) in enumerate(files, start=1):
        named = NAME.fullmatch(name)
        assert named, name
        assert content.endswith("\n")
        assert "\r" not in content
        records = [cells_of(line) for line in content[:-1].split("\n")]
        for record in records:
            assert len(record) == CELLS[record[0]], record
            assert all(record[cell - 1] for cell in NEEDED[record[0]]), record
            assert all(cell == cell.strip() for cell in record)
        kinds = "".join(
            {"HEAD": "H", "SY02.02": "S", "AS02.02": "A", "SU02": "U", "FOOT": "F"}[record[0]] for record in records
        )
        assert re.fullmatch(r"HS+(AU+)*F", kinds), kinds
        head, foot = records[0], records[-1]
        assert (head[6], head[7]) == (named["x"], named["y"]) == (str(number), str(len(files)))
        assert named["period"] == head[8][:7] == head[9][:7]
        assert named["at"] == re.sub("[-:Z]", "", head[5])
        assert named["service"] == head[12]
        heads.append(head[:6] + head[7:])
        summaries.append([record for record in records if record[0] == "SY02.02"])
        blocks = blocks_of(records)
        if len(files) > 1:
            assert blocks, "a file of several must have a block"
        for block_id, records_of in blocks.items():
            assert block_id not in seen_blocks, "a block is in one file only"
            seen_blocks.append(block_id)
            songs[records_of[0][3]] = records_of[0]
            assert {usage[5] for usage in records_of[1:]} == {records_of[0][2]}
            usages += records_of[1:]
        lengths.append(len(records))
        assert foot[1:2] + foot[3:5] == [str(len(records)), str(len(summaries[-1])), str(len(blocks))]
        if number == len(files):
            assert (foot[2], foot[5]) == (str(sum(lengths)), str(len(seen_blocks)))
    assert all(head == heads[0] for head in heads)
    assert all(each == summaries[0] for each in summaries), "every file has the same summaries"
    message = Message(records_head(files), {record[1]: record for record in summaries[0]}, songs, usages)
    check_sums(message)
    return message


def records_head(files: list[tuple[str, str]]) -> list[str]:
    return cells_of(files[0][1].split("\n", 1)[0])


def blocks_of(records: list[list[str]]) -> dict[str, list[list[str]]]:
    """The records between summaries and FOOT by block, which lie together."""
    blocks: dict[str, list[list[str]]] = {}
    latest = ""
    for record in records:
        if record[0] in {"AS02.02", "SU02"}:
            assert record[1] == latest or record[1] not in blocks
            latest = record[1]
            blocks.setdefault(latest, []).append(record)
    assert all([record[0] for record in block].count("AS02.02") == 1 for block in blocks.values())
    return blocks


def check_sums(message: Message) -> None:
    """Each summary is what its records come to, and every record is of a summary there is."""
    transactions = [usage[3] for usage in message.usages]
    assert len(set(transactions)) == len(transactions)
    assert {usage[2] for usage in message.usages} <= message.summaries.keys()
    contexts = Counter((summary[2], *summary[4:8], summary[10]) for summary in message.summaries.values())
    assert set(contexts.values()) <= {1}
    for number, summary in message.summaries.items():
        assert summary[4] in MODELS
        assert summary[5] in USES
        assert re.fullmatch(r"[A-Z]{2}|Worldwide", summary[6])
        assert not re.search("[ _]", summary[7])
        assert re.fullmatch("[A-Z]{3}", summary[10])
        of_summary = [usage for usage in message.usages if usage[2] == number]
        assert sum(int(usage[7]) for usage in of_summary) == int(summary[8])
        if summary[4] == "PayAsYouGoModel":
            assert all(usage[8] for usage in of_summary), "the price is mandatory"
            assert sum(int(usage[7]) * Decimal(usage[8]) for usage in of_summary) == Decimal(summary[11])
    for usage in message.usages:
        assert usage[6] in {"true", "false"}
    for song in message.songs.values():
        assert re.fullmatch(r"([A-Z]{2}[A-Z0-9]{3}\d{7})?", song[4])
        assert re.fullmatch(r"(T\d{10})?", song[11])
        assert re.fullmatch(r"PT(\d+H)?\d+M\d+(\.\d+)?S", song[9])


# The tests.


def song(number: int, title: str = "茉莉花", **changes: Any) -> UsedSong:
    facts: dict[str, Any] = {
        "song_id": SongId(number),
        "title": title,
        "singers": ("小青", "小白"),
        "isrc": "QMABC2400001",
        "iswc": "T0345246801",
        "duration_ms": 68_655,
    }
    return UsedSong(**facts | changes)


def make_report(uses: list[Any], songs: list[UsedSong] | None = None, **changes: Any) -> Report:
    given: dict[str, Any] = {
        "message_id": "m-1",
        "created_at_ms": 1_796_000_000_000,
        "vendor_id": VendorId(1),
        "period": Period(2026, 11),
        "sender": Party(dpid=SENDER, name="乐府 | 歌房"),
        "recipient": Party(dpid=RECIPIENT, name="Label"),
        "services": (Service(app_id=AppId(7), name="卡拉_永远 1", territory="CN", currency="CNY"),),
        "uses": tuple(uses),
        "songs": {each.song_id: each for each in songs or [song(1), song(2), song(3)]},
    }
    return Report(**given | changes)


def read_back(report: Report, **options: Any) -> Message:
    return read_message(
        [(file.name, "".join(f"{line}\n" for line in file.lines)) for file in write_report(report, **options)]
    )


def paid(number: int, count: int, unit_minor: int, **changes: Any) -> Any:
    return used(number, requests=count, amount_minor=count * unit_minor, unit_minor=unit_minor, **changes)


def test_a_report_says_who_what_where_and_for_how_much() -> None:
    message = read_back(
        make_report(
            [paid(1, 4, 150), paid(1, 1, 275, resource_type=0), used(2, mode=1, requests=2, amount_minor=3_000)]
        )
    )
    assert message.head[1:5] == ["dsrf/1.2/7/1.2", "BasicAudioProfile", "1.2", "m-1"]
    assert message.head[8:16] == [*("2026-11-01", "2026-11-30", SENDER, "乐府 | 歌房", "app-7", RECIPIENT, "Label", "")]
    told = sorted((*summary[4:7], *summary[8:9], *summary[10:12]) for summary in message.summaries.values())
    assert told == [
        ("PayAsYouGoModel", "OnDemandStream", "CN", "1", "CNY", "2.75"),
        ("PayAsYouGoModel", "UseAsKaraoke", "CN", "4", "CNY", "6.00"),
        ("SubscriptionModel", "UseAsKaraoke", "CN", "2", "CNY", "30.00"),
    ]
    assert message.songs["1"][3:12] == [
        *("1", "QMABC2400001", "茉莉花", "", "小青, 小白", "", "PT1M8.655S", "SoundRecording", "T0345246801")
    ]


def test_without_any_use_there_is_no_block() -> None:
    message = read_back(make_report([]))
    assert (message.usages, message.songs) == ([], {})
    assert [(summary[8], summary[11]) for summary in message.summaries.values()] == [("0", "0.00")]


def test_a_free_share_is_a_use_of_its_own_model() -> None:
    message = read_back(make_report([paid(1, 1, 150), used(1, shared=3, unit_minor=150)]))
    assert {summary[4]: summary[8] for summary in message.summaries.values()} == {
        "PayAsYouGoModel": "1",
        "FreeOfChargeModel": "3",
    }


def test_what_was_taken_back_is_taken_off_and_a_month_taken_back_was_still_used() -> None:
    back: dict[str, Any] = {"entry": PostingKind.REVERSAL, "reversed": 1}
    message = read_back(
        make_report(
            [
                paid(1, 3, 150),
                used(1, amount_minor=-150, unit_minor=150, **back),
                used(2, mode=1, requests=2, amount_minor=3_000),
                used(2, mode=1, amount_minor=-3_000, **back),
                paid(3, 1, 150),
                used(3, amount_minor=-150, unit_minor=150, **back),
            ]
        )
    )
    assert {summary[4]: (summary[8], summary[11]) for summary in message.summaries.values()} == {
        "PayAsYouGoModel": ("2", "3.00"),
        "SubscriptionModel": ("2", "0.00"),
    }
    assert message.songs.keys() == {"1", "2"}


def test_an_adjustment_alone_may_come_to_less_than_nothing() -> None:
    gone = used(
        1, amount_minor=-150, unit_minor=150, reversed=1, entry=PostingKind.ADJUSTMENT, of_period=Period(2026, 10)
    )
    message = read_back(make_report([gone]))
    assert [(summary[8], summary[11]) for summary in message.summaries.values()] == [("-1", "-1.50")]


def test_each_currency_has_its_own_decimals_and_summary() -> None:
    uses = [paid(1, 2, 150, currency=currency) for currency in ("CNY", "JPY", "KWD")]
    message = read_back(make_report(uses))
    assert {summary[10]: summary[11] for summary in message.summaries.values()} == {
        "CNY": "3.00",
        "JPY": "300",
        "KWD": "0.300",
    }
    assert decimal_amount(-5, "CNY") == "-0.05"


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_a_report_is_cut_between_blocks_only(blocks: int) -> None:
    report = make_report([paid(number, number, 150) for number in (1, 2, 3)])
    files = write_report(report, blocks_a_file=blocks)
    assert len(files) == -(-3 // blocks)
    assert read_back(report, blocks_a_file=blocks).streams == 6


nasty = st.text(st.sampled_from("茉a|\\\t\n\r#=\u2028\x00 "), min_size=1, max_size=12).map(lambda text: f"茉{text}花")


@given(nasty, nasty)
def test_any_title_comes_back_as_one_line_of_the_same_text(title: str, name: str) -> None:
    service = Service(app_id=AppId(7), name=name, territory="CN", currency="CNY")
    message = read_back(make_report([paid(1, 1, 150)], [song(1, title)], services=(service,)))
    plain = re.sub(r"[\s\x00\u2028]+", " ", title)
    assert message.songs["1"][5] == plain
    assert next(iter(message.summaries.values()))[2] == re.sub(r"[\s\x00\u2028]+", " ", name)


@given(
    st.lists(
        st.builds(
            paid,
            st.integers(1, 3),
            st.integers(1, 9),
            st.sampled_from([0, 1, 150]),
            territory=st.sampled_from(["CN", "SG", ""]),
            scene_id=st.integers(0, 4),
            resource_type=st.integers(0, 3),
            mode=st.integers(0, 3),
        ),
        max_size=9,
    ),
    st.integers(1, 3),
)
def test_every_use_is_in_the_report_once(uses: list[Any], blocks: int) -> None:
    message = read_back(make_report(uses), blocks_a_file=blocks)
    assert message.streams == sum(each.counts.requests for each in uses)
    revenue = sum(Decimal(summary[11]) for summary in message.summaries.values())
    assert revenue * 100 == sum(each.counts.amount_minor for each in uses)


def test_singing_in_any_form_is_karaoke_and_listening_is_none() -> None:
    told = {(scene, kind): use_type(resource_type=kind, scene_id=scene) for scene in range(5) for kind in range(4)}
    assert {told[scene, 0] for scene in (0, 1)} == {"OnDemandStream"}
    assert {told[3, kind] for kind in range(4)} == {"Stream"}
    assert {told[scene, kind] for scene in (0, 1, 2, 4) for kind in (1, 2, 3)} == {"UseAsKaraoke"}
    assert {told[scene, 0] for scene in (2, 4)} == {"UseAsKaraoke"}


@pytest.mark.parametrize("dpid", ["PADPIDA", "padpida2014", "PADPIDA 2014", "PADPIDA2014_1", "x" * 99])
def test_what_is_no_party_id_is_refused(dpid: str) -> None:
    with pytest.raises(BadParty, match="PADPIDA"):
        Party(dpid=dpid)


def test_the_reader_sees_what_breaks_the_rules() -> None:
    """The reader itself can fail: a cell too few, a stray pipe's escape, a foot that miscounts, a split block."""
    files = write_report(make_report([paid(1, 1, 150), paid(2, 1, 150)]), blocks_a_file=2)
    (name, content) = files[0].name, "".join(f"{line}\n" for line in files[0].lines)
    read_message([(name, content)])
    for broken in (
        content.replace("\ttrue\t", "\t", 1),
        content.replace("茉莉花", "茉莉\\|花", 1),
        content.replace("FOOT\t7", "FOOT\t8", 1),
        content.replace("SU02\t2", "SU02\t1", 1),
        content.replace("\t1.50\t", "\t1.51\t", 1),
        content.rstrip("\n"),
    ):
        assert broken != content
        with pytest.raises(AssertionError):
            read_message([(name, broken)])
