"""Every operation at every vendor: who is answered, with which fields, of which types and values, in both dialects."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.unit.server.conftest import open_world
from tests.wire_contract.conftest import LICENSED, PAGE_SIZE, SAMPLES, Asker
from tests.wire_contract.contract import COMMANDS, OPERATIONS, VENDORS, check, contract, named, snake_all

CODES = contract()["codes"]["server"]
VENDOR_INVALID, VENDOR_UNSUPPORTED, VENDOR_NOT_GRANTED, CHART_INVALID = 320040001, 320010014, 320010013, 320040008
ANSWERED = [(operation, vendor) for operation in OPERATIONS for vendor in VENDORS if vendor in operation["vendors"]]
BOTH_WAYS = [(operation, vendor) for operation, vendor in ANSWERED if operation["command"]]


def name_of(value: Any) -> str | None:
    return value["action"] if isinstance(value, dict) else None


def a_vendor(number: int) -> int:
    """The vendor whose songs a question is about when it names `number`, which may be nobody's."""
    return number if number in VENDORS else 1


def pathed(value: Any) -> Any:
    """The same data with addresses of pictures without their host, which is how the caller reached the centre."""
    if isinstance(value, dict):
        return {name: pathed(held) for name, held in value.items()}
    if isinstance(value, list):
        return list(map(pathed, value))
    return urlsplit(value).path if isinstance(value, str) and value.endswith(".jpg") else value


def code_for(operation: dict[str, Any], vendor: int) -> int:
    if vendor not in contract()["vendors"]:
        return VENDOR_INVALID
    return 0 if vendor in operation["vendors"] else VENDOR_UNSUPPORTED


# Who is answered.


@pytest.mark.parametrize("vendor", [0, 1, 2, 4, 3, 99])
@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_an_action_answers_for_the_vendors_that_support_it(
    asker: Asker, operation: dict[str, Any], vendor: int
) -> None:
    answer = asker.action(operation["action"], asker.params(operation, a_vendor(vendor)), vendor=vendor)
    code = code_for(operation, vendor)
    assert answer["Code"] == code
    assert set(answer) == set(contract()["envelope"]["server"]) - ({"Data"} if code else set())
    succeed = operation.get("message", contract()["envelope"]["message_on_success"])
    assert answer["Message"].startswith("VendorId: ") if code else answer["Message"] == succeed


@pytest.mark.parametrize("vendor", [0, 1, 2, 4, 3, 99])
@pytest.mark.parametrize("operation", COMMANDS, ids=name_of)
def test_a_command_answers_for_the_vendors_that_support_it(
    asker: Asker, operation: dict[str, Any], vendor: int
) -> None:
    answer = asker.command(operation["command"], asker.params(operation, a_vendor(vendor)), vendor=vendor)
    code = code_for(operation, vendor)
    assert answer["code"] == (CODES[code]["client"] if code else 0)
    assert set(answer) == set(contract()["envelope"]["client"]) - ({"data"} if code else set())


@pytest.mark.parametrize(("app", "vendor"), [("only 1", 2), ("only 1", 4), ("only 2", 1), ("only 4", 1)])
@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_a_vendor_that_the_app_was_not_granted_is_refused(
    asker: Asker, operation: dict[str, Any], app: str, vendor: int
) -> None:
    answer = asker.action(operation["action"], asker.params(operation, vendor), vendor=vendor, app=app)
    assert answer["Code"] == (VENDOR_NOT_GRANTED if vendor in operation["vendors"] else VENDOR_UNSUPPORTED)
    assert answer["Message"].startswith("VendorId: ")


# Numbered how.

REQUEST_IDS = {
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "decimal": r"[1-9]\d{17}",
}


