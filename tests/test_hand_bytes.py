"""Bytes that cross memory against sums by hand, on a device with one cache whose size each test chooses."""

from __future__ import annotations

from math import exp
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

import hwcost
from hwcost.report import Report

from .hand_formulas.case import Written, x

PROFILE = """
title: "A bench"
kind: cpu
compute:
  vector:
    float32: [100 GFLOP/s, "unverified: made up"]
    float16: [200 GFLOP/s, "unverified: made up"]
memory:
  cache:
    size: [{cache} B, "unverified: made up"]
    peak_bandwidth: [100 GB/s, "unverified: made up"]
    policy: {policy}
  dram:
    size: [1 TB, "unverified: made up"]
    peak_bandwidth: [10 GB/s, "unverified: made up"]
    policy: lru
efficiency:
  default: [1, "unverified: made up"]
latency:
  kernel: [0 s, "unverified: made up"]
  recurrent_step: [0 s, "unverified: made up"]
runtime:
  fusion: eager
"""
ENDLESS = 10**9


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    def run(
        model: nn.Module, *inputs: Any, cache: int = ENDLESS, policy: str = "lru", fusion: str = "eager"
    ) -> Report:
        path = tmp_path / "bench.yaml"
        path.write_text(PROFILE.format(cache=cache, policy=policy))
        return hwcost.analyze(hwcost.trace(model, *inputs), device=path, fusion=fusion)

    return run


def half(*shape: int) -> torch.Tensor:
    return x(*shape, dtype=torch.float16)


@pytest.mark.parametrize(
    ("model", "taken", "flop_per_byte"),
    [
        (nn.Linear(1024, 4096, bias=False).half(), half(512, 1024), 315.08),
        (nn.Linear(1024, 4096, bias=False).half(), half(1, 1024), 0.9988),
        (nn.MaxPool2d(3, 1, 1), half(1, 64, 32, 32), 2.25),
        (nn.ReLU(), half(1000), 0.25),
    ],
)
def test_nvidias_table(bench: Any, model: nn.Module, taken: torch.Tensor, flop_per_byte: float) -> None:
    """NVIDIA, GPU Performance Background User's Guide: 315, 1, 2.25 and 0.25 FLOP/B at 16 bits."""
    assert bench(model, taken).totals.intensity == pytest.approx(flop_per_byte, rel=1e-4)


# Recurrent layers, T 100, I = H = 64, float32. A row of 64 is 256 bytes, a sequence of such rows 25,600.
T, ROW = 100, 256
SEQUENCE = T * ROW
SMALL = 32 * 1024


def recurrent(gates: int, batch: int = 1, *, states: int = 1, misses: float = 1.0, parts: bool = True) -> int:
    """W_ih once, W_hh and its bias 1 + (T - 1) * m times; x read, y written; the gates of all steps once
    each way where they do not fit; per state four rows: zeros written and read, h_0 once, h_n once."""
    weight, bias = gates * 64 * 64 * 4, gates * ROW
    recurrent_weights = (weight + bias) * (1 + (T - 1) * misses)
    gates_x = 2 * gates * batch * SEQUENCE if parts else 0
    ends = states * batch * ROW * (3 if parts else 1)
    return round(weight + bias + recurrent_weights + gates_x + 2 * batch * SEQUENCE + ends)


@pytest.mark.parametrize(
    ("model", "gates", "states"), [(nn.LSTM(64, 64), 4, 2), (nn.GRU(64, 64), 3, 1), (nn.RNN(64, 64), 1, 1)]
)
@pytest.mark.parametrize("batch", [1, 8])
def test_all_of_a_recurrent_layer_fits(
    bench: Any, model: nn.Module, gates: int, states: int, batch: int
) -> None:
    """Weights, biases, x and y once; of the states the last alone: what starts as zeros stays inside."""
    report = bench(model, x(T, batch, 64))
    assert report.totals.bytes == recurrent(gates, batch, states=states, misses=0.0, parts=False)
    assert report.to_dict()["totals"]["bytes_low"] == report.totals.bytes


