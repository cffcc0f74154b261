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

    word: "offline", "streaming", "chunk:N" or "prompt:N+generate:M". steps: how many arrive at a time; None:
    all of them. prompt: how many are there at once before the others arrive; None: none are.
    """

    word: str
    steps: int | None
    prompt: int | None = None

    @property
    def options(self) -> str:
        """The words of a command that ask for it."""
        if self.prompt is None:
            return f"--order {self.word}"
        return " ".join(f"--{part.replace(':', ' ')}" for part in self.word.split("+"))


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


def asked_order(
    word: str,
    *,
    prompt: int | None = None,
    generate: int | None = None,
    seq_len: int | None = None,
    phase: str = "inference",
) -> tuple[Order, int | None]:
    """The order that is asked for, and the length of the sequence: of N steps and M tokens N + M - 1.

    The first token comes out of the step that reads the prompt, and nothing reads the last one.

    Raises:
        UsageError: the order is misspelt, or what is asked for does not go together.
    """
    order = parse_order(word)
    if prompt is None and generate is None:
        return order, seq_len
    if prompt is None or generate is None:
        given, lacking = ("--prompt", "--generate M") if generate is None else ("--generate", "--prompt N")
        raise UsageError(f"{given} says half of a generation", mend=f"add {lacking}")
    if min(prompt, generate) < 1:
        raise UsageError("a generation has a prompt and a token at least", mend="give numbers from 1 on")
    if order != OFFLINE:
        raise UsageError(
            "a generation is an order of its own", where=f"--order {word}", mend="leave --order out"
        )
    if seq_len is not None:
        raise UsageError(
            "a generation is as long as its prompt and its tokens",
            where="--seq-len",
            mend="leave --seq-len out",
        )
    if phase != "inference":
        raise UsageError(
            "training sees whole sequences and generates nothing",
            where=f"--phase {phase}",
            mend="leave --prompt and --generate out",
        )
    return Order(word=f"prompt:{prompt}+generate:{generate}", steps=1, prompt=prompt), prompt + generate - 1
