"""What is particular to each lyric format: how others write it, and what is wrong with it."""

import contextlib
import json
import sys
import zlib
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from yuefu.music.formats import (
    FORMATS,
    LyricFormat,
    ParsedLyrics,
    UnknownFormat,
    format_named,
    krc,
    losses,
    read_format,
)
from yuefu.music.formats import written_format as written
from yuefu.music.formats.carries import ASPECTS, aspects
from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.text import LARGEST_BYTES
from yuefu.music.unreadable import NotInFormat, TooLarge, UnreadableSong
from yuefu.wire.client_api import KrcLyric, LrcLine, LrcLyric

DOCS = Path(__file__).parents[3] / "docs"
SUITES = Path(__file__).parents[3] / "../shared/data/ultrastar"


def parse(name: str, text: str | bytes) -> ParsedLyrics:
    return format_named(name).parse(text if isinstance(text, bytes) else text.encode(), file="a")


def words_of(name: str, text: str | bytes) -> list[tuple[str, int, int]]:
    """The words of the first line, with begin and end."""
    return [(word.text, word.begin_ms, word.end_ms) for word in parse(name, text).lyrics.lines[0].words]


TWO_WORDS = [("two ", 1200, 1600), ("words", 1600, 1900)]
KRC_LINE = "[1200,3400]<0,400,0>two <400,300,0>words"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lrc", "[00:01.20]<00:01.20>two <00:01.60>words<00:01.90>"),
        ("lrc", "[00:01:20] <00:01:200> two <00:01.6> words <00:01.90>"),
        ("krc", KRC_LINE),
        ("krc", "\ufeff[id:$00000000]\r\n[offset:0]\r\n[1200,3400]<0,400>two <400,300>words\r\n"),
        ("qrc", "[1200,3400]two (1200,400)words(1600,300)"),
        ("qrc", ('<?xml version="1.0"?><QrcInfos><LyricInfo><Lyric_1 LyricContent="[ti:a]&#10;[1200,3400]two (1200,400)'
         'words(1600,300)&#10;"/></LyricInfo></QrcInfos>')),
        ("yrc", '{"t":0,"c":[{"tx":"作词: "}]}\n[1200,3400](1200,400,0)two (1600,300,0)words'),
        ("ass", "[Events]\nDialogue: 0,0:00:01.20,0:00:04.60,Default,,0,0,0,,{\\an8\\k40}two {\\K30\\b1}words"),
        ("ass", "[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:04.60,{\\k20}{\\kf40}two {\\ko30}words"),
        ("vtt", "WEBVTT\n\n1\n00:01.200 --> 00:04.600 align:center\ntwo <00:01.600><c.x>words</c><00:01.900>"),
        ("ttml", ('<tt><body><p begin="1.2" end="4.6"><span begin="1.2" end="1.6">two</span> '
         '<span begin="1.6s" dur="300ms">words</span></p></body></tt>')),
        ("ttml", ('<tt xmlns="http://www.w3.org/2006/10/ttaf1"><body><p begin="00:01.2" end="00:00:04.6">\n  '
         '<span begin="0" end="0.4">two</span>\n  <span begin="0.4" end="0.7">words</span></p></body></tt>')),
        ("krc-json", json.dumps({"lines": [{"begin_time": 1200, "duration": 3400, "content": "two words", "words": [
            {"offset": 0, "duration": 400, "word": "two "}, {"offset": 400, "duration": 300, "word": "words"}]}]})),
        ("ultrastar", "#TITLE:a\n#ARTIST:b\n#BPM:1500\n: 120 40 0 two \n: 160 30 0 words\nE"),
    ],
)  # fmt: skip
def test_words_and_their_times_are_read(name: str, text: str) -> None:
    assert words_of(name, text) == TWO_WORDS


