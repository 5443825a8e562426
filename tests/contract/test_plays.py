"""What every store keeps of plays: one a name, never going back, with what their grant was for."""

from collections.abc import Callable
from typing import Any

import apsw
import pytest

from yuefu.access.session import Session
from yuefu.catalogue.chart import ChartEntry
from yuefu.catalogue.song import PublishedSong
from yuefu.ids import SongId, UserId, VendorId
from yuefu.rights.grant import GrantedResource, Need
from yuefu.rights.play import MOST_PLAYS, Heard, NotHeld, Play, PlayKey, TooManyPlays, advance, begin
from yuefu.units import DAY_MS, Span

NOW_MS = 1_700_000_000_000
SONG_MS = 200_000


class Stage:
    """A session that holds a resource, and short words for reporting plays."""

    def __init__(self, store: Any, song_id: SongId) -> None:
        self.store = store
        self.resource_id = f"z_{song_id}_2"
        self.resource = GrantedResource(resource_id=self.resource_id, need=Need.SING)
        self.song_id = song_id
        self.session: Session = store.open_session()
        self.grant_id: int = store.issue_grant(self.session, song_id, self.resource, scene_id=4, rights_revision=3)

    def key(self, name: str, user_id: str = "茉莉") -> PlayKey:
        return PlayKey(app_id=self.session.app_id, user_id=UserId(user_id), name=name)

    def report(self, heard: Heard, name: str = "one", *, session: Session | None = None, at_ms: int = NOW_MS) -> Play:
        """Find the play and write what becomes of it, as a server does."""
        of = session or self.session
        key = self.key(name, of.user_id)

        def job(transaction: Any) -> Play:
            held = transaction.plays.find(key)
            if held is None:
                play = begin(self.resource_id, heard, SONG_MS, at_ms=at_ms)
                transaction.plays.add(key, of.session_id, play, at_ms=at_ms)
            else:
                play = advance(held, self.resource_id, heard, at_ms=at_ms)
                transaction.plays.change(key, play, at_ms=at_ms)
            return play

        written: Play = self.store.work.run(job)
        return written

    def find(self, name: str = "one", user_id: str = "茉莉") -> Play | None:
        found: Play | None = self.store.work.run(lambda transaction: transaction.plays.find(self.key(name, user_id)))
        return found


@pytest.fixture
def stage(store: Any, song_maker: Callable[..., PublishedSong]) -> Stage:
    return Stage(store, store.publish(song_maker()).song_id)


def rows(store: Any, columns: str) -> Any:
    return store.work.run(
        lambda transaction: transaction._connection.execute(f"SELECT {columns} FROM plays ORDER BY play_id").fetchall()
    )


def test_a_play_is_read_back_whole(stage: Stage) -> None:
    assert stage.find() is None
    heard = Heard(seconds=31, is_completed=True, score=88, started_at_ms=NOW_MS - 40_000)
    for said in (Heard(), heard):
        play = stage.report(said)
        assert stage.find() == play
    assert play == Play(resource_id=stage.resource_id, duration_ms=SONG_MS, heard=heard, defined_at_ms=NOW_MS)
    assert stage.store.count("plays") == 1


def test_a_play_has_what_its_grant_was_for(stage: Stage) -> None:
    stage.report(Heard(seconds=1), at_ms=NOW_MS + 5)
    stage.report(Heard(seconds=30), at_ms=NOW_MS + 9)
    columns = "grant_id, app_id, user_id, song_id, vendor_id, resource_type, scene_id, room_id, territory"
    assert rows(stage.store, columns) == [(stage.grant_id, 7, "茉莉", stage.song_id, 1, 1, 4, "包厢", "CN")]
    assert rows(stage.store, "rights_revision, reported_at_ms, changed_at_ms, defined_at_ms") == [
        (3, NOW_MS + 5, NOW_MS + 9, NOW_MS + 9)
    ]


def test_a_play_needs_a_grant_of_its_resource_in_its_session(stage: Stage) -> None:
    other = stage.store.open_session("another", user_id=UserId("别人"))
    with pytest.raises(NotHeld):
        stage.report(Heard(), session=other)
    again = stage.store.open_session("the same user's")
    with pytest.raises(NotHeld):
        stage.report(Heard(), session=again)
    assert stage.store.count("plays") == 0


def test_a_user_goes_on_with_a_play_in_another_session(stage: Stage) -> None:
    stage.report(Heard(seconds=10))
    again = stage.store.open_session("the same user's")
    assert stage.report(Heard(seconds=40), session=again).heard.seconds == 40
    assert stage.store.count("plays") == 1


