"""QueryTips, `/search/tips`: what a search box may suggest."""

import msgspec

from yuefu.wire.operation import Operation
from yuefu.wire.operations.parameters import Keyword


class QueryTipsParams(msgspec.Struct, frozen=True, kw_only=True):
    keyword: Keyword


class Tips(msgspec.Struct, frozen=True, kw_only=True):
    """Ten at most, the keyword itself first when it is one."""

    tips: list[str]


QUERY_TIPS = Operation(
    action="QueryTips",
    command="/search/tips",
    params=QueryTipsParams,
    result=Tips,
    summary="Suggestions for a search box",
)
