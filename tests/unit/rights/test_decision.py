"""May it be played, may it be sung: against a slow model that asks every deal and every block by itself."""

from datetime import date, timedelta
from itertools import permutations, product
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.rights.conftest import (
    EDGES_MS,
    MEMBERS,
    PLACES,
    edges_ms,
    instants_ms,
    local_ms,
    some_names,
    some_terms,
    some_uses,
)

from yuefu.ids import SongId
from yuefu.rights import decision as decision_module
from yuefu.rights.deal import Block, Chain, CommercialModel, SongRights, Terms, TermSheet, Use
from yuefu.rights.decision import (
    Answer,
    CountUses,
    Decision,
    Reason,
    StandingDecisions,
    Used,
    ask_chain,
    count_none,
    decide,
)
from yuefu.rights.grant import Need, NotLicensed, allows, check_need
from yuefu.rights.purpose import SCENES, Purpose, browsing, using
from yuefu.rights.territory import ANYWHERE

NOW_MS = 1_700_000_000_000
SONG = SongId(100_000_001)
BEFORE_ALL_MS, AFTER_ALL_MS = min(EDGES_MS) - 10_000, max(EDGES_MS) + 10_000
SINGING = Purpose(territory="CN", play=((Use.LISTEN,),), sing=((Use.SING,),), model=CommercialModel.PER_USE)
"""What tests with one deal ask, where it does not matter."""

untimed = settings(deadline=None)
chains = st.sampled_from(Chain)


def sheets(*, is_capped: bool = True) -> st.SearchStrategy[TermSheet]:
    some = st.lists(some_terms(is_capped=is_capped), min_size=1, max_size=3)
    return some.map(lambda terms: TermSheet(terms=tuple(terms)))


blocks = st.builds(
    Block,
    case_id=st.integers(1, 9),
    from_ms=edges_ms,
    is_banned=st.booleans(),
    chains=st.sampled_from([(Chain.RECORDING,), (Chain.WORK,), tuple(Chain)]),
)


def some_rights(*, is_capped: bool = True) -> st.SearchStrategy[SongRights]:
    chain = st.integers(0, 5).flatmap(lambda count: sheets(is_capped=is_capped) if count else st.none())
    some_blocks = st.just(()) | st.lists(blocks, max_size=3).map(tuple)
    return st.builds(SongRights, revision=st.integers(0, 9), recording=chain, work=chain, blocks=some_blocks)


alternatives = st.lists(
    st.lists(st.sampled_from(Use), min_size=1, max_size=2, unique=True).map(tuple), min_size=1, max_size=2
).map(tuple)
places = st.sampled_from([ANYWHERE, *PLACES])
purposes = (
    st.builds(
        Purpose,
        territory=places,
        play=alternatives,
        sing=alternatives,
        model=st.none() | st.sampled_from(CommercialModel),
    )
    | st.builds(browsing, places)
    | st.builds(using, scene_id=st.integers(0, 4), billing_mode=st.integers(0, 3), territory=places)
)


class Case(msgspec.Struct, frozen=True):
    """Everything that one answer rests on."""

    rights: SongRights
    chain: Chain
    purpose: Purpose
    at_ms: int
    used: Used

    @property
    def terms(self) -> tuple[Terms, ...]:
        sheet = self.rights.sheet(self.chain)
        return () if sheet is None else sheet.terms

    @property
    def blocks(self) -> list[Block]:
        return [block for block in self.rights.blocks if self.chain in block.chains]

    def ask(self, **changes: Any) -> Answer:
        """The answer, to the case as it is or with some of it changed."""
        case = msgspec.structs.replace(self, **changes)
        return ask_chain(case.rights, case.chain, case.purpose, at_ms=case.at_ms, used=case.used)

    def with_terms(self, terms: tuple[Terms, ...]) -> SongRights:
        sheet = TermSheet(terms=terms)
        return msgspec.structs.replace(self.rights, recording=sheet, work=sheet)


@st.composite
def cases(draw: st.DrawFn, *, is_capped: bool = True) -> Case:
    rights = draw(some_rights(is_capped=is_capped))
    both = [terms for sheet in (rights.recording, rights.work) if sheet is not None for terms in sheet.terms]
    used = {terms: draw(st.integers(0, 3)) for terms in both if terms.max_uses is not None and draw(st.booleans())}
    return Case(rights, draw(chains), draw(purposes), draw(instants_ms), used)


