"""What can go wrong, by what a caller can do about it.

    CopyrightedMusicError        carries code, name, message, request_id; also raised itself for a code unknown here
    ├── BadParameter             mend the call: the message names the argument
    ├── NotAuthenticated         prove again who you are: check the secret, take a new login token, call init again
    ├── NotAllowed               nothing to mend in the call: the app, the user or the song lacks the right
    ├── NotFound                 there is no such song, lyric, accompaniment, resource, chart
    ├── Expired                  it was good once: request the resource or the lyric again
    ├── Busy                     ask again later
    ├── ServerFailed             the server's own fault: tell its operator the request id
    ├── TransportFailed          no answer came back; `unsent` says whether the question surely never left
    ├── BadAnswer                an answer came that is not the documented shape: not a server of this wire
    └── FileFailed               the file on this device could not be written whole

Which code is which error is data, for both families of codes. Neither messages nor reprs hold a secret or a token.
"""

from http import HTTPStatus

import httpx2

from yuefu.errors import YuefuError
from yuefu.wire.codes import ClientCode, Code


class CopyrightedMusicError(YuefuError):
    """A call that brought no result.

    `code` is the wire's number and `name` what the contract calls it; `request_id` finds the call in the server's log
    and is "" when no answer came. `transient` says that the same question may well be answered a little later, and
    `retry_after_s` how much later, where the server said so.
    """

    transient = False
    retry_after_s: int | None = None

    def __init__(self, code: int, message: str, request_id: str = "") -> None:
        super().__init__(int(code), message, request_id)
        self.code = int(code)
        self.message = message
        self.request_id = request_id

    @property
    def name(self) -> str:
        return code_name(self.code)

    def __str__(self) -> str:
        trace = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.code} {self.name}: {self.message}{trace}"


class BadParameter(CopyrightedMusicError):
    """An argument is missing, malformed or outside its range; the message names it."""


class NotAuthenticated(CopyrightedMusicError):
    """The signature, login token or session was not accepted, or `init` was not called."""


class NotAllowed(CopyrightedMusicError):
    """The app, the user or the song lacks the right; the same call will be refused until somebody grants it."""


class NotFound(CopyrightedMusicError):
    """There is no such song, lyric, accompaniment, resource or chart."""


class Expired(CopyrightedMusicError):
    """A resource, a token or a share past its time; request it again."""


class Busy(CopyrightedMusicError):
    """Too many calls, or a server that cannot answer just now."""

    transient = True


class ServerFailed(CopyrightedMusicError):
    """The server made a mistake of its own."""


class TransportFailed(CopyrightedMusicError):
    """No answer came back. With `unsent` the question surely never reached the server."""

    transient = True

    def __init__(self, code: int, message: str, request_id: str = "", *, unsent: bool = False) -> None:
        super().__init__(code, message, request_id)
        self.unsent = unsent


class BadAnswer(CopyrightedMusicError):
    """The answer is not the documented shape."""


class FileFailed(CopyrightedMusicError):
    """The file on this device is missing, damaged, being written already, or the disk is full."""


