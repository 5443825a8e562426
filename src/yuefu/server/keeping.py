"""What is kept no longer: pruned in the background bit by bit, or at once of one user who asks to be forgotten."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from yuefu.access.app import UnknownApp
from yuefu.access.audit import Author
from yuefu.access.person import NAME_BYTES, NobodyNamed, Traces, new_alias
from yuefu.access.retention import Limits, Pruned, Retention
from yuefu.ids import AppId, UserId
from yuefu.server.centre import Centre, Transaction

PERIOD_S = 60.0
BATCH_ROWS = 200
"""How many rows one transaction looks at, so that nobody waits long for the one writer."""
PAUSE_S = 0.05
"""Between two of them, for those who wait for the writer."""

_log = structlog.get_logger(__name__)


async def keep_no_longer(centre: Centre, retention: Retention) -> None:
    """Prune all that is due by now, and say in the log what went."""
    centre.gate.quota.prune(at_us=centre.now_us())
    job = _pruning(retention.limits(at_ms=centre.now_ms()))
    pruned, is_more = Pruned(), True
    while is_more:
        went, is_more = await asyncio.wrap_future(centre.work.submit(job))
        pruned += went
        await asyncio.sleep(PAUSE_S)
    if pruned.total:
        _log.info("pruned", **msgspec.structs.asdict(pruned))


def prune(centre: Centre, retention: Retention) -> Pruned:
    """The same at once, for those who wait for it; what went."""
    job = _pruning(retention.limits(at_ms=centre.now_ms()))
    pruned, is_more = Pruned(), True
    while is_more:
        went, is_more = centre.work.run(job)
        pruned += went
    return pruned


def forget_user(centre: Centre, app_id: AppId, user_id: UserId, author: Author) -> Traces:
    """Forget a user of an app, in one transaction; what named them. Sums stay. Raises `UnknownApp`, `NobodyNamed`.

    The audit tells of it and does not say who it was.
    """
    if not user_id:
        raise NobodyNamed
    if centre.apps.app(app_id) is None:
        raise UnknownApp(app_id)
    alias = new_alias(centre.random_bytes(NAME_BYTES))

    def job(transaction: Transaction) -> Traces:
        at_ms = centre.now_ms()
        traces = transaction.persons.forget(app_id, user_id, alias=alias, at_ms=at_ms)
        transaction.audit(author.entry("user.forget", f"app {app_id}", at_ms=at_ms, **msgspec.structs.asdict(traces)))
        return traces

    return centre.work.run(job)


def _pruning(limits: Limits) -> Callable[[Transaction], tuple[Pruned, bool]]:
    return lambda transaction: transaction.retention.prune(limits, at_most=BATCH_ROWS)
