"""`get_lrc_lyric`: a song's line lyrics. `get_krc_lyric_by_token`: the word lyrics a krc token stands for."""

from yuefu.access.tickets import TicketExpired, TicketMalformed, open_krc_ticket
from yuefu.catalogue.song import Song, UnknownSong
from yuefu.ids import SongId
from yuefu.music.lyrics import Line, Lyrics
from yuefu.rights.grant import Need, NotLicensed, check_need
from yuefu.rights.purpose import browsing
from yuefu.server.actions.question import pose
from yuefu.server.actions.sessions import Member
from yuefu.server.actions.song_rows import SINGER_SEPARATOR
from yuefu.server.actions.songs import find_song, read_lyrics, render_lrc
from yuefu.server.centre import Centre
from yuefu.wire.client_api import KrcLine, KrcLyric, KrcTokenBody, KrcWord, LrcLine, LrcLyric, LrcLyricBody
from yuefu.wire.codes import ClientCode
from yuefu.wire.dialect import snake_name
from yuefu.wire.operations.describe_song_lyric import DESCRIBE_SONG_LYRIC, SongParams
from yuefu.wire.refusal import ClientRefusal


def get_lrc_lyric(centre: Centre, caller: Member, body: LrcLyricBody) -> LrcLyric:
    """The song's line lyrics, if it may be played or sung. Raises `ClientRefusal`, or `Refusal` for a vendor or a song
    that cannot be had.

    How often the song was used does not matter: whoever got the last use of it reads what they sing.
    """
    if not body.song_id:
        raise ClientRefusal(ClientCode.SONG_ID_EMPTY, "song_id: empty")
    territory = caller.session.territory
    question = pose(
        centre, DESCRIBE_SONG_LYRIC, caller.app, vendor=body.vendor_id, territory=territory, spell=snake_name
    )
    song = find_song(centre, question, SongParams(song_id=body.song_id))
    try:
        decision = centre.decide_held(song.song_id, browsing(territory), at_ms=question.at_ms)
    except UnknownSong:
        raise _no_line_lyrics() from None  # withdrawn this very moment
    lyrics = read_lyrics(centre, song)
    if lyrics is None or not decision.any_right:
        raise _no_line_lyrics()
    return render_lrc_lyric(song, lyrics)


def _no_line_lyrics() -> ClientRefusal:
    return ClientRefusal(ClientCode.NO_LYRIC, "song_id: the song has no lyrics that may be shown")


def render_lrc_lyric(song: Song, lyrics: Lyrics) -> LrcLyric:
    """Lyrics in the documented shape, by the line and as LRC text."""
    facts = song.published.facts
    return LrcLyric(
        lines=[LrcLine(begin_time=line.begin_ms, end_time=line.end_ms, content=line.text) for line in lyrics.lines],
        lrc_format=render_lrc(song, lyrics),
        ti=facts.title,
        ar=SINGER_SEPARATOR.join(facts.singers),
        al=facts.album,
        offset=0,
        lenght=song.published.duration_ms,
    )


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
    try:
        song = singable_song(centre, ticket.song_id, territory=caller.session.territory, at_ms=at_ms)
    except UnknownSong:
        raise ClientRefusal(ClientCode.NO_LYRIC, "krc_token: the song has been withdrawn") from None
    except NotLicensed as error:
        raise ClientRefusal(ClientCode.NO_LYRIC, f"krc_token: {error}") from None
    lyrics = read_lyrics(centre, song)
    if lyrics is None or not lyrics.has_words:
        raise ClientRefusal(ClientCode.NO_LYRIC, "krc_token: the song has no word lyrics")
    return render_krc(song, lyrics)


def singable_song(centre: Centre, song_id: SongId, *, territory: str, at_ms: int) -> Song:
    """The song, if it may be sung in any way at all (decision G33). Raises `UnknownSong` or `NotLicensed`."""
    song = centre.songs.song(song_id)
    check_need(song_id, Need.SING, centre.decide_held(song_id, browsing(territory), at_ms=at_ms))
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
