"""What messages do to a vendor's songs."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import make_song
from tests.unit.ingest.ern.messages import CREATED, ICPN, SENDER, Made, Terms, Track, purge
from tests.unit.server.conftest import World

from yuefu.access.audit import Author
from yuefu.catalogue.song import SongFacts
from yuefu.ids import SongId, VendorId
from yuefu.ingest.ern.period import Clock
from yuefu.rights.deal import Block, Chain, CommercialModel, Deal, SongRights, TermSheet, Use
from yuefu.rights.deal import Terms as OurTerms
from yuefu.rights.takedown import NewCase, Scope
from yuefu.server.licensing import RIGHTS, LiftedCase
from yuefu.server.rights_messages import IMPORT_FIRST, MessageReport, Reading, receive, take_messages
from yuefu.server.takedowns import take_down
from yuefu.units import parse_instant_ms

AUTHOR = Author(actor="cli:mei", origin="desk")
OTHER_SENDER = "PADPIDA2020010101X"
EARLIER, LATER = "2026-02-28T12:00:00+08:00", "2026-03-02T12:00:00+08:00"
NO_DEAL = TermSheet(terms=())
PLAIN = TermSheet(terms=(OurTerms(),))
SUNG = OurTerms(
    valid_from_ms=parse_instant_ms("2026-04-01T00:00:00+08:00"),
    uses=(Use.SING, Use.CLIP, Use.LIVE_ROOM),
    models=(CommercialModel.PER_USE,),
    territories=("CN",),
)
KARAOKE = Terms(uses=("UseAsKaraoke",), models=("PayAsYouGoModel",), territories=("CN",))


class Desk:
    """A centre with two songs of vendor 1 and one of vendor 2, and a way to bring it messages."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.now_us = parse_instant_ms("2026-06-01T00:00:00Z") * 1_000
        self.first = self.publish("one", "CNZ012600001")
        self.second = self.publish("two", "CNZ012600002")
        self.foreign = self.publish("foreign", "CNZ012600001", vendor=2)

    def publish(self, key: str, isrc: str, *, vendor: int = 1) -> SongId:
        song = make_song(key, vendor_id=VendorId(vendor), facts=SongFacts(title=key, isrc=isrc))
        return self.world.centre.work.run(lambda transaction: transaction.publish(song, at_ms=1)).song_id

    def bring(
        self, *messages: Made | bytes, rights: str = "recording", dry_run: bool = False, **reading: Any
    ) -> list[MessageReport]:
        files = [
            receive(f"{place}.xml", message if isinstance(message, bytes) else message.bytes(), Clock(None))
            for place, message in enumerate(messages)
        ]
        how = Reading(vendor_id=VendorId(1), chains=RIGHTS[rights], **reading)
        return list(take_messages(self.world.centre, files, how, AUTHOR, dry_run=dry_run).files)

    def deal(self, song_id: SongId, sheet: TermSheet | None = None, *, source: str = "yuefu deal add") -> None:
        """A deal for the recording that comes by another way than a message."""
        deal = Deal(song_id=song_id, chains=(Chain.RECORDING,), sheet=sheet or PLAIN, source=source)
        self.world.centre.work.run(lambda transaction: transaction.record_deal(deal, at_ms=2))

    def rights(self, song_id: SongId) -> SongRights:
        return self.world.centre.rights.rights(song_id)

    def recording(self, song_id: SongId) -> TermSheet | None:
        return self.rights(song_id).recording


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def found(report: MessageReport) -> list[str]:
    return [finding.problem for finding in report.findings]


def two(**changes: Any) -> Made:
    """The album of both songs."""
    plain = Made(tracks=(Track(), Track(isrc="CNZ012600002")), deals=(KARAOKE,))
    return Made(**{**{name: getattr(plain, name) for name in plain.__dataclass_fields__}, **changes})


# Matching.


@pytest.mark.parametrize("version", ["382", "43"])
def test_a_deal_is_recorded_for_the_vendors_song_of_that_recording(desk: Desk, version: str) -> None:
    (report,) = desk.bring(two(version=version))
    assert (report.fate, report.matched_songs, len(report.changes)) == ("read", 2, 2)
    for song_id in (desk.first, desk.second):
        assert desk.rights(song_id) == SongRights(revision=1, recording=TermSheet(terms=(SUNG,)), work=None)
    assert desk.rights(desk.foreign).revision == 0


