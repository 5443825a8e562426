"""The client API: one user's session, in which songs are requested, downloaded and sung."""

import contextlib
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeAlias, TypedDict, TypeVar, Unpack, overload
from urllib.parse import quote

import httpx2
import msgspec

from yuefu.client.address import parse_base_url
from yuefu.client.download import OnProgress, download, has_media, placed, with_headers
from yuefu.client.errors import (
    BadParameter,
    CopyrightedMusicError,
    FileFailed,
    NotAuthenticated,
    bad_answer,
    bad_parameter,
)
from yuefu.client.flow import DEFAULT_RETRIES, Answer, Flow, Request, Retries, may_ask_again, never_left, retried, send
from yuefu.client.reading import media_error, read_bare, read_command, read_data, read_done
from yuefu.client.transport import AsyncLine, SyncLine, Timeout
from yuefu.wire.client_api import (
    AccompanimentResult,
    ClipResult,
    InitBody,
    InitResult,
    KrcLyric,
    KrcTokenBody,
    RequestResourceBody,
    SegmentResult,
    SongResult,
)
from yuefu.wire.codes import ClientCode
from yuefu.wire.vendor import ResourceType

T = TypeVar("T")
Transport = TypeVar("Transport")

ResourceResult: TypeAlias = SongResult | AccompanimentResult | ClipResult | SegmentResult
ByteRange: TypeAlias = tuple[int, int | None]
"""The first and the last byte wanted, both included; None for the last is the file's end."""

_RESULTS: dict[ResourceType, type[ResourceResult]] = {
    ResourceType.SONG: SongResult,
    ResourceType.ACCOMPANIMENT: AccompanimentResult,
    ResourceType.ACCOMPANIMENT_CLIP: ClipResult,
    ResourceType.ACCOMPANIMENT_SEGMENT: SegmentResult,
}
_BEARER = re.compile(r"[\x21-\x7e]+")


class Terms(TypedDict, total=False):
    """On what terms a resource is requested; what is left out is 0 or "".

    `vendor_id` 0 is the app's default vendor; `mode` a `BillingMode`; `room_id` is needed for billing per room and in
    several rooms at once; `master_id`, the room's owner, for billing per owner; `scene_id` says what it is used for.
    """

    vendor_id: int
    mode: int
    room_id: str
    master_id: str
    scene_id: int


