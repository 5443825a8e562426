"""An app as its operator changes it."""

from typing import Any

import pytest

from yuefu.access.app import (
    App,
    BadAppName,
    DefaultVendorNotGranted,
    NoRotation,
    RotationOpen,
    check_name,
    with_changes,
    with_new_secret,
    with_rotation_finished,
)
from yuefu.ids import AppId, VendorId

SECRET, NEXT_SECRET = "9193cc662a4c0ec135ec71fb57194b38", "fa94dd0f974cf2e293728a526b028271"
APP = App(
    app_id=AppId(12345),
    name="测试",
    live_secrets=(SECRET,),
    default_vendor=VendorId(1),
    vendors=frozenset({1, 2}),
    scenes=frozenset({1}),
    billing_modes=frozenset({0}),
    home_territory="CN",
)


@pytest.mark.parametrize(
    "changes",
    [
        {"is_enabled": False},
        {"vendors": frozenset({1})},
        {"vendors": frozenset({2}), "default_vendor": VendorId(2)},
        {"quotas": {"QuerySong": 50}, "takes_signature2": False, "takes_token04": False},
    ],
    ids=str,
)
def test_what_is_named_changes_and_nothing_else(changes: dict[str, Any]) -> None:
    changed = with_changes(APP, **changes)
    for name in App.__struct_fields__:
        assert getattr(changed, name) == changes.get(name, getattr(APP, name))


@pytest.mark.parametrize("changes", [{"vendors": frozenset({2})}, {"default_vendor": 4}, {"vendors": frozenset()}])
def test_the_default_vendor_is_always_one_that_is_granted(changes: dict[str, Any]) -> None:
    with pytest.raises(DefaultVendorNotGranted):
        with_changes(APP, **changes)


@pytest.mark.parametrize("name", ["测试", "A", "x" * 200])
def test_an_app_has_any_name_that_can_be_read(name: str) -> None:
    assert check_name(name) == with_changes(APP, name=name).name == name


@pytest.mark.parametrize("name", ["", " ", " A", "A ", "A\nB", "A\x00", "\u2028", "x" * 201])
def test_a_name_that_cannot_be_read_is_none(name: str) -> None:
    with pytest.raises(BadAppName, match="cannot name an app; 1 to 200 characters"):
        with_changes(APP, name=name)


def test_a_rotation_keeps_both_secrets_until_it_is_finished() -> None:
    rotating = with_new_secret(APP, NEXT_SECRET)
    assert rotating.live_secrets == (NEXT_SECRET, SECRET)
    assert with_rotation_finished(rotating).live_secrets == (NEXT_SECRET,)


def test_a_third_secret_waits_for_the_first_to_go() -> None:
    with pytest.raises(RotationOpen, match="finish it first"):
        with_new_secret(with_new_secret(APP, NEXT_SECRET), "a third")


def test_a_rotation_that_was_not_begun_is_not_finished() -> None:
    with pytest.raises(NoRotation):
        with_rotation_finished(APP)


def test_an_app_that_is_printed_shows_no_secret() -> None:
    for text in (repr(APP), str(APP), f"{[APP]}"):
        assert SECRET not in text
        assert "12345" in text
