"""Every operation of the wire, one module each."""

from typing import Any

from yuefu.wire.operation import Operation, SessionCommand
from yuefu.wire.operations.describe_accompany_clip_info import DESCRIBE_ACCOMPANY_CLIP_INFO
from yuefu.wire.operations.describe_accompany_clip_status import DESCRIBE_ACCOMPANY_CLIP_STATUS
from yuefu.wire.operations.describe_krc_segment import DESCRIBE_KRC_SEGMENT
from yuefu.wire.operations.describe_song_extra import DESCRIBE_SONG_EXTRA
from yuefu.wire.operations.describe_song_lyric import DESCRIBE_SONG_LYRIC
from yuefu.wire.operations.describe_tag_songs import DESCRIBE_TAG_SONGS
from yuefu.wire.operations.describe_tags import DESCRIBE_TAGS
from yuefu.wire.operations.describe_top_songs import DESCRIBE_TOP_SONGS
from yuefu.wire.operations.get_prelude_end_time import GET_PRELUDE_END_TIME
from yuefu.wire.operations.query_song import QUERY_SONG
from yuefu.wire.operations.query_song_plus import QUERY_SONG_PLUS
from yuefu.wire.operations.query_songs_copyright import QUERY_SONGS_COPYRIGHT
from yuefu.wire.operations.query_songs_info import QUERY_SONGS_INFO
from yuefu.wire.operations.query_tips import QUERY_TIPS

__all__ = [
    "DESCRIBE_ACCOMPANY_CLIP_INFO",
    "DESCRIBE_ACCOMPANY_CLIP_STATUS",
    "DESCRIBE_KRC_SEGMENT",
    "DESCRIBE_SONG_EXTRA",
    "DESCRIBE_SONG_LYRIC",
    "DESCRIBE_TAGS",
    "DESCRIBE_TAG_SONGS",
    "DESCRIBE_TOP_SONGS",
    "GET_PRELUDE_END_TIME",
    "OPERATIONS",
    "QUERY_SONG",
    "QUERY_SONGS_COPYRIGHT",
    "QUERY_SONGS_INFO",
    "QUERY_SONG_PLUS",
    "QUERY_TIPS",
    "SESSION_COMMANDS",
]

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    DESCRIBE_TAGS,
    DESCRIBE_TAG_SONGS,
    QUERY_TIPS,
    QUERY_SONG,
    QUERY_SONG_PLUS,
    DESCRIBE_TOP_SONGS,
    QUERY_SONGS_INFO,
    QUERY_SONGS_COPYRIGHT,
    DESCRIBE_SONG_LYRIC,
    DESCRIBE_KRC_SEGMENT,
    DESCRIBE_ACCOMPANY_CLIP_INFO,
    DESCRIBE_ACCOMPANY_CLIP_STATUS,
    DESCRIBE_SONG_EXTRA,
)

SESSION_COMMANDS: tuple[SessionCommand[Any, Any], ...] = (GET_PRELUDE_END_TIME,)
"""What only a session can ask."""
