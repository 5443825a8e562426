"""A song as the catalogue holds it: facts, parts and the state an operator sees."""

from enum import Enum

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import SongId, VendorId
from yuefu.units import Span


class PartKind(Enum):
    """The deliverables a song may have."""

    ORIGINAL = "original"
    """The recording with its singer."""
    ACCOMPANIMENT = "accompaniment"
    """The backing; when the original is known too, one file with two audio tracks: 0 the backing, 1 the original."""
    ACCOMPANIMENT_ALONE = "accompaniment_alone"
    """The backing as a file of one track, made beside a two-track one: for callers who may sing but not play."""
    CLIP = "clip"
    """The long clip of the backing: the highlight with its lead-in."""
    SEGMENT = "segment"
    """The short segment of the backing as a file of its own."""
    LYRICS = "lyrics"
    PITCH_LINE = "pitch_line"
    WAVEFORM = "waveform"
    """How loud the recording is from moment to moment, to be drawn; the backing where there is no recording."""
    COVER = "cover"
    """The cover as large as it is kept."""
    COVER_MINI = "cover_mini"
    COVER_SMALL = "cover_small"
    COVER_MEDIUM = "cover_medium"


COVER_SIZES_PX = {
    PartKind.COVER: 1000,
    PartKind.COVER_MEDIUM: 500,
    PartKind.COVER_SMALL: 300,
    PartKind.COVER_MINI: 100,
}
"""How long a side of a cover is at most."""

SINGER_PICTURE_PX = 300


class Quality(Enum):
    """How finely audio is encoded. Parts that are not audio are NORMAL."""

    NORMAL = "normal"
    HQ = "hq"
    SQ = "sq"


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """Stored bytes, named by their SHA-256 in lowercase hex."""

    sha256: str
    size_bytes: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One deliverable of a song. `duration_ms` is 0 for what has no length in time."""

    kind: PartKind
    quality: Quality
    media_type: str
    blob: Blob
    duration_ms: int = 0
    track_count: int = 0


class Highlight(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a song that people wait for.

    `clip` is the long clip including its lead-in of `prelude_ms`; `segments` are short stretches of whole lines inside
    it, all on the original recording's timeline. `rule` names what the choice rests on (`music.highlight`), and
    `confidence`, from 0 to 1, says how sure it is. `automatic` is what the rules choose, where an operator has set
    something else; None where they choose nothing.
    """

    clip: Span
    prelude_ms: int
    segments: tuple[Span, ...]
    rule: str
    confidence: float = 1.0
    automatic: "Highlight | None" = None


REFERENCE_LUFS = -16.0
"""The level that a song's gain leads to: what music for phones and small speakers is commonly brought to."""

QUIETEST_LUFS, LOUDEST_LUFS = -40.0, -5.0
"""Between these songs may be levelled."""


class Loudness(msgspec.Struct, frozen=True, kw_only=True):
    """How loud a sound is by EBU R 128: the whole of it, and how much it varies.

    `integrated_lufs` is None for what is silent or shorter than 0.4 s, `true_peak_dbtp` for silence.
    """

    integrated_lufs: float | None
    range_lu: float
    true_peak_dbtp: float | None


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """How loud a song is, original and backing apart, as delivered, and what was or can be done about it.

    `applied_db` is in the parts already; `gain_db` is what would bring the parts as they are to the reference level
    (`REFERENCE_LUFS`) without clipping, 0 where no loudness is known. Both hold for all parts alike.
    """

    original: Loudness | None
    backing: Loudness | None
    applied_db: float = 0.0
    gain_db: float = 0.0


class Tempo(msgspec.Struct, frozen=True, kw_only=True):
    """The tempo that was measured: beats a minute, what they might be taken for instead, and how sure (0 to 1)."""

    bpm: float
    bpm_alt: float
    confidence: float


class SongState(Enum):
    """What a song lacks, for the operator to see; the matching requests answer their documented code."""

    NEEDS_ACCOMPANIMENT = "needs_accompaniment"
    NEEDS_LYRICS = "needs_lyrics"
    NEEDS_WORD_LYRICS = "needs_word_lyrics"
    NEEDS_PITCH_LINE = "needs_pitch_line"


class Version(Enum):
    """What a recording is among those of one work."""

    STUDIO = ""
    LIVE = "live"
    COVER = "cover"
    INSTRUMENTAL = "instrumental"
    REMIX = "remix"


class SongFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery says about a song. Unknown text is "", an unknown number None.

    `genre` is the delivery's own word, `genres` the documented numbers 1 to 27 (`catalogue.genre`). `isrc` names the
    recording and `iswc` the work, both in their canonical spelling.
    """

    title: str
    aliases: tuple[str, ...] = ()
    singers: tuple[str, ...] = ()
    album: str = ""
    language: str = ""
    genre: str = ""
    genres: tuple[int, ...] = ()
    year: int | None = None
    bpm: int | None = None
    isrc: str = ""
    iswc: str = ""
    version: Version = Version.STUDIO


class SingerPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A singer's picture that came with a song. It is the singer's from then on, beside every song."""

    singer: str
    blob: Blob


class PublishedSong(msgspec.Struct, frozen=True, kw_only=True):
    """A whole song, ready to be seen by callers in one transaction.

    (`vendor_id`, `source_key`) finds the song again at the next import; `fingerprint` is the hash of everything that
    went into it, so an unchanged delivery changes nothing. `level` is None for a song that came without files.
    `separated_by` is the SHA-256 of the model that made the accompaniment of the original, "" where none did.
    """

    vendor_id: VendorId
    source_key: str
    fingerprint: str
    facts: SongFacts
    duration_ms: int
    accompaniment_duration_ms: int
    highlight: Highlight | None
    parts: tuple[Part, ...]
    states: tuple[SongState, ...] = ()
    pictures: tuple[SingerPicture, ...] = ()
    level: Level | None = None
    tempo: Tempo | None = None
    separated_by: str = ""

    @property
    def bpm(self) -> int | None:
        """The tempo by the facts, or else as it was measured; None where neither is known."""
        if self.facts.bpm is None and self.tempo is not None:
            return round(self.tempo.bpm)
        return self.facts.bpm


class Song(msgspec.Struct, frozen=True, kw_only=True):
    """A song in the catalogue: what was published, under its id, at its revision (from 1, one more at each change).

    `delivered` is what the delivery says where an operator has edited the facts, else None.
    """

    song_id: SongId
    revision: int
    published: PublishedSong
    delivered: SongFacts | None = None

    @property
    def vendor_id(self) -> VendorId:
        return self.published.vendor_id

    def part(self, kind: PartKind, quality: Quality = Quality.NORMAL) -> Part | None:
        """The part of that kind and quality, or None when the delivery did not support it."""
        for part in self.published.parts:
            if part.kind is kind and part.quality is quality:
                return part
        return None


class Outcome(Enum):
    """What publishing did."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """The song's place in the catalogue after publishing."""

    song_id: SongId
    revision: int
    outcome: Outcome


class UnknownSong(YuefuError):
    """No song of that id is published."""

    def __init__(self, song_id: SongId | str) -> None:
        super().__init__(f"there is no song {song_id}")
        self.song_id = song_id
