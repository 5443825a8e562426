import time
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.music.findings import Finding
from yuefu.music.notes import NoteKind
from yuefu.music.ultrastar import (
    NoHeaders,
    NoNotes,
    NoTempo,
    NoTitle,
    TooLarge,
    UltraStarSong,
    UnreadableSong,
    is_song_text,
    parse,
    render,
)
from yuefu.units import Span

HEADER = "#TITLE:月光\n#ARTIST:甲\n#BPM:150\n"
"""At this tempo a beat lasts 100 ms."""


def song_of(body: str, header: str = "") -> UltraStarSong:
    return parse(f"{HEADER}{header}\n{body}\nE\n".encode(), file="song.txt")


def texts_of(song: UltraStarSong) -> list[str]:
    return [line.text for line in song.lyrics.lines]


def words_of(song: UltraStarSong) -> list[tuple[str, int, int]]:
    return [(word.text, word.begin_ms, word.end_ms) for line in song.lyrics.lines for word in line.words]


def notes_of(song: UltraStarSong) -> list[tuple[int, int]]:
    return [(note.begin_ms, note.end_ms) for note in song.pitch_line.notes]


def problems_of(song: UltraStarSong) -> list[tuple[int | None, str]]:
    return [(finding.line, finding.problem) for finding in song.findings]


# Headers


def test_headers_are_read_in_any_case_with_blanks_and_full_width_colons() -> None:
    song = parse("# title : Song \r\n#Artist：乙\r#YEAR:released 1999\n#BPM:297,5\n#GENRE:\n: 0 4 0 la\nE".encode())
    assert (song.title, song.artist, song.year, song.genre) == ("Song", "乙", 1999, "")
    assert notes_of(song) == [(0, round(4 * 15_000 / 297.5))]


def test_files_are_named_as_written_and_audio_comes_before_mp3() -> None:
    song = song_of(": 0 1 0 la", "#MP3:a.mp3\n#VOCALS:v.ogg\n#INSTRUMENTAL:i.ogg\n#COVER:c, d's.jpg\n#VIDEO:v:1.mp4")
    assert (song.audio_file, song.vocals, song.instrumental) == ("a.mp3", "v.ogg", "i.ogg")
    assert (song.cover, song.video) == ("c, d's.jpg", "v:1.mp4")
    assert song_of(": 0 1 0 la", "#MP3:a.mp3\n#AUDIO:b.ogg").audio_file == "b.ogg"


@pytest.mark.parametrize("version", ["", "#VERSION:1.0.0\n", "#VERSION:v1.2.0\n"])
def test_before_version_2_units_are_mixed(version: str) -> None:
    header = "#GAP:1000\n#START:4\n#END:5000\n#PREVIEWSTART:6,5\n#MEDLEYSTARTBEAT:4\n#MEDLEYENDBEAT:12\n"
    song = song_of(": 4 3 9 la", version + header)
    assert (song.start_ms, song.end_ms, song.preview_ms) == (4000, 5000, 6500)
    assert song.medley == Span(begin_ms=1400, end_ms=2200)
    assert notes_of(song) == [(1400, 1700)]


def test_version_2_writes_milliseconds() -> None:
    header = "#VERSION:2.0.0\n#GAP:1000\n#START:4000\n#END:5000\n#PREVIEWSTART:6500\n#MEDLEYSTART:1\n#MEDLEYEND:9"
    song = song_of(": 4 3 9 la", header)
    assert (song.start_ms, song.end_ms, song.preview_ms) == (4000, 5000, 6500)
    assert song.medley == Span(begin_ms=1, end_ms=9)


def test_numbers_that_are_none_are_findings_and_count_as_missing() -> None:
    song = song_of(": 0 1 0 la", "#GAP:nan\n#START:soon\n#END:1e9\n#PREVIEWSTART:-3\n#VERSION:new\n#GAP:7")
    assert (song.start_ms, song.end_ms, song.preview_ms, notes_of(song)) == (None, None, None, [(0, 100)])
    assert [line for line, _ in problems_of(song)] == [4, 5, 6, 7, 8, 9]


