"""When a deal holds. Dates and local times mean another instant in every country, so each reading is said aloud."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from yuefu.errors import YuefuError
from yuefu.ingest.ern.document import Node
from yuefu.ingest.ern.message import Period
from yuefu.units import SECOND_MS

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_DURATION = re.compile(r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6}(?:\.\d{1,9})?)S)?)?", re.ASCII)
_FOREVER_YEAR = 9999
_EVER_YEAR = 1900

Tell = Callable[[str, str], None]
"""Takes a finding's problem and what was done about it."""


class BadTime(YuefuError, ValueError):
    """A text that names no instant, or not without guessing."""


class Clock:
    """Reads what senders write as instants. `zone` is the operator's word on times that have none; None: he said none.

    A whole day is read in `zone`, or else in UTC, and said so; a time of day without a zone is refused without one.
    """

    def __init__(self, zone: ZoneInfo | None) -> None:
        self._zone = zone

    def instant(self, text: str) -> int:
        """The instant of a date-time. Raises `BadTime`."""
        if not _DATE_TIME.fullmatch(text):
            raise BadTime(f"{text[:40]!r} is no date-time")
        moment = _parse(text)
        if moment.tzinfo is None:
            if self._zone is None:
                raise BadTime(f"{text!r} has no time zone; --time-zone says which it is meant in")
            moment = moment.replace(tzinfo=self._zone)
        return _to_ms(moment)

    def period(self, node: Node, tell: Tell) -> Period:
        """A ValidityPeriod, half-open: the end's day belongs to it, the end's instant does not. Raises `BadTime`."""
        return Period(from_ms=self._begin(node, tell), until_ms=self._end(node, tell))

    def _begin(self, node: Node, tell: Tell) -> int | None:
        text = node.text("StartDateTime") or node.text("StartDate")
        if not text:
            return None
        if _is_time(text) and int(text[:4]) < _EVER_YEAR:
            tell(f"a deal begins in the year {text[:4]}", "read as since ever")
            return None
        if node.text("StartDateTime"):
            return self.instant(text)
        return self._midnight(text, 0, tell)

    def _end(self, node: Node, tell: Tell) -> int | None:
        text = node.text("EndDateTime") or node.text("EndDate")
        if not text:
            return None
        if _is_time(text) and int(text[:4]) == _FOREVER_YEAR:
            tell(f"a deal ends in the year {_FOREVER_YEAR}", "read as until further notice")
            return None
        if node.text("EndDateTime"):
            return self.instant(text)
        return self._midnight(text, 1, tell)

    def _midnight(self, text: str, days_on: int, tell: Tell) -> int:
        """The midnight at which that day begins, or another so many days on."""
        match = _DATE.fullmatch(text)
        if match is None:
            raise BadTime(f"{text[:40]!r} is no date")
        zone = self._zone or UTC
        moment = _parse(match[1] + "T00:00:00" + (match[2] or ""))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
            tell("a deal is dated by days alone, which is deprecated", f"read as whole days in {zone}")
        return _to_ms(moment + timedelta(days=days_on))


def parse_duration_ms(text: str) -> int:
    """An ISO 8601 duration of days and less, in ms; 0 for what is none."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return 0
    days, hours, minutes, seconds = (float(number or 0) for number in match.groups())
    return round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * SECOND_MS)


def _is_time(text: str) -> bool:
    return bool(_DATE.fullmatch(text) or _DATE_TIME.fullmatch(text))


def _parse(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadTime(f"{text[:40]!r} names no day or time there is") from None


def _to_ms(moment: datetime) -> int:
    try:
        return round(moment.astimezone(UTC).timestamp() * SECOND_MS)  # what is no time in UTC nobody can be shown
    except (OverflowError, ValueError):
        raise BadTime(f"{moment.isoformat()} is out of all range") from None
