"""The documented answers as field tables: name, type, and which vendors get it; for tests to hold answers against."""

from collections.abc import Mapping
from typing import Any

RESOURCE = {"resource_id": str, "size": int, "quality": str, "share_token": str, "resource_ttl": int}

ACCOMPANIMENT: Mapping[str, type] = {
    "has_original": int,
    "is_accompany": int,
    "song_id": str,
    "share_token": str,
    "duration": int,
    "token_ttl": int,
    "krc_token": str,
    "krc_token_ttl": int,
    "resources_size": int,
    "resources": list,
}
SEGMENT: Mapping[str, type] = {
    "is_clip": int,
    "is_accompany": int,
    "krc_token": str,
    "krc_token_ttl": int,
    "song_id": str,
    "share_token_ttl": int,
    "token_ttl": int,
    "segment_begin": int,
    "segment_end": int,
    "prelude_duration": int,
    "resources_size": int,
    "resources": list,
}
SEGMENT_IN_CLIP: Mapping[str, type] = {**SEGMENT, "other_segments": list}
CLIP = SEGMENT
SONG: Mapping[str, type] = {
    "is_accompany": int,
    "song_name": str,
    "singer_name": str,
    "song_id": str,
    "duration": int,
    "token_ttl": int,
    "resources_size": int,
    "resources": list,
}
COPYRIGHT: Mapping[str, type] = {"SongId": str, "Right": int, "Subright": dict}
SUBRIGHT: Mapping[str, type] = {"SongLyric": int, "Recording": int, "Channel": int}


def check(value: Any, table: Mapping[str, type]) -> None:
    """Exactly the table's fields, each of its type (a boolean is not a number here)."""
    assert isinstance(value, dict)
    assert value.keys() == table.keys(), f"{value.keys() ^ table.keys()} differ"
    for name, kind in table.items():
        assert type(value[name]) is kind, f"{name} is {value[name]!r}"


def check_resources(data: Mapping[str, Any]) -> None:
    """The file list of a granted resource."""
    assert data["resources_size"] == len(data["resources"]) > 0
    for resource in data["resources"]:
        check(resource, RESOURCE)
        assert resource["size"] > 0
        assert len(resource["resource_id"]) < 512
        assert 0 < resource["resource_ttl"] <= 86_400_000
