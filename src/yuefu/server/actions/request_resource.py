"""`request_resource`: a song, its accompaniment or a highlight, granted to a session and charged once.

The checks come in the contract's order (decision G34); what the rights allow is asked once more inside the transaction
that writes the grant and its charge, so nothing is granted that was withdrawn a moment ago.
"""

import asyncio
from dataclasses import dataclass

import msgspec

from yuefu.access.tickets import KrcTicket, ShareTicket, seal_krc_ticket, sign_share_ticket
from yuefu.catalogue.resource import ResourceRef, resource_id
from yuefu.catalogue.song import Highlight, Part, PartKind, Quality, Song, UnknownSong
from yuefu.ids import RoomId, VendorId, parse_song_id
from yuefu.rights.decision import Decision, decide
from yuefu.rights.grant import GrantedResource, Need, NewGrant, NotLicensed, allows, check_need
from yuefu.server.actions.resource_answer import IssuedResource, ResourceAnswer, render_answer
from yuefu.server.actions.sessions import Member
from yuefu.server.centre import Centre, Transaction
from yuefu.wire.client_api import RequestResourceBody, Resource
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal
from yuefu.wire.vendor import DEFAULT_VENDOR, BillingMode, ResourceType, VendorProfile

_DEFAULT_SCENE = 0


@dataclass(frozen=True, slots=True)
class _Order:
    """What is asked for, once the request itself is in order."""

    resource_type: ResourceType
    mode: BillingMode
    vendor_id: VendorId
    profile: VendorProfile
    scene_id: int


@dataclass(frozen=True, slots=True)
class _Offer:
    """The parts that answer an order, and what each asks of the rights."""

    parts: tuple[Part, ...]
    need: Need
    highlight: Highlight | None


async def request_resource(centre: Centre, caller: Member, body: RequestResourceBody) -> ResourceAnswer:
    """Grant and charge one resource. Raises `ClientRefusal`."""
    order = _check_order(centre, caller, body)
    song = _find_song(centre, body.song_id, order.vendor_id)
    at_ms = centre.now_ms()
    try:
        decision = decide(centre.rights.rights(song.song_id), at_ms=at_ms)
        offer = _make_offer(song, order, decision)
        grant = _new_grant(caller, body, order, song, offer, at_ms=at_ms)
        await asyncio.wrap_future(centre.work.submit(lambda transaction: _grant(transaction, grant, offer.need)))
    except UnknownSong:
        raise _unknown_song() from None
    except NotLicensed as error:
        raise _not_licensed(error, order.resource_type) from None
    return render_answer(_issued(centre, order, song, offer, grant))


def _check_order(centre: Centre, caller: Member, body: RequestResourceBody) -> _Order:
    if not body.song_id:
        raise ClientRefusal(ClientCode.SONG_ID_EMPTY, "song_id: empty")
    resource_type = _resource_type(body.resource_type)
    if body.room_id and caller.session.rooms is not None and body.room_id not in caller.session.rooms:
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, "room_id: the login token is not good for this room")
    _check_mode_fields(body)
    vendor_id, profile = _vendor(centre, caller, body.vendor_id, resource_type)
    if body.scene_id != _DEFAULT_SCENE and body.scene_id not in caller.app.scenes:
        raise ClientRefusal(ClientCode.SCENE_UNSUPPORTED, "scene_id: not a scene this app was granted")
    if body.mode not in caller.app.billing_modes:
        raise ClientRefusal(ClientCode.BILLING_UNSUPPORTED, "mode: not a billing mode this app was granted")
    return _Order(resource_type, BillingMode(body.mode), vendor_id, profile, body.scene_id)


def _resource_type(number: int) -> ResourceType:
    try:
        return ResourceType(number)
    except ValueError:
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, "resource_type: must be one of 0, 1, 2, 3") from None


def _check_mode_fields(body: RequestResourceBody) -> None:
    """What the billing mode itself needs: host billing a host, and both it and room billing a room."""
    if body.mode == BillingMode.HOST_MONTH and not body.master_id:
        raise ClientRefusal(ClientCode.MASTER_MISSING, "master_id: missing; host billing needs it")
    if body.mode in {BillingMode.ROOM_MONTH, BillingMode.HOST_MONTH} and not body.room_id:
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, "room_id: missing; this billing mode needs it")


def _vendor(
    centre: Centre, caller: Member, requested: int, resource_type: ResourceType
) -> tuple[VendorId, VendorProfile]:
    if requested not in centre.profiles:
        known = ", ".join(str(vendor) for vendor in sorted(centre.profiles))
        raise ClientRefusal(ClientCode.VENDOR_INVALID, f"vendor_id: must be one of {known}")
    vendor_id = caller.app.default_vendor if requested == DEFAULT_VENDOR else VendorId(requested)
    profile = centre.profiles[vendor_id]
    if not profile.supports(resource_type):
        raise ClientRefusal(
            ClientCode.VENDOR_UNSUPPORTED, f"vendor_id: vendor {vendor_id} has no resources of type {resource_type}"
        )
    if vendor_id not in caller.app.vendors:
        raise ClientRefusal(
            ClientCode.VENDOR_NOT_GRANTED, f"vendor_id: the app has not been granted vendor {vendor_id}"
        )
    return vendor_id, profile


