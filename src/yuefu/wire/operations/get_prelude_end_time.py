"""`/api/get_prelude_end_time`: when the singing begins in a resource that the session holds."""

from yuefu.wire.client_api import PRELUDE_COMMAND, PreludeEnd, PreludeEndParams
from yuefu.wire.operation import SessionCommand

GET_PRELUDE_END_TIME = SessionCommand(
    command=PRELUDE_COMMAND,
    params=PreludeEndParams,
    result=PreludeEnd,
    summary="When the singing begins in a granted resource",
    needs_params=True,
)
