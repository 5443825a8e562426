"""Where a centre is."""

import httpx2

from yuefu.client.errors import bad_parameter


def parse_base_url(text: str) -> str:
    """`text` without a slash at its end. Raises `BadParameter` when no call can be made with it."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise bad_parameter("base_url", "not a URL") from error
    if url.scheme not in {"http", "https"} or not url.host or "?" in text or "#" in text:
        raise bad_parameter("base_url", "must be http(s)://host[:port][/path], without a query")
    return text.rstrip("/")
