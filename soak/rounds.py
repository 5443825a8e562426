"""A round: a song is taken down under a burst of clients, then given back; what came through in between is counted."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from soak.burst import Burst, Download, Kind, Seen
from soak.operator import Operator
from soak.stage import TARGET_ISRC, Stage

_POLL_S = 0.005
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Round:
    """What came through one takedown. `took_s` is from its beginning to its return.

    Of the calls `asked` for the song between its return and the undoing, those `leaked` were given; `before` it, and
    for the `others` song meanwhile, they are given. Of each of the `downloads` under way at most `late_bytes` came
    after the return, and `new_downloads` are those that began after it and brought anything.
    """

    took_s: float
    asked: Counter[Kind]
    leaked: Counter[Kind]
    before: Counter[Kind]
    others: Counter[Kind]
    late_bytes: int
    downloads: int
    new_downloads: int

    @property
    def is_clean(self) -> bool:
        return not self.leaked and not self.new_downloads


def play_round(burst: Burst, operator: Operator, stage: Stage, number: int) -> Round:
    """Take the target down while everybody has it, watch, give it back."""
    burst.forget()
    _wait_until(lambda: _is_full(_given(burst.seen(), stage.target)) and _running(burst.downloads()))
    running = [download for download in burst.downloads() if download.is_running]
    taken = operator.run("takedown", *_scope(stage, number), "--reason", f"round {number}")
    returned_s = taken["returned_s"]

    def is_seen_enough() -> bool:
        later = [seen for seen in burst.seen() if seen.began_s > returned_s]
        asked = Counter(seen.kind for seen in later if seen.song_id == stage.target)
        return _is_full(asked) and _is_full(_given(later, stage.other))

    _wait_until(is_seen_enough)
    _wait_until(lambda: all(download.ended_s is not None for download in running))
    undone = operator.run("takedown", "--undo", str(taken["case"]))
    seen = burst.seen()
    between = [each for each in seen if each.began_s > returned_s and each.ended_s < undone["began_s"]]
    downloads = [each for each in burst.downloads() if each.began_s > returned_s and _ended_by(each, undone["began_s"])]
    return Round(
        took_s=returned_s - taken["began_s"],
        asked=Counter(each.kind for each in between if each.song_id == stage.target),
        leaked=_given(between, stage.target),
        before=_given((each for each in seen if each.ended_s < taken["began_s"]), stage.target),
        others=_given(between, stage.other),
        late_bytes=max(each.bytes_in_all - each.bytes_at(returned_s) for each in running),
        downloads=len(running),
        new_downloads=sum(bool(each.came) for each in downloads),
    )


def _scope(stage: Stage, number: int) -> list[str]:
    """By song, by recording, and as a ban, in turn."""
    match number % 3:
        case 0:
            return ["--song", str(stage.target), "--vendor", "1"]
        case 1:
            return ["--recording", TARGET_ISRC]
        case _:
            return ["--song", str(stage.target), "--banned"]


def _given(seen: Iterable[Seen], song_id: int) -> Counter[Kind]:
    return Counter(each.kind for each in seen if each.song_id == song_id and each.is_given)


def _is_full(counted: Counter[Kind]) -> bool:
    """Whether every kind was met by several clients."""
    return all(counted[kind] >= 8 for kind in Kind)


def _running(downloads: Iterable[Download]) -> bool:
    return any(download.is_running for download in downloads)


def _ended_by(download: Download, at_s: float) -> bool:
    return download.ended_s is not None and download.ended_s < at_s


def _wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at_s = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > give_up_at_s:
            raise TimeoutError("the burst did not come to it")
        time.sleep(_POLL_S)
