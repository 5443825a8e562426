"""Where good ends and bad begins, all in one place: each limit with its reason.

They are set so that songs which are sung without complaint are good, and every fault a listener would name is found.
"""

from math import inf

from yuefu.music.quality.check import Limit
from yuefu.units import SECOND_MS

NONE_AT_ALL = Limit(0, inf)
"""For what should not be there and stops nobody."""

NONE_OR_BAD = Limit(0, 0)
"""For what nobody can use."""

# Lyrics

COVERAGE = Limit(0.35, 0.15)
"""Songs with long breaks between their lines have half; below that lines are missing, or end too early."""

LONGEST_GAP_S = Limit(45, 90)
"""A solo of a minute is long; after a minute and a half a singer thinks that the words were lost."""

MOST_EDGE_S = Limit(60, 120)
"""How long it may play without words before the first line and after the last: long intros have a minute."""

LEAST_OVERLAP_MS = 200
"""A line that is held into the next by less than this is how people sing, not a mistake."""

OVERLAPS = Limit(0, 0.1)
"""Of all lines. One voice cannot sing two lines; single ones are slips, many are a voice that was not told apart."""

EDGE_MS = 50
"""Times are rounded, to 10 ms in LRC; what is off by less than this is not off."""

OUTSIDE_LINE = Limit(0, 0.05)
"""Of all lines. Their words light up while another line is on the screen."""

SHORTEST_SYLLABLE_MS = 40
"""Twenty-five syllables a second: more than twice what the fastest rappers reach."""

FAST_WORDS = Limit(0.02, 0.1)
"""Of all words. A few grace notes are real; where one word in ten is like that the times are wrong."""

# Notes

NOTES_ON_WORDS = Limit(0.9, 0.7)
"""Of the pitched notes. The rest may be hummed, or held on; below that notes and words are not of one timing."""

WORDS_WITH_NOTES = Limit(0.9, 0.6)
"""Of the words with times. Spoken ones have none; where it is every third the singer cannot be scored."""

OVERLAPPING_NOTES = Limit(0, 0.05)
"""Of all notes."""

PITCH_CONFIDENCE = Limit(0.7, 0.5)
"""Half is the least with which an import publishes what it heard."""

# Sound

LOUDEST_LUFS = Limit(-6.5, -3)
"""The loudest masters on sale are at -7; what is beyond has no dynamics left."""

SOFTEST_LUFS = Limit(-24, -35)
"""Broadcast is at -23. Softer songs drown in the singer's own voice."""

RANGE_LU = Limit(18, 25)
"""A song that varies by more has parts that nobody hears on a phone."""

TRUE_PEAK_DBTP = Limit(1.5, 4)
"""Decoded MP3s of loud masters reach 1; beyond, every player distorts."""

CLIPPED = Limit(0.15, 0.5)
"""Of the tenths of a second, those that reach full scale. Modern masters touch it on their beats; what is there most of
the time was cut off."""

BEFORE_S = Limit(5, 15)
AFTER_S = Limit(8, 20)
INSIDE_S = Limit(6, 20)
"""Silence: singers who hear nothing for so long press stop. Some seconds before and after are how files are made."""

ACCOMPANIMENT_LENGTH_S = Limit(2, 10)
"""Endings are cut differently. Ten seconds off is another version of the song."""

QUIETER_BY_LU = Limit(6, 15)
LOUDER_BY_LU = Limit(1.5, 6)
"""Accompaniment against original. Without the voice a mix loses one to four; a louder one is another mix."""

# The rest

HIGHLIGHT_CONFIDENCE = Limit(0.2, -inf)
"""Below it nothing stands out, and about one choice in eight is right: somebody should look at it."""

SHORTEST_SUNG_MS = 15 * SECOND_MS
"""Of a clip. Breaks may stand in the way of the 22 s that are wanted; less than this is over before it is sung."""

SHORTEST_CLIP_MS, LONGEST_CLIP_MS = 5 * SECOND_MS, 90 * SECOND_MS
"""Beyond these nobody would call it a clip, and no operator can set one."""

TEMPO_CONFIDENCE = Limit(0.3, -inf)
"""Below it the beat is felt twice or half as fast as often as not."""

COVER_PX = Limit(300, 100)
"""The short side. Lists show 300, and what is below 100 is a stamp on a phone."""
