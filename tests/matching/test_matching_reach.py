"""The reach that models state: held against gradients and against what their traces show."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hwcost.dependence import TimeAxis, sight
from hwcost.errors import UsageError
from hwcost.graph import leaves
from hwcost.load import load_trace
from hwcost.matching.reach import reached
from hwcost.matching.statement import statement
from hwcost.models import build, card, model_names
from hwcost.report.fit import Change, Reach

NARROW = {
    **dict.fromkeys(("d_model", "d_ff", "hidden_size", "input_size", "embedding_size"), 4),
    **dict.fromkeys(("attention_size", "maxout_size", "d_embedding", "frequencies", "context_size"), 4),
    **dict.fromkeys(("heads", "num_layers", "growth_rate", "residual", "skip", "classes"), 2),
    **dict.fromkeys(("middle_size", "last_size", "d_output"), 6),
    **dict.fromkeys(("vocabulary", "vocab_size", "state_size"), 5),
}
"""Widths of which a trace is small; a sequence of more than 8 is as long as none of them is wide."""

WITH_TIME = [name for name in model_names() if "seq_len" in card(name).settings]

WHOLE = {
    **dict.fromkeys(
        ("awd_lstm", "bilstm", "captioning", "deepspeech2", "gnmt", "gru", "han", "lstm"), "state"
    ),
    **dict.fromkeys(("mamba", "ntm", "rnn", "seq2seq_attention"), "state"),
    **dict.fromkeys(("gpt1", "memory_gate", "transformer", "transformer_encoder"), "attention"),
    **dict.fromkeys(("convs2s", "pervasive_attention"), "source"),
}
"""Models that look back over everything, and by what."""


def narrow(name: str, **values: object) -> dict[str, object]:
    return {key: value for key, value in NARROW.items() if key in card(name).settings} | values


def reach_of(name: str, asked: int, **values: object) -> Reach:
    return reached(statement(name, values), asked)


def seen_by_gradient(name: str, seq_len: int, time: int, values: Mapping[str, object]) -> int:
    """Steps from the earliest input on which the last output depends to the last: one gradient."""
    model, (x,) = build(name, seq_len=seq_len, batch=1, settings=values)
    model = model.to_empty(device="cpu").double()
    torch.manual_seed(0)
    for weight in model.parameters():
        # Positive where a ReLU could hide a path, and small enough that no sigmoid or tanh is flat.
        nn.init.uniform_(weight, 0.01, 0.3)
    inputs = torch.rand(x.shape, dtype=torch.float64, requires_grad=True)
    weights = torch.rand_like(last := model(inputs).select(time, -1))
    (gradient,) = torch.autograd.grad((last * weights).sum(), inputs)
    others = [axis for axis in range(3) if axis != time]
    return seq_len - int(gradient.abs().sum(others).nonzero()[0])


def seen_by_trace(name: str, seq_len: int, values: Mapping[str, object]) -> int:
    """The same, as the data flow of the trace shows it; of two inputs the first, which is the source."""
    trace = load_trace(name, seq_len=seq_len, settings=values, use_cache=False)
    _, inputs = build(name, seq_len=seq_len, batch=None, settings=values)
    timed = next(tensor for tensor in inputs if seq_len in tensor.shape)
    read = (tensor.storage for op, _ in leaves(trace.items) for tensor in op.inputs)
    first = next(storage for storage in read if storage.role == "input" and storage.elements == timed.numel())
    stride = timed.stride()[timed.shape.index(seq_len)]
    (found,) = sight(trace, time={first.id: TimeAxis(stride=stride, size=seq_len)})
    return seq_len - int(found.earliest[-1])


def test_every_model_with_a_time_axis_states_its_reach() -> None:
    assert {name for name in model_names() if card(name).scaling.reach} == set(WITH_TIME)
    assert {name for name in WITH_TIME if reach_of(name, 10).how == "window"} == set(WITH_TIME) - set(WHOLE)


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_who_looks_back_over_everything(name: str) -> None:
    assert reach_of(name, 10**6).how == WHOLE[name]
    assert reach_of(name, 10**6).is_met
    assert seen_by_trace(name, 37, narrow(name)) == 37


def test_a_controller_without_memory_sees_its_step_only() -> None:
    values = {"controller": "feedforward", "heads": 0}
    assert reach_of("ntm", 5, **values) == Reach(asked=5, how="window", steps=1)
    assert not reach_of("ntm", 5, **values).is_met
    assert reach_of("ntm", 5, controller="feedforward").how == "state"
    assert reach_of("ntm", 5, heads=0).how == "state"


@given(levels=st.integers(1, 4), k=st.integers(1, 4))
@settings(max_examples=12, deadline=None)
def test_tcn_against_gradient_and_trace(levels: int, k: int) -> None:
    steps = 1 + 2 * (k - 1) * (2**levels - 1)
    values = narrow("tcn", levels=levels, kernel_size=k)
    assert reach_of("tcn", 1, levels=levels, kernel_size=k).steps == steps
    assert seen_by_gradient("tcn", steps + 8, 2, values) == steps
    assert seen_by_trace("tcn", steps + 8, values) == steps


@given(levels=st.integers(1, 4), stacks=st.integers(1, 3), k=st.integers(1, 3))
@settings(max_examples=12, deadline=None)
def test_wavenet_against_gradient_and_trace(levels: int, stacks: int, k: int) -> None:
    steps = 1 + (k - 1) * (1 + stacks * (2**levels - 1))
    values = narrow("wavenet", levels=levels, stacks=stacks, kernel_size=k)
    assert reach_of("wavenet", 1, levels=levels, stacks=stacks, kernel_size=k).steps == steps
    assert seen_by_gradient("wavenet", steps + 8, 2, values) == steps
    assert seen_by_trace("wavenet", steps + 8, values) == steps


@given(levels=st.integers(1, 3), window=st.integers(2, 5), causal=st.booleans())
@settings(max_examples=12, deadline=None)
def test_hierarchical_attention_against_gradient_and_trace(levels: int, window: int, causal: bool) -> None:
    values = {"levels": levels, "window": window, "causal": causal}
    steps = reach_of("hierarchical_attention", 1, **values).steps
    before = window - 1 if causal else window // 2
    assert steps == 1 + before * sum(window**level for level in range(levels))
    assert not causal or steps == window**levels
    narrowed = narrow("hierarchical_attention", **values)
    assert seen_by_gradient("hierarchical_attention", steps + 8, 1, narrowed) == steps
    assert seen_by_trace("hierarchical_attention", steps + 8, narrowed) == steps


@given(asked=st.integers(1, 10**6), k=st.integers(2, 9))
def test_tcn_takes_as_few_levels_as_are_enough(asked: int, k: int) -> None:
    found = reach_of("tcn", asked, kernel_size=k)
    levels = next((change.after for change in found.changes), 4)
    assert found.steps == 1 + 2 * (k - 1) * (2**levels - 1) >= asked
    assert levels == 1 or 1 + 2 * (k - 1) * (2 ** (levels - 1) - 1) < asked


@given(asked=st.integers(1, 10**7))
def test_hierarchical_attention_looks_no_further_than_it_must(asked: int) -> None:
    found = reach_of("hierarchical_attention", asked)
    after = {"levels": 2, "window": 100} | {change.setting: change.after for change in found.changes}
    levels, window = after["levels"], after["window"]
    assert found.steps == window**levels >= asked
    assert window == 2 or (window - 1) ** levels < asked
    assert levels == max(1, math.ceil(round(math.log(asked, 100), 9)))


def test_by_hand() -> None:
    # 100^2 = 10,000 as it is; 10,001 takes a third level, of windows of 22: 21^3 = 9,261, 22^3 = 10,648
    assert reach_of("hierarchical_attention", 10_000) == Reach(asked=10_000, how="window", steps=10_000)
    assert reach_of("hierarchical_attention", 10_001) == Reach(
        asked=10_001,
        how="window",
        steps=10_648,
        changes=(
            Change(setting="levels", before=2, after=3),
            Change(setting="window", before=100, after=22),
        ),
    )
    # 1 + 4 (2^11 - 1) = 8,189; 1 + 4 (2^12 - 1) = 16,381
    assert reach_of("tcn", 10_000) == Reach(
        asked=10_000, how="window", steps=16_381, changes=(Change(setting="levels", before=4, after=12),)
    )
    # 2 + 3 (2^11 - 1) = 6,143; 2 + 3 (2^12 - 1) = 12,287
    assert reach_of("wavenet", 10_000) == Reach(
        asked=10_000, how="window", steps=12_287, changes=(Change(setting="levels", before=10, after=12),)
    )


def test_what_is_given_stays() -> None:
    # 25^2 = 625; three levels of 22 are not asked for, since the window is given
    assert reach_of("hierarchical_attention", 10_000, levels=3) == Reach(
        asked=10_000,
        how="window",
        steps=22**3,
        changes=(Change(setting="window", before=100, after=22),),
        held=("levels",),
    )
    assert reach_of("tcn", 10_000, levels=8) == Reach(
        asked=10_000, how="window", steps=1 + 4 * 255, held=("levels",)
    )
    assert not reach_of("tcn", 10_000, levels=8).is_met
    # taps of one step see nothing before it, whatever the levels are
    assert reach_of("tcn", 2, kernel_size=1) == Reach(asked=2, how="window", steps=1)


@pytest.mark.parametrize(
    ("asked", "seq_len", "given_context", "expected"),
    [
        (10_000, None, None, 10_000),
        (10_000, 20_000, None, 20_000),
        (100, None, None, None),
        (10_000, None, 16_384, None),
    ],
)
def test_positions_of_gpt1(
    asked: int, seq_len: int | None, given_context: int | None, expected: int | None
) -> None:
    values = {} if given_context is None else {"context": given_context}
    found = reached(statement("gpt1", values, seq_len=seq_len), asked)
    changes = () if expected is None else (Change(setting="context", before=512, after=expected),)
    assert found == Reach(asked=asked, how="attention", changes=changes)


def test_a_given_table_of_positions_is_a_window() -> None:
    assert reach_of("gpt1", 10_000, context=600) == Reach(
        asked=10_000, how="window", steps=600, held=("context",)
    )


def test_images_have_no_reach() -> None:
    assert reach_of("resnet50", 10) == Reach(asked=10, how="timeless")


def test_a_setting_that_is_no_size(tmp_path) -> None:
    file = tmp_path / "own.py"
    file.write_text('REACH = "2**depth"\nREACH_BY = "deep"\ndef build(*, depth=3, deep=0): ...\n')
    with pytest.raises(UsageError, match=r"own.py:build: deep is 0, from which nothing can be scaled; "):
        reached(statement(f"{file}:build", {}), 10)
