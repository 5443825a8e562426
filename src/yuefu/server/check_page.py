"""Pages on which somebody sees what is right and wrong with songs; they need nothing else, and fit a phone."""

from collections.abc import Iterable, Sequence
from html import escape

from yuefu.music.quality import Check, Measure, Unit, Verdict
from yuefu.server.highlight_page import STYLE, clock, draw_picture, list_lines
from yuefu.server.song_checks import CatalogueCheck, CheckedSong, FaultySong

SHOWN_PLACES = 5

_PAGE = """\
<!doctype html>
<html lang="zh">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 1rem auto; padding: 0 .7rem; max-width: 1200px; color: #222 }}
h1 {{ font-size: 1.3rem }} h2 {{ font-size: 1.1rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere }}
{style}
.scroll {{ overflow-x: auto }} .scroll svg {{ min-width: 800px; display: block }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ padding: .3rem .4rem; border-top: 1px solid #ddd; vertical-align: top; text-align: left }}
td {{ overflow-wrap: anywhere }}
td:first-child:has(.verdict) {{ width: 1% }}
td.figure {{ text-align: right; white-space: nowrap }}
small {{ color: #666; display: block }}
.verdict {{ border-radius: .3rem; padding: 0 .4rem; white-space: nowrap; color: #fff }}
.good {{ background: #2e7d4f }} .look {{ background: #b26a00 }} .bad {{ background: #c0392b }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def draw_checks(songs: Sequence[CheckedSong]) -> str:
    """The songs' verdicts as HTML, each with a picture of the song."""
    return _PAGE.format(title="Song check 歌曲质检", style=STYLE, body="\n".join(map(_song, songs)))


def draw_catalogue(summary: CatalogueCheck) -> str:
    """The summary as HTML."""
    counts = "".join(f"<tr><td>{_titles(each)}</td>{_cells(counts)}</tr>" for each, counts in summary.measures.items())
    head = "".join(f"<th>{_badge(verdict)}</th>" for verdict in Verdict)
    listed = "\n".join(map(_row_of_song, summary.worst)) or "<tr><td>Every song is good.</td></tr>"
    body = (
        f"<p>{escape(count_songs(summary))}</p>\n<table>\n{listed}\n</table>\n"
        f"<h2>By what was judged 按项目</h2>\n<table><tr><th></th>{head}</tr>\n{counts}\n</table>"
    )
    return _PAGE.format(title="Songs, the worst first 曲库质检", style=STYLE, body=body)


def count_songs(summary: CatalogueCheck) -> str:
    """How many songs are what, in words."""
    good, look, bad = (summary.verdicts[verdict] for verdict in Verdict)
    counts = f"{summary.songs} songs: {good} good, {look} to look at, {bad} bad."
    return counts if len(summary.worst) == look + bad else f"{counts} The worst {len(summary.worst)} are listed."


def name_of(checked: CheckedSong) -> str:
    """Title, singers and id."""
    facts = checked.song.published.facts
    return f"{facts.title} - {'、'.join(facts.singers)} ({checked.song.song_id})"


def write_figure(check: Check) -> str:
    """The figure with its unit, "" where there is none."""
    if check.figure is None:
        return ""
    match unit := check.measure.unit:
        case Unit.SHARE:
            return f"{check.figure:.1%}"
        case Unit.COUNT:
            return f"{check.figure:.0f}"
        case Unit.CONFIDENCE:
            return f"{check.figure:.2f}"
        case Unit.BPM | Unit.PIXELS:
            return f"{check.figure:g} {unit.value}"
        case _:
            return f"{round(check.figure, 1) + 0.0:.1f} {unit.value}"  # no "-0.0"


def explain(check: Check) -> str:
    """The check in words, with where to look first."""
    if not check.places:
        return check.words
    times = ", ".join(clock(place.begin_ms) for place in check.places[:SHOWN_PLACES])
    return f"{check.words}; at {times}{' …' if len(check.places) > SHOWN_PLACES else ''}"


def _song(checked: CheckedSong) -> str:
    published, evidence = checked.song.published, checked.evidence
    marks = [(check.measure.title, place) for check in checked.faults for place in check.places]
    picture = draw_picture(
        published.duration_ms,
        published.highlight,
        evidence.lyrics,
        evidence.pitch_line,
        evidence.waveform,
        faults=marks,
    )
    rows = "\n".join(map(_row, sorted(checked.checks, key=lambda check: -check.verdict.weight)))
    lines = "\n".join(list_lines(evidence.lyrics, published.highlight))
    return (
        f"<h2>{_badge(checked.verdict)} {escape(name_of(checked))}</h2>\n<div class=scroll>{picture}</div>\n"
        f"<table>\n{rows}\n</table>\n"
        f"<details><summary>{len(evidence.lyrics.lines)} lines</summary><ol>\n{lines}\n</ol></details>"
    )


def _row(check: Check) -> str:
    return (
        f"<tr><td>{_badge(check.verdict)}</td><td>{_titles(check.measure)}<small>{escape(explain(check))}</small></td>"
        f"<td class=figure>{escape(write_figure(check))}</td></tr>"
    )


def _row_of_song(song: FaultySong) -> str:
    name = f"{song.title} - {'、'.join(song.singers)} ({song.song_id}, vendor {song.vendor_id})"
    faults = "".join(_faults(verdict, measures) for verdict, measures in (("bad", song.bad), ("look", song.look)))
    return f"<tr><td>{_badge(song.verdict)}</td><td>{escape(name)}{faults}</td></tr>"


def _faults(verdict: str, measures: Iterable[Measure]) -> str:
    titles = "; ".join(_titles(measure) for measure in measures)
    return f"<small>{verdict}: {titles}</small>" if titles else ""


def _cells(counts: dict[Verdict, int]) -> str:
    return "".join(f"<td>{counts[verdict] or ''}</td>" for verdict in Verdict)


def _titles(measure: Measure) -> str:
    return f"{escape(measure.title)} {escape(measure.chinese)}"


def _badge(verdict: Verdict) -> str:
    return f'<span class="verdict {verdict.value}">{verdict.value} {verdict.chinese}</span>'
