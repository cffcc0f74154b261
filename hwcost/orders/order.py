"""The orders of execution, by the words that name them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hwcost.errors import UsageError

_CHUNK: Final = re.compile(r"chunk:0*([1-9]\d*)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How the steps of a sequence reach a model.

    word: "offline", "streaming" or "chunk:N". steps: how many arrive at a time; None: all of them.
    """

    word: str
    steps: int | None


OFFLINE: Final = Order(word="offline", steps=None)
STREAMING: Final = Order(word="streaming", steps=1)


def parse_order(word: str) -> Order:
    """The order that a word names: offline, streaming (one step at a time) or chunk:N (N steps).

    Raises:
        UsageError: it is another word.
    """
    if word in ("offline", "streaming"):
        return OFFLINE if word == "offline" else STREAMING
    match = _CHUNK.match(word)
    if match is None:
        raise UsageError(
            f"unknown order {word!r}", mend="take offline, streaming, or chunk:N with N steps at a time"
        )
    return Order(word=f"chunk:{match[1]}", steps=int(match[1]))
