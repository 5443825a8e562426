"""Purposes: what lists, and each scene and billing mode of the client API, ask of the deals."""

import pytest

from yuefu.rights.deal import Chain, CommercialModel, SongRights, Terms, TermSheet, Use
from yuefu.rights.decision import decide
from yuefu.rights.purpose import EXCERPTS, MODELS, SCENES, Purpose, Uses, browsing, using
from yuefu.rights.territory import ANYWHERE

LISTEN, SING, CLIP, BACKGROUND, LIVE = Use.LISTEN, Use.SING, Use.CLIP, Use.BACKGROUND, Use.LIVE_ROOM


def allowed_by(purpose: Purpose, *uses: Use) -> tuple[bool, bool]:
    """Whether a song may be played, and sung, of which both chains' deals are for those uses alone."""
    sheet = TermSheet(terms=(Terms(uses=uses),))
    decision = decide(SongRights(revision=1, recording=sheet, work=sheet), purpose, at_ms=0)
    return decision.play.allowed, decision.sing.allowed


@pytest.mark.parametrize(
    ("scene_id", "play", "sing"),
    [
        (0, (LISTEN,), (SING,)),
        (1, (LISTEN, LIVE), (SING, LIVE)),
        (2, (SING, LIVE), (SING, LIVE)),
        (3, (LISTEN, BACKGROUND), (LISTEN, BACKGROUND)),
        (4, (LISTEN, CLIP, LIVE), (SING, CLIP, LIVE)),
    ],
)
def test_each_scene_asks_its_own_uses_of_the_recording_and_of_the_work(scene_id: int, play: Uses, sing: Uses) -> None:
    purpose = using(scene_id=scene_id, resource_type=1, billing_mode=0, territory="CN")
    assert purpose.uses(Chain.RECORDING) == (play,)
    assert purpose.uses(Chain.WORK) == (sing,)
    assert allowed_by(purpose, *play)[0]
    assert allowed_by(purpose, *sing)[1]
    for missing in play:
        assert not allowed_by(purpose, *(set(Use) - {missing}))[0]
    for missing in sing:
        assert not allowed_by(purpose, *(set(Use) - {missing}))[1]


@pytest.mark.parametrize("resource_type", EXCERPTS)
@pytest.mark.parametrize(
    ("scene_id", "alternatives"),
    [
        (0, ((SING,), (CLIP,))),
        (1, ((SING, LIVE), (CLIP, LIVE))),
        (2, ((SING, LIVE), (CLIP, LIVE))),
        (3, ((LISTEN, BACKGROUND),)),
        (4, ((CLIP, LIVE),)),
    ],
)
def test_an_excerpt_may_be_had_as_a_clip_where_a_whole_song_is_sung(
    scene_id: int, resource_type: int, alternatives: tuple[Uses, ...]
) -> None:
    purpose = using(scene_id=scene_id, resource_type=resource_type, billing_mode=0, territory="CN")
    assert purpose.uses(Chain.WORK) == alternatives


@pytest.mark.parametrize("scene_id", SCENES)
def test_a_deal_for_clips_in_live_rooms_never_gives_a_whole_song(scene_id: int) -> None:
    for resource_type in (0, 1):
        purpose = using(scene_id=scene_id, resource_type=resource_type, billing_mode=0, territory="CN")
        assert allowed_by(purpose, CLIP, LIVE) == (False, False)


def test_there_are_five_scenes() -> None:
    assert sorted(SCENES) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("scene_id", [-1, 5, 100])
def test_a_scene_that_is_none_asks_nothing(scene_id: int) -> None:
    with pytest.raises(KeyError):
        using(scene_id=scene_id, resource_type=1, billing_mode=0, territory="CN")


@pytest.mark.parametrize(
    ("billing_mode", "model"),
    [
        (0, CommercialModel.PER_USE),
        (1, CommercialModel.USER_MONTH),
        (2, CommercialModel.ROOM_MONTH),
        (3, CommercialModel.HOST_MONTH),
    ],
)
def test_each_billing_mode_asks_for_its_own_way_of_paying(billing_mode: int, model: CommercialModel) -> None:
    assert using(scene_id=0, resource_type=1, billing_mode=billing_mode, territory="CN").model is model


def test_every_way_of_paying_has_its_billing_mode_except_that_nobody_asks_for_a_gift() -> None:
    assert set(MODELS.values()) == set(CommercialModel) - {CommercialModel.FREE}
    assert sorted(MODELS) == [0, 1, 2, 3]


@pytest.mark.parametrize("billing_mode", [-1, 4])
def test_a_billing_mode_that_is_none_asks_nothing(billing_mode: int) -> None:
    with pytest.raises(KeyError):
        using(scene_id=0, resource_type=1, billing_mode=billing_mode, territory="CN")


@pytest.mark.parametrize("territory", [ANYWHERE, "CN", "DE"])
def test_a_purpose_is_for_the_place_it_was_asked_from(territory: str) -> None:
    assert browsing(territory).territory == territory
    assert using(scene_id=1, resource_type=0, billing_mode=2, territory=territory).territory == territory


@pytest.mark.parametrize(
    ("use", "play", "sing"),
    [
        (LISTEN, True, False),
        (SING, False, True),
        (CLIP, False, True),
        (BACKGROUND, True, False),
        (LIVE, False, False),
    ],
)
def test_a_list_shows_what_may_be_played_or_sung_in_any_way(use: Use, *, play: bool, sing: bool) -> None:
    assert allowed_by(browsing("CN"), use) == (play, sing)


@pytest.mark.parametrize("model", CommercialModel)
def test_a_list_shows_a_song_however_it_is_paid(model: CommercialModel) -> None:
    sheet = TermSheet(terms=(Terms(models=(model,)),))
    decision = decide(SongRights(revision=1, recording=sheet, work=sheet), browsing("CN"), at_ms=0)
    assert decision.play.allowed
    assert decision.sing.allowed
