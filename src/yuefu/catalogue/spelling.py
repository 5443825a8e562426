"""How titles and names are compared: folded, so that spelling, width and case do not matter."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_UNSPACED = r"\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han and kana: scripts without blanks between words, in which every character may begin one."""

_RUN = re.compile(rf"[{_UNSPACED}]+|[^\s{_UNSPACED}]+")
_NEEDLESS_BLANK = re.compile(rf"(?<=[{_UNSPACED}]) | (?=[{_UNSPACED}])")
_is_plain_han = re.compile(r"[\u4e00-\u9fff]+").fullmatch
_is_unspaced = re.compile(rf"[{_UNSPACED}]").match
_ACCENTS = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff'\u2018\u2019\u02bc]")
"""What is left out without a trace; the apostrophe too, for "don't" is one word."""

_BRACKETED = re.compile(r"[(\[（【].*?[)\]）】]")
_NOT_WORDS = re.compile(r"[\W_]+")

_READ_TWO_WAYS = (
    "长cz 長cz 乐ly 樂ly 行xh 重zc 曾cz 单ds 單ds 调td 調td 弹td 彈td 朝cz 传cz 傳cz 藏cz 降jx 参cs 參cs 校xj 率ls "
    "系xj 省sx 宿sx 折zs 仇cq 区qo 區qo 查cz 覃tq 盛sc 恶ew 惡ew 给gj 給gj 巷xh 茄qj 会hk 會hk 茜qx 颤cz 秘mb 屏pb "
    "番fp 厦sx 叶yx 咳kh 吁xy 阿ae 强qj 车cj 車cj 乘cs 澄cd 匙sc 种zc 種zc 曝pb 提td 识sz 識sz 否fp 便bp 扁bp 刹sc "
    "禅cs 裳sc 嗯ne 尾wy 吓xh 嚇xh 翟dz 臭cx 蔓mw 粘zn 圈qj 伽gj"
)
"""Characters of songs and names whose readings begin with different letters: 乐 is l in 快乐 and y in 音乐."""


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """`text` in one width and case, accents and punctuation off; blanks only between words that need them."""
    return text if _is_plain_han(text) else _NEEDLESS_BLANK.sub("", _spaced(text))


def fold_name(name: str) -> str:
    """`name` folded; as it is where it is nothing but marks, for then they are the name."""
    return fold(name) or name


def _spaced(text: str) -> str:
    """As `fold`, with a blank wherever one was."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold())
    return _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", plain)).strip()


def keyword_pieces(keyword: str) -> tuple[str, ...]:
    """What somebody is looking for, in the order typed: words, and stretches of Han that were typed together."""
    return tuple(_RUN.findall(_spaced(keyword)))


def text_pieces(folded: str) -> list[str]:
    """A folded text's words and its stretches of Han, in order."""
    return _RUN.findall(folded)


def is_unspaced(piece: str) -> bool:
    """Whether a piece is Han or kana, so that any part of it may be what somebody means; else it is a word."""
    return _is_unspaced(piece) is not None


def initials(pieces: Iterable[str]) -> list[str]:
    """The letters with which a text's syllables and words begin: 茉莉花 is m, l, h; "let it be" is l, i, b.

    A character that is read in two ways has both: 快乐 is k, "ly". One without a reading has none.
    """
    letters: list[str] = []
    for piece in pieces:
        if is_unspaced(piece):
            letters += filter(None, map(_initial, piece))
        else:
            letters.append(piece[0])
    return letters


class _Initials(dict[str, str]):
    """The letters of each character that was ever asked for, "" for one without a reading.

    The dictionary behind it takes as long to load as all the rest of a command: it is loaded when it is first needed.
    """

    def __missing__(self, character: str) -> str:
        from pypinyin import Style, lazy_pinyin  # noqa: PLC0415

        letter = "".join(lazy_pinyin(character, style=Style.FIRST_LETTER, errors="ignore"))[:1]
        return self.setdefault(character, letter)


_initial = _Initials((entry[0], entry[1:]) for entry in _READ_TWO_WAYS.split()).__getitem__


def bare_title(title: str) -> str:
    """The folded title without what stands in brackets: "送别 (Live)" and "送别" are one work's."""
    return fold(_BRACKETED.sub(" ", title)) or fold(title)


def recording_key(*, title: str, singers: tuple[str, ...], isrc: str = "") -> str:
    """What two vendors' entries of one recording have in common: its ISRC, else title and singers."""
    return f"isrc:{isrc}" if isrc else f"name:{fold_name(title)}/{_people(singers)}"


def work_key(*, title: str, singers: tuple[str, ...]) -> str:
    """What the names of the versions of one work have in common: the bare title and the singers."""
    return f"name:{bare_title(title) or title}/{_people(singers)}"


@lru_cache(maxsize=32_768)
def _people(singers: tuple[str, ...]) -> str:
    return ",".join(sorted(map(fold_name, singers)))
