"""Messages in both families come to the same values."""

from zoneinfo import ZoneInfo

import pytest
from tests.unit.ingest.ern.messages import CREATED, ICPN, SENDER, VERSIONS, Made, Terms, Track, purge

from yuefu.ingest.ern.message import (
    Channel,
    Message,
    MessageKind,
    MessageRefused,
    Period,
    Recording,
    Release,
    Sender,
    Territory,
    Word,
)
from yuefu.ingest.ern.period import BadTime, Clock, parse_duration_ms
from yuefu.ingest.ern.reading import read_message
from yuefu.units import parse_instant_ms

UTC_ONLY = Clock(None)
SHANGHAI = Clock(ZoneInfo("Asia/Shanghai"))


def read(made: Made, clock: Clock = UTC_ONLY) -> Message:
    return read_message(made.bytes(), clock, file="m.xml")


def problems(message: Message) -> list[str]:
    return [finding.problem for finding in message.findings]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_says_who_sent_what_and_when(version: str) -> None:
    message = read(Made(version=version))
    assert message.version == ".".join(version)
    assert message.kind is MessageKind.NEW_RELEASE
    assert (message.message_id, message.thread_id) == ("M1", "T1")
    assert message.sender == Sender(SENDER, "某唱片公司")
    assert message.created_at_ms == parse_instant_ms(CREATED)
    assert not message.is_test
    assert message.findings == ()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_has_its_recordings_and_releases(version: str) -> None:
    message = read(Made(version=version, tracks=(Track(key="K1"), Track(isrc="CN-Z01-26-00002", iswc="", artist="乙"))))
    assert message.recordings == (
        Recording(
            reference="A1",
            isrcs=("CNZ012600001",),
            iswcs=("T0345246801",),
            keys=("K1",),
            title="茉莉花",
            artists=("甲",),
            duration_ms=200_000,
            kind="MusicalWorkSoundRecording",
            versions=() if version.startswith("3") else ("KaraokeVersion",),
        ),
        Recording(
            reference="A2",
            isrcs=("CNZ012600002",),
            title="茉莉花",
            artists=("乙",),
            duration_ms=200_000,
            kind="MusicalWorkSoundRecording",
            versions=() if version.startswith("3") else ("KaraokeVersion",),
        ),
    )
    assert message.releases[0] == Release(
        reference="R0", ids=(f"ICPN {ICPN}",), title="民歌", kind="Album", resources=("A1", "A2")
    )
    assert [release.resources for release in message.releases[1:]] == [("A1",), ("A2",)]
    assert message.releases[2].ids == (f"ProprietaryId DPID:{SENDER} {ICPN}-2",)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_has_its_deals(version: str) -> None:
    terms = Terms(
        uses=("UseAsKaraoke", "own:LiveRoom"),
        models=("PayAsYouGoModel",),
        territories=(),
        excluded=("CN", "HK"),
        validity="<StartDateTime>2026-04-01T00:00:00+08:00</StartDateTime><EndDateTime>2027-04-01T00:00:00Z</EndDateTime>",
        usage_extra="<NumberOfUsages>500</NumberOfUsages>",
        extra="<PriceInformation><PriceCode>GOLD</PriceCode></PriceInformation>"
        "<DistributionChannel><PartyName><FullName>某应用</FullName></PartyName></DistributionChannel>"
        "<RightsClaimPolicy><RightsClaimPolicyType>Monetize</RightsClaimPolicyType></RightsClaimPolicy>",
    )
    (deal,) = read(Made(version=version, deals=(terms,))).deals
    assert deal.releases == ("R0",)
    (offer,) = deal.offers
    assert offer.uses == (Word("UseAsKaraoke"), Word("UserDefined", "LiveRoom"))
    assert offer.models == (Word("PayAsYouGoModel"),)
    assert offer.territories == ()
    assert offer.excluded_territories == (Territory("CN"), Territory("HK"))
    assert offer.periods == (
        Period(
            from_ms=parse_instant_ms("2026-03-31T16:00:00Z"),
            until_ms=parse_instant_ms("2027-04-01T00:00:00Z"),
        ),
    )
    assert offer.max_uses == 500
    assert offer.tier == "GOLD"
    assert offer.channels == (Channel(("某应用",)),)
    assert offer.policies == ("Monetize",)
    assert offer.problem == ""
    assert offer.line is not None