decisions = cases().map(lambda case: decide(case.rights, case.purpose, at_ms=case.at_ms, used=case.used))


# The slow model: what a deal is for is written out as sets, and the answer looked up in them.


def allows_uses(terms: Terms, case: Case) -> bool:
    held = set(terms.uses) or set(Use)
    asked = case.purpose.play if case.chain is Chain.RECORDING else case.purpose.sing
    return any(set(uses) <= held for uses in asked)


def members(names: tuple[str, ...]) -> set[str]:
    return {place for name in names for place in MEMBERS.get(name, {name})}


def allows_territory(terms: Terms, case: Case) -> bool:
    held = members(terms.territories) if terms.territories else set(PLACES) - members(terms.excluded_territories)
    return bool(held) if case.purpose.territory == ANYWHERE else case.purpose.territory in held


def allows_model(terms: Terms, case: Case) -> bool:
    is_for_all = not terms.models or CommercialModel.FREE in terms.models
    held = {None, *(CommercialModel if is_for_all else terms.models)}
    return case.purpose.model in held


def has_not_ended(terms: Terms, case: Case) -> bool:
    return case.at_ms in range(BEFORE_ALL_MS, AFTER_ALL_MS if terms.valid_until_ms is None else terms.valid_until_ms)


def has_begun(terms: Terms, case: Case) -> bool:
    return case.at_ms in range(BEFORE_ALL_MS if terms.valid_from_ms is None else terms.valid_from_ms, AFTER_ALL_MS)


def has_uses_left(terms: Terms, case: Case) -> bool:
    return terms.max_uses is None or case.used.get(terms, 0) in range(terms.max_uses)


GATES = {
    Reason.NOT_FOR_USE: allows_uses,
    Reason.NOT_FOR_TERRITORY: allows_territory,
    Reason.NOT_FOR_MODEL: allows_model,
    Reason.ENDED: has_not_ended,
    Reason.NOT_YET: has_begun,
    Reason.USED_UP: has_uses_left,
}
"""What deals must pass, in order; where the last of them fails, that is why."""


def in_force(case: Case) -> list[Terms]:
    return [terms for terms in case.terms if all(gate(terms, case) for gate in GATES.values())]


def laid(case: Case) -> list[Block]:
    return [block for block in case.blocks if case.at_ms in range(block.from_ms, AFTER_ALL_MS)]


def model_reason(case: Case) -> Reason:
    if laid(case):
        return Reason.BANNED if any(block.is_banned for block in laid(case)) else Reason.TAKEN_DOWN
    left = list(case.terms)
    if not left:
        return Reason.NO_DEAL
    for reason, gate in GATES.items():
        left = [terms for terms in left if gate(terms, case)]
        if not left:
            return reason
    return Reason.IN_FORCE


def boundaries_after(case: Case) -> list[int]:
    ends = {edge for terms in case.terms for edge in (terms.valid_from_ms, terms.valid_until_ms) if edge is not None}
    return sorted(edge for edge in ends | {block.from_ms for block in case.blocks} if edge > case.at_ms)


@untimed
@given(cases())
def test_a_use_is_allowed_while_any_deal_is_in_force_and_no_block(case: Case) -> None:
    answer = case.ask()
    assert answer.allowed == (bool(in_force(case)) and not laid(case))
    assert (answer.terms in in_force(case)) if answer.allowed else (answer.terms is None)


@untimed
@given(cases())
def test_the_reason_is_the_reason(case: Case) -> None:
    assert case.ask().reason is model_reason(case)


@untimed
@given(cases())
def test_a_takedown_that_forbids_a_song_is_named_and_a_ban_before_others(case: Case) -> None:
    block = case.ask().block
    if block is None:
        assert not laid(case)
    else:
        assert block in laid(case)
        assert block.is_banned == any(other.is_banned for other in laid(case))
        assert block.from_ms == min(other.from_ms for other in laid(case) if other.is_banned == block.is_banned)


@untimed
@given(cases())
def test_an_answer_holds_until_the_instant_it_names(case: Case) -> None:
    answer = case.ask()
    assert answer.until_ms is None or answer.until_ms > case.at_ms
    for edge, step in product([*boundaries_after(case), AFTER_ALL_MS - 2], (-1, 0, 1)):
        later_ms = edge + step
        if later_ms > case.at_ms and (answer.until_ms is None or later_ms < answer.until_ms):
            assert case.ask(at_ms=later_ms) == answer


