"""Yuefu with one commit a request: the same site, but that its writer commits each job on its own."""

from yuefu.server import asgi
from yuefu.server.http.front import ASGI
from yuefu.storage.sqlite import database


def make_site() -> ASGI:
    """The site of `yuefu serve`, ungrouped."""
    database.GROUP_SIZE = 1
    return asgi.make_site()