@pytest.mark.parametrize(("model", "gates", "states"), [(nn.LSTM(64, 64), 4, 2), (nn.GRU(64, 64), 3, 1)])
def test_recurrent_weights_that_miss_come_every_step(
    bench: Any, model: nn.Module, gates: int, states: int
) -> None:
    """W_hh of 48 or 64 KiB in a cache of 32: it comes 100 times.

    The input product moves everything once, since x (25,600 bytes) stays while its weight streams past.
    """
    report = bench(model, x(T, 1, 64), cache=SMALL)
    assert report.totals.bytes == recurrent(gates, states=states)


def test_a_batch_shares_the_recurrent_weights(bench: Any) -> None:
    """N 8: activations eight times, W_hh as often as before.

    Beyond that the input product: x[800,64] by W[64,256] through 8192 numbers. All of k = 64 of
    (8192 - 64) / 65 = 125 columns of W stay, so x comes 256/125 times (the other way round the weight
    would come 800/125 times, which is more).
    """
    again = 4 * 800 * 64 * (256 / ((8192 - 64) / 65) - 1)
    report = bench(nn.LSTM(64, 64), x(T, 8, 64), cache=SMALL)
    assert report.totals.bytes == pytest.approx(recurrent(4, 8, states=2) + again, rel=1e-3)


def test_layers_and_directions_add_up(bench: Any) -> None:
    one = recurrent(4, states=2)
    stacked = bench(nn.LSTM(64, 64, num_layers=2), x(T, 1, 64), cache=SMALL).totals.bytes
    assert stacked == pytest.approx(2 * one, rel=1e-3)
    both = bench(nn.LSTM(64, 64, bidirectional=True), x(T, 1, 64), cache=SMALL).totals.bytes
    assert both == pytest.approx(2 * one, rel=1e-3)


@pytest.mark.parametrize("policy", ["random", "pinned"])
def test_softer_policies_keep_a_part(bench: Any, policy: str) -> None:
    """48 KiB; a step touches W_hh, b_hh, its gates, y, h and c: 65536 + 1024 + 1024 + 256 + 512 = 68352."""
    ratio = 68352 / 49152
    share = 1 - 1 / ratio
    if policy == "random":
        for _ in range(200):
            share = 1 - exp(-share * ratio)
    report = bench(nn.LSTM(64, 64), x(T, 1, 64), cache=49152, policy=policy)
    weights = next(layer.sum.bytes for layer in report.layers if "step" in layer.op)
    rows = (65536 + 1024) * (1 + (T - 1) * share) + SEQUENCE
    assert rows < weights < rows + 4 * SEQUENCE  # and at most all of the gates again


def test_layouts_of_a_batch_move_the_same(bench: Any) -> None:
    for cache in (ENDLESS, SMALL):
        first = bench(nn.LSTM(64, 64), x(T, 4, 64), cache=cache).totals.bytes
        second = bench(nn.LSTM(64, 64, batch_first=True), x(4, T, 64), cache=cache).totals.bytes
        packed = pack_padded_sequence(x(T, 4, 64), torch.tensor([T] * 4))
        third = bench(nn.LSTM(64, 64), packed, cache=cache).totals.bytes
        assert first == pytest.approx(second, rel=1e-3)
        assert first == pytest.approx(third, rel=1e-3)


def test_cells_fetch_the_input_weights_each_step_too(bench: Any) -> None:
    """A loop over cells has no product over all steps: W_ih and W_hh come 100 times each, with biases."""

    def steps(self: Written, sequence: torch.Tensor) -> torch.Tensor:
        state = None
        for step in sequence:
            state = self.cell(step, state)
        return state[0]

    model = Written(steps, cell=nn.LSTMCell(64, 64))
    expected = T * 2 * (65536 + 1024) + SEQUENCE
    assert bench(model, x(T, 1, 64), cache=SMALL).totals.bytes == pytest.approx(expected, rel=0.01)
    # Where both fit, they come once, and the loop moves what the layer moves but for y.
    fits = bench(model, x(T, 1, 64)).totals.bytes
    assert fits == pytest.approx(2 * (65536 + 1024) + SEQUENCE + ROW, abs=ROW)