@untimed
@given(cases())
def test_an_answer_names_an_instant_only_where_a_deal_or_block_begins_or_ends(case: Case) -> None:
    until_ms = case.ask().until_ms
    assert until_ms is None or until_ms in boundaries_after(case)


@untimed
@given(cases(is_capped=False))
def test_at_the_instant_it_names_an_answer_is_over(case: Case) -> None:
    answer = case.ask()
    if answer.until_ms is not None:
        later = msgspec.structs.replace(case.ask(at_ms=answer.until_ms), until_ms=answer.until_ms)
        assert later != answer


@untimed
@given(cases())
def test_a_decision_holds_as_long_as_both_of_its_answers(case: Case) -> None:
    held = decide(case.rights, case.purpose, at_ms=case.at_ms, used=case.used)
    named = [answer.until_ms for answer in (held.play, held.sing) if answer.until_ms is not None]
    assert held.until_ms == (min(named) if named else None)


@untimed
@given(cases(), st.data())
def test_taking_a_deal_away_never_allows_more(case: Case, data: st.DataObject) -> None:
    kept = tuple(terms for terms in case.terms if data.draw(st.booleans()))
    assert not case.ask(rights=case.with_terms(kept)).allowed or case.ask().allowed


@untimed
@given(cases(), blocks)
def test_a_further_block_never_allows_more(case: Case, block: Block) -> None:
    blocked = msgspec.structs.replace(case.rights, blocks=(*case.rights.blocks, block))
    assert not case.ask(rights=blocked).allowed or case.ask().allowed


@st.composite
def narrowed(draw: st.DrawFn, terms: Terms) -> Terms:
    """Terms that allow some of what those allow, or all of it."""
    changes: dict[str, Any] = {}
    for name, everything in (("uses", tuple(Use)), ("models", tuple(CommercialModel)), ("territories", None)):
        held = getattr(terms, name) or everything
        if held and draw(st.booleans()):
            changes[name] = tuple(draw(st.lists(st.sampled_from(held), min_size=1)))
    if terms.excluded_territories:
        changes["excluded_territories"] = (*terms.excluded_territories, *draw(some_names))
    changes["max_uses"] = draw(
        st.just(terms.max_uses) | st.integers(0, 2 if terms.max_uses is None else terms.max_uses)
    )
    return msgspec.structs.replace(terms, **changes)


@untimed
@given(cases(), st.data())
def test_a_smaller_deal_never_allows_more(case: Case, data: st.DataObject) -> None:
    smaller = tuple(data.draw(narrowed(terms)) for terms in case.terms)
    used = {less: case.used.get(terms, 0) for less, terms in zip(smaller, case.terms, strict=True)}
    for less, terms in zip(smaller, case.terms, strict=True):
        used[less] = max(used[less], case.used.get(terms, 0))  # two deals may have become one
    assert not case.ask(rights=case.with_terms(smaller), used=used).allowed or case.ask().allowed


@untimed
@given(cases(), st.data())
def test_a_shorter_deal_never_allows_more(case: Case, data: st.DataObject) -> None:
    def shorten(terms: Terms) -> Terms:
        until_ms = data.draw(edges_ms)
        is_shorter = until_ms > (terms.valid_from_ms or 0) and until_ms < (terms.valid_until_ms or AFTER_ALL_MS)
        return msgspec.structs.replace(terms, valid_until_ms=until_ms) if is_shorter else terms

    shorter = tuple(shorten(terms) for terms in case.terms)
    assert not case.ask(rights=case.with_terms(shorter), used={}).allowed or case.ask(used={}).allowed


@untimed
@given(cases(), st.integers(0, 3))
def test_more_uses_never_allow_more(case: Case, more: int) -> None:
    used = {terms: case.used.get(terms, 0) + more for terms in case.terms}
    assert not case.ask(used=used).allowed or case.ask().allowed


