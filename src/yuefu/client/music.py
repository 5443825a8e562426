"""The client API: one user's session, in which songs are requested, downloaded and sung."""

import contextlib
import random
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeAlias, TypedDict, TypeVar, Unpack, overload
from urllib.parse import quote

import httpx2
import msgspec

from yuefu.client.address import parse_base_url
from yuefu.client.cache import Cache, CacheKey, reuse, reuse_if_kept
from yuefu.client.download import OnProgress, Part, Watch, download, fetch, has_media, placed, with_headers
from yuefu.client.errors import (
    BadParameter,
    CopyrightedMusicError,
    NotAllowed,
    NotAuthenticated,
    bad_answer,
    bad_parameter,
)
from yuefu.client.flow import DEFAULT_RETRIES, Answer, Flow, Request, Retries, retried, send
from yuefu.client.questions import Commands, CommandsSync
from yuefu.client.reading import media_error, read_bare, read_command, read_data, read_done, read_result
from yuefu.client.searches import Searches
from yuefu.client.transport import AsyncLine, SyncLine, Timeout
from yuefu.wire.client_api import (
    AccompanimentResult,
    ClipResult,
    GetSharedBody,
    InitBody,
    InitResult,
    KrcLyric,
    KrcTokenBody,
    LrcLyric,
    LrcLyricBody,
    MusicTokenBody,
    PlayOnRecord,
    ReportPlayBody,
    RequestResourceBody,
    ResourceQuote,
    RoomBody,
    SegmentResult,
    SharedAccompanimentResult,
    SharedSongResult,
    SongResult,
    StandardPitch,
    StandardPitchBody,
)
from yuefu.wire.codes import ClientCode
from yuefu.wire.operation import Operation, P, R, SessionCommand
from yuefu.wire.vendor import QUALITIES, ResourceType

T = TypeVar("T")
Transport = TypeVar("Transport")

ResourceResult: TypeAlias = SongResult | AccompanimentResult | ClipResult | SegmentResult
SharedResult: TypeAlias = SharedSongResult | SharedAccompanimentResult | ClipResult | SegmentResult
ByteRange: TypeAlias = tuple[int, int | None]
"""The first and the last byte wanted, both included; None for the last is the file's end."""

_RESULTS: dict[ResourceType, type[ResourceResult]] = {
    ResourceType.SONG: SongResult,
    ResourceType.ACCOMPANIMENT: AccompanimentResult,
    ResourceType.ACCOMPANIMENT_CLIP: ClipResult,
    ResourceType.ACCOMPANIMENT_SEGMENT: SegmentResult,
}
_SHARED: dict[ResourceType, type[SharedResult]] = {
    ResourceType.SONG: SharedSongResult,
    ResourceType.ACCOMPANIMENT: SharedAccompanimentResult,
    ResourceType.ACCOMPANIMENT_CLIP: ClipResult,
    ResourceType.ACCOMPANIMENT_SEGMENT: SegmentResult,
}


def _new_key() -> str:
    """A name that no other request has."""
    return secrets.token_urlsafe(24)


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


class Place(TypedDict, total=False):
    """Where a resource was shared: of which vendor, 0 being the app's default, and in which room, which may be left out
    by who is in a single one.
    """

    vendor_id: int
    room_id: str


class Sung(TypedDict, total=False):
    """What was sung so far; what is left out is 0 or not said.

    `seconds` are whole ones; `completed` means to the resource's end; `score` is the average over the lines, 0 to 100;
    `started` the instant at which it began, in ms since 1970.
    """

    seconds: int
    completed: bool
    score: int
    started: int


