"""Rights and deals on the admin API."""

from collections.abc import Sequence

from yuefu.catalogue.song import UnknownSong
from yuefu.errors import YuefuError
from yuefu.ids import SongId
from yuefu.rights.deal import Block, Deal, SongRights, Terms, TermSheet
from yuefu.rights.record import Revision
from yuefu.server.centre import Centre
from yuefu.server.deal_tables import parse_tier
from yuefu.server.http.admin.endpoint import (
    EVERYBODY,
    OPERATORS,
    PREFIX,
    AnyEndpoint,
    BadBody,
    Call,
    Endpoint,
    Nothing,
)
from yuefu.server.http.admin.shapes import (
    ConflictShape,
    DealsRecorded,
    ExpiringDeals,
    ExpiringDealShape,
    ExpiringQuery,
    NewDeal,
    NewDeals,
    RecordedDealShape,
    RevisionShape,
    RightsQuery,
    RightsShape,
    SheetShape,
    SongRightsShape,
    TakedownShape,
    TermsShape,
    instant_ms,
)
from yuefu.server.http.admin.songs import MISSING, song_id_of
from yuefu.server.licensing import record_deals
from yuefu.server.programme import known_vendor
from yuefu.server.rights_watch import expiring_deals
from yuefu.server.rights_words import say_sheet, say_terms
from yuefu.units import format_instant, parse_stretch_ms


def _rights(call: Call[RightsQuery, Nothing]) -> SongRightsShape:
    centre, song_id = call.centre, song_id_of(call)
    said_ms = instant_ms(call.query.known_at, "known_at")
    known_at_ms = centre.now_ms() if said_ms is None else said_ms
    revisions = centre.rights.revisions(song_id)
    if said_ms is None or not revisions:
        rights = centre.rights.rights(song_id)
    if said_ms is not None:
        rights = centre.rights.known_at(song_id, known_at_ms)
    return SongRightsShape(
        song_id=str(song_id),
        known_at=format_instant(known_at_ms),
        rights=_to_rights(rights),
        revisions=[_to_revision(each) for each in revisions if each.recorded_at_ms <= known_at_ms],
    )


def _record(call: Call[Nothing, NewDeals]) -> DealsRecorded:
    """All of them in one transaction; nothing is written unless all can be meant."""
    body = call.body
    deals = [_to_deal(deal, body.source, f"deals[{place}]") for place, deal in enumerate(body.deals)]
    _check_songs(call.centre, [deal.song_id for deal in deals])
    done = record_deals(call.centre, deals, call.author, at_once=True)
    return DealsRecorded(
        recorded=[
            RecordedDealShape(
                song_id=str(each.song_id),
                chains=each.chains,
                before_revision=each.before_revision,
                after_revision=each.after_revision,
                lifted_cases=tuple(block.case_id for block in each.lifted),
            )
            for each in done.recorded
        ],
        conflicts=[
            ConflictShape(
                song_id=str(each.song_id),
                chain=each.chain,
                dropped=_to_sheet(each.dropped),
                kept=_to_sheet(each.kept),
            )
            for each in done.conflicts
        ],
    )


def _expiring(call: Call[ExpiringQuery, Nothing]) -> ExpiringDeals:
    centre, query = call.centre, call.query
    vendor_id = None if query.vendor is None else known_vendor(centre, query.vendor)
    found = expiring_deals(centre, vendor_id, within_ms=parse_stretch_ms(query.within))
    return ExpiringDeals(
        deals=[
            ExpiringDealShape(
                song_id=str(each.song_id),
                vendor_id=each.vendor_id,
                title=each.title,
                chain=each.chain,
                ends_at=format_instant(each.ends_at_ms),
                terms=_to_terms(each.terms),
                words=say_terms(each.terms),
            )
            for each in found
        ]
    )


