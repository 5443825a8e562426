"""A published song's highlight cut anew, from the accompaniment as it is stored."""

from collections.abc import Collection
from pathlib import Path

from yuefu.catalogue.song import Highlight, PartKind, Quality
from yuefu.ingest.encoding import FORMS, EncodedPart
from yuefu.ingest.media import Studio, Take


def cut_highlight(
    accompaniment: Path,
    highlight: Highlight,
    wanted: Collection[tuple[PartKind, Quality]],
    studio: Studio,
    folder: Path,
) -> tuple[EncodedPart, ...]:
    """The clips and segments that are wanted, in `folder`, which must be empty. Raises `Unplayable`."""
    spans = {PartKind.CLIP: highlight.clip, PartKind.SEGMENT: highlight.segments[0]}
    takes = {
        (kind, quality): Take(
            folder / f"{kind.value}-{quality.value}{FORMS[quality].suffix}", spans[kind], FORMS[quality]
        )
        for kind, quality in wanted
    }
    studio.record([accompaniment], list(takes.values()))
    return tuple(
        EncodedPart(kind, take.file, take.form.media_type, quality, studio.duration_ms(take.file), track_count=1)
        for (kind, quality), take in takes.items()
    )
