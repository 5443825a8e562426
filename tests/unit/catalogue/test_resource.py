"""Resource ids: one spelling for each part, and nothing else is one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.catalogue.resource import ResourceRef, parse_resource_id, resource_id
from yuefu.catalogue.song import PartKind, Quality
from yuefu.ids import SongId

AUDIO = (
    PartKind.ORIGINAL,
    PartKind.ACCOMPANIMENT,
    PartKind.ACCOMPANIMENT_ALONE,
    PartKind.CLIP,
    PartKind.SEGMENT,
)
DOWNLOADABLE = [
    *((kind, Quality.NORMAL) for kind in AUDIO),
    *((kind, Quality.HQ) for kind in AUDIO[:3]),
    (PartKind.ORIGINAL, Quality.SQ),
]

refs = st.builds(
    lambda song_id, part: ResourceRef(SongId(song_id), *part),
    st.integers(1, 10**18 - 1),
    st.sampled_from(DOWNLOADABLE),
)


@given(refs)
def test_an_id_means_the_part_it_was_made_for(ref: ResourceRef) -> None:
    text = resource_id(ref)
    assert re.fullmatch(r"z_[1-9][0-9]*_[1-9][0-9]*", text)
    assert parse_resource_id(text) == ref


@given(refs, refs)
def test_different_parts_have_different_ids(one: ResourceRef, other: ResourceRef) -> None:
    assert (resource_id(one) == resource_id(other)) == (one == other)


@pytest.mark.parametrize("kind", [PartKind.LYRICS, PartKind.PITCH_LINE, PartKind.COVER])
def test_what_is_never_downloaded_has_no_id(kind: PartKind) -> None:
    with pytest.raises(KeyError):
        resource_id(ResourceRef(SongId(1), kind, Quality.NORMAL))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "z",
        "z_",
        "z__",
        "z_1",
        "z_1_",
        "z__1",
        "_1_1",
        "Z_1_1",
        "y_1_1",
        "z_0_1",
        "z_01_1",
        "z_+1_1",
        "z_-1_1",
        "z_1_01",
        "z_1_+1",
        "z_1_ 1",
        "z_1_1 ",
        " z_1_1",
        "z_1_1_1",
        "z_1_1\n",
        "z_1_1\x00",
        "z_1_0",
        "z_1_99",
        "z_１_1",
        "z_1_１",
        "z_一_1",
        "z_1e3_1",
        "z_1.0_1",
        "z_9999999999999999999_1",
        f"z_{'9' * 10_000}_1",
        "../../etc/passwd",
        "z_1_../../1",
        "z_%31_1",
    ],
)
def test_a_hostile_id_means_nothing(text: str) -> None:
    assert parse_resource_id(text) is None


@given(st.text())
def test_any_text_means_nothing_or_is_the_very_id(text: str) -> None:
    ref = parse_resource_id(text)
    assert ref is None or resource_id(ref) == text


@given(st.from_regex(r"z_[0-9]{0,20}_[0-9]{0,3}", fullmatch=True))
def test_text_that_looks_like_an_id_means_nothing_or_is_the_very_id(text: str) -> None:
    ref = parse_resource_id(text)
    assert ref is None or resource_id(ref) == text
