"""The Python SDK: `SignedClient` for an app's back end, `CopyrightedMusic` for its clients, each also without asyncio.

The guide is `docs/sdk.md`.
"""

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
from yuefu.client.signed import SignedClient, SignedClientSync, new_nonce, signed_url
from yuefu.wire.client_api import (
    AccompanimentResult,
    ClipResult,
    KrcLine,
    KrcLyric,
    KrcWord,
    OtherSegment,
    Resource,
    SegmentResult,
    SongResult,
)
from yuefu.wire.codes import ClientCode, Code
from yuefu.wire.operations.query_songs_copyright import SongCopyright, SongsCopyright, Subright
from yuefu.wire.vendor import BillingMode, ResourceType

__all__ = [
    "AccompanimentResult",
    "BadAnswer",
    "BadParameter",
    "BillingMode",
    "Busy",
    "ByteRange",
    "ClientCode",
    "ClipResult",
    "Code",
    "CopyrightedMusic",
    "CopyrightedMusicError",
    "CopyrightedMusicSync",
    "Expired",
    "FileFailed",
    "KrcLine",
    "KrcLyric",
    "KrcWord",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "OnProgress",
    "OtherSegment",
    "Resource",
    "ResourceResult",
    "ResourceType",
    "Retries",
    "SegmentResult",
    "ServerFailed",
    "SignedClient",
    "SignedClientSync",
    "SongCopyright",
    "SongResult",
    "SongsCopyright",
    "Subright",
    "Terms",
    "TransportFailed",
    "mint_login_token",
    "new_nonce",
    "signed_url",
]
