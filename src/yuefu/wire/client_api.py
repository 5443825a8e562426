"""Bodies and answers of the client API, field by field as documented.

Times are milliseconds, sizes bytes. Fields that only some vendors get are `UNSET` for the others and so absent from the
JSON. (Contract: client API, `requestResource`, `getLrcLyric`, `getKrcLyricByToken`, `getStandardPitch`; seeds 000 and
001.)
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

PRELUDE_COMMAND = "/api/get_prelude_end_time"

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
    dry_run: bool | UnsetType = UNSET
    """Only say what it would cost: all is checked, nothing granted."""


class ResourceQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What a `dry_run` of `request_resource` would have been charged, in the smallest unit of the currency.

    `period` is the month it would be billed in. `unpriced` 1: nobody has set a price. `already_paid` 1: the month of
    the user, room or host is paid, or the session holds the grant still.
    """

    amount_minor: int
    currency: str
    period: str
    unpriced: int = 0
    already_paid: int = 0


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One file to download. `resource_ttl` is what is left of the permission, in ms."""

    resource_id: str
    size: int
    quality: str
    """"normal", "hq" or "sq". Vendors differ in which of them they deliver of a song and of an accompaniment."""
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
    """The long clip, of vendors that deliver one (1 of the documented). `segment_begin` and `segment_end` are its place
    in the original song.
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
    prelude_duration: int
    resources_size: int
    resources: list[Resource]


class SegmentResult(msgspec.Struct, frozen=True, kw_only=True):
    """The short segment, of vendors that deliver one (1 and 2 of the documented). Where it is found inside the long
    clip (`other_segments` present), `segment_begin`, `segment_end` and `prelude_duration` are the long clip's; where it
    is a file of its own, they are its own (G21).
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
    """Vendors with the field `other_segments` only (1 of the documented)."""
    prelude_duration: int
    resources_size: int
    resources: list[Resource]


class SharedResource(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a shared song or accompaniment, which cannot be shared on. `resource_ttl` is what is left of the
    permission, in ms: it ends with the payer's.
    """

    resource_id: str
    size: int
    quality: str
    """"normal", "hq" or "sq". Vendors differ in which of them they deliver of a song and of an accompaniment."""
    resource_ttl: int


class SharedSongResult(msgspec.Struct, frozen=True, kw_only=True):
    is_accompany: int
    song_name: str
    singer_name: str
    song_id: str
    duration: int
    resources_size: int
    resources: list[SharedResource]


class SharedAccompanimentResult(msgspec.Struct, frozen=True, kw_only=True):
    """`has_original` 1: the file's second audio track is the original recording."""

    has_original: int
    is_accompany: int
    song_id: str
    duration: int
    krc_token: str
    krc_token_ttl: int
    resources_size: int
    resources: list[SharedResource]


class GetSharedBody(msgspec.Struct, frozen=True, kw_only=True):
    """An empty `song_id` has a code of its own (1017002)."""

    song_id: ShortText = ""
    vendor_id: int = 0
    """Of which vendor; 0 is the app's default."""
    room_id: ShortText = ""
    """Where it was shared. Who is in a single room may leave it out."""
    resource_type: int = 0


class MusicTokenBody(msgspec.Struct, frozen=True, kw_only=True):
    """An empty `share_token` has a code of its own (1017003)."""

    share_token: Annotated[str, Meta(max_length=4096)] = ""
    """As `request_resource` gave it to whoever paid."""


class RoomBody(msgspec.Struct, frozen=True, kw_only=True):
    room_id: Annotated[str, Meta(min_length=1, max_length=256)]


class ExtendedRequestBody(msgspec.Struct, frozen=True, kw_only=True):
    command: ShortText = ""
    params: Any = None


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


class LrcLyricBody(msgspec.Struct, frozen=True, kw_only=True):
    """An empty `song_id` has a code of its own (1017002)."""

    song_id: ShortText = ""
    vendor_id: int = 0
    """Of which vendor; 0 is the app's default."""


class LrcLine(msgspec.Struct, frozen=True, kw_only=True):
    begin_time: int
    end_time: int
    content: str


class LrcLyric(msgspec.Struct, frozen=True, kw_only=True):
    """Line lyrics of the whole song. The header tags keep their documented spelling, `lenght` included."""

    lines: list[LrcLine]
    lrc_format: str
    """The same as LRC text, lines ended with CRLF."""
    ti: str | UnsetType = UNSET
    ar: str | UnsetType = UNSET
    al: str | UnsetType = UNSET
    offset: int | UnsetType = UNSET
    """How much earlier than written the text of `lrc_format` is meant; `lines` already are as meant."""
    lenght: int | UnsetType = UNSET


class StandardPitchBody(msgspec.Struct, frozen=True, kw_only=True):
    """An empty `resource_id` has a code of its own (1017004)."""

    resource_id: Annotated[str, Meta(max_length=512)] = ""
    """As `request_resource` gave it, of an accompaniment or a highlight."""


class PitchNote(msgspec.Struct, frozen=True, kw_only=True):
    """A note to hit, in the time of the whole accompaniment."""

    begin_time: int
    duration: int
    value: int
    """A MIDI note number from 10 to 90: 69 is 440 Hz (G29)."""


class PitchData(msgspec.Struct, frozen=True, kw_only=True):
    pitch: list[PitchNote]


class StandardPitch(msgspec.Struct, frozen=True, kw_only=True):
    """The notes to hit of the whole song, whatever part of it was asked for, in order and one at a time.

    A bare object as documented; `data` says the same once more, for readers that look there (G25).
    """

    pitch: list[PitchNote]
    data: PitchData | UnsetType = UNSET


class ReportPlayBody(msgspec.Struct, frozen=True, kw_only=True):
    """What was sung so far under a grant. An empty `resource_id` has a code of its own (1017004)."""

    resource_id: Annotated[str, Meta(max_length=512)] = ""
    """As `request_resource` or `get_shared_resource` gave it."""
    play_id: str = ""
    """The client's own name for the play, 1 to 64 printable characters; under it more is told of the same play."""
    started: int | None = None
    """When it began, in ms since 1970, by the client's clock. Kept, and nothing is counted by it."""
    seconds: int = 0
    """Whole seconds sung so far."""
    completed: bool = False
    """Whether it was sung to the resource's end."""
    score: int | None = None
    """The average over the lines sung, 0 to 100."""


class PlayOnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A play as all its reports together have it: `seconds` and `completed` never go back."""

    play_id: str
    seconds: int
    completed: int
    defined: int
    """1 when it counts: 30 seconds of it, or half the resource, or all of it was sung."""
    score: int | UnsetType = UNSET


class PreludeEndParams(msgspec.Struct, frozen=True, kw_only=True):
    """An empty `resource_id` has a code of its own (1017004)."""

    resource_id: Annotated[str, Meta(max_length=512)] = ""
    """As `request_resource` gave it, of an accompaniment or a highlight. An original has no prelude."""
    vendor_id: int = 0
    """Of which vendor; 0 is the app's default."""


class PreludeEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A bare object, as documented."""

    prelude_end_time: int
    """When the singing begins, in ms of the resource's own file."""
