"""A page on which somebody sees whether a song's highlight is right: waveform, notes, lines, and what was chosen."""

from collections.abc import Iterator, Sequence
from html import escape

from yuefu.catalogue.song import Highlight, Song
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import PitchLine
from yuefu.music.waveform import Waveform
from yuefu.units import MINUTE_MS, SECOND_MS, Span

WIDTH, WAVE_HEIGHT, NOTES_HEIGHT, FOOT_HEIGHT = 1_200, 120, 110, 18
HEIGHT = WAVE_HEIGHT + NOTES_HEIGHT + FOOT_HEIGHT
PIXELS_PER_BAR = 2
TICK_MS = 30 * SECOND_MS

STYLE = """\
svg { width: 100%; background: #fafafa }
svg text { font: 11px system-ui, sans-serif; fill: #777 }
.clip { fill: #ffe08a } .segment { fill: #ffb84d } .wave { stroke: #3b6ea5 } .note { fill: #555 }
.line { fill: #d6dde6 } .tick { stroke: #ccc } .fault { fill: #c0392b }
ol { columns: 22rem 2; padding: 0; list-style: none }
li { padding: 0 .4rem } li time { color: #777; display: inline-block; width: 4.5em }
li.in-clip { background: #fff3cf } li.in-segment { background: #ffdda6 }"""
"""How the picture and the list of lines look."""

_PAGE = """\
<!doctype html>
<html lang="zh">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: {width}px; color: #222 }}
h1 {{ font-size: 1.4rem }}
{style}
</style>
<h1>{title}</h1>
<p>{summary}</p>
{picture}
<ol>
{lines}
</ol>
</html>
"""


def draw_highlight(song: Song, lyrics: Lyrics, pitch_line: PitchLine, waveform: Waveform | None) -> str:
    """The page as HTML with the picture in it; it needs nothing else."""
    published = song.published
    name = f"{published.facts.title} - {'、'.join(published.facts.singers)}"
    return _PAGE.format(
        title=escape(f"{name} ({song.song_id})"),
        width=WIDTH,
        style=STYLE,
        summary=escape(describe_highlight(published.highlight)),
        picture=draw_picture(published.duration_ms, published.highlight, lyrics, pitch_line, waveform),
        lines="\n".join(list_lines(lyrics, published.highlight)),
    )


def describe_highlight(highlight: Highlight | None) -> str:
    """The choice in words."""
    if highlight is None:
        return "none"
    clip, sung_ms = highlight.clip, highlight.clip.begin_ms + highlight.prelude_ms
    segments = ", ".join(f"{clock(part.begin_ms)} to {clock(part.end_ms)}" for part in highlight.segments)
    rule = highlight.rule.replace("_", " ")
    return (
        f"{clock(clip.begin_ms)} to {clock(clip.end_ms)}, sung from {clock(sung_ms)} on; segments {segments}; "
        f"by {rule}, confidence {highlight.confidence:.2f}"
    )


def draw_picture(
    duration_ms: int,
    highlight: Highlight | None,
    lyrics: Lyrics,
    pitch_line: PitchLine,
    waveform: Waveform | None,
    *,
    faults: Sequence[tuple[str, Span]] = (),
) -> str:
    """The song from left to right as an SVG picture; `faults` are named places to look at."""
    parts = [
        *_stretches(duration_ms, highlight),
        *_ticks(duration_ms),
        *_bars(waveform),
        *_lines(duration_ms, lyrics),
        *_notes(duration_ms, pitch_line),
        *_faults(duration_ms, faults),
    ]
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(parts) + "\n</svg>"


def _x(at_ms: float, duration_ms: int) -> float:
    return WIDTH * at_ms / max(duration_ms, 1)


def _box(kind: str, span: Span, duration_ms: int, *, y: float, height: float, text: str = "") -> str:
    x, end = _x(span.begin_ms, duration_ms), _x(span.end_ms, duration_ms)
    title = f"<title>{escape(text)}</title>" if text else ""
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{end - x:.1f}" height="{height:.1f}">{title}</rect>'


