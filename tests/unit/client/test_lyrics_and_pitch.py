"""Line lyrics and pitch lines as the SDK asks for them, against a scripted centre."""

from typing import Any

import httpx2
import pytest

from yuefu.client import BadAnswer, LrcLyric, NotAuthenticated, NotFound, PitchNote, StandardPitch

LRC = {
    "lines": [{"begin_time": 1_000, "end_time": 1_900, "content": "好一朵"}],
    "lrc_format": "[00:01.00]好一朵\r\n",
    "ti": "茉莉花",
    "offset": 0,
    "lenght": 60_000,
}
NOTES = [{"begin_time": 13_350, "duration": 199, "value": 18}, {"begin_time": 13_549, "duration": 600, "value": 26}]


def test_line_lyrics_are_asked_by_song_and_vendor(music: Any, centre: Any) -> None:
    centre.will(httpx2.ReadTimeout("x"), httpx2.Response(200, json=LRC))
    lyric = music.get_lrc_lyric("7", vendor_id=2)
    assert isinstance(lyric, LrcLyric)
    assert (lyric.lines[0].content, lyric.lines[0].end_time, lyric.lenght) == ("好一朵", 1_900, 60_000)
    assert centre.requests[1].url.path == "/client/v1/get_lrc_lyric"
    assert centre.bodies[1] == {"song_id": "7", "vendor_id": 2}


@pytest.mark.parametrize("answer", [{"pitch": NOTES, "data": {"pitch": NOTES}}, {"pitch": NOTES}])
def test_a_pitch_line_is_read_with_its_twin_or_without(music: Any, centre: Any, answer: Any) -> None:
    centre.will(httpx2.ReadTimeout("x"), httpx2.Response(200, json=answer))
    pitch = music.get_standard_pitch("z_7_2")
    assert isinstance(pitch, StandardPitch)
    assert pitch.pitch[0] == PitchNote(begin_time=13_350, duration=199, value=18)
    assert centre.requests[1].url.path == "/client/v1/get_standard_pitch"
    assert centre.bodies[1] == {"resource_id": "z_7_2"}


@pytest.mark.parametrize(("call", "code"), [("get_lrc_lyric", 1017048), ("get_standard_pitch", 1017075)])
def test_a_refusal_and_another_shape_are_errors(music: Any, centre: Any, say: Any, call: str, code: int) -> None:
    centre.will(say.refusal(code), httpx2.Response(200, json={"lines": 7, "pitch": 7}))
    with pytest.raises(NotFound):
        getattr(music, call)("7")
    with pytest.raises(BadAnswer):
        getattr(music, call)("7")


@pytest.mark.parametrize("call", ["get_lrc_lyric", "get_standard_pitch"])
def test_neither_can_be_asked_before_init(stranger: Any, call: str) -> None:
    with pytest.raises(NotAuthenticated):
        getattr(stranger, call)("7")
