"""Bodies and answers of the client API, field by field as documented.

Times are milliseconds, sizes bytes. Fields that only some vendors get are `UNSET` for the others and so absent from the
JSON. (Contract: client API, `requestResource`, `getKrcLyricByToken`; seeds 000 and 001.)
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

PRELUDE_COMMAND = "/api/get_prelude_end_time"
"""The one command that is not an operation: only a session has resources."""

ShortText = Annotated[str, Meta(max_length=256)]


class InitBody(msgspec.Struct, frozen=True, kw_only=True):
    app_id: Annotated[int, Meta(ge=1, le=2**32 - 1)]
    user_id: Annotated[str, Meta(min_length=1, max_length=256)]
    user_name: ShortText = ""
    room_ids: Annotated[list[Annotated[str, Meta(min_length=1, max_length=256)]], Meta(max_length=64)] = []


class InitResult(msgspec.Struct, frozen=True, kw_only=True):
    """`session` is the bearer token of every later call, for `expires_in` seconds at most."""

    session: str
    expires_in: int


class RequestResourceBody(msgspec.Struct, frozen=True, kw_only=True):
    song_id: ShortText = ""
    mode: int = 0
    vendor_id: int = 0
    room_id: ShortText = ""
    master_id: ShortText = ""
    scene_id: int = 0
    resource_type: int = 0


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One file to download. `resource_ttl` is what is left of the permission, in ms."""

    resource_id: str
    size: int
    quality: str
    share_token: str
    resource_ttl: int


class SongResult(msgspec.Struct, frozen=True, kw_only=True):
    is_accompany: int
    song_name: str
    singer_name: str
    song_id: str
    duration: int
    token_ttl: int
    resources_size: int
    resources: list[Resource]


class AccompanimentResult(msgspec.Struct, frozen=True, kw_only=True):
    """`has_original` 1: the file's second audio track is the original recording. `share_token` is of the old way of
    sharing; readers do without it.
    """

    has_original: int
    is_accompany: int
    song_id: str
    share_token: str | UnsetType = UNSET
    duration: int
    token_ttl: int
    krc_token: str
    krc_token_ttl: int
    resources_size: int
    resources: list[Resource]


class OtherSegment(msgspec.Struct, frozen=True, kw_only=True):
    """A short segment inside the long clip, in the clip's own time: seek to `begin` and play."""

    begin: int
    end: int


class ClipResult(msgspec.Struct, frozen=True, kw_only=True):
    """`segment_begin` and `segment_end` are the clip's place in the original song."""

    is_clip: int
    is_accompany: int
    krc_token: str
    krc_token_ttl: int
    song_id: str
    share_token_ttl: int
    token_ttl: int
    segment_begin: int
    segment_end: int
    prelude_duration: int
    resources_size: int
    resources: list[Resource]


class SegmentResult(msgspec.Struct, frozen=True, kw_only=True):
    """The short segment. Where it is found inside the long clip (`other_segments` present), `segment_begin`,
    `segment_end` and `prelude_duration` are the long clip's; where it is a file of its own, they are its own (G21).
    """

    is_clip: int
    is_accompany: int
    krc_token: str
    krc_token_ttl: int
    song_id: str
    share_token_ttl: int
    token_ttl: int
    segment_begin: int
    segment_end: int
    other_segments: list[OtherSegment] | UnsetType = UNSET
    prelude_duration: int
    resources_size: int
    resources: list[Resource]


class ExtendedRequestBody(msgspec.Struct, frozen=True, kw_only=True):
    command: ShortText = ""
    params: dict[str, Any] = {}


class KrcTokenBody(msgspec.Struct, frozen=True, kw_only=True):
    krc_token: Annotated[str, Meta(max_length=4096)] = ""


class KrcWord(msgspec.Struct, frozen=True, kw_only=True):
    """`offset` counts from the line's begin."""

    offset: int
    duration: int
    word: str


class KrcLine(msgspec.Struct, frozen=True, kw_only=True):
    begin_time: int
    duration: int
    content: str
    words: list[KrcWord]


class KrcLyric(msgspec.Struct, frozen=True, kw_only=True):
    """Word lyrics of the whole song, whatever part of it was asked for: clients crop them to the clip they play.

    `krc_format_offset` is how far the original's timeline is ahead of the accompaniment's. The header tags keep their
    documented spelling, `lenght` included.
    """

    lines: list[KrcLine]
    krc_format_offset: int = 0
    ti: str | UnsetType = UNSET
    ar: str | UnsetType = UNSET
    al: str | UnsetType = UNSET
    lenght: int | UnsetType = UNSET


class PreludeEndParams(msgspec.Struct, frozen=True, kw_only=True):
    """Of a resource that the session has been granted: an accompaniment or a highlight."""

    resource_id: Annotated[str, Meta(max_length=512)] = ""
    vendor_id: int = 0


class PreludeEnd(msgspec.Struct, frozen=True, kw_only=True):
    """When the singing begins, in ms of the resource's own file. A bare object, as documented."""

    prelude_end_time: int
