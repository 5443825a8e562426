"""One suite for every lyric format: what is written comes back, as far as the format says it can carry it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuefu.music.formats import FORMATS, LyricFormat, carried, losses
from yuefu.music.lyrics import Line, Lyrics, Syllable, gather_words

HAN = st.sampled_from("茉莉花我爱你送别长亭外，。")
LATIN = st.builds(str.__add__, st.sampled_from("abéßмя"), st.text(st.sampled_from("abcdeéßмя&'’<>!"), max_size=5))
PLAIN = st.sampled_from(["好", "la la", "好一朵 jasmine, <oh> & 花", "d'accord", "é"])
NAMES = ["甲", "Ann B.", "R&B"]
READINGS = st.sampled_from(["", "mò", "lì", "huā", "cháng"])
TAGS = {"ti": "月亮 (Live)", "ar": "甲、乙", "al": "专辑", "by": "someone", "la": "zh", "ge": "民歌"}


@st.composite
def sung_lines(draw: st.DrawFn, *, unit_ms: int, begin_ms: int) -> Line:
    """A line with the time of each syllable, in steps of `unit_ms`."""
    syllables: list[Syllable] = []
    at_ms = begin_ms
    for _ in range(draw(st.integers(1, 5))):
        text = draw(HAN | LATIN) + draw(st.sampled_from(["", "", " "]))
        at_ms += draw(st.sampled_from([0, 0, 3])) * unit_ms if syllables else 0
        length_ms = draw(st.integers(1, 40)) * unit_ms
        syllables.append(Syllable(begin_ms=at_ms, duration_ms=length_ms, text=text))
        at_ms += length_ms
    words = gather_words(syllables)
    text = "".join(word.text for word in words)
    return Line(
        begin_ms=begin_ms, end_ms=at_ms + draw(st.sampled_from([0, 0, 7])) * unit_ms, text=text.strip(), words=words
    )


@st.composite
def lyrics_for(draw: st.DrawFn, lyric_format: LyricFormat) -> Lyrics:
    """Lyrics with everything that lyrics can have, on the grid of the format's clock."""
    unit_ms = lyric_format.carries.resolution_ms
    voices = st.sets(st.integers(1, 2 if lyric_format.name == "ultrastar-0" else 9), min_size=1, max_size=3)
    lines: list[Line] = []
    at_ms = draw(st.integers(0, 500)) * unit_ms
    for number in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            line = draw(sung_lines(unit_ms=unit_ms, begin_ms=at_ms))
        else:
            end_ms = at_ms + draw(st.integers(20, 3_000)) * unit_ms
            line = Line(begin_ms=at_ms, end_ms=end_ms, text=draw(PLAIN))
        if is_background := number > 0 and draw(st.integers(0, 3)) == 0:
            line = msgspec.structs.replace(line, end_ms=line.words[-1].end_ms if line.words else line.end_ms)
        lines.append(
            msgspec.structs.replace(
                line,
                voices=tuple(sorted(draw(voices))),
                is_background=is_background,
                translation="" if is_background else draw(st.sampled_from(["", "a moon", "月亮 & <mond>"])),
                pronunciation=() if is_background else draw(readings(len(line.syllables))),
            )
        )
        at_ms = line.end_ms + draw(st.integers(0, 900)) * unit_ms
    tags = draw(st.sets(st.sampled_from(sorted(TAGS)))) | {"ar"}
    names = draw(st.permutations(NAMES))
    return number_voices(Lyrics(lines=tuple(lines), headers={tag: TAGS[tag] for tag in sorted(tags)}), names)


def readings(syllable_count: int) -> st.SearchStrategy[tuple[str, ...]]:
    """Nothing, a reading of the whole line, or one for each of its syllables."""
    nothing, whole = st.just(()), st.just(("mò lì huā kāi",))
    each = st.lists(READINGS, min_size=syllable_count, max_size=syllable_count).filter(any).map(tuple)
    if not syllable_count:
        return nothing | whole
    return nothing | each if syllable_count in {1, 4} else nothing | each | whole


def number_voices(lyrics: Lyrics, names: list[str]) -> Lyrics:
    """The lyrics with voices numbered from 1 without gaps, the first three of them named."""
    numbers = {voice: number for number, voice in enumerate(lyrics.voices, 1)}
    lines = (
        msgspec.structs.replace(line, voices=tuple(numbers[voice] for voice in line.voices)) for line in lyrics.lines
    )
    return msgspec.structs.replace(lyrics, lines=tuple(lines), voice_names=tuple(names[: len(numbers)]))


every_format = pytest.mark.parametrize("lyric_format", FORMATS, ids=lambda each: each.name)


@every_format
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_written_comes_back_as_far_as_the_format_carries_it(
    lyric_format: LyricFormat, data: st.DataObject
) -> None:
    lyrics = data.draw(lyrics_for(lyric_format))
    expected = carried(lyrics, lyric_format.carries)
    read = lyric_format.parse(lyric_format.render(lyrics))
    assert read.lyrics == expected
    assert read.findings == ()
    assert (losses(lyrics, lyric_format.carries) == []) == (lyrics == expected)
    assert losses(expected, lyric_format.carries) == []
