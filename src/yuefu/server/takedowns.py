"""Taking songs down, and undoing it. When a takedown returns, nothing it hit is granted or served on any node."""

import unicodedata
from collections.abc import Iterable

import msgspec

from yuefu.access.audit import Author
from yuefu.ids import SongId, parse_song_id
from yuefu.music.findings import Finding, FindingList
from yuefu.rights.takedown import BadScope, CaseReport, Hits, NewCase, NothingHit, Revised
from yuefu.server.centre import Centre, Transaction
from yuefu.units import batched, format_instant

SLICE = 20_000
"""Songs a transaction: a server beside us waits for the file no longer than one of them takes."""

_COMMENT = "#"
_NOT_TEXT = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's classes of what would draw on a terminal, or end a line of it."""


def take_down(centre: Centre, case: NewCase, author: Author) -> CaseReport:
    """Open a case and block every song it hits, in as many transactions as it takes. Raises `NothingHit`, `BadScope`.

    Not on the event loop of a node: it waits for the answers under way.
    """
    if any(unicodedata.category(character) in _NOT_TEXT for character in case.reason):
        raise BadScope("the reason has control characters or line breaks in it: write it on one line")
    at_ms = centre.now_ms()
    hits = centre.work.run(lambda transaction: _open(transaction, case, author, at_ms=at_ms))
    for song_ids in batched(hits.songs[SLICE:], SLICE):
        _lay(centre, case, hits.case_id, song_ids, author, at_ms=at_ms)
    centre.fence.drain()
    reach = centre.takedowns.reach(hits.case_id, at_ms=max(at_ms, case.from_ms))
    return CaseReport(
        case_id=hits.case_id,
        case=case,
        songs=hits.songs,
        unknown=hits.unknown,
        grants_revoked=reach.grants,
        rooms_affected=reach.rooms,
    )


def undo(centre: Centre, case_id: int, author: Author) -> int:
    """End a case and lift its blocks; from how many songs. Raises `UnknownCase`, `CaseEnded`.

    One that broke off in the middle is carried on with when it is called again.
    """
    at_ms = centre.now_ms()
    while centre.work.run(lambda transaction: _lift(transaction, case_id, author, at_ms=at_ms)) == SLICE:
        pass
    return centre.takedowns.case(case_id).songs


def read_song_ids(data: bytes, *, file: str) -> tuple[list[SongId], tuple[Finding, ...]]:
    """The ids in a list of one a line, each once, and what is wrong with it; blank lines and comments (#) may be there.

    Never raises.
    """
    found: dict[SongId, None] = {}
    findings = FindingList(file)
    for number, line in enumerate(data.decode("utf-8-sig", errors="replace").splitlines(), start=1):
        text = line.partition(_COMMENT)[0].strip()
        song_id = parse_song_id(text)
        if song_id is not None:
            found[song_id] = None
        elif text:
            findings.add(f"{text[:40]!r} is no song id", "refused", number)
    return list(found), findings.close()


def _open(transaction: Transaction, case: NewCase, author: Author, *, at_ms: int) -> Hits:
    """Write the case down and block the first songs, all there are of most cases."""
    desk = transaction.takedowns
    hits = desk.open(case, actor=author.actor, at_ms=at_ms)
    if not hits.songs and not case.is_banned:
        raise NothingHit
    laid = desk.lay(hits.case_id, case.block(hits.case_id), hits.songs[:SLICE], at_ms=at_ms)
    transaction.audit(
        author.entry(
            "takedown",
            _subject(hits.case_id),
            at_ms=at_ms,
            **{
                "scope": msgspec.to_builtins(case.scope),
                "reason": case.reason,
                "is_banned": case.is_banned,
                "from": format_instant(case.from_ms),
                "songs": len(hits.songs),
                "unknown": len(hits.unknown),
            },
        )
    )
    _audit_songs(transaction, "takedown.lay", hits.case_id, laid, author, at_ms=at_ms)
    return hits


def _lay(centre: Centre, case: NewCase, case_id: int, song_ids: list[SongId], author: Author, *, at_ms: int) -> None:
    def job(transaction: Transaction) -> None:
        laid = transaction.takedowns.lay(case_id, case.block(case_id), song_ids, at_ms=at_ms)
        _audit_songs(transaction, "takedown.lay", case_id, laid, author, at_ms=at_ms)

    centre.work.run(job)


def _lift(transaction: Transaction, case_id: int, author: Author, *, at_ms: int) -> int:
    """Lift some blocks, and with the last of them end the case; how many."""
    lifted = transaction.takedowns.lift(case_id, at_most=SLICE, at_ms=at_ms)
    _audit_songs(transaction, "takedown.lift", case_id, lifted, author, at_ms=at_ms)
    if len(lifted) < SLICE:
        transaction.takedowns.close(case_id, actor=author.actor, at_ms=at_ms)
        transaction.audit(author.entry("takedown.undo", _subject(case_id), at_ms=at_ms))
    return len(lifted)


def _audit_songs(
    transaction: Transaction, action: str, case_id: int, songs: Iterable[Revised], author: Author, *, at_ms: int
) -> None:
    """An entry for each song: whoever asks the audit about a song finds what happened to it."""
    for each in songs:
        transaction.audit(
            author.entry(
                action,
                f"song {each.song_id}",
                at_ms=at_ms,
                before_revision=each.revision - 1,
                after_revision=each.revision,
                case=case_id,
            )
        )


def _subject(case_id: int) -> str:
    return f"case {case_id}"
