"""Songs on the admin API."""

from typing import Any

from msgspec import UNSET

from yuefu.catalogue.facts import FIELDS, BadFact, read_fact
from yuefu.catalogue.song import Song
from yuefu.ids import SongId, parse_song_id
from yuefu.rights.decision import Answer, Decision
from yuefu.rights.purpose import browsing
from yuefu.rights.territory import ANYWHERE
from yuefu.server.centre import Centre
from yuefu.server.facts import edit_facts, remove_songs
from yuefu.server.http.admin.endpoint import (
    EVERYBODY,
    OPERATORS,
    PREFIX,
    AnyEndpoint,
    BadBody,
    Call,
    Endpoint,
    Nothing,
    NotThere,
)
from yuefu.server.http.admin.shapes import (
    BlockedSongs,
    BlockedSongShape,
    ChecksQuery,
    FactChange,
    RightsAnswer,
    SongDetail,
    SongEdit,
    SongEdited,
    SongRow,
    SongsPage,
    SongsQuery,
)
from yuefu.server.programme import known_vendor
from yuefu.server.rights_watch import blocked_songs
from yuefu.server.song_checks import CatalogueCheck, SongCheck, as_shown, check_catalogue, check_song
from yuefu.units import format_instant

MISSING = "no such song"


def song_id_of(call: Call[Any, Any]) -> SongId:
    """The song that the path names. Raises `NotThere` for what is nobody's id."""
    song_id = parse_song_id(call.path["song_id"])
    if song_id is None:
        raise NotThere
    return song_id


def _list(call: Call[SongsQuery, Nothing]) -> SongsPage:
    centre, query = call.centre, call.query
    vendor_id = None if query.vendor is None else known_vendor(centre, query.vendor)
    after = None if query.after is None else SongId(int(query.after))
    found = centre.songs.songs(vendor_id, after=after, at_most=query.limit + 1)
    rows = [SongRow(**_row(song, _decision(centre, song))) for song in found[: query.limit]]
    return SongsPage(songs=rows, next_after=rows[-1].song_id if len(found) > query.limit else None)


def _show(call: Call[Nothing, Nothing]) -> SongDetail:
    song = call.centre.songs.song(song_id_of(call))
    decision = _decision(call.centre, song)
    published = song.published
    return SongDetail(
        **_row(song, decision),
        source_key=published.source_key,
        facts=published.facts,
        delivered=song.delivered,
        highlight=published.highlight,
        parts=published.parts,
        play=_answer(decision.play),
        sing=_answer(decision.sing),
    )


def _check(call: Call[Nothing, Nothing]) -> SongCheck:
    return as_shown(check_song(call.centre, call.centre.songs.song(song_id_of(call))))


def _check_all(call: Call[ChecksQuery, Nothing]) -> CatalogueCheck:
    """One pass over all songs and their small files, for which nothing waits."""
    vendor = call.query.vendor
    return check_catalogue(call.centre, None if vendor is None else known_vendor(call.centre, vendor))


def _edit(call: Call[Nothing, SongEdit]) -> SongEdited:
    song_id, body = song_id_of(call), call.body
    edits = {field: _read(field, value) for field in FIELDS if (value := getattr(body, field)) is not UNSET}
    for field in body.restore:
        if field not in FIELDS:
            raise BadBody(f"restore: there is no field {field[:40]!r}; there are {', '.join(FIELDS)}")
        if field in edits:
            raise BadBody(f"restore: {field} has another value beside it")
    if not edits and not body.restore:
        raise BadBody(f"body: says nothing to change; there are {', '.join(FIELDS)} and restore")
    done = edit_facts(call.centre, song_id, edits, body.restore, call.author)
    changes = [FactChange(field=each.field, before=each.before, after=each.after) for each in done.changes]
    return SongEdited(song_id=str(song_id), revision=done.revision, changes=changes)


def _remove(call: Call[Nothing, Nothing]) -> Nothing:
    remove_songs(call.centre, [song_id_of(call)], call.author)
    return Nothing()


