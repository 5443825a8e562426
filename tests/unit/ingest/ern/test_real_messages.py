"""Messages that others published, read in place."""

from pathlib import Path

import pytest

from yuefu.ingest.ern.licences import read_licences
from yuefu.ingest.ern.message import Message, MessageRefused
from yuefu.ingest.ern.period import Clock
from yuefu.ingest.ern.reading import read_message
from yuefu.rights.deal import CommercialModel, Use
from yuefu.units import parse_instant_ms

RIGHTS = Path(__file__).parents[4] / "../shared/data/rights"
FIXTURES = RIGHTS / "sshaw-ddex/fixtures/ern"


@pytest.fixture(autouse=True)
def messages_are_here() -> None:
    if not RIGHTS.is_dir():
        pytest.skip("the third-party messages are not here (../shared/data)")


def read(path: Path) -> Message:
    return read_message(path.read_bytes(), Clock(None), file=path.name)


@pytest.mark.parametrize(
    ("path", "version", "recordings", "releases"),
    [
        ("sshaw-ddex/fixtures/ern/381/instance1.xml", "3.8.1", 1, 1),
        ("sshaw-ddex/fixtures/ern/41/instance1.xml", "4.1", 1, 2),
        ("sshaw-ddex/fixtures/ern/42/1 Audio.xml", "4.2", 21, 22),
        ("sshaw-ddex/fixtures/ern/42/3 MixedMedia.xml", "4.2", 14, 18),
        ("sshaw-ddex/fixtures/ern/42/4 SimpleAudioSingle.xml", "4.2", 1, 1),
        ("ddex-suite/Variant Classical.xml", "4.2", 12, 13),
        ("ddex-suite/test-suite/valid/ern-382/basic_release.xml", "3.8.2", 0, 1),
    ],
)
def test_a_message_is_read(path: str, version: str, recordings: int, releases: int) -> None:
    message = read(RIGHTS / path)
    assert (message.version, len(message.recordings), len(message.releases)) == (version, recordings, releases)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("sshaw-ddex/fixtures/ern/42/8 DjMix.xml", "no MessageId"),
        ("ddex-suite/test-suite/valid/ern-4.3/simple_release.xml", "has no time zone"),
        ("sshaw-ddex/oxygen/ern/33.xml", "document type"),
        ("sshaw-ddex/oxygen/ern/38.xml", "document type"),
        ("dmp/CW220001052_DMP.V21", "CWR"),
        ("dmp/dataimport.csv", "not XML"),
        ("stdnum/test_isrc.doctest", "not XML"),
    ],
)
def test_what_is_no_message_for_us_is_refused_with_its_reason(path: str, reason: str) -> None:
    with pytest.raises(MessageRefused, match=reason):
        read(RIGHTS / path)


def test_747_deals_for_249_countries_come_to_three() -> None:
    licences = read_licences(read(FIXTURES / "42/4 SimpleAudioSingle.xml"))
    (licence,) = licences.recordings
    assert licence.recording is not None
    assert licence.recording.isrcs == ("GBAYC1700598",)
    assert {(each.uses, each.models, each.territories) for each in licence.sheet.terms} == {
        ((Use.LISTEN,), (CommercialModel.PER_USE,), ("WORLD",)),
        (
            (Use.LISTEN, Use.BACKGROUND),
            (CommercialModel.USER_MONTH, CommercialModel.ROOM_MONTH, CommercialModel.HOST_MONTH),
            ("WORLD",),
        ),
        ((Use.LISTEN, Use.BACKGROUND), (CommercialModel.FREE,), ("WORLD",)),
    }


def test_a_japanese_album_may_be_played_in_japan_from_its_day_on() -> None:
    licences = read_licences(read(FIXTURES / "42/1 Audio.xml"))
    assert len(licences.recordings) == 21
    for licence in licences.recordings:
        assert {terms.territories for terms in licence.sheet.terms} == {("JP",)}
        assert {terms.valid_from_ms for terms in licence.sheet.terms} == {parse_instant_ms("2004-04-01T00:00:00Z")}
    assert {terms.tier for terms in licences.recordings[0].sheet.terms} == {"", "AAAA"}


def test_deals_for_other_services_only_are_no_deals_for_us() -> None:
    message = read(FIXTURES / "42/3 MixedMedia.xml")
    assert not any(licence.sheet.terms for licence in read_licences(message).recordings)
    theirs = read_licences(message, channels=("PADPIDA2007062701B", "test2"))
    assert any(licence.sheet.terms for licence in theirs.recordings)
