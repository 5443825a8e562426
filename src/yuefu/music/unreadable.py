"""Why a song's text, or a file of lyrics, cannot be taken in at all.

    UnreadableSong
    ├── TooLarge    more bytes, lines or notes than any song has
    ├── NoHeaders   no line `#TAG:value`
    ├── NoTitle
    ├── NoTempo     without it notes have no times
    ├── NoNotes
    └── NotInFormat not what its name says it is, or broken beyond reading

Each text says what is missing and what to do about it. Everything less than this is a finding.
"""

from yuefu.errors import YuefuError


class UnreadableSong(YuefuError):
    """A text that no song can be made of."""


class TooLarge(UnreadableSong):
    """More than any song holds: not a song text, or one made to cause harm."""

    def __init__(self, size: int, limit: int, unit: str) -> None:
        super().__init__(f"{size:,} {unit}, but a song text has at most {limit:,}; check that this is the right file")
        self.size, self.limit, self.unit = size, limit, unit


class NoHeaders(UnreadableSong):
    def __init__(self) -> None:
        super().__init__("the text has no header; begin it with lines such as #TITLE:…, #ARTIST:… and #BPM:…")


class NoTitle(UnreadableSong):
    def __init__(self) -> None:
        super().__init__("the song has no title; add a line #TITLE:…")


class NoTempo(UnreadableSong):
    """`value` is what the delivery wrote, "" when it wrote nothing."""

    def __init__(self, value: str, *, slowest: int, fastest: int) -> None:
        found = f"#BPM says {value!r}" if value else "the song has no #BPM"
        super().__init__(f"{found}, so its notes have no times; write a number from {slowest} to {fastest}")
        self.value = value


class NoNotes(UnreadableSong):
    def __init__(self) -> None:
        super().__init__("the song has no note that can be sung; write at least one line such as ': 0 4 12 la'")


class NotInFormat(UnreadableSong):
    """`format` is the name of the format that was tried."""

    def __init__(self, format: str, reason: str) -> None:  # noqa: A002 - the field's own word
        super().__init__(f"this cannot be read as {format}: {reason}")
        self.format, self.reason = format, reason
