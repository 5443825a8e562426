"""The documented answers to a granted resource, one function a type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from yuefu.catalogue.song import Highlight, Song
from yuefu.server.actions.song_rows import SINGER_SEPARATOR
from yuefu.units import Span
from yuefu.wire.client_api import (
    AccompanimentResult,
    ClipResult,
    OtherSegment,
    Resource,
    SegmentResult,
    SharedAccompanimentResult,
    SharedSongResult,
    SongResult,
)
from yuefu.wire.vendor import ResourceType, VendorProfile

ResourceAnswer = SongResult | AccompanimentResult | ClipResult | SegmentResult
SharedAnswer = SharedSongResult | SharedAccompanimentResult | ClipResult | SegmentResult
Excerpt = TypeVar("Excerpt", ClipResult, SegmentResult)

_OTHER_SEGMENTS = "other_segments"


@dataclass(frozen=True, slots=True)
class IssuedResource:
    """A grant as its holder is told of it. `highlight` is there for the clip and the segment."""

    resource_type: ResourceType
    song: Song
    profile: VendorProfile
    highlight: Highlight | None
    has_original: bool
    share_token: str
    krc_token: str
    resources: list[Resource]


def render_answer(issued: IssuedResource) -> ResourceAnswer:
    """The answer's documented fields; those that only some vendors get follow the vendor's profile."""
    match issued.resource_type, issued.highlight:
        case ResourceType.SONG, _:
            return _song(issued)
        case ResourceType.ACCOMPANIMENT_CLIP, Highlight() as highlight:
            return _clip(issued, highlight)
        case ResourceType.ACCOMPANIMENT_SEGMENT, Highlight() as highlight:
            return _segment(issued, highlight)
        case _:
            return _accompaniment(issued)


def render_shared(issued: IssuedResource) -> SharedAnswer:
    """The same of a resource that another member of the room paid for: as documented, song and accompaniment come
    without share tokens, the highlights with them.
    """
    match render_answer(issued):
        case SongResult() as song:
            return msgspec.convert(song, SharedSongResult, from_attributes=True)
        case AccompanimentResult() as accompaniment:
            return msgspec.convert(accompaniment, SharedAccompanimentResult, from_attributes=True)
        case excerpt:
            return excerpt


def _song(issued: IssuedResource) -> SongResult:
    published = issued.song.published
    return SongResult(
        is_accompany=0,
        song_name=published.facts.title,
        singer_name=SINGER_SEPARATOR.join(published.facts.singers),
        song_id=str(issued.song.song_id),
        duration=published.duration_ms,
        token_ttl=issued.profile.share_token_ttl_ms,
        resources_size=len(issued.resources),
        resources=issued.resources,
    )


def _accompaniment(issued: IssuedResource) -> AccompanimentResult:
    return AccompanimentResult(
        has_original=int(issued.has_original),
        is_accompany=1,
        song_id=str(issued.song.song_id),
        share_token=issued.share_token,
        duration=issued.song.published.accompaniment_duration_ms,
        token_ttl=issued.profile.share_token_ttl_ms,
        krc_token=issued.krc_token,
        krc_token_ttl=issued.profile.krc_token_ttl_ms,
        resources_size=len(issued.resources),
        resources=issued.resources,
    )


def _clip(issued: IssuedResource, highlight: Highlight) -> ClipResult:
    return _excerpt(ClipResult, issued, highlight.clip, prelude_ms=highlight.prelude_ms)


def _segment(issued: IssuedResource, highlight: Highlight) -> SegmentResult:
    """The file is the long clip, or, where the profile says so, the first short segment itself (decision G21)."""
    in_clip = not issued.profile.segment_file
    return _excerpt(
        SegmentResult,
        issued,
        highlight.clip if in_clip else highlight.segments[0],
        prelude_ms=highlight.prelude_ms if in_clip else 0,
        other_segments=(
            [_inside(highlight.clip, segment) for segment in highlight.segments]
            if _OTHER_SEGMENTS in issued.profile.fields
            else UNSET
        ),
    )


def _excerpt(
    shape: Callable[..., Excerpt], issued: IssuedResource, file: Span, *, prelude_ms: int, **extra: Any
) -> Excerpt:
    """What both say of their file, which is that stretch of the song, plus `extra`."""
    return shape(
        is_clip=1,
        is_accompany=0,
        krc_token=issued.krc_token,
        krc_token_ttl=issued.profile.krc_token_ttl_ms,
        song_id=str(issued.song.song_id),
        share_token_ttl=issued.profile.share_token_ttl_ms,
        token_ttl=issued.profile.share_token_ttl_ms,
        segment_begin=file.begin_ms,
        segment_end=file.end_ms,
        prelude_duration=prelude_ms,
        resources_size=len(issued.resources),
        resources=issued.resources,
        **extra,
    )


def _inside(clip: Span, segment: Span) -> OtherSegment:
    """A segment in the clip's own time."""
    return OtherSegment(begin=segment.begin_ms - clip.begin_ms, end=segment.end_ms - clip.begin_ms)
