"""QuerySongsCopyright: which rights are held in each of the songs asked for."""

from yuefu.ids import parse_song_id
from yuefu.rights.deal import SongRights
from yuefu.rights.decision import Decision, decide_all
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
    held = centre.rights.rights_of(question.vendor_id, wanted)
    decisions = decide_all(held, at_ms=question.at_ms)
    return SongsCopyright(copyright=[_row(*pair) for pair in zip(held, decisions, strict=True)])


def _row(rights: SongRights, decision: Decision) -> SongCopyright:
    return SongCopyright(
        subright=Subright(
            song_lyric=int(decision.sing.allowed),
            recording=int(decision.play.allowed),
            channel=decision.channel,
        ),
        right=int(decision.any_right),
        song_id=str(rights.song_id),
    )
