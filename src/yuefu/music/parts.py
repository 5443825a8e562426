"""Who sings what: the stretches of a song that one singer, or several together, sing."""

from itertools import pairwise

import msgspec

from yuefu.music.lyrics import Lyrics


class SungPart(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the song in ms, and the labels of those who sing it ("1", "2")."""

    begin_ms: int
    end_ms: int
    singers: tuple[str, ...]


def sung_parts(lyrics: Lyrics) -> tuple[SungPart, ...]:
    """The parts that a song's voices make, each up to where the next begins; none for a song of one voice."""
    if len({line.voices for line in lyrics.lines}) < 2:
        return ()
    begins: list[tuple[int, tuple[str, ...]]] = []
    for line in lyrics.lines:
        singers = tuple(str(voice) for voice in line.voices)
        if not begins or begins[-1][1] != singers:
            begins.append((line.begin_ms, singers))
    begins.append((lyrics.end_ms, ()))
    return tuple(
        SungPart(begin_ms=begin_ms, end_ms=end_ms, singers=singers)
        for (begin_ms, singers), (end_ms, _) in pairwise(begins)
        if end_ms > begin_ms
    )
