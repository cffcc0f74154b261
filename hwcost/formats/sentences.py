"""What a report has to say about formats: which numbers they concern, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable

from hwcost.formats import kv
from hwcost.formats.overhead import GROUP_ELEMENTS, SCALE_DTYPE, is_undone
from hwcost.formats.retype import Plan
from hwcost.graph import Trace, Work
from hwcost.report.formats import Formats
from hwcost.units import compute_dtype, is_floating, show


def sentences(trace: Trace, works: Iterable[Work], plan: Plan, formats: Formats) -> tuple[str, ...]:
    """One sentence per thing that a reader could take otherwise; none where all is in one real format."""
    found = []
    weights, activations = formats.weights, formats.activations
    if plan.asked.weights and (weights != activations or not is_floating(weights)):
        found.append(_weights(trace, plan, formats))
    if plan.matrices and weights != activations:
        found.append(_products(formats))
    if plan.asked.kv and formats.kv != activations:
        found.append(_kv(works, plan, formats))
    return tuple(found)


def _weights(trace: Trace, plan: Plan, formats: Formats) -> str:
    elements = sum(matrix.storage.elements for matrix in plan.matrices.values())
    if not elements:
        return f"no matrix of weights is found in a product, so nothing is stored in {formats.weights}"
    share = f"{show(elements)} of {show(max(trace.parameters, elements))} parameters"
    text = f"the matrices of products ({share}) are stored in {formats.weights}{_scales(formats.weights)}"
    if formats.weights == formats.activations:
        return text
    return f"{text}; biases, norms and tables that are only looked up in {formats.activations}"


def _products(formats: Formats) -> str:
    computed = compute_dtype(formats.activations, formats.weights)
    text = f"products of {formats.activations} with {formats.weights} weights are computed in {computed}"
    if not is_undone(formats.weights, computed):
        return text
    return f"{text}; each read of a weight costs 1 vector operation that makes it so"


def _scales(dtype: str) -> str:
    if is_floating(dtype):
        return ""
    group = GROUP_ELEMENTS.get(dtype)
    if group is None:
        return f" with a {SCALE_DTYPE} scale per channel (as arXiv:1806.08342)"
    return f" with a {SCALE_DTYPE} scale per {group} weights of a channel (as GPTQ and AWQ)"


def _kv(works: Iterable[Work], plan: Plan, formats: Formats) -> str:
    held = [tensor for work in works for tensor in kv.operands(work)]
    if not held:
        return f"no attention op reads K and V, so nothing is stored in {formats.kv} for them"
    text = f"K and V of attention are stored in {formats.kv}"
    if not is_floating(formats.kv):
        text += ", their scales not counted (one per tensor)"
    if all(tensor.storage.id in plan.kv for tensor in held):
        return text
    return (
        f"{text}; where they lie in one tensor with other data, that is written in {formats.activations} as a"
        " whole"
    )
