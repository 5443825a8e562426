"""`request_resource`: a song, its accompaniment or a highlight, granted to a session and charged once.

The checks come in the contract's order (decision G34). What the rights allow is asked twice more: inside the
transaction that writes the grant and its charge, so nothing is granted that was withdrawn a moment ago, and when the
answer leaves, so nothing is handed out that was withdrawn while the transaction waited for the disk.
"""

from dataclasses import dataclass

import msgspec
import structlog

from yuefu.catalogue.song import Song, UnknownSong
from yuefu.ids import RoomId
from yuefu.rights.charge import CapReached, MeteredUse
from yuefu.rights.deal import SongRights
from yuefu.rights.grant import NewGrant, NotLicensed, check_need
from yuefu.rights.kept_answer import BadRequestKey, RequestKey
from yuefu.rights.plan import Plan, month_of
from yuefu.rights.purpose import Purpose
from yuefu.rooms.membership import only_room
from yuefu.server.actions.asked_once import Seal, answer_once, bad_key, name_request
from yuefu.server.actions.offer import (
    Offer,
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
from yuefu.server.actions.resource_answer import ResourceAnswer, render_answer
from yuefu.server.actions.sessions import Member
from yuefu.server.centre import Centre, Passage, Transaction
from yuefu.server.charging import check_membership, quote, take_charge
from yuefu.wire.client_api import RequestResourceBody, ResourceQuote
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal
from yuefu.wire.vendor import BillingMode

_DEFAULT_SCENE = 0

SealBought = Seal[ResourceAnswer | ResourceQuote]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Purchase:
    """All that a grant needs, when nothing but its transaction is left to do."""

    order: Order
    song: Song
    offer: Offer
    grant: NewGrant
    purpose: Purpose
    plan: Plan
    use: MeteredUse
    key: RequestKey | None
    seal: SealBought


async def request_resource(
    centre: Centre, caller: Member, body: RequestResourceBody, passage: Passage, *, key: str | None, seal: SealBought
) -> bytes:
    """Grant and charge one resource, or say what it would cost.

    What was answered under a key is answered again to the same request, if the rights still allow it. Raises
    `ClientRefusal`, or `Refusal` for a vendor that cannot be had.
    """
    named = name_request(caller, key, "request_resource", body)
    return await answer_once(
        centre, named, passage, lambda: _request(centre, caller, body, passage, key=named, seal=seal)
    )


async def _request(
    centre: Centre,
    caller: Member,
    body: RequestResourceBody,
    passage: Passage,
    *,
    key: RequestKey | None,
    seal: SealBought,
) -> bytes:
    order = _check_order(centre, caller, body)
    use_of = (caller.app.app_id, caller.session.user_id, order.vendor_id)
    plan = check_membership(centre, use_of, order.mode)
    song = find_song(centre, body.song_id, order.vendor_id)
    at_ms = centre.now_ms()
    try:
        purpose = purpose_of(caller, order)
        # how often a song was used does not matter to whoever still holds it; the transaction knows who does
        decide_now = centre.decide_held if plan.is_repeat_free else centre.decide_new
        offer = make_offer(song, order, decide_now(song.song_id, purpose, at_ms=at_ms))
        grant = new_grant(caller, order, song, offer, at_ms=at_ms, until_ms=at_ms + order.profile.resource_ttl_ms)
        use = _meter(grant, host_id=body.master_id)
        if body.dry_run is True:
            return seal(_quote(centre, grant, purpose, plan, use))
        purchase = _Purchase(order, song, offer, grant, purpose, plan, use, key, seal)
        answer = await centre.work.perform(lambda transaction: _buy(centre, transaction, purchase))
        passage.enter()
        check_still_licensed(centre, grant, offer.need, purpose)
    except UnknownSong:
        raise unknown_song() from None
    except NotLicensed as error:
        raise not_licensed(error, order.resource_type) from None
    except BadRequestKey as error:
        raise bad_key(error) from None
    except CapReached as error:
        _log.warning("a bound refused a use", app_id=caller.app.app_id, problem=str(error))
        raise ClientRefusal(ClientCode.BILLING_UNREASONABLE, str(error)) from None
    return answer


def _check_order(centre: Centre, caller: Member, body: RequestResourceBody) -> Order:
    if not body.song_id:
        raise ClientRefusal(ClientCode.SONG_ID_EMPTY, "song_id: empty")
    resource_type = find_type(body.resource_type)
    if body.room_id and caller.session.rooms is not None and body.room_id not in caller.session.rooms:
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, "room_id: the login token is not good for this room")
    _check_mode_fields(body)
    vendor_id, profile = find_vendor(centre, caller, body.vendor_id, resource_type)
    if body.scene_id != _DEFAULT_SCENE and body.scene_id not in caller.app.scenes:
        raise ClientRefusal(ClientCode.SCENE_UNSUPPORTED, "scene_id: not a scene this app was granted")
    if body.mode not in caller.app.billing_modes:
        raise ClientRefusal(ClientCode.BILLING_UNSUPPORTED, "mode: not a billing mode this app was granted")
    room_id = RoomId(body.room_id) or only_room(centre.rooms.joined(caller.session.session_id))
    return Order(resource_type, BillingMode(body.mode), vendor_id, profile, body.scene_id, room_id)


