"""Who is let in: the order of the checks, two live secrets, replay, and what strangers cannot spend."""

from dataclasses import dataclass, field
from itertools import combinations

import msgspec
import pytest

from yuefu.access.app import App, UnknownApp
from yuefu.access.authentication import (
    NONCE_LIFE_S,
    Caller,
    Gate,
    RateExceeded,
    ReplayedNonce,
    SignatureNotTaken,
    StaleTimestamp,
    WrongSignature,
)
from yuefu.access.quota import Rate
from yuefu.errors import YuefuError
from yuefu.ids import AppId, VendorId
from yuefu.wire.http_signature import CREATED_FRESHNESS_S, HttpMessage, Target, sign_message, signed_message
from yuefu.wire.query import parse_query
from yuefu.wire.signing import FRESHNESS_S, SignedQuery, sign

AT_S = 1_700_000_000
SECRET, NEXT_SECRET = "9193cc662a4c0ec135ec71fb57194b38", "fa94dd0f974cf2e293728a526b028271"
APP = App(
    app_id=AppId(12345),
    name="测试",
    live_secrets=(SECRET,),
    default_vendor=VendorId(1),
    vendors=frozenset({1}),
    scenes=frozenset({1}),
    billing_modes=frozenset({0}),
    home_territory="CN",
)


@dataclass
class Apps:
    app_held: App = APP

    def app(self, app_id: AppId) -> App | None:
        return self.app_held if app_id == self.app_held.app_id else None


@dataclass
class Nonces:
    """Keeps what it was asked to note."""

    spent: dict[tuple[AppId, str], int] = field(default_factory=dict)

    def is_spent(self, app_id: AppId, nonce: str, *, at_s: int) -> bool:
        return self.spent.get((app_id, nonce), 0) > at_s

    def spend(self, app_id: AppId, nonce: str, *, until_s: int, at_s: int) -> bool:
        if self.is_spent(app_id, nonce, at_s=at_s):
            return False
        self.spent[app_id, nonce] = until_s
        return True


@dataclass
class Meter:
    """A quota that counts calls and refuses from `limit` on."""

    limit: int = 1_000
    calls: dict[str, int] = field(default_factory=dict)
    rates: list[Rate] = field(default_factory=list)

    def spend(self, key: str, rate: Rate, *, at_us: int) -> bool:
        if self.calls.get(key, 0) >= self.limit:
            return False
        self.calls[key] = self.calls.get(key, 0) + 1
        self.rates.append(rate)
        return True

    def prune(self, *, at_us: int) -> None:
        raise NotImplementedError


@dataclass
class World:
    apps: Apps = field(default_factory=Apps)
    nonces: Nonces = field(default_factory=Nonces)
    meter: Meter = field(default_factory=Meter)

    def admit(self, query: SignedQuery, *, at_s: int = AT_S) -> Caller:
        gate = Gate(apps=self.apps, nonces=self.nonces, quota=self.meter)
        return gate.admit(query, calls_per_s=200, at_us=at_s * 1_000_000)


def signed(*, secret: str = SECRET, nonce: str = "4fd24687296dd9f3", timestamp_s: int = AT_S) -> SignedQuery:
    return SignedQuery(
        action="QuerySongsCopyright",
        app_id=APP.app_id,
        signature=sign(app_id=APP.app_id, nonce=nonce, secret=secret, timestamp_s=timestamp_s),
        nonce=nonce,
        timestamp_s=timestamp_s,
        user_id="茉莉",
        room_id="包厢",
        vendor_id=0,
        territory="",
        business={},
    )


def signed_by_message(*, secret: str = SECRET, nonce: str = "4fd24687296dd9f3", timestamp_s: int = AT_S) -> SignedQuery:
    """The same question, signed by its HTTP message (RFC 9421)."""
    query = "Action=QuerySongsCopyright&UserId=%E8%8C%89%E8%8E%89&RoomId=%E5%8C%85%E5%8E%A2"
    asked = HttpMessage(method="GET", targets=(Target("music.example", "/"),), query=query)
    headers = sign_message(asked, app_id=APP.app_id, secret=secret, nonce=nonce, created_s=timestamp_s)
    message = msgspec.structs.replace(asked, signature_input=headers["Signature-Input"], signature=headers["Signature"])
    return signed_message(parse_query(query.encode()), message)


SCHEMES = {"2.0": signed, "rfc9421": signed_by_message}


@pytest.fixture
def world() -> World:
    return World()


def refusal(world: World, query: SignedQuery, *, at_s: int = AT_S) -> YuefuError:
    with pytest.raises(YuefuError) as caught:
        world.admit(query, at_s=at_s)
    return caught.value


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_good_call_is_let_in_as_who_it_is(world: World, scheme: str) -> None:
    caller = world.admit(SCHEMES[scheme]())
    assert (caller.app, caller.user_id, caller.room_id, caller.territory) == (APP, "茉莉", "包厢", "CN")
    assert world.meter.rates == [Rate(200, burst=200)]