@pytest.mark.parametrize("version", ["382", "43"])
def test_a_purge_names_its_release_and_says_nothing_else(version: str) -> None:
    message = read_message(purge(version), UTC_ONLY)
    assert message.kind is MessageKind.PURGE_RELEASE
    assert message.releases == (Release(reference="", ids=(f"ICPN {ICPN}",)),)
    assert (message.recordings, message.deals) == ((), ())


def test_a_qualified_message_reads_as_one_that_is_not() -> None:
    made = Made()
    plain = made.bytes()
    qualified = plain.replace(b"xmlns:ern=", b"xmlns=").replace(b"ern:", b"")
    assert b"<NewReleaseMessage xmlns=" in qualified
    assert read_message(qualified, UTC_ONLY) == read_message(plain, UTC_ONLY)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_any_encoding_that_the_document_declares_is_read(encoding: str) -> None:
    assert read_message(Made().bytes(encoding), UTC_ONLY).recordings[0].title == "茉莉花"


@pytest.mark.parametrize(
    "namespace", ["http://ddex.net/xml/ern/37", "http://ddex.net/xml/2011/ern-main/33", "http://ddex.net/xml/ern/371"]
)
def test_an_older_message_is_read_as_3_8_with_a_finding(namespace: str) -> None:
    data = Made(version="381").bytes().replace(b"http://ddex.net/xml/ern/381", namespace.encode())
    message = read_message(data, UTC_ONLY)
    assert message.version in {"3.3", "3.7", "3.7.1"}
    assert message.findings[0].action == "read as 3.8"
    assert message.deals[0].offers[0].uses == (Word("OnDemandStream"),)


@pytest.mark.parametrize("version", ["32", "39", "40", "44", "50"])
def test_another_version_is_refused_by_its_name(version: str) -> None:
    with pytest.raises(MessageRefused, match=rf"ERN {version[0]}\.{version[1]}; read are") as refused:
        read(Made(version=version))
    assert refused.value.version == ".".join(version)


def test_a_wrong_code_is_left_out_with_a_finding() -> None:
    message = read(Made(tracks=(Track(isrc="CN123", iswc="T-034.524.680-2", key="K1"),)))
    assert message.recordings[0].isrcs == message.recordings[0].iswcs == ()
    assert message.recordings[0].keys == ("K1",)
    assert len(problems(message)) == 2


def test_a_test_message_says_so() -> None:
    assert read(Made(control="TestMessage")).is_test


@pytest.mark.parametrize("flag", ["TakeDown", "AllDealsCancelled"])
def test_a_deprecated_ending_is_kept_by_its_name(flag: str) -> None:
    made = Made(
        version="382", deals=(Terms(uses=(), extra=f"<{flag}>true</{flag}>"), Terms(extra=f"<{flag}>false</{flag}>"))
    )
    assert [offer.ends_deals for offer in read(made).deals[0].offers] == [flag, ""]


def test_what_a_deal_says_of_single_resources_is_an_offer_of_its_own() -> None:
    usage = (
        "<ResourceUsage><DealResourceReference>A2</DealResourceReference>"
        "<Usage><UseType>UseAsKaraoke</UseType></Usage></ResourceUsage>"
    )
    made = Made(version="382", tracks=(Track(), Track(isrc="CNZ012600002")), deals=())
    said = f"<Deal>{made.terms(Terms())}{usage}</Deal>"
    deal = f"<ReleaseDeal><DealReleaseReference>R0</DealReleaseReference>{said}</ReleaseDeal>"
    whole, single = read(Made(version="382", deals=(), raw_deals=deal)).deals[0].offers
    assert (whole.exempt, whole.resources, whole.uses) == (("A2",), (), (Word("OnDemandStream"),))
    assert (single.exempt, single.resources, single.uses) == ((), ("A2",), (Word("UseAsKaraoke"),))


# Time.


def offered(validity: str, clock: Clock = UTC_ONLY) -> tuple[tuple[Period, ...], str, list[str]]:
    message = read(Made(deals=(Terms(validity=validity),)), clock)
    offer = message.deals[0].offers[0]
    return offer.periods, offer.problem, problems(message)


def test_days_alone_are_whole_days_in_utc_and_a_finding() -> None:
    (period,), problem, found = offered("<StartDate>2026-04-01</StartDate><EndDate>2026-04-30</EndDate>")
    assert period == Period(
        from_ms=parse_instant_ms("2026-04-01T00:00:00Z"), until_ms=parse_instant_ms("2026-05-01T00:00:00Z")
    )
    assert problem == ""
    assert found == ["a deal is dated by days alone, which is deprecated (2 times)"]


