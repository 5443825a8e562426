"""Why a song was not taken in."""

from yuefu.errors import YuefuError


class Refused(YuefuError):
    """A delivery that cannot become a song. Its text is the reason, written for whoever made the delivery."""


class Unplayable(Refused):
    """Audio that cannot be used: no sound in it, damaged, too long, or in a form we do not read."""

    def __init__(self, name: str, fact: str) -> None:
        super().__init__(f"{name}: {fact}")
