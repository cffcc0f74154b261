"""Builds the real model, runs it, and joins what it takes with what was predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from hwcost.calibration.allocator import keep_freed_memory
from hwcost.calibration.reading import QUIET_SPREAD
from hwcost.devices import Device
from hwcost.errors import UsageError
from hwcost.graph import Trace
from hwcost.measurement.predicted import Prediction, predicted
from hwcost.measurement.result import REST, Measurement, Row

if TYPE_CHECKING:
    from torch import nn

MEMORY_INFO: Final = Path("/proc/meminfo")


def measured(
    model: str,
    device: Device,
    *,
    seq_len: int | None = None,
    batch: int | None = None,
    settings: Mapping[str, object] | None = None,
    threads: int | None = None,
    repeats: int = 20,
) -> Measurement:
    """A model given in words, on this machine: eager torch, inference mode, random weights.

    device: the profile to predict with; one of kind "gpu" is run on CUDA. repeats: passes that count.

    Raises:
        ModelError, TraceError: the model cannot be found, built or traced.
        UsageError: it does not fit the memory, there is no such device here, or it is a saved trace.
    """
    from hwcost.load import load_subject, load_trace

    subject = load_subject(model, seq_len=seq_len, batch=batch, settings=settings)
    trace = load_trace(model, seq_len=seq_len, batch=batch, settings=settings)
    require_room(trace, available_bytes(MEMORY_INFO), model)
    from hwcost.audit.forward import with_weights
    from hwcost.sources.subject import with_inputs

    module, inputs, keywords = with_weights(with_inputs(subject))
    prediction = predicted(trace, device)
    return timed_module(
        module,
        inputs,
        keywords,
        trace=trace,
        device=device,
        prediction=prediction,
        threads=threads,
        repeats=repeats,
    )


def timed_module(
    module: nn.Module,
    inputs: tuple[Any, ...],
    keywords: Mapping[str, Any],
    *,
    trace: Trace,
    device: Device,
    prediction: Prediction,
    threads: int | None,
    repeats: int,
) -> Measurement:
    """A real module with real inputs, timed and joined with its prediction.

    Raises:
        UsageError: the device is a GPU and there is none here.
    """
    import torch

    from hwcost.calibration.run import torch_threads
    from hwcost.measurement.timing import module_times, pass_times, spread

    keep_freed_memory()
    finish: Callable[[], object] = _nothing
    if device.kind == "gpu":
        if not torch.cuda.is_available():
            raise UsageError(
                f"{device.name} is a GPU and torch finds none here", mend="give --device of a CPU"
            )
        module, finish = module.to("cuda"), torch.cuda.synchronize
        inputs, keywords = _moved(inputs), _moved(keywords)
    with torch_threads(threads), torch.inference_mode():
        run = partial(module, *inputs, **keywords)
        whole = pass_times(run, repeats=repeats, finish=finish)
        by_module = module_times(module, run, repeats=max(repeats // 2, 1), finish=finish)
        used = torch.get_num_threads()
    return joined(
        trace, device, prediction, by_module, median(whole), spread(whole), threads=used, repeats=repeats
    )


def joined(
    trace: Trace,
    device: Device,
    prediction: Prediction,
    by_module: Mapping[str, float],
    whole_s: float,
    spread: float,
    *,
    threads: int,
    repeats: int,
) -> Measurement:
    """Measured and predicted times side by side; what no timed module takes is one row."""
    rows = []
    for path, seconds in by_module.items():
        parts = [
            part
            for module, part in prediction.modules.items()
            if module == path or (path and module.startswith(f"{path}."))
        ]
        bound = max(parts, key=lambda part: part.expected_s).bound if parts else "free"
        rows.append(
            Row(
                module=path or trace.model,
                measured_s=seconds,
                predicted_s=sum(part.expected_s for part in parts),
                bound=bound,
                flops=sum(part.flops for part in parts),
            )
        )
    whole = prediction.whole
    rest = Row(
        module=REST,
        measured_s=max(whole_s - sum(row.measured_s for row in rows), 0.0),
        predicted_s=max(whole.expected_s - sum(row.predicted_s for row in rows), 0.0),
        bound="",
        flops=max(whole.flops - sum(row.flops for row in rows), 0),
    )
    if len(rows) == 1 and rows[0].module == trace.model:
        rows = []
    return Measurement(
        model=trace.model,
        device=device.name,
        title=device.title,
        threads=threads,
        repeats=repeats,
        spread=spread,
        whole=Row(
            module=trace.model,
            measured_s=whole_s,
            predicted_s=whole.expected_s,
            bound=whole.bound,
            flops=whole.flops,
        ),
        rows=(*rows, rest) if rows else (),
        roofline_s=prediction.report.roofline_s,
        peak_flop_per_s=prediction.report.machine.roof.peak_flop_per_s,
        notes=tuple(_notes(device, spread)),
    )


def _notes(device: Device, spread: float) -> list[str]:
    notes = ["Predicted for a pass that follows others: what caches can hold of the weights, they hold."]
    if not device.kernels:
        notes.append(f"{device.name} was not measured on this machine: see hwcost calibrate.")
    if spread > QUIET_SPREAD:
        notes.append(f"The times were unsteady: quartiles a factor of {spread:.2f} apart.")
    return notes


def require_room(trace: Trace, available: int | None, model: str) -> None:
    """Refuse a model whose weights do not fit.

    Raises:
        UsageError: they take more than what is free.
    """
    if available is not None and trace.weight_bytes > available:
        have, need = f"{available / 2**30:.1f} GiB", f"{trace.weight_bytes / 2**30:.1f} GiB"
        mend = "make it smaller with --set, or use hwcost analyze, which needs no weights"
        raise UsageError(f"its weights take {need}, {have} of memory are free", where=model, mend=mend)


def available_bytes(path: Path) -> int | None:
    """Memory that is free for use, as Linux tells it; None where nothing tells."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _moved(value: Any) -> Any:
    from hwcost.audit.forward import mapped

    return mapped(value, lambda tensor: tensor.to("cuda"))


def _nothing() -> None:
    return None
