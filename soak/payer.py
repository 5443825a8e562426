"""`python -m soak.payer NAME SESSION LOG SONG…`: a client that buys as fast as it is answered, in a process of its own.

It is told `buy PORT` on its standard input and buys there until the connection breaks, or `finish PORT`: then it asks
once more for what it has no answer to, under the same key, and ends. Every answer it has got is a line of its log, a
key and the SHA-256 of the answer, written before the next purchase. It says `paid` at the first answer of an order and
`over` at the end of it.

It knows of nothing but the wire, so that 32 of them start quickly.
"""

import hashlib
import http.client
import json
import sys
from collections.abc import Sequence
from typing import BinaryIO

_TIMEOUT_S = 60.0
_MODES = 2


def main() -> None:
    name, session, log_path, *songs = sys.argv[1:]
    number = 0
    with open(log_path, "wb", buffering=0) as log:  # noqa: PTH123 - a path is all it would need pathlib for
        for order in sys.stdin:
            verb, port = order.split()
            payer = _Payer(f"127.0.0.1:{port}", name, session, songs, log)
            number = payer.buy(number, at_most=1 if verb == "finish" else None)
            print("over", flush=True)


class _Payer:
    """One order: purchases over one connection."""

    def __init__(self, address: str, name: str, session: str, songs: Sequence[str], log: BinaryIO) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_S)
        self._name = name
        self._session = session
        self._songs = songs
        self._log = log

    def buy(self, number: int, *, at_most: int | None) -> int:
        """Buy from that number on, until the connection breaks; the number of what has no answer."""
        first = number
        try:
            while at_most is None or number < first + at_most:
                self._buy_one(number)
                number += 1
                if number == first + 1:
                    print("paid", flush=True)
        except (ConnectionError, http.client.BadStatusLine, http.client.IncompleteRead):
            pass  # the server is gone; whether it had written this one down is what the driver wants to know
        finally:
            self._connection.close()
        return number

    def _buy_one(self, number: int) -> None:
        key = f"{self._name}-{number}"
        body = {"song_id": self._songs[number % len(self._songs)], "vendor_id": 1, "mode": number % _MODES}
        headers = {"Authorization": f"Bearer {self._session}", "Idempotency-Key": key}
        self._connection.request("POST", "/client/v1/request_resource", json.dumps(body), headers)
        content = self._connection.getresponse().read()
        if json.loads(content)["code"] != 0:
            raise ValueError(f"{key}: {content!r}")
        self._log.write(f"{key} {hashlib.sha256(content).hexdigest()}\n".encode())


if __name__ == "__main__":
    main()