@pytest.mark.parametrize("name", ["lrc", "krc", "qrc", "yrc", "ass", "vtt", "ttml", "krc-json", "ultrastar"])
@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff\xfe\x80" * 500, "[offset:x]\n你好".encode("gb18030"), b"\n" * LARGEST_BYTES]
)
def test_what_holds_no_lyrics_is_a_finding_or_an_error_that_says_so(name: str, data: bytes) -> None:
    try:
        parsed = parse(name, data)
    except UnreadableSong:
        return
    assert parsed.lyrics.lines == ()
    assert "no line carries a time" in {finding.problem for finding in parsed.findings}


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("krc", "[-500,900]<0,900,0>a", "a word begins before the song"),
        ("krc", "[0,900]<500,100,0>a<200,100,0>b", "a word begins before the one before it ends"),
        ("krc", "[0,900]<500,-100,0>a", "a word ends before it begins"),
        ("krc", "[0,900]<0,900000000,0>a", "a word ends later than any song"),
        ("krc", "[999999999,900]<0,1,0>a", "a word begins later than any song ends"),
        ("krc", "[1000,900]<-500,100,0>a", "a word begins before its line"),
        ("krc", "[language:!!!]\n[0,9]<0,9,0>a", "the tag of languages cannot be read"),
        ("krc", "just words\n[0,9]<0,9,0>a", "a line has no time"),
        ("lrc", "[00:02.00]<00:03.00>a<00:01.00>b", "a word begins before the one before it"),
        ("qrc", "[0,900]a(0,100)b", "a word has no time"),
        ("vtt", "WEBVTT\n\n00:02.000 --> 00:01.000\na", "a line ends before it begins"),
        ("vtt", "WEBVTT\n\n00:02.000 -> 00:01.000\na", "a cue has no time"),
        ("ass", "[Events]\nDialogue: 0,soon,later,,,,,,,a", "a line of dialogue has no time or no text"),
        ("ttml", '<tt><p begin="soon" end="1">a</p></tt>', "'soon' is no time"),
        ("ttml", "<tt><p>a</p></tt>", "a paragraph has no time"),
        ("lrc", "[00:01]a\n" + "x" * 20_001, "a line has more than 20,000 characters"),
    ],
)
def test_what_is_wrong_is_found_at_its_line(name: str, text: str, problem: str) -> None:
    found = {finding.problem: finding for finding in parse(name, text).findings}
    assert problem in found
    if name != "ttml" and "no time" in problem:
        assert found[problem].line is not None


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("krc", b"krc1 this was never packed", "does not unpack"),
        ("qrc", b"0123456789ABCDEF" * 8, "encrypted"),
        ("qrc", b"<?xml version='1.0'?><a/>", "LyricContent"),
        ("vtt", b"1\n00:01.000 --> 00:02.000\na", "WEBVTT"),
        ("ass", b"1\n00:01.000 --> 00:02.000\na", "[Events]"),
        ("ttml", b'<!DOCTYPE tt [<!ENTITY a "b">]><tt>&a;</tt>', "document type"),
        ("ttml", b'<!doctype tt SYSTEM "file:///etc/hostname"><tt/>', "document type"),
        ("ttml", b"<tt><p></tt>", "not well-formed"),
        ("ttml", b"<html/>", "'html' and not 'tt'"),
        ("ttml", b"<tt>" + b"<p>" * 300 + b"</p>" * 300 + b"</tt>", "not well-formed"),
        ("krc-json", b'{"lines": [', "truncated"),
        ("krc-json", b"[1, 2]", "Expected `object`"),
        ("krc-json", b'{"lines": [{"begin_time": "1"}]}', "begin_time"),
        ("krc-json", b"[" * 100_000, ""),
        ("ttml", b"<tt " + b" ".join(b'a%d="1"' % i for i in range(9_000)) + b"/>", "characters of its own"),
    ],
)
def test_what_is_not_in_the_format_is_refused_with_the_reason(name: str, text: bytes, reason: str) -> None:
    with pytest.raises(NotInFormat) as refused:
        parse(name, text)
    assert reason in str(refused.value)