def test_a_recording_is_found_by_the_vendors_own_key_where_it_has_no_isrc(desk: Desk) -> None:
    (report,) = desk.bring(Made(tracks=(Track(isrc="", key="two"), Track(isrc="", key="foreign"))))
    assert desk.recording(desk.second) is not None
    assert desk.rights(desk.foreign).revision == 0
    assert "no song of vendor 1 has the id foreign" in found(report)


def test_a_recording_without_a_song_is_said_and_its_message_may_come_again(desk: Desk) -> None:
    made = two(tracks=(Track(), Track(isrc="CNZ012600003")))
    (report,) = desk.bring(made)
    (finding,) = [finding for finding in report.findings if finding.action == IMPORT_FIRST]
    assert finding.problem == "no song of vendor 1 has ISRC CNZ012600003"
    assert report.unmatched_recordings == 1
    third = desk.publish("three", "CNZ012600003")
    (again,) = desk.bring(made)
    assert [change.song_id for change in again.changes] == [third]
    assert desk.rights(desk.first).revision == 1


def test_the_operator_says_for_which_rights_the_deals_are(desk: Desk) -> None:
    desk.bring(two(), rights="both")
    assert desk.rights(desk.first).work == desk.rights(desk.first).recording == TermSheet(terms=(SUNG,))
    assert desk.rights(desk.first).revision == 1
    desk.bring(two(message_id="M2", deals=(), created=LATER), rights="work")
    assert desk.rights(desk.first) == SongRights(revision=2, recording=TermSheet(terms=(SUNG,)), work=NO_DEAL)


# No deal = no deal.


def test_a_newer_message_takes_the_place_of_all_deals_before(desk: Desk) -> None:
    desk.bring(two())
    (report,) = desk.bring(two(message_id="M2", created=LATER, deals=(Terms(),)))
    sheet = desk.recording(desk.first)
    assert sheet is not None
    assert [terms.uses for terms in sheet.terms] == [(Use.LISTEN,)]
    change = report.changes[0]
    assert change.before.startswith("for sing and clip")
    assert change.after.startswith("for listen")


@pytest.mark.parametrize("version", ["382", "43"])
def test_a_message_without_a_deal_ends_the_deals(desk: Desk, version: str) -> None:
    desk.bring(two(version=version))
    (report,) = desk.bring(two(version=version, message_id="M2", created=LATER, deals=()))
    assert desk.recording(desk.first) == desk.recording(desk.second) == NO_DEAL
    assert {change.after for change in report.changes} == {"no deal"}


def test_a_deal_that_cannot_be_read_ends_the_deals_too(desk: Desk) -> None:
    desk.bring(two())
    desk.bring(two(message_id="M2", created=LATER, deals=(Terms(territories=("Atlantis",)),)))
    assert desk.recording(desk.first) == NO_DEAL


@pytest.mark.parametrize("release_id", ["", "<ISRC>CN-Z01-26-00001</ISRC>"])
def test_a_purge_ends_the_deals_of_what_was_in_the_release(desk: Desk, release_id: str) -> None:
    desk.bring(two())
    (report,) = desk.bring(purge(created=LATER, release_id=release_id))
    assert desk.recording(desk.first) == NO_DEAL
    assert (desk.recording(desk.second) == NO_DEAL) == (release_id == "")
    assert report.kind == "PurgeReleaseMessage"


def test_a_purge_of_another_release_ends_nothing(desk: Desk) -> None:
    desk.bring(two())
    (report,) = desk.bring(purge(created=LATER, release_id="<ICPN>0094631432057</ICPN>"))
    assert desk.recording(desk.first) == TermSheet(terms=(SUNG,))
    assert report.matched_songs == 0


def test_a_recording_that_a_release_has_no_longer_has_no_deal(desk: Desk) -> None:
    desk.bring(two())
    desk.bring(two(message_id="M2", created=LATER, tracks=(Track(),)))
    assert desk.recording(desk.first) == TermSheet(terms=(SUNG,))
    assert desk.recording(desk.second) == NO_DEAL


def test_a_song_that_went_to_another_release_is_not_ended_with_the_first(desk: Desk) -> None:
    desk.bring(two())
    single = two(message_id="M2", created=LATER, tracks=(Track(isrc="CNZ012600002"),), icpn="0094631432057")
    (report,) = desk.bring(single)
    assert any("those of another release, from message M1" in problem for problem in found(report))
    desk.bring(purge(created="2026-03-03T12:00:00Z"))
    assert desk.recording(desk.first) == NO_DEAL
    assert desk.recording(desk.second) == TermSheet(terms=(SUNG,))


