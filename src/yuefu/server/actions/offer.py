"""What a session may be given of a song: the same questions whether it pays for it or the room shares it."""

from dataclasses import dataclass

from yuefu.access.tickets import KrcTicket, ShareTicket, seal_krc_ticket, sign_share_ticket
from yuefu.catalogue.resource import ResourceRef, resource_id
from yuefu.catalogue.song import Highlight, Part, PartKind, Quality, Song, UnknownSong
from yuefu.ids import RoomId, VendorId, parse_song_id
from yuefu.rights.decision import Decision
from yuefu.rights.grant import GrantedResource, Need, NewGrant, NotLicensed, allows, check_need
from yuefu.rights.purpose import Purpose, using
from yuefu.server.actions.question import check_granted, resolve_vendor
from yuefu.server.actions.resource_answer import IssuedResource
from yuefu.server.actions.sessions import Member
from yuefu.server.centre import Centre
from yuefu.wire.client_api import Resource
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal
from yuefu.wire.vendor import BillingMode, ResourceType, VendorProfile


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for, once the request itself is in order; `room_id` is "" outside rooms."""

    resource_type: ResourceType
    mode: BillingMode
    vendor_id: VendorId
    profile: VendorProfile
    scene_id: int
    room_id: RoomId


@dataclass(frozen=True, slots=True)
class Offer:
    """The parts that answer an order, and what each asks of the rights."""

    parts: tuple[Part, ...]
    need: Need
    highlight: Highlight | None


def find_type(number: int) -> ResourceType:
    """The resource type of that number. Raises `ClientRefusal`."""
    try:
        return ResourceType(number)
    except ValueError:
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, "resource_type: must be one of 0, 1, 2, 3") from None


def find_vendor(
    centre: Centre, caller: Member, requested: int, resource_type: ResourceType
) -> tuple[VendorId, VendorProfile]:
    """The real vendor of a requested one, if it has such resources and the app was granted it.

    Raises `ClientRefusal` or `Refusal`.
    """
    vendor_id = resolve_vendor(centre.profiles, caller.app, requested, parameter="vendor_id")
    profile = centre.profiles[vendor_id]
    if not profile.supports(resource_type):
        raise ClientRefusal(
            ClientCode.VENDOR_UNSUPPORTED, f"vendor_id: vendor {vendor_id} has no resources of type {resource_type}"
        )
    check_granted(caller.app, vendor_id, parameter="vendor_id")
    return vendor_id, profile


def find_song(centre: Centre, text: str, vendor_id: VendorId) -> Song:
    """The vendor's published song. Raises `ClientRefusal`."""
    song_id = parse_song_id(text)
    if song_id is None:
        raise unknown_song()
    try:
        song = centre.songs.song(song_id)
    except UnknownSong:
        raise unknown_song() from None
    if song.vendor_id != vendor_id:
        raise unknown_song()
    return song


def unknown_song() -> ClientRefusal:
    """What somebody is told who asks for a song that the vendor has not."""
    return ClientRefusal(ClientCode.SONG_INVALID, "song_id: the vendor has no such song")


def not_licensed(error: NotLicensed, resource_type: ResourceType) -> ClientRefusal:
    """The documented code: no rights at all, or listening only (decision G33)."""
    if resource_type is not ResourceType.SONG and error.decision.play.allowed:
        return ClientRefusal(ClientCode.LISTEN_ONLY, f"{error}; it may be played only")
    return ClientRefusal(ClientCode.NO_RIGHTS, str(error))


def purpose_of(caller: Member, order: Order) -> Purpose:
    """What the order asks of the rights, where the caller is."""
    return using(
        scene_id=order.scene_id,
        resource_type=int(order.resource_type),
        billing_mode=int(order.mode),
        territory=caller.session.territory,
    )


def make_offer(song: Song, order: Order, decision: Decision) -> Offer:
    """The parts to grant. Raises `NotLicensed`, and then `ClientRefusal` for what the song lacks."""
    qualities = tuple(Quality(name) for name in order.profile.qualities_of(order.resource_type))
    match order.resource_type:
        case ResourceType.SONG:
            check_need(song.song_id, Need.PLAY, decision)
            offer = Offer(_parts(song, PartKind.ORIGINAL, qualities), Need.PLAY, None)
        case ResourceType.ACCOMPANIMENT:
            check_need(song.song_id, Need.SING, decision)
            offer = _accompaniment(song, qualities, decision)
        case ResourceType.ACCOMPANIMENT_CLIP | ResourceType.ACCOMPANIMENT_SEGMENT:
            check_need(song.song_id, Need.SING, decision)
            offer = _highlight(song, order, qualities)
    if not offer.parts:
        if order.resource_type is not ResourceType.SONG and not _has(song, PartKind.ACCOMPANIMENT):
            raise ClientRefusal(ClientCode.NO_ACCOMPANIMENT, "song_id: the song has no accompaniment")
        raise ClientRefusal(ClientCode.RESOURCE_MISSING, "resource_type: the song has no such resource")
    return offer


