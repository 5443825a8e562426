"""What a song is wanted for: by which uses of each chain, where, and how it is paid."""

from functools import lru_cache

import msgspec

from yuefu.rights.deal import Chain, CommercialModel, Use

Uses = tuple[Use, ...]
"""Uses that a deal must allow all together."""


class Purpose(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """One question to the rights. Of a chain's uses any one alternative is enough.

    `territory` is an ISO 3166-1 alpha-2 code, `ANYWHERE` for "in some place". `model` None asks for no model.
    """

    territory: str
    play: tuple[Uses, ...]
    sing: tuple[Uses, ...]
    model: CommercialModel | None = None

    def uses(self, chain: Chain) -> tuple[Uses, ...]:
        """The alternatives asked of one chain."""
        return self.play if chain is Chain.RECORDING else self.sing


_LISTEN, _SING = (Use.LISTEN,), (Use.SING,)
_LIVE_KARAOKE = (Use.SING, Use.LIVE_ROOM)
_LIVE_BACKGROUND = (Use.LISTEN, Use.BACKGROUND)
_GRAB_THE_MIC = (Use.CLIP, Use.LIVE_ROOM)

SCENES: dict[int, tuple[Uses, Uses]] = {
    0: (_LISTEN, _SING),
    1: ((Use.LISTEN, Use.LIVE_ROOM), (Use.SING, Use.LIVE_ROOM)),
    2: (_LIVE_KARAOKE, _LIVE_KARAOKE),
    3: (_LIVE_BACKGROUND, _LIVE_BACKGROUND),
    4: (_GRAB_THE_MIC, _GRAB_THE_MIC),
}
"""What each scene of the client API asks of the recording and of the work (decision G35): 0 whatever the resource is
for, 1 a chat room, 2 live karaoke, 3 live background, 4 grab the mic."""

EXCERPTS = frozenset({2, 3})
"""The resource types of the client API that are parts of a song: the long clip and the short segment."""

MODELS = {
    0: CommercialModel.PER_USE,
    1: CommercialModel.USER_MONTH,
    2: CommercialModel.ROOM_MONTH,
    3: CommercialModel.HOST_MONTH,
}
"""The commercial model that each billing mode of the client API asks for."""


@lru_cache(maxsize=512)
def browsing(territory: str) -> Purpose:
    """What a list shows by: whether a song may be played, or sung, in any way at all."""
    return Purpose(territory=territory, play=(_LISTEN, (Use.BACKGROUND,)), sing=(_SING, (Use.CLIP,)))


@lru_cache(maxsize=4096)
def using(*, scene_id: int, resource_type: int, billing_mode: int, territory: str) -> Purpose:
    """What a grant of that resource in that scene asks. Raises KeyError for none of `SCENES`, likewise of `MODELS`.

    An excerpt may also be had as a clip where a whole song is sung. Whoever grabs the mic wants excerpts, so a whole
    song in that scene asks for what it is besides: the scene is the client's to name, and would open every song to
    whoever holds clips alone.
    """
    play, sing = SCENES[scene_id]
    alternatives: tuple[Uses, ...] = (sing,)
    if resource_type in EXCERPTS:
        alternatives = tuple(dict.fromkeys((sing, tuple(Use.CLIP if use is Use.SING else use for use in sing))))
    elif Use.CLIP in sing:
        play, alternatives = (Use.LISTEN, *play), ((Use.SING, *sing),)
    return Purpose(territory=territory, play=(play,), sing=alternatives, model=MODELS[billing_mode])