@untimed
@given(cases(), st.data())
def test_asking_for_more_is_never_allowed_more(case: Case, data: st.DataObject) -> None:
    further = data.draw(some_uses)
    asked = msgspec.structs.replace(
        case.purpose,
        play=tuple((*uses, *further) for uses in case.purpose.play),
        sing=tuple((*uses, *further) for uses in case.purpose.sing),
    )
    anywhere = msgspec.structs.replace(case.purpose, territory=ANYWHERE, model=None)
    assert not case.ask(purpose=asked).allowed or case.ask().allowed
    assert not case.ask().allowed or case.ask(purpose=anywhere).allowed


@untimed
@given(cases())
def test_what_is_allowed_anywhere_is_allowed_in_some_place(case: Case) -> None:
    there = [case.ask(purpose=msgspec.structs.replace(case.purpose, territory=place)).allowed for place in PLACES]
    anywhere = case.ask(purpose=msgspec.structs.replace(case.purpose, territory=ANYWHERE)).allowed
    assert anywhere == any(there)


@untimed
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_deals_and_blocks_does_not_matter_to_what_is_allowed_and_why(case: Case, chance: Random) -> None:
    terms, laid_over = list(case.terms), list(case.rights.blocks)
    chance.shuffle(terms)
    chance.shuffle(laid_over)
    shuffled = msgspec.structs.replace(case.with_terms(tuple(terms)), blocks=tuple(laid_over))
    one, other = case.ask(), case.ask(rights=shuffled)
    assert (one.allowed, one.reason, one.until_ms) == (other.allowed, other.reason, other.until_ms)


@untimed
@given(cases())
def test_the_two_chains_are_asked_by_themselves(case: Case) -> None:
    held = decide(case.rights, case.purpose, at_ms=case.at_ms, used=case.used)
    assert held.play == case.ask(chain=Chain.RECORDING)
    assert held.sing == case.ask(chain=Chain.WORK)
    assert held.any_right == (held.play.allowed or held.sing.allowed)
    assert held.revision == case.rights.revision


def counting(used: Used) -> CountUses:
    """What counts that much of every song."""
    return lambda _song_id, _rights: used


@untimed
@given(
    st.lists(some_rights(), min_size=1, max_size=2),
    st.lists(purposes, min_size=1, max_size=2),
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), instants_ms, st.integers(0, 2)), max_size=16),
)
def test_a_kept_decision_is_the_one_that_would_be_made_now(
    songs: list[SongRights], asked: list[Purpose], questions: list[tuple[int, int, int, int]]
) -> None:
    standing = StandingDecisions()
    for song, purpose, at_ms, uses in questions:  # back in time as well as forth
        rights, why = songs[song % len(songs)], asked[purpose % len(asked)]
        sheets_of = [sheet for sheet in (rights.recording, rights.work) if sheet is not None]
        used = {terms: uses for sheet in sheets_of for terms in sheet.terms if terms.max_uses is not None}
        held = standing.decide(SONG, rights, why, at_ms=at_ms, count=counting(used))
        assert held == decide(rights, why, at_ms=at_ms, used=used)


def test_a_decision_is_kept_for_as_long_as_it_stands() -> None:
    standing = StandingDecisions()
    rights = SongRights(revision=1, recording=TermSheet(terms=(Terms(valid_until_ms=NOW_MS + 10),)), work=None)

    def ask(at_ms: int) -> Decision:
        return standing.decide(SONG, msgspec.structs.replace(rights), SINGING, at_ms=at_ms, count=count_none)

    first = ask(NOW_MS)
    assert ask(NOW_MS + 9) is first
    assert not ask(NOW_MS + 10).play.allowed
    assert ask(NOW_MS).play.allowed


def test_several_songs_are_decided_in_their_order_and_each_by_its_own_uses() -> None:
    capped = Terms(max_uses=2)
    songs = [(SongId(3), rights_of(capped)), (SongId(1), rights_of(Terms())), (SongId(2), rights_of(capped))]
    counts = {SongId(3): 2, SongId(2): 1}  # what no deal caps is not counted
    decided = StandingDecisions().decide_all(
        songs, SINGING, at_ms=NOW_MS, count=lambda song_id, rights: {capped: counts[song_id]}
    )
    assert [(song_id, held.sing.reason) for song_id, held in decided] == [
        (SongId(3), Reason.USED_UP),
        (SongId(1), Reason.IN_FORCE),
        (SongId(2), Reason.IN_FORCE),
    ]


