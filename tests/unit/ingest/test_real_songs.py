"""Third-party deliveries, as they came."""

from pathlib import Path

import pytest
from tests.unit.ingest.conftest import Blobs, Shelf

from yuefu.ids import VendorId
from yuefu.ingest.crew import Crew
from yuefu.ingest.importer import run
from yuefu.ingest.recipe import Recipe
from yuefu.ingest.report import ImportReport

ULTRASTAR = Path(__file__).parents[3] / "../shared/data/ultrastar"

WITH_AUDIO = {
    "cc-free/Joshua Morin - On the run": 288_289,
    "cc-nc/Fairy Bot Orchestra - Heaven can't wait": 188_953,
    "cc-nc/Jonathan Coulton - Code Monkey": 189_324,
    "cc-nc/Jonathan Coulton - Flickr": 167_967,
    "cc-nc/Jonathan Coulton - Furry Old Lobster": 122_122,
    "cc-nc/Jonathan Coulton - I Feel Fantastic": 183_066,
    "cc-nc/Jonathan Coulton - Monkey Shines": 51_069,
    "cc-nc/Jonathan Coulton - Mr. Fancy Pants": 79_517,
    "cc-nc/Steven Dunston - Northern Star": 190_173,
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> ImportReport:
    """A dry run over everything."""
    if not ULTRASTAR.is_dir():
        pytest.skip("the third-party songs are not here (../shared/data)")
    folder = tmp_path_factory.mktemp("import")
    with Crew(2, time_limit_s=60) as crew:
        return run(
            [ULTRASTAR],
            vendor_id=VendorId(1),
            recipe=Recipe(),
            shelf=Shelf(),
            blobs=Blobs(folder / "blobs"),
            crew=crew,
            dry_run=True,
            work_dir=folder / "work",
            on_progress=lambda progress: None,
        )


def test_folders_with_audio_are_taken_and_measured(measured: ImportReport) -> None:
    taken = {song.source_key: song.duration_ms for song in measured.songs if song.outcome == "new"}
    songs = {key: duration_ms for key, duration_ms in taken.items() if key.startswith("cc-")}
    assert songs == pytest.approx(WITH_AUDIO, abs=2)


def test_every_highlight_lies_inside_its_song(measured: ImportReport) -> None:
    taken = [song for song in measured.songs if song.outcome == "new"]
    assert taken
    for song in taken:
        assert song.clip is not None, song.source_key
        assert 0 <= song.clip.begin_ms < song.clip.end_ms <= song.duration_ms, song.source_key


def test_every_media_format_is_taken(measured: ImportReport) -> None:
    outcomes = {
        song.source_key: song.outcome for song in measured.songs if song.source_key.startswith("media-formats/")
    }
    assert len(outcomes) == 7
    assert set(outcomes.values()) == {"new"}


def test_whatever_is_refused_has_a_reason_of_its_own(measured: ImportReport) -> None:
    refused = {song.source_key: song.reason or "" for song in measured.songs if song.outcome == "refused"}
    assert all(refused.values())
    assert not [reason for reason in refused.values() if "Error" in reason or "crashed" in reason]
    assert refused["cc-free/Systemabsturz - Verdächtig"] == "no audio: 'audio.ogg' is not there"
    assert refused["usdb_syncer/invalid/empty"] == "empty.txt is empty"
    assert refused["usdb_syncer/invalid/no_headers"].startswith("no_headers.txt: the text has no header")
    assert refused["usdb_syncer/invalid/no_notes"].startswith("no_notes.txt: ")


def test_no_delivery_is_passed_over(measured: ImportReport) -> None:
    texts = [file for file in ULTRASTAR.rglob("*.txt") if file.name != "license.txt"]
    assert len(measured.songs) == len(texts)
