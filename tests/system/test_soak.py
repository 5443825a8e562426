"""`make soak`: its page is kept whole, and each chapter runs alone."""

import subprocess
import sys
from pathlib import Path

import pytest
from soak.page import TITLES, Chapter, put_chapter

ROOT = Path(__file__).parents[2]


def chapter(title: str, body: str) -> Chapter:
    return Chapter(title, body, minutes=2.5)


def test_a_chapter_takes_the_place_of_its_like_and_leaves_the_others() -> None:
    page = ""
    for title in reversed(TITLES):
        page = put_chapter(page, chapter(title, f"It held: {title}.\n\n### More\n\n| a | b |\n"))
    assert [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")] == [*TITLES]
    again = put_chapter(page, chapter(TITLES[1], "It held again.\n"))
    for title in (TITLES[0], TITLES[2]):
        assert f"It held: {title}.\n\n### More\n\n| a | b |\n" in again
    assert "It held again." in again
    assert f"It held: {TITLES[1]}." not in again
    assert put_chapter(again, chapter(TITLES[1], "It held again.\n")) == again


def test_what_is_no_chapter_does_not_stay_on_the_page() -> None:
    page = put_chapter("# Soak\n\nOld words.\n\n## Old\n\nGone.\n", chapter(TITLES[0], "New.\n"))
    assert "Old" not in page
    assert page.endswith("New.\n")


@pytest.mark.parametrize("name", ["takedowns", "kills", "metering"])
def test_a_chapter_says_how_it_is_run(name: str) -> None:
    said = soak(name, "--help")
    assert "--out" in said


def test_the_steps_are_counted_and_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(put_chapter("", chapter(TITLES[0], "Kept.\n")), encoding="utf-8")
    soak("metering", "--steps", "200", "--processes", "1", "--out", str(page))
    told = page.read_text(encoding="utf-8")
    assert "Kept." in told
    assert f"## {TITLES[2]}" in told


def soak(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "soak", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
