"""The plain alias of an operation, `POST /v1/actions/{Action}`: one JSON object in, the bare result out."""

from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from yuefu.wire.dialect import pascal_twin
from yuefu.wire.operation import Operation, P
from yuefu.wire.refusal import illegal, illegal_field
from yuefu.wire.signing import MAX_ROOM_ID_LENGTH, MAX_USER_ID_LENGTH

T = TypeVar("T", bound=msgspec.Struct)

_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)"
"""The end twice: in some dialects `$` is also before a last line break."""


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """For whom an app's back end asks, and of which vendor."""

    user_id: Annotated[str, Meta(max_length=MAX_USER_ID_LENGTH, pattern=_PRINTABLE)] = ""
    """For which of the app's users."""
    room_id: Annotated[str, Meta(max_length=MAX_ROOM_ID_LENGTH, pattern=_PRINTABLE)] = ""
    """In which of its rooms. Apps billed by room and month must say."""
    vendor_id: int = 0
    """Of which vendor; 0 is the app's default."""
    territory: Annotated[str, Meta(pattern="^([A-Z]{2})?$")] = ""
    """Where the user is, ISO 3166-1 alpha-2; "" is where the app is at home."""


@cache
def request_shape(operation: Operation[Any, Any]) -> type[msgspec.Struct]:
    """The alias's request: the operation's own parameters and the circumstances, in PascalCase."""
    own = [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in msgspec.structs.fields(operation.params)
    ]
    return pascal_twin(
        msgspec.defstruct(f"{operation.action}Request", own, bases=(Circumstances,), frozen=True, kw_only=True)
    )


def read_circumstances(body: bytes) -> Circumstances:
    """For whom and of which vendor a body asks. Raises `Refusal` (illegal parameter)."""
    return msgspec.convert(_decode(body, pascal_twin(Circumstances)), Circumstances, from_attributes=True)


def read_params(operation: Operation[P, Any], body: bytes) -> P:
    """The operation's own parameters. Raises `Refusal` (illegal parameter) naming the parameter at fault."""
    return msgspec.convert(_decode(body, pascal_twin(operation.params)), operation.params, from_attributes=True)


def _decode(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except msgspec.ValidationError as error:
        raise illegal_field(error, whole="body") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise illegal("body", f"not a JSON object of parameters ({error})") from None
