"""Apps changed on the command line while a server runs: every change holds from the next request on."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from tests.system.conftest import Server, run_yuefu, serving

from yuefu.client import CopyrightedMusicError, Retries, SignedClient, SignedClientSync, mint_login_token
from yuefu.server.cli import commands

ONCE = Retries(attempts=1)
WRONG, ILLEGAL, OFF, NO_BILLING, NO_VENDOR = 100000005, 320000004, 320010000, 320010001, 320010013


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two workers, without songs."""
    data = tmp_path_factory.mktemp("apps") / "data"
    run_yuefu("app", "create", "first", "--vendor", "1", "--data", data)
    with serving(data, YUEFU_WORKERS="2", YUEFU_LOG_LEVEL="debug") as server:
        yield server


def command_line(*arguments: str | Path, ok: bool = True) -> str:
    """What a `yuefu` command says, run in this process: not the server's, and ready sooner than one of its own."""
    done = CliRunner().invoke(commands, [*map(str, arguments)])
    said = done.output if done.exception is None else f"{done.output}{done.exception}"
    assert (done.exit_code == 0) is ok, said
    return said


class Tenant:
    """An app of the running server, and what its operator and its back end do."""

    def __init__(self, server: Server) -> None:
        self._server = server
        made = json.loads(
            command_line("app", "create", "测试", "--vendor", "1", "--vendor", "2", "--data", server.data, "--json")
        )
        assert made.keys() == {"app_id", "name", "server_secret"}
        self.app_id: int = made["app_id"]
        self.secret: str = made["server_secret"]

    def yuefu(self, command: str, *options: str) -> Any:
        """What `yuefu app COMMAND APP …` prints."""
        return json.loads(
            command_line("app", command, str(self.app_id), *options, "--data", self._server.data, "--json")
        )

    def refused(self, command: str, *options: str) -> str:
        return command_line("app", command, str(self.app_id), *options, "--data", self._server.data, ok=False)

    @contextmanager
    def client(self, secret: str = "", **options: Any) -> Iterator[SignedClientSync]:
        with SignedClientSync(
            self._server.base_url,
            app_id=self.app_id,
            server_secret=secret or self.secret,
            user_id="back-end",
            retries=ONCE,
            **options,
        ) as client:
            yield client

    def code(self, secret: str = "", vendor_id: int = 0, **options: Any) -> int:
        """What a question is answered."""
        with self.client(secret, **options) as client:
            try:
                client.query_songs_copyright(songs_id=["100000001"], vendor_id=vendor_id)
            except CopyrightedMusicError as error:
                return error.code
            return 0

    def login(self, kind: Any) -> int:
        token = mint_login_token(
            app_id=self.app_id, server_secret=self.secret, user_id="mei", life_s=60, at_s=int(time.time()), kind=kind
        )
        answer = httpx2.post(
            f"{self._server.base_url}/client/v1/init",
            json={"app_id": self.app_id, "user_id": "mei", "user_name": "mei", "room_ids": []},
            headers={"Authorization": f"Bearer {token}"},
        )
        code: int = answer.json()["code"]
        return code


@pytest.fixture
def tenant(running: Server) -> Tenant:
    return Tenant(running)


@pytest.mark.parametrize("signature", ["rfc9421", "2.0"])
def test_both_signatures_are_taken(tenant: Tenant, signature: str) -> None:
    assert tenant.code(signature=signature) == 0
    assert tenant.code("f" * 32, signature=signature) == WRONG


async def test_the_async_client_is_understood(tenant: Tenant, running: Server) -> None:
    async with SignedClient(
        running.base_url, app_id=tenant.app_id, server_secret=tenant.secret, user_id="back-end"
    ) as client:
        answers = await asyncio.gather(*(client.query_songs_copyright(songs_id=["100000001"]) for _ in range(20)))
    assert [answer.copyright for answer in answers] == [[]] * 20


def test_an_app_that_is_switched_off_is_refused_at_once(tenant: Tenant) -> None:
    for _ in range(3):
        assert tenant.code() == 0
        assert tenant.login("jwt") == 0
        assert tenant.yuefu("disable")["is_enabled"] is False
        assert tenant.code() == OFF
        assert tenant.login("jwt") == 1017041
        assert tenant.yuefu("enable")["is_enabled"] is True


