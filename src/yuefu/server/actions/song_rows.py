"""From listings and decisions to the rows of the wire: what all song lists share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from yuefu.catalogue.listing import Feature, Listing
from yuefu.ids import SongId, VendorId, parse_song_ids
from yuefu.rights.decision import Decision
from yuefu.rights.purpose import browsing
from yuefu.server.actions.question import Question
from yuefu.server.centre import Centre
from yuefu.units import batched
from yuefu.wire.operations.rows import Copyright

Row = TypeVar("Row")

SINGER_SEPARATOR = "/"
"""Between several singers where the wire has one text for them."""

_HAS, _HAS_NOT = 1, 2
_BATCH = 100
_LONGER_THAN_ANY_LIST = 2**31
_NO_RIGHTS_FILTER, _PURE_MUSIC_FILTER, _WORD_LYRICS_FILTER, _PITCH_LINE_FILTER = 1, 2, 3, 4
_PURE_MUSIC = "纯音乐"

Licensed = tuple[Listing, Decision]


def wanted_songs(question: Question, texts: Sequence[str]) -> list[SongId]:
    """The ids that a batch spells, each once, in their order; what can be nobody's id is left out.

    Raises `Refusal` for a batch of nothing but empty texts.
    """
    if not any(texts):
        raise question.bad_value("songs_id", "empty")
    return parse_song_ids(texts)


def licensed(centre: Centre, question: Question, vendor_id: VendorId, song_ids: Sequence[SongId]) -> list[Licensed]:
    """The vendor's songs among those, each with what the rights say of it now, in the order asked."""
    purpose = browsing(question.territory)
    decided = dict(centre.decide_all(vendor_id, song_ids, purpose, at_ms=question.at_ms))
    return [(listing, decided[listing.song_id]) for listing in centre.listings.listings(list(decided))]


def visible(
    centre: Centre, question: Question, vendor_id: VendorId, song_ids: Iterable[SongId], filters: Sequence[int] | None
) -> Iterator[Licensed]:
    """Those of the vendor's songs that a list shows: a right is held, and every filter lets them pass."""
    for batch in batched(song_ids, _BATCH):
        for listing, decision in licensed(centre, question, vendor_id, batch):
            if decision.any_right and _passes(listing, decision, filters or ()):
                yield listing, decision


def page_of(centre: Centre, songs: Iterable[Licensed], page: int) -> list[Licensed]:
    """One page of a list; empty past its end (decision G2), however far."""
    first = (page - 1) * centre.page_size
    return list(islice(songs, first, first + centre.page_size)) if first < _LONGER_THAN_ANY_LIST else []


def row_of(shape: Callable[..., Row], question: Question, song: Licensed, **extra: Any) -> Row:
    """A row of `shape`, with what every row says, plus `extra`."""
    listing, decision = song
    profile = question.profiles[listing.vendor_id]
    picture = question.picture_url
    covers = listing.covers
    return shape(
        song_id=str(listing.song_id),
        song_name=listing.title,
        singer_name=SINGER_SEPARATOR.join(listing.singers),
        singer_img=picture(listing.singer_image, 300),
        album_name=listing.album,
        album_img=picture(covers.full, 1000) if covers else "",
        album_img_mini=picture(covers.mini, 100) if covers else "",
        album_img_small=picture(covers.small, 300) if covers else "",
        album_img_medium=picture(covers.medium, 500) if covers else "",
        duration=listing.duration_ms,
        vendor_id=listing.vendor_id,
        copyright=copyright_of(decision),
        pitch_ability=has_or_not(listing, Feature.PITCH_LINE) if "pitch_ability" in profile.fields else None,
        **extra,
    )


def found_row(shape: Callable[..., Row], question: Question, song: Licensed, **extra: Any) -> Row:
    """A row of a search, or one that says as much."""
    listing, _ = song
    with_segment = "has_short_segment" in question.profiles[listing.vendor_id].fields
    return listed_row(
        shape,
        question,
        song,
        has_short_segment=has_or_not(listing, Feature.SEGMENT) if with_segment else None,
        **extra,
    )


def listed_row(shape: Callable[..., Row], question: Question, song: Licensed, **extra: Any) -> Row:
    """A row with the ids of its singer and album."""
    listing, _ = song
    return row_of(
        shape,
        question,
        song,
        singer_id=str(listing.singer_id) if listing.singer_id else "",
        album_id=str(listing.album_id) if listing.album_id else "",
        **extra,
    )


@lru_cache(maxsize=1024)
def copyright_of(decision: Decision) -> Copyright:
    """The sub-rights as the wire says them; there are few, and each is said many times."""
    return Copyright(
        song_lyric=int(decision.sing.allowed), recording=int(decision.play.allowed), channel=decision.channel
    )


def has_or_not(listing: Listing, feature: Feature) -> int:
    """1 it has, 2 it has not: how two flags of the rows are coded."""
    return _HAS if feature in listing.features else _HAS_NOT


def _passes(listing: Listing, decision: Decision, filters: Sequence[int]) -> bool:
    return not (
        (_NO_RIGHTS_FILTER in filters and not decision.sing.allowed)
        or (_PURE_MUSIC_FILTER in filters and _PURE_MUSIC in listing.title)
        or (_WORD_LYRICS_FILTER in filters and Feature.WORD_LYRICS not in listing.features)
        or (_PITCH_LINE_FILTER in filters and Feature.PITCH_LINE not in listing.features)
    )
