"""UltraStar song texts: headers, then notes with their syllables, on a grid of beats.

Source of the format: the UltraStar format documents at usdx.eu/format (unversioned, 1.x and 2.0) and, where they are
silent, what the games do. Version 1 and before write GAP and END in milliseconds, START and PREVIEWSTART in seconds and
the medley in beats; version 2 writes milliseconds throughout. A beat lasts 60,000 / BPM / 4 ms. Pitch 0 is C4.
"""

from yuefu.music.ultrastar.reading import is_song_text, parse
from yuefu.music.ultrastar.song import UltraStarSong
from yuefu.music.ultrastar.writing import render
from yuefu.music.unreadable import NoHeaders, NoNotes, NoTempo, NoTitle, TooLarge, UnreadableSong

__all__ = [
    "NoHeaders",
    "NoNotes",
    "NoTempo",
    "NoTitle",
    "TooLarge",
    "UltraStarSong",
    "UnreadableSong",
    "is_song_text",
    "parse",
    "render",
]