def test_days_alone_are_whole_days_where_the_operator_says() -> None:
    (period,), _, found = offered("<StartDate>2026-04-01</StartDate><EndDate>2026-04-01</EndDate>", SHANGHAI)
    assert period.from_ms is not None
    assert period.until_ms is not None
    assert period.from_ms == parse_instant_ms("2026-04-01T00:00:00+08:00")
    assert period.until_ms - period.from_ms == 24 * 3_600_000
    assert found


def test_a_day_on_which_clocks_change_is_as_long_as_it_is() -> None:
    berlin = Clock(ZoneInfo("Europe/Berlin"))
    (period,), *_ = offered("<StartDate>2026-03-29</StartDate><EndDate>2026-03-29</EndDate>", berlin)
    assert (period.until_ms or 0) - (period.from_ms or 0) == 23 * 3_600_000


def test_a_day_with_a_zone_needs_nobody_to_guess() -> None:
    (period,), _, found = offered("<StartDate>2026-04-01+09:00</StartDate>", SHANGHAI)
    assert period.from_ms == parse_instant_ms("2026-04-01T00:00:00+09:00")
    assert found == []


def test_the_last_of_february_ends_when_march_begins() -> None:
    (period,), *_ = offered("<StartDate>2028-02-29</StartDate><EndDate>2028-02-29</EndDate>")
    assert period.until_ms == parse_instant_ms("2028-03-01T00:00:00Z")


def test_a_time_without_a_zone_is_refused_unless_the_operator_says_where() -> None:
    validity = "<StartDateTime>2026-04-01T00:00:00</StartDateTime>"
    _, problem, _ = offered(validity)
    assert "--time-zone" in problem
    (period,), problem, _ = offered(validity, SHANGHAI)
    assert (period.from_ms, problem) == (parse_instant_ms("2026-04-01T00:00:00+08:00"), "")


@pytest.mark.parametrize(
    "validity",
    [
        "<StartDate>2026-02-29</StartDate>",
        "<StartDate>2026-04</StartDate>",
        "<StartDate>soon</StartDate>",
        "<StartDate>1899-garbage</StartDate>",
        "<StartDateTime>2026-04-01</StartDateTime>",
        "<StartDateTime>2026-04-01T25:00:00Z</StartDateTime>",
        "<StartDate>2026-04-01</StartDate><EndDate>9999</EndDate>",
        "<StartDateTime>9999-12-31T23:59:59-12:00</StartDateTime>",
        "<StartDate>2026-04-01</StartDate><EndDateTime>0001-01-01T00:00:00+14:00</EndDateTime>",
        "<StartDateTime>２０２６-04-01T00:00:00Z</StartDateTime>",
    ],
)
def test_what_names_no_time_keeps_the_deal_out(validity: str) -> None:
    assert offered(validity)[1] != ""


def test_the_ends_of_the_calendar_mean_no_end() -> None:
    (period,), problem, found = offered(
        "<StartDateTime>0001-01-01T00:00:00+14:00</StartDateTime><EndDateTime>9999-12-31T23:59:59-12:00</EndDateTime>"
    )
    assert (period, problem) == (Period(), "")
    assert len(found) == 2


def test_a_message_whose_own_time_has_no_zone_is_refused_unless_the_operator_says_where() -> None:
    made = Made(created="2026-03-01T12:00:00")
    with pytest.raises(MessageRefused, match="--time-zone"):
        read(made)
    assert read(made, SHANGHAI).created_at_ms == parse_instant_ms(CREATED)


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00-11:30", "2026-03-01T12:00Z"])
def test_date_times_of_every_precision_are_instants(text: str) -> None:
    assert UTC_ONLY.instant(text)


@pytest.mark.parametrize("created", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_a_message_made_outside_the_calendar_is_refused(created: str) -> None:
    with pytest.raises(MessageRefused, match="out of all range"):
        read(Made(created=created))


@pytest.mark.parametrize("text", ["", "2026-03-01 12:00:00Z", "20260301T120000Z", "2026-W09-7T00:00:00Z"])
def test_what_is_no_xml_date_time_is_none(text: str) -> None:
    with pytest.raises(BadTime):
        UTC_ONLY.instant(text)


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [("PT3M20S", 200_000), ("PT0H3M20.5S", 200_500), ("P1DT1S", 86_401_000), ("P1Y", 0), ("", 0), ("3:20", 0)],
)
def test_durations(text: str, duration_ms: int) -> None:
    assert parse_duration_ms(text) == duration_ms