def test_what_unpacks_to_more_than_a_text_is_refused() -> None:
    bomb = krc.encrypt(b"[0,9]<0,9,0>a\n" * (LARGEST_BYTES // 10))
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge):
        parse("krc", bomb)


def test_packed_text_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    text = "".join(f"[{i * 1000},900]<0,{i},0>{chr(0x4E00 + i * 7 % 5000)}\n" for i in range(400)).encode()
    parsed = parse("krc", krc.encrypt(text)[:-800])
    assert 50 < len(parsed.lyrics.lines) < 400
    assert "the packed text breaks off" in {finding.problem for finding in parsed.findings}


def test_a_krc_is_packed_and_xored_with_the_known_key() -> None:
    packed = krc.encrypt(b"\xef\xbb\xbf[0,9]<0,9,0>a")
    assert packed.startswith(b"krc18")  # the first byte of every such stream is x
    key = bytes.fromhex("404761775e3274475136312dced26e69")
    stream = bytes(byte ^ key[i % 16] for i, byte in enumerate(packed[4:]))
    assert zlib.decompress(stream) == b"\xef\xbb\xbf[0,9]<0,9,0>a"


def test_krc_has_translations_by_line_and_readings_by_word() -> None:
    layers = {
        "content": [
            {"language": 0, "type": 0, "lyricContent": [["mo ", "li "], ["hua"]]},
            {"language": 0, "type": 1, "lyricContent": [["jasmine"], [""]]},
        ],
        "version": 1,
    }
    tag = b64encode(json.dumps(layers).encode()).decode()
    text = f"[language:{tag}]\n[0,900]<0,400,0>茉<400,500,0>莉\n[bg:<100,300,0>(啊)]\n[1000,900]<0,900,0>花\n"
    first, behind, second = parse("krc", text).lyrics.lines
    assert (first.pronunciation, first.translation) == (("mo", "li"), "jasmine")
    assert (second.pronunciation, second.translation) == (("hua",), "")
    assert (behind.is_background, behind.text, behind.begin_ms) == (True, "(啊)", 100)


@pytest.mark.parametrize("name", ["krc", "qrc", "yrc"])
def test_an_offset_makes_every_line_and_word_earlier(name: str) -> None:
    text = {
        "krc": "[500,900]<0,400,0>a",
        "qrc": "[500,900]a(500,400)",
        "yrc": "[500,900](500,400,0)a",
    }[name]
    (line,) = parse(name, f"[offset:200]\n{text}").lyrics.lines
    assert (line.begin_ms, line.words[0].end_ms, line.end_ms) == (300, 700, 1200)


def test_ttml_of_players_keeps_singers_layers_and_what_is_sung_behind() -> None:
    text = """<?xml version="1.0" encoding="utf-8"?>
    <tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata"
        xmlns:itunes="http://music.apple.com/lyric-ttml-internal">
    <head><metadata><ttm:agent type="person" xml:id="v1"/><ttm:agent type="other" xml:id="v2"/>
      <ttm:agent type="group" xml:id="v1000"/>
      <iTunesMetadata><translations><translation><text for="L2">hello</text></translation></translations>
      <transliterations><transliteration><text for="L2">ni hao</text></transliteration></transliterations>
      </iTunesMetadata></metadata></head><body><div>
    <p begin="1.0" end="3.0" ttm:agent="v2" itunes:key="L1"><span begin="1.0" end="1.5">wor</span><span begin="1.5"
      end="2.0">ds</span><span ttm:role="x-bg"><span begin="2.1" end="2.5">(ooh)</span></span><span
      ttm:role="x-translation" xml:lang="zh">词</span></p>
    <p begin="4" end="6" ttm:agent="v1000" itunes:key="L2"><span begin="4" end="5">你</span><span begin="5"
      end="6">好</span></p></div></body></tt>"""
    words, behind, hello = parse("ttml", text).lyrics.lines
    assert (words.text, len(words.words), len(words.syllables), words.voices) == ("words", 1, 2, (2,))
    assert words.translation == "词"
    assert (behind.text, behind.is_background, behind.begin_ms, behind.end_ms) == ("(ooh)", True, 2100, 2500)
    assert (hello.voices, hello.translation, hello.pronunciation) == ((1, 2), "hello", ("ni", "hao"))


@pytest.mark.parametrize(
    ("written_time", "time_ms"),
    [("1.5", 1_500), ("1:02.5", 62_500), ("1:00:00.25", 3_600_250), ("500ms", 500), ("1.5m", 90_000),
     ("0.5h", 1_800_000),
     ("15f", 500), ("20t", 2_000), ("00:00:01:15", 1_500)],
)  # fmt: skip
def test_ttml_times_are_clocks_or_numbers_with_a_unit(written_time: str, time_ms: int) -> None:
    text = f'<tt frameRate="30" tickRate="10"><p begin="{written_time}" dur="1s">a</p></tt>'
    assert parse("ttml", text).lyrics.begin_ms == time_ms


def test_names_of_singers_come_back_in_the_order_of_their_voices() -> None:
    lines = (
        Line(begin_ms=0, end_ms=500, text="a", voices=(2,)),
        Line(begin_ms=500, end_ms=900, text="b", voices=(1, 2)),
    )
    lyrics = Lyrics(lines=lines, voice_names=("甲, 乙", "a/b"))
    for name in ("ass", "vtt"):
        read = format_named(name).parse(format_named(name).render(lyrics)).lyrics
        assert [line.voices for line in read.lines] == [(2,), (1, 2)]
    assert parse(
        "vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n<v 乙>a\n\n00:02.000 --> 00:03.000\n<v 甲>b"
    ).lyrics.voices == (1, 2)


@pytest.mark.parametrize(
    ("text", "name"),
    [(KRC_LINE, "krc"), ("[0,9]a(0,9)", "qrc"), ("[0,9](0,9,0)a", "yrc"), ("[ti:a]\n[00:01.00]a", "lrc"),
     ("#TITLE:a\n: 0 1 2 a", "ultrastar"), ("nothing", "ultrastar")],
)  # fmt: skip
def test_a_txt_is_read_as_what_it_holds(text: str, name: str) -> None:
    assert read_format(".TXT", text.encode()).name == name


def test_json_is_written_with_words_where_there_are_any() -> None:
    assert written(".json", parse("krc", KRC_LINE).lyrics).name == "krc-json"
    assert written(".json", parse("lrc", "[00:01]a").lyrics).name == "lrc-json"


def test_an_extension_of_no_format_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownFormat, match=r"'\.doc' .*enhanced-lrc.*ttml"):
        read_format(".doc", b"")


