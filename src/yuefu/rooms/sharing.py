"""What a room shares: one member pays for a resource, and every other member may have it once, free (decision G22)."""

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId


class ShareKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a share is found by. Of one key there is one share at a time: the latest that was paid for."""

    app_id: AppId
    room_id: RoomId
    vendor_id: VendorId
    song_id: SongId
    resource_type: int


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A resource that was paid for, as the others of the room have it: for the same scene and until the same instant.

    `grant_id` is the payer's grant; a new request makes a new share. `key.room_id` is "" where the payer named no room:
    such a share is not found by its key, only by the share token that was handed out with it.
    """

    key: ShareKey
    grant_id: int
    payer: UserId
    scene_id: int
    billing_mode: int
    expires_at_ms: int


class NothingShared(YuefuError):
    """Nobody in the room shares that resource, or what was shared has lapsed."""

    def __init__(self) -> None:
        super().__init__("nobody in the room shares this resource, or it has lapsed; request it")


class ShareUsedUp(YuefuError):
    """The free fetch is not for this user: it is their own share, or they have fetched it before."""

    def __init__(self) -> None:
        super().__init__("the free fetch is used up: it is your own share, or you have fetched it before")


def running_share(share: Share | None, *, at_ms: int) -> Share:
    """The share, if there is one and it has not lapsed. Raises `NothingShared`."""
    if share is None or share.expires_at_ms <= at_ms:
        raise NothingShared
    return share


def check_fetch(share: Share, user_id: UserId, *, has_fetched: bool) -> None:
    """Let a user fetch a share that is not their own, once. Raises `ShareUsedUp`."""
    if has_fetched or user_id == share.payer:
        raise ShareUsedUp
