"""What DDEX's words for uses, ways of paying and places mean in ours. What is not here we do not know, and a deal gives
no right by a word we do not know.
"""

from yuefu.ingest.ern.message import Territory, Word
from yuefu.rights.deal import CommercialModel, Use

_KARAOKE = (Use.SING, Use.CLIP, Use.LIVE_ROOM)

USES: dict[str, tuple[Use, ...]] = {
    "UseAsKaraoke": _KARAOKE,
    "Stream": (Use.LISTEN, Use.BACKGROUND),
    "OnDemandStream": (Use.LISTEN,),
    "NonInteractiveStream": (Use.BACKGROUND,),
    "PerformAsMuzak": (Use.BACKGROUND,),
    "Download": (Use.LISTEN,),
    "ConditionalDownload": (Use.LISTEN,),
    "TetheredDownload": (Use.LISTEN,),
    "PermanentDownload": (Use.LISTEN,),
}
"""Karaoke is sung in rooms, whole songs and clips of them, and is no leave to play the original by itself. A stream
that listeners cannot choose from is a background; `Stream` is either. For live rooms outside karaoke there is no word:
a sender writes `UserDefined` with one of `OWN_USES`."""

OWN_USES: dict[str, tuple[Use, ...]] = {use.value: (use,) for use in Use} | {"karaoke": _KARAOKE}
"""Values that a sender may write as `UserDefined`."""

MODELS: dict[str, tuple[CommercialModel, ...]] = {
    "PayAsYouGoModel": (CommercialModel.PER_USE,),
    "SubscriptionModel": (CommercialModel.USER_MONTH, CommercialModel.ROOM_MONTH, CommercialModel.HOST_MONTH),
    "FreeOfChargeModel": (CommercialModel.FREE,),
    "AdvertisementSupportedModel": (CommercialModel.FREE,),
}
"""Whoever subscribes, the user, the room or its host, it is a subscription."""

OWN_MODELS: dict[str, tuple[CommercialModel, ...]] = {model.value: (model,) for model in CommercialModel}

CHANNEL_TYPES = frozenset({"Internet", "InternetAndMobile", "Mobile", "MobileTelephone", "IPTV"})
"""Ways to the listener that are ours; a deal for satellites only is not for us."""

INTERFACES = frozenset(
    {"KaraokeMachine", "PersonalComputer", "PortableDevice", "HandheldDevice", "MobilePhone", "Television"}
)
"""Devices on which apps sing."""

WORLD = "WORLD"
_TIS_WORLD = "2136"


def uses_of(word: Word) -> tuple[Use, ...]:
    """Our uses, none for a word that is not known."""
    return OWN_USES.get(_plain(word.own), ()) if word.value == "UserDefined" else USES.get(word.value, ())


def models_of(word: Word) -> tuple[CommercialModel, ...]:
    """Our models, none for a word that is not known."""
    return OWN_MODELS.get(_plain(word.own), ()) if word.value == "UserDefined" else MODELS.get(word.value, ())


def territory_of(territory: Territory) -> str:
    """Our spelling of it; of the numbers of CISAC's territory system only the world's is known."""
    if territory.code == "Worldwide" or (territory.standard in {"", "TIS"} and territory.code == _TIS_WORLD):
        return WORLD
    return territory.code


def _plain(text: str) -> str:
    """`LiveRoom`, `live room` and `live_room` are the same."""
    separated = "".join(f"_{letter}" if letter.isupper() else letter for letter in text)
    return "_".join(word for word in separated.lower().replace("-", "_").replace(" ", "_").split("_") if word)