@pytest.mark.parametrize("vendor", [1, 3])
@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_answers_and_refusals_are_numbered_as_documented(asker: Asker, operation: dict[str, Any], vendor: int) -> None:
    form = operation.get("request_id", contract()["envelope"]["request_id"])
    params = asker.params(operation, 1)
    ids = {asker.action(operation["action"], params, vendor=vendor)["RequestId"] for _ in range(9)}
    assert len(ids) == 9
    assert all(re.fullmatch(REQUEST_IDS[form], request_id) for request_id in ids)


# With which fields.


@pytest.mark.parametrize(("operation", "vendor"), ANSWERED, ids=name_of)
def test_an_answer_has_exactly_the_fields_of_its_vendor(asker: Asker, operation: dict[str, Any], vendor: int) -> None:
    answer = asker.action(operation["action"], asker.params(operation, vendor), vendor=vendor)
    assert answer["Code"] == 0
    assert any(answer["Data"].values())
    check(answer["Data"], operation["result"], vendor=vendor)


@pytest.mark.parametrize(("operation", "vendor"), BOTH_WAYS, ids=name_of)
def test_a_command_answers_the_same_in_snake_case(asker: Asker, operation: dict[str, Any], vendor: int) -> None:
    params = asker.params(operation, vendor)
    data = asker.action(operation["action"], params, vendor=vendor)["Data"]
    answer = asker.command(operation["command"], params, vendor=vendor)
    assert answer["code"] == 0
    assert pathed(answer["data"]) == pathed(snake_all(data))


@pytest.mark.parametrize(("app", "vendor"), [("only 1", 1), ("only 2", 2), ("only 4", 4)])
@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_vendor_0_is_the_default_of_the_app(asker: Asker, operation: dict[str, Any], app: str, vendor: int) -> None:
    """What may be asked goes by the number 0, what is answered by the vendor it stands for."""
    params = asker.params(operation, vendor)
    answer = asker.action(operation["action"], params, vendor=0, app=app)
    unnamed = asker.action(operation["action"], params, app=app)
    if vendor == 4 and "TopId" in params:
        assert answer["Code"] == unnamed["Code"] == CHART_INVALID
        return
    assert answer["Data"] == unnamed["Data"]
    check(answer["Data"], operation["result"], vendor=vendor)
    assert {row["VendorId"] for row in answer["Data"].get("Songs", ())} <= {vendor}


# With which values.

FLAGS = [
    ("DescribeTagSongs", 1, "HasClip", (1, 0)),
    ("DescribeTagSongs", 4, "HasClip", (1, 0)),
    ("DescribeTagSongs", 2, "PitchAbility", (1, 2)),
    ("DescribeTopSongs", 2, "PitchAbility", (1, 2)),
    ("QuerySong", 2, "PitchAbility", (1, 2)),
    ("QuerySong", 2, "HasShortSegment", (1, 2)),
    ("QuerySongPlus", 2, "HasShortSegment", (1, 2)),
    ("QuerySongsInfo", 2, "HasShortSegment", (1, 2)),
    ("QuerySongsInfo", 2, "PitchAbility", (1, 2)),
]


@pytest.mark.parametrize(("action", "vendor", "flag", "said"), FLAGS)
def test_a_flag_says_what_the_song_has(
    asker: Asker, action: str, vendor: int, flag: str, said: tuple[int, int]
) -> None:
    params = asker.params(named(action), vendor)
    pages = (1, 2) if "Page" in params else (None,)
    answers = [asker.action(action, params | {"Page": page}, vendor=vendor) for page in pages]
    flags = {row["SongId"]: row[flag] for answer in answers for row in answer["Data"]["Songs"]}
    assert (flags[asker.song_id("whole", vendor)], flags[asker.song_id("bare", vendor)]) == said


