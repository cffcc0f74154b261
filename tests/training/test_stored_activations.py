"""Stored activations against what autograd saves in a real run on the CPU, and memory by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from hwcost.models.registry import build
from hwcost.report import Footprint
from hwcost.rules.count import count
from hwcost.training.footprint import footprint

from .flops import trained


def memory(module: nn.Module, *inputs: Any, optimizer: str = "sgd", **keywords: Any) -> Footprint:
    trace = trained(module, *inputs, optimizer=optimizer, **keywords)
    found = footprint(trace, count(trace.items))
    assert found is not None
    return found


def saved_bytes(module: nn.Module, *inputs: Any, **keywords: Any) -> int:
    """Bytes of the distinct storages that autograd saves in a run on the CPU, but for weights and buffers."""
    weights = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    saved: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage  # kept alive, so that its address is its own
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        module.train()(*inputs, **keywords)
    return sum(storage.nbytes() for storage in saved.values())


def image(*shape: int) -> torch.Tensor:
    return torch.randn(shape)


CASES: dict[str, tuple[nn.Module, tuple[torch.Tensor, ...]]] = {
    "mlp": (nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4), nn.GELU()), (image(5, 8),)),
    "one layer": (nn.Linear(8, 16), (image(5, 8),)),
    "cnn": (
        nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 4)
        ),
        (image(2, 3, 8, 8),),
    ),
    "average": (
        nn.Sequential(nn.Conv1d(4, 8, 3), nn.GroupNorm(2, 8), nn.SiLU(), nn.AvgPool1d(2)),
        (image(2, 4, 9),),
    ),
    "norms": (nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Tanh(), nn.Softmax(-1)), (image(5, 8),)),
    "embedding": (
        nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 10)),
        (torch.ones(2, 5, dtype=torch.int64),),
    ),
    "transposed": (
        nn.Sequential(nn.Conv2d(4, 8, 1), nn.ConvTranspose2d(8, 4, 3), nn.ELU()),
        (image(1, 4, 5, 5),),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_stored_is_what_autograd_saves(name: str) -> None:
    module, inputs = CASES[name]
    assert memory(module, *inputs).stored_bytes == saved_bytes(module, *inputs)


@pytest.mark.parametrize("name", ["resnet18", "tcn", "wavenet"])
def test_stored_of_whole_models_is_what_autograd_saves(name: str) -> None:
    settings: dict[str, object] = {"dropout": 0} if name == "tcn" else {}
    steps = None if name == "resnet18" else 40
    module, inputs = build(name, seq_len=steps, batch=1, settings=settings)
    real = module.to_empty(device="cpu") if any(p.is_meta for p in module.parameters()) else module
    values = tuple(
        torch.zeros(given.shape, dtype=given.dtype) if given.is_meta else given.cpu() for given in inputs
    )
    assert memory(module, *inputs).stored_bytes == saved_bytes(real, *values)


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_stored_of_language_models_is_what_autograd_saves(architecture: str) -> None:
    transformers = pytest.importorskip("transformers")
    if architecture == "bert":
        config = transformers.BertConfig(
            num_hidden_layers=2,
            hidden_size=32,
            num_attention_heads=4,
            intermediate_size=64,
            vocab_size=50,
            hidden_dropout_prob=0,
            attention_probs_dropout_prob=0,
        )
        kind = transformers.BertModel
    else:
        config = transformers.GPT2Config(
            n_layer=2, n_embd=32, n_head=4, vocab_size=50, n_positions=32, bos_token_id=0, eos_token_id=0
        )
        config.resid_pdrop = config.embd_pdrop = config.attn_pdrop = 0
        kind = transformers.GPT2LMHeadModel
    config._attn_implementation = "eager"
    module, ids = kind(config), torch.ones(2, 8, dtype=torch.int64)
    assert memory(module, input_ids=ids, use_cache=False).stored_bytes == saved_bytes(
        module, input_ids=ids, use_cache=False
    )


def test_mlp_by_hand() -> None:
    """x[5,8] -> 16 -> relu -> 4: 4 bytes each."""
    found = memory(
        nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), torch.zeros(5, 8), optimizer="adam"
    )
    weights = 4 * (8 * 16 + 16 + 16 * 4 + 4)  # 848
    assert found.weights_bytes == found.gradients_bytes == weights
    assert found.optimiser_bytes == 2 * weights
    assert found.stored_bytes == 4 * (5 * 8 + 5 * 16)  # x, and the result of relu
    # Most is in use where relu's gradient is made: x, relu's result, the gradient that comes in and the one
    # that goes out, the model's output, and the second layer's gradients.
    assert (found.peak_part, found.peak_op) == ("backward", "aten.threshold_backward")
    assert found.peak_gradients_bytes == 4 * (16 * 4 + 4)
    assert found.peak_stored_bytes == 4 * (5 * 8 + 5 * 16)
    assert found.peak_transient_bytes == 4 * (2 * 5 * 16 + 5 * 4)
    assert found.peak_bytes == 3 * weights + 4 * (16 * 4 + 4 + 5 * 8 + 3 * 5 * 16 + 5 * 4)


def test_cnn_by_hand() -> None:
    """x[2,3,8,8] -> conv 3x3 to 4 channels -> relu -> mean over places -> linear to 5, with SGD."""
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
    )
    found = memory(module, torch.zeros(2, 3, 8, 8))
    x, y, pooled, out = 2 * 3 * 64, 2 * 4 * 64, 2 * 4, 2 * 5
    weights = 4 * 3 * 9 + 4 + 4 * 5 + 5  # 137
    assert found.weights_bytes == 4 * weights
    assert found.optimiser_bytes == 0
    assert found.stored_bytes == 4 * (x + y + pooled)  # for the convolution, relu and the linear layer
    # Most is in use where relu's gradient is made: its result, the gradient that comes in and the one that
    # goes out, beside x, the output and the linear layer's gradients.
    assert (found.peak_part, found.peak_op) == ("backward", "aten.threshold_backward")
    assert found.peak_bytes == 4 * (weights + (4 * 5 + 5) + x + out + 3 * y)


def test_batch_norm_keeps_its_statistics() -> None:
    """Its input, and mean and inverse deviation of the batch by channel; running statistics are buffers."""
    module = nn.Sequential(nn.Conv1d(4, 6, 1), nn.BatchNorm1d(6))
    found = memory(module, torch.zeros(2, 4, 5))
    assert found.stored_bytes == 4 * (2 * 4 * 5 + 2 * 6 * 5 + 6 + 6)
    assert found.weights_bytes == 4 * (4 * 6 + 6 + 6 + 6 + 6 + 6) + 8  # and two running ones, and a count


def test_lstm_by_hand() -> None:
    """Gates and cell states of every step, x and y, and the states that it began with."""
    steps, batch, inputs, hidden = 7, 3, 4, 6
    found = memory(nn.LSTM(inputs, hidden), torch.zeros(steps, batch, inputs))
    positions = steps * batch
    kept = positions * (4 * hidden + hidden)
    assert found.stored_bytes == 4 * (kept + positions * inputs + positions * hidden + 2 * batch * hidden)


def test_gru_and_rnn_by_hand() -> None:
    steps, batch, inputs, hidden = 7, 3, 4, 6
    positions, x = steps * batch, torch.zeros(steps, batch, inputs)
    common = positions * inputs + positions * hidden + batch * hidden
    assert memory(nn.GRU(inputs, hidden), x).stored_bytes == 4 * (common + positions * 4 * hidden)
    assert memory(nn.RNN(inputs, hidden), x).stored_bytes == 4 * common


def test_attention_keeps_no_scores() -> None:
    """Fused attention keeps q, k, v, its result and a logsumexp per row, not n x n scores."""

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(8, 24)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = self.qkv(x).view(2, 64, 2, 12).transpose(1, 2).chunk(3, -1)
            return nn.functional.scaled_dot_product_attention(q, k, v)

    stored = memory(Attention(), torch.zeros(2, 64, 8)).stored_bytes
    assert stored == 4 * (2 * 64 * 8 + 2 * 64 * 24 + 2 * 64 * 8 + 2 * 2 * 64)


def test_dropout_keeps_a_byte_per_element() -> None:
    module = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.5))
    assert memory(module, torch.zeros(5, 8)).stored_bytes == 4 * 5 * 8 + 5 * 16


def test_a_loop_keeps_every_round() -> None:
    """h of each of 50 steps (and h0), and each slice of x: as much as the steps side by side."""

    class Looped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.RNNCell(4, 6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = torch.zeros(3, 6)
            for now in x:
                h = self.cell(now, h)
            return h

    found = memory(Looped(), torch.zeros(50, 3, 4))
    assert found.stored_bytes == 4 * (50 * 3 * 4 + 51 * 3 * 6)


def test_checkpoints_trade_memory_for_time() -> None:
    from torch.utils.checkpoint import checkpoint

    class Layers(nn.Module):
        def __init__(self, saves: bool) -> None:
            super().__init__()
            self.saves = saves
            self.layers = nn.ModuleList(
                nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32)) for _ in range(4)
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = checkpoint(layer, x, use_reentrant=False) if self.saves else layer(x)
            return x

    x = torch.zeros(256, 32)
    saving, plain = memory(Layers(True), x), memory(Layers(False), x)
    # Four layers keep x and the result of relu; with checkpoints x alone, which each makes its own from.
    assert plain.stored_bytes == 4 * 256 * (4 * 32 + 4 * 64)
    assert saving.stored_bytes == 4 * 256 * 4 * 32
    assert saving.peak_bytes < plain.peak_bytes


size = st.integers(1, 20)


@settings(max_examples=25, deadline=None)
@given(batch=size, inputs=size, hidden=size)
def test_laws(batch: int, inputs: int, hidden: int) -> None:
    """Twice the batch keeps twice the activations, not the weights; the peak lies between its parts."""
    module = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, 3))
    one = memory(module, torch.zeros(batch, inputs), optimizer="momentum")
    two = memory(module, torch.zeros(2 * batch, inputs), optimizer="momentum")
    assert two.stored_bytes == 2 * one.stored_bytes
    assert (two.weights_bytes, two.optimiser_bytes) == (one.weights_bytes, one.weights_bytes)
    held = one.weights_bytes + one.optimiser_bytes
    assert held + max(one.gradients_bytes, one.stored_bytes) <= one.peak_bytes <= two.peak_bytes
    assert one.peak_gradients_bytes <= one.gradients_bytes
    assert one.peak_stored_bytes <= one.stored_bytes
