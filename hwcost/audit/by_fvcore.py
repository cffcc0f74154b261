"""What fvcore counts, which traces a model with torch.jit and counts one flop per multiply-accumulate."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from typing import Any

import torch
from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_handles import get_shape, matmul_flop_jit
from torch import nn
from torch.overrides import TorchFunctionMode

from hwcost.audit.families import families_of, family_of
from hwcost.audit.forward import bare, mapped, with_weights
from hwcost.audit.result import Count, Family
from hwcost.sources.subject import Subject
from hwcost.tracing.capture import tensors_in


class Positional(nn.Module):
    """A model that takes tensors one after the other and returns tensors, which is all that fvcore takes."""

    def __init__(
        self, model: nn.Module, inputs: Any, keywords: dict[str, Any], *, keeps_all: bool = False
    ) -> None:
        super().__init__()
        self.model = model
        self.keeps_all = keeps_all
        self.inputs = inputs
        self.keywords = keywords

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Call the model with these tensors in place of those that it was given."""
        given = iter(tensors)
        inputs, keywords = mapped((self.inputs, self.keywords), lambda _tensor: next(given))
        kept = Kept()
        with kept if self.keeps_all else nullcontext():
            result = self.model(*inputs, **keywords)
        result = result.to_tuple() if hasattr(result, "to_tuple") else result
        return (*tensors_in(result), *kept.results)


class Kept(TorchFunctionMode):
    """Keeps every result, so that torch.jit takes none for dead."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[torch.Tensor] = []

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.results.extend(tensors_in(result))
        return result


def by_fvcore(subject: Subject, *, has_weights: bool, keeps_all: bool = False) -> Count:
    """Count a pass with fvcore, on the CPU with random weights, or on meta.

    keeps_all: results that nothing uses are counted, too.
    """
    module, inputs, keywords = with_weights(subject) if has_weights else bare(subject)
    model = Positional(module, inputs, keywords, keeps_all=keeps_all)
    with torch.no_grad():
        analysis = FlopCountAnalysis(model, tuple(tensors_in((inputs, keywords))))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        analysis.set_op_handle("aten::matmul", _matmul)
        found, unsupported = analysis.by_operator(), analysis.unsupported_ops()
        recurrent = _inside_recurrent_layers(model, analysis)
    macs: Counter[Family] = Counter({"recurrent": sum(recurrent.values())})
    for op, flops in (found - recurrent).items():
        macs[family_of(op) or "other"] += int(flops)
    blind: dict[str, tuple[Family, ...]] = {
        op: families for op in sorted(unsupported) if (families := families_of(op))
    }
    blind |= {f"aten::{op}": ("other",) for op in sorted(found) if family_of(op) is None and found[op]}
    return Count(counter="fvcore", macs=macs, blind=blind)


def _inside_recurrent_layers(model: nn.Module, analysis: FlopCountAnalysis) -> Counter[str]:
    """What fvcore counts in recurrent layers and cells, by op."""
    by_module = analysis.by_module_and_operator()
    inside: Counter[str] = Counter()
    for path, layer in model.named_modules():
        if isinstance(layer, nn.RNNBase | nn.RNNCellBase):
            inside.update({op: int(flops) for op, flops in by_module.get(path, {}).items()})
    return inside


def _matmul(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """The number of fvcore for aten::matmul, named for what it is: a product with a matrix, or in batches."""
    is_batched = all(len(get_shape(value)) > 2 for value in inputs)
    return Counter({"bmm" if is_batched else "mm": int(matmul_flop_jit(inputs, outputs))})
