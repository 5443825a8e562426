from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ingest.conftest import make_sound
from tests.unit.ingest.onnx_model import (
    DOUBLE,
    OPEN,
    Size,
    gain,
    model,
    no_numbers,
    smear,
    weights_elsewhere,
    write_model,
)

from yuefu.ingest import onnx_separator
from yuefu.ingest.media import Sound
from yuefu.ingest.onnx_separator import CHUNK_SAMPLES, OnnxSeparator, work_in_chunks
from yuefu.ingest.separation import BadModel, NoSound, Stem, Stems


def separator(folder: Path, content: bytes, *, gives: Stem = Stem.VOCALS) -> OnnxSeparator:
    path = folder / "model.onnx"
    return OnnxSeparator(path, write_model(path, content), gives)


def take_apart(separator: OnnxSeparator, *blocks: Sound) -> Stems:
    stems = list(separator.separate(blocks))
    return Stems(
        vocals=np.concatenate([each.vocals for each in stems], axis=1),
        accompaniment=np.concatenate([each.accompaniment for each in stems], axis=1),
    )


@pytest.mark.parametrize("gives", Stem)
def test_what_the_model_does_not_give_is_the_difference(tmp_path: Path, gives: Stem) -> None:
    sound = make_sound(25)
    stems = take_apart(separator(tmp_path, gain(0.25, 0.25), gives=gives), sound)
    quiet, loud = (stems.vocals, stems.accompaniment) if gives is Stem.VOCALS else (stems.accompaniment, stems.vocals)
    assert np.array_equal(quiet, 0.25 * sound)
    assert np.array_equal(loud, 0.75 * sound)


@pytest.mark.parametrize("sizes", [OPEN, (1, 2, 100_000), ("songs", "channels", "samples")], ids=str)
@pytest.mark.parametrize("seconds", [0.01, 10, 25])
def test_no_seams_are_heard_of_a_model_that_listens_around(
    tmp_path: Path, sizes: tuple[Size, ...], seconds: float
) -> None:
    sound = make_sound(seconds)
    heard_whole = np.stack([np.convolve(channel, np.full(2_001, 1 / 2_001))[1_000:-1_000] for channel in sound])
    vocals = take_apart(separator(tmp_path, smear(2_001, sizes=sizes)), *np.array_split(sound, 7, axis=1)).vocals
    assert vocals.shape == sound.shape
    assert np.abs(vocals - heard_whole).max() < 1e-6


def test_chunks_side_by_side_would_have_seams(tmp_path: Path) -> None:
    """That the test above can fail."""
    sound = make_sound(4)
    smeared = separator(tmp_path, smear(2_001))
    whole = take_apart(smeared, sound).vocals
    halves = [take_apart(smeared, half).vocals for half in np.array_split(sound, 2, axis=1)]
    assert np.abs(np.concatenate(halves, axis=1) - whole).max() > 1e-3


@given(st.integers(0, 400), st.integers(16, 90), st.lists(st.integers(0, 400), max_size=6))
def test_chunks_put_together_are_the_sound_whatever_its_length(length: int, size: int, cuts: list[int]) -> None:
    sound = np.arange(2 * length, dtype=np.float32).reshape(2, length)
    chunks = list(work_in_chunks(np.split(sound, sorted(cuts), axis=1), np.negative, size))
    joined = [np.concatenate([chunk[place] for chunk in chunks], axis=1) for place in (0, 1)] if chunks else []
    assert all(np.array_equal(found, wanted) for found, wanted in zip(joined, (sound, -sound), strict=False))
    assert bool(chunks) == bool(length)


def test_no_more_than_a_chunk_of_a_song_is_held() -> None:
    drawn = 0

    def blocks() -> Iterator[Sound]:
        nonlocal drawn
        for _ in range(100):
            drawn += 10
            yield np.zeros((2, 10), np.float32)

    given_out = 0
    for chunk, _ in work_in_chunks(blocks(), np.copy, 80):
        given_out += chunk.shape[1]
        assert drawn - given_out <= 80 + 10


def test_a_model_is_read_once_for_all_songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quarter = separator(tmp_path, gain(0.25, 0.25))
    take_apart(quarter, make_sound(1))
    monkeypatch.setattr(onnx_separator, "_read", pytest.fail)
    take_apart(quarter, make_sound(1))


