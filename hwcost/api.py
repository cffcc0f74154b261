"""The Python API: the whole way of a number, a few calls in a row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.devices import Device, load_device
from hwcost.errors import UsageError
from hwcost.formats import Asked, asked, stored
from hwcost.graph import Trace
from hwcost.kinds.registry import changing, findings, machine, move, place, price, resident
from hwcost.load import (
    in_order,
    is_module,
    load_trace,
    module_and_inputs,
    require_trainable_source,
    trace_module,
)
from hwcost.memory.depth import sequential_depth
from hwcost.memory.fusion import fuse
from hwcost.memory.reuse import reuse
from hwcost.orders.order import Order, asked_order
from hwcost.report import Report
from hwcost.rules.count import count
from hwcost.training.footprint import footprint
from hwcost.training.optimisers import DEFAULT, optimiser
from hwcost.units import is_floating

if TYPE_CHECKING:
    from torch import nn

FUSIONS = ("eager", "fused")
PHASES = ("inference", "training")


def analyze(
    model: str | Path | Trace | nn.Module | tuple[nn.Module, Any],
    *,
    device: str | Path | Device = "echo_arm",
    inputs: tuple[Any, ...] | Mapping[str, Any] | None = None,
    seq_len: int | None = None,
    batch: int | None = None,
    dtype: str | None = None,
    weights: str | None = None,
    activations: str | None = None,
    kv: str | None = None,
    order: str = "offline",
    prompt: int | None = None,
    generate: int | None = None,
    phase: str = "inference",
    optimizer: str | None = None,
    fusion: str | None = None,
    settings: Mapping[str, object] | None = None,
    strict: bool = False,
) -> Report:
    """What a model costs on a device.

    Args:
        model: a ready-made name, `file.py:callable`, `package.module:callable`, the path of a saved
            trace, a Trace, a module, or (module, inputs).
        device: the name of a profile, the path of one, or a Device.
        inputs: a module's positional inputs, or a mapping of named ones.
        seq_len: time steps; None takes the model's default.
        batch: sequences or images side by side; None takes the model's default.
        dtype: takes every floating-point tensor as this type ("float16", "int8", ...); None keeps them.
        weights: the same for the matrices that products multiply by, whatever `dtype` says.
        activations: the same for every other tensor.
        kv: the same for K and V of attention; None takes the activations' type.
        order: "offline": the whole sequence is there; "streaming": it arrives step by step; "chunk:N": N
            steps at a time. A trace is in its own.
        prompt: steps that are there at once before tokens are generated, an order of its own.
        generate: how many tokens are generated; the sequence has prompt + generate - 1 steps.
        phase: "inference" (one forward pass) or "training" (forward, backward and the step of an optimiser).
        optimizer: of training: "sgd", "momentum", "adam" (which None takes) or "adamw".
        fusion: "eager" (every op is a kernel) or "fused"; None takes what the device's runtime does.
        settings: hyper-parameters of a model given by name.
        strict: raise for ops without a rule.

    Raises:
        HwcostError: whatever of these cannot be found, made, traced, or counted.
    """
    chosen_order, seq_len = asked_order(order, prompt=prompt, generate=generate, seq_len=seq_len, phase=phase)
    taking = optimizer_of(phase, optimizer)
    profile = device if isinstance(device, Device) else load_device(device)
    chosen = fusion or profile.fusion
    if chosen not in FUSIONS:
        raise UsageError(f"unknown fusion {chosen!r}", mend=f"take one of {', '.join(FUSIONS)}")
    formats = asked(dtype=dtype, weights=weights, activations=activations, kv=kv)
    if taking is not None:
        _require_trainable(formats)
    trace = _trace_of(model, inputs, seq_len, batch, settings or {}, chosen_order, taking)
    kept = stored(trace, count(trace.items, strict=strict), formats)
    kernels = fuse(kept.works) if chosen == "fused" else kept.works
    costs = price(move(reuse(place(kernels, profile)), profile), profile)
    return Report(
        trace=kept.trace,
        machine=machine(profile, *kept.computed_in),
        order=trace.order,
        fusion=chosen,
        costs=costs,
        sequential_depth=sequential_depth(kept.works),
        lints=findings(costs, profile),
        resident=resident(costs, profile),
        changing=changing(costs, profile),
        stored=kept.formats,
        footprint=footprint(kept.trace, kept.works),
    )


def optimizer_of(phase: str, optimizer: str | None) -> str | None:
    """The optimiser of a phase; None for inference, which has none.

    Raises:
        UsageError: there is no such phase or optimiser, or inference is to have one.
    """
    if phase not in PHASES:
        raise UsageError(f"unknown phase {phase!r}", mend=f"take one of {', '.join(PHASES)}")
    if phase == "training":
        optimiser(optimizer or DEFAULT)
        return optimizer or DEFAULT
    if optimizer is not None:
        raise UsageError("inference has no optimizer", mend="add --phase training, or leave --optimizer out")
    return None


def _require_trainable(formats: Asked) -> None:
    """Raise UsageError for formats that nothing is trained in."""
    if len({formats.weights, formats.activations, formats.kv}) > 1:
        raise UsageError(
            "training stores weights, activations, K and V in one type", mend="give --dtype alone"
        )
    if formats.weights is not None and not is_floating(formats.weights):
        raise UsageError(
            f"{formats.weights} has no gradients", mend="train in a floating type, as --dtype bfloat16"
        )


def _trace_of(
    model: Any,
    inputs: tuple[Any, ...] | Mapping[str, Any] | None,
    seq_len: int | None,
    batch: int | None,
    settings: Mapping[str, object],
    order: Order,
    optimizer: str | None,
) -> Trace:
    if optimizer is not None:
        require_trainable_source(order, is_saved=isinstance(model, Trace))
    if isinstance(model, Trace):
        return in_order(model, order)
    if isinstance(model, str | Path):
        return load_trace(
            str(model), seq_len=seq_len, batch=batch, settings=settings, order=order, optimizer=optimizer
        )
    if is_module(model):
        model = (model, inputs)
    if not isinstance(model, tuple):
        raise UsageError(
            f"{type(model).__name__} is no model", mend="give a name, a path, a Trace or a module"
        )
    module, given, keywords = module_and_inputs(model, where="model")
    return trace_module(
        module, given, keywords, seq_len=seq_len, batch=batch, order=order, optimizer=optimizer
    )
