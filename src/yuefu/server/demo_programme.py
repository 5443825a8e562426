"""What the demo's operator put together: charts of vendors 1 and 2, tags by style, language and occasion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yuefu.access.audit import Author
from yuefu.catalogue.chart import Tag, TagGroup
from yuefu.ids import SongId, VendorId
from yuefu.ingest.repertoire import Entry
from yuefu.server.centre import Centre, Transaction
from yuefu.server.programme import set_chart

_FOLK, _CHILDREN, _CLASSICAL = 19, 7, 9
_FESTIVE = {"feng-yang-hua-gu", "auld-lang-syne", "silent-night", "jingle-bells", "an-die-freude"}

_Choice = Callable[[Entry], bool]


@dataclass(frozen=True, slots=True)
class _Tag:
    """A tag and the entries that carry it."""

    tag_id: str
    name: str
    chosen: _Choice


_GROUPS: tuple[tuple[str, str, tuple[_Tag, ...]], ...] = (
    (
        "10",
        "曲风",
        (
            _Tag("1001", "民歌", lambda entry: _FOLK in entry.piece.genres),
            _Tag("1002", "儿歌", lambda entry: _CHILDREN in entry.piece.genres),
            _Tag("1003", "古典", lambda entry: _CLASSICAL in entry.piece.genres),
        ),
    ),
    (
        "20",
        "语种",
        (
            _Tag("2001", "国语", lambda entry: entry.piece.language == "zh"),
            _Tag("2002", "英语", lambda entry: entry.piece.language == "en"),
            _Tag("2003", "其他语种", lambda entry: entry.piece.language not in {"zh", "en"}),
        ),
    ),
    (
        "30",
        "场合",
        (
            _Tag("3001", "对唱", lambda entry: len(entry.singers) > 1),
            _Tag("3002", "节日", lambda entry: entry.song in _FESTIVE),
        ),
    ),
)

_CHARTS: tuple[tuple[VendorId, str, _Choice], ...] = (
    (VendorId(1), "6666", lambda entry: entry.piece.language == "zh"),
    (VendorId(1), "8888", lambda _: True),
    (VendorId(2), "22004", lambda _: True),
    (VendorId(2), "22005", lambda entry: entry.piece.year < 1850),
)


def fill_programme(centre: Centre, entries: Sequence[Entry], author: Author) -> None:
    """Fill the charts, make the tags and hang them on the songs of all vendors."""
    songs = {entry: song_id for entry in entries if (song_id := centre.songs.find(entry.vendor_id, entry.key))}

    def chosen(choice: _Choice) -> list[SongId]:
        return [song_id for entry, song_id in songs.items() if choice(entry)]

    def job(transaction: Transaction) -> None:
        desk = transaction.programme
        for place, (group_id, name, tags) in enumerate(_GROUPS):
            named = tuple(Tag(tag_id=tag.tag_id, name=tag.name) for tag in tags)
            desk.put_tag_group(TagGroup(group_id=group_id, name=name, tags=named), place=place)
            for tag in tags:
                desk.tag_songs(tag.tag_id, chosen(tag.chosen))
        transaction.audit(author.entry("tag.import", "tags", at_ms=at_ms, groups=len(_GROUPS)))

    at_ms = centre.now_ms()
    centre.work.run(job)
    for vendor_id, top_id, choice in _CHARTS:
        listed = [song_id for entry, song_id in songs.items() if entry.vendor_id == vendor_id and choice(entry)]
        set_chart(centre, vendor_id, top_id, listed, author=author)