def _blocked(call: Call[SongsQuery, Nothing]) -> BlockedSongs:
    """One pass over all songs, for which nothing waits."""
    centre, query = call.centre, call.query
    vendor_id = None if query.vendor is None else known_vendor(centre, query.vendor)
    after = 0 if query.after is None else int(query.after)
    shown: list[BlockedSongShape] = []
    for song in blocked_songs(centre, vendor_id):
        if song.song_id <= after:
            continue
        if len(shown) == query.limit:
            return BlockedSongs(songs=shown, next_after=shown[-1].song_id)
        shown.append(
            BlockedSongShape(
                song_id=str(song.song_id),
                vendor_id=song.vendor_id,
                title=song.title,
                play=None if song.play is None else song.play.name.lower(),
                sing=None if song.sing is None else song.sing.name.lower(),
                states=song.states,
            )
        )
    return BlockedSongs(songs=shown, next_after=None)


def _row(song: Song, decision: Decision) -> dict[str, Any]:
    published = song.published
    return {
        "song_id": str(song.song_id),
        "vendor_id": song.vendor_id,
        "title": published.facts.title,
        "singers": published.facts.singers,
        "duration_ms": published.duration_ms,
        "revision": song.revision,
        "may_play": decision.play.allowed,
        "may_sing": decision.sing.allowed,
        "states": published.states,
        "separated_by": published.separated_by,
    }


def _decision(centre: Centre, song: Song) -> Decision:
    """What somebody, somewhere, may do with the song now."""
    rights = centre.rights.rights(song.song_id)
    return centre.decide(song.song_id, rights, browsing(ANYWHERE), at_ms=centre.now_ms())


def _answer(answer: Answer) -> RightsAnswer:
    return RightsAnswer(
        allowed=answer.allowed,
        reason=answer.reason.name.lower(),
        words=answer.reason.value,
        until=None if answer.until_ms is None else format_instant(answer.until_ms),
    )


def _read(field: str, value: Any) -> Any:
    values = value if isinstance(value, list) else [] if value is None else [value]
    try:
        return read_fact(field, [str(each) for each in values])
    except BadFact as bad:
        raise BadBody(f"{field}: {bad}") from None


SONGS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        name="list_songs",
        summary="The published songs, by id",
        method="GET",
        path=f"{PREFIX}/songs",
        roles=EVERYBODY,
        handle=_list,
        query=SongsQuery,
        body=Nothing,
        result=SongsPage,
    ),
    Endpoint(
        name="list_blocked_songs",
        summary="The songs that nobody may play, or sing, or that lack what singing needs, and why",
        method="GET",
        path=f"{PREFIX}/songs/blocked",
        roles=EVERYBODY,
        handle=_blocked,
        query=SongsQuery,
        body=Nothing,
        result=BlockedSongs,
    ),
    Endpoint(
        name="check_songs",
        summary="How many songs are good, to be looked at and bad, and the worst of them",
        method="GET",
        path=f"{PREFIX}/songs/check",
        roles=EVERYBODY,
        handle=_check_all,
        query=ChecksQuery,
        body=Nothing,
        result=CatalogueCheck,
    ),
    Endpoint(
        name="show_song",
        summary="All that is known of one song",
        method="GET",
        path=f"{PREFIX}/songs/{{song_id}}",
        roles=EVERYBODY,
        handle=_show,
        query=Nothing,
        body=Nothing,
        result=SongDetail,
        missing=MISSING,
    ),
    Endpoint(
        name="check_song",
        summary="What is right and wrong with one song: figures and verdicts",
        method="GET",
        path=f"{PREFIX}/songs/{{song_id}}/check",
        roles=EVERYBODY,
        handle=_check,
        query=Nothing,
        body=Nothing,
        result=SongCheck,
        missing=MISSING,
    ),
    Endpoint(
        name="edit_song",
        summary="Correct a song's facts; they outlast its next delivery",
        method="PATCH",
        path=f"{PREFIX}/songs/{{song_id}}",
        roles=OPERATORS,
        handle=_edit,
        query=Nothing,
        body=SongEdit,
        result=SongEdited,
        missing=MISSING,
    ),
    Endpoint(
        name="remove_song",
        summary="Take a song out of the catalogue; imported again, it has its old id",
        method="DELETE",
        path=f"{PREFIX}/songs/{{song_id}}",
        roles=OPERATORS,
        handle=_remove,
        query=Nothing,
        body=Nothing,
        result=Nothing,
        status=204,
        missing=MISSING,
    ),
)
