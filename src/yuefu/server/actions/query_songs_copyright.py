"""QuerySongsCopyright: which rights are held in each of the songs asked for."""

from functools import lru_cache

from yuefu.ids import parse_song_id
from yuefu.rights.decision import Decision
from yuefu.server.actions.question import Question
from yuefu.server.centre import Centre
from yuefu.wire.operations.query_songs_copyright import (
    QuerySongsCopyrightParams,
    SongCopyright,
    SongsCopyright,
    Subright,
)


def query_songs_copyright(centre: Centre, question: Question, params: QuerySongsCopyrightParams) -> SongsCopyright:
    """One row per known song of the vendor, in the order asked, duplicates once; a song without rights has zeros."""
    wanted = [song_id for text in dict.fromkeys(params.songs_id) if (song_id := parse_song_id(text)) is not None]
    decide, at_ms = centre.standing.decide, question.at_ms
    rows = []
    for rights in centre.rights.rights_of(question.vendor_id, wanted):
        subright = _subright(decide(rights, at_ms=at_ms))
        right = int(bool(subright.song_lyric or subright.recording))
        rows.append(SongCopyright(subright=subright, right=right, song_id=str(rights.song_id)))
    return SongsCopyright(copyright=rows)


def _subright(decision: Decision) -> Subright:
    return _shared_subright(decision.sing.allowed, decision.play.allowed, decision.channel)


@lru_cache(maxsize=1024)
def _shared_subright(song_lyric: bool, recording: bool, channel: int) -> Subright:  # noqa: FBT001 - a key
    """The few sub-rights there can be, each made once."""
    return Subright(song_lyric=int(song_lyric), recording=int(recording), channel=channel)
