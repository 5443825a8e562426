"""The frame around every answer: code, message, request id, data.

HTTP 200 whatever the code says; `Data` is left out when there is none (decision G13).
"""

from enum import Enum

import msgspec

from yuefu.wire.codes import ClientCode, Code

SUCCEED = "succeed"


class RequestIdForm(Enum):
    """How the answers of an operation are numbered (decision G19). To callers an id is opaque either way."""

    UUID = "uuid"
    DECIMAL = "decimal"
    """Eighteen digits."""

    def of(self, uuid: str) -> str:
        """The id in this form of a call whose UUID that is."""
        if self is RequestIdForm.UUID:
            return uuid
        return str(10**17 + int(uuid.replace("-", ""), 16) % (9 * 10**17))


_encode = msgspec.json.Encoder().encode


def render_reply(*, message: str, request_id: str, data: bytes) -> bytes:
    """A successful answer of the server API around `data`, which is already JSON."""
    return b'{"Code":0,"Message":"%b","RequestId":"%b","Data":%b}' % (message.encode(), request_id.encode(), data)


def render_refusal(*, code: Code, message: str, request_id: str) -> bytes:
    """A refusal of the server API."""
    return _encode({"Code": int(code), "Message": message, "RequestId": request_id})


def render_client_reply(*, request_id: str, data: bytes, message: str = SUCCEED) -> bytes:
    """A successful answer of the client API around `data`, which is already JSON."""
    return b'{"code":0,"message":"%b","request_id":"%b","data":%b}' % (message.encode(), request_id.encode(), data)


def render_client_refusal(*, code: ClientCode, message: str, request_id: str) -> bytes:
    """A refusal of the client API."""
    return _encode({"code": int(code), "message": message, "request_id": request_id})


class Reply(msgspec.Struct, frozen=True, rename="pascal"):
    """An answer of the server API as its callers read it; `data` is decoded by the operation asked."""

    code: int
    message: str
    request_id: str
    data: msgspec.Raw = msgspec.Raw(b"")


class ClientReply(msgspec.Struct, frozen=True):
    """An answer of the client API as its callers read it."""

    code: int = 0
    message: str = ""
    request_id: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
