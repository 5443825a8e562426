"""Media bytes: a song's file out of the gateway, which asks the rights as it goes, and the same file out of nginx."""

import secrets
import select
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load import LoadFailed
from bench.process import Server, on_load_cores
from bench.rivals import FILE_PATH, find_nginx, nginx
from bench.stock import VENDOR, add_apps, open_session, serving
from yuefu.access.session import SESSION_LIFE_MS
from yuefu.catalogue.resource import ResourceRef, resource_id
from yuefu.catalogue.song import Blob, Part, PartKind, PublishedSong, Quality, SongFacts
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.rights.grant import GrantedResource, Need, NewGrant
from yuefu.server.centre import Transaction
from yuefu.server.settings import Settings
from yuefu.server.wiring import open_installation
from yuefu.units import MINUTE_MS

FILE_BYTES = 8_000_000
"""A song of four minutes in hq; in sq it has three times as many."""
LISTENERS = 8
_RECEIVE_BYTES = 1 << 20
_SILENCE_S = 30.0
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class MediaRound:
    """What one server did in one round. `cpu_us` is a megabyte's."""

    mb_per_s: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class MediaFigures:
    """Rounds by server ("yuefu" and, where installed, "nginx"), and how much memory the gateway's worker took more
    while it sent.
    """

    rounds: dict[str, list[MediaRound]]
    files: int
    growth_mb: float

    def typical(self, name: str) -> MediaRound:
        """The medians of that server's rounds."""
        rounds = self.rounds[name]
        return MediaRound(median(each.mb_per_s for each in rounds), median(each.cpu_us for each in rounds))

    @property
    def ratio(self) -> float | None:
        """The gateway's rate over nginx's, None where that is not installed."""
        if "nginx" not in self.rounds:
            return None
        pairs = zip(self.rounds["yuefu"], self.rounds["nginx"], strict=True)
        return median(ours.mb_per_s / its.mb_per_s for ours, its in pairs)


