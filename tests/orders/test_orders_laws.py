"""What streams of models cost, against hand formulas and against whole sequences."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from hwcost.graph import FIRST_STEP, LAST_STEP, STEPS, Loop
from hwcost.orders import parse_order
from hwcost.orders.segments import segments
from tests.orders.streams import kept, kept_bytes, macs, offline_of, ready_made, stream_of

SAME = {
    "rnn": {},
    "lstm": {"proj_size": 8},
    "gru": {},
    "awd_lstm": {},
    "tcn": {},
    "wavenet": {"levels": 4, "stacks": 2},
    "ntm": {},
    "mamba": {"num_layers": 2},
    "captioning": {"encoder": "vgg16"},
    "gnmt": {"source_len": 9, "num_layers": 3},
    "seq2seq_attention": {"source_len": 9},
    "convs2s": {"source_len": 9, "num_layers": 2, "middle_layers": 1, "last_layers": 1},
    "pervasive_attention": {"source_len": 9, "num_layers": 2},
}
"""Models that need no more arithmetic step by step: recurrences, and convolutions that pad on the left."""


@pytest.mark.parametrize("order", ["streaming", "chunk:7", "chunk:60"])
@pytest.mark.parametrize("name", SAME)
def test_recurrences_and_causal_convolutions_cost_the_same_macs(name: str, order: str) -> None:
    streamed = ready_made(name, 60, order, **SAME[name])
    assert macs(streamed) == macs(ready_made(name, 60, **SAME[name]))
    assert streamed.seq_len == 60
    assert streamed.order == order


@settings(max_examples=25, deadline=None)
@given(
    length=st.integers(2, 70),
    steps=st.integers(1, 40),
    batch=st.integers(1, 3),
    taps=st.integers(1, 4),
    dilation=st.integers(1, 5),
)
def test_any_causal_convolution_costs_the_same_in_any_chunks(
    length: int, steps: int, batch: int, taps: int, dilation: int
) -> None:
    class Causal(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv1d(3, 5, taps, dilation=dilation)

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.convolution(functional.pad(x, ((taps - 1) * dilation, 0))))

    module = Causal()
    trace = stream_of(module, lambda n: (torch.empty(batch, 3, n, device="meta"),), length, f"chunk:{steps}")
    assert macs(trace) == length * batch * 5 * 3 * taps
    chunk = min(steps, length)
    ring = chunk + (taps - 1) * dilation
    assert kept_bytes(trace) == (4 * batch * 3 * ring if taps > 1 else 0)


def test_padded_and_chomped_convolution_computes_no_waste() -> None:
    class Chomped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv1d(4, 8, 3, padding=4, dilation=2)

        def forward(self, x: Tensor) -> Tensor:
            return self.convolution(x)[..., :-4]

    def inputs(n: int) -> tuple[Tensor]:
        return (torch.empty(1, 4, n, device="meta"),)

    assert macs(offline_of(Chomped(), inputs(50))) == 54 * 8 * 4 * 3  # 4 surplus positions at the end
    trace = stream_of(Chomped(), inputs, 50, "streaming")
    assert macs(trace) == 50 * 8 * 4 * 3
    assert kept_bytes(trace) == 4 * 4 * (2 * 2 + 1)  # 4 channels of a ring of 2 taps back, 2 apart, and now


def test_strided_convolution_asks_for_chunks_of_its_stride() -> None:
    class Strided(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv1d(4, 8, 6, stride=5)

        def forward(self, x: Tensor) -> Tensor:
            return self.convolution(functional.pad(x, (1, 0)))

    def inputs(n: int) -> tuple[Tensor]:
        return (torch.empty(1, 4, n, device="meta"),)

    from hwcost.errors import OrderError

    with pytest.raises(OrderError, match=r"advances 5 steps at a time; take --order chunk:5"):
        stream_of(Strided(), inputs, 50, "streaming")
    assert macs(stream_of(Strided(), inputs, 50, "chunk:10")) == 10 * 8 * 4 * 6  # 50 / 5 results


@pytest.mark.parametrize(("length", "steps"), [(64, 1), (50, 1), (2, 1), (1, 1), (100, 7), (64, 8), (10, 10)])
def test_attention_sees_the_keys_so_far(length: int, steps: int) -> None:
    small = {"d_model": 16, "heads": 2, "d_ff": 32, "num_layers": 2, "vocabulary": 100}
    trace = ready_made("gpt1", length, f"chunk:{steps}", **small)
    # A chunk of n queries has all keys up to its own end: n * end, and width 16 for scores and for values.
    ends = [*range(steps, length + 1, steps), *([length] if length % steps else [])]
    pairs = sum((end - start) * end for start, end in zip([0, *ends[:-1]], ends, strict=True))
    linear = length * (2 * (4 * 16 * 16 + 2 * 16 * 32) + 100 * 16)
    assert macs(trace) == linear + 2 * 2 * 16 * pairs
    if steps == 1:
        assert pairs == length * (length + 1) // 2
    assert kept_bytes(trace) == 2 * 2 * length * 16 * 4  # layers * (K, V) * steps * width * bytes


def test_growing_streams_end_in_stretches_of_one_chunk() -> None:
    trace = ready_made("gpt1", 64, "streaming", d_model=16, heads=2, d_ff=32, num_layers=1, vocabulary=50)
    loops = [item for item in trace.items if isinstance(item, Loop)]
    assert [loop.axis for loop in (loops[0], loops[1], loops[-1])] == [FIRST_STEP, STEPS, LAST_STEP]
    assert loops[0].times == loops[-1].times == 1
    assert sum(loop.times for loop in loops) == 64


@given(
    length=st.integers(1, 5000),
    steps=st.integers(1, 300),
    windows=st.sets(st.integers(1, 5000), max_size=2),
    grows=st.booleans(),
)
def test_segments_cover_the_sequence_and_grow_evenly(
    length: int, steps: int, windows: set[int], *, grows: bool
) -> None:
    found = segments(length, steps, grows=grows, windows=windows)
    assert sum(part.chunks * part.steps for part in found) == length
    at = 0
    for part in found:
        assert part.start == at
        at += part.chunks * part.steps
        assert not grows or part.chunks % 2 == 1
    assert len(found) <= 16


@pytest.mark.parametrize("name", ["lstm", "tcn"])
def test_a_stream_keeps_its_state_and_no_more(name: str) -> None:
    trace = ready_made(name, 40, "streaming")
    # lstm: h and c of 2 layers of 512. tcn: per level of dilation d two rings of 2d + 1 steps of 600.
    by_hand = {"lstm": 2 * 2 * 512, "tcn": 600 * 2 * sum(2 * d + 1 for d in (1, 2, 4, 8))}
    assert kept_bytes(trace) == 4 * by_hand[name]


def test_a_classifier_runs_its_head_once() -> None:
    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(4, 8, batch_first=True), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.lstm(x)[0][:, -1])

    trace = stream_of(Classifier(), lambda n: (torch.empty(2, n, 4, device="meta"),), 30, "streaming")
    assert macs(trace) == 2 * (30 * 32 * (4 + 8) + 8 * 3)
    assert [getattr(item, "name", "") for item in trace.items][-1] == "aten.addmm"


def test_a_mean_over_time_is_kept_running() -> None:
    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.head = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.linear(x).mean(1))

    trace = stream_of(Pooled(), lambda n: (torch.empty(1, n, 4, device="meta"),), 30, "streaming")
    assert macs(trace) == 30 * 4 * 8 + 8 * 3
    assert [storage.elements for storage in kept(trace).values()] == [8]


def test_hand_written_attention_reads_a_cache() -> None:
    class Written(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(8, 24)

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.qkv(x).chunk(3, -1)
            scores = q @ k.transpose(1, 2)
            return torch.softmax(scores.tril(), -1).tril() @ v

    trace = stream_of(Written(), lambda n: (torch.empty(1, n, 8, device="meta"),), 20, "streaming")
    assert macs(trace) == 20 * 8 * 24 + 2 * 8 * 20 * 21 // 2
    assert kept_bytes(trace) == 4 * 2 * 20 * 8


@pytest.mark.parametrize(
    "word", ["", "stream", "chunk", "chunk:", "chunk:0", "chunk:-1", "chunk:1.5", "Offline"]
)
def test_other_words_are_no_orders(word: str) -> None:
    from hwcost.errors import UsageError

    with pytest.raises(UsageError, match="unknown order"):
        parse_order(word)
