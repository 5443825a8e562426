"""What webhooks are sent, held to the specifications' own examples."""

import base64
import re
from pathlib import Path
from typing import Any

import msgspec

from yuefu.wire.webhook import ChangesData, ChangesEvent, render_secret, signed_event_headers

GUIDE = (Path(__file__).parents[3] / "docs/changes.md").read_text(encoding="utf-8")


def test_the_signature_is_that_of_the_specification() -> None:
    """The example by which the libraries of Standard Webhooks are tested."""
    headers = signed_event_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        secret=base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        at_s=1_614_265_330,
    )
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_guide_s_check_passes_what_is_genuine_and_fresh_and_nothing_else() -> None:
    (example,) = [text for text in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) if "is_genuine" in text]
    guide: dict[str, Any] = {}
    exec(example, guide)
    is_genuine = guide["is_genuine"]
    key = bytes(range(32))
    headers = signed_event_headers("evt_1", b"{}", secret=key, at_s=1_700_000_000)
    secret = render_secret(key)
    assert is_genuine(headers, b"{}", secret, 1_700_000_100)
    assert is_genuine({**headers, "webhook-signature": "v1,eA== " + headers["webhook-signature"]}, b"{}", secret, 1.7e9)
    assert not is_genuine(headers, b"{ }", secret, 1_700_000_100)
    assert not is_genuine(headers, b"{}", render_secret(bytes(32)), 1_700_000_100)
    assert not is_genuine(headers, b"{}", secret, 1_700_000_301)
    assert not is_genuine({**headers, "webhook-id": "evt_2"}, b"{}", secret, 1_700_000_100)


def test_a_secret_is_written_with_its_mark() -> None:
    assert render_secret(bytes(32)) == "whsec_" + "A" * 43 + "="


def test_an_event_has_what_cloudevents_asks_for() -> None:
    data = ChangesData(changes=[], next="AQAAAAAAAAAA")
    event = ChangesEvent(id="evt_1", source="https://music.example.org/v1/changes", type="t", time="now", data=data)
    assert msgspec.json.decode(msgspec.json.encode(event)) == {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "https://music.example.org/v1/changes",
        "type": "t",
        "time": "now",
        "datacontenttype": "application/json",
        "data": {"changes": [], "next": "AQAAAAAAAAAA"},
    }
