"""What every store of songs keeps: whole songs, under ids of their own for good."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from yuefu.catalogue.song import (
    Highlight,
    Outcome,
    Part,
    PartKind,
    PublishedSong,
    SongFacts,
    SongState,
    UnknownSong,
)
from yuefu.ids import SongId, VendorId
from yuefu.units import Span

SongMaker = Callable[..., PublishedSong]
PartMaker = Callable[..., Part]


@pytest.fixture
def rich_song(song_maker: SongMaker, part_maker: PartMaker) -> PublishedSong:
    """A song with a value in every field."""
    return song_maker(
        parts=(
            part_maker(PartKind.ACCOMPANIMENT, b"backing", track_count=2),
            part_maker(PartKind.LYRICS, b"words", track_count=0),
            part_maker(PartKind.ORIGINAL, b"original"),
        ),
        highlight=Highlight(
            clip=Span(begin_ms=60_000, end_ms=100_000),
            prelude_ms=5_000,
            segments=(Span(begin_ms=70_000, end_ms=90_000),),
            rule="medley",
        ),
        states=(SongState.NEEDS_WORD_LYRICS, SongState.NEEDS_PITCH_LINE),
    )


def published(store: Any, song_id: SongId) -> PublishedSong:
    held: PublishedSong = store.songs.song(song_id).published
    return held


def test_a_published_song_is_read_back_whole(store: Any, other: Any, rich_song: PublishedSong) -> None:
    publication = store.publish(rich_song)
    assert (publication.outcome, publication.revision) == (Outcome.NEW, 1)
    for view in (store, other):
        song = view.songs.song(publication.song_id)
        assert (song.song_id, song.revision, song.published) == (publication.song_id, 1, rich_song)


@pytest.mark.parametrize(
    "facts",
    [
        SongFacts(title=""),
        SongFacts(title="送别 𠮷 👩‍🎤", singers=("李叔同", "O'Brien", '"', "\x00")),
        SongFacts(title="a" * 100_000, year=-1),
    ],
    ids=["nothing known", "every script", "long"],
)
def test_facts_come_back_as_they_were(store: Any, song_maker: SongMaker, facts: SongFacts) -> None:
    song = song_maker(facts=facts)
    assert published(store, store.publish(song).song_id) == song


def test_ids_have_nine_digits_and_are_never_shared(store: Any, song_maker: SongMaker) -> None:
    ids = [store.publish(song_maker(f"song {number}")).song_id for number in range(5)]
    ids += [store.publish(song_maker("song 0", vendor_id=VendorId(2))).song_id]
    assert len(set(ids)) == 6
    assert {len(str(song_id)) for song_id in ids} == {9}


def test_the_same_delivery_again_changes_nothing(store: Any, rich_song: PublishedSong) -> None:
    first = store.publish(rich_song)
    again = store.publish(rich_song)
    assert (again.song_id, again.revision, again.outcome) == (first.song_id, 1, Outcome.UNCHANGED)
    assert store.count("parts") == 3


def test_a_changed_delivery_is_a_new_revision_of_the_same_song(store: Any, rich_song: PublishedSong) -> None:
    first = store.publish(rich_song)
    changed = msgspec.structs.replace(rich_song, fingerprint="second", parts=rich_song.parts[:1], highlight=None)
    again = store.publish(changed)
    assert (again.song_id, again.revision, again.outcome) == (first.song_id, 2, Outcome.CHANGED)
    assert store.songs.song(first.song_id).revision == 2
    assert published(store, first.song_id) == changed


def test_a_removed_song_is_unknown(store: Any, other: Any, rich_song: PublishedSong) -> None:
    song_id = store.publish(rich_song).song_id
    store.remove(song_id)
    for view in (store, other):
        assert view.songs.songs() == []
        assert view.rights.rights_of(None, (song_id,)) == []
        for ask in (view.songs.song, view.rights.rights):
            with pytest.raises(UnknownSong):
                ask(song_id)


@pytest.mark.parametrize("fingerprint", ["first 茉莉花", "second"])
def test_a_removed_song_that_comes_again_has_its_old_id(store: Any, rich_song: PublishedSong, fingerprint: str) -> None:
    first = store.publish(rich_song)
    store.remove(first.song_id)
    again = store.publish(msgspec.structs.replace(rich_song, fingerprint=fingerprint))
    assert (again.song_id, again.revision, again.outcome) == (first.song_id, 2, Outcome.CHANGED)
    assert store.rights.rights(first.song_id).recording is None


def test_an_id_is_not_given_again_when_its_song_is_gone(store: Any, song_maker: SongMaker) -> None:
    gone = store.publish(song_maker("gone")).song_id
    store.remove(gone)
    assert store.publish(song_maker("new")).song_id != gone


@pytest.mark.parametrize("song_id", [0, -1, 1, 10**18, 2**63 - 1])
def test_a_song_nobody_published_cannot_be_had_or_removed(store: Any, song_id: int) -> None:
    with pytest.raises(UnknownSong):
        store.songs.song(SongId(song_id))
    with pytest.raises(UnknownSong):
        store.remove(SongId(song_id))


def test_a_song_cannot_be_removed_twice(store: Any, rich_song: PublishedSong) -> None:
    song_id = store.publish(rich_song).song_id
    store.remove(song_id)
    with pytest.raises(UnknownSong):
        store.remove(song_id)


def test_songs_are_listed_by_id_and_vendor(store: Any, song_maker: SongMaker) -> None:
    one = store.publish(song_maker("b")).song_id
    two = store.publish(song_maker("a", vendor_id=VendorId(2))).song_id
    three = store.publish(song_maker("a")).song_id
    assert [song.song_id for song in store.songs.songs()] == [one, two, three]
    assert [song.song_id for song in store.songs.songs(VendorId(1))] == [one, three]
    assert store.songs.songs(VendorId(9)) == []