def test_kept_decisions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_module, "MOST_KEPT", 10)
    standing = StandingDecisions()
    for end_ms in range(1, 100):
        sheet = TermSheet(terms=(Terms(valid_until_ms=end_ms),))
        rights = SongRights(revision=1, recording=sheet, work=None)
        purpose = browsing(PLACES[end_ms % len(PLACES)])
        standing.decide(SONG, rights, purpose, at_ms=0, count=count_none)
        assert sum(len(kept) for kept in standing._kept.values()) <= 10
    assert standing._kept


@untimed
@given(cases())
def test_deciding_changes_nothing_and_decides_alike(case: Case) -> None:
    before = msgspec.json.encode(case.rights)
    assert case.ask() == case.ask()
    assert msgspec.json.encode(case.rights) == before


@untimed
@given(decisions)
def test_the_channel_is_that_of_a_deal_which_allows_the_song(held: Decision) -> None:
    terms = held.play.terms if held.play.allowed else held.sing.terms
    assert held.channel == (0 if terms is None else terms.channel)


def rights_of(*terms: Terms, blocks: tuple[Block, ...] = ()) -> SongRights:
    """The same terms for both chains."""
    sheet = TermSheet(terms=terms)
    return SongRights(revision=1, recording=sheet, work=sheet, blocks=blocks)


def sing(*terms: Terms, at_ms: int = NOW_MS, purpose: Purpose = SINGING, blocks: tuple[Block, ...] = ()) -> Answer:
    return decide(rights_of(*terms, blocks=blocks), purpose, at_ms=at_ms).sing


@pytest.mark.parametrize(
    ("offset_ms", "allowed", "reason", "until_ms"),
    [
        (-1, False, Reason.NOT_YET, NOW_MS),
        (0, True, Reason.IN_FORCE, NOW_MS + 100),
        (99, True, Reason.IN_FORCE, NOW_MS + 100),
        (100, False, Reason.ENDED, None),
        (101, False, Reason.ENDED, None),
    ],
)
def test_validity_is_from_the_first_instant_up_to_the_last(
    offset_ms: int, *, allowed: bool, reason: Reason, until_ms: int | None
) -> None:
    terms = Terms(valid_from_ms=NOW_MS, valid_until_ms=NOW_MS + 100, channel=7)
    answer = sing(terms, at_ms=NOW_MS + offset_ms)
    assert answer == Answer(allowed, reason, until_ms, terms=terms if allowed else None)


@pytest.mark.parametrize(
    ("zone", "day", "minutes"),
    [
        ("Europe/Berlin", date(2024, 3, 31), 23 * 60),
        ("Europe/Berlin", date(2024, 10, 27), 25 * 60),
        ("America/New_York", date(2024, 11, 3), 25 * 60),
        ("Australia/Lord_Howe", date(2024, 10, 6), 23 * 60 + 30),
        ("Australia/Lord_Howe", date(2024, 4, 7), 24 * 60 + 30),
        ("Asia/Shanghai", date(1988, 4, 17), 23 * 60),
        ("Asia/Shanghai", date(2024, 2, 29), 24 * 60),
        ("America/St_Johns", date(2000, 2, 29), 24 * 60),
        ("Asia/Shanghai", date(2100, 2, 28), 24 * 60),
    ],
)
def test_a_deal_for_one_local_day_is_in_force_for_exactly_that_day(zone: str, day: date, minutes: int) -> None:
    next_day = day + timedelta(days=1)
    from_ms = local_ms(zone, day.year, day.month, day.day)
    until_ms = local_ms(zone, next_day.year, next_day.month, next_day.day)
    assert until_ms - from_ms == minutes * 60_000
    terms = Terms(valid_from_ms=from_ms, valid_until_ms=until_ms)
    asked_ms = [from_ms - 1, from_ms, from_ms + 1, until_ms - 1, until_ms, until_ms + 1]
    assert [sing(terms, at_ms=at_ms).allowed for at_ms in asked_ms] == [False, True, True, True, False, False]


def test_the_day_after_28_february_is_29_only_in_leap_years() -> None:
    for year, is_leap in ((1996, True), (2000, True), (2023, False), (2024, True), (2100, False)):
        february = Terms(valid_until_ms=local_ms("Asia/Shanghai", year, 3, 1))
        after_28_ms = local_ms("Asia/Shanghai", year, 2, 28) + 24 * 3_600_000
        assert sing(february, at_ms=after_28_ms).allowed is is_leap


