"""What an UltraStar text says, in our words and units."""

import msgspec

from yuefu.music.findings import Finding
from yuefu.music.lyrics import Lyrics
from yuefu.music.notes import PitchLine
from yuefu.units import Span


class UltraStarSong(msgspec.Struct, frozen=True, kw_only=True):
    """A song text as it was read. Times are milliseconds on the audio's timeline; unknown text is "".

    `audio`, `mp3`, `vocals`, `instrumental`, `cover`, `background` and `video` are file names as the text writes them:
    they may not exist, and they may point anywhere. `start_ms` and `end_ms` are where a game begins and stops playing.
    """

    title: str
    lyrics: Lyrics
    pitch_line: PitchLine
    artist: str = ""
    language: str = ""
    genre: str = ""
    year: int | None = None
    edition: str = ""
    creator: str = ""
    version: str = ""
    audio: str = ""
    mp3: str = ""
    vocals: str = ""
    instrumental: str = ""
    cover: str = ""
    background: str = ""
    video: str = ""
    medley: Span | None = None
    preview_ms: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def audio_file(self) -> str:
        """The file to sing to: `#AUDIO` where both it and the older `#MP3` are given."""
        return self.audio or self.mp3
