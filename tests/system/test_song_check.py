"""`yuefu song check`: the demo is good, and a delivery with faults is told so through the front door."""

import json
import wave
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from tests.system.conftest import run_yuefu

RATE_HZ = 8_000
LYRICS = """\
[00:20.00]好一朵美丽的茉莉花
[00:20.10]好一朵美丽的茉莉花
[00:24.00]芬芳美丽满枝桠
[00:30.00]又香又白人人夸
[00:34.00]
"""


def write_tone(path: Path, *stretches: tuple[float, float]) -> None:
    """A sound of stretches in seconds, each with its loudness; beyond 1 it is cut off."""
    loudness = np.concatenate([np.full(round(seconds * RATE_HZ), level) for seconds, level in stretches])
    tone = np.clip(loudness * np.sin(np.arange(len(loudness)) * 2 * np.pi * 220 / RATE_HZ), -1, 1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((tone * 32_767).astype("<i2").tobytes())


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One song that begins with silence and is cut off at full scale; its accompaniment is too short and too soft."""
    songs, data = tmp_path_factory.mktemp("songs"), tmp_path_factory.mktemp("faulty") / "data"
    write_tone(songs / "甲 - 送别.wav", (18, 0), (52, 5))
    write_tone(songs / "甲 - 送别.instrumental.wav", (18, 0), (40, 0.02))
    (songs / "甲 - 送别.lrc").write_text(LYRICS, "utf-8")
    run_yuefu("import", songs, "--vendor", "1", "--data", data)
    return data


def test_the_demo_is_good_but_for_words_without_times_and_songs_without_a_chorus(demo_folder: Path) -> None:
    summary = json.loads(run_yuefu("song", "check", "--all", "--data", demo_folder, "--json"))
    assert summary["verdicts"] == {"good": 17, "look": 2, "bad": 0}
    looked_at = {song["title"]: song["look"] for song in summary["worst"]}
    assert looked_at == {"孟姜女": ["parts", "highlight"], "さくらさくら": ["highlight"]}


def test_the_faults_of_a_delivery_are_found_and_end_with_status_1(faulty: Path) -> None:
    (song,) = json.loads(run_yuefu("song", "check", "100000001", "--data", faulty, "--json", ok=False))
    checks: dict[str, Any] = {check["measure"]: check for check in song["checks"]}
    bad = {measure for measure, check in checks.items() if check["verdict"] == "bad"}
    found = {
        "accompaniment_length",
        "accompaniment_level",
        "clipping",
        "fast_words",
        "loudness",
        "silence_before",
    }
    assert bad - {"notes_on_words", "outside_song"} == found  # a pitch line may be heard in it, and is none
    assert {"parts", "cover"} <= {measure for measure, check in checks.items() if check["verdict"] == "look"}
    assert checks["silence_before"]["figure"] == pytest.approx(18, abs=0.2)
    assert checks["accompaniment_length"]["figure"] == pytest.approx(-12, abs=0.1)
    assert checks["clipping"]["figure"] == pytest.approx(52 / 70, abs=0.01)
    assert checks["fast_words"]["places"] == [{"begin_ms": 20_000, "end_ms": 20_100}]


def test_people_are_told_what_is_wrong_and_where(faulty: Path) -> None:
    told = run_yuefu("song", "check", "100000001", "--data", faulty, ok=False)
    for words in ("送别", "有问题", "开头静音", "-12.0 s", "0:20.0"):
        assert words in told
    assert "1 songs: 0 good, 0 to look at, 1 bad." in run_yuefu("song", "check", "--all", "--data", faulty, ok=False)


def test_the_pages_can_be_looked_at(faulty: Path, tmp_path: Path) -> None:
    page = tmp_path / "song.html"
    run_yuefu("song", "check", "100000001", "--data", faulty, "--page", page, ok=False)
    text = page.read_text("utf-8")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    picture = ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    assert {"wave", "line", "fault"} <= {element.get("class") for element in picture.iter()}
    run_yuefu("song", "check", "--all", "--data", faulty, "--page", page, ok=False)
    assert "送别" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "say which songs, or --all"),
        (("100000001", "--vendor", "1"), "--vendor goes with --all"),
        (("--all", "--vendor", "77"), "there is no vendor 77"),
        (("100000099",), "there is no song 100000099"),
        (("--all", "--page", "nowhere/page.html"), "nowhere/page.html"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_says_why(faulty: Path, arguments: tuple[str, ...], says: str) -> None:
    told = run_yuefu("song", "check", *arguments, "--data", faulty, ok=False)
    assert says in told
    assert "Traceback" not in told
