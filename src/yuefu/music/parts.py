"""Who sings what: the stretches of a song that one singer, or several together, sing."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from yuefu.music.lyrics import Lyrics


class SungPart(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the song in ms, and the labels of those who sing it ("1", "2")."""

    begin_ms: int
    end_ms: int
    singers: tuple[str, ...]


def sung_parts(lyrics: Lyrics) -> tuple[SungPart, ...]:
    """The parts that a song's voices make, in order: whoever sounds at an instant is named in the part it lies in.

    A part lasts through the silence after it, up to where the next begins. None for a song of one voice.
    """
    if len({voice for line in lyrics.lines for voice in line.voices}) < 2:
        return ()
    changes = list(_changes(lyrics))
    begins: list[tuple[int, tuple[str, ...]]] = []
    for begin_ms, singers in changes:
        if singers and (not begins or begins[-1][1] != singers):
            begins.append((begin_ms, singers))
    begins += changes[-1:]  # where the last voice ends
    return tuple(
        SungPart(begin_ms=begin_ms, end_ms=end_ms, singers=singers)
        for (begin_ms, singers), (end_ms, _) in pairwise(begins)
    )


def _changes(lyrics: Lyrics) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each instant at which a line begins or ends, and who sings from then on; nobody in a silence."""
    steps: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for line in (line for line in lyrics.lines if line.duration_ms > 0):
        steps[line.begin_ms].update(line.voices)
        steps[line.end_ms].subtract(line.voices)
    sounding: Counter[int] = Counter()
    for at_ms in sorted(steps):
        sounding.update(steps[at_ms])
        yield at_ms, tuple(str(voice) for voice in sorted(+sounding))