def _check_songs(centre: Centre, song_ids: Sequence[SongId]) -> None:
    """Let songs pass that there are. Raises `BadBody` that names the first that is none."""
    for place, song_id in enumerate(song_ids):
        try:
            centre.rights.rights(song_id)
        except UnknownSong as unknown:
            raise BadBody(f"deals[{place}].song_id: {unknown}") from None


def _to_deal(deal: NewDeal, source: str, where: str) -> Deal:
    terms = tuple(_read_terms(each, f"{where}.terms[{place}]") for place, each in enumerate(deal.terms))
    return Deal(
        song_id=SongId(int(deal.song_id)),
        chains=tuple(dict.fromkeys(deal.chains)),
        sheet=TermSheet(terms=terms),
        source=source,
    )


def _read_terms(terms: TermsShape, where: str) -> Terms:
    valid_from_ms = instant_ms(terms.valid_from, f"{where}.valid_from")
    valid_until_ms = instant_ms(terms.valid_until, f"{where}.valid_until")
    try:
        return Terms(
            valid_from_ms=valid_from_ms,
            valid_until_ms=valid_until_ms,
            uses=tuple(terms.uses),
            models=tuple(terms.models),
            territories=tuple(terms.territories),
            excluded_territories=tuple(terms.excluded_territories),
            max_uses=terms.max_uses,
            tier=parse_tier(terms.tier),
            channel=terms.channel,
        )
    except (YuefuError, ValueError) as error:
        raise BadBody(f"{where}: {error}") from None


def _to_terms(terms: Terms) -> TermsShape:
    return TermsShape(
        uses=list(terms.uses),
        models=list(terms.models),
        territories=list(terms.territories),
        excluded_territories=list(terms.excluded_territories),
        valid_from=None if terms.valid_from_ms is None else format_instant(terms.valid_from_ms),
        valid_until=None if terms.valid_until_ms is None else format_instant(terms.valid_until_ms),
        max_uses=terms.max_uses,
        tier=terms.tier,
        channel=terms.channel,
    )


def _to_sheet(sheet: TermSheet) -> SheetShape:
    return SheetShape(terms=list(map(_to_terms, sheet.terms)), words=say_sheet(sheet))


def _to_rights(rights: SongRights) -> RightsShape:
    return RightsShape(
        revision=rights.revision,
        recording=None if rights.recording is None else _to_sheet(rights.recording),
        work=None if rights.work is None else _to_sheet(rights.work),
        takedowns=list(map(_to_takedown, rights.blocks)),
    )


def _to_takedown(block: Block) -> TakedownShape:
    return TakedownShape(
        case=block.case_id, begins_at=format_instant(block.from_ms), is_banned=block.is_banned, chains=block.chains
    )


def _to_revision(revision: Revision) -> RevisionShape:
    return RevisionShape(
        recorded_at=format_instant(revision.recorded_at_ms),
        cause=revision.cause,
        chains=revision.chains,
        source=revision.source,
        rights=_to_rights(revision.rights),
    )


DEALS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        name="show_song_rights",
        summary="What is on record of a song's rights, or was at an instant, and how it came to be",
        method="GET",
        path=f"{PREFIX}/songs/{{song_id}}/rights",
        roles=EVERYBODY,
        handle=_rights,
        query=RightsQuery,
        body=Nothing,
        result=SongRightsShape,
        missing=MISSING,
    ),
    Endpoint(
        name="record_deals",
        summary="Write deals down, all of them or none; each takes the place of earlier ones for the same chains",
        method="POST",
        path=f"{PREFIX}/deals",
        roles=OPERATORS,
        handle=_record,
        query=Nothing,
        body=NewDeals,
        result=DealsRecorded,
    ),
    Endpoint(
        name="list_expiring_deals",
        summary="The deals that end soon and are not followed by others",
        method="GET",
        path=f"{PREFIX}/deals/expiring",
        roles=EVERYBODY,
        handle=_expiring,
        query=ExpiringQuery,
        body=Nothing,
        result=ExpiringDeals,
    ),
)
