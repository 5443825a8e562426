"""QuerySongsCopyright: which rights are held in each of the songs asked for."""

from yuefu.rights.purpose import browsing
from yuefu.server.actions.question import Question
from yuefu.server.actions.song_rows import copyright_of, wanted_songs
from yuefu.server.centre import Centre
from yuefu.wire.operations.query_songs_copyright import QuerySongsCopyrightParams, SongCopyright, SongsCopyright


def query_songs_copyright(centre: Centre, question: Question, params: QuerySongsCopyrightParams) -> SongsCopyright:
    """One row per known song of the vendor, in the order asked, duplicates once; a song without rights has zeros."""
    purpose, wanted = browsing(question.territory), wanted_songs(question, params.songs_id)
    rows = []
    for song_id, decision in centre.decide_all(question.vendor_id, wanted, purpose, at_ms=question.at_ms):
        subright = copyright_of(decision)
        right = subright.song_lyric | subright.recording
        rows.append(SongCopyright(subright=subright, right=right, song_id=str(song_id)))
    return SongsCopyright(copyright=rows)
