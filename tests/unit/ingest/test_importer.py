import subprocess
import sys
from collections.abc import Callable
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
    write_wav,
)

from yuefu.catalogue.song import COVER_SIZES_PX, PartKind, PublishedSong, SongState
from yuefu.errors import YuefuError
from yuefu.ids import VendorId
from yuefu.ingest.importer import Progress, run
from yuefu.ingest.media import PyAvStudio
from yuefu.ingest.report import ImportReport
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import PitchLine

VENDOR = VendorId(2)
Importer = Callable[..., ImportReport]
STEMS = {"sounds": ("audio.wav", "i.wav"), "INSTRUMENTAL": "i.wav"}


@pytest.fixture
def import_songs(songs: Path, tmp_path: Path, shelf: Shelf, blobs: Blobs) -> Importer:
    """Imports the folder of songs with one worker, and checks that nothing half-made stays."""

    def import_all(*paths: Path, **options: Any) -> ImportReport:
        usual: dict[str, Any] = {"segment_file": True, "dry_run": False, "on_progress": lambda progress: None}
        work_dir = tmp_path / "work"
        try:
            return run(
                paths or (songs,),
                vendor_id=VENDOR,
                shelf=shelf,
                blobs=blobs,
                workers=1,
                work_dir=work_dir,
                **(usual | options),
            )
        finally:
            assert list(work_dir.iterdir()) == []

    return import_all


def kinds(song: PublishedSong) -> set[PartKind]:
    return {part.kind for part in song.parts}


def blob_of(song: PublishedSong, kind: PartKind, blobs: Blobs) -> Path:
    return next(blobs.folder / part.blob.sha256 for part in song.parts if part.kind is kind)


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
    assert kinds(song) == {PartKind.ORIGINAL, PartKind.LYRICS, PartKind.PITCH_LINE}
    assert song.states == (SongState.NEEDS_ACCOMPANIMENT,)
    assert song.accompaniment_duration_ms == 0


def test_a_backing_alone_is_an_accompaniment_of_one_track(
    make_song: SongMaker, import_songs: Importer, shelf: Shelf
) -> None:
    make_song("a", sounds=("i.wav",), AUDIO="", INSTRUMENTAL="i.wav")
    import_songs(segment_file=False)
    song = shelf.song("a")
    assert kinds(song) == {PartKind.ACCOMPANIMENT, PartKind.CLIP, PartKind.LYRICS, PartKind.PITCH_LINE}
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
    (report,) = import_songs(segment_file=changed != "option").songs
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
    (report,) = import_songs(song_limit_s=0.01).songs
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
    def refuse(song: PublishedSong) -> None:
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
from yuefu.ingest.importer import run

class Shelf:
    def fingerprint(self, vendor_id, source_key):
        return None

class Blobs:
    def put(self, path):
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    run([Path(sys.argv[1])], vendor_id=1, segment_file=False, shelf=Shelf(), blobs=Blobs(), workers=1, dry_run=False,
        work_dir=Path(sys.argv[2]), on_progress=lambda progress: None)
"""
