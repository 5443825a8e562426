"""Songs judged by what is stored of them, whole or damaged, and over the admin API."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from tests.unit.server.conftest import World
from tests.unit.server.test_admin import DOCUMENT, Desk

from yuefu.access.admin_key import Role
from yuefu.catalogue.song import Highlight, Level, Loudness, Part, PartKind, PublishedSong, SongFacts, SongState, Tempo
from yuefu.ids import VendorId
from yuefu.music.quality import Measure, Verdict
from yuefu.server import song_checks
from yuefu.server.check_page import count_songs, draw_catalogue, draw_checks
from yuefu.server.song_checks import CheckedSong, check_catalogue, check_song
from yuefu.storage.folder import BlobFolder
from yuefu.units import Span

Publish = Callable[..., None]


@pytest.fixture
def publish(world: World, part_maker: Callable[..., Part]) -> Publish:
    """Publishes a song anew with one part's bytes in place of its own, and with other facts."""

    def publish(song: str, kind: PartKind | None = None, content: bytes = b"", **changes: Any) -> None:
        published = world.centre.songs.song(world.songs[song]).published
        parts = tuple(part for part in published.parts if part.kind is not kind)
        if kind is not None:
            source = world.folder / "content"
            source.write_bytes(content)
            BlobFolder(world.folder / "blobs").put(source)
            parts = (*parts, part_maker(kind, content))
        again = msgspec.structs.replace(published, fingerprint=str(hash(content)), parts=parts, **changes)
        world.centre.work.run(lambda transaction: transaction.publish(again, at_ms=1))

    return publish


def checked(world: World, song: str = "whole") -> CheckedSong:
    return check_song(world.centre, world.centre.songs.song(world.songs[song]))


def words_of(world: World, measure: Measure, song: str = "whole") -> str:
    return next(check.words for check in checked(world, song).checks if check.measure is measure)


def verdicts(world: World, song: str = "whole") -> dict[Measure, Verdict]:
    return {check.measure: check.verdict for check in checked(world, song).checks}


def test_what_is_stored_of_a_song_is_what_it_is_judged_by(world: World, publish: Publish) -> None:
    level = Level(original=Loudness(integrated_lufs=-30.0, range_lu=5.0, true_peak_dbtp=-9.0), backing=None)
    publish("whole", level=level, tempo=Tempo(bpm=99.5, bpm_alt=49.8, confidence=0.2))
    found = verdicts(world)
    assert (found[Measure.LOUDNESS], found[Measure.TEMPO]) == (Verdict.LOOK, Verdict.LOOK)
    publish(
        "whole",
        content=b"louder",
        level=msgspec.structs.replace(level, applied_db=14.0),
        facts=SongFacts(title="送别", bpm=88),
        states=(SongState.NEEDS_ACCOMPANIMENT, SongState.NEEDS_PITCH_LINE),
    )
    found = verdicts(world)
    assert (found[Measure.LOUDNESS], found[Measure.TEMPO]) == (Verdict.GOOD, Verdict.GOOD)
    assert found[Measure.TRUE_PEAK] is Verdict.BAD  # 5 dB above full scale by now
    assert words_of(world, Measure.PARTS) == "accompaniment, pitch line"
    assert found[Measure.PARTS] is Verdict.BAD


DAMAGED = (
    b"",
    b"\xff\xfe\x00",
    b"[]",
    b"{}",
    b'{"lines":[{"begin_ms":"soon","end_ms":1,"text":""}]}',
    b'{"lines": ' + b"[" * 100_000,
    b'{"lines":[{"begin_ms":0,"end_ms":1' + b"0" * 400 + b',"text":"x"}]}',
    b'{"notes":[{"begin_ms":0,"duration_ms":9,"pitch":1' + b"0" * 400 + b"}]}",
    b'{"notes":[{"begin_ms":0,"duration_ms":9,"pitch":60,"kind":"loud"}]}',
    b'{"sample_rate":0,"samples_per_pixel":1,"length":0,"data":[]}',
    b'{"sample_rate":1,"samples_per_pixel":1,"length":5,"data":[1]}',
    b'{"sample_rate":1,"samples_per_pixel":1,"length":1,"data":[1,1' + b"0" * 400 + b"]}",
)


