"""Modules as speech engineers write them: what a stream of them costs, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import hwcost
from hwcost.errors import ModelError, OrderError
from hwcost.report import Report
from tests.orders.streams import macs, stream_of

C, T = 16, 40


class Net(nn.Module):
    """A module of some layers and a function over them."""

    def __init__(self, function: Callable[..., Any], **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.layers = nn.ModuleDict(layers)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(self.layers, *inputs)


def streamed(net: nn.Module, *inputs: torch.Tensor, order: str = "streaming") -> Report:
    return hwcost.analyze((net, inputs), seq_len=T, order=order)


def frames() -> torch.Tensor:
    return torch.zeros(1, T, C)


def channels_first() -> torch.Tensor:
    return torch.zeros(1, C, T)


def masked_attention(layers: nn.ModuleDict, x: torch.Tensor, *, behind: int = T) -> Any:
    steps = x.shape[1]
    distance = torch.arange(steps)[:, None] - torch.arange(steps)
    hidden = (distance < 0) | (distance >= behind)
    return layers["attention"](x, x, x, attn_mask=hidden)[0]


def test_attention_that_returns_its_weights_is_causal_under_a_mask() -> None:
    net = Net(masked_attention, attention=nn.MultiheadAttention(C, 2, batch_first=True))
    # four C x C projections per step; scores and their sums with v, C each per pair, T(T+1)/2 pairs
    assert streamed(net, frames()).totals.macs == T * 4 * C * C + 2 * C * T * (T + 1) // 2


def test_a_window_in_the_mask_of_such_attention_limits_what_is_kept() -> None:
    def windowed(layers: nn.ModuleDict, x: torch.Tensor) -> Any:
        return masked_attention(layers, x, behind=8)

    net = Net(windowed, attention=nn.MultiheadAttention(C, 2, batch_first=True))
    report = streamed(net, frames())
    # 1 + 2 + ... + 8 pairs, then 8 for each of the T - 8 other steps
    assert report.totals.macs == T * 4 * C * C + 2 * C * (36 + (T - 8) * 8)
    assert report.state_bytes == 2 * 8 * C * 4


def test_attention_under_a_mask_that_hides_the_past_is_refused() -> None:
    def backwards(layers: nn.ModuleDict, x: torch.Tensor) -> Any:
        hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril(-1)
        return layers["attention"](x, x, x, attn_mask=hidden)[0]

    net = Net(backwards, attention=nn.MultiheadAttention(C, 2, batch_first=True))
    with pytest.raises(OrderError, match="steps ahead"):
        streamed(net, frames())


def cell_loop(*, is_backwards: bool) -> Callable[..., torch.Tensor]:
    def run(layers: nn.ModuleDict, x: torch.Tensor) -> Any:
        state, outputs = torch.zeros(x.shape[0], C), []
        for step in reversed(range(x.shape[1])) if is_backwards else range(x.shape[1]):
            state = layers["cell"](x[:, step], state)
            outputs.append(state)
        return torch.stack(outputs[::-1] if is_backwards else outputs, 1)

    return run


@pytest.mark.parametrize("batch", [1, 3])
def test_a_python_loop_over_the_steps_backwards_is_refused(batch: int) -> None:
    net = Net(cell_loop(is_backwards=True), cell=nn.GRUCell(C, C))
    with pytest.raises(OrderError, match="ahead"):
        streamed(net, torch.zeros(batch, T, C))


@pytest.mark.parametrize("batch", [1, 3])
def test_the_same_loop_forwards_is_a_stream(batch: int) -> None:
    net = Net(cell_loop(is_backwards=False), cell=nn.GRUCell(C, C))
    assert streamed(net, torch.zeros(batch, T, C)).totals.macs == batch * T * 3 * C * 2 * C


def causal_after_upsampling(layers: nn.ModuleDict, x: torch.Tensor) -> Any:
    return layers["after"](functional.pad(functional.interpolate(x, scale_factor=2.0), (2, 0)))


# MACs per frame, of which each makes two
UPSAMPLING = {
    "transposed convolution": (nn.ConvTranspose1d(C, C, 2, stride=2), 2 * C * C),
    "transposed convolution with overlap": (
        Net(lambda layers, x: layers["up"](x)[..., :-2], up=nn.ConvTranspose1d(C, C, 4, stride=2)),
        4 * C * C,
    ),
    "nearest": (Net(causal_after_upsampling, after=nn.Conv1d(C, C, 3)), 2 * 3 * C * C),
}


@pytest.mark.parametrize("name", UPSAMPLING)
def test_layers_that_make_several_steps_of_one_are_streams(name: str) -> None:
    net, per_frame = UPSAMPLING[name]
    assert streamed(net, channels_first()).totals.macs == T * per_frame


def test_linear_interpolation_looks_ahead() -> None:
    net = Net(lambda _, x: functional.interpolate(x, scale_factor=2.0, mode="linear"))
    with pytest.raises(OrderError, match="1 step ahead"):
        streamed(net, channels_first())


HOP = 160


def test_a_waveform_of_many_samples_per_step_is_a_stream() -> None:
    net = Net(
        lambda layers, x: layers["gru"](layers["frames"](x).transpose(1, 2))[0],
        frames=nn.Conv1d(1, C, HOP, stride=HOP),
        gru=nn.GRU(C, C, batch_first=True),
    )
    trace = stream_of(net, lambda length: (torch.zeros(1, 1, HOP * length),), T, "streaming")
    # a frame is one product of HOP samples with C kernels; a GRU step 3 gates of C x 2C
    assert macs(trace) == T * (HOP * C + 3 * C * 2 * C)


def stacked(layers: nn.ModuleDict, x: torch.Tensor) -> Any:
    return layers["linear"](x.reshape(x.shape[0], x.shape[1] // 2, 2 * C))


def skipping(layers: nn.ModuleDict, x: torch.Tensor) -> Any:
    return layers["linear"](x[:, ::2])


@pytest.mark.parametrize(("function", "width"), [(stacked, 2 * C), (skipping, C)])
def test_frames_that_are_stacked_or_skipped_take_chunks_of_two(
    function: Callable[..., Any], width: int
) -> None:
    net = Net(function, linear=nn.Linear(width, C))
    with pytest.raises(OrderError, match="results every 2 steps; take --order chunk:2"):
        streamed(net, frames())
    assert streamed(net, frames(), order="chunk:2").totals.macs == T // 2 * width * C  # one of two frames


def test_an_empty_vector_beside_the_sequence_is_no_part_of_it() -> None:
    net = Net(
        lambda layers, x: layers["linear"](torch.cat((torch.tensor([]), x), -2)), linear=nn.Linear(C, C)
    )
    assert streamed(net, frames()).totals.macs == T * C * C


def linear_attention(layers: nn.ModuleDict, x: torch.Tensor) -> Any:
    q, k, v = layers["qkv"](x).chunk(3, -1)
    products = (k.unsqueeze(-1) * v.unsqueeze(-2)).cumsum(1)
    return (q.unsqueeze(-1) * products).sum(-2) / (q * k.cumsum(1)).sum(-1, keepdim=True)


@pytest.mark.parametrize("order", ["streaming", "chunk:8"])
def test_a_running_sum_is_kept_from_step_to_step(order: str) -> None:
    net = Net(linear_attention, qkv=nn.Linear(C, 3 * C))
    report = streamed(net, frames(), order=order)
    assert report.totals.macs == T * 3 * C * C
    assert report.state_bytes == (C * C + C) * 4  # the sums of k v' and of k, in float32
    offline = hwcost.analyze((net, (frames(),)))
    assert report.totals.flops == offline.totals.flops  # each sum takes one addition per step and element


def test_the_length_may_be_returned_beside_the_frames() -> None:
    net = Net(lambda layers, x: (layers["linear"](x), torch.tensor([x.shape[1]])), linear=nn.Linear(C, C))
    assert streamed(net, frames()).totals.macs == T * C * C


@pytest.mark.parametrize("order", ["streaming", "chunk:8"])
def test_a_buffer_of_results_that_a_loop_fills_is_no_state(order: str) -> None:
    def filling(layers: nn.ModuleDict, x: torch.Tensor) -> Any:
        state, outputs = torch.zeros(1, C), torch.empty(1, x.shape[1], C)
        for step in range(x.shape[1]):
            state = layers["cell"](x[:, step], state)
            outputs[:, step] = state
        return outputs

    report = streamed(Net(filling, cell=nn.GRUCell(C, C)), frames(), order=order)
    assert report.state_bytes == C * 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("seq_len", "needs 'seq_len', which has no default; give --seq-len N"),
        ("width", "give --set width=VALUE"),
    ],
)
def test_a_callable_that_lacks_an_argument_is_told_which_option_gives_it(
    tmp_path: Path, arguments: str, message: str
) -> None:
    source = tmp_path / "mine.py"
    source.write_text(f"from torch import nn\n\ndef build({arguments}):\n    return nn.Linear(4, 4)\n")
    with pytest.raises(ModelError, match=message):
        hwcost.analyze(f"{source}:build", order="streaming")


@pytest.mark.parametrize("steps", [40, 48, 200])
def test_a_module_with_its_inputs_is_a_stream_at_any_length(steps: int) -> None:
    gru = nn.GRU(C, C, batch_first=True)
    report = hwcost.analyze((gru, torch.zeros(1, steps, C)), seq_len=steps, order="streaming")
    assert report.totals.macs == steps * 3 * C * 2 * C
    assert report.state_bytes == C * 4
    assert report.steps is not None
    assert report.steps.count == steps


def test_an_input_that_is_part_of_a_longer_buffer_is_one_of_its_own_length() -> None:
    buffer = torch.zeros(1, 4 * T, C)

    def report_of(x: torch.Tensor) -> Report:
        return hwcost.analyze((nn.GRU(C, C, batch_first=True), x), seq_len=T, order="streaming")

    part, whole = report_of(buffer[:, :T]), report_of(torch.zeros(1, T, C))
    assert part.totals == whole.totals
    assert part.state_bytes == whole.state_bytes == C * 4


def test_a_mask_among_the_inputs_of_a_callable_is_said_to_be_unknown(tmp_path: Path) -> None:
    source = tmp_path / "masked.py"
    source.write_text(
        "import torch\nfrom torch import nn\n\n"
        "class Masked(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)\n"
        "    def forward(self, x, mask):\n"
        "        return self.attention(x, x, x, attn_mask=mask)[0]\n\n"
        "def build(seq_len=20):\n"
        "    hidden = torch.ones(seq_len, seq_len, dtype=torch.bool).triu(1)\n"
        "    return Masked(), (torch.zeros(1, seq_len, 8), hidden)\n"
    )
    with pytest.raises(OrderError, match="make the mask in forward"):
        hwcost.analyze(f"{source}:build", order="streaming")
