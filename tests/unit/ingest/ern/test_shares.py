"""What a message claims of shares: more than the whole is a finding, and never a deal."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ingest.ern.messages import Made, Track

from yuefu.ingest.ern.message import Message
from yuefu.ingest.ern.period import Clock
from yuefu.ingest.ern.reading import read_message

ISWC = "T0345246801"
OVER = "the shares of work T0345246801 come to 120 %"


def read(made: Made, *, work: str = "", recording: str = "") -> Message:
    """The message with a work of that content, or with that in its recording."""
    text = made.text()
    if work:
        described = f"<MusicalWork><MusicalWorkId><ISWC>{ISWC}</ISWC></MusicalWorkId>{work}</MusicalWork>"
        text = text.replace("<ResourceList>", f"<WorkList>{described}</WorkList><ResourceList>")
    text = text.replace("</SoundRecording>", f"{recording}</SoundRecording>")
    return read_message(text.encode(), Clock(None), file="m.xml")


def over(message: Message) -> list[str]:
    return [finding.problem for finding in message.findings if finding.problem.startswith("the shares of")]


def share(
    percentage: object, *, places: str = "", right: str = "", extra: str = "", kind: str = "TerritoryCode"
) -> str:
    codes = "".join(f"<{kind}>{code}</{kind}>" for code in places.split())
    rights = f"<RightsType>{right}</RightsType>" if right else ""
    said = f"<RightSharePercentage>{percentage}</RightSharePercentage>"
    return f"<RightShare>{codes}{rights}{extra}{said}</RightShare>"


def controller(percentage: object, *, places: str = "", role: str = "", kind: str = "", extra: str = "") -> str:
    codes = "".join(f"<Territory>{code}</Territory>" for code in places.split())
    roles = f"<RightsControllerRole>{role}</RightsControllerRole>" if role else ""
    types = f"<RightsControllerType>{kind}</RightsControllerType>" if kind else ""
    said = f"<RightSharePercentage>{percentage}</RightSharePercentage>"
    return f"<WorkRightsController>{roles}{types}{said}{codes}{extra}</WorkRightsController>"


WORKS = {
    "as much as there is": (share(60) + share(40), []),
    "too much": (share(60) + share("60.0"), [OVER]),
    "of two rights": (share(60, right="MechanicalRight") + share(60, right="PerformingRight"), []),
    "too much of one right": (
        share(60, right="MechanicalRight") + share(60, right="MechanicalRight") + share(60, right="PerformingRight"),
        ["the shares of work T0345246801 (MechanicalRight) come to 120 %"],
    ),
    "in two places": (share(60, places="CN") + share(60, places="JP KR"), []),
    "too much in one place": (share(60, places="CN HK") + share(60, places="HK TW"), [f"{OVER} in HK"]),
    "in one place and in the world": (share(60, places="Worldwide") + share(60, places="CN"), [f"{OVER} in CN"]),
    "everywhere but there": (
        share(60, places="CN", kind="ExcludedTerritoryCode") + share(60, places="CN", kind="TerritoryCode"),
        [],
    ),
    "one after the other": (
        share(100, extra="<ValidityPeriod><EndDate>2020-01-01</EndDate></ValidityPeriod>")
        + share(100, extra="<ValidityPeriod><StartDate>2020-01-01</StartDate></ValidityPeriod>"),
        [],
    ),
    "a fraction of one": (
        share(100) + share("0.2").replace("<RightSharePercentage", '<RightSharePercentage HasMaxValueOfOne="true"'),
        [OVER],
    ),
    "by controller": (
        "<RightShare>"
        + "".join(
            f"<RightsController><RightSharePercentage>{part}</RightSharePercentage></RightsController>"
            for part in (70, 50)
        )
        + "</RightShare>",
        [OVER],
    ),
    "by controller of a share that says its own": (
        share(100, extra="<RightsController><RightSharePercentage>50</RightSharePercentage></RightsController>"),
        [],
    ),
    "of a place that is not ours": (share(60, places="2100") + share(60, places="2100"), [f"{OVER} in 2100"]),
}


@pytest.mark.parametrize("name", WORKS)
@pytest.mark.parametrize("version", ["381", "383"])
def test_shares_of_a_work_are_added_up_by_right_and_place(version: str, name: str) -> None:
    work, problems = WORKS[name]
    assert over(read(Made(version=version), work=work)) == problems


CONTROLLERS = {
    "as much as there is": (controller(50) + controller(50), []),
    "too much": (controller(70) + controller(50), [OVER]),
    "too much in one place": (controller(70, places="CN") + controller(50, places="CN US"), [f"{OVER} in CN"]),
    "owners and their administrator": (
        controller(100, role="RightsController") + controller(100, role="RightsAdministrator"),
        [],
    ),
    "too much of owners": (
        controller(60, role="RightsController", kind="OriginalOwner")
        + controller(60, role="RightsController", kind="OriginalOwner"),
        ["the shares of work T0345246801 (RightsController, OriginalOwner) come to 120 %"],
    ),
    "one after the other": (
        controller(100, extra="<EndDate>2020-01-01</EndDate>") + controller(100, extra="<StartDate>2021</StartDate>"),
        [],
    ),
}


@pytest.mark.parametrize("name", CONTROLLERS)
@pytest.mark.parametrize("version", ["41", "43", "432"])
def test_shares_of_a_recordings_work_are_added_up_too(version: str, name: str) -> None:
    recording, problems = CONTROLLERS[name]
    assert over(read(Made(version=version), recording=recording)) == problems


def test_the_shares_of_two_recordings_of_a_work_are_not_added_up() -> None:
    made = Made(tracks=(Track(), Track(isrc="CNZ012600002")))
    assert over(read(made, recording=controller(60))) == []


def test_shares_of_a_recording_are_added_up_in_both_families() -> None:
    part = "<RightSharePercentage>60</RightSharePercentage>"
    newer = f"<ResourceRightsController>{part}</ResourceRightsController>" * 2
    older = (
        "<SoundRecordingDetailsByTerritory><TerritoryCode>CN</TerritoryCode>"
        f"{f'<RightsController>{part}</RightsController>' * 2}</SoundRecordingDetailsByTerritory>"
    )
    assert over(read(Made(version="43"), recording=newer)) == ["the shares of recording CNZ012600001 come to 120 %"]
    assert over(read(Made(version="382"), recording=older)) == [
        "the shares of recording CNZ012600001 come to 120 % in CN"
    ]


@pytest.mark.parametrize("text", ["", "much", "-5", "1e9", "٥٠", "NaN", "9" * 30])
def test_what_is_no_percentage_is_said_and_left_out(text: str) -> None:
    message = read(Made(version="382"), work=share(60) + share(text))
    assert f"a share of {text[:40]!r} is no percentage" in [finding.problem for finding in message.findings]
    assert over(message) == []


def test_a_message_that_would_take_too_long_to_add_up_is_left_unchecked() -> None:
    days = (f"{1000 + number}-01-01" for number in range(120))
    periods = (f"<ValidityPeriod><StartDate>{day}</StartDate></ValidityPeriod>" for day in days)
    message = read(Made(version="382"), work="".join(share(90, extra=period) for period in periods))
    assert over(message) == []
    assert any("too many ways to be added up" in finding.problem for finding in message.findings)


def test_claims_make_no_deal() -> None:
    plain, claimed = read(Made()), read(Made(), recording=controller(70) + controller(50))
    assert claimed.deals == plain.deals
    assert claimed.recordings == plain.recordings


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_a_sum_is_exact(parts: list[int]) -> None:
    texts = [f"{part // 10_000}.{part % 10_000:04}" for part in parts]
    total = sum(map(Decimal, texts))
    problems = over(read(Made(version="382"), work="".join(map(share, texts))))
    assert bool(problems) == (total > 100)
    assert all(Decimal(problem.split()[-2]) == total for problem in problems)
