"""`get_shared_resource`: what another member of the room paid for, once, free. `get_music_by_token`: the same for old
callers, who hold a share token instead.

The free grant is of the payer's scene and billing mode and ends with the payer's. The rights are asked for the caller's
own territory, three times as for a request; how often the song was used does not matter, for its use was counted.
"""

import msgspec

from yuefu.access.tickets import ShareTicket, TicketExpired, TicketMalformed, open_share_ticket
from yuefu.catalogue.song import Song, UnknownSong
from yuefu.ids import RoomId
from yuefu.rights.decision import decide
from yuefu.rights.grant import Need, NewGrant, NotLicensed, check_need
from yuefu.rights.kept_answer import BadRequestKey, RequestKey
from yuefu.rights.purpose import Purpose
from yuefu.rooms.membership import NotInRoom, check_inside
from yuefu.rooms.sharing import NothingShared, Share, ShareKey, ShareUsedUp, check_fetch, running_share
from yuefu.server.actions.asked_once import Seal, answer_once, bad_key, name_request
from yuefu.server.actions.offer import (
    Order,
    check_still_licensed,
    find_song,
    find_type,
    find_vendor,
    issue,
    make_offer,
    new_grant,
    not_licensed,
    purpose_of,
    unknown_song,
)
from yuefu.server.actions.resource_answer import SharedAnswer, render_shared
from yuefu.server.actions.rooms import not_in_room, room_of
from yuefu.server.actions.sessions import Member
from yuefu.server.centre import Centre, Passage, Transaction
from yuefu.wire.client_api import GetSharedBody, MusicTokenBody
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal
from yuefu.wire.vendor import BillingMode

SealShared = Seal[SharedAnswer]


async def get_shared_resource(
    centre: Centre, caller: Member, body: GetSharedBody, passage: Passage, *, key: str | None, seal: SealShared
) -> bytes:
    """A resource that the room shares. What was answered under a key is answered again, if the rights still allow it.

    Raises `ClientRefusal`, or `Refusal` for a vendor that cannot be had.
    """
    named = name_request(caller, key, "get_shared_resource", body)
    return await answer_once(
        centre, named, passage, lambda: _get_shared(centre, caller, body, passage, key=named, seal=seal)
    )


async def get_music_by_token(
    centre: Centre, caller: Member, body: MusicTokenBody, passage: Passage, *, key: str | None, seal: SealShared
) -> bytes:
    """The resource that a share token stands for: the same fetch, and counted as the same.

    Who paid in a room shares with that room only. Raises `ClientRefusal`, or `Refusal` for a vendor that the app lost.
    """
    named = name_request(caller, key, "get_music_by_token", body)
    return await answer_once(
        centre, named, passage, lambda: _get_by_token(centre, caller, body, passage, key=named, seal=seal)
    )


async def _get_shared(
    centre: Centre, caller: Member, body: GetSharedBody, passage: Passage, *, key: RequestKey | None, seal: SealShared
) -> bytes:
    if not body.song_id:
        raise ClientRefusal(ClientCode.SONG_ID_EMPTY, "song_id: empty")
    resource_type = find_type(body.resource_type)
    room_id = room_of(centre, caller, body.room_id)
    vendor_id, _ = find_vendor(centre, caller, body.vendor_id, resource_type)
    song = find_song(centre, body.song_id, vendor_id)
    shared_as = ShareKey(
        app_id=caller.app.app_id,
        room_id=room_id,
        vendor_id=vendor_id,
        song_id=song.song_id,
        resource_type=int(resource_type),
    )
    try:
        share = running_share(centre.shares.share(shared_as), at_ms=centre.now_ms())
        return await _fetch(centre, caller, share, song, passage, key=key, seal=seal)
    except NothingShared as error:
        raise ClientRefusal(ClientCode.NOTHING_SHARED, f"song_id: {error}") from None
    except ShareUsedUp as error:
        raise ClientRefusal(ClientCode.SHARE_USED_UP, f"song_id: {error}") from None


