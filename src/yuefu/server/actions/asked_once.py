"""Requests under a key of their caller's: asked again, they are answered the same and done once."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from yuefu.catalogue.song import UnknownSong
from yuefu.rights.grant import NotLicensed, check_need
from yuefu.rights.kept_answer import BadRequestKey, KeptAnswer, RequestKey
from yuefu.server.actions.offer import not_licensed, unknown_song
from yuefu.server.actions.sessions import Member
from yuefu.server.centre import Centre, Passage
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal, Refusal
from yuefu.wire.vendor import ResourceType

R_contra = TypeVar("R_contra", contravariant=True)

Seal = Callable[[R_contra], bytes]
"""Makes the whole answer of a result, once and for all: what is kept under a key is that."""


def name_request(caller: Member, key: str | None, call: str, body: msgspec.Struct) -> RequestKey | None:
    """The name of one request of a call, None for one without a key. Raises `ClientRefusal` for what is no key."""
    if key is None:
        return None
    request_hash = hashlib.sha256(msgspec.json.encode((call, body), order="sorted")).digest()
    try:
        return RequestKey(session_id=caller.session.session_id, key=key, request_hash=request_hash)
    except BadRequestKey as error:
        raise bad_key(error) from None


async def answer_once(
    centre: Centre, key: RequestKey | None, passage: Passage, ask: Callable[[], Awaitable[bytes]]
) -> bytes:
    """What `ask` answers, or what was answered under the key before if the rights still allow it.

    `ask` is to keep its answer in the transaction that does what it tells. Raises `ClientRefusal`, or as `ask`.
    """
    if key is not None and (kept := centre.answers.find(key)):
        return _answer_again(centre, kept, key, passage)
    try:
        return await ask()
    except (ClientRefusal, Refusal):
        if key is None or (kept := centre.answers.find(key)) is None:
            raise
        # its twin was granted meanwhile, and used up what this one was refused
        return _answer_again(centre, kept, key, passage)


def bad_key(error: BadRequestKey) -> ClientRefusal:
    """What somebody is told whose key cannot be one, or stands for another request."""
    return ClientRefusal(ClientCode.ILLEGAL_PARAMETER, f"Idempotency-Key: {error}")


def _answer_again(centre: Centre, kept: KeptAnswer, key: RequestKey, passage: Passage) -> bytes:
    """The kept answer, if its song may still be used. Raises `ClientRefusal`."""
    held = kept.grant
    try:
        kept.check(key)
        passage.enter()
        decision = centre.decide_held(held.song_id, held.purpose, at_ms=centre.now_ms())
        check_need(held.song_id, held.need, decision)
    except BadRequestKey as error:
        raise bad_key(error) from None
    except UnknownSong:
        raise unknown_song() from None
    except NotLicensed as error:
        raise not_licensed(error, ResourceType(held.resource_type)) from None
    return kept.answer
