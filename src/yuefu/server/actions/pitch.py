"""`get_standard_pitch`: the notes to hit of a song whose accompaniment or highlight was granted."""

import msgspec

from yuefu.catalogue.resource import parse_resource_id
from yuefu.catalogue.song import PartKind, Song, UnknownSong
from yuefu.music.notes import HIGHEST_PITCH, LOWEST_PITCH, Note, PitchLine, merge_voices
from yuefu.rights.grant import NotLicensed
from yuefu.server.actions.lyrics import singable_song
from yuefu.server.actions.media import running_grant
from yuefu.server.actions.sessions import Member
from yuefu.server.centre import Centre
from yuefu.wire.client_api import PitchData, PitchNote, StandardPitch, StandardPitchBody
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal


def get_standard_pitch(centre: Centre, caller: Member, body: StandardPitchBody) -> StandardPitch:
    """The whole song's notes, if the session holds the resource and the song may still be sung.

    Raises `ClientRefusal`.
    """
    if not body.resource_id:
        raise ClientRefusal(ClientCode.RESOURCE_ID_EMPTY, "resource_id: empty")
    at_ms = centre.now_ms()
    grant = running_grant(centre, caller.session.session_id, body.resource_id, at_ms=at_ms)
    ref = parse_resource_id(body.resource_id)
    if ref is None or ref.kind is PartKind.ORIGINAL:
        raise ClientRefusal(ClientCode.RESOURCE_KIND_UNSUPPORTED, "resource_id: an original has no pitch line to hit")
    try:
        song = singable_song(centre, grant.song_id, territory=caller.session.territory, at_ms=at_ms)
    except UnknownSong:
        raise ClientRefusal(ClientCode.NO_PITCH, "resource_id: the song has been withdrawn") from None
    except NotLicensed as error:
        raise ClientRefusal(ClientCode.NO_PITCH, f"resource_id: {error}") from None
    notes = merge_voices(read_pitch_line(centre, song))
    if not notes:
        raise ClientRefusal(ClientCode.NO_PITCH_LINE, "resource_id: the song has no pitch line")
    return render_pitch(notes)


def read_pitch_line(centre: Centre, song: Song) -> PitchLine:
    """The song's notes, none when it has none."""
    part = song.part(PartKind.PITCH_LINE)
    if part is None:
        return PitchLine(notes=())
    return msgspec.json.decode(centre.blobs.read(part.blob.sha256), type=PitchLine)


def render_pitch(notes: tuple[Note, ...]) -> StandardPitch:
    """Notes in the documented shape.

    Their times are the original's, and so the accompaniment's: both begin together (`krc_format_offset` 0).
    """
    pitch = [
        PitchNote(
            begin_time=note.begin_ms,
            duration=note.duration_ms,
            value=min(max(note.pitch, LOWEST_PITCH), HIGHEST_PITCH),  # what lies beyond is drawn there (decision G29)
        )
        for note in notes
    ]
    return StandardPitch(pitch=pitch, data=PitchData(pitch=pitch))
