"""Whatever comes in as a message, the worst it can do is to be refused."""

import contextlib
import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.ingest.ern.messages import Made, Terms, Track, purge

from yuefu.ingest.ern.document import MIB, MOST_BYTES, MOST_DEPTH, MOST_ELEMENTS, MOST_TEXT, parse_document
from yuefu.ingest.ern.licences import read_licences
from yuefu.ingest.ern.message import MessageRefused
from yuefu.ingest.ern.period import Clock
from yuefu.ingest.ern.reading import read_message

PLAIN = Made().bytes()
BODY = Made().text().encode()
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
RICH = Made(
    version="382",
    tracks=(Track(key="K1"), Track(isrc="CNZ012600002")),
    deals=(
        Terms(uses=("UseAsKaraoke", "own:sing"), usage_extra="<NumberOfUsages>5</NumberOfUsages>"),
        Terms(validity=""),
    ),
    track_deals=(Terms(territories=(), excluded=("CN",), extra="<TakeDown>true</TakeDown>"),),
).bytes()


def refused(data: bytes) -> str:
    with pytest.raises(MessageRefused) as refusal:
        read_message(data, Clock(None))
    return str(refusal.value)


def test_a_billion_laughs_are_refused_before_the_first() -> None:
    data = b'<!DOCTYPE x [<!ENTITY l0 "ha">' + LAUGHS + b"]>" + BODY.replace(b"T1", b"&l9;")
    tracemalloc.start()
    assert "document type" in refused(data)
    assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    tracemalloc.stop()