FACTS = [
    ("DescribeAccompanyClipStatus", 1, {"HasClipUrl": 1, "HasShortSegmentUrl": 1}),
    ("DescribeAccompanyClipStatus", 2, {"HasShortSegmentUrl": 1}),
    ("DescribeAccompanyClipInfo", 1, {"SegmentBegin": 60_000, "SegmentEnd": 100_000}),
    ("DescribeAccompanyClipInfo", 4, {"SegmentBegin": 60_000, "SegmentEnd": 100_000}),
    ("DescribeAccompanyClipInfo", 2, {"ShortSegmentBegin": 70_000, "ShortSegmentEnd": 90_000}),
    ("DescribeSongExtra", 1, {"BPM": 61, "BPMType": "1", "Genres": [5, 12]}),
    (
        "DescribeKrcSegment",
        1,
        {
            "Tags": [
                {"Start": 10_000, "End": 12_000, "Tags": ["1"]},
                {"Start": 12_000, "End": 14_000, "Tags": ["2"]},
                {"Start": 14_000, "End": 15_500, "Tags": ["1", "2"]},
            ]
        },
    ),
]
NOTHING = [
    ("DescribeAccompanyClipStatus", 1, {"HasClipUrl": 0, "HasShortSegmentUrl": 0}),
    ("DescribeAccompanyClipStatus", 2, {"HasShortSegmentUrl": 0}),
    ("DescribeAccompanyClipInfo", 1, {}),
    ("DescribeAccompanyClipInfo", 2, {}),
    ("DescribeAccompanyClipInfo", 4, {}),
    ("DescribeSongExtra", 1, {"BPM": 0, "BPMType": "0", "Genres": []}),
    ("DescribeKrcSegment", 1, {"Tags": []}),
]


@pytest.mark.parametrize(
    ("song", "action", "vendor", "facts"),
    [*(("whole", *row) for row in FACTS), *(("bare", *row) for row in NOTHING)],
)
def test_one_song_s_facts(asker: Asker, song: str, action: str, vendor: int, facts: dict[str, Any]) -> None:
    """A number that is not named is 0: what a song or a vendor lacks is said so, not left out (decision G7)."""
    answer = asker.action(action, {"SongId": asker.song_id(song, vendor)}, vendor=vendor)
    assert answer["Data"] == dict.fromkeys(answer["Data"], 0) | facts
    check(answer["Data"], named(action)["result"], vendor=vendor)


@pytest.mark.parametrize("vendor", VENDORS)
def test_line_lyrics_are_lrc_with_its_line_ends(asker: Asker, vendor: int) -> None:
    lyric = asker.action("DescribeSongLyric", {"SongId": asker.song_id("whole", vendor)}, vendor=vendor)["Data"][
        "Lyric"
    ]
    assert "[00:10.00]好花\r\n" in lyric
    assert lyric.count("\n") == lyric.count("\r\n")


@pytest.mark.parametrize("vendor", VENDORS)
def test_batches_answer_in_order_and_once_and_with_zeros_for_no_rights(asker: Asker, vendor: int) -> None:
    names = ["unlicensed", "whole", "bare", "whole"]
    asked = [asker.song_id(name, vendor) for name in names]
    other = asker.song_id("whole", 1 if vendor != 1 else 2)
    answer = asker.action("QuerySongsInfo", {"SongsId": ["no song", *asked, other, "999999999"]}, vendor=vendor)
    rows = answer["Data"]["Songs"]
    assert [row["SongId"] for row in rows] == asked[:3]
    assert [row["Copyright"]["SongLyric"] for row in rows] == [0, 1, 1]


def test_nothing_known_is_an_empty_batch(asker: Asker) -> None:
    assert asker.action("QuerySongsInfo", {"SongsId": ["1", "x"]})["Data"] == {"Songs": []}
    assert asker.action("QuerySongsCopyright", {"SongsId": ["1", "x"]})["Data"] == {"Copyright": []}


# Pages and filters.

PAGED = [(named(action), vendor) for action in ("DescribeTagSongs", "QuerySong", "QuerySongPlus") for vendor in VENDORS]
PAGED += [(named("DescribeTopSongs"), vendor) for vendor in (1, 2)]


