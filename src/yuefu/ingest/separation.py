"""SongDraft → SongDraft: an accompaniment, and a voice, made of an original that was delivered without."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Protocol

from yuefu.errors import YuefuError
from yuefu.ingest.draft import Separation, SongDraft
from yuefu.ingest.media import Sound, Studio, hear_nothing
from yuefu.music.findings import Finding


class Stem(Enum):
    """What a model gives of a song. The other is what the song has beside it."""

    VOCALS = "vocals"
    ACCOMPANIMENT = "accompaniment"


@dataclass(frozen=True, slots=True)
class Stems:
    """A stretch of a song, taken apart: the two together are the song again."""

    vocals: Sound
    accompaniment: Sound


class Separator(Protocol):
    """Takes songs apart by a model. Equal `model_sha256` and `gives` mean equal stems."""

    @property
    def model_sha256(self) -> str:
        """The SHA-256 of the model's file, in lowercase hex."""
        ...

    @property
    def gives(self) -> Stem:
        """What the model gives."""
        ...

    def separate(self, sound: Iterable[Sound]) -> Iterator[Stems]:
        """The sound, from its beginning to its end, taken apart; in other blocks than it came in.

        Raises `NoSound` where the model gives none, and `BadModel`.
        """
        ...


class BadModel(YuefuError):
    """A model that cannot be used. The text says which and why."""

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"separation model {path}: {fact}")


class NoSound(Exception):
    """What the model made of a song is no sound; the text says what it is."""


def needs_separation(draft: SongDraft) -> bool:
    """Whether an accompaniment is missing and there is something to make it of."""
    return draft.tracks.original is not None and draft.tracks.backing is None


def separate_song(
    draft: SongDraft,
    studio: Studio,
    separator: Separator,
    folder: Path,
    *,
    heard: Callable[[float], None] = hear_nothing,
) -> SongDraft:
    """The draft with an accompaniment made of its original, as a file in `folder`, which is made.

    The voice is made too where nothing else tells the notes. Where the model gives no sound the draft stays as it
    was, with a finding. Raises `Unplayable` for an original that cannot be used, and `BadModel`.
    """
    original = draft.tracks.original
    if original is None:
        return draft
    studio.probe(original, heard=heard)  # a damaged file is refused in seconds, not after minutes of separating it
    folder.mkdir()
    backing, vocals = folder / "accompaniment.wav", folder / "vocals.wav"
    wants_vocals = not (draft.tracks.vocals or draft.pitch_line.notes)
    made = (backing, vocals) if wants_vocals else (backing,)

    def take_apart(sound: Iterable[Sound]) -> Iterator[tuple[Sound, ...]]:
        for stems in separator.separate(sound):
            yield (stems.accompaniment, stems.vocals)[: len(made)]

    try:
        studio.rework(original, made, take_apart, heard=heard)
    except NoSound as why:
        finding = Finding(file=original.name, problem=f"the model gives {why}", action="no accompaniment made")
        return replace(draft, findings=(*draft.findings, finding))
    return replace(
        draft,
        tracks=replace(draft.tracks, backing=backing, vocals=vocals if wants_vocals else draft.tracks.vocals),
        separation=Separation(separator.model_sha256, made),
        findings=(*draft.findings, without_accompaniment("separated from the original")),
    )


def without_accompaniment(action: str) -> Finding:
    """What the song's owner is told about the accompaniment that was not delivered."""
    return Finding(problem="no accompaniment is delivered", action=action)
