"""What every store of apps, sessions and grants keeps."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from yuefu.access.app import App, AppExists, RotationOpen, UnknownApp
from yuefu.access.session import Session, hash_token
from yuefu.catalogue.song import PublishedSong
from yuefu.ids import AppId, RoomId, SongId, UserId
from yuefu.rights.grant import GrantedResource, HeldGrant, Need
from yuefu.units import DAY_MS

NOW_MS = 1_700_000_000_000

AppMaker = Callable[..., App]


@pytest.fixture
def song_id(store: Any, song_maker: Callable[..., PublishedSong]) -> SongId:
    published: SongId = store.publish(song_maker()).song_id
    return published


APP_CHANGES: list[dict[str, Any]] = [
    {},
    {"is_enabled": False},
    {"is_replay_protected": False},
    {"live_secrets": (), "scenes": frozenset(), "billing_modes": frozenset(), "vendors": frozenset()},
    {"app_id": AppId(2**32 - 1), "name": "", "home_territory": "TW"},
    {"quotas": {"QuerySong": 50, "DescribeTags": 1}, "takes_signature2": False, "takes_token04": False},
]


@pytest.mark.parametrize("changes", APP_CHANGES, ids=str)
def test_an_app_is_read_back_whole(store: Any, other: Any, app_maker: AppMaker, changes: dict[str, Any]) -> None:
    app = app_maker(**changes)
    assert store.apps.app(app.app_id) is None
    store.apps.create(app, at_ms=NOW_MS)
    for view in (store, other):
        assert view.apps.app(app.app_id) == app
        assert view.apps.apps() == [app]


def test_an_app_that_another_process_makes_is_seen_at_once(store: Any, other: Any, app_maker: AppMaker) -> None:
    for app_id in (7, 8, 9):
        assert store.apps.app(AppId(app_id)) is None
        other.apps.create(app_maker(app_id), at_ms=NOW_MS)
        assert store.apps.app(AppId(app_id)) == app_maker(app_id)
    assert [app.app_id for app in store.apps.apps()] == [7, 8, 9]


def test_an_app_id_is_taken_once(store: Any, other: Any, app_maker: AppMaker) -> None:
    store.apps.create(app_maker(), at_ms=NOW_MS)
    for view in (store, other):
        with pytest.raises(AppExists):
            view.apps.create(app_maker(name="another"), at_ms=NOW_MS)
        assert view.apps.app(AppId(7)) == app_maker()


@pytest.mark.parametrize("changes", APP_CHANGES[1:], ids=str)
def test_an_app_is_changed_whole_and_every_process_sees_it_at_once(
    store: Any, other: Any, app_maker: AppMaker, changes: dict[str, Any]
) -> None:
    store.apps.create(app_maker(), at_ms=NOW_MS)
    store.apps.create(app_maker(8), at_ms=NOW_MS)
    assert other.apps.app(AppId(7)) == app_maker()
    changed = app_maker(**changes | {"app_id": AppId(7)})
    assert store.apps.change(AppId(7), lambda app: msgspec.structs.replace(app, **changes | {"app_id": 7})) == changed
    for view in (other, store):
        assert view.apps.app(AppId(7)) == changed
        assert view.apps.app(AppId(8)) == app_maker(8)


def test_no_change_is_lost_when_two_processes_make_theirs_at_once(store: Any, other: Any, app_maker: AppMaker) -> None:
    store.apps.create(app_maker(quotas={}), at_ms=NOW_MS)

    def add(view: Any, number: int) -> None:
        view.apps.change(
            AppId(7), lambda app: msgspec.structs.replace(app, quotas={**app.quotas, f"action {number}": number + 1})
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, [store, other] * 20, range(40)))
    assert len(store.apps.app(AppId(7)).quotas) == len(other.apps.app(AppId(7)).quotas) == 40


def test_a_change_that_is_refused_changes_nothing(store: Any, other: Any, app_maker: AppMaker) -> None:
    store.apps.create(app_maker(), at_ms=NOW_MS)

    def refuse(app: App) -> App:
        raise RotationOpen(app.app_id)

    with pytest.raises(RotationOpen):
        store.apps.change(AppId(7), refuse)
    for view in (store, other):
        assert view.apps.app(AppId(7)) == app_maker()


def test_an_app_that_is_not_there_cannot_be_changed(store: Any) -> None:
    with pytest.raises(UnknownApp):
        store.apps.change(AppId(7), lambda app: app)


def test_secrets_are_kept_sealed(store: Any, app_maker: AppMaker, tmp_path: Path) -> None:
    """Before a change and after it: no file of the store holds a secret."""
    app = app_maker()
    store.apps.create(app, at_ms=NOW_MS)
    store.apps.change(AppId(7), lambda app: msgspec.structs.replace(app, live_secrets=("a-newer-secret", "f" * 32)))
    assert store.apps.app(AppId(7)).live_secrets == ("a-newer-secret", "f" * 32)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "卡拉永远".encode() in written
    for secret in (*app.live_secrets, "a-newer-secret", "f" * 32):
        assert secret.encode() not in written


@pytest.mark.parametrize("rooms", [None, (), (RoomId("包厢"), RoomId("another"))])
def test_a_session_is_read_back_by_the_hash_of_its_token(store: Any, other: Any, rooms: Any) -> None:
    opened = store.open_session("token", rooms=rooms)
    assert opened == Session(
        session_id=opened.session_id,
        app_id=AppId(7),
        user_id=UserId("茉莉"),
        rooms=rooms,
        territory="CN",
        expires_at_ms=NOW_MS + DAY_MS,
    )
    assert other.sessions.session(hash_token("token")) == opened
    assert store.sessions.session(hash_token("another")) is None


def test_each_session_is_another(store: Any) -> None:
    assert len({store.open_session(name).session_id for name in "abc"}) == 3


def test_a_session_ends_when_it_is_told_to_and_alone(store: Any, other: Any) -> None:
    ended, left = store.open_session("ended"), store.open_session("left")
    store.work.run(lambda transaction: transaction.end_session(ended.session_id, at_ms=NOW_MS + 5))
    assert other.sessions.session(hash_token("ended")).expires_at_ms == NOW_MS + 5
    assert other.sessions.session(hash_token("left")) == left


def test_ending_a_session_late_or_twice_does_not_lengthen_it(store: Any) -> None:
    session = store.open_session("token")
    for at_ms in (NOW_MS + 5, NOW_MS + 9, NOW_MS + 2 * DAY_MS):
        store.work.run(lambda transaction, at_ms=at_ms: transaction.end_session(session.session_id, at_ms=at_ms))
    assert store.sessions.session(hash_token("token")).expires_at_ms == NOW_MS + 5


def held_grant(song_id: SongId, need: Need, expires_at_ms: int) -> HeldGrant:
    return HeldGrant(
        song_id=song_id,
        need=need,
        expires_at_ms=expires_at_ms,
        resource_type=1,
        scene_id=0,
        billing_mode=0,
        territory="CN",
    )


def test_a_grant_is_held_by_its_session_alone(store: Any, other: Any, song_id: SongId) -> None:
    holder, stranger = store.open_session("holder"), store.open_session("stranger")
    resource = GrantedResource(resource_id=f"z_{song_id}_2", need=Need.PLAY_AND_SING)
    store.issue_grant(holder, song_id, resource)
    held = held_grant(song_id, Need.PLAY_AND_SING, NOW_MS + DAY_MS)
    for view in (store, other):
        assert view.grants.held(holder.session_id, f"z_{song_id}_2") == held
        assert view.grants.held(stranger.session_id, f"z_{song_id}_2") is None
        assert view.grants.held(holder.session_id, f"z_{song_id}_1") is None


def test_the_latest_grant_of_a_resource_is_the_one_that_counts(store: Any, song_id: SongId) -> None:
    session = store.open_session()
    for need, expires_at_ms in ((Need.PLAY_AND_SING, NOW_MS + 9), (Need.SING, NOW_MS + 5)):
        resource = GrantedResource(resource_id="z_1_2", need=need)
        store.issue_grant(session, song_id, resource, expires_at_ms=expires_at_ms)
    assert store.grants.held(session.session_id, "z_1_2") == held_grant(song_id, Need.SING, NOW_MS + 5)


def test_every_grant_is_charged_once_however_many_files_it_has(store: Any, song_id: SongId) -> None:
    session = store.open_session()
    files = [GrantedResource(resource_id=f"z_1_{number}", need=Need.PLAY) for number in (1, 11, 21)]
    first = store.issue_grant(session, song_id, *files)
    second = store.issue_grant(session, song_id, *files)
    assert first != second
    assert store.count("grants") == 2


@pytest.mark.parametrize("missing", ["session", "song"])
def test_a_grant_to_nobody_or_of_nothing_is_neither_written_nor_charged(
    store: Any, song_id: SongId, missing: str
) -> None:
    session = store.open_session()
    holder = msgspec.structs.replace(session, session_id=99) if missing == "session" else session
    file = GrantedResource(resource_id="z_1_1", need=Need.PLAY)
    with pytest.raises(Exception, match=r"(?i)foreign key|no such session"):
        store.issue_grant(holder, song_id if missing == "session" else SongId(5), file)
    assert store.count("grants") == 0
