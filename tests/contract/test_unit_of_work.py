"""What every unit of work keeps: all of a job or nothing of it, and no answer before the commit."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from yuefu.catalogue.song import PublishedSong, UnknownSong
from yuefu.ids import SongId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet

SongMaker = Callable[..., PublishedSong]
DEADLINE_S = 10


class Changed(Exception):
    """What a job raises that has changed its mind."""


def publish(song: PublishedSong) -> Callable[[Any], SongId]:
    return lambda transaction: transaction.publish(song, at_ms=1).song_id


def held_up(store: Any) -> tuple[threading.Event, "Future[None]"]:
    """A job that keeps the writer busy until its event is set, so that the jobs behind it make one group."""
    begun, go = threading.Event(), threading.Event()

    def job(_: Any) -> None:
        begun.set()
        assert go.wait(DEADLINE_S)

    future = store.work.submit(job)
    assert begun.wait(DEADLINE_S)
    return go, future


def test_a_job_that_fails_midway_leaves_nothing(store: Any, song_maker: SongMaker) -> None:
    def job(transaction: Any) -> None:
        song_id = transaction.publish(song_maker(), at_ms=1).song_id
        transaction.record_deal(Deal(song_id=song_id, chains=(Chain.WORK,), sheet=TermSheet(terms=(Terms(),))), at_ms=1)
        raise Changed

    with pytest.raises(Changed):
        store.work.run(job)
    assert store.songs.songs() == []
    assert [store.count(kind) for kind in ("parts", "rights_revisions", "term_sheets")] == [0, 0, 0]


def test_a_failing_job_touches_no_other_of_its_group(store: Any, song_maker: SongMaker) -> None:
    def fail(transaction: Any) -> None:
        transaction.publish(song_maker("failed"), at_ms=1)
        raise Changed

    go, _ = held_up(store)
    jobs = [publish(song_maker("one")), fail, publish(song_maker("two")), fail, publish(song_maker("three"))]
    futures = [store.work.submit(job) for job in jobs]
    go.set()
    outcomes = [type(future.exception(DEADLINE_S)) for future in futures]
    assert outcomes == [type(None), Changed, type(None), Changed, type(None)]
    assert [song.published.source_key for song in store.songs.songs()] == ["one", "two", "three"]


def test_an_answer_means_that_everyone_sees_it(store: Any, other: Any, song_maker: SongMaker) -> None:
    go, _ = held_up(store)
    futures = [store.work.submit(publish(song_maker(f"song {number}"))) for number in range(50)]
    assert not any(future.done() for future in futures)
    assert other.songs.songs() == []
    go.set()
    for future in futures:
        assert other.songs.song(future.result(DEADLINE_S)).revision == 1


def test_nobody_sees_a_job_before_it_is_whole(store: Any, other: Any, song_maker: SongMaker) -> None:
    def job(transaction: Any) -> SongId:
        song_id: SongId = transaction.publish(song_maker(), at_ms=1).song_id
        for view in (store, other):
            with pytest.raises(UnknownSong):
                view.songs.song(song_id)
        return song_id

    assert store.songs.song(store.work.run(job)).revision == 1


def test_jobs_are_done_in_the_order_they_came(store: Any, song_maker: SongMaker) -> None:
    go, _ = held_up(store)
    futures = [store.work.submit(publish(song_maker(f"song {number}"))) for number in range(600)]
    go.set()
    ids = [future.result(DEADLINE_S) for future in futures]
    assert ids == sorted(ids)


def test_a_job_whose_asker_left_is_not_done_and_holds_up_nobody(store: Any, song_maker: SongMaker) -> None:
    go, _ = held_up(store)
    left = store.work.submit(publish(song_maker("left")))
    assert left.cancel()
    stays = store.work.submit(publish(song_maker("stays")))
    go.set()
    stays.result(DEADLINE_S)
    assert [song.published.source_key for song in store.songs.songs()] == ["stays"]
    assert store.work.submit(publish(song_maker("later"))).result(DEADLINE_S)


def test_a_job_that_has_begun_cannot_be_left(store: Any) -> None:
    go, begun = held_up(store)
    assert not begun.cancel()
    go.set()
    begun.result(DEADLINE_S)


def test_two_processes_write_side_by_side(store: Any, other: Any, song_maker: SongMaker) -> None:
    futures = [
        view.work.submit(publish(song_maker(f"{name} {number}")))
        for number in range(30)
        for name, view in (("one", store), ("other", other))
    ]
    assert len({future.result(DEADLINE_S) for future in futures}) == 60
    assert len(store.songs.songs()) == len(other.songs.songs()) == 60


# Tasks of an event loop.


async def test_a_task_is_answered_once_everyone_sees_its_job(store: Any, other: Any, song_maker: SongMaker) -> None:
    ids = await asyncio.gather(*(store.work.perform(publish(song_maker(f"song {number}"))) for number in range(50)))
    assert len(set(ids)) == 50
    for song_id in ids:
        assert other.songs.song(song_id).revision == 1


async def test_a_task_s_job_is_done_by_the_thread_of_its_loop(store: Any) -> None:
    assert await store.work.perform(lambda _: threading.get_ident()) == threading.get_ident()


async def test_jobs_of_tasks_and_threads_are_done_in_the_order_they_came(store: Any, song_maker: SongMaker) -> None:
    go, _ = held_up(store)
    answers: list[asyncio.Future[SongId]] = []
    for number in range(30):
        answers.append(asyncio.ensure_future(store.work.perform(publish(song_maker(f"task {number}")))))
        await asyncio.sleep(0)  # now it waits
        answers.append(asyncio.wrap_future(store.work.submit(publish(song_maker(f"thread {number}")))))
    go.set()
    ids = await asyncio.wait_for(asyncio.gather(*answers), DEADLINE_S)
    assert ids == sorted(ids)


async def test_a_failing_job_of_a_task_touches_no_other(store: Any, song_maker: SongMaker) -> None:
    def fail(transaction: Any) -> None:
        transaction.publish(song_maker("failed"), at_ms=1)
        raise Changed

    jobs = (publish(song_maker("one")), fail, publish(song_maker("two")))
    outcomes = await asyncio.gather(*map(store.work.perform, jobs), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [int, Changed, int]
    assert [song.published.source_key for song in store.songs.songs()] == ["one", "two"]


async def test_a_loop_that_has_no_time_holds_up_nobody(store: Any, song_maker: SongMaker) -> None:
    task = asyncio.ensure_future(store.work.perform(publish(song_maker("task"))))
    await asyncio.sleep(0)
    store.work.submit(publish(song_maker("thread"))).result(DEADLINE_S)  # blocks the loop until both are done
    await asyncio.wait_for(task, DEADLINE_S)
    assert [song.published.source_key for song in store.songs.songs()] == ["task", "thread"]


async def test_a_task_that_left_has_nothing_done(store: Any, song_maker: SongMaker) -> None:
    go, _ = held_up(store)
    left = asyncio.ensure_future(store.work.perform(publish(song_maker("left"))))
    await asyncio.sleep(0)
    left.cancel()
    go.set()
    await asyncio.wait_for(store.work.perform(publish(song_maker("stays"))), DEADLINE_S)
    assert [song.published.source_key for song in store.songs.songs()] == ["stays"]


def test_a_loop_that_closed_holds_up_nobody(store: Any, song_maker: SongMaker) -> None:
    go, _ = held_up(store)
    loop = asyncio.new_event_loop()
    task = loop.create_task(store.work.perform(publish(song_maker("closed"))))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    go.set()
    assert store.work.submit(publish(song_maker("later"))).result(DEADLINE_S)
    assert not task.done()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # nobody is left to hear of it
