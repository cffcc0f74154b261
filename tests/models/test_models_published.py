"""The sizes of the ready-made models: by hand, as published, and as torch counts them."""

from __future__ import annotations

import importlib
import re
import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_models_conv_attention import NAMES as OTHERS
from test_models_recurrent import NAMES as RECURRENT
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hwcost.models import Published, build, card, model_names

SHORT = {"seq_len": 3}
"""Torch unrolls a recurrent layer on meta, some 10 ms per step."""

UNPUBLISHED = {
    "captioning",
    "gru",
    "han",
    "hierarchical_attention",
    "memory_gate",
    "pervasive_attention",
    "rnn",
    "seq2seq_attention",
    "wavenet",
}
"""Models of which no source prints a size."""

BY_HAND = {
    # 2 layers * gates * (512 * 512 + 512 * 512 + 2 * 512), gates 3, 4, 1
    "gru": 2 * 3 * 525_312,
    "lstm": 2 * 4 * 525_312,
    "rnn": 2 * 1 * 525_312,
    # 4 levels * 2 convolutions * (600 * 600 * 3 + 600)
    "tcn": 4 * 2 * 1_080_600,
    # 6 layers * (attention 512 * 1536 + 1536 + 512 * 512 + 512, feed-forward 512 * 2048 + 2048 +
    # 2048 * 512 + 512, two norms of 2 * 512)
    "transformer_encoder": 6 * (1_050_624 + 2_099_712 + 2_048),
    # stem 3 * 64 * 49 + 128 = 9536; stages 215,808 + 1,219,584 + 7,098,368 + 14,964,736;
    # classes 2048 * 1000 + 1000
    "resnet50": 9_536 + 215_808 + 1_219_584 + 7_098_368 + 14_964_736 + 2_049_000,
}
"""Parameters of the models that are in none of the other two files."""

UNROLLED = {"deepspeech2": (2, 500)}
"""Two frames make a step, and a thousand frames take torch 7 s: 500 times two frames instead."""

DOCS = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")

small = st.integers(min_value=1, max_value=9)


def file_of(name: str):
    return importlib.import_module(f"hwcost.models.{name}")


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def macs(name: str, **settings: object) -> int:
    """Multiply-accumulates of a forward pass as torch counts them, two operations each."""
    model, inputs = build(name, seq_len=None, batch=None, settings=settings)
    with FlopCounterMode(display=False) as counter, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch, of recurrent weights on meta
        model(*inputs)
    return counter.get_total_flops() // 2


PUBLISHED = [(name, size) for name in model_names() for size in file_of(name).PUBLISHED or ()]


@pytest.mark.parametrize(("name", "size"), PUBLISHED, ids=lambda value: getattr(value, "source", value))
def test_reproduces_what_is_published(name: str, size: Published) -> None:
    if size.parameters is not None:
        model, _ = build(name, seq_len=None, batch=None, settings=size.settings)
        assert abs(parameters(model) + size.beside - size.parameters) <= size.rounded_to / 2
    if size.macs is not None:
        assert abs(macs(name, **size.settings) - size.macs) <= size.rounded_to / 2
    assert size.parameters or size.macs


def test_models_that_are_published() -> None:
    assert {name for name, _ in PUBLISHED} == set(model_names()) - UNPUBLISHED


@pytest.mark.parametrize("name", model_names())
def test_parameters_of_the_file_are_those_of_the_model(name: str) -> None:
    model, _ = build(name, seq_len=None, batch=None, settings={})
    assert card(name).parameters == parameters(model)


def test_parameters_by_hand() -> None:
    assert {name: card(name).parameters for name in BY_HAND} == BY_HAND


def test_every_model_has_its_parameters_by_hand() -> None:
    """Those of RECURRENT and OTHERS stand in a test of the same name in their files."""
    assert set(BY_HAND) | set(RECURRENT) | set(OTHERS) == set(model_names())


def test_macs_by_hand() -> None:
    # per step and layer: gates * 512 * (512 + 512); 3 steps, 2 layers
    assert macs("rnn", **SHORT) == 3 * 2 * 524_288
    assert macs("gru", **SHORT) == 3 * 2 * 3 * 524_288
    assert macs("lstm", **SHORT) == 3 * 2 * 4 * 524_288
    # 1000 positions * 8 convolutions * 600 * 600 * 3
    assert macs("tcn") == 1000 * 8 * 1_080_000
    # 6 layers * (1000 positions * (4 * 512 * 512 + 2 * 512 * 2048) + 2 products of 1000 * 1000 * 512)
    assert macs("transformer_encoder") == 6 * (1000 * 3_145_728 + 2 * 512_000_000)
    # stem 64 * 3 * 49 * 112^2; a block of 1 x 1, 3 x 3, 1 x 1 is 69,632 = 17 * 64^2 products per position at
    # 56^2, and 218,365,952 in all in every stage; the first block of stage 1 has 4096 + 36,864 + 16,384 and
    # a shortcut of 16,384 per position, of a later one 102,760,448 + 115,605,504 + 51,380,224 + 102,760,448
    stem, block, first_of_stage_1, first = 118_013_952, 218_365_952, 73_728 * 3136, 372_506_624
    convolutions = stem + first_of_stage_1 + 3 * first + (2 + 3 + 5 + 2) * block
    assert macs("resnet50") == convolutions + 2048 * 1000


