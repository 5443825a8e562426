from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soxr
from tests.unit.ingest.conftest import RATE_HZ, SongMaker, make_sound, read_sound, write_encoded, write_wav
from tests.unit.ingest.onnx_model import gain, no_numbers, write_model
from tests.unit.music.singing import PITCHES, band, lyrics, voice

from yuefu.catalogue.song import PartKind, Quality, SongState
from yuefu.ingest.draft import draft_song
from yuefu.ingest.fingerprint import fingerprint
from yuefu.ingest.folder import Rejection, SongFolder, discover
from yuefu.ingest.importer import Job, Prepared, prepare_song
from yuefu.ingest.media import PyAvStudio, Sound
from yuefu.ingest.onnx_separator import OnnxSeparator
from yuefu.ingest.recipe import Recipe
from yuefu.ingest.refusal import Unplayable
from yuefu.ingest.separation import BadModel, Separator, Stem, Stems, separate_song
from yuefu.music.f0 import RATE_HZ as HEARD_HZ
from yuefu.music.notes import PitchSource

ALL = frozenset((kind, quality) for kind in (PartKind.ORIGINAL, PartKind.ACCOMPANIMENT) for quality in Quality)


@dataclass(frozen=True)
class LeftIsVoice:
    """A separator for songs with the singer on the left and the band on the right; `bleed` of the band stays."""

    model_sha256: str = "ab" * 32
    gives: Stem = Stem.VOCALS
    bleed: float = 0.0

    def separate(self, sound: Iterable[Sound]) -> Iterator[Stems]:
        for block in sound:
            vocals = block * np.array([[1], [self.bleed]], np.float32)
            yield Stems(vocals=vocals, accompaniment=block - vocals)


@cache
def song_sound() -> Sound:
    """The singer on the left, the band on the right."""
    length = min(len(voice()), len(band()))
    sides = [soxr.resample(sound[:length], HEARD_HZ, RATE_HZ) for sound in (voice(), band())]
    return np.asarray(np.stack(sides) / max(np.abs(side).max() for side in sides) * 0.8, np.float32)


@pytest.fixture
def mix(songs: Path) -> SongFolder:
    """A song with the times of its lines, delivered as a mix alone."""
    write_wav(songs / "送别.wav", song_sound())
    lines = [f"[00:{line.begin_ms / 1000:05.2f}]啦\n[00:{line.end_ms / 1000:05.2f}]\n" for line in lyrics().lines]
    (songs / "送别.lrc").write_text("".join(lines), "utf-8")
    return only_song(songs)


def only_song(songs: Path) -> SongFolder:
    (found,) = discover([songs])
    assert isinstance(found, SongFolder)
    return found


def prepare(
    song: SongFolder, work: Path, separator: Separator | None, *, dry_run: bool = False
) -> Prepared | Rejection:
    job = Job(
        place=0, song=song, work=work, known=None, chosen_clip=None, recipe=Recipe(ALL, separator=separator),
        dry_run=dry_run, studio=PyAvStudio(),
    )  # fmt: skip
    return prepare_song(job, lambda seconds: None)


def prepared(song: SongFolder, work: Path, separator: Separator | None, *, dry_run: bool = False) -> Prepared:
    done = prepare(song, work, separator, dry_run=dry_run)
    assert isinstance(done, Prepared)
    return done


def problems(done: Prepared) -> list[str]:
    assert done.analysed is not None
    return [f"{finding.problem}: {finding.action}" for finding in done.analysed.findings]


def test_a_song_without_accompaniment_gets_one_and_the_line_its_voice_sings(mix: SongFolder, tmp_path: Path) -> None:
    done = prepared(mix, tmp_path / "work", LeftIsVoice())
    assert done.analysed is not None
    assert done.encoded is not None
    assert SongState.NEEDS_ACCOMPANIMENT not in done.encoded.states
    assert problems(done) == ["no accompaniment is delivered: separated from the original"]
    made = {(part.kind, part.quality): part.file for part in done.encoded.parts}
    accompaniment = read_sound(made[PartKind.ACCOMPANIMENT_ALONE, Quality.SQ]) / 32_768
    assert np.abs(accompaniment - song_sound() * [[0], [1]]).max() < 1e-4
    assert done.analysed.duration_ms == done.encoded.accompaniment_duration_ms

    line = done.analysed.pitch_line
    assert line.source is PitchSource.SEPARATED_VOCALS
    assert line.confidence > 0.9
    assert {note.pitch for note in line.notes} == set(PITCHES)


def test_vocals_with_the_band_still_in_them_give_no_pitch_line(mix: SongFolder, tmp_path: Path) -> None:
    done = prepared(mix, tmp_path / "work", LeftIsVoice(bleed=0.7))
    assert done.encoded is not None
    assert SongState.NEEDS_PITCH_LINE in done.encoded.states
    assert any("still have the music in them" in problem for problem in problems(done))