def _check_mode_fields(body: RequestResourceBody) -> None:
    """What the billing mode itself needs: host billing a host, and both it and room billing a room."""
    if body.mode == BillingMode.HOST_MONTH and not body.master_id:
        raise ClientRefusal(ClientCode.MASTER_MISSING, "master_id: missing; host billing needs it")
    if body.mode in {BillingMode.ROOM_MONTH, BillingMode.HOST_MONTH} and not body.room_id:
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, "room_id: missing; this billing mode needs it")


def _meter(grant: NewGrant, *, host_id: str) -> MeteredUse:
    return MeteredUse(
        app_id=grant.app_id,
        vendor_id=grant.vendor_id,
        song_id=grant.song_id,
        resource_type=grant.resource_type,
        scene_id=grant.scene_id,
        billing_mode=grant.billing_mode,
        user_id=grant.user_id,
        room_id=grant.room_id,
        host_id=host_id,
    )


def _quote(centre: Centre, grant: NewGrant, purpose: Purpose, plan: Plan, use: MeteredUse) -> ResourceQuote:
    """What the grant would cost. Raises `NotLicensed`, `CapReached`."""
    at_ms = grant.granted_at_ms
    if plan.is_repeat_free and centre.grants.running(grant, at_ms=at_ms) is not None:
        period = str(month_of(at_ms, plan.time_zone))
        return ResourceQuote(amount_minor=0, currency=plan.currency, period=period, already_paid=1)
    need = grant.resources[0].need
    check_need(grant.song_id, need, centre.decide_new(grant.song_id, purpose, at_ms=at_ms))
    assessment = quote(centre, use, plan, at_ms=at_ms)
    return ResourceQuote(
        amount_minor=assessment.amount_minor,
        currency=assessment.currency,
        period=str(assessment.period),
        unpriced=int(assessment.is_unpriced),
        already_paid=int(assessment.is_paid_already),
    )


def _buy(centre: Centre, transaction: Transaction, purchase: _Purchase) -> bytes:
    """All of a purchase in its one transaction: the grant and its charge, or what is held already, and the answer."""
    key = purchase.key
    if key is not None and (kept := transaction.answers.find(key)):
        kept.check(key)
        return kept.answer
    at_ms = centre.now_ms()
    grant = purchase.grant
    running = transaction.running_grant(grant, at_ms=at_ms) if purchase.plan.is_repeat_free else None
    if running is None:
        grant_id = _grant(centre, transaction, purchase, at_ms=at_ms)
    else:
        grant_id, grant = running.grant_id, msgspec.structs.replace(grant, expires_at_ms=running.expires_at_ms)
        transaction.hold_again(grant, grant_id)
    issued = issue(centre, purchase.order, purchase.song, purchase.offer, grant, paid_id=grant_id)
    answer = purchase.seal(render_answer(issued))
    if key is not None:
        transaction.answers.keep(key, answer, grant_id=grant_id, need=purchase.offer.need, at_ms=at_ms)
    return answer


def _grant(centre: Centre, transaction: Transaction, purchase: _Purchase, *, at_ms: int) -> int:
    """Write the grant, charge it and share it with its room, if the rights allow it at `at_ms`: now, for it may have
    waited. Returns the grant's id.
    """
    grant = purchase.grant
    rights = transaction.rights(grant.song_id)
    decision = centre.standing.decide(grant.song_id, rights, purchase.purpose, at_ms=at_ms, count=transaction.used)
    check_need(grant.song_id, purchase.offer.need, decision)
    known = msgspec.structs.replace(grant, rights_revision=rights.revision)
    grant_id = take_charge(
        transaction, purchase.use, purchase.plan, lambda: transaction.issue_grant(known), at_ms=at_ms
    )
    transaction.shares.open(grant_id, grant)
    if rights.is_capped:
        _tell_if_used_up(transaction, grant, rights, at_ms=at_ms)
    return grant_id


def _tell_if_used_up(transaction: Transaction, grant: NewGrant, rights: SongRights, *, at_ms: int) -> None:
    """Have the change feed speak of a song when a deal's last use is gone."""
    used = transaction.used(grant.song_id, rights)
    if any(terms.max_uses is not None and count >= terms.max_uses for terms, count in used.items()):
        transaction.retell(grant.song_id, at_ms=at_ms)