def test_a_song_that_never_had_a_deal_gets_no_revision_of_having_none(desk: Desk) -> None:
    (report,) = desk.bring(two(deals=()))
    assert desk.rights(desk.first).revision == 0
    assert (report.fate, report.changes) == ("read", ())


def test_the_same_deals_in_a_new_message_are_no_new_deals(desk: Desk) -> None:
    desk.bring(two())
    (report,) = desk.bring(two(message_id="M2", created=LATER))
    assert (report.fate, report.changes) == ("read", ())
    assert desk.rights(desk.first).revision == 1


# Senders, order and repetition.


def test_a_message_that_comes_twice_changes_nothing(desk: Desk) -> None:
    desk.bring(two())
    before = desk.rights(desk.first)
    (report,) = desk.bring(two())
    assert (report.fate, report.changes) == ("known", ())
    assert desk.rights(desk.first) == before
    assert len(desk.world.rows("rights_messages")) == 1


def test_a_message_that_comes_again_lifts_no_takedown(desk: Desk) -> None:
    desk.bring(two())
    block = Block(case_id=1, from_ms=1, is_banned=False, is_at_once=True)
    desk.world.centre.work.run(lambda work: work.block(desk.first, block, source="case 1", at_ms=2))
    desk.bring(two())
    desk.bring(two(message_id="M2", created=LATER))
    assert desk.rights(desk.first).blocks == (block,)


def test_another_content_under_the_same_id_is_refused(desk: Desk) -> None:
    desk.bring(two())
    (report,) = desk.bring(two(deals=()))
    assert report.fate == "refused"
    assert "same id and another content" in report.reason
    assert desk.recording(desk.first) == TermSheet(terms=(SUNG,))


def test_the_same_id_from_another_sender_is_another_message(desk: Desk) -> None:
    desk.bring(two())
    (report,) = desk.bring(two(sender=OTHER_SENDER, created=LATER, deals=(Terms(),)))
    assert report.fate == "read"


def test_an_older_message_that_comes_late_changes_nothing(desk: Desk) -> None:
    desk.bring(two())
    (report,) = desk.bring(two(message_id="M0", created=EARLIER, deals=()))
    assert desk.recording(desk.first) == TermSheet(terms=(SUNG,))
    assert any(
        "a newer message, M1 of 2026-03-01T04:00:00.000Z, has spoken of its recording" in each for each in found(report)
    )


def test_an_older_message_that_comes_late_after_no_deal_gives_none(desk: Desk) -> None:
    desk.bring(two(deals=()))
    desk.bring(two(message_id="M0", created=EARLIER))
    assert desk.recording(desk.first) is None


def test_a_late_message_still_speaks_of_what_no_newer_one_did(desk: Desk) -> None:
    desk.bring(two(tracks=(Track(),)))
    desk.bring(two(message_id="M0", created=EARLIER))
    assert desk.recording(desk.first) == desk.recording(desk.second) == TermSheet(terms=(SUNG,))
    assert desk.rights(desk.first).revision == 1


def test_messages_of_one_run_are_taken_in_the_order_they_were_made(desk: Desk) -> None:
    reports = desk.bring(two(message_id="M2", created=LATER, deals=(Terms(),)), two(), b"no message")
    assert [report.file for report in reports] == ["2.xml", "1.xml", "0.xml"]
    sheet = desk.recording(desk.first)
    assert sheet is not None
    assert sheet.terms[0].uses == (Use.LISTEN,)


@pytest.mark.parametrize(
    "ending",
    [two(message_id="M2", created=LATER, sender=OTHER_SENDER, deals=()), purge(created=LATER, sender=OTHER_SENDER)],
)
def test_nobody_ends_another_senders_deals(desk: Desk, ending: Made | bytes) -> None:
    desk.bring(two())
    (report,) = desk.bring(ending)
    assert desk.recording(desk.first) == TermSheet(terms=(SUNG,))
    assert any(f"are from another sender, {SENDER}" in problem for problem in found(report))


UNREADABLE = (Terms(uses=("Dance",)),)