class _Music(ABC, Generic[Transport]):
    """What both clients know: the session, and how a call becomes a flow."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout: Timeout = 10.0,
        transport: Transport | None = None,
        retries: Retries = DEFAULT_RETRIES,
        chance: Callable[[], float] = random.random,
        cache: Cache | None = None,
        new_key: Callable[[], str] = _new_key,
    ) -> None:
        self._new_key = new_key
        self._base_url = parse_base_url(base_url)
        self._retries = retries
        self._chance = chance
        self._session: str | None = None
        self._searches = Searches()
        self._cache = cache
        self._granted: dict[str, CacheKey] = {}
        self._downloads: list[Watch] = []
        self._connect(transport, timeout)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({httpx2.URL(self._base_url)!r})"

    def query_cache(
        self,
        song_id: str,
        *,
        resource_type: ResourceType = ResourceType.ACCOMPANIMENT,
        quality: str = "normal",
        vendor_id: int = 0,
        track: int = 0,
    ) -> bool:
        """Whether the cache holds the file of a resource; says nothing of permission to use it.

        `vendor_id` is the number the resource was requested with. Raises `BadParameter`, OSError.
        """
        if not song_id:
            raise BadParameter(ClientCode.SONG_ID_EMPTY, "song_id: empty")
        if quality not in QUALITIES:
            raise bad_parameter("quality", f"must be one of {', '.join(QUALITIES)}")
        key = CacheKey(self._base_url, song_id, vendor_id, _known_type(resource_type), quality, track)
        return self._cache is not None and self._cache.holds(key)

    def get_cache_size(self) -> int:
        """The bytes of audio in the cache, unfinished downloads included."""
        return 0 if self._cache is None else self._cache.size_bytes()

    def clear_cache(self) -> None:
        """Remove everything from the cache but what is being downloaded just now. Raises OSError."""
        if self._cache is not None:
            self._cache.clear()

    def cancel_download(self, resource_id: str = "") -> None:
        """End the downloads of a resource, of all with "", at their next piece: they raise the code 1017016.

        What there is stays, to be carried on with. May be called from any thread and from an `on_progress`.
        """
        for watch in tuple(self._downloads):
            if resource_id in {"", watch.resource_id}:
                watch.cancelled = True

    @abstractmethod
    def _connect(self, transport: Transport | None, timeout: Timeout) -> None:
        """Make ready to send, by `transport` where there is one."""

    def _begun(self, *, app_id: int, user_id: str, token: str, user_name: str, room_ids: Sequence[str]) -> Flow[None]:
        if _BEARER.fullmatch(token) is None:
            raise bad_parameter("token", "not a login token")
        body = InitBody(app_id=app_id, user_id=user_id, user_name=user_name, room_ids=list(room_ids))
        request = self._post("init", body, bearer=token)
        result = yield from self._asked(request, lambda answer: read_data(answer, InitResult))
        if _BEARER.fullmatch(result.session) is None:
            raise bad_answer("session: not a bearer token")
        self._session = result.session
        self._searches = Searches()
        self._granted = {}

    def _requested(self, song_id: str, resource_type: int, terms: Terms) -> Flow[ResourceResult]:
        """Asked again under the same key: however often it arrives, it is charged once."""
        shape = _RESULTS[_known_type(resource_type)]
        body = RequestResourceBody(song_id=song_id, resource_type=int(resource_type), **terms)
        request = with_headers(self._post("request_resource", body), {"Idempotency-Key": self._new_key()})
        result = yield from self._asked(request, lambda answer: read_data(answer, shape))
        self._note_granted(song_id, terms.get("vendor_id", 0), resource_type, result)
        return result

    def _quoted(self, song_id: str, resource_type: int, terms: Terms) -> Flow[ResourceQuote]:
        kind = int(_known_type(resource_type))
        body = RequestResourceBody(song_id=song_id, resource_type=kind, dry_run=True, **terms)
        request = self._post("request_resource", body)
        return (yield from self._asked(request, lambda answer: read_data(answer, ResourceQuote)))

    def _note_granted(
        self, song_id: str, vendor_id: int, resource_type: int, result: ResourceResult | SharedResult
    ) -> None:
        """Remember what the resource ids stand for: they alone don't say under what their files are cached."""
        for resource in result.resources:
            key = CacheKey(self._base_url, song_id, vendor_id, int(resource_type), resource.quality)
            self._granted[resource.resource_id] = key

    def _fetched(self, song_id: str, resource_type: int, place: Place) -> Flow[SharedResult]:
        """As `_requested`: good once, under its key answered as often as it takes."""
        shape = _SHARED[_known_type(resource_type)]
        body = GetSharedBody(song_id=song_id, resource_type=int(resource_type), **place)
        request = with_headers(self._post("get_shared_resource", body), {"Idempotency-Key": self._new_key()})
        result = yield from self._asked(request, lambda answer: read_data(answer, shape))
        self._note_granted(song_id, place.get("vendor_id", 0), resource_type, result)
        return result

    def _redeemed(self, share_token: str) -> Flow[SharedResult]:
        """The answer's own fields say of which type it is."""
        body = MusicTokenBody(share_token=share_token)
        request = with_headers(self._post("get_music_by_token", body), {"Idempotency-Key": self._new_key()})

        def read(answer: Answer) -> tuple[ResourceType, SharedResult]:
            resource_type = _type_told(read_command(answer))
            return resource_type, read_data(answer, _SHARED[resource_type])

        resource_type, result = yield from self._asked(request, read)
        self._note_granted(result.song_id, 0, resource_type, result)
        return result

    def _entered(self, call: Literal["join_room", "leave_room"], room_id: str) -> Flow[None]:
        if not room_id:
            raise bad_parameter("room_id", "empty")
        yield from self._asked(self._post(call, RoomBody(room_id=room_id)), read_done)

    def _line_lyrics(self, song_id: str, vendor_id: int) -> Flow[LrcLyric]:
        request = self._post("get_lrc_lyric", LrcLyricBody(song_id=song_id, vendor_id=vendor_id))
        return (yield from self._asked(request, lambda answer: read_bare(answer, LrcLyric)))

    def _lyric(self, krc_token: str) -> Flow[KrcLyric]:
        request = self._post("get_krc_lyric_by_token", KrcTokenBody(krc_token=krc_token))
        return (yield from self._asked(request, lambda answer: read_bare(answer, KrcLyric)))

    def _pitch(self, resource_id: str) -> Flow[StandardPitch]:
        request = self._post("get_standard_pitch", StandardPitchBody(resource_id=resource_id))
        return (yield from self._asked(request, lambda answer: read_bare(answer, StandardPitch)))

    def _reported(self, resource_id: str, play_id: str, sung: Sung) -> Flow[PlayOnRecord]:
        """A play of that name is one play, however often it is told of."""
        body = ReportPlayBody(resource_id=resource_id, play_id=play_id or self._new_key(), **sung)
        return (yield from self._asked(self._post("report_play", body), lambda answer: read_data(answer, PlayOnRecord)))

    def _answered(self, question: Operation[P, R] | SessionCommand[P, R], params: P, *, vendor_id: int) -> Flow[R]:
        """Vendor 0 is named too: empty parameters are a documented error."""
        if question.command is None:
            raise bad_parameter("question", f"{question.action} is no command")
        asked = question.command_params(params)
        if isinstance(question, Operation) and not question.names_vendors:
            asked["vendor_id"] = vendor_id
        return (yield from self._commanded(question.command, asked, lambda answer: read_result(answer, question)))

    def _commanded(self, command: str, params: Mapping[str, Any], read: Callable[[Answer], T]) -> Flow[T]:
        request = self._post("send_extended_request", {"command": command, "params": params})
        self._searches.check(command, params)
        result = yield from self._asked(request, read)
        self._searches.note(command, params)
        return result

    def _downloaded(
        self, resource_id: str, path: Path | str | None, track: int, on_progress: OnProgress | None
    ) -> Flow[Path]:
        request = self._get_media(resource_id, track)
        with self._watched(resource_id, on_progress) as watch:
            if path is None:
                cache, key = self._place(resource_id, track)
                return (yield from self._kept(cache, key, request, watch))
            part = Part(Path(path))
            with part.held():
                return (yield from self._retried(lambda: download(request, part, watch)))

    def _kept(self, cache: Cache, key: CacheKey, request: Request, watch: Watch) -> Flow[Path]:
        kept = yield from self._retried(lambda: reuse_if_kept(cache, key, request))
        if kept is not None:
            watch.tell(kept.size_bytes, kept.size_bytes)
            return cache.path(key)
        with cache.begun(key) as part:
            whole = yield from self._retried(lambda: fetch(request, part, watch, make_room=cache.make_room))
            return cache.keep(key, part, whole)

    def _reused(self, resource_id: str, track: int, *, full_check: bool) -> Flow[Path]:
        request = self._get_media(resource_id, track)
        cache, key = self._place(resource_id, track)
        yield from self._retried(lambda: reuse(cache, key, request, full_check=full_check))
        return cache.path(key)

    def _place(self, resource_id: str, track: int) -> tuple[Cache, CacheKey]:
        """Where a resource's file is kept. Raises `BadParameter`, `NotAllowed`."""
        if self._cache is None:
            raise bad_parameter("path", "needed, for there is no cache")
        if resource_id not in self._granted:
            raise NotAllowed(ClientCode.RESOURCE_NOT_GRANTED, "resource_id: not requested in this session")
        return self._cache, replace(self._granted[resource_id], track=track)

    @contextlib.contextmanager
    def _watched(self, resource_id: str, on_progress: OnProgress | None) -> Iterator[Watch]:
        watch = Watch(resource_id, on_progress)
        self._downloads.append(watch)
        try:
            yield watch
        finally:
            self._downloads.remove(watch)

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

        return (yield from self._retried(attempt))

    def _retried(self, attempt: Callable[[], Flow[T]]) -> Flow[T]:
        return retried(attempt, retries=self._retries, chance=self._chance)

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


