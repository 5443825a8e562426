"""Rights messages taken in: each one whole in a transaction of its own, or refused and nothing of it kept.

A message replaces the deals of all recordings it speaks of: "no deal = no deal". It speaks of the recordings in its
releases, and of those that its sender's latest message had in a release which this one has no longer. It changes
nothing that a newer message has spoken of, and it ends no deals but those that its own sender's messages brought.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Literal

import msgspec

from yuefu.access.audit import AuditEntry, Author
from yuefu.catalogue.song import UnknownSong
from yuefu.errors import YuefuError
from yuefu.ids import SongId, VendorId
from yuefu.ingest.ern.licences import Licence, Licences, read_licences
from yuefu.ingest.ern.message import Message, MessageRefused, Recording
from yuefu.ingest.ern.period import Clock
from yuefu.ingest.ern.reading import read_message
from yuefu.music.findings import Finding, FindingList
from yuefu.rights.deal import Chain, Deal, TermSheet
from yuefu.rights.message import LastWord, MessageName
from yuefu.server.centre import Centre, Transaction
from yuefu.server.licensing import LiftedBlock, LiftedCase, count_lifted, says_the_same, write_deal
from yuefu.server.rights_words import say_sheet
from yuefu.units import DAY_MS, format_instant

IMPORT_FIRST = "left alone: import it, then this message again"

LARGEST_LEAD_MS = DAY_MS
"""How far a sender's clock may be ahead of ours."""

MessageFate = Literal["read", "known", "refused"]
"""Taken in now; taken in before, with nothing new to do; not taken in."""


class ReceivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came: the message in it, or why there is none. `version` is "" where it was not found."""

    name: str
    sha256: str = ""
    message: Message | None = None
    version: str = ""
    reason: str = ""


class ChainChange(msgspec.Struct, frozen=True, kw_only=True):
    """A chain of a song whose deal is another than before, both in words."""

    song_id: SongId
    title: str
    chain: Chain
    before: str
    after: str


class MessageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file. `reason` says why it was refused; `matched_songs` are those it speaks of,
    `unmatched_recordings` those of which the vendor has no song, and `lifted` the takedowns that its deals lifted.
    """

    file: str
    fate: MessageFate
    version: str = ""
    kind: str = ""
    message_id: str = ""
    sender: str = ""
    created_at: str = ""
    recordings: int = 0
    releases: int = 0
    deals: int = 0
    matched_songs: int = 0
    unmatched_recordings: int = 0
    changes: tuple[ChainChange, ...] = ()
    lifted: tuple[LiftedCase, ...] = ()
    findings: tuple[Finding, ...] = ()
    reason: str = ""


