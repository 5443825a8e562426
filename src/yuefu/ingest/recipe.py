"""What an import makes of every song of a run."""

from dataclasses import dataclass

from yuefu.catalogue.song import PartKind, Quality
from yuefu.ingest.separation import Separator

ALWAYS = frozenset((kind, Quality.NORMAL) for kind in (PartKind.ORIGINAL, PartKind.ACCOMPANIMENT, PartKind.CLIP))
"""The audio parts that are made for every vendor: on them rest what a song is said to have."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which audio parts are made, in which qualities, beside those of `ALWAYS`, and how loud.

    A part is made in a quality only where its sources are good for it. `level_lufs` is None to leave the sound as
    loud as it was delivered; `separator` makes the accompaniments that are not delivered, None to do without.
    """

    parts: frozenset[tuple[PartKind, Quality]] = frozenset()
    level_lufs: float | None = None
    separator: Separator | None = None

    def qualities(self, kind: PartKind) -> tuple[Quality, ...]:
        """The qualities in which the parts of a kind are wanted, the plainest first."""
        return tuple(quality for quality in Quality if (kind, quality) in self.parts | ALWAYS)
