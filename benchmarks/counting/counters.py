"""One function per counter: called as its README says, its answer in multiply-accumulates.

Each takes a model in eval mode, on the CPU with weights, and what its forward pass takes. A model whose
inputs the counter cannot be given stands in a module that passes them on.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final

from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

Inputs = tuple[Any, ...]
Named = Mapping[str, Any]
Count = Callable[[nn.Module, Inputs, Named], float]


class Positional(nn.Module):
    """A model whose named inputs are given already, for counters that pass on positional ones alone."""

    def __init__(self, model: nn.Module, named: Named) -> None:
        super().__init__()
        self.model, self.named = model, dict(named)

    def forward(self, *inputs: Any) -> Any:
        """Call the model."""
        return self.model(*inputs, **self.named)


class ByName(Positional):
    """A model whose inputs are given by names: `_0`, `_1` and so on, for counters that take these alone."""

    def forward(self, **inputs: Any) -> Any:
        """Call the model."""
        return self.model(*inputs.values(), **self.named)


def by_hwcost(model: nn.Module, inputs: Inputs, named: Named) -> float:
    """A trace and the rules."""
    import hwcost
    from hwcost.graph import leaves
    from hwcost.rules.count import count

    works = count(hwcost.trace(model, *inputs, **named).items)
    return sum(work.macs * calls for work, calls in leaves(works))


def by_torch(model: nn.Module, inputs: Inputs, named: Named) -> float:
    """FlopCounterMode counts two operations for each multiply-accumulate."""
    with FlopCounterMode(display=False) as counter:
        model(*inputs, **named)
    return counter.get_total_flops() / 2


def by_fvcore(model: nn.Module, inputs: Inputs, named: Named) -> float:
    """Fvcore calls multiply-accumulates flops, and takes positional inputs alone."""
    from fvcore.nn import FlopCountAnalysis

    return float(FlopCountAnalysis(Positional(model, named) if named else model, inputs).total())


def by_ptflops(backend: str) -> Count:
    """Ptflops counts multiply-accumulates; it takes one input, or several by name.

    Given by name, its pytorch backend does not divide by what it takes for the batch.
    """

    def count(model: nn.Module, inputs: Inputs, named: Named) -> float:
        from ptflops import get_model_complexity_info

        given = {f"_{place}": value for place, value in enumerate(inputs)}
        macs, _ = get_model_complexity_info(
            ByName(model, named),
            (1,),
            input_constructor=lambda _: given,
            backend=backend,
            as_strings=False,
            print_per_layer_stat=False,
            ost=io.StringIO(),
        )
        if macs is None:
            raise RuntimeError("ptflops gave up")
        return float(macs)

    return count


def by_thop(model: nn.Module, inputs: Inputs, named: Named) -> float:
    """Thop counts multiply-accumulates, and takes positional inputs alone."""
    from thop import profile

    return float(profile(Positional(model, named) if named else model, inputs=inputs, verbose=False)[0])


def by_torchinfo(model: nn.Module, inputs: Inputs, named: Named) -> float:
    """Torchinfo counts mult-adds."""
    from torchinfo import summary

    return float(summary(model, input_data=list(inputs), verbose=0, **named).total_mult_adds)


def by_torchprofile(model: nn.Module, inputs: Inputs, named: Named) -> float:
    """Torchprofile counts multiply-accumulates, and takes positional inputs alone."""
    from torchprofile import profile_macs

    return float(profile_macs(Positional(model, named) if named else model, inputs))


def by_calflops(model: nn.Module, inputs: Inputs, named: Named) -> float:
    """Calflops gives (flops, multiply-accumulates, parameters); what it takes by name must be tensors."""
    from calflops import calculate_flops

    if not all(isinstance(value, Tensor) for value in named.values()):
        model, named = Positional(model, named), {}
    given = {"args": list(inputs), "kwargs": dict(named)}
    _, macs, _ = calculate_flops(model, **given, output_as_string=False, print_results=False)
    return float(macs)


COUNTERS: Final[Mapping[str, tuple[str, Count]]] = {
    "hwcost": ("hwcost", by_hwcost),
    "ultralytics-thop": ("thop", by_thop),
    "torchprofile": ("torchprofile", by_torchprofile),
    "FlopCounterMode": ("torch", by_torch),
    "ptflops (aten)": ("ptflops", by_ptflops("aten")),
    "ptflops (pytorch)": ("ptflops", by_ptflops("pytorch")),
    "torchinfo": ("torchinfo", by_torchinfo),
    "calflops": ("calflops", by_calflops),
    "fvcore": ("fvcore", by_fvcore),
}
"""What each is called, the module that it needs, and how it counts."""


def is_installed(counter: str) -> bool:
    """Whether the module that a counter needs can be imported."""
    return find_spec(COUNTERS[counter][0]) is not None
