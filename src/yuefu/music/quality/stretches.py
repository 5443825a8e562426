"""Stretches of a timeline taken together."""

from bisect import bisect_right
from collections.abc import Iterable

from yuefu.units import Span


class Stretches:
    """The time that spans cover together; those that touch are one."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.spans: list[Span] = []
        for span in sorted((span for span in spans if span.duration_ms > 0), key=lambda span: span.begin_ms):
            last = self.spans[-1] if self.spans else None
            if last is None or span.begin_ms > last.end_ms:
                self.spans.append(span)
            elif span.end_ms > last.end_ms:
                self.spans[-1] = Span(begin_ms=last.begin_ms, end_ms=span.end_ms)
        self._begins_ms = [span.begin_ms for span in self.spans]

    @property
    def covered_ms(self) -> int:
        return sum(span.duration_ms for span in self.spans)

    @property
    def gaps(self) -> list[Span]:
        """What lies between them."""
        pairs = zip(self.spans, self.spans[1:], strict=False)
        return [Span(begin_ms=before.end_ms, end_ms=after.begin_ms) for before, after in pairs]

    def overlap_ms(self, span: Span) -> int:
        """How much of that time is covered."""
        place = max(bisect_right(self._begins_ms, span.begin_ms) - 1, 0)
        covered_ms = 0
        while place < len(self.spans) and self.spans[place].begin_ms < span.end_ms:
            own = self.spans[place]
            covered_ms += max(min(own.end_ms, span.end_ms) - max(own.begin_ms, span.begin_ms), 0)
            place += 1
        return covered_ms