class MessagesReport(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a run, in the order they were taken: by the instants their senders made them at."""

    files: tuple[MessageReport, ...]
    dry_run: bool = False

    def count(self, fate: MessageFate) -> int:
        return sum(file.fate == fate for file in self.files)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How an operator has messages read: whose songs they are for, for which chains the deals hold, which distribution
    channels are the operator's, and the channel number that the terms get.
    """

    vendor_id: VendorId
    chains: tuple[Chain, ...]
    our_channels: tuple[str, ...] = ()
    channel: int = 0


def receive(name: str, data: bytes, clock: Clock) -> ReceivedFile:
    """What came as a file of that name."""
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        message = read_message(data, clock, file=name)
    except MessageRefused as refused:
        return ReceivedFile(name=name, sha256=sha256, version=refused.version, reason=str(refused))
    return ReceivedFile(name=name, sha256=sha256, message=message, version=message.version)


def take_messages(
    centre: Centre, files: Iterable[ReceivedFile], reading: Reading, author: Author, *, dry_run: bool = False
) -> MessagesReport:
    """Take in each file's message, the oldest first. In a dry run all is done, in one transaction, and then undone."""
    in_order = [(file, _licences(file, reading)) for file in sorted(files, key=_made_at)]

    def take(file: ReceivedFile, licences: Licences | MessageRefused, transaction: Transaction) -> MessageReport:
        at_ms = centre.now_ms()
        return _take(transaction, file, licences, reading, author=author, at_ms=at_ms, is_rehearsal=dry_run)

    if not dry_run:
        taken = [centre.work.run(partial(take, file, licences)) for file, licences in in_order]
        return MessagesReport(files=tuple(taken))
    rehearsed: list[MessageReport] = []

    def rehearse(transaction: Transaction) -> None:
        rehearsed.extend(take(file, licences, transaction) for file, licences in in_order)
        raise _Rehearsed

    with suppress(_Rehearsed):
        centre.work.run(rehearse)
    return MessagesReport(files=tuple(rehearsed), dry_run=True)


class _Rehearsed(YuefuError):
    """Ends a dry run's transaction."""


def _made_at(file: ReceivedFile) -> int:
    return -1 if file.message is None else file.message.created_at_ms


def _licences(file: ReceivedFile, reading: Reading) -> Licences | MessageRefused:
    """What the file's message licenses, worked out while nobody waits for the store; or why there is nothing."""
    if file.message is None:
        return MessageRefused(file.reason)
    try:
        return read_licences(file.message, channels=reading.our_channels, channel=reading.channel, file=file.name)
    except MessageRefused as refused:
        return refused


def _take(
    transaction: Transaction,
    file: ReceivedFile,
    licences: Licences | MessageRefused,
    reading: Reading,
    *,
    author: Author,
    at_ms: int,
    is_rehearsal: bool,
) -> MessageReport:
    message = file.message
    if message is None:
        return MessageReport(file=file.name, fate="refused", version=file.version, reason=file.reason)
    name = MessageName(vendor_id=reading.vendor_id, sender=message.sender.key, message_id=message.message_id)
    known = transaction.messages.content(name)
    reason = ""
    if message.is_test and not is_rehearsal:
        reason = "it is a test message (MessageControlType); --dry-run shows what it would do"
    elif message.created_at_ms > at_ms + LARGEST_LEAD_MS:
        reason = f"it was made in the future, at {format_instant(message.created_at_ms)}, and would outrank all to come"
    elif known not in {None, file.sha256}:
        reason = "a message with the same id and another content was taken in before"
    if reason or isinstance(licences, MessageRefused):
        return _report(file, message, fate="refused", reason=reason or str(licences), findings=message.findings)
    if known is None:
        transaction.messages.receive(name, file.sha256, created_at_ms=message.created_at_ms, at_ms=at_ms)
        transaction.audit(_entry(name, file, author, at_ms=at_ms))
    clerk = _Clerk(transaction, file, message, reading, author=author, at_ms=at_ms)
    clerk.work_through(licences)
    return _report(
        file,
        message,
        fate="read" if known is None or clerk.spoke else "known",
        matched_songs=len(clerk.matched),
        unmatched_recordings=clerk.unmatched,
        changes=tuple(clerk.changes),
        lifted=count_lifted(clerk.lifted),
        findings=(*message.findings, *licences.findings, *clerk.findings.close()),
    )


def _report(
    file: ReceivedFile,
    message: Message,
    *,
    fate: MessageFate,
    matched_songs: int = 0,
    unmatched_recordings: int = 0,
    changes: tuple[ChainChange, ...] = (),
    lifted: tuple[LiftedCase, ...] = (),
    findings: tuple[Finding, ...] = (),
    reason: str = "",
) -> MessageReport:
    return MessageReport(
        file=file.name,
        fate=fate,
        version=message.version,
        kind=message.kind.value,
        message_id=message.message_id,
        sender=message.sender.key,
        created_at=format_instant(message.created_at_ms),
        recordings=len(message.recordings),
        releases=len(message.releases),
        deals=sum(len(deal.offers) for deal in message.deals),
        matched_songs=matched_songs,
        unmatched_recordings=unmatched_recordings,
        changes=changes,
        lifted=lifted,
        findings=findings,
        reason=reason,
    )


def _entry(name: MessageName, file: ReceivedFile, author: Author, *, at_ms: int) -> AuditEntry:
    """What the audit says of a message itself; of each deal that it changes there is an entry too."""
    return AuditEntry(
        at_ms=at_ms,
        actor=author.actor,
        origin=author.origin,
        action="message.take",
        subject=f"message {name.message_id}",
        detail={"file": file.name, "sender": name.sender, "sha256": file.sha256, "vendor": name.vendor_id},
    )


class _Clerk:
    """Works one message into the songs of one vendor."""

    def __init__(
        self,
        transaction: Transaction,
        file: ReceivedFile,
        message: Message,
        reading: Reading,
        *,
        author: Author,
        at_ms: int,
    ) -> None:
        self._transaction = transaction
        self._message = message
        self._reading = reading
        self._author = author
        self._at_ms = at_ms
        self._sha256 = file.sha256
        self._word = LastWord(
            sender=message.sender.key, message_id=message.message_id, created_at_ms=message.created_at_ms
        )
        self.findings = FindingList(file.name)
        self.matched: set[SongId] = set()
        self.unmatched = 0
        self.changes: list[ChainChange] = []
        self.lifted: list[tuple[SongId, LiftedBlock]] = []
        self.spoke = False

    def work_through(self, licences: Licences) -> None:
        """Every recording that the message has, then every song that was in its releases and is so no longer."""
        for song_id, licence in self._by_song(licences.recordings):
            self._speak(song_id, licence)
        for licence in licences.releases:
            gone = (song_id for each in licence.releases for song_id in self._formerly_in(each))
            for song_id in dict.fromkeys(gone):
                self._speak(song_id, licence)

    def _by_song(self, licences: Sequence[Licence]) -> Iterator[tuple[SongId, Licence]]:
        """The songs of the message's recordings. Of two recordings that are one song's the first counts."""
        for licence in licences:
            recording = licence.recording
            songs = [] if recording is None else self._songs(recording)
            if not songs and recording is not None:
                self.unmatched += 1
                self.findings.add(
                    f"no song of vendor {self._reading.vendor_id} has {_identify(recording)}", IMPORT_FIRST
                )
            for song_id in songs:
                if song_id in self.matched:
                    self.findings.add(f"two recordings of the message are song {song_id}", "the first one counts")
                    continue
                self.matched.add(song_id)
                yield song_id, licence

    def _songs(self, recording: Recording) -> list[SongId]:
        """The vendor's songs of a recording: by its ISRC, or else by the vendor's own id for it."""
        messages, vendor_id = self._transaction.messages, self._reading.vendor_id
        songs = [song_id for isrc in recording.isrcs for song_id in messages.recordings(vendor_id, isrc)]
        if not songs:
            found = (messages.delivered(vendor_id, key) for key in recording.keys)
            songs = [song_id for song_id in found if song_id is not None]
        return list(dict.fromkeys(songs))

    def _formerly_in(self, release_id: str) -> Iterator[SongId]:
        messages, vendor_id = self._transaction.messages, self._reading.vendor_id
        kind, _, isrc = release_id.partition(" ")
        songs = messages.released(vendor_id, release_id)
        if kind == "ISRC":  # a release of one recording may be named by it
            songs += messages.recordings(vendor_id, isrc)
        return (song_id for song_id in songs if song_id not in self.matched)

    def _speak(self, song_id: SongId, licence: Licence) -> None:
        """Have the message's word on one song hold, for those chains of which no newer message has spoken."""
        self.matched.add(song_id)
        chains = [chain for chain in self._reading.chains if self._may_speak(song_id, chain, licence)]
        if not chains:
            return
        self.spoke = True
        rights = self._transaction.rights(song_id)
        changed = [
            chain
            for chain in chains
            if not says_the_same(rights.sheet(chain), licence.sheet)
            and (licence.sheet.terms or rights.sheet(chain) is not None)
        ]
        if changed:
            self._record(song_id, tuple(changed), licence.sheet)
        word = msgspec.structs.replace(self._word, revision=self._transaction.rights(song_id).revision)
        self._transaction.messages.speak(song_id, chains, word)
        self._transaction.messages.put_in_releases(self._reading.vendor_id, song_id, licence.releases)

    def _may_speak(self, song_id: SongId, chain: Chain, licence: Licence) -> bool:
        last = self._transaction.messages.last_word(song_id, chain)
        if last is None:
            return self._may_outdo(song_id, chain, licence, last)
        if (last.sender, last.message_id) == (self._word.sender, self._word.message_id):
            return False
        if last.created_at_ms > self._word.created_at_ms:
            self.findings.add(
                f"song {song_id}: a newer message, {last.message_id} of {format_instant(last.created_at_ms)}, "
                f"has spoken of its {chain.value}",
                "left alone",
            )
            return False
        if not self._may_outdo(song_id, chain, licence, last):
            return False
        if last.sender == self._word.sender:
            self._note_other_release(song_id, licence, last)
            return True
        if not licence.sheet.terms:
            self.findings.add(
                f"song {song_id}: the deals of its {chain.value} are from another sender, {last.sender}",
                "left alone: only their sender ends them",
            )
            return False
        self.findings.add(
            f"song {song_id}: the deals of its {chain.value} were from another sender, {last.sender}", "replaced"
        )
        return True

    def _may_outdo(self, song_id: SongId, chain: Chain, licence: Licence, last: LastWord | None) -> bool:
        """Whether it may where the chain's deal came otherwise than by messages: it replaces such, never ends them."""
        held = self._transaction.rights(song_id).sheet(chain)
        origin = self._transaction.messages.origin(song_id, chain)
        is_by_message = last is not None and (origin is None or origin.revision <= last.revision)
        if is_by_message or held is None or not held.terms or says_the_same(held, licence.sheet):
            return True
        brought = f", by {origin.source}" if origin is not None and origin.source else ""
        if licence.sheet.terms:
            self.findings.add(f"song {song_id}: the deals of its {chain.value} came otherwise{brought}", "replaced")
            return True
        self.findings.add(
            f"song {song_id}: the deals of its {chain.value} came otherwise{brought}",
            "left alone: a message ends only deals that its own sender's messages brought",
        )
        if last is None or last.sender == self._word.sender:  # it has spoken all the same: an older one is too late
            word = msgspec.structs.replace(self._word, revision=0 if last is None else last.revision)
            self._transaction.messages.speak(song_id, [chain], word)
        return False

    def _note_other_release(self, song_id: SongId, licence: Licence, last: LastWord) -> None:
        """Deals are kept by recording: those of another release that holds it are replaced with the rest."""
        before = self._transaction.messages.releases(song_id)
        if licence.recording is not None and before and not before & set(licence.releases):
            self.findings.add(
                f"song {song_id}: its deals were those of another release, from message {last.message_id}", "replaced"
            )

    def _record(self, song_id: SongId, chains: tuple[Chain, ...], sheet: TermSheet) -> None:
        rights = self._transaction.rights(song_id)
        title = self._title(song_id)
        self.changes += [
            ChainChange(
                song_id=song_id,
                title=title,
                chain=chain,
                before=say_sheet(rights.sheet(chain)),
                after=say_sheet(sheet),
            )
            for chain in chains
        ]
        source = f"ERN {self._message.message_id}"
        deal = Deal(song_id=song_id, chains=chains, sheet=sheet, source=source)
        said = {"sender": self._word.sender, "sha256": self._sha256}
        recorded = write_deal(self._transaction, deal, self._author, at_ms=self._at_ms, **said)
        self.lifted += [(song_id, block) for block in recorded.lifted]

    def _title(self, song_id: SongId) -> str:
        try:
            return self._transaction.song(song_id).published.facts.title
        except UnknownSong:
            return ""


def _identify(recording: Recording) -> str:
    if recording.isrcs:
        return f"ISRC {' or '.join(recording.isrcs)}"
    return f"the id {' or '.join(recording.keys)}" if recording.keys else f"any id of recording {recording.name!r}"
