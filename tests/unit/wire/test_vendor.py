"""Vendor profiles: the documented ones, and what an operator's own file may say."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.catalogue.song import Quality
from yuefu.wire.operations import OPERATIONS
from yuefu.wire.vendor import (
    QUALITIES,
    VENDOR_FIELDS,
    BadProfile,
    ResourceType,
    VendorProfile,
    documented_profiles,
    parse_profiles,
)

OWN = """
[7]
name = "own"
operations = ["QuerySong", "DescribeTopSongs"]
qualities = { song = ["normal"], accompaniment_segment = ["normal", "hq"] }
fields = ["pitch_ability"]
segment_file = true
charts = { 900 = "自制榜" }
resource_ttl_ms = 60_000
"""


def test_an_own_vendor_is_what_its_table_says() -> None:
    assert parse_profiles(OWN) == {
        7: VendorProfile(
            name="own",
            operations=("QuerySong", "DescribeTopSongs"),
            qualities={"song": ("normal",), "accompaniment_segment": ("normal", "hq")},
            fields=("pitch_ability",),
            segment_file=True,
            charts={"900": "自制榜"},
            resource_ttl_ms=60_000,
        )
    }


def test_what_may_be_named_is_what_the_documented_vendors_have() -> None:
    profiles = documented_profiles().values()
    assert set(VENDOR_FIELDS) == {field for profile in profiles for field in profile.fields}
    assert set(QUALITIES) == {name for profile in profiles for names in profile.qualities.values() for name in names}
    assert set(QUALITIES) == {quality.value for quality in Quality}


def test_the_guide_explains_every_key_and_its_example_holds() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "operating.md").read_text("utf-8")
    section = guide.partition("\n## Vendors of your own\n")[2].partition("\n## ")[0]
    (example,) = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    assert parse_profiles(example).keys() == {7}
    explained = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert explained == {*VendorProfile.__struct_fields__, *VENDOR_FIELDS}


ACTIONS = ", ".join(operation.action for operation in OPERATIONS)
KEYS = ", ".join(VendorProfile.__struct_fields__)
TYPES = ", ".join(each.name.lower() for each in ResourceType)
TTL = "resource_ttl_ms = 60_000"


@pytest.mark.parametrize(
    ("written", "instead", "problem"),
    [
        ("[7]", "[seven]", "['seven']: a table's name must be a vendor's number, from 0 to 999999999"),
        ("[7]", "[-7]", "['-7']: a table's name must be a vendor's number, from 0 to 999999999"),
        ("[7]", "[07]", "['07']: a table's name must be a vendor's number, from 0 to 999999999"),
        ("[7]", "[1000000000]", "['1000000000']: a table's name must be a vendor's number, from 0 to 999999999"),
        ("[7]", '["٧"]', "['٧']: a table's name must be a vendor's number, from 0 to 999999999"),
        ("[7]", "7 = 1\n[8]", "7: must be a table, as [7]"),
        ('"QuerySong"', '"QuerySongs"', f"7.operations: there is no Action 'QuerySongs'; there are {ACTIONS}"),
        ('"QuerySong"', '"DescribeTopSongs"', "7.operations: DescribeTopSongs stands there twice"),
        ('"QuerySong"', "1", "7.operations[0]: Expected `str`, got `int`"),
        ("{ song", "{ sung", f"7.qualities: there is no resource type 'sung'; there are {TYPES}"),
        ('"hq"', '"best"', "7.qualities.accompaniment_segment: there is no quality 'best'; there are normal, hq, sq"),
        ('["normal"]', "[]", "7.qualities.song: names no quality; leave out a resource type that is not delivered"),
        ('"pitch_ability"', '"pitch"', f"7.fields: there is no field 'pitch'; there are {', '.join(VENDOR_FIELDS)}"),
        (
            '"pitch_ability"',
            '"other_segments"',
            "7.fields: other_segments are inside a long clip; segment_file says there is none",
        ),
        ("= true", '= "yes"', "7.segment_file: Expected `bool`, got `str`"),
        ('"自制榜"', '""', "7.charts: Expected `str` of length >= 1"),
        ('"自制榜"', '" 自制榜"', "7: ' 自制榜' must be printable, without a space at either end"),
        (TTL, "resource_ttl_ms = -1", "7.resource_ttl_ms: Expected `int` >= 1000"),
        (TTL, "krc_token_ttl_ms = 0", "7.krc_token_ttl_ms: Expected `int` >= 1000"),
        (TTL, "share_token_ttl_ms = 31_536_000_001", "7.share_token_ttl_ms: Expected `int` <= 31536000000"),
        (TTL, 'resource_ttl_ms = "1 day"', "7.resource_ttl_ms: Expected `int`, got `str`"),
        (TTL, "resource_ttl_s = 60", f"7: there is no key 'resource_ttl_s'; there are {KEYS}"),
        ('name = "own"', "", "7: Object missing required field `name`"),
        ('name = "own"', 'name = ""', "7.name: Expected `str` of length >= 1"),
    ],
)
def test_what_a_profile_cannot_say_is_refused_with_what_it_may(written: str, instead: str, problem: str) -> None:
    assert written in OWN
    with pytest.raises(BadProfile, match=f"^{re.escape(problem)}$"):
        parse_profiles(OWN.replace(written, instead, 1))


def test_a_file_that_is_no_toml_is_refused() -> None:
    with pytest.raises(BadProfile, match="]"):
        parse_profiles("[7")


@given(st.text() | st.text(alphabet="[]7.=\"'{}\n ae1").map(lambda text: f"{OWN}{text}"))
def test_any_text_is_profiles_or_refused(text: str) -> None:
    try:
        profiles = parse_profiles(text)
    except BadProfile:
        return
    for profile in profiles.values():
        assert all(profile.supports(each) == bool(profile.qualities_of(each)) for each in ResourceType)
