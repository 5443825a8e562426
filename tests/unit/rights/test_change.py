"""When what lists show of a song becomes another by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuefu.rights.change import latest_change
from yuefu.rights.deal import Block, Chain, SongRights, Terms, TermSheet, Use
from yuefu.rights.decision import decide
from yuefu.rights.purpose import browsing

PLACES = ("CN", "JP", "SE", "DE")
SPAN_MS = 12


def rights(*terms: Terms, blocks: tuple[Block, ...] = ()) -> SongRights:
    sheet = TermSheet(terms=terms)
    return SongRights(revision=1, recording=sheet, work=sheet, blocks=blocks)


@st.composite
def some_terms(draw: st.DrawFn) -> Terms:
    begin = draw(st.none() | st.integers(-2, SPAN_MS))
    return Terms(
        valid_from_ms=begin,
        valid_until_ms=draw(st.none() | st.integers((-2 if begin is None else begin) + 1, SPAN_MS + 3)),
        uses=draw(st.sampled_from([(), (Use.LISTEN,), (Use.SING,), (Use.LIVE_ROOM,), (Use.CLIP, Use.BACKGROUND)])),
        territories=draw(st.sampled_from([(), (), ("CN",), ("JP", "NORDIC"), ("DE",)])),
        max_uses=draw(st.sampled_from([None, None, 0, 2])),
        channel=draw(st.integers(0, 1)),
    )


SHEETS = st.none() | st.lists(some_terms(), max_size=3).map(lambda terms: TermSheet(terms=tuple(terms)))
BLOCKS = st.lists(
    st.builds(
        Block,
        case_id=st.just(1),
        from_ms=st.integers(-2, SPAN_MS + 2),
        is_banned=st.booleans(),
        chains=st.sampled_from([(Chain.RECORDING,), (Chain.WORK,), (Chain.RECORDING, Chain.WORK)]),
    ),
    max_size=2,
).map(tuple)


def shown(known: SongRights, at_ms: int) -> list[tuple[bool, bool, int]]:
    """What lists show at an instant in every place, before any use and after all of them."""
    terms = [each for sheet in (known.recording, known.work) if sheet is not None for each in sheet.terms]
    used_up = {each: each.max_uses for each in terms if each.max_uses is not None}
    decisions = [decide(known, browsing(place), at_ms=at_ms, used=used) for place in PLACES for used in ({}, used_up)]
    return [(each.play.allowed, each.sing.allowed, each.channel) for each in decisions]


@settings(max_examples=400, deadline=None)
@given(recording=SHEETS, work=SHEETS, blocks=BLOCKS, after_ms=st.integers(-3, SPAN_MS))
def test_the_latest_change_is_found_as_by_looking_at_every_millisecond(
    recording: TermSheet | None, work: TermSheet | None, blocks: tuple[Block, ...], after_ms: int
) -> None:
    known = SongRights(revision=1, recording=recording, work=work, blocks=blocks)
    until_ms = after_ms + 8
    changes = [at for at in range(after_ms + 1, until_ms + 1) if shown(known, at - 1) != shown(known, at)]
    assert latest_change(known, after_ms=after_ms, until_ms=until_ms) == max(changes, default=None)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (rights(Terms(valid_until_ms=5)), 5),
        (rights(Terms(valid_from_ms=3, valid_until_ms=5)), 5),
        (rights(Terms(valid_from_ms=10)), 10),
        (rights(Terms(valid_from_ms=11)), None),
        (rights(Terms(valid_until_ms=0)), None),
        (rights(Terms(valid_until_ms=5), Terms()), None),
        (rights(Terms(valid_until_ms=5), blocks=(Block(case_id=1, from_ms=4, is_banned=True),)), 4),
        (rights(Terms(territories=("IS",), valid_until_ms=5), Terms(territories=("CN",))), 5),
        (rights(), None),
    ],
)
def test_instants_at_the_edges_of_the_span(known: SongRights, expected: int | None) -> None:
    assert latest_change(known, after_ms=0, until_ms=10) == expected
