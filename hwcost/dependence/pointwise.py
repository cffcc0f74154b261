"""Ops that make each element of what stands at its place in the inputs, masks among them."""

from __future__ import annotations

import numpy as np

from hwcost.dependence.call import Call, Writes, fitted, means, to_all
from hwcost.dependence.windows import LOWEST, NONE, ZERO, Array, Charge, is_special, joined, unspecial

VERY_NEGATIVE = -1e4
"""A score from which on softmax makes exactly 0 in every type."""

MOVES = "clone _to_copy contiguous detach alias view_copy lift_fresh lift_fresh_copy positive native_dropout"

KEEP_LOWEST = frozenset(f"aten.{name}" for name in f"add sub mul div to {MOVES}".split())
KEEP_ZERO = frozenset(f"aten.{name}" for name in f"mul div to {MOVES}".split())
"""Ops after which a masked score is still masked, and a zero still zero."""


@means(
    f"{MOVES} rsub div addcmul addcdiv lerp pow clamp maximum minimum",
    "relu relu6 leaky_relu gelu silu sigmoid tanh hardtanh hardsigmoid hardswish elu celu selu softplus mish",
    "prelu _prelu_kernel rrelu_with_noise bernoulli floor_divide remainder polar complex view_as_real_copy",
    "quantize_per_tensor dequantize fake_quantize_per_tensor_affine rrelu_with_noise_functional expand_copy",
    "copysign log_sigmoid_forward special_erf nan_to_num _conj_physical real imag square threshold",
)
def pointwise(call: Call) -> Writes:
    """out[i] = f(a[i], b[i], ...), inputs broadcast."""
    return to_all(call, _joined(call, call.inputs))


def _joined(call: Call, inputs: tuple[Array, ...]) -> Array:
    rank = max((len(output.shape) for output in call.op.outputs), default=0)
    like = next((it for it in call.op.outputs if len(it.shape) == rank), None)
    parts = [fitted(numbers, like) if like is not None else numbers for numbers in inputs]
    special = any(is_special(part) for part in parts)
    result = joined([unspecial(part) for part in parts] if special else parts, call.charge(Charge.WIDENING))
    if not special:
        return result
    plain = call.op.name.removesuffix("_")
    for kept, names in ((ZERO, KEEP_ZERO), (LOWEST, KEEP_LOWEST)):
        if plain in names:
            where = np.zeros((1,) * result.ndim, dtype=bool)
            for part in parts:
                where = where | (part == kept)
            result = np.where(where, kept, result)
    return result


@means("copy copy_ copy_to _copy_from set_data")
def copy(call: Call) -> Writes:
    """Copies the last input into the first: self = src."""
    source = call.inputs[-1]
    return to_all(call, source)


@means(
    "fill zero zeros ones full empty empty_strided eye scalar_tensor arange linspace logspace",
    "zeros_like ones_like full_like empty_like new_zeros new_ones new_full new_empty new_empty_strided",
    "rand randn randint randperm rand_like randn_like randint_like normal uniform exponential",
    "tril_indices triu_indices fft_fftfreq fft_rfftfreq",
    "hann_window hamming_window blackman_window bartlett_window kaiser_window",
)
def constant(call: Call) -> Writes:
    """What does not depend on the values of any input."""
    return [(output, np.full((1,) * (len(output.shape) + 1), NONE)) for output in call.op.outputs]


@means("masked_fill")
def masked_fill(call: Call) -> Writes:
    """Masks scores: out = self where not mask, else a value."""
    value = call.op.attributes.get("value")
    return _masked(call, (call.inputs[0],), _special(value))


@means("where")
def where(call: Call) -> Writes:
    """Chooses: out = self where condition, else other."""
    values = [call.op.attributes[name] for name in ("self", "other") if name in call.op.attributes]
    return _masked(call, call.inputs[1:], _special(values[0]) if values else LOWEST)


def _special(value: object) -> int:
    """What a mask leaves where it does not let through; masks of values unknown here are very negative."""
    if isinstance(value, str):
        return LOWEST if value in {"-inf", "-Infinity"} else NONE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return LOWEST
    return LOWEST if value <= VERY_NEGATIVE else ZERO if value == 0 else NONE


def _masked(call: Call, inputs: tuple[Array, ...], outside: int) -> Writes:
    """The op with what its mask lets through, where that is known; else as a pointwise op."""
    band = band_of(call)
    if band is None:
        return to_all(call, _joined(call, call.inputs))
    output = call.op.outputs[0]
    return [(output, in_band(fitted(_joined(call, inputs), output), output.shape, band, outside))]


@means("add sub")
def add(call: Call) -> Writes:
    """Adds a + b, of which one may be a mask of 0 and very negative numbers."""
    return _masked(call, call.inputs, LOWEST)


def band_of(call: Call) -> tuple[int, int] | None:
    """(lowest, highest) key - query that a known mask lets through."""
    band = call.op.attributes.get("band")
    if not isinstance(band, tuple) or len(band) != 2:
        return None
    low, high = band
    return (int(low), int(high)) if isinstance(low, int) and isinstance(high, int) else None


def in_band(numbers: Array, shape: tuple[int, ...], band: tuple[int, int], outside: int) -> Array:
    """The array with elements [..., i, j] outside of lowest <= j - i <= highest replaced."""
    distance = np.arange(shape[-1]) - np.arange(shape[-2])[:, None]
    allowed = (distance >= band[0]) & (distance <= band[1])
    return numbers if allowed.all() else np.where(allowed, numbers, outside)


@means("mul")
def mul(call: Call) -> Writes:
    """Multiplies a b, of which one may be a mask of 0 and 1."""
    return _masked(call, call.inputs, ZERO)


@means("exp exp2 special_exp2")
def exponential(call: Call) -> Writes:
    """exp(x): of a masked score 0."""
    numbers = call.inputs[0]
    kept = np.where(numbers == LOWEST, ZERO, np.where(numbers == ZERO, NONE, numbers))
    return to_all(call, kept if is_special(numbers) else numbers)


@means("tril triu")
def triangle(call: Call) -> Writes:
    """The lower or upper triangle; the rest is 0."""
    output, diagonal = call.op.outputs[0], call.number("diagonal")
    size = max(output.shape)
    band = (-size, diagonal) if "tril" in call.op.name else (diagonal, size)
    return [(output, in_band(call.inputs[0], output.shape, band, ZERO))]


@means("glu")
def glu(call: Call) -> Writes:
    """Gates: out = a sigmoid(b), a and b the halves of x along a dimension."""
    numbers = call.inputs[0]
    axis = call.axis(call.op.attributes.get("dim", -1), numbers.ndim - 1)
    if numbers.shape[axis] == 1:
        return to_all(call, numbers)
    return to_all(call, joined(np.split(numbers, 2, axis), call.charge(Charge.WIDENING)))