def test_grants_hold_at_once_and_replace_those_before(tenant: Tenant) -> None:
    assert (tenant.code(), tenant.code(vendor_id=1)) == (0, 0)
    assert tenant.yuefu("grant", "--vendor", "2", "--default-vendor", "2")["vendors"] == [2]
    assert tenant.code(vendor_id=1) == NO_VENDOR
    assert tenant.yuefu("grant", "--vendor", "2", "--vendor", "1", "--default-vendor", "1")["vendors"] == [1, 2]
    assert tenant.code(vendor_id=1) == 0
    assert tenant.yuefu("grant", "--billing", "none")["billing_modes"] == []
    assert tenant.code() == NO_BILLING
    assert tenant.yuefu("grant", "--billing", "2")["billing_modes"] == [2]
    assert tenant.code() == ILLEGAL
    assert tenant.code(room_id="包厢") == 0
    shown = tenant.yuefu("grant", "--scene", "1", "--scene", "4", "--name", "卡拉永远", "--territory", "TW")
    assert (shown["scenes"], shown["name"], shown["home_territory"]) == ([1, 4], "卡拉永远", "TW")
    assert tenant.yuefu("grant", "--scene", "none")["scenes"] == []


def test_a_rotation_lets_both_secrets_in_until_it_is_finished(tenant: Tenant) -> None:
    old, new = tenant.secret, tenant.yuefu("rotate-secret")["server_secret"]
    assert len(new) == 32
    assert [tenant.code(secret) for secret in (old, new)] == [0, 0]
    assert "finish it first" in tenant.refused("rotate-secret")
    assert tenant.yuefu("show")["live_secrets"] == 2
    assert tenant.yuefu("rotate-secret", "--finish")["live_secrets"] == 1
    assert [tenant.code(secret) for secret in (old, new)] == [WRONG, 0]
    assert "no rotation" in tenant.refused("rotate-secret", "--finish")


def test_an_app_is_switched_from_what_is_weak(tenant: Tenant) -> None:
    assert tenant.yuefu("grant", "--no-signature2")["takes_signature2"] is False
    assert (tenant.code(signature="2.0"), tenant.code()) == (WRONG, 0)
    assert tenant.login("token04") == 0
    assert tenant.yuefu("grant", "--no-token04")["takes_token04"] is False
    assert (tenant.login("token04"), tenant.login("jwt")) == (1017009, 0)
    tenant.yuefu("grant", "--signature2", "--token04")
    assert (tenant.code(signature="2.0"), tenant.login("token04")) == (0, 0)


def test_replay_protection_is_switched_at_once(tenant: Tenant) -> None:
    again: dict[str, Any] = {"new_nonce": lambda: "the-same-nonce"}
    assert [tenant.code(**again), tenant.code(**again)] == [0, WRONG]
    assert tenant.yuefu("grant", "--no-replay-protection")["is_replay_protected"] is False
    assert [tenant.code(**again), tenant.code(**again)] == [0, 0]


def test_a_quota_holds_at_once(tenant: Tenant) -> None:
    assert tenant.yuefu("grant", "--quota", "QuerySongsCopyright=1", "--quota", "QuerySong=50")["quotas"] == {
        "QuerySong": 50,
        "QuerySongsCopyright": 1,
    }
    begun_s = time.monotonic()
    codes = [tenant.code() for _ in range(5)]
    assert codes[0] == 0
    assert codes.count(0) <= 1 + (time.monotonic() - begun_s)
    assert set(codes) <= {0, 320000002}
    assert tenant.yuefu("grant", "--quota", "QuerySongsCopyright=default")["quotas"] == {"QuerySong": 50}
    time.sleep(1)
    assert [tenant.code() for _ in range(5)] == [0] * 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--name", ""), "'' cannot name an app; 1 to 200 characters"),
        (("--vendor", "3"), "there is no vendor 3; there are 1, 2, 4"),
        (("--default-vendor", "4"), "the default vendor 4 is not among the vendors granted"),
        (("--vendor", "2"), "the default vendor 1 is not among the vendors granted"),
        (("--quota", "Nothing=5"), "'Nothing' is no Action"),
        (("--quota", "QuerySong=0"), "0 is not in the range"),
        (("--quota", "QuerySong"), "'' is not a valid integer"),
        (("--scene", "5"), "5 is not in the range"),
        (("--billing", "all"), "'all' is not a valid integer"),
    ],
    ids=str,
)
def test_what_cannot_be_granted_is_named_and_changes_nothing(
    tenant: Tenant, options: tuple[str, ...], said: str
) -> None:
    before = tenant.yuefu("show")
    assert said in " ".join(tenant.refused("grant", "--no-signature2", *options).split())
    assert tenant.yuefu("show") == before


