"""What a centre keeps no longer: pruned by a round in the background, forgotten on demand."""

import asyncio
from typing import Any

import pytest
import structlog
from tests.unit.server.conftest import APP, World

from yuefu.access.app import UnknownApp
from yuefu.access.audit import Author
from yuefu.access.person import NobodyNamed
from yuefu.access.retention import Pruned, Retention
from yuefu.ids import AppId, UserId
from yuefu.server.keeping import BATCH_ROWS, forget_user, keep_no_longer, prune
from yuefu.server.settings import BadSettings, load_settings
from yuefu.units import DAY_MS

AUTHOR = Author(actor="cli:mei", origin="desk")
RETENTION = Retention(sessions_days=7, users_days=400)
NOT_INITIALISED = 1017096


def test_the_round_prunes_all_that_is_due_and_logs_what_went(world: World) -> None:
    for number in range(3):
        world.member(user_id=f"user {number}").granted()
    world.wait(8 * DAY_MS)
    assert world.centre.retention.prunable(RETENTION.limits(at_ms=world.centre.now_ms())).sessions == 3
    with structlog.testing.capture_logs() as logs:
        asyncio.run(keep_no_longer(world.centre, RETENTION))
        asyncio.run(keep_no_longer(world.centre, RETENTION))
    assert [(log["event"], log["sessions"], log["held_resources"]) for log in logs] == [("pruned", 3, 3)]
    assert (world.rows("sessions"), len(world.rows("grants")), len(world.rows("charges"))) == ([], 3, 3)


def test_more_than_a_batch_is_pruned_at_once_when_somebody_waits_for_it(world: World) -> None:
    def job(transaction: Any) -> None:
        transaction._connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ?)"
            " INSERT INTO sessions (token_hash, app_id, user_id, user_name, rooms, territory, started_at_ms,"
            " expires_at_ms) SELECT i, ?, 'u', 'u', NULL, 'CN', 0, 1 FROM n",
            (2 * BATCH_ROWS, APP.app_id),
        )

    world.centre.work.run(job)
    assert prune(world.centre, RETENTION) == Pruned(sessions=2 * BATCH_ROWS + 1)


def test_quotas_of_users_are_forgotten_by_the_round(world: World) -> None:
    member = world.member()
    member.call("send_extended_request", command="/tag/list", params={})
    spent: dict[str, int] = world.centre.gate.quota._arrivals_us  # type: ignore[attr-defined]
    assert any("茉莉" in key for key in spent)
    world.wait(DAY_MS)
    asyncio.run(keep_no_longer(world.centre, RETENTION))
    assert world.centre.gate.quota._arrivals_us == {}  # type: ignore[attr-defined]


def test_the_audit_says_that_somebody_was_forgotten_and_not_who(world: World) -> None:
    world.member(user_id="某顾客").granted()
    traces = forget_user(world.centre, APP.app_id, UserId("某顾客"), AUTHOR)
    assert (traces.sessions, traces.grants) == (1, 1)
    written = [each.entry for each in world.centre.audit.entries() if each.entry.action == "user.forget"]
    assert [(entry.actor, entry.subject, entry.detail["grants"]) for entry in written] == [
        ("cli:mei", f"app {APP.app_id}", 1)
    ]
    assert "某顾客" not in repr(written)


def test_nobody_and_users_of_no_app_are_not_forgotten(world: World) -> None:
    with pytest.raises(NobodyNamed):
        forget_user(world.centre, APP.app_id, UserId(""), AUTHOR)
    with pytest.raises(UnknownApp):
        forget_user(world.centre, AppId(5), UserId("x"), AUTHOR)


def test_the_sessions_of_somebody_forgotten_are_worth_nothing(world: World) -> None:
    member = world.member()
    resource_id = member.resource_id()
    forget_user(world.centre, APP.app_id, UserId("茉莉"), AUTHOR)
    assert member.request()["code"] == NOT_INITIALISED
    assert member.download(resource_id).status_code == 403
    assert world.member().request()["code"] == 0


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("keep_sessions_days", "0", "from 1 to 36500"),
        ("keep_users_days", "1", "from 2 to 36500"),
        ("keep_users_days", "36501", "from 2 to 36500"),
        ("keep_sessions_days", "a week", "keep_sessions_days"),
    ],
)
def test_a_period_that_cannot_be_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        load_settings({}, {f"YUEFU_{name.upper()}": value})
