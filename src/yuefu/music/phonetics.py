"""From spelling to the sounds a singer makes: a sketch that is good enough for a synthetic voice.

Chinese is read from pinyin without tones, which Latin letters of other languages follow through a few rules each. The
tables name sounds by one letter: a e i o u as in Italian, `E` the open e, `O` the open o, `A` the vowel of "but",
`v` ü, `r` the curled vowel of 儿, `I` the buzzing one of 思, `n` and `m` the nasals that end a syllable.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

PINYIN_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxzcsryw")

PINYIN_FINALS = {
    "a": "a", "o": "O", "e": "A", "i": "i", "u": "u", "v": "v", "ai": "ai", "ei": "ei", "ao": "au", "ou": "ou",
    "an": "an", "en": "An", "ang": "an", "eng": "An", "ong": "un", "er": "r", "ia": "ia", "ie": "iE", "iao": "iau",
    "iu": "iou", "ian": "iEn", "in": "in", "iang": "ian", "ing": "in", "iong": "iun", "ua": "ua", "uo": "uO",
    "uai": "uai", "ui": "uei", "uan": "uan", "un": "uAn", "uang": "uan", "ve": "vE", "van": "vEn", "vn": "vn",
}  # fmt: skip

ENGLISH_VOWELS = {
    "ee": "i", "ea": "i", "oo": "u", "ou": "au", "ow": "ou", "ai": "ei", "ay": "ei", "igh": "ai", "oa": "ou",
    "oi": "Oi", "oy": "Oi", "au": "O", "aw": "O", "ie": "i", "ei": "ei", "eigh": "ei", "ew": "iu", "ue": "u",
    "a": "a", "e": "E", "i": "i", "o": "O", "u": "A", "y": "i",
}  # fmt: skip
ENGLISH_IRREGULAR = {
    "the": "A", "to": "u", "how": "au", "now": "au", "was": "O", "my": "ai", "by": "ai", "one": "A", "once": "A",
    "come": "A", "who": "u", "we": "i", "me": "i", "be": "i", "of": "O", "all": "O", "night": "ai",
    "ye": "i", "mind": "ai", "child": "ai", "crown": "au", "heart": "a",
}  # fmt: skip
ENGLISH_LONG = {"a": "ei", "e": "i", "i": "ai", "o": "ou", "u": "u", "y": "ai"}
FRENCH_VOWELS = {
    "ou": "u", "oi": "ua", "ai": "E", "ei": "E", "au": "o", "eau": "o", "eu": "A", "on": "on", "an": "an", "en": "an",
    "in": "En", "un": "An", "a": "a", "e": "A", "é": "e", "è": "E", "ê": "E", "i": "i", "o": "O", "u": "v", "y": "i",
}  # fmt: skip
GERMAN_VOWELS = {
    "ei": "ai", "eu": "Oi", "äu": "Oi", "au": "au", "ie": "i", "a": "a", "e": "E", "i": "i", "o": "o", "u": "u",
    "ä": "E", "ö": "e", "ü": "v", "y": "v",
}  # fmt: skip
PURE_VOWELS = {"a": "a", "e": "E", "i": "i", "o": "o", "u": "u"}

VOWELS_OF = {"en": ENGLISH_VOWELS, "fr": FRENCH_VOWELS, "de": GERMAN_VOWELS}


@dataclass(frozen=True, slots=True)
class Sound:
    """One syllable: what it begins with ("" for a vowel), the vowels it passes through, what it closes with."""

    onset: str
    vowels: str
    coda: str = ""


def pronounce(spelling: str, language: str) -> Sound:
    """The sound of one written syllable; `language` is an ISO 639-1 code, "zh" expects pinyin.

    Spelling without any vowel letter is sung on the neutral vowel.
    """
    letters = re.sub(r"[^\w]|ʻ", "", unicodedata.normalize("NFC", spelling.lower()))
    if language == "zh":
        return _pinyin(letters)
    return _latin(letters, language)


def _pinyin(letters: str) -> Sound:
    initial = next((each for each in PINYIN_INITIALS if letters.startswith(each)), "")
    final = letters[len(initial) :]
    if initial in {"zh", "ch", "sh", "r", "z", "c", "s"} and final == "i":
        return Sound(initial, "I")
    if initial == "y":
        initial, final = "", {"u": "v", "ue": "ve", "uan": "van", "un": "vn"}.get(final, _after_y(final))
    elif initial == "w":
        initial, final = "", final if final == "u" else {"ei": "ui", "en": "un", "o": "uo"}.get(final, "u" + final)
    elif initial in {"j", "q", "x"} and final.startswith("u"):
        final = "v" + final[1:]
    vowels = PINYIN_FINALS.get(final, "A")
    return Sound(initial, vowels.rstrip("n"), "n" if vowels.endswith("n") else "")


def _after_y(final: str) -> str:
    if final.startswith("i"):
        return final
    return {"ou": "iu", "an": "ian", "e": "ie"}.get(final, "i" + final)


def _latin(letters: str, language: str) -> Sound:
    match = re.search("[aeiouyäöüéèêâîôûāēīōū]", letters)
    if match is None:
        return Sound(_first_consonant(letters), "A", letters[-1:] if letters[-1:] in "nm" else "")
    begin = match.start()
    if letters[begin] == "y" and letters[begin + 1 : begin + 2] in {*"aeiou"}:
        begin += 1
    onset, rest = _first_consonant(letters[:begin]), letters[begin:]
    if language == "en":
        return Sound(onset, *_english(letters, rest))
    return Sound(onset, *_rhyme(rest, VOWELS_OF.get(language, PURE_VOWELS)))


def _english(letters: str, rest: str) -> tuple[str, str]:
    """Vowels and coda of an English syllable, whose spelling needs more rules than a table of letters."""
    if letters in ENGLISH_IRREGULAR:
        return ENGLISH_IRREGULAR[letters], _nasal(rest)
    if rest == "a":
        return "A", ""
    if rest in ENGLISH_LONG:
        return ENGLISH_LONG[rest], ""
    silent_e = re.fullmatch("([aiouy])[b-df-hj-np-tv-z]+e[sd]?", rest)
    if silent_e is not None:
        return ENGLISH_LONG[silent_e[1]], _nasal(rest)
    return _rhyme(rest, ENGLISH_VOWELS)


def _rhyme(rest: str, table: Mapping[str, str]) -> tuple[str, str]:
    """Vowels and coda of a syllable from its first vowel letter on: the longest spelling the table knows."""
    group = next((rest[:size] for size in (4, 3, 2, 1) if rest[:size] in table), "")
    vowels = table.get(group) or PURE_VOWELS.get(_plain(rest[:1]), "A")
    coda = "n" if vowels.endswith("n") else _nasal(rest[len(group) :])
    return vowels.rstrip("n"), coda


def _first_consonant(onset: str) -> str:
    return onset[:2] if onset[:2] in {"ch", "sh", "th", "wh"} else onset[:1]


def _nasal(ending: str) -> str:
    found = re.search("[nm]", ending)
    return found[0] if found else ""


def _plain(letter: str) -> str:
    return unicodedata.normalize("NFD", letter)[:1]
