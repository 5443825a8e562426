"""The bytes: to the session that holds a grant, in the stretch it asks for, while the rights last."""

import asyncio
import contextlib
import fcntl
import re
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from yuefu.catalogue.song import PartKind, Quality
from yuefu.errors import EngineBusy
from yuefu.rights.deal import Chain, Terms
from yuefu.server.http.front import IS_PROXIED, TrustedProxies
from yuefu.server.http.site import Site
from yuefu.units import DAY_MS, SECOND_MS

SONG, ACCOMPANIMENT, CLIP, SEGMENT = range(4)
CLIP_BYTES = bytes(range(256)) * 40
SIZE = len(CLIP_BYTES)


@pytest.fixture
def member(world: Any) -> Any:
    return world.member()


@pytest.fixture
def clip(member: Any) -> str:
    found: str = member.resource_id(resource_type=CLIP)
    return found


def refusal(reply: Any) -> tuple[int, int]:
    """The HTTP status and the code of the envelope."""
    envelope = reply.json()
    assert envelope.keys() == {"code", "message", "request_id"}
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    return reply.status_code, envelope["code"]


def test_a_granted_resource_is_sent_whole(member: Any, clip: str) -> None:
    reply = member.download(clip)
    assert (reply.status_code, reply.content) == (200, CLIP_BYTES)
    assert reply.headers["content-length"] == str(SIZE)
    assert reply.headers["content-type"] == "audio/mp4"
    assert reply.headers["accept-ranges"] == "bytes"
    assert reply.headers["cache-control"] == "private, no-store"
    assert re.fullmatch(r'"[0-9a-f]{64}"', reply.headers["etag"])
    assert "content-range" not in reply.headers


@pytest.mark.parametrize("resource_type", [SONG, ACCOMPANIMENT, CLIP])
def test_the_size_in_the_answer_is_the_size_of_the_bytes(member: Any, resource_type: int) -> None:
    (resource,) = member.granted(resource_type=resource_type)["resources"]
    assert len(member.download(resource["resource_id"]).content) == resource["size"]


@pytest.mark.parametrize(
    ("wanted", "first", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10_000, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=10000-99999999", 10_000, SIZE),
        ("bytes=-1", SIZE - 1, SIZE),
        ("bytes=-500", SIZE - 500, SIZE),
        ("bytes = 5 - 9", 5, 10),
    ],
)
def test_a_stretch_is_sent_as_asked(member: Any, clip: str, wanted: str, first: int, end: int) -> None:
    reply = member.download(clip, range=wanted)
    assert (reply.status_code, reply.content) == (206, CLIP_BYTES[first:end])
    assert reply.headers["content-range"] == f"bytes {first}-{end - 1}/{SIZE}"
    assert reply.headers["content-length"] == str(end - first)
    assert reply.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-1,5-6",
        "bytes=-1,0-1",
        "seconds=0-1",
        "bytes=",
        "bytes=-",
        "bytes",
        "bytes=a-b",
        "bytes=9-5",
        "bytes=0x0-0x5",
        f"bytes={'9' * 40}-",
        "",
    ],
)
def test_the_whole_file_answers_what_is_no_single_part_of_it(member: Any, clip: str, wanted: str) -> None:
    reply = member.download(clip, range=wanted)
    assert (reply.status_code, reply.content) == (200, CLIP_BYTES)


@pytest.mark.parametrize("wanted", ["bytes=0-", f"bytes=0-{SIZE - 1}", f"bytes=-{SIZE}", f"bytes=-{SIZE + 1}"])
def test_a_range_that_is_the_whole_file_is_answered_as_a_range(member: Any, clip: str, wanted: str) -> None:
    reply = member.download(clip, range=wanted)
    assert (reply.status_code, reply.content) == (206, CLIP_BYTES)
    assert reply.headers["content-range"] == f"bytes 0-{SIZE - 1}/{SIZE}"


