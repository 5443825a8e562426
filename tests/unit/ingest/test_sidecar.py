from pathlib import Path

import pytest

from yuefu.catalogue.song import SongFacts, Version
from yuefu.ingest.refusal import Refused
from yuefu.ingest.sidecar import read_sidecar

WHOLE = """
id = "QMZ-0001"
title = "茉莉花"
aliases = ["Jasmine Flower"]
singers = ["甲", "乙"]
album = "民歌"
language = "zh"
genre = "江南小调"
genres = [19, "guofeng"]
year = 1957
bpm = 88
isrc = "QM-ABC-24-00001"
iswc = "T-034.524.680-1"
version = "live"

[pictures]
"甲" = "jia.jpg"
"""


@pytest.fixture
def sidecar(tmp_path: Path) -> Path:
    return tmp_path / "song.toml"


def test_a_sidecar_says_every_fact(sidecar: Path) -> None:
    sidecar.write_text(WHOLE, "utf-8")
    read, findings = read_sidecar(sidecar)
    assert findings == ()
    assert (read.source_key, read.pictures) == ("QMZ-0001", {"甲": "jia.jpg"})
    assert read.override(SongFacts(title="x", genre="x")) == SongFacts(
        title="茉莉花",
        aliases=("Jasmine Flower",),
        singers=("甲", "乙"),
        album="民歌",
        language="zh",
        genre="江南小调",
        genres=(19, 12),
        year=1957,
        bpm=88,
        isrc="QMABC2400001",
        iswc="T0345246801",
        version=Version.LIVE,
    )


def test_what_a_sidecar_does_not_say_stays(sidecar: Path) -> None:
    sidecar.write_text("bpm = 90.4\n")
    facts = SongFacts(title="茉莉花", genres=(20,), year=1942, version=Version.COVER)
    read, _ = read_sidecar(sidecar)
    after = read.override(facts)
    assert (after.title, after.genres, after.year, after.version) == ("茉莉花", (20,), 1942, Version.COVER)
    assert after.bpm == 90


def test_the_word_for_a_genre_gives_its_number_where_none_is_said(sidecar: Path) -> None:
    sidecar.write_text('genre = "民歌"\n', "utf-8")
    read, _ = read_sidecar(sidecar)
    facts = read.override(SongFacts(title="", genre="Rock", genres=(17,)))
    assert (facts.genre, facts.genres) == ("民歌", (19,))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('isrc = "QM-ABC"', "'QM-ABC' is no ISRC"),
        ('iswc = "T-034.524.680-2"', "the check digit is wrong"),
        ('version = "acoustic"', "'acoustic' is no version"),
        ("bpm = 0", "bpm: '0' is no number"),
        ("bpm = inf", "bpm: 'inf' is no number"),
        ("bpm = nan", "bpm: 'nan' is no number"),
        ("year = -3", "year: '-3' is no number"),
        (f"year = 1{'0' * 30}", "is no number"),
        ('genres = ["Pony"]', "'Pony' is no genre"),
        ("genres = [28]", "28 is no genre"),
    ],
)
def test_a_wrong_fact_is_a_finding_and_left_out(sidecar: Path, line: str, problem: str) -> None:
    sidecar.write_text(f'title = "茉莉花"\n{line}\n', "utf-8")
    read, findings = read_sidecar(sidecar)
    assert read.override(SongFacts(title="")) == SongFacts(title="茉莉花")
    assert [(finding.file, finding.action) for finding in findings] == [("song.toml", "left out")]
    assert problem in findings[0].problem


def test_of_several_genres_the_right_ones_are_taken(sidecar: Path) -> None:
    sidecar.write_text('genres = ["Pony", "民歌", 5, 19]\n', "utf-8")
    read, findings = read_sidecar(sidecar)
    assert read.override(SongFacts(title="")).genres == (19, 5)
    assert len(findings) == 1


@pytest.mark.parametrize("line", ["genres = [true]", "singers = '甲'", "bpm = 'fast'", "pictures = ['a.jpg']"])
def test_a_fact_of_the_wrong_type_refuses_the_song(sidecar: Path, line: str) -> None:
    sidecar.write_text(line, "utf-8")
    with pytest.raises(Refused):
        read_sidecar(sidecar)