def test_a_medley_that_ends_before_it_begins_is_ignored() -> None:
    song = song_of(": 0 1 0 la", "#MEDLEYSTARTBEAT:12\n#MEDLEYENDBEAT:4")
    assert song.medley is None
    assert "medley" in song.findings[0].problem


def test_the_declared_encoding_is_used() -> None:
    data = "#ENCODING:CP1250\n#TITLE:Kůň\n#ARTIST:x\n#BPM:150\n: 0 1 0 ří\nE".encode("cp1250")
    song = parse(data)
    assert (song.title, texts_of(song), song.findings) == ("Kůň", ["ří"], ())


# Refusals


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", NoHeaders),
        (": 0 1 0 la\nE", NoHeaders),
        ("a licence\n", NoHeaders),
        ("#ARTIST:a\n#BPM:100\n: 0 1 0 la", NoTitle),
        ("#TITLE:\n#BPM:100\n: 0 1 0 la", NoTitle),
        ("#TITLE:a\n: 0 1 0 la", NoTempo),
        ("#TITLE:a\n#BPM:0\n: 0 1 0 la", NoTempo),
        ("#TITLE:a\n#BPM:-120\n: 0 1 0 la", NoTempo),
        ("#TITLE:a\n#BPM:NaN\n: 0 1 0 la", NoTempo),
        ("#TITLE:a\n#BPM:1000000000\n: 0 1 0 la", NoTempo),
        ("#TITLE:a\n#BPM:120\n- 4\nE", NoNotes),
        ("#TITLE:a\n#BPM:120\nE\n: 0 1 0 la", NoNotes),
        ("#TITLE:a\n#BPM:120\n: 1000000000000 1 0 la", NoNotes),
        ("#TITLE:a\n#BPM:120\n: 999999999 1 0 la", NoNotes),
        ("#TITLE:a\n#BPM:120\n: -99 1 0 la", NoNotes),
    ],
)
def test_what_makes_no_song_is_refused_by_name(text: str, error: type[UnreadableSong]) -> None:
    with pytest.raises(error):
        parse(text.encode())


@pytest.mark.parametrize(
    "body",
    ["x\n" * 1_900_000, ": 0 1 0\n" * 480_000, ":" * 4_000_000, ": " * 2_000_000, "-" * 4_000_000, "# " * 2_000_000],
    ids=["lines", "notes", "colons", "blanks", "dashes", "hashes"],
)
def test_absurd_amounts_are_refused_quickly(body: str) -> None:
    begin_s = time.perf_counter()
    with pytest.raises((TooLarge, NoNotes)):
        parse(f"{HEADER}{body}".encode())
    assert time.perf_counter() - begin_s < 3


def test_long_runs_of_blanks_are_read_quickly() -> None:
    begin_s = time.perf_counter()
    for start in (":", "B", "-", "P", "#", ": 1", ": 1 1 1"):
        line = start + " " * 1_900 + "x\n"
        parse(f"{HEADER}{line * 1_000}: 0 1 0 la\nE".encode())
    assert time.perf_counter() - begin_s < 5


def test_a_refusal_says_what_to_do() -> None:
    with pytest.raises(NoTempo, match=r"#BPM says 'fast'.*write a number from 1 to 20000"):
        parse(b"#TITLE:a\n#BPM:fast\n: 0 1 0 la")


# Notes


def test_every_kind_of_note_keeps_its_kind_and_pitch() -> None:
    song = song_of(": 0 1 0 a\n* 1 1 -12 b\nF 2 1 7 c\nR 3 1 0 d\nG 4 1 0 e")
    assert [note.kind for note in song.pitch_line.notes] == [
        NoteKind.NORMAL,
        NoteKind.GOLDEN,
        NoteKind.FREESTYLE,
        NoteKind.RAP,
        NoteKind.RAP_GOLDEN,
    ]
    assert [note.pitch for note in song.pitch_line.notes] == [60, 48, 67, 60, 60]


def test_a_note_of_an_unknown_kind_becomes_free() -> None:
    song = song_of("Z 0 1 0 la")
    assert song.pitch_line.notes[0].kind is NoteKind.FREESTYLE
    assert song.findings == (
        Finding(problem="the note type 'Z' is unknown", action="kept as a freestyle note", file="song.txt", line=5),
    )


