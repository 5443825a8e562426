"""Why a song may be used, or not: the decision that the server itself would make, with what it rests on.

It may be asked of another instant than now, and of what was known at another instant than now.
"""

from dataclasses import dataclass

import msgspec

from yuefu.access.app import App
from yuefu.catalogue.song import UnknownSong
from yuefu.errors import YuefuError
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain, SongRights, Use
from yuefu.rights.decision import Answer, Decision, decide
from yuefu.rights.purpose import Purpose, browsing, using
from yuefu.rights.record import Revision
from yuefu.rights.territory import check_territory
from yuefu.server.centre import Centre

DEFAULT_SCENE = 0


class NotTheVendors(YuefuError):
    """The song is another vendor's."""

    def __init__(self, song_id: SongId, vendor_id: VendorId) -> None:
        super().__init__(f"song {song_id} is not vendor {vendor_id}'s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What is asked. Without a scene it is what lists and rights questions ask; `use` alone is asked for itself.

    With a scene it is what `request_resource` asks for that type in that scene and billing mode, and `use` says which
    of its two answers is meant; no type is the one that the use is for. `territory` None is the app's home; `at_ms`
    None is the instant of `known_at_ms`, or now.
    """

    song_id: SongId
    vendor_id: VendorId
    app: App
    use: Use | None = None
    scene_id: int | None = None
    resource_type: int | None = None
    billing_mode: int = 0
    territory: str | None = None
    at_ms: int | None = None
    known_at_ms: int | None = None


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """One chain's answer, and the revisions it rests on: the latest deal's, and its takedown's where one forbids it."""

    chain: Chain
    answer: Answer
    deal: Revision | None
    takedown: Revision | None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The decision, the question it answers and its grounds. `before` is what refuses the app before the rights do."""

    title: str
    territory: str
    is_home: bool
    at_ms: int
    known_at_ms: int
    purpose: Purpose
    rights: SongRights
    decision: Decision
    allowed: bool
    play: Ground
    sing: Ground
    before: tuple[str, ...]


def explain(centre: Centre, inquiry: Inquiry) -> Explanation:
    """Decide as the server does, and say why. Raises `UnknownSong`, `NotTheVendors`, `UnknownTerritory`.

    Of a song that is no longer in the catalogue only what was known at an earlier instant can be asked.
    """
    app, now_ms = inquiry.app, centre.now_ms()
    title = _title(centre, inquiry)
    if inquiry.known_at_ms is None:
        rights = centre.rights.rights(inquiry.song_id)
    else:
        rights = centre.rights.known_at(inquiry.song_id, inquiry.known_at_ms)
    known_at_ms = now_ms if inquiry.known_at_ms is None else inquiry.known_at_ms
    at_ms = known_at_ms if inquiry.at_ms is None else inquiry.at_ms
    territory = app.home_territory if inquiry.territory is None else check_territory(inquiry.territory)
    purpose = _purpose(inquiry, territory)
    if at_ms < now_ms:
        used = centre.rights.used(inquiry.song_id, rights, before_ms=at_ms) if rights.is_capped else {}
        decision = decide(rights, purpose, at_ms=at_ms, used=used)
    else:
        decision = centre.decide(inquiry.song_id, rights, purpose, at_ms=at_ms)
    revisions = [each for each in centre.rights.revisions(inquiry.song_id) if each.rights.revision <= rights.revision]
    return Explanation(
        title=title,
        territory=territory,
        is_home=inquiry.territory is None,
        at_ms=at_ms,
        known_at_ms=known_at_ms,
        purpose=purpose,
        rights=rights,
        decision=decision,
        allowed=_verdict(inquiry.use, decision),
        play=_ground(Chain.RECORDING, decision.play, revisions),
        sing=_ground(Chain.WORK, decision.sing, revisions),
        before=tuple(_refusals(inquiry)),
    )


def _title(centre: Centre, inquiry: Inquiry) -> str:
    try:
        song = centre.songs.song(inquiry.song_id)
    except UnknownSong:
        if inquiry.known_at_ms is None or not centre.rights.revisions(inquiry.song_id):
            raise
        return ""
    if song.vendor_id != inquiry.vendor_id:
        raise NotTheVendors(song.song_id, inquiry.vendor_id)
    return song.published.facts.title


def _purpose(inquiry: Inquiry, territory: str) -> Purpose:
    if inquiry.scene_id is not None:
        return using(
            scene_id=inquiry.scene_id,
            resource_type=_type_of(inquiry),
            billing_mode=inquiry.billing_mode,
            territory=territory,
        )
    if inquiry.use is not None:
        return Purpose(territory=territory, play=((inquiry.use,),), sing=((inquiry.use,),))
    return browsing(territory)


def _type_of(inquiry: Inquiry) -> int:
    """The resource type that is asked for, or that the use is for."""
    if inquiry.resource_type is not None:
        return inquiry.resource_type
    match inquiry.use:
        case Use.LISTEN | Use.BACKGROUND:
            return 0
        case Use.CLIP:
            return 2
        case _:
            return 1


def _verdict(use: Use | None, decision: Decision) -> bool:
    """The answer that a use is about: of the recording, of the work, or, as the documented `Right` is, of either."""
    match use:
        case Use.LISTEN | Use.BACKGROUND:
            return decision.play.allowed
        case Use.SING | Use.CLIP:
            return decision.sing.allowed
        case _:
            return decision.any_right


def _ground(chain: Chain, answer: Answer, revisions: list[Revision]) -> Ground:
    deals = [each for each in revisions if each.cause == "deal" and chain in each.chains]
    blocking = () if answer.block is None else _laid_by(answer.block.case_id, revisions)
    return Ground(
        chain=chain, answer=answer, deal=deals[-1] if deals else None, takedown=blocking[0] if blocking else None
    )


def _laid_by(case_id: int, revisions: list[Revision]) -> tuple[Revision, ...]:
    return tuple(each for each in revisions if any(block.case_id == case_id for block in each.rights.blocks))


def _refusals(inquiry: Inquiry) -> list[str]:
    """What the server asks of the app before it asks the rights, and the app lacks today."""
    app, scene_id = inquiry.app, inquiry.scene_id
    lacks = {
        "the app is disabled": not app.is_enabled,
        f"the app has not been granted vendor {inquiry.vendor_id}": inquiry.vendor_id not in app.vendors,
    }
    if scene_id is not None:
        lacks[f"the app has not been granted scene {scene_id}"] = scene_id not in {DEFAULT_SCENE, *app.scenes}
        lacks[f"the app has not been granted billing mode {inquiry.billing_mode}"] = (
            inquiry.billing_mode not in app.billing_modes
        )
    return [words for words, is_lacking in lacks.items() if is_lacking]
