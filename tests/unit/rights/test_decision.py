"""May it be played, may it be sung: against a slow model that asks every deal by itself."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.ids import SongId
from yuefu.rights import decision as decision_module
from yuefu.rights.deal import SongRights, Terms, TermSheet
from yuefu.rights.decision import Answer, Decision, Reason, StandingDecisions, ask_chain, decide
from yuefu.rights.grant import Need, NotLicensed, allows, check_need

NOW_MS = 1_700_000_000_000
SONG = SongId(100_000_001)
FOREVER_MS = NOW_MS + 1_000

edges_ms = st.integers(0, 6).map(lambda step: NOW_MS + 10 * step)
instants_ms = st.builds(int.__add__, edges_ms, st.sampled_from([-1, 0, 1, 5]))


@st.composite
def some_terms(draw: st.DrawFn) -> Terms:
    """Terms whose ends lie on a few common instants, so that deals touch and overlap."""
    begin, end = sorted((draw(edges_ms), draw(edges_ms)))
    return Terms(
        valid_from_ms=draw(st.sampled_from([None, begin])),
        valid_until_ms=draw(st.sampled_from([None, end + 10])),
        channel=draw(st.integers(0, 2)),
    )


sheets = st.lists(some_terms(), max_size=4).map(lambda terms: TermSheet(terms=tuple(terms)))
chains = st.none() | sheets
all_rights = st.builds(SongRights, revision=st.integers(0, 9), recording=chains, work=chains)
decisions = st.builds(decide, all_rights, at_ms=instants_ms)


def is_in_force(terms: Terms, at_ms: int) -> bool:
    """One deal by itself: from its first instant on, up to but not at its last."""
    begins = NOW_MS - FOREVER_MS if terms.valid_from_ms is None else terms.valid_from_ms
    ends = FOREVER_MS + 1 if terms.valid_until_ms is None else terms.valid_until_ms
    return at_ms in range(begins, ends)


def boundaries_after(sheet: TermSheet, at_ms: int) -> list[int]:
    found = {edge for terms in sheet.terms for edge in (terms.valid_from_ms, terms.valid_until_ms) if edge is not None}
    return sorted(edge for edge in found if edge > at_ms)


@given(sheets, instants_ms)
def test_a_use_is_allowed_while_any_deal_is_in_force(sheet: TermSheet, at_ms: int) -> None:
    answer = ask_chain(sheet, at_ms=at_ms)
    in_force = [terms for terms in sheet.terms if is_in_force(terms, at_ms)]
    assert answer.allowed == bool(in_force)
    assert not in_force or answer.channel in {terms.channel for terms in in_force}


@given(sheets, instants_ms)
def test_the_reason_is_the_reason(sheet: TermSheet, at_ms: int) -> None:
    reason = ask_chain(sheet, at_ms=at_ms).reason
    if not sheet.terms:
        assert reason is Reason.NO_DEAL
    elif any(is_in_force(terms, at_ms) for terms in sheet.terms):
        assert reason is Reason.IN_FORCE
    elif any(terms.valid_from_ms is not None and at_ms < terms.valid_from_ms for terms in sheet.terms):
        assert reason is Reason.NOT_YET
    else:
        assert reason is Reason.ENDED


@given(sheets, instants_ms)
def test_an_answer_holds_until_the_instant_it_names(sheet: TermSheet, at_ms: int) -> None:
    answer = ask_chain(sheet, at_ms=at_ms)
    assert answer.until_ms is None or answer.until_ms > at_ms
    for edge in boundaries_after(sheet, at_ms):
        for later_ms in (edge - 1, edge, edge + 1):
            if later_ms > at_ms and (answer.until_ms is None or later_ms < answer.until_ms):
                assert ask_chain(sheet, at_ms=later_ms) == answer


@given(sheets, instants_ms)
def test_an_answer_names_an_instant_only_where_a_deal_begins_or_ends(sheet: TermSheet, at_ms: int) -> None:
    answer = ask_chain(sheet, at_ms=at_ms)
    assert answer.until_ms is None or answer.until_ms in boundaries_after(sheet, at_ms)


@given(sheets, instants_ms, st.data())
def test_taking_a_deal_away_never_allows_more(sheet: TermSheet, at_ms: int, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(sheet.terms), unique_by=id) if sheet.terms else st.just([]))
    fewer = ask_chain(TermSheet(terms=tuple(kept)), at_ms=at_ms)
    assert not fewer.allowed or ask_chain(sheet, at_ms=at_ms).allowed


@given(sheets, instants_ms, st.randoms(use_true_random=False))
def test_the_order_of_deals_does_not_matter_to_what_is_allowed_and_why(
    sheet: TermSheet, at_ms: int, chance: Random
) -> None:
    shuffled = list(sheet.terms)
    chance.shuffle(shuffled)
    one, other = ask_chain(sheet, at_ms=at_ms), ask_chain(TermSheet(terms=tuple(shuffled)), at_ms=at_ms)
    assert (one.allowed, one.reason) == (other.allowed, other.reason)


@given(all_rights, instants_ms)
def test_the_two_chains_are_asked_by_themselves(rights: SongRights, at_ms: int) -> None:
    decision = decide(rights, at_ms=at_ms)
    assert decision.play == ask_chain(rights.recording, at_ms=at_ms)
    assert decision.sing == ask_chain(rights.work, at_ms=at_ms)
    assert decision.any_right == (decision.play.allowed or decision.sing.allowed)


@given(st.lists(st.tuples(all_rights, instants_ms), max_size=12))
def test_a_kept_decision_is_the_one_that_would_be_made_now(asked: list[tuple[SongRights, int]]) -> None:
    standing = StandingDecisions()
    for rights, at_ms in asked * 2:  # back in time as well as forth
        assert standing.decide(rights, at_ms=at_ms) == decide(rights, at_ms=at_ms)


def test_kept_decisions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_module, "MOST_KEPT", 10)
    standing = StandingDecisions()
    for end_ms in range(1, 100):
        sheet = TermSheet(terms=(Terms(valid_until_ms=end_ms),))
        standing.decide(SongRights(revision=1, recording=sheet, work=None), at_ms=0)
    assert len(standing._kept) <= 10


@given(all_rights, instants_ms)
def test_deciding_changes_nothing_and_decides_alike(rights: SongRights, at_ms: int) -> None:
    before = msgspec.json.encode(rights)
    assert decide(rights, at_ms=at_ms) == decide(rights, at_ms=at_ms)
    assert msgspec.json.encode(rights) == before


@given(decisions)
def test_the_channel_is_that_of_a_deal_which_allows_the_song(decision: Decision) -> None:
    if decision.play.allowed:
        assert decision.channel == decision.play.channel
    elif decision.sing.allowed:
        assert decision.channel == decision.sing.channel
    else:
        assert decision.channel == 0


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
    sheet = TermSheet(terms=(Terms(valid_from_ms=NOW_MS, valid_until_ms=NOW_MS + 100, channel=7),))
    answer = ask_chain(sheet, at_ms=NOW_MS + offset_ms)
    assert answer == Answer(allowed, reason, until_ms, channel=7 if allowed else 0)


def test_a_deal_that_will_outlast_the_present_one_speaks_from_its_first_instant() -> None:
    present = Terms(valid_until_ms=NOW_MS + 100, channel=1)
    coming = Terms(valid_from_ms=NOW_MS + 50, valid_until_ms=NOW_MS + 200, channel=2)
    sheet = TermSheet(terms=(present, coming))
    assert ask_chain(sheet, at_ms=NOW_MS) == Answer(True, Reason.IN_FORCE, NOW_MS + 50, channel=1)  # noqa: FBT003
    assert ask_chain(sheet, at_ms=NOW_MS + 50) == Answer(True, Reason.IN_FORCE, NOW_MS + 200, channel=2)  # noqa: FBT003


def test_between_two_deals_the_second_has_not_begun() -> None:
    sheet = TermSheet(terms=(Terms(valid_until_ms=NOW_MS - 10), Terms(valid_from_ms=NOW_MS + 10)))
    assert ask_chain(sheet, at_ms=NOW_MS) == Answer(False, Reason.NOT_YET, NOW_MS + 10)  # noqa: FBT003


def decision(*, play: bool, sing: bool) -> Decision:
    allowed, refused = TermSheet(terms=(Terms(),)), None
    rights = SongRights(revision=1, recording=allowed if play else refused, work=allowed if sing else refused)
    return decide(rights, at_ms=NOW_MS)


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


@given(decisions, st.sampled_from(Need))
def test_a_refusal_names_only_what_is_refused(held: Decision, need: Need) -> None:
    if allows(held, need):
        check_need(SONG, need, held)
        return
    with pytest.raises(NotLicensed) as caught:
        check_need(SONG, need, held)
    assert Reason.IN_FORCE.value not in str(caught.value)