def test_blanks_between_the_fields_of_a_note_do_not_matter() -> None:
    assert texts_of(song_of(":0 1 0 a\n*\t1  1  0 b\n  : 2 1 0  c\n*: 3 1 0 d")) == ["ab cd"]


def test_an_impossible_pitch_becomes_free() -> None:
    note = song_of(": 0 1 99999 la").pitch_line.notes[0]
    assert (note.pitch, note.kind) == (60, NoteKind.FREESTYLE)


def test_a_note_without_length_becomes_a_free_beat_and_a_negative_one_is_left_out() -> None:
    song = song_of(": 0 0 5 la\n: 4 -2 5 lo")
    assert notes_of(song) == [(0, 100)]
    assert song.pitch_line.notes[0].kind is NoteKind.FREESTYLE
    assert [line for line, _ in problems_of(song)] == [5, 6]


def test_negative_beats_are_sung_when_the_gap_leaves_room() -> None:
    song = song_of(": -8 4 0 a\n: -2 4 0 b\n: -20 4 0 c", "#GAP:300")
    assert notes_of(song) == [(100, 500)]


def test_notes_out_of_order_are_sorted() -> None:
    song = song_of(": 4 1 0 b\n: 0 1 0 a\n- 6\n: 8 1 0 c")
    assert texts_of(song) == ["ab", "c"]
    assert problems_of(song) == [(5, "notes are not in the order of their beats")]


def test_a_note_ends_where_the_next_begins() -> None:
    song = song_of(": 0 9 0 a\n: 4 4 0 b\n: 4 2 0 c")
    assert notes_of(song) == [(0, 400), (400, 800)]
    assert [line for line, _ in problems_of(song)] == [5, 7]


def test_tempo_changes_move_what_comes_after() -> None:
    song = song_of(": 0 10 0 a\nB 10 75\n: 10 1 0 b\nB 20 150\n: 20 1 0 c\nB 30 0")
    assert notes_of(song) == [(0, 1000), (1000, 1200), (3000, 3100)]
    assert problems_of(song) == [(10, "the tempo changes to 0")]


def test_relative_beats_count_from_the_last_phrase_end() -> None:
    song = song_of(": 0 2 0 a\n- 3 10\n: 1 2 0 b\n- 5\n: 0 1 0 c", "#RELATIVE:yes")
    assert notes_of(song) == [(0, 200), (1100, 1300), (1500, 1600)]


@pytest.mark.parametrize("end", ["- 4", "-4", "- 4 6", "-", "  - 4  ", "- -4 -2"])
def test_a_phrase_end_has_two_numbers_one_or_none(end: str) -> None:
    song = song_of(f": 0 1 0 a\n{end}\n: 8 1 0 b")
    assert texts_of(song) == ["a", "b"]
    assert not song.findings


def test_a_note_on_the_line_of_a_phrase_end_is_read() -> None:
    song = song_of(": 0 1 0 a\n- 4 * 8 1 0 b\n- 10 and junk\n: 12 1 0 c")
    assert texts_of(song) == ["a", "b", "c"]
    assert [line for line, _ in problems_of(song)] == [6, 7]


def test_junk_is_a_finding_and_what_follows_the_end_is_not_read() -> None:
    song = parse(f"{HEADER}junk\n: 0 1 0 la\n#LATE:header\nE\n: 4 1 0 lo\nmore".encode())
    assert texts_of(song) == ["la"]
    assert problems_of(song) == [(4, "a line is neither header, note nor phrase end (2 times)")]


def test_a_text_without_its_end_may_be_cut_off() -> None:
    song = parse(f"{HEADER}: 0 1 0 la".encode())
    assert "does not end with E" in song.findings[0].problem


# Words


@pytest.mark.parametrize("notes", [("Hel", "lo ", "world"), ("Hel", "lo", " world"), (" Hel", "lo ", " world ")])
def test_words_are_separated_by_blanks_before_or_after(notes: tuple[str, ...]) -> None:
    song = song_of("\n".join(f": {i} 1 0 {text}" for i, text in enumerate(notes)))
    assert texts_of(song) == ["Hello world"]
    assert words_of(song) == [("Hello ", 0, 200), ("world", 200, 300)]