@pytest.mark.parametrize("ending", [two(deals=()), two(deals=UNREADABLE), purge()])
def test_a_message_ends_no_deals_that_came_otherwise(desk: Desk, ending: Made | bytes) -> None:
    desk.deal(desk.first, source="table 授权.csv")
    desk.world.centre.work.run(
        lambda transaction: transaction.messages.put_in_releases(VendorId(1), desk.first, [f"ICPN {ICPN}"])
    )
    (report,) = desk.bring(ending)
    assert desk.recording(desk.first) == PLAIN
    assert f"song {desk.first}: the deals of its recording came otherwise, by table 授权.csv" in found(report)
    assert report.changes == ()
    (late,) = desk.bring(two(message_id="M0", created=EARLIER))
    assert desk.recording(desk.first) == PLAIN, "the message has spoken, an older one is too late"
    assert any("a newer message" in problem for problem in found(late))


def test_a_sender_ends_no_deals_that_came_otherwise_after_his_own(desk: Desk) -> None:
    desk.bring(two())
    desk.deal(desk.first)
    (report,) = desk.bring(two(message_id="M2", created=LATER, deals=()))
    assert (desk.recording(desk.first), desk.recording(desk.second)) == (PLAIN, NO_DEAL)
    assert f"song {desk.first}: the deals of its recording came otherwise, by yuefu deal add" in found(report)
    (newest,) = desk.bring(two(message_id="M3", created="2026-03-03T12:00:00+08:00", deals=()))
    assert desk.recording(desk.first) == PLAIN, "and so with every message that comes"
    assert any("came otherwise" in problem for problem in found(newest))


def test_new_deals_replace_those_that_came_otherwise_and_that_is_reported(desk: Desk) -> None:
    desk.deal(desk.first)
    (report,) = desk.bring(two())
    assert desk.recording(desk.first) == TermSheet(terms=(SUNG,))
    (finding,) = [finding for finding in report.findings if "came otherwise" in finding.problem]
    assert (finding.problem, finding.action) == (
        f"song {desk.first}: the deals of its recording came otherwise, by yuefu deal add",
        "replaced",
    )
    desk.bring(two(message_id="M2", created=LATER, deals=()))
    assert desk.recording(desk.first) == NO_DEAL, "they are the sender's now"


def test_a_message_that_says_what_is_on_record_makes_it_the_senders(desk: Desk) -> None:
    desk.deal(desk.first, TermSheet(terms=(SUNG,)))
    (report,) = desk.bring(two())
    assert not any("came otherwise" in problem for problem in found(report))
    desk.bring(two(message_id="M2", created=LATER, deals=()))
    assert desk.recording(desk.first) == NO_DEAL


def test_a_message_says_which_takedowns_its_deals_lift(desk: Desk) -> None:
    scope = Scope(songs=(desk.first, desk.second, desk.foreign))
    at_ms = desk.world.now_us // 1_000
    case = take_down(desk.world.centre, NewCase(scope=scope, reason="x", is_banned=False, from_ms=at_ms), AUTHOR)
    lifted = (LiftedCase(case.case_id, (Chain.RECORDING,), 2),)
    (rehearsed,) = desk.bring(two(), dry_run=True)
    (report,) = desk.bring(two())
    assert rehearsed.lifted == report.lifted == lifted


def test_new_deals_from_another_sender_hold_and_are_reported(desk: Desk) -> None:
    desk.bring(two())
    (report,) = desk.bring(two(message_id="M2", created=LATER, sender=OTHER_SENDER, deals=(Terms(),)))
    assert len(report.changes) == 2
    assert any(f"were from another sender, {SENDER}" in problem for problem in found(report))


def test_a_test_message_changes_nothing(desk: Desk) -> None:
    made = two(control="TestMessage")
    (report,) = desk.bring(made)
    assert (report.fate, desk.recording(desk.first)) == ("refused", None)
    (rehearsed,) = desk.bring(made, dry_run=True)
    assert (rehearsed.fate, len(rehearsed.changes)) == ("read", 2)


def test_a_message_from_the_future_does_not_keep_out_those_to_come(desk: Desk) -> None:
    (report,) = desk.bring(two(message_id="M9", created="2099-01-01T00:00:00Z", deals=()))
    assert "made in the future, at 2099-01-01" in report.reason
    desk.bring(two())
    assert desk.recording(desk.first) == TermSheet(terms=(SUNG,))
    (a_little,) = desk.bring(two(message_id="M2", created="2026-06-01T12:00:00Z", deals=()))
    assert a_little.fate == "read"


# What is written.


def test_a_dry_run_shows_everything_and_writes_nothing(desk: Desk) -> None:
    first, second = desk.bring(two(), two(message_id="M2", created=LATER, deals=()), dry_run=True)
    assert [change.before for change in first.changes] == ["nothing yet", "nothing yet"]
    assert [change.after for change in first.changes] == [change.before for change in second.changes]
    assert desk.rights(desk.first) == SongRights(revision=0, recording=None, work=None)
    for table in ("rights_messages", "rights_message_songs", "rights_message_releases", "audit"):
        assert desk.world.rows(table) == []


