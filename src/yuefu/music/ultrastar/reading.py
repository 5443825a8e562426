"""From the bytes of an UltraStar text to a song."""

import re
from collections.abc import Iterable

import msgspec

from yuefu.music.findings import FindingList
from yuefu.music.lyrics import Line, Lyrics, Word
from yuefu.music.notes import Note, PitchLine
from yuefu.music.text import check_size, decode, split_lines
from yuefu.music.ultrastar.beats import BeatClock
from yuefu.music.ultrastar.body import BOTH_VOICES, Body, BodyReader, is_note_line
from yuefu.music.ultrastar.headers import Headers, split_header
from yuefu.music.ultrastar.singing import sing
from yuefu.music.ultrastar.song import UltraStarSong
from yuefu.music.unreadable import NoHeaders, NoNotes, TooLarge
from yuefu.units import Span

MOST_LINES = 50_000
LONGEST_LINE = 2_000
"""In characters."""
LONGEST_WORD = 6
"""In syllables."""

_DECLARED_ENCODING = re.compile(rb"#[ \t]*ENCODING[ \t]*:([^\r\n]{0,100})", re.IGNORECASE)
_KNOWN_TAGS = {"TITLE", "ARTIST", "BPM", "GAP", "MP3", "AUDIO", "VERSION"}
_HEAD_BYTES = 64 * 1024


def parse(data: bytes, *, file: str = "") -> UltraStarSong:
    """The song that `data` spells; everything that had to be repaired is a finding about `file`.

    Raises UnreadableSong: TooLarge, NoHeaders, NoTitle, NoTempo or NoNotes.
    """
    check_size(data)
    findings = FindingList(file)
    headers, body = _read(_decode(data, findings), findings)
    title, bpm = headers.title, headers.bpm
    clock = BeatClock(bpm, gap_ms=headers.number("GAP") or 0, changes=body.changes)
    lyrics, pitch_line = _sing_voices(headers, body, clock, findings)
    if not headers.text("ARTIST"):
        findings.add("the song has no artist", "left empty")
    if _lacks_blanks(lyrics):
        findings.add("no blank separates the words", "kept as written")
    return UltraStarSong(
        title=title,
        lyrics=lyrics,
        pitch_line=pitch_line,
        artist=headers.text("ARTIST"),
        language=headers.text("LANGUAGE"),
        genre=headers.text("GENRE"),
        year=headers.year,
        edition=headers.text("EDITION"),
        creator=headers.text("CREATOR"),
        version=headers.text("VERSION"),
        audio=headers.text("AUDIO"),
        mp3=headers.text("MP3"),
        vocals=headers.text("VOCALS"),
        instrumental=headers.text("INSTRUMENTAL"),
        cover=headers.text("COVER"),
        background=headers.text("BACKGROUND"),
        video=headers.text("VIDEO"),
        medley=_find_medley(headers, clock, findings),
        preview_ms=headers.seconds_or_milliseconds("PREVIEWSTART"),
        start_ms=headers.seconds_or_milliseconds("START"),
        end_ms=headers.milliseconds("END"),
        findings=findings.close(),
    )


def is_song_text(data: bytes) -> bool:
    """Whether `data` looks like an UltraStar text at all, be it a broken one: licences and plain lyrics do not."""
    lines = split_lines(decode(data[:_HEAD_BYTES]).text)
    return any(_is_song_line(line) for line in lines if len(line) <= LONGEST_LINE)


def _is_song_line(line: str) -> bool:
    header = split_header(line)
    return header[0] in _KNOWN_TAGS if header else is_note_line(line)


def _decode(data: bytes, findings: FindingList) -> str:
    declaration = _DECLARED_ENCODING.search(data[:_HEAD_BYTES])
    decoded = decode(data, declared=declaration[1].decode("latin-1") if declaration else None)
    findings.add_all(decoded.findings)
    return decoded.text


def _read(text: str, findings: FindingList) -> tuple[Headers, Body]:
    """Header and body of a text. Headers come before the first line of the body; all that is neither is a finding."""
    lines = split_lines(text)
    if len(lines) > MOST_LINES:
        raise TooLarge(len(lines), MOST_LINES, "lines")
    headers, body = Headers(findings), None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > LONGEST_LINE:
            findings.add(f"a line has more than {LONGEST_LINE:,} characters", "ignored", number)
        elif body is None and (header := split_header(line)):
            headers.add(*header, number)
        else:
            reader = body or BodyReader(findings, is_relative=headers.is_relative)
            if reader.take(line, number):
                body = reader
            else:
                findings.add("a line is neither header, note nor phrase end", "ignored", number)
            if reader.body.is_ended:
                break
    else:
        findings.add("the text does not end with E, so it may have been cut off", "read what is there")
    if headers.is_empty:
        raise NoHeaders
    return headers, body.body if body else Body()


def _sing_voices(headers: Headers, body: Body, clock: BeatClock, findings: FindingList) -> tuple[Lyrics, PitchLine]:
    """What all voices sing. Voices are numbered from 1 without gaps, whatever labels the text gives them."""
    lines: list[Line] = []
    notes: list[Note] = []
    names: list[str] = []
    for label, phrases in body.voices(label_3_is_both=_writes_3_for_both(headers, body)):
        voice_lines, voice_notes = sing(phrases, voice=len(names) + 1, clock=clock, findings=findings)
        if voice_notes:
            lines += voice_lines
            notes += voice_notes
            names.append(headers.voice_names.get(label, ""))
    if not notes:
        raise NoNotes
    while names and not names[-1]:
        names.pop()
    return (
        Lyrics(lines=_join_voices(lines), voice_names=tuple(names)),
        PitchLine(notes=tuple(sorted(notes, key=lambda note: (note.begin_ms, note.voice)))),
    )


def _lacks_blanks(lyrics: Lyrics) -> bool:
    """Whether whole lines read as one word because the author left the blanks out."""
    return not any(" " in line.text for line in lyrics.lines) and any(
        len(word.syllables) > LONGEST_WORD for line in lyrics.lines for word in line.words
    )


def _writes_3_for_both(headers: Headers, body: Body) -> bool:
    """Whether `P3` is both singers of an old duet rather than a third one, which only version 1 brought."""
    return (
        headers.major_version == 0
        and 2 in body.phrases
        and max(body.phrases) == BOTH_VOICES
        and BOTH_VOICES not in headers.voice_names
    )


def _join_voices(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines in order of time; what several voices sing alike is one line that they sing together."""
    joined: dict[tuple[Word, ...], Line] = {}
    for line in lines:
        same = joined.get(line.words)
        voices = same.voices + line.voices if same else line.voices
        joined[line.words] = msgspec.structs.replace(line, voices=voices)
    return tuple(sorted(joined.values(), key=lambda line: (line.begin_ms, line.voices)))


def _find_medley(headers: Headers, clock: BeatClock, findings: FindingList) -> Span | None:
    """The part that the author marked for medleys: milliseconds in version 2, beats before."""
    if headers.major_version >= 2:
        begin_ms, end_ms = headers.milliseconds("MEDLEYSTART") or 0, headers.milliseconds("MEDLEYEND")
    else:
        begin, end = headers.whole_number("MEDLEYSTARTBEAT"), headers.whole_number("MEDLEYENDBEAT")
        if begin is None or end is None:
            return None
        begin_ms, end_ms = max(clock.time_ms(begin), 0), clock.time_ms(end)
    if end_ms is None:
        return None
    if not begin_ms < end_ms:
        findings.add("the medley ends before it begins", "ignored its marks")
        return None
    return Span(begin_ms=begin_ms, end_ms=end_ms)