def _known_type(resource_type: int) -> ResourceType:
    try:
        return ResourceType(resource_type)
    except ValueError:
        raise bad_parameter("resource_type", f"must be one of {[kind.value for kind in ResourceType]}") from None


def _type_told(data: Mapping[str, Any]) -> ResourceType:
    """Of which type a resource is, by its fields; a short segment as a file of its own has those of a clip."""
    if data.get("is_clip") == 1:
        return ResourceType.ACCOMPANIMENT_SEGMENT if "other_segments" in data else ResourceType.ACCOMPANIMENT_CLIP
    return ResourceType.ACCOMPANIMENT if data.get("is_accompany") == 1 else ResourceType.SONG


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


class CopyrightedMusic(_Music[httpx2.AsyncBaseTransport], Commands):
    """One user's session with a centre, from an event loop.

    Begin with `init`, end with `destroy`; `async with CopyrightedMusic(base_url) as music` sees to the end. One method
    per command asks about songs: `vendor_id` 0 is the app's default vendor. All calls raise `CopyrightedMusicError`.
    They are repeated while the network fails or the server is busy: what is charged or good once, which is
    `request_resource` and the two for what a room shares, under one key, so that it counts once.
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
        self, song_id: str, *, resource_type: ResourceType = ..., dry_run: Literal[True], **terms: Unpack[Terms]
    ) -> ResourceQuote: ...
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
        self,
        song_id: str,
        *,
        resource_type: ResourceType = ResourceType.ACCOMPANIMENT,
        dry_run: bool = False,
        **terms: Unpack[Terms],
    ) -> ResourceResult | ResourceQuote:
        """The permission to use a song in one form, and where its files and word lyrics are. Every call is charged.

        With `dry_run` only what it would be charged.
        """
        if dry_run:
            return await self._line.run(self._quoted(song_id, resource_type, terms))
        return await self._line.run(self._requested(song_id, resource_type, terms))

    async def join_room(self, room_id: str) -> None:
        """Be in one more room: what its members pay for may be fetched from then on."""
        await self._line.run(self._entered("join_room", room_id))

    async def leave_room(self, room_id: str) -> None:
        """Be in a room no longer. What was requested or fetched there stays."""
        await self._line.run(self._entered("leave_room", room_id))

    @overload
    async def get_shared_resource(
        self,
        song_id: str,
        *,
        resource_type: Literal[ResourceType.ACCOMPANIMENT] = ...,
        room_id: str = ...,
        vendor_id: int = ...,
    ) -> SharedAccompanimentResult: ...
    @overload
    async def get_shared_resource(
        self, song_id: str, *, resource_type: Literal[ResourceType.SONG], **place: Unpack[Place]
    ) -> SharedSongResult: ...
    @overload
    async def get_shared_resource(
        self,
        song_id: str,
        *,
        resource_type: Literal[ResourceType.ACCOMPANIMENT_CLIP],
        room_id: str = ...,
        vendor_id: int = ...,
    ) -> ClipResult: ...
    @overload
    async def get_shared_resource(
        self,
        song_id: str,
        *,
        resource_type: Literal[ResourceType.ACCOMPANIMENT_SEGMENT],
        room_id: str = ...,
        vendor_id: int = ...,
    ) -> SegmentResult: ...
    @overload
    async def get_shared_resource(
        self, song_id: str, *, resource_type: ResourceType, **place: Unpack[Place]
    ) -> SharedResult: ...
    async def get_shared_resource(
        self, song_id: str, *, resource_type: ResourceType = ResourceType.ACCOMPANIMENT, **place: Unpack[Place]
    ) -> SharedResult:
        """What another member of the room requested, until theirs runs out: once, free.

        Nothing shared is `NotFound`, a second fetch `NotAllowed`.
        """
        return await self._line.run(self._fetched(song_id, resource_type, place))

    async def get_music_by_token(self, share_token: str) -> SharedResult:
        """The same by the share token of whoever paid; better ask `get_shared_resource`.

        A short segment that is a file of its own comes as a `ClipResult`.
        """
        return await self._line.run(self._redeemed(share_token))

    async def get_lrc_lyric(self, song_id: str, *, vendor_id: int = 0) -> LrcLyric:
        """The line lyrics of a song that may be played or sung; nothing need be requested before."""
        return await self._line.run(self._line_lyrics(song_id, vendor_id))

    async def get_krc_lyric_by_token(self, krc_token: str) -> KrcLyric:
        """The word lyrics of the whole song whose accompaniment, clip or segment was requested."""
        return await self._line.run(self._lyric(krc_token))

    async def get_standard_pitch(self, resource_id: str) -> StandardPitch:
        """The notes to hit of the whole song whose accompaniment, clip or segment this is."""
        return await self._line.run(self._pitch(resource_id))

    async def report_play(self, resource_id: str, play_id: str = "", **sung: Unpack[Sung]) -> PlayOnRecord:
        """Tell what was sung under the grant of a resource. Costs nothing, and counts for charts and statements.

        Without `play_id` it is a new play; the answer says its name, under which more of it is told as it is sung.
        """
        return await self._line.run(self._reported(resource_id, play_id, sung))

    async def ask(self, question: Operation[P, R] | SessionCommand[P, R], params: P, *, vendor_id: int = 0) -> R:
        """The answer to any command. Raises `CopyrightedMusicError`."""
        return await self._line.run(self._answered(question, params, vendor_id=vendor_id))

    async def send_extended_request(self, command: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The data that answers a command such as "/song/copyright", as it came. Each has a typed method besides."""
        return await self._line.run(self._commanded(command, params, read_command))

    async def download(
        self, resource_id: str, path: Path | str | None = None, *, track: int = 0, on_progress: OnProgress | None = None
    ) -> Path:
        """The resource's file at `path`, whole or not at all; an interrupted download is carried on with.

        Without `path` it is the cache's file, which is kept and need not be brought again. Track 0 is the resource's
        own file, 1 the original recording. Raises OSError when the file cannot be written.
        """
        return await self._line.run(self._downloaded(resource_id, path, track, on_progress))

    async def get_cached_file(self, resource_id: str, *, track: int = 0, full_check: bool = False) -> Path:
        """The cache's file of the resource, once the server permits its use; nothing is downloaded.

        `full_check` hashes it even if nothing was done to it since it was hashed last. Raises `FileFailed` for one that
        is not kept or is damaged, `Expired` when the permission has run out.
        """
        return await self._line.run(self._reused(resource_id, track, full_check=full_check))

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


