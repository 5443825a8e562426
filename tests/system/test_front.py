"""A real server behind what stands in front of real ones: TLS of its own, nginx, Caddy, other sites' pages."""

import contextlib
import datetime as dt
import ipaddress
import json
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.system.conftest import REPOSITORY, YUEFU, free_port, run_yuefu, serving

from yuefu.client import new_nonce, signed_url

GUIDE = REPOSITORY / "docs" / "deploying.md"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine, signed by itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


@pytest.fixture
def centre(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A data folder without songs, and an app."""
    data = tmp_path / "data"
    return data, json.loads(run_yuefu("app", "create", "tests", "--vendor", "1", "--data", data, "--json"))


def trusting(certificate: Path, address: str = "127.0.0.1") -> httpx2.Client:
    """A client at that address, which trusts that certificate alone."""
    context = ssl.create_default_context(cafile=certificate)
    return httpx2.Client(transport=httpx2.HTTPTransport(verify=context, local_address=address))


def signed(base_url: str, app: dict[str, Any]) -> str:
    return signed_url(
        base_url,
        "DescribeTags",
        {},
        app_id=app["app_id"],
        server_secret=app["server_secret"],
        user_id="back-end",
        nonce=new_nonce(),
        timestamp_s=int(time.time()),
    )


# TLS of its own.


def test_the_server_speaks_tls_itself(centre: tuple[Path, dict[str, Any]], certificate: tuple[Path, Path]) -> None:
    data, app = centre
    shutil.copy(certificate[0], data / "certificate.pem")  # a relative path is under the data folder
    tls = {"YUEFU_TLS_CERTIFICATE": "certificate.pem", "YUEFU_TLS_KEY": str(certificate[1])}
    port = free_port()
    command = [YUEFU, "serve", "--data", data, "--port", str(port), "--json"]
    with _running(command, tls) as process, trusting(certificate[0]) as client:
        base_url = f"https://127.0.0.1:{port}"
        _wait(client, f"{base_url}/readyz")
        assert client.get(signed(base_url, app)).json()["Code"] == 0
        assert process.stdout is not None
        assert json.loads(process.stdout.readline() + process.stdout.readline() + process.stdout.readline()) == {
            "base_url": base_url
        }
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"http://127.0.0.1:{port}/healthz")


@pytest.mark.parametrize("fault", ["missing", "swapped", "stranger"])
def test_files_that_make_no_pair_are_refused_at_the_start(
    centre: tuple[Path, dict[str, Any]], certificate: tuple[Path, Path], fault: str
) -> None:
    data, _ = centre
    stranger = data / "stranger.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    stranger.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    pair = {
        "missing": ("nothing.pem", certificate[1]),
        "swapped": certificate[::-1],
        "stranger": (certificate[0], stranger),
    }
    named = {"YUEFU_TLS_CERTIFICATE": str(pair[fault][0]), "YUEFU_TLS_KEY": str(pair[fault][1])}
    said = run_yuefu("serve", "--port", str(free_port()), "--data", data, ok=False, env=named)
    assert said.startswith("yuefu: tls_certificate, tls_key:"), said


# Other sites' pages.


def test_an_allowed_page_calls_from_a_browser(centre: tuple[Path, dict[str, Any]]) -> None:
    data, app = centre
    with serving(data, YUEFU_ALLOWED_ORIGINS="https://app.example.org,http://localhost:3000") as server:
        asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
        preflight = httpx2.options(f"{server.base_url}/client/v1/init", headers=asked)
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (
            204,
            "http://localhost:3000",
        )
        answer = httpx2.get(signed(server.base_url, app), headers={"Origin": "http://localhost:3000"})
        assert answer.json()["Code"] == 0
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
        stranger = httpx2.get(signed(server.base_url, app), headers={"Origin": "https://evil.example.org"})
        assert "access-control-allow-origin" not in stranger.headers


# Proxies, with the configurations of the guide.


def guide_block(language: str) -> str:
    """The first configuration of that language in the guide."""
    found = re.search(rf"^```{language}\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found, language
    return found[1]


def program(name: str) -> str:
    """Where a proxy's program is; its tests are skipped where it is not."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not on this machine's PATH")
    return path


def put(text: str, *changes: tuple[str, str]) -> str:
    """The text with every one of those places changed."""
    for place, value in changes:
        assert place in text, place
        text = text.replace(place, value)
    return text


def nginx_command(folder: Path, upstream: str, port: int, certificate: tuple[Path, Path]) -> list[str | Path]:
    site = put(
        guide_block("nginx"),
        ("127.0.0.1:8080", upstream),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("music.example.org;\n    ssl", "localhost;\n    ssl"),
        ("/etc/ssl/music.example.org.pem", str(certificate[0])),
        ("/etc/ssl/music.example.org.key", str(certificate[1])),
        ("/var/log/nginx/yuefu.log", str(folder / "access.log")),
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off;\npid {folder / 'nginx.pid'};\nerror_log stderr;\nevents {{}}\nhttp {{\n{folders}{site}}}\n",
        encoding="utf-8",
    )
    return [program("nginx"), "-p", folder, "-c", config]


def caddy_command(folder: Path, upstream: str, port: int, certificate: tuple[Path, Path]) -> list[str | Path]:
    site = put(
        guide_block("caddyfile"),
        ("127.0.0.1:8080", upstream),
        ("music.example.org {", f"https://127.0.0.1:{port} {{"),
        ("/etc/ssl/music.example.org.pem", str(certificate[0])),
        ("/etc/ssl/music.example.org.key", str(certificate[1])),
    )
    config = folder / "Caddyfile"
    config.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}", encoding="utf-8")
    return [program("caddy"), "run", "--config", config, "--adapter", "caddyfile"]


