"""A grant: one issued use of one resource, held by one session until an instant; and what it was charged."""

from enum import Enum
from typing import assert_never

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.decision import Answer, Decision


class Need(Enum):
    """Which chains of rights a resource asks for."""

    PLAY = "play"
    SING = "sing"
    PLAY_AND_SING = "play_and_sing"
    """A backing that carries the original recording beside it."""


class NotLicensed(YuefuError):
    """The rights do not allow it. `decision` says what they do allow."""

    def __init__(self, song_id: SongId, need: Need, decision: Decision) -> None:
        refusals = [
            f"may not be {participle} ({answer.reason.value})"
            for participle, answer in _asked(need, decision)
            if not answer.allowed
        ]
        super().__init__(f"song {song_id} {' and '.join(refusals)}")
        self.song_id = song_id
        self.need = need
        self.decision = decision


def allows(decision: Decision, need: Need) -> bool:
    """Whether the decision lets that need pass."""
    return all(answer.allowed for _, answer in _asked(need, decision))


def check_need(song_id: SongId, need: Need, decision: Decision) -> None:
    """Let a use pass that the decision allows. Raises `NotLicensed`."""
    if not allows(decision, need):
        raise NotLicensed(song_id, need, decision)


def _asked(need: Need, decision: Decision) -> tuple[tuple[str, Answer], ...]:
    match need:
        case Need.PLAY:
            return (("played", decision.play),)
        case Need.SING:
            return (("sung", decision.sing),)
        case Need.PLAY_AND_SING:
            return (("played", decision.play), ("sung", decision.sing))
        case unreachable:
            assert_never(unreachable)


class GrantedResource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of a grant, and what is asked of the rights whenever it is served."""

    resource_id: str
    need: Need


class NewGrant(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down when a resource is granted; one charge goes with it."""

    session_id: int
    app_id: AppId
    user_id: UserId
    room_id: RoomId
    song_id: SongId
    vendor_id: VendorId
    resource_type: int
    scene_id: int
    billing_mode: int
    granted_at_ms: int
    expires_at_ms: int
    rights_revision: int
    resources: tuple[GrantedResource, ...]


class HeldGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A grant as the media gateway needs it."""

    song_id: SongId
    need: Need
    expires_at_ms: int