def test_a_held_note_prolongs_its_syllable_and_stays_a_note() -> None:
    song = song_of(": 0 2 0 co\n: 2 2 2 ~f\n: 4 2 0 fee\n: 6 2 0 ~ \n: 8 2 0 now\n: 12 2 0")
    assert words_of(song) == [("coffee ", 0, 800), ("now", 800, 1400)]
    assert [syllable.text for syllable in song.lyrics.lines[0].words[0].syllables] == ["cof", "fee "]
    assert len(song.pitch_line.notes) == 6


def test_a_held_note_at_the_beginning_of_a_phrase_has_no_words() -> None:
    song = song_of(": 0 1 0 la\n- 2\n: 3 1 0 ~\n: 4 1 0 lo\n- 6\n: 7 1 0 ~")
    assert words_of(song) == [("la", 0, 100), ("lo", 400, 500)]
    assert len(song.pitch_line.notes) == 4


def test_each_han_character_is_a_word() -> None:
    song = song_of(": 0 2 0 月\n: 2 2 0 亮，\n: 4 2 0 代 \n: 6 2 0 表\n: 8 2 0 ～\n: 10 2 0 love\n: 12 2 0 我")
    assert texts_of(song) == ["月亮，代 表love我"]
    assert [word for word, _, _ in words_of(song)] == ["月", "亮，", "代 ", "表", "love", "我"]
    assert words_of(song)[3] == ("表", 600, 1000)


def test_characters_on_one_note_share_its_time() -> None:
    song = song_of(": 0 3 0 「月亮」代\n: 3 2 0 two words")
    assert words_of(song) == [
        ("「月", 0, 100),
        ("亮」", 100, 200),
        ("代", 200, 300),
        ("two ", 300, 400),
        ("words", 400, 500),
    ]


def test_each_kana_note_is_a_word() -> None:
    assert [word for word, _, _ in words_of(song_of(": 0 1 0 さ\n: 1 1 0 きゃ\n: 2 1 0 愛して"))] == [
        "さ",
        "きゃ",
        "愛",
        "して",
    ]


def test_full_width_blanks_separate_words_too() -> None:
    assert texts_of(song_of(": 0 1 0 la\u3000\n: 1 1 0 \u00a0lo")) == ["la lo"]


def test_a_text_whose_author_left_out_the_blanks_says_so() -> None:
    song = song_of("\n".join(f": {i} 1 0 la" for i in range(9)))
    assert problems_of(song) == [(None, "no blank separates the words")]


# Voices


def test_a_duet_keeps_both_voices_and_their_names() -> None:
    song = song_of("P1\n: 0 1 0 you\n- 2\nP 2\n: 4 1 0 me", "#DUETSINGERP1:甲\n#P2:乙")
    assert [(line.text, line.voices) for line in song.lyrics.lines] == [("you", (1,)), ("me", (2,))]
    assert [note.voice for note in song.pitch_line.notes] == [1, 2]
    assert song.lyrics.voice_names == ("甲", "乙")


def test_what_two_voices_sing_alike_is_one_line_of_both() -> None:
    song = song_of("P1\n: 0 1 0 la\nP2\n: 0 1 7 la")
    assert [(line.text, line.voices) for line in song.lyrics.lines] == [("la", (1, 2))]
    assert [(note.voice, note.pitch) for note in song.pitch_line.notes] == [(1, 60), (2, 67)]


def test_p3_is_both_singers_of_an_old_duet() -> None:
    song = song_of("P1\n: 0 1 0 you\n- 1\nP3\n: 8 1 0 us\n- 9\nP1\n: 12 1 0 I\nP2\n: 4 1 0 me")
    assert [(line.text, line.voices) for line in song.lyrics.lines] == [
        ("you", (1,)),
        ("me", (2,)),
        ("us", (1, 2)),
        ("I", (1,)),
    ]
    assert not song.findings


@pytest.mark.parametrize("header", ["#VERSION:1.0.0", "#P3:丙"])
def test_p3_is_a_third_voice_where_the_text_knows_three(header: str) -> None:
    song = song_of("P1\n: 0 1 0 a\nP2\n: 4 1 0 b\nP3\n: 8 1 0 c", header)
    assert [line.voices for line in song.lyrics.lines] == [(1,), (2,), (3,)]