QKV = (x(1, 1, 512, 64), x(1, 1, 512, 64), x(1, 1, 512, 64))
KEPT = (16384 - 64) / 65  # queries of 64 that stay in 16384 numbers, with a column and a row that stream


def test_attention_fused(bench: Any) -> None:
    """Br = 16384 / (2 * 128) = 64 queries at a time: K and V (64 KiB numbers) 512/64 = 8 times."""
    model = Written(lambda _, q, k, v: F.scaled_dot_product_attention(q, k, v))
    assert bench(model, *QKV).totals.bytes == 4 * 4 * 32768
    assert bench(model, *QKV, cache=65536).totals.bytes == 4 * (65536 + 8 * 65536)


def test_attention_unfused(bench: Any) -> None:
    """Two products whose one side comes 512/KEPT times, 512*512 scores written, read, written and read."""
    model = Written(lambda _, q, k, v: (q @ k.mT).softmax(-1) @ v)
    product = 32768 + 32768 * 512 / KEPT + 512 * 512
    report = bench(model, *QKV, cache=65536)
    assert report.totals.bytes == pytest.approx(4 * (2 * product + 2 * 512 * 512))


def test_an_embedding_reads_its_rows(bench: Any) -> None:
    """32 rows of 64 read and written, 32 indices of 8 bytes: the table of 2.56 MB stays where it is."""
    assert bench(nn.Embedding(10000, 64), torch.arange(32)).totals.bytes == 2 * 32 * 256 + 32 * 8


def test_convolution_with_and_without_its_halo(bench: Any) -> None:
    """64 -> 64, 3 x 3, 56 x 56: 200,704 numbers in and out, 36,864 weights; halo 3*56*64 = 10,752.

    In 65,536 numbers halo and weights fit. In 20,480 the halo is more than half, so A counts as the
    1,806,336 of its product; all 64 filters of (20480 - 64) / 65 = 314 places stay.
    """
    conv, image = nn.Conv2d(64, 64, 3, padding=1, bias=False), x(1, 64, 56, 56)
    assert bench(conv, image, cache=4 * 65536).totals.bytes == 4 * (2 * 200704 + 36864)
    laid_out = 1806336 + 36864 * 3136 / ((20480 - 64) / 65) + 200704
    assert bench(conv, image, cache=4 * 20480).totals.bytes == pytest.approx(4 * laid_out)


def test_concatenation_copies(bench: Any) -> None:
    model = Written(lambda _, a, b: torch.cat([a, b]))
    assert bench(model, x(1000), x(1000)).totals.bytes == 2 * 8000


@pytest.mark.parametrize(
    ("cache", "fusion", "passes"),
    [(ENDLESS, "eager", 2), (1024, "eager", 5), (1024, "fused", 2), (ENDLESS, "fused", 2)],
)
def test_residual(bench: Any, cache: int, fusion: str, passes: int) -> None:
    """relu(x) + x: x in, y out; without a cache, eager kernels write, read and read again. Fused, x is
    read once even then."""
    report = bench(Written(lambda _, a: F.relu(a) + a), x(100_000), cache=cache, fusion=fusion)
    assert report.totals.bytes == passes * 400_000


def test_gelu_by_hand_is_one_pass_when_fused(bench: Any) -> None:
    model = Written(lambda _, a: a * (1 + torch.tanh(0.8 * (a + 0.045 * a * a * a))) * 0.5)
    assert bench(model, x(100_000), cache=1024, fusion="fused").totals.bytes == 800_000


def test_views_move_nothing(bench: Any) -> None:
    model = Written(lambda _, a: a.view(10, 100).T.unsqueeze(0).expand(3, -1, -1)[:, 1:].permute(2, 0, 1))
    assert bench(model, x(1000)).totals.bytes == 0


def test_weights_in_half_the_bits_move_half(bench: Any) -> None:
    whole = bench(nn.LSTM(64, 64), x(T, 1, 64)).totals.bytes
    assert bench(nn.LSTM(64, 64).half(), half(T, 1, 64)).totals.bytes == whole / 2
