"""Answers, from bytes to documented values or to the error they mean.

Fields nobody documented are ignored; a documented one that is missing or of another type is a `BadAnswer`.
"""

import re
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from yuefu.client.errors import CopyrightedMusicError, bad_answer, refused, unanswered
from yuefu.client.flow import Answer
from yuefu.wire.envelope import ClientReply, Reply
from yuefu.wire.operation import Operation, SessionCommand
from yuefu.wire.problem import Problem

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for text that is not the shape, not UTF-8, or nested without end."""


class _Envelope(msgspec.Struct):
    """The envelope of the client API, whole."""

    code: int
    message: str
    request_id: str
    data: msgspec.Raw = msgspec.Raw(b"")


_is_seconds = re.compile(r"[0-9]{1,6}", re.ASCII).fullmatch


def read_action(answer: Answer, operation: Operation[Any, R]) -> R:
    """The result in an answer of the server API."""
    reply = _accepted(answer, Reply)
    try:
        return operation.read_action(bytes(reply.data))
    except UNREADABLE as error:
        raise bad_answer(f"Data of {operation.action}: {error}") from error


def read_plain(answer: Answer, shape: type[R]) -> R:
    """The bare result of a plain path, whose refusals are problem details."""
    if answer.status == HTTPStatus.OK:
        return _decode(answer.body, shape)
    try:
        problem = msgspec.json.decode(answer.body, type=Problem)
    except UNREADABLE as error:
        raise _told_when(answer, unanswered(answer.status)) from error
    if problem.code is None:
        raise _told_when(answer, unanswered(answer.status))
    raise _told_when(answer, refused(problem.code, problem.detail, problem.request_id))


def read_result(answer: Answer, question: Operation[Any, R] | SessionCommand[Any, R]) -> R:
    """The result in the answer to a command."""
    read = read_bare if isinstance(question, SessionCommand) else read_data
    return read(answer, question.result)


def read_data(answer: Answer, shape: type[R]) -> R:
    """The `data` in an enveloped answer of the client API."""
    return _decode(bytes(_accepted(answer, _Envelope).data), shape)


def read_bare(answer: Answer, shape: type[R]) -> R:
    """An answer of the client API that is a bare object unless it is a refusal."""
    _accepted(answer, ClientReply)
    return _decode(answer.body, shape)


def read_command(answer: Answer) -> dict[str, Any]:
    """The `data` of a command's answer; the object itself where the command is documented without an envelope."""
    reply = _accepted(answer, ClientReply)
    return _decode(bytes(reply.data) or answer.body, dict[str, Any])


def read_done(answer: Answer) -> None:
    """Nothing, for an enveloped answer that says the thing was done."""
    _accepted(answer, _Envelope)


def media_error(answer: Answer) -> CopyrightedMusicError:
    """What a media answer means that brings none of the media."""
    try:
        envelope = msgspec.json.decode(answer.body, type=_Envelope)
    except UNREADABLE:
        return _told_when(answer, unanswered(answer.status))
    return _told_when(answer, refused(envelope.code, envelope.message, envelope.request_id))


def _told_when(answer: Answer, error: CopyrightedMusicError) -> CopyrightedMusicError:
    """The error with the seconds that the answer's `Retry-After` names; a date there is left aside."""
    said = answer.headers.get("retry-after", "").strip()
    error.retry_after_s = int(said) if _is_seconds(said) else None
    return error


E = TypeVar("E", Reply, ClientReply, _Envelope)


def _accepted(answer: Answer, frame: type[E]) -> E:
    """The frame of an answer that is no refusal."""
    try:
        reply = msgspec.json.decode(answer.body, type=frame)
    except UNREADABLE as error:
        if answer.status != HTTPStatus.OK:
            raise _told_when(answer, unanswered(answer.status)) from error
        raise bad_answer(f"the envelope: {error}") from error
    if reply.code != 0:
        raise _told_when(answer, refused(reply.code, reply.message, reply.request_id))
    if answer.status != HTTPStatus.OK:
        raise _told_when(answer, unanswered(answer.status))
    return reply


def _decode(data: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=shape)
    except UNREADABLE as error:
        raise bad_answer(f"data: {error}") from error
