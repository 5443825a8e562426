"""What a decision costs: batches of 20 random songs of the whole catalogue, from their ids to what the rights allow.

No socket and no wire: the lookups, the decision, and the question whether anybody wrote since.
"""

import random
import time
from dataclasses import dataclass

from bench.query import SONGS_PER_QUESTION
from bench.stock import VENDOR, Stock
from yuefu.ids import SongId, VendorId
from yuefu.rights.purpose import browsing
from yuefu.server.centre import Centre
from yuefu.server.settings import Settings
from yuefu.server.wiring import open_installation

_BATCHES = 20_000


@dataclass(frozen=True, slots=True)
class DecidingFigures:
    """CPU time a batch, in each round; `distinct` is how many different decisions came out."""

    batch_us: list[float]
    distinct: int

    @property
    def least_us(self) -> float:
        """The least disturbed round: what a decision costs, where the others also tell of the machine's other work."""
        return min(self.batch_us)


def measure_deciding(stock: Stock, *, rounds: int) -> DecidingFigures:
    """Decide `_BATCHES` batches in each round, each of new songs."""
    chance = random.Random(15)  # noqa: S311 - which songs are asked for is no secret
    with open_installation(Settings(data=str(stock.folder))) as installation:
        centre = installation.centre
        measured, seen = [], set()
        for number in range(-1, rounds):  # the first one loads what the later ones look up
            batches = [[SongId(each) for each in _draw(chance, stock)] for _ in range(_BATCHES)]
            begun = time.process_time()
            for batch in batches:
                decisions = _decide(centre, batch)
            spent = time.process_time() - begun
            seen.update(decisions)
            if number >= 0:
                measured.append(spent / _BATCHES * 1e6)
    return DecidingFigures(measured, len(seen))


def _draw(chance: random.Random, stock: Stock) -> list[int]:
    return chance.sample(stock.song_ids, SONGS_PER_QUESTION)


def _decide(centre: Centre, batch: list[SongId]) -> list[object]:
    """As the batch question does."""
    decided = centre.decide_all(VendorId(VENDOR), batch, browsing("CN"), at_ms=centre.now_ms())
    return [decision for _, decision in decided]
