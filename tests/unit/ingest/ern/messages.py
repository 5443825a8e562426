"""Made-up ERN messages, in both families: the same facts, each where its version has them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

VERSIONS = ("381", "382", "383", "41", "411", "42", "43", "431", "432")
SENDER = "PADPIDA2014120301Y"
CREATED = "2026-03-01T12:00:00+08:00"
START = "2026-04-01T00:00:00+08:00"
ICPN = "4006381333931"


@dataclass(frozen=True)
class Track:
    """A recording on the release. `reference` is made of its place."""

    isrc: str = "CNZ012600001"
    key: str = ""
    iswc: str = "T-034.524.680-1"
    title: str = "茉莉花"
    artist: str = "甲"


@dataclass(frozen=True)
class Terms:
    """A deal as a sender writes it. `extra` is what else stands in its terms."""

    uses: tuple[str, ...] = ("OnDemandStream",)
    models: tuple[str, ...] = ("SubscriptionModel",)
    territories: tuple[str, ...] = ("Worldwide",)
    excluded: tuple[str, ...] = ()
    validity: str = f"<StartDateTime>{START}</StartDateTime>"
    extra: str = ""
    usage_extra: str = ""


@dataclass(frozen=True)
class Made:
    """A message to be made. `deals` are for the album, `track_deals` for each track by itself."""

    version: str = "43"
    message_id: str = "M1"
    sender: str = SENDER
    created: str = CREATED
    control: str = "LiveMessage"
    tracks: tuple[Track, ...] = (Track(),)
    deals: tuple[Terms, ...] = (Terms(),)
    track_deals: tuple[Terms, ...] = ()
    icpn: str = ICPN
    raw_deals: str = ""
    header_extra: str = field(default="", kw_only=True)

    @property
    def is_3(self) -> bool:
        return self.version.startswith("3")

    def bytes(self, encoding: str = "utf-8") -> bytes:
        """The message's XML."""
        return f'<?xml version="1.0" encoding="{encoding}"?>\n{self.text()}'.encode(encoding)

    def text(self) -> str:
        body = "".join(
            [self.header(), _list("ResourceList", self._resources()), self._release_list(), self._deal_list()]
        )
        namespace = f"http://ddex.net/xml/ern/{self.version}"
        return f'<ern:NewReleaseMessage xmlns:ern="{namespace}">\n{body}</ern:NewReleaseMessage>\n'

    def header(self) -> str:
        name = "<PartyName><FullName>某唱片公司</FullName></PartyName>"
        party = f"<PartyId>{escape(self.sender)}</PartyId>{name}" if self.sender else name
        return (
            f"<MessageHeader><MessageThreadId>T1</MessageThreadId><MessageId>{escape(self.message_id)}</MessageId>"
            f"<MessageSender>{party}</MessageSender><MessageRecipient>{name}</MessageRecipient>"
            f"<MessageCreatedDateTime>{escape(self.created)}</MessageCreatedDateTime>"
            f"<MessageControlType>{self.control}</MessageControlType>{self.header_extra}</MessageHeader>\n"
        )

    def _resources(self) -> str:
        return "".join(self._recording(place, track) for place, track in enumerate(self.tracks, 1))

    def _recording(self, place: int, track: Track) -> str:
        ids = (f"<ISRC>{track.isrc}</ISRC>" if track.isrc else "") + _key(track.key)
        iswc = f"<ISWC>{track.iswc}</ISWC>" if track.iswc else ""
        reference = f"<ResourceReference>A{place}</ResourceReference>"
        title, artist = escape(track.title), escape(track.artist)
        if self.is_3:
            return (
                f"<SoundRecording><SoundRecordingType>MusicalWorkSoundRecording</SoundRecordingType>"
                f"<SoundRecordingId>{ids}</SoundRecordingId>"
                f"<IndirectSoundRecordingId>{iswc}</IndirectSoundRecordingId>{reference}"
                f"<ReferenceTitle><TitleText>{title}</TitleText></ReferenceTitle><Duration>PT3M20S</Duration>"
                f"<SoundRecordingDetailsByTerritory><TerritoryCode>Worldwide</TerritoryCode><DisplayArtist>"
                f"<PartyName><FullName>{artist}</FullName></PartyName></DisplayArtist>"
                f"</SoundRecordingDetailsByTerritory></SoundRecording>\n"
            )
        named = f"<ResourceId>{ids}</ResourceId>"
        if self.version.startswith("43"):
            named = f"<SoundRecordingEdition><Type>NonImmersiveEdition</Type>{named}</SoundRecordingEdition>"
        return (
            f"<SoundRecording>{reference}<Type>MusicalWorkSoundRecording</Type>{named}<WorkId>{iswc}</WorkId>"
            f"<DisplayTitleText>{title}</DisplayTitleText><VersionType>KaraokeVersion</VersionType>"
            f"<DisplayArtistName>{artist}</DisplayArtistName><Duration>PT3M20S</Duration></SoundRecording>\n"
        )

    def _release_list(self) -> str:
        places = range(1, len(self.tracks) + 1)
        contents = "".join(f"<ReleaseResourceReference>A{place}</ReleaseResourceReference>" for place in places)
        icpn = f"<ReleaseId><ICPN>{self.icpn}</ICPN></ReleaseId>" if self.icpn else ""
        if self.is_3:
            album = (
                f"<Release>{icpn}<ReleaseReference>R0</ReleaseReference><ReferenceTitle><TitleText>民歌</TitleText>"
                f"</ReferenceTitle><ReleaseResourceReferenceList>{contents}</ReleaseResourceReferenceList>"
                f"<ReleaseType>Album</ReleaseType></Release>\n"
            )
        else:
            items = "".join(
                f"<ResourceGroupContentItem><ReleaseResourceReference>A{place}</ReleaseResourceReference>"
                f"</ResourceGroupContentItem>"
                for place in places
            )
            album = (
                f"<Release><ReleaseReference>R0</ReleaseReference><ReleaseType>Album</ReleaseType>{icpn}"
                f"<DisplayTitleText>民歌</DisplayTitleText><ResourceGroup>{items}</ResourceGroup></Release>\n"
            )
        return _list("ReleaseList", album + "".join(map(self._track_release, places)))

    def _track_release(self, place: int) -> str:
        name = "Release" if self.is_3 else "TrackRelease"
        contents = f"<ReleaseResourceReference>A{place}</ReleaseResourceReference>"
        if self.is_3:
            contents = f"<ReleaseResourceReferenceList>{contents}</ReleaseResourceReferenceList>"
        release_id = f"<ReleaseId>{_key(f'{self.icpn}-{place}')}</ReleaseId>" if self.icpn else ""
        return f"<{name}><ReleaseReference>R{place}</ReleaseReference>{release_id}{contents}</{name}>\n"

    def _deal_list(self) -> str:
        tracks = [f"R{place}" for place in range(1, len(self.tracks) + 1)]
        deals = self._release_deal(["R0"], self.deals) + self._release_deal(tracks, self.track_deals)
        return _list("DealList", deals + self.raw_deals)

    def _release_deal(self, releases: list[str], deals: Iterable[Terms]) -> str:
        said = "".join(f"<Deal>{self.terms(terms)}</Deal>\n" for terms in deals)
        named = "".join(f"<DealReleaseReference>{each}</DealReleaseReference>" for each in releases)
        return f"<ReleaseDeal>{named}{said}</ReleaseDeal>\n" if said else ""

    def terms(self, terms: Terms) -> str:
        """The DealTerms of this family."""
        models = "".join(_word("CommercialModelType", word) for word in terms.models)
        uses = "".join(_word("UseType", word) for word in terms.uses) + terms.usage_extra
        places = "".join(f"<TerritoryCode>{each}</TerritoryCode>" for each in terms.territories)
        places += "".join(f"<ExcludedTerritoryCode>{each}</ExcludedTerritoryCode>" for each in terms.excluded)
        validity = f"<ValidityPeriod>{terms.validity}</ValidityPeriod>" if terms.validity else ""
        if self.is_3:
            usage = f"<Usage>{uses}</Usage>" if uses else ""
            return f"<DealTerms>{models}{usage}{places}{terms.extra}{validity}</DealTerms>"
        return f"<DealTerms>{places}{validity}{models}{uses}{terms.extra}</DealTerms>"


