"""Usage as one app's webhooks tell it."""

from msgspec import UNSET

from yuefu.access.app import App
from yuefu.access.webhook import Place
from yuefu.rights.usage_event import UsageEvent, UsagePlace
from yuefu.server.centre import Centre
from yuefu.units import format_instant
from yuefu.wire.webhook import Usage, UsageData


def latest_usage(centre: Centre) -> Place:
    """The place after all usage so far."""
    return Place(*centre.usage_events.latest())


def usage_for(centre: Centre, app: App, *, after: Place, at_most: int) -> tuple[UsageData, Place]:
    """What an app used after a place, and the place up to which that tells."""
    events, until = centre.usage_events.page(app.app_id, UsagePlace(*after), at_most=at_most)
    return UsageData(usage=[_render(event) for event in events]), Place(*until)


def _render(event: UsageEvent) -> Usage:
    is_grant = event.posting_id is None
    of = event.paid_grant_id if is_grant else event.grant_id
    return Usage(
        usage_id=_grant_name(event.grant_id) if is_grant else f"posting-{event.posting_id}",
        kind=event.kind.value,
        of=UNSET if of is None else _grant_name(of),
        at=format_instant(event.at_ms),
        song_id=str(event.song_id),
        vendor_id=event.vendor_id,
        resource_type=event.resource_type,
        scene_id=event.scene_id,
        mode=event.billing_mode,
        user_id=event.user_id,
        room_id=event.room_id,
        territory=event.territory,
        rights_revision=event.rights_revision,
        amount_minor=event.amount_minor,
        currency=event.currency or UNSET,
        period=event.period or UNSET,
        unpriced=int(event.is_unpriced),
        reason=event.reason or UNSET,
    )


def _grant_name(grant_id: int) -> str:
    return f"grant-{grant_id}"
