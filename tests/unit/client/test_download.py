"""Downloads and ranges, against a centre that serves one file with strong ETags."""

import asyncio
import errno
import hashlib
import io
import re
import tempfile
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuefu.client import (
    BadAnswer,
    BadParameter,
    ClientCode,
    CopyrightedMusic,
    CopyrightedMusicSync,
    Expired,
    FileFailed,
    NotAllowed,
    NotFound,
    Retries,
    TransportFailed,
)
from yuefu.client.download import Part, Placed
from yuefu.client.locks import Taken, hold

MEDIA = bytes(range(256)) * 64
ETAG = '"v1"'


def sha256_etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()}"'


class Breaking(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that ends with an error after its bytes, which come in pieces."""

    def __init__(self, content: bytes, error: Exception | None, piece_bytes: int = len(MEDIA)) -> None:
        self._content = content
        self._error = error
        self._piece_bytes = piece_bytes

    def __iter__(self) -> Iterator[bytes]:
        for first in range(0, len(self._content), self._piece_bytes):
            yield self._content[first : first + self._piece_bytes]
        if self._error:
            raise self._error

    async def __aiter__(self) -> Any:
        for piece in self:
            yield piece


def serving(
    content: bytes = MEDIA,
    *,
    etag: str = ETAG,
    stop_at: int | None = None,
    error: Exception | None = None,
    piece_bytes: int = len(MEDIA),
) -> Any:
    """Serves `content` as RFC 9110 says, up to byte `stop_at`, where the connection breaks with `error`."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        first, last, status = 0, len(content) - 1, 200
        headers = {"ETag": etag} if etag else {}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if wanted and request.headers.get("If-Range", etag) == etag:
            first, status = int(wanted[1]), 206
            last = min(last, int(wanted[2])) if wanted[2] else last
            if first > last:
                envelope = {"code": 1017040, "message": "Range", "request_id": "r"}
                return httpx2.Response(416, json=envelope, headers={"Content-Range": f"bytes */{len(content)}"})
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        headers["Content-Length"] = str(last + 1 - first)
        end = last + 1 if stop_at is None else stop_at
        return httpx2.Response(status, headers=headers, stream=Breaking(content[first:end], error, piece_bytes))

    return answer


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_download_is_whole_and_leaves_nothing_else(music: Any, centre: Any, tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    centre.will(serving())
    path = music.download("z_7/1?", str(tmp_path / "歌.m4a"), track=1, on_progress=lambda *at: progress.append(at))
    assert path == tmp_path / "歌.m4a"
    assert path.read_bytes() == MEDIA
    assert leftovers(tmp_path) == ["歌.m4a"]
    assert progress[-1] == (len(MEDIA), len(MEDIA))
    (request,) = centre.requests
    assert request.url.raw_path == b"/client/v1/resources/z_7%2F1%3F/1"
    assert request.headers["Authorization"] == "Bearer the-session"
    assert request.headers["Accept-Encoding"] == "identity"
    assert "Range" not in request.headers


@pytest.mark.parametrize("error", [httpx2.ReadError("x"), httpx2.RemoteProtocolError("x"), None], ids=repr)
def test_a_broken_download_goes_on_where_it_broke(error: Any, music: Any, centre: Any, tmp_path: Path) -> None:
    centre.will(serving(stop_at=1_000, error=error), serving(stop_at=5_000, error=error), serving())
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA
    assert [request.headers.get("Range") for request in centre.requests] == [None, "bytes=1000-", "bytes=5000-"]
    assert [request.headers.get("If-Range") for request in centre.requests] == [None, ETAG, ETAG]
    assert leftovers(tmp_path) == ["a"]


def test_an_abandoned_download_is_carried_on_by_the_next_call(music: Any, centre: Any, tmp_path: Path) -> None:
    centre.will(*[serving(stop_at=100 * count, error=httpx2.ReadError("x")) for count in range(1, 5)])
    with pytest.raises(TransportFailed):
        music.download("z", tmp_path / "a")
    assert leftovers(tmp_path) == ["a.part", "a.part.etag"]
    assert (tmp_path / "a.part").read_bytes() == MEDIA[:400]
    centre.will(serving())
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA
    assert centre.requests[-1].headers["Range"] == "bytes=400-"


def test_a_file_that_changed_meanwhile_is_taken_whole(music: Any, centre: Any, tmp_path: Path) -> None:
    centre.will(serving(stop_at=1_000, error=httpx2.ReadError("x")), serving(MEDIA[::-1], etag='"v2"'))
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA[::-1]


@pytest.mark.parametrize("etag", ["", 'W/"v1"'])
def test_without_a_strong_etag_a_part_is_begun_anew(etag: str, music: Any, centre: Any, tmp_path: Path) -> None:
    centre.will(serving(etag=etag, stop_at=1_000, error=httpx2.ReadError("x")), serving(etag=etag))
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA
    assert "Range" not in centre.requests[1].headers


@pytest.mark.parametrize("size", [len(MEDIA), len(MEDIA) + 9])
def test_a_part_that_is_too_long_is_thrown_away(size: int, music: Any, centre: Any, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * size)
    (tmp_path / "a.part.etag").write_text(ETAG)
    centre.will(serving(), serving())
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA


@pytest.mark.parametrize("etag", [None, "", "junk", '"a\nb"', "歌"])
def test_a_part_of_unknown_version_is_begun_anew(etag: str | None, music: Any, centre: Any, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 10)
    if etag is not None:
        (tmp_path / "a.part.etag").write_text(etag, encoding="utf-8")
    centre.will(serving())
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA
    assert leftovers(tmp_path) == ["a"]


def test_an_older_file_stays_until_the_new_one_is_whole(music: Any, centre: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"older")
    centre.will(*[serving(stop_at=9, error=httpx2.ReadError("x"))] * 4)
    with pytest.raises(TransportFailed):
        music.download("z", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"older"


def test_fewer_bytes_than_announced_never_become_the_file(music: Any, centre: Any, tmp_path: Path) -> None:
    centre.will(*[serving(etag="", stop_at=9)] * 4)
    with pytest.raises(TransportFailed, match=f"9 of {len(MEDIA)}"):
        music.download("z", tmp_path / "a")
    assert "a" not in leftovers(tmp_path)


def test_more_bytes_than_announced_never_become_the_file(music: Any, centre: Any, tmp_path: Path) -> None:
    centre.will(lambda _: httpx2.Response(200, headers={"Content-Length": "3"}, stream=Breaking(b"four", None)))
    with pytest.raises(BadAnswer, match="more bytes"):
        music.download("z", tmp_path / "a")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(("status", "code"), [(403, 1017018), (404, 1017034), (410, 1017019), (416, 1017040)])
def test_a_refused_download_raises_its_code(status: int, code: int, music: Any, centre: Any, tmp_path: Path) -> None:
    envelope = {"code": code, "message": "why", "request_id": "r-2"}
    centre.will(*[httpx2.Response(status, json=envelope)] * 2)
    error = {403: NotAllowed, 404: NotFound, 410: Expired, 416: BadParameter}[status]
    with pytest.raises(error, match=f"{code} .*why"):
        music.download("z", tmp_path / "a")
    with pytest.raises(error, match=f"{code} .*why"):
        music.get_resource_bytes("z")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(404, text="no"),
        httpx2.Response(204),
        lambda _: httpx2.Response(200, stream=Breaking(MEDIA, None)),
        lambda _: httpx2.Response(206, stream=Breaking(MEDIA, None)),
        lambda _: httpx2.Response(206, stream=Breaking(MEDIA, None), headers={"Content-Range": "bytes 0-9/*"}),
    ],
    ids=range(5),
)
def test_an_answer_that_is_no_media_is_a_bad_answer(answer: Any, music: Any, centre: Any, tmp_path: Path) -> None:
    centre.will(answer, answer)
    with pytest.raises(BadAnswer):
        music.download("z", tmp_path / "a")
    with pytest.raises(BadAnswer):
        music.get_resource_bytes("z")
    assert leftovers(tmp_path) == []


def test_bytes_from_elsewhere_are_not_joined_to_a_part(tmp_path: Path) -> None:
    part = Part(tmp_path / "a")
    part.path.write_bytes(b"123")
    with pytest.raises(BadAnswer, match="begins at 2"):
        part.open(Placed(first=2, length=9), ETAG)
    assert part.path.read_bytes() == b"123"


def test_the_same_file_is_downloaded_once_at_a_time(music: Any, centre: Any, tmp_path: Path) -> None:
    centre.will(serving(), serving())

    def again(_done: int, _length: int) -> None:
        flow = music._downloaded("z", tmp_path / "a", 0, None)
        with pytest.raises(FileFailed) as caught:
            next(flow)
        assert caught.value.code == ClientCode.ALREADY_DOWNLOADING

    music.download("z", tmp_path / "a", on_progress=again)
    music.download("z", tmp_path / "a")


class Filling(io.BytesIO):
    """A file on a disk that takes so many bytes more."""

    def __init__(self, path: Path, number: int, room_bytes: int) -> None:
        super().__init__()
        self._path = path
        self._number = number
        self._room_bytes = room_bytes

    def write(self, data: Any) -> int:
        with self._path.open("ab") as file:
            file.write(data[: self._room_bytes])
        if len(data) > self._room_bytes:
            raise OSError(self._number, "no room")
        self._room_bytes -= len(data)
        return len(data)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_has_its_code_and_what_went_onto_it_is_carried_on_with(
    number: int, music: Any, centre: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Part.open

    def open_full(part: Part, place: Placed, etag: str) -> Any:
        opened(part, place, etag).close()
        return Filling(part.path, number, 2_500)

    centre.will(serving(piece_bytes=1_000), serving())
    with monkeypatch.context() as patch:
        patch.setattr(Part, "open", open_full)
        with pytest.raises(FileFailed, match="no room left for") as caught:
            music.download("z", tmp_path / "a")
    assert caught.value.code == ClientCode.DISK_FULL
    assert leftovers(tmp_path) == ["a.part", "a.part.etag"]
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA
    assert centre.requests[-1].headers["Range"] == "bytes=2500-"


def test_a_disk_without_room_for_even_the_beginning_leaves_nothing(
    music: Any, centre: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(part: Part, _place: Placed, _etag: str) -> Any:
        part.path.touch()
        raise OSError(errno.ENOSPC, "no room")

    centre.will(serving())
    monkeypatch.setattr(Part, "open", full)
    with pytest.raises(FileFailed) as caught:
        music.download("z", tmp_path / "a")
    assert caught.value.code == ClientCode.DISK_FULL
    assert leftovers(tmp_path) == []


def test_a_folder_that_is_not_there_is_pythons_to_tell(music: Any, centre: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        music.download("z", tmp_path / "nowhere" / "a")


def test_an_empty_file_is_a_file(music: Any, centre: Any, tmp_path: Path) -> None:
    centre.will(serving(b""), serving(b""))
    assert music.download("z", tmp_path / "a").read_bytes() == b""
    assert music.get_resource_bytes("z") == b""


def test_bytes_come_whole_or_by_range(music: Any, centre: Any) -> None:
    centre.will(*[serving()] * 4)
    assert music.get_resource_bytes("z") == MEDIA
    assert music.get_resource_bytes("z", byte_range=(10, 19)) == MEDIA[10:20]
    assert music.get_resource_bytes("z", byte_range=(10, None)) == MEDIA[10:]
    assert music.get_resource_bytes("z", byte_range=(len(MEDIA) - 1, 10**9)) == MEDIA[-1:]
    assert [request.headers.get("Range") for request in centre.requests] == [
        None,
        "bytes=10-19",
        "bytes=10-",
        f"bytes={len(MEDIA) - 1}-1000000000",
    ]


def test_a_server_that_ignores_ranges_is_understood(music: Any, centre: Any) -> None:
    centre.will(httpx2.Response(200, content=MEDIA), httpx2.Response(200, content=MEDIA))
    assert music.get_resource_bytes("z", byte_range=(10, 19)) == MEDIA[10:20]
    assert music.get_resource_bytes("z", byte_range=(10, None)) == MEDIA[10:]


def test_a_range_beyond_the_end_is_refused_with_its_code(music: Any, centre: Any) -> None:
    centre.will(serving())
    with pytest.raises(BadParameter, match="Range"):
        music.get_resource_bytes("z", byte_range=(len(MEDIA), None))


def test_another_range_than_asked_for_is_a_bad_answer(music: Any, centre: Any) -> None:
    headers = {"Content-Range": "bytes 5-6/100"}
    centre.will(httpx2.Response(206, content=b"56", headers=headers))
    with pytest.raises(BadAnswer, match="begins at 5"):
        music.get_resource_bytes("z", byte_range=(10, 11))


def test_an_empty_resource_id_is_refused(music: Any) -> None:
    with pytest.raises(BadParameter) as caught:
        music.get_resource_bytes("")
    assert caught.value.code == ClientCode.RESOURCE_ID_EMPTY


async def test_a_cancelled_download_keeps_its_part_and_lets_go_of_the_file(
    centre: Any, say: Any, tmp_path: Path
) -> None:
    stuck = asyncio.Event()

    class Stuck(httpx2.AsyncByteStream):
        closed = False

        async def __aiter__(self) -> Any:
            yield MEDIA[:100]
            stuck.set()
            await asyncio.Event().wait()

        async def aclose(self) -> None:
            self.closed = True

    body = Stuck()
    headers = {"Content-Length": str(len(MEDIA)), "ETag": ETAG}
    centre.will(say.enveloped({"session": "s", "expires_in": 1}))
    centre.will(lambda _: httpx2.Response(200, headers=headers, stream=body), serving(), say.enveloped({}))
    async with CopyrightedMusic("https://h", transport=centre.transport) as music:
        await music.init(app_id=1, user_id="u", token="t")
        task = asyncio.create_task(music.download("z", tmp_path / "a"))
        await stuck.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert body.closed
        assert (tmp_path / "a.part").read_bytes() == MEDIA[:100]
        assert (await music.download("z", tmp_path / "a")).read_bytes() == MEDIA
    assert centre.requests[2].headers["Range"] == "bytes=100-"


@pytest.mark.parametrize("piece_bytes", [1_000, len(MEDIA)])
def test_bytes_that_are_not_their_etag_s_are_damaged_and_removed(
    piece_bytes: int, music: Any, centre: Any, tmp_path: Path
) -> None:
    etag = sha256_etag(MEDIA)
    centre.will(serving(MEDIA[::-1], etag=etag, piece_bytes=piece_bytes), serving(etag=etag))
    with pytest.raises(FileFailed, match="download it again") as caught:
        music.download("z", tmp_path / "a")
    assert caught.value.code == ClientCode.FILE_DAMAGED
    assert leftovers(tmp_path) == []
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA


def test_a_part_that_was_damaged_on_the_disk_does_not_become_the_file(music: Any, centre: Any, tmp_path: Path) -> None:
    etag = sha256_etag(MEDIA)
    (tmp_path / "a.part").write_bytes(b"x" * 1_000)
    (tmp_path / "a.part.etag").write_text(etag)
    centre.will(serving(etag=etag), serving(etag=etag))
    with pytest.raises(FileFailed) as caught:
        music.download("z", tmp_path / "a")
    assert caught.value.code == ClientCode.FILE_DAMAGED
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA
    assert "Range" not in centre.requests[-1].headers


def test_bytes_of_another_version_are_not_joined_to_a_part(music: Any, centre: Any, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(MEDIA[:1_000])
    (tmp_path / "a.part.etag").write_text(ETAG)
    rest = {"Content-Range": f"bytes 1000-{len(MEDIA) - 1}/{len(MEDIA)}", "ETag": '"v2"'}
    centre.will(lambda _: httpx2.Response(206, headers=rest, content=MEDIA[1_000:]), serving())
    with pytest.raises(BadAnswer, match="another version"):
        music.download("z", tmp_path / "a")
    assert leftovers(tmp_path) == []
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA


@pytest.mark.parametrize(
    "content_range", ["bytes 999-16383/16384", "bytes 1001-16383/16384", "bytes 1000-16384/16384", "bytes 1000-9/16384"]
)
def test_a_wrong_content_range_is_a_bad_answer_and_the_part_stays(
    content_range: str, music: Any, centre: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.part").write_bytes(MEDIA[:1_000])
    (tmp_path / "a.part.etag").write_text(ETAG)
    headers = {"Content-Range": content_range, "ETag": ETAG}
    centre.will(lambda _: httpx2.Response(206, headers=headers, content=MEDIA[1_000:]), serving())
    with pytest.raises(BadAnswer, match="Content-Range"):
        music.download("z", tmp_path / "a")
    assert (tmp_path / "a.part").read_bytes() == MEDIA[:1_000]
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA


@pytest.mark.parametrize("resource_id", ["z", ""])
def test_a_cancelled_download_says_so_and_is_carried_on_by_the_next(
    resource_id: str, music: Any, centre: Any, tmp_path: Path
) -> None:
    def stop(done: int, _length: int) -> None:
        music.cancel_download("another" if done < 3_000 else resource_id)

    centre.will(serving(piece_bytes=1_000), serving())
    with pytest.raises(FileFailed) as caught:
        music.download("z", tmp_path / "a", on_progress=stop)
    assert caught.value.code == ClientCode.DOWNLOAD_CANCELLED
    assert leftovers(tmp_path) == ["a.part", "a.part.etag"]
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA
    assert centre.requests[-1].headers["Range"] == "bytes=3000-"


def test_a_download_that_has_its_last_byte_is_cancelled_no_more(music: Any, centre: Any, tmp_path: Path) -> None:
    centre.will(serving())
    path = music.download("z", tmp_path / "a", on_progress=lambda *_: music.cancel_download("z"))
    assert path.read_bytes() == MEDIA


def test_a_cancelled_download_is_not_tried_again(music: Any, centre: Any, tmp_path: Path) -> None:
    def broken(_request: httpx2.Request) -> httpx2.Response:
        music.cancel_download("z")
        raise httpx2.ConnectError("x")

    centre.will(broken)
    with pytest.raises(FileFailed) as caught:
        music.download("z", tmp_path / "a")
    assert caught.value.code == ClientCode.DOWNLOAD_CANCELLED
    music.cancel_download("z")
    centre.will(serving())
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA


def test_a_download_is_cancelled_from_another_thread(centre: Any, say: Any, tmp_path: Path) -> None:
    centre.will(say.enveloped({"session": "s", "expires_in": 1}), serving(piece_bytes=1_000))
    client = CopyrightedMusicSync("https://h", transport=centre.transport)
    client.init(app_id=1, user_id="u", token="t")

    def stop(_done: int, _length: int) -> None:
        other = threading.Thread(target=client.cancel_download, args=("z",))
        other.start()
        other.join()

    with pytest.raises(FileFailed, match="cancelled"):
        client.download("z", tmp_path / "a", on_progress=stop)
    assert (tmp_path / "a.part").read_bytes() == MEDIA[:1_000]
    client.close()


def test_another_s_part_is_left_alone(music: Any, centre: Any, tmp_path: Path) -> None:
    with hold(tmp_path / "a.part.lock"), pytest.raises(FileFailed) as caught:
        music.download("z", tmp_path / "a")
    assert caught.value.code == ClientCode.ALREADY_DOWNLOADING
    (tmp_path / "a.part.lock").touch()  # as a killed process leaves it
    centre.will(serving())
    assert music.download("z", tmp_path / "a").read_bytes() == MEDIA
    assert leftovers(tmp_path) == ["a"]


def test_a_lock_is_held_by_one_and_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold(path):
        with pytest.raises(Taken), hold(path):
            pytest.fail("held twice")
        assert path.exists()
    assert not path.exists()


@settings(deadline=None)
@given(
    cuts=st.lists(st.integers(0, len(MEDIA)), max_size=8),
    piece_bytes=st.integers(100, len(MEDIA)),
    attempts=st.integers(1, 4),
    etag=st.sampled_from([ETAG, sha256_etag(MEDIA), 'W/"v1"', ""]),
)
def test_wherever_it_is_cut_the_bytes_are_the_same(cuts: list[int], piece_bytes: int, attempts: int, etag: str) -> None:
    left = list(cuts)

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/init"):
            data = {"session": "s", "expires_in": 1}
            return httpx2.Response(200, json={"code": 0, "message": "", "request_id": "", "data": data})
        whole: Any = serving(etag=etag, piece_bytes=piece_bytes)
        cut = (
            serving(etag=etag, piece_bytes=piece_bytes, stop_at=left.pop(0), error=httpx2.ReadError("x"))
            if left
            else whole
        )
        answered: httpx2.Response = cut(request)
        return answered

    retries = Retries(attempts=attempts, first_wait_s=0.0)
    client = CopyrightedMusicSync("https://h", transport=httpx2.MockTransport(answer), retries=retries)
    client.init(app_id=1, user_id="u", token="t")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        for _call in range(len(cuts)):
            try:
                client.download("z", path)
                break
            except TransportFailed:
                assert not path.exists()
        assert client.download("z", path).read_bytes() == MEDIA
        assert leftovers(Path(folder)) == ["a"]
    client.close()


def test_a_large_file_takes_little_memory(centre: Any, say: Any, tmp_path: Path) -> None:
    piece = b"x" * 65_536
    headers = {"Content-Length": str(512 * len(piece)), "ETag": ETAG}
    centre.will(say.enveloped({"session": "s", "expires_in": 1}))
    centre.will(lambda _: httpx2.Response(200, headers=headers, content=iter([piece] * 512)))
    client = CopyrightedMusicSync("https://h", transport=centre.transport)
    client.init(app_id=1, user_id="u", token="t")
    tracemalloc.start()
    try:
        client.download("z", tmp_path / "a")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "a").stat().st_size == 512 * len(piece)
    assert peak_bytes < 4_000_000
    client.close()
