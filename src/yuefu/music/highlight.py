"""The part of a song that people wait for, chosen from its lyrics, its notes and its loudness.

A *phrase* here is a stretch that must not be cut: a line, or lines of several voices that overlap.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.notes import NO_NOTES, PitchLine
from yuefu.music.prominence import Curve, Prominence, prominence_of
from yuefu.units import SECOND_MS, Span


@dataclass(frozen=True, slots=True)
class _Length:
    """How long a stretch should be; with its lead-in a clip has some 5 s more than its singing."""

    shortest_ms: int
    wanted_ms: int
    longest_ms: int


CLIP = _Length(22 * SECOND_MS, 38 * SECOND_MS, 55 * SECOND_MS)
MARKED_CLIP = _Length(22 * SECOND_MS, 22 * SECOND_MS, 55 * SECOND_MS)
SEGMENT = _Length(10 * SECOND_MS, 20 * SECOND_MS, 25 * SECOND_MS)
MOST_SEGMENTS = 3

LEAD_IN_MS = 5 * SECOND_MS
SHORT_LEAD_IN_MS = 3 * SECOND_MS
SHORTEST_REST_MS = SECOND_MS
LONGEST_REST_MS = 12 * SECOND_MS
"""A longer one is a break: nobody sings through it, and a highlight should not hold it."""

SHORTEST_BLOCK, LONGEST_BLOCK = 2, 8
CHORUS = 4
"""How many phrases are looked at as one, where the music is known too."""

EVENLY, NEARLY = np.full(CHORUS, 1 / CHORUS), np.array([0.3, 0.3, 0.2, 0.2])
"""What each of them counts: in the music alike, in the words the nearer more, for there a phrase more is a mistake."""

SIMILAR, HALF_SIMILAR = 0.7, 0.5
MOST_COMPARED = 200
MOST_LETTERS = 64
"""How many phrases are searched for repetition, and how much of each: more than songs have, for the time it takes."""


REPEATS_COUNT, REPEATS_BEGIN_COUNTS = 2.0, 2.0
LOUDNESS_COUNTS, SWELL_COUNTS = 1.0, 0.5
HEIGHT_COUNTS, RISE_COUNTS = 0.5, 0.3
PLACE_COUNTS, OPENING_COUNTS = 0.4, 0.3
"""What each sign of a chorus counts against the others, chosen on made songs of seeds 1000 to 1079 and, where several
did as well there, by what they choose of real texts; `make accuracy` shows what they come to on other seeds.

The opening of a song counts for less: nobody waits for it.
"""

SURE_OF_MARKS, SURE_OF_PREVIEW, SURE_OF_LYRICS, SURE_OF_MIDDLE = 0.95, 0.7, 0.75, 0.1
SURE_BY_SCORE, SURE_BY_WORDS, UNSURE = 1.15, 7.2, 8.05
SURE_BY_MUSIC, UNSURE_OF_MUSIC = 1.75, 3.15
"""By a logistic regression over made songs of every form, on seeds 1000 to 1079; `make accuracy` shows on others how
many are right of those that are as sure as that. Nothing is surer than what an author marked.
"""


class Rule(Enum):
    """What a choice rests on."""

    MEDLEY = "medley"
    REPEATED_LYRICS = "repeated_lyrics"
    PREVIEW = "preview"
    PROMINENCE = "prominence"
    MIDDLE = "middle"
    OPERATOR = "operator"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The long clip with the lead-in it begins with, and one to three short segments of its singing, the best first;
    `confidence` is from 0 to 1.

    Times are on the original recording's timeline. The singing begins at `clip.begin_ms + prelude_ms`.
    """

    clip: Span
    prelude_ms: int
    segments: tuple[Span, ...]
    rule: Rule
    confidence: float


@dataclass(frozen=True, slots=True)
class _Phrase:
    begin_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class _Range:
    """Phrases `first` to `last`, both inside."""

    first: int
    last: int


