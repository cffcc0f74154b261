"""Readings become the text of a device profile, each number with its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import exp, inf, log
from typing import Final

from hwcost.calibration.kernels import Figures, kernel_figures
from hwcost.calibration.places import Memory, Place, memory_of
from hwcost.calibration.reading import Reading, Readings, among_others, start_s
from hwcost.devices.kernels import CONVOLUTIONS
from hwcost.errors import UsageError
from hwcost.units import is_floating

LEAST_SHARE: Final = 0.001
DIGITS: Final = 4
ROUNDING: Final = 1e-3
DTYPES: Final = ("float64", "float32", "bfloat16", "float16", "int8")


def profile_text(readings: Readings) -> str:
    """The YAML of a profile that `hwcost.load_device` takes.

    Raises:
        UsageError: what every profile needs could not be measured.
    """
    peaks = peak_flop_per_s(readings)
    if "float32" not in peaks or len(readings.of("read")) < 3:
        raise UsageError(
            "torch could not multiply or sum float32 here", mend="check the installation of torch"
        )
    memory = memory_of(readings)
    peak = peaks["float32"]
    kernels = kernel_figures(readings, memory, peak)
    lines = [
        *_head(readings),
        *_compute(readings, peaks),
        *_memory(readings, memory),
        *_efficiency(readings, peak),
        *_latency(readings, kernels),
        *_kernels(kernels),
        *("runtime:", "  fusion: eager", ""),
        *_notes(readings),
    ]
    return "\n".join(lines) + "\n"


def peak_flop_per_s(readings: Readings) -> Mapping[str, float]:
    """The highest rate of products of each dtype."""
    found = {dtype: _of_peak(readings, dtype) for dtype in DTYPES}
    return {dtype: max(one.rate for one in rates) for dtype, rates in found.items() if rates}


def _of_peak(readings: Readings, dtype: str) -> tuple[Reading, ...]:
    """Those of square products; of float32 those of convolutions as well, which may be faster."""
    squares = readings.of(f"peak {dtype}")
    if dtype != "float32" or not squares:
        return squares
    return squares + tuple(row for kind in CONVOLUTIONS for row in readings.of(kind))


def _head(readings: Readings) -> Iterator[str]:
    machine = readings.machine
    threads = "1 thread" if machine.threads == 1 else f"{machine.threads} threads"
    yield f'title: "{_plain(machine.title)}, {threads} of torch"'
    yield f"kind: {machine.kind}"
    yield f"year: {machine.when[:4]}" if machine.when[:4].isdigit() else "year: 2000"
    yield ""
    yield "sources:"
    yield "  run:"
    yield (
        f'    "hwcost calibrate, {machine.when}, on {_plain(machine.title)},'
        f" {threads} of {machine.cores} cores,"
        f" {_plain(machine.versions)}; load before it {machine.load:.1f};"
        f' {len(readings.every)} calls timed, medians, quartiles a factor of {readings.spread:.2f} apart"'
    )
    yield ""


def _compute(readings: Readings, peaks: Mapping[str, float]) -> Iterator[str]:
    yield "compute:"
    yield "  vector:"
    for dtype, peak in peaks.items():
        best = max(_of_peak(readings, dtype), key=lambda one: one.rate)
        unit = "GFLOP/s" if is_floating(dtype) else "GOP/s"
        shape = f", {best.sizes[0]} x {best.sizes[0]}" if best.kind.startswith("peak") else ""
        what = "best of square products" if shape else "a convolution, faster than square products"
        how = _measured(f"{what}{shape}", best)
        yield f"    {dtype}: [{_number(peak / 1e9)} {unit}, {how}]"
    specials = readings.of("special")
    if specials:
        rate = exp(sum(log(one.rate) for one in specials) / len(specials))
        yield (
            f"    special: [{_number(rate / 1e9)} GOP/s,"
            ' "measured: geometric mean of sigmoid, tanh, exp and erf in cache [run]"]'
        )
    yield ""


def _memory(readings: Readings, memory: Memory) -> Iterator[str]:
    yield "memory:"
    for place in memory.places:
        yield f"  {place.name}:"
        if place.capacity_bytes < inf:
            size, how = f"{_number(place.capacity_bytes / 2**10)} KiB", _end(place, memory)
            yield f"    size: [{size}, {how}]"
        elif readings.machine.memory_bytes:
            size = f"{_number(readings.machine.memory_bytes / 2**30)} GiB"
            yield f'    size: [{size}, "measured: as the system shows it [run]"]'
        yield (
            f"    peak_bandwidth: [{_number(_up(place.peak_bytes_per_s) / 1e9)} GB/s,"
            ' "measured: the most that a sum, or an op in place, moved in it [run]"]'
        )
        yield (
            f"    achieved_bandwidth: [{_number(place.bytes_per_s / 1e9)} GB/s,"
            ' "measured: a sum over more than fits nearer, repeated [run]"]'
        )
        yield f"    policy: {place.policy}"
    yield ""


def _end(place: Place, memory: Memory) -> str:
    if not place.is_fitted:
        return '"measured: as the system shows it; sums run no slower beyond it [run]"'
    return (
        '"measured: effective, where repeated sums get slower; all levels and policies fitted together,'
        f' within a factor of {memory.error:.2f} [run]"'
    )


def _efficiency(readings: Readings, peak: float) -> Iterator[str]:
    yield "efficiency:"
    found = {"pointwise": readings.one("vector"), "reduction": readings.one("reduction")}
    shares = {name: _share(2 * one.rate / peak) for name, one in found.items() if one is not None}
    default = min(shares.values(), default=0.5)
    for name, share in shares.items():
        what = "relu in place" if name == "pointwise" else "layer normalisation"
        yield f'  {name}: [{_number(share)}, "measured: {what}, in cache, of half of the peak [run]"]'
    yield f'  default: [{_number(default)}, "derived: the lower of those above; products have kernels [run]"]'
    yield ""


def _latency(readings: Readings, kernels: Mapping[str, Figures]) -> Iterator[str]:
    op_s = start_s(readings, "op") * among_others(readings)
    step_s = kernels["lstm"].start_s if "lstm" in kernels else op_s
    yield "latency:"
    yield f'  kernel: [{_seconds(op_s)}, "measured: adding two numbers, among other calls [run]"]'
    yield f'  recurrent_step: [{_seconds(step_s)}, "measured: step of nn.LSTM of hidden size 8 [run]"]'
    yield ""


def _kernels(kernels: Mapping[str, Figures]) -> Iterator[str]:
    yield "kernels:"
    for name, one in kernels.items():
        yield f"  {name}:"
        yield f'    start: [{_seconds(one.start_s)}, "measured: with next to no work [run]"]'
        if one.call_s is not None:
            yield f'    call: [{_seconds(one.call_s)}, "measured: beside its steps, hidden size 8 [run]"]'
        if one.element_s is not None:
            how = '"measured: hidden size 64, batch 16, beside its product [run]"'
            yield f"    element: [{_seconds(one.element_s)}, {how}]"
        if one.pack_s_per_byte:
            yield "    pack:"
            for count, pack_s in sorted(one.pack_s_per_byte.items()):
                yield f'      {count}: [{_number(pack_s * 1e9)} ns/B, "measured: per byte of weights [run]"]'
        yield from _table("peak_share", one.peak_share, "    ", "weights in the nearest cache, of the peak")
        if one.level_share:
            yield "    level_share:"
            for level, shares in one.level_share.items():
                yield from _table(level, shares, "      ", f"weights in {level}, of its peak bandwidth")
    yield ""


def _table(key: str, shares: Mapping[int, float], indent: str, what: str) -> Iterator[str]:
    if shares:
        yield f"{indent}{key}:"
        for count, share in sorted(shares.items()):
            yield f'{indent}  {count}: [{_number(_share(share))}, "measured: {what} [run]"]'


def _notes(readings: Readings) -> Iterator[str]:
    yield "notes:"
    yield (
        '  - "Figures are those of one program with this number of threads; the peaks are the best that torch'
        ' reached, not those of the wires."'
    )
    for warning in readings.warnings():
        yield f'  - "{_plain(warning)}"'


def _measured(what: str, one: Reading) -> str:
    sample = one.sample
    return f'"measured: {what}, median of {sample.repeats}, quartiles {sample.spread:.2f} apart [run]"'


def _share(value: float) -> float:
    return min(max(value, LEAST_SHARE), 1.0)


def _up(value: float) -> float:
    """Rounded up, so that an achieved rate that is written with fewer digits is not above it."""
    return value * (1 + ROUNDING)


def _number(value: float) -> str:
    """Without exponent, which a profile does not need."""
    text = f"{value:.{DIGITS}g}"
    return f"{float(text):.12f}".rstrip("0").rstrip(".") if "e" in text else text


def _seconds(value: float) -> str:
    return f"{_number(value * 1e6)} us"


def _plain(text: str) -> str:
    """Without what would end a text in quotes, or cite."""
    return text.replace("\\", "/").replace('"', "'").replace("[", "(").replace("]", ")")
