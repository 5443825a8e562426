"""The demo repertoire: free songs in our own notes, rendered to song folders by our own voices and band.

`entries()` lists what there is, `render` makes one folder of it as a vendor would deliver it, `redeliver` makes it from
one that holds the same recording; a folder made under another `REPERTOIRE_VERSION` is to be made anew.
"""

import json
import shutil
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

import av
import numpy as np
from PIL import Image

from yuefu.ingest.repertoire.cover import draw_cover
from yuefu.ingest.repertoire.performance import Pcm, Performance, perform
from yuefu.ingest.repertoire.plan import HERE, Entry, chord_track, read_plan
from yuefu.ingest.repertoire.portrait import draw_portrait
from yuefu.ingest.repertoire.score import Score, parse_score
from yuefu.music import band, harmony, instruments, phonetics, style, synthesis, voice
from yuefu.music.synthesis import SAMPLE_RATE_HZ
from yuefu.music.voice import Singer

__all__ = ["REPERTOIRE_VERSION", "Entry", "entries", "redeliver", "render"]

ALBUM = "乐府示范曲集"


def entries() -> tuple[Entry, ...]:
    """The repertoire in the order shown. Raises ValueError for a plan that is wrong."""
    return _plan()[1]


def render(entry: Entry, folder: Path) -> None:
    """Make the entry's song folder: audio, lyrics, cover and sidecar. The same entry makes the same bytes every time.

    `folder` is created where it is missing. May run in a worker process; raises OSError when it cannot write.
    """
    score = parse_score(entry.score_text)
    performance = perform(
        score,
        chord_track(entry.piece.chords),
        [_plan()[0][name] for name in entry.singers],
        style=entry.style,
        language=entry.piece.language,
        seed=entry.seed,
    )
    folder.mkdir(parents=True, exist_ok=True)
    if entry.delivery == "lrc":
        _deliver_lrc(entry, score, performance, folder)
    else:
        _deliver_ultrastar(entry, performance, folder)
    _cover(entry, score).save(folder / "cover.jpg", quality=90)
    for number, name in enumerate(entry.singers, 1):
        draw_portrait(_plan()[0][name]).save(folder / _portrait_name(number), quality=90)
    _write_sidecar(entry, folder)


def redeliver(entry: Entry, rendered: Path, folder: Path) -> None:
    """Make the song folder of an entry from that of another one of the same take: its files, under another sidecar."""
    shutil.copytree(rendered, folder)
    _write_sidecar(entry, folder)


def _write_sidecar(entry: Entry, folder: Path) -> None:
    (folder / "song.toml").write_text(_sidecar(entry), "utf-8", newline="\n")


def _save_flac(path: Path, pcm: Pcm) -> None:
    """Write 16-bit stereo samples (n, 2) as a FLAC file."""
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE_HZ, layout="stereo", format="s16")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = SAMPLE_RATE_HZ
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def _deliver_ultrastar(entry: Entry, performance: Performance, folder: Path) -> None:
    _save_flac(folder / "song.flac", performance.mix)
    _save_flac(folder / "vocals.flac", performance.vocals)
    _save_flac(folder / "instrumental.flac", performance.instrumental)
    (folder / "song.txt").write_bytes(entry.song_text)


def _deliver_lrc(entry: Entry, score: Score, performance: Performance, folder: Path) -> None:
    name = entry.piece.title
    _save_flac(folder / f"{name}.flac", performance.mix)
    _save_flac(folder / f"{name}.instrumental.flac", performance.instrumental)
    (folder / f"{name}.lrc").write_text(_lrc(entry, score), "utf-8", newline="\n")


def _lrc(entry: Entry, score: Score) -> str:
    lines = [f"[ti:{entry.piece.title}]", f"[ar:{'、'.join(entry.singers)}]", f"[al:{ALBUM}]"]
    for phrase in sorted((phrase for phrases in score.voices for phrase in phrases), key=lambda notes: notes[0].begin):
        minutes, seconds = divmod(score.begin_s + phrase[0].begin * score.unit_s, 60)
        text = "".join(note.text.replace("~", "") for note in phrase).strip()
        lines.append(f"[{minutes:02.0f}:{seconds:05.2f}]{text}")
    return "\n".join([*lines, ""])


def _cover(entry: Entry, score: Score) -> Image.Image:
    """The cover of a song: the pitch of its first voice, thirty-second by thirty-second."""
    notes = [note for phrase in score.voices[0] for note in phrase]
    return draw_cover([pitch for note in notes for pitch in [note.pitch] * note.length], entry.seed)


def _sidecar(entry: Entry) -> str:
    """The facts as TOML, whose strings and lists of strings are written as JSON's are."""
    facts = {
        "id": entry.key,
        "title": entry.title,
        "aliases": list(entry.piece.aliases),
        "singers": list(entry.singers),
        "album": ALBUM,
        "language": entry.piece.language,
        "genre": entry.piece.genre,
        "genres": list(entry.piece.genres),
        "year": entry.piece.year,
        "bpm": round(parse_score(entry.score_text).tempo),
        **({"version": entry.version} if entry.version else {}),
    }
    pictures = {json.dumps(name, ensure_ascii=False): _portrait_name(n) for n, name in enumerate(entry.singers, 1)}
    return f"{_toml(facts)}\n[pictures]\n{_toml(pictures)}"


def _toml(table: Mapping[str, object]) -> str:
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in table.items())


def _portrait_name(number: int) -> str:
    return f"singer-{number}.jpg"


@cache
def _plan() -> tuple[dict[str, Singer], tuple[Entry, ...]]:
    return read_plan()


def _fingerprint() -> str:
    """A hash of everything a rendered folder depends on: the package's files and the synthesis modules."""
    ours = [path for path in HERE.rglob("*") if path.suffix in {".py", ".toml", ".txt"}]
    theirs = [
        Path(module.__file__ or "") for module in (band, harmony, instruments, phonetics, style, synthesis, voice)
    ]
    digest = sha256()
    for path in sorted([*ours, *theirs]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


REPERTOIRE_VERSION = _fingerprint()
"""Changes whenever a rendered folder would."""
