"""What a keyword means, and the port behind which songs are searched by it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import add, contains
from typing import Protocol, Self

import msgspec

from yuefu.catalogue.spelling import fold, initials, is_unspaced, keyword_pieces, text_pieces
from yuefu.ids import SongId, VendorId


class Keyword(msgspec.Struct, frozen=True):
    """What somebody typed into a search box, in pieces; each must be found in one of a song's texts.

    Han is found anywhere in a text. A Latin word is one of the text's words, and the last one may still be being
    typed; or it is the initials of syllables and words that stand together (mlh: 茉莉花, lib: "let it be").
    """

    whole: str
    pieces: tuple[str, ...]

    @classmethod
    def parse(cls, typed: str) -> Self:
        """Any text is a keyword; one of blanks and punctuation alone has no pieces and finds nothing."""
        return cls(whole=fold(typed), pieces=keyword_pieces(typed))

    def finds(self, texts: Iterable[str]) -> bool:
        """Whether a song whose title, aliases and singers those are is meant."""
        if not self.pieces:
            return False
        split = [text_pieces(fold(text)) for text in texts]
        *typed, last = self.pieces
        return any(_begins(last, text) or _has(last, text) for text in split) and all(
            any(_has(piece, text) for text in split) for piece in typed
        )


def _has(piece: str, text: list[str]) -> bool:
    """Whether a piece of a keyword is found in a text, given in its pieces."""
    if is_unspaced(piece):
        return any(piece in part for part in text)
    return piece in text or (piece.isascii() and _are_initials(piece, text))


def _begins(piece: str, text: list[str]) -> bool:
    """Whether a word of the text begins with what may be no whole word yet."""
    return any(part.startswith(piece) for part in text)


def _are_initials(letters: str, text: list[str]) -> bool:
    sounds = initials(text)
    if len(letters) == 1:
        return letters in first_letters(text, sounds)
    return any(all(map(contains, sounds[begin:], letters)) for begin in range(len(sounds) - len(letters) + 1))


def first_letters(pieces: Sequence[str], sounds: Sequence[str]) -> list[str]:
    """The letters with which a text, and each of its words, begins: all that a single typed letter means.

    Every text has nearly every letter as somebody's initial.
    """
    return [*"".join(sounds[:1]), *(piece[0] for piece in pieces if not is_unspaced(piece))]


def initial_pairs(sounds: Sequence[str]) -> list[str]:
    """The initials of neighbouring syllables and words, two and two."""
    if len("".join(sounds)) == len(sounds):  # nothing in it is read in two ways
        return list(map(add, sounds, sounds[1:]))
    return [first + second for left, right in pairwise(sounds) for first in left for second in right]


class SearchIndex(Protocol):
    """Finds a vendor's songs by title, singer and alias."""

    def matches(self, vendor_id: VendorId, keyword: Keyword) -> Iterator[SongId]:
        """The songs that a keyword finds, best first, each once; lazily, for callers filter as they go.

        Titles equal to the keyword come first, by id; then titles that begin with it, in the order of their spelling
        and by id; then the rest, by id. So pages are stable.
        """

    def named(self, vendor_id: VendorId, keyword: Keyword) -> Iterator[SongId]:
        """The songs whose title is the keyword, or one of whose singers is; each at least once, lazily."""
