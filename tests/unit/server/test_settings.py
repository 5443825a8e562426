"""Settings that hold secrets or name files: where they may stand, what they refuse, what they never show."""

import base64
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.ingest.onnx_model import gain, write_model
from tests.unit.server.conftest import APP, START_MS

from yuefu.access.downloads import TooManyDownloads
from yuefu.access.keyring import KEY_BYTES, key_id
from yuefu.ingest.separation import BadModel, Stem
from yuefu.server.cli import commands
from yuefu.server.importing import open_separator
from yuefu.server.settings import BadSettings, Settings, load_settings
from yuefu.server.wiring import open_installation

KEY, OTHER_KEY = b"k" * KEY_BYTES, b"o" * KEY_BYTES
TEXT, OTHER_TEXT = base64.b64encode(KEY).decode(), base64.b64encode(OTHER_KEY).decode()


def settings_of(data: Path, **variables: str) -> Settings:
    return load_settings({"data": str(data)}, {f"YUEFU_{name}": value for name, value in variables.items()})


def found_app(settings: Settings) -> str:
    """The test app's secret as that installation reads it."""
    with open_installation(settings) as installation:
        app = installation.centre.apps.app(APP.app_id)
        assert app is not None
        return app.live_secrets[0]


def create_app(settings: Settings) -> None:
    with open_installation(settings) as installation:
        installation.centre.apps.create(APP, at_ms=START_MS)


# The sealing keys.


def test_keys_of_the_environment_seal_and_no_file_is_made(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, KEYS=TEXT)
    create_app(settings)
    assert found_app(settings) == APP.live_secrets[0]
    with open_installation(settings) as installation:
        assert repr(installation.centre.keys) == f"KeyRing(active={key_id(KEY)!r}, ids={[key_id(KEY)]})"
    assert not (tmp_path / "keys.json").exists()


def test_the_first_key_seals_and_the_others_still_open(tmp_path: Path) -> None:
    create_app(settings_of(tmp_path, KEYS=TEXT))
    rotated = settings_of(tmp_path, KEYS=f"{OTHER_TEXT}, {TEXT}")
    assert found_app(rotated) == APP.live_secrets[0]
    with open_installation(rotated) as installation:
        assert installation.centre.keys.active == key_id(OTHER_KEY)


def test_the_keys_of_a_file_may_move_to_the_environment(tmp_path: Path) -> None:
    create_app(settings_of(tmp_path))
    with open_installation(settings_of(tmp_path)) as installation:
        keys = installation.centre.keys
        text = base64.b64encode(keys.keys[keys.active]).decode()
    (tmp_path / "keys.json").unlink()
    assert found_app(settings_of(tmp_path, KEYS=text)) == APP.live_secrets[0]


def test_the_key_file_may_be_outside_the_data_folder(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "mounted.json"
    create_app(settings_of(data, KEYS_FILE=str(file)))
    assert file.stat().st_mode & 0o777 == 0o600
    assert not (data / "keys.json").exists()
    assert found_app(settings_of(data, KEYS_FILE=str(file))) == APP.live_secrets[0]


@pytest.mark.parametrize("variables", [{}, {"KEYS": OTHER_TEXT}])
def test_an_installation_does_not_open_without_the_keys_it_was_sealed_with(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    create_app(settings_of(tmp_path, KEYS=TEXT))
    with pytest.raises(BadSettings, match=key_id(KEY)), open_installation(settings_of(tmp_path, **variables)):
        pass
    assert found_app(settings_of(tmp_path, KEYS=TEXT)) == APP.live_secrets[0]


@pytest.mark.parametrize("text", ["secret", f"{TEXT[:-4]}", TEXT + TEXT, "ключ", TEXT.replace("a", "*")])
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    with (
        pytest.raises(BadSettings, match=r"^YUEFU_KEYS: key 2 is not 32 bytes in base64$"),
        open_installation(settings_of(tmp_path, KEYS=f"{TEXT},{text}")),
    ):
        pass


def test_keys_are_not_taken_from_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "yuefu.toml").write_text(f'keys = ["{TEXT}"]\n')
    with pytest.raises(BadSettings, match="YUEFU_KEYS") as refused:
        settings_of(tmp_path)
    assert TEXT not in str(refused.value)


def test_a_key_file_that_cannot_be_is_said_so(tmp_path: Path) -> None:
    with (
        pytest.raises(BadSettings, match=r"^keys_file: .*nowhere"),
        open_installation(settings_of(tmp_path, KEYS_FILE="nowhere/keys.json")),
    ):
        pass


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_keys_are_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    monkeypatch.setenv("YUEFU_KEYS", f"{TEXT},{OTHER_TEXT}")
    done = CliRunner().invoke(commands, ["config", "show", "--data", str(tmp_path), *options])
    assert done.exit_code == 0, done.output
    assert "***" in done.output
    settings = load_settings({"data": str(tmp_path)}, os.environ)
    for shown in (done.output, repr(settings), str(settings), f"{settings.shown()}"):
        assert TEXT not in shown
        assert OTHER_TEXT not in shown


# Vendor profiles.


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (b"[7]\nname = 'own'\noperations = ['QueryAll']\nqualities = {}\n", "7.operations: there is no Action"),
        (b"[7]\nname = '\xff'\n", "utf-8"),
        (b"[7", "end of document"),
        (None, "No such file"),
    ],
)
def test_a_wrong_vendors_file_is_named_before_anything_is_made(
    tmp_path: Path, written: bytes | None, problem: str
) -> None:
    if written is not None:
        (tmp_path / "own.toml").write_bytes(written)
    with (
        pytest.raises(BadSettings, match=r"^vendors_file: .*own\.toml") as refused,
        open_installation(settings_of(tmp_path, VENDORS_FILE="own.toml")),
    ):
        pass
    assert problem in str(refused.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"own.toml"}


