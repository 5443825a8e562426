"""`get_standard_pitch`: the notes to hit, for the session that was granted something to sing to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuefu.catalogue.song import PartKind
from yuefu.music.notes import Note, NoteKind, PitchLine
from yuefu.rights.deal import Chain, Terms
from yuefu.server.actions.pitch import render_pitch
from yuefu.storage.folder import BlobFolder

EMPTY, NOT_HELD, RUN_OUT, WRONG_KIND, ILLEGAL, NO_PITCH, NO_LINE = (
    1017004,
    1017018,
    1017019,
    1017020,
    1017040,
    1017049,
    1017075,
)
SONG, ACCOMPANIMENT, CLIP, SEGMENT = range(4)
NOTES = (
    Note(begin_ms=10_000, duration_ms=900, pitch=69),
    Note(begin_ms=11_000, duration_ms=1_000, pitch=64, kind=NoteKind.GOLDEN, voice=2),
    Note(begin_ms=11_500, duration_ms=900, pitch=72),
    Note(begin_ms=13_000, duration_ms=500, pitch=60, kind=NoteKind.RAP),
)
FREE = tuple(msgspec.structs.replace(note, kind=NoteKind.FREESTYLE) for note in NOTES)

GiveNotes = Callable[..., None]


@pytest.fixture
def give_notes(world: Any, part_maker: Any) -> GiveNotes:
    """Publishes a song anew with a pitch line."""

    def give(song: str = "whole", notes: tuple[Note, ...] = NOTES) -> None:
        content = msgspec.json.encode(PitchLine(notes=notes))
        source = world.folder / "notes.json"
        source.write_bytes(content)
        BlobFolder(world.folder / "blobs").put(source)
        published = world.centre.songs.song(world.songs[song]).published
        changed = msgspec.structs.replace(
            published,
            fingerprint=f"{song} with notes",
            parts=(*published.parts, part_maker(PartKind.PITCH_LINE, content)),
        )
        world.centre.work.run(lambda transaction: transaction.publish(changed, at_ms=world.now_us // 1_000))

    return give


@pytest.fixture
def member(world: Any, give_notes: GiveNotes) -> Any:
    give_notes()
    return world.member()


def fetch(member: Any, resource_id: Any) -> Any:
    return member.call("get_standard_pitch", resource_id=resource_id)


def refusal(answer: Any) -> int:
    assert answer.keys() == {"code", "message", "request_id"}
    assert answer["message"].startswith("resource_id: ")
    code: int = answer["code"]
    return code


@pytest.mark.parametrize("resource_type", [ACCOMPANIMENT, CLIP, SEGMENT])
def test_the_pitch_line_is_a_bare_object_of_the_whole_song(member: Any, resource_type: int) -> None:
    pitch = [
        {"begin_time": 10_000, "duration": 900, "value": 69},
        {"begin_time": 11_000, "duration": 500, "value": 64},
        {"begin_time": 11_500, "duration": 900, "value": 72},
    ]
    assert fetch(member, member.resource_id(resource_type=resource_type)) == {"pitch": pitch, "data": {"pitch": pitch}}


def test_an_original_has_nothing_to_hit(member: Any) -> None:
    assert refusal(fetch(member, member.resource_id(resource_type=SONG))) == WRONG_KIND


@pytest.mark.parametrize("song", ["backing only", "sung only"])
def test_songs_without_notes_say_so(world: Any, give_notes: GiveNotes, song: str) -> None:
    member = world.member()
    assert refusal(fetch(member, member.resource_id(song, ACCOMPANIMENT))) == NO_LINE
    give_notes(song, FREE)
    assert refusal(fetch(member, member.resource_id(song, ACCOMPANIMENT))) == NO_LINE, "free notes have no pitch"


@pytest.mark.parametrize("body", [{}, {"resource_id": ""}])
def test_an_empty_id_has_its_own_code(member: Any, body: dict[str, str]) -> None:
    assert refusal(member.call("get_standard_pitch", **body)) == EMPTY


@pytest.mark.parametrize("resource_id", ["nonsense", "z_1_2", "z__", "茉莉", "\x00", "z" * 512, "z_1_2'--", "../../x"])
def test_what_was_never_granted_is_not_held(member: Any, resource_id: str) -> None:
    assert refusal(fetch(member, resource_id)) == NOT_HELD


@pytest.mark.parametrize("resource_id", [7, None, [], {}, True, "z" * 513], ids=repr)
def test_what_is_no_text_or_far_too_long_is_illegal(member: Any, resource_id: Any) -> None:
    assert refusal(fetch(member, resource_id)) == ILLEGAL


def test_a_resource_is_its_own_session_s(world: Any, member: Any) -> None:
    resource_id = member.resource_id(resource_type=ACCOMPANIMENT)
    for stranger in (world.member(user_id="another"), world.member(), world.member(world.add_app(99))):
        assert refusal(fetch(stranger, resource_id)) == NOT_HELD
    original = member.resource_id(resource_type=SONG)
    assert refusal(fetch(world.member(), original)) == NOT_HELD, "what it is, is not told to those who do not hold it"


def test_it_ends_with_its_permission(world: Any, give_notes: GiveNotes) -> None:
    give_notes()
    short = msgspec.structs.replace(world.centre.profiles[1], resource_ttl_ms=60_000)
    world.centre = replace(world.centre, profiles={**world.centre.profiles, 1: short})
    member = world.member()
    resource_id = member.resource_id(resource_type=ACCOMPANIMENT)
    world.wait(59_999)
    assert "pitch" in fetch(member, resource_id)
    world.wait(1)
    assert refusal(fetch(member, resource_id)) == RUN_OUT


def test_rights_that_have_gone_take_the_notes_with_them(world: Any, member: Any) -> None:
    resource_id = member.resource_id(resource_type=ACCOMPANIMENT)
    world.record_deal("whole", Chain.RECORDING, terms=())
    assert "pitch" in fetch(member, resource_id), "notes are the work's"
    world.record_deal("whole", Chain.WORK, terms=())
    assert refusal(fetch(member, resource_id)) == NO_PITCH
    world.record_deal("whole", Chain.WORK, terms=(Terms(),))
    assert "pitch" in fetch(member, resource_id)


def test_a_song_taken_from_the_catalogue_takes_its_notes_with_it(world: Any, member: Any) -> None:
    resource_id = member.resource_id(resource_type=ACCOMPANIMENT)
    world.remove("whole")
    assert refusal(fetch(member, resource_id)) == NO_PITCH


def test_whoever_got_the_last_use_sees_what_to_hit(world: Any, member: Any) -> None:
    world.record_deal("whole", Chain.RECORDING, Chain.WORK, terms=(Terms(max_uses=1),))
    assert "pitch" in fetch(member, member.resource_id(resource_type=ACCOMPANIMENT))


@given(st.lists(st.integers(0, 127), max_size=30))
def test_pitches_are_drawn_between_ten_and_ninety(pitches: list[int]) -> None:
    notes = tuple(Note(begin_ms=place, duration_ms=1, pitch=pitch) for place, pitch in enumerate(pitches))
    values = [note.value for note in render_pitch(notes).pitch]
    assert all(10 <= value <= 90 for value in values)
    assert all(value == pitch for value, pitch in zip(values, pitches, strict=True) if 10 <= pitch <= 90)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(resource_id=st.text(max_size=30))
def test_no_text_is_more_than_refused(member: Any, resource_id: str) -> None:
    assert refusal(fetch(member, resource_id)) in {EMPTY, NOT_HELD}


def test_without_lyrics_the_first_note_ends_the_prelude(world: Any, give_notes: GiveNotes) -> None:
    give_notes("no highlight")
    member = world.member()
    params = {"resource_id": member.resource_id("no highlight", ACCOMPANIMENT)}
    answer = member.call("send_extended_request", command="/api/get_prelude_end_time", params=params)
    assert answer == {"prelude_end_time": 10_000}