def test_a_model_that_was_changed_after_it_was_tried_out_is_not_used(tmp_path: Path) -> None:
    quarter = separator(tmp_path, gain(0.25, 0.25))
    quarter.try_out()
    write_model(quarter.path, gain(0.5, 0.5))
    with pytest.raises(BadModel, match=r"its SHA-256 is [0-9a-f]{64}, not "):
        take_apart(quarter, make_sound(1))


def concatenate(takes: tuple[Size, ...], makes: tuple[Size, ...]) -> bytes:
    """Gives its chunk twice."""
    return model(("Concat", ("mix", "mix"), "stem", {"axis": 2}), takes=takes, makes=makes)


NOT_A_MODEL = "not an ONNX model we can load"
ANY = ("a", "b", "c")
UNFIT = {
    "empty": (b"", NOT_A_MODEL),
    "a page": (b"<html>404</html>" * 100, NOT_A_MODEL),
    "cut off": (gain(1, 1)[:-40], NOT_A_MODEL),
    "unknown operator": (model(("Frobnicate", ("mix",), "stem", {})), NOT_A_MODEL),
    "weights elsewhere": (weights_elsewhere("weights.bin"), NOT_A_MODEL),
    "no songs": (gain(1, 1, sizes=(2, "N")), r"it takes tensor\(float\) \[2, N\]"),
    "mono": (gain(1, 1, sizes=(1, 1, "N")), r"it takes tensor\(float\) \[1, 1, N\]"),
    "four at once": (gain(1, 1, sizes=(4, 2, "N")), r"it takes tensor\(float\) \[4, 2, N\]"),
    "double": (model(("Abs", ("mix",), "stem", {}), kind=DOUBLE), r"it takes tensor\(double\)"),
    "two inputs": (
        model(("Add", ("mix", "more"), "stem", {}), inputs=("mix", "more")),
        "it has 2 inputs and 1 outputs",
    ),
    "short": (gain(1, 1, sizes=(1, 2, 100)), "it takes 100 samples at once"),
    "long": (gain(1, 1, sizes=(1, 2, 10**9)), "it takes 1,000,000,000 samples at once"),
    "other lengths": (concatenate((1, 2, 9_000), (1, 2, 18_000)), "stretches of other lengths"),
    "other lengths unsaid": (
        concatenate(OPEN, ANY),
        rf"makes \[1, 2, {2 * CHUNK_SAMPLES}\] of \[1, 2, {CHUNK_SAMPLES}\]",
    ),
    "NaN": (model(("Log", ("mix",), "stem", {})), "of silence it makes values"),
}


@pytest.mark.parametrize(("content", "fact"), UNFIT.values(), ids=UNFIT)
def test_a_model_that_does_not_fit_is_refused_with_its_reason(tmp_path: Path, content: bytes, fact: str) -> None:
    (tmp_path / "weights.bin").write_bytes(np.ones(2, np.float32).tobytes())
    with pytest.raises(BadModel, match=f"^separation model .*: .*{fact}") as refused:
        separator(tmp_path, content).try_out()
    assert len(str(refused.value).splitlines()) == 1


def test_weights_beside_a_model_are_not_read_from_where_we_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("weights.bin").write_bytes(np.ones(2, np.float32).tobytes())
    with pytest.raises(BadModel, match="not an ONNX model we can load"):
        separator(tmp_path, weights_elsewhere("weights.bin")).try_out()


@pytest.mark.parametrize("name", ["gone.onnx", ".", "gone/model.onnx"])
def test_a_model_that_is_not_there_is_missed(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadModel, match="there is no such file"):
        OnnxSeparator(tmp_path / name, "ab" * 32, Stem.VOCALS).try_out()


def test_a_file_larger_than_any_model_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(2**31 + 1)  # a hole, which takes no room
    with pytest.raises(BadModel, match="larger than 2 GiB"):
        OnnxSeparator(path, "ab" * 32, Stem.VOCALS).try_out()


@pytest.mark.parametrize(
    ("content", "what"),
    [(no_numbers(), "values that are no numbers"), (gain(1e9, 1e9), r"values up to 3e\+08, where 1 is full scale")],
    ids=["NaN", "loud"],
)
def test_what_is_no_sound_is_not_taken_for_a_stem(tmp_path: Path, content: bytes, what: str) -> None:
    made = separator(tmp_path, content)
    made.try_out()
    with pytest.raises(NoSound, match=what):
        take_apart(made, make_sound(1))
