"""What torch's own FlopCounterMode counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from hwcost.audit.families import families_of, family_of
from hwcost.audit.forward import entered, on_meta, with_weights
from hwcost.audit.result import Count, Family
from hwcost.sources.subject import Subject

ON_META = "torch meta"
ON_CPU = "torch CPU"


class Seen(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Remembers the names of the ops that run below it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def on_the_meta_device(subject: Subject) -> Count:
    """FlopCounterMode over a pass on meta."""
    finished: list[tuple[nn.Module, FlopCounterMode, Seen]] = []

    @contextmanager
    def counted(module: nn.Module) -> Iterator[None]:
        seen, counter = Seen(), FlopCounterMode(display=False)
        with entered(seen, counter):
            yield
        finished.append((module, counter, seen))

    stood_in = on_meta(subject, counted)
    module, counter, seen = finished[-1]
    seen.names |= stood_in
    return _count(ON_META, module, counter, seen)


def on_the_cpu(subject: Subject) -> Count:
    """FlopCounterMode over a pass on the CPU, with random weights."""
    module, inputs, keywords = with_weights(subject)
    seen, counter = Seen(), FlopCounterMode(display=False)
    with torch.no_grad(), entered(seen, counter):
        module(*inputs, **keywords)
    return _count(ON_CPU, module, counter, seen)


def _count(name: str, module: nn.Module, counter: FlopCounterMode, seen: Seen) -> Count:
    """Half of the flops by family; those inside recurrent layers are recurrent, whatever their op."""
    by_module = counter.get_flop_counts()
    total, recurrent = Counter[Any](by_module.get("Global", {})), Counter[Any]()
    top = type(module).__name__
    for path, layer in module.named_modules():
        if isinstance(layer, nn.RNNBase | nn.RNNCellBase):
            recurrent.update(by_module.get(f"{top}.{path}" if path else top, {}))
    macs: Counter[Family] = Counter({"recurrent": sum(recurrent.values()) // 2})
    for op, flops in (total - recurrent).items():
        macs[family_of(op.__name__) or "other"] += flops // 2
    known = {op.__name__ for op in counter.flop_registry}
    blind = {f"aten.{op}": found for op in sorted(seen.names - known) if (found := families_of(op))}
    return Count(counter=name, macs=macs, blind=blind)