@pytest.mark.parametrize("wanted", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
def test_a_stretch_beyond_the_end_is_refused_with_the_length(member: Any, clip: str, wanted: str) -> None:
    reply = member.download(clip, range=wanted)
    assert refusal(reply) == (416, 1017040)
    assert reply.headers["content-range"] == f"bytes */{SIZE}"
    assert reply.json()["message"].startswith("Range: ")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(0, SIZE + 3), last=st.none() | st.integers(0, SIZE + 3))
def test_any_range_is_answered_as_slicing_would(member: Any, clip: str, first: int, last: int | None) -> None:
    reply = member.download(clip, range=f"bytes={first}-{'' if last is None else last}")
    end = SIZE if last is None else last + 1
    if last is not None and last < first:
        assert (reply.status_code, reply.content) == (200, CLIP_BYTES)
    elif first >= SIZE:
        assert reply.status_code == 416
    else:
        assert reply.status_code in {200, 206}
        assert reply.content == CLIP_BYTES[first:end]


def test_a_range_goes_with_the_version_it_was_meant_for(member: Any, clip: str) -> None:
    etag = member.download(clip).headers["etag"]
    assert member.download(clip, range="bytes=0-9", if_range=etag).status_code == 206
    for other in ('"another"', f"W/{etag}", etag.strip('"'), "Wed, 21 Oct 2015 07:28:00 GMT"):
        reply = member.download(clip, range="bytes=0-9", if_range=other)
        assert (reply.status_code, reply.content) == (200, CLIP_BYTES)


def test_head_tells_what_get_would_send(member: Any, clip: str) -> None:
    head, get = member.download(clip, method="HEAD"), member.download(clip)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers


def test_head_takes_no_notice_of_a_range(member: Any, clip: str) -> None:
    """Ranges are defined for GET alone (RFC 9110 §14.2)."""
    for wanted in ("bytes=0-9", f"bytes={SIZE}-"):
        head = member.download(clip, method="HEAD", range=wanted)
        assert (head.status_code, head.headers["content-length"]) == (200, str(SIZE))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(member: Any, clip: str, method: str) -> None:
    assert member.download(clip, method=method).status_code == 405


def test_the_original_recording_is_a_track_of_its_own(member: Any) -> None:
    accompaniment = member.resource_id(resource_type=ACCOMPANIMENT)
    assert member.download(accompaniment, "0").content == b"the backing with the original beside it"
    assert member.download(accompaniment, "1").content == b"the original recording"


def test_without_the_recording_right_there_is_no_original_track(member: Any) -> None:
    alone = member.resource_id("sung only", ACCOMPANIMENT)
    assert member.download(alone, "0").content == b"the backing alone"
    assert refusal(member.download(alone, "1")) == (404, 1017034)


@pytest.mark.parametrize("track", ["2", "-1", "00", "01", "0x0", "a", "茉莉", "%00", "0%20", "..%2f0", "1e0"])
def test_a_track_that_is_none_is_not_found(member: Any, clip: str, track: str) -> None:
    assert member.download(clip, track).status_code == 404


# Whose it is.


def test_another_sessions_resource_is_refused(world: Any, clip: str) -> None:
    for stranger in (world.member(), world.member(user_id="another"), world.member(world.add_app(99))):
        assert refusal(stranger.download(clip)) == (403, 1017018)
        assert refusal(stranger.download(clip, method="GET", range="bytes=0-0")) == (403, 1017018)


def test_each_session_needs_its_own_grant(world: Any, clip: str) -> None:
    other = world.member()
    assert other.resource_id(resource_type=CLIP) == clip
    assert other.download(clip).status_code == 200


@pytest.mark.parametrize("number", [1, 2, 4, 5, 11])
def test_a_grant_of_one_part_opens_no_other(world: Any, member: Any, clip: str, number: int) -> None:
    assert refusal(member.download(f"z_{world.songs['whole']}_{number}")) == (403, 1017018)


@pytest.mark.parametrize(
    "resource_id",
    ["z_1_1", "z__", "z_1_1'--", "..", "%2e%2e%2f%2e%2e", "z_" + "9" * 2_000 + "_1", "茉莉", "%00", "%ff"],
)
def test_a_hostile_resource_id_is_refused(member: Any, clip: str, resource_id: str) -> None:
    assert member.download(resource_id).status_code in {403, 404}


