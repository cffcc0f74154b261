"""What fvcore counts, which traces a model with torch.jit and counts one flop per multiply-accumulate."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_handles import get_shape, matmul_flop_jit
from torch import nn

from hwcost.audit.families import families_of, family_of
from hwcost.audit.forward import bare, mapped, with_weights
from hwcost.audit.result import Count, Family
from hwcost.sources.subject import Subject
from hwcost.tracing.capture import tensors_in


class Positional(nn.Module):
    """A model that takes tensors one after the other and returns tensors, which is all that fvcore takes."""

    def __init__(self, model: nn.Module, inputs: Any, keywords: dict[str, Any]) -> None:
        super().__init__()
        self.model = model
        self.inputs = inputs
        self.keywords = keywords

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Call the model with these tensors in place of those that it was given."""
        given = iter(tensors)
        inputs, keywords = mapped((self.inputs, self.keywords), lambda _tensor: next(given))
        result = self.model(*inputs, **keywords)
        result = result.to_tuple() if hasattr(result, "to_tuple") else result
        return tuple(tensors_in(result))


def by_fvcore(subject: Subject, *, has_weights: bool) -> Count:
    """Count a pass with fvcore, on the CPU with random weights, or on meta."""
    module, inputs, keywords = with_weights(subject) if has_weights else bare(subject)
    model = Positional(module, inputs, keywords)
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