@pytest.mark.parametrize("kind", [PartKind.LYRICS, PartKind.PITCH_LINE, PartKind.WAVEFORM])
def test_a_part_that_cannot_be_read_is_said_to_be_and_the_rest_is_judged(
    world: World, publish: Publish, kind: PartKind
) -> None:
    for content in DAMAGED:
        publish("whole", kind, content)
        assert words_of(world, Measure.FILES).startswith(f"{kind.value.replace('_', ' ')} cannot be read")
        assert Measure.HIGHLIGHT_PLACE in verdicts(world)
        assert draw_checks([checked(world)])


def test_an_empty_part_is_no_damage(world: World, publish: Publish) -> None:
    for kind, content in (
        (PartKind.LYRICS, b'{"lines":[]}'),
        (PartKind.LYRICS, b'{"lines":[{"begin_ms":9,"end_ms":5,"text":"","words":[{"syllables":[]}],"voices":[]}]}'),
        (PartKind.PITCH_LINE, b'{"notes":[]}'),
        (PartKind.PITCH_LINE, b'{"notes":[{"begin_ms":-9,"duration_ms":0,"pitch":-60}]}'),
        (PartKind.WAVEFORM, b'{"sample_rate":1,"samples_per_pixel":1,"length":0,"data":[]}'),
    ):
        publish("whole", kind, content)
        assert verdicts(world)[Measure.FILES] is Verdict.GOOD
        assert draw_checks([checked(world)])


def test_a_cover_that_is_no_picture_is_damage(world: World, publish: Publish) -> None:
    publish("whole", PartKind.COVER, b"\xff\xd8\xff\xe0 not quite")
    assert "cover is no picture any more" in words_of(world, Measure.FILES)
    assert verdicts(world)[Measure.COVER] is Verdict.LOOK


def test_files_that_are_gone_or_cut_off_are_named(world: World) -> None:
    song = world.centre.songs.song(world.songs["whole"])
    for kind, content in ((PartKind.ORIGINAL, None), (PartKind.CLIP, b"short"), (PartKind.LYRICS, None)):
        part = song.part(kind)
        assert part is not None
        path = world.centre.blobs.path(part.blob.sha256)
        path.chmod(0o600)
        path.unlink()
        if content is not None:
            path.write_bytes(content)
    told = words_of(world, Measure.FILES).split("; ")
    assert sorted(told) == [
        "clip has 5 bytes instead of 10240",
        "lyrics is gone",
        "original is gone",
    ]


def test_a_part_is_lost_once(world: World) -> None:
    part = world.centre.songs.song(world.songs["whole"]).part(PartKind.LYRICS)
    assert part is not None
    path = world.centre.blobs.path(part.blob.sha256)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:50])  # neither the size nor the content is right
    assert ";" not in words_of(world, Measure.FILES)
    assert verdicts(world)[Measure.FILES] is Verdict.BAD


def test_no_more_than_the_worst_are_listed_and_it_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(song_checks, "MOST_LISTED", 2)
    summary = check_catalogue(world.centre, None)
    assert len(summary.worst) == 2
    assert count_songs(summary).endswith("bad. The worst 2 are listed.")


def test_a_song_without_any_part_cannot_be_sung(world: World, song_maker: Callable[..., PublishedSong]) -> None:
    bare = song_maker("bare", parts=(), highlight=None)
    song_id = world.centre.work.run(lambda transaction: transaction.publish(bare, at_ms=1)).song_id
    found = check_song(world.centre, world.centre.songs.song(song_id))
    assert found.verdict is Verdict.BAD
    assert next(check for check in found.checks if check.measure is Measure.PARTS).words == "sound"
    assert "svg" in draw_checks([found])


