import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.music.text import LARGEST_BYTES, check_size, decode, split_lines
from yuefu.music.unreadable import TooLarge

CHINESE = "你问我爱你有多深，我爱你有几分？月亮代表我的心。"
TRADITIONAL = "你問我愛你有多深，我愛你有幾分？月亮代表我的心。"
SONG = "#TITLE:{0}\r\n#BPM:200\r\n: 0 4 12 {1}\r\n: 4 4 12 {2}\r\nE\r\n"


def song_of(text: str) -> str:
    return SONG.format(text, text[0], text[1]) + "".join(f": {8 + i} 1 0 {sign}\r\n" for i, sign in enumerate(text))


@pytest.mark.parametrize(
    ("text", "written_as", "read_as"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8"),
        (CHINESE, "utf-16", "utf-16-le"),
        (CHINESE, "utf-16-le", "utf-16-le"),
        (CHINESE, "utf-16-be", "utf-16-be"),
        (CHINESE, "utf-32", "utf-32-le"),
        (CHINESE, "gbk", "gb18030"),
        (TRADITIONAL, "big5", "big5hkscs"),
        ("Tränenüberströmt nach Fußmassage", "cp1252", "cp1252"),
        ("L’été déjà s’en va – où ça ?", "cp1252", "cp1252"),
        ("plain words", "ascii", "utf-8"),
    ],
)
def test_a_text_without_a_label_is_read_as_what_it_was_written_as(text: str, written_as: str, read_as: str) -> None:
    decoded = decode(song_of(text).encode(written_as))
    assert decoded.text == song_of(text)
    assert decoded.encoding == read_as


def test_what_was_assumed_is_a_finding() -> None:
    (finding,) = decode(song_of(CHINESE).encode("gbk"), file="song.txt").findings
    assert finding.file == "song.txt"
    assert finding.action == "read as GB18030"
    assert not decode(song_of(CHINESE).encode()).findings


@pytest.mark.parametrize(
    ("declared", "written_as", "text"),
    [
        ("CP1250", "cp1250", "Příliš žluťoučký kůň"),
        ("ISO-8859-2", "iso-8859-2", "Příliš žluťoučký kůň"),
        ("windows-1251", "cp1251", "Подмосковные вечера"),
        ("KOI8-R", "koi8-r", "Подмосковные вечера"),
        ("GBK", "gbk", CHINESE),
        ("shift_jis", "shift_jis", "さくらさくら"),
        ("utf8", "utf-8", CHINESE),
    ],
)
def test_a_declared_encoding_is_believed(declared: str, written_as: str, text: str) -> None:
    decoded = decode(text.encode(written_as), declared=declared)
    assert decoded.text == text
    assert not decoded.findings


def test_utf_8_is_read_as_such_whatever_it_declares() -> None:
    decoded = decode("Käse".encode(), declared="CP1252")
    assert decoded.text == "Käse"
    assert decoded.findings[0].action == "read as UTF-8"


@pytest.mark.parametrize("declared", ["klingon", "zip", "rot13", "unicode_escape", "utf-7", "cp99999", "\0"])
def test_an_unknown_encoding_is_a_finding_and_no_codec_is_run_by_its_name(declared: str) -> None:
    decoded = decode("Käse".encode("cp1252"), declared=declared)
    assert decoded.text == "Käse"
    assert "unknown" in decoded.findings[0].problem


def test_a_wrong_declaration_is_a_finding() -> None:
    decoded = decode("Käse und Gemüse".encode("cp1252"), declared="UTF8")
    assert decoded.text == "Käse und Gemüse"
    assert [finding.action for finding in decoded.findings] == ["guessed it", "read as CP1252"]


def test_auto_declares_nothing() -> None:
    assert not decode(b"la la la", declared="AUTO").findings


def test_one_broken_byte_does_not_make_a_utf_8_text_something_else() -> None:
    decoded = decode(CHINESE.encode() * 2 + b"\xff" + CHINESE.encode())
    assert decoded.encoding == "utf-8"
    assert CHINESE in decoded.text


def test_lines_end_in_any_way_but_not_at_a_unicode_separator() -> None:
    assert split_lines("a\r\nb\rc\nd\u2028e\x0bf") == ["a", "b", "c", "d\u2028e\x0bf"]


def test_a_text_of_many_megabytes_is_refused() -> None:
    check_size(bytes(LARGEST_BYTES))
    with pytest.raises(TooLarge, match="4,194,305 bytes"):
        check_size(bytes(LARGEST_BYTES + 1))


@given(st.binary(max_size=300), st.none() | st.text(max_size=12))
def test_any_bytes_give_text_without_control_characters(data: bytes, declared: str | None) -> None:
    text = decode(data, declared=declared).text
    assert not [sign for sign in text if (ord(sign) < 32 and sign not in "\t\r\n") or 127 <= ord(sign) < 160]
    text.encode()


@pytest.mark.parametrize("sample", [b"\xe4", b"\xa4\x40", b"\xb0\xa1", b"\0a", b"\xff\xfe", b"\x81\x30"])
def test_the_largest_text_is_read_quickly(sample: bytes) -> None:
    begin_s = time.perf_counter()
    decode((sample * LARGEST_BYTES)[:LARGEST_BYTES])
    assert time.perf_counter() - begin_s < 5
