"""Parameters that several operations share."""

from typing import Annotated, Any, Literal

from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=64, description="An id, as an answer gave it.")]

SOME_ID: dict[str, Any] = {"contains": {"type": "string", "minLength": 1}}
"""What JSON Schema says of a batch of ids: not all of them are empty."""

Keyword = Annotated[str, Meta(min_length=1, max_length=128, description="What somebody typed into a search box.")]

Page = Annotated[
    int, Meta(ge=1, description="Twenty songs a page, or what the operator set; past the last there is nothing.")
]
"""A bad one has a code of its own."""

ListFilter = Annotated[
    list[Literal[1, 3, 4]],
    Meta(
        description="1 leaves out songs that may not be sung, 3 those without word lyrics, 4 those without a pitch"
        " line; all apply."
    ),
]

SearchFilter = Annotated[
    list[Literal[1, 2, 3, 4]],
    Meta(
        description="1 leaves out songs that may not be sung, 2 those named as pure music, 3 those without word lyrics,"
        " 4 those without a pitch line; all apply."
    ),
]