def test_the_page_on_lyrics_shows_the_table_of_what_formats_hold() -> None:
    rows = [("Format", "File", *ASPECTS), ("---",) * (len(ASPECTS) + 2)]
    rows += [(f"`{each.name}`", f"`{each.suffix}`", *aspects(each.carries)) for each in FORMATS]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    assert table in (DOCS / "lyrics.md").read_text("utf-8"), f"put this into docs/lyrics.md:\n\n{table}"


def test_lyrics_as_they_were_stored_before_there_were_layers_are_read() -> None:
    stored = b'{"lines":[{"begin_ms":0,"end_ms":9,"text":"a","words":[],"voices":[1]}],"voice_names":[]}'
    assert msgspec.json.decode(stored, type=Lyrics) == Lyrics(lines=(Line(begin_ms=0, end_ms=9, text="a"),))


def test_the_json_answers_are_those_of_the_wire() -> None:
    lyrics = parse("krc", f"[ti:月亮]\n{KRC_LINE}").lyrics
    words = msgspec.json.decode(format_named("krc-json").render(lyrics), type=KrcLyric)
    assert (words.ti, words.lenght, words.krc_format_offset) == ("月亮", 4600, 0)
    assert [(word.offset, word.duration, word.word) for word in words.lines[0].words] == [
        (0, 400, "two "),
        (400, 300, "words"),
    ]
    line_lyrics = msgspec.json.decode(format_named("lrc-json").render(lyrics), type=LrcLyric)
    assert line_lyrics.lines == [LrcLine(begin_time=1200, end_time=4600, content="two words")]
    assert line_lyrics.lrc_format == "[ti:月亮]\r\n[00:01.20]two words\r\n"
    assert line_lyrics.offset == 0


def test_overlaps_that_a_format_cannot_hold_are_said() -> None:
    lines = (
        Line(begin_ms=0, end_ms=5_000, text="a", voices=(1,)),
        Line(begin_ms=4_000, end_ms=9_000, text="b", voices=(2,)),
        Line(begin_ms=4_000, end_ms=9_000, text="c", voices=(1,)),
    )
    assert losses(Lyrics(lines=lines), format_named("lrc").carries) == [
        "how long 2 lines last into the next",
        "that 1 line began together with the one before: read as its translation",
        "who sings which line",
    ]


def test_brackets_between_timed_spans_are_sung_with_their_words() -> None:
    text = (
        """<tt><p begin="1" end="4">(<span begin="1" end="2">oh</span>) <span begin="2" end="3">yeah</span>!</p></tt>"""
    )
    assert words_of("ttml", text) == [("(oh) ", 1000, 2000), ("yeah!", 2000, 3000)]


