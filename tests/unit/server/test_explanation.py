"""`explain` says what the server answers: the same decision, asked of any instant and of what was known at any."""

from itertools import product
from typing import Any

import msgspec
import pytest
from tests.unit.server.conftest import APP, BOTH, FOREVER, START_MS, World

from yuefu.catalogue.song import UnknownSong
from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.deal import Block, Chain, CommercialModel, Terms, Use
from yuefu.rights.decision import Reason
from yuefu.rights.territory import UnknownTerritory
from yuefu.server.explanation import Explanation, Inquiry, NotTheVendors, explain
from yuefu.units import SECOND_MS

ONLY_SING = Terms(uses=(Use.SING,), channel=4)
DEALS: dict[str, tuple[tuple[Terms, ...], tuple[Terms, ...]]] = {
    "everything": ((FOREVER,), (FOREVER,)),
    "nothing": ((), ()),
    "the recording alone": ((FOREVER,), ()),
    "the work alone": ((), (FOREVER,)),
    "singing alone": ((ONLY_SING,), (ONLY_SING,)),
    "clips in live rooms": ((Terms(uses=(Use.CLIP, Use.LIVE_ROOM)),), (Terms(uses=(Use.CLIP, Use.LIVE_ROOM)),)),
    "background": ((Terms(uses=(Use.LISTEN, Use.BACKGROUND)),), (FOREVER,)),
    "live rooms alone": ((FOREVER,), (Terms(uses=(Use.LIVE_ROOM,)),)),
    "here": ((Terms(territories=("GREATER-CHINA",)),), (Terms(territories=("CN", "JP")),)),
    "not here": ((Terms(excluded_territories=("CN",)),), (Terms(territories=("EU",)),)),
    "by the month": ((FOREVER,), (Terms(models=(CommercialModel.USER_MONTH,)),)),
    "free": ((Terms(models=(CommercialModel.FREE,)),), (Terms(models=(CommercialModel.FREE,)),)),
    "over": ((Terms(valid_until_ms=START_MS),), (FOREVER,)),
    "to come": ((FOREVER,), (Terms(valid_from_ms=START_MS + 1),)),
    "used up": ((FOREVER,), (Terms(max_uses=0),)),
}


def inquire(world: World, song: str = "whole", **asked: Any) -> Explanation:
    vendor_id = VendorId(2 if song == "of vendor 2" else 1)
    given: dict[str, Any] = {"song_id": world.songs[song], "vendor_id": vendor_id, "app": APP} | asked
    return explain(world.centre, Inquiry(**given))


@pytest.mark.parametrize("name", DEALS)
def test_it_agrees_with_what_rights_questions_answer(world: World, name: str) -> None:
    recording, work = DEALS[name]
    world.record_deal("whole", Chain.RECORDING, terms=recording)
    world.record_deal("whole", Chain.WORK, terms=work)
    for number, home in enumerate(("CN", "DE", "US"), start=1):
        app = world.add_app(number, home_territory=home)
        (row,) = world.ask(app)["Data"]["Copyright"]
        found = inquire(world, app=app)
        assert (found.territory, found.is_home) == (home, True)
        assert row["Subright"] == {
            "SongLyric": int(found.decision.sing.allowed),
            "Recording": int(found.decision.play.allowed),
            "Channel": found.decision.channel,
        }
        assert row["Right"] == int(found.allowed)
        elsewhere = inquire(world, territory=home)
        assert (elsewhere.decision, elsewhere.is_home) == (found.decision, False)


@pytest.mark.parametrize("name", DEALS)
def test_it_agrees_with_what_is_granted_in_every_scene(world: World, name: str) -> None:
    recording, work = DEALS[name]
    world.record_deal("whole", Chain.RECORDING, terms=recording)
    world.record_deal("whole", Chain.WORK, terms=work)
    app = world.add_app(1, billing_modes=frozenset({0, 1}))
    member = world.member(app)
    for (resource_type, use), scene, mode in product([(0, Use.LISTEN), (1, Use.SING), (2, Use.CLIP)], range(5), (0, 1)):
        found = inquire(world, app=app, use=use, scene_id=scene, billing_mode=mode)
        answer = member.request(resource_type=resource_type, scene_id=scene, mode=mode)
        assert found.before == ()
        assert found.allowed == (answer["code"] == 0), (use, scene, mode, answer)
        listen_only = use is not Use.LISTEN and found.decision.play.allowed
        assert found.allowed or answer["code"] == (1017031 if listen_only else 1017030)


def test_a_use_by_itself_is_asked_of_both_chains(world: World) -> None:
    world.record_deal("whole", Chain.RECORDING, terms=(Terms(uses=(Use.BACKGROUND,)),))
    world.record_deal("whole", Chain.WORK, terms=(Terms(uses=(Use.LIVE_ROOM,)),))
    allowed = {use: inquire(world, use=use).allowed for use in Use}
    assert allowed == {use: use in {Use.BACKGROUND, Use.LIVE_ROOM} for use in Use}
    assert inquire(world, use=Use.SING).sing.answer.reason is Reason.NOT_FOR_USE


