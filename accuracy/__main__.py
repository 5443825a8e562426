"""`python -m accuracy`: measures everything and writes `docs/accuracy.md`."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click

from accuracy.highlights import measure_confidence, measure_highlights, measure_texts
from accuracy.live import measure_live
from accuracy.media import measure_media
from accuracy.picture import draw_pictures
from accuracy.pitch import measure_pitch
from accuracy.real import measure_scores, measure_singer, measure_songs
from accuracy.report import Figures, render_page
from accuracy.scoring import measure_scoring
from accuracy.suite import ITEMS
from accuracy.tempo import measure_tempo
from accuracy.weight import measure_weight

PAGE = Path(__file__).parents[1] / "docs/accuracy.md"


@click.command()
@click.option("--items", "count", type=click.IntRange(8), default=ITEMS, show_default=True, help="Synthetic excerpts.")
@click.option("--out", type=click.Path(path_type=Path), default=PAGE, help="Where the page goes.")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path),
    help="Draw pitch lines and highlights into this folder, and measure nothing.",
)
def main(*, count: int, out: Path, pictures: Path | None) -> None:
    """Measure everything; takes some minutes."""
    begun = time.perf_counter()
    if pictures is not None:
        draw_pictures(pictures)
        return

    weight, media, highlights, texts = measure_weight(), measure_media(), measure_highlights(), measure_texts()
    singer, scores, live = measure_singer(), measure_scores(), measure_live()
    click.echo(f"{time.perf_counter() - begun:4.0f} s  the synthetic suite and the free songs…", err=True)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        pitch, songs, tempo, scoring = (
            pool.submit(measure_pitch, count),
            pool.submit(measure_songs),
            pool.submit(measure_tempo, count),
            pool.submit(measure_scoring),
        )
        figures = Figures(
            pitch=pitch.result(),
            live=live,
            scoring=scoring.result(),
            tempo=tempo.result(),
            highlights=highlights,
            confidence=measure_confidence(),
            texts=texts,
            media=media,
            weight=weight,
            singer=singer,
            scores=scores,
            songs=songs.result(),
        )
    out.write_text(render_page(figures, minutes=(time.perf_counter() - begun) / 60), encoding="utf-8")
    click.echo(f"written to {out}", err=True)


if __name__ == "__main__":
    main()
