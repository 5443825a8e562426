"""Webhooks told in order, at least once, by whichever process comes first."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.unit.server.conftest import APP, BOTH, World

from yuefu.access.app import with_changes
from yuefu.access.audit import Author
from yuefu.access.webhook import NewWebhook, Place, Tells, UnknownWebhook, Webhook
from yuefu.ids import AppId
from yuefu.server import dispatch
from yuefu.server.dispatch import CLAIM_MS, Dispatcher
from yuefu.server.outward import BadAddress
from yuefu.server.settings import BadSettings, Settings
from yuefu.server.usage_events import latest_usage
from yuefu.server.webhooks import Outcome, Post, add_webhook, enable_webhook, remove_webhook, try_webhook
from yuefu.server.wiring import open_installation
from yuefu.units import DAY_MS, HOUR_MS, format_instant
from yuefu.wire.changes import read_cursor

OPERATOR = Author(actor="cli:mei", origin="here")
OK, FAILED, GONE = Outcome(""), Outcome("HTTP status 500"), Outcome("HTTP status 410", is_gone=True)


@dataclass
class Receiver:
    """What arrives at webhooks, and how each attempt is to end: as told, then well."""

    outcomes: list[Outcome] = field(default_factory=list)
    sent: list[tuple[int, str, bytes]] = field(default_factory=list)
    while_sending: Callable[[], None] = lambda: None

    async def send(self, webhook: Webhook, event_id: str, body: bytes) -> Outcome:
        self.sent.append((webhook.webhook_id, event_id, body))
        await asyncio.sleep(0)
        self.while_sending()
        return self.outcomes.pop(0) if self.outcomes else OK

    async def aclose(self) -> None:
        pass

    @property
    def events(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.sent]

    @property
    def songs(self) -> list[str]:
        return [change["song_id"] for event in self.events for change in event["data"]["changes"]]


def add(world: World, app_id: int = APP.app_id) -> int:
    new = NewWebhook(
        app_id=AppId(app_id),
        url="https://app.example.org/",
        sealed_secret=world.centre.keys.seal(bytes(32), purpose="webhook-secret"),
        tells=Tells.CHANGES,
        told_until=Place(world.centre.feed.latest()),
    )
    webhook_id: int = world.centre.work.run(lambda transaction: transaction.webhooks.add(new, at_ms=1))
    return webhook_id


def dispatcher(world: World, receiver: Receiver, centre: Any = None, failing_days: int = 5) -> Dispatcher:
    return Dispatcher(
        centre or world.centre,
        receiver,
        author=Author(actor="server", origin="here"),
        failing_days=failing_days,
        chance=lambda: 0.0,
    )


async def go_round(*dispatchers: Dispatcher) -> None:
    """One round of each, to its end."""
    for each in dispatchers:
        await each.round()
    for each in dispatchers:
        await each.settle()


def change(world: World, *songs: str) -> list[str]:
    for song in songs:
        world.record_deal(song, *BOTH)
    return world.ids(*songs)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


async def test_what_changed_since_it_was_added_is_told_once(world: World, receiver: Receiver) -> None:
    add(world)
    told = dispatcher(world, receiver)
    await go_round(told)
    assert receiver.sent == []
    changed = change(world, "whole", "ended")
    await go_round(told, told)
    await go_round(told)
    (event,) = receiver.events
    assert receiver.songs == changed
    assert event["type"] == "yuefu.catalogue.changed"
    assert event["id"] == receiver.sent[0][1]
    assert event["specversion"] == "1.0"
    assert event["time"] == format_instant(world.now_us // 1_000)
    assert [each["kind"] for each in event["data"]["changes"]] == ["changed", "added"]
    latest = world.centre.feed.latest()
    assert read_cursor(event["data"]["next"], latest=latest) == latest
    assert world.centre.webhooks.webhook(1).told_until.row == latest


def add_for_usage(world: World) -> int:
    new = NewWebhook(
        app_id=APP.app_id,
        url="https://app.example.org/",
        tells=Tells.USAGE,
        sealed_secret=world.centre.keys.seal(bytes(32), purpose="webhook-secret"),
        told_until=latest_usage(world.centre),
    )
    webhook_id: int = world.centre.work.run(lambda transaction: transaction.webhooks.add(new, at_ms=1))
    return webhook_id


async def test_usage_since_it_was_added_is_told_once_and_apart_from_changes(world: World, receiver: Receiver) -> None:
    member = world.member()
    member.granted("whole")
    usage, changes = add_for_usage(world), add(world)
    member.granted("sung only", 1)
    change(world, "whole")
    told = dispatcher(world, receiver)
    await go_round(told, told)
    by_webhook = {webhook_id: json.loads(body) for webhook_id, _, body in receiver.sent}
    assert len(receiver.sent) == 2
    assert by_webhook[changes]["type"] == "yuefu.catalogue.changed"
    event = by_webhook[usage]
    assert (event["type"], event["source"]) == ("yuefu.usage.recorded", f"{world.centre.public_url}/usage")
    (used,) = event["data"]["usage"]
    assert (used["usage_id"], used["kind"], used["song_id"]) == ("grant-2", "charged", str(world.songs["sung only"]))
    assert (used["user_id"], used["mode"], used["unpriced"], used["amount_minor"]) == ("茉莉", 0, 1, 0)
    assert world.centre.webhooks.webhook(usage).told_until == latest_usage(world.centre)


async def test_usage_that_fails_to_arrive_comes_again_the_same_and_what_follows_after_it(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "MOST_TOLD", 2)
    add_for_usage(world)
    member = world.member()
    receiver.outcomes = [Outcome("HTTP status 500")]
    for _ in range(3):
        member.granted("whole")
    told = dispatcher(world, receiver)
    await go_round(told)
    member.granted("whole")
    world.wait(1_000)
    await go_round(told)
    assert receiver.sent[0] == receiver.sent[1]
    ids = [[used["usage_id"] for used in event["data"]["usage"]] for event in receiver.events]
    assert ids == [["grant-1", "grant-2"], ["grant-1", "grant-2"], ["grant-3", "grant-4"]]


async def test_other_apps_usage_is_passed_over(world: World, receiver: Receiver) -> None:
    webhook_id = add_for_usage(world)
    other = world.add_app(54321)
    world.member(other).granted("whole")
    await go_round(dispatcher(world, receiver))
    assert receiver.sent == []
    assert world.centre.webhooks.webhook(webhook_id).told_until == latest_usage(world.centre)


async def test_much_is_told_in_events_one_after_the_other(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "MOST_TOLD", 2)
    add(world)
    changed = change(world, "whole", "sung only", "played only", "mix only", "no words")
    await go_round(dispatcher(world, receiver))
    assert receiver.songs == changed
    assert [len(event["data"]["changes"]) for event in receiver.events] == [2, 2, 1]
    assert len({event["id"] for event in receiver.events}) == 3


async def test_a_failed_event_is_sent_again_as_it_was_and_nothing_overtakes_it(
    world: World, receiver: Receiver
) -> None:
    add(world)
    receiver.outcomes = [FAILED, FAILED]
    told = dispatcher(world, receiver)
    first = change(world, "whole")
    await go_round(told)
    then = change(world, "sung only")
    await go_round(told)
    assert len(receiver.sent) == 1, "it waits"
    world.wait(999)
    await go_round(told)
    assert len(receiver.sent) == 1
    world.wait(1)
    await go_round(told)
    world.wait(1_999)
    await go_round(told)
    assert len(receiver.sent) == 2
    assert world.centre.webhooks.webhook(1).failure == "HTTP status 500"
    world.wait(1)
    await go_round(told)
    assert receiver.sent[0] == receiver.sent[1] == receiver.sent[2]
    assert receiver.songs == [*first * 3, *then]
    assert world.centre.webhooks.webhook(1).failing_since_ms is None
    assert world.centre.webhooks.webhook(1).failure == ""


async def test_an_event_goes_on_where_a_killed_process_left_it(world: World, receiver: Receiver) -> None:
    add(world)
    change(world, "whole")
    killed = Receiver(while_sending=_die)
    with pytest.raises(asyncio.CancelledError):
        await go_round(dispatcher(world, killed))
    await go_round(dispatcher(world, receiver))
    assert receiver.sent == [], "it may still be on its way"
    world.wait(CLAIM_MS)
    await go_round(dispatcher(world, receiver))
    assert receiver.sent == killed.sent


def _die() -> None:
    raise asyncio.CancelledError


async def test_several_processes_send_an_event_once(world: World, receiver: Receiver) -> None:
    with second_process(world) as centre:
        add(world)
        both = [dispatcher(world, receiver), dispatcher(world, receiver, centre)]
        changed = []
        for song in ("whole", "sung only", "played only"):
            changed += change(world, song)
            await go_round(*both)
        assert receiver.songs == changed
        assert len(receiver.sent) == 3


@contextmanager
def second_process(world: World) -> Iterator[Any]:
    """The same data folder, opened again."""
    with open_installation(Settings(data=str(world.folder))) as installation:
        yield replace(installation.centre, now_us=lambda: world.now_us)


async def test_an_attempt_that_was_given_up_cannot_postpone_the_one_after_it(world: World) -> None:
    add(world)
    change(world, "whole")
    slow = Receiver(outcomes=[FAILED], while_sending=lambda: world.wait(CLAIM_MS))
    quick = Receiver(outcomes=[FAILED])
    late, soon = dispatcher(world, slow), dispatcher(world, quick)

    def overtaken() -> None:
        world.wait(CLAIM_MS)
        claimed = world.centre.work.run(
            lambda transaction: transaction.webhooks.claim(
                1, None, at_ms=world.now_us // 1_000, until_ms=world.now_us // 1_000 + HOUR_MS
            )
        )
        assert claimed is not None

    slow.while_sending = overtaken
    await go_round(late)
    event = world.centre.webhooks.event(1)
    assert event is not None
    assert event.next_attempt_ms == world.now_us // 1_000 + HOUR_MS
    assert world.centre.webhooks.webhook(1).failing_since_ms is None
    await go_round(soon)
    assert quick.sent == []


async def test_gone_switches_it_off_at_once(world: World, receiver: Receiver) -> None:
    add(world)
    receiver.outcomes = [GONE]
    change(world, "whole")
    told = dispatcher(world, receiver)
    await go_round(told)
    world.wait(DAY_MS)
    await go_round(told)
    assert len(receiver.sent) == 1
    assert not world.centre.webhooks.webhook(1).is_enabled
    last = list(world.centre.audit.entries())[-1].entry
    assert (last.actor, last.action, last.subject) == ("server", "webhook.disable", "webhook 1")
    assert last.detail["failure"] == "HTTP status 410"


async def test_after_days_of_failing_it_is_switched_off_and_can_be_switched_on_where_it_broke_off(
    world: World, receiver: Receiver
) -> None:
    add(world)
    receiver.outcomes = [FAILED] * 3
    changed = change(world, "whole")
    told = dispatcher(world, receiver, failing_days=2)
    await go_round(told)
    world.wait(2 * DAY_MS - 1)
    await go_round(told)
    assert world.centre.webhooks.webhook(1).is_enabled
    world.wait(HOUR_MS)
    await go_round(told)
    assert not world.centre.webhooks.webhook(1).is_enabled
    world.wait(DAY_MS)
    await go_round(told)
    assert len(receiver.sent) == 3
    enable_webhook(world.centre, 1, OPERATOR)
    assert world.centre.webhooks.webhook(1).failing_since_ms is None
    await go_round(told)
    assert receiver.sent[3] == receiver.sent[0]
    assert receiver.songs[-1:] == changed


async def test_a_failing_webhook_keeps_no_other_back(world: World, receiver: Receiver) -> None:
    first, second = add(world), add(world)
    receiver.outcomes = [FAILED]
    change(world, "whole")
    await go_round(dispatcher(world, receiver))
    assert [webhook_id for webhook_id, *_ in receiver.sent] == [first, second]
    assert world.centre.webhooks.event(second) is None


async def test_what_is_none_of_an_app_s_business_is_passed_over(world: World, receiver: Receiver) -> None:
    world.add_app(77, vendors=frozenset({2}), default_vendor=2)
    add(world, app_id=77)
    change(world, "whole")
    await go_round(dispatcher(world, receiver))
    assert receiver.sent == []
    assert world.centre.webhooks.webhook(1).told_until.row == world.centre.feed.latest()


async def test_an_app_that_is_switched_off_is_told_when_it_is_on_again(world: World, receiver: Receiver) -> None:
    world.add_app(78, is_enabled=False)
    add(world, app_id=78)
    changed = change(world, "whole")
    await go_round(dispatcher(world, receiver))
    assert receiver.sent == []
    world.centre.apps.change(AppId(78), partial(with_changes, is_enabled=True))
    await go_round(dispatcher(world, receiver))
    assert receiver.songs == changed


async def test_one_that_is_removed_while_it_is_told_is_told_no_more(world: World, receiver: Receiver) -> None:
    add(world)
    change(world, "whole")
    receiver.while_sending = lambda: _remove(world)
    receiver.outcomes = [FAILED]
    told = dispatcher(world, receiver)
    await go_round(told)
    await go_round(told)
    assert len(receiver.sent) == 1
    assert world.centre.webhooks.webhooks() == []
    assert world.rows("webhook_events") == []


def _remove(world: World) -> None:
    remove_webhook(world.centre, 1, OPERATOR)


# What operators do.


def answering(*addresses: str) -> Any:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


async def test_adding_one_gives_its_secret_once_and_keeps_it_sealed(world: World, tmp_path: Path) -> None:
    post = Post(world.centre, allow_private=False, resolve=answering("203.119.1.1"))
    change(world, "whole")
    added, secret = await add_webhook(world.centre, post, APP.app_id, "https://app.example.org/hook?key=k", OPERATOR)
    await post.aclose()
    assert secret.startswith("whsec_")
    assert added.told_until.row == world.centre.feed.latest()
    (row,) = world.rows("webhooks")
    assert secret.removeprefix("whsec_") not in str(row)
    entry = list(world.centre.audit.entries())[-1].entry
    assert (entry.actor, entry.action, entry.subject) == ("cli:mei", "webhook.add", "webhook 1")
    assert entry.detail == {"app_id": APP.app_id, "host": "app.example.org", "tells": "changes"}
    assert "key=k" not in str(entry)


async def test_one_that_leads_into_the_operator_s_network_is_not_added(world: World) -> None:
    post = Post(world.centre, allow_private=False, resolve=answering("10.0.0.1"))
    with pytest.raises(BadAddress):
        await add_webhook(world.centre, post, APP.app_id, "https://app.example.org/", OPERATOR)
    await post.aclose()
    assert world.centre.webhooks.webhooks() == []


async def test_a_name_that_comes_to_mean_a_private_address_is_not_called(world: World) -> None:
    meant = ["203.119.1.1"]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return meant

    post = Post(world.centre, allow_private=False, resolve=resolve)
    await add_webhook(world.centre, post, APP.app_id, "https://app.example.org/", OPERATOR)
    meant[:] = ["169.254.169.254"]
    outcome = await try_webhook(world.centre, post, 1)
    await post.aclose()
    assert "private" in outcome.failure


def test_a_server_does_not_start_without_the_key_of_a_webhook_s_secret(world: World) -> None:
    add(world)
    other_key = base64.b64encode(bytes(range(32))).decode()
    with (
        pytest.raises(BadSettings, match="sealed with keys"),
        open_installation(Settings(data=str(world.folder), keys=(other_key,))),
    ):
        pytest.fail("it started")


async def test_a_webhook_that_is_not_there_is_said_so(world: World) -> None:
    for deed in (partial(remove_webhook, world.centre), partial(enable_webhook, world.centre)):
        with pytest.raises(UnknownWebhook, match="there is no webhook 9"):
            deed(9, OPERATOR)