def test_of_the_hour_that_an_autumn_night_has_twice_a_deal_may_end_between_the_two() -> None:
    once_ms = local_ms("Europe/Berlin", 2024, 10, 27, 2, 30)
    twice_ms = local_ms("Europe/Berlin", 2024, 10, 27, 2, 30, fold=1)
    terms = Terms(valid_until_ms=local_ms("Europe/Berlin", 2024, 10, 27, 2, fold=1))
    assert twice_ms - once_ms == 3_600_000
    assert sing(terms, at_ms=once_ms).allowed
    assert not sing(terms, at_ms=twice_ms).allowed


def test_a_deal_that_will_outlast_the_present_one_speaks_from_its_first_instant() -> None:
    present = Terms(valid_until_ms=NOW_MS + 100, channel=1)
    coming = Terms(valid_from_ms=NOW_MS + 50, valid_until_ms=NOW_MS + 200, channel=2)
    assert sing(present, coming) == Answer(True, Reason.IN_FORCE, NOW_MS + 50, terms=present)  # noqa: FBT003
    later = sing(present, coming, at_ms=NOW_MS + 50)
    assert later == Answer(True, Reason.IN_FORCE, NOW_MS + 200, terms=coming)  # noqa: FBT003


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize("until_ms", [None, NOW_MS + 100])
def test_a_deal_that_will_not_outlast_the_present_one_does_not_speak(until_ms: int | None, *, is_turned: bool) -> None:
    present = Terms(valid_from_ms=NOW_MS - 1, valid_until_ms=until_ms, channel=1)
    sooner_over = Terms(valid_from_ms=NOW_MS + 20, valid_until_ms=NOW_MS + 30, channel=2)
    over_together = Terms(valid_from_ms=NOW_MS + 50, valid_until_ms=until_ms, channel=3)
    terms = [present, sooner_over, over_together]
    for at_ms in (NOW_MS, NOW_MS + 20, NOW_MS + 50, NOW_MS + 99):
        answer = sing(*(reversed(terms) if is_turned else terms), at_ms=at_ms)
        assert answer == Answer(True, Reason.IN_FORCE, until_ms, terms=present)  # noqa: FBT003


def test_between_two_deals_the_second_has_not_begun() -> None:
    answer = sing(Terms(valid_until_ms=NOW_MS - 10), Terms(valid_from_ms=NOW_MS + 10))
    assert answer == Answer(False, Reason.NOT_YET, NOW_MS + 10)  # noqa: FBT003


FARTHEST_FIRST = {
    Reason.NOT_FOR_USE: Terms(uses=(Use.LIVE_ROOM,), channel=1),
    Reason.NOT_FOR_TERRITORY: Terms(territories=("NORTH-AMERICA",)),
    Reason.NOT_FOR_MODEL: Terms(models=(CommercialModel.ROOM_MONTH,)),
    Reason.ENDED: Terms(valid_until_ms=NOW_MS),
    Reason.NOT_YET: Terms(valid_from_ms=NOW_MS + 1),
    Reason.USED_UP: Terms(max_uses=0),
    Reason.IN_FORCE: Terms(),
}
"""A deal for each reason, each a step closer to allowing the song than the one before."""


@pytest.mark.parametrize("reason", FARTHEST_FIRST)
def test_a_deal_alone_says_why(reason: Reason) -> None:
    assert sing(FARTHEST_FIRST[reason]).reason is reason


def test_without_deals_there_is_no_deal() -> None:
    nothing = SongRights(revision=0, recording=None, work=None)
    assert decide(nothing, SINGING, at_ms=NOW_MS).sing == Answer(False, Reason.NO_DEAL, None)  # noqa: FBT003
    assert sing() == Answer(False, Reason.NO_DEAL, None)  # noqa: FBT003


@pytest.mark.parametrize(("one", "other"), list(permutations(FARTHEST_FIRST, 2)))
def test_of_two_deals_the_one_that_comes_closer_says_why(one: Reason, other: Reason) -> None:
    order = list(FARTHEST_FIRST)
    assert sing(FARTHEST_FIRST[one], FARTHEST_FIRST[other]).reason is max(one, other, key=order.index)


