"""The generated methods."""

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import msgspec
import pytest

import yuefu.client
from yuefu.client.questions import Commands, CommandsSync, Questions, QuestionsSync
from yuefu.wire.meanings import field_meanings, shapes_in
from yuefu.wire.operation import Operation, SessionCommand
from yuefu.wire.operations import DESCRIBE_SONG_LYRIC, OPERATIONS, SESSION_COMMANDS
from yuefu.wire.vendor import DEFAULT_VENDOR, documented_profiles

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
def test_every_operation_is_a_method_of_both_signed_clients(
    operation: Operation[msgspec.Struct, msgspec.Struct],
) -> None:
    asynchronous, plain = getattr(Questions, operation.method), getattr(QuestionsSync, operation.method)
    assert inspect.iscoroutinefunction(asynchronous)
    assert inspect.signature(asynchronous) == inspect.signature(plain)
    names = {field.name for field in msgspec.structs.fields(operation.params)}
    assert set(inspect.signature(plain).parameters) == names | {"self", "vendor_id", "room_id", "user_id"}
    assert operation.result.__name__ in yuefu.client.__all__


COMMANDS = [operation for operation in OPERATIONS if operation.command]


@pytest.mark.parametrize("operation", COMMANDS, ids=lambda operation: operation.action)
def test_every_command_is_the_same_method_of_both_session_clients(
    operation: Operation[msgspec.Struct, msgspec.Struct],
) -> None:
    asynchronous, plain = getattr(Commands, operation.method), getattr(CommandsSync, operation.method)
    assert inspect.iscoroutinefunction(asynchronous)
    assert inspect.signature(asynchronous) == inspect.signature(plain)
    names = {field.name for field in msgspec.structs.fields(operation.params)}
    vendor = set() if operation.names_vendors else {"vendor_id"}
    assert set(inspect.signature(plain).parameters) == names | {"self"} | vendor
    signed = inspect.signature(getattr(QuestionsSync, operation.method))
    assert inspect.signature(plain).return_annotation is signed.return_annotation is operation.result
    for name in names:
        assert inspect.signature(plain).parameters[name] == signed.parameters[name]


@pytest.mark.parametrize("command", SESSION_COMMANDS, ids=lambda command: command.command)
def test_what_only_a_session_can_ask_is_a_method_of_session_clients_only(
    command: SessionCommand[msgspec.Struct, msgspec.Struct],
) -> None:
    asynchronous, plain = getattr(Commands, command.name), getattr(CommandsSync, command.name)
    assert inspect.iscoroutinefunction(asynchronous)
    assert inspect.signature(asynchronous) == inspect.signature(plain)
    names = {field.name for field in msgspec.structs.fields(command.params)}
    assert set(inspect.signature(plain).parameters) == names | {"self"}
    assert inspect.signature(plain).return_annotation is command.result
    assert command.result.__name__ in yuefu.client.__all__
    assert not hasattr(Questions, command.name)


def test_what_must_be_given_has_no_default() -> None:
    parameters = inspect.signature(CommandsSync.get_prelude_end_time).parameters
    assert parameters["resource_id"].default is inspect.Parameter.empty
    assert parameters["vendor_id"].default == 0


def test_what_is_no_command_is_no_method_of_a_session_client() -> None:
    assert DESCRIBE_SONG_LYRIC.command is None
    assert not hasattr(Commands, DESCRIBE_SONG_LYRIC.method)


def test_a_method_says_which_vendors_it_can_be_asked_of() -> None:
    profiles = documented_profiles()
    for operation in OPERATIONS:
        having = [vendor for vendor, profile in profiles.items() if vendor and operation.action in profile.operations]
        said = f"Of the documented vendors {' and '.join(map(str, sorted(having)))} only."
        is_for_all = len(having) == len(profiles.keys() - {DEFAULT_VENDOR})
        told = inspect.getdoc(getattr(Questions, operation.method)) or ""
        assert (said in told) is not is_for_all, operation.action


def test_a_field_that_only_some_vendors_have_says_which() -> None:
    profiles = documented_profiles()
    conditional = {field for profile in profiles.values() for field in profile.fields}
    exported = [getattr(yuefu.client, name) for name in yuefu.client.__all__]
    met = set()
    for shape in {shape for result in exported for shape in shapes_in(result)}:
        for field in conditional & set(shape.__struct_fields__):
            having = sorted(vendor for vendor, profile in profiles.items() if vendor and field in profile.fields)
            said = f"Vendors with the field `{field}` only ({' and '.join(map(str, having))} of the documented)."
            assert said in field_meanings(shape)[field], f"{shape.__name__}.{field}"
            met.add(field)
    assert met == conditional


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
