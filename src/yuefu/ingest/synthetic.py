"""A catalogue nobody recorded: made-up songs in the proportions of a real karaoke library, to measure on.

Titles are two to eight characters of everyday Chinese, or a few English words; singers follow a long tail; most songs
have both rights, some one, some none; a few term sheets serve them all, as in a real delivery.
"""

import random
from collections.abc import Iterator
from itertools import accumulate

import msgspec

from yuefu.catalogue.song import PublishedSong, SongFacts
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.units import MINUTE_MS, SECOND_MS, parse_instant_ms

_CHARACTERS = (
    "我你的爱不是心一人在天有了想夜风情梦花雨月相思来去今生世界星光海里说再见幸福回忆时间永远等待孤单眼泪微笑春秋冬夏"
    "山水云飞远方故乡归路青年少女孩太阳明亮温柔寂寞城市街灯火车站台深蓝红白黑色彩虹桥江湖酒歌声唱舞步走过从前以后昨"
    "多少次错离开别忘记得真假难题勇敢自由翅膀鱼鸟树叶落雪冰冷热茶咖啡糖甜苦酸辣朋友兄弟姐妹父母亲家国旗东西南北上下"
)
# fmt: off
_WORDS = (
    "love", "night", "heart", "rain", "summer", "you", "me", "dance", "home", "fire", "moon", "river", "time",
    "forever", "goodbye", "dream", "city", "light", "blue", "angel", "road", "baby", "tonight", "stay", "away",
    "golden", "sky", "wild", "lonely", "morning", "star", "paradise", "memory", "shadow", "ocean", "young", "free",
    "crazy", "sweet",
)
# fmt: on
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹"
_GIVEN = "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超霞平刚桂英华玉红文辉力云飞鹏浩宇轩梓涵雨欣怡佳琪思远"
_MARKS = ("(Live)", "(伴奏)", "(DJ版)", "(纯音乐)", "(Remix)", "（合唱版）")
_SINGER_COUNT = 20_000
_CHAINS = ((Chain.RECORDING, Chain.WORK), (Chain.WORK,), (Chain.RECORDING,), ())
_CHAIN_WEIGHTS = (82, 7, 7, 4)


class SyntheticSong(msgspec.Struct, frozen=True, kw_only=True):
    """A song to publish and the terms it comes with."""

    published: PublishedSong
    chains: tuple[Chain, ...]
    sheet: TermSheet

    def deals(self, song_id: SongId) -> tuple[Deal, ...]:
        """What to record once the song has its id."""
        return (Deal(song_id=song_id, chains=self.chains, sheet=self.sheet),) if self.chains else ()


def synthetic_songs(count: int, *, vendor_id: int, seed: int) -> Iterator[SyntheticSong]:
    """`count` songs, the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    singers = [_singer(chance) for _ in range(_SINGER_COUNT)]
    tail = list(accumulate(1 / rank for rank in range(1, _SINGER_COUNT + 1)))
    sheets = _sheets()
    for number in range(count):
        duration_ms = chance.randint(2 * MINUTE_MS, 6 * MINUTE_MS)
        yield SyntheticSong(
            published=PublishedSong(
                vendor_id=VendorId(vendor_id),
                source_key=f"synthetic-{seed}-{number:09}",
                fingerprint=f"synthetic-{seed}-{number}",
                facts=SongFacts(
                    title=_title(chance),
                    singers=tuple(dict.fromkeys(chance.choices(singers, cum_weights=tail, k=1 + (number % 12 == 0)))),
                    language="zh" if number % 5 else "en",
                    year=chance.randint(1975, 2026),
                ),
                duration_ms=duration_ms,
                accompaniment_duration_ms=duration_ms - chance.randint(0, SECOND_MS),
                highlight=None,
                parts=(),
            ),
            chains=chance.choices(_CHAINS, weights=_CHAIN_WEIGHTS)[0],
            sheet=chance.choice(sheets),
        )


def _sheets() -> list[TermSheet]:
    """Two dozen sheets: no end, an end in some year, an end already past; with and without the logo."""
    ends = [None, *(parse_instant_ms(f"{year}-12-31T23:59:59+08:00") for year in range(2025, 2036))]
    return [TermSheet(terms=(Terms(valid_until_ms=end, channel=channel),)) for end in ends for channel in (0, 1)]


def _title(chance: random.Random) -> str:
    if chance.random() < 0.2:
        title = " ".join(chance.choices(_WORDS, k=chance.randint(1, 4))).title()
    else:
        title = "".join(chance.choices(_CHARACTERS, k=chance.randint(2, 8)))
    return f"{title}{chance.choice(_MARKS)}" if chance.random() < 0.08 else title


def _singer(chance: random.Random) -> str:
    return chance.choice(_SURNAMES) + "".join(chance.choices(_GIVEN, k=chance.randint(1, 2)))
