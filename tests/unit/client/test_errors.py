"""Every failure below the SDK, and every code of the wire, is one of the SDK's errors."""

import inspect
import pickle
from typing import Any

import httpx2
import pytest

from yuefu.client import (
    BadAnswer,
    BadParameter,
    Busy,
    ClientCode,
    Code,
    CopyrightedMusicError,
    Expired,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    ServerFailed,
    TransportFailed,
)
from yuefu.client.errors import code_name, refused, transport_error, unanswered
from yuefu.client.flow import Answer
from yuefu.client.reading import media_error, read_done, read_plain
from yuefu.errors import YuefuError
from yuefu.wire.problem import Problem

RAISED_BY_THE_LIBRARY = sorted(
    (
        kind
        for kind in vars(httpx2).values()
        if inspect.isclass(kind) and issubclass(kind, Exception) and not issubclass(kind, Warning)
    ),
    key=lambda kind: kind.__name__,
)


def raised(kind: type[Exception]) -> Exception:
    """One of `kind`, whatever its constructor wants."""
    if issubclass(kind, httpx2.HTTPStatusError):
        request = httpx2.Request("GET", "https://centre.example")
        return kind("text of the library", request=request, response=httpx2.Response(500, request=request))
    wants_message = "message" in inspect.signature(kind).parameters
    return kind("text of the library") if wants_message else kind()


@pytest.mark.parametrize("code", [code for code in (*Code, *ClientCode) if code != 0], ids=repr)
def test_every_code_is_an_error_of_a_kind(code: Code | ClientCode) -> None:
    error = refused(int(code), "why", "r-1")
    assert type(error) is not CopyrightedMusicError
    assert (error.code, error.name, error.message, error.request_id) == (int(code), code.name, "why", "r-1")
    assert str(error) == f"{int(code)} {code.name}: why (request r-1)"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.SIGNATURE_WRONG, NotAuthenticated),
        (Code.ILLEGAL_PARAMETER, BadParameter),
        (Code.VENDOR_NOT_GRANTED, NotAllowed),
        (Code.SONG_INVALID, NotFound),
        (Code.SYSTEM_BUSY, Busy),
        (Code.SYSTEM_ERROR, ServerFailed),
        (ClientCode.NOT_INITIALISED, NotAuthenticated),
        (ClientCode.NO_RIGHTS, NotAllowed),
        (ClientCode.RESOURCE_NOT_GRANTED, NotAllowed),
        (ClientCode.NO_ACCOMPANIMENT, NotFound),
        (ClientCode.RESOURCE_EXPIRED, Expired),
        (ClientCode.KRC_TOKEN_EXPIRED, Expired),
        (ClientCode.NETWORK_FAILED, TransportFailed),
    ],
)
def test_a_code_is_the_error_a_caller_acts_on(code: int, kind: type[CopyrightedMusicError]) -> None:
    assert type(refused(code, "", "")) is kind


def test_a_code_nobody_documented_is_still_an_error_with_its_number() -> None:
    error = refused(424242, "who knows", "")
    assert type(error) is CopyrightedMusicError
    assert str(error) == "424242 CODE_424242: who knows"
    assert code_name(0) == "OK"


def test_only_what_may_pass_is_transient() -> None:
    transient = {int(code) for code in (*Code, *ClientCode) if code != 0 and refused(code, "", "").transient}
    assert transient == {320000002, 320050002, 1017097, 1017098}


@pytest.mark.parametrize("kind", RAISED_BY_THE_LIBRARY, ids=lambda kind: kind.__name__)
def test_every_exception_of_the_http_library_is_mapped(kind: type[Exception], signed: Any, centre: Any) -> None:
    centre.will(*[raised(kind)] * 4)
    with pytest.raises(CopyrightedMusicError) as caught:
        signed.query_songs_copyright(songs_id=["1"])
    assert isinstance(caught.value.__cause__, kind)
    assert "text of the library" not in str(caught.value)
    del centre.script[:]


@pytest.mark.parametrize(
    ("kind", "unsent"),
    [
        (httpx2.ConnectError, True),
        (httpx2.ConnectTimeout, True),
        (httpx2.PoolTimeout, True),
        (httpx2.ReadTimeout, False),
        (httpx2.WriteError, False),
        (httpx2.WriteTimeout, False),
        (httpx2.ReadError, False),
        (httpx2.RemoteProtocolError, False),
        (httpx2.ProxyError, False),
    ],
)
def test_only_a_connection_never_made_is_surely_unsent(kind: type[Exception], *, unsent: bool) -> None:
    error = transport_error(kind("text"))
    assert isinstance(error, TransportFailed)
    assert error.unsent is unsent


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_status_that_may_pass_is_busy(status: int) -> None:
    assert type(unanswered(status)) is Busy


@pytest.mark.parametrize(
    ("said", "wait_s"), [("2", 2), (" 30 ", 30), ("", None), ("-1", None), ("1.5", None), ("²", None), ("9" * 99, None)]
)
def test_an_error_tells_how_long_the_server_asks_to_wait(said: str, wait_s: int | None) -> None:
    envelope = b'{"code": 1017097, "message": "busy", "request_id": "r"}'
    assert media_error(Answer(429, {"retry-after": said}, envelope)).retry_after_s == wait_s
    assert media_error(Answer(503, {"retry-after": said}, b"<h1>")).retry_after_s == wait_s
    with pytest.raises(Busy) as refused:
        read_done(Answer(200, {"retry-after": said}, envelope))
    assert refused.value.retry_after_s == wait_s
    problem = b'{"title": "busy", "status": 429, "detail": "busy", "code": 320000002, "request_id": "r"}'
    with pytest.raises(Busy) as refused:
        read_plain(Answer(429, {"retry-after": said}, problem), Problem)
    assert refused.value.retry_after_s == wait_s


@pytest.mark.parametrize("status", [204, 301, 400, 401, 403, 404])
def test_another_status_without_an_envelope_is_no_answer_of_this_wire(status: int) -> None:
    assert type(unanswered(status)) is BadAnswer


def test_all_errors_have_one_root_within_the_projects() -> None:
    assert issubclass(CopyrightedMusicError, YuefuError)


def test_errors_cross_process_boundaries() -> None:
    sent = TransportFailed(ClientCode.NETWORK_FAILED, "ConnectError", unsent=True)
    received = pickle.loads(pickle.dumps(sent))
    assert (type(received), received.code, received.message, received.unsent) == (
        TransportFailed,
        1017098,
        "ConnectError",
        True,
    )
