from collections.abc import Callable

import msgspec

from yuefu.catalogue.song import PublishedSong, Tempo

MEASURED = Tempo(bpm=87.6, bpm_alt=175.2, confidence=0.4)


def test_the_tempo_that_is_said_wins_over_the_one_that_was_measured(song_maker: Callable[..., PublishedSong]) -> None:
    measured = song_maker(tempo=MEASURED)
    said = msgspec.structs.replace(measured, facts=msgspec.structs.replace(measured.facts, bpm=120))
    assert (song_maker().bpm, measured.bpm, said.bpm) == (None, 88, 120)
