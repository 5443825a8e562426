"""What `repertoire.toml` says: the songs, who sings them, and which vendor delivers them with which rights."""

import re
from pathlib import Path
from typing import Literal

import msgspec

from yuefu.ids import VendorId
from yuefu.ingest.repertoire.score import SONGS, Score, parse_score, ultrastar
from yuefu.music.harmony import Chord, parse_chord
from yuefu.music.style import STYLES
from yuefu.music.voice import Singer

HERE = Path(__file__).parent

LANGUAGES = {
    "zh": "Chinese",
    "ja": "Japanese",
    "en": "English",
    "fr": "French",
    "de": "German",
    "haw": "Hawaiian",
}
"""The languages of the repertoire, by the names that UltraStar's #LANGUAGE takes."""

Rights = Literal["both", "recording", "work", "none"]
Delivery = Literal["ultrastar", "lrc"]


class Piece(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A song, whoever sings it. `year` is that of its first print; `source` says why it is free.

    `genre` is in its own language, `genres` are the documented numbers that come nearest. `medley_phrases` are the
    first and the last phrase of its medley, counted from 1.
    """

    title: str
    language: str
    genre: str
    genres: tuple[int, ...]
    year: int
    creator: str
    source: str
    chords: str
    aliases: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    medley_phrases: tuple[int, int] | None = None
    preview_s: float | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One delivery: a song sung by somebody, in a vendor's list. `song` names its folder of notes, `folder` the
    folder it is rendered to; `seed` is the chance in its performance. `variant` names a version of a song that another
    entry has as it usually is, `version` says of which kind it is.

    "lrc" deliveries are audio with lyrics by the line, without notes or word times.
    """

    folder: str
    song: str
    piece: Piece
    vendor_id: VendorId
    rights: Rights
    channel: int
    singers: tuple[str, ...]
    style: str
    seed: int
    delivery: Delivery = "ultrastar"
    variant: str = ""
    version: str = ""

    @property
    def title(self) -> str:
        return f"{self.piece.title} ({self.variant})" if self.variant else self.piece.title

    @property
    def take(self) -> tuple[object, ...]:
        """What makes the recording: entries that agree in it are one performance, delivered twice."""
        return self.song, self.singers, self.style, self.delivery

    @property
    def key(self) -> str:
        """The id its sidecar carries, by which an import knows it again."""
        return f"demo-{self.vendor_id}-{self.song}" + (f"-{self.version}" if self.version else "")

    @property
    def score_text(self) -> str:
        return (SONGS / self.song / "score.txt").read_text("utf-8")

    @property
    def song_text(self) -> bytes:
        """The song as UltraStar, as it is shipped."""
        return (SONGS / self.song / "song.txt").read_bytes()


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    singers: dict[str, Singer]
    songs: dict[str, Piece]
    entries: list[dict[str, object]]


def read_plan() -> tuple[dict[str, Singer], tuple[Entry, ...]]:
    """Singers by name, and the entries in their order. Raises ValueError for a plan that is wrong."""
    plan = msgspec.toml.decode((HERE / "repertoire.toml").read_bytes(), type=_Plan)
    entries: list[Entry] = []
    seeds: dict[object, int] = {}
    for number, fields in enumerate(plan.entries, 1):
        piece = plan.songs.get(str(fields.get("song")))
        if piece is None:
            raise ValueError(f"entry {number} names no song of the plan: {fields.get('song')!r}")
        entry = msgspec.convert({**fields, "piece": msgspec.to_builtins(piece), "seed": number}, Entry)
        _check(entry, plan.singers)
        entries.append(msgspec.structs.replace(entry, seed=seeds.setdefault(entry.take, entry.seed)))
    return plan.singers, tuple(entries)


def _check(entry: Entry, singers: dict[str, Singer]) -> None:
    score = parse_score(entry.score_text)
    if entry.style not in STYLES:
        raise ValueError(f"{entry.folder}: no style {entry.style!r}")
    if entry.channel not in {0, 1}:
        raise ValueError(f"{entry.folder}: channel {entry.channel} is neither 0 nor 1")
    if entry.piece.language not in LANGUAGES:
        raise ValueError(f"{entry.folder}: no language {entry.piece.language!r}")
    if not set(entry.singers) <= singers.keys() or len(entry.singers) != len(score.voices):
        raise ValueError(f"{entry.folder}: {len(score.voices)} known singers are needed")
    bars = len(chord_track(entry.piece.chords))
    if bars != score.bar_count - score.intro_bars:
        raise ValueError(
            f"{entry.folder}: {bars} bars of chords for {score.bar_count - score.intro_bars} that are sung"
        )


def chord_track(text: str) -> list[tuple[Chord, ...]]:
    """The chords by bar: "G,D7" is a bar of two, "x2" at a line's end plays the line twice."""
    bars: list[tuple[Chord, ...]] = []
    for line in text.strip().splitlines():
        match = re.fullmatch(r"(.*?)(?: x(\d+))?", line.strip())
        names, times = (match[1], match[2]) if match else (line, None)
        bars += [tuple(parse_chord(name) for name in bar.split(",")) for bar in names.split()] * int(times or 1)
    return bars


def song_text(piece: Piece, score: Score) -> str:
    """A piece as the UltraStar text we ship: what `song.txt` beside a score must hold."""
    header = {
        "VERSION": "1.1.0",
        "TITLE": piece.title,
        "ARTIST": "乐府合成演唱",
        "AUDIO": "song.flac",
        "VOCALS": "vocals.flac",
        "INSTRUMENTAL": "instrumental.flac",
        "COVER": "cover.jpg",
        "LANGUAGE": LANGUAGES[piece.language],
        "GENRE": piece.genre,
        "YEAR": str(piece.year),
        "CREATOR": "Yuefu",
        "COMMENT": f"{piece.creator}. {piece.source}",
    }
    header |= {f"P{number}": name for number, name in enumerate(piece.voices, 1)}
    if piece.preview_s is not None:
        header["PREVIEWSTART"] = f"{piece.preview_s:g}"
    if piece.medley_phrases is not None:
        phrases, first = score.voices[0], score.voices[0][0][0].begin
        begin, end = (phrases[number - 1] for number in piece.medley_phrases)
        header |= {"MEDLEYSTARTBEAT": str(begin[0].begin - first), "MEDLEYENDBEAT": str(end[-1].end - first)}
    return ultrastar(score, header)


def write_song_texts() -> None:
    """Compile every score of the plan to its `song.txt`."""
    for entry in read_plan()[1]:
        text = song_text(entry.piece, parse_score(entry.score_text))
        (SONGS / entry.song / "song.txt").write_text(text, "utf-8", newline="\n")
