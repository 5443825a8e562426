"""`/api/get_prelude_end_time`: how long a granted resource plays before somebody sings."""

from yuefu.catalogue.resource import parse_resource_id
from yuefu.catalogue.song import PartKind, Song, UnknownSong
from yuefu.music.lyrics import Lyrics
from yuefu.server.actions.media import live_grant
from yuefu.server.actions.pitch import read_pitch_line
from yuefu.server.actions.question import resolve_vendor
from yuefu.server.actions.sessions import Member
from yuefu.server.actions.songs import read_lyrics
from yuefu.server.centre import Centre
from yuefu.wire.client_api import PreludeEnd, PreludeEndParams
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal


def get_prelude_end_time(centre: Centre, caller: Member, params: PreludeEndParams) -> PreludeEnd:
    """The end of the prelude of an accompaniment or a highlight that the session holds.

    Raises `ClientRefusal`, or `Refusal` for a vendor that is none.
    """
    resolve_vendor(centre.profiles, caller.app, params.vendor_id, parameter="vendor_id")
    if not params.resource_id:
        raise ClientRefusal(ClientCode.RESOURCE_ID_EMPTY, "resource_id: empty")
    ref = parse_resource_id(params.resource_id)
    live_grant(centre, caller.session.session_id, params.resource_id)
    if ref is None:
        raise ClientRefusal(ClientCode.RESOURCE_NOT_GRANTED, "resource_id: not granted to this session")
    if ref.kind is PartKind.ORIGINAL:
        raise ClientRefusal(
            ClientCode.RESOURCE_KIND_UNSUPPORTED, "resource_id: an original has no prelude to sing after"
        )
    try:
        song = centre.songs.song(ref.song_id)
    except UnknownSong:
        raise ClientRefusal(ClientCode.NO_RIGHTS, "resource_id: the song has been withdrawn") from None
    return PreludeEnd(prelude_end_time=_prelude_ms(centre, song, ref.kind))


def _prelude_ms(centre: Centre, song: Song, kind: PartKind) -> int:
    """Highlights know how they were cut: a clip after its lead-in, a segment with its first line.

    Of the whole song the lyrics say it, or else the notes.
    """
    highlight = song.published.highlight
    if kind is PartKind.SEGMENT:
        return 0
    if kind is PartKind.CLIP and highlight is not None:
        return highlight.prelude_ms
    lyrics = read_lyrics(centre, song)
    if lyrics is not None and lyrics.lines:
        return _first_sung_ms(lyrics)
    notes = read_pitch_line(centre, song).notes
    if not notes:
        raise ClientRefusal(ClientCode.NO_LYRIC, "resource_id: the song has no lyrics that say when the singing begins")
    return notes[0].begin_ms


def _first_sung_ms(lyrics: Lyrics) -> int:
    """Where words have times, a line without any is a remark and not sung."""
    return min((line.begin_ms for line in lyrics.lines if line.words), default=lyrics.begin_ms)
