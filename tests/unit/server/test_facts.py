"""The cells of a table of facts: what is written is read back."""

import io
from collections.abc import Callable
from functools import partial
from unicodedata import normalize

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from yuefu.catalogue.facts import FIELDS
from yuefu.catalogue.song import PublishedSong, Song, SongFacts, Version
from yuefu.ids import SongId
from yuefu.music.findings import FindingList
from yuefu.server import facts as table
from yuefu.server.table import Row

CHARACTERS = st.characters(exclude_categories=["C", "Z"], exclude_characters="\ufffd") | st.sampled_from('|\\,;"')
NAMES = st.text(CHARACTERS, min_size=1, max_size=12).map(partial(normalize, "NFC"))
LISTS = st.lists(NAMES, max_size=3, unique=True).map(tuple)
FACTS = st.builds(
    SongFacts,
    title=NAMES,
    aliases=LISTS,
    singers=LISTS,
    album=NAMES | st.just(""),
    language=st.sampled_from(["", "zh", "Chinese"]),
    genres=st.lists(st.integers(1, 27), max_size=3, unique=True).map(tuple),
    year=st.none() | st.integers(1, 9999),
    bpm=st.none() | st.integers(1, 999),
    isrc=st.sampled_from(["", "QMABC2400001"]),
    iswc=st.sampled_from(["", "T0345246801"]),
    version=st.sampled_from(Version),
)


SONG_ID = SongId(100_000_001)


def song_of(made: PublishedSong, facts: SongFacts) -> Song:
    return Song(song_id=SONG_ID, revision=1, published=msgspec.structs.replace(made, facts=facts))


@given(before=FACTS, after=FACTS)
def test_a_table_makes_any_facts_those_it_was_written_from(
    before: SongFacts, after: SongFacts, song_maker: Callable[[], PublishedSong]
) -> None:
    made = song_maker()
    written = io.StringIO(newline="")
    assert table.export_facts([song_of(made, after)], written) == 1
    read = table.FORM.read(written.getvalue().encode(), file="facts.csv")
    edited = dict(table._edits(read.rows, lambda _: song_of(made, before)))
    assert (len(read.rows), read.findings.close(), read.notes) == (1, (), ())
    assert edited.get(SONG_ID, (before, before))[1] == after


@given(FACTS)
def test_a_table_of_what_holds_changes_nothing(facts: SongFacts) -> None:
    cells = {field: table.write_cell(facts, field) for field in FIELDS}
    assert table._edited(facts, Row(2, cells, FindingList("facts.csv"))) == facts
