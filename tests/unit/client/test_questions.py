"""The generated methods."""

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import msgspec
import pytest

import yuefu.client
from yuefu.client.questions import Questions, QuestionsSync
from yuefu.wire.operation import Operation
from yuefu.wire.operations import OPERATIONS

SCRIPT = Path(__file__).parents[3] / "tools/generate_sdk.py"


class SearchParams(msgspec.Struct, frozen=True, kw_only=True):
    keyword: str
    page: Annotated[int, msgspec.Meta(ge=1)] = 1
    filter: list[int] | None = None
    order: Literal["asc", "desc"] = "asc"


class MapParams(msgspec.Struct, frozen=True, kw_only=True):
    words: dict[str, int]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    songs: list[str]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_sdk", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_methods_are_the_declared_operations(generator: ModuleType) -> None:
    assert generator.TARGET.read_text(encoding="utf-8") == generator.render(), "run python tools/generate_sdk.py"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.action)
def test_every_operation_is_a_method_of_both_clients(operation: Operation[msgspec.Struct, msgspec.Struct]) -> None:
    asynchronous, plain = getattr(Questions, operation.method), getattr(QuestionsSync, operation.method)
    assert inspect.iscoroutinefunction(asynchronous)
    assert inspect.signature(asynchronous) == inspect.signature(plain)
    names = {field.name for field in msgspec.structs.fields(operation.params)}
    assert set(inspect.signature(plain).parameters) == names | {"self", "vendor_id", "room_id", "user_id"}
    assert operation.result.__name__ in yuefu.client.__all__


def test_types_and_defaults_are_written_as_declared(generator: ModuleType) -> None:
    search = Operation(action="FindSong", command="/find", params=SearchParams, result=Found, summary="Find it")
    text = generator.render((search,))
    compile(text, "questions.py", "exec")
    assert "from typing import Literal\n" in text
    assert (
        "        keyword: str,\n        page: int = 1,\n        filter: list[int] | None = None,\n"
        "        order: Literal['asc', 'desc'] = 'asc',\n"
    ) in text
    assert "async def find_song(" in text


def test_a_type_it_cannot_write_stops_the_generator(generator: ModuleType) -> None:
    operation = Operation(action="Map", command="/map", params=MapParams, result=Found, summary="")
    with pytest.raises(TypeError, match="teach"):
        generator.render((operation,))
