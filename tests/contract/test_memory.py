"""What the nonces in memory promise beyond the port: that memory has an end."""

from yuefu.ids import AppId
from yuefu.storage.memory import MemoryNonces

AT_S = 1_700_000_000


def test_nonces_past_their_time_make_room() -> None:
    nonces = MemoryNonces()
    for number in range(5_000):
        nonces.spend(AppId(7), str(number), until_s=AT_S + number + 100, at_s=AT_S + number)
    assert len(nonces._spent) == len(nonces._by_age) == 100


def test_refused_nonces_take_no_room() -> None:
    nonces = MemoryNonces()
    for _ in range(5_000):
        nonces.spend(AppId(7), "again", until_s=AT_S + 100, at_s=AT_S)
    assert len(nonces._spent) == len(nonces._by_age) == 1
