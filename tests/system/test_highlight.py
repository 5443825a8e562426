"""A highlight as an operator looks at it and sets it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import av
import pytest
from tests.system.conftest import run_yuefu

from yuefu.ingest import repertoire

Highlight = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A delivery of one song."""
    folder = tmp_path_factory.mktemp("songs")
    entry = next(entry for entry in repertoire.entries() if entry.song == "xiao-xing-xing")
    repertoire.render(entry, folder / entry.folder)
    return folder


@pytest.fixture(scope="module")
def imported(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("imported") / "data"
    run_yuefu("import", songs, "--vendor", "1", "--rights", "both", "--data", data)
    return data


@pytest.fixture
def data(imported: Path, tmp_path: Path) -> Path:
    """An installation of its own that has that song."""
    shutil.copytree(imported, tmp_path / "data")
    return tmp_path / "data"


def highlight(data: Path, *options: str | Path) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(
        run_yuefu("song", "highlight", "100000001", *options, "--data", data, "--json")
    )
    return printed


def clip_s(data: Path) -> float:
    """How long the clip plays that callers get."""
    shown = json.loads(run_yuefu("song", "show", "100000001", "--data", data, "--json"))
    blob = next(part["blob"]["sha256"] for part in shown["published"]["parts"] if part["kind"] == "clip")
    with av.open(str(data / "blobs" / blob[:2] / blob)) as container:
        stream = container.streams.audio[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        return float(stream.duration * stream.time_base)


def test_what_was_chosen_is_told_with_its_rule(data: Path) -> None:
    chosen = highlight(data)["highlight"]
    assert chosen["rule"] in {"repeated_lyrics", "prominence"}
    assert 0 < chosen["confidence"] <= 1


def test_a_highlight_set_by_hand_is_cut_at_once_and_outlasts_imports(data: Path, songs: Path, tmp_path: Path) -> None:
    answer = highlight(data, "--set", "10.5", "31.25")
    assert answer["revision"] == 2
    assert answer["highlight"]["clip"] == {"begin_ms": 10_500, "end_ms": 31_250}
    assert answer["highlight"]["rule"] == "operator"
    assert clip_s(data) == pytest.approx(20.75, abs=0.01)
    (delivery,) = shutil.copytree(songs, tmp_path / "songs").iterdir()
    with (delivery / "song.toml").open("a", encoding="utf-8") as file:
        file.write("\n")  # the delivery is another one now
    run_yuefu("import", tmp_path / "songs", "--vendor", "1", "--data", data)
    again = highlight(data)
    assert again["revision"] == 3
    assert again["highlight"]["clip"] == {"begin_ms": 10_500, "end_ms": 31_250}
    assert again["highlight"]["automatic"]["rule"] != "operator"
    assert clip_s(data) == pytest.approx(20.75, abs=0.01)
    assert "song.highlight" in run_yuefu("audit", "list", "--data", data)


def test_what_the_rules_chose_can_be_had_again(data: Path) -> None:
    chosen, length_s = highlight(data)["highlight"], clip_s(data)
    highlight(data, "--set", "10.5", "31.25")
    highlight(data, "--set", "5", "20")
    answer = highlight(data, "--auto")
    assert (answer["revision"], answer["highlight"]) == (4, chosen)
    assert clip_s(data) == pytest.approx(length_s, abs=0.01)
    told = run_yuefu("song", "highlight", "100000001", "--auto", "--data", data, ok=False)
    assert "nobody has set another" in told


@pytest.mark.parametrize(
    ("begin", "end", "says"),
    [
        ("30", "10", "begins before it ends"),
        ("-1", "20", "lies between 0 and"),
        ("10", "9999", "lies between 0 and"),
        ("10", "12", "lasts 5 to 90 s"),
        ("nan", "20", "is no time in a song"),
        ("10", "inf", "is no time in a song"),
    ],
)
def test_what_cannot_be_a_highlight_is_refused_and_says_why(imported: Path, begin: str, end: str, says: str) -> None:
    told = run_yuefu("song", "highlight", "100000001", "--set", begin, end, "--data", imported, ok=False)
    assert says in told
    assert "Traceback" not in told


def test_a_page_that_cannot_be_written_is_said_to_be(imported: Path) -> None:
    told = run_yuefu("song", "highlight", "100000001", "--preview", "nowhere/page.html", "--data", imported, ok=False)
    assert "nowhere/page.html" in told
    assert "Traceback" not in told


def test_the_page_shows_the_song_and_needs_nothing_else(data: Path, tmp_path: Path) -> None:
    page = tmp_path / "highlight.html"
    run_yuefu("song", "highlight", "100000001", "--preview", page, "--data", data)
    text = page.read_text("utf-8")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    picture = ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    kinds = {element.get("class") for element in picture.iter()}
    assert {"clip", "segment", "wave", "line", "note"} <= kinds
    assert "月亮船儿轻轻摇" in text
