"""The size of a model given in words: its parameters, or the multiply-accumulates of a pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from hwcost.graph import leaves
from hwcost.load import load_subject, load_trace
from hwcost.matching.statement import Statement
from hwcost.rules.count import count

FEW: Final = (1, 2, 3)
"""Steps after which a model whose steps all cost the same has shown it."""

Size: TypeAlias = Callable[[Mapping[str, object]], int]


def parameters(model: str, *, seq_len: int | None, batch: int | None) -> Size:
    """Settings -> distinct parameters of the model, which is built on meta and not traced."""

    def size(settings: Mapping[str, object]) -> int:
        subject = load_subject(model, seq_len=seq_len, batch=batch, settings=settings)
        return sum(parameter.numel() for parameter in subject.module.parameters())

    return size


def macs(
    stated: Statement, *, seq_len: int | None, batch: int | None, settings: Mapping[str, object]
) -> Size:
    """Settings -> multiply-accumulates of an offline pass.

    Of a ready-made model whose steps all cost the same, which three short passes show, one step is traced and
    multiplied: a long loop in Python takes seconds.
    """

    def size(chosen: Mapping[str, object], steps: int | None = seq_len) -> int:
        trace = load_trace(stated.model, seq_len=steps, batch=batch, settings=chosen, use_cache=False)
        return sum(work.macs * calls for work, calls in leaves(count(trace.items)))

    length = stated.values.get("seq_len")
    if not stated.is_ready_made or not isinstance(length, int) or length <= len(FEW):
        return size
    one, *more = (size(settings, steps) for steps in FEW)
    if more != [one * steps for steps in FEW[1:]]:
        return size
    return lambda chosen: length * size(chosen, 1)
