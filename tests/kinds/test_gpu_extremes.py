"""Every GPU profile at the ends of its shapes: finite, never below the bound, within its interval."""

from __future__ import annotations

from itertools import product
from math import isfinite

import pytest

import hwcost
from hwcost.devices import device_names, load_device
from hwcost.graph import Trace
from hwcost.validation import traces

GPUS = tuple(name for name in device_names() if load_device(name).kind == "gpu")

SIDES = (1, 16, 1024, 65536)

FALL_AT_17_COLUMNS = 0.5
"""A product of 17 columns may take this part of the time of one of 16: libraries take another kernel
(DeepBench, Titan Xp: 1760 x 32 x 1760 takes less time than 1760 x 16 x 1760)."""


def extremes(dtype: str) -> list[Trace]:
    products = [
        traces.product(m, n, k, a="N", b="T", dtype=dtype, c_dtype=dtype)
        for m, n, k in product(SIDES, repeat=3)
    ]
    convolutions = [
        traces.convolution(1, 1, 1, (1, 1), (1, 1), (0, 0), (1, 1), dtype),
        traces.convolution(1, 3, 64, (224, 224), (7, 7), (3, 3), (2, 2), dtype),
        traces.convolution(4096, 3, 16, (32, 32), (3, 3), (1, 1), (1, 1), dtype),
        traces.convolution(1, 1, 65536, (8, 8), (3, 3), (1, 1), (1, 1), dtype),
        traces.convolution(1, 16, 16, (4096, 4096), (5, 5), (2, 2), (1, 1), dtype),
    ]
    recurrences = [
        traces.recurrence("lstm", hidden, batch, steps, dtype)
        for hidden, batch, steps in ((1, 1, 1), (64, 1, 100_000), (16384, 1, 100), (16384, 512, 5))
    ]
    return [*products, *convolutions, *recurrences]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", GPUS)
def test_times_are_finite_and_above_the_bound(name: str, dtype: str) -> None:
    device = load_device(name)
    for trace in extremes(dtype):
        totals = hwcost.analyze(trace, device=device).totals
        assert isfinite(totals.slow_s), trace.model
        assert 0 < totals.roofline_s <= totals.fast_s * (1 + 1e-9), trace.model
        assert totals.fast_s <= totals.expected_s * (1 + 1e-9), trace.model
        assert totals.expected_s <= totals.slow_s * (1 + 1e-9), trace.model


@pytest.mark.parametrize("name", GPUS)
def test_a_longer_side_hardly_ever_takes_less_time(name: str) -> None:
    device = load_device(name)
    for side in range(3):
        last_s = 0.0
        for length in (1, 4, 5, 16, 17, 64, 100, 1024, 4097, 65536):
            m, n, k = (length if axis == side else 1024 for axis in range(3))
            trace = traces.product(m, n, k, a="N", b="N", dtype="float32", c_dtype="float32")
            expected_s = hwcost.analyze(trace, device=device).totals.expected_s
            least = FALL_AT_17_COLUMNS if length == 17 else 0.9
            assert expected_s > least * last_s, (m, n, k)
            last_s = expected_s
