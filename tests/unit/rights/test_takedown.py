"""Takedowns: what a scope covers, and what a case must say."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Block, Chain, SongRights, Terms, TermSheet
from yuefu.rights.decision import Reason, decide
from yuefu.rights.purpose import browsing
from yuefu.rights.takedown import BadScope, NewCase, Scope, Subject

SUBJECT = Subject(
    song_id=SongId(7), vendor_id=VendorId(1), recording="CNA012600001", work="T0345246801", singers=("甲", "beyond")
)
SCOPES: dict[str, tuple[dict[str, Any], bool]] = {
    "the song": ({"songs": (SongId(5), SongId(7))}, True),
    "other songs": ({"songs": (SongId(5),)}, False),
    "the recording": ({"recording": "CNA012600001"}, True),
    "another recording": ({"recording": "CNA012600002"}, False),
    "the work": ({"work": "T0345246801"}, True),
    "another work": ({"work": "T0000000010"}, False),
    "any of the singers": ({"singer": "beyond"}, True),
    "part of a name": ({"singer": "bey"}, False),
}


@pytest.mark.parametrize("name", SCOPES)
def test_a_scope_covers_what_it_names(name: str) -> None:
    said, covers = SCOPES[name]
    assert Scope(**said).covers(SUBJECT) is covers
    assert Scope(**said, vendor_id=VendorId(1)).covers(SUBJECT) is covers
    assert not Scope(**said, vendor_id=VendorId(2)).covers(SUBJECT)


def test_a_vendor_by_itself_is_all_of_its_songs() -> None:
    assert Scope(vendor_id=VendorId(1)).covers(SUBJECT)
    assert not Scope(vendor_id=VendorId(2)).covers(SUBJECT)


def test_a_song_that_says_nothing_of_its_recording_is_not_every_recording() -> None:
    nameless = msgspec.structs.replace(SUBJECT, recording="", work="", singers=())
    for name in ("the recording", "the work", "any of the singers"):
        assert not Scope(**SCOPES[name][0]).covers(nameless)


@pytest.mark.parametrize("said", [{}, {"songs": (), "recording": ""}, {"recording": "A", "work": "B"}])
def test_a_scope_says_one_thing(said: Any) -> None:
    with pytest.raises(BadScope):
        Scope(**said)


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_case_has_a_reason(reason: str) -> None:
    with pytest.raises(BadScope, match="reason"):
        NewCase(scope=Scope(vendor_id=VendorId(1)), reason=reason, is_banned=False, from_ms=0)


@given(scope=st.sampled_from([Scope(**said) for said, _ in SCOPES.values()]), vendor=st.none() | st.integers(0, 4))
def test_what_is_written_of_a_scope_reads_back(scope: Scope, vendor: int | None) -> None:
    scope = msgspec.structs.replace(scope, vendor_id=vendor)
    assert msgspec.json.decode(msgspec.json.encode(scope), type=Scope) == scope


@given(at_ms=st.integers(0, 200), from_ms=st.integers(0, 200), is_banned=st.booleans())
def test_what_a_case_lays_forbids_both_chains_from_its_instant_on(at_ms: int, from_ms: int, is_banned: bool) -> None:  # noqa: FBT001
    case = NewCase(scope=Scope(songs=(SongId(7),)), reason="x", is_banned=is_banned, from_ms=from_ms)
    sheet = TermSheet(terms=(Terms(),))
    rights = SongRights(revision=2, recording=sheet, work=sheet, blocks=(case.block(3),))
    decision = decide(rights, browsing("CN"), at_ms=at_ms)
    assert case.block(3) == Block(case_id=3, from_ms=from_ms, is_banned=is_banned, chains=tuple(Chain))
    assert decision.any_right is (at_ms < from_ms)
    if at_ms >= from_ms:
        assert decision.play.reason is decision.sing.reason is (Reason.BANNED if is_banned else Reason.TAKEN_DOWN)
