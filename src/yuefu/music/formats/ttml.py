"""TTML: an XML document of paragraphs with times, and of spans with the times of words.

    <tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata">
      <head><metadata><ttm:agent type="person" xml:id="v1"><ttm:name>甲</ttm:name></ttm:agent></metadata></head>
      <body><div>
        <p begin="1.2" end="4.6" ttm:agent="v1"><span begin="1.2" end="1.6">two</span> <span …>words</span>
          <span ttm:role="x-translation">deux mots</span><span ttm:role="x-roman">…</span></p>

A blank between spans parts words; without one they are syllables of a word. `x-bg` is sung behind, `x-translation` and
`x-roman` (how it is read) are layers. Times are clock times, also of seconds alone, or numbers with a unit.

Sources: the W3C's TTML2 (www.w3.org/TR/ttml2), sections 12.3 and 14.1; for words, roles and unit-less times the
practice of players. Times of spans count from their paragraph in the recommendation and from the document's beginning
in that practice; which of the two is meant shows in the document.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from lxml import etree

from yuefu.music.findings import FindingList
from yuefu.music.formats.text import (
    LATEST_MS,
    LONGEST_LINE,
    ParsedLyrics,
    Piece,
    collect,
    decode_text,
    flatten,
    plain_line,
    read_line,
)
from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.singers import MOST_SINGERS
from yuefu.music.text import check_size
from yuefu.music.unreadable import NotInFormat, TooLarge
from yuefu.units import HOUR_MS, MINUTE_MS, SECOND_MS

MOST_ELEMENTS = 200_000
MOST_ATTRIBUTES = 100
"""Of one element."""

_TT = "http://www.w3.org/ns/ttml"
_TTM, _TTP, _XML = f"{_TT}#metadata", f"{_TT}#parameter", "http://www.w3.org/XML/1998/namespace"
_DECLARATION = re.compile(r"<\?xml[^>]{0,200}\?>")
_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]{0,100}encoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9._-]{1,40})")
_DOCUMENT_TYPE = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_CLOCK = re.compile(r"(?:([0-9]{1,3}):)?(?:([0-9]{1,3}):)?([0-9]{1,9})(?:\.([0-9]{1,9})|:([0-9]{1,3}))?")
_WITH_UNIT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(h|ms|m|s|f|t)")
_BACKGROUND, _TRANSLATION, _READING = "x-bg", "x-translation", "x-roman"


def parse(data: bytes, *, file: str = "") -> ParsedLyrics:
    """The lyrics that `data` spells.

    Raises TooLarge, and NotInFormat for what is no well-formed XML, no TTML, or has a document type: with one every
    attack by entities begins, and no lyrics have one.
    """
    check_size(data)
    findings = FindingList(file)
    declared = _DECLARED_ENCODING.search(data[:400])
    root = _parse_xml(decode_text(data, findings, declared=declared[1].decode() if declared else None))
    reader = _Reader(root, findings)
    return collect(reader.lines(), findings, headers=reader.headers, voice_names=reader.voice_names)


def render(lyrics: Lyrics) -> str:
    """TTML with times to the millisecond, and a span for each syllable where words have times."""
    root = etree.Element(f"{{{_TT}}}tt", {f"{{{_XML}}}lang": ""}, nsmap={None: _TT, "ttm": _TTM})  # as TTML demands
    metadata = etree.SubElement(etree.SubElement(root, f"{{{_TT}}}head"), f"{{{_TT}}}metadata")
    for tag, name in (("title", "ti"), ("desc", "al")):
        if text := lyrics.headers.get(name):
            etree.SubElement(metadata, f"{{{_TTM}}}{tag}").text = text
    for voice in range(1, max(lyrics.voices, default=0) + 1):
        agent = etree.SubElement(metadata, f"{{{_TTM}}}agent", {"type": "person", f"{{{_XML}}}id": f"v{voice}"})
        if name := "".join(lyrics.voice_names[voice - 1 : voice]):
            etree.SubElement(agent, f"{{{_TTM}}}name", {"type": "full"}).text = name
    div = etree.SubElement(etree.SubElement(root, f"{{{_TT}}}body"), f"{{{_TT}}}div")
    for line in lyrics.lines:
        _write_line(div, line)
    return str(etree.tostring(root, encoding="unicode")) + "\n"


def _write_line(div: Any, line: Line) -> None:
    agents = " ".join(f"v{voice}" for voice in line.voices)
    times = {"begin": _format_time(line.begin_ms), "end": _format_time(line.end_ms)}
    paragraph = etree.SubElement(div, f"{{{_TT}}}p", {**times, f"{{{_TTM}}}agent": agents})
    holder = _add_role(paragraph, _BACKGROUND) if line.is_background else paragraph
    if line.words:
        for syllable in line.syllables:
            span = etree.SubElement(holder, f"{{{_TT}}}span")
            span.set("begin", _format_time(syllable.begin_ms))
            span.set("end", _format_time(syllable.end_ms))
            span.text = syllable.text.rstrip()
            span.tail = syllable.text[len(span.text) :] or None
    else:
        holder.text = line.text
    if line.translation:
        _add_role(holder, _TRANSLATION).text = line.translation
    if len(line.pronunciation) == 1:
        _add_role(holder, _READING).text = line.pronunciation[0]
    elif line.pronunciation:
        reading = _add_role(holder, _READING)
        for text in line.pronunciation:
            span = etree.SubElement(reading, f"{{{_TT}}}span")
            span.text, span.tail = text, " "


def _add_role(element: Any, role: str) -> Any:
    return etree.SubElement(element, f"{{{_TT}}}span", {f"{{{_TTM}}}role": role})


def _format_time(time_ms: int) -> str:
    seconds, thousandths = divmod(time_ms, SECOND_MS)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"


def _parse_xml(text: str) -> Any:
    if _DOCUMENT_TYPE.search(text):
        raise NotInFormat("TTML", "it has a document type (DTD), which no lyrics have")
    if max(map(len, text.split("<"))) > LONGEST_LINE:  # the parser takes very long for very many attributes
        raise NotInFormat("TTML", f"an element has more than {LONGEST_LINE:,} characters of its own")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        stripped = text.strip()
        declaration = _DECLARATION.match(stripped)
        root = etree.fromstring(stripped[declaration.end() if declaration else 0 :].encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else "there is nothing in it"
        raise NotInFormat("TTML", f"it is not well-formed XML: {reason}") from None
    if etree.QName(root).localname != "tt":
        raise NotInFormat("TTML", f"its root is {etree.QName(root).localname[:40]!r} and not 'tt'")
    return root


class _Reader:
    """Takes a document apart. Elements and attributes go by their local names: writers qualify them or do not."""

    def __init__(self, root: Any, findings: FindingList) -> None:
        self._root, self._findings = root, findings
        self._times: dict[str, int | None] = {}
        self._frame_rate = _number(_attribute(root, "frameRate")) or 30.0
        self._tick_rate = _number(_attribute(root, "tickRate")) or self._frame_rate
        self._paragraphs: list[Any] = []
        self._layers: dict[tuple[str, str], str] = {}
        self.headers: dict[str, str] = {}
        self._voices: dict[str, int] = {}
        self._names: list[str] = []
        groups: list[str] = []
        for count, element in enumerate(root.iter(etree.Element), 1):
            if count > MOST_ELEMENTS:
                raise TooLarge(count, MOST_ELEMENTS, "elements")
            if len(element.attrib) > MOST_ATTRIBUTES:
                raise TooLarge(len(element.attrib), MOST_ATTRIBUTES, "attributes of an element")
            self._take(element, groups)
        self._everybody = tuple(range(1, max(len(self._names), 1) + 1))
        self._groups = frozenset(groups)
        votes = [vote for paragraph in self._paragraphs if (vote := self._counts_from(paragraph)) is not None]
        self._is_relative = sum(votes) * 2 > len(votes)

    @property
    def voice_names(self) -> Sequence[str]:
        return self._names

    def lines(self) -> Iterator[Line | None]:
        """The document's lines, with what is sung behind them."""
        for paragraph in self._paragraphs:
            if sum(map(len, paragraph.itertext())) > LONGEST_LINE:
                problem = f"a paragraph has more than {LONGEST_LINE:,} characters"
                self._findings.add(problem, "ignored", paragraph.sourceline)
            else:
                yield from self._lines_of(paragraph)

    def _take(self, element: Any, groups: list[str]) -> None:
        match _name(element):
            case "p" if next(element.iterancestors("{*}p"), None) is None:  # one in another is a part of it
                self._paragraphs.append(element)
            case "agent":
                agent_id = _attribute(element, "id")
                if _attribute(element, "type") == "group":
                    groups.append(agent_id)
                elif len(self._names) < MOST_SINGERS:
                    name = next((child for child in element if _name(child) == "name"), None)
                    self._names.append(flatten("".join(name.itertext())) if name is not None else "")
                    self._voices.setdefault(agent_id, len(self._names))
            case "title" if element.text:
                self.headers.setdefault("ti", flatten(element.text))
            case "desc" if element.text:
                self.headers.setdefault("al", flatten(element.text))
            case "text" if _attribute(element, "for"):
                kind = {"translation": _TRANSLATION, "transliteration": _READING}.get(_name(element.getparent()), "")
                self._layers.setdefault((kind, _attribute(element, "for")), flatten("".join(element.itertext())))

    def _counts_from(self, paragraph: Any) -> bool | None:
        """Whether its spans' times count from a paragraph: one begins before it otherwise. None where nothing tells."""
        begin_ms = self._time(_attribute(paragraph, "begin"))
        times = [self._time(_attribute(span, "begin")) for span in paragraph.iterdescendants(etree.Element)]
        begins_ms = [time_ms for time_ms in times if time_ms is not None]
        return min(begins_ms) < begin_ms if begin_ms and begins_ms else None

    def _lines_of(self, paragraph: Any) -> Iterator[Line | None]:
        begin_ms = self._time(_attribute(paragraph, "begin"))
        end_ms = self._end(paragraph, begin_ms or 0)
        voices = self._voices_of(_attribute(paragraph, "agent"))
        behind = [child for child in paragraph if _attribute(child, "role") == _BACKGROUND]
        line = self._read(paragraph, begin_ms, end_ms)
        if line is None and not behind and flatten("".join(paragraph.itertext())):
            self._findings.add("a paragraph has no time", "left out", paragraph.sourceline)
        key = _attribute(paragraph, "key")
        if line is not None:
            translation = line.translation or self._layers.get((_TRANSLATION, key), "")
            reading = self._layers.get((_READING, key), "")
            pronunciation = line.pronunciation or _share_reading(reading, line)
            yield msgspec.structs.replace(line, voices=voices, translation=translation, pronunciation=pronunciation)
        for span in behind:
            if sung := self._read(span, begin_ms, end_ms):
                yield msgspec.structs.replace(sung, voices=voices, is_background=True)

    def _read(self, element: Any, begin_ms: int | None, end_ms: int | None) -> Line | None:
        """The line whose words, translation and reading are children of `element`."""
        number = element.sourceline
        pieces = list(self._pieces(element, begin_ms or 0))
        if last_ms := max(piece.end_ms for piece in pieces):
            if end_ms is None or _name(element) != "p":
                end_ms = last_ms
            line = read_line(_join_untimed(pieces), self._findings, number, begin_ms=begin_ms or 0, end_ms=end_ms)
        elif begin_ms is None or end_ms is None:
            return None
        else:
            text = "".join(piece.text for piece in pieces)
            line = plain_line(text, begin_ms=begin_ms, end_ms=end_ms, findings=self._findings, number=number)
        if line is None:
            return None
        translation = next((child for child in element if _attribute(child, "role") == _TRANSLATION), None)
        reading = next((child for child in element if _attribute(child, "role") == _READING), None)
        return msgspec.structs.replace(
            line,
            translation="" if translation is None else flatten("".join(translation.itertext())),
            pronunciation=() if reading is None else _read_reading(reading, line),
        )

    def _pieces(self, element: Any, origin_ms: int) -> Iterator[Piece]:
        """What is written in `element`, in order; what has no time of its own has none here either."""
        yield Piece(0, 0, _blanks(element.text))
        for child in element:
            if not isinstance(child.tag, str):
                continue
            if not _attribute(child, "role").startswith("x-"):
                begin_ms = self._time(_attribute(child, "begin"))
                if begin_ms is not None:
                    origin = origin_ms if self._is_relative else 0
                    end_ms = self._end(child, begin_ms)
                    ended_ms = begin_ms if end_ms is None else end_ms
                    yield Piece(origin + begin_ms, origin + ended_ms, _blanks("".join(child.itertext())))
                elif _name(child) == "br":
                    yield Piece(0, 0, " ")
                else:
                    yield from self._pieces(child, origin_ms)
            yield Piece(0, 0, _blanks(child.tail))

    def _end(self, element: Any, begin_ms: int) -> int | None:
        end_ms = self._time(_attribute(element, "end"))
        duration_ms = self._time(_attribute(element, "dur"))
        return end_ms if end_ms is not None or duration_ms is None else begin_ms + duration_ms

    def _time(self, text: str) -> int | None:
        """A time in ms; None for none, and for one that cannot be read (then a finding)."""
        if text not in self._times:
            self._times[text] = self._read_time(text.strip())
            if self._times[text] is None and text.strip():
                self._findings.add(f"{text.strip()[:40]!r} is no time", "ignored")
        return self._times[text]

    def _read_time(self, stripped: str) -> int | None:
        if unit := _WITH_UNIT.fullmatch(stripped):
            value = float(unit[1])
            unit_ms = {"h": HOUR_MS, "m": MINUTE_MS, "s": SECOND_MS, "ms": 1}.get(unit[2])
            rate = self._frame_rate if unit[2] == "f" else self._tick_rate
            return _at_most(value * unit_ms if unit_ms else value * SECOND_MS / rate)
        if clock := _CLOCK.fullmatch(stripped):
            hours, minutes, seconds, fraction, frames = clock.groups()
            if minutes is None:
                hours, minutes = None, hours
            whole_ms = int(hours or 0) * HOUR_MS + int(minutes or 0) * MINUTE_MS + int(seconds) * SECOND_MS
            part_ms = round(float(f"0.{fraction}") * SECOND_MS) if fraction else 0
            return _at_most(whole_ms + part_ms + int(frames or 0) * SECOND_MS / self._frame_rate)
        return None

    def _voices_of(self, agents: str) -> tuple[int, ...]:
        if self._groups.intersection(agents.split()):
            return self._everybody
        return tuple(sorted({self._voices[agent] for agent in agents.split() if agent in self._voices})) or (1,)


