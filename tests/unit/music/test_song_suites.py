"""Real song texts of third parties, read where they lie beside the repository."""

from pathlib import Path

import pytest

from yuefu.music.highlight import Rule, choose
from yuefu.music.lyrics import Lyrics
from yuefu.music.ultrastar import NoHeaders, NoTempo, UltraStarSong, UnreadableSong, is_song_text, parse, render

SUITES = Path(__file__).parents[3] / "../shared/data/ultrastar"
PLAY = "play-suite/TestSongs"

pytestmark = pytest.mark.skipif(not SUITES.is_dir(), reason="the third-party song suites are not beside the repository")


def find_texts(pattern: str) -> list[str]:
    return sorted(str(path.relative_to(SUITES)) for path in SUITES.glob(pattern))


def read(name: str) -> UltraStarSong:
    return parse((SUITES / name).read_bytes(), file=Path(name).name)


@pytest.mark.parametrize("name", find_texts("cc-*/*/song.txt"))
def test_a_real_song_is_read_without_findings_and_kept_by_rendering(name: str) -> None:
    song = read(name)
    assert song.findings == ()
    assert f"{song.artist} - {song.title}" == Path(name).parent.name
    assert len(song.lyrics.lines) > 10
    again = parse(render(song).encode())
    assert (again.lyrics, again.pitch_line) == (song.lyrics, song.pitch_line)


@pytest.mark.parametrize("name", find_texts("cc-*/*/song.txt"))
def test_a_real_song_has_a_highlight_of_the_wanted_length(name: str) -> None:
    lyrics = read(name).lyrics
    choice = choose(lyrics, duration_ms=lyrics.end_ms + 5_000)
    assert choice
    assert 24_000 <= choice.clip.duration_ms <= 60_000
    assert all(10_000 <= segment.duration_ms <= 25_000 for segment in choice.segments)


@pytest.mark.parametrize(
    ("name", "chorus"),
    [
        ("cc-free/Joshua Morin - On the run", "On the run,"),
        ("cc-free/Systemabsturz - Verdächtig", "Fahr den Imsi-Catcher hoch"),
        ("cc-nc/Jonathan Coulton - Code Monkey", "Code Monkey like Fritos"),
        ("cc-nc/Jonathan Coulton - Creepy Doll", "And there's a creepy doll"),
        ("cc-nc/Jonathan Coulton - I Feel Fantastic", "I feel fantastic"),
        ("cc-nc/Jonathan Coulton - Shop Vac", "If you need me"),
        ("cc-nc/Jonathan Coulton - When You Go", "Fold my heart up small"),
    ],
)
def test_the_clip_of_a_real_song_begins_with_its_chorus(name: str, chorus: str) -> None:
    assert clip_texts(read(f"{name}/song.txt").lyrics)[0] == chorus


def clip_texts(lyrics: Lyrics) -> list[str]:
    choice = choose(lyrics, duration_ms=lyrics.end_ms + 5_000)
    assert choice
    begin_ms = choice.clip.begin_ms + choice.prelude_ms
    return [line.text for line in lyrics.lines if begin_ms <= line.begin_ms < choice.clip.end_ms]


def test_marks_of_a_real_song_make_its_clip() -> None:
    song = read(f"{PLAY}/MedleyTestSongs/OChristmasTree-MedleyStart-MedleyEnd.txt")
    assert song.medley
    choice = choose(song.lyrics, duration_ms=90_000, medley=song.medley)
    assert choice
    assert choice.rule is Rule.MEDLEY
    assert choice.clip.begin_ms + choice.prelude_ms == song.medley.begin_ms
    assert abs(choice.clip.end_ms - song.medley.end_ms) < 1_000


@pytest.mark.parametrize("name", find_texts("**/license.txt"))
def test_a_licence_beside_a_song_is_no_song(name: str) -> None:
    assert not is_song_text((SUITES / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("UTF8-BOM", "TestTitle___ä___ß___'___Ж"),
        ("UTF8-NoBOM", "TestTitle___ä___ß___'___Ж"),
        ("UTF16-LE-BOM", "TestTitle___ä___ß___'___Ж"),
        ("ISO-8859-1", "Tränenüberströmt nach Fußmassage"),
        ("Windows1252", "Tränenüberströmt nach Fußmassage"),
    ],
)
def test_every_encoding_of_the_suite_is_read(name: str, title: str) -> None:
    assert read(f"{PLAY}/{name}.txt").title == title


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("LyricsSpaceAtTheEnd", ["Hello world!"]),
        ("MultipleSpacesAsNoteSeparator", ["Hello world"]),
        ("NoSpaceAfterNoteType", ["Hello"]),
        ("NegativeNoteValues", ["Hel world!"]),
        ("MissingTagValue", ["Hel lo world!"]),
        ("SpaceAroundTagNameAndValue", ["Hel lo world!"]),
        ("SongEditorTestSongs/Copy-Voices-Pasted", ["Hello world"] * 4),
        ("SongEditorTestSongs/EditSongMeta", ["Hel lo- P1!", "Hel lo- P2!"]),
    ],
)
def test_every_way_of_writing_notes_is_read(name: str, texts: list[str]) -> None:
    assert [line.text for line in read(f"{PLAY}/{name}.txt").lyrics.lines] == texts


def test_units_of_version_1_are_read() -> None:
    song = read(f"{PLAY}/v1.0.0.txt")
    assert song.medley
    assert (song.start_ms, song.end_ms, song.preview_ms) == (4_000, 5_000, 6_000)
    assert (song.medley.begin_ms, song.medley.end_ms) == (1_300, 1_900)


@pytest.mark.parametrize("name", find_texts("**/*.txt"))
def test_every_text_is_a_song_or_refused_with_a_reason(name: str) -> None:
    data = (SUITES / name).read_bytes()
    if is_song_text(data) and b"#BPM" in data.replace(b"\0", b""):
        song = parse(data)
        assert parse(render(song).encode()).pitch_line == song.pitch_line
    else:
        with pytest.raises((NoHeaders, NoTempo)):
            parse(data)


@pytest.mark.parametrize("name", find_texts("usdb_syncer/normalized/*.txt"))
def test_clean_texts_have_no_findings(name: str) -> None:
    assert read(name).findings == ()


@pytest.mark.parametrize(("name", "error"), [("empty", NoHeaders), ("no_headers", NoHeaders), ("no_notes", NoTempo)])
def test_invalid_texts_are_refused(name: str, error: type[UnreadableSong]) -> None:
    with pytest.raises(error):
        read(f"usdb_syncer/invalid/{name}.txt")


def test_an_odd_text_gives_the_same_song_as_its_tidy_form() -> None:
    odd, tidy = (read(f"usdb_syncer/deviant/unnormalized_{end}.txt") for end in ("in", "out"))
    assert (odd.lyrics, odd.pitch_line, odd.creator) == (tidy.lyrics, tidy.pitch_line, tidy.creator)


def test_a_text_with_junk_gives_the_clean_song_and_keeps_its_unknown_note() -> None:
    junk, clean = (read(f"usdb_syncer/deviant/with_junk_{end}.txt") for end in ("in", "out"))
    kept = [note for note in junk.pitch_line.notes if note.begin_ms != 18 * 150]
    assert kept == list(clean.pitch_line.notes)
    assert junk.lyrics.lines[0] == clean.lyrics.lines[0]
    assert junk.medley is clean.medley is None
