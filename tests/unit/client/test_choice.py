"""One of the files of an answer, by quality."""

import pytest

from yuefu.client import BadParameter, NotFound, Resource, SharedResource, SharedSongResult, SongResult, choose

FACTS = {"is_accompany": 0, "song_name": "茉莉花", "singer_name": "甲", "song_id": "1", "duration": 1}


def song(*qualities: str) -> SongResult:
    files = [
        Resource(resource_id=f"in {quality}", size=1, quality=quality, share_token="", resource_ttl=1)
        for quality in qualities
    ]
    return SongResult(**FACTS, token_ttl=1, resources_size=len(files), resources=files)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [(["normal"], "normal"), (["sq"], "sq"), (["hq", "normal"], "normal"), (["sq", "normal"], "sq")],
    ids=str,
)
def test_the_first_quality_that_is_there_is_chosen(wanted: list[str], chosen: str) -> None:
    assert choose(song("normal", "sq"), *wanted).resource_id == f"in {chosen}"


def test_a_quality_that_the_song_lacks_has_its_code_and_is_named() -> None:
    with pytest.raises(NotFound) as caught:
        choose(song("normal"), "sq", "hq")
    assert caught.value.code == 1017034
    assert caught.value.message == "qualities: none of sq, hq; there is normal"


@pytest.mark.parametrize("wanted", [[], ["HQ"], ["normal", "lossless"]], ids=str)
def test_what_is_no_quality_is_refused(wanted: list[str]) -> None:
    with pytest.raises(BadParameter):
        choose(song("normal"), *wanted)


def test_a_shared_file_is_chosen_the_same_way() -> None:
    file = SharedResource(resource_id="z", size=1, quality="hq", resource_ttl=1)
    shared = SharedSongResult(**FACTS, resources_size=1, resources=[file])  # type: ignore[arg-type]
    chosen: SharedResource = choose(shared, "hq")
    assert chosen is file