def test_users_do_not_share_names(stage: Stage) -> None:
    other = stage.store.open_session("another", user_id=UserId("别人"))
    stage.store.issue_grant(other, stage.song_id, stage.resource)
    stage.report(Heard(seconds=10))
    assert stage.report(Heard(seconds=5), session=other).heard.seconds == 5
    assert stage.store.count("plays") == 2


def test_a_grant_that_has_run_out_may_still_be_told_of(stage: Stage) -> None:
    assert stage.report(Heard(seconds=50), at_ms=NOW_MS + 2 * DAY_MS).defined_at_ms == NOW_MS + 2 * DAY_MS


def test_a_grant_has_only_so_many_plays_and_a_new_one_as_many_again(stage: Stage) -> None:
    for number in range(MOST_PLAYS):
        stage.report(Heard(), str(number))
    with pytest.raises(TooManyPlays):
        stage.report(Heard(), "one-more")
    stage.report(Heard(seconds=9), "0")
    stage.store.issue_grant(stage.session, stage.song_id, stage.resource)
    stage.report(Heard(), "one-more")
    assert stage.store.count("plays") == MOST_PLAYS + 1


@pytest.mark.parametrize("change", ["seconds = 30", "is_completed = 0", "defined_at_ms = 1", "defined_at_ms = NULL"])
def test_the_database_itself_lets_no_play_go_back(stage: Stage, change: str) -> None:
    stage.report(Heard(seconds=31, is_completed=True))
    with pytest.raises(apsw.ConstraintError, match="what was played stays played"):
        stage.store.work.run(lambda transaction: transaction._connection.execute(f"UPDATE plays SET {change}"))


def test_users_who_were_forgotten_are_all_alike(stage: Stage) -> None:
    for name in ("one", "two"):
        stage.report(Heard(seconds=31), name)
    stage.store.work.run(
        lambda transaction: transaction._connection.execute("UPDATE plays SET user_id = '', name = ''").fetchall()
    )
    assert stage.find() is None
    assert stage.report(Heard(seconds=1)).heard.seconds == 1
    assert stage.store.count("plays") == 3


def test_charts_count_defined_plays_by_the_instant_at_which_they_became_one(stage: Stage) -> None:
    stage.report(Heard(seconds=40), "a", at_ms=1_000)
    stage.report(Heard(seconds=1), "b", at_ms=1_000)
    stage.report(Heard(seconds=40), "b", at_ms=2_000)
    stage.report(Heard(seconds=1), "c", at_ms=1_500)
    stage.report(Heard(seconds=40), "d", at_ms=1_999)
    stage.report(Heard(seconds=90), "d", at_ms=3_000)

    def uses(begin_ms: int, end_ms: int, **changes: int) -> list[ChartEntry]:
        span, rule = Span(begin_ms=begin_ms, end_ms=end_ms), {"threshold": 1, "size": 10} | changes
        counted: list[ChartEntry] = stage.store.work.run(
            lambda transaction: transaction.programme.uses(VendorId(1), span, counted="plays", **rule)
        )
        return counted

    assert uses(1_000, 2_000) == [ChartEntry(stage.song_id, 2)]
    assert uses(2_000, 9_000) == [ChartEntry(stage.song_id, 1)]
    assert uses(0, 9_000, threshold=4) == uses(3_000, 9_000) == []


def test_plays_are_listed_with_what_their_grant_was_for(stage: Stage) -> None:
    stage.report(Heard(seconds=29), "short")
    long = stage.report(Heard(seconds=31, score=90), "long", at_ms=NOW_MS + 5)
    book = stage.store.plays
    first, second = book.plays(at_most=9)
    assert (second.number, second.grant_id, second.user_id, second.name) == (2, stage.grant_id, "茉莉", "long")
    assert (second.song_id, second.vendor_id, second.resource_type, second.scene_id) == (stage.song_id, 1, 1, 4)
    assert (second.play, second.reported_at_ms) == (long, NOW_MS + 5)
    app_id, song_id, nobody = stage.session.app_id, stage.song_id, UserId("谁")
    assert book.plays(app_id, user_id=first.user_id, song_id=song_id, at_most=9) == [first, second]
    assert book.plays(is_defined=True, at_most=9) == book.plays(after=1, at_most=9) == [second]
    assert book.plays(is_defined=False, at_most=9) == book.plays(at_most=1) == [first]
    assert [*book.plays(app_id, user_id=nobody, at_most=9), *book.plays(song_id=SongId(5), at_most=9)] == []