def test_one_wrong_time_does_not_make_all_others_relative() -> None:
    good = "".join(f'<p begin="{n}" end="{n + 1}"><span begin="{n}" end="{n + 1}">a</span></p>' for n in range(5, 9))
    bad = '<p begin="20" end="21"><span begin="2" end="21">b</span></p>'
    assert [line.begin_ms for line in parse("ttml", f"<tt>{good}{bad}</tt>").lyrics.lines] == [
        2000,
        5000,
        6000,
        7000,
        8000,
    ]


def test_a_sign_with_a_time_of_its_own_does_not_join_the_words_beside_it() -> None:
    text = "[0,900]<0,300,0>茉<300,300,0>，<600,300,0>ah"
    assert words_of("krc", text) == [("茉，", 0, 600), ("ah", 600, 900)]


def test_a_song_text_begins_with_a_note_and_not_with_the_end_of_a_phrase() -> None:
    text = format_named("ultrastar").render(parse("krc", KRC_LINE).lyrics).decode()
    notes = [line for line in text.splitlines() if not line.startswith("#")]
    assert notes == ["F 1200 400 0 two ", "F 1600 300 0 words", "E"]


def test_written_ttml_has_what_the_recommendation_demands_of_its_root() -> None:
    root = etree.fromstring(format_named("ttml").render(parse("krc", KRC_LINE).lyrics))
    assert root.tag == "{http://www.w3.org/ns/ttml}tt"
    assert "{http://www.w3.org/XML/1998/namespace}lang" in root.attrib


PIECES = [
    "[00:01.00]",
    "[1000,500]",
    "<0,100,0>",
    "(1000,100,0)",
    "(1000,100)",
    "<00:02.00>",
    "[",
    "]",
    "<",
    ">",
    "(",
    ")",
    "{",
    "}",
    "\\k10",
    "{\\kf20}",
    "[Events]\n",
    "Dialogue: 0,0:00:01.00,0:00:02.00,,男,,,,,",
    "WEBVTT\n\n",
    "[bg:",
    "[language:",
    "00:01.000 --> 00:02.000\n",
    "<v 甲>",
    "\n",
    "\n\n",
    "NOTE voice 1: 甲\n",
    "<tt>",
    "</tt>",
    "<p begin='1' end='2'>",
    "</p>",
    "&amp;",
    "<span begin='1' end='3'>",
    "</span>",
    "[offset:-900]",
    " ",
    "我",
    "爱 ",
    "a",
    "-",
    "99999999",
    "\u2028",
    "\x85",
]


@pytest.mark.parametrize("lyric_format", {each.parse: each for each in FORMATS}.values(), ids=lambda each: each.name)
@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=60).map(lambda p: "".join(p).encode()))
def test_any_bytes_are_refused_or_give_lines_in_order_that_any_format_can_write(
    lyric_format: LyricFormat, data: bytes
) -> None:
    try:
        parsed = lyric_format.parse(data)
    except UnreadableSong:
        return
    check_sound(parsed.lyrics)
    for target in FORMATS:
        again = target.parse(target.render(parsed.lyrics)).lyrics if parsed.lyrics.lines else parsed.lyrics
        check_sound(again)


def check_sound(lyrics: Lyrics) -> None:
    assert list(lyrics.lines) == sorted(lyrics.lines, key=lambda line: line.begin_ms)
    for line in lyrics.lines:
        assert 0 <= line.begin_ms < line.end_ms
        assert line.text
        assert line.text == "".join(word.text for word in line.words).strip() or not line.words
        at_ms = line.begin_ms
        for syllable in line.syllables:
            assert at_ms <= syllable.begin_ms < syllable.end_ms <= line.end_ms
            at_ms = syllable.end_ms
        assert len(line.pronunciation) in {0, 1, len(line.syllables)}


@pytest.mark.skipif(not SUITES.is_dir(), reason="the third-party song suites are not beside the repository")
def test_every_real_text_is_read_or_refused_in_every_format() -> None:
    texts = sorted(SUITES.rglob("*.txt"))
    assert len(texts) > 50
    for path in texts:
        for lyric_format in {each.parse: each for each in FORMATS}.values():
            try:
                check_sound(lyric_format.parse(path.read_bytes()).lyrics)
            except UnreadableSong:
                continue


