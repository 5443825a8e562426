"""`yuefu lyrics …`: files of lyrics, without a centre."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from yuefu.ingest.contents import read_text_bytes
from yuefu.ingest.report import clock, describe_finding
from yuefu.music.formats import FORMATS, LyricFormat, ParsedLyrics, format_named, losses, read_format, written_format
from yuefu.music.formats.carries import ASPECTS, NO, YES, aspects
from yuefu.music.han import Script, add_pinyin, convert_script
from yuefu.music.lyrics import Lyrics
from yuefu.music.parts import sung_parts
from yuefu.music.singers import MOST_SINGERS, names_in, share_lines, tell_voices
from yuefu.server.cli.options import escape_controls, json_option, print_json, print_table

FORMAT = click.Choice([each.name for each in FORMATS])
SINGERS = click.IntRange(2, MOST_SINGERS)

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
from_option = click.option("--from", "source", type=FORMAT, help="The format of what is read. [default: by its name]")
singers_option = click.option(
    "--singers", "singer_count", type=SINGERS, help="Give the lines to that many singers in turn."
)


@click.group()
def lyrics() -> None:
    """Lyrics in any format: convert them, look for what is wrong, see who sings what."""


@lyrics.command("convert")
@file_argument
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@from_option
@click.option("--to", "wanted", type=FORMAT, help="The format to write. [default: by the name of OUT]")
@click.option("--simplified", "script", flag_value="simplified", help="In simplified characters.")
@click.option("--traditional", "script", flag_value="traditional", help="In traditional characters.")
@click.option("--pinyin", is_flag=True, help="Add how Chinese words are read, where the format has a place for it.")
@singers_option
@json_option
def convert(
    *,
    file: Path,
    target: Path,
    source: str | None,
    wanted: str | None,
    script: Script | None,
    pinyin: bool,
    singer_count: int | None,
    as_json: bool,
) -> None:
    """Write the lyrics in FILE to OUT, and say what OUT's format cannot hold; `-` is standard output.

    Formats go by the names of files: .lrc .krc .qrc .yrc .txt .ttml .ass .vtt .json. `yuefu lyrics formats` lists what
    each holds. Exit status 1, and nothing written, when FILE holds no lyrics.
    """
    lyric_format, parsed = _read(file, source)
    held = _with_voices(parsed.lyrics, singer_count)
    if script:
        held = convert_script(held, script)
    if pinyin:
        held = add_pinyin(held)
    written = format_named(wanted) if wanted else written_format(target.suffix, held)
    if held.lines:
        _write(target, written.render(held))
    lost = losses(held, written.carries)
    if as_json:
        facts = {"from": lyric_format.name, "to": written.name, "lines": len(held.lines), "lost": lost}
        print_json({**facts, "findings": parsed.findings})
    else:
        _tell_findings(parsed)
        if held.lines:
            _tell(f"{target}: {written.title}, {_lines(held)}")
        for loss in lost:
            _tell(f"not in it: {loss}")
    sys.exit(0 if held.lines else 1)


@lyrics.command("check")
@file_argument
@from_option
@json_option
def check(*, file: Path, source: str | None, as_json: bool) -> None:
    """Read FILE and tell what is wrong with it, line by line. Exit status 1 when anything is."""
    lyric_format, parsed = _read(file, source)
    held = _with_voices(parsed.lyrics, None)
    if as_json:
        print_json({**_facts(lyric_format, held), "findings": parsed.findings})
    else:
        _tell_findings(parsed)
        click.echo(escape_controls(_summary(file, lyric_format, held)))
    sys.exit(1 if parsed.findings else 0)


@lyrics.command("parts")
@file_argument
@from_option
@singers_option
@json_option
def parts(*, file: Path, source: str | None, singer_count: int | None, as_json: bool) -> None:
    """Show who sings which part, as the voices of FILE or marks in it (男：, (女), 【合】, Male:) tell.

    Exit status 1 when FILE holds no lyrics.
    """
    parsed = _read(file, source)[1]
    held = _with_voices(parsed.lyrics, singer_count)
    found = sung_parts(held)
    _tell_findings(parsed)
    if as_json:
        print_json([{"start": part.begin_ms, "end": part.end_ms, "tags": part.singers} for part in found])
    elif found:
        rows = [(clock(part.begin_ms), clock(part.end_ms), ", ".join(_names(part.singers, held))) for part in found]
        print_table(("From", "To", "Who sings"), rows)
    elif held.lines:
        click.echo("One singer sings it all; --singers N shares it out.")
    sys.exit(0 if held.lines else 1)


@lyrics.command("formats")
@json_option
def formats(*, as_json: bool) -> None:
    """Show every format and what it holds."""
    if as_json:
        print_json(
            [
                {"name": each.name, "title": each.title, "suffix": each.suffix, "holds": asdict(each.carries)}
                for each in FORMATS
            ]
        )
    else:
        print_table(("Format", "File", "Holds", "Times in"), [_row(each) for each in FORMATS])


def _row(lyric_format: LyricFormat) -> tuple[str, str, str, str]:
    *said, _ = zip(ASPECTS, aspects(lyric_format.carries), strict=True)
    held = [
        aspect.lower() if answer == YES else f"{aspect.lower()} {answer}" for aspect, answer in said if answer != NO
    ]
    return lyric_format.name, lyric_format.suffix, ", ".join(held), f"{lyric_format.carries.resolution_ms} ms"


def _read(file: Path, source: str | None) -> tuple[LyricFormat, ParsedLyrics]:
    data = read_text_bytes(file)
    lyric_format = format_named(source) if source else read_format(file.suffix, data)
    return lyric_format, lyric_format.parse(data, file=file.name)


def _with_voices(held: Lyrics, singer_count: int | None) -> Lyrics:
    if singer_count:
        return share_lines(held, singer_count)
    return tell_voices(held, names_in(held.headers.get("ar", "")))


def _write(target: Path, data: bytes) -> None:
    try:
        with click.open_file(str(target), "wb") as file:
            file.write(data)
    except OSError as error:
        raise click.FileError(str(target), error.strerror or "") from error


def _names(singers: tuple[str, ...], held: Lyrics) -> list[str]:
    names = dict(enumerate(held.voice_names, 1))
    return [f"{singer} {names.get(int(singer), '')}".strip() for singer in singers]


def _facts(lyric_format: LyricFormat, held: Lyrics) -> dict[str, object]:
    return {
        "format": lyric_format.name,
        "lines": len(held.lines),
        "words": sum(len(line.words) for line in held.lines),
        "voices": len(held.voices),
        "translated": sum(bool(line.translation) for line in held.lines),
        "read_out": sum(bool(line.pronunciation) for line in held.lines),
        "begin_ms": held.begin_ms,
        "end_ms": held.end_ms,
    }


def _summary(file: Path, lyric_format: LyricFormat, held: Lyrics) -> str:
    words = sum(len(line.words) for line in held.lines)
    said = [lyric_format.title, _lines(held), f"{words} words with times" if words else "no word times"]
    if len(held.voices) > 1:
        said.append(f"{len(held.voices)} voices")
    if held.lines:
        said.append(f"{clock(held.begin_ms)}–{clock(held.end_ms)}")
    return f"{file.name}: {', '.join(said)}"


def _lines(held: Lyrics) -> str:
    return f"{len(held.lines)} line{'' if len(held.lines) == 1 else 's'}"


def _tell_findings(parsed: ParsedLyrics) -> None:
    for finding in parsed.findings:
        _tell(describe_finding(finding))


def _tell(text: str) -> None:
    """A line for people, apart from lyrics on standard output."""
    click.echo(escape_controls(text), err=True)