def _join_untimed(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces with times of their own. Text between them, as brackets, is the one's before it up to a blank."""
    joined: list[Piece] = []
    waiting = ""
    for piece in pieces:
        if piece.end_ms:
            joined.append(replace(piece, text=waiting + piece.text))
            waiting = ""
        elif joined and not waiting:
            ending, blank, waiting = piece.text.partition(" ")
            joined[-1] = replace(joined[-1], text=joined[-1].text + ending + blank)
        else:
            waiting += piece.text
    if waiting:
        joined[-1] = replace(joined[-1], text=joined[-1].text + waiting)
    return joined


def _at_most(time_ms: float) -> int:
    """A number of ms that is no larger than it takes to see that it is absurd."""
    return round(min(time_ms, 2 * LATEST_MS))


def _name(element: Any) -> str:
    return _without_namespace(element.tag)


def _attribute(element: Any, name: str) -> str:
    """The attribute of that local name, "" for none."""
    if not isinstance(element.tag, str):
        return ""
    return next((str(value) for key, value in element.attrib.items() if _without_namespace(key) == name), "")


def _without_namespace(name: Any) -> str:
    return str(name).rpartition("}")[2]


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text) else None


def _blanks(text: str | None) -> str:
    """The text with single blanks: XML documents are written over several lines."""
    return re.sub(r"\s+", " ", text or "")


def _read_reading(element: Any, line: Line) -> tuple[str, ...]:
    texts = tuple(flatten("".join(child.itertext())) for child in element if isinstance(child.tag, str))
    if texts and len(texts) == len(line.syllables):
        return texts if any(texts) else ()
    return _share_reading(flatten("".join(element.itertext())), line)


def _share_reading(reading: str, line: Line) -> tuple[str, ...]:
    """The reading by syllables where its blanks part it into as many, else as a whole."""
    words = tuple(reading.split())
    return words if len(words) == len(line.syllables) else (reading,) if reading else ()
