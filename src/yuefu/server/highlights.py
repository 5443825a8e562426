"""A song's highlight as an operator sees and sets it."""

from pathlib import Path

from yuefu.access.audit import Author
from yuefu.catalogue.song import Highlight, Part, PartKind, Publication, PublishedSong, Quality, Song
from yuefu.errors import YuefuError
from yuefu.ids import SongId
from yuefu.ingest.analysis import set_highlight
from yuefu.ingest.cutting import cut_highlight
from yuefu.ingest.media import PyAvStudio
from yuefu.ingest.publication import store_part
from yuefu.ingest.workshop import open_workshop
from yuefu.music.highlight import Rule
from yuefu.music.lyrics import Lyrics
from yuefu.music.quality.limits import LONGEST_CLIP_MS, SHORTEST_CLIP_MS
from yuefu.server.actions.songs import read_lyrics
from yuefu.server.centre import Transaction
from yuefu.server.importing import WORK_FOLDER, recipe_for
from yuefu.server.wiring import Installation
from yuefu.units import SECOND_MS, Span


class BadClip(YuefuError):
    """A stretch that cannot be the clip of a highlight."""


class NotSet(YuefuError):
    """Nobody has set the song's highlight by hand."""

    def __init__(self, song_id: SongId) -> None:
        super().__init__(f"the highlight of song {song_id} is what the rules chose; nobody has set another")


class SongChanged(YuefuError):
    """Somebody else changed the song meanwhile."""

    def __init__(self, song_id: SongId) -> None:
        super().__init__(f"song {song_id} was changed meanwhile; look at it and try again")


def set_clip(installation: Installation, song_id: SongId, clip: Span, author: Author) -> Publication:
    """Make a stretch of the song its highlight: cut anew, a new revision, kept over later imports.

    It is cut from the accompaniment as it is stored, the best there is. Raises `UnknownSong`, `BadClip`,
    `SongChanged`.
    """
    song = installation.centre.songs.song(song_id)
    highlight = _check(song.published, read_lyrics(installation.centre, song) or Lyrics(lines=()), clip)
    return _put(installation, song, highlight, author)


def choose_again(installation: Installation, song_id: SongId, author: Author) -> Publication:
    """Make what the rules choose the highlight again, in place of what an operator set: cut anew, a new revision.

    Raises `UnknownSong`, `NotSet`, `SongChanged`.
    """
    song = installation.centre.songs.song(song_id)
    held = song.published.highlight
    if held is None or held.rule != Rule.OPERATOR.value:
        raise NotSet(song_id)
    return _put(installation, song, held.automatic, author)


def _put(installation: Installation, song: Song, highlight: Highlight | None, author: Author) -> Publication:
    centre, song_id, published = installation.centre, song.song_id, song.published
    cuts: list[Part] = []
    if highlight is not None:
        with open_workshop(installation.settings.data_folder / WORK_FOLDER) as folder:
            cuts = _cut(installation, song, highlight, folder)
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> Publication:
        if transaction.song(song_id).revision != song.revision:
            raise SongChanged(song_id)
        publication = transaction.set_highlight(song_id, highlight, cuts, at_ms=at_ms)
        transaction.audit(
            author.entry(
                "song.highlight",
                f"song {song_id}",
                at_ms=at_ms,
                before=_told(published.highlight),
                after=_told(highlight),
                after_revision=publication.revision,
            )
        )
        return publication

    return centre.work.run(job)


def _check(song: PublishedSong, lyrics: Lyrics, clip: Span) -> Highlight:
    """The highlight with that clip. Raises `BadClip`."""
    if not song.accompaniment_duration_ms:
        raise BadClip("the song has no accompaniment to cut a highlight from")
    last_ms = min(song.duration_ms, song.accompaniment_duration_ms)
    if not 0 <= clip.begin_ms < clip.end_ms <= last_ms:
        raise BadClip(f"a highlight lies between 0 and {last_ms / SECOND_MS:g} s and begins before it ends")
    if not SHORTEST_CLIP_MS <= clip.duration_ms <= LONGEST_CLIP_MS:
        shortest_s, longest_s = SHORTEST_CLIP_MS // SECOND_MS, LONGEST_CLIP_MS // SECOND_MS
        raise BadClip(f"a highlight lasts {shortest_s} to {longest_s} s, not {clip.duration_ms / SECOND_MS:g} s")
    held = song.highlight
    automatic = held.automatic if held and held.rule == Rule.OPERATOR.value else held
    highlight = set_highlight(lyrics, clip, last_ms, automatic=automatic)
    if highlight is None:
        raise BadClip(f"the song ends at {last_ms / SECOND_MS:g} s")
    return highlight


def _cut(installation: Installation, song: Song, highlight: Highlight, folder: Path) -> list[Part]:
    """The parts that the highlight makes, in the qualities that the accompaniment has."""
    accompaniments = {
        quality: part
        for quality in Quality
        for part in (song.part(PartKind.ACCOMPANIMENT_ALONE, quality) or song.part(PartKind.ACCOMPANIMENT, quality),)
        if part
    }
    if not accompaniments:  # an import may have come without one since
        return []
    recipe = recipe_for(installation.centre.profiles[song.vendor_id])
    wanted = [
        (kind, quality)
        for kind in (PartKind.CLIP, PartKind.SEGMENT)
        for quality in recipe.qualities(kind)
        if quality in accompaniments
    ]
    best = accompaniments[max(accompaniments, key=list(Quality).index)]
    source = installation.centre.blobs.path(best.blob.sha256)
    cuts = cut_highlight(source, highlight, wanted, PyAvStudio(), folder)
    return [store_part(part, installation.blobs) for part in cuts]


def _told(highlight: Highlight | None) -> str:
    """The highlight as the audit says it."""
    return f"{highlight.clip.begin_ms}-{highlight.clip.end_ms} ms by {highlight.rule}" if highlight else "none"
