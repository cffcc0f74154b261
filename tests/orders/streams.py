"""What the tests of orders share: traces in an order, and sums over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from hwcost.graph import Storage, Trace, Work, leaves
from hwcost.load import load_trace
from hwcost.orders import parse_order, streamed
from hwcost.rules.count import count
from hwcost.sources.subject import Subject, trace_of


def ready_made(name: str, seq_len: int, order: str = "offline", **settings: object) -> Trace:
    return load_trace(name, seq_len=seq_len, settings=settings, order=parse_order(order), use_cache=False)


def stream_of(
    module: nn.Module, inputs_at: Callable[[int], tuple[Any, ...]], seq_len: int, order: str
) -> Trace:
    """A module's stream, from inputs of any length."""

    def at(length: int) -> Trace:
        return trace_of(Subject(module=module, inputs=inputs_at(length), seq_len=length))

    return streamed(at, order=parse_order(order), seq_len=seq_len)


def offline_of(module: nn.Module, inputs: tuple[Any, ...]) -> Trace:
    return trace_of(Subject(module=module, inputs=inputs))


def macs(trace: Trace) -> int:
    return sum(work.macs * calls for work, calls in leaves(count(trace.items)))


def works(trace: Trace) -> list[tuple[Work, int]]:
    return list(leaves(count(trace.items)))


def kept(trace: Trace) -> Mapping[str, Storage]:
    """The storages that a stream keeps between its chunks, by their ids."""
    tensors = (t for op, _ in leaves(trace.items) for t in (*op.inputs, *op.outputs))
    return {t.storage.id: t.storage for t in tensors if t.role == "state"}


def kept_bytes(trace: Trace) -> int:
    return sum(storage.bytes for storage in kept(trace).values())