@pytest.mark.parametrize(
    "doctype",
    [
        b'<!DOCTYPE x [<!ENTITY l0 "ha">' + LAUGHS + b"]>",
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "http://127.0.0.1:9/x">]>',
        b'<!DOCTYPE x [<!ENTITY % f SYSTEM "http://127.0.0.1:9/x"> %f;]>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        b'<!DOCTYPE x PUBLIC "-//X//Y//EN" "x.dtd">',
        b"<!DOCTYPE x>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_no_document_type_is_looked_at(doctype: bytes, encoding: str) -> None:
    assert "document type" in refused((doctype + BODY).decode().encode(encoding))


def test_an_entity_in_an_attribute_is_refused_as_well() -> None:
    data = b'<!DOCTYPE x [<!ENTITY l0 "ha">' + LAUGHS + b']><x a="&l9;"/>'
    assert "document type" in refused(data)


def test_an_entity_that_nobody_declared_is_refused() -> None:
    assert "not well-formed" in refused(BODY.replace(b"T1", b"&nbsp;"))


def test_a_nest_too_deep_is_refused() -> None:
    deepest = b"<a>" * MOST_DEPTH + b"</a>" * MOST_DEPTH
    assert parse_document(deepest).name == "a"
    assert "nested deeper" in refused(b"<a>" + deepest + b"</a>")
    assert "nested deeper" in refused(b"<a>" * 1_000_000)


def test_too_many_elements_are_refused_without_being_kept() -> None:
    tracemalloc.start()
    assert "elements" in refused(b"<a>" + b"<b/>" * (MOST_ELEMENTS + 1) + b"</a>")
    assert tracemalloc.get_traced_memory()[1] < 32 * MIB
    tracemalloc.stop()


def test_a_message_of_100_mb_is_refused_by_its_size() -> None:
    assert "larger than 64 MiB" in refused(b" " * 100_000_000)
    assert len(b" " * MOST_BYTES) == MOST_BYTES


def test_a_value_beyond_all_measure_is_refused() -> None:
    long = b"x" * (MOST_TEXT + 1)
    assert "longer than" in refused(PLAIN.replace(b"OnDemandStream", long))
    assert "longer than" in refused(PLAIN.replace(b"M1", b"y" * 256))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not XML"),
        (b"\0" * 100, "not XML"),
        (b"PK\x03\x04zip", "not XML"),
        ("你好，世界".encode(), "not XML"),
        (b"HDRPB00000000DMP", "CWR"),
        (b"isrc,title\nCNZ012600001,x\n", "not XML"),
        (b'{"a": "<b>"}', "not well-formed"),
        (b"<a>", "not well-formed"),
        (PLAIN[: len(PLAIN) // 2], "not well-formed"),
        (PLAIN + PLAIN, "not well-formed"),
        (b"<a/>", "no ERN message: its root is 'a' without a namespace"),
        (b"<NewReleaseMessage/>", "without a namespace"),
        (b'<NewReleaseMessage xmlns="http://example.org/ern/43"/>', "namespace 'http://example.org/ern/43'"),
        (b'<NewReleaseMessage xmlns="http://ddex.net/xml/ern/43"/>', "no MessageHeader"),
        (b'<CatalogListMessage xmlns="http://ddex.net/xml/ern/382"/>', "a CatalogListMessage says nothing of deals"),
        (b'<?xml version="1.0" encoding="x-nowhere"?>' + BODY, "not well-formed"),
        (b'<?xml version="1.0" encoding="utf-8"?>' + BODY.decode().encode("gb18030"), "not well-formed"),
        (b'<?xml version="1.0" encoding="utf-16"?>' + BODY, "not well-formed"),
        (Made(sender="").text().replace("某唱片公司", "").encode(), "does not say who sent it"),
        (Made(message_id="").bytes(), "no MessageId"),
        (Made(created="").bytes(), "no MessageCreatedDateTime"),
        (Made(created="yesterday").bytes(), "'yesterday' is no date-time"),
    ],
)
def test_what_is_no_message_is_refused_by_name(data: bytes, reason: str) -> None:
    assert reason in refused(data)


def test_comments_and_instructions_do_not_cut_a_value_short() -> None:
    data = PLAIN.replace(b"OnDemandStream", b"OnDemand<!-- x -->Str<?p i?>eam").replace(b">M1<", b"><![CDATA[M1]]><")
    assert read_message(data, Clock(None)) == read_message(PLAIN, Clock(None))


SPLICES = (
    b"<", b">", b"&", b"]]>", b"\0", b"\xff", b"", b"<Deal>", b"</Deal>", b"2026-02-30", b"-1", b"9" * 400,
    b"&#0;", b"&#x1F600;", b"<DealTerms/>", b"<TakeDown>true</TakeDown>", b"Worldwide", b"<!DOCTYPE x>",
    b"<TerritoryCode/>",
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([PLAIN, RICH, purge(), Made(version="41").bytes("utf-16")]),
    st.lists(st.tuples(st.integers(0, 6_000), st.integers(0, 40), st.sampled_from(SPLICES)), min_size=1, max_size=6),
)
def test_a_damaged_message_is_read_or_refused(data: bytes, cuts: list[tuple[int, int, bytes]]) -> None:
    for begin, length, splice in cuts:
        data = data[:begin] + splice + data[begin + length :]
    try_out(data)


@settings(max_examples=300)
@given(st.data())
def test_a_message_of_wrong_values_is_read_or_refused(data: st.DataObject) -> None:
    """Every value replaced in its place: the XML stays whole, and what it says does not."""
    values = st.sampled_from(
        ["", " ", "R0", "A1", "CN", "UserDefined", "true", "2026-01-01", "0000-00-00T00:00:00Z", "٣", "9" * 30]
    )
    text = RICH.decode()
    pieces = text.split("</")
    changed = [
        piece[: piece.rindex(">") + 1] + data.draw(values) if place % 3 == 0 and ">" in piece else piece
        for place, piece in enumerate(pieces[:-1])
    ]
    try_out("</".join([*changed, pieces[-1]]).encode())


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try_out(data)
    try_out(b"<" + data)


def try_out(data: bytes) -> None:
    with contextlib.suppress(MessageRefused):
        read_licences(read_message(data, Clock(None)))


RIGHTS = Path(__file__).parents[4] / "../shared/data/rights"


@pytest.fixture(scope="module")
def real_messages() -> list[bytes]:
    if not RIGHTS.is_dir():
        pytest.skip("the third-party messages are not here (../shared/data)")
    return [path.read_bytes() for path in sorted(RIGHTS.rglob("*.xml"))]


def test_damaged_real_messages_are_read_or_refused(real_messages: list[bytes]) -> None:
    chance = random.Random(7)
    for data in real_messages:
        small = data[:60_000]
        for _ in range(10):
            begin = chance.randrange(len(small))
            try_out(small[:begin] + chance.choice(SPLICES) + data[begin + chance.randrange(40) :])