# Pages.


@pytest.mark.parametrize("size", [1, 20, 100])
def test_a_page_may_have_up_to_a_hundred_songs(tmp_path: Path, size: int) -> None:
    with open_installation(settings_of(tmp_path, PAGE_SIZE=str(size))) as installation:
        assert installation.centre.page_size == size


@pytest.mark.parametrize("size", ["0", "-1", "101", "many", ""])
def test_a_page_size_that_cannot_be_is_named(tmp_path: Path, size: str) -> None:
    with pytest.raises(BadSettings, match="page_size"):
        settings_of(tmp_path, PAGE_SIZE=size)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"MODEL": "model.onnx"}, "separation_model, separation_sha256: each needs the other"),
        ({"SHA256": "ab" * 32}, "separation_model, separation_sha256: each needs the other"),
        ({"MODEL": "model.onnx", "SHA256": "ab" * 31}, "separation_sha256: must be 64 hexadecimal digits"),
        ({"MODEL": "model.onnx", "SHA256": "xy" * 32}, "separation_sha256: must be 64 hexadecimal digits"),
        ({"MODEL": "model.onnx", "SHA256": "ab" * 32, "GIVES": "drums"}, "separation_gives"),
    ],
    ids=str,
)
def test_a_model_is_named_with_its_hash(tmp_path: Path, changes: dict[str, str], name: str) -> None:
    with pytest.raises(BadSettings, match=name):
        settings_of(tmp_path, **{f"SEPARATION_{key}": value for key, value in changes.items()})


def test_a_model_is_looked_for_when_songs_are_separated_and_not_before(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, SEPARATION_MODEL="model.onnx", SEPARATION_SHA256="AB" * 32)
    with open_installation(settings):
        assert open_separator(settings, separate=False) is None
    with pytest.raises(BadModel, match="there is no such file"):
        open_separator(settings, separate=None)
    content = gain(0.25, 0.25)
    sha256 = write_model(tmp_path / "model.onnx", content)
    with pytest.raises(BadModel, match=f"its SHA-256 is {sha256}, not {'ab' * 32}"):
        open_separator(settings, separate=True)
    settings = settings_of(tmp_path, SEPARATION_MODEL="model.onnx", SEPARATION_SHA256=sha256.upper())
    separator = open_separator(settings, separate=None)
    assert separator is not None
    assert (separator.model_sha256, separator.gives) == (sha256, Stem.VOCALS)


def test_nothing_is_separated_unless_a_model_is_named(tmp_path: Path) -> None:
    assert open_separator(settings_of(tmp_path), separate=None) is None
    with pytest.raises(BadSettings, match="separation_model"):
        open_separator(settings_of(tmp_path), separate=True)


ACCEL = {"ACCEL_PREFIX": "/yuefu-blobs/", "TRUSTED_PROXIES": "127.0.0.1"}


def test_files_may_be_left_to_a_proxy_and_are_not_unless_the_operator_says_so(tmp_path: Path) -> None:
    assert settings_of(tmp_path).accel_prefix == ""
    settings = settings_of(tmp_path, **ACCEL, ACCEL_MAX_BYTES="4000000")
    with open_installation(settings) as installation:
        centre = installation.centre
        assert (centre.accel_prefix, centre.accel_max_bytes) == ("/yuefu-blobs/", 4_000_000)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"ACCEL_PREFIX": "yuefu-blobs/"}, "accel_prefix"),
        ({"ACCEL_PREFIX": "/yuefu-blobs"}, "accel_prefix"),
        ({"ACCEL_PREFIX": "/"}, "accel_prefix"),
        ({"ACCEL_PREFIX": "/a\r\nb/"}, "accel_prefix"),
        ({"ACCEL_PREFIX": "http://elsewhere/"}, "accel_prefix"),
        ({"TRUSTED_PROXIES": ""}, "accel_prefix: needs trusted_proxies"),
        ({"ACCEL_MAX_BYTES": "0"}, "accel_max_bytes"),
        ({"ACCEL_MAX_BYTES": "many"}, "accel_max_bytes"),
    ],
    ids=str,
)
def test_what_a_proxy_may_be_left_is_checked(tmp_path: Path, changes: dict[str, str], name: str) -> None:
    with pytest.raises(BadSettings, match=name):
        settings_of(tmp_path, **ACCEL | changes)


@pytest.mark.parametrize("count", ["0", "-1", "1001", "many", ""])
def test_a_number_of_downloads_that_cannot_be_is_named(tmp_path: Path, count: str) -> None:
    with pytest.raises(BadSettings, match="downloads_at_once"):
        settings_of(tmp_path, DOWNLOADS_AT_ONCE=count)


def test_a_session_has_as_many_downloads_as_the_operator_says(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, DOWNLOADS_AT_ONCE="1")
    with open_installation(settings) as installation:
        downloads = installation.centre.downloads
        with downloads.hold(7), pytest.raises(TooManyDownloads, match="at most 1 "), downloads.hold(7):
            pass