@pytest.mark.parametrize("name", ["", " ", "two\nlines"])
def test_an_app_without_a_name_is_not_made(running: Server, name: str) -> None:
    apps = command_line("app", "list", "--data", running.data, "--json")
    said = command_line("app", "create", name, "--vendor", "1", "--data", running.data, ok=False)
    assert "cannot name an app" in said
    assert command_line("app", "list", "--data", running.data, "--json") == apps


def test_only_what_can_be_asked_is_signed(tenant: Tenant, running: Server) -> None:
    options = ("--app", str(tenant.app_id), "--data", running.data)
    said = " ".join(command_line("sign", "QuerySongs", *options, ok=False).split())
    assert "'QuerySongs' is not one of 'DescribeTags'" in said
    assert "'QuerySongsCopyright'" in said
    assert "Action=DescribeTags&" in command_line("sign", "DescribeTags", *options)


def test_a_question_signed_by_headers_on_the_command_line_is_answered_once(tenant: Tenant, running: Server) -> None:
    options = ("--app", str(tenant.app_id), "--base-url", running.base_url, "--data", running.data, "--http", "--json")
    signed = json.loads(run_yuefu("sign", "DescribeTags", *options))
    assert "Signature=" not in signed["url"]
    codes = [httpx2.get(signed["url"], headers=signed["headers"]).json()["Code"] for _ in range(2)]
    assert codes[0] == 0
    assert codes[1] != 0
    assert signed["curl"].startswith("curl -H 'Signature-Input: ")


def test_an_app_is_shown_with_its_plan(tenant: Tenant, running: Server) -> None:
    run_yuefu("plan", str(tenant.app_id), "--time-zone", "Europe/Berlin", "--data", running.data)
    assert tenant.yuefu("show")["plan"]["time_zone"] == "Europe/Berlin"
    assert "Europe/Berlin" in run_yuefu("app", "show", str(tenant.app_id), "--data", running.data)
    apps = json.loads(run_yuefu("app", "list", "--data", running.data, "--json"))
    assert {app["app_id"]: app["plan"]["time_zone"] for app in apps}[tenant.app_id] == "Europe/Berlin"


@pytest.mark.parametrize("command", ["grant", "rotate-secret", "disable", "enable", "show"])
def test_an_app_that_is_not_there_is_said_so(running: Server, command: str) -> None:
    assert "there is no app 7" in command_line("app", command, "7", "--data", running.data, ok=False)


def test_no_secret_is_told_twice(tenant: Tenant, running: Server, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither by the commands nor by the server's log, whatever is asked."""
    secrets = [tenant.secret, tenant.yuefu("rotate-secret")["server_secret"]]
    said = [
        run_yuefu("app", *command, "--data", running.data, *form)
        for command in (("list",), ("show", str(tenant.app_id)), ("grant", str(tenant.app_id), "--scene", "1"))
        for form in ((), ("--json",))
    ]
    for secret in (*secrets, "f" * 32):
        tenant.code(secret)
        tenant.code(secret, signature="2.0")
    run_yuefu("app", "rotate-secret", str(tenant.app_id), "--finish", "--data", running.data)
    logged = capfd.readouterr()
    for text in (*said, logged.out, logged.err):
        assert not any(secret in text for secret in secrets)
    stored = b"".join(path.read_bytes() for path in Path(running.data).iterdir() if path.is_file())
    assert not any(secret.encode() in stored for secret in secrets)