@pytest.mark.parametrize("make_command", [nginx_command, caddy_command], ids=["nginx", "caddy"])
def test_a_centre_behind_the_guides_proxy_is_reached_and_knows_its_callers(
    make_command: Any, demo_folder: Path, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    data, folder, port = tmp_path / "data", tmp_path / "proxy", free_port()
    shutil.copytree(demo_folder, data)
    folder.mkdir()
    facts = json.loads((data / "demo.json").read_text("utf-8"))
    base_url = f"https://127.0.0.1:{port}"
    log = (tmp_path / "centre.log").open("wb")
    with contextlib.ExitStack() as stack:
        stack.enter_context(log)
        centre_port = free_port()
        proxied = {"YUEFU_TRUSTED_PROXIES": "127.0.0.1", "YUEFU_ACCESS_LOG": "true"}
        stack.enter_context(_running([YUEFU, "serve", "--data", data, "--port", str(centre_port)], proxied, log))
        _wait(stack.enter_context(httpx2.Client()), f"http://127.0.0.1:{centre_port}/readyz")
        command = make_command(folder, f"127.0.0.1:{centre_port}", port, certificate)
        stack.enter_context(_running(command, {"HOME": str(folder)}))
        client = stack.enter_context(trusting(certificate[0], "127.0.0.2"))
        _wait(client, f"{base_url}/readyz")
        query = signed_url(
            base_url,
            "QuerySongsInfo",
            {"SongsId": [facts["songs"][0]["song_id"]]},
            app_id=facts["app_id"],
            server_secret=facts["server_secret"],
            user_id="back-end",
            nonce=new_nonce(),
            timestamp_s=int(time.time()),
        )
        row = client.get(query, headers={"X-Forwarded-For": "198.51.100.1"}).json()["Data"]["Songs"][0]
        assert row["AlbumImg"].startswith(f"{base_url}/images/")
        picture = client.get(row["AlbumImgMini"])
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
        known = {"If-None-Match": picture.headers["etag"]}
        assert client.get(row["AlbumImgMini"], headers=known).status_code == 304
    calls = [json.loads(line) for line in (tmp_path / "centre.log").read_text("utf-8").splitlines() if '"call"' in line]
    assert {call["client"] for call in calls if call["path"] != "/readyz"} == {"127.0.0.2"}
    assert "Signature" not in (tmp_path / "centre.log").read_text("utf-8")
    if (folder / "access.log").exists():
        assert "Signature" not in (folder / "access.log").read_text("utf-8")


@contextlib.contextmanager
def _running(command: list[Any], variables: dict[str, str], log: Any = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=log, start_new_session=True
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait(client: httpx2.Client, url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            if client.get(url).status_code == 200:
                return
        time.sleep(0.05)
    pytest.fail(f"{url} did not answer")
