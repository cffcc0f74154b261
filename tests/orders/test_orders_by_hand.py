"""Streams against loops over real torch modules, written by hand and counted by torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from hwcost.graph import Loop, Trace, leaves
from hwcost.orders import parse_order
from hwcost.rules.count import count
from tests.orders.streams import macs, offline_of, ready_made, stream_of

STEPS = 12


def macs_of_chunks(trace: Trace) -> list[int]:
    """What each chunk of a stream costs, as far as its stretches tell."""
    found = []
    for item in count(trace.items):
        if isinstance(item, Loop):
            found += [sum(work.macs * calls for work, calls in leaves(item.body))] * item.times
    return found


def counted(call: Any) -> int:
    counter = FlopCounterMode(display=False)
    with counter:
        call()
    return counter.get_total_flops() // 2


def test_lstm_like_a_loop_that_keeps_its_state() -> None:
    """The loop is traced itself, since torch counts no MACs of an LSTM."""

    class ByHand(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(6, 10, 2)

        def forward(self, x: Tensor) -> Tensor:
            state = (torch.zeros(2, 3, 10), torch.zeros(2, 3, 10))
            outputs = []
            for step in x:
                y, state = self.lstm(step.unsqueeze(0), state)
                outputs.append(y)
            return torch.cat(outputs)

    module = ByHand()

    def inputs(n: int) -> tuple[Tensor]:
        return (torch.empty(n, 3, 6, device="meta"),)

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = module.lstm

        def forward(self, x: Tensor) -> Tensor:
            return self.lstm(x)[0]

    by_hand = offline_of(module, inputs(STEPS))
    streamed = stream_of(Plain(), inputs, STEPS, "streaming")
    assert macs(streamed) == macs(by_hand) == STEPS * 3 * 40 * ((6 + 10) + (10 + 10))

    def of_steps(trace: Trace) -> tuple[int, int]:
        """Bytes that the parts of a layer read and write, over all steps."""
        parts = [
            (work, calls)
            for work, calls in leaves(count(trace.items))
            if work.op.name in ("torch.lstm.step", "torch.lstm.input_product")
        ]
        return sum(w.read_bytes * c for w, c in parts), sum(w.write_bytes * c for w, c in parts)

    assert of_steps(streamed) == of_steps(by_hand)


def test_causal_convolution_like_a_loop_with_a_ring() -> None:
    first, second = nn.Conv1d(3, 8, 3, dilation=2), nn.Conv1d(8, 4, 2)

    class Causal(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = first, second

        def forward(self, x: Tensor) -> Tensor:
            y = torch.relu(self.first(functional.pad(x, (4, 0))))
            return self.second(functional.pad(y, (1, 0)))

    meta = Causal().to("meta")
    trace = stream_of(meta, lambda n: (torch.empty(2, 3, n, device="meta"),), STEPS, "streaming")

    def step() -> None:
        window, ring = torch.empty(2, 3, 3, device="meta"), torch.empty(2, 8, 2, device="meta")
        functional.conv1d(window, meta.first.weight, meta.first.bias)  # 3 taps, taken from the ring of 5
        functional.conv1d(ring, meta.second.weight, meta.second.bias)

    assert macs_of_chunks(trace) == [counted(step)] * STEPS


@pytest.mark.parametrize("steps", [1, 4])
def test_gpt_like_transformers_with_its_cache(steps: int) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        n_layer=2, n_embd=32, n_head=4, vocab_size=50, n_positions=64, attn_implementation="sdpa"
    )
    with torch.device("meta"):
        model = transformers.GPT2Model(config).eval()

    def chunk(past: int) -> int:
        cache = transformers.DynamicCache()
        for layer in range(2):
            shape = (1, 4, past, 8)
            cache.update(torch.empty(shape, device="meta"), torch.empty(shape, device="meta"), layer)
        ids = torch.zeros(1, steps, dtype=torch.int64, device="meta")
        places = torch.arange(past, past + steps, device="meta").unsqueeze(0)
        mask = torch.zeros(1, 1, steps, past + steps, device="meta")
        with torch.no_grad(), torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            return counted(
                lambda: model(input_ids=ids, position_ids=places, past_key_values=cache, attention_mask=mask)
            )

    from hwcost.load import load_trace

    settings = {"n_layer": 2, "n_embd": 32, "n_head": 4, "vocab_size": 50}
    trace = load_trace(
        "hf:gpt2", seq_len=24, settings=settings, order=parse_order(f"chunk:{steps}"), use_cache=False
    )
    total = sum(chunk(past) for past in range(0, 24, steps))
    assert macs(trace) == total
    found = macs_of_chunks(trace)
    assert (found[0], found[-1]) == (chunk(0), chunk(24 - steps))


def test_a_chunk_of_everything_is_offline_for_a_recurrent_layer() -> None:
    whole, stream = ready_made("lstm", 30), ready_made("lstm", 30, "chunk:30")

    def rows(trace: Trace) -> list[tuple[object, ...]]:
        return [
            (work.op.name, work.macs, work.read_bytes, work.write_bytes, calls)
            for work, calls in leaves(count(trace.items))
            if work.op.name.endswith((".step", ".input_product"))
        ]

    assert rows(whole) == rows(stream)
