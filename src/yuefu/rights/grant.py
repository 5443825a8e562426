"""A grant: one issued use of one resource, held by one session until an instant; and what it was charged."""

from collections.abc import Collection, Iterable
from enum import Enum
from typing import assert_never

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.deal import Chain, Terms
from yuefu.rights.decision import Decision
from yuefu.rights.purpose import Purpose, using


class Need(Enum):
    """Which chains of rights a resource asks for."""

    PLAY = "play"
    SING = "sing"
    PLAY_AND_SING = "play_and_sing"
    """A backing that carries the original recording beside it."""

    @property
    def chains(self) -> tuple[Chain, ...]:
        """The chains it asks, each of which must allow it."""
        match self:
            case Need.PLAY:
                return (Chain.RECORDING,)
            case Need.SING:
                return (Chain.WORK,)
            case Need.PLAY_AND_SING:
                return (Chain.RECORDING, Chain.WORK)
            case unreachable:
                assert_never(unreachable)


_PARTICIPLES = {Chain.RECORDING: "played", Chain.WORK: "sung"}


class NotLicensed(YuefuError):
    """The rights do not allow it. `decision` says what they do allow."""

    def __init__(self, song_id: SongId, need: Need, decision: Decision) -> None:
        answers = ((chain, decision.answer(chain)) for chain in need.chains)
        refusals = [
            f"may not be {_PARTICIPLES[chain]} ({answer.reason.value})"
            for chain, answer in answers
            if not answer.allowed
        ]
        super().__init__(f"song {song_id} {' and '.join(refusals)}")
        self.song_id = song_id
        self.need = need
        self.decision = decision


def allows(decision: Decision, need: Need) -> bool:
    """Whether the decision lets that need pass."""
    return all(decision.answer(chain).allowed for chain in need.chains)


def check_need(song_id: SongId, need: Need, decision: Decision) -> None:
    """Let a use pass that the decision allows. Raises `NotLicensed`."""
    if not allows(decision, need):
        raise NotLicensed(song_id, need, decision)


class GrantedResource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of a grant, and what is asked of the rights whenever it is served."""

    resource_id: str
    need: Need


class NewGrant(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down when a resource is granted. A charge goes with it, or the share of a room."""

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
    territory: str
    resources: tuple[GrantedResource, ...]


class RunningGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A grant that its session may still use, until then."""

    grant_id: int
    expires_at_ms: int


class GrantedUse(msgspec.Struct, frozen=True, kw_only=True):
    """What something was granted for."""

    need: Need
    resource_type: int
    scene_id: int
    billing_mode: int
    territory: str

    @property
    def purpose(self) -> Purpose:
        """What it asked of the rights, and asks again whenever it is used."""
        return using(
            scene_id=self.scene_id,
            resource_type=self.resource_type,
            billing_mode=self.billing_mode,
            territory=self.territory,
        )


class HeldGrant(GrantedUse, frozen=True, kw_only=True):
    """A grant as the media gateway needs it."""

    song_id: SongId
    expires_at_ms: int


class PastUses(GrantedUse, frozen=True, kw_only=True):
    """How many grants of a song were of one kind."""

    count: int


def uses_of(terms: Terms, chains: Collection[Chain], past: Iterable[PastUses]) -> int:
    """How many past uses of a song count against terms that stand for those of its chains.

    Those that the terms were asked for and would have allowed by what they are for; another deal may have allowed them
    too.
    """
    return sum(uses.count for uses in past if _counts_against(terms, chains, uses))


def _counts_against(terms: Terms, chains: Collection[Chain], uses: PastUses) -> bool:
    purpose = uses.purpose
    asked = (each for chain in uses.need.chains if chain in chains for each in purpose.uses(chain))
    return (
        any(map(terms.is_for_uses, asked))
        and terms.is_for_territory(uses.territory)
        and (purpose.model is None or terms.is_for_model(purpose.model))
    )