class _Music(Generic[Transport]):
    """What both clients know: the session, and how a call becomes a flow."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout: Timeout = 10.0,
        transport: Transport | None = None,
        retries: Retries = DEFAULT_RETRIES,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._base_url = parse_base_url(base_url)
        self._retries = retries
        self._chance = chance
        self._session: str | None = None
        self._downloads: dict[Path, object] = {}
        self._connect(transport, timeout)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({httpx2.URL(self._base_url)!r})"

    def _connect(self, transport: Transport | None, timeout: Timeout) -> None:
        raise NotImplementedError

    def _begun(self, *, app_id: int, user_id: str, token: str, user_name: str, room_ids: Sequence[str]) -> Flow[None]:
        if _BEARER.fullmatch(token) is None:
            raise bad_parameter("token", "not a login token")
        body = InitBody(app_id=app_id, user_id=user_id, user_name=user_name, room_ids=list(room_ids))
        request = self._post("init", body, bearer=token)
        result = yield from self._asked(request, lambda answer: read_data(answer, InitResult))
        if _BEARER.fullmatch(result.session) is None:
            raise bad_answer("session: not a bearer token")
        self._session = result.session

    def _requested(self, song_id: str, resource_type: int, terms: Terms) -> Flow[ResourceResult]:
        """Asked again only if surely never sent: every request that arrives is charged."""
        try:
            shape = _RESULTS[ResourceType(resource_type)]
        except ValueError:
            raise bad_parameter("resource_type", f"must be one of {[kind.value for kind in ResourceType]}") from None
        body = RequestResourceBody(song_id=song_id, resource_type=int(resource_type), **terms)
        request = self._post("request_resource", body)
        answer = yield from self._retried(lambda: send(request), worth=never_left)
        return read_data(answer, shape)

    def _lyric(self, krc_token: str) -> Flow[KrcLyric]:
        request = self._post("get_krc_lyric_by_token", KrcTokenBody(krc_token=krc_token))
        return (yield from self._asked(request, lambda answer: read_bare(answer, KrcLyric)))

    def _commanded(self, command: str, params: Mapping[str, Any]) -> Flow[dict[str, Any]]:
        request = self._post("send_extended_request", {"command": command, "params": params})
        return (yield from self._asked(request, read_command))

    def _downloaded(self, resource_id: str, path: Path, track: int, on_progress: OnProgress | None) -> Flow[Path]:
        request = self._get_media(resource_id, track)
        claim = object()
        if self._downloads.setdefault(path, claim) is not claim:
            raise FileFailed(ClientCode.ALREADY_DOWNLOADING, f"{path} is being downloaded already")
        try:
            return (yield from self._retried(lambda: download(request, path, on_progress), worth=may_ask_again))
        finally:
            del self._downloads[path]

    def _bytes(self, resource_id: str, track: int, byte_range: ByteRange | None) -> Flow[bytes]:
        request = self._get_media(resource_id, track)
        if byte_range is None:
            return (yield from self._asked(request, _whole))
        first, last = byte_range
        wanted = with_headers(request, {"Range": f"bytes={first}-{'' if last is None else last}"})
        return (yield from self._asked(wanted, lambda answer: _ranged(answer, first, last)))

    def _ended(self) -> Flow[None]:
        """Ended is what a session also is that the server no longer knows."""
        request = self._post("destroy", {})
        try:
            yield from self._asked(request, read_done)
        except NotAuthenticated as error:
            if error.code != ClientCode.NOT_INITIALISED:
                raise
        self._session = None

    def _asked(self, request: Request, read: Callable[[Answer], T]) -> Flow[T]:
        """The answer to a question that may be asked any number of times."""

        def attempt() -> Flow[T]:
            return read((yield from send(request)))

        return (yield from self._retried(attempt, worth=may_ask_again))

    def _retried(self, attempt: Callable[[], Flow[T]], *, worth: Callable[[CopyrightedMusicError], bool]) -> Flow[T]:
        return retried(attempt, retries=self._retries, chance=self._chance, worth=worth)

    def _post(self, call: str, body: object, *, bearer: str | None = None) -> Request:
        try:
            text = msgspec.json.encode(body)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise bad_parameter("params", "cannot be written as JSON") from error
        headers = {**self._authorization(bearer), "Content-Type": "application/json"}
        return Request("POST", f"{self._base_url}/client/v1/{call}", headers, text)

    def _get_media(self, resource_id: str, track: int) -> Request:
        if not resource_id:
            raise BadParameter(ClientCode.RESOURCE_ID_EMPTY, "resource_id: empty")
        headers = {**self._authorization(None), "Accept-Encoding": "identity"}
        return Request("GET", f"{self._base_url}/client/v1/resources/{quote(resource_id, safe='')}/{track}", headers)

    def _authorization(self, bearer: str | None) -> dict[str, str]:
        token = bearer or self._session
        if token is None:
            raise NotAuthenticated(ClientCode.NOT_INITIALISED, "no session; call init first")
        return {"Authorization": f"Bearer {token}"}


def _whole(answer: Answer) -> bytes:
    if not has_media(answer):
        raise media_error(answer)
    if placed(answer).length != len(answer.body):
        raise bad_answer("not as many bytes as announced")
    return answer.body


def _ranged(answer: Answer, first: int, last: int | None) -> bytes:
    if not has_media(answer):
        raise media_error(answer)
    if placed(answer).first == first:
        return answer.body[: None if last is None else last + 1 - first]
    if placed(answer).first == 0:
        return answer.body[first : None if last is None else last + 1]
    raise bad_answer(f"Content-Range: begins at {placed(answer).first}, not at {first}")


class CopyrightedMusic(_Music[httpx2.AsyncBaseTransport]):
    """One user's session with a centre, from an event loop.

    Begin with `init`, end with `destroy`; `async with CopyrightedMusic(base_url) as music` sees to the end. All calls
    raise `CopyrightedMusicError`. Those that only ask are repeated while the network fails or the server is busy;
    `request_resource`, which is charged, only when it surely never left.
    """

    def _connect(self, transport: httpx2.AsyncBaseTransport | None, timeout: Timeout) -> None:
        self._line = AsyncLine(transport=transport, timeout=timeout)

    async def init(
        self, *, app_id: int, user_id: str, token: str, user_name: str = "", room_ids: Sequence[str] = ()
    ) -> None:
        """Log in with the token that the app's back end made for `user_id`, into the rooms the user is in."""
        await self._line.run(
            self._begun(app_id=app_id, user_id=user_id, token=token, user_name=user_name, room_ids=room_ids)
        )

    @overload
    async def request_resource(
        self, song_id: str, *, resource_type: Literal[ResourceType.ACCOMPANIMENT] = ..., **terms: Unpack[Terms]
    ) -> AccompanimentResult: ...
    @overload
    async def request_resource(
        self, song_id: str, *, resource_type: Literal[ResourceType.SONG], **terms: Unpack[Terms]
    ) -> SongResult: ...
    @overload
    async def request_resource(
        self, song_id: str, *, resource_type: Literal[ResourceType.ACCOMPANIMENT_CLIP], **terms: Unpack[Terms]
    ) -> ClipResult: ...
    @overload
    async def request_resource(
        self, song_id: str, *, resource_type: Literal[ResourceType.ACCOMPANIMENT_SEGMENT], **terms: Unpack[Terms]
    ) -> SegmentResult: ...
    @overload
    async def request_resource(
        self, song_id: str, *, resource_type: ResourceType, **terms: Unpack[Terms]
    ) -> ResourceResult: ...
    async def request_resource(
        self, song_id: str, *, resource_type: ResourceType = ResourceType.ACCOMPANIMENT, **terms: Unpack[Terms]
    ) -> ResourceResult:
        """The permission to use a song in one form, and where its files and word lyrics are. Every call is charged."""
        return await self._line.run(self._requested(song_id, resource_type, terms))

    async def get_krc_lyric_by_token(self, krc_token: str) -> KrcLyric:
        """The word lyrics of the whole song whose accompaniment, clip or segment was requested."""
        return await self._line.run(self._lyric(krc_token))

    async def send_extended_request(self, command: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The data that answers a command such as "/song/copyright"."""
        return await self._line.run(self._commanded(command, params))

    async def download(
        self, resource_id: str, path: Path | str, *, track: int = 0, on_progress: OnProgress | None = None
    ) -> Path:
        """The resource's file at `path`, whole or not at all; an interrupted download is carried on with.

        Track 0 is the resource's own file, 1 the original recording. Raises OSError when `path` cannot be written.
        """
        return await self._line.run(self._downloaded(resource_id, Path(path), track, on_progress))

    async def get_resource_bytes(
        self, resource_id: str, *, track: int = 0, byte_range: ByteRange | None = None
    ) -> bytes:
        """The resource's bytes, or those of a range; see `download` for `track`."""
        return await self._line.run(self._bytes(resource_id, track, byte_range))

    async def destroy(self) -> None:
        """End the session."""
        await self._line.run(self._ended())

    async def aclose(self) -> None:
        """Close the connections; the session lives on until `destroy` or its time."""
        await self._line.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._session is not None:
                # An error that is already on its way says more than one about the session's end.
                with contextlib.suppress(*([CopyrightedMusicError] if error else [])):
                    await self.destroy()
        finally:
            await self.aclose()


class CopyrightedMusicSync(_Music[httpx2.BaseTransport]):
    """`CopyrightedMusic` for code without an event loop."""

    def _connect(self, transport: httpx2.BaseTransport | None, timeout: Timeout) -> None:
        self._line = SyncLine(transport=transport, timeout=timeout)

    def init(self, *, app_id: int, user_id: str, token: str, user_name: str = "", room_ids: Sequence[str] = ()) -> None:
        """Log in with the token that the app's back end made for `user_id`, into the rooms the user is in."""
        self._line.run(self._begun(app_id=app_id, user_id=user_id, token=token, user_name=user_name, room_ids=room_ids))

    @overload
    def request_resource(
        self, song_id: str, *, resource_type: Literal[ResourceType.ACCOMPANIMENT] = ..., **terms: Unpack[Terms]
    ) -> AccompanimentResult: ...
    @overload
    def request_resource(
        self, song_id: str, *, resource_type: Literal[ResourceType.SONG], **terms: Unpack[Terms]
    ) -> SongResult: ...
    @overload
    def request_resource(
        self, song_id: str, *, resource_type: Literal[ResourceType.ACCOMPANIMENT_CLIP], **terms: Unpack[Terms]
    ) -> ClipResult: ...
    @overload
    def request_resource(
        self, song_id: str, *, resource_type: Literal[ResourceType.ACCOMPANIMENT_SEGMENT], **terms: Unpack[Terms]
    ) -> SegmentResult: ...
    @overload
    def request_resource(
        self, song_id: str, *, resource_type: ResourceType, **terms: Unpack[Terms]
    ) -> ResourceResult: ...
    def request_resource(
        self, song_id: str, *, resource_type: ResourceType = ResourceType.ACCOMPANIMENT, **terms: Unpack[Terms]
    ) -> ResourceResult:
        """The permission to use a song in one form, and where its files and word lyrics are. Every call is charged."""
        return self._line.run(self._requested(song_id, resource_type, terms))

    def get_krc_lyric_by_token(self, krc_token: str) -> KrcLyric:
        """The word lyrics of the whole song whose accompaniment, clip or segment was requested."""
        return self._line.run(self._lyric(krc_token))

    def send_extended_request(self, command: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The data that answers a command such as "/song/copyright"."""
        return self._line.run(self._commanded(command, params))

    def download(
        self, resource_id: str, path: Path | str, *, track: int = 0, on_progress: OnProgress | None = None
    ) -> Path:
        """The resource's file at `path`, whole or not at all; an interrupted download is carried on with.

        Track 0 is the resource's own file, 1 the original recording. Raises OSError when `path` cannot be written.
        """
        return self._line.run(self._downloaded(resource_id, Path(path), track, on_progress))

    def get_resource_bytes(self, resource_id: str, *, track: int = 0, byte_range: ByteRange | None = None) -> bytes:
        """The resource's bytes, or those of a range; see `download` for `track`."""
        return self._line.run(self._bytes(resource_id, track, byte_range))

    def destroy(self) -> None:
        """End the session."""
        self._line.run(self._ended())

    def close(self) -> None:
        """Close the connections; the session lives on until `destroy` or its time."""
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._session is not None:
                # An error that is already on its way says more than one about the session's end.
                with contextlib.suppress(*([CopyrightedMusicError] if error else [])):
                    self.destroy()
        finally:
            self.close()
