"""`report_play`: what a client says it sang under a grant. It is on record beside the charges and changes none.

The rights are not asked: a song that was taken down meanwhile was sung all the same, and its holder is owed the count.
"""

from msgspec import UNSET

from yuefu.catalogue.resource import parse_resource_id
from yuefu.catalogue.song import UnknownSong
from yuefu.rights.play import BadReport, Heard, NotHeld, Play, PlayKey, TooManyPlays, advance, begin
from yuefu.server.actions.media import not_granted
from yuefu.server.actions.sessions import Member
from yuefu.server.centre import Centre, Transaction
from yuefu.wire.client_api import PlayOnRecord, ReportPlayBody
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal

CALLS_PER_S = 10


async def report_play(centre: Centre, caller: Member, body: ReportPlayBody) -> PlayOnRecord:
    """Write down what was sung, or more of it; what is on record then. Raises `ClientRefusal`."""
    if not body.resource_id:
        raise ClientRefusal(ClientCode.RESOURCE_ID_EMPTY, "resource_id: empty")
    session = caller.session
    heard = Heard(seconds=body.seconds, is_completed=body.completed, score=body.score, started_at_ms=body.started)
    duration_ms = _duration_ms(centre, body.resource_id)

    def write(transaction: Transaction, key: PlayKey) -> Play:
        at_ms = centre.now_ms()
        held = transaction.plays.find(key)
        if held is None:
            if duration_ms is None:
                raise ClientRefusal(ClientCode.RESOURCE_MISSING, "resource_id: its song is not in the catalogue")
            play = begin(body.resource_id, heard, duration_ms, at_ms=at_ms)
            transaction.plays.add(key, session.session_id, play, at_ms=at_ms)
            return play
        play = advance(held, body.resource_id, heard, at_ms=at_ms)
        if play != held:
            transaction.plays.change(key, play, at_ms=at_ms)
        return play

    try:
        key = PlayKey(app_id=session.app_id, user_id=session.user_id, name=body.play_id)
        play = await centre.work.perform(lambda transaction: write(transaction, key))
    except BadReport as error:
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, f"{error.field}: {error}") from None
    except NotHeld:
        raise not_granted() from None
    except TooManyPlays as error:
        raise ClientRefusal(ClientCode.BILLING_UNREASONABLE, f"play_id: {error}") from None
    return _render(body.play_id, play)


def _duration_ms(centre: Centre, resource_id: str) -> int | None:
    """How long a resource is, None of one that is in the catalogue no longer. Raises `ClientRefusal`: no resource."""
    ref = parse_resource_id(resource_id)
    if ref is None:
        raise not_granted()
    try:
        song = centre.songs.song(ref.song_id)
    except UnknownSong:
        return None
    part = song.part(ref.kind, ref.quality)
    return None if part is None else part.duration_ms or song.published.duration_ms


def _render(name: str, play: Play) -> PlayOnRecord:
    heard = play.heard
    return PlayOnRecord(
        play_id=name,
        seconds=heard.seconds,
        completed=int(heard.is_completed),
        defined=int(play.defined_at_ms is not None),
        score=UNSET if heard.score is None else heard.score,
    )
