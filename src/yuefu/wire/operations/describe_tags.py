"""DescribeTags, `/tag/list`: the operator's tags, by group."""

import msgspec

from yuefu.wire.envelope import RequestIdForm
from yuefu.wire.operation import Operation


class DescribeTagsParams(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to say."""


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    tag_id: str
    tag_name: str


class TagGroup(msgspec.Struct, frozen=True, kw_only=True):
    group_id: str
    group_name: str
    tags: list[Tag]


class TagGroups(msgspec.Struct, frozen=True, kw_only=True):
    groups: list[TagGroup]


DESCRIBE_TAGS = Operation(
    action="DescribeTags",
    command="/tag/list",
    params=DescribeTagsParams,
    result=TagGroups,
    summary="The tags, by group",
    message="success",
    request_id=RequestIdForm.DECIMAL,
)
