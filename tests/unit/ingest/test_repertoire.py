import re
import tomllib
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest

from yuefu.catalogue.genre import genre_of
from yuefu.ingest.repertoire import REPERTOIRE_VERSION, Entry, entries, redeliver, render
from yuefu.ingest.repertoire import performance as stage
from yuefu.ingest.repertoire.performance import perform
from yuefu.ingest.repertoire.plan import chord_track, read_plan, song_text
from yuefu.ingest.repertoire.portrait import draw_portrait
from yuefu.ingest.repertoire.score import parse_score
from yuefu.music.synthesis import level_db
from yuefu.music.ultrastar import UltraStarSong, parse

HEAD = "key C4\ntempo 60\nmeter 4/4\nintro 1\n\n"

SONGS = {entry.song: entry for entry in entries()}


def parsed(entry: Entry) -> UltraStarSong:
    song = parse(entry.song_text, file="song.txt")
    assert isinstance(song, UltraStarSong)
    return song


@pytest.fixture(params=SONGS)
def entry(request: pytest.FixtureRequest) -> Entry:
    return SONGS[request.param]


def test_each_shipped_song_is_what_its_score_compiles_to(entry: Entry) -> None:
    assert entry.song_text.decode() == song_text(entry.piece, parse_score(entry.score_text))


def test_each_song_parses_without_findings_and_has_words_and_notes(entry: Entry) -> None:
    song = parsed(entry)
    assert not song.findings
    assert song.title == entry.piece.title
    assert song.lyrics.has_words
    score = parse_score(entry.score_text)
    assert len(song.pitch_line.notes) == sum(len(phrase) for phrases in score.voices for phrase in phrases)


def test_each_song_leaves_time_before_the_singing_and_lasts_about_a_minute(entry: Entry) -> None:
    lyrics = parsed(entry).lyrics
    assert lyrics.begin_ms >= 4_000
    assert 45_000 <= lyrics.end_ms <= 75_000


def test_each_song_lies_where_people_sing(entry: Entry) -> None:
    pitches = [note.pitch for note in parsed(entry).pitch_line.notes]
    assert min(pitches) >= 45
    assert max(pitches) <= 81


def test_every_character_of_chinese_and_japanese_songs_has_a_sound() -> None:
    spellings = stage._spellings()
    for entry in SONGS.values():
        if entry.piece.language in {"zh", "ja"}:
            score = parse_score(entry.score_text)
            texts = {note.text for phrases in score.voices for phrase in phrases for note in phrase} - {"~"}
            assert texts <= spellings.keys()


def test_the_repertoire_shows_every_rule() -> None:
    ours = entries()
    first, second, third = ([entry for entry in ours if entry.vendor_id == vendor_id] for vendor_id in (1, 2, 4))
    assert [entry.vendor_id for entry in ours] == [1] * len(first) + [2] * len(second) + [4] * len(third)
    assert {entry.take for entry in third} <= {entry.take for entry in (*first, *second)}
    assert len(SONGS) >= 14
    assert sum(entry.piece.language == "zh" for entry in SONGS.values()) >= 6
    rights = Counter(entry.rights for entry in first)
    assert rights["work"] == rights["recording"] == rights["none"] == 1
    assert rights["both"] > len(first) / 2
    assert first[0].piece.title == "茉莉花"
    assert {"送别", "小星星"} <= {entry.piece.title for entry in first if entry.rights == "both"}
    assert [entry.delivery for entry in first].count("lrc") == 1
    assert any(len(entry.singers) == 2 and entry.rights == "both" for entry in first)
    assert any(entry.piece.medley_phrases for entry in first)
    assert any(entry.piece.preview_s for entry in first)
    assert {entry.channel for entry in ours} == {0, 1}
    assert len(second) >= 4
    assert (second[0].rights, second[0].delivery) == ("both", "ultrastar")
    assert {entry.take for entry in first} & {entry.take for entry in second}
    assert len({entry.folder for entry in ours}) == len({entry.key for entry in ours}) == len(ours)


def test_the_guide_names_every_entry() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "repertoire.md").read_text("utf-8")
    section = guide.partition("\n## What each entry shows\n")[2].partition("\nEvery song has")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:5]] for row in section.splitlines() if re.match(r"\| \d", row)]
    words = {"both": "both", "work only": "work", "recording only": "recording", "none": "none"}
    assert [(int(vendor), title, words[rights], int(channel)) for vendor, title, rights, channel in rows] == [
        (entry.vendor_id, entry.title, entry.rights, entry.channel) for entry in entries()
    ]
    assert (len(rows), len({entry.take for entry in entries()}), len(SONGS)) == (19, 17, 16)
    assert "seventeen recordings of sixteen songs" in guide
    assert "nineteen entries" in " ".join(guide.split())


def test_the_duet_sings_in_two_registers_and_together() -> None:
    song = parsed(SONGS["liang-zhi-xiao-e"])
    high, low = ([note.pitch for note in song.pitch_line.notes if note.voice == voice] for voice in (1, 2))
    assert np.median(high) - np.median(low) == 12
    assert {line.voices for line in song.lyrics.lines} == {(1,), (2,), (1, 2)}


def test_the_medley_and_the_preview_lie_on_the_singing() -> None:
    medley = parsed(SONGS["feng-yang-hua-gu"])
    assert medley.medley is not None
    assert medley.medley.begin_ms in {line.begin_ms for line in medley.lyrics.lines}
    assert medley.medley.end_ms in {line.end_ms for line in medley.lyrics.lines}
    preview = parsed(SONGS["amazing-grace"])
    assert preview.preview_ms is not None
    assert preview.lyrics.begin_ms < preview.preview_ms < preview.lyrics.end_ms


