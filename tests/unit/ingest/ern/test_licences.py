"""What deals come to in our own vocabulary, and what they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ingest.ern.messages import CREATED, Made, Terms, Track

from yuefu.ingest.ern.licences import MOST_TERMS, Licences, read_licences
from yuefu.ingest.ern.message import MessageRefused, Territory, Word
from yuefu.ingest.ern.period import Clock
from yuefu.ingest.ern.reading import read_message
from yuefu.ingest.ern.vocabulary import MODELS, USES, models_of, territory_of, uses_of
from yuefu.rights import deal as ours
from yuefu.rights.deal import CommercialModel, Use
from yuefu.rights.territory import expand
from yuefu.units import parse_instant_ms

SUBSCRIBED = (CommercialModel.USER_MONTH, CommercialModel.ROOM_MONTH, CommercialModel.HOST_MONTH)
TWO_TRACKS = (Track(), Track(isrc="CNZ012600002"))


def licences(made: Made, **options: object) -> Licences:
    return read_licences(read_message(made.bytes(), Clock(None)), **options)  # type: ignore[arg-type]


def sheets(made: Made, **options: object) -> list[tuple[ours.Terms, ...]]:
    return [licence.sheet.terms for licence in licences(made, **options).recordings]


def problems(made: Made, **options: object) -> list[str]:
    return [finding.problem for finding in licences(made, **options).findings]


@pytest.mark.parametrize("version", ["382", "43"])
def test_a_deal_of_a_release_is_every_recordings_of_it(version: str) -> None:
    expected = ours.Terms(
        valid_from_ms=parse_instant_ms("2026-04-01T00:00:00+08:00"),
        uses=(Use.LISTEN,),
        models=SUBSCRIBED,
        territories=("WORLD",),
        channel=3,
    )
    assert sheets(Made(version=version, tracks=TWO_TRACKS), channel=3) == [(expected,), (expected,)]


def test_a_recording_has_the_deals_of_all_releases_that_hold_it() -> None:
    made = Made(deals=(Terms(),), track_deals=(Terms(uses=("UseAsKaraoke",)), Terms()))
    (terms,) = sheets(made)
    assert sorted((each.uses for each in terms), key=len) == [(Use.LISTEN,), (Use.SING, Use.CLIP, Use.LIVE_ROOM)]


def test_karaoke_is_sung_and_not_listened_to() -> None:
    ((terms,),) = sheets(Made(deals=(Terms(uses=("UseAsKaraoke",)),)))
    assert terms.uses == (Use.SING, Use.CLIP, Use.LIVE_ROOM)


def test_a_senders_own_words_are_ours_when_they_are_spelt_alike() -> None:
    uses = ("own:Listen", "own:SING", "own:clip", "own:Background", "own:live room")
    assert uses_of(Word("UserDefined", "live-room")) == uses_of(Word("UserDefined", "LiveRoom")) == (Use.LIVE_ROOM,)
    assert uses_of(Word("UserDefined", "Karaoke")) == (Use.SING, Use.CLIP, Use.LIVE_ROOM)
    ((terms,),) = sheets(Made(deals=(Terms(uses=(*uses[:1], *uses[2:]), models=("own:RoomMonth",)),)))
    assert terms.uses == (Use.LISTEN, Use.CLIP, Use.BACKGROUND, Use.LIVE_ROOM)
    assert terms.models == (CommercialModel.ROOM_MONTH,)


@pytest.mark.parametrize(
    "word", [Word(""), Word("Stream "), Word("UserDefined"), Word("UserDefined", "Vinyl"), Word("listen")]
)
def test_a_word_that_is_not_known_means_nothing(word: Word) -> None:
    assert uses_of(word) == ()
    assert models_of(word) == ()


def test_no_word_means_any_use_whatever() -> None:
    assert all(meaning for meaning in (*USES.values(), *MODELS.values()))


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (Terms(uses=()), "it names no use that is known"),
        (Terms(uses=("UseAsRingtone",)), "it names no use that is known"),
        (Terms(models=()), "it names no way of paying that is known"),
        (Terms(models=("RightsClaimModel",)), "it names no way of paying that is known"),
        (Terms(territories=()), "it names no territory"),
        (Terms(territories=("ZZ",)), "'ZZ' is no territory"),
        (Terms(territories=("CN", "CA-QC")), "'CA-QC' is no territory"),
        (Terms(territories=(), excluded=("CN", "208")), "'208' is no territory"),
        (Terms(territories=(), excluded=("",)), "'' is no territory"),
        (Terms(territories=("CN",), excluded=("HK",)), "it names the territories it is for, and those it is not for"),
        (
            Terms(
                validity="<StartDateTime>2026-04-01T00:00:00Z</StartDateTime><EndDateTime>2026-04-01T00:00:00Z</EndDateTime>"
            ),
            "the deal ends before it begins",
        ),
        (
            Terms(validity="<StartDate>2026-04-02</StartDate><EndDate>2026-04-01</EndDate>"),
            "the deal ends before it begins",
        ),
        (Terms(usage_extra="<NumberOfUsages>-1</NumberOfUsages>"), "NumberOfUsages '-1' is no number of usages"),
        (Terms(usage_extra="<NumberOfUsages>99999999999999999</NumberOfUsages>"), "NumberOfUsages '99999999999999999'"),
        (Terms(usage_extra="<CarrierType>CD</CarrierType>"), "it is for carriers that are sold"),
        (
            Terms(usage_extra="<UserInterfaceType>PhysicalMediaWriter</UserInterfaceType>"),
            "it is for PhysicalMediaWriter only",
        ),
        (Terms(usage_extra="<DistributionChannelType>Satellite</DistributionChannelType>"), "it is for Satellite only"),
        (
            Terms(
                extra="<RightsClaimPolicy><RightsClaimPolicyType>BlockAccess</RightsClaimPolicyType></RightsClaimPolicy>"
            ),
            "its policy",
        ),
        (Terms(extra="<IsPreOrderDeal>true</IsPreOrderDeal>"), "it is a pre-order"),
        (Terms(extra="<DistributionChannel><PartyId>PADPIDA9</PartyId></DistributionChannel>"), "--our-channel"),
    ],
)
@pytest.mark.parametrize("version", ["383", "432"])
def test_a_deal_that_is_not_understood_gives_nothing_and_says_so(version: str, terms: Terms, reason: str) -> None:
    made = Made(version=version, deals=(terms,))
    assert sheets(made) == [()]
    (problem,) = [problem for problem in problems(made) if problem.startswith("a deal: ")]
    assert reason in problem


def test_of_several_uses_only_the_unknown_one_is_left_out() -> None:
    made = Made(deals=(Terms(uses=("UseAsRingtone", "OnDemandStream")),))
    ((terms,),) = sheets(made)
    assert terms.uses == (Use.LISTEN,)
    assert problems(made) == ["UseAsRingtone is no use that is known"]


def test_a_deal_that_does_not_say_from_when_does_not_reach_back() -> None:
    ((terms,),) = sheets(Made(deals=(Terms(validity=""),)))
    assert terms.valid_from_ms == parse_instant_ms(CREATED)


def test_a_deal_may_hold_for_several_periods() -> None:
    second = "</ValidityPeriod><ValidityPeriod><StartDateTime>2027-04-01T00:00:00Z</StartDateTime>"
    made = Made(deals=(Terms(validity=f"{Terms().validity}<EndDateTime>2026-05-01T00:00:00Z</EndDateTime>{second}"),))
    (terms,) = sheets(made)
    assert {(each.valid_from_ms, each.valid_until_ms) for each in terms} == {
        (parse_instant_ms("2026-03-31T16:00:00Z"), parse_instant_ms("2026-05-01T00:00:00Z")),
        (parse_instant_ms("2027-04-01T00:00:00Z"), None),
    }


def test_a_deal_for_each_country_is_one_deal_for_all_of_them() -> None:
    everywhere = tuple(Terms(territories=(code,)) for code in sorted(expand(("WORLD",))))
    assert [each.territories for each in sheets(Made(deals=everywhere))[0]] == [("WORLD",)]
    assert [each.territories for each in sheets(Made(deals=everywhere[:3]))[0]] == [("AD", "AE", "AF")]


@pytest.mark.parametrize(
    ("territory", "spelt"),
    [
        (Territory("Worldwide"), "WORLD"),
        (Territory("2136", "TIS"), "WORLD"),
        (Territory("2136", "ISO"), "2136"),
        (Territory("2100", "TIS"), "2100"),
        (Territory("CN", "ISO"), "CN"),
    ],
)
def test_territories(territory: Territory, spelt: str) -> None:
    assert territory_of(territory) == spelt


# Distribution channels.

CHANNEL = "<{0}><PartyName><FullName>某应用</FullName></PartyName><PartyId>PADPIDA9</PartyId></{0}>"


@pytest.mark.parametrize("ours_is", ["某应用", "PADPIDA9"])
def test_a_deal_for_our_channel_is_ours_and_one_for_others_is_not(ours_is: str) -> None:
    made = Made(deals=(Terms(extra=CHANNEL.format("DistributionChannel")),))
    assert len(sheets(made, channels=(ours_is,))[0]) == 1
    assert sheets(made, channels=("另一个",)) == [()]


def test_a_deal_that_leaves_our_channel_out_is_not_ours() -> None:
    made = Made(deals=(Terms(extra=CHANNEL.format("ExcludedDistributionChannel")),))
    assert sheets(made, channels=("PADPIDA9",)) == [()]
    assert len(sheets(made, channels=("另一个",))[0]) == 1


# Endings.


@pytest.mark.parametrize("version", ["382", "43"])
def test_a_release_without_deals_is_no_deal(version: str) -> None:
    found = licences(Made(version=version, deals=()))
    assert [licence.sheet.terms for licence in found.recordings] == [()]
    assert found.releases[0].releases == ("ICPN 4006381333931",)


def test_a_takedown_flag_is_no_deal_where_it_is_for() -> None:
    down = Terms(uses=(), models=(), territories=("CN",), extra="<TakeDown>true</TakeDown>")
    made = Made(version="382", deals=(Terms(territories=("CN", "HK")), Terms(territories=("JP",)), down))
    (terms,) = sheets(made)
    assert [each.territories for each in terms] == [("HK", "JP")]
    assert any("a takedown of the same release" in problem for problem in problems(made))
    assert "TakeDown is deprecated" in problems(made)


@pytest.mark.parametrize("places", [("Worldwide",), (), ("Atlantis",)])
def test_a_takedown_that_is_not_clear_is_for_everywhere(places: tuple[str, ...]) -> None:
    down = Terms(uses=(), models=(), territories=places, extra="<AllDealsCancelled>true</AllDealsCancelled>")
    assert sheets(Made(version="382", deals=(Terms(), down))) == [()]


def test_a_takedown_leaves_a_deal_for_other_places_as_it_is() -> None:
    down = Terms(uses=(), models=(), territories=("US",), extra="<TakeDown>true</TakeDown>")
    made = Made(version="382", deals=(Terms(territories=(), excluded=("US",)), down))
    assert [each.excluded_territories for each in sheets(made)[0]] == [("US",)]
    assert problems(made) == ["TakeDown is deprecated"]


# Whole messages.


def test_single_resources_of_a_release_may_be_treated_apart() -> None:
    usage = (
        "<ResourceUsage><DealResourceReference>A2</DealResourceReference>"
        "<Usage><UseType>UseAsKaraoke</UseType></Usage></ResourceUsage>"
    )
    terms = Made(version="382").terms(Terms())
    deal = f"<ReleaseDeal><DealReleaseReference>R0</DealReleaseReference><Deal>{terms}{usage}</Deal></ReleaseDeal>"
    first, second = sheets(Made(version="382", tracks=TWO_TRACKS, deals=(), raw_deals=deal))
    assert [each.uses for each in first] == [(Use.LISTEN,)]
    assert [each.uses for each in second] == [(Use.SING, Use.CLIP, Use.LIVE_ROOM)]


def test_deals_that_contradict_each_other_are_reported() -> None:
    gold, tin = (
        Terms(extra=f"<PriceInformation><PriceCode>{tier}</PriceCode></PriceInformation>") for tier in ("A", "B")
    )
    assert any("overlap" in problem for problem in problems(Made(deals=(gold, tin))))
    apart = Terms(extra=tin.extra, territories=("CN",)), Terms(extra=gold.extra, territories=("HK",))
    assert problems(Made(deals=apart)) == []


def test_the_order_in_which_deals_are_written_does_not_matter() -> None:
    deals = (Terms(), Terms(uses=("UseAsKaraoke",)), Terms(territories=("CN",), models=("FreeOfChargeModel",)))
    assert sheets(Made(deals=deals)) == sheets(Made(deals=deals[::-1]))


def test_a_deal_for_a_release_that_is_not_there_is_reported() -> None:
    terms = Made().terms(Terms())
    deal = f"<ReleaseDeal><DealReleaseReference>R9</DealReleaseReference><Deal>{terms}</Deal></ReleaseDeal>"
    made = Made(deals=(), raw_deals=deal)
    assert sheets(made) == [()]
    assert problems(made) == ["a deal is for a release that the message does not have"]


def test_more_deals_for_a_recording_than_anybody_means_are_no_deal() -> None:
    deals = tuple(
        Terms(
            validity=f"<StartDateTime>2026-04-01T00:00:00.{number:06}Z</StartDateTime>".replace(
                "00:00:00.", f"0{number % 10}:00:00."
            )
        )
        for number in range(0, (MOST_TERMS + 1) * 1_000, 1_000)
    )
    made = Made(deals=deals)
    assert sheets(made) == [()]
    assert any(f"more than {MOST_TERMS}" in problem for problem in problems(made))


def test_a_small_message_that_would_take_for_ever_is_refused() -> None:
    """Many deals for many releases, each release with a deal of its own: 25 million ways through half a megabyte."""
    many = 5_000
    terms = Made().terms(Terms())
    own = "".join(
        f"<ReleaseDeal><DealReleaseReference>R{place}</DealReleaseReference><Deal>{terms}</Deal></ReleaseDeal>"
        for place in range(1, many)
    )
    every = "".join(f"<DealReleaseReference>R{place}</DealReleaseReference>" for place in range(1, many))
    crossed = f"<ReleaseDeal>{every}{f'<Deal>{terms}</Deal>' * many}</ReleaseDeal>"
    made = Made(tracks=(Track(),) * many, deals=(), raw_deals=crossed + own)
    message = read_message(made.bytes(), Clock(None))
    with pytest.raises(MessageRefused, match="too many deals"):
        read_licences(message)


@given(
    st.lists(
        st.builds(
            Terms,
            uses=st.lists(st.sampled_from([*USES, "UseAsRingtone", ""]), max_size=3).map(tuple),
            models=st.lists(st.sampled_from([*MODELS, "Unknown"]), max_size=2).map(tuple),
            territories=st.lists(st.sampled_from(["CN", "HK", "JP", "Worldwide", "XX"]), max_size=3).map(tuple),
        ),
        max_size=6,
    )
)
def test_a_sheet_allows_exactly_what_some_understood_deal_says(deals: list[Terms]) -> None:
    (terms,) = sheets(Made(deals=tuple(deals)))
    for use in Use:
        for model in CommercialModel:
            for place in ("CN", "HK", "JP", "FR"):
                said = any(_says(deal, use, model, place) for deal in deals)
                held = any(use in each.uses and model in each.models and each.is_for_territory(place) for each in terms)
                assert held == said


def _says(deal: Terms, use: Use, model: CommercialModel, place: str) -> bool:
    """The same of one deal, read as plainly as can be."""
    if not deal.territories or "XX" in deal.territories:
        return False
    return (
        any(use in USES.get(word, ()) for word in deal.uses)
        and any(model in MODELS.get(word, ()) for word in deal.models)
        and ("Worldwide" in deal.territories or place in deal.territories)
    )
