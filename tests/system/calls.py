"""Calls as an app makes them, on the wire itself: nothing here knows our SDK's types."""

import io
from typing import Any, Self

import av
import httpx2
import numpy as np
import numpy.typing as npt

from yuefu.client import mint_login_token

Samples = npt.NDArray[np.float32]


def login(base_url: str, demo: dict[str, Any], user_id: str, *, at_s: int, kind: str = "token04") -> "Client":
    """A client session for a user of the demo app."""
    token = mint_login_token(
        app_id=demo["app_id"],
        server_secret=demo["server_secret"],
        user_id=user_id,
        life_s=3600,
        at_s=at_s,
        kind="jwt" if kind == "jwt" else "token04",
    )
    body = {"app_id": demo["app_id"], "user_id": user_id, "user_name": user_id, "room_ids": []}
    answer = httpx2.post(f"{base_url}/client/v1/init", json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    content = answer.json()
    assert content["code"] == 0, content
    assert content.keys() == {"code", "message", "request_id", "data"}
    return Client(base_url, content["data"]["session"])


class Client:
    """A session's calls; answers are raw JSON."""

    def __init__(self, base_url: str, session: str) -> None:
        self.base_url = base_url
        self.session = session
        self._http = httpx2.Client(
            base_url=f"{base_url}/client/v1", headers={"Authorization": f"Bearer {session}"}, timeout=30
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, name: str, **body: Any) -> dict[str, Any]:
        """The answer, whatever its code; always HTTP 200."""
        answer = self._http.post(f"/{name}", json=body)
        assert answer.status_code == 200
        content: dict[str, Any] = answer.json()
        return content

    def granted(self, **body: Any) -> dict[str, Any]:
        """The data of a `request_resource` that must succeed."""
        answer = self.call("request_resource", **body)
        assert answer["code"] == 0, answer
        assert answer.keys() == {"code", "message", "request_id", "data"}
        data: dict[str, Any] = answer["data"]
        return data

    def media(self, resource_id: str, track: int = 0, headers: dict[str, str] | None = None) -> httpx2.Response:
        return self._http.get(f"/resources/{resource_id}/{track}", headers=headers)


def decode(audio: bytes, track: int = 0) -> tuple[Samples, int]:
    """Mono samples and their rate, of one audio track of a file."""
    with av.open(io.BytesIO(audio), "r") as container:
        stream = container.streams.audio[track]
        frames = [frame.to_ndarray() for frame in container.decode(stream)]
        return np.concatenate(frames, axis=-1).mean(axis=0, dtype=np.float32), stream.rate


def track_count(audio: bytes) -> int:
    with av.open(io.BytesIO(audio)) as container:
        return len(container.streams.audio)
