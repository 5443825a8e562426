"""The file of keys: made once, whoever comes first, and read by its owner alone."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.access.keyring import KEY_BYTES, NotSealedHere, key_id
from yuefu.storage.keyfile import BadKeys, open_keyring, read_keyring

COUNT = 60
OPEN_AT_ONCE = f"""
import os, sys, time
from pathlib import Path
from yuefu.storage.keyfile import open_keyring
start, folder = float(sys.argv[1]), Path(sys.argv[2])
for number in range({COUNT}):
    while time.time() < start + number * 0.01:
        pass
    print(open_keyring(folder / f"{{number}}.json", os.urandom).active)
"""


def test_a_new_file_holds_one_new_key(tmp_path: Path) -> None:
    keys = open_keyring(tmp_path / "keys.json", lambda count: b"k" * count)
    assert keys.keys == {key_id(b"k" * KEY_BYTES): b"k" * KEY_BYTES}
    assert keys.active == key_id(b"k" * KEY_BYTES)
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    open_keyring(tmp_path / "keys.json", os.urandom)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_whoever_opens_it_again_has_the_same_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = open_keyring(path, os.urandom)
    before = path.read_bytes()
    again = open_keyring(path, os.urandom)
    assert again.open_sealed(first.seal(b"secret", purpose="a"), purpose="a") == b"secret"
    assert path.read_bytes() == before


def test_another_installation_has_other_keys(tmp_path: Path) -> None:
    one, other = (open_keyring(tmp_path / name, os.urandom) for name in ("one.json", "other.json"))
    with pytest.raises(NotSealedHere):
        other.open_sealed(one.seal(b"secret", purpose="a"), purpose="a")


def test_two_processes_that_make_it_together_agree(tmp_path: Path) -> None:
    start = time.time() + 1.0
    command = [sys.executable, "-c", OPEN_AT_ONCE, str(start), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as first:
        other = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout.split()
        one = first.communicate(timeout=60)[0].split()
    assert one == other
    assert len(set(one)) == COUNT
    assert len(list(tmp_path.iterdir())) == COUNT
    assert {json.loads(path.read_bytes())["active"].encode() for path in tmp_path.iterdir()} == set(one)


KEYS = st.lists(st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES), min_size=1, max_size=4)


@given(keys=KEYS, encode=st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]), is_padded=st.booleans())
def test_keys_handed_in_make_the_ring_whose_first_seals(
    *, keys: list[bytes], encode: Callable[[bytes], bytes], is_padded: bool
) -> None:
    texts = [encode(key).decode() for key in keys]
    ring = read_keyring(texts if is_padded else [text.rstrip("=") for text in texts], os.urandom)
    assert ring.active == key_id(keys[0])
    assert ring.keys == {key_id(key): key for key in keys}


@given(st.text(max_size=60))
def test_no_other_text_is_a_key(text: str) -> None:
    with pytest.raises(BadKeys, match=r"^key 1 is not 32 bytes in base64$"):
        read_keyring([f"{text}*"], os.urandom)