async def _get_by_token(
    centre: Centre, caller: Member, body: MusicTokenBody, passage: Passage, *, key: RequestKey | None, seal: SealShared
) -> bytes:
    if not body.share_token:
        raise ClientRefusal(ClientCode.SHARE_TOKEN_EMPTY, "share_token: empty")
    at_ms = centre.now_ms()
    try:
        ticket = open_share_ticket(body.share_token, centre.keys, at_ms=at_ms)
        share = _share_of(centre, caller, ticket, at_ms=at_ms)
        _check_member(centre.rooms.joined(caller.session.session_id), share)
        find_vendor(centre, caller, share.key.vendor_id, find_type(share.key.resource_type))
        song = find_song(centre, str(share.key.song_id), share.key.vendor_id)
        return await _fetch(centre, caller, share, song, passage, key=key, seal=seal)
    except NotInRoom as error:
        raise not_in_room(error) from None
    except TicketMalformed as error:
        raise ClientRefusal(ClientCode.SHARE_TOKEN_MALFORMED, f"share_token: {error}") from None
    except (TicketExpired, NothingShared):
        raise ClientRefusal(
            ClientCode.SHARE_TOKEN_EXPIRED, "share_token: it has expired, or what it shares has lapsed"
        ) from None
    except ShareUsedUp as error:
        raise ClientRefusal(ClientCode.SHARE_USED_UP, f"share_token: {error}") from None


def _share_of(centre: Centre, caller: Member, ticket: ShareTicket, *, at_ms: int) -> Share:
    """What a share token of the caller's app shares. Raises `TicketMalformed` or `NothingShared`."""
    if ticket.app_id != caller.app.app_id:
        raise TicketMalformed("the share token is not one of ours")
    return running_share(centre.shares.share_of(ticket.grant_id), at_ms=at_ms)


async def _fetch(
    centre: Centre,
    caller: Member,
    share: Share,
    song: Song,
    passage: Passage,
    *,
    key: RequestKey | None,
    seal: SealShared,
) -> bytes:
    """Grant what is shared, free. Raises `NothingShared`, `ShareUsedUp`, or `ClientRefusal`."""
    has_fetched = centre.shares.has_fetched(share.grant_id, caller.session.user_id)
    check_fetch(share, caller.session.user_id, has_fetched=has_fetched)
    resource_type = find_type(share.key.resource_type)
    order = Order(
        resource_type,
        BillingMode(share.billing_mode),
        share.key.vendor_id,
        centre.profiles[share.key.vendor_id],
        share.scene_id,
        share.key.room_id,
    )
    purpose = purpose_of(caller, order)
    at_ms = centre.now_ms()
    try:
        offer = make_offer(song, order, centre.decide_held(song.song_id, purpose, at_ms=at_ms))
        grant = new_grant(caller, order, song, offer, at_ms=at_ms, until_ms=share.expires_at_ms)

        def job(transaction: Transaction) -> bytes:
            if key is not None and (kept := transaction.answers.find(key)):
                kept.check(key)
                return kept.answer
            now_ms = centre.now_ms()
            grant_id = _grant(transaction, share, grant, offer.need, purpose, at_ms=now_ms)
            answer = seal(render_shared(issue(centre, order, song, offer, grant, paid_id=share.grant_id)))
            if key is not None:
                transaction.answers.keep(key, answer, grant_id=grant_id, need=offer.need, at_ms=now_ms)
            return answer

        answer = await centre.work.perform(job)
        passage.enter()
        check_still_licensed(centre, grant, offer.need, purpose)
    except NotInRoom as error:
        raise not_in_room(error) from None
    except UnknownSong:
        raise unknown_song() from None
    except NotLicensed as error:
        raise not_licensed(error, resource_type) from None
    except BadRequestKey as error:
        raise bad_key(error) from None
    return answer


def _grant(transaction: Transaction, share: Share, grant: NewGrant, need: Need, purpose: Purpose, *, at_ms: int) -> int:
    """Write the free grant if all of it still holds at `at_ms`: now, for it may have waited its turn; its id."""
    running_share(share, at_ms=at_ms)
    _check_member(transaction.rooms.joined(grant.session_id), share)
    rights = transaction.rights(grant.song_id)
    check_need(grant.song_id, need, decide(rights, purpose, at_ms=at_ms))
    return transaction.shares.fetch(share, msgspec.structs.replace(grant, rights_revision=rights.revision))


def _check_member(joined: tuple[RoomId, ...], share: Share) -> None:
    """Who paid in no room shares with whoever they give the token to. Raises `NotInRoom`."""
    if share.key.room_id:
        check_inside(share.key.room_id, joined)
