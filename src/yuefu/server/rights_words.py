"""Deals, blocks and answers in the words that operators read."""

from collections.abc import Iterable
from functools import lru_cache

from yuefu.rights.deal import Block, Chain, CommercialModel, Terms, TermSheet
from yuefu.rights.decision import Answer
from yuefu.rights.purpose import Uses
from yuefu.units import format_instant

NEVER_A_DEAL, NO_DEAL = "nothing yet", "no deal"


@lru_cache(maxsize=4096)
def say_sheet(sheet: TermSheet | None) -> str:
    """All terms of a chain; "no deal" is what a rights holder said, "nothing yet" that nobody said anything."""
    if sheet is None:
        return NEVER_A_DEAL
    return "; or ".join(map(say_terms, sheet.terms)) or NO_DEAL


@lru_cache(maxsize=4096)
def say_terms(terms: Terms) -> str:
    """One deal's terms: for which uses, where, and from there on what it restricts."""
    uses = _names(use.value for use in terms.uses) or "any use"
    said = [f"for {uses}", _say_where(terms)]
    if terms.models:
        said.append(_names(_MODELS[model] for model in terms.models))
    if terms.valid_from_ms is not None:
        said.append(f"from {format_instant(terms.valid_from_ms)}")
    if terms.valid_until_ms is not None:
        said.append(f"until {format_instant(terms.valid_until_ms)}")
    if terms.max_uses is not None:
        said.append(f"at most {terms.max_uses} times")
    if terms.tier:
        said.append(f"tier {terms.tier}")
    return ", ".join([*said, f"channel {terms.channel}"])


def say_chains(chains: tuple[Chain, ...]) -> str:
    """The chains of a deal, in the words of the `rights` column."""
    if len(chains) == len(Chain):
        return "both"
    return ", ".join(chain.value for chain in chains)


def say_block(block: Block) -> str:
    """A takedown's block."""
    kind = "banned" if block.is_banned else "taken down"
    where = "" if len(block.chains) == len(Chain) else f" for the {say_chains(block.chains)}"
    return f"{kind}{where} by case {block.case_id} from {format_instant(block.from_ms)}"


def say_lifting(case_id: int, chains: tuple[Chain, ...], songs: int) -> str:
    """That deals lift a takedown."""
    what = "" if len(chains) == len(Chain) else f"the {say_chains(chains)} of "
    return f"lifts case {case_id} from {what}{songs:,} {'song' if songs == 1 else 'songs'}"


def say_answer(answer: Answer) -> str:
    """Yes or no, why, and until when."""
    words = f"{'yes' if answer.allowed else 'no'}: {answer.reason.value}"
    return words if answer.until_ms is None else f"{words}, until {format_instant(answer.until_ms)}"


def say_asked(asked: tuple[Uses, ...]) -> str:
    """What is asked of a chain."""
    return " or ".join(" with ".join(use.value for use in uses) for uses in asked).replace("_", " ")


_MODELS = {
    CommercialModel.PER_USE: "paid per use",
    CommercialModel.USER_MONTH: "paid by user and month",
    CommercialModel.ROOM_MONTH: "paid by room and month",
    CommercialModel.HOST_MONTH: "paid by host and month",
    CommercialModel.FREE: "free",
}


def _say_where(terms: Terms) -> str:
    if terms.territories:
        return f"in {_names(terms.territories)}"
    return f"everywhere but in {_names(terms.excluded_territories)}" if terms.excluded_territories else "everywhere"


def _names(words: Iterable[str]) -> str:
    return " and ".join(words).replace("_", " ")
