"""Plays as the SDK reports them, against a scripted centre."""

from typing import Any

import httpx2
import pytest

from yuefu.client import BadAnswer, CopyrightedMusicError, NotAuthenticated, PlayOnRecord

DATA = {"play_id": "one", "seconds": 31, "completed": 0, "defined": 1}


def test_a_new_play_gets_a_name_and_is_told_of_under_it_until_it_arrives(music: Any, centre: Any, say: Any) -> None:
    centre.will(httpx2.ReadTimeout("x"), say.enveloped(DATA))
    play = music.report_play("z_7_2", seconds=31, score=90)
    assert play == PlayOnRecord(play_id="one", seconds=31, completed=0, defined=1)
    first, second = centre.bodies
    assert first == second
    assert len(first["play_id"]) == 32
    assert (first["resource_id"], first["seconds"], first["score"]) == ("z_7_2", 31, 90)
    assert centre.requests[0].url.path == "/client/v1/report_play"


def test_more_is_told_of_a_play_by_its_name(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.enveloped(DATA))
    music.report_play("z_7_2", "one", completed=True, started=5)
    (body,) = centre.bodies
    assert (body["play_id"], body["completed"], body["started"]) == ("one", True, 5)


def test_a_refusal_and_another_shape_are_errors(music: Any, centre: Any, say: Any) -> None:
    centre.will(say.refusal(1017018), say.enveloped({"play_id": 7}))
    with pytest.raises(CopyrightedMusicError, match="1017018"):
        music.report_play("z_7_2")
    with pytest.raises(BadAnswer):
        music.report_play("z_7_2")


def test_nothing_can_be_reported_before_init(stranger: Any) -> None:
    with pytest.raises(NotAuthenticated):
        stranger.report_play("z_7_2")
