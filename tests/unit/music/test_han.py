"""Chinese lyrics in both scripts, and their pinyin."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuefu.music.formats import format_named
from yuefu.music.han import add_pinyin, convert_script
from yuefu.music.lyrics import Line, Lyrics

BY_WORD = (
    "[ti:长亭外]\n[00:01.00]<00:01.00>长<00:01.20>亭 <00:01.40>oh<00:01.50>外<00:02.00>\n[00:03.00]头发 and 面条\n"
)
LYRICS = format_named("lrc").parse(BY_WORD.encode()).lyrics


def test_words_keep_their_times_in_the_other_script() -> None:
    converted = convert_script(LYRICS, "traditional")
    assert [line.text for line in converted.lines] == ["長亭 oh外", "頭髮 and 麵條"]
    assert [word.text for word in converted.lines[0].words] == ["長", "亭 ", "oh", "外"]
    assert [each.begin_ms for each in converted.lines[0].words] == [each.begin_ms for each in LYRICS.lines[0].words]
    assert converted.headers == {"ti": "長亭外"}
    assert convert_script(converted, "simplified") == LYRICS


def test_neighbours_tell_which_character_is_meant() -> None:
    line = Line(begin_ms=0, end_ms=1, text="皇后后来干杯理发", translation="干了", voices=(1,))
    (converted,) = convert_script(Lyrics(lines=(line,)), "traditional").lines
    assert (converted.text, converted.translation) == ("皇后後來乾杯理髮", "幹了")


def test_each_character_with_a_time_has_its_pinyin_and_other_words_none() -> None:
    first, second = add_pinyin(LYRICS).lines
    assert first.pronunciation == ("cháng", "tíng", "", "wài")
    assert second.pronunciation == ("tóu fà and miàn tiáo",)


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("男：我爱你，长亭外（啦）。", "nán： wǒ ài nǐ， cháng tíng wài （la）。"),
        ("我说：“好！”", "wǒ shuō：“hǎo！”"),
        ("(女)好 (oh) 吗?", "(nǚ) hǎo (oh) ma?"),
        ("《月亮》代表……心", "《yuè liàng》 dài biǎo…… xīn"),
    ],
)
def test_signs_stand_close_to_the_pinyin_they_belong_to(text: str, reading: str) -> None:
    (line,) = add_pinyin(Lyrics(lines=(Line(begin_ms=0, end_ms=1, text=text),))).lines
    assert line.pronunciation == (reading,)


def test_a_line_without_chinese_has_no_pinyin() -> None:
    line = Line(begin_ms=0, end_ms=1, text="la la")
    assert add_pinyin(Lyrics(lines=(line,))).lines == (line,)


@pytest.mark.parametrize("script", ["simplified", "traditional"])
@settings(deadline=None)
@given(text=st.text(max_size=30))
def test_any_text_can_be_converted_and_read(script: str, text: str) -> None:
    lyrics = format_named("yrc").parse(f"[0,900](0,300,0){text}(300,300,0)长{text}(600,300,0)里".encode()).lyrics
    converted = convert_script(lyrics, "simplified" if script == "simplified" else "traditional")
    for line, before in zip(converted.lines, lyrics.lines, strict=True):
        assert len(line.syllables) == len(before.syllables)
        assert "".join(syllable.text for syllable in line.syllables).strip() == line.text
    assert all(
        len(line.pronunciation) in {0, len(line.syllables)} for line in add_pinyin(converted).lines if line.words
    )