def test_without_a_separator_the_accompaniment_stays_needed(mix: SongFolder, tmp_path: Path) -> None:
    done = prepared(mix, tmp_path / "work", None)
    assert done.encoded is not None
    assert SongState.NEEDS_ACCOMPANIMENT in done.encoded.states
    assert problems(done) == []


def test_a_dry_run_only_says_that_it_would_separate(mix: SongFolder, tmp_path: Path) -> None:
    done = prepared(mix, tmp_path / "work", LeftIsVoice(), dry_run=True)
    assert problems(done) == ["no accompaniment is delivered: will be separated from the original"]
    assert not list((tmp_path / "work").iterdir())


def test_a_separated_accompaniment_is_no_finer_than_its_original(songs: Path, tmp_path: Path) -> None:
    write_encoded(songs / "song.mp3", make_sound(4), "libmp3lame", bit_rate_bps=128_000)
    done = prepared(only_song(songs), tmp_path / "work", LeftIsVoice())
    assert done.encoded is not None
    kinds = (PartKind.ACCOMPANIMENT, PartKind.ACCOMPANIMENT_ALONE)
    assert {part.quality for part in done.encoded.parts if part.kind in kinds} == {Quality.NORMAL}


def test_stems_beyond_full_scale_are_not_cut_off(songs: Path, tmp_path: Path) -> None:
    write_wav(songs / "song.wav", song_sound())
    model = tmp_path / "model.onnx"
    loud = OnnxSeparator(model, write_model(model, gain(-1, -1)), Stem.VOCALS)
    song = separate_song(draft_song(only_song(songs)), PyAvStudio(), loud, tmp_path / "stems")
    assert song.tracks.backing is not None
    delivered = read_sound(songs / "song.wav") / 32_768
    assert np.allclose(read_sound(song.tracks.backing), 2 * delivered, atol=1e-6)
    assert 2 * np.abs(delivered).max() > 1


def test_notes_and_vocals_that_are_delivered_are_not_made_again(
    make_song: SongMaker, songs: Path, tmp_path: Path
) -> None:
    make_song("a")
    song = separate_song(draft_song(only_song(songs)), PyAvStudio(), LeftIsVoice(), tmp_path / "a")
    assert song.tracks.vocals is None
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["accompaniment.wav"]

    (songs / "a" / "song.txt").unlink()
    write_wav(songs / "a" / "audio.vocals.wav", make_sound(4))
    song = separate_song(draft_song(only_song(songs)), PyAvStudio(), LeftIsVoice(), tmp_path / "b")
    assert song.tracks.vocals == songs / "a" / "audio.vocals.wav"
    assert [file.name for file in (tmp_path / "b").iterdir()] == ["accompaniment.wav"]


def test_a_model_that_gives_no_sound_costs_the_accompaniment_and_not_the_song(mix: SongFolder, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    done = prepared(mix, tmp_path / "work", OnnxSeparator(model, write_model(model, no_numbers()), Stem.VOCALS))
    assert done.encoded is not None
    assert SongState.NEEDS_ACCOMPANIMENT in done.encoded.states
    assert problems(done) == ["the model gives values that are no numbers: no accompaniment made"]
    assert done.encoded.analysed.draft.separation is None


def test_a_model_that_cannot_be_used_refuses_the_song(mix: SongFolder, tmp_path: Path) -> None:
    done = prepare(mix, tmp_path / "work", OnnxSeparator(tmp_path / "gone.onnx", "ab" * 32, Stem.VOCALS))
    assert isinstance(done, Rejection)
    assert done.reason.endswith("gone.onnx: there is no such file")


def test_a_damaged_original_is_refused_before_it_is_separated(mix: SongFolder, songs: Path, tmp_path: Path) -> None:
    class NotYet(LeftIsVoice):
        def separate(self, sound: Iterable[Sound]) -> Iterator[Stems]:
            raise BadModel(Path(), "asked")

    whole = (songs / "送别.wav").read_bytes()
    (songs / "送别.wav").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Unplayable, match="cut off"):
        separate_song(draft_song(mix), PyAvStudio(), NotYet(), tmp_path / "stems")


def test_the_progress_of_separating_is_told_in_seconds_of_the_song(mix: SongFolder, tmp_path: Path) -> None:
    heard: list[float] = []
    separate_song(draft_song(mix), PyAvStudio(), LeftIsVoice(), tmp_path / "stems", heard=heard.append)
    seconds = song_sound().shape[1] / RATE_HZ
    assert sum(heard) == pytest.approx(2 * seconds)  # once to see that it is whole, once to separate it


def test_the_model_is_in_the_fingerprint_of_the_songs_it_is_for(mix: SongFolder, songs: Path) -> None:
    def marks() -> list[str]:
        separators = (None, LeftIsVoice(), LeftIsVoice("cd" * 32), LeftIsVoice(gives=Stem.ACCOMPANIMENT))
        recipes = [replace(Recipe(), separator=separator) for separator in separators]
        return [fingerprint(draft_song(only_song(songs)), recipe) for recipe in recipes]

    assert len(set(marks())) == 4
    write_wav(songs / "送别.伴奏.wav", make_sound(4))
    assert len(set(marks())) == 1