def test_a_message_is_written_whole_or_not_at_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Deal] = []

    def record(transaction: Any, deal: Deal, *, at_ms: int) -> int:
        kept.append(deal)
        if len(kept) == 2:
            raise OSError("the disk is full")
        return original(transaction, deal, at_ms=at_ms)

    kind = type(desk.world.centre.work.run(lambda transaction: transaction))
    original = kind.record_deal
    monkeypatch.setattr(kind, "record_deal", record)
    with pytest.raises(OSError, match="full"):
        desk.bring(two())
    assert desk.recording(desk.first) is None
    assert desk.world.rows("rights_messages") == []


def test_every_deal_says_which_message_brought_it_and_who(desk: Desk) -> None:
    desk.bring(two())
    sources = {
        row["source"] for row in desk.world.rows("rights_revisions") if row["song_id"] in {desk.first, desk.second}
    }
    assert sources == {"ERN M1"}
    entries = [written.entry for written in desk.world.centre.audit.entries()]
    assert [entry.action for entry in entries] == ["message.take", "deal.record", "deal.record"]
    recorded = entries[1]
    assert (recorded.actor, recorded.origin) == (AUTHOR.actor, AUTHOR.origin)
    assert recorded.subject == f"song {desk.first}"
    assert (recorded.before_revision, recorded.after_revision) == (0, 1)
    assert recorded.detail["source"] == "ERN M1"
    assert recorded.detail["sender"] == SENDER


def test_two_recordings_that_are_one_song_are_reported(desk: Desk) -> None:
    (report,) = desk.bring(two(tracks=(Track(), Track(isrc="CN-Z01-26-00001"))))
    assert any("two recordings of the message are song" in problem for problem in found(report))
    assert len(report.changes) == 1


def test_the_terms_get_the_channel_that_the_operator_says(desk: Desk) -> None:
    desk.bring(two(), channel=4)
    assert desk.recording(desk.first) == TermSheet(terms=(msgspec.structs.replace(SUNG, channel=4),))


def test_a_release_is_remembered_by_each_of_its_ids(desk: Desk) -> None:
    desk.bring(two())
    kept = {(row["release_id"], row["song_id"]) for row in desk.world.rows("rights_message_releases")}
    assert kept == {
        (f"ICPN {ICPN}", desk.first),
        (f"ICPN {ICPN}", desk.second),
        (f"ProprietaryId DPID:{SENDER} {ICPN}-1", desk.first),
        (f"ProprietaryId DPID:{SENDER} {ICPN}-2", desk.second),
    }
    (word,) = [row for row in desk.world.rows("rights_message_songs") if row["song_id"] == desk.first]
    assert (word["chain"], word["created_at_ms"]) == (Chain.RECORDING.value, parse_instant_ms(CREATED))


VALUES = (
    "",
    "CN",
    "true",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9998-12-31",
    "-1",
    "9" * 20,
    "𝄞[/b]",
    "own:sing",
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_a_message_says_of_our_songs_the_operator_gets_a_report(desk: Desk, data: st.DataObject) -> None:
    terms = Terms(
        uses=data.draw(st.tuples(st.sampled_from([*VALUES, "UseAsKaraoke"]))),
        models=data.draw(st.tuples(st.sampled_from([*VALUES, "PayAsYouGoModel"]))),
        territories=data.draw(st.tuples(st.sampled_from([*VALUES, "Worldwide"]))),
        validity="".join(
            f"<{name}>{value}</{name}>"
            for name in ("StartDateTime", "StartDate", "EndDateTime", "EndDate")
            if (value := data.draw(st.sampled_from([*VALUES, "2026-04-01"])))
        ),
        usage_extra=f"<NumberOfUsages>{data.draw(st.sampled_from([*VALUES, '5']))}</NumberOfUsages>",
        extra=f"<PriceInformation><PriceCode>{data.draw(st.sampled_from(VALUES))}</PriceCode></PriceInformation>",
    )
    made = two(
        version=data.draw(st.sampled_from(["382", "43"])), created=data.draw(st.sampled_from([*VALUES, CREATED]))
    )
    (report,) = desk.bring(replace(made, deals=(terms, KARAOKE)), dry_run=True)
    assert (report.fate == "refused") == bool(report.reason)
    assert msgspec.json.encode(report)
