"""Signatures and login tokens agree with an implementation in another language, which shares no line with ours."""

import json
import shutil
import string
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.wire_contract.contract import contract

from yuefu.wire import token04
from yuefu.wire.signing import sign

PEER = Path(__file__).with_name("peer.mjs")
INPUTS = 1_000
HEX = "0123456789abcdef"
LETTERS = string.ascii_letters + string.digits
TEXTS = LETTERS + " \"\\/'<>&\n\t\x01\x7f茉莉花é\u2028👩"


def ask_peer(questions: list[dict[str, Any]]) -> list[str]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on this machine")
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run([node, str(PEER)], input=lines, capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def text(random: Random, alphabet: str, shortest: int, longest: int) -> str:
    return "".join(random.choices(alphabet, k=random.randint(shortest, longest)))


def random_claims(random: Random) -> dict[str, Any]:
    ctime = random.randint(1_500_000_000, 2_000_000_000)
    return {
        "app_id": random.randint(1, 2**32 - 1),
        "user_id": text(random, TEXTS, 1, 64),
        "nonce": random.randint(-(2**31), 2**31 - 1),
        "ctime": ctime,
        "expire": ctime + random.randint(1, token04.MAX_LIFETIME_S),
        "payload": random.choice(["", "plain", text(random, TEXTS, 0, 200)]),
    }


def random_tokens(mode: str) -> list[dict[str, Any]]:
    random = Random(f"tokens {mode}")
    return [
        {
            "secret": text(random, HEX, 32, 32),
            "iv": text(random, string.ascii_lowercase + string.digits, 16, 16),
            "mode": mode,
            "claims": random_claims(random),
        }
        for _ in range(INPUTS)
    ]


def test_signatures_are_the_same() -> None:
    random = Random("signatures")
    questions: list[dict[str, Any]] = [
        {
            "app_id": random.randint(1, 2**32 - 1),
            "nonce": text(random, LETTERS + "_-", 1, 64),
            "secret": text(random, HEX, 32, 32),
            "timestamp_s": random.randint(10**9, 10**10 - 1),
        }
        for _ in range(INPUTS)
    ]
    answers = ask_peer(questions)
    assert len(answers) == INPUTS
    assert answers == [sign(**question) for question in questions]


def test_minted_tokens_are_the_same() -> None:
    questions = random_tokens("cbc")
    answers = ask_peer(questions)
    assert len(answers) == INPUTS
    for question, answer in zip(questions, answers, strict=True):
        plaintext = token04.Plaintext(**question["claims"])
        assert token04.issue(plaintext, secret=question["secret"], iv=question["iv"].encode()) == answer


@pytest.mark.parametrize("mode", ["cbc", "gcm"])
def test_foreign_tokens_are_read(mode: str) -> None:
    questions = random_tokens(mode)
    for question, answer in zip(questions, ask_peer(questions), strict=True):
        claims = question["claims"]
        read = token04.verify(
            answer, app_id=claims["app_id"], live_secrets=("f" * 32, question["secret"]), at_s=claims["ctime"]
        )
        assert (read.user_id, read.expires_at_s, read.rooms) == (claims["user_id"], claims["expire"], None)


def test_the_example_of_the_contract_is_right() -> None:
    example = dict(contract()["signature"]["example"])
    expected = example.pop("signature")
    assert sign(**example) == expected