def test_the_accompaniment_is_the_mix_less_the_vocals_at_one_loudness() -> None:
    entry = SONGS["mo-li-hua"]
    score = parse_score(entry.score_text)
    singers = [read_plan()[0][name] for name in entry.singers]
    chords = chord_track(entry.piece.chords)
    performance = perform(score, chords, singers, style=entry.style, language="zh", seed=1, only_bars=4)
    vocals, instrumental = (stem.astype(np.int64) for stem in (performance.vocals, performance.instrumental))
    mix = performance.mix
    assert np.array_equal(mix, vocals + instrumental)
    peak_db = 20 * np.log10(np.max(np.abs(mix.astype(np.float64))) / 32_768)
    assert peak_db <= -1.0
    assert level_db(mix.astype(np.float32) / np.float32(32_768)) == pytest.approx(-16.0, abs=0.7)
    assert np.any(vocals)
    assert not np.array_equal(vocals, instrumental)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Performances of the first bars only, so that rendering takes a moment."""

    def perform_briefly(*args: object, **options: object) -> stage.Performance:
        return perform(*args, **options, only_bars=8)  # type: ignore[arg-type]

    monkeypatch.setattr("yuefu.ingest.repertoire.perform", perform_briefly)


@pytest.mark.usefixtures("short")
def test_a_rendered_folder_holds_what_its_song_text_names(tmp_path: Path) -> None:
    entry = SONGS["sakura"]
    render(entry, tmp_path)
    names = ("song.flac", "vocals.flac", "instrumental.flac", "cover.jpg", "song.txt", "song.toml", "singer-1.jpg")
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    lengths = set()
    for name in names[:3]:
        with av.open(str(tmp_path / name)) as container:
            stream = container.streams.audio[0]
            assert (stream.rate, stream.channels, stream.format.name) == (44_100, 2, "s16")
            lengths.add(sum(frame.samples for frame in container.decode(stream)))
    assert len(lengths) == 1
    assert (tmp_path / "song.txt").read_bytes() == entry.song_text
    facts = tomllib.loads((tmp_path / "song.toml").read_text("utf-8"))
    assert facts["id"] == entry.key == "demo-1-sakura"
    assert facts["singers"] == list(entry.singers)
    assert "合成演唱" in facts["singers"][0]
    assert (facts["aliases"], facts["genres"], facts["bpm"]) == (["Sakura, Sakura", "樱花"], [19, 4], 76)
    assert facts["pictures"] == {entry.singers[0]: "singer-1.jpg"}


@pytest.mark.usefixtures("short")
def test_a_song_without_word_lyrics_is_audio_and_lrc(tmp_path: Path) -> None:
    render(SONGS["meng-jiang-nv"], tmp_path)
    audio, pictures = {"孟姜女.flac", "孟姜女.instrumental.flac"}, {"cover.jpg", "singer-1.jpg"}
    assert {path.name for path in tmp_path.iterdir()} == audio | pictures | {"孟姜女.lrc", "song.toml"}
    assert "[00:07.74]正月里来是新春" in (tmp_path / "孟姜女.lrc").read_text("utf-8").splitlines()


@pytest.mark.usefixtures("short")
def test_rendering_again_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "again"):
        render(SONGS["xiao-xing-xing"], tmp_path / name)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


@pytest.mark.usefixtures("short")
def test_a_recording_that_both_vendors_have_is_one_performance(tmp_path: Path) -> None:
    first, second = (entry for entry in entries() if entry.take == entries()[0].take)
    assert (first.vendor_id, second.vendor_id) == (1, 2)
    assert (first.title, first.singers, first.seed) == (second.title, second.singers, second.seed)
    render(first, tmp_path / "first")
    redeliver(second, tmp_path / "first", tmp_path / "second")
    render(second, tmp_path / "afresh")
    for path in (tmp_path / "second").iterdir():
        assert path.read_bytes() == (tmp_path / "afresh" / path.name).read_bytes()
        same = path.read_bytes() == (tmp_path / "first" / path.name).read_bytes()
        assert same == (path.name != "song.toml")


def test_every_song_has_genres_and_another_title() -> None:
    for entry in entries():
        assert entry.piece.aliases
        assert entry.piece.genres
        assert all(genre_of(number) for number in entry.piece.genres)
        assert len(set(entry.piece.genres)) == len(entry.piece.genres)


def test_voices_have_pictures_of_their_own() -> None:
    pictures = [draw_portrait(singer) for singer in read_plan()[0].values()]
    assert {picture.size for picture in pictures} == {(320, 320)}
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_the_version_is_a_short_hash() -> None:
    assert len(REPERTOIRE_VERSION) == 16
    assert int(REPERTOIRE_VERSION, 16)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("1 2 3 |\n好 一 朵\n", "the bar does not end here"),
        ("1 2 3 4 |\n好 一 朵\n", "more notes than syllables"),
        ("1 2 3- |\n好 一 朵 花\n", "more syllables than notes"),
        ("1 2 8- |\n好 一 朵\n", "no note"),
        ("1____ 2 |\n好 一\n", "shorter than a thirty-second"),
    ],
)
def test_a_slip_of_the_pen_in_a_score_is_named(body: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_score(HEAD + body)


def test_a_score_becomes_notes_and_words() -> None:
    score = parse_score(HEAD + "5, #1'_. 2__ 3- |\nA- ma- ~ zing\n\n1--- |\n天\n")
    first, second = score.voices[0]
    assert [(note.begin, note.length, note.pitch, note.text) for note in first] == [
        (0, 8, 55, "A"),
        (8, 6, 73, "ma"),
        (14, 2, 62, "~"),
        (16, 14, 64, "zing"),
    ]
    assert second[0].begin == 32
