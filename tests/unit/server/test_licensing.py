"""Deals written down: what holds of several, what is no change, and who is said to have done it."""

import msgspec
import pytest
from tests.unit.server.conftest import BOTH, FOREVER, HIGHLIGHT, START_MS, World

from yuefu.access.audit import Author
from yuefu.catalogue.song import Outcome, UnknownSong
from yuefu.ids import SongId
from yuefu.rights.deal import Block, Chain, Deal, Terms, TermSheet, Use
from yuefu.rights.takedown import NewCase, Scope
from yuefu.server import licensing
from yuefu.server.licensing import (
    RIGHTS,
    Conflict,
    HighlightChanged,
    LicensedShelf,
    LiftedBlock,
    LiftedCase,
    Offer,
    RecordedDeal,
    count_lifted,
    record_deals,
    rehearse_lifting,
    settle_terms,
    unusable_songs,
)
from yuefu.server.takedowns import take_down
from yuefu.units import Span

MEI = Author(actor="cli:mei", origin="here")
PLAIN = TermSheet(terms=(FOREVER,))
SUNG = TermSheet(terms=(Terms(uses=(Use.SING,)),))


def deal(world: World, sheet: TermSheet, *chains: Chain, song: str = "whole", source: str = "table t.csv") -> Deal:
    return Deal(song_id=world.songs[song], chains=chains or BOTH, sheet=sheet, source=source)


def test_a_deal_is_recorded_with_its_author_and_both_revisions(world: World) -> None:
    song_id = world.songs["whole"]
    done = record_deals(world.centre, [deal(world, SUNG, Chain.WORK)], MEI)
    assert done.recorded == (RecordedDeal(song_id=song_id, chains=(Chain.WORK,), before_revision=1, after_revision=2),)
    (written,) = world.centre.audit.entries()
    entry = written.entry
    assert (entry.actor, entry.origin, entry.action, entry.subject) == (
        "cli:mei",
        "here",
        "deal.record",
        f"song {song_id}",
    )
    assert (entry.at_ms, entry.before_revision, entry.after_revision) == (START_MS, 1, 2)
    assert entry.detail == {"chains": ["work"], "source": "table t.csv"}
    assert world.centre.rights.revisions(song_id)[-1].source == "table t.csv"


def test_of_two_deals_for_one_chain_the_last_holds_and_the_other_is_reported(world: World) -> None:
    deals = [deal(world, SUNG), deal(world, PLAIN, Chain.WORK), deal(world, PLAIN, Chain.WORK)]
    done = record_deals(world.centre, deals, MEI)
    assert done.conflicts == (Conflict(song_id=world.songs["whole"], chain=Chain.WORK, dropped=SUNG, kept=PLAIN),)
    rights = world.centre.rights.rights(world.songs["whole"])
    assert (rights.recording, rights.work, rights.revision) == (SUNG, PLAIN, 3)


def test_chains_with_the_same_terms_are_one_revision(world: World) -> None:
    record_deals(world.centre, [deal(world, SUNG, Chain.WORK), deal(world, SUNG, Chain.RECORDING)], MEI)
    assert world.centre.rights.rights(world.songs["whole"]).revision == 2


def test_with_changes_only_what_is_on_record_is_left_alone(world: World) -> None:
    done = record_deals(world.centre, [deal(world, PLAIN)], MEI, changes_only=True)
    assert (done.recorded, done.unchanged_songs) == ((), 1)
    assert world.rows("audit") == []
    done = record_deals(world.centre, [deal(world, PLAIN, song="sung only")], MEI, changes_only=True)
    assert [each.chains for each in done.recorded] == [BOTH]


def test_what_is_on_record_lifts_no_takedown_and_a_new_deal_does(world: World) -> None:
    song_id = world.songs["whole"]
    block = Block(case_id=1, from_ms=START_MS, is_banned=False, is_at_once=True)
    world.centre.work.run(lambda transaction: transaction.block(song_id, block, source="case 1", at_ms=START_MS))
    record_deals(world.centre, [deal(world, PLAIN)], MEI, changes_only=True)
    assert world.centre.rights.rights(song_id).blocks == (block,)
    record_deals(world.centre, [deal(world, PLAIN)], MEI)
    assert world.centre.rights.rights(song_id).blocks == ()


def hide(world: World, *songs: str, is_banned: bool = False) -> int:
    scope = Scope(songs=tuple(world.songs[song] for song in songs))
    case = NewCase(scope=scope, reason="x", is_banned=is_banned, from_ms=START_MS)
    return take_down(world.centre, case, MEI).case_id


def test_what_deals_lift_is_told_by_case_and_chains(world: World) -> None:
    first, second = hide(world, "whole", "mix only"), hide(world, "whole", "coming")
    ban = hide(world, "whole", is_banned=True)
    deals = [deal(world, SUNG), deal(world, SUNG, Chain.WORK, song="mix only"), deal(world, SUNG, song="no words")]
    told = (LiftedCase(first, BOTH, 1), LiftedCase(first, (Chain.WORK,), 1), LiftedCase(second, BOTH, 1))
    before = world.rows("rights_revisions"), world.rows("audit")
    assert rehearse_lifting(world.centre, deals, MEI) == told
    assert before == (world.rows("rights_revisions"), world.rows("audit"))
    done = record_deals(world.centre, deals, MEI)
    assert done.lifted == told
    assert done.recorded[0].lifted == (LiftedBlock(first, BOTH), LiftedBlock(second, BOTH))
    assert [block.case_id for block in world.centre.rights.rights(world.songs["whole"]).blocks] == [ban]
    (entry,) = [each.entry for each in world.centre.audit.entries(subject=f"song {world.songs['mix only']}")][1:]
    assert entry.detail["lifted_cases"] == [first]