def choose(
    lyrics: Lyrics,
    *,
    duration_ms: int,
    medley: Span | None = None,
    preview_ms: int | None = None,
    pitch_line: PitchLine = NO_NOTES,
    loudness_db: Curve | None = None,
) -> Choice | None:
    """The highlight of a song of that length; None when it has no line inside.

    The first rule that applies decides: the medley marks, the repeated part of the lyrics, the preview mark, what
    stands out by its loudness (`prominence.loudness_curve`) and its pitch, the middle of the song. Loudness and pitch
    also say which of the repeated parts it is. The clip begins with a line, but for its lead-in, and ends with one;
    segments are whole lines.

    The lead-in is up to 5 s of what comes before the first line, and does not reach back into the line before that.
    Where the rest between the two is shorter than a second it takes 3 s all the same, for nobody can come in cold:
    a singer hears the end of the line before, and screens show lyrics from the end of the lead-in on.
    """
    phrases = _gather_phrases(lyrics.lines, duration_ms)
    if not phrases:
        return None
    prominence = prominence_of(
        [Span(begin_ms=phrase.begin_ms, end_ms=phrase.end_ms) for phrase in phrases], loudness_db, pitch_line
    )
    heart, rule, confidence = _find_heart(phrases, prominence, duration_ms, medley, preview_ms)
    sung = _choose_clip(phrases, heart, rule)
    begin_ms = phrases[sung.first].begin_ms
    prelude_ms = _lead_in_ms(phrases, sung.first)
    return Choice(
        clip=Span(begin_ms=begin_ms - prelude_ms, end_ms=phrases[sung.last].end_ms),
        prelude_ms=prelude_ms,
        segments=tuple(_cut_segments(phrases, sung, heart.first)),
        rule=rule,
        confidence=round(confidence, 2),
    )


def set_by_hand(lyrics: Lyrics, clip: Span, *, duration_ms: int) -> Choice:
    """The clip that an operator set, as it was set; its lead-in and segments follow from the lines inside."""
    phrases = _gather_phrases(lyrics.lines, duration_ms)
    inside = [
        i for i, phrase in enumerate(phrases) if clip.begin_ms <= phrase.begin_ms and phrase.end_ms <= clip.end_ms
    ]
    prelude_ms = phrases[inside[0]].begin_ms - clip.begin_ms if inside else 0
    segments = tuple(_cut_segments(phrases, _Range(inside[0], inside[-1]), inside[0])) if inside else (clip,)
    return Choice(clip=clip, prelude_ms=prelude_ms, segments=segments, rule=Rule.OPERATOR, confidence=1.0)


# Phrases


def _gather_phrases(lines: Iterable[Line], duration_ms: int) -> list[_Phrase]:
    """Lines inside the song, those that overlap as one phrase.

    Nothing is longer than a segment may be. Voices that overlap for longer than that leave no clean place to cut: each
    of their lines then ends where the next begins.
    """
    inside = [
        _Phrase(line.begin_ms, min(max(line.end_ms, line.begin_ms + 1), line.begin_ms + SEGMENT.longest_ms), line.text)
        for line in sorted(lines, key=lambda line: line.begin_ms)
        if 0 <= line.begin_ms < duration_ms
    ]
    inside = [_Phrase(phrase.begin_ms, min(phrase.end_ms, duration_ms), phrase.text) for phrase in inside]
    phrases: list[_Phrase] = []
    for phrase in inside:
        if not phrases or phrases[-1].end_ms <= phrase.begin_ms:
            phrases.append(phrase)
            continue
        before = phrases.pop()
        text = f"{before.text} {phrase.text}" if len(before.text) < MOST_LETTERS else before.text
        joined = _Phrase(before.begin_ms, max(before.end_ms, phrase.end_ms), text)
        if joined.end_ms - joined.begin_ms <= SEGMENT.longest_ms or before.begin_ms == phrase.begin_ms:
            phrases.append(joined)
        else:
            phrases += [_Phrase(before.begin_ms, phrase.begin_ms, before.text), phrase]
    return phrases


def _length_ms(phrases: Sequence[_Phrase], part: _Range) -> int:
    return phrases[part.last].end_ms - phrases[part.first].begin_ms


def _lead_in_ms(phrases: Sequence[_Phrase], first: int) -> int:
    begin_ms = phrases[first].begin_ms
    rest_ms = begin_ms - phrases[first - 1].end_ms if first else begin_ms
    if first and rest_ms < SHORTEST_REST_MS:
        return min(SHORT_LEAD_IN_MS, begin_ms)
    return min(LEAD_IN_MS, rest_ms)


def _grow(phrases: Sequence[_Phrase], heart: _Range, *, bounds: _Range, length: _Length) -> _Range:
    """The range around `heart`, inside `bounds`, whose length comes nearest to what is wanted.

    A heart that is too long loses its end.
    """
    part = heart
    while part.last > part.first and _length_ms(phrases, part) > length.longest_ms:
        part = _Range(part.first, part.last - 1)
    while grown := _step(phrases, part, bounds, length):
        part = grown
    return part


