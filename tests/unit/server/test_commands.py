"""`send_extended_request`: what the commands have of their own beside the Actions."""

import re
from typing import Any

import pytest
from tests.unit.server.conftest import Member, World

from yuefu.music.lyrics import Line, Lyrics, Syllable, Word
from yuefu.server.actions import COMMANDS
from yuefu.server.actions.prelude import _first_sung_ms
from yuefu.units import DAY_MS
from yuefu.wire.dialect import pascal_name

PRELUDE = "/api/get_prelude_end_time"
SONG, ACCOMPANIMENT, CLIP, SEGMENT = range(4)


def send(member: Member, command: str, **params: Any) -> Any:
    return member.call("send_extended_request", command=command, params=params)


def refused(member: Member, command: str, **params: Any) -> tuple[int, str]:
    """The code of a refusal, and the parameter it names."""
    answer = send(member, command, **params)
    assert answer.keys() == {"code", "message", "request_id"}, answer
    return answer["code"], answer["message"].partition(":")[0]


# The end of the prelude.


@pytest.mark.parametrize(
    ("resource_type", "vendor", "end_ms"),
    [(ACCOMPANIMENT, 1, 10_000), (CLIP, 1, 5_000), (SEGMENT, 1, 5_000), (SEGMENT, 2, 0)],
)
def test_the_prelude_ends_where_the_singing_begins(world: World, resource_type: int, vendor: int, end_ms: int) -> None:
    member = world.member()
    song = "whole" if vendor == 1 else "of vendor 2"
    resource = member.resource_id(song, resource_type, vendor_id=vendor)
    assert send(member, PRELUDE, resource_id=resource) == {"prelude_end_time": end_ms}
    assert send(member, PRELUDE, resource_id=resource, vendor_id=vendor) == {"prelude_end_time": end_ms}


def test_lines_alone_say_where_the_singing_begins(world: World) -> None:
    member = world.member()
    assert send(member, PRELUDE, resource_id=member.resource_id("no words", ACCOMPANIMENT)) == {
        "prelude_end_time": 10_000
    }


def test_a_remark_before_the_first_sung_line_is_not_singing() -> None:
    sung = Word(syllables=(Syllable(begin_ms=9_000, duration_ms=500, text="好"),))
    remark = Line(begin_ms=100, end_ms=900, text="作词：甲")
    line = Line(begin_ms=9_000, end_ms=9_500, text="好", words=(sung,))
    assert _first_sung_ms(Lyrics(lines=(remark, line))) == 9_000
    assert _first_sung_ms(Lyrics(lines=(remark,))) == 100


def test_a_session_asks_about_what_it_holds_only(world: World) -> None:
    holder, stranger = world.member(), world.member(user_id="阿明")
    resource = holder.resource_id("whole", ACCOMPANIMENT)
    for resource_id in (resource, "z_1_2", "nonsense", "z_1", resource.replace("_2", "_3")):
        assert refused(stranger, PRELUDE, resource_id=resource_id) == (1017018, "resource_id")


def test_an_original_has_no_prelude(world: World) -> None:
    member = world.member()
    assert refused(member, PRELUDE, resource_id=member.resource_id("whole", SONG)) == (1017020, "resource_id")


def test_a_song_without_lyrics_says_nothing_of_its_prelude(world: World) -> None:
    member = world.member()
    resource = member.resource_id("no highlight", ACCOMPANIMENT)
    assert refused(member, PRELUDE, resource_id=resource) == (1017048, "resource_id")


def test_the_prelude_is_told_while_the_rights_allow_it(world: World) -> None:
    member = world.member()
    resource = member.resource_id("ending", ACCOMPANIMENT)
    world.wait(1_000)
    assert refused(member, PRELUDE, resource_id=resource) == (1017030, "resource_id")


def test_the_prelude_is_not_told_of_a_removed_song(world: World) -> None:
    member = world.member()
    resource = member.resource_id("whole", ACCOMPANIMENT)
    world.remove("whole")
    assert refused(member, PRELUDE, resource_id=resource) == (1017030, "resource_id")


def test_the_prelude_is_told_as_long_as_the_session_lasts(world: World) -> None:
    member = world.member()
    resource = member.resource_id("whole", ACCOMPANIMENT)
    world.wait(DAY_MS)
    assert refused(member, PRELUDE, resource_id=resource)[0] == 1017096


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"resource_id": ""}, (1017004, "resource_id")),
        ({"vendor_id": 1}, (1017004, "resource_id")),
        ({"resource_id": 7}, (1017040, "resource_id")),
        ({"resource_id": "x" * 513}, (1017040, "resource_id")),
        ({"resource_id": "z_1_2", "vendor_id": "1"}, (1017040, "vendor_id")),
        ({"resource_id": "z_1_2", "vendor_id": 3}, (1017071, "vendor_id")),
        ({}, (1017001, "params")),
    ],
)
def test_bad_params_of_the_prelude_are_named(world: World, params: Any, refusal: tuple[int, str]) -> None:
    assert refused(world.member(), PRELUDE, **params) == refusal


