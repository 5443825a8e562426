"""SongDraft → AnalysedSong: the audio measured, the lyrics held against it, the highlight chosen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from yuefu.catalogue.song import Highlight, Level, Loudness, Quality, Tempo
from yuefu.ingest.draft import SongDraft
from yuefu.ingest.hearing import Hearing
from yuefu.ingest.loudness import amplify, as_db, set_level
from yuefu.ingest.media import AudioProbe, Studio, hear_nothing
from yuefu.ingest.recall import Recall
from yuefu.ingest.singing import hear_singing, needed_sounds
from yuefu.music import highlight
from yuefu.music.f0 import Mono
from yuefu.music.findings import Finding
from yuefu.music.lyrics import Line, Lyrics, Word
from yuefu.music.notes import PitchLine
from yuefu.music.prominence import loudness_curve
from yuefu.music.tempo import find_tempo
from yuefu.music.transcription import syllables_per_s
from yuefu.music.waveform import Waveform
from yuefu.units import Span

LARGEST_GAP_MS = 2_000
"""How much an accompaniment may differ in length from its original before its owner should hear of it."""


HQ_BPS = 160_000
"""The bit rate, for two channels, from which a lossy source is worth encoding in `hq`."""

FULL_SCALE = 0.98
"""How high a mix may peak: a little below 1, for the encoder adds a little."""


@dataclass(frozen=True, slots=True)
class Source:
    """Files that sound together as the original or as the backing, and what was heard of them.

    `finest` is the best quality they are good for. Parts are recorded of them with every sample times `gain`.
    """

    files: tuple[Path, ...]
    duration_ms: int
    finest: Quality
    loudness: Loudness
    waveform: Waveform
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class AnalysedSong:
    """A song about which all is known that its parts are made by.

    `original` is the recording, or vocals and backing together. `duration_ms` is the original's, the accompaniment's
    where there is no original; nothing in `lyrics` and `pitch_line` lies beyond it.
    """

    draft: SongDraft
    original: Source | None
    backing: Source | None
    duration_ms: int
    level: Level
    lyrics: Lyrics
    pitch_line: PitchLine
    tempo: Tempo | None
    highlight: Highlight | None
    findings: tuple[Finding, ...]


def analyse_song(
    draft: SongDraft,
    studio: Studio,
    *,
    level_lufs: float | None = None,
    chosen_clip: Span | None = None,
    heard: Callable[[float], None] = hear_nothing,
) -> AnalysedSong:
    """Measure the song; its parts are to be as loud as `level_lufs` says, or as they were delivered. `chosen_clip` is
    the clip of the highlight that an operator has set.

    Raises `Unplayable` when its audio cannot be used.
    """
    tracks = draft.tracks
    files = [file for file in tracks.files if file != tracks.vocals or not tracks.original]
    hearings = {file: Hearing() for file in files}
    music = tracks.original or tracks.backing
    recalls = {file: Recall() for file in {*needed_sounds(draft), *((music,) if music else ())}}
    probes = {
        file: studio.probe(file, ears=[ears[file] for ears in (hearings, recalls) if file in ears], heard=heard)
        for file in files
    }
    for file in recalls.keys() - probes.keys():
        studio.listen([file], [recalls[file]], heard=heard)
    backing = _backing(draft, probes, hearings)
    original = _original(draft, studio, probes, hearings, heard)
    level, gain = set_level(
        original=original.loudness if original else None,
        backing=backing.loudness if backing else None,
        level_lufs=level_lufs,
    )
    duration_ms = max(source.duration_ms for source in (original or backing,) if source)
    lyrics, lyric_findings = fit_lyrics(draft.lyrics, duration_ms)
    sounds = {file: recalls.pop(file).sound() for file in tuple(recalls)}
    sung = hear_singing(draft, sounds, lyrics)
    recording = sounds.get(music)
    sounds.clear()  # what is heard from here on takes their room
    pitch_line, note_findings = fit_pitch_line(sung.pitch_line, duration_ms)
    shared_ms = min(duration_ms, backing.duration_ms) if backing else duration_ms
    automatic = _highlight(draft, lyrics, pitch_line, recording, shared_ms)
    chosen = set_highlight(lyrics, chosen_clip, shared_ms, automatic=automatic) if chosen_clip else None
    return AnalysedSong(
        draft=draft,
        original=original and replace(original, gain=original.gain * gain),
        backing=backing and replace(backing, gain=backing.gain * gain),
        duration_ms=duration_ms,
        level=level,
        lyrics=lyrics,
        pitch_line=pitch_line,
        tempo=_tempo(draft, lyrics, pitch_line, recording),
        highlight=chosen or automatic,
        findings=(
            *draft.findings,
            *_damage(probes),
            *lyric_findings,
            *sung.findings,
            *note_findings,
            *_unequal_lengths(backing, duration_ms),
            *_lost_choice(chosen_clip, chosen),
        ),
    )


def _backing(draft: SongDraft, probes: Mapping[Path, AudioProbe], hearings: Mapping[Path, Hearing]) -> Source | None:
    """The backing; one that was made of the original is no finer than that."""
    tracks = draft.tracks
    if tracks.backing is None:
        return None
    source = _source([tracks.backing], probes, hearings[tracks.backing])
    if draft.separation and tracks.original:
        return replace(source, finest=finest_quality([probes[tracks.original]]))
    return source


def _original(
    draft: SongDraft,
    studio: Studio,
    probes: Mapping[Path, AudioProbe],
    hearings: Mapping[Path, Hearing],
    heard: Callable[[float], None],
) -> Source | None:
    """The recording, or vocals and backing mixed: softer where they would clip together."""
    tracks = draft.tracks
    if tracks.original:
        return _source([tracks.original], probes, hearings[tracks.original])
    if not (tracks.vocals and tracks.backing):
        return None
    mix = Hearing()
    studio.listen([tracks.vocals, tracks.backing], [mix], heard=heard)
    return _source([tracks.vocals, tracks.backing], probes, mix, gain=min(1.0, FULL_SCALE / (mix.peak or FULL_SCALE)))


def _source(files: Sequence[Path], probes: Mapping[Path, AudioProbe], hearing: Hearing, *, gain: float = 1.0) -> Source:
    return Source(
        files=tuple(files),
        duration_ms=max(probes[file].duration_ms for file in files),
        finest=finest_quality([probes[file] for file in files]),
        loudness=amplify(hearing.loudness(), as_db(gain)),
        waveform=hearing.waveform(),
        gain=gain,
    )


def finest_quality(probes: Sequence[AudioProbe]) -> Quality:
    """The best quality that sources are good for: no file is made larger to hold what its source has lost before."""
    if all(probe.is_lossless for probe in probes):
        return Quality.SQ
    enough = all(probe.is_lossless or probe.bit_rate_bps >= HQ_BPS * min(probe.channels, 2) / 2 for probe in probes)
    return Quality.HQ if enough else Quality.NORMAL


def _tempo(draft: SongDraft, lyrics: Lyrics, pitch_line: PitchLine, music: Mono | None) -> Tempo | None:
    """The tempo that is heard, where the delivery does not say it."""
    if draft.facts.bpm is not None or music is None:
        return None
    found = find_tempo(music, syllables_per_s=syllables_per_s(lyrics, pitch_line))
    if found is None:
        return None
    return Tempo(bpm=round(found.bpm, 1), bpm_alt=round(found.bpm_alt, 1), confidence=round(found.confidence, 2))


def _highlight(
    draft: SongDraft,
    lyrics: Lyrics,
    pitch_line: PitchLine,
    music: Mono | None,
    duration_ms: int,
) -> Highlight | None:
    choice = highlight.choose(
        lyrics,
        duration_ms=duration_ms,
        medley=draft.medley,
        preview_ms=draft.preview_ms,
        pitch_line=pitch_line,
        loudness_db=None if music is None else loudness_curve(music),
    )
    return _as_highlight(choice) if choice else None


def set_highlight(lyrics: Lyrics, clip: Span, duration_ms: int, *, automatic: Highlight | None) -> Highlight | None:
    """The highlight whose clip an operator set in place of the `automatic` one, None where the song has become too
    short for it.
    """
    if clip.end_ms > duration_ms:
        return None
    chosen = _as_highlight(highlight.set_by_hand(lyrics, clip, duration_ms=duration_ms))
    return msgspec.structs.replace(chosen, automatic=automatic)


def _as_highlight(choice: highlight.Choice) -> Highlight:
    return Highlight(
        clip=choice.clip,
        prelude_ms=choice.prelude_ms,
        segments=choice.segments,
        rule=choice.rule.value,
        confidence=choice.confidence,
    )


def fit_lyrics(lyrics: Lyrics, duration_ms: int) -> tuple[Lyrics, tuple[Finding, ...]]:
    """The lyrics that are sung before the audio ends, `duration_ms` after its beginning."""
    fitted = tuple(line for line in (_fit_line(line, duration_ms) for line in lyrics.lines) if line)
    return (
        msgspec.structs.replace(lyrics, lines=fitted),
        _beyond("line", lyrics.lines, fitted, lyrics.end_ms - duration_ms),
    )


def _fit_line(line: Line, duration_ms: int) -> Line | None:
    if line.end_ms <= duration_ms:
        return line
    words = tuple(word for word in (_fit_word(word, duration_ms) for word in line.words) if word)
    if line.begin_ms >= duration_ms or (line.words and not words):
        return None
    text = line.text if len(words) == len(line.words) else "".join(word.text for word in words).strip()
    fitted = msgspec.structs.replace(line, end_ms=duration_ms, words=words, text=text)
    if len(line.pronunciation) != len(line.syllables):
        return fitted
    return msgspec.structs.replace(fitted, pronunciation=line.pronunciation[: len(fitted.syllables)])


def _fit_word(word: Word, duration_ms: int) -> Word | None:
    syllables = tuple(
        msgspec.structs.replace(syllable, duration_ms=min(syllable.duration_ms, duration_ms - syllable.begin_ms))
        for syllable in word.syllables
        if syllable.begin_ms < duration_ms
    )
    return Word(syllables=syllables) if syllables else None


def fit_pitch_line(pitch_line: PitchLine, duration_ms: int) -> tuple[PitchLine, tuple[Finding, ...]]:
    """The notes that are sung before the audio ends."""
    fitted = tuple(
        msgspec.structs.replace(note, duration_ms=min(note.duration_ms, duration_ms - note.begin_ms))
        for note in pitch_line.notes
        if note.begin_ms < duration_ms
    )
    late_ms = max((note.end_ms for note in pitch_line.notes), default=0) - duration_ms
    return msgspec.structs.replace(pitch_line, notes=fitted), _beyond("note", pitch_line.notes, fitted, late_ms)


def _beyond(noun: str, given: tuple[object, ...], fitted: tuple[object, ...], late_ms: int) -> tuple[Finding, ...]:
    if late_ms <= 0:
        return ()
    left_out = len(given) - len(fitted)
    action = f"{left_out} of {len(given)} {noun}s left out" if left_out else f"the last {noun} shortened"
    return (Finding(problem=f"the {noun}s end {late_ms / 1000:.1f} s after the audio", action=action),)


def _damage(probes: dict[Path, AudioProbe]) -> Iterator[Finding]:
    for file, probe in probes.items():
        if probe.damaged_packets:
            yield Finding(
                file=file.name, problem=f"{probe.damaged_packets} packets cannot be decoded", action="skipped"
            )
        if not probe.has_end:
            yield Finding(file=file.name, problem="no end mark; the file may be cut off", action="taken as it is")


def _unequal_lengths(backing: Source | None, duration_ms: int) -> tuple[Finding, ...]:
    if backing is None or abs(backing.duration_ms - duration_ms) <= LARGEST_GAP_MS:
        return ()
    gap_s = abs(backing.duration_ms - duration_ms) / 1000
    order = "shorter" if backing.duration_ms < duration_ms else "longer"
    return (
        Finding(
            file=backing.files[0].name,
            problem=f"the accompaniment is {gap_s:.1f} s {order} than the original",
            action="taken as it is; both are thought to begin together",
        ),
    )


def _lost_choice(chosen_clip: Span | None, chosen: Highlight | None) -> tuple[Finding, ...]:
    if chosen_clip is None or chosen is not None:
        return ()
    end_s = chosen_clip.end_ms / 1000
    problem = f"the highlight was set by hand to end at {end_s:.1f} s, where there is no sound any more"
    return (Finding(problem=problem, action="chosen anew"),)