def _step(phrases: Sequence[_Phrase], part: _Range, bounds: _Range, length: _Length) -> _Range | None:
    """The range one phrase longer; None when it is long enough.

    It goes on with the song. Only what would be too short otherwise begins earlier or holds a long break.
    """
    after, before = _Range(part.first, part.last + 1), _Range(part.first - 1, part.last)
    steps: list[tuple[bool, _Range]] = []
    if after.last <= bounds.last:
        steps.append((_has_break(phrases, part.last), after))
    if before.first >= bounds.first:
        steps.append((_has_break(phrases, before.first), before))
    part_ms = _length_ms(phrases, part)
    for is_over_break, step in sorted(steps, key=lambda step: step[0]):
        step_ms = _length_ms(phrases, step)
        is_natural = step is after and not is_over_break
        is_nearer = abs(step_ms - length.wanted_ms) < abs(part_ms - length.wanted_ms)
        if step_ms <= length.longest_ms and is_nearer and (is_natural or part_ms < length.shortest_ms):
            return step
    return None


def _has_break(phrases: Sequence[_Phrase], i: int) -> bool:
    """Whether a long break follows phrase `i`."""
    return i + 1 < len(phrases) and phrases[i + 1].begin_ms - phrases[i].end_ms > LONGEST_REST_MS


def _choose_clip(phrases: Sequence[_Phrase], heart: _Range, rule: Rule) -> _Range:
    """What is sung in the clip: all of a short song; what the marks hold, once that is enough; else about 40 s."""
    whole = _Range(0, len(phrases) - 1)
    if _length_ms(phrases, whole) <= CLIP.wanted_ms and rule is not Rule.MEDLEY:
        return whole
    return _grow(phrases, heart, bounds=whole, length=MARKED_CLIP if rule is Rule.MEDLEY else CLIP)


def _cut_segments(phrases: Sequence[_Phrase], sung: _Range, heart: int) -> Iterator[Span]:
    """One to three stretches of the clip's singing: from the heart on, then what follows, then what comes before.

    Where the heart lies too near the end the first one reaches back; another that would be too short is left out.
    """
    best = _grow(phrases, _Range(heart, heart), bounds=sung, length=SEGMENT)
    segments = [best]
    for rest in (_Range(best.last + 1, sung.last), _Range(sung.first, best.first - 1)):
        first = rest.first
        while first <= rest.last and len(segments) < MOST_SEGMENTS:
            part = _grow(phrases, _Range(first, first), bounds=_Range(first, rest.last), length=SEGMENT)
            if _length_ms(phrases, part) >= SEGMENT.shortest_ms:
                segments.append(part)
            first = part.last + 1
    for part in segments:
        yield Span(begin_ms=phrases[part.first].begin_ms, end_ms=phrases[part.last].end_ms)


# Rules: each gives the heart of the highlight, the phrases it must hold.