def test_the_deal_is_the_one_that_its_chain_s_answer_rests_on(world: World) -> None:
    world.wait(SECOND_MS)
    world.record_deal("whole", Chain.WORK, terms=(ONLY_SING,))
    found = inquire(world)
    assert found.play.deal is not None
    assert found.sing.deal is not None
    assert (found.play.deal.rights.revision, found.play.deal.recorded_at_ms) == (1, START_MS)
    assert (found.sing.deal.rights.revision, found.sing.deal.recorded_at_ms) == (2, START_MS + SECOND_MS)
    assert found.sing.answer.terms == ONLY_SING


def test_a_takedown_is_named_with_when_it_was_laid(world: World) -> None:
    block = Block(case_id=7, from_ms=START_MS, is_banned=True)
    world.wait(SECOND_MS)
    at_ms = START_MS + SECOND_MS
    song_id = world.songs["whole"]
    world.centre.work.run(lambda transaction: transaction.block(song_id, block, source="case 7", at_ms=at_ms))
    world.record_deal("whole", *BOTH)
    found = inquire(world)
    laid = msgspec.structs.replace(block, is_at_once=True)
    for ground in (found.play, found.sing):
        assert (ground.answer.reason, ground.answer.block) == (Reason.BANNED, laid)
        assert ground.takedown is not None
        assert (ground.takedown.source, ground.takedown.recorded_at_ms, ground.takedown.rights.revision) == (
            "case 7",
            at_ms,
            2,
        )
        assert ground.deal is not None
        assert ground.deal.rights.revision == 3


def test_any_past_decision_can_be_asked_again(world: World) -> None:
    answers = []
    for terms in ((Terms(valid_until_ms=START_MS + 5 * SECOND_MS),), (), (ONLY_SING,)):
        world.wait(SECOND_MS)
        world.record_deal("whole", Chain.WORK, terms=terms)
        answers.append((world.now_us // 1_000, inquire(world).decision))
    world.wait(60 * SECOND_MS)
    world.remove("whole")
    with pytest.raises(UnknownSong):
        inquire(world)
    for at_ms, decision in answers:
        found = inquire(world, known_at_ms=at_ms)
        assert (found.decision, found.at_ms, found.known_at_ms) == (decision, at_ms, at_ms)
    assert not inquire(world, known_at_ms=answers[0][0], at_ms=START_MS + 5 * SECOND_MS).decision.sing.allowed
    unknown = inquire(world, known_at_ms=START_MS - 1)
    assert (unknown.decision.revision, unknown.sing.answer.reason, unknown.sing.deal) == (0, Reason.NO_DEAL, None)


def test_of_a_cap_only_the_uses_before_the_instant_count(world: World) -> None:
    world.record_deal("whole", Chain.WORK, terms=(Terms(max_uses=2),))
    member, times = world.member(), []
    for _ in range(2):
        world.wait(SECOND_MS)
        member.granted(resource_type=1)
        times.append(world.now_us // 1_000)
    world.wait(SECOND_MS)
    assert inquire(world).sing.answer.reason is Reason.USED_UP
    assert inquire(world, at_ms=times[1]).decision.sing.allowed
    assert not inquire(world, at_ms=times[1] + 1).decision.sing.allowed


def test_the_future_can_be_asked(world: World) -> None:
    assert inquire(world, "coming", at_ms=START_MS + SECOND_MS).allowed
    assert not inquire(world, "ending", at_ms=START_MS + SECOND_MS).allowed


def test_what_refuses_the_app_before_the_rights_do_is_said(world: World) -> None:
    poor = msgspec.structs.replace(
        APP, app_id=AppId(9), vendors=frozenset({2}), scenes=frozenset({1}), billing_modes=frozenset(), is_enabled=False
    )
    found = inquire(world, app=poor, scene_id=2, billing_mode=1)
    assert found.allowed
    assert found.before == (
        "the app is disabled",
        "the app has not been granted vendor 1",
        "the app has not been granted scene 2",
        "the app has not been granted billing mode 1",
    )


def test_a_question_that_cannot_be_is_an_error(still_world: World) -> None:
    with pytest.raises(NotTheVendors):
        inquire(still_world, vendor_id=VendorId(2))
    with pytest.raises(UnknownSong):
        inquire(still_world, song_id=SongId(5))
    with pytest.raises(UnknownSong):
        inquire(still_world, song_id=SongId(5), known_at_ms=START_MS)
    with pytest.raises(UnknownTerritory):
        inquire(still_world, territory="EU")
