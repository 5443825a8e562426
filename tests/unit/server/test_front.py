"""What stands in front of the site: CORS, trusted proxies, the log of calls, addresses in answers, pictures."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from structlog.testing import capture_logs
from tests.unit.server.conftest import START_MS, World, open_world

from yuefu.catalogue.song import Part, PartKind, PublishedSong
from yuefu.server.http.edge import Receive, Scope, Send
from yuefu.server.http.front import AccessLog, Cors, TrustedProxies, place_in_front, reached
from yuefu.server.http.site import Site
from yuefu.server.settings import BadSettings, Settings, load_settings

PAGE = "https://app.example.org"
COVERS = {
    PartKind.COVER: b"a cover as it came",
    PartKind.COVER_MINI: b"mini",
    PartKind.COVER_SMALL: b"small",
    PartKind.COVER_MEDIUM: b"medium",
}


def name_of(content: bytes, size: int) -> str:
    return f"{hashlib.sha256(content).hexdigest()}-{size}.jpg"


@pytest.fixture(scope="module")
def covered(
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    song_maker: Callable[..., PublishedSong],
    part_maker: Callable[..., Part],
) -> Iterator[World]:
    """A centre that has a song with a cover."""
    folder = tmp_path_factory.mktemp("covered")
    with open_world(template, folder) as world:
        for content in COVERS.values():
            path = world.centre.blobs.path(hashlib.sha256(content).hexdigest())
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        song = song_maker("covered", parts=tuple(part_maker(kind, content) for kind, content in COVERS.items()))
        world.centre.work.run(lambda transaction: transaction.publish(song, at_ms=START_MS))
        world.songs["covered"] = world.centre.songs.find(song.vendor_id, "covered") or world.songs["whole"]
        yield world


def client_of(world: World, **settings: Any) -> TestClient:
    """A client of the site behind what those settings put in front of it."""
    return TestClient(place_in_front(Site(world.centre), Settings(**settings)))


# CORS.


def preflight(client: TestClient, origin: str = PAGE, path: str = "/client/v1/init") -> httpx2.Response:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,range"}
    return client.options(path, headers={"origin": origin} | asked)


@pytest.mark.parametrize("path", ["/", "/client/v1/init", "/client/v1/resources/z_1_1/0", "/images/x.jpg"])
def test_an_allowed_page_may_ask_to_call(still_world: World, path: str) -> None:
    reply = preflight(client_of(still_world, allowed_origins=(PAGE,)), path=path)
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert reply.headers["vary"] == "Origin"
    allowed = {name.strip().lower() for name in reply.headers["access-control-allow-headers"].split(",")}
    assert allowed == {"authorization", "range", "content-type", "idempotency-key", "if-range"}
    assert {"GET", "POST"} <= {name.strip() for name in reply.headers["access-control-allow-methods"].split(",")}


@pytest.mark.parametrize(
    "origin", ["https://evil.example.org", "http://app.example.org", f"{PAGE}.evil.org", f"{PAGE}:8443", "null"]
)
def test_another_page_may_not(still_world: World, origin: str) -> None:
    client = client_of(still_world, allowed_origins=(PAGE,))
    refused = preflight(client, origin)
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers
    answered = client.get("/healthz", headers={"origin": origin})
    assert "access-control-allow-origin" not in answered.headers
    assert answered.headers["vary"] == "Origin"


def test_an_allowed_page_may_read_the_answer_and_its_headers(still_world: World) -> None:
    client = client_of(still_world, allowed_origins=(PAGE, "http://localhost:3000"))
    for origin in (PAGE, "http://localhost:3000"):
        reply = client.get("/", headers={"origin": origin})
        assert reply.json()["Code"] != 0
        assert reply.headers["access-control-allow-origin"] == origin
        exposed = {name.strip().lower() for name in reply.headers["access-control-expose-headers"].split(",")}
        assert exposed == {"content-range", "content-length", "accept-ranges", "etag", "retry-after", "x-request-id"}
        assert "access-control-allow-credentials" not in reply.headers


def test_all_pages_may_call_where_the_operator_says_so(still_world: World) -> None:
    client = client_of(still_world, allowed_origins=("*",))
    assert preflight(client).headers["access-control-allow-origin"] == "*"
    reply = client.get("/healthz", headers={"origin": PAGE})
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "vary" not in reply.headers


def test_a_plain_options_call_is_no_preflight(still_world: World) -> None:
    client = client_of(still_world, allowed_origins=(PAGE,))
    assert client.options("/client/v1/init", headers={"origin": PAGE}).status_code == 405


def test_nothing_stands_in_front_by_default(still_world: World) -> None:
    site = Site(still_world.centre)
    assert place_in_front(site, Settings()) is site
    reply = still_world.http().get("/healthz", headers={"origin": PAGE})
    assert not [name for name in reply.headers if name.startswith("access-control") or name == "vary"]


# Trusted proxies.


async def seen_behind(proxies: tuple[str, ...], peer: str, **headers: str) -> Scope:
    """What the site sees of a call that `peer` hands on."""
    seen: list[Scope] = []

    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        seen.append(scope)

    app = place_in_front(site, Settings(trusted_proxies=proxies))
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    await app({"type": "http", "scheme": "http", "client": (peer, 5_000), "headers": named}, nobody, nobody)
    return seen[0]


async def nobody(*_: Any) -> Any:
    raise AssertionError("nobody reads or writes here")


PROXIES = ("127.0.0.1/32", "10.0.0.0/8", "::1/128", "fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("127.0.0.1", "spoofed, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("::1", "203.0.113.7", "203.0.113.7"),
        ("::ffff:127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.2", "198.51.100.1", "127.0.0.2"),
    ],
)
async def test_the_caller_is_who_the_nearest_trusted_proxy_saw(peer: str, forwarded: str, caller: str) -> None:
    scope = await seen_behind(PROXIES, peer, x_forwarded_for=forwarded)
    assert scope["client"][0] == caller


@pytest.mark.parametrize(
    ("peer", "protocol", "scheme"),
    [
        ("127.0.0.1", "https", "https"),
        ("127.0.0.1", "http", "http"),
        ("127.0.0.1", "gopher", "http"),
        ("127.0.0.1", "", "http"),
        ("203.0.113.9", "https", "http"),
    ],
)
async def test_the_scheme_is_believed_of_a_trusted_proxy_only(peer: str, protocol: str, scheme: str) -> None:
    assert (await seen_behind(PROXIES, peer, x_forwarded_proto=protocol))["scheme"] == scheme


async def test_nobody_is_believed_by_default() -> None:
    scope = await seen_behind((), "127.0.0.1", x_forwarded_for="203.0.113.7", x_forwarded_proto="https")
    assert (scope["client"][0], scope["scheme"]) == ("127.0.0.1", "http")


@given(st.text(alphabet=st.characters(max_codepoint=255)), st.text(alphabet=st.characters(max_codepoint=255)))
async def test_whatever_is_forwarded_does_no_harm(forwarded: str, protocol: str) -> None:
    scope = await seen_behind(PROXIES, "127.0.0.1", x_forwarded_for=forwarded, x_forwarded_proto=protocol)
    assert scope["scheme"] in {"http", "https"}


# The log of calls.


def test_a_call_is_logged_with_its_caller_and_without_its_signature(still_world: World) -> None:
    client = TestClient(
        place_in_front(Site(still_world.centre), Settings(access_log=True, trusted_proxies=("127.0.0.1",))),
        client=("127.0.0.1", 5_000),
    )
    with capture_logs() as logs:
        client.get(f"/?{still_world.query().decode()}", headers={"x-forwarded-for": "203.0.113.7"})
    (line,) = [log for log in logs if log["event"] == "call"]
    assert line.pop("took_ms") >= 0
    facts = {"client": "203.0.113.7", "method": "GET", "path": "/", "status": 200}
    assert line == {"event": "call", "log_level": "info"} | facts
    assert "Signature" not in json.dumps(line)


async def test_what_stands_in_front_leaves_other_traffic_alone() -> None:
    seen: list[str] = []

    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        seen.append(scope["type"])

    for app in (Cors(site, [PAGE]), AccessLog(site), TrustedProxies(site, [])):
        await app({"type": "lifespan"}, nobody, nobody)
    assert seen == ["lifespan"] * 3


# Addresses in answers.


def infos_query(world: World) -> str:
    asked: dict[str, Any] = {"Action": "QuerySongsInfo", "SongsId[]": world.ids("covered")}
    return world.query(**asked).decode()


def cover_of(world: World, client: TestClient, **headers: str) -> str:
    """Where the server API says the cover is."""
    query = infos_query(world)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer: str = client.get(f"/?{query}", headers=named).json()["Data"]["Songs"][0]["AlbumImg"]
    return answer.partition("/images/")[0]


def test_addresses_begin_with_what_the_caller_wrote(covered: World) -> None:
    client = covered.http()
    assert cover_of(covered, client) == "http://testserver"
    assert cover_of(covered, client, host="192.0.2.1:8080") == "http://192.0.2.1:8080"
    assert cover_of(covered, client, host="[2001:db8::1]:8080") == "http://[2001:db8::1]:8080"


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", '"', "<script>", "a:123456", "x" * 300, "é"])
def test_a_host_that_cannot_be_is_not_repeated(covered: World, host: str) -> None:
    scope = {"scheme": "http", "headers": [(b"host", host.encode("latin-1"))]}
    assert reached(covered.centre, scope).public_url == "http://127.0.0.1:8080"


def test_addresses_have_the_scheme_that_a_trusted_proxy_saw(covered: World) -> None:
    app = place_in_front(Site(covered.centre), Settings(trusted_proxies=("127.0.0.1",)))
    near, far = TestClient(app, client=("127.0.0.1", 5_000)), TestClient(app, client=("203.0.113.9", 5_000))
    assert cover_of(covered, near, x_forwarded_proto="https") == "https://testserver"
    assert cover_of(covered, far, x_forwarded_proto="https") == "http://testserver"


def test_the_public_url_is_what_addresses_begin_with(covered: World) -> None:
    public = replace(covered.centre, public_url="https://music.example.org/ktv", has_public_url=True)
    assert cover_of(covered, TestClient(Site(public))) == "https://music.example.org/ktv"


def test_commands_and_aliases_have_addresses_too(covered: World) -> None:
    member = covered.member()
    answer = member.call("send_extended_request", command="/song/infos", params={"songs_id": covered.ids("covered")})
    assert answer["data"]["songs"][0]["album_img_mini"].startswith("http://testserver/images/")


# Pictures.


def picture(world: World, name: str, method: str = "GET", **headers: str) -> httpx2.Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return world.http().request(method, f"/images/{name}", headers=named)


def test_the_pictures_that_a_row_names_are_there(covered: World) -> None:
    row = covered.http().get(f"/?{infos_query(covered)}").json()["Data"]["Songs"][0]
    for field, content in zip(
        ("AlbumImg", "AlbumImgMini", "AlbumImgSmall", "AlbumImgMedium"), COVERS.values(), strict=True
    ):
        reply = covered.http().get(row[field])
        assert (reply.status_code, reply.content) == (200, content)


def test_a_picture_may_be_kept_for_ever_by_anybody(covered: World) -> None:
    reply = picture(covered, name_of(b"mini", 100))
    assert reply.headers["content-type"] == "image/jpeg"
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert reply.headers["etag"] == f'"{hashlib.sha256(b"mini").hexdigest()}"'
    assert reply.headers["content-length"] == "4"
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_a_picture_that_the_caller_has_is_not_sent_again(covered: World) -> None:
    etag = picture(covered, name_of(b"mini", 100)).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        reply = picture(covered, name_of(b"mini", 100), if_none_match=known)
        assert (reply.status_code, reply.content, reply.headers["etag"]) == (304, b"", etag)
    assert picture(covered, name_of(b"mini", 100), if_none_match='"other"').status_code == 200


def test_head_tells_of_a_picture_without_sending_it(covered: World) -> None:
    reply = picture(covered, name_of(b"medium", 500), method="HEAD")
    assert (reply.status_code, reply.content, reply.headers["content-length"]) == (200, b"", "6")


@pytest.mark.parametrize(
    "name",
    [
        name_of(b"mini", 300),
        name_of(b"mini", 100).replace("-100", "-0100"),
        name_of(b"mini", 100).upper(),
        name_of(b"mini", 100).removesuffix(".jpg"),
        name_of(b"mini", 100).replace(".jpg", ".png"),
        name_of(b"mini", 100) + "%00",
        name_of(b"mini", 100) + "%0a",
        name_of(b"nothing", 100),
        name_of(b"the original recording", 100),
        name_of(b"mini", 10**30),
        "..%2F..%2Fkeys.json",
        "..%2f" + name_of(b"mini", 100),
        "%2e%2e%2f%2e%2e%2fkeys.json",
        "....//keys.json",
        "%ff",
        "x" * 5_000,
        "",
    ],
)
def test_nothing_but_pictures_is_public(covered: World, name: str) -> None:
    reply = picture(covered, name)
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")
    assert reply.json()["status"] == 404


def test_a_picture_whose_file_is_lost_is_not_found(covered: World) -> None:
    path = covered.centre.blobs.path(hashlib.sha256(b"medium").hexdigest())
    content = path.read_bytes()
    path.unlink()
    try:
        assert picture(covered, name_of(b"medium", 500)).status_code == 404
    finally:
        path.write_bytes(content)


# Settings.


def test_lists_are_written_with_commas_in_the_environment() -> None:
    given = {"YUEFU_ALLOWED_ORIGINS": f"{PAGE}, http://localhost:3000", "YUEFU_TRUSTED_PROXIES": "10.0.0.0/8,::1"}
    settings = load_settings({}, given)
    assert settings.allowed_origins == (PAGE, "http://localhost:3000")
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    named = {f"YUEFU_{name}": value for name, value in settings.environment().items()}
    assert load_settings({}, named) == settings
    assert load_settings({}, {"YUEFU_ALLOWED_ORIGINS": ""}).allowed_origins == ()


def test_lists_are_lists_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "yuefu.toml").write_text(f'allowed_origins = ["{PAGE}"]\naccess_log = true\n', encoding="utf-8")
    settings = load_settings({"data": str(tmp_path)}, {})
    assert (settings.allowed_origins, settings.access_log) == ((PAGE,), True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allowed_origins", "app.example.org"),
        ("allowed_origins", f"{PAGE}/"),
        ("allowed_origins", "https://me@app.example.org"),
        ("allowed_origins", "https://*.example.org/x"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "everybody"),
        ("public_url", "music.example.org"),
        ("public_url", "https://music.example.org/?a=b"),
        ("tls_certificate", "cert.pem"),
        ("tls_key", "key.pem"),
    ],
)
def test_a_setting_that_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        load_settings({}, {f"YUEFU_{name.upper()}": value})


def test_the_listening_address_is_an_address() -> None:
    assert Settings(host="::1", port=1).listening_url == "http://[::1]:1"
    assert Settings(tls_certificate="a", tls_key="b").listening_url == "https://127.0.0.1:8080"
    assert Settings(public_url="https://a/b/").base_url == "https://a/b"