def measure_media(*, rounds: int, files: int, folder: Path) -> MediaFigures:
    """Have each server send `files` files to each of its listeners in each round. Raises `LoadFailed`."""
    content = secrets.token_bytes(FILE_BYTES)
    requests = _prepare(folder / "media", content)
    with ExitStack() as stack:
        yuefu = stack.enter_context(serving(folder / "media"))
        servers = {"yuefu": (yuefu, requests)}
        if program := find_nginx():
            server = stack.enter_context(nginx(program, content, folder / "media-nginx"))
            servers["nginx"] = (server, [f"GET {FILE_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()] * LISTENERS)
        for server, asked in servers.values():
            _check(server, asked[0], content)
        before_mb = yuefu.worker_memory_mb()
        measured: dict[str, list[MediaRound]] = {name: [] for name in servers}
        for number in range(-1, rounds):  # the first one warms up
            for name, (server, asked) in servers.items():
                outcome = _measure(server, asked, files)
                if number >= 0:
                    measured[name].append(outcome)
        return MediaFigures(measured, files, yuefu.worker_memory_mb() - before_mb)


def _measure(server: Server, requests: Sequence[bytes], files: int) -> MediaRound:
    before_us = server.cpu_us()
    begun = time.perf_counter()
    with on_load_cores():
        _listen(server.port, requests, files)
    seconds = time.perf_counter() - begun
    sent_mb = len(requests) * files * FILE_BYTES / _MB
    return MediaRound(mb_per_s=sent_mb / seconds, cpu_us=(server.cpu_us() - before_us) / sent_mb)


@dataclass(slots=True)
class _Listener:
    """A connection that asks for the file again as soon as it has it. The head comes in one piece with the body."""

    connection: socket.socket
    request: bytes
    files_left: int
    bytes_left: int = 0

    def ask(self) -> None:
        self.files_left -= 1
        self.bytes_left = 0
        self.connection.sendall(self.request)

    def take(self, buffer: memoryview) -> None:
        """Take what has come. Raises `LoadFailed`."""
        count = self.connection.recv_into(buffer)
        if not count:
            raise LoadFailed("the server hung up")
        if not self.bytes_left:
            head, separator, body = bytes(buffer[:count]).partition(b"\r\n\r\n")
            if not separator or not head.startswith(b"HTTP/1.1 200 "):
                raise LoadFailed(f"not the answer expected: {head[:500]!r}")
            count, self.bytes_left = len(body), FILE_BYTES
        self.bytes_left -= count


def _listen(port: int, requests: Sequence[bytes], files: int) -> None:
    poll = select.epoll()
    listeners = {}
    buffer = memoryview(bytearray(_RECEIVE_BYTES))
    try:
        for request in requests:
            connection = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_S)
            listeners[connection.fileno()] = _Listener(connection, request, files)
            poll.register(connection, select.EPOLLIN)
            listeners[connection.fileno()].ask()
        busy = len(listeners)
        while busy:
            ready = poll.poll(_SILENCE_S)
            if not ready:
                raise LoadFailed(f"no bytes for {_SILENCE_S:.0f} s")
            for number, _ in ready:
                listener = listeners[number]
                listener.take(buffer)
                if not listener.bytes_left and listener.files_left:
                    listener.ask()
                elif not listener.bytes_left:
                    busy -= 1
    finally:
        poll.close()
        for listener in listeners.values():
            listener.connection.close()


def _check(server: Server, request: bytes, content: bytes) -> None:
    """That the bytes are the right ones. Raises `LoadFailed`."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=_SILENCE_S) as connection:
        connection.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received = b"".join(iter(lambda: connection.recv(_RECEIVE_BYTES), b""))
    if received.partition(b"\r\n\r\n")[2] != content:
        raise LoadFailed("not the bytes of the file")


def _prepare(folder: Path, content: bytes) -> list[bytes]:
    """An installation with one song, and for each listener the request of a session that was granted it."""
    with open_installation(Settings(data=str(folder))) as installation:
        (app,) = add_apps(installation, 1)
        source = folder / "song"
        source.write_bytes(content)
        blob = installation.blobs.put(source)
        at_ms = installation.centre.now_ms()

        def job(transaction: Transaction) -> list[bytes]:
            song_id = _publish(transaction, blob, at_ms=at_ms)
            return [_grant(transaction, app.app_id, number, song_id, at_ms=at_ms) for number in range(LISTENERS)]

        return installation.centre.work.run(job)


def _publish(transaction: Transaction, blob: Blob, *, at_ms: int) -> SongId:
    part = Part(
        kind=PartKind.ORIGINAL,
        quality=Quality.NORMAL,
        media_type="audio/mp4",
        blob=blob,
        duration_ms=4 * MINUTE_MS,
        track_count=1,
    )
    song = PublishedSong(
        vendor_id=VendorId(VENDOR),
        source_key="bench",
        fingerprint="bench",
        facts=SongFacts(title="长歌", singers=("乐府",)),
        duration_ms=part.duration_ms,
        accompaniment_duration_ms=0,
        highlight=None,
        parts=(part,),
    )
    song_id = transaction.publish(song, at_ms=at_ms).song_id
    sheet = TermSheet(terms=(Terms(),))
    transaction.record_deal(Deal(song_id=song_id, chains=(Chain.RECORDING,), sheet=sheet), at_ms=at_ms)
    return song_id


def _grant(transaction: Transaction, app_id: AppId, number: int, song_id: SongId, *, at_ms: int) -> bytes:
    """The request for the song's bytes, of a session that holds a grant of them."""
    token = open_session(transaction, app_id, number, at_ms=at_ms)
    named = resource_id(ResourceRef(song_id, PartKind.ORIGINAL, Quality.NORMAL))
    grant = NewGrant(
        session_id=number + 1,
        app_id=app_id,
        user_id=UserId(f"singer-{number}"),
        room_id=RoomId(""),
        song_id=song_id,
        vendor_id=VendorId(VENDOR),
        resource_type=0,
        scene_id=0,
        billing_mode=0,
        granted_at_ms=at_ms,
        expires_at_ms=at_ms + SESSION_LIFE_MS,
        rights_revision=1,
        territory="CN",
        resources=(GrantedResource(resource_id=named, need=Need.PLAY),),
    )
    transaction.issue_grant(grant)
    return (
        f"GET /client/v1/resources/{named}/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()
