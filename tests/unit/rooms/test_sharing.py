"""Shares: for everyone but the payer, once, until they lapse."""

import pytest

from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rooms.sharing import NothingShared, Share, ShareKey, ShareUsedUp, check_fetch, running_share

UNTIL_MS = 1_700_000_000_000
PAYER, OTHER = UserId("茉莉"), UserId("阿明")
SHARE = Share(
    key=ShareKey(
        app_id=AppId(7), room_id=RoomId("包厢"), vendor_id=VendorId(1), song_id=SongId(100_000_001), resource_type=1
    ),
    grant_id=42,
    payer=PAYER,
    scene_id=2,
    billing_mode=0,
    expires_at_ms=UNTIL_MS,
)


def test_a_share_runs_until_its_instant_and_not_longer() -> None:
    assert running_share(SHARE, at_ms=UNTIL_MS - 1) is SHARE
    with pytest.raises(NothingShared):
        running_share(SHARE, at_ms=UNTIL_MS)


def test_where_nobody_shared_there_is_nothing() -> None:
    with pytest.raises(NothingShared):
        running_share(None, at_ms=0)


def test_another_member_may_fetch_once() -> None:
    check_fetch(SHARE, OTHER, has_fetched=False)
    with pytest.raises(ShareUsedUp):
        check_fetch(SHARE, OTHER, has_fetched=True)


@pytest.mark.parametrize("has_fetched", [False, True])
def test_nobody_fetches_their_own_share(has_fetched: bool) -> None:  # noqa: FBT001 - a parameter of the test
    with pytest.raises(ShareUsedUp):
        check_fetch(SHARE, PAYER, has_fetched=has_fetched)
