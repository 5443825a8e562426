"""Charts and tags as callers are answered, as operators keep them, and as they come and go in CSV."""

import csv
import io
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuefu.access.audit import Author
from yuefu.catalogue.chart import (
    BadName,
    BadSongs,
    Chart,
    ChartRule,
    ForeignChart,
    TagGroupInUse,
    UnknownChart,
    UnknownTag,
    UnknownTagGroup,
    counted_span,
)
from yuefu.catalogue.song import PublishedSong
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.server import programme, programme_tables
from yuefu.server.centre import Centre
from yuefu.server.programme import (
    SETTLING_MS,
    UnknownVendor,
    compute_due,
    counting_charts,
    known_vendor,
    list_charts,
    show_chart,
)
from yuefu.server.programme_tables import CHART_COLUMNS, TAG_COLUMNS, export_charts, export_tags
from yuefu.server.settings import Settings
from yuefu.server.wiring import open_installation
from yuefu.storage.sqlite.database import StorageFailed
from yuefu.units import DAY_MS, HOUR_MS
from yuefu.wire.vendor import documented_profiles

ONE, TWO = VendorId(1), VendorId(2)
RULE = ChartRule(days=7, threshold=2, cut_off_hour=5, time_zone="Asia/Shanghai", size=10)
DEADLINE_S = 10
World = Any

AUTHOR = Author(actor="cli:mei", origin="here")
add_tag = partial(programme.add_tag, author=AUTHOR)
add_tag_group = partial(programme.add_tag_group, author=AUTHOR)
compute_charts = partial(programme.compute_charts, author=AUTHOR)
remove_chart = partial(programme.remove_chart, author=AUTHOR)
remove_tag = partial(programme.remove_tag, author=AUTHOR)
remove_tag_group = partial(programme.remove_tag_group, author=AUTHOR)
rule_chart = partial(programme.rule_chart, author=AUTHOR)
set_chart = partial(programme.set_chart, author=AUTHOR)
set_tag_songs = partial(programme.set_tag_songs, author=AUTHOR)
import_charts = partial(programme_tables.import_charts, author=AUTHOR)
import_tags = partial(programme_tables.import_tags, author=AUTHOR)


def top_songs(world: World, top_id: str, vendor_id: int = 1, *, filters: Any = None, **changes: Any) -> Any:
    asked = {
        "Action": "DescribeTopSongs",
        "Filter[]": filters,
        "TopId": top_id,
        "Page": 1,
        "VendorId": vendor_id,
        "SongsId[]": None,
    }
    return world.ask(**asked | changes)


def tag_songs(world: World, tag_id: str, vendor_id: int = 1, *, filters: Any = None, **changes: Any) -> Any:
    asked = {
        "Action": "DescribeTagSongs",
        "Filter[]": filters,
        "TagId": tag_id,
        "Page": 1,
        "VendorId": vendor_id,
        "SongsId[]": None,
    }
    return world.ask(**asked | changes)


def ids_in(answer: Any) -> list[str]:
    assert answer["Code"] == 0, answer
    return [song["SongId"] for song in answer["Data"]["Songs"]]


def set_songs(world: World, *songs: str, top_id: str = "8888", vendor_id: VendorId = ONE) -> None:
    set_chart(world.centre, vendor_id, top_id, [world.songs[song] for song in songs])


def use(world: World, song: str, times: int = 1) -> None:
    member = world.member()
    for _ in range(times):
        member.granted(song)


def uses_in(world: World, top_id: str = "8888") -> list[tuple[str, int]]:
    names = {song_id: name for name, song_id in world.songs.items()}
    entries = world.centre.programme.charted(top_id, ONE)
    return [(names[entry.song_id], entry.uses) for entry in entries]


