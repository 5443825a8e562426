import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image
from tests.unit.ingest.conftest import (
    RATE_HZ,
    Blobs,
    Shelf,
    SongMaker,
    lag_samples,
    make_sound,
    read_sound,
    song_text,
    write_encoded,
    write_wav,
)

from yuefu.catalogue.song import COVER_SIZES_PX, Loudness, PartKind, PublishedSong, Quality, SongState
from yuefu.errors import YuefuError
from yuefu.ids import VendorId
from yuefu.ingest.crew import Crew
from yuefu.ingest.hearing import Hearing
from yuefu.ingest.importer import Progress, run
from yuefu.ingest.media import PyAvStudio
from yuefu.ingest.recipe import Recipe
from yuefu.ingest.report import ImportReport
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import PitchLine
from yuefu.music.waveform import Waveform

VENDOR = VendorId(2)
WITH_SEGMENT = Recipe(frozenset({(PartKind.SEGMENT, Quality.NORMAL)}))
Importer = Callable[..., ImportReport]
WRITTEN = {PartKind.LYRICS, PartKind.PITCH_LINE, PartKind.WAVEFORM}
STEMS = {"sounds": ("audio.wav", "i.wav"), "INSTRUMENTAL": "i.wav"}


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    """One worker for all tests here."""
    with Crew(1, time_limit_s=60) as crew:
        yield crew


@pytest.fixture
def import_songs(songs: Path, tmp_path: Path, shelf: Shelf, blobs: Blobs, crew: Crew) -> Importer:
    """Imports the folder of songs with one worker, and checks that nothing half-made stays."""

    def import_all(*paths: Path, **options: Any) -> ImportReport:
        usual: dict[str, Any] = {
            "recipe": WITH_SEGMENT,
            "crew": crew,
            "dry_run": False,
            "on_progress": lambda progress: None,
        }
        work_dir = tmp_path / "work"
        try:
            return run(
                paths or (songs,),
                vendor_id=VENDOR,
                shelf=shelf,
                blobs=blobs,
                work_dir=work_dir,
                **(usual | options),
            )
        finally:
            assert list(work_dir.iterdir()) == []

    return import_all


def kinds(song: PublishedSong) -> set[PartKind]:
    return {part.kind for part in song.parts}


def blob_of(song: PublishedSong, kind: PartKind, blobs: Blobs, quality: Quality = Quality.NORMAL) -> Path:
    return next(blobs.folder / part.blob.sha256 for part in song.parts if (part.kind, part.quality) == (kind, quality))


def qualities(song: PublishedSong, kind: PartKind) -> list[str]:
    return [part.quality.value for part in song.parts if part.kind is kind]


