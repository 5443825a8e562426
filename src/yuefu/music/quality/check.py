"""One thing that is judged about a song: what it is, the figure, the verdict, and the same in words."""

from enum import Enum
from typing import NamedTuple

import msgspec

from yuefu.units import Span

MOST_PLACES = 20
"""So many places of one fault are shown; whoever looks at those sees the rest."""


class Verdict(Enum):
    """What is to be done: nothing, look at it, mend it before somebody sings it."""

    GOOD = "good"
    LOOK = "look"
    BAD = "bad"

    @property
    def weight(self) -> int:
        """0 for good; the worse, the more."""
        return (Verdict.GOOD, Verdict.LOOK, Verdict.BAD).index(self)

    @property
    def chinese(self) -> str:
        return {Verdict.GOOD: "良好", Verdict.LOOK: "待查", Verdict.BAD: "有问题"}[self]


class Unit(Enum):
    """What a figure counts."""

    SHARE = "share"
    CONFIDENCE = "confidence"
    COUNT = "count"
    SECONDS = "s"
    LUFS = "LUFS"
    LU = "LU"
    DB = "dB"
    DBTP = "dBTP"
    BPM = "bpm"
    PIXELS = "px"


class Measure(Enum):
    """What is judged, in the order it is told."""

    FILES = "files"
    PARTS = "parts"
    LYRIC_COVERAGE = "lyric_coverage"
    LYRIC_GAP = "lyric_gap"
    LYRIC_EDGES = "lyric_edges"
    LYRIC_OVERLAP = "lyric_overlap"
    OUTSIDE_SONG = "outside_song"
    OUTSIDE_LINE = "outside_line"
    FAST_WORDS = "fast_words"
    NOTES_ON_WORDS = "notes_on_words"
    WORDS_WITH_NOTES = "words_with_notes"
    NOTE_RANGE = "note_range"
    NOTE_OVERLAP = "note_overlap"
    PITCH_LINE = "pitch_line"
    LOUDNESS = "loudness"
    LOUDNESS_RANGE = "loudness_range"
    TRUE_PEAK = "true_peak"
    CLIPPING = "clipping"
    SILENCE_BEFORE = "silence_before"
    SILENCE_AFTER = "silence_after"
    SILENCE_INSIDE = "silence_inside"
    ACCOMPANIMENT_LENGTH = "accompaniment_length"
    ACCOMPANIMENT_LEVEL = "accompaniment_level"
    HIGHLIGHT = "highlight"
    HIGHLIGHT_LENGTH = "highlight_length"
    HIGHLIGHT_PLACE = "highlight_place"
    TEMPO = "tempo"
    COVER = "cover"

    @property
    def title(self) -> str:
        return _NAMES[self].english

    @property
    def chinese(self) -> str:
        return _NAMES[self].chinese

    @property
    def unit(self) -> Unit:
        return _NAMES[self].unit


class _Name(NamedTuple):
    english: str
    chinese: str
    unit: Unit


_NAMES = {
    Measure.FILES: _Name("Files lost or damaged", "文件缺失或损坏", Unit.COUNT),
    Measure.PARTS: _Name("Missing parts", "缺少的内容", Unit.COUNT),
    Measure.LYRIC_COVERAGE: _Name("Lyric coverage", "歌词覆盖率", Unit.SHARE),
    Measure.LYRIC_GAP: _Name("Longest gap between lines", "歌词最长间隔", Unit.SECONDS),
    Measure.LYRIC_EDGES: _Name("Music before or after the lyrics", "首句前或末句后的音乐", Unit.SECONDS),
    Measure.LYRIC_OVERLAP: _Name("Lines that overlap", "同声部歌词重叠", Unit.COUNT),
    Measure.OUTSIDE_SONG: _Name("Words and notes outside the song", "超出歌曲的字和音符", Unit.COUNT),
    Measure.OUTSIDE_LINE: _Name("Lines whose words lie outside", "字不在行内的歌词", Unit.COUNT),
    Measure.FAST_WORDS: _Name("Words too fast to sing", "过快的字", Unit.COUNT),
    Measure.NOTES_ON_WORDS: _Name("Notes that fall on words", "落在字上的音符", Unit.SHARE),
    Measure.WORDS_WITH_NOTES: _Name("Words that have a note", "有音符的字", Unit.SHARE),
    Measure.NOTE_RANGE: _Name("Notes outside 10 to 90", "音高越界的音符", Unit.COUNT),
    Measure.NOTE_OVERLAP: _Name("Notes that overlap", "同声部音符重叠", Unit.COUNT),
    Measure.PITCH_LINE: _Name("Pitch line", "音高线", Unit.CONFIDENCE),
    Measure.LOUDNESS: _Name("Loudness", "响度", Unit.LUFS),
    Measure.LOUDNESS_RANGE: _Name("Loudness range", "响度范围", Unit.LU),
    Measure.TRUE_PEAK: _Name("True peak", "真峰值", Unit.DBTP),
    Measure.CLIPPING: _Name("Clipping", "削波", Unit.SHARE),
    Measure.SILENCE_BEFORE: _Name("Silence at the beginning", "开头静音", Unit.SECONDS),
    Measure.SILENCE_AFTER: _Name("Silence at the end", "结尾静音", Unit.SECONDS),
    Measure.SILENCE_INSIDE: _Name("Longest silence inside", "中间最长静音", Unit.SECONDS),
    Measure.ACCOMPANIMENT_LENGTH: _Name("Accompaniment's length", "伴奏与原唱的长度差", Unit.SECONDS),
    Measure.ACCOMPANIMENT_LEVEL: _Name("Accompaniment's level", "伴奏与原唱的响度差", Unit.LU),
    Measure.HIGHLIGHT: _Name("Highlight", "高潮", Unit.CONFIDENCE),
    Measure.HIGHLIGHT_LENGTH: _Name("Highlight's length", "高潮长度", Unit.SECONDS),
    Measure.HIGHLIGHT_PLACE: _Name("Highlight's edges", "高潮起止", Unit.COUNT),
    Measure.TEMPO: _Name("Tempo", "速度", Unit.BPM),
    Measure.COVER: _Name("Cover", "封面", Unit.PIXELS),
}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """`figure` is in the measure's unit, None where there is nothing to measure. `places` are where to look, at most
    `MOST_PLACES`, on the original recording's timeline.
    """

    measure: Measure
    verdict: Verdict
    figure: float | None
    words: str
    places: tuple[Span, ...] = ()


class Limit(NamedTuple):
    """Up to `good` all is well, beyond `bad` it is not; where `good` is the larger one, the other way round."""

    good: float
    bad: float

    def judge(self, figure: float) -> Verdict:
        sign = 1 if self.good <= self.bad else -1
        if sign * figure <= sign * self.good:
            return Verdict.GOOD
        return Verdict.BAD if sign * figure > sign * self.bad else Verdict.LOOK


def worst(checks: tuple[Check, ...]) -> Verdict:
    """The verdict on the whole."""
    return max((check.verdict for check in checks), key=lambda verdict: verdict.weight, default=Verdict.GOOD)