def krc_with_readings(*lines: object, text: str) -> Lyrics:
    layers = {"content": [{"language": 0, "type": 0, "lyricContent": lines}], "version": 1}
    tag = b64encode(json.dumps(layers).encode()).decode()
    return parse("krc", f"[language:{tag}]\n{text}").lyrics


@pytest.mark.parametrize("reading", [["mo li hua kai"], "mo li hua kai", ["mo li", "hua kai"]])
def test_a_krc_reading_of_a_whole_line_is_the_lines(reading: object) -> None:
    text = "[0,900]<0,300,0>茉<300,300,0>莉<600,300,0>花\n[1000,900]<0,900,0>啦\n"
    first, second = krc_with_readings(reading, ["la"], text=text).lines
    assert (first.pronunciation, second.pronunciation) == (("mo li hua kai",), ("la",))


@pytest.mark.parametrize(
    ("reading", "pronunciation"),
    [
        (["moli hua"], ("moli hua",)),
        (["mo li hua"], ("mo", "li", "hua")),
        (["mo", "li", "hua"], ("mo", "li", "hua")),
        ([""], ()),
        ([], ()),
        (None, ()),
    ],
)
def test_a_krc_reading_of_a_line_with_one_time_is_not_all_given_to_its_first_word(
    reading: object, pronunciation: tuple[str, ...]
) -> None:
    (line,) = krc_with_readings(reading, text="[0,900]<0,900,0>茉莉花\n").lines
    assert line.pronunciation == pronunciation


def test_more_than_one_krc_translation_is_a_finding() -> None:
    layers = {"content": [{"type": 1, "lyricContent": [["one"]]}, {"type": 1, "lyricContent": [["eins"]]}]}
    tag = b64encode(json.dumps(layers).encode()).decode()
    parsed = parse("krc", f"[language:{tag}]\n[0,9]<0,9,0>a")
    assert parsed.lyrics.lines[0].translation == "one"
    assert [finding.action for finding in parsed.findings] == ["took the first of each"]


@pytest.mark.parametrize(
    ("cue", "text", "end_ms"),
    [
        ("a <00:09.000>b <00:11.000>c", "a b c", 11_001),
        ("<00:03.000>a <00:05.500>b", "a b", 6_000),
        ("a<00:07.000>", "a", 7_000),
    ],
)
def test_words_outside_their_cue_are_kept_and_found(cue: str, text: str, end_ms: int) -> None:
    parsed = parse("vtt", f"WEBVTT\n\n00:05.000 --> 00:06.000\n{cue}")
    (line,) = parsed.lyrics.lines
    assert (line.text, line.end_ms) == (text, end_ms)
    assert ("a time inside a cue lies outside it", 3) in {(each.problem, each.line) for each in parsed.findings}


def test_all_that_a_cue_says_is_kept() -> None:
    cue = "<v 甲>hello</v>\n<v 乙>there</v>\n<c.translation>bon</c>\n<c.translation>jour</c>"
    parsed = parse("vtt", f"WEBVTT\n\n00:05.000 --> 00:06.000\n{cue}")
    (line,) = parsed.lyrics.lines
    assert (line.text, line.voices, line.translation) == ("hello there", (1, 2), "bon jour")
    assert [each.problem for each in parsed.findings] == ["several singers share a cue"]


@pytest.mark.parametrize(
    ("offset", "kept", "problem"),
    [
        (5_000, ["a", "b"], "a line begins before the song"),
        (-9_999_999, ["a"], "a line begins later than any song ends"),
    ],
)
def test_an_lrc_offset_out_of_the_song_is_found_at_its_line(offset: int, kept: list[str], problem: str) -> None:
    parsed = parse("lrc", f"[offset:{offset}]\n[00:01.00]a\n[200:00.00]b\n")
    assert [line.text for line in parsed.lyrics.lines] == kept
    assert problem in {each.problem for each in parsed.findings if each.line}


SPELT = "[0,9000](0,4000,0)[00:05.00]<00:02.00>(5,6)(4000,5000,0)<1,2,3>(x)"


@pytest.mark.parametrize("name", ["lrc", "enhanced-lrc", "krc", "krc-text", "qrc", "yrc"])
def test_words_that_spell_a_time_stay_words(name: str) -> None:
    lyrics = parse("yrc", SPELT).lyrics
    (line,) = parse(name, format_named(name).render(lyrics)).lyrics.lines
    assert line.text.translate(str.maketrans("＜＞（）［］", "<>()[]")) == lyrics.lines[0].text
    assert (line.begin_ms, line.end_ms) == (0, 9000)


