"""The durable charge: `request_resource`, many clients at once, every answer after its commit.

Measured against the same service with one commit a request, on the same disk in the same run. The same disk matters:
how long a commit takes is the disk's to say, and a folder in memory would make both figures worthless.
"""

import itertools
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from bench.load import Outcome, run_load
from bench.stock import VENDOR, add_apps, open_session, serving
from yuefu.catalogue.song import Blob, Part, PartKind, PublishedSong, Quality, SongFacts
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.charge import MeteredUse
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.rights.grant import GrantedResource, Need, NewGrant
from yuefu.rights.plan import Plan
from yuefu.rights.price import NewPrice
from yuefu.server.centre import Centre, Transaction
from yuefu.server.charging import take_charge
from yuefu.server.settings import Settings
from yuefu.server.wiring import open_installation
from yuefu.units import MINUTE_MS
from yuefu.wire.vendor import ResourceType

CLIENTS = 32
_SONGS = 100
_GRANT = NewGrant(
    session_id=1,
    app_id=AppId(1),
    user_id=UserId("singer"),
    room_id=RoomId("bench"),
    song_id=SongId(100_000_001),
    vendor_id=VendorId(VENDOR),
    resource_type=0,
    scene_id=0,
    billing_mode=0,
    granted_at_ms=0,
    expires_at_ms=0,
    rights_revision=1,
    territory="CN",
    resources=(GrantedResource(resource_id="z_100000001_1", need=Need.PLAY),),
)
_USE = MeteredUse(
    app_id=_GRANT.app_id,
    vendor_id=_GRANT.vendor_id,
    song_id=_GRANT.song_id,
    resource_type=_GRANT.resource_type,
    scene_id=_GRANT.scene_id,
    billing_mode=_GRANT.billing_mode,
    user_id=_GRANT.user_id,
    room_id=_GRANT.room_id,
    host_id="",
)
_PLAN = Plan()
_PRICE = NewPrice(billing_mode=0, amount_minor=150, currency=_PLAN.currency, valid_from_ms=0)


@dataclass(frozen=True, slots=True)
class ChargeFigures:
    """Rounds of charges committed in groups, and of one commit a request; and what the store alone makes of both.

    `postings_per_s` are the store's: grants and charges a second, in groups of `CLIENTS` and one by one.
    """

    grouped: list[Outcome]
    ungrouped: list[Outcome]
    postings_per_s: tuple[float, float]

    @property
    def ratio(self) -> float:
        """How many times the rate of one commit a request."""
        pairs = zip(self.grouped, self.ungrouped, strict=True)
        return median(grouped.answers_per_s / ungrouped.answers_per_s for grouped, ungrouped in pairs)


def measure_charge(*, rounds: int, requests: int, folder: Path) -> ChargeFigures:
    """Have `requests` resources granted and charged by each alternative in each round.

    Raises `LoadFailed` at the first answer that isn't a grant.
    """
    figures = ChargeFigures([], [], _measure_postings(folder / "store", requests))
    with ExitStack() as stack:
        lines = [
            (_prepare(folder / name), stack.enter_context(serving(folder / name, site=site)), outcomes)
            for name, site, outcomes in (
                ("grouped", None, figures.grouped),
                ("ungrouped", "bench.ungrouped:make_site", figures.ungrouped),
            )
        ]
        for number in range(-1, rounds):  # the first one warms up
            for asked, server, outcomes in lines:
                prepared = list(itertools.islice(itertools.cycle(asked), requests))
                outcome = run_load(server.port, prepared, connections=CLIENTS, is_right=_is_grant)
                if number >= 0:
                    outcomes.append(outcome)
    return figures


def _measure_postings(folder: Path, count: int) -> tuple[float, float]:
    """Postings a second without a server in front, `CLIENTS` at once and one by one."""
    _prepare(folder)
    with open_installation(Settings(data=str(folder))) as installation:
        return _post(installation.centre, count, at_once=CLIENTS), _post(installation.centre, count, at_once=1)


def _post(centre: Centre, count: int, *, at_once: int) -> float:
    groups = max(count // at_once, 1)
    begun = time.perf_counter()
    for _ in range(groups):
        waiting = [centre.work.submit(_post_one) for _ in range(at_once)]
        for posting in waiting:
            posting.result()
    return groups * at_once / (time.perf_counter() - begun)


def _post_one(transaction: Transaction) -> int:
    return take_charge(transaction, _USE, _PLAN, lambda: transaction.issue_grant(_GRANT), at_ms=_GRANT.granted_at_ms)


def _is_grant(body: bytes) -> bool:
    return body.startswith(b'{"code":0,') and b'"resource_id":"z_' in body


def _prepare(folder: Path) -> Sequence[bytes]:
    """An installation in `folder` with songs to grant; a request for each of its sessions and songs."""
    with open_installation(Settings(data=str(folder))) as installation:
        (app,) = add_apps(installation, 1)
        centre = installation.centre
        at_ms = centre.now_ms()

        def job(transaction: Transaction) -> tuple[list[SongId], list[str]]:
            transaction.prices.add(_PRICE, at_ms=at_ms)
            songs = [_publish(transaction, number, at_ms=at_ms) for number in range(_SONGS)]
            return songs, [open_session(transaction, app.app_id, number, at_ms=at_ms) for number in range(CLIENTS)]

        songs, tokens = centre.work.run(job)
    return [_request(token, song_id) for song_id, token in itertools.product(songs, tokens)]


def _publish(transaction: Transaction, number: int, *, at_ms: int) -> SongId:
    """A song with a recording that may be played. Nobody downloads it, so its blob need not be there."""
    part = Part(
        kind=PartKind.ORIGINAL,
        quality=Quality.NORMAL,
        media_type="audio/mp4",
        blob=Blob(sha256=f"{number:064x}", size_bytes=4_000_000),
        duration_ms=4 * MINUTE_MS,
        track_count=1,
    )
    song = PublishedSong(
        vendor_id=VendorId(VENDOR),
        source_key=f"bench-{number}",
        fingerprint=f"bench-{number}",
        facts=SongFacts(title=f"第{number}首", singers=("乐府",)),
        duration_ms=part.duration_ms,
        accompaniment_duration_ms=part.duration_ms,
        highlight=None,
        parts=(part,),
    )
    song_id = transaction.publish(song, at_ms=at_ms).song_id
    sheet = TermSheet(terms=(Terms(),))
    transaction.record_deal(Deal(song_id=song_id, chains=(Chain.RECORDING, Chain.WORK), sheet=sheet), at_ms=at_ms)
    return song_id


def _request(token: str, song_id: SongId) -> bytes:
    body = msgspec.json.encode(
        {"song_id": str(song_id), "vendor_id": VENDOR, "mode": 0, "resource_type": int(ResourceType.SONG)}
    )
    head = (
        "POST /client/v1/request_resource HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
