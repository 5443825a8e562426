"""The root of every error this project raises on purpose.

    YuefuError
    ├── access     UnknownApp, BadSignature, …     who is calling
    ├── rights     NotLicensed, …                  what is allowed
    ├── catalogue  UnknownSong, …                  what exists
    └── ingest     Refused, …                      what could not be taken in

Each room keeps its own branch beside the code that raises it. The domain states the fact; `server` picks the code and
the status that say it on the wire.
"""


class YuefuError(Exception):
    """A fact that stops the work at hand and that somebody can do something about."""


class EngineBusy(YuefuError):
    """An engine is held by others for longer than we wait; the same call may pass a moment later."""