def test_the_prelude_has_a_quota(world: World) -> None:
    member = world.member()
    codes = [send(member, PRELUDE, resource_id="z_1_2")["code"] for _ in range(201)]
    assert codes == [1017018] * 200 + [1017097]


def test_a_user_s_flood_is_no_other_user_s_trouble(world: World) -> None:
    flooding, other = world.member(), world.member(user_id="阿明")
    for command in (PRELUDE, "/tag/list"):
        codes = [send(flooding, command, vendor_id=0)["code"] for _ in range(201)]
        assert codes[-1] == 1017097
        assert send(other, command, vendor_id=0).get("code") != 1017097


# Codes that the client side has of its own.


@pytest.mark.parametrize("page", [0, -1, "1", 1.5, None])
def test_a_bad_page_has_its_own_code_in_the_search_across_vendors_only(still_world: World, page: Any) -> None:
    member = still_world.member()
    assert refused(member, "/search/plus", keyword="o", page=page) == (1017074, "page")
    assert refused(member, "/search/song", keyword="o", page=page) == (1017040, "page")
    assert refused(member, "/tag/song", tag_id="1", page=page) == (1017040, "page")
    assert refused(member, "/top/song", top_id="1", page=page) == (1017040, "page")


def test_a_missing_page_is_an_illegal_parameter(still_world: World) -> None:
    member = still_world.member()
    for command in ("/search/plus", "/search/song"):
        assert refused(member, command, keyword="o") == (1017040, "page")


def test_an_unknown_chart_has_its_own_code(still_world: World) -> None:
    assert refused(still_world.member(), "/top/song", top_id="nothing", page=1)[0] == 1017077


@pytest.mark.parametrize("command", ["/nothing", "/tag/list/", "DescribeTags", " /tag/list"])
def test_an_unknown_command_is_told_which_there_are(still_world: World, command: str) -> None:
    answer = send(still_world.member(), command, vendor_id=0)
    assert answer["code"] == 1017040
    assert PRELUDE in answer["message"]
    assert "/tag/list," in answer["message"]


# Refusals in the caller's own words.

SINGLE_SONG = [name for name, action in COMMANDS.items() if "song_id" in action.operation.params.__struct_fields__]
ODD_PARAMS = [
    *((command, {"song_id": song_id}, "song_id") for command in SINGLE_SONG for song_id in ("5", "none", "")),
    ("/song/copyright", {"songs_id": [""]}, "songs_id"),
    ("/song/infos", {"songs_id": ["", ""]}, "songs_id"),
    ("/tag/song", {"tag_id": "none", "page": 1}, "tag_id"),
    ("/top/song", {"top_id": "none", "page": 1}, "top_id"),
    ("/search/song", {"keyword": "o", "page": 1, "filter": [9]}, "filter"),
    ("/search/plus", {"keyword": "o", "page": 1, "items": [1]}, "items"),
    ("/search/plus", {"keyword": "o", "page": 1, "vendors_id": [1, 2], "items": [1]}, "items"),
    ("/search/plus", {"keyword": "o", "page": 1, "vendors_id": [1, 3]}, "vendors_id"),
    ("/search/plus", {"keyword": "o", "page": 1, "vendors_id": [4]}, "vendors_id"),
    ("/search/plus", {"keyword": "o", "page": 1, "keep_vendor": 3}, "keep_vendor"),
    ("/search/plus", {"keyword": "o", "page": 1, "keep_vendor": 4}, "keep_vendor"),
    *((command, {"vendor_id": vendor}, "vendor_id") for command in COMMANDS for vendor in (3, -1)),
    ("/tag/list", {"vendor_id": 4}, "vendor_id"),
    ("/search/tips", {"vendor_id": 4, "keyword": "o"}, "vendor_id"),
]
ODD_JSON = [
    ("/song/infos", {"songs_id": 7}, "songs_id"),
    ("/tag/list", {"vendor_id": "1"}, "vendor_id"),
]


@pytest.mark.parametrize(("command", "params", "parameter"), ODD_PARAMS + ODD_JSON)
def test_a_refusal_names_parameters_as_the_caller_spells_them(
    still_world: World, command: str, params: Any, parameter: str
) -> None:
    message = send(still_world.member(), command, **params)["message"]
    assert message.startswith(f"{parameter}: ")
    foreign = {pascal_name(name) for name in (*COMMANDS[command].operation.params.__struct_fields__, "vendor_id")}
    assert foreign.isdisjoint(re.findall(r"\w+", message)), message


@pytest.mark.parametrize(("command", "params", "parameter"), ODD_PARAMS)
def test_the_action_is_refused_in_the_same_words_but_for_the_spelling(
    still_world: World, command: str, params: Any, parameter: str
) -> None:
    action = COMMANDS[command].operation.action
    said = {pascal_name(name): value for name, value in params.items()}
    message = still_world.ask(Action=action, **{"SongsId[]": None, **said})["Message"]
    assert message.startswith(f"{pascal_name(parameter)}: ")
    assert set(params).isdisjoint(re.findall(r"\w+", message)), message
