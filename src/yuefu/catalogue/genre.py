"""The genres of the wire, numbers 1 to 27, and what deliveries call them."""

import re
import unicodedata
from collections.abc import Iterable

import msgspec

from yuefu.catalogue.spelling import fold


class Genre(msgspec.Struct, frozen=True):
    """A documented genre: its names, and other words that mean it."""

    number: int
    english: str
    chinese: str
    words: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.english, self.chinese, *self.words)


# fmt: off
GENRES = (
    Genre(1, "ACG", "二次元", ("动漫", "動漫", "动画", "游戏", "anime", "anisong", "vocaloid", "video game", "game")),
    Genre(2, "DJ", "DJ", ("DJ版", "DJ舞曲", "车载DJ")),
    Genre(3, "R&B", "节奏布鲁斯", ("RnB", "R'n'B", "rhythm and blues", "soul", "neo soul", "灵魂乐", "放克", "funk")),
    Genre(4, "World", "世界音乐", ("world music", "世界", "民謡", "flamenco", "celtic", "chanson", "mele")),
    Genre(5, "Chinese characteristic", "中国特色", ("戏曲", "戲曲", "曲艺", "京剧", "越剧", "红歌", "学堂乐歌")),
    Genre(6, "Country", "乡村", ("乡村音乐", "鄉村", "bluegrass", "americana")),
    Genre(7, "Children", "儿童", ("儿歌", "兒歌", "童谣", "children's", "children's music", "kids", "nursery rhyme")),
    Genre(8, "Other", "其他", ("其它", "others", "misc", "miscellaneous", "comedy", "parody")),
    Genre(9, "Classical", "古典", ("古典音乐", "opera", "歌剧", "hymn", "hymne", "carol", "choral", "艺术歌曲")),
    Genre(10, "Alternative/Indie", "另类/独立", ("alternative", "indie", "另类", "独立", "alternative rock")),
    Genre(11, "Hip-Hop", "嘻哈", ("hip hop", "hiphop", "rap", "trap", "说唱", "說唱", "饶舌")),
    Genre(12, "Guofeng", "国风", ("古风", "古風", "中国风", "中國風", "戏腔", "chinese style")),
    Genre(13, "Experimental", "实验", ("实验音乐", "實驗", "avant-garde", "先锋")),
    Genre(14, "Industrial & Gothic", "工业/哥特", ("industrial", "gothic", "goth", "工业", "哥特", "darkwave", "ebm")),
    Genre(15, "Blues", "布鲁斯", ("蓝调", "藍調")),
    Genre(16, "Latin", "拉丁", ("拉丁音乐", "salsa", "bossa nova", "bachata", "reggaeton", "samba", "tango")),
    Genre(17, "Rock", "摇滚", ("搖滾", "rock'n'roll", "rock and roll", "rockabilly", "grunge", "britpop", "new wave")),
    Genre(18, "Punk", "朋克", ("龐克", "emo", "hardcore", "ska punk")),
    Genre(19, "Folk", "民谣", ("民歌", "民謠", "民族", "folk song", "folk music", "volkslied", "traditional")),
    Genre(20, "Pop", "流行", ("流行音乐", "popular", "pop music", "ballad", "schlager", "mandopop", "cantopop")),
    Genre(21, "Jazz", "爵士", ("爵士乐", "swing", "big band", "bebop")),
    Genre(22, "Electronic", "电子", ("电子音乐", "電子", "electronica", "techno", "house", "trance", "edm", "electro")),
    Genre(23, "Pure instrumental", "纯音乐", ("純音樂", "轻音乐", "instrumental", "器乐")),
    Genre(24, "Dance", "舞曲", ("disco", "eurodance", "dance floor", "迪斯科", "广场舞")),
    Genre(25, "Metal", "金属", ("金屬", "metalcore", "deathcore")),
    Genre(26, "Reggae", "雷鬼", ("ska", "dub", "dancehall")),
    Genre(27, "Trendy", "潮玩", ("潮流",)),
)
# fmt: on
"""Numbers and English names as documented; the Chinese names are the usual ones."""

_BY_NUMBER = {genre.number: genre for genre in GENRES}
_NUMBERS = {fold(name): genre.number for genre in GENRES for name in genre.names}
_NUMERAL = re.compile(r"[-+]?\d+")
_SEPARATOR = re.compile(r"[,;/|，；、／｜]")


def genre_of(number: int) -> Genre | None:
    """The genre of that number, None when none has it."""
    return _BY_NUMBER.get(number)


def parse_genre(text: str) -> int | None:
    """The number that `text` says, as digits or in words; None when it means no genre we know.

    A phrase that is not known means what its end means: "Hard Rock" is rock, 都市民谣 is 民谣.
    """
    if _NUMERAL.fullmatch(text.strip()):
        return next((number for number in _BY_NUMBER if text.strip() == str(number)), None)
    folded = fold(text)
    tails = (folded[place:] for place in range(len(folded)) if _begins_word(folded, place))
    return next((_NUMBERS[tail] for tail in tails if tail in _NUMBERS), None)


def genres_in(text: str) -> tuple[int, ...]:
    """The genres that a delivery's own words mean, each once; several are parted by commas, slashes or bars."""
    whole = _NUMBERS.get(fold(text))
    return (whole,) if whole else distinct(map(parse_genre, _SEPARATOR.split(text)))


def distinct(numbers: Iterable[int | None]) -> tuple[int, ...]:
    """The numbers there are, each once, in their order."""
    return tuple(dict.fromkeys(number for number in numbers if number is not None))


def _begins_word(folded: str, place: int) -> bool:
    """Whether a word may begin there: after a blank, or anywhere in text that has none between its words."""
    return place == 0 or folded[place - 1] == " " or unicodedata.category(folded[place]) == "Lo"
