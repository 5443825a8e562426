"""Many clients who ask for everything at once, and note what they got and when."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from soak.stage import APP_ID, LARGE_BYTES, VENDOR, Stage
from yuefu.client import mint_login_token, new_nonce, signed_url
from yuefu.ids import SongId

CLIENTS = 32
_PAUSE_S = 0.002
_PIECE_BYTES = 65_536
_RECEIVE_BYTES = 65_536
_SONG, _ACCOMPANIMENT = 0, 1
_TIMEOUT_S = 30.0
_LYRIC_ACTION = "DescribeSongLyric"
_SIGNATURE = ("AppId=", "Signature", "Timestamp=")


class Kind(Enum):
    """What is asked for."""

    GRANT = "grants"
    KRC = "word lyrics"
    ACTION = "line lyrics (Action)"
    ALIAS = "line lyrics (alias)"
    LRC = "line lyrics (client)"
    PITCH = "pitch lines"
    RANGE = "ranges"


@dataclass(frozen=True, slots=True)
class Seen:
    """One call: whether it brought what it asked for. Instants are monotonic seconds."""

    kind: Kind
    song_id: SongId
    began_s: float
    ended_s: float
    is_given: bool


@dataclass(slots=True)
class Download:
    """A download of the whole large file, as far as it came: how many bytes there were when."""

    began_s: float
    status: int = 0
    came: list[tuple[float, int]] = field(default_factory=list)
    ended_s: float | None = None

    @property
    def is_running(self) -> bool:
        return bool(self.came) and self.ended_s is None

    def bytes_at(self, at_s: float) -> int:
        """How many bytes had come by then."""
        return next((count for when_s, count in reversed(self.came) if when_s <= at_s), 0)

    @property
    def bytes_in_all(self) -> int:
        return self.came[-1][1] if self.came else 0


class Burst:
    """Clients on threads of their own, who go on until it ends. What they see is gathered for whoever takes it."""

    def __init__(self, base_url: str, stage: Stage) -> None:
        self._address = urlsplit(base_url).netloc
        self._base_url = base_url
        self._stage = stage
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._seen: list[Seen] = []
        self._downloads: list[Download] = []
        self._failures: list[Exception] = []
        calls = [threading.Thread(target=self._guarded, args=(self._ask, f"client {n}")) for n in range(CLIENTS)]
        loads = [threading.Thread(target=self._guarded, args=(self._download, f"listener {n}")) for n in range(2)]
        self._threads = [*calls, *loads]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_S)

    def seen(self) -> list[Seen]:
        """All calls so far. Raises what a client failed with."""
        with self._lock:
            if self._failures:
                raise self._failures[0]
            return list(self._seen)

    def downloads(self) -> list[Download]:
        with self._lock:
            return list(self._downloads)

    def forget(self) -> None:
        """Begin a round: what has ended is of no more interest."""
        with self._lock:
            self._seen.clear()
            self._downloads[:] = [each for each in self._downloads if each.ended_s is None]

    def _guarded(self, work: Callable[["_Caller"], None], user_id: str) -> None:
        try:
            with _calling(self._base_url, self._address, self._stage, user_id) as caller:
                work(caller)
        except Exception as error:  # noqa: BLE001 - the driver raises it on its own thread
            with self._lock:
                self._failures.append(error)

    def _ask(self, caller: "_Caller") -> None:
        while not self._is_over.is_set():
            for song_id in (self._stage.target, self._stage.other):
                for kind in Kind:
                    began_s = time.monotonic()
                    is_given = caller.ask(kind, song_id)
                    seen = Seen(kind, song_id, began_s, time.monotonic(), is_given)
                    with self._lock:
                        self._seen.append(seen)
                    self._is_over.wait(_PAUSE_S)

    def _download(self, caller: "_Caller") -> None:
        while not self._is_over.is_set():
            caller.ask(Kind.GRANT, self._stage.target)
            download = Download(began_s=time.monotonic())
            with self._lock:
                self._downloads.append(download)
            caller.download(self._stage.target, download, self._is_over)
            self._is_over.wait(_PAUSE_S)


class _Caller:
    """One user's session over one kept-alive connection."""

    def __init__(self, address: str, base_url: str, stage: Stage, user_id: str) -> None:
        self._address = address
        self._base_url = base_url
        self._stage = stage
        self._user_id = user_id
        self._connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_S)
        self._krc_tokens: dict[SongId, str] = {}
        token = mint_login_token(
            app_id=APP_ID, server_secret=stage.server_secret, user_id=user_id, life_s=3_600, at_s=int(time.time())
        )
        body = {"app_id": APP_ID, "user_id": user_id, "user_name": user_id, "room_ids": []}
        self._session = token
        self._session = self._post("/client/v1/init", body)["data"]["session"]

    def close(self) -> None:
        self._connection.close()

    def ask(self, kind: Kind, song_id: SongId) -> bool:
        """Whether it is given."""
        match kind:
            case Kind.GRANT:
                return self._grant(song_id, _SONG) and self._grant(song_id, _ACCOMPANIMENT)
            case Kind.KRC:
                token = self._krc_tokens.get(song_id, "")
                return bool(self._post("/client/v1/get_krc_lyric_by_token", {"krc_token": token}).get("lines"))
            case Kind.ACTION:
                return bool(self._act({"SongId": str(song_id)})["Code"] == 0)
            case Kind.ALIAS:
                return "Lyric" in self._act({}, {"SongId": str(song_id), "VendorId": VENDOR})
            case Kind.LRC:
                return bool(self._post("/client/v1/get_lrc_lyric", {"song_id": str(song_id)}).get("lines"))
            case Kind.PITCH:
                return bool(
                    self._post("/client/v1/get_standard_pitch", {"resource_id": _accompaniment(song_id)}).get("pitch")
                )
            case Kind.RANGE:
                return self._range(song_id)

    def download(self, song_id: SongId, download: Download, is_over: threading.Event) -> None:
        """The whole large file, as fast as it comes. A small window keeps it in the server rather than on its way."""
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
            host, _, port = self._address.rpartition(":")
            connection.settimeout(_TIMEOUT_S)
            connection.connect((host, int(port)))
            lines = [f"GET {_media(song_id)} HTTP/1.1", "Host: centre", f"Authorization: Bearer {self._session}"]
            connection.sendall(("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode())
            head = connection.recv(_RECEIVE_BYTES)
            download.status = int(head.split()[1])
            count = 0
            while not is_over.is_set() and download.status == http.HTTPStatus.OK:
                try:
                    piece = connection.recv(_RECEIVE_BYTES)
                except ConnectionError:
                    break
                if not piece:
                    break
                count += len(piece)
                download.came.append((time.monotonic(), count))
        download.ended_s = time.monotonic()

    def _grant(self, song_id: SongId, resource_type: int) -> bool:
        body = {"song_id": str(song_id), "vendor_id": VENDOR, "resource_type": resource_type}
        answer = self._post("/client/v1/request_resource", body)
        if answer["code"]:
            return False
        self._krc_tokens[song_id] = answer["data"].get("krc_token") or self._krc_tokens.get(song_id, "")
        return True

    def _range(self, song_id: SongId) -> bool:
        first = time.monotonic_ns() % (LARGE_BYTES - _PIECE_BYTES)
        headers = {
            "Authorization": f"Bearer {self._session}",
            "Range": f"bytes={first}-{first + _PIECE_BYTES - 1}",
        }
        self._connection.request("GET", _media(song_id), headers=headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
            return bool(content)
        return bool(json.loads(content)["code"] == 0)

    def _act(self, params: dict[str, str], body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask for line lyrics at `/`, or with a body of its alias."""
        url = signed_url(
            self._base_url,
            _LYRIC_ACTION,
            params,
            app_id=APP_ID,
            server_secret=self._stage.server_secret,
            user_id=self._user_id,
            vendor_id=VENDOR,
            nonce=new_nonce(),
            timestamp_s=int(time.time()),
        )
        query = urlsplit(url).query
        if body is None:
            return self._read("GET", f"/?{query}")
        signature = "&".join(pair for pair in query.split("&") if pair.startswith(_SIGNATURE))
        return self._read("POST", f"/v1/actions/{_LYRIC_ACTION}?{signature}", body)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._read("POST", path, body)

    def _read(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._session}", "Content-Type": "application/json"}
        self._connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
        answer: dict[str, Any] = json.loads(self._connection.getresponse().read())
        return answer


@contextmanager
def _calling(base_url: str, address: str, stage: Stage, user_id: str) -> Iterator[_Caller]:
    caller = _Caller(address, base_url, stage, user_id)
    try:
        yield caller
    finally:
        caller.close()


def _media(song_id: SongId) -> str:
    return f"/client/v1/resources/z_{song_id}_1/0"


def _accompaniment(song_id: SongId) -> str:
    return f"z_{song_id}_2"