def _find_heart(
    phrases: Sequence[_Phrase],
    prominence: Prominence,
    duration_ms: int,
    medley: Span | None,
    preview_ms: int | None,
) -> tuple[_Range, Rule, float]:
    """The heart, the rule it was found by, and how sure that is."""
    if medley and (heart := _find_marked(phrases, medley)):
        return heart, Rule.MEDLEY, SURE_OF_MARKS
    blocks = _find_blocks(phrases[:MOST_COMPARED])
    if not blocks and preview_ms is not None and 0 <= preview_ms < duration_ms:
        return _phrase_at(phrases, preview_ms), Rule.PREVIEW, SURE_OF_PREVIEW
    if prominence.is_known:
        return _find_chorus(phrases, prominence, duration_ms)
    if blocks:
        return _find_repeated(phrases, blocks, duration_ms), Rule.REPEATED_LYRICS, SURE_OF_LYRICS
    return _phrase_at(phrases, (duration_ms - CLIP.wanted_ms) // 2), Rule.MIDDLE, SURE_OF_MIDDLE


def _find_marked(phrases: Sequence[_Phrase], marks: Span) -> _Range | None:
    """The phrases that lie between the marks by more than half."""
    inside = [
        i for i, phrase in enumerate(phrases) if marks.begin_ms <= (phrase.begin_ms + phrase.end_ms) / 2 < marks.end_ms
    ]
    return _Range(inside[0], inside[-1]) if inside else None


def _phrase_at(phrases: Sequence[_Phrase], at_ms: int) -> _Range:
    """The phrase that is sung at that time, else the next, else the last."""
    i = next((i for i, phrase in enumerate(phrases) if phrase.end_ms > at_ms), len(phrases) - 1)
    return _Range(i, i)


def _find_repeated(phrases: Sequence[_Phrase], blocks: Sequence["_Block"], duration_ms: int) -> _Range:
    """The most repeated block, for a song of which only the lyrics are known.

    At equal weight the more frequent block wins, then the longer, then the earlier. Windows of one passage of 15
    phrases or more are an exception, for that is verse and chorus repeated as a whole: the last window wins, because
    the chorus ends it.

    Of the block's occurrences the one that begins in the middle third of the song is taken, or else the one nearest to
    it, the earlier of two.
    """
    heaviest = max(block.rank for block in blocks)
    ties = [block for block in blocks if block.rank == heaviest]
    passage = [block for i, block in enumerate(ties) if block.begins[0] == ties[0].begins[0] + i]
    block = passage[-1 if len(passage) >= LONGEST_BLOCK else 0]
    begin = min(block.begins, key=lambda i: (_off_middle_ms(phrases[i].begin_ms, duration_ms), i))
    return _Range(begin, begin + block.length - 1)


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of `length` phrases that is sung at each of `begins`; `different` of its texts differ."""

    length: int
    different: int
    begins: tuple[int, ...]

    @property
    def rank(self) -> tuple[int, int, int]:
        """Weight, repetitions, length.

        The weight is phrases times repetitions, so that a long block sung twice does not outweigh a chorus sung four
        times. Where most of a block is one line over and over, "la la la", only its different lines count.
        """
        repetitions = len(self.begins) - 1
        length = self.length if self.different * 2 > self.length else self.different
        return repetitions * length, repetitions, self.length


def _find_chorus(phrases: Sequence[_Phrase], prominence: Prominence, duration_ms: int) -> tuple[_Range, Rule, float]:
    """Where the chorus begins by the words and the music, the rule that comes to, and how sure it is."""
    blocks, lines = _repetition([phrase.text for phrase in phrases[:MOST_COMPARED]])
    scores = _judge_words(blocks, lines, len(phrases)) + _judge_music(blocks, prominence)
    scores -= [PLACE_COUNTS * _off_middle_ms(phrase.begin_ms, duration_ms) / duration_ms for phrase in phrases]
    scores[0] -= OPENING_COUNTS
    best = int(np.argmax(scores))
    heart = _Range(best, min(best + CHORUS, len(phrases)) - 1)
    alike = float(blocks[best].max()) if best < len(blocks) else 0.0
    rule = Rule.REPEATED_LYRICS if alike else Rule.PROMINENCE
    return heart, rule, _sureness(float(scores[best]), alike)


def _judge_words(blocks: Curve, lines: Curve, count: int) -> Curve:
    """What the words say for each of `count` phrases as the chorus's first: how much the four from it on come again
    elsewhere, and how much more than the four before.
    """
    again = blocks.sum(axis=1) / max(blocks.sum(axis=1).max(), 1)
    scores = REPEATS_COUNT * again + REPEATS_BEGIN_COUNTS * (_after(lines, NEARLY) - _before(lines, NEARLY))
    return np.pad(scores, (0, count - len(scores)))


def _judge_music(blocks: Curve, prominence: Prominence) -> Curve:
    """What the music says for each phrase as the chorus's first: how loud and how high the four from it on are, and how
    much more of each than before.

    Half of that is said by all the places where those four come again, for a chorus is one each time.
    """
    music = LOUDNESS_COUNTS * _after(prominence.loudness) + SWELL_COUNTS * prominence.swell
    music += HEIGHT_COUNTS * _after(prominence.height)
    music += RISE_COUNTS * (_after(prominence.height) - _before(prominence.height))
    read = music[: len(blocks)]
    everywhere = (read + blocks @ read) / (1 + blocks.sum(axis=1))
    return np.asarray(np.concatenate([(read + everywhere) / 2, music[len(blocks) :]]))


def _sureness(score: float, alike: float) -> float:
    """How likely a choice of that score begins with a chorus, where `alike` of its words come again somewhere.

    A song whose verses share a line or two looks much like one with a chorus; its four phrases never come again whole.
    """
    sure = SURE_BY_SCORE * score + SURE_BY_WORDS * alike - UNSURE if alike else SURE_BY_MUSIC * score - UNSURE_OF_MUSIC
    return min(1 / (1 + float(np.exp(-sure))), SURE_OF_MARKS)


def _repetition(texts: Sequence[str]) -> tuple[Curve, Curve]:
    """How similar the four phrases from each one on are to those from any other, 0 where they are not; and how often
    each phrase comes again by itself, against the one that comes most often.

    A phrase that has half of another's words is taken for it where the phrase before or after comes again there too.
    """
    count = len(texts)
    alike = _compare([_fold(text) for text in texts], least=HALF_SIMILAR)
    np.fill_diagonal(alike, 0)
    certain = np.pad(alike >= SIMILAR, 1)
    beside = certain[:-2, :-2] | certain[2:, 2:]
    alike[(alike < SIMILAR) & ~(beside & (alike >= HALF_SIMILAR))] = 0
    lines = (alike > 0).sum(axis=1).astype(np.float64)
    ahead = np.pad(alike, (0, CHORUS))
    blocks = np.sum([ahead[i : i + count, i : i + count] for i in range(CHORUS)], axis=0) / CHORUS
    blocks[blocks < HALF_SIMILAR] = 0
    return np.tril(blocks, -2) + np.triu(blocks, 2), lines / max(lines.max(), 1)


def _after(values: Curve, shares: Curve = EVENLY) -> Curve:
    """The mean over each phrase and the three after it; what the song no longer has counts as 0."""
    return np.convolve(values, shares[::-1])[CHORUS - 1 :]


def _before(values: Curve, shares: Curve = EVENLY) -> Curve:
    """The mean over those of the four phrases before each that there are, the song's own before the first."""
    last = len(values) - 1
    sums, counts = np.convolve(values, shares)[:last], np.convolve(np.ones(len(values)), shares)[:last]
    return np.concatenate([[values.mean()], sums / counts])


def _find_blocks(phrases: Sequence[_Phrase]) -> list[_Block]:
    """Every block of 2 to 8 phrases that is sung more than once, in the order of length and of first occurrence.

    Blocks are the same when their phrases are similar (0.7), on average and in the first; no block holds a long break.
    """
    texts = [_fold(phrase.text) for phrase in phrases]
    similarity = _compare(texts, least=SIMILAR)
    found: list[_Block] = []
    for length in range(SHORTEST_BLOCK, min(LONGEST_BLOCK, len(texts) // 2) + 1):
        matches = _match_blocks(similarity, length)
        unbroken = [
            not any(_has_break(phrases, i) for i in range(first, first + length - 1)) for first in range(len(matches))
        ]
        for first in np.flatnonzero(unbroken):
            begins = _part_occurrences(np.flatnonzero(matches[first] & unbroken), length)
            if len(begins) > 1 and begins[0] == first:
                found.append(_Block(length, len(set(texts[first : first + length])), tuple(begins)))
    return found


def _off_middle_ms(at_ms: int, duration_ms: int) -> float:
    """How far a time is from the middle third of the song."""
    return max(duration_ms / 3 - at_ms, at_ms - duration_ms * 2 / 3, 0)


def _match_blocks(similarity: NDArray[np.float64], length: int) -> NDArray[np.bool_]:
    """Whether the blocks of `length` phrases that begin at row and column are the same."""
    count = len(similarity) - length + 1
    windows = [similarity[i : i + count, i : i + count] for i in range(length)]
    matches: NDArray[np.bool_] = (sum(windows) / length >= SIMILAR) & (windows[0] >= SIMILAR)
    return matches


def _part_occurrences(begins: Iterable[int], length: int) -> list[int]:
    """Those of the blocks at `begins`, in order, that do not overlap one before."""
    parted: list[int] = []
    for begin in begins:
        if not parted or begin - parted[-1] >= length:
            parted.append(int(begin))
    return parted


def _compare(texts: Sequence[str], *, least: float) -> NDArray[np.float64]:
    """How similar any two texts are, from 0 to 1; below `least` it may be 0. Nothing is similar to an empty text."""
    distinct = sorted(set(texts))
    table = np.zeros((len(distinct), len(distinct)))
    matcher = SequenceMatcher(autojunk=False)
    for i, text in enumerate(distinct):
        if not text:
            continue
        matcher.set_seq2(text)
        table[i, i] = 1
        for j in range(i):
            matcher.set_seq1(distinct[j])
            if matcher.real_quick_ratio() >= least and matcher.quick_ratio() >= least:
                table[i, j] = table[j, i] = matcher.ratio()
    places = [distinct.index(text) for text in texts]
    similarity: NDArray[np.float64] = table[np.ix_(places, places)]
    return similarity


def _fold(text: str) -> str:
    """The letters and digits of `text`, without case and width."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())[:MOST_LETTERS]
