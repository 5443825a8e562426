"""Telling webhooks what changed, or was used: one event at a time each, in order, at least once, whatever happens to
this process.

    claim: the event under way, or a new one of what came since → send → delivered, or failed and when to try again

An event is claimed in a transaction that moves its next attempt to after this one must have ended. So of several
processes one sends it, and what a killed one had claimed is sent by whoever looks next.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar, assert_never

import structlog

from yuefu.access.app import App
from yuefu.access.audit import Author
from yuefu.access.webhook import Event, NewEvent, Place, Tells, Webhook, wait_ms
from yuefu.server.centre import Centre, Transaction
from yuefu.server.changes import changes_for
from yuefu.server.outward import TOTAL_TIMEOUT_S
from yuefu.server.usage_events import usage_for
from yuefu.server.webhooks import Outcome, audit_entry, new_event_id, render_event
from yuefu.units import DAY_MS, SECOND_MS, format_instant
from yuefu.wire.webhook import CATALOGUE_CHANGED, USAGE_RECORDED, ChangesData, UsageData

T = TypeVar("T")

MOST_TOLD = 100
"""Changes, or uses, in one event."""

CLAIM_MS = 2 * int(TOTAL_TIMEOUT_S * SECOND_MS)
"""How long an event is one process's: resolving the name and sending, with time to spare."""

_log = structlog.get_logger(__name__)


class Sender(Protocol):
    """Sends events."""

    async def send(self, webhook: Webhook, event_id: str, body: bytes) -> Outcome:
        """One attempt to send an event."""

    async def aclose(self) -> None:
        """Let go of the network."""


class Dispatcher:
    """One process's part in telling. `chance` in 0–1 spreads attempts; `author` is who the audit says gave up."""

    def __init__(
        self, centre: Centre, post: Sender, *, author: Author, failing_days: int, chance: Callable[[], float]
    ) -> None:
        self._centre = centre
        self._post = post
        self._author = author
        self._failing_days = failing_days
        self._chance = chance
        self._telling: dict[int, asyncio.Task[None]] = {}

    async def round(self) -> None:
        """Begin to tell whoever is not being told already."""
        for webhook in self._centre.webhooks.webhooks():
            if webhook.is_enabled and webhook.webhook_id not in self._telling:
                task = asyncio.create_task(self._tell_all(webhook.webhook_id))
                self._telling[webhook.webhook_id] = task

    async def settle(self) -> None:
        """Wait until nothing more is being told."""
        while self._telling:
            await asyncio.gather(*self._telling.values())

    async def aclose(self) -> None:
        """Break off whatever is being told; the next process goes on with it."""
        tasks = list(self._telling.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._post.aclose()

    async def _tell_all(self, webhook_id: int) -> None:
        try:
            while await self._tell(webhook_id):
                pass
        except Exception:  # noqa: BLE001 - whatever it was, others are told and this one is tried again
            _log.exception("a webhook was not told", webhook_id=webhook_id)
        finally:
            del self._telling[webhook_id]

    async def _tell(self, webhook_id: int) -> bool:
        """Send one event; whether there may be another."""
        webhook = self._centre.webhooks.webhook(webhook_id)
        event = await self._claim(webhook)
        if event is None:
            return False
        outcome = await self._post.send(webhook, event.event_id, event.body.encode())
        if outcome.failure:
            await self._fail(event, outcome)
            return False
        await self._do(lambda transaction: transaction.webhooks.delivered(event))
        return True

    async def _claim(self, webhook: Webhook) -> Event | None:
        """The event to send now; None when there is none, or another process sends it."""
        held = self._centre.webhooks.event(webhook.webhook_id)
        if held is not None and held.next_attempt_ms > self._centre.now_ms():
            return None
        fresh = await self._fresh(webhook) if held is None else None
        if held is None and fresh is None:
            return None
        at_ms = self._centre.now_ms()
        return await self._do(
            lambda transaction: transaction.webhooks.claim(
                webhook.webhook_id, fresh, at_ms=at_ms, until_ms=at_ms + CLAIM_MS
            )
        )

    async def _fresh(self, webhook: Webhook) -> NewEvent | None:
        """What its app was not told yet; None when that is nothing. What is none of its business is passed over."""
        app = self._centre.apps.app(webhook.app_id)
        if app is None or not app.is_enabled:
            return None
        begin = webhook.told_until
        kind, data, until = self._news(webhook.tells, app, begin)
        if data is not None:
            event_id = new_event_id(self._centre)
            body = render_event(self._centre, event_id, kind, data).decode()
            return NewEvent(event_id=event_id, body=body, tells_from=begin, tells_until=until)
        if until != begin:
            await self._do(
                lambda transaction: transaction.webhooks.skip(webhook.webhook_id, tells_from=begin, tells_until=until)
            )
        return None

    def _news(self, tells: Tells, app: App, after: Place) -> tuple[str, ChangesData | UsageData | None, Place]:
        """The kind of event, what there is to tell, None for nothing, and the place up to which that goes."""
        match tells:
            case Tells.CHANGES:
                changes, row = changes_for(
                    self._centre, app, territory=app.home_territory, after=after.row, at_most=MOST_TOLD
                )
                told = ChangesData(changes=changes.changes, next=changes.next) if changes.changes else None
                return CATALOGUE_CHANGED, told, Place(row)
            case Tells.USAGE:
                usage, until = usage_for(self._centre, app, after=after, at_most=MOST_TOLD)
                return USAGE_RECORDED, usage if usage.usage else None, until
            case unreachable:
                assert_never(unreachable)

    async def _fail(self, event: Event, outcome: Outcome) -> None:
        at_ms = self._centre.now_ms()
        next_attempt_ms = at_ms + wait_ms(event.attempts, self._chance())

        def job(transaction: Transaction) -> bool:
            webhook = transaction.webhooks.failed(event, outcome.failure, at_ms=at_ms, next_attempt_ms=next_attempt_ms)
            if webhook is None or webhook.failing_since_ms is None:
                return False
            if not outcome.is_gone and at_ms - webhook.failing_since_ms < self._failing_days * DAY_MS:
                return False
            self._give_up(transaction, webhook, at_ms=at_ms)
            return True

        is_disabled = await self._do(job)
        _log.warning(
            "a webhook was not told",
            webhook_id=event.webhook_id,
            failure=outcome.failure,
            attempts=event.attempts,
            is_disabled=is_disabled,
        )

    def _give_up(self, transaction: Transaction, webhook: Webhook, *, at_ms: int) -> None:
        transaction.webhooks.disable(webhook.webhook_id)
        detail = {
            "app_id": webhook.app_id,
            "failure": webhook.failure,
            "failing_since": format_instant(webhook.failing_since_ms or at_ms),
        }
        transaction.audit(audit_entry("webhook.disable", webhook.webhook_id, self._author, detail, at_ms=at_ms))

    async def _do(self, job: Callable[[Transaction], T]) -> T:
        return await asyncio.wrap_future(self._centre.work.submit(job))
