"""`get_krc_lyric_by_token`: the word lyrics a krc token stands for."""

import msgspec

from yuefu.access.tickets import TicketExpired, TicketMalformed, open_krc_ticket
from yuefu.catalogue.song import PartKind, Song, UnknownSong
from yuefu.ids import SongId
from yuefu.music.lyrics import Line, Lyrics
from yuefu.rights.decision import decide
from yuefu.rights.grant import Need, allows
from yuefu.server.actions.sessions import Member
from yuefu.server.actions.song_rows import SINGER_SEPARATOR
from yuefu.server.centre import Centre
from yuefu.wire.client_api import KrcLine, KrcLyric, KrcTokenBody, KrcWord
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal


def get_krc_lyric_by_token(centre: Centre, caller: Member, body: KrcTokenBody) -> KrcLyric:
    """The whole song's word lyrics, if the song may still be sung. Raises `ClientRefusal`."""
    if not body.krc_token:
        raise ClientRefusal(ClientCode.KRC_TOKEN_EMPTY, "krc_token: empty")
    at_ms = centre.now_ms()
    try:
        ticket = open_krc_ticket(body.krc_token, centre.keys, at_ms=at_ms)
    except TicketMalformed as error:
        raise ClientRefusal(ClientCode.KRC_TOKEN_MALFORMED, f"krc_token: {error}") from None
    except TicketExpired as error:
        raise ClientRefusal(ClientCode.KRC_TOKEN_EXPIRED, f"krc_token: {error}") from None
    if ticket.app_id != caller.app.app_id:
        raise ClientRefusal(ClientCode.KRC_TOKEN_MALFORMED, "krc_token: the krc token is not one of ours")
    song = _singable_song(centre, ticket.song_id, at_ms=at_ms)
    part = song.part(PartKind.LYRICS)
    lyrics = None if part is None else msgspec.json.decode(centre.blobs.read(part.blob.sha256), type=Lyrics)
    if lyrics is None or not lyrics.has_words:
        raise ClientRefusal(ClientCode.NO_LYRIC, "krc_token: the song has no word lyrics")
    return render_krc(song, lyrics)


def _singable_song(centre: Centre, song_id: SongId, *, at_ms: int) -> Song:
    try:
        song = centre.songs.song(song_id)
        decision = decide(centre.rights.rights(song_id), at_ms=at_ms)
    except UnknownSong:
        raise ClientRefusal(ClientCode.NO_LYRIC, "krc_token: the song has been withdrawn") from None
    if not allows(decision, Need.SING):
        raise ClientRefusal(ClientCode.NO_LYRIC, f"krc_token: the song may not be sung ({decision.sing.reason.value})")
    return song


def render_krc(song: Song, lyrics: Lyrics) -> KrcLyric:
    """Lyrics in the documented shape, on the timeline of the original recording. Lines without words are left out."""
    facts = song.published.facts
    return KrcLyric(
        lines=[_line(line) for line in lyrics.lines if line.words],
        ti=facts.title,
        ar=SINGER_SEPARATOR.join(facts.singers),
        al=facts.album,
        lenght=song.published.duration_ms,
    )


def _line(line: Line) -> KrcLine:
    return KrcLine(
        begin_time=line.begin_ms,
        duration=line.duration_ms,
        content=line.text,
        words=[
            KrcWord(offset=word.begin_ms - line.begin_ms, duration=word.duration_ms, word=word.text)
            for word in line.words
        ],
    )
