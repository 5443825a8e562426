"""Whatever is sent: the documented code, and a Message that names the parameter."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from tests.wire_contract.conftest import Asker
from tests.wire_contract.contract import COMMANDS, OPERATIONS, contract, named, snake

ILLEGAL = 320000004
PAGE_INVALID, SONG_INVALID, CHART_INVALID = 320040005, 320040004, 320040008
CODES = contract()["codes"]["server"]
PARAMETERS = [(operation, name) for operation in OPERATIONS for name in operation["parameters"]]
COMMAND_PARAMETERS = [(operation, name) for operation in COMMANDS for name in operation["parameters"]]


def kind(operation: dict[str, Any], name: str) -> str:
    found: str = operation["parameters"][name]["type"]
    return found


def name_of(value: Any) -> str | None:
    return value["action"] if isinstance(value, dict) else None


def refusal(answer: Any) -> tuple[int, str]:
    """The code, and the parameter that the Message names."""
    assert set(answer) == {"Code", "Message", "RequestId"}, answer
    return answer["Code"], answer["Message"].partition(":")[0]


def ask(asker: Asker, operation: dict[str, Any], **changes: Any) -> Any:
    return asker.action(operation["action"], asker.params(operation, 1) | changes, vendor=1)


def ask_raw(asker: Asker, operation: dict[str, Any], raw: str, *, without: str) -> Any:
    """The question with one parameter spelled as `raw`, byte by byte."""
    asker.world.wait(20)
    own = {name: value for name, value in asker.params(operation, 1).items() if name != without}
    changes = {f"{name}[]" if isinstance(value, list) else name: value for name, value in own.items()}
    query = asker.world.query(**({"Action": operation["action"], "VendorId": 1, "SongsId[]": None} | changes))
    return asker.world.answer(query + f"&{raw}".encode())


# In the query string.


@pytest.mark.parametrize(("operation", "name"), PARAMETERS, ids=name_of)
def test_a_missing_parameter_is_named_if_it_is_required(asker: Asker, operation: dict[str, Any], name: str) -> None:
    answer = ask(asker, operation, **{name: None})
    if operation["parameters"][name]["required"]:
        assert refusal(answer) == (ILLEGAL, name)
    else:
        assert answer["Code"] == 0


@pytest.mark.parametrize(("operation", "name"), PARAMETERS, ids=name_of)
def test_an_empty_parameter_is_named(asker: Asker, operation: dict[str, Any], name: str) -> None:
    answer = ask_raw(asker, operation, f"{name}=", without=name)
    assert refusal(answer) == (PAGE_INVALID if name == "Page" else ILLEGAL, name)


@pytest.mark.parametrize(
    ("operation", "name"), [row for row in PARAMETERS if not kind(*row).startswith("list")], ids=name_of
)
def test_a_repeated_parameter_is_named(asker: Asker, operation: dict[str, Any], name: str) -> None:
    given = asker.params(operation, 1).get(name, 1)
    answer = ask_raw(asker, operation, f"{name}={quote(str(given))}&{name}={quote(str(given))}", without=name)
    assert refusal(answer) == (ILLEGAL, name)


NO_NUMBERS = ["abc", "1.5", "1.0", "+1", "１", "0x1", "1e3", "1_0", " 1", "1 ", "true", "null", "١", "1,2", "-", "--1"]


@pytest.mark.parametrize("text", NO_NUMBERS)
@pytest.mark.parametrize(("operation", "name"), [row for row in PARAMETERS if "integer" in kind(*row)], ids=name_of)
def test_what_is_no_whole_number_is_named(asker: Asker, operation: dict[str, Any], name: str, text: str) -> None:
    answer = ask_raw(asker, operation, f"{name}={quote(text)}", without=name)
    assert refusal(answer) == (PAGE_INVALID if name == "Page" else ILLEGAL, name)
    assert answer["Message"] == f"{name}: must be a whole number"


PAGED = [row for row in OPERATIONS if "Page" in row["parameters"]]
FAR_PAGES = [2**31, 2**63, 10**18, 2**70, 10**400]


@pytest.mark.parametrize("page", [0, -1, -(10**9), -(2**63), -(10**30)])
@pytest.mark.parametrize("operation", PAGED, ids=name_of)
def test_a_page_that_cannot_be_has_its_own_code(asker: Asker, operation: dict[str, Any], page: int) -> None:
    answer = ask(asker, operation, Page=page)
    assert refusal(answer) == (PAGE_INVALID, "Page")
    assert answer["Message"] == "Page: must be at least 1"


@pytest.mark.parametrize("page", [*FAR_PAGES, "9" * 10_000])
@pytest.mark.parametrize("operation", PAGED, ids=name_of)
def test_a_page_past_the_end_is_empty_however_far(asker: Asker, operation: dict[str, Any], page: Any) -> None:
    assert ask(asker, operation, Page=page)["Data"] == {"Songs": []}
    params = asker.params(operation, 1) | {"Action": operation["action"], "Page": None}
    assert post(asker, f'{{"Page": {page}}}'.encode(), "application/json", **params)["Data"] == {"Songs": []}


@pytest.mark.parametrize("page", FAR_PAGES)
@pytest.mark.parametrize("operation", PAGED, ids=name_of)
def test_a_command_s_page_past_the_end_is_empty_however_far(asker: Asker, operation: dict[str, Any], page: int) -> None:
    answer = asker.command(operation["command"], asker.params(operation, 1) | {"Page": page}, vendor=1)
    assert answer["data"] == {"songs": []}


def test_a_page_is_the_same_with_zeros_before_it(asker: Asker) -> None:
    operation = named("QuerySong")
    expected = ask(asker, operation, Page=1)["Data"]
    for page in ("01", "0" * 40 + "1"):
        assert ask(asker, operation, Page=page)["Data"] == expected


@pytest.mark.parametrize(("name", "code"), [("KeepVendor", ILLEGAL), ("VendorsId", 320040001), ("Items", ILLEGAL)])
def test_a_huge_number_is_none_that_there_is(asker: Asker, name: str, code: int) -> None:
    answer = ask_raw(asker, named("QuerySongPlus"), f"{name}={'9' * 30}", without=name)
    assert refusal(answer) == (code, name)
    assert "whole number" not in answer["Message"]


@pytest.mark.parametrize("number", [0, -1, 5, 99, 10**12])
@pytest.mark.parametrize("operation", [row for row in OPERATIONS if "Filter" in row["parameters"]], ids=name_of)
def test_a_filter_that_is_not_listed_is_named(asker: Asker, operation: dict[str, Any], number: int) -> None:
    assert refusal(ask(asker, operation, Filter=[1, number])) == (ILLEGAL, "Filter")


def test_a_filter_is_listed_or_not_by_operation(asker: Asker) -> None:
    for operation in OPERATIONS:
        if "Filter" in operation["parameters"] and 2 not in operation["parameters"]["Filter"]["allowed"]:
            assert refusal(ask(asker, operation, Filter=[2])) == (ILLEGAL, "Filter")


@pytest.mark.parametrize("operation", [named("QuerySongsInfo"), named("QuerySongsCopyright")], ids=name_of)
def test_a_batch_may_be_as_long_as_documented_and_no_longer(asker: Asker, operation: dict[str, Any]) -> None:
    limit = operation["parameters"]["SongsId"]["max_items"]
    song = asker.song_id("whole", 1)
    assert ask(asker, operation, SongsId=[song] * limit)["Code"] == 0
    answer = ask(asker, operation, SongsId=[song] * (limit + 1))
    assert refusal(answer) == (ILLEGAL, "SongsId")
    assert answer["Message"] == f"SongsId: must have at most {limit} items"


def test_a_text_s_length_counts_characters(asker: Asker) -> None:
    assert ask(asker, named("QueryTips"), Keyword="茉" * 129)["Message"] == (
        "Keyword: must have at most 128 characters"
    )
    assert ask(asker, named("QueryTips"), Keyword="")["Message"] == "Keyword: must have at least 1 character"


def test_numbered_lists_pair_by_their_numbers(asker: Asker) -> None:
    operation = named("QuerySongPlus")
    plain = ask_raw(asker, operation, "VendorsId[]=1&VendorsId[]=2&Items[]=3&Items[]=1", without="VendorsId")
    mixed = ask_raw(asker, operation, "Items[1]=1&VendorsId[1]=2&VendorsId[0]=1&Items[0]=3", without="VendorsId")
    assert [row["VendorId"] for row in plain["Data"]["Songs"][:5]] == [1, 1, 1, 2, 1]
    assert mixed["Data"] == plain["Data"]


def test_a_numbered_batch_answers_in_the_order_of_its_numbers(asker: Asker) -> None:
    whole, bare = asker.song_id("whole", 1), asker.song_id("bare", 1)
    raw = f"SongsId%5B10%5D={bare}&SongsId%5B2%5D={whole}"
    rows = ask_raw(asker, named("QuerySongsInfo"), raw, without="SongsId")["Data"]["Songs"]
    assert [row["SongId"] for row in rows] == [whole, bare]


HUGE = "茉" * 30_000
NOT_UTF8 = ["%ff", "%e8%8c", "%c0%80", "%ed%a0%80", "%f8%88%80%80%80"]
CONTROLS = ["\x00", "a\x00b", "\x1b[31m", "\r\nSet-Cookie: a=b", "\x7f", "\u0085", "\u202e", "\ufeff"]


@pytest.mark.parametrize(("operation", "name"), PARAMETERS, ids=name_of)
def test_a_huge_text_is_refused_by_name_or_no_song(asker: Asker, operation: dict[str, Any], name: str) -> None:
    answer = ask_raw(asker, operation, f"{name}={quote(HUGE)}", without=name)
    if name == "SongsId":  # an id like any that is nobody's
        assert not any(answer["Data"].values())
    else:
        assert refusal(answer) == (PAGE_INVALID if name == "Page" else ILLEGAL, name)
        assert len(answer["Message"]) < 500


@pytest.mark.parametrize("raw", NOT_UTF8)
@pytest.mark.parametrize(("operation", "name"), PARAMETERS, ids=name_of)
def test_what_is_not_utf8_is_named(asker: Asker, operation: dict[str, Any], name: str, raw: str) -> None:
    assert refusal(ask_raw(asker, operation, f"{name}={raw}", without=name)) == (ILLEGAL, name)


NOBODY = {"SongId": SONG_INVALID, "TopId": CHART_INVALID, "TagId": ILLEGAL}


@pytest.mark.parametrize("text", CONTROLS)
@pytest.mark.parametrize(("operation", "name"), [row for row in PARAMETERS if "string" in kind(*row)], ids=name_of)
def test_control_characters_find_nothing(asker: Asker, operation: dict[str, Any], name: str, text: str) -> None:
    answer = ask_raw(asker, operation, f"{name}={quote(text)}", without=name)
    if name in NOBODY:
        assert refusal(answer) == (NOBODY[name], name)
    else:
        assert answer["Code"] == 0
        assert not any(answer["Data"].values())


IDS = [
    "0",
    "-1",
    "007",
    "+100000001",
    "100000001.0",
    "１００",
    "1 OR 1=1",
    "'; DROP TABLE songs;--",
    "9" * 60,
    "*",
    "茉莉",
]


@pytest.mark.parametrize("text", IDS)
@pytest.mark.parametrize(("operation", "name"), [row for row in PARAMETERS if row[1] in NOBODY], ids=name_of)
def test_an_id_that_is_nobody_s_has_its_code(asker: Asker, operation: dict[str, Any], name: str, text: str) -> None:
    assert refusal(ask(asker, operation, **{name: text})) == (NOBODY[name], name)


@pytest.mark.parametrize("operation", [row for row in OPERATIONS if "SongId" in row["parameters"]], ids=name_of)
def test_a_song_of_another_vendor_is_none_of_this_one_s(asker: Asker, operation: dict[str, Any]) -> None:
    assert refusal(ask(asker, operation, SongId=asker.song_id("whole", 2))) == (SONG_INVALID, "SongId")


KEYWORDS = [
    "' OR 1=1 --",
    "'; DROP TABLE songs; --",
    '" OR ""="',
    "%",
    "_",
    "\\",
    "`",
    "NULL",
    "茉莉 AND",
    "OR",
    "NOT 茉莉",
    "NEAR(茉莉 花)",
    "茉莉*",
    "^茉莉",
    "tokens:茉莉",
    "{tokens} : 茉莉",
    '"茉莉',
    '茉莉"',
    "(茉莉",
    "茉莉)",
    "-茉莉",
    "+茉莉",
    "茉莉 OR 花",
    "*",
    '""',
    "§m",
    "¶1",
    "¶2",
    "\U0010ffff",
    "👩‍👩‍👧",
    "e\u0301",
    "ﾃｽﾄ",
    "𠀀",
    "%00",
    "%27",
    "a" * 128,
    "茉" * 128,
]


@pytest.mark.parametrize("keyword", KEYWORDS)
@pytest.mark.parametrize("action", ["QueryTips", "QuerySong", "QuerySongPlus"])
def test_no_keyword_is_an_operator(asker: Asker, action: str, keyword: str) -> None:
    operation = named(action)
    answer = ask(asker, operation, Keyword=keyword)
    assert answer["Code"] == 0
    for row in answer["Data"].get("Songs", ()):
        assert row["VendorId"] == 1


@pytest.mark.parametrize("keyword", ["tokens:茉莉", "茉莉 OR 花", "NOT 茉莉", "¶1", "-茉莉曲", "茉莉花 NEAR 夜"])
def test_what_looks_like_an_operator_is_looked_for_as_text(asker: Asker, keyword: str) -> None:
    found = ask(asker, named("QuerySong"), Keyword=keyword)["Data"]["Songs"]
    assert all(row["SongName"].startswith("茉莉曲") for row in found), keyword


def test_a_search_still_finds_what_it_should_after_all_that(asker: Asker) -> None:
    names = [row["SongName"] for row in ask(asker, named("QuerySong"), Keyword="茉莉花")["Data"]["Songs"]]
    assert names == ["茉莉花", "茉莉花 (纯音乐)"]


UNEQUAL = [
    {"VendorsId": [1, 2], "Items": [1]},
    {"VendorsId": [1], "Items": [1, 2]},
    {"VendorsId": None, "Items": [1]},
    {"VendorsId": [1], "Items": [0]},
    {"VendorsId": [1], "Items": [-1]},
    {"VendorsId": [1], "Items": [1001]},
]


@pytest.mark.parametrize("params", UNEQUAL, ids=str)
def test_items_pair_with_vendors(asker: Asker, params: dict[str, Any]) -> None:
    assert refusal(ask(asker, named("QuerySongPlus"), **params)) == (ILLEGAL, "Items")


@pytest.mark.parametrize("vendor", [3, 99, -1])
def test_a_vendor_to_search_must_be_one(asker: Asker, vendor: int) -> None:
    assert refusal(ask(asker, named("QuerySongPlus"), VendorsId=[1, vendor])) == (320040001, "VendorsId")


@pytest.mark.parametrize("vendor", [3, 99])
def test_a_vendor_to_keep_must_be_one(asker: Asker, vendor: int) -> None:
    assert refusal(ask(asker, named("QuerySongPlus"), KeepVendor=vendor)) == (320040001, "KeepVendor")


def test_a_vendor_to_search_must_be_granted(asker: Asker) -> None:
    params = {"Keyword": "茉莉", "Page": 1, "VendorsId": [1, 2]}
    assert refusal(asker.action("QuerySongPlus", params, app="only 1")) == (320010013, "VendorsId")


# In a body.

QUESTION = named("QuerySongsInfo")


def post(asker: Asker, body: bytes, content_type: str, **changes: Any) -> Any:
    """A POST over HTTP whose common parameters are in the query string, as they have to be."""
    asker.world.wait(20)
    query = asker.world.query(**({"Action": QUESTION["action"], "VendorId": 1, "SongsId[]": None} | changes)).decode()
    headers = {"content-type": content_type} if content_type else {}
    reply = asker.world.http().post(f"/?{query}", content=body, headers=headers)
    assert reply.status_code == 200
    return reply.json()


FORM = "application/x-www-form-urlencoded"
TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "text/plain",
    "text/html",
    "nonsense",
    "",
]


@pytest.mark.parametrize("content_type", TYPES)
def test_a_json_object_is_read_whatever_it_is_called(asker: Asker, content_type: str) -> None:
    song = asker.song_id("whole", 1)
    for body in ({"SongsId": [song]}, {"SongsId": [int(song)]}, {"SongsId": song}):
        answer = post(asker, json.dumps(body).encode(), content_type)
        assert [row["SongId"] for row in answer["Data"]["Songs"]] == [song]


@pytest.mark.parametrize("body", ["SongsId[]={0}", "SongsId%5B%5D={0}", "SongsId={0}&SongsId={0}", "SongsId[0]={0}"])
def test_a_form_is_read(asker: Asker, body: str) -> None:
    song = asker.song_id("whole", 1)
    answer = post(asker, body.format(song).encode(), FORM)
    assert [row["SongId"] for row in answer["Data"]["Songs"]] == [song]


def test_the_query_string_wins(asker: Asker) -> None:
    whole, bare = asker.song_id("whole", 1), asker.song_id("bare", 1)
    answer = post(asker, json.dumps({"SongsId": [bare]}).encode(), "application/json", **{"SongsId[]": [whole]})
    assert [row["SongId"] for row in answer["Data"]["Songs"]] == [whole]


MULTIPART = b'--b\r\nContent-Disposition: form-data; name="SongsId"\r\n\r\n100000001\r\n--b--\r\n'
BODIES = [
    (b"{", "application/json"),
    (b"null", "application/json"),
    (b"[]", "application/json"),
    (b'"SongsId"', "application/json"),
    (b'{"SongsId": "\\ud800"}', "application/json"),
    (b"[" * 60_000, "application/json"),
    (b'{"a": ' + b"[" * 60_000, "application/json"),
    (b"\x00" * 100, "application/json"),
    (b" " * 70_000, "application/json"),
    (b"<a/>", "application/xml"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (MULTIPART, "multipart/form-data; boundary=b"),
]


@pytest.mark.parametrize(("body", "content_type"), BODIES)
def test_a_body_that_cannot_be_read_is_an_illegal_parameter(asker: Asker, body: bytes, content_type: str) -> None:
    assert refusal(post(asker, body, content_type)) == (ILLEGAL, "body")


WRONG_IN_BODIES: dict[str, list[str]] = {
    "string": ["1.5", "true", "null", "{}", "[]", '["a"]'],
    "integer": ["1.5", "1.0", "1e3", '"1.0"', '""', '"a"', "true", "null", "{}", "[]", "[1]"],
    "list of string": ["1.5", "true", "null", "{}", "[[1]]", "[1.5]", "[null]", '["a", true]', '{"0": "a"}'],
    "list of integer": ["1.5", "true", "{}", "[[1]]", "[1.5]", "[null]", '["a"]', "[1, 1.0]"],
}


@pytest.mark.parametrize(
    ("operation", "name", "value"),
    [(*row, value) for row in PARAMETERS for value in WRONG_IN_BODIES[kind(*row)]],
    ids=lambda value: value["action"] if isinstance(value, dict) else value,
)
def test_what_is_of_the_wrong_kind_in_a_body_is_named(
    asker: Asker, operation: dict[str, Any], name: str, value: str
) -> None:
    given = {key: json.dumps(held) for key, held in asker.params(operation, 1).items()} | {name: value}
    body = f"{{{', '.join(f'{json.dumps(key)}: {held}' for key, held in given.items())}}}".encode()
    answer = post(asker, body, "application/json", Action=operation["action"])
    if value == "null" and not operation["parameters"][name]["required"]:
        assert answer["Code"] == 0
    else:
        assert refusal(answer) == (PAGE_INVALID if name == "Page" else ILLEGAL, name)


@pytest.mark.parametrize("name", ["Filter", "VendorsId", "KeepVendor", "Items"])
def test_null_is_as_good_as_absent_in_a_body(asker: Asker, name: str) -> None:
    given = {"Keyword": "茉莉", "Page": 1}
    bodies = [json.dumps(body).encode() for body in (given, given | {name: None})]
    answers = [post(asker, body, "application/json", Action="QuerySongPlus") for body in bodies]
    assert answers[0]["Data"] == answers[1]["Data"]


@pytest.mark.parametrize("value", ["null", "true", "1.5", "{}", '{"a": [null]}', "[[]]", "9" * 5_000, '"\\u0000"'])
def test_what_is_no_parameter_is_left_alone_in_a_body(asker: Asker, value: str) -> None:
    song = asker.song_id("whole", 1)
    answer = post(asker, f'{{"Colour": {value}, "SongsId": ["{song}"], "Page": {value}}}'.encode(), "application/json")
    assert [row["SongId"] for row in answer["Data"]["Songs"]] == [song]


def test_what_the_query_string_says_is_not_looked_at_in_a_body(asker: Asker) -> None:
    song = asker.song_id("whole", 1)
    answer = post(asker, b'{"SongsId": {}}', "application/json", **{"SongsId[]": [song]})
    assert [row["SongId"] for row in answer["Data"]["Songs"]] == [song]


def test_json_that_is_not_utf8_names_the_parameter(asker: Asker) -> None:
    assert refusal(post(asker, b'{"SongsId": "\xff"}', "application/json")) == (ILLEGAL, "SongsId")


def test_a_form_that_is_not_utf8_names_the_parameter(asker: Asker) -> None:
    assert refusal(post(asker, b"SongsId=%ff", FORM)) == (ILLEGAL, "SongsId")


@pytest.mark.parametrize("content_type", [*TYPES, FORM, "multipart/form-data"])
def test_without_a_body_the_parameter_is_missing(asker: Asker, content_type: str) -> None:
    assert refusal(post(asker, b"", content_type)) == (ILLEGAL, "SongsId")


# In a command.

WRONG: dict[str, list[Any]] = {
    "string": [1, 1.5, True, [], {}, ["a"], "x" * 1_000],
    "integer": ["1", "abc", 1.5, True, [], {}, -(2**70)],
    "list of string": ["a", 1, {}, [1], [None], [["a"]], [True]],
    "list of integer": ["1", 1, {}, ["1"], [1.5], [None], [[1]], [True]],
}
WRONG_IN_COMMANDS = [
    (operation, name, value) for operation, name in COMMAND_PARAMETERS for value in WRONG[kind(operation, name)]
]


@pytest.mark.parametrize(
    ("operation", "name", "value"),
    WRONG_IN_COMMANDS,
    ids=lambda value: value["action"] if "action" in str(value) else repr(value)[:20],
)
def test_a_command_s_parameter_of_the_wrong_type_is_named(
    asker: Asker, operation: dict[str, Any], name: str, value: Any
) -> None:
    answer = asker.command(operation["command"], asker.params(operation, 1) | {name: value}, vendor=1)
    code = PAGE_INVALID if name == "Page" else ILLEGAL
    assert answer["code"] == operation.get("client_codes", {}).get(code, CODES[code]["client"])
    assert answer["message"].partition(":")[0] == snake(name)


@pytest.mark.parametrize(("operation", "name"), COMMAND_PARAMETERS, ids=name_of)
def test_a_command_s_missing_parameter_is_named(asker: Asker, operation: dict[str, Any], name: str) -> None:
    params = asker.params(operation, 1)
    params.pop(name, None)
    answer = asker.command(operation["command"], params, vendor=1)
    if operation["parameters"][name]["required"]:
        assert answer["code"] == CODES[ILLEGAL]["client"]
        assert answer["message"].partition(":")[0] == snake(name)
    else:
        assert answer["code"] == 0


NOWHERE = [
    ("DescribeTagSongs", "TagId", "999", ILLEGAL),
    ("DescribeTopSongs", "TopId", "999", CHART_INVALID),
    ("DescribeSongExtra", "SongId", "999", SONG_INVALID),
    ("QuerySongsInfo", "SongsId", [""], ILLEGAL),
    ("QuerySongsInfo", "SongsId", [], ILLEGAL),
    ("QuerySongsCopyright", "SongsId", ["1"] * 21, ILLEGAL),
    ("QuerySongPlus", "Items", [1, 2], ILLEGAL),
    ("QuerySongPlus", "Items", [], ILLEGAL),
    ("QuerySongPlus", "VendorsId", [], ILLEGAL),
    ("QuerySongPlus", "VendorsId", [3], 320040001),
]


@pytest.mark.parametrize(("action", "name", "value", "code"), NOWHERE)
def test_what_a_command_cannot_find_is_named(asker: Asker, action: str, name: str, value: Any, code: int) -> None:
    operation = named(action)
    answer = asker.command(operation["command"], asker.params(operation, 1) | {name: value}, vendor=1)
    assert answer["code"] == CODES[code]["client"]
    assert snake(answer["message"].partition(":")[0]) == snake(name)


@pytest.mark.parametrize("value", ["1", "", 1.5, True, [1], {}, "abc"])
def test_a_command_s_vendor_is_a_whole_number(asker: Asker, value: Any) -> None:
    answer = asker.command("/search/tips", {"keyword": "茉莉"}, vendor=value)
    assert answer["code"] == CODES[ILLEGAL]["client"]
    assert answer["message"].startswith("vendor_id: ")


@pytest.mark.parametrize(
    ("command", "params", "code"),
    [
        ("", {"a": 1}, 1017000),
        ("/nothing", {"a": 1}, 1017040),
        ("DescribeTags", {"a": 1}, 1017040),
    ],
)
def test_a_command_that_there_is_not(asker: Asker, command: str, params: dict[str, Any], code: int) -> None:
    assert asker.command(command, params)["code"] == code


def test_a_command_without_required_parameters_needs_none(asker: Asker) -> None:
    for operation in COMMANDS:
        needs = any(parameter["required"] for parameter in operation["parameters"].values())
        assert asker.command(operation["command"], {})["code"] == (1017001 if needs else 0)


@pytest.mark.parametrize("params", [None, ""])
@pytest.mark.parametrize("command", [*(row["command"] for row in COMMANDS), *contract()["client_only"], "/nothing"])
def test_empty_params_are_told_so(asker: Asker, command: str, params: str | None) -> None:
    asker.world.wait(20)
    member = asker.member()
    given = {} if params is None else {"params": params}
    assert member.call("send_extended_request", command=command, **given)["code"] == 1017001


@pytest.mark.parametrize("params", ["a", "{}", 1, True, [], [{}]])
def test_params_that_are_no_object_are_illegal(asker: Asker, params: Any) -> None:
    asker.world.wait(20)
    answer = asker.member().call("send_extended_request", command="/tag/list", params=params)
    assert (answer["code"], answer["message"]) == (1017040, "params: must be an object of named values")