@dataclass
class Attempt:
    """A call in the making, into which faults are put."""

    world: World
    scheme: str
    app_id: AppId = APP.app_id
    secret: str = SECRET
    timestamp_s: int = AT_S
    nonce: str = "4fd24687296dd9f3"

    def spoil(self, fault: type[YuefuError]) -> None:
        if fault is UnknownApp:
            self.app_id = AppId(99)
        elif fault is StaleTimestamp:
            self.timestamp_s = AT_S - FRESHNESS_S - 1
        elif fault is WrongSignature:
            self.secret = NEXT_SECRET
        elif fault is SignatureNotTaken:
            self.world.apps.app_held = msgspec.structs.replace(APP, takes_signature2=False)
        elif fault is ReplayedNonce:
            self.world.nonces.spend(APP.app_id, self.nonce, until_s=AT_S + 1, at_s=AT_S)
        else:
            self.world.meter.limit = 0

    def refusal(self) -> YuefuError:
        query = SCHEMES[self.scheme](secret=self.secret, nonce=self.nonce, timestamp_s=self.timestamp_s)
        return refusal(self.world, msgspec.structs.replace(query, app_id=self.app_id))


IN_ORDER = [UnknownApp, StaleTimestamp, WrongSignature, SignatureNotTaken, ReplayedNonce, RateExceeded]
FAULTS = [("2.0", fault) for fault in IN_ORDER] + [
    ("rfc9421", fault) for fault in IN_ORDER if fault is not SignatureNotTaken
]


@pytest.mark.parametrize(("scheme", "fault"), FAULTS)
def test_each_fault_is_refused_as_what_it_is(world: World, scheme: str, fault: type[YuefuError]) -> None:
    attempt = Attempt(world, scheme)
    attempt.spoil(fault)
    assert type(attempt.refusal()) is fault


@pytest.mark.parametrize(
    ("scheme", "earlier", "later"),
    [(one[0], one[1], other[1]) for one, other in combinations(FAULTS, 2) if one[0] == other[0]],
)
def test_of_two_faults_the_earlier_is_told(
    world: World, scheme: str, earlier: type[YuefuError], later: type[YuefuError]
) -> None:
    attempt = Attempt(world, scheme)
    attempt.spoil(later)
    attempt.spoil(earlier)
    assert type(attempt.refusal()) is earlier


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("fault", [UnknownApp, StaleTimestamp, WrongSignature])
def test_nothing_is_counted_before_the_signature_is_proven(world: World, scheme: str, fault: type[YuefuError]) -> None:
    attempt = Attempt(world, scheme)
    attempt.spoil(fault)
    for _ in range(3):
        attempt.refusal()
    assert world.nonces.spent == {}
    assert world.meter.calls == {}
    world.admit(SCHEMES[scheme]())


def test_the_nonce_of_a_call_too_many_is_not_kept(world: World) -> None:
    world.meter.limit = 0
    assert type(refusal(world, signed())) is RateExceeded
    assert world.nonces.spent == {}
    world.meter.limit = 1
    world.admit(signed())


def test_a_replay_is_refused_and_costs_no_quota(world: World) -> None:
    world.admit(signed())
    assert type(refusal(world, signed())) is ReplayedNonce
    assert world.meter.calls == {"12345/QuerySongsCopyright": 1}


def test_a_replay_is_refused_for_as_long_as_its_timestamp_is_fresh(world: World) -> None:
    early = signed(timestamp_s=AT_S + FRESHNESS_S)
    world.admit(early, at_s=AT_S)
    for later_s in range(0, 2 * FRESHNESS_S + 1, 60):
        assert type(refusal(world, early, at_s=AT_S + later_s)) is ReplayedNonce
    assert type(refusal(world, early, at_s=AT_S + 2 * FRESHNESS_S + 1)) is StaleTimestamp


def test_a_nonce_is_kept_longer_than_any_query_that_carries_it_stays_fresh(world: World) -> None:
    world.admit(signed(timestamp_s=AT_S + FRESHNESS_S))
    assert NONCE_LIFE_S > 2 * FRESHNESS_S
    assert set(world.nonces.spent.values()) == {AT_S + NONCE_LIFE_S}


def test_the_same_nonce_of_another_app_is_another_nonce(world: World) -> None:
    world.admit(signed())
    other = msgspec.structs.replace(APP, app_id=AppId(99))
    world.apps.app_held = other
    signature = sign(app_id=99, nonce="4fd24687296dd9f3", secret=SECRET, timestamp_s=AT_S)
    assert world.admit(msgspec.structs.replace(signed(), app_id=AppId(99), signature=signature)).app is other


