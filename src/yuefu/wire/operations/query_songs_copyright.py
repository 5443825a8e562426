"""QuerySongsCopyright, `/song/copyright`: which rights are held in each of up to 20 songs."""

from typing import Annotated

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.parameters import SOME_ID
from yuefu.wire.operations.rows import Copyright


class QuerySongsCopyrightParams(msgspec.Struct, frozen=True, kw_only=True):
    """Ids count as sent: twenty times the same id is the limit reached. At least one must not be empty."""

    songs_id: Annotated[list[str], msgspec.Meta(min_length=1, max_length=20, extra_json_schema=SOME_ID)]


class SongCopyright(msgspec.Struct, frozen=True, kw_only=True):
    subright: Copyright
    right: int
    """1 when any right is held."""
    song_id: str


class SongsCopyright(msgspec.Struct, frozen=True, kw_only=True):
    """One row per known song, in the order asked, duplicates once. Unknown ids are left out."""

    copyright: list[SongCopyright]


QUERY_SONGS_COPYRIGHT = Operation(
    action="QuerySongsCopyright",
    command="/song/copyright",
    params=QuerySongsCopyrightParams,
    result=SongsCopyright,
    summary="Which rights are held in each of up to 20 songs",
)
