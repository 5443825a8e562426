"""HTTP message signatures at the real edge, in process: the SDK through the site, the order of checks, quotas."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import pytest
from starlette.testclient import TestClient

from yuefu.access.app import App
from yuefu.access.authentication import NONCE_LIFE_S
from yuefu.access.quota import rate_of
from yuefu.client import CopyrightedMusicError, SignedClient, SignedClientSync, mint_login_token, signed_headers
from yuefu.ids import AppId
from yuefu.server.http.site import Site
from yuefu.units import SECOND_MS
from yuefu.wire.codes import Code

BASE_URL = "http://testserver"
ILLEGAL, EXPIRED, WRONG, TOO_MANY = 320000004, 100000004, 100000005, 320000002
SECRET = "fa94dd0f974cf2e293728a526b028271"
NEXT_SECRET = "9193cc662a4c0ec135ec71fb57194b38"
ACTION = "QuerySongsCopyright"


def ask(
    world: Any,
    *,
    app_id: int = 12345,
    secret: str = SECRET,
    skew_s: int = 0,
    nonce: str | None = None,
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> Any:
    """A question signed by its message; `fields` change the query, None takes one away."""
    given = {"Action": ACTION, "UserId": "茉莉", "SongsId[]": world.ids("whole")[0]} | fields
    query = "&".join(f"{quote(name)}={quote(str(value))}" for name, value in given.items() if value is not None)
    url = f"{BASE_URL}/?{query}"
    signing = signed_headers(
        url,
        app_id=app_id,
        server_secret=secret,
        nonce=nonce or f"nonce-{next(world.nonces)}",
        created_s=world.now_s + skew_s,
    )
    reply = world.http().get(url, headers=signing | (headers or {}))
    assert reply.status_code == 200
    return reply.json()


def refusal(answer: Any) -> tuple[int, str]:
    assert answer.keys() == {"Code", "Message", "RequestId"}
    return answer["Code"], answer["Message"].partition(":")[0]


@pytest.fixture(params=["rfc9421", "2.0"])
def client(request: pytest.FixtureRequest, world: Any) -> Iterator[SignedClientSync]:
    """The SDK with either signature, in front of the real site."""
    http = TestClient(Site(world.centre))
    with SignedClientSync(
        BASE_URL,
        app_id=12345,
        server_secret=SECRET,
        user_id="茉莉",
        signature=request.param,
        transport=http._transport,
        clock=lambda: float(world.now_s),
    ) as client:
        yield client


def test_the_sdk_is_understood(world: Any, client: SignedClientSync) -> None:
    answer = client.query_songs_copyright(songs_id=world.ids("whole", "nothing allowed"))
    assert [row.right for row in answer.copyright] == [1, 0]


@pytest.mark.parametrize("signature", ["rfc9421", "2.0"])
async def test_the_async_sdk_is_understood_too(world: Any, signature: Any) -> None:
    async with SignedClient(
        BASE_URL,
        app_id=12345,
        server_secret=SECRET,
        user_id="茉莉",
        signature=signature,
        transport=httpx2.ASGITransport(Site(world.centre)),
        clock=lambda: float(world.now_s),
    ) as client:
        assert len((await client.query_songs_copyright(songs_id=world.ids("whole"))).copyright) == 1


def test_a_refusal_reaches_the_sdk(world: Any, client: SignedClientSync) -> None:
    world.wait(3_600 * SECOND_MS)
    client._clock = lambda: float(world.now_s - 3_600)
    with pytest.raises(CopyrightedMusicError) as caught:
        client.query_songs_copyright(songs_id=world.ids("whole"))
    assert caught.value.code == EXPIRED


def test_a_message_signed_question_is_answered(still_world: Any) -> None:
    answer = ask(still_world, VendorId=1, RoomId="包厢")
    assert answer["Code"] == 0
    assert len(answer["Data"]["Copyright"]) == 1


# The order of the checks is that of signature 2.0 (decision G14).


def spend_nonce(world: Any) -> None:
    world.centre.gate.nonces.spend(AppId(99), "the-nonce", until_s=world.now_s + NONCE_LIFE_S, at_s=world.now_s)


def spend_quota(world: Any) -> None:
    while world.centre.gate.quota.spend(f"99/{ACTION}", rate_of(200), at_us=world.now_us):
        pass


Fault = tuple[str, tuple[int, str], dict[str, Any], dict[str, Any], Callable[[Any], None]]


def fault(
    code: int,
    name: str,
    *,
    call: dict[str, Any] | None = None,
    app: dict[str, Any] | None = None,
    before: Callable[[Any], None] = lambda world: None,
) -> Any:
    return (code, name), call or {}, app or {}, before


FAULTS = {
    "action": fault(ILLEGAL, "Action", call={"Action": "Nothing"}),
    "shape": fault(ILLEGAL, "Signature-Input", call={"headers": {"Signature-Input": "nonsense"}}),
    "user": fault(ILLEGAL, "UserId", call={"UserId": None}),
    "app": fault(320040002, "AppId", call={"app_id": 98}),
    "created": fault(EXPIRED, "created", call={"skew_s": -301}),
    "signature": fault(WRONG, "Signature", call={"secret": NEXT_SECRET}),
    "replay": fault(WRONG, "nonce", before=spend_nonce),
    "rate": fault(TOO_MANY, "too many calls; retry later", before=spend_quota),
    "disabled": fault(320010000, "AppId", app={"is_enabled": False}),
    "no such vendor": fault(320040001, "VendorId", call={"VendorId": 3}),
    "billing": fault(320010001, "no billing mode is enabled for this app", app={"billing_modes": frozenset()}),
    "list": fault(ILLEGAL, "SongsId", call={"SongsId[]": None}),
}
PAIRS = [
    (one, other)
    for one, other in combinations(FAULTS, 2)
    if {one, other} != {"shape", "user"}  # both are the shape of common parameters; which comes first is not promised
]


@pytest.mark.parametrize(("earlier", "later"), [(name, name) for name in FAULTS] + PAIRS)
def test_of_two_faults_the_earlier_is_told(world: Any, earlier: str, later: str) -> None:
    expected, call, app, before = FAULTS[earlier]
    _, other_call, other_app, other_before = FAULTS[later]
    world.add_app(99, **app | other_app)
    before(world)
    other_before(world)
    given = {"app_id": 99, "nonce": "the-nonce"} | other_call | call
    assert refusal(ask(world, **given)) == expected


@pytest.mark.parametrize(("skew_s", "code"), [(-301, EXPIRED), (-300, 0), (300, 0), (301, EXPIRED)])
def test_a_message_may_be_five_minutes_off_either_way(still_world: Any, skew_s: int, code: int) -> None:
    assert ask(still_world, skew_s=skew_s)["Code"] == code


def test_a_message_is_good_once(world: Any) -> None:
    url = f"{BASE_URL}/?Action={ACTION}&UserId=u&SongsId={world.ids('whole')[0]}"
    headers = signed_headers(url, app_id=12345, server_secret=SECRET, nonce="once", created_s=world.now_s)
    assert [world.http().get(url, headers=headers).json()["Code"] for _ in range(3)] == [0, WRONG, WRONG]
    world.wait(301 * SECOND_MS)
    assert world.http().get(url, headers=headers).json()["Code"] == EXPIRED


@pytest.mark.parametrize(
    "change",
    [
        {"params": {"Action": ACTION, "UserId": "eve", "SongsId": "1"}},
        {"headers": {"Host": "other.example"}},
        {"method": "POST"},
    ],
    ids=["query", "authority", "method"],
)
def test_a_message_altered_on_its_way_is_refused_and_costs_nothing(world: Any, change: dict[str, Any]) -> None:
    url = f"{BASE_URL}/?Action={ACTION}&UserId=u&SongsId=1"
    headers = signed_headers(url, app_id=12345, server_secret=SECRET, nonce="once", created_s=world.now_s)
    sent = {"method": "GET", "url": url} | change | {"headers": headers | change.get("headers", {})}
    assert refusal(world.http().request(**sent).json()) == (WRONG, "Signature")
    assert world.http().get(url, headers=headers).json()["Code"] == 0


def test_every_wrong_signature_gets_the_same_answer(still_world: Any) -> None:
    messages = set()
    for secret in (NEXT_SECRET, "", SECRET[:-1], SECRET.upper()):
        answer = ask(still_world, secret=secret)
        assert answer["Code"] == WRONG
        messages.add(answer["Message"])
    assert messages == {still_world.ask(Signature="0" * 32)["Message"]}


def test_the_body_of_a_post_is_covered(still_world: Any) -> None:
    (song_id,) = still_world.ids("whole")
    url = f"{BASE_URL}/?Action={ACTION}&UserId=u"
    body = f'{{"SongsId":["{song_id}"]}}'.encode()

    def post(sent: bytes, nonce: str) -> Any:
        headers = signed_headers(
            url, method="POST", body=body, app_id=12345, server_secret=SECRET, nonce=nonce, created_s=still_world.now_s
        )
        return still_world.http().post(url, content=sent, headers=headers).json()

    assert len(post(body, "body-1")["Data"]["Copyright"]) == 1
    assert refusal(post(body.replace(b"[", b"[ "), "body-2")) == (WRONG, "Signature")
    assert refusal(post(b"x" * 100_000, "body-3")) == (ILLEGAL, "body")


def test_a_signature_in_the_query_beside_that_of_the_message_is_refused(still_world: Any) -> None:
    assert refusal(ask(still_world, Timestamp=still_world.now_s)) == (ILLEGAL, "Timestamp")


def test_an_empty_signature_input_is_one(still_world: Any) -> None:
    reply = still_world.http().get(f"/?{still_world.query().decode()}", headers={"Signature-Input": ""})
    assert reply.json()["Code"] == ILLEGAL


# Behind a proxy.


@pytest.mark.parametrize(
    ("signed_for", "is_good"),
    [
        ("https://music.example/ktv/", True),
        ("http://testserver/", True),
        ("https://music.example/", False),
        ("https://other.example/ktv/", False),
    ],
)
def test_the_public_address_may_be_signed_for_as_well_as_the_one_received(
    world: Any, signed_for: str, *, is_good: bool
) -> None:
    """The proxy took the path off and put its own name in `Host`."""
    world.centre = replace(world.centre, public_url="https://music.example:443/ktv", has_public_url=True)
    query = f"Action={ACTION}&UserId=u&SongsId={world.ids('whole')[0]}"
    headers = signed_headers(
        f"{signed_for}?{query}", app_id=12345, server_secret=SECRET, nonce="once", created_s=world.now_s
    )
    answer = world.http().get(f"{BASE_URL}/?{query}", headers=headers).json()
    assert answer["Code"] == (0 if is_good else WRONG)


# The alias.


def test_the_alias_takes_a_signed_message(world: Any) -> None:
    url = f"{BASE_URL}/v1/actions/{ACTION}"
    body = msgspec.json.encode({"UserId": "茉莉", "SongsId": world.ids("whole")})
    headers = signed_headers(
        url, method="POST", body=body, app_id=12345, server_secret=SECRET, nonce="once", created_s=world.now_s
    )
    reply = world.http().post(url, content=body, headers=headers)
    assert (reply.status_code, len(reply.json()["Copyright"])) == (200, 1)
    assert world.http().post(url, content=body, headers=headers).json()["code"] == WRONG


# What an app was switched to.


def test_two_secrets_are_live_in_a_rotation(world: Any) -> None:
    world.add_app(99, live_secrets=(NEXT_SECRET, SECRET))
    for secret, code in ((SECRET, 0), (NEXT_SECRET, 0), ("f" * 32, WRONG)):
        assert ask(world, app_id=99, secret=secret)["Code"] == code
    world.centre.apps.change(AppId(99), lambda app: msgspec.structs.replace(app, live_secrets=(NEXT_SECRET,)))
    for secret, code in ((SECRET, WRONG), (NEXT_SECRET, 0)):
        assert ask(world, app_id=99, secret=secret)["Code"] == code


def test_an_app_may_be_switched_from_signature_2_0(world: Any) -> None:
    app = world.add_app(99, takes_signature2=False)
    assert refusal(world.ask(app)) == (WRONG, "SignatureVersion")
    assert refusal(world.ask(app, Signature="0" * 32)) == (WRONG, "Signature")
    assert ask(world, app_id=99)["Code"] == 0


def test_an_app_may_be_switched_from_token04(world: Any) -> None:
    app: App = world.add_app(99, takes_token04=False)

    def login(kind: Any, secret: str = SECRET) -> tuple[int, str]:
        token = mint_login_token(
            app_id=99, server_secret=secret, user_id="茉莉", life_s=60, at_s=world.now_s, kind=kind
        )
        answer = world.init(app, token=token)
        return answer["code"], answer["message"]

    assert login("jwt")[0] == 0
    assert login("token04") == (1017009, "the app takes no Token04; mint a JWT")
    assert login("token04", NEXT_SECRET) == (1017009, "the token is not valid for this app")


# Quotas.


@pytest.mark.parametrize(("quotas", "rate"), [({}, 200), ({ACTION: 40}, 40), ({"DescribeTags": 1}, 200)], ids=str)
def test_a_flood_passes_at_the_apps_rate_and_a_burst_within_two_percent(
    world: Any, quotas: dict[str, int], rate: int
) -> None:
    """Rate·T + rate calls of a flood pass, signed either way: both are counted as one."""
    app = world.add_app(99, quotas=quotas)
    seconds, passed = 3, 0
    for number in range(4 * rate * seconds):
        answer = world.ask(app) if number % 4 else ask(world, app_id=99)
        assert answer["Code"] in {0, TOO_MANY}
        passed += answer["Code"] == 0
        world.now_us += 1_000_000 // (4 * rate)
    # From the first call on the bucket drains: a burst, and then what the rate lets pass.
    assert passed == pytest.approx(rate * seconds + rate, rel=0.02)


def test_an_apps_own_rate_holds_for_each_users_commands_too(world: Any) -> None:
    app = world.add_app(99, quotas={ACTION: 3})
    session = world.member(app)
    params = {"songs_id": world.ids("whole")}
    codes = [session.call("send_extended_request", command="/song/copyright", params=params)["code"] for _ in range(5)]
    assert codes == [0, 0, 0, 1017097, 1017097]
    assert ask(world, app_id=99)["Code"] == 0, "the back end's calls are counted by themselves"


def test_strangers_cannot_spend_an_apps_quota(world: Any) -> None:
    app = world.add_app(99, quotas={ACTION: 2})
    for _ in range(10):
        assert ask(world, app_id=99, secret=NEXT_SECRET)["Code"] == WRONG
        assert ask(world, app_id=99, skew_s=-301)["Code"] == EXPIRED
        assert world.ask(app, Signature="0" * 32)["Code"] == WRONG
    assert [ask(world, app_id=99)["Code"] for _ in range(3)] == [0, 0, TOO_MANY]


def test_the_documented_rate_is_two_hundred(world: Any) -> None:
    assert Code.RATE_EXCEEDED == TOO_MANY
    codes = [ask(world)["Code"] for _ in range(201)]
    assert codes == [0] * 200 + [TOO_MANY]