def test_of_what_one_deal_lacks_the_first_lack_says_why() -> None:
    lacks: dict[str, Any] = {}
    for reason in reversed(list(FARTHEST_FIRST)[:3]):
        lacks |= {"uses": FARTHEST_FIRST[reason].uses or lacks.get("uses", ())}
        lacks |= {"territories": FARTHEST_FIRST[reason].territories or lacks.get("territories", ())}
        lacks |= {"models": FARTHEST_FIRST[reason].models or lacks.get("models", ())}
        assert sing(Terms(valid_until_ms=NOW_MS - 1, max_uses=0, **lacks)).reason is reason


@pytest.mark.parametrize(
    ("uses", "allowed"),
    [
        ((Use.SING,), True),
        ((Use.CLIP,), True),
        ((Use.SING, Use.CLIP), True),
        ((Use.LISTEN, Use.LIVE_ROOM), False),
    ],
)
def test_any_alternative_of_the_uses_asked_is_enough(uses: tuple[Use, ...], *, allowed: bool) -> None:
    assert sing(Terms(uses=uses), purpose=browsing("CN")).allowed is allowed


def test_no_two_deals_are_put_together_to_allow_what_neither_allows() -> None:
    live = using(scene_id=2, resource_type=1, billing_mode=0, territory="CN")
    answer = sing(Terms(uses=(Use.SING,)), Terms(uses=(Use.LIVE_ROOM,)), purpose=live)
    assert answer.reason is Reason.NOT_FOR_USE
    assert sing(Terms(uses=(Use.SING, Use.LIVE_ROOM)), purpose=live).allowed


@pytest.mark.parametrize(("used", "allowed"), [(0, True), (1, True), (2, False), (3, False)])
def test_a_capped_deal_allows_as_many_uses_as_it_says(used: int, *, allowed: bool) -> None:
    terms = Terms(max_uses=2, valid_until_ms=NOW_MS + 5)
    answer = decide(rights_of(terms), SINGING, at_ms=NOW_MS, used={terms: used}).sing
    assert (answer.allowed, answer.until_ms) == (allowed, NOW_MS + 5)
    assert answer.reason is (Reason.IN_FORCE if allowed else Reason.USED_UP)


def test_when_one_deal_is_used_up_another_takes_its_place() -> None:
    capped, coming = Terms(max_uses=1), Terms(valid_from_ms=NOW_MS + 5, valid_until_ms=NOW_MS + 9)
    rights = rights_of(capped, coming)
    assert decide(rights, SINGING, at_ms=NOW_MS, used={capped: 1}).until_ms == NOW_MS + 5
    assert decide(rights, SINGING, at_ms=NOW_MS + 5, used={capped: 1}).sing.terms == coming
    assert decide(rights, SINGING, at_ms=NOW_MS + 5).sing.terms == capped


def block(
    from_ms: int, *, is_banned: bool = False, case_id: int = 1, chains: tuple[Chain, ...] = tuple(Chain)
) -> Block:
    return Block(case_id=case_id, from_ms=from_ms, is_banned=is_banned, chains=chains)


@pytest.mark.parametrize(("is_banned", "reason"), [(False, Reason.TAKEN_DOWN), (True, Reason.BANNED)])
def test_a_block_forbids_a_song_from_its_first_instant_on(*, is_banned: bool, reason: Reason) -> None:
    coming = block(NOW_MS + 10, is_banned=is_banned)
    assert sing(Terms(), blocks=(coming,)) == Answer(True, Reason.IN_FORCE, NOW_MS + 10, terms=Terms())  # noqa: FBT003
    for at_ms in (NOW_MS + 10, NOW_MS + 10**9):
        answer = sing(Terms(), at_ms=at_ms, blocks=(coming,))
        assert answer == Answer(False, reason, None, block=coming)  # noqa: FBT003


def test_a_block_over_one_chain_leaves_the_other() -> None:
    held = decide(rights_of(Terms(), blocks=(block(NOW_MS, chains=(Chain.WORK,)),)), SINGING, at_ms=NOW_MS)
    assert held.play.allowed
    assert held.sing.reason is Reason.TAKEN_DOWN


