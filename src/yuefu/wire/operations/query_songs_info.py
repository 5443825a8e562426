"""QuerySongsInfo, `/song/infos`: what is known of up to 30 songs."""

from typing import Annotated

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.parameters import SOME_ID
from yuefu.wire.operations.rows import FoundSong


class QuerySongsInfoParams(msgspec.Struct, frozen=True, kw_only=True):
    """Ids count as sent. At least one must not be empty."""

    songs_id: Annotated[list[str], msgspec.Meta(min_length=1, max_length=30, extra_json_schema=SOME_ID)]


class SongInfo(FoundSong, frozen=True, kw_only=True, omit_defaults=True):
    accompany_duration: int
    """Length of the accompaniment in ms, 0 where there is none."""


class SongInfos(msgspec.Struct, frozen=True, kw_only=True):
    """One row per known song, in the order asked, duplicates once; a song without rights has zeros."""

    songs: list[SongInfo]


QUERY_SONGS_INFO = Operation(
    action="QuerySongsInfo",
    command="/song/infos",
    params=QuerySongsInfoParams,
    result=SongInfos,
    summary="What is known of up to 30 songs",
)
