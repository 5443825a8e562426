"""What each operation does. Handlers don't know how a question came, so both dialects share them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from yuefu.server.actions.charts import describe_top_songs
from yuefu.server.actions.prelude import get_prelude_end_time
from yuefu.server.actions.query_songs_copyright import query_songs_copyright
from yuefu.server.actions.question import Handler
from yuefu.server.actions.searches import query_song, query_song_plus, query_tips
from yuefu.server.actions.sessions import Member
from yuefu.server.actions.songs import (
    describe_accompany_clip_info,
    describe_accompany_clip_status,
    describe_krc_segment,
    describe_song_extra,
    describe_song_lyric,
    query_songs_info,
)
from yuefu.server.actions.tags import describe_tag_songs, describe_tags
from yuefu.server.centre import Centre
from yuefu.wire import operations
from yuefu.wire.operation import Operation, SessionCommand


@dataclass(frozen=True, slots=True)
class Action:
    """A declaration and what answers it. `hands_out` says that the answer is part of the song, no fact about it."""

    operation: Operation[Any, Any]
    handle: Handler[Any, Any]
    hands_out: bool = False


@dataclass(frozen=True, slots=True)
class SessionAction:
    """The same of a command that only a session can ask."""

    command: SessionCommand[Any, Any]
    handle: Callable[[Centre, Member, Any], Any]


_ALL = (
    Action(operations.DESCRIBE_TAGS, describe_tags),
    Action(operations.DESCRIBE_TAG_SONGS, describe_tag_songs),
    Action(operations.QUERY_TIPS, query_tips),
    Action(operations.QUERY_SONG, query_song),
    Action(operations.QUERY_SONG_PLUS, query_song_plus),
    Action(operations.DESCRIBE_TOP_SONGS, describe_top_songs),
    Action(operations.QUERY_SONGS_INFO, query_songs_info),
    Action(operations.QUERY_SONGS_COPYRIGHT, query_songs_copyright),
    Action(operations.DESCRIBE_SONG_LYRIC, describe_song_lyric, hands_out=True),
    Action(operations.DESCRIBE_KRC_SEGMENT, describe_krc_segment),
    Action(operations.DESCRIBE_ACCOMPANY_CLIP_INFO, describe_accompany_clip_info),
    Action(operations.DESCRIBE_ACCOMPANY_CLIP_STATUS, describe_accompany_clip_status),
    Action(operations.DESCRIBE_SONG_EXTRA, describe_song_extra),
)

ACTIONS: Mapping[str, Action] = {action.operation.action: action for action in _ALL}
COMMANDS: Mapping[str, Action] = {action.operation.command: action for action in _ALL if action.operation.command}
SESSION_ACTIONS: Mapping[str, SessionAction] = {
    action.command.command: action for action in (SessionAction(operations.GET_PRELUDE_END_TIME, get_prelude_end_time),)
}
