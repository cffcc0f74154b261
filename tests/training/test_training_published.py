"""Training against published rules: arithmetic and memory of transformers, bandwidth of recurrent layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

import hwcost
from hwcost.load import load_trace
from hwcost.rules.count import count
from hwcost.training.footprint import footprint

from .flops import trained, works


def test_six_flops_per_parameter_and_token() -> None:
    """Kaplan et al. 2020, arXiv:2001.08361, section 2.1: C = 6 N per token, N = 12 * layers * d^2.

    N leaves embeddings and the softmax out, C the products of attention.
    """
    tokens = 64
    trace = load_trace("gpt1", seq_len=tokens, batch=1, optimizer="adam", use_cache=False)
    n = 12 * 12 * 768**2
    inner = [(w, calls) for w, calls in works(trace) if w.op.module.startswith("layers")]
    inner = [(w, calls) for w, calls in inner if w.op.part != "optimiser"]
    assert sum(2 * w.macs * calls for w, calls in inner if w.op_class == "gemm") == 6 * n * tokens
    # With attention, norms, dropout and activations a few percent more at this length.
    assert 6 * n * tokens < sum(w.flops * calls for w, calls in inner) < 1.05 * 6 * n * tokens


class Layer(nn.Module):
    """A transformer layer as Korthikanti et al. describe it, with attention in its single calls."""

    def __init__(self, h: int, a: int) -> None:
        super().__init__()
        self.a = a
        self.norm_1, self.norm_2 = nn.LayerNorm(h), nn.LayerNorm(h)
        self.q, self.k, self.v, self.out = (nn.Linear(h, h) for _ in range(4))
        self.up, self.down = nn.Linear(h, 4 * h), nn.Linear(4 * h, h)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, s, h = x.shape
        y = self.norm_1(x)
        q, k, v = (layer(y).view(b, s, self.a, -1).transpose(1, 2) for layer in (self.q, self.k, self.v))
        scores = (q @ k.transpose(2, 3)) / (h / self.a) ** 0.5
        y = functional.dropout(scores.softmax(-1), 0.1, self.training) @ v
        x = x + functional.dropout(self.out(y.transpose(1, 2).reshape(b, s, h)), 0.1, self.training)
        y = self.down(functional.gelu(self.up(self.norm_2(x))))
        return x + functional.dropout(y, 0.1, self.training)


@pytest.mark.parametrize(("s", "b", "h", "a"), [(16, 2, 32, 4), (64, 1, 64, 8)])
def test_activations_of_a_transformer_layer(s: int, b: int, h: int, a: int) -> None:
    """Korthikanti et al. 2022, arXiv:2205.05198, equation 1: s b h (34 + 5 a s / h) bytes per layer, 16 bits.

    They leave the statistics of both layer norms out: mean and inverse deviation of s b rows, in 32 bits.
    """
    stored = []
    for layers in (1, 2):
        module = nn.Sequential(*(Layer(h, a) for _ in range(layers))).to(torch.bfloat16)
        trace = trained(module, torch.zeros(b, s, h, dtype=torch.bfloat16))
        found = footprint(trace, count(trace.items))
        assert found is not None
        stored.append(found.stored_bytes)
    statistics = 2 * 2 * s * b * 4
    assert stored[1] - stored[0] == s * b * (34 * h + 5 * a * s) + statistics


def test_sixteen_bytes_per_parameter_with_adam() -> None:
    """A weight, its gradient and two moments, 4 bytes each (Rajbhandari et al. 2020, arXiv:1910.02054)."""
    report = hwcost.analyze("gpt1", phase="training", seq_len=8, batch=1)
    found = report.footprint
    assert found is not None
    held = found.weights_bytes + found.gradients_bytes + found.optimiser_bytes
    assert held == pytest.approx(16 * report.trace.parameters, rel=1e-3)


def test_an_lstm_trains_at_twice_its_inference_intensity_per_step() -> None:
    """Both passes read the recurrent weights at every step; the backward one uses them once more, for dh.

    The products over all steps (dw) need no weight again, so that training moves fewer bytes per operation.
    """
    training = hwcost.analyze("lstm", phase="training", seq_len=1000, batch=1, device="echo_arm")
    assert training.bound == "dram"
    forward, backward = training.parts["forward"], training.parts["backward"]
    assert forward.intensity is not None
    assert backward.intensity is not None
    # The recurrent weights, 2 layers of 4 x 512 x 512, cross DRAM at each step of either pass.
    weights = 1000 * 2 * 4 * 512 * 512 * 4
    assert weights < forward.bytes < 1.1 * weights
    assert weights < backward.bytes < 1.1 * weights
    assert 1.5 < backward.intensity / forward.intensity < 2