class CopyrightedMusicSync(_Music[httpx2.BaseTransport], CommandsSync):
    """`CopyrightedMusic` for code without an event loop."""

    def _connect(self, transport: httpx2.BaseTransport | None, timeout: Timeout) -> None:
        self._line = SyncLine(transport=transport, timeout=timeout)

    def init(self, *, app_id: int, user_id: str, token: str, user_name: str = "", room_ids: Sequence[str] = ()) -> None:
        """Log in with the token that the app's back end made for `user_id`, into the rooms the user is in."""
        self._line.run(self._begun(app_id=app_id, user_id=user_id, token=token, user_name=user_name, room_ids=room_ids))

    @overload
    def request_resource(
        self, song_id: str, *, resource_type: ResourceType = ..., dry_run: Literal[True], **terms: Unpack[Terms]
    ) -> ResourceQuote: ...
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
        self,
        song_id: str,
        *,
        resource_type: ResourceType = ResourceType.ACCOMPANIMENT,
        dry_run: bool = False,
        **terms: Unpack[Terms],
    ) -> ResourceResult | ResourceQuote:
        """The permission to use a song in one form, and where its files and word lyrics are. Every call is charged.

        With `dry_run` only what it would be charged.
        """
        if dry_run:
            return self._line.run(self._quoted(song_id, resource_type, terms))
        return self._line.run(self._requested(song_id, resource_type, terms))

    def join_room(self, room_id: str) -> None:
        """Be in one more room: what its members pay for may be fetched from then on."""
        self._line.run(self._entered("join_room", room_id))

    def leave_room(self, room_id: str) -> None:
        """Be in a room no longer. What was requested or fetched there stays."""
        self._line.run(self._entered("leave_room", room_id))

    @overload
    def get_shared_resource(
        self,
        song_id: str,
        *,
        resource_type: Literal[ResourceType.ACCOMPANIMENT] = ...,
        room_id: str = ...,
        vendor_id: int = ...,
    ) -> SharedAccompanimentResult: ...
    @overload
    def get_shared_resource(
        self, song_id: str, *, resource_type: Literal[ResourceType.SONG], **place: Unpack[Place]
    ) -> SharedSongResult: ...
    @overload
    def get_shared_resource(
        self,
        song_id: str,
        *,
        resource_type: Literal[ResourceType.ACCOMPANIMENT_CLIP],
        room_id: str = ...,
        vendor_id: int = ...,
    ) -> ClipResult: ...
    @overload
    def get_shared_resource(
        self,
        song_id: str,
        *,
        resource_type: Literal[ResourceType.ACCOMPANIMENT_SEGMENT],
        room_id: str = ...,
        vendor_id: int = ...,
    ) -> SegmentResult: ...
    @overload
    def get_shared_resource(
        self, song_id: str, *, resource_type: ResourceType, **place: Unpack[Place]
    ) -> SharedResult: ...
    def get_shared_resource(
        self, song_id: str, *, resource_type: ResourceType = ResourceType.ACCOMPANIMENT, **place: Unpack[Place]
    ) -> SharedResult:
        """What another member of the room requested, until theirs runs out: once, free.

        Nothing shared is `NotFound`, a second fetch `NotAllowed`.
        """
        return self._line.run(self._fetched(song_id, resource_type, place))

    def get_music_by_token(self, share_token: str) -> SharedResult:
        """The same by the share token of whoever paid; better ask `get_shared_resource`.

        A short segment that is a file of its own comes as a `ClipResult`.
        """
        return self._line.run(self._redeemed(share_token))

    def get_lrc_lyric(self, song_id: str, *, vendor_id: int = 0) -> LrcLyric:
        """The line lyrics of a song that may be played or sung; nothing need be requested before."""
        return self._line.run(self._line_lyrics(song_id, vendor_id))

    def get_krc_lyric_by_token(self, krc_token: str) -> KrcLyric:
        """The word lyrics of the whole song whose accompaniment, clip or segment was requested."""
        return self._line.run(self._lyric(krc_token))

    def get_standard_pitch(self, resource_id: str) -> StandardPitch:
        """The notes to hit of the whole song whose accompaniment, clip or segment this is."""
        return self._line.run(self._pitch(resource_id))

    def report_play(self, resource_id: str, play_id: str = "", **sung: Unpack[Sung]) -> PlayOnRecord:
        """Tell what was sung under the grant of a resource. Costs nothing, and counts for charts and statements.

        Without `play_id` it is a new play; the answer says its name, under which more of it is told as it is sung.
        """
        return self._line.run(self._reported(resource_id, play_id, sung))

    def ask(self, question: Operation[P, R] | SessionCommand[P, R], params: P, *, vendor_id: int = 0) -> R:
        """The answer to any command. Raises `CopyrightedMusicError`."""
        return self._line.run(self._answered(question, params, vendor_id=vendor_id))

    def send_extended_request(self, command: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The data that answers a command such as "/song/copyright", as it came. Each has a typed method besides."""
        return self._line.run(self._commanded(command, params, read_command))

    def download(
        self, resource_id: str, path: Path | str | None = None, *, track: int = 0, on_progress: OnProgress | None = None
    ) -> Path:
        """The resource's file at `path`, whole or not at all; an interrupted download is carried on with.

        Without `path` it is the cache's file, which is kept and need not be brought again. Track 0 is the resource's
        own file, 1 the original recording. Raises OSError when the file cannot be written.
        """
        return self._line.run(self._downloaded(resource_id, path, track, on_progress))

    def get_cached_file(self, resource_id: str, *, track: int = 0, full_check: bool = False) -> Path:
        """The cache's file of the resource, once the server permits its use; nothing is downloaded.

        `full_check` hashes it even if nothing was done to it since it was hashed last. Raises `FileFailed` for one that
        is not kept or is damaged, `Expired` when the permission has run out.
        """
        return self._line.run(self._reused(resource_id, track, full_check=full_check))

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
