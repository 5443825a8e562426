"""The Python SDK: `SignedClient` for an app's back end, `CopyrightedMusic` for its clients, each also without asyncio.

The guide is `docs/sdk.md`.
"""

from yuefu.client.cache import Cache
from yuefu.client.choice import choose
from yuefu.client.clip import Clip, clip_of, crop_lyric, crop_pitch, lookup_ms, shown_ms
from yuefu.client.download import OnProgress
from yuefu.client.errors import (
    BadAnswer,
    BadParameter,
    Busy,
    CopyrightedMusicError,
    Expired,
    FileFailed,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    ServerFailed,
    TransportFailed,
)
from yuefu.client.flow import Retries
from yuefu.client.login import mint_login_token
from yuefu.client.music import ByteRange, CopyrightedMusic, CopyrightedMusicSync, ResourceResult, Terms
from yuefu.client.paging import SongPage, iterate_changes, iterate_changes_sync, iterate_songs, iterate_songs_sync
from yuefu.client.signed import SignedClient, SignedClientSync, new_nonce, signed_headers, signed_url
from yuefu.wire.changes import Change, Changes
from yuefu.wire.client_api import (
    AccompanimentResult,
    ClipResult,
    KrcLine,
    KrcLyric,
    KrcWord,
    LrcLine,
    LrcLyric,
    OtherSegment,
    PitchData,
    PitchNote,
    PlayOnRecord,
    PreludeEnd,
    Resource,
    ResourceQuote,
    SegmentResult,
    SharedAccompanimentResult,
    SharedResource,
    SharedSongResult,
    SongResult,
    StandardPitch,
)
from yuefu.wire.codes import ClientCode, Code
from yuefu.wire.operations.describe_accompany_clip_info import ClipInfo
from yuefu.wire.operations.describe_accompany_clip_status import ClipStatus
from yuefu.wire.operations.describe_krc_segment import KrcSegment, KrcSegments
from yuefu.wire.operations.describe_song_extra import SongExtra
from yuefu.wire.operations.describe_song_lyric import SongLyric
from yuefu.wire.operations.describe_tag_songs import TagSong, TagSongs
from yuefu.wire.operations.describe_tags import Tag, TagGroup, TagGroups
from yuefu.wire.operations.describe_top_songs import TopSongs
from yuefu.wire.operations.query_song import FoundSongs
from yuefu.wire.operations.query_songs_copyright import SongCopyright, SongsCopyright
from yuefu.wire.operations.query_songs_info import SongInfo, SongInfos
from yuefu.wire.operations.query_tips import Tips
from yuefu.wire.operations.rows import Copyright, FoundSong, ListedSong, SongRow
from yuefu.wire.vendor import BillingMode, ResourceType

__all__ = [
    "AccompanimentResult",
    "BadAnswer",
    "BadParameter",
    "BillingMode",
    "Busy",
    "ByteRange",
    "Cache",
    "Change",
    "Changes",
    "ClientCode",
    "Clip",
    "ClipInfo",
    "ClipResult",
    "ClipStatus",
    "Code",
    "Copyright",
    "CopyrightedMusic",
    "CopyrightedMusicError",
    "CopyrightedMusicSync",
    "Expired",
    "FileFailed",
    "FoundSong",
    "FoundSongs",
    "KrcLine",
    "KrcLyric",
    "KrcSegment",
    "KrcSegments",
    "KrcWord",
    "ListedSong",
    "LrcLine",
    "LrcLyric",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "OnProgress",
    "OtherSegment",
    "PitchData",
    "PitchNote",
    "PlayOnRecord",
    "PreludeEnd",
    "Resource",
    "ResourceQuote",
    "ResourceResult",
    "ResourceType",
    "Retries",
    "SegmentResult",
    "ServerFailed",
    "SharedAccompanimentResult",
    "SharedResource",
    "SharedSongResult",
    "SignedClient",
    "SignedClientSync",
    "SongCopyright",
    "SongExtra",
    "SongInfo",
    "SongInfos",
    "SongLyric",
    "SongPage",
    "SongResult",
    "SongRow",
    "SongsCopyright",
    "StandardPitch",
    "Tag",
    "TagGroup",
    "TagGroups",
    "TagSong",
    "TagSongs",
    "Terms",
    "Tips",
    "TopSongs",
    "TransportFailed",
    "choose",
    "clip_of",
    "crop_lyric",
    "crop_pitch",
    "iterate_changes",
    "iterate_changes_sync",
    "iterate_songs",
    "iterate_songs_sync",
    "lookup_ms",
    "mint_login_token",
    "new_nonce",
    "shown_ms",
    "signed_headers",
    "signed_url",
]
