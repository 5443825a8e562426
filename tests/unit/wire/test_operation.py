"""One declaration, two dialects; and errors that name the parameter."""

from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.wire.codes import Code
from yuefu.wire.dialect import pascal_name, pascal_twin, to_pascal
from yuefu.wire.operation import Operation
from yuefu.wire.operations import OPERATIONS
from yuefu.wire.operations.query_songs_copyright import (
    QUERY_SONGS_COPYRIGHT,
    QuerySongsCopyrightParams,
    SongCopyright,
    SongsCopyright,
)
from yuefu.wire.operations.rows import Copyright
from yuefu.wire.query import parse_query, render_query
from yuefu.wire.refusal import Refusal

SEED = b'{"Copyright":[{"Subright":{"SongLyric":0,"Recording":1,"Channel":0},"Right":1,"SongId":"32593638"}]}'
ANSWER = SongsCopyright(
    copyright=[SongCopyright(subright=Copyright(song_lyric=0, recording=1, channel=0), right=1, song_id="32593638")]
)


class SearchParams(msgspec.Struct, frozen=True, kw_only=True):
    keyword: str
    page: Annotated[int, msgspec.Meta(ge=1)] = 1
    filter: list[int] | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    song_id: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    songs: Annotated[list[Part], msgspec.Meta(max_length=9)]
    best_song: Part | None = None
    bpm_type: str = "0"


SEARCH = Operation(action="FindSong", command="/find", params=SearchParams, result=Found, summary="")


def refusal_of_action(operation: Operation[SearchParams, Found], query: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        operation.parse_action(parse_query(query))
    return caught.value


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("songs_id", "SongsId"),
        ("bpm", "BPM"),
        ("bpm_type", "BPMType"),
        ("has_clip_url", "HasClipUrl"),
        ("tags", "Tags"),
    ],
)
def test_names_have_twins(name: str, twin: str) -> None:
    assert pascal_name(name) == twin


def test_nested_structs_are_twins_wherever_they_are() -> None:
    found = Found(songs=[Part(song_id="1")], best_song=Part(song_id="1"))
    assert msgspec.json.encode(to_pascal(found)) == (
        b'{"Songs":[{"SongId":"1"}],"BestSong":{"SongId":"1"},"BPMType":"0"}'
    )


def test_a_twin_is_made_once() -> None:
    assert pascal_twin(Found) is pascal_twin(Found)


def test_the_documented_answer_is_written_and_read() -> None:
    assert msgspec.json.decode(QUERY_SONGS_COPYRIGHT.render_action(ANSWER)) == msgspec.json.decode(SEED)
    assert QUERY_SONGS_COPYRIGHT.read_action(SEED) == ANSWER
    assert msgspec.json.decode(QUERY_SONGS_COPYRIGHT.render_command(ANSWER), type=SongsCopyright) == ANSWER


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=20))
def test_what_a_caller_asks_is_what_is_understood(songs_id: list[str]) -> None:
    params = QuerySongsCopyrightParams(songs_id=songs_id)
    query = render_query(QUERY_SONGS_COPYRIGHT.action_query(params)).encode()
    assert QUERY_SONGS_COPYRIGHT.parse_action(parse_query(query)) == params
    assert QUERY_SONGS_COPYRIGHT.parse_command({"songs_id": songs_id}) == params


def test_parameters_at_their_default_are_not_sent() -> None:
    assert SEARCH.action_query(SearchParams(keyword="茉莉")) == {"Keyword": "茉莉"}
    assert SEARCH.action_query(SearchParams(keyword="茉莉", page=2, filter=[1, 3])) == {
        "Keyword": "茉莉",
        "Page": "2",
        "Filter": ["1", "3"],
    }


def test_numbers_and_optional_lists_are_read_from_text() -> None:
    params = SEARCH.parse_action(parse_query(b"Keyword=a&Page=2&Filter[]=1&Filter[]=3"))
    assert params == SearchParams(keyword="a", page=2, filter=[1, 3])


def test_unknown_parameters_are_ignored() -> None:
    assert SEARCH.parse_action(parse_query(b"Keyword=a&Colour=red")) == SearchParams(keyword="a")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (b"", "Keyword"),
        (b"Keyword=a&Keyword=b", "Keyword"),
        (b"Keyword=a&Page=0", "Page"),
        (b"Keyword=a&Page=one", "Page"),
        (b"Keyword=a&Filter[]=1&Filter[]=x", "Filter"),
    ],
)
def test_the_server_api_names_the_parameter_at_fault_its_way(query: bytes, name: str) -> None:
    refused = refusal_of_action(SEARCH, query)
    assert refused.code is (Code.PAGE_INVALID if name == "Page" else Code.ILLEGAL_PARAMETER)
    assert refused.message.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({}, "keyword"),
        ({"keyword": 7}, "keyword"),
        ({"keyword": "a", "page": "2"}, "page"),
        ({"keyword": "a", "page": 0}, "page"),
        ({"keyword": "a", "filter": [1, "x"]}, "filter"),
        ([], "params"),
        (None, "params"),
        ("keyword", "params"),
    ],
    ids=str,
)
def test_the_client_api_names_the_parameter_at_fault_its_way(params: object, name: str) -> None:
    with pytest.raises(Refusal) as caught:
        SEARCH.parse_command(params)
    assert caught.value.code is (Code.PAGE_INVALID if name == "page" else Code.ILLEGAL_PARAMETER)
    assert caught.value.message.startswith(f"{name}: ")


def test_ids_are_counted_raw_up_to_twenty() -> None:
    assert len(QUERY_SONGS_COPYRIGHT.parse_action({"SongsId": ["1"] * 20}).songs_id) == 20
    for songs_id in ([], ["1"] * 21):
        with pytest.raises(Refusal, match="SongsId: "):
            QUERY_SONGS_COPYRIGHT.parse_action({"SongsId": songs_id})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.action)
def test_every_operation_has_names_of_its_own(operation: Operation[msgspec.Struct, msgspec.Struct]) -> None:
    assert sum(other.action == operation.action for other in OPERATIONS) == 1
    assert sum(other.command == operation.command for other in OPERATIONS) == 1
    assert pascal_name(operation.method) == operation.action
    assert operation.command is None or operation.command.startswith("/")
