"""The cache, against a centre that grants every request and may take the permission back."""

import asyncio
import errno
import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuefu.client import (
    BadParameter,
    Cache,
    ClientCode,
    CopyrightedMusic,
    CopyrightedMusicError,
    CopyrightedMusicSync,
    Expired,
    FileFailed,
    NotAllowed,
    ResourceType,
    Retries,
    TransportFailed,
)
from yuefu.client.cache import CacheKey
from yuefu.client.download import Part, Whole
from yuefu.client.locks import hold

BASE_URL = "https://centre.example"
AT_ONCE = Retries(attempts=2, first_wait_s=0.0)
MEDIA = b"\x00\x01 audio" * 500


class House:
    """A centre at the boundary. `contents` are the files by resource id, `faults` what media requests meet, once."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.faults: list[httpx2.Response | Exception] = []
        self.knows_ranges = True
        self.media: list[httpx2.Request] = []
        self.transport = httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        call = request.url.path.removeprefix("/client/v1/")
        if call == "init":
            return enveloped({"session": "s", "expires_in": 1})
        if call == "request_resource":
            song_id = re.findall(r'"song_id":"(\w+)"', request.content.decode())[0]
            return enveloped(granted(song_id))
        return self._media(request, call.split("/")[1])

    def _media(self, request: httpx2.Request, resource_id: str) -> httpx2.Response:
        self.media.append(request)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        content = self.contents.get(resource_id, MEDIA)
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if wanted and self.knows_ranges and request.headers.get("If-Range", headers["ETag"]) == headers["ETag"]:
            first, last = int(wanted[1]), int(wanted[2] or len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            return httpx2.Response(206, headers=headers, content=content[first : last + 1])
        return httpx2.Response(200, headers=headers, content=content)

    @property
    def ranges(self) -> list[str | None]:
        return [request.headers.get("Range") for request in self.media]


def enveloped(data: object) -> httpx2.Response:
    return httpx2.Response(200, json={"code": 0, "message": "succeed", "request_id": "r", "data": data})


def granted(song_id: str) -> dict[str, Any]:
    resource = {"size": 1, "quality": "normal", "share_token": "", "resource_ttl": 1}
    return {
        "has_original": 1,
        "is_accompany": 1,
        "song_id": song_id,
        "duration": 1,
        "token_ttl": 1,
        "krc_token": "k",
        "krc_token_ttl": 1,
        "resources_size": 1,
        "resources": [{**resource, "resource_id": f"z_{song_id}"}],
    }


def refusal(status: int, code: int) -> httpx2.Response:
    return httpx2.Response(status, json={"code": code, "message": "why", "request_id": "r"})


def broken(content: bytes, *, stop_at: int) -> httpx2.Response:
    """A body that ends too early."""
    headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "Content-Length": str(len(content))}
    return httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(content[:stop_at]))


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> Cache:
    ticks = count(1)
    return Cache(folder, limit_bytes=3 * len(MEDIA), clock_ns=lambda: next(ticks) * 10**9)


ClientMaker = Callable[..., Any]


@pytest.fixture(params=["async", "sync"])
def make_client(request: pytest.FixtureRequest, house: House, say: Any) -> Iterator[ClientMaker]:
    """Makes clients of either kind, called alike, each with a session."""
    with asyncio.Runner() as runner:
        clients = []

        def make(cache: Cache | None, *, base_url: str = BASE_URL) -> Any:
            kind: Any = CopyrightedMusicSync if request.param == "sync" else CopyrightedMusic
            client = kind(base_url, transport=house.transport, retries=AT_ONCE, cache=cache)
            called = client if request.param == "sync" else say.awaited(client, runner)
            called.init(app_id=1, user_id="u", token="t")
            clients.append(called)
            return called

        yield make
        for client in clients:
            client.close()


@pytest.fixture
def music(make_client: ClientMaker, cache: Cache) -> Any:
    return make_client(cache)


def key(song_id: str = "1", **changes: Any) -> CacheKey:
    facts: dict[str, Any] = {"vendor_id": 0, "resource_type": 1, "quality": "normal", **changes}
    return CacheKey(BASE_URL, song_id, **facts)


def request(music: Any, song_id: str = "1", **terms: Any) -> str:
    resource_id: str = music.request_resource(song_id, **terms).resources[0].resource_id
    return resource_id


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_kept_file_is_not_brought_again_but_its_use_is_asked_for(music: Any, house: House) -> None:
    progress: list[tuple[int, int]] = []
    resource = request(music)
    path = music.download(resource)
    assert path.read_bytes() == MEDIA
    assert music.download(resource, on_progress=lambda *at: progress.append(at)) == path
    assert music.get_cached_file(resource) == path
    assert house.ranges == [None, "bytes=0-0", "bytes=0-0"]
    assert progress == [(len(MEDIA), len(MEDIA))]


def test_a_kept_file_serves_the_next_session(make_client: ClientMaker, cache: Cache, house: House) -> None:
    first = make_client(cache)
    path = first.download(request(first))
    second = make_client(cache)
    assert second.query_cache("1")
    assert second.download(request(second)) == path
    assert house.ranges == [None, "bytes=0-0"]


def test_a_server_without_ranges_permits_too(music: Any, house: House) -> None:
    house.knows_ranges = False
    resource = request(music)
    assert music.download(resource) == music.download(resource) == music.get_cached_file(resource)


@pytest.mark.parametrize("call", ["download", "get_cached_file"])
def test_a_resource_id_of_another_session_opens_nothing(
    call: str, make_client: ClientMaker, cache: Cache, house: House
) -> None:
    owner, stranger = make_client(cache), make_client(cache)
    resource = request(owner)
    owner.download(resource)
    with pytest.raises(NotAllowed) as caught:
        getattr(stranger, call)(resource)
    assert caught.value.code == ClientCode.RESOURCE_NOT_GRANTED
    owner.init(app_id=1, user_id="another", token="t")
    with pytest.raises(NotAllowed):
        getattr(owner, call)(resource)
    assert len(house.media) == 1


def test_without_a_cache_a_download_needs_a_path(make_client: ClientMaker, tmp_path: Path) -> None:
    music = make_client(None)
    resource = request(music)
    for call in (music.download, music.get_cached_file):
        with pytest.raises(BadParameter, match="path"):
            call(resource)
    assert music.download(resource, tmp_path / "a").read_bytes() == MEDIA
    music.clear_cache()
    assert (music.query_cache("1"), music.get_cache_size()) == (False, 0)


def test_the_tracks_of_a_resource_are_kept_apart(music: Any, house: House) -> None:
    resource = request(music)
    own = music.download(resource)
    house.contents["z_1"] = b"the original"
    original = music.download(resource, track=1)
    assert (own.read_bytes(), original.read_bytes()) == (MEDIA, b"the original")
    assert music.query_cache("1", track=1)
    assert [request.url.path.rpartition("/")[2] for request in house.media] == ["0", "1"]


def test_a_download_to_a_path_is_not_kept(music: Any, tmp_path: Path) -> None:
    music.download(request(music), tmp_path / "a")
    assert not music.query_cache("1")


def test_the_cache_is_asked_by_song_type_quality_and_vendor(music: Any, make_client: ClientMaker, cache: Cache) -> None:
    assert not music.query_cache("1", vendor_id=2)
    music.download(request(music, vendor_id=2))
    assert music.query_cache("1", vendor_id=2)
    assert music.query_cache("1", vendor_id=2, resource_type=ResourceType.ACCOMPANIMENT, quality="normal", track=0)
    assert not music.query_cache("2", vendor_id=2)
    assert not music.query_cache("1", vendor_id=1)
    assert not music.query_cache("1", vendor_id=2, resource_type=ResourceType.SONG)
    assert not music.query_cache("1", vendor_id=2, quality="hq")
    assert not music.query_cache("1", vendor_id=2, track=1)
    assert not make_client(cache, base_url="https://another.example").query_cache("1", vendor_id=2)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"song_id": ""}, ClientCode.SONG_ID_EMPTY),
        ({"song_id": "1", "quality": "loud"}, ClientCode.ILLEGAL_PARAMETER),
        ({"song_id": "1", "resource_type": 9}, ClientCode.ILLEGAL_PARAMETER),
    ],
)
def test_a_question_that_means_nothing_is_refused(question: dict[str, Any], code: int, music: Any) -> None:
    with pytest.raises(BadParameter) as caught:
        music.query_cache(**question)
    assert caught.value.code == code


@pytest.mark.parametrize("call", ["download", "get_cached_file"])
def test_a_kept_file_past_its_permission_is_expired_until_it_is_requested_again(
    call: str, music: Any, house: House
) -> None:
    path = music.download(request(music))
    house.faults.append(refusal(410, ClientCode.RESOURCE_EXPIRED))
    with pytest.raises(Expired, match="why") as caught:
        getattr(music, call)("z_1")
    assert caught.value.code == ClientCode.FILE_EXPIRED
    assert getattr(music, call)(request(music)) == path
    assert house.ranges == [None, "bytes=0-0", "bytes=0-0"]


def test_a_download_past_its_permission_has_the_code_of_downloads(music: Any, house: House) -> None:
    house.faults.append(refusal(410, ClientCode.RESOURCE_EXPIRED))
    with pytest.raises(Expired) as caught:
        music.download(request(music))
    assert caught.value.code == ClientCode.RESOURCE_EXPIRED


@pytest.mark.parametrize("call", ["download", "get_cached_file"])
def test_a_file_whose_rights_are_gone_is_removed(call: str, music: Any, house: House, folder: Path) -> None:
    music.download(request(music))
    house.faults.append(refusal(410, ClientCode.NO_RIGHTS))
    with pytest.raises(NotAllowed) as caught:
        getattr(music, call)("z_1")
    assert caught.value.code == ClientCode.NO_RIGHTS
    assert not music.query_cache("1")
    assert names(folder) == ["lock"]


@pytest.mark.parametrize("call", ["download", "get_cached_file"])
def test_who_cannot_ask_may_not_use_a_kept_file(call: str, music: Any, house: House) -> None:
    music.download(request(music))
    house.faults += [httpx2.ConnectError("x")] * AT_ONCE.attempts
    with pytest.raises(TransportFailed):
        getattr(music, call)("z_1")
    assert music.query_cache("1")


def test_a_file_that_is_another_on_the_server_is_brought_again(music: Any, house: House) -> None:
    path = music.download(request(music))
    house.contents["z_1"] = b"remastered" * 7
    assert music.download("z_1") == path
    assert path.read_bytes() == b"remastered" * 7
    house.contents["z_1"] = b"again"
    with pytest.raises(FileFailed, match="another version") as caught:
        music.get_cached_file("z_1")
    assert caught.value.code == ClientCode.FILE_MISSING


def test_what_was_never_downloaded_is_missing(music: Any, house: House) -> None:
    with pytest.raises(FileFailed) as caught:
        music.get_cached_file(request(music))
    assert caught.value.code == ClientCode.FILE_MISSING
    assert house.media == []


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def shorten_unseen(path: Path) -> None:
    time_ns = path.stat().st_mtime_ns
    shorten(path)
    os.utime(path, ns=(time_ns, time_ns))


def falsify(path: Path) -> None:
    path.write_bytes(b"x" * path.stat().st_size)
    os.utime(path, ns=(1, 1))


DAMAGES = [shorten, shorten_unseen, falsify]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_and_removed(damage: Callable[[Path], None], music: Any, folder: Path) -> None:
    damage(music.download(request(music)))
    with pytest.raises(FileFailed) as caught:
        music.get_cached_file("z_1")
    assert caught.value.code == ClientCode.FILE_DAMAGED
    assert names(folder) == ["lock"]


@pytest.mark.parametrize("damage", [*DAMAGES, Path.unlink])
def test_a_download_mends_a_damaged_file(damage: Callable[[Path], None], music: Any, house: House) -> None:
    damage(music.download(request(music)))
    assert music.download("z_1").read_bytes() == MEDIA
    assert house.ranges[-1] is None


def test_a_damage_that_touched_neither_size_nor_time_is_found_by_a_full_check(music: Any) -> None:
    path = music.download(request(music))
    time_ns = path.stat().st_mtime_ns
    path.write_bytes(b"x" * len(MEDIA))
    os.utime(path, ns=(time_ns, time_ns))
    assert music.get_cached_file("z_1") == path
    with pytest.raises(FileFailed) as caught:
        music.get_cached_file("z_1", full_check=True)
    assert caught.value.code == ClientCode.FILE_DAMAGED


def test_a_file_that_was_only_touched_is_hashed_once_and_stays(music: Any, cache: Cache, house: House) -> None:
    path = music.download(request(music))
    os.utime(path, ns=(5, 5))
    assert music.download("z_1") == path
    kept = cache.find(key())
    assert kept is not None
    assert kept.mtime_ns == 5
    assert music.get_cached_file("z_1", full_check=True) == path
    assert house.ranges == [None, "bytes=0-0", "bytes=0-0"]


@pytest.mark.parametrize("record", [b"", b"{", b"\xff", b'{"etag": 1}', b"[" * 10_000])
def test_a_file_without_a_readable_record_is_not_trusted(record: bytes, music: Any, cache: Cache, folder: Path) -> None:
    path = music.download(request(music))
    (folder / f"{path.name}.json").write_bytes(record)
    assert not music.query_cache("1")
    assert music.download("z_1").read_bytes() == MEDIA
    assert music.query_cache("1")


def test_a_file_of_a_server_that_names_no_version_is_brought_each_time(music: Any, house: House) -> None:
    nameless = {"Content-Length": str(len(MEDIA))}
    house.faults += [httpx2.Response(200, headers=nameless, content=MEDIA) for _ in range(3)]
    resource = request(music)
    assert music.download(resource) == music.download(resource)
    assert house.ranges == [None, "bytes=0-0", None]


def test_what_was_used_longest_ago_makes_room(music: Any) -> None:
    for song in ("1", "2", "3"):
        music.download(request(music, song))
    assert music.get_cache_size() == 3 * len(MEDIA)
    music.download("z_1")
    music.get_cached_file("z_2")
    music.download(request(music, "4"))
    assert [song for song in "1234" if music.query_cache(song)] == ["1", "2", "4"]
    assert music.get_cache_size() == 3 * len(MEDIA)


def test_a_file_larger_than_the_limit_displaces_nothing(music: Any, house: House, folder: Path) -> None:
    music.download(request(music, "1"))
    house.contents["z_2"] = b"x" * (3 * len(MEDIA) + 1)
    with pytest.raises(FileFailed, match="do not go into") as caught:
        music.download(request(music, "2"))
    assert caught.value.code == ClientCode.DISK_FULL
    assert music.query_cache("1")
    assert len(names(folder)) == 3
    house.contents["z_2"] = b"x" * (3 * len(MEDIA))
    music.download("z_2")
    assert not music.query_cache("1")


def test_an_unfinished_download_takes_room_until_it_has_to_make_some(music: Any, house: House, folder: Path) -> None:
    house.faults += [broken(MEDIA, stop_at=1_000)] + [httpx2.ReadError("x")] * (AT_ONCE.attempts - 1)
    with pytest.raises(TransportFailed):
        music.download(request(music, "1"))
    assert music.get_cache_size() == 1_000
    assert not music.query_cache("1")
    assert music.download("z_1").read_bytes() == MEDIA
    assert house.ranges[-1] == "bytes=1000-"

    house.faults += [broken(MEDIA, stop_at=2_000)] + [httpx2.ReadError("x")] * (AT_ONCE.attempts - 1)
    with pytest.raises(TransportFailed):
        music.download(request(music, "2"))
    (part,) = folder.glob("*.part")
    os.utime(part, ns=(1, 1))  # long ago, by the cache's clock
    for song in ("3", "4", "5"):
        music.download(request(music, song))
    assert music.get_cache_size() == 3 * len(MEDIA)
    music.download("z_2")
    assert house.ranges[-1] is None


def test_clearing_leaves_nothing_but_what_is_being_downloaded(music: Any, house: House, folder: Path) -> None:
    music.download(request(music, "1"))
    (folder / "half.media.new").touch()
    seen = []

    def clear(_done: int, _length: int) -> None:
        music.clear_cache()
        seen.append(names(folder))

    path = music.download(request(music, "2"), on_progress=clear)
    assert seen == [[*(f"{path.name}.part{ending}" for ending in ("", ".etag", ".lock")), "lock"]]
    assert path.read_bytes() == MEDIA
    music.clear_cache()
    assert music.get_cache_size() == 0
    assert names(folder) == ["lock"]


def test_a_cache_that_was_never_used_is_empty(music: Any, folder: Path) -> None:
    music.clear_cache()
    assert music.get_cache_size() == 0
    assert not folder.exists()


def test_a_full_disk_keeps_nothing_that_is_not_whole(music: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    resource = request(music)
    with monkeypatch.context() as patch:
        patch.setattr(Cache, "_write", full)
        with pytest.raises(FileFailed) as caught:
            music.download(resource)
    assert caught.value.code == ClientCode.DISK_FULL
    assert not music.query_cache("1")
    assert music.download(resource).read_bytes() == MEDIA


def test_a_cancelled_download_is_carried_on_in_the_cache(music: Any, house: House) -> None:
    house.faults.append(broken(MEDIA, stop_at=1_000))
    with pytest.raises(FileFailed) as caught:
        music.download(request(music), on_progress=lambda *_: music.cancel_download())
    assert caught.value.code == ClientCode.DOWNLOAD_CANCELLED
    assert music.download("z_1").read_bytes() == MEDIA
    assert house.ranges[-1] == "bytes=1000-"


def test_two_downloads_that_both_found_room_end_within_the_limit(cache: Cache) -> None:
    size = 2 * len(MEDIA)
    with cache.begun(key("1")) as one, cache.begun(key("2")) as other:
        cache.make_room(size)
        cache.make_room(size)
        for part in (one, other):
            part.path.write_bytes(bytes(size))
            part.etag_path.touch()
        whole = Whole('"e"', "", size)
        assert cache.keep(key("1"), one, whole).exists()
        assert cache.keep(key("2"), other, whole).exists()
    assert cache.size_bytes() == size
    assert not cache.holds(key("1"))


def test_a_file_that_another_holds_is_not_evicted(cache: Cache, folder: Path) -> None:
    with cache.begun(key("1")) as part:
        part.path.write_bytes(bytes(3 * len(MEDIA)))
        with pytest.raises(FileFailed):
            cache.make_room(1)
        assert part.path.exists()
    cache.make_room(1)
    assert not part.path.exists()


def test_the_same_file_wanted_by_many_at_once_is_whole_for_all_who_get_it(house: House, folder: Path) -> None:
    outcomes: list[Path | int] = []

    def want() -> None:
        music = CopyrightedMusicSync(BASE_URL, transport=house.transport, retries=AT_ONCE, cache=Cache(folder))
        music.init(app_id=1, user_id="u", token="t")
        try:
            outcomes.append(music.download(request(music)))
        except CopyrightedMusicError as error:
            outcomes.append(error.code)
        music.close()

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    path = folder / f"{key().name}.media"
    assert len(outcomes) == len(threads)
    assert set(outcomes) <= {path, ClientCode.ALREADY_DOWNLOADING.value}
    assert path in outcomes
    assert path.read_bytes() == MEDIA
    assert len(names(folder)) == 3


@settings(deadline=None)
@given(
    uses=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 120)), max_size=20),
    abandoned=st.sets(st.integers(0, 19)),
)
def test_whatever_is_kept_the_limit_holds_and_the_last_file_is_there(
    uses: list[tuple[int, int]], abandoned: set[int]
) -> None:
    ticks = count(1)
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(folder, limit_bytes=100, clock_ns=lambda: next(ticks) * 10**9)
        for turn, (song, size) in enumerate(uses):
            which = key(str(song))
            with cache.begun(which) as part:
                part.path.write_bytes(b"")
                try:
                    cache.make_room(size)
                except FileFailed:
                    assert size > 100
                    continue
                part.path.write_bytes(bytes(size))
                part.etag_path.touch()
                if turn not in abandoned:
                    cache.keep(which, part, Whole('"e"', hashlib.sha256(bytes(size)).hexdigest(), size))
            assert cache.size_bytes() <= 100
            assert turn in abandoned or cache.holds(which)
        cache.clear()
        assert cache.size_bytes() == 0


def test_a_part_names_its_neighbours(tmp_path: Path) -> None:
    part = Part(tmp_path / "歌.media")
    with part.held():
        assert names(tmp_path) == ["歌.media.part.lock"]
        with pytest.raises(FileFailed), part.held():
            pytest.fail("held twice")
    with hold(part.lock_path), pytest.raises(FileFailed), part.held():
        pytest.fail("held twice")
    assert names(tmp_path) == []
