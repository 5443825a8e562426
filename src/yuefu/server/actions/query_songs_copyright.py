"""QuerySongsCopyright: which rights are held in each of the songs asked for."""

from yuefu.server.actions.question import Question
from yuefu.server.actions.song_rows import copyright_of, wanted_songs
from yuefu.server.centre import Centre
from yuefu.wire.operations.query_songs_copyright import QuerySongsCopyrightParams, SongCopyright, SongsCopyright


def query_songs_copyright(centre: Centre, question: Question, params: QuerySongsCopyrightParams) -> SongsCopyright:
    """One row per known song of the vendor, in the order asked, duplicates once; a song without rights has zeros."""
    decide, at_ms = centre.standing.decide, question.at_ms
    rows = []
    for song_id, rights in centre.rights.rights_of(question.vendor_id, wanted_songs(params.songs_id)):
        subright = copyright_of(decide(rights, at_ms=at_ms))
        right = int(bool(subright.song_lyric or subright.recording))
        rows.append(SongCopyright(subright=subright, right=right, song_id=str(song_id)))
    return SongsCopyright(copyright=rows)