@pytest.mark.parametrize("session", ["", "nonsense"])
def test_a_download_needs_a_session(member: Any, clip: str, session: str) -> None:
    member.session = session
    assert refusal(member.download(clip)) == (403, 1017096)


def test_a_destroyed_session_downloads_nothing(member: Any, clip: str) -> None:
    member.call("destroy")
    assert refusal(member.download(clip)) == (403, 1017096)


# For how long.


def test_a_permission_runs_out_on_its_instant(world: Any, member: Any) -> None:
    profile = msgspec.structs.replace(world.centre.profiles[1], resource_ttl_ms=300_000)
    world.centre = replace(world.centre, profiles={**world.centre.profiles, 1: profile})
    (resource,) = member.granted(resource_type=CLIP)["resources"]
    assert resource["resource_ttl"] == 300_000
    world.wait(299_999)
    assert member.download(resource["resource_id"]).status_code == 200
    world.wait(1)
    assert refusal(member.download(resource["resource_id"])) == (410, 1017019)
    member.granted(resource_type=CLIP)
    assert member.download(resource["resource_id"]).status_code == 200


def test_the_day_ends_the_session_and_with_it_the_permission(world: Any, member: Any, clip: str) -> None:
    world.wait(DAY_MS)
    assert refusal(member.download(clip)) == (403, 1017096)


def test_withdrawn_rights_stop_the_next_download(world: Any, member: Any, clip: str) -> None:
    world.record_deal("whole", Chain.WORK, terms=())
    assert refusal(member.download(clip)) == (410, 1017030)
    world.record_deal("whole", Chain.WORK, terms=(Terms(),))
    assert member.download(clip).status_code == 200


def test_a_deal_that_ends_stops_the_next_download(world: Any, member: Any) -> None:
    resource_id = member.resource_id("ending", SONG)
    world.wait(SECOND_MS - 1)
    assert member.download(resource_id).status_code == 200
    world.wait(1)
    assert refusal(member.download(resource_id)) == (410, 1017030)


@pytest.mark.parametrize(
    ("withdrawn", "resource_type", "status"),
    [
        (Chain.RECORDING, SONG, 410),
        (Chain.RECORDING, ACCOMPANIMENT, 410),
        (Chain.RECORDING, CLIP, 200),
        (Chain.WORK, SONG, 200),
        (Chain.WORK, ACCOMPANIMENT, 410),
        (Chain.WORK, CLIP, 410),
    ],
)
def test_each_resource_needs_its_own_rights_to_the_end(
    world: Any, member: Any, withdrawn: Chain, resource_type: int, status: int
) -> None:
    resource_id = member.resource_id(resource_type=resource_type)
    world.record_deal("whole", withdrawn, terms=())
    assert member.download(resource_id).status_code == status


def test_a_removed_song_is_sent_no_more(world: Any, member: Any, clip: str) -> None:
    world.remove("whole")
    assert refusal(member.download(clip)) == (410, 1017030)


def publish_large(world: Any, path: Path, size_bytes: int) -> None:
    """Put a large file in the place of the clip."""
    source = path / "large"
    source.write_bytes(bytes(size_bytes))
    song = world.centre.songs.song(world.songs["whole"]).published
    blob = world.centre.blobs.put(source)
    parts = tuple(
        msgspec.structs.replace(part, blob=blob) if part.kind is PartKind.CLIP else part for part in song.parts
    )
    changed = msgspec.structs.replace(song, fingerprint="large", parts=parts)
    world.centre.work.run(lambda transaction: transaction.publish(changed, at_ms=1))


def asked(member: Any, resource_id: str) -> dict[str, Any]:
    """The ASGI scope of a download."""
    path = f"/client/v1/resources/{resource_id}/0"
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {member.session}".encode())],
        "http_version": "1.1",
        "extensions": {},
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }


async def nothing() -> Any:
    """A request without a body."""
    return {"type": "http.request", "body": b"", "more_body": False}


