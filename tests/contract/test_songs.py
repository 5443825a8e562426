"""What every store of songs keeps: whole songs, under ids of their own for good."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from yuefu.catalogue.search import Keyword
from yuefu.catalogue.song import (
    Blob,
    Highlight,
    Outcome,
    Part,
    PartKind,
    PublishedSong,
    SingerPicture,
    SongFacts,
    SongState,
    UnknownSong,
    Version,
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
        facts=SongFacts(
            title="茉莉花",
            aliases=("Jasmine", "好一朵茉莉花"),
            singers=("甲", "乙"),
            album="民歌",
            language="zh",
            genre="江南小调",
            genres=(19, 5),
            year=1957,
            bpm=88,
            isrc="QMABC2400001",
            iswc="T0345246801",
            version=Version.LIVE,
        ),
        pictures=(SingerPicture(singer="乙", blob=Blob(sha256="ab" * 32, size_bytes=7)),),
        separated_by="cd" * 32,
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


def facts_of(store: Any, song_id: SongId) -> SongFacts:
    return published(store, song_id).facts


def redelivered(song: PublishedSong, **facts: Any) -> PublishedSong:
    """The song as a later delivery has it."""
    changed = msgspec.structs.replace(song.facts, **facts)
    return msgspec.structs.replace(song, fingerprint=f"{song.fingerprint} again", facts=changed)


def test_an_edited_song_says_so_to_everyone_and_is_a_new_revision(
    store: Any, other: Any, rich_song: PublishedSong
) -> None:
    song_id = store.publish(rich_song).song_id
    edit = store.edit(song_id, title="茉莉", bpm=None, singers=("丙",))
    assert (edit.song_id, edit.revision, edit.outcome) == (song_id, 2, Outcome.CHANGED)
    for view in (store, other):
        song = view.songs.song(song_id)
        assert song.published.facts == msgspec.structs.replace(rich_song.facts, title="茉莉", bpm=None, singers=("丙",))
        assert (song.revision, song.delivered) == (2, rich_song.facts)
        assert song.published.parts == rich_song.parts
        found = {word: list(view.search.matches(VendorId(1), Keyword.parse(word))) for word in ("丙", "茉莉花", "乙")}
        assert found == {"丙": [song_id], "茉莉花": [song_id], "乙": []}, "by its new singer and its alias"


def test_an_edit_that_says_what_holds_changes_nothing(store: Any, rich_song: PublishedSong) -> None:
    song_id = store.publish(rich_song).song_id
    assert store.edit(song_id, title="茉莉花").outcome is Outcome.UNCHANGED
    assert (store.songs.song(song_id).revision, store.songs.song(song_id).delivered) == (1, None)


def test_an_edit_outlasts_the_same_delivery(store: Any, rich_song: PublishedSong) -> None:
    song_id = store.publish(rich_song).song_id
    store.edit(song_id, title="茉莉", album="")
    assert store.publish(rich_song).outcome is Outcome.UNCHANGED
    assert facts_of(store, song_id) == msgspec.structs.replace(rich_song.facts, title="茉莉", album="")


def test_a_later_delivery_changes_all_facts_but_the_edited_ones(store: Any, rich_song: PublishedSong) -> None:
    song_id = store.publish(rich_song).song_id
    store.edit(song_id, title="茉莉")
    later = redelivered(rich_song, title="Jasmine", year=1958)
    assert store.publish(later).revision == 3
    song = store.songs.song(song_id)
    assert song.published.facts == msgspec.structs.replace(rich_song.facts, title="茉莉", year=1958)
    assert song.delivered == later.facts
    store.publish(redelivered(later, title="茉莉", bpm=90))
    assert store.songs.song(song_id).delivered is None, "now the delivery says it too"


def test_an_edit_taken_back_follows_the_delivery_again(store: Any, rich_song: PublishedSong) -> None:
    song_id = store.publish(rich_song).song_id
    store.edit(song_id, title="茉莉")
    store.edit(song_id, title="茉莉花")
    assert store.songs.song(song_id).delivered is None
    store.publish(redelivered(rich_song, title="Jasmine"))
    assert facts_of(store, song_id).title == "Jasmine"


def test_an_edit_outlasts_the_song_being_gone_for_a_while(store: Any, rich_song: PublishedSong) -> None:
    song_id = store.publish(rich_song).song_id
    store.edit(song_id, title="茉莉")
    store.remove(song_id)
    with pytest.raises(UnknownSong):
        store.edit(song_id, title="茉")
    store.publish(rich_song)
    assert facts_of(store, song_id).title == "茉莉"


def test_one_recording_at_several_vendors_is_linked_and_so_are_versions_of_a_work(
    store: Any, song_maker: SongMaker
) -> None:
    def publish(key: str, vendor: int = 1, **facts: Any) -> SongId:
        plain = SongFacts(title="茉莉花", singers=("甲", "乙"))
        song = song_maker(key, vendor_id=VendorId(vendor), facts=msgspec.structs.replace(plain, **facts))
        return SongId(store.publish(song).song_id)

    one = publish("one")
    twin = publish("twin", vendor=2, title="茉莉花 ", singers=("乙", "甲"))
    live = publish("live", title="茉莉花 (Live)", version=Version.LIVE)
    publish("another's", singers=("丙",))
    gone = publish("gone", vendor=4)
    store.remove(gone)
    assert (store.songs.twins(one), store.songs.twins(twin), store.songs.twins(live)) == ([twin], [one], [])
    assert (store.songs.versions(one), store.songs.versions(live)) == ([live], [one, twin])


def test_identifiers_link_what_names_do_not(store: Any, song_maker: SongMaker) -> None:
    def publish(key: str, **facts: Any) -> SongId:
        return SongId(store.publish(song_maker(key, facts=SongFacts(iswc="T0345246801", **facts))).song_id)

    one = publish("one", title="茉莉花", singers=("甲",), isrc="QMABC2400001")
    twin = publish("twin", title="Jasmine", singers=("A",), isrc="QMABC2400001")
    cover = publish("cover", title="茉莉", singers=("丙",))
    assert (store.songs.twins(one), store.songs.versions(one)) == ([twin], [cover])
    store.edit(twin, isrc="", iswc="")
    assert (store.songs.twins(one), store.songs.versions(one)) == ([], [cover])


def test_an_identifier_that_only_some_entries_have_parts_no_relatives(store: Any, song_maker: SongMaker) -> None:
    def publish(key: str, **facts: Any) -> SongId:
        plain = SongFacts(title="茉莉花", singers=("甲",))
        return SongId(store.publish(song_maker(key, facts=msgspec.structs.replace(plain, **facts))).song_id)

    one = publish("one", isrc="QMABC2400001", iswc="T0345246801")
    twin = publish("twin")
    live = publish("live", title="茉莉花 (Live)")
    assert (store.songs.twins(one), store.songs.versions(one)) == ([twin], [live])
    assert (store.songs.twins(twin), store.songs.versions(twin)) == ([one], [live])
    assert (store.songs.twins(live), store.songs.versions(live)) == ([], [one, twin])


def test_covers_and_singers_pictures_can_be_fetched_in_their_sizes(
    store: Any, song_maker: SongMaker, part_maker: PartMaker
) -> None:
    small = part_maker(PartKind.COVER_SMALL, b"one file in two sizes")
    parts = (small, msgspec.structs.replace(small, kind=PartKind.COVER_MEDIUM), part_maker(PartKind.LYRICS, b"words"))
    picture = SingerPicture(singer="甲", blob=small.blob)
    store.publish(song_maker(parts=parts, pictures=(picture,)))
    later = store.publish(song_maker("later")).song_id
    assert {size for size in (100, 300, 500, 1000) if store.listings.has_image(small.blob.sha256, size)} == {300, 500}
    assert not store.listings.has_image(parts[2].blob.sha256, 300)
    assert store.listings.listings([later])[0].singer_image == small.blob.sha256, "the singer's, beside every song"