def test_the_worst_songs_come_first_and_vendors_are_apart(world: World, publish: Publish) -> None:
    publish("no words", PartKind.LYRICS, b"broken", states=(SongState.NEEDS_LYRICS,))
    publish("of vendor 2", PartKind.PITCH_LINE, b"broken")
    summary = check_catalogue(world.centre, None)
    assert summary.songs == len(world.songs) == sum(summary.verdicts.values())
    assert [song.song_id for song in summary.worst[:2]] == world.ids("no words", "of vendor 2")
    assert summary.worst[0].bad == (Measure.FILES, Measure.PARTS)
    assert summary.measures[Measure.FILES][Verdict.BAD] == 2
    own = check_catalogue(world.centre, VendorId(2))
    assert (own.songs, [song.song_id for song in own.worst]) == (1, world.ids("of vendor 2"))
    assert check_catalogue(world.centre, VendorId(4)).songs == 0


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href", "xlink:href"}]


def test_a_page_needs_nothing_from_elsewhere_and_no_name_can_write_on_it(world: World, publish: Publish) -> None:
    facts = SongFacts(title="<script>alert(1)</script>", singers=('"><img src=x onerror=y>',))
    highlight = Highlight(clip=Span(begin_ms=0, end_ms=9), prelude_ms=0, segments=(), rule="operator")
    lyrics = (
        b'{"lines":[{"begin_ms":0,"end_ms":9000,"text":"<b>\xe5\xa5\xbd</b>"},{"begin_ms":0,"end_ms":9000,"text":"&"}]}'
    )
    publish("whole", PartKind.LYRICS, lyrics, facts=facts, highlight=highlight)
    for page in (
        draw_checks([checked(world)]),
        draw_checks([checked(world), checked(world, "mix only")]),
        draw_catalogue(check_catalogue(world.centre, None)),
    ):
        seen = _Tags()
        seen.feed(page)
        assert not {"script", "img", "link", "iframe", "b"} & set(seen.tags)
        assert seen.addresses == []
        assert "待查" in page
        assert "同声部歌词重叠" in page
    assert 'class="fault"' in draw_checks([checked(world)])


def test_a_viewer_may_ask_and_is_answered_as_the_document_says(world: World) -> None:
    viewer = Desk(world, Role.VIEWER)
    reply = viewer.call("GET", f"/songs/{world.songs['whole']}/check")
    assert reply.status_code == 200
    answer = reply.json()
    OAS31Validator({"$ref": "#/components/schemas/admin.SongCheck", **DOCUMENT}).validate(answer)
    assert (answer["song_id"], answer["verdict"]) == (str(world.songs["whole"]), "bad")
    coverage = next(check for check in answer["checks"] if check["measure"] == "lyric_coverage")
    assert (coverage["title_zh"], coverage["unit"], coverage["verdict"]) == ("歌词覆盖率", "share", "good")


def test_the_catalogue_is_judged_over_the_api_as_by_the_command(world: World, publish: Publish) -> None:
    publish("no words", PartKind.LYRICS, b"broken")
    viewer = Desk(world, Role.VIEWER)
    for path, vendor in (("/songs/check", None), ("/songs/check?vendor=2", VendorId(2))):
        answer = viewer.call("GET", path).json()
        OAS31Validator({"$ref": "#/components/schemas/admin.CatalogueCheck", **DOCUMENT}).validate(answer)
        assert answer == msgspec.json.decode(msgspec.json.encode(check_catalogue(world.centre, vendor)))
        assert answer["songs"] == (len(world.songs) if vendor is None else 1)
    assert viewer.refused(422, "GET", "/songs/check?vendor=9").startswith("there is no vendor 9")


def test_a_song_says_everywhere_which_model_made_its_accompaniment(world: World, publish: Publish) -> None:
    publish("whole", separated_by="ab" * 32)
    desk, (song_id,) = Desk(world), world.ids("whole")
    listed = {song["song_id"]: song["separated_by"] for song in desk.call("GET", "/songs").json()["songs"]}
    assert [each for each in listed if listed[each]] == [song_id]
    assert listed[song_id] == desk.call("GET", f"/songs/{song_id}").json()["separated_by"] == "ab" * 32


def test_a_song_that_is_not_there_is_not_found(world: World) -> None:
    desk = Desk(world)
    for song in ("999999999", "0", "x", "1e9"):
        assert desk.refused(404, "GET", f"/songs/{song}/check") == "no such song"