_CODES: dict[type[CopyrightedMusicError], tuple[int, ...]] = {
    BadParameter: (
        Code.ILLEGAL_PARAMETER,
        Code.KRC_TOKEN_MALFORMED,
        Code.VENDOR_INVALID,
        Code.VENDOR_UNSUPPORTED,
        Code.PAGE_INVALID,
        ClientCode.COMMAND_EMPTY,
        ClientCode.PARAMS_EMPTY,
        ClientCode.SONG_ID_EMPTY,
        ClientCode.SHARE_TOKEN_EMPTY,
        ClientCode.RESOURCE_ID_EMPTY,
        ClientCode.KRC_TOKEN_EMPTY,
        ClientCode.RESOURCE_KIND_UNSUPPORTED,
        ClientCode.ILLEGAL_PARAMETER,
        ClientCode.SHARE_TOKEN_MALFORMED,
        ClientCode.KRC_TOKEN_MALFORMED,
        ClientCode.VENDOR_UNSUPPORTED,
        ClientCode.VENDOR_INVALID,
        ClientCode.MASTER_MISSING,
        ClientCode.PAGE_INVALID,
    ),
    NotAuthenticated: (
        Code.SIGNATURE_EXPIRED,
        Code.SIGNATURE_WRONG,
        Code.APP_INVALID,
        ClientCode.NOT_AUTHENTICATED,
        ClientCode.NOT_INITIALISED,
    ),
    NotAllowed: (
        Code.APP_NOT_USABLE,
        Code.BILLING_UNSUPPORTED,
        Code.VENDOR_NOT_GRANTED,
        ClientCode.RESOURCE_NOT_GRANTED,
        ClientCode.NO_RIGHTS,
        ClientCode.LISTEN_ONLY,
        ClientCode.NO_MEMBERSHIP,
        ClientCode.APP_NOT_USABLE,
        ClientCode.BILLING_UNSUPPORTED,
        ClientCode.BILLING_UNREASONABLE,
        ClientCode.SHARE_USED_UP,
        ClientCode.VENDOR_NOT_GRANTED,
        ClientCode.ROOM_NOT_JOINED,
        ClientCode.SCENE_UNSUPPORTED,
    ),
    NotFound: (
        Code.NO_LYRIC,
        Code.SONG_INVALID,
        Code.CHART_INVALID,
        ClientCode.NO_ACCOMPANIMENT,
        ClientCode.RESOURCE_MISSING,
        ClientCode.NO_LYRIC,
        ClientCode.NO_PITCH,
        ClientCode.NOTHING_SHARED,
        ClientCode.SONG_INVALID,
        ClientCode.NO_PITCH_LINE,
        ClientCode.CHART_INVALID,
    ),
    Expired: (
        Code.KRC_TOKEN_EXPIRED,
        ClientCode.FILE_EXPIRED,
        ClientCode.RESOURCE_EXPIRED,
        ClientCode.SHARE_TOKEN_EXPIRED,
        ClientCode.KRC_TOKEN_EXPIRED,
    ),
    Busy: (Code.RATE_EXCEEDED, Code.SYSTEM_BUSY, ClientCode.SYSTEM_BUSY),
    ServerFailed: (
        Code.SYSTEM_ERROR,
        Code.ENGINE_UNDEFINED,
        Code.ENGINE_ERROR,
        ClientCode.REQUEST_FAILED,
        ClientCode.INTERNAL_ERROR,
    ),
    TransportFailed: (ClientCode.NETWORK_FAILED,),
    FileFailed: (
        ClientCode.DISK_FULL,
        ClientCode.ALREADY_DOWNLOADING,
        ClientCode.FILE_MISSING,
        ClientCode.FILE_DAMAGED,
        ClientCode.DOWNLOAD_CANCELLED,
    ),
}
_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes}
_NAMES = {member.value: member.name for family in (Code, ClientCode) for member in family}

_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_CALLER = (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)
LOWER_LAYER = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, httpx2.CookieConflict)
"""Every root of what the HTTP library raises."""


def code_name(code: int) -> str:
    """The contract's name of a code of either family; "CODE_…" for one that it doesn't list."""
    return _NAMES.get(code, f"CODE_{code}")


def refused(code: int, message: str, request_id: str) -> CopyrightedMusicError:
    """The error that an answer with `code` means."""
    return _KINDS.get(code, CopyrightedMusicError)(code, message, request_id)


def unanswered(status: int) -> CopyrightedMusicError:
    """The error that an HTTP status means when no envelope comes with it: a proxy's words, or another service's."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Busy(ClientCode.SYSTEM_BUSY, f"HTTP status {status} in place of an answer")
    return bad_answer(f"HTTP status {status} without the documented envelope")


def bad_answer(problem: str) -> BadAnswer:
    return BadAnswer(ClientCode.REQUEST_FAILED, problem)


def bad_parameter(parameter: str, problem: str) -> BadParameter:
    return BadParameter(ClientCode.ILLEGAL_PARAMETER, f"{parameter}: {problem}")


def transport_error(error: Exception) -> CopyrightedMusicError:
    """The error of ours that one of `LOWER_LAYER` means.

    The library's own words stay in `__cause__`; they may quote what was sent, so they are not repeated here.
    """
    fact = type(error).__name__
    if isinstance(error, _CALLER):
        return bad_parameter("base_url", f"no request can be made with it ({fact})")
    if isinstance(error, httpx2.TransportError):
        return TransportFailed(ClientCode.NETWORK_FAILED, fact, unsent=isinstance(error, _UNSENT))
    return bad_answer(f"the answer could not be read ({fact})")
