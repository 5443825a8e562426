"""Questions about songs whose ids are known: facts, lyrics, parts, highlights, tempo."""

import msgspec

from yuefu.catalogue.listing import Feature, Listing
from yuefu.catalogue.song import PartKind, Song, UnknownSong
from yuefu.ids import SongId, parse_song_id
from yuefu.music.formats import lrc
from yuefu.music.lyrics import Lyrics
from yuefu.music.parts import sung_parts
from yuefu.rights.purpose import browsing
from yuefu.server.actions.question import Question
from yuefu.server.actions.song_rows import found_row, licensed, wanted_songs
from yuefu.server.centre import Centre
from yuefu.units import Span
from yuefu.wire.codes import Code
from yuefu.wire.operations.describe_accompany_clip_info import ClipInfo
from yuefu.wire.operations.describe_accompany_clip_status import ClipStatus
from yuefu.wire.operations.describe_krc_segment import KrcSegment, KrcSegments
from yuefu.wire.operations.describe_song_extra import SongExtra
from yuefu.wire.operations.describe_song_lyric import SongLyric, SongParams
from yuefu.wire.operations.query_songs_info import QuerySongsInfoParams, SongInfo, SongInfos
from yuefu.wire.refusal import Refusal

SLOW_BELOW_BPM, FAST_FROM_BPM = 90, 125
_NOWHERE = Span(begin_ms=0, end_ms=0)
_UNKNOWN, _SLOW, _MEDIUM, _FAST = "0", "1", "2", "3"


def query_songs_info(centre: Centre, question: Question, params: QuerySongsInfoParams) -> SongInfos:
    """One row per known song of the vendor, in the order asked, duplicates once; a song without rights has zeros."""
    known = licensed(centre, question, question.vendor_id, wanted_songs(question, params.songs_id))
    return SongInfos(
        songs=[
            found_row(SongInfo, question, song, accompany_duration=song[0].accompaniment_duration_ms) for song in known
        ]
    )


def describe_song_lyric(centre: Centre, question: Question, params: SongParams) -> SongLyric:
    """The song's lyrics as LRC text, if it may be used."""
    song = find_song(centre, question, params)
    rights = centre.rights.rights(song.song_id)
    lyrics = read_lyrics(centre, song)
    decision = centre.decide(song.song_id, rights, browsing(question.territory), at_ms=question.at_ms)
    if lyrics is None or not decision.any_right:
        raise question.refusal(Code.NO_LYRIC, "song_id", "the song has no lyrics that may be shown")
    return SongLyric(lyric=render_lrc(song, lyrics))


def describe_krc_segment(centre: Centre, question: Question, params: SongParams) -> KrcSegments:
    """Who sings what; nothing for a song of one voice."""
    lyrics = read_lyrics(centre, find_song(centre, question, params))
    parts = sung_parts(lyrics) if lyrics else ()
    return KrcSegments(
        tags=[KrcSegment(start=part.begin_ms, end=part.end_ms, tags=list(part.singers)) for part in parts]
    )


def describe_accompany_clip_info(centre: Centre, question: Question, params: SongParams) -> ClipInfo:
    """Where the highlight is: the long clip, or the short segment of vendors that deliver that."""
    highlight = find_song(centre, question, params).published.highlight
    long = short = _NOWHERE
    if highlight is not None and question.profile.segment_file:
        short = highlight.segments[0] if highlight.segments else _NOWHERE
    elif highlight is not None:
        long = highlight.clip
    return ClipInfo(
        segment_begin=long.begin_ms,
        segment_end=long.end_ms,
        short_segment_begin=short.begin_ms,
        short_segment_end=short.end_ms,
    )


def describe_accompany_clip_status(centre: Centre, question: Question, params: SongParams) -> ClipStatus:
    """Whether the song's highlights exist."""
    listing = _listing(centre, question, params)
    fields = question.profile.fields
    return ClipStatus(
        has_clip_url=int(Feature.CLIP in listing.features) if "has_clip_url" in fields else None,
        has_short_segment_url=int(Feature.SEGMENT in listing.features) if "has_short_segment_url" in fields else None,
    )


def describe_song_extra(centre: Centre, question: Question, params: SongParams) -> SongExtra:
    """The song's tempo, its class, and its genres."""
    published = find_song(centre, question, params).published
    return SongExtra(bpm=published.bpm or 0, bpm_type=tempo_class(published.bpm), genres=list(published.facts.genres))


def tempo_class(bpm: int | None) -> str:
    """The documented number, in a string, for unknown, slow, medium and fast."""
    if not bpm:
        return _UNKNOWN
    if bpm < SLOW_BELOW_BPM:
        return _SLOW
    return _FAST if bpm >= FAST_FROM_BPM else _MEDIUM


def read_lyrics(centre: Centre, song: Song) -> Lyrics | None:
    """The song's lyrics, None when it has none."""
    part = song.part(PartKind.LYRICS)
    return None if part is None else msgspec.json.decode(centre.blobs.read(part.blob.sha256), type=Lyrics)


def render_lrc(song: Song, lyrics: Lyrics) -> str:
    """LRC text with the headers readers expect, lines ended with CRLF."""
    facts = song.published.facts
    headers = {
        "ti": facts.title,
        "ar": "/".join(facts.singers),
        "al": facts.album,
        "total": str(song.published.duration_ms),
        "offset": "0",
    }
    return lrc.render(lyrics, headers)


def _song_id(question: Question, params: SongParams) -> SongId:
    song_id = parse_song_id(params.song_id)
    if song_id is None:
        raise _unknown(question)
    return song_id


def find_song(centre: Centre, question: Question, params: SongParams) -> Song:
    """The vendor's song of that id. Raises `Refusal`."""
    try:
        song = centre.songs.song(_song_id(question, params))
    except UnknownSong:
        raise _unknown(question) from None
    if song.vendor_id != question.vendor_id:
        raise _unknown(question)
    return song


def _listing(centre: Centre, question: Question, params: SongParams) -> Listing:
    found = centre.listings.listings([_song_id(question, params)])
    if not found or found[0].vendor_id != question.vendor_id:
        raise _unknown(question)
    return found[0]


def _unknown(question: Question) -> Refusal:
    return question.refusal(Code.SONG_INVALID, "song_id", "the vendor has no such song")
