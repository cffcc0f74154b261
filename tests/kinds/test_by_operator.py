"""Fused attention, depthwise convolutions and loops of eager runtimes, against sums by hand."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwcost
from hwcost.devices import Device, load_device
from hwcost.devices.families import load_family
from hwcost.devices.operator_kernels import FusedAttention
from hwcost.graph import Attention, Op, Trace
from hwcost.kinds.processor.by_operator import attention_timing, visited_scores
from hwcost.kinds.processor.loops import LOOP_S
from hwcost.validation import operators, traces

TILE = (128, 64)
size = st.integers(1, 700)


def shape(n: int, m: int, heads: int = 1) -> Attention:
    return Attention(heads=heads, key_heads=heads, n=n, m=m, d=64, dv=64)


def kernel() -> FusedAttention:
    found = load_family("ampere", "").attention
    assert found is not None
    return found


def test_visited_scores_by_hand() -> None:
    assert visited_scores(shape(256, 128), TILE, is_causal=False) == 2 * 128 * 128
    assert visited_scores(shape(200, 100), TILE, is_causal=False) == 2 * 128 * 128  # whole tiles
    assert visited_scores(shape(1, 100), TILE, is_causal=False) == 16 * 128  # 16 rows at least
    # Four tiles of queries see 128, 256, 384 and 512 keys.
    assert visited_scores(shape(512, 512), TILE, is_causal=True) == 128 * (128 + 256 + 384 + 512)


@given(n=size, m=size)
def test_a_causal_kernel_computes_what_is_visible_and_no_more_than_all(n: int, m: int) -> None:
    visible = sum(min(query + 1, m) for query in range(n))
    causal = visited_scores(shape(n, m), TILE, is_causal=True)
    assert visible <= causal <= visited_scores(shape(n, m), TILE, is_causal=False)


def test_attention_by_hand() -> None:
    found = attention_timing(
        shape(1024, 1024, heads=100), kernel(), 100e12, 1e12, 108, is_causal=False, memory_s=0.0
    )
    scores, blocks = 100 * 1024 * 1024, 100 * 8
    rounds = ceil(blocks / 108) * 108 / blocks
    by_hand = scores * (2 * 128 / (100e12 * kernel().peak_share) + 1e-12) * rounds
    assert found.compute_s == pytest.approx(by_hand)
    assert found.seconds == pytest.approx(by_hand + kernel().kernel_s)


def attended(dtype: str, *, is_causal: bool = False, device: str = "a100_sxm_80", n: int = 1024) -> float:
    trace = operators.attention(
        batch=8, heads=16, key_heads=16, n=n, m=n, d=128, dtype=dtype, is_causal=is_causal
    )
    return hwcost.analyze(trace, device=device).totals.expected_s


def test_only_what_the_kernel_takes_is_timed_by_it() -> None:
    assert attended("float16") == attended("bfloat16") < 0.3 * attended("float32")
    assert 0.5 < attended("float16", is_causal=True) / attended("float16") < 0.9
    assert attended("float16", device="t4", is_causal=True) > attended(
        "float16", device="t4"
    )  # no kernel there


@pytest.mark.parametrize("device", ["a100_sxm_80", "h100_sxm", "b200_sxm", "rtx4090"])
@pytest.mark.parametrize("n", [1, 17, 128, 3000])
def test_nothing_beats_the_roofline(device: str, n: int) -> None:
    for is_causal in (False, True):
        trace = operators.attention(
            batch=2, heads=8, key_heads=2, n=n, m=3000, d=64, dtype="float16", is_causal=is_causal
        )
        report = hwcost.analyze(trace, device=device)
        totals = report.totals
        assert report.roofline_s <= totals.fast_s <= totals.expected_s <= totals.slow_s


def test_strided_depthwise_takes_longer_for_a_result() -> None:
    def seconds(stride: int) -> float:
        trace = operators.depthwise(batch=64, channels=96, side=112, kernel=3, stride=stride, dtype="float32")
        totals = hwcost.analyze(trace, device="v100_sxm2").totals
        return totals.compute_s / totals.macs

    assert seconds(2) == pytest.approx(seconds(1) / 0.75)


def pooled(device: Device, *, is_last: bool = False) -> float:
    """Seconds of a max pool 3 x 3 of 64 channels of 56 x 56."""
    trace = traces.max_pool("pool", "float32", (1, 64, 56, 56), 3)
    (op,) = trace.items
    assert isinstance(op, Op)
    if is_last:
        x = replace(op.inputs[0], strides=(64 * 56 * 56, 1, 56 * 64, 64))
        op = replace(op, inputs=(x,))
    made = Trace(model="pool", parameters=0, weight_bytes=0, dtype="float32", items=(op,))
    return hwcost.analyze(made, device=device).totals.compute_s


def test_eager_max_pool_on_a_cpu_goes_element_by_element() -> None:
    device = load_device("epyc_milan_vm4")
    elements = 9 * 64 * 56 * 56
    assert pooled(device) == pytest.approx(LOOP_S["max_pool"] * elements / device.cores)
    assert pooled(device, is_last=True) < pooled(device) / 5
    assert pooled(replace(device, fusion="fused")) < pooled(device) / 5
    assert pooled(load_device("rpi4b")) < LOOP_S["max_pool"] * elements  # by its family's library
