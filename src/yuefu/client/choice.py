"""Which of an answer's files to download."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from yuefu.client.errors import NotFound, bad_parameter
from yuefu.wire.client_api import Resource, SharedResource
from yuefu.wire.codes import ClientCode
from yuefu.wire.vendor import QUALITIES

File = TypeVar("File", Resource, SharedResource)
FileOf_co = TypeVar("FileOf_co", bound=Resource | SharedResource, covariant=True)


class Answer(Protocol[FileOf_co]):
    """What `request_resource` or `get_shared_resource` brought."""

    @property
    def resources(self) -> Sequence[FileOf_co]: ...


def choose(result: Answer[File], *qualities: str) -> File:
    """The file in the first of these qualities that there is one of: `choose(song, "sq", "hq", "normal")`.

    Raises `NotFound` (1017034) when there is none, `BadParameter` for what is no quality.
    """
    if not qualities or not set(qualities) <= set(QUALITIES):
        raise bad_parameter("qualities", f"must be among {', '.join(QUALITIES)}")
    files = {file.quality: file for file in result.resources}
    for quality in qualities:
        if quality in files:
            return files[quality]
    there = ", ".join(files)
    raise NotFound(ClientCode.RESOURCE_MISSING, f"qualities: none of {', '.join(qualities)}; there is {there}")