def test_a_ban_to_come_ends_the_answer_of_a_takedown() -> None:
    takedown, ban = block(NOW_MS - 1), block(NOW_MS + 10, is_banned=True, case_id=2)
    both = (takedown, ban)
    assert sing(blocks=both) == Answer(False, Reason.TAKEN_DOWN, NOW_MS + 10, block=takedown)  # noqa: FBT003
    assert sing(at_ms=NOW_MS + 10, blocks=both) == Answer(False, Reason.BANNED, None, block=ban)  # noqa: FBT003


def test_a_takedown_is_told_before_what_deals_lack() -> None:
    for terms in FARTHEST_FIRST.values():
        assert sing(terms, blocks=(block(NOW_MS),)).reason is Reason.TAKEN_DOWN


@pytest.mark.parametrize("scene_id", SCENES)
def test_unrestricted_terms_allow_every_scene_everywhere(scene_id: int) -> None:
    for billing_mode, place in product(range(4), PLACES):
        for resource_type in range(4):
            purpose = using(scene_id=scene_id, resource_type=resource_type, billing_mode=billing_mode, territory=place)
            assert decide(rights_of(Terms()), purpose, at_ms=NOW_MS).play.allowed


def decision(*, play: bool, sing: bool) -> Decision:
    allowed, refused = TermSheet(terms=(Terms(),)), None
    rights = SongRights(revision=1, recording=allowed if play else refused, work=allowed if sing else refused)
    return decide(rights, SINGING, at_ms=NOW_MS)


@pytest.mark.parametrize("sing", [False, True])
@pytest.mark.parametrize("play", [False, True])
def test_each_need_asks_its_own_chains(*, play: bool, sing: bool) -> None:
    held = decision(play=play, sing=sing)
    assert allows(held, Need.PLAY) is play
    assert allows(held, Need.SING) is sing
    assert allows(held, Need.PLAY_AND_SING) is (play and sing)


@pytest.mark.parametrize("need", Need)
def test_a_need_that_is_allowed_passes(need: Need) -> None:
    check_need(SONG, need, decision(play=True, sing=True))


@pytest.mark.parametrize(
    ("need", "words"),
    [
        (Need.PLAY, "may not be played (there is no deal)"),
        (Need.SING, "may not be sung (there is no deal)"),
        (Need.PLAY_AND_SING, "may not be played (there is no deal) and may not be sung (there is no deal)"),
    ],
)
def test_a_refusal_says_what_may_not_be_done_and_why(need: Need, words: str) -> None:
    held = decision(play=False, sing=False)
    with pytest.raises(NotLicensed) as caught:
        check_need(SONG, need, held)
    assert str(caught.value) == f"song {SONG} {words}"
    assert (caught.value.song_id, caught.value.need, caught.value.decision) == (SONG, need, held)


@pytest.mark.parametrize(
    ("rights", "words"),
    [
        (rights_of(), "there is no deal"),
        (rights_of(FARTHEST_FIRST[Reason.NOT_FOR_USE]), "no deal is for this use"),
        (rights_of(FARTHEST_FIRST[Reason.NOT_FOR_TERRITORY]), "no deal is for this territory"),
        (rights_of(FARTHEST_FIRST[Reason.NOT_FOR_MODEL]), "no deal is for this way of paying"),
        (rights_of(FARTHEST_FIRST[Reason.ENDED]), "the deal has ended"),
        (rights_of(FARTHEST_FIRST[Reason.NOT_YET]), "the deal has not begun"),
        (rights_of(FARTHEST_FIRST[Reason.USED_UP]), "the deal's uses are used up"),
        (rights_of(Terms(), blocks=(block(NOW_MS),)), "it has been taken down"),
        (rights_of(Terms(), blocks=(block(NOW_MS, is_banned=True),)), "it is banned"),
    ],
)
def test_a_refusal_gives_every_reason_in_words(rights: SongRights, words: str) -> None:
    with pytest.raises(NotLicensed) as caught:
        check_need(SONG, Need.SING, decide(rights, SINGING, at_ms=NOW_MS))
    assert str(caught.value) == f"song {SONG} may not be sung ({words})"


@untimed
@given(decisions, st.sampled_from(Need))
def test_a_refusal_names_only_what_is_refused(held: Decision, need: Need) -> None:
    if allows(held, need):
        check_need(SONG, need, held)
        return
    with pytest.raises(NotLicensed) as caught:
        check_need(SONG, need, held)
    assert Reason.IN_FORCE.value not in str(caught.value)