def _stretches(duration_ms: int, highlight: Highlight | None) -> Iterator[str]:
    if highlight is not None:
        yield _box("clip", highlight.clip, duration_ms, y=0, height=HEIGHT - FOOT_HEIGHT, text="clip")
        for segment in highlight.segments:
            yield _box("segment", segment, duration_ms, y=WAVE_HEIGHT - 8, height=8, text="segment")


def _ticks(duration_ms: int) -> Iterator[str]:
    for at_ms in range(0, duration_ms, TICK_MS):
        x = _x(at_ms, duration_ms)
        yield f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{HEIGHT - FOOT_HEIGHT}"/>'
        yield f'<text x="{x + 2:.1f}" y="{HEIGHT - 5}">{clock(at_ms)}</text>'


def _bars(waveform: Waveform | None) -> Iterator[str]:
    """The waveform, a bar for every two pixels."""
    if waveform is None or not waveform.length:
        return
    count = WIDTH // PIXELS_PER_BAR
    middle, scale = (WAVE_HEIGHT - 10) / 2, (WAVE_HEIGHT - 14) / 2 / 128
    path = []
    for bar in range(count):
        first = bar * waveform.length // count
        last = max((bar + 1) * waveform.length // count, first + 1)
        lowest, highest = min(waveform.data[2 * first : 2 * last : 2]), max(waveform.data[2 * first + 1 : 2 * last : 2])
        x = bar * PIXELS_PER_BAR + PIXELS_PER_BAR / 2
        path.append(f"M{x:g} {middle - highest * scale:.1f}V{middle - lowest * scale:.1f}")
    yield f'<path class="wave" d="{"".join(path)}"/>'


def _lines(duration_ms: int, lyrics: Lyrics) -> Iterator[str]:
    for line in lyrics.lines:
        span = Span(begin_ms=line.begin_ms, end_ms=line.end_ms)
        yield _box("line", span, duration_ms, y=WAVE_HEIGHT + 4, height=6, text=line.text)


def _notes(duration_ms: int, pitch_line: PitchLine) -> Iterator[str]:
    pitched = [note for note in pitch_line.notes if note.kind.is_pitched]
    if not pitched:
        return
    lowest, highest = min(note.pitch for note in pitched), max(note.pitch for note in pitched)
    step = (NOTES_HEIGHT - 24) / (highest - lowest + 1)
    for note in pitched:
        y = WAVE_HEIGHT + 16 + (highest - note.pitch) * step
        yield _box("note", Span(begin_ms=note.begin_ms, end_ms=note.end_ms), duration_ms, y=y, height=max(step, 2.0))


def _faults(duration_ms: int, faults: Sequence[tuple[str, Span]]) -> Iterator[str]:
    """A red mark below the notes, wide enough to be seen."""
    for name, span in faults:
        shortest_ms = duration_ms * 3 // WIDTH
        seen = Span(begin_ms=span.begin_ms, end_ms=max(span.end_ms, span.begin_ms + shortest_ms))
        yield _box("fault", seen, duration_ms, y=HEIGHT - FOOT_HEIGHT - 5, height=5, text=name)


def list_lines(lyrics: Lyrics, highlight: Highlight | None) -> Iterator[str]:
    """The lines as items of a list, those in the highlight marked."""
    for line in lyrics.lines:
        kind = ""
        if highlight and any(part.begin_ms <= line.begin_ms < part.end_ms for part in highlight.segments):
            kind = ' class="in-segment"'
        elif highlight and highlight.clip.begin_ms <= line.begin_ms < highlight.clip.end_ms:
            kind = ' class="in-clip"'
        yield f"<li{kind}><time>{clock(line.begin_ms)}</time>{escape(line.text)}</li>"


def clock(at_ms: int) -> str:
    """Minutes and seconds."""
    return f"{at_ms // MINUTE_MS}:{at_ms % MINUTE_MS / SECOND_MS:04.1f}"
