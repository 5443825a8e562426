"""QuerySongsCopyright: which rights are held in each of the songs asked for."""

from functools import lru_cache

from yuefu.ids import parse_song_ids
from yuefu.rights.decision import Decision
from yuefu.server.actions.question import Question
from yuefu.server.centre import Centre
from yuefu.wire.operations.query_songs_copyright import (
    QuerySongsCopyrightParams,
    SongCopyright,
    SongsCopyright,
    Subright,
)
from yuefu.wire.refusal import illegal


def query_songs_copyright(centre: Centre, question: Question, params: QuerySongsCopyrightParams) -> SongsCopyright:
    """One row per known song of the vendor, in the order asked, duplicates once; a song without rights has zeros."""
    if not any(params.songs_id):
        raise illegal("SongsId", "empty")
    decide, at_ms = centre.standing.decide, question.at_ms
    rows = []
    for song_id, rights in centre.rights.rights_of(question.vendor_id, parse_song_ids(params.songs_id)):
        right, subright = _say(decide(rights, at_ms=at_ms))
        rows.append(SongCopyright(subright=subright, right=right, song_id=str(song_id)))
    return SongsCopyright(copyright=rows)


@lru_cache(maxsize=1024)
def _say(decision: Decision) -> tuple[int, Subright]:
    """A decision in the wire's words; there are few, and each is said many times."""
    subright = Subright(
        song_lyric=int(decision.sing.allowed), recording=int(decision.play.allowed), channel=decision.channel
    )
    return int(decision.any_right), subright
