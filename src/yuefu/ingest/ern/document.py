"""Untrusted XML, read so that it can cost no more than its caps and can reach nothing outside itself.

A document is gone through twice. The first time nothing is built: size, depth and number of elements are counted, and
a document type, with which every attack by entities begins, ends it before its declarations are looked at. Only what
passed is built.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from yuefu.ingest.ern.message import MessageRefused

MIB = 1 << 20
MOST_BYTES = 64 * MIB
MOST_DEPTH = 64
MOST_ELEMENTS = 1_000_000
MOST_TEXT = 4_000
"""Characters in any one value we read."""

_CHUNK_BYTES = 1 << 16


def parse_document(data: bytes) -> "Node":
    """The root element. Raises `MessageRefused` for what is no well-formed XML within the caps."""
    if len(data) > MOST_BYTES:
        raise MessageRefused(f"it is larger than {MOST_BYTES // MIB} MiB")
    if data.startswith(b"HDR"):
        raise MessageRefused("it is no ERN message but CWR (Common Works Registration)")
    if b"<" not in data[:_CHUNK_BYTES].replace(b"\0", b""):
        raise MessageRefused("it is no ERN message: it is not XML")
    try:
        _inspect(data)
        root = etree.fromstring(data, _parser())
    except (etree.LxmlError, LookupError, UnicodeError, ValueError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else "nothing in it"
        raise MessageRefused(f"it is not well-formed XML: {reason}") from None
    return Node(root)


class Node:
    """An element by local names: senders qualify their elements or do not, and mean the same."""

    def __init__(self, element: Any) -> None:
        self._element = element

    @property
    def element(self) -> Any:
        """The element itself, for a schema to look at."""
        return self._element

    @property
    def name(self) -> str:
        """The name without its namespace."""
        return str(etree.QName(self._element).localname)

    @property
    def namespace(self) -> str:
        """The namespace, "" for none."""
        return str(etree.QName(self._element).namespace or "")

    @property
    def line(self) -> int | None:
        """Where the element begins, from 1."""
        line: int | None = self._element.sourceline
        return line

    @property
    def content(self) -> str:
        """The text without the white space around it. Raises `MessageRefused` for one beyond all measure."""
        text = str(self._element.text or "").strip()
        if len(text) > MOST_TEXT:
            raise MessageRefused(f"line {self.line}: the text of {self.name} is longer than {MOST_TEXT} characters")
        return text

    def attribute(self, name: str) -> str:
        """An attribute's value, "" for none. Raises `MessageRefused` as `content`."""
        value = str(self._element.get(name, ""))
        if len(value) > MOST_TEXT:
            raise MessageRefused(f"line {self.line}: {name} is longer than {MOST_TEXT} characters")
        return value

    def all(self, *path: str) -> "Iterator[Node]":
        """The elements at the end of a path of children, in order."""
        head, *rest = path
        for child in self._element.iterchildren(f"{{*}}{head}"):
            node = Node(child)
            if rest:
                yield from node.all(*rest)
            else:
                yield node

    def first(self, *path: str) -> "Node | None":
        """The first of `all`."""
        return next(self.all(*path), None)

    def below(self, name: str) -> "Iterator[Node]":
        """All elements of that name, however deep."""
        for element in self._element.iter(f"{{*}}{name}"):
            yield Node(element)

    def text(self, *path: str) -> str:
        """The content of the first of `all`, "" for none."""
        node = self.first(*path)
        return "" if node is None else node.content

    def texts(self, *path: str) -> tuple[str, ...]:
        """The contents of `all` that have any, each once."""
        return tuple(dict.fromkeys(content for node in self.all(*path) if (content := node.content)))

    def flag(self, *path: str) -> bool:
        """Whether the first of `all` says true."""
        return self.text(*path) in {"true", "1"}


class _Watch:
    """A parser's target that counts and keeps nothing."""

    def __init__(self) -> None:
        self._depth = 0
        self._elements = 0

    def start(self, _tag: str, _attributes: Any) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MOST_DEPTH:
            raise MessageRefused(f"its elements are nested deeper than {MOST_DEPTH}")
        if self._elements > MOST_ELEMENTS:
            raise MessageRefused(f"it has more than {MOST_ELEMENTS:,} elements")

    def end(self, _tag: str) -> None:
        self._depth -= 1

    def doctype(self, _name: str, _public_id: str, _system: str) -> None:
        raise MessageRefused("it has a document type (DTD), which no ERN message has")

    def close(self) -> None:
        pass


def _inspect(data: bytes) -> None:
    parser = _parser(target=_Watch())
    for begin in range(0, len(data), _CHUNK_BYTES):
        parser.feed(data[begin : begin + _CHUNK_BYTES])
    parser.close()


def _parser(**options: Any) -> Any:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        **options,
    )