def _find_song(centre: Centre, text: str, vendor_id: VendorId) -> Song:
    song_id = parse_song_id(text)
    if song_id is None:
        raise _unknown_song()
    try:
        song = centre.songs.song(song_id)
    except UnknownSong:
        raise _unknown_song() from None
    if song.vendor_id != vendor_id:
        raise _unknown_song()
    return song


def _unknown_song() -> ClientRefusal:
    return ClientRefusal(ClientCode.SONG_INVALID, "song_id: the vendor has no such song")


def _not_licensed(error: NotLicensed, resource_type: ResourceType) -> ClientRefusal:
    """The documented code: no rights at all, or listening only (decision G33)."""
    if resource_type is not ResourceType.SONG and error.decision.play.allowed:
        return ClientRefusal(ClientCode.LISTEN_ONLY, f"{error}; it may be played only")
    return ClientRefusal(ClientCode.NO_RIGHTS, str(error))


def _make_offer(song: Song, order: _Order, decision: Decision) -> _Offer:
    """The parts to grant. Raises `NotLicensed`, and then `ClientRefusal` for what the song lacks."""
    qualities = tuple(Quality(name) for name in order.profile.qualities_of(order.resource_type))
    match order.resource_type:
        case ResourceType.SONG:
            check_need(song.song_id, Need.PLAY, decision)
            offer = _Offer(_parts(song, PartKind.ORIGINAL, qualities), Need.PLAY, None)
        case ResourceType.ACCOMPANIMENT:
            check_need(song.song_id, Need.SING, decision)
            offer = _accompaniment(song, qualities, decision)
        case ResourceType.ACCOMPANIMENT_CLIP | ResourceType.ACCOMPANIMENT_SEGMENT:
            check_need(song.song_id, Need.SING, decision)
            offer = _highlight(song, order, qualities)
    if not offer.parts:
        if order.resource_type is not ResourceType.SONG and song.part(PartKind.ACCOMPANIMENT) is None:
            raise ClientRefusal(ClientCode.NO_ACCOMPANIMENT, "song_id: the song has no accompaniment")
        raise ClientRefusal(ClientCode.RESOURCE_MISSING, "resource_type: the song has no such resource")
    return offer


def _accompaniment(song: Song, qualities: tuple[Quality, ...], decision: Decision) -> _Offer:
    """The backing with the original beside it where both chains allow, else the backing alone."""
    if allows(decision, Need.PLAY_AND_SING):
        parts = _parts(song, PartKind.ACCOMPANIMENT, qualities)
        need = Need.PLAY_AND_SING if any(part.track_count > 1 for part in parts) else Need.SING
        return _Offer(parts, need, None)
    alone = _parts(song, PartKind.ACCOMPANIMENT_ALONE, qualities)
    single = tuple(part for part in _parts(song, PartKind.ACCOMPANIMENT, qualities) if part.track_count == 1)
    return _Offer(alone or single, Need.SING, None)


def _highlight(song: Song, order: _Order, qualities: tuple[Quality, ...]) -> _Offer:
    """The long clip, or the first short segment where that is a file of its own."""
    highlight = song.published.highlight
    if highlight is None or (_is_segment_file(order) and not highlight.segments):
        return _Offer((), Need.SING, highlight)
    kind = PartKind.SEGMENT if _is_segment_file(order) else PartKind.CLIP
    return _Offer(_parts(song, kind, qualities), Need.SING, highlight)


def _is_segment_file(order: _Order) -> bool:
    return order.resource_type is ResourceType.ACCOMPANIMENT_SEGMENT and order.profile.segment_file


def _parts(song: Song, kind: PartKind, qualities: tuple[Quality, ...]) -> tuple[Part, ...]:
    found = (song.part(kind, quality) for quality in qualities)
    return tuple(part for part in found if part is not None)


def _new_grant(
    caller: Member, body: RequestResourceBody, order: _Order, song: Song, offer: _Offer, *, at_ms: int
) -> NewGrant:
    return NewGrant(
        session_id=caller.session.session_id,
        app_id=caller.app.app_id,
        user_id=caller.session.user_id,
        room_id=RoomId(body.room_id),
        song_id=song.song_id,
        vendor_id=order.vendor_id,
        resource_type=int(order.resource_type),
        scene_id=order.scene_id,
        billing_mode=int(order.mode),
        granted_at_ms=at_ms,
        expires_at_ms=min(at_ms + order.profile.resource_ttl_ms, caller.session.expires_at_ms),
        rights_revision=0,  # known once the transaction has asked the rights
        resources=tuple(GrantedResource(resource_id=_id_of(song, part), need=offer.need) for part in offer.parts),
    )


def _grant(transaction: Transaction, grant: NewGrant, need: Need) -> None:
    rights = transaction.rights(grant.song_id)
    check_need(grant.song_id, need, decide(rights, at_ms=grant.granted_at_ms))
    transaction.issue_grant(msgspec.structs.replace(grant, rights_revision=rights.revision))


def _issued(centre: Centre, order: _Order, song: Song, offer: _Offer, grant: NewGrant) -> IssuedResource:
    """What the caller is told of the grant: its tokens and files."""
    profile = order.profile
    share = ShareTicket(
        app_id=grant.app_id,
        room_id=grant.room_id,
        vendor_id=grant.vendor_id,
        song_id=grant.song_id,
        resource_type=grant.resource_type,
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
