"""What a parser noticed: parsing returns its findings, it does not log them."""

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about an input that its owner should know.

    `file` is the name inside the delivered folder; `line` counts from 1, None when the finding is about the whole file.
    `problem` says what is there, `action` what was done about it ("read as CP1252", "left out", "refused").
    """

    problem: str
    action: str
    file: str = ""
    line: int | None = None