def purge(
    version: str = "43", *, message_id: str = "P1", created: str = CREATED, release_id: str = "", **made: str
) -> bytes:
    """A PurgeReleaseMessage for the release of that id element, the album's own by default."""
    header = Made(version=version, message_id=message_id, created=created, **made).header()  # type: ignore[arg-type]
    named = release_id or f"<ICPN>{ICPN}</ICPN>"
    purged = f"<PurgedRelease><ReleaseId>{named}</ReleaseId></PurgedRelease>"
    namespace = f"http://ddex.net/xml/ern/{version}"
    return f'<p:PurgeReleaseMessage xmlns:p="{namespace}">{header}{purged}</p:PurgeReleaseMessage>'.encode()


def _list(name: str, contents: str) -> str:
    return f"<{name}>\n{contents}</{name}>\n" if contents else ""


def _key(key: str) -> str:
    return f'<ProprietaryId Namespace="DPID:{SENDER}">{escape(key)}</ProprietaryId>' if key else ""


def _word(name: str, word: str) -> str:
    """A word; one that begins with "own:" is the sender's own."""
    if word.startswith("own:"):
        return f'<{name} Namespace="{SENDER}" UserDefinedValue={quoteattr(word[4:])}>UserDefined</{name}>'
    return f"<{name}>{escape(word)}</{name}>"
