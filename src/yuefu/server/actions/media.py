"""Which file a session may download under a resource id, asked again for every request and every stretch of bytes."""

from dataclasses import dataclass
from pathlib import Path

import structlog

from yuefu.catalogue.resource import ResourceRef, parse_resource_id
from yuefu.catalogue.song import Part, PartKind, UnknownSong
from yuefu.rights.grant import HeldGrant, Need, allows
from yuefu.server.actions.sessions import Member
from yuefu.server.centre import Centre
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal

OWN_FILE, ORIGINAL_FILE = "0", "1"
"""The tracks of a resource: its own file, and the original recording as a file of its own."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file to send, and what must stay true while it is sent."""

    path: Path
    size_bytes: int
    sha256: str
    media_type: str
    session_id: int
    resource_id: str


def find_media(centre: Centre, caller: Member, resource_id: str, track: str) -> MediaFile:
    """The file behind a resource id, for the session that holds a grant of it.

    Raises `ClientRefusal`: not granted to this session, run out, withdrawn, no such track, or the file is lost.
    """
    ref = parse_resource_id(resource_id)
    if ref is None:
        raise not_granted()
    grant = live_grant(centre, caller.session.session_id, resource_id)
    part = _part(centre, ref, grant, track)
    if part is None:
        raise ClientRefusal(ClientCode.RESOURCE_MISSING, "track: the resource has no such track")
    path = centre.blobs.path(part.blob.sha256)
    if not path.is_file():
        _log.error("blob is missing", sha256=part.blob.sha256, resource_id=resource_id)
        raise ClientRefusal(ClientCode.RESOURCE_MISSING, "resource_id: its file is missing")
    return MediaFile(
        path=path,
        size_bytes=part.blob.size_bytes,
        sha256=part.blob.sha256,
        media_type=part.media_type,
        session_id=caller.session.session_id,
        resource_id=resource_id,
    )


def check_still_held(centre: Centre, file: MediaFile) -> None:
    """Let bytes pass while session and grant run and the rights allow them. Raises `ClientRefusal`."""
    live_grant(centre, file.session_id, file.resource_id)


def live_grant(centre: Centre, session_id: int, resource_id: str) -> HeldGrant:
    """The session's grant of a resource, while it runs and the rights allow it. Raises `ClientRefusal`."""
    at_ms = centre.now_ms()
    grant = running_grant(centre, session_id, resource_id, at_ms=at_ms)
    if not _is_licensed(centre, grant, at_ms=at_ms):
        raise ClientRefusal(ClientCode.NO_RIGHTS, "resource_id: the song's rights have been withdrawn")
    return grant


def running_grant(centre: Centre, session_id: int, resource_id: str, *, at_ms: int) -> HeldGrant:
    """The session's grant of a resource, while it runs; the rights are not asked. Raises `ClientRefusal`."""
    grant = centre.grants.held(session_id, resource_id)
    if grant is None:
        raise not_granted()
    if grant.expires_at_ms <= at_ms:
        raise ClientRefusal(ClientCode.RESOURCE_EXPIRED, "resource_id: the permission has run out; request it again")
    return grant


def not_granted() -> ClientRefusal:
    """The documented refusal of whoever does not hold a resource."""
    return ClientRefusal(ClientCode.RESOURCE_NOT_GRANTED, "resource_id: not granted to this session")


def _is_licensed(centre: Centre, grant: HeldGrant, *, at_ms: int) -> bool:
    """Whether the rights still allow it."""
    try:
        return allows(centre.decide_held(grant.song_id, grant.purpose, at_ms=at_ms), grant.need)
    except UnknownSong:
        return False


def _part(centre: Centre, ref: ResourceRef, grant: HeldGrant, track: str) -> Part | None:
    try:
        song = centre.songs.song(ref.song_id)
    except UnknownSong:
        return None  # withdrawn this very moment
    if track == OWN_FILE:
        return song.part(ref.kind, ref.quality)
    if track == ORIGINAL_FILE and grant.need is Need.PLAY_AND_SING:
        return song.part(PartKind.ORIGINAL, ref.quality) or song.part(PartKind.ORIGINAL)
    return None