def test_voices_are_numbered_without_gaps() -> None:
    song = song_of("P2\n: 0 1 0 a\nP5\n: 4 -1 0 left out\nP9\n: 4 1 0 b", "#P9:九")
    assert [line.voices for line in song.lyrics.lines] == [(1,), (2,)]
    assert song.lyrics.voice_names == ("", "九")


# Recognising


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"#TITLE:a\n", True),
        (b": 0 1 0 la", True),
        ("\ufeff#title:a".encode("utf-16"), True),
        (b"Creative Commons\nhttps://example.org/#licence:1\n", False),
        (b"So far away: from home\n- 1\n# Heading: text\n", False),
        (b"", False),
        (bytes(range(256)), False),
    ],
)
def test_song_texts_are_told_from_other_texts(data: bytes, expected: bool) -> None:  # noqa: FBT001
    assert is_song_text(data) is expected


# Properties

TEXTS = st.sampled_from(
    ["la", " la", "la ", "~", "~ ", "~f", "", " ", "月", "月亮", "「月」", "两个 words", "か", "a-", "～"]
)
NOTES = st.tuples(st.sampled_from(":*FRG"), st.integers(0, 3), st.integers(1, 9), st.integers(-20, 20), TEXTS)
VOICES = st.lists(st.lists(NOTES, min_size=1, max_size=6), min_size=1, max_size=5)


def write_voice(phrases: list[list[tuple[str, int, int, int, str]]]) -> str:
    beat, lines = 0, []
    for phrase in phrases:
        for kind, rest, length, pitch, text in phrase:
            lines.append(f"{kind} {beat + rest} {length} {pitch} {text}")
            beat += rest + length
        lines.append(f"- {beat}")
    return "\n".join(lines)


@given(st.lists(VOICES, min_size=1, max_size=3), st.sampled_from(["", "#PREVIEWSTART:1.5\n#P1:甲", "#END:9000"]))
def test_parsing_what_was_rendered_gives_the_same_song(
    voices: list[list[list[tuple[str, int, int, int, str]]]], header: str
) -> None:
    body = "\n".join(f"P{i}\n{write_voice(phrases)}" for i, phrases in enumerate(voices, 1))
    song = song_of(body, f"#VERSION:1.0.0\n#GAP:1234.5\n#MEDLEYSTARTBEAT:1\n#MEDLEYENDBEAT:9\n{header}")
    again = parse(render(song).encode())
    assert again == song


@given(st.binary(max_size=300))
def test_any_bytes_are_a_song_or_unreadable(data: bytes) -> None:
    with suppress(UnreadableSong):
        assert parse(HEADER.encode() + data).pitch_line.notes


PIECES = [
    *(": 0 4 0 la", "* 2 2 5 ~", "F -9 99 1 月亮", "- 4", "- 4 -8", "B 3 1", "B 9 99,5", "P1", "P3", "P 2", "E", "\0"),
    *("#RELATIVE:yes", "#GAP:-9999999", "#BPM:19999", "#P3:x", "#MEDLEYSTARTBEAT:-5", "#MEDLEYENDBEAT:7", ": 9 0 0"),
    *(": 999999999 999999999 999999999 x", ": -999999999 999999999 -1", "#VERSION:2.0.0", "\x85", "Ж 1 1 1 x"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from(["\n", "\r", "\r\n", " ", ""]))
def test_a_mangled_song_is_in_order_or_unreadable(pieces: list[str], separator: str) -> None:
    try:
        song = parse((separator.join(pieces) + "\n" + HEADER + "\n".join(pieces)).encode())
    except UnreadableSong:
        return
    for voice in {note.voice for note in song.pitch_line.notes}:
        notes = [note for note in song.pitch_line.notes if note.voice == voice]
        assert all(before.end_ms <= note.begin_ms for before, note in pairwise(notes))
    assert all(0 <= note.begin_ms < note.end_ms and 0 <= note.pitch <= 127 for note in song.pitch_line.notes)
    assert [line.begin_ms for line in song.lyrics.lines] == sorted(line.begin_ms for line in song.lyrics.lines)
    assert all(line.text == "".join(word.text for word in line.words) for line in song.lyrics.lines)
