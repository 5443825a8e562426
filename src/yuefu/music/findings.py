"""What a parser noticed: parsing returns its findings, it does not log them."""

from collections.abc import Iterable

import msgspec

MOST_FINDINGS = 100
"""A file has at most this many findings of its own; a broken one would otherwise have one per line."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about an input that its owner should know.

    `file` is the name inside the delivered folder; `line` counts from 1, None when the finding is about the whole file.
    `problem` says what is there, `action` what was done about it ("read as CP1252", "left out", "refused").
    """

    problem: str
    action: str
    file: str = ""
    line: int | None = None


class FindingList:
    """Gathers a parser's findings about one file.

    The same problem on many lines is one finding: at its first line, with how often it was met.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._met: dict[tuple[str, str], tuple[int | None, int]] = {}

    def add(self, problem: str, action: str, line: int | None = None) -> None:
        first_line, count = self._met.get((problem, action), (line, 0))
        if count or len(self._met) < MOST_FINDINGS:
            self._met[problem, action] = (first_line, count + 1)

    def add_all(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.add(finding.problem, finding.action, finding.line)

    def close(self) -> tuple[Finding, ...]:
        """Everything gathered: what concerns the whole file, then line by line."""
        in_order = sorted(self._met.items(), key=lambda met: met[1][0] or 0)
        return tuple(
            Finding(
                problem=problem if count == 1 else f"{problem} ({count} times)",
                action=action,
                file=self._file,
                line=line,
            )
            for (problem, action), (line, count) in in_order
        )