def test_an_app_may_switch_replay_protection_off(world: World) -> None:
    world.apps.app_held = msgspec.structs.replace(APP, is_replay_protected=False)
    for _ in range(3):
        world.admit(signed())
    assert world.nonces.spent == {}


@pytest.mark.parametrize("secret", [SECRET, NEXT_SECRET])
def test_during_a_rotation_both_secrets_are_good(world: World, secret: str) -> None:
    world.apps.app_held = msgspec.structs.replace(APP, live_secrets=(NEXT_SECRET, SECRET))
    assert world.admit(signed(secret=secret)).app.app_id == APP.app_id


def test_a_secret_that_was_retired_is_good_no_more(world: World) -> None:
    world.apps.app_held = msgspec.structs.replace(APP, live_secrets=(NEXT_SECRET,))
    assert type(refusal(world, signed(secret=SECRET))) is WrongSignature


def test_an_app_without_a_secret_lets_nobody_in(world: World) -> None:
    world.apps.app_held = msgspec.structs.replace(APP, live_secrets=())
    assert type(refusal(world, signed())) is WrongSignature


def test_the_signature_may_be_written_in_capitals(world: World) -> None:
    query = signed()
    assert world.admit(msgspec.structs.replace(query, signature=query.signature.upper())).app is APP


@pytest.mark.parametrize("skew_s", [-FRESHNESS_S, FRESHNESS_S])
def test_ten_minutes_of_skew_are_fine_either_way(world: World, skew_s: int) -> None:
    assert world.admit(signed(timestamp_s=AT_S + skew_s)).app is APP


@pytest.mark.parametrize("skew_s", [-FRESHNESS_S - 1, FRESHNESS_S + 1])
def test_a_second_more_is_not(world: World, skew_s: int) -> None:
    assert type(refusal(world, signed(timestamp_s=AT_S + skew_s))) is StaleTimestamp


def test_a_wrong_signature_reads_the_same_whichever_byte_is_wrong(world: World) -> None:
    query = signed()
    for place in range(32):
        wrong = "0" if query.signature[place] != "0" else "1"
        altered = query.signature[:place] + wrong + query.signature[place + 1 :]
        refused = refusal(world, msgspec.structs.replace(query, signature=altered))
        assert (type(refused), refused.args) == (WrongSignature, ())


def test_each_operation_has_a_quota_of_its_own(world: World) -> None:
    world.meter.limit = 1
    world.admit(signed())
    world.admit(msgspec.structs.replace(signed(nonce="another"), action="DescribeTags"))
    assert type(refusal(world, signed(nonce="a-third"))) is RateExceeded


def test_a_disabled_app_is_still_known_by_its_signature() -> None:
    """Whether it may be used is told after its quota was counted (decision G14), by the edge."""
    world = World(apps=Apps(msgspec.structs.replace(APP, is_enabled=False)))
    assert not world.admit(signed()).app.is_enabled


# Signed by the HTTP message.


@pytest.mark.parametrize(
    ("skew_s", "is_fresh"),
    [
        (-CREATED_FRESHNESS_S - 1, False),
        (-CREATED_FRESHNESS_S, True),
        (CREATED_FRESHNESS_S, True),
        (CREATED_FRESHNESS_S + 1, False),
    ],
)
def test_a_message_may_be_five_minutes_off_either_way(world: World, skew_s: int, *, is_fresh: bool) -> None:
    query = signed_by_message(timestamp_s=AT_S + skew_s)
    if is_fresh:
        assert world.admit(query).app is APP
    else:
        assert str(refusal(world, query)) == "created: more than 300 seconds from the server's clock"


def test_a_message_is_good_once_and_its_nonce_for_nothing_else(world: World) -> None:
    world.admit(signed_by_message())
    assert str(refusal(world, signed_by_message())) == "nonce: used before; sign every call anew"
    assert type(refusal(world, signed())) is ReplayedNonce


def test_an_app_that_was_switched_to_messages_takes_no_other_signature(world: World) -> None:
    world.apps.app_held = msgspec.structs.replace(APP, takes_signature2=False)
    assert type(refusal(world, signed())) is SignatureNotTaken
    assert world.nonces.spent == {}
    world.admit(signed_by_message())


def test_a_stranger_does_not_learn_which_signatures_an_app_takes(world: World) -> None:
    world.apps.app_held = msgspec.structs.replace(APP, takes_signature2=False)
    assert type(refusal(world, signed(secret=NEXT_SECRET))) is WrongSignature


# The app's own rates.


def test_an_apps_own_rate_takes_the_place_of_the_operations(world: World) -> None:
    world.apps.app_held = msgspec.structs.replace(APP, quotas={"QuerySongsCopyright": 50, "QuerySong": 7})
    world.admit(signed())
    world.admit(msgspec.structs.replace(signed(nonce="another"), action="DescribeTags"))
    assert world.meter.rates == [Rate(50, burst=50), Rate(200, burst=200)]
