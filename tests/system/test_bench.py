"""`make bench` on a small catalogue: the machinery, never the figures, which a busy machine would spoil."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ("--songs", "2000", "--apps", "20", "--rounds", "1", "--requests", "3000", "--charges", "100", "--files", "2")

WRONG_ANSWER = """
import socket, threading
from bench.load import run_load

listener = socket.create_server(("127.0.0.1", 0))

def answer():
    connection, _ = listener.accept()
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nno")

threading.Thread(target=answer, daemon=True).start()
run_load(listener.getsockname()[1], [b"?"], connections=1, is_right=lambda body: body == b"ok")
"""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bench")
    bench(*SMALL, "--keep", str(folder / "kept"), "--out", str(folder / "page.md"))
    assert (folder / "kept/catalogue-2000/filling.json").is_file()
    return (folder / "page.md").read_text(encoding="utf-8")


def cells(page: str, title: str) -> list[str]:
    """The cells of the table row of that title."""
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {title}")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_every_goal_has_a_figure_and_a_verdict(page: str) -> None:
    for title in (
        "filling the catalogue",
        "memory of the worker",
        "from start to ready",
        "durable charges",
        "memory while",
    ):
        _, goal, measured, verdict = cells(page, title)
        assert re.search(r"\d", goal)
        assert re.search(r"\d", measured)
        assert verdict in {"met", "**missed**"}


def test_a_signed_query_is_told_as_a_ratio_to_the_bare_server(page: str) -> None:
    _, cpu_us, _, times_bare, rate, p50_ms, p99_ms = cells(page, "Yuefu, signed query")
    assert number(times_bare) > 1  # it does all that the bare server does, and the work
    assert number(cpu_us) > 0
    assert number(rate) > 0
    assert number(p50_ms) <= number(p99_ms)


def test_media_bytes_are_told_as_a_rate_and_what_they_cost(page: str) -> None:
    _, mb_per_s, cpu_us = cells(page, "Yuefu, asking the rights")
    assert number(mb_per_s) > 0
    assert number(cpu_us) > 0
    goal, rate = cells(page, "media bytes")[1:3]
    assert goal.startswith("≥ 0.5 ×")
    assert rate == "–" if "nginx not installed" in page else number(rate.removesuffix(" × nginx")) > 0


def test_without_nginx_its_goal_is_not_measured_and_the_page_says_how_to_get_it(page: str) -> None:
    if "nginx not installed" not in page:
        assert number(cells(page, "Yuefu, signed query")[2]) > 1
    else:
        assert cells(page, "a signed query")[-1] == "not measured"
        assert "apt-get install nginx-light" in page


def test_a_part_is_printed_and_leaves_the_page_alone() -> None:
    page = ROOT / "docs/benchmarks.md"
    before = page.read_bytes() if page.exists() else None
    said = bench("charge", "--rounds", "1", "--charges", "50").stdout
    assert "durable charges" in said
    assert "signed query" not in said
    assert (page.read_bytes() if page.exists() else None) == before


def test_a_wrong_answer_voids_the_run() -> None:
    failed = subprocess.run(
        [sys.executable, "-c", WRONG_ANSWER], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert failed.returncode == 1
    assert "LoadFailed: a wrong answer: b'no'" in failed.stderr
