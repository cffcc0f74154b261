"""Fourier transforms."""

from __future__ import annotations

from math import log2, prod

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES
from hwcost.rules.work import integers, work_of

COMPLEX_OPS = 5
"""Real operations per point and halving of a complex transform: radix-2 Cooley-Tukey,
10 operations per butterfly of two points (FFTW, www.fftw.org/speed/method.html: 5 n log2 n)."""


@RULES.add("aten._fft_c2c")
def complex_transform(op: Op) -> Work:
    """X = transform of n complex points, n the product of the sizes of the dimensions transformed.

    vector_ops   5 n log2 n per transform
    bytes        x is read once, X is written once
    source       the convention of FFTW's benchmarks, www.fftw.org/speed/method.html
    """
    x = op.inputs[0]
    return work_of(op, "reduction", vector_ops=_operations(op, x.shape, COMPLEX_OPS), counts_real=True)


@RULES.add("aten._fft_r2c", "aten._fft_c2r")
def real_transform(op: Op) -> Work:
    """X = transform of n real points, or real points from their transform: half a complex one.

    vector_ops   2.5 n log2 n per transform, n counted in real points
    bytes        x is read once, X is written once
    source       the convention of FFTW's benchmarks, www.fftw.org/speed/method.html
    """
    real = op.inputs[0] if op.name.endswith("r2c") else op.outputs[0]
    return work_of(op, "reduction", vector_ops=_operations(op, real.shape, COMPLEX_OPS / 2), counts_real=True)


def _operations(op: Op, shape: tuple[int, ...], per_point: float) -> int:
    points = prod(shape[dim] for dim in integers(op, "dim"))
    transforms = prod(shape) // max(points, 1)
    return transforms * round(per_point * points * log2(max(points, 1)))