def test_a_song_counts_once_for_what_several_deals_lift_from_it() -> None:
    one, two = SongId(1), SongId(2)
    found = [(one, LiftedBlock(3, (Chain.WORK,))), (one, LiftedBlock(3, (Chain.RECORDING,)))]
    assert count_lifted([*found, (two, LiftedBlock(3, BOTH))]) == (LiftedCase(3, BOTH, 2),)


def test_deals_written_at_once_are_written_all_or_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licensing, "SLICE", 1)
    stranger = Deal(song_id=SongId(5), chains=BOTH, sheet=SUNG)
    before = world.rows("rights_revisions")
    with pytest.raises(UnknownSong):
        record_deals(world.centre, [deal(world, SUNG), deal(world, SUNG, song="coming"), stranger], MEI, at_once=True)
    assert world.rows("rights_revisions") == before
    assert world.rows("audit") == []


def test_terms_of_one_deal_that_contradict_each_other_are_reported_and_the_last_holds(world: World) -> None:
    first, last, other = Terms(tier="A"), Terms(tier="B"), Terms(uses=(Use.SING,))
    done = record_deals(world.centre, [deal(world, TermSheet(terms=(first, other, last)), Chain.WORK)], MEI)
    kept = TermSheet(terms=(other, last))
    assert done.conflicts == (
        Conflict(song_id=world.songs["whole"], chain=Chain.WORK, dropped=TermSheet(terms=(first,)), kept=kept),
    )
    assert world.centre.rights.rights(world.songs["whole"]).work == kept
    assert record_deals(world.centre, [deal(world, TermSheet(terms=(last, last)))], MEI).conflicts == ()


# The first deals of an import.


def shelf(world: World, rights: str = "both") -> LicensedShelf:
    return LicensedShelf(world.centre, MEI, lambda _: Offer(RIGHTS[rights], FOREVER))


@pytest.mark.parametrize("is_banned", [False, True])
def test_an_import_leaves_a_song_alone_that_was_taken_down(world: World, *, is_banned: bool) -> None:
    song_id = world.songs["sung only"]
    hide(world, "sung only", is_banned=is_banned)
    before = world.centre.rights.rights(song_id)
    licensed = shelf(world)
    licensed.license_lacking(song_id)
    licensed.license_lacking(song_id)
    assert world.centre.rights.rights(song_id) == before
    assert licensed.taken_down == [song_id]
    assert unusable_songs(world.centre, [song_id]) == [], "a deal is not what it wants"


def test_an_import_of_songs_that_lack_nothing_says_nothing_of_takedowns(world: World) -> None:
    hide(world, "whole")
    licensed = shelf(world)
    licensed.license_lacking(world.songs["whole"])
    assert licensed.taken_down == []
    assert world.centre.rights.rights(world.songs["whole"]).blocks


def test_a_first_deal_is_in_the_audit_with_who_imported(world: World) -> None:
    song_id = world.songs["sung only"]
    shelf(world).license_lacking(song_id)
    (entry,) = [written.entry for written in world.centre.audit.entries()]
    assert (entry.actor, entry.action, entry.subject) == ("cli:mei", "deal.record", f"song {song_id}")
    assert (entry.before_revision, entry.after_revision) == (1, 2)
    assert entry.detail == {"chains": ["recording"], "source": "import"}
    assert world.centre.rights.revisions(song_id)[-1].source == "import"


def test_a_slice_with_an_unknown_song_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licensing, "SLICE", 2)
    stranger = Deal(song_id=SongId(5), chains=BOTH, sheet=SUNG)
    deals = [deal(world, SUNG, song=song) for song in ("whole", "mix only", "coming")]
    with pytest.raises(UnknownSong):
        record_deals(world.centre, [*deals, stranger], MEI)
    sung = [world.centre.rights.rights(world.songs[song]).work == SUNG for song in ("whole", "mix only", "coming")]
    assert sung == [True, True, False]
    assert len(world.rows("audit")) == 2


def test_terms_that_differ_in_tier_or_channel_alone_cannot_both_hold() -> None:
    one, two, other = Terms(tier="A"), Terms(tier="B", channel=2), Terms(uses=(Use.SING,), tier="A")
    assert settle_terms((one, other, two, other)) == (other, two)
    assert settle_terms((one, one)) == (one,)


def test_an_import_does_not_undo_a_highlight_that_was_set_meanwhile(world: World) -> None:
    song_id = world.songs["whole"]
    held = world.centre.songs.song(song_id).published
    delivered = msgspec.structs.replace(held, fingerprint="another delivery")
    chosen = msgspec.structs.replace(HIGHLIGHT, clip=Span(begin_ms=1_000, end_ms=21_000), rule="operator")
    licensed = shelf(world)
    assert licensed.chosen_clip(held.vendor_id, held.source_key) is None
    world.centre.work.run(lambda transaction: transaction.set_highlight(song_id, chosen, (), at_ms=START_MS))
    with pytest.raises(HighlightChanged, match=f"song {song_id} was set meanwhile"):
        licensed.publish(delivered, chosen_clip=None)
    assert world.centre.songs.song(song_id).published.highlight == chosen
    assert licensed.publish(delivered, chosen_clip=chosen.clip).outcome is Outcome.CHANGED