def _accompaniment(song: Song, qualities: tuple[Quality, ...], decision: Decision) -> Offer:
    """The backing with the original beside it where both chains allow, else the backing alone."""
    if allows(decision, Need.PLAY_AND_SING):
        parts = _parts(song, PartKind.ACCOMPANIMENT, qualities)
        need = Need.PLAY_AND_SING if any(part.track_count > 1 for part in parts) else Need.SING
        return Offer(parts, need, None)
    alone = _parts(song, PartKind.ACCOMPANIMENT_ALONE, qualities)
    single = tuple(part for part in _parts(song, PartKind.ACCOMPANIMENT, qualities) if part.track_count == 1)
    return Offer(alone or single, Need.SING, None)


def _highlight(song: Song, order: Order, qualities: tuple[Quality, ...]) -> Offer:
    """The long clip, or the first short segment where that is a file of its own."""
    highlight = song.published.highlight
    if highlight is None or (_is_segment_file(order) and not highlight.segments):
        return Offer((), Need.SING, highlight)
    kind = PartKind.SEGMENT if _is_segment_file(order) else PartKind.CLIP
    return Offer(_parts(song, kind, qualities), Need.SING, highlight)


def _is_segment_file(order: Order) -> bool:
    return order.resource_type is ResourceType.ACCOMPANIMENT_SEGMENT and order.profile.segment_file


def _has(song: Song, kind: PartKind) -> bool:
    return any(part.kind is kind for part in song.published.parts)


def _parts(song: Song, kind: PartKind, qualities: tuple[Quality, ...]) -> tuple[Part, ...]:
    found = (song.part(kind, quality) for quality in qualities)
    return tuple(part for part in found if part is not None)


def new_grant(caller: Member, order: Order, song: Song, offer: Offer, *, at_ms: int, until_ms: int) -> NewGrant:
    """The grant of an offer, until `until_ms` or the end of the session."""
    return NewGrant(
        session_id=caller.session.session_id,
        app_id=caller.app.app_id,
        user_id=caller.session.user_id,
        room_id=order.room_id,
        song_id=song.song_id,
        vendor_id=order.vendor_id,
        resource_type=int(order.resource_type),
        scene_id=order.scene_id,
        billing_mode=int(order.mode),
        granted_at_ms=at_ms,
        expires_at_ms=min(until_ms, caller.session.expires_at_ms),
        rights_revision=0,  # known once the transaction has asked the rights
        territory=caller.session.territory,
        resources=tuple(GrantedResource(resource_id=_id_of(song, part), need=offer.need) for part in offer.parts),
    )


def check_still_licensed(centre: Centre, grant: NewGrant, need: Need, purpose: Purpose) -> None:
    """How often the song was used does not matter to a use that was counted. Raises `NotLicensed`, `UnknownSong`."""
    check_need(grant.song_id, need, centre.decide_held(grant.song_id, purpose, at_ms=centre.now_ms()))


def issue(centre: Centre, order: Order, song: Song, offer: Offer, grant: NewGrant, *, paid_id: int) -> IssuedResource:
    """What the caller is told of the grant: its tokens and files. `paid_id` is the grant that was paid for."""
    profile = order.profile
    share = ShareTicket(
        app_id=grant.app_id,
        room_id=grant.room_id,
        vendor_id=grant.vendor_id,
        song_id=grant.song_id,
        resource_type=grant.resource_type,
        grant_id=paid_id,
        expires_at_ms=grant.granted_at_ms + profile.share_token_ttl_ms,
    )
    krc = KrcTicket(
        app_id=grant.app_id, song_id=grant.song_id, expires_at_ms=grant.granted_at_ms + profile.krc_token_ttl_ms
    )
    share_token = sign_share_ticket(share, centre.keys)
    return IssuedResource(
        resource_type=order.resource_type,
        song=song,
        profile=profile,
        highlight=offer.highlight,
        has_original=offer.need is Need.PLAY_AND_SING,
        share_token=share_token,
        krc_token=seal_krc_ticket(krc, centre.keys),
        resources=[
            Resource(
                resource_id=_id_of(song, part),
                size=part.blob.size_bytes,
                quality=part.quality.value,
                share_token=share_token,
                resource_ttl=grant.expires_at_ms - grant.granted_at_ms,
            )
            for part in offer.parts
        ],
    )


def _id_of(song: Song, part: Part) -> str:
    return resource_id(ResourceRef(song.song_id, part.kind, part.quality))