@given(i=small, h=small, layers=small, both=st.booleans())
def test_recurrent_parameters_by_formula(i: int, h: int, layers: int, both: bool) -> None:
    settings = {"input_size": i, "hidden_size": h, "num_layers": layers, "bidirectional": both}
    ways = 1 + both
    # per direction: gates * H * (inputs + H + 2 biases); a later layer reads all directions
    per_gate = ways * h * (i + h + 2) + (layers - 1) * ways * h * (ways * h + h + 2)
    for name, gates in (("rnn", 1), ("gru", 3), ("lstm", 4)):
        model, _ = build(name, seq_len=1, batch=1, settings=settings)
        assert parameters(model) == gates * per_gate


@given(i=small, h=small, levels=small, k=small)
def test_tcn_parameters_by_formula(i: int, h: int, levels: int, k: int) -> None:
    settings = {"input_size": i, "hidden_size": h, "levels": levels, "kernel_size": k}
    model, _ = build("tcn", seq_len=1, batch=1, settings=settings)
    shortcut = i * h + h if i != h else 0
    # first convolution i -> h, all others h -> h, each with a bias, and a 1 x 1 where widths differ
    assert parameters(model) == (i * h * k + h) + (2 * levels - 1) * (h * h * k + h) + shortcut


@given(heads=small, d=small, layers=small, d_ff=small, seq_len=small, batch=small)
def test_transformer_agrees_with_torch(
    heads: int, d: int, layers: int, d_ff: int, seq_len: int, batch: int
) -> None:
    settings = {"d_model": heads * d, "heads": heads, "num_layers": layers, "d_ff": d_ff}
    model, (x,) = build("transformer_encoder", seq_len=seq_len, batch=batch, settings=settings)
    with torch.device("meta"):
        layer = nn.TransformerEncoderLayer(heads * d, heads, d_ff, batch_first=True)
        oracle = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
    assert parameters(model) == parameters(oracle)
    assert x.shape == (batch, seq_len, heads * d)


def test_transformer_computes_what_torch_computes() -> None:
    model, _ = build(
        "transformer_encoder", seq_len=5, batch=2, settings={"d_model": 12, "heads": 3, "d_ff": 7}
    )
    oracle = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(12, 3, 7, batch_first=True), 6, enable_nested_tensor=False
    ).eval()
    model.to_empty(device="cpu").load_state_dict(
        {
            key.replace("self_attn.in_proj_", "attention.in_projection.")
            .replace("self_attn.out_proj", "attention.out_projection")
            .removeprefix("layers."): value
            for key, value in oracle.state_dict().items()
        }
    )
    x = torch.randn(2, 5, 12)
    assert torch.allclose(model(x), oracle(x), atol=1e-5)


def test_tcn_sees_the_past_only() -> None:
    torch.manual_seed(0)
    model, _ = build("tcn", seq_len=40, batch=1, settings={"input_size": 2, "hidden_size": 3, "levels": 3})
    model.to_empty(device="cpu")
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 0.1, 1.0)  # positive, so that no ReLU hides a path
    x = torch.ones(1, 2, 40)
    late = x.clone()
    late[:, :, 10] = 2.0
    changed = (model(late) != model(x)).any(dim=1)[0].nonzero().flatten()
    # two convolutions per level look back 2 * (3 - 1) * 2^l: 4 + 8 + 16 = 28 steps
    assert changed.tolist() == list(range(10, 10 + 28 + 1))


@pytest.mark.parametrize("name", model_names())
def test_macs_of_the_docs(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|[^\n]* a (?:step|pass) \|.*$", DOCS, flags=re.MULTILINE)
    count, _, unit = row.split("|")[5].split()
    if unit == "step":
        assert [macs(name, seq_len=steps) for steps in (1, 2)] == [
            int(count.replace(",", "")) * n for n in (1, 2)
        ]
    elif name in UNROLLED:
        steps, times = UNROLLED[name]
        assert f"{times * macs(name, seq_len=steps):,}" == count
    else:
        assert f"{macs(name):,}" == count
