"""Every shipped profile prices a product, a pointwise op, attention and the steps of a recurrent layer."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

import pytest
from processors import cold, gemm, looped, pointwise

from hwcost.devices import device_names, load_device
from hwcost.graph import Attention
from hwcost.kinds import kind_of

WORKS = (
    gemm(512, 512, 512),
    gemm(1, 512, 512, op_class="gemv"),
    pointwise(10**5, vector_ops=10**5, special_ops=10**5),
    replace(
        gemm(64, 64, 64, op_class="attention"),
        products=(),
        attention=Attention(heads=4, key_heads=2, n=64, m=64, d=16, dv=16),
    ),
)


@pytest.mark.parametrize("name", device_names())
def test_profile_prices_everything(name: str) -> None:
    device = load_device(name)
    kind = kind_of(device)
    facts = kind.machine(device, "float32")
    assert 0 < facts.roof.achieved_flop_per_s <= facts.roof.peak_flop_per_s
    assert facts.slopes
    steps = looped(gemm(1, 256, 1024, op_class="recurrent step"), 100, weight_distance=1.1e6)
    costs = kind.price(kind.move((*map(cold, WORKS), steps), device), device)
    assert len(costs) == len(WORKS) + 3
    for cost in costs:
        crossings = cost.traffic.crossings
        assert all(0 <= c.low_bytes <= c.bytes <= c.high_bytes < 1e12 for c in crossings)
        assert crossings[-1].bytes > 0 or cost.traffic.phase != "once"
        assert isfinite(cost.expected_s)
        assert 0 < cost.roofline_s <= cost.expected_s
        assert (cost.energy_j is None) == (not device.energy_j_per_flop)