def test_a_song_with_a_backing_gets_every_part(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    folder = make_song("茉莉花", COVER="cover.png", **STEMS)
    Image.new("RGB", (1_200, 1_200), "red").save(folder / "cover.png")
    (report,) = import_songs().songs
    song = shelf.song("茉莉花")

    assert (report.outcome, report.song_id, report.revision, report.reason) == ("new", 1, 1, None)
    assert (report.title, report.singers, report.highlight_rule) == ("茉莉花", ("甲", "乙"), "repeated_lyrics")
    assert [part.partition(",")[0] for part in report.parts].count("cover") == 1
    assert kinds(song) == set(PartKind)
    assert song.states == ()
    assert (song.duration_ms, song.accompaniment_duration_ms) == (14_000, 14_000)
    for part in song.parts:
        assert part.blob.size_bytes == (blobs.folder / part.blob.sha256).stat().st_size
    assert msgspec.json.decode(blob_of(song, PartKind.LYRICS, blobs).read_bytes(), type=Lyrics).lines
    assert msgspec.json.decode(blob_of(song, PartKind.PITCH_LINE, blobs).read_bytes(), type=PitchLine).notes
    for kind, side_px in COVER_SIZES_PX.items():
        with Image.open(blob_of(song, kind, blobs)) as cover:
            assert cover.size == (side_px, side_px)


def test_singers_pictures_come_with_the_song(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    folder = make_song("a", ARTIST="甲、乙、丙、丁")
    Image.new("RGB", (900, 600), "red").save(folder / "yi.png")
    (folder / "jia.png").write_bytes(b"no picture")
    files = {"甲": "jia.png", "乙": "yi.png", "丙": "gone.png", "丁": "../x.png", "戊": "yi.png"}
    table = "".join(f'"{singer}" = "{file}"\n' for singer, file in files.items())
    (folder / "song.toml").write_text(f"[pictures]\n{table}", "utf-8")
    (report,) = import_songs().songs
    (picture,) = shelf.song("a").pictures
    assert picture.singer == "乙"
    with Image.open(blobs.folder / picture.blob.sha256) as image:
        assert (image.format, image.size) == ("JPEG", (300, 200))
    problems = [finding.problem for finding in report.findings if finding.action == "left out"]
    assert problems[:3] == [
        "'gone.png' is not there",
        "'../x.png' lies outside the song's folder",
        "a picture of '戊', who does not sing this song",
    ]
    assert problems[3].startswith("the picture cannot be used")


def test_another_picture_of_a_singer_is_a_change(make_song: SongMaker, import_songs: Importer) -> None:
    folder = make_song("a")
    (folder / "song.toml").write_text('[pictures]\n"甲" = "jia.png"\n', "utf-8")
    for colour, outcome in (("red", "new"), ("red", "unchanged"), ("blue", "changed")):
        Image.new("RGB", (60, 60), colour).save(folder / "jia.png")
        assert [song.outcome for song in import_songs().songs] == [outcome]


def test_backing_and_original_are_the_two_tracks(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    make_song("a", **STEMS)
    import_songs()
    song = shelf.song("a")
    both = blob_of(song, PartKind.ACCOMPANIMENT, blobs)
    backing, original = read_sound(both, 0), read_sound(both, 1)
    delivered = make_sound(14, 1)
    assert np.corrcoef(backing[0, : delivered.shape[1]], delivered[0])[0, 1] > 0.9
    assert abs(np.corrcoef(backing[0], original[0])[0, 1]) < 0.1
    assert np.array_equal(backing, read_sound(blob_of(song, PartKind.ACCOMPANIMENT_ALONE, blobs)))
    assert np.array_equal(original, read_sound(blob_of(song, PartKind.ORIGINAL, blobs)))


def test_clip_and_segment_are_cut_from_the_backing_where_the_highlight_says(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    make_song("a", **STEMS)
    import_songs()
    song = shelf.song("a")
    assert song.highlight is not None
    assert song.highlight.clip.end_ms <= song.accompaniment_duration_ms
    backing = make_sound(14, 1)[0]
    for kind, span in (
        (PartKind.CLIP, song.highlight.clip),
        (PartKind.SEGMENT, song.highlight.segments[0]),
    ):
        (part,) = (part for part in song.parts if part.kind is kind)
        assert part.duration_ms == span.duration_ms
        begin, end = (round(at_ms * RATE_HZ / 1_000) for at_ms in (span.begin_ms, span.end_ms))
        assert lag_samples(read_sound(blob_of(song, kind, blobs))[0], backing[begin:end]) == 0


ALL = Recipe(frozenset((kind, quality) for kind in (PartKind.ORIGINAL, PartKind.ACCOMPANIMENT) for quality in Quality))


def test_each_quality_is_made_that_is_wanted_and_that_the_sources_are_good_for(
    songs: Path, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    for key, suffix, codec, bit_rate_bps in (
        ("a", "flac", "flac", 0),
        ("b", "mp3", "libmp3lame", 192_000),
        ("c", "mp3", "libmp3lame", 128_000),
    ):
        (songs / key).mkdir()
        write_encoded(songs / key / f"song.{suffix}", make_sound(4), codec, bit_rate_bps=bit_rate_bps)
        write_encoded(songs / key / "song.instrumental.flac", make_sound(4, 2), "flac")
    (report, *_) = import_songs(recipe=ALL).songs
    assert report.parts[:2] == (
        "original, normal, hq and sq, 0:04.0",
        "accompaniment, normal, hq and sq, 2 tracks, 0:04.0",
    )
    made = {key: shelf.song(key) for key in "abc"}
    alone = ["normal", "hq", "sq"]
    for kind, finest in ((PartKind.ORIGINAL, (3, 2, 1)), (PartKind.ACCOMPANIMENT, (3, 2, 1))):
        assert [qualities(song, kind) for song in made.values()] == [alone[:count] for count in finest]
    assert [qualities(song, PartKind.ACCOMPANIMENT_ALONE) for song in made.values()] == [alone] * 3

    song = made["a"]
    sizes = [blob_of(song, PartKind.ORIGINAL, blobs, quality).stat().st_size for quality in Quality]
    assert sizes == sorted(sizes)
    assert np.array_equal(
        read_sound(blob_of(song, PartKind.ORIGINAL, blobs, Quality.SQ)), read_sound(songs / "a" / "song.flac")
    )
    both = blob_of(song, PartKind.ACCOMPANIMENT, blobs, Quality.SQ)
    for track, name in enumerate(("song.instrumental.flac", "song.flac")):
        assert np.array_equal(read_sound(both, track), read_sound(songs / "a" / name))
    types = {part.media_type for part in song.parts if part.quality is Quality.SQ}
    assert types == {"audio/flac", "audio/mp4"}


def test_a_part_is_only_offered_in_qualities_that_were_asked_for(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf
) -> None:
    make_song("a", **STEMS)
    import_songs(recipe=Recipe(frozenset({(PartKind.ACCOMPANIMENT, Quality.SQ)})))
    song = shelf.song("a")
    assert qualities(song, PartKind.ORIGINAL) == ["normal"]
    assert qualities(song, PartKind.ACCOMPANIMENT) == qualities(song, PartKind.ACCOMPANIMENT_ALONE) == ["normal", "sq"]
    assert qualities(song, PartKind.CLIP) == ["normal"]


def test_every_part_is_brought_to_the_level_asked_for_and_never_again(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    make_song("a", **STEMS)
    import_songs(recipe=ALL)
    before = shelf.song("a")
    assert before.level is not None
    assert before.level.original is not None
    assert before.level.applied_db == 0.0
    for _ in range(2):
        (report,) = import_songs(recipe=replace(ALL, level_lufs=-30.0)).songs
    assert report.outcome == "unchanged"
    song = shelf.song("a")
    assert song.level is not None
    assert song.level.original == before.level.original
    assert song.level.applied_db == pytest.approx(-30 - (before.level.original.integrated_lufs or 0), abs=0.01)
    assert song.level.applied_db + song.level.gain_db == pytest.approx(before.level.gain_db)
    for kind, quality in ((PartKind.ORIGINAL, Quality.NORMAL), (PartKind.ORIGINAL, Quality.SQ)):
        loudness = hear(blob_of(song, kind, blobs, quality))
        assert loudness.integrated_lufs == pytest.approx(-30, abs=0.1)
    for kind in (PartKind.PITCH_LINE, PartKind.LYRICS, PartKind.WAVEFORM):
        assert blob_of(song, kind, blobs) == blob_of(before, kind, blobs)


def test_a_level_never_lifts_a_song_into_clipping(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    make_song("a")
    import_songs(recipe=replace(ALL, level_lufs=-5.0))
    song = shelf.song("a")
    assert song.level is not None
    peak = hear(blob_of(song, PartKind.ORIGINAL, blobs, Quality.SQ)).true_peak_dbtp
    assert peak == pytest.approx(-1.0, abs=0.05)


def hear(file: Path) -> Loudness:
    hearing = Hearing()
    PyAvStudio().probe(file, ears=[hearing])
    return hearing.loudness()


def test_a_mix_of_loud_tracks_does_not_clip(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    folder = make_song("a", sounds=("i.wav", "v.wav"), AUDIO="", INSTRUMENTAL="i.wav", VOCALS="v.wav")
    loud = [make_sound(14, seed, level=0.99) for seed in (1, 2)]
    for name, sound in zip(("i.wav", "v.wav"), loud, strict=True):
        write_wav(folder / name, sound)
    import_songs(recipe=ALL)
    mix = read_sound(blob_of(shelf.song("a"), PartKind.ORIGINAL, blobs, Quality.SQ)) / 32_768
    both = loud[0] + loud[1]
    assert np.abs(both).max() > 1.0
    assert np.abs(mix).max() == pytest.approx(0.98, abs=0.001)
    assert np.corrcoef(mix[0], both[0])[0, 1] > 0.9999


def test_the_waveform_is_the_recordings(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    make_song("a", **STEMS)
    import_songs()
    drawn = msgspec.json.decode(blob_of(shelf.song("a"), PartKind.WAVEFORM, blobs).read_bytes(), type=Waveform)
    assert drawn.length == 140
    heard = make_sound(14, 0)[:, : 140 * drawn.samples_per_pixel].reshape(2, 140, -1)
    assert np.abs(np.array(drawn.data[1::2]) - heard.max(axis=(0, 2)) * 127).max() < 1


def test_vocals_and_backing_make_the_original(make_song: SongMaker, import_songs: Importer, shelf: Shelf) -> None:
    make_song("a", sounds=("i.wav", "v.wav"), AUDIO="", INSTRUMENTAL="i.wav", VOCALS="v.wav")
    import_songs()
    assert {PartKind.ORIGINAL, PartKind.ACCOMPANIMENT, PartKind.ACCOMPANIMENT_ALONE} <= kinds(shelf.song("a"))


def test_a_mix_alone_has_no_accompaniment_and_says_so(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf
) -> None:
    make_song("a")
    import_songs()
    song = shelf.song("a")
    assert kinds(song) == {PartKind.ORIGINAL, *WRITTEN}
    assert song.states == (SongState.NEEDS_ACCOMPANIMENT,)
    assert song.accompaniment_duration_ms == 0


def test_a_backing_alone_is_an_accompaniment_of_one_track(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf
) -> None:
    make_song("a", sounds=("i.wav",), AUDIO="", INSTRUMENTAL="i.wav")
    import_songs(recipe=Recipe())
    song = shelf.song("a")
    assert kinds(song) == {PartKind.ACCOMPANIMENT, PartKind.CLIP, *WRITTEN}
    assert next(part for part in song.parts if part.kind is PartKind.ACCOMPANIMENT).track_count == 1
    assert song.duration_ms == song.accompaniment_duration_ms == 14_000


def test_audio_with_lrc_lacks_words_and_notes_and_audio_alone_lacks_lyrics(
    songs: Path, import_songs: Importer, shelf: Shelf
) -> None:
    write_wav(songs / "甲 - 送别.wav", make_sound(12))
    (songs / "甲 - 送别.lrc").write_text("[00:01.00]长亭外\n[00:04.00]古道边\n[00:15.00]芳草\n", "utf-8")
    write_wav(songs / "hum.wav", make_sound(2))
    import_songs()
    lacking = (SongState.NEEDS_ACCOMPANIMENT, SongState.NEEDS_WORD_LYRICS, SongState.NEEDS_PITCH_LINE)
    assert shelf.song("songs/甲 - 送别").states == lacking
    assert shelf.song("songs/甲 - 送别").facts.singers == ("甲",)
    lacking = (SongState.NEEDS_ACCOMPANIMENT, SongState.NEEDS_LYRICS, SongState.NEEDS_PITCH_LINE)
    assert shelf.song("songs/hum").states == lacking
    assert shelf.song("songs/hum").highlight is None


def test_lyrics_beyond_the_audio_are_left_out_and_noted(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    folder = make_song("a")
    write_wav(folder / "audio.wav", make_sound(4))
    (report,) = import_songs().songs
    lyrics = msgspec.json.decode(blob_of(shelf.song("a"), PartKind.LYRICS, blobs).read_bytes(), type=Lyrics)
    assert len(lyrics.lines) == 2
    assert lyrics.end_ms <= 4_000
    assert "4 of 6 lines left out" in [finding.action for finding in report.findings]


def test_importing_again_changes_nothing_and_decodes_nothing(make_song: SongMaker, import_songs: Importer) -> None:
    make_song("a", **STEMS)
    import_songs()
    heard: list[Progress] = []
    (report,) = import_songs(on_progress=heard.append).songs
    assert (report.outcome, report.title) == ("unchanged", "茉莉花")
    assert heard[-1] == Progress(done=1, total=1, current="a", audio_s=0.0)


@pytest.mark.parametrize("changed", ["audio.wav", "song.txt", "song.toml", "option"])
def test_a_change_of_anything_makes_a_new_revision(make_song: SongMaker, import_songs: Importer, changed: str) -> None:
    folder = make_song("a")
    import_songs()
    if changed == "audio.wav":
        write_wav(folder / changed, make_sound(14, 99))
    elif changed == "song.txt":
        (folder / changed).write_text(song_text("新茉莉花", AUDIO="audio.wav"), "utf-8")
    elif changed == "song.toml":
        (folder / changed).write_text('genre = "民歌"\n', "utf-8")
    (report,) = import_songs(recipe=Recipe() if changed == "option" else WITH_SEGMENT).songs
    assert (report.outcome, report.song_id, report.revision) == ("changed", 1, 2)


def test_a_bad_folder_does_not_stop_the_others(make_song: SongMaker, import_songs: Importer, shelf: Shelf) -> None:
    (make_song("1 broken") / "audio.wav").write_bytes(b"RIFF")
    make_song("2 silent", sounds=())
    (make_song("3 text") / "song.txt").write_text("#TITLE:x\n: 0 1 1 a\n")
    make_song("4 good")
    (make_song("5 cover", COVER="c.png") / "c.png").write_bytes(b"no picture")
    report = import_songs()
    assert [song.outcome for song in report.songs] == ["refused", "refused", "refused", "new", "new"]
    assert [song.reason for song in report.songs[:2]] == [
        "audio.wav: not an audio file we can read",
        "no audio: 'audio.wav' is not there",
    ]
    assert {key for _, key in shelf.songs} == {"4 good", "5 cover"}
    assert report.songs[4].findings[0].action == "left out"
    assert report.count("refused") == 3


def test_a_song_that_takes_too_long_is_refused(make_song: SongMaker, import_songs: Importer, shelf: Shelf) -> None:
    make_song("a")
    with Crew(1, time_limit_s=0.01) as hasty:
        (report,) = import_songs(crew=hasty).songs
    assert (report.outcome, report.reason) == ("refused", "not done after 0.01 s")
    assert shelf.songs == {}


def test_a_song_longer_than_the_studio_allows_is_refused(make_song: SongMaker, import_songs: Importer) -> None:
    make_song("a")
    (report,) = import_songs(studio=PyAvStudio(longest_ms=6_000)).songs
    assert report.reason == "audio.wav: longer than 0.1 minutes"
    assert (report.title, report.findings) == ("茉莉花", ())


def test_a_song_the_shelf_will_not_have_is_refused(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(song: PublishedSong, **_: object) -> None:
        raise YuefuError(f"no room for {song.facts.title}")

    make_song("a")
    monkeypatch.setattr(shelf, "publish", refuse)
    (report,) = import_songs().songs
    assert (report.outcome, report.reason) == ("refused", "no room for 茉莉花")


def test_a_dry_run_measures_and_chooses_and_stores_nothing(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf, blobs: Blobs
) -> None:
    make_song("a", **STEMS)
    report = import_songs(dry_run=True)
    assert report.dry_run
    assert (report.songs[0].outcome, report.songs[0].highlight_rule) == ("new", "repeated_lyrics")
    assert report.songs[0].duration_ms == 14_000
    assert shelf.songs == {}
    assert list(blobs.folder.iterdir()) == []


def test_progress_counts_up_to_the_end(make_song: SongMaker, import_songs: Importer) -> None:
    make_song("a")
    make_song("b")
    seen: list[Progress] = []
    import_songs(on_progress=seen.append)
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, 2, 2)
    assert seen[-1].audio_s == pytest.approx(4 * 14, abs=1)
    for earlier, later in pairwise(seen):
        assert earlier.done <= later.done
        assert earlier.audio_s <= later.audio_s


def test_an_interrupted_import_leaves_only_whole_songs(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf
) -> None:
    make_song("a")
    make_song("b")

    def interrupt(progress: Progress) -> None:
        if progress.done == 1 and progress.current == "b":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_songs(on_progress=interrupt)
    assert [key for _, key in shelf.songs] == ["a"]


def test_a_killed_import_leaves_nothing_that_the_next_does_not_sweep(
    make_song: SongMaker, import_songs: Importer, songs: Path, tmp_path: Path, shelf: Shelf
) -> None:
    make_song("a")
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    done = subprocess.run([sys.executable, script, songs, tmp_path / "work"], check=False, timeout=60)
    assert done.returncode == -9
    assert len(list((tmp_path / "work").iterdir())) == 1
    assert import_songs().count("new") == 1
    assert [key for _, key in shelf.songs] == ["a"]


KILLED = """
import os, signal, sys
from pathlib import Path
from yuefu.ingest.crew import Crew
from yuefu.ingest.importer import run
from yuefu.ingest.recipe import Recipe

class Shelf:
    def fingerprint(self, vendor_id, source_key):
        return None

    def chosen_clip(self, vendor_id, source_key):
        return None

class Blobs:
    def put(self, path):
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    run([Path(sys.argv[1])], vendor_id=1, recipe=Recipe(), shelf=Shelf(), blobs=Blobs(), dry_run=False,
        crew=Crew(1, time_limit_s=60), work_dir=Path(sys.argv[2]), on_progress=lambda progress: None)
"""