def rows_of(asker: Asker, operation: dict[str, Any], vendor: int, **params: Any) -> list[str]:
    answer = asker.action(operation["action"], asker.params(operation, vendor) | params, vendor=vendor)
    assert answer["Code"] == 0, answer
    return [row["SongId"] for row in answer["Data"]["Songs"]]


@pytest.mark.parametrize(("operation", "vendor"), PAGED, ids=name_of)
def test_pages_show_every_usable_song_once_and_then_nothing(
    asker: Asker, operation: dict[str, Any], vendor: int
) -> None:
    pages = [rows_of(asker, operation, vendor, Page=page) for page in (1, 2, 3, 10**9, 2**31 - 1)]
    assert list(map(len, pages)) == [PAGE_SIZE, len(LICENSED) - PAGE_SIZE, 0, 0, 0]
    assert {*pages[0], *pages[1]} == {asker.song_id(name, vendor) for name in LICENSED}
    assert pages[0] == rows_of(asker, operation, vendor, Page=1)


def test_the_operator_says_how_many_songs_a_page_has(contract_folder: Path, tmp_path: Path) -> None:
    with open_world(contract_folder, tmp_path, page_size=7) as world:
        own = Asker(world)
        for operation, vendor in PAGED:
            pages = [rows_of(own, operation, vendor, Page=page) for page in range(1, 6)]
            assert list(map(len, pages)) == [7, 7, 7, len(LICENSED) - 21, 0]
            assert {song for page in pages for song in page} == {own.song_id(name, vendor) for name in LICENSED}


SUNG = {name for name in LICENSED if name != "played only"}
WITH_PARTS = {"whole", "played only", "pure music"}
PASSED = {1: SUNG, 2: set(LICENSED) - {"pure music"}, 3: WITH_PARTS, 4: WITH_PARTS}
FILTERED = [
    (operation, vendor, filters)
    for operation, vendor in PAGED
    for filters in ([1], [2], [3], [4], [1, 3], [1, 3, 4])
    if set(filters) <= set(operation["parameters"]["Filter"]["allowed"])
]


@pytest.mark.parametrize(("operation", "vendor", "filters"), FILTERED, ids=name_of)
def test_filters_all_apply(asker: Asker, operation: dict[str, Any], vendor: int, filters: list[int]) -> None:
    shown = [song for page in (1, 2) for song in rows_of(asker, operation, vendor, Filter=filters, Page=page)]
    passed = set.intersection(*(PASSED[number] for number in filters))
    assert set(shown) == {asker.song_id(name, vendor) for name in passed}


# The search across vendors.


def vendors_of(asker: Asker, **params: Any) -> list[int]:
    answer = asker.action("QuerySongPlus", {"Keyword": "茉莉花", "Page": 1} | params)
    assert answer["Code"] == 0, answer
    return [row["VendorId"] for row in answer["Data"]["Songs"]]


def test_a_recording_that_several_vendors_have_answers_once(asker: Asker) -> None:
    rows = asker.action("QuerySongPlus", {"Keyword": "茉莉花", "Page": 1})["Data"]["Songs"]
    assert [row["SongName"] for row in rows] == ["茉莉花", "茉莉花 (纯音乐)"]
    assert rows[0]["VendorId"] == 1


@pytest.mark.parametrize("keep", VENDORS)
def test_the_row_of_the_vendor_to_keep_stays(asker: Asker, keep: int) -> None:
    assert vendors_of(asker, KeepVendor=keep, VendorsId=[1, 2, 4]) == [keep, keep]


def test_the_vendors_are_those_of_the_app(asker: Asker) -> None:
    answer = asker.action("QuerySongPlus", {"Keyword": "茉莉花", "Page": 1}, app="only 2")
    assert {row["VendorId"] for row in answer["Data"]["Songs"]} == {2}


def test_every_sample_is_somewhere_in_these_tests() -> None:
    assert set(LICENSED) | {"unlicensed"} == set(SAMPLES)