def test_a_long_answer_stops_when_the_rights_go(world: Any, member: Any, tmp_path: Path) -> None:
    publish_large(world, tmp_path, 5_000_000)
    resource_id = member.resource_id(resource_type=CLIP)
    received, is_finished = 0, False

    async def send(message: Any) -> None:
        nonlocal received, is_finished
        is_finished = message["type"] == "http.response.body" and not message.get("more_body")
        if not received and message.get("body"):
            world.record_deal("whole", Chain.WORK, terms=())
        received += len(message.get("body", b""))

    asyncio.run(Site(world.centre)(asked(member, resource_id), nothing, send))
    assert 0 < received <= 1 << 20
    assert not is_finished, "the client takes what it has for the whole"


class Slow(EngineBusy):
    """Somebody took too long, so often."""


@pytest.mark.parametrize(("slow", "status"), [(0, 200), (1, 200), (2, 503)])
def test_a_machine_that_is_too_busy_once_breaks_nothing_off(
    world: Any, member: Any, monkeypatch: pytest.MonkeyPatch, slow: int, status: int
) -> None:
    resource_id = member.resource_id(resource_type=CLIP)
    left = [Slow("asked too long ago")] * slow

    def check(_passage: Any) -> None:
        if left:
            raise left.pop()

    with world.centre.fence.passage() as passage:
        monkeypatch.setattr(type(passage), "check", check)
    reply = member.download(resource_id)
    assert reply.status_code == status
    assert reply.content == CLIP_BYTES if status == 200 else refusal(reply) == (503, 1017097)


# At once.


@pytest.mark.parametrize("end", ["taken", "hung up", "cancelled"])
def test_a_session_downloads_four_at_once_and_whichever_ends_makes_room(
    world: Any, member: Any, clip: str, end: str
) -> None:
    site = Site(world.centre)

    async def play() -> None:
        heads = asyncio.Semaphore(0)
        ending = asyncio.Event()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                heads.release()
            elif not ending.is_set():
                await ending.wait()
                if end == "hung up":
                    raise OSError

        downloads = [asyncio.create_task(site(asked(member, clip), nothing, send)) for _ in range(4)]
        for _ in downloads:
            await heads.acquire()
        assert [await begun(site, member, clip) for _ in range(3)] == [429] * 3
        assert await begun(site, other, clip) == 200
        if end == "cancelled":
            downloads[0].cancel()
        else:
            ending.set()
        await asyncio.wait(downloads[:1])
        assert await begun(site, member, clip) == 200
        ending.set()
        await asyncio.gather(*downloads, return_exceptions=True)

    other = world.member(user_id="另一位")
    assert other.resource_id(resource_type=CLIP) == clip
    asyncio.run(play())


async def begun(site: Site, member: Any, resource_id: str) -> int:
    """The status of one more download, which is taken whole."""
    statuses = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await site(asked(member, resource_id), nothing, send)
    (status,) = statuses
    return int(status)


def test_one_too_many_is_told_when_to_come_again(world: Any, member: Any, clip: str) -> None:
    session_id = world.rows("grants")[0]["session_id"]
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(world.centre.downloads.hold(session_id))
        reply = member.download(clip)
        assert refusal(reply) == (429, 1017097)
        assert int(reply.headers["retry-after"]) > 0
        assert member.download(clip, method="HEAD").status_code == 200  # brings no bytes
        assert refusal(member.download(clip, range=f"bytes={SIZE}-")) == (416, 1017040)
    assert member.download(clip).content == CLIP_BYTES


# By the proxy in front.


def left_to_proxy(world: Any, member: Any, resource_id: str, **headers: str) -> Any:
    """The answer to a proxy that may send the small files itself."""
    world.centre = replace(world.centre, accel_prefix="/blobs/", accel_max_bytes=SIZE)
    front = TrustedProxies(Site(world.centre), [ip_network("192.0.2.0/24")])
    sent = {"authorization": f"Bearer {member.session}", "x-forwarded-for": "203.0.113.9"} | headers
    with TestClient(front, client=("192.0.2.1", 1)) as proxy:
        return proxy.get(f"/client/v1/resources/{resource_id}/0", headers=sent)


