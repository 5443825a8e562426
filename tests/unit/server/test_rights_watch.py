"""What ends soon, and what stops songs from being used: over all songs at once."""

from collections.abc import Callable
from typing import Any

from tests.unit.server.conftest import BOTH, DELIVERIES, FOREVER, START_MS, World

from yuefu.catalogue.song import PublishedSong, SongState
from yuefu.ids import VendorId
from yuefu.rights.deal import Block, Chain, Deal, Terms, TermSheet, Use
from yuefu.rights.decision import Reason
from yuefu.server.rights_watch import blocked_songs, expiring_deals
from yuefu.units import DAY_MS, SECOND_MS

ONE, TWO = VendorId(1), VendorId(2)


def expiring(world: World, within_ms: int = DAY_MS, vendor: VendorId | None = None) -> list[tuple[str, Chain, int]]:
    names = {song_id: name for name, song_id in world.songs.items()}
    found = expiring_deals(world.centre, vendor, within_ms=within_ms)
    return [(names[deal.song_id], deal.chain, deal.ends_at_ms - START_MS) for deal in found]


def blocked(
    world: World, vendor: VendorId | None = None
) -> dict[str, tuple[Reason | None, Reason | None, tuple[str, ...]]]:
    names = {song_id: name for name, song_id in world.songs.items()}
    return {names[song.song_id]: (song.play, song.sing, song.states) for song in blocked_songs(world.centre, vendor)}


def test_a_deal_expires_when_its_end_is_in_the_window(world: World) -> None:
    assert expiring(world) == [("ending", Chain.RECORDING, SECOND_MS), ("ending", Chain.WORK, SECOND_MS)]
    assert expiring(world, SECOND_MS) == expiring(world)
    assert expiring(world, SECOND_MS - 1) == []
    world.wait(SECOND_MS - 1)
    assert expiring(world, 1) != []
    world.wait(1)
    assert expiring(world) == []


def test_one_that_another_follows_does_not(world: World) -> None:
    end_ms = START_MS + SECOND_MS
    world.record_deal("ending", Chain.WORK, terms=(Terms(valid_until_ms=end_ms), Terms(valid_from_ms=end_ms)))
    assert expiring(world) == [("ending", Chain.RECORDING, SECOND_MS)]
    world.record_deal("ending", Chain.RECORDING)
    assert expiring(world) == []


def test_the_earliest_end_comes_first_and_vendors_are_apart(world: World) -> None:
    world.record_deal("of vendor 2", Chain.WORK, terms=(Terms(valid_until_ms=START_MS + 9),))
    world.record_deal("whole", Chain.WORK, terms=(Terms(valid_until_ms=START_MS + DAY_MS - 1),))
    assert [name for name, _, _ in expiring(world)] == ["of vendor 2", "ending", "ending", "whole"]
    assert expiring(world, vendor=TWO) == [("of vendor 2", Chain.WORK, 9)]
    assert "of vendor 2" not in [name for name, _, _ in expiring(world, vendor=ONE)]


def test_a_song_out_of_the_catalogue_has_no_deals_that_expire(world: World) -> None:
    world.remove("ending")
    assert (expiring(world), "ending" in blocked(world)) == ([], False)


def test_songs_whose_rights_forbid_something_are_blocked_with_the_reason_of_each_chain(world: World) -> None:
    assert blocked(world) == {
        "sung only": (Reason.NO_DEAL, None, ()),
        "played only": (None, Reason.NO_DEAL, ()),
        "nothing allowed": (Reason.NO_DEAL, Reason.NO_DEAL, ()),
        "bare and nothing allowed": (Reason.NO_DEAL, Reason.NO_DEAL, ()),
        "ended": (Reason.ENDED, Reason.ENDED, ()),
        "coming": (Reason.NOT_YET, Reason.NOT_YET, ()),
    }
    world.record_deal("of vendor 2", Chain.WORK, terms=(Terms(uses=(Use.LISTEN,)),))
    assert blocked(world, TWO) == {"of vendor 2": (None, Reason.NOT_FOR_USE, ())}


def test_a_song_taken_down_is_blocked(world: World) -> None:
    song_id, block = world.songs["whole"], Block(case_id=1, from_ms=START_MS, is_banned=False)
    world.centre.work.run(lambda transaction: transaction.block(song_id, block, source="case 1", at_ms=START_MS))
    assert blocked(world)["whole"] == (Reason.TAKEN_DOWN, Reason.TAKEN_DOWN, ())


def test_a_song_whose_uses_are_used_up_is_blocked(world: World) -> None:
    world.record_deal("whole", Chain.WORK, terms=(Terms(max_uses=1),))
    assert "whole" not in blocked(world)
    world.member().granted(resource_type=1)
    assert blocked(world)["whole"] == (None, Reason.USED_UP, ())


def test_a_song_without_lyrics_or_accompaniment_is_blocked(
    world: World, song_maker: Callable[..., PublishedSong]
) -> None:
    def job(transaction: Any) -> None:
        for name, states in {
            "wordless": (SongState.NEEDS_LYRICS, SongState.NEEDS_WORD_LYRICS),
            "unaccompanied": (SongState.NEEDS_ACCOMPANIMENT,),
            "without pitch": (SongState.NEEDS_PITCH_LINE,),
        }.items():
            song_id = transaction.publish(song_maker(name, states=states), at_ms=1).song_id
            transaction.record_deal(Deal(song_id=song_id, chains=BOTH, sheet=TermSheet(terms=(FOREVER,))), at_ms=1)
            world.songs[name] = song_id

    world.centre.work.run(job)
    found = blocked(world)
    assert found["wordless"] == (None, None, ("needs_lyrics",))
    assert found["unaccompanied"] == (None, None, ("needs_accompaniment",))
    assert "without pitch" not in found


def test_catalogues_of_several_pages_are_seen_whole(world: World, song_maker: Callable[..., PublishedSong]) -> None:
    count = 10_001

    def job(transaction: Any) -> None:
        sheet = TermSheet(terms=(Terms(valid_until_ms=START_MS + 5),))
        for number in range(count):
            song_id = transaction.publish(song_maker(f"song {number}", vendor_id=VendorId(4)), at_ms=1).song_id
            transaction.record_deal(Deal(song_id=song_id, chains=(Chain.WORK,), sheet=sheet), at_ms=1)

    world.centre.work.run(job)
    views = world.centre.rights_views
    assert len(list(views.song_ids(VendorId(4)))) == count
    assert len({song.song_id for song in views.licensed()}) == count + len(DELIVERIES)
    assert len(expiring_deals(world.centre, VendorId(4), within_ms=DAY_MS)) == count
    assert sum(1 for _ in blocked_songs(world.centre, VendorId(4))) == count