ONE_LINE = {
    "lrc": ("[00:01.00]", "<0:1>a", ""),
    "krc": ("[0,9]", "<0,1,0>a", ""),
    "qrc": ("[0,9]", "a(0,1)", ""),
    "yrc": ("[0,9]", "(0,1,0)a", ""),
    "ultrastar": ("#TITLE:a\n#BPM:300\n: 0 9 0 ", "a ", ""),
    "ttml": ('<tt><p begin="0" end="9">', '<s begin="1" end="2">a</s>', "</p></tt>"),
    "ass": ("[Events]\nDialogue: 0,0:00:01.00,0:00:09.00,,,,,,,", "{\\k1}a", ""),
    "vtt": ("WEBVTT\n\n00:01.000 --> 00:09.000\n", "a<00:01.5>", ""),
    "krc-json": (
        '{"lines":[{"begin_time":0,"content":"","words":[',
        '{"offset":0,"duration":1,"word":"a"},',
        '{"offset":0,"duration":1,"word":"a"}]}]}',
    ),
}
MANY_LINES = {
    "lrc": ("", "[0:1]" * 100 + "<0:2>a" * 3_000 + "\n", ""),
    "krc": ("", "[0,9]" + "<0,1,0>a" * 2_000 + "\n", ""),
    "qrc": ("", "[0,9]" + "a(0,1)" * 2_000 + "\n", ""),
    "yrc": ("", "[0,9]" + "(0,1,0)a" * 2_000 + "\n", ""),
    "ass": ("[Events]\n", "Dialogue: 0,0:00:01.00,0:00:09.00,,,,,,," + "{\\k1}a" * 2_000 + "\n", ""),
    "vtt": ("WEBVTT\n\n", "00:01.000 --> 00:09.000\n" + "a<00:01.5>" * 1_500 + "\n\n", ""),
    "ttml": ("<tt>", '<p begin="0" end="9">' + '<s begin="1" end="2">aaaa</s>' * 700 + "</p>", "</tt>"),
}


def calls_of(lyric_format: LyricFormat, data: bytes) -> int:
    """How many calls reading takes, of Python's functions and of its built-in ones: the same on any machine."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        with contextlib.suppress(UnreadableSong):
            lyric_format.parse(data)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    ("name", "pattern"),
    [*((name, ONE_LINE[name]) for name in ONE_LINE), *((name, MANY_LINES[name]) for name in MANY_LINES)],
)
def test_twice_the_text_takes_about_twice_the_work(name: str, pattern: tuple[str, str, str]) -> None:
    head, unit, tail = pattern
    once, twice = (
        (head + unit * (size // len(unit)) + tail).encode() for size in (LARGEST_BYTES // 32, LARGEST_BYTES // 16)
    )
    lyric_format = format_named(name)
    assert calls_of(lyric_format, twice) < 2.5 * calls_of(lyric_format, once) + 100


@pytest.mark.parametrize("name", sorted(ONE_LINE))
def test_one_line_as_long_as_a_file_is_told_and_not_worked_on(name: str) -> None:
    head, unit, tail = ONE_LINE[name]
    data = (head + unit * ((LARGEST_BYTES - 1_000) // len(unit)) + tail).encode()
    try:
        parsed = parse(name, data)
    except UnreadableSong:
        return
    assert parsed.lyrics.lines == ()
    assert any(
        "more than 20,000 characters" in finding.problem or "more than 1,000,000 " in finding.problem
        for finding in parsed.findings
    )


@pytest.mark.parametrize("name", sorted(MANY_LINES))
def test_more_words_than_any_song_has_are_refused(name: str) -> None:
    head, unit, tail = MANY_LINES[name]
    with pytest.raises(TooLarge, match="at most 200,000"):
        parse(name, head + unit * (230_000 // unit.count("a")) + tail)


def test_an_element_of_very_many_attributes_is_refused() -> None:
    with pytest.raises(TooLarge, match="attributes"):
        parse("ttml", "<tt><p " + " ".join(f'a{number}="1"' for number in range(200)) + ">a</p></tt>")