@pytest.mark.parametrize("wanted", ["", "bytes=0-9", "bytes=0-1,5-6"])
def test_a_small_file_is_left_to_a_trusted_proxy(world: Any, member: Any, clip: str, wanted: str) -> None:
    plain = member.download(clip)
    reply = left_to_proxy(world, member, clip, range=wanted)
    sha256 = plain.headers["etag"].strip('"')
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["x-accel-redirect"] == f"/blobs/{sha256[:2]}/{sha256}"
    for name in ("etag", "content-type", "cache-control"):
        assert reply.headers[name] == plain.headers[name]


def test_who_comes_past_the_proxy_gets_the_bytes(world: Any, member: Any, clip: str) -> None:
    assert "x-accel-redirect" not in left_to_proxy(world, member, clip, **{"x-forwarded-for": ""}).headers
    reply = member.download(clip, x_forwarded_for="192.0.2.1")
    assert (reply.content, "x-accel-redirect" in reply.headers) == (CLIP_BYTES, False)


def test_a_file_larger_than_may_be_left_is_sent_by_the_centre(world: Any, member: Any, tmp_path: Path) -> None:
    publish_large(world, tmp_path, SIZE + 1)
    reply = left_to_proxy(world, member, member.resource_id(resource_type=CLIP))
    assert ("x-accel-redirect" in reply.headers, reply.content) == (False, bytes(SIZE + 1))


def test_nothing_is_left_to_a_proxy_that_may_not_be_sent(world: Any, member: Any, clip: str) -> None:
    stranger = world.member(user_id="另一位")
    assert refusal(left_to_proxy(world, stranger, clip)) == (403, 1017018)
    assert refusal(left_to_proxy(world, member, clip, range=f"bytes={SIZE}-")) == (416, 1017040)
    world.record_deal("whole", Chain.WORK, terms=())
    assert refusal(left_to_proxy(world, member, clip)) == (410, 1017030)


def test_a_takedown_waits_for_what_is_being_left_to_a_proxy(world: Any, member: Any, clip: str) -> None:
    centre, seen = world.centre, []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append([name for name, _ in message["headers"]])
            with pytest.raises(BlockingIOError), (world.folder / "fence" / "gate-0").open("rb") as gate:
                fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)

    site = Site(replace(centre, accel_prefix="/blobs/", accel_max_bytes=SIZE))
    asyncio.run(site({**asked(member, clip), IS_PROXIED: True}, nothing, send))
    assert b"x-accel-redirect" in seen[0]


# In the quality that was asked for.


def test_each_quality_is_a_file_of_its_own(world: Any, member: Any, tmp_path: Path) -> None:
    song = world.centre.songs.song(world.songs["whole"]).published
    (original,) = [part for part in song.parts if part.kind is PartKind.ORIGINAL]
    finer = []
    for quality in (Quality.HQ, Quality.SQ):
        (tmp_path / "source").write_bytes(quality.value.encode())
        blob = world.centre.blobs.put(tmp_path / "source")
        finer.append(msgspec.structs.replace(original, quality=quality, blob=blob))
    changed = msgspec.structs.replace(song, fingerprint="finer", parts=(*song.parts, *finer))
    world.centre.work.run(lambda transaction: transaction.publish(changed, at_ms=1))
    resources = member.granted(resource_type=SONG)["resources"]
    contents = {each["quality"]: member.download(each["resource_id"]).content for each in resources}
    assert contents == {"normal": b"the original recording", "hq": b"hq", "sq": b"sq"}


def test_a_large_file_is_sent_whole(world: Any, member: Any, tmp_path: Path) -> None:
    publish_large(world, tmp_path, 5_000_000)
    assert member.download(member.resource_id(resource_type=CLIP)).content == bytes(5_000_000)


def test_a_file_that_is_missing_is_not_found(world: Any, member: Any, clip: str) -> None:
    etag = member.download(clip).headers["etag"].strip('"')
    world.centre.blobs.path(etag).unlink()
    assert refusal(member.download(clip)) == (404, 1017034)
