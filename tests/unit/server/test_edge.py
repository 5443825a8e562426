"""The edge of the server API in process: who is refused, with which code, in which order, and that it never falls."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuefu.access.authentication import NONCE_LIFE_S
from yuefu.access.quota import Rate
from yuefu.ids import AppId
from yuefu.units import SECOND_MS
from yuefu.wire.codes import Code

ILLEGAL = 320000004
EXPIRED, WRONG, TOO_MANY = 100000004, 100000005, 320000002
SHAPED = ("AppId", "Signature", "SignatureNonce", "SignatureVersion", "Timestamp")
DOCUMENTED = {int(code) for code in Code}


def refusal(answer: Any) -> tuple[int, str]:
    """The code, and the parameter that the Message names."""
    assert answer.keys() == {"Code", "Message", "RequestId"}
    return answer["Code"], answer["Message"].partition(":")[0]


# What a common parameter may not be.


@pytest.mark.parametrize("name", ["Action", *SHAPED, "UserId"])
def test_a_missing_common_parameter_is_named(still_world: Any, name: str) -> None:
    assert refusal(still_world.ask(**{name: None})) == (ILLEGAL, name)


@pytest.mark.parametrize("name", ["Action", *SHAPED, "UserId", "VendorId"])
def test_an_empty_common_parameter_is_named(still_world: Any, name: str) -> None:
    raw = still_world.query(**{name: None}) + f"&{name}=".encode()
    assert refusal(still_world.answer(raw)) == (ILLEGAL, name)


def test_an_empty_room_is_no_room(still_world: Any) -> None:
    assert still_world.ask(RoomId="")["Code"] == 0


@pytest.mark.parametrize("name", ["Action", *SHAPED, "UserId", "VendorId", "RoomId"])
@pytest.mark.parametrize("alike", [True, False])
def test_a_repeated_common_parameter_is_named(still_world: Any, name: str, *, alike: bool) -> None:
    fields = still_world.fields(VendorId=1, RoomId="包厢")
    values = fields.pop(name) * 2 if alike else [*fields.pop(name), "other"]
    pairs = [*((key, value) for key, held in fields.items() for value in held), *((name, value) for value in values)]
    raw = "&".join(f"{key}={quote(value)}" for key, value in pairs).encode()
    assert refusal(still_world.answer(raw)) == (ILLEGAL, name)


MISSHAPEN = [
    *(("AppId", value) for value in ("0", "01", "-1", "+1", "1.0", "1e3", "abc", "１２３", "4294967296", "12345 ")),
    *(("Signature", value) for value in ("g" * 32, "0" * 31, "0" * 33, "Pc5WB8gokVn0xfeu/ZV+iNM1dgI=", "０" * 32)),
    *(("SignatureNonce", value) for value in ("a b", "a.b", "a+b", "茉莉", "a" * 65, "a\n")),
    *(("SignatureVersion", value) for value in ("1.0", "2", "2.00", "二")),
    *(("Timestamp", value) for value in ("170000000", "17000000000", "-170000000", "1700000000.0", "１" * 10, "now")),
    *(("VendorId", value) for value in ("one", "1.0", "+1", "１", "1 ", "0x1", "1" * 10)),
    *(("UserId", value) for value in ("u" * 257, "a\x00b", "a\nb", "a\x1b[31m", "a\x7f")),
    *(("RoomId", value) for value in ("r" * 257, "a\x00b", "a\tb")),
    *(("Action", value) for value in ("querysongscopyright", "QuerySongsCopyright ", "Nothing", "../", "茉莉")),
]


@pytest.mark.parametrize(("name", "value"), MISSHAPEN)
def test_a_misshapen_common_parameter_is_named(still_world: Any, name: str, value: str) -> None:
    assert refusal(still_world.ask(**{name: value})) == (ILLEGAL, name)


@pytest.mark.parametrize("name", ["Action", *SHAPED, "UserId", "RoomId", "VendorId"])
@pytest.mark.parametrize("value", ["9" * 100_000, "\x00", "%00%ff"], ids=["huge", "zero", "percent"])
def test_a_hostile_common_parameter_is_named(still_world: Any, name: str, value: str) -> None:
    if (name, value) in {("UserId", "%00%ff"), ("RoomId", "%00%ff")}:
        assert still_world.ask(**{name: value})["Code"] == 0  # a percent sign that was itself encoded is just text
    else:
        assert refusal(still_world.ask(**{name: value})) == (ILLEGAL, name)


@pytest.mark.parametrize("name", ["Action", *SHAPED, "UserId", "RoomId", "VendorId", "SongsId"])
@pytest.mark.parametrize("value", ["%ff", "%e8%8c", "%c0%80", "%ed%a0%80"])
def test_what_is_not_utf8_is_named(still_world: Any, name: str, value: str) -> None:
    raw = still_world.query(**{name: None}) + f"&{name}={value}".encode()
    assert refusal(still_world.answer(raw)) == (ILLEGAL, name)


def test_too_many_parameters_are_refused(still_world: Any) -> None:
    assert refusal(still_world.answer(still_world.query() + b"&a=b" * 300)) == (ILLEGAL, "query")


def test_a_refusal_of_an_unknown_action_says_which_there_are(still_world: Any) -> None:
    assert "QuerySongsCopyright" in still_world.ask(Action="Nothing")["Message"]


@pytest.mark.parametrize("user_id", ["茉莉", "a", "u" * 256, "O'Brien; DROP TABLE", "👩", "a b"])
def test_a_user_id_may_be_any_printable_text(still_world: Any, user_id: str) -> None:
    assert still_world.ask(UserId=user_id)["Code"] == 0


def test_parameters_nobody_knows_are_ignored(still_world: Any) -> None:
    assert still_world.ask(Colour="red", **{"SongId[]": "1"})["Code"] == 0


# Time, signature, replay, rate.


@pytest.mark.parametrize(("skew_s", "code"), [(-601, EXPIRED), (-600, 0), (0, 0), (600, 0), (601, EXPIRED)])
def test_a_timestamp_may_be_ten_minutes_off_either_way(still_world: Any, skew_s: int, code: int) -> None:
    answer = still_world.ask(Timestamp=still_world.now_s + skew_s)
    assert answer["Code"] == code
    assert code == 0 or refusal(answer) == (EXPIRED, "Timestamp")


def test_a_signature_in_capitals_is_good(still_world: Any) -> None:
    fields = still_world.fields()
    assert still_world.ask(**fields | {"Signature": fields["Signature"][0].upper()})["Code"] == 0


def test_every_wrong_signature_gets_the_same_answer(still_world: Any) -> None:
    answers = set()
    for place in range(32):
        fields = still_world.fields(SignatureNonce=f"place-{place}")
        good = fields["Signature"][0]
        fields["Signature"] = [good[:place] + ("0" if good[place] != "0" else "1") + good[place + 1 :]]
        answers.add(refusal(still_world.ask(**fields)))
    assert answers == {(WRONG, "Signature")}


@pytest.mark.parametrize("name", ["SignatureNonce", "Timestamp"])
def test_a_signature_is_good_for_its_own_values_only(still_world: Any, name: str) -> None:
    fields = still_world.fields()
    other = "another-nonce" if name == "SignatureNonce" else str(still_world.now_s - 1)
    assert refusal(still_world.ask(**fields | {name: other})) == (WRONG, "Signature")


def test_an_unknown_app_is_told_so_whatever_its_signature(still_world: Any) -> None:
    answer = still_world.ask(AppId=999)
    assert refusal(answer) == (320040002, "AppId")
    assert answer["Message"] == "AppId: there is no app 999"


def test_a_query_is_good_once(still_world: Any) -> None:
    raw = still_world.query()
    assert still_world.answer(raw)["Code"] == 0
    assert refusal(still_world.answer(raw)) == (WRONG, "SignatureNonce")
    assert refusal(still_world.answer(raw + b"&RoomId=1")) == (WRONG, "SignatureNonce")


def test_a_refused_query_has_spent_its_nonce_once_it_was_proven(still_world: Any) -> None:
    raw = still_world.query(VendorId=3)
    assert still_world.answer(raw)["Code"] == 320040001
    assert refusal(still_world.answer(raw)) == (WRONG, "SignatureNonce")


def test_an_app_may_be_asked_again_with_the_same_nonce_when_it_says_so(world: Any) -> None:
    app = world.add_app(99, is_replay_protected=False)
    raw = world.query(app)
    assert [world.answer(raw)["Code"] for _ in range(3)] == [0, 0, 0]


def test_two_hundred_calls_pass_within_one_instant_and_four_hundred_within_a_second(world: Any) -> None:
    codes = [world.ask()["Code"] for _ in range(401)]
    assert codes == [0] * 200 + [TOO_MANY] * 201
    world.wait(SECOND_MS)
    assert [world.ask()["Code"] for _ in range(201)] == [0] * 200 + [TOO_MANY]


def test_one_apps_flood_is_no_other_apps_trouble(world: Any) -> None:
    other = world.add_app(99)
    for _ in range(300):
        world.ask()
    assert world.ask(other)["Code"] == 0


def test_strangers_cannot_spend_an_apps_quota(world: Any) -> None:
    for _ in range(500):
        world.ask(Signature="0" * 32)
    assert world.ask()["Code"] == 0


# The app: usable, granted, billed.


def test_a_disabled_app_is_refused(world: Any) -> None:
    app = world.add_app(99, is_enabled=False)
    assert refusal(world.ask(app)) == (320010000, "AppId")


def test_an_app_without_a_billing_mode_is_refused(world: Any) -> None:
    app = world.add_app(99, billing_modes=frozenset())
    assert world.ask(app)["Code"] == 320010001


@pytest.mark.parametrize("modes", [{0}, {1}, {3}, {0, 2}, {1, 2}])
def test_an_app_with_another_billing_mode_needs_no_room(world: Any, modes: set[int]) -> None:
    assert world.ask(world.add_app(99, billing_modes=frozenset(modes)))["Code"] == 0


def test_an_app_billed_by_room_alone_must_name_one(world: Any) -> None:
    app = world.add_app(99, billing_modes=frozenset({2}))
    assert refusal(world.ask(app)) == (ILLEGAL, "RoomId")
    assert refusal(world.ask(app, RoomId="")) == (ILLEGAL, "RoomId")
    assert world.ask(app, RoomId="包厢")["Code"] == 0


# The order of the checks (decision G14): of two faults the earlier one is told.


@dataclass(frozen=True)
class Fault:
    """Something wrong with a call: its parameters, its app, or what happened before it."""

    name: str
    code: int
    fields: dict[str, Any] = field(default_factory=dict)
    app: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Any, str], None] = lambda world, nonce: None

    def __str__(self) -> str:
        return self.name


def spend_nonce(world: Any, nonce: str) -> None:
    until_s = world.now_s + NONCE_LIFE_S
    assert world.centre.gate.nonces.spend(AppId(99), nonce, until_s=until_s, at_s=world.now_s)


def spend_quota(world: Any, nonce: str) -> None:
    del nonce
    rate = Rate(200, burst=200)
    while world.centre.gate.quota.spend("99/QuerySongsCopyright", rate, at_us=world.now_us):
        pass


FAULTS = [
    Fault("action", ILLEGAL, {"Action": "Nothing"}),
    Fault("shape", ILLEGAL, {"SignatureVersion": "1.0"}),
    Fault("app", 320040002, {"AppId": 98}),
    Fault("timestamp", EXPIRED, {"Timestamp": "1600000000"}),
    Fault("signature", WRONG, {"Signature": "0" * 32}),
    Fault("replay", WRONG, before=spend_nonce),
    Fault("rate", TOO_MANY, before=spend_quota),
    Fault("disabled", 320010000, app={"is_enabled": False}),
    Fault("no such vendor", 320040001, {"VendorId": 3}),
    Fault("vendor never supported", 320010014, {"VendorId": 4}),
    Fault("vendor not granted", 320010013, app={"vendors": frozenset()}),
    Fault("billing", 320010001, app={"billing_modes": frozenset()}),
    Fault("room", ILLEGAL, app={"billing_modes": frozenset({2})}),
    Fault("list", ILLEGAL, {"SongsId[]": None}),
]
NAMED = {"action": "Action", "shape": "SignatureVersion", "signature": "Signature", "replay": "SignatureNonce"} | {
    "room": "RoomId",
    "list": "SongsId",
}


def can_meet(one: Fault, other: Fault) -> bool:
    return not (one.fields.keys() & other.fields.keys() or one.app.keys() & other.app.keys())


PAIRS = [(one, other) for one, other in combinations(FAULTS, 2) if can_meet(one, other)]


@pytest.mark.parametrize(("earlier", "later"), [(fault, fault) for fault in FAULTS] + PAIRS, ids=str)
def test_of_two_faults_the_earlier_is_told(world: Any, earlier: Fault, later: Fault) -> None:
    app = world.add_app(99, **earlier.app | later.app)
    nonce = "the-nonce"
    for fault in {id(fault): fault for fault in (earlier, later)}.values():
        fault.before(world, nonce)
    answer = world.ask(app, SignatureNonce=nonce, **earlier.fields | later.fields)
    assert answer["Code"] == earlier.code
    assert earlier.name not in NAMED or refusal(answer) == (earlier.code, NAMED[earlier.name])


def test_a_call_without_a_fault_passes(world: Any) -> None:
    assert world.ask(world.add_app(99))["Code"] == 0


# Bodies of POST (decision G16).

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def post(world: Any, body: bytes, content_type: str = JSON, **changes: Any) -> Any:
    return world.answer(world.query(**{"SongsId[]": None} | changes), body, content_type)


def ids_of(answer: Any) -> list[str]:
    assert answer["Code"] == 0, answer
    return [row["SongId"] for row in answer["Data"]["Copyright"]]


def test_a_list_may_come_in_a_json_body(still_world: Any) -> None:
    asked = still_world.ids("ended", "whole")
    for written in (f'["{asked[0]}","{asked[1]}"]', f"[{asked[0]},{asked[1]}]", f'["{asked[0]}",{asked[1]}]'):
        assert ids_of(post(still_world, f'{{"SongsId":{written}}}'.encode())) == asked


@pytest.mark.parametrize("name", ["SongsId[]", "SongsId", "SongsId[0]", "SongsId%5B%5D"])
@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", FORM.upper()])
def test_a_list_may_come_in_a_form(still_world: Any, name: str, content_type: str) -> None:
    asked = still_world.ids("whole")
    assert ids_of(post(still_world, f"{name}={asked[0]}".encode(), content_type)) == asked


def test_what_the_query_says_wins(still_world: Any) -> None:
    in_query, in_body = still_world.ids("whole", "ended")
    for body, content_type in ((f'{{"SongsId":["{in_body}"]}}', JSON), (f"SongsId[]={in_body}", FORM)):
        answer = post(still_world, body.encode(), content_type, **{"SongsId[]": [in_query]})
        assert ids_of(answer) == [in_query]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json; charset=utf-8", "nonsense"])
def test_a_body_of_another_kind_is_read_as_json(still_world: Any, content_type: str) -> None:
    (asked,) = still_world.ids("whole")
    assert ids_of(post(still_world, f'{{"SongsId":["{asked}"]}}'.encode(), content_type)) == [asked]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"SongsId"',
        b"SongsId[]=1",
        b"\xff\xfe",
        b'{"SongsId":["\xff"]}',
        b'{"SongsId":["\\ud800"]}',
        b'{"SongsId":[null]}',
        b'{"SongsId":{"a":1}}',
        b'{"SongsId":[["1"]]}',
        b'{"SongsId":true}',
        b'{"SongsId":1.5}',
        b'{"SongsId":[' + b"9" * 5_000 + b".0]}",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"SongsId":["1"]}' + b" " * 100_000,
        b"x" * 100_000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_broken_body_is_refused_by_name(still_world: Any, body: bytes) -> None:
    code, name = refusal(post(still_world, body))
    assert code == ILLEGAL
    assert name in {"body", "SongsId"}


def test_the_body_of_an_unproven_call_is_not_read(still_world: Any) -> None:
    answer = post(still_world, b"{" * 10_000, Signature="0" * 32)
    assert answer["Code"] == WRONG


def test_a_form_too_large_or_not_in_utf8_is_refused_by_name(still_world: Any) -> None:
    assert refusal(post(still_world, b"a=" + b"x" * 100_000, FORM)) == (ILLEGAL, "body")
    assert refusal(post(still_world, b"SongsId[]=%ff", FORM)) == (ILLEGAL, "SongsId")


# Whatever comes, there is a documented answer.

HOSTILE = [
    *(
        "",
        "0",
        "-1",
        "1",
        "20",
        "999999999999999999999",
        "NaN",
        "null",
        "true",
        "[]",
        "{}",
        "茉莉花",
        "%",
        "%zz",
        "%00",
    ),
    *(
        "%ff",
        "+",
        "&",
        "=",
        "[",
        "]",
        "[]",
        "'",
        '"',
        "\\",
        "../..",
        "<script>",
        "${jndi}",
        "\x00",
        "\ufeff",
        "a" * 300,
    ),
]
NAMES = ["Action", *SHAPED, "UserId", "RoomId", "VendorId", "SongsId[]", "SongsId", "SongsId[0]", "[", "]", "[]", "x"]


def mutated(raw: bytes, chance: Random) -> bytes:
    """A query that was good, after some accidents."""
    pairs = raw.split(b"&")
    for _ in range(chance.randrange(4)):
        match chance.randrange(5):
            case 0 if pairs:
                del pairs[chance.randrange(len(pairs))]
            case 1 if pairs:
                pairs.insert(0, chance.choice(pairs))
            case 2:
                pairs.append(f"{chance.choice(NAMES)}={chance.choice(HOSTILE)}".encode())
            case 3 if pairs:
                place = chance.randrange(len(pairs))
                pairs[place] = pairs[place].split(b"=")[0] + b"=" + quote(chance.choice(HOSTILE)).encode()
            case _:
                pairs.append(chance.randbytes(chance.randrange(12)))
    chance.shuffle(pairs)
    return b"&".join(pairs)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(seed=st.integers(0, 2**64))
def test_a_hundred_mutilated_queries_are_each_answered_with_a_documented_code(still_world: Any, seed: int) -> None:
    chance = Random(seed)
    still_world.wait(SECOND_MS)
    for _ in range(100):
        raw = mutated(still_world.query(VendorId=chance.choice([None, 0, 1, 2])), chance)
        answer = still_world.answer(raw)
        assert answer["Code"] in DOCUMENTED - {320050000, 320050004}, raw
        assert (answer["Code"] == 0) == ("Data" in answer), raw


@settings(max_examples=500, deadline=None)
@given(raw=st.binary(max_size=200), body=st.binary(max_size=100), content_type=st.sampled_from([FORM, JSON, ""]))
def test_any_bytes_are_answered(still_world: Any, raw: bytes, body: bytes, content_type: str) -> None:
    assert refusal(still_world.answer(raw, body, content_type))[0] == ILLEGAL


def test_an_accident_of_ours_is_a_system_error_that_gives_nothing_away(world: Any) -> None:
    class Broken:
        def app(self, app_id: int) -> None:
            raise RuntimeError("the password is 茉莉")

    object.__setattr__(world.centre.gate, "apps", Broken())
    answer = world.ask()
    assert (answer["Code"], answer["Message"]) == (320050000, "system error")
    assert re.fullmatch(r"00000000-0000-4000-8000-\d{12}", answer["RequestId"])