def to_cut_off(world: World, rule: ChartRule = RULE) -> None:
    """Let time pass until the next cut-off has settled."""
    now_ms = world.now_us // 1_000
    end_ms = counted_span(rule, now_ms - SETTLING_MS).end_ms
    while counted_span(rule, world.now_us // 1_000 - SETTLING_MS).end_ms == end_ms:
        world.wait(HOUR_MS)


def add_songs(world: World, song_maker: Callable[..., PublishedSong], count: int) -> list[SongId]:
    def job(transaction: Any) -> list[SongId]:
        made = [transaction.publish(song_maker(f"song {number}"), at_ms=1).song_id for number in range(count)]
        for song_id in made:
            sheet = TermSheet(terms=(Terms(),))
            transaction.record_deal(Deal(song_id=song_id, chains=(Chain.WORK,), sheet=sheet), at_ms=1)
        return made

    made: list[SongId] = world.centre.work.run(job)
    return made


def make_tags(world: World) -> None:
    add_tag_group(world.centre, "5", "场景")
    add_tag_group(world.centre, "2", "心情")
    add_tag(world.centre, "5", "587", "学习")
    add_tag(world.centre, "5", "12", "驾车")


# Charts as they are asked for.


@pytest.mark.parametrize("vendor_id", [1, 2])
def test_every_documented_chart_is_there_from_the_start(still_world: World, vendor_id: int) -> None:
    charts = documented_profiles()[vendor_id].charts
    assert charts
    for top_id in charts:
        answer = top_songs(still_world, top_id, vendor_id)
        assert (answer["Code"], answer["Data"]) == (0, {"Songs": []})


@pytest.mark.parametrize(
    ("vendor_id", "top_id"), [(1, "22004"), (2, "8888"), (0, "22004"), (1, "8888 "), (1, "榜"), (2, "22012")]
)
def test_a_chart_the_vendor_has_not_is_refused(still_world: World, vendor_id: int, top_id: str) -> None:
    assert top_songs(still_world, top_id, vendor_id)["Code"] == 320040008


def test_the_default_vendor_has_its_own_charts(still_world: World) -> None:
    second = still_world.add_app(77, default_vendor=TWO)
    assert ids_in(top_songs(still_world, "8888", 0)) == []
    answer = still_world.ask(second, Action="DescribeTopSongs", TopId="22004", Page=1, **{"SongsId[]": None})
    assert ids_in(answer) == []


def test_a_vendor_without_charts_says_so(still_world: World) -> None:
    app = still_world.add_app(78, vendors=frozenset({4}), default_vendor=VendorId(4))
    answer = still_world.ask(app, Action="DescribeTopSongs", TopId="8888", Page=1, VendorId=4, **{"SongsId[]": None})
    assert answer["Code"] == 320010014


def test_a_chart_is_in_its_own_order(world: World) -> None:
    set_songs(world, "sung only", "whole", "mix only")
    assert ids_in(top_songs(world, "8888")) == world.ids("sung only", "whole", "mix only")
    set_songs(world, "mix only")
    assert ids_in(top_songs(world, "8888")) == world.ids("mix only")


def test_a_chart_of_the_operators_own_is_answered(world: World) -> None:
    set_songs(world, "of vendor 2", top_id="我们的榜", vendor_id=TWO)
    assert ids_in(top_songs(world, "我们的榜", 2)) == world.ids("of vendor 2")
    assert top_songs(world, "我们的榜", 1)["Code"] == 320040008


def test_a_chart_shows_what_may_be_used_only(world: World) -> None:
    set_songs(world, "nothing allowed", "played only", "ended", "whole", "no words")
    assert ids_in(top_songs(world, "8888")) == world.ids("played only", "whole", "no words")
    assert ids_in(top_songs(world, "8888", filters=[1])) == world.ids("whole", "no words")
    world.remove("whole")
    assert ids_in(top_songs(world, "8888")) == world.ids("played only", "no words")


def test_a_chart_has_twenty_songs_a_page(world: World, song_maker: Callable[..., PublishedSong]) -> None:
    songs = add_songs(world, song_maker, 130)
    order = [*songs[1::2], *songs[0::2]]
    set_chart(world.centre, ONE, "8888", order)
    pages = [ids_in(top_songs(world, "8888", Page=page)) for page in range(1, 9)]
    assert [len(page) for page in pages] == [20] * 6 + [10, 0]
    assert [song_id for page in pages for song_id in page] == [str(song_id) for song_id in order]
    assert ids_in(top_songs(world, "8888", Page=10**9)) == []


# Charts as they are kept.


def test_a_list_by_hand_has_a_name_and_a_date(world: World) -> None:
    now_ms = world.now_us // 1_000
    chart = set_chart(world.centre, ONE, "8888", [world.songs["whole"]])
    assert chart == Chart(vendor_id=ONE, top_id="8888", name="热门精选榜", as_of_ms=now_ms)
    assert set_chart(world.centre, ONE, "8888", [], name="精选").name == "精选"
    assert set_chart(world.centre, ONE, "8888", []).name == "精选"
    assert set_chart(world.centre, ONE, "七夕", []).name == "七夕"
    assert show_chart(world.centre, ONE, "8888") == (
        Chart(vendor_id=ONE, top_id="8888", name="精选", as_of_ms=now_ms),
        [],
    )


def test_all_charts_are_listed_filled_or_not(world: World) -> None:
    set_songs(world, "of vendor 2", top_id="七夕", vendor_id=TWO)
    everything = list_charts(world.centre)
    assert len(everything) == 4 + 15 + 1
    assert [chart.top_id for chart in list_charts(world.centre, ONE)] == ["23784", "24971", "6666", "8888"]
    assert {chart.top_id for chart in everything if chart.as_of_ms is not None} == {"七夕"}
    assert show_chart(world.centre, TWO, "22004") == (
        Chart(vendor_id=TWO, top_id="22004", name="人气榜 · K 歌"),
        [],
    )
    with pytest.raises(UnknownChart):
        show_chart(world.centre, ONE, "七夕")


def test_songs_that_cannot_be_charted_leave_the_chart_as_it_was(world: World) -> None:
    set_songs(world, "whole")
    songs = [world.songs["whole"], world.songs["of vendor 2"], SongId(5), world.songs["whole"]]
    with pytest.raises(BadSongs, match=r"vendor 2's.*no song 5.*twice"):
        set_chart(world.centre, ONE, "8888", songs)
    with pytest.raises(BadName):
        set_chart(world.centre, ONE, "x" * 65, [])
    with pytest.raises(BadName):
        set_chart(world.centre, ONE, "8888", [], name="")
    assert ids_in(top_songs(world, "8888")) == world.ids("whole")


def test_a_removed_chart_is_empty_if_it_is_documented_and_gone_if_not(world: World) -> None:
    for top_id in ("8888", "七夕"):
        set_songs(world, "whole", top_id=top_id)
        remove_chart(world.centre, ONE, top_id)
        with pytest.raises(UnknownChart):
            remove_chart(world.centre, ONE, top_id)
    assert ids_in(top_songs(world, "8888")) == []
    assert top_songs(world, "七夕")["Code"] == 320040008


def test_only_real_vendors_have_charts(still_world: World) -> None:
    assert known_vendor(still_world.centre, 2) == known_vendor(still_world.centre, "2") == 2
    for number in (0, 3, -1, "0", "02", "", "x", "9" * 5_000):
        with pytest.raises(UnknownVendor, match="1, 2, 4"):
            known_vendor(still_world.centre, number)


def test_a_documented_chart_is_nobody_else_s(world: World) -> None:
    with pytest.raises(ForeignChart, match="chart 22004 is documented for vendor 2, not for vendor 1"):
        set_chart(world.centre, ONE, "22004", [world.songs["whole"]])
    with pytest.raises(ForeignChart, match="chart 22004 is documented for vendor 2, not for vendor 1"):
        rule_chart(world.centre, ONE, "22004", RULE)
    with pytest.raises(ForeignChart, match="chart 8888 is documented for vendor 1, not for vendor 2"):
        set_chart(world.centre, TWO, "8888", [])
    row = dict.fromkeys(CHART_COLUMNS, "") | {"vendor_id": "1", "top_id": "22004"}
    for dry_run in (True, False):
        report = import_charts(
            world.centre, f"{','.join(row)}\n{','.join(row.values())}\n".encode(), file="charts.csv", dry_run=dry_run
        )
        assert [line for line, _ in problems(report)] == [2]
        assert "chart 22004 is documented for vendor 2" in problems(report)[0][1]
    assert world.centre.programme.charts() == []


# Charts by rule.


def test_a_rule_counts_the_grants_before_the_cut_off(world: World) -> None:
    use(world, "whole", 2)
    use(world, "no words", 1)
    use(world, "mix only", 3)
    chart = rule_chart(world.centre, ONE, "8888", RULE)
    assert uses_in(world) == []  # the cut-off was before
    assert chart.as_of_ms == counted_span(RULE, world.now_us // 1_000).end_ms
    to_cut_off(world)
    use(world, "whole", 5)  # after it
    assert compute_charts(world.centre) == [world.centre.programme.chart("8888", ONE)]
    assert uses_in(world) == [("mix only", 3), ("whole", 2)]
    assert ids_in(top_songs(world, "8888")) == world.ids("mix only", "whole")


def test_a_rule_counts_defined_plays_in_place_of_grants(world: World) -> None:
    use(world, "whole", 3)
    member = world.member()
    for song, *sung in (("sung only", 30, 31), ("whole", 29, 200), ("no words", 5, 6, 7)):
        resource_id = member.resource_id(song, 1)
        for place, seconds in enumerate(sung):
            body = {"resource_id": resource_id, "play_id": f"{song[:2]}{place}", "seconds": seconds}
            assert member.call("report_play", **body)["code"] == 0
    rule_chart(world.centre, ONE, "8888", msgspec.structs.replace(RULE, threshold=1, counted="plays"))
    assert uses_in(world) == []
    to_cut_off(world)
    compute_due(world.centre)
    assert uses_in(world) == [("sung only", 2), ("whole", 1)]
    assert export_charts(world.centre).splitlines()[1].split(",")[3:9] == [
        "7",
        "1",
        "5",
        "Asia/Shanghai",
        "10",
        "plays",
    ]
    assert import_charts(world.centre, export_charts(world.centre).encode(), file="charts.csv").is_written
    assert uses_in(world) == [("sung only", 2), ("whole", 1)]


def test_old_grants_fall_out_of_the_days(world: World) -> None:
    use(world, "whole", 2)
    rule_chart(world.centre, ONE, "8888", RULE)
    sizes = []
    for _ in range(9):
        to_cut_off(world)
        compute_due(world.centre)
        sizes.append(len(uses_in(world)))
    assert sizes == [1] * 7 + [0] * 2


def test_counting_twice_is_counting_once(world: World) -> None:
    use(world, "whole", 2)
    rule_chart(world.centre, ONE, "8888", RULE)
    to_cut_off(world)
    first = compute_charts(world.centre)
    use(world, "no words", 9)
    world.wait(HOUR_MS)
    assert compute_charts(world.centre) == first
    assert uses_in(world) == [("whole", 2)]


def test_a_cut_off_is_counted_once_it_has_settled(world: World) -> None:
    rule_chart(world.centre, ONE, "8888", RULE)
    cut_off_ms = counted_span(RULE, world.now_us // 1_000).end_ms + DAY_MS
    world.now_us = (cut_off_ms + SETTLING_MS - 1) * 1_000
    assert compute_due(world.centre) == []
    world.wait(1)
    assert [chart.as_of_ms for chart in compute_due(world.centre)] == [cut_off_ms]
    assert compute_due(world.centre) == []


def test_charts_are_computed_by_vendor_and_id(world: World) -> None:
    rule_chart(world.centre, ONE, "七夕", RULE)
    rule_chart(world.centre, ONE, "6666", RULE)
    rule_chart(world.centre, TWO, "七夕", RULE)
    set_songs(world, "whole", top_id="23784")

    def counted(*which: Any) -> list[tuple[int, str]]:
        return [(chart.vendor_id, chart.top_id) for chart in compute_charts(world.centre, *which)]

    assert counted() == [(1, "6666"), (1, "七夕"), (2, "七夕")]
    assert counted(TWO) == [(2, "七夕")]
    assert counted(None, "七夕") == [(1, "七夕"), (2, "七夕")]
    assert counted(ONE, "23784") == []


def test_of_several_workers_one_counts(world: World) -> None:
    use(world, "whole", 2)
    rule_chart(world.centre, ONE, "8888", RULE)
    to_cut_off(world)
    barrier, counted = threading.Barrier(4), []

    def work(centre: Centre) -> None:
        barrier.wait(DEADLINE_S)
        counted.extend(compute_due(centre))

    threads = [threading.Thread(target=work, args=(world.centre,)) for _ in range(2)]
    with open_installation(Settings(data=str(world.folder))) as installation:
        other = type(world)(centre=installation.centre, folder=world.folder, songs=world.songs, now_us=world.now_us)
        threads += [threading.Thread(target=work, args=(other.centre,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
    assert [chart.top_id for chart in counted] == ["8888"]
    assert uses_in(world) == [("whole", 2)]


def test_a_server_counts_by_itself_also_what_it_missed(world: World) -> None:
    use(world, "whole", 2)
    rule_chart(world.centre, ONE, "8888", RULE)
    to_cut_off(world)  # nobody serves meanwhile
    with counting_charts(world.centre, period_s=0.01):
        wait_until(lambda: uses_in(world) == [("whole", 2)])
        use(world, "no words", 3)
        to_cut_off(world)
        wait_until(lambda: uses_in(world) == [("no words", 3), ("whole", 2)])
    to_cut_off(world)
    time.sleep(0.05)
    chart = world.centre.programme.chart("8888", ONE)
    assert chart.as_of_ms < counted_span(RULE, world.now_us // 1_000 - SETTLING_MS).end_ms


def test_a_chart_that_cannot_be_counted_keeps_no_other_back(world: World) -> None:
    unknown = ChartRule(days=1, time_zone="Mars/Olympus")
    broken = Chart(vendor_id=ONE, top_id="1", name="火星", rule=unknown, as_of_ms=0)
    world.centre.work.run(lambda transaction: transaction.programme.put_chart(broken, []))
    rule_chart(world.centre, ONE, "8888", RULE)
    to_cut_off(world)
    assert [chart.top_id for chart in compute_due(world.centre)] == ["8888"]


def test_counting_goes_on_after_the_store_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rule_chart(world.centre, ONE, "8888", RULE)
    to_cut_off(world)
    tried = threading.Event()
    real = world.centre.work.run

    def run(job: Any) -> Any:
        if not tried.is_set():
            tried.set()
            raise StorageFailed("database or disk is full")
        return real(job)

    monkeypatch.setattr(world.centre.work, "run", run)
    due_ms = counted_span(RULE, world.now_us // 1_000 - SETTLING_MS).end_ms
    with counting_charts(world.centre, period_s=0.01):
        wait_until(lambda: tried.is_set() and world.centre.programme.chart("8888", ONE).as_of_ms == due_ms)


def wait_until(holds: Callable[[], bool]) -> None:
    give_up_at_s = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < give_up_at_s
        time.sleep(0.01)


# Tags.


def test_tags_are_answered_by_group_in_the_operators_order(world: World) -> None:
    make_tags(world)
    answer = world.ask(Action="DescribeTags", **{"SongsId[]": None})
    assert (answer["Code"], answer["Message"]) == (0, "success")
    assert answer["Data"] == {
        "Groups": [
            {
                "GroupId": "5",
                "GroupName": "场景",
                "Tags": [{"TagId": "587", "TagName": "学习"}, {"TagId": "12", "TagName": "驾车"}],
            },
            {"GroupId": "2", "GroupName": "心情", "Tags": []},
        ]
    }


def test_a_tags_songs_are_answered_in_order(world: World) -> None:
    make_tags(world)
    songs = ["sung only", "nothing allowed", "of vendor 2", "no highlight", "whole"]
    set_tag_songs(world.centre, "587", [world.songs[song] for song in songs])
    answer = tag_songs(world, "587")
    assert ids_in(answer) == world.ids("sung only", "no highlight", "whole")
    assert [song["HasClip"] for song in answer["Data"]["Songs"]] == [1, 0, 1]
    assert ids_in(tag_songs(world, "587", filters=[1, 3])) == world.ids("sung only", "whole")
    assert ids_in(tag_songs(world, "587", Page=2)) == []
    second = tag_songs(world, "587", 2)
    assert ids_in(second) == world.ids("of vendor 2")
    assert "HasClip" not in second["Data"]["Songs"][0]
    assert ids_in(tag_songs(world, "12")) == []


@pytest.mark.parametrize("tag_id", ["999", "587 ", "学习", "", None, "x" * 65])
def test_a_tag_that_is_not_there_is_refused(world: World, tag_id: str | None) -> None:
    make_tags(world)
    answer = tag_songs(world, "587", TagId=tag_id)
    assert answer["Code"] == 320000004
    assert "TagId" in answer["Message"]


def test_tags_are_renamed_moved_and_removed(world: World) -> None:
    make_tags(world)
    set_tag_songs(world.centre, "587", [world.songs["whole"]])
    add_tag(world.centre, "2", "587", "用功")
    add_tag_group(world.centre, "5", "场合")
    groups = [(group.name, [tag.name for tag in group.tags]) for group in world.centre.programme.tag_groups()]
    assert groups == [("场合", ["驾车"]), ("心情", ["用功"])]
    assert ids_in(tag_songs(world, "587")) == world.ids("whole")
    with pytest.raises(TagGroupInUse):
        remove_tag_group(world.centre, "2")
    remove_tag(world.centre, "587")
    remove_tag_group(world.centre, "2")
    assert tag_songs(world, "587")["Code"] == 320000004
    add_tag_group(world.centre, "2", "心情")
    add_tag_group(world.centre, "1", "年代")
    assert [group.group_id for group in world.centre.programme.tag_groups()] == ["5", "2", "1"]


def test_what_is_not_there_cannot_be_changed(world: World) -> None:
    make_tags(world)
    with pytest.raises(UnknownTagGroup):
        add_tag(world.centre, "9", "1", "甜蜜")
    with pytest.raises(UnknownTagGroup):
        remove_tag_group(world.centre, "9")
    with pytest.raises(UnknownTag):
        remove_tag(world.centre, "9")
    with pytest.raises(UnknownTag):
        set_tag_songs(world.centre, "9", [])
    with pytest.raises(BadSongs, match="no song 5"):
        set_tag_songs(world.centre, "587", [SongId(5)])
    with pytest.raises(BadName):
        add_tag(world.centre, "5", "1", " 甜蜜")
    with pytest.raises(BadName):
        add_tag_group(world.centre, "", "甜蜜")


# CSV.


def table(columns: Sequence[str], *rows: Sequence[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue().encode()


def problems(report: Any) -> list[tuple[int | None, str]]:
    assert not report.is_written
    return [(finding.line, finding.problem) for finding in report.findings]


def test_what_was_exported_comes_in_again(world: World) -> None:
    make_tags(world)
    set_tag_songs(world.centre, "587", [world.songs[song] for song in ("sung only", "of vendor 2", "whole")])
    use(world, "whole", 2)
    to_cut_off(world)
    set_songs(world, "sung only", "whole")
    set_songs(world, top_id="七,夕")
    rule_chart(world.centre, ONE, "6666", RULE, name='"升"')
    tags, charts = export_tags(world.centre), export_charts(world.centre)
    held = [world.centre.programme.tag_groups(), world.centre.programme.charts(), uses_in(world, "6666")]
    remove_tag(world.centre, "587")
    remove_tag(world.centre, "12")
    remove_tag_group(world.centre, "5")
    for top_id in ("8888", "七,夕", "6666"):
        remove_chart(world.centre, ONE, top_id)
    assert import_tags(world.centre, tags.encode(), file="tags.csv").is_written
    assert import_charts(world.centre, charts.encode("utf-8-sig"), file="charts.csv").is_written
    assert (export_tags(world.centre), export_charts(world.centre)) == (tags, charts)
    assert [world.centre.programme.tag_groups(), world.centre.programme.charts(), uses_in(world, "6666")] == held


def test_an_export_is_a_table_with_a_line_for_each_song(world: World) -> None:
    make_tags(world)
    set_tag_songs(world.centre, "587", [world.songs["whole"]])
    set_songs(world, "sung only")
    whole, sung = world.ids("whole", "sung only")
    assert export_tags(world.centre).splitlines() == [
        "group_id,group_name,tag_id,tag_name,song_id",
        f"5,场景,587,学习,{whole}",
        "5,场景,12,驾车,",
        "2,心情,,,",
    ]
    assert export_charts(world.centre).splitlines() == [
        "vendor_id,top_id,name,days,threshold,cut_off_hour,time_zone,size,counted,song_id,uses",
        f"1,8888,热门精选榜,,,,,,,{sung},0",
    ]
    assert len(export_charts(world.centre, TWO).splitlines()) == 1


def test_an_import_changes_what_it_names_and_nothing_else(world: World) -> None:
    make_tags(world)
    set_tag_songs(world.centre, "587", [world.songs["whole"]])
    set_tag_songs(world.centre, "12", [world.songs["whole"]])
    set_songs(world, "whole")
    sung, mix = world.ids("sung only", "mix only")
    report = import_tags(
        world.centre,
        table(TAG_COLUMNS, ["2", "心情", "7", "甜蜜", sung], ["2", "", "7", "", mix], ["2", "", "12", "驾车", ""]),
        file="tags.csv",
    )
    assert (report.is_written, report.counts) == (True, {"groups": 1, "tags": 2, "songs": 2})
    assert [(group.name, [tag.name for tag in group.tags]) for group in world.centre.programme.tag_groups()] == [
        ("心情", ["甜蜜", "驾车"]),
        ("场景", ["学习"]),
    ]
    tagged = [world.centre.programme.tagged(tag_id, None) for tag_id in ("7", "12", "587")]
    assert [[str(song_id) for song_id in songs] for songs in tagged] == [[sung, mix], [], world.ids("whole")]
    given = table(["top_id", "song_id", "vendor_id"], ["6666", mix, 1], [], ["6666", sung, 1])
    assert import_charts(world.centre, given, file="charts.csv").counts == {"charts": 1, "songs": 2}
    assert ids_in(top_songs(world, "6666")) == [mix, sung]
    assert ids_in(top_songs(world, "8888")) == world.ids("whole")


def test_a_chart_with_a_rule_is_counted_and_not_read(world: World) -> None:
    use(world, "whole", 2)
    to_cut_off(world)
    given = table(CHART_COLUMNS, [1, "8888", "", 7, 2, 5, "Asia/Shanghai", 10, "", *world.ids("mix only"), 99])
    assert import_charts(world.centre, given, file="charts.csv").is_written
    assert world.centre.programme.chart("8888", ONE).rule == RULE
    assert uses_in(world) == [("whole", 2)]


def test_a_rehearsal_writes_nothing(world: World) -> None:
    make_tags(world)
    before = export_tags(world.centre), export_charts(world.centre)
    tags = table(TAG_COLUMNS, ["9", "年代", "1", "九零", *world.ids("whole")])
    charts = table((*CHART_COLUMNS[:2], "song_id"), [1, "8888", *world.ids("whole")])
    reports = [
        import_tags(world.centre, tags, file="tags.csv", dry_run=True),
        import_charts(world.centre, charts, file="charts.csv", dry_run=True),
    ]
    assert [(report.findings, report.is_written) for report in reports] == [((), False)] * 2
    assert (export_tags(world.centre), export_charts(world.centre)) == before


def test_every_bad_line_of_a_tag_file_is_found_and_nothing_comes_in(world: World) -> None:
    make_tags(world)
    before = export_tags(world.centre)
    whole = str(world.songs["whole"])
    report = import_tags(
        world.centre,
        table(
            TAG_COLUMNS,
            ["9", "年代", "1", "九零", whole],
            ["9", "年份", "1", "", "5"],
            ["9", "", "1", "八零", whole],
            ["8", "语言", "1", "", ""],
            ["8", "", "", "粤语", ""],
            ["7", "", "2", "", "零"],
            ["", "空", "3", "三", ""],
            ["9", "", "4"],
            ["9", "", "x" * 65, "长", "007"],
        ),
        file="tags.csv",
    )
    found = problems(report)
    assert {finding.file for finding in report.findings} == {"tags.csv"}
    assert [line for line, _ in found] == [3, 3, 4, 4, 5, 6, 7, 7, 7, 8, 9, 10, 10]
    text = "\n".join(f"{line}: {problem}" for line, problem in found)
    for expected in (
        "3: group_name: is '年代' above",
        "3: there is no song 5",
        "4: tag_name: is '九零' above",
        f"4: song {whole} is there twice",
        "5: tag 1 is in group 9 above",
        "6: has a tag's name or a song, but no tag_id",
        "7: group_name: '' must be 1 to 200 characters",
        "7: tag_name: '' must be 1 to 200 characters",
        "7: song_id: '零' is no song id",
        "9: has 3 cells where the head has 5",
        "10: song_id: '007' is no song id",
    ):
        assert expected in text, text
    assert export_tags(world.centre) == before


def test_every_bad_line_of_a_chart_file_is_found_and_nothing_comes_in(world: World) -> None:
    whole, second = world.ids("whole", "of vendor 2")
    report = import_charts(
        world.centre,
        table(
            CHART_COLUMNS,
            [1, "8888", "热门", *[""] * 6, whole, ""],
            [1, "8888", "冷门", *[""] * 6, second, ""],
            [1, "8888", "热门", 7, 1, 0, "UTC", 10, "", "", ""],
            [3, "8888", "热门", *[""] * 6, whole, ""],
            ["一", "8888", "热门", *[""] * 6, whole, ""],
            [1, "6666", "升", 7, 1, 0, "Mars/Olympus", 10, "", "", ""],
            [1, "", "无", *[""] * 6, whole, ""],
            [1, "7", "七", "", 3, "", "", "", "", "", ""],
            [1, "5", "五", 7, "", "", "", "", "listens", "", ""],
        ),
        file="charts.csv",
    )
    text = "\n".join(f"{line}: {problem}" for line, problem in problems(report))
    for expected in (
        "3: name: is '热门' above",
        f"3: song {second} is vendor 2's, not vendor 1's",
        "4: chart 8888 has another rule above",
        "5: vendor_id: there is no vendor 3; there are 1, 2, 4",
        "6: vendor_id: there is no vendor 一; there are 1, 2, 4",
        "7: chart rule: 'Mars/Olympus' is no time zone",
        "8: top_id: '' must be 1 to 64 characters",
        "9: chart rule: Object missing required field `days`",
        "10: chart rule: Invalid enum value 'listens'",
    ):
        assert expected in text, text
    assert world.centre.programme.charts() == []


def test_a_file_that_is_no_table_of_tags_says_where(still_world: World) -> None:
    for raw, line, problem in (
        (b"", None, "is empty"),
        (b"group_id,group_name,tag_id,tag_name\n", 1, "there is no column song_id"),
        (b'group_id,group_name,tag_id,tag_name,song_id\n\n1,"a\nb",,,\n2,"",,,', 3, "no control"),
    ):
        report = import_tags(still_world.centre, raw, file="tags.csv")
        first_line, first = problems(report)[0]
        assert first_line == line
        assert problem in first
    assert still_world.centre.programme.tag_groups() == []


def test_spreadsheets_may_add_their_marks(world: World) -> None:
    raw = "group_id;group_name ; tag_id;tag_name;song_id\r\n 5 ;场景;;;\r\n;;;;\r\n".encode("gb18030")
    report = import_tags(world.centre, raw, file="tags.csv")
    assert report.is_written
    assert [note.action for note in report.notes] == ["read as GB18030"]
    assert [(group.group_id, group.name) for group in world.centre.programme.tag_groups()] == [("5", "场景")]


names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20).filter(
    lambda text: text == text.strip()
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    groups=st.dictionaries(names, st.tuples(names, st.lists(names, max_size=3, unique=True)), max_size=4),
    songs=st.lists(st.sampled_from(["whole", "sung only", "of vendor 2"]), unique=True),
)
def test_any_names_survive_the_table(world: World, groups: dict[str, tuple[str, list[str]]], songs: list[str]) -> None:
    for group in world.centre.programme.tag_groups():
        for tag in group.tags:
            remove_tag(world.centre, tag.tag_id)
        remove_tag_group(world.centre, group.group_id)
    for group_id, (name, tags) in groups.items():
        add_tag_group(world.centre, group_id, name)
        for tag in tags:
            add_tag(world.centre, group_id, tag, f"{tag}!")
            set_tag_songs(world.centre, tag, [world.songs[song] for song in songs])
    exported, held = export_tags(world.centre), world.centre.programme.tag_groups()
    for group in held:
        add_tag_group(world.centre, group.group_id, "?")
        for tag in group.tags:
            set_tag_songs(world.centre, tag.tag_id, [])
    assert import_tags(world.centre, exported.encode(), file="").is_written
    assert export_tags(world.centre) == exported
    assert world.centre.programme.tag_groups() == held


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_an_import_fail_other_than_by_its_findings(still_world: World, raw: bytes) -> None:
    head = ",".join(CHART_COLUMNS).encode()
    for content in (raw, head + b"\n" + raw):
        report = import_charts(still_world.centre, content, file="charts.csv", dry_run=True)
        assert report.findings or report.counts["songs"] == 0
