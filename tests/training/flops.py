"""What torch's own counter says of a forward and a backward pass, and what ours does."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hwcost.graph import Trace, Work, leaves
from hwcost.rules.count import count
from hwcost.tracing.tracer import trace_training


def trained(module: nn.Module, *inputs: Any, optimizer: str = "sgd", **keywords: Any) -> Trace:
    """The trace of a training iteration."""
    return trace_training(module, inputs, keywords, optimizer=optimizer)


def works(trace: Trace) -> list[tuple[Work, int]]:
    return list(leaves(count(trace.items, strict=True)))


def macs_by_part(trace: Trace) -> dict[str, int]:
    macs: Counter[str] = Counter()
    for work, calls in works(trace):
        macs[work.op.part] += work.macs * calls
    return dict(macs)


def macs_by_module(trace: Trace) -> dict[str, int]:
    """MACs of both passes by the module that they belong to."""
    macs: Counter[str] = Counter()
    for work, calls in works(trace):
        macs[work.op.module] += work.macs * calls
    return {module: found for module, found in macs.items() if found}


def torch_macs(module: nn.Module, *inputs: Any, **keywords: Any) -> tuple[int, int, dict[str, int]]:
    """(forward, backward, both by module) of FlopCounterMode, whose flops are twice the MACs.

    Gradients come into every output that depends on a weight.
    """
    module.train()
    counter = FlopCounterMode(display=False)
    with counter:
        outputs = module(*inputs, **keywords)
        forward = counter.get_total_flops()
        found = [value for value in _tensors(outputs) if value.requires_grad]
        torch.autograd.backward(found, [torch.ones_like(value) for value in found])
    both = counter.get_flop_counts()
    top = type(module).__name__
    by_module = {name.removeprefix(f"{top}."): sum(ops.values()) // 2 for name, ops in both.items()}
    module.zero_grad()
    return forward // 2, (counter.get_total_flops() - forward) // 2, by_module


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if hasattr(value, "to_tuple"):
        value = value.to_tuple()
    if isinstance(value, dict):
        value = list(value.values())
    return [found for item in value for found in _tensors(item)] if isinstance(value, list | tuple) else []
