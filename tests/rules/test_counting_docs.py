"""The figures of docs/counting.md, recomputed; fvcore as an independent count."""

import warnings
from pathlib import Path

import pytest
import torch
import transformers

from hwcost.graph import leaves
from hwcost.rules.count import count

from .layers import cell, counted, layer
from .recording import flops_of, meta, recorded, tensor, work_by_hand

PAGE = (Path(__file__).parents[2] / "docs" / "counting.md").read_text()
LAYER_NORM_IN_FVCORE = 5


def fvcore_total(module: torch.nn.Module, x: torch.Tensor) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis  # scripts a loss on import, which torch warns about

        analysis = FlopCountAnalysis(module, x).unsupported_ops_warnings(False)
        return int(analysis.uncalled_modules_warnings(False).total())


def vit(attention: str, layers: int, device: str, **sizes: int):
    config = transformers.ViTConfig(num_labels=1000, num_hidden_layers=layers, **sizes)
    config._attn_implementation = attention
    with torch.device(device):
        return transformers.ViTForImageClassification(config).eval()


def works_of(module, x):
    return [work for work, _ in leaves(count(tuple(recorded(module, x))))]


def macs(works) -> int:
    return sum(work.macs for work in works)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_vit_has_the_macs_of_the_page(attention: str) -> None:
    works = works_of(vit(attention, 12, "meta"), meta(1, 3, 224, 224))
    assert macs(works) == 17_563_828_224
    assert f"{macs(works):,}" in PAGE
    norms = sum(
        LAYER_NORM_IN_FVCORE * work.reads[0].elements
        for work in works
        if work.op.name == "aten.native_layer_norm"
    )
    assert f"{macs(works) + norms:,}" == "17,582,740,224"
    scores = 12 * 2 * 197**2 * 768
    assert round((macs(works) + norms - scores) / 1e9, 2) == 16.87


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_fvcore_counts_macs_and_layer_norms(attention: str) -> None:
    sizes = {"hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 48, "image_size": 32}
    model, x = vit(attention, 2, "cpu", **sizes), torch.zeros(1, 3, 32, 32)
    theirs = fvcore_total(model, x)
    works = works_of(model.to("meta"), x.to("meta"))
    norms = [work for work in works if work.op.name == "aten.native_layer_norm"]
    unseen = 2 * 2 * 5**2 * 24 if attention == "sdpa" else 0  # layers * (QK^T and AV) * tokens^2 * width
    assert theirs == macs(works) - unseen + LAYER_NORM_IN_FVCORE * sum(w.reads[0].elements for w in norms)


def test_what_other_counters_do_not_see() -> None:
    assert fvcore_total(torch.nn.LSTM(3, 4), torch.zeros(5, 2, 3)) == 0
    encoder = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    assert flops_of(encoder, torch.zeros(2, 5, 16)) == 0
    assert flops_of(torch.nn.Bilinear(4, 5, 6), torch.zeros(2, 4), torch.zeros(2, 5)) == 0


@pytest.mark.parametrize(
    ("kind", "vector_ops", "special_ops"),
    [("lstm", 16, 5), ("gru", 14, 3), ("rnn_tanh", 3, 1), ("rnn_relu", 4, 0)],
)
def test_recurrent_table(kind: str, vector_ops: int, special_ops: int) -> None:
    hidden = 10
    _, vector, special = counted(layer(kind, 3, hidden, steps=7, batch=2))
    assert (vector, special) == (7 * 2 * hidden * vector_ops, 7 * 2 * hidden * special_ops)


def test_the_lstm_on_sine_waves() -> None:
    first, second = counted(cell("lstm", 1, 51)), counted(cell("lstm", 51, 51))
    x, w, b, y = tensor("x", 1, 51), tensor("w", 1, 51), tensor("b", 1), tensor("y", 1, 1)
    last = work_by_hand("aten.linear", [x, w, b], [y])
    assert (first[0], second[0], last.macs) == (10_608, 20_808, 51)
    assert first[1] + first[2] == second[1] + second[2] == 1_071
    total_macs = first[0] + second[0] + last.macs
    flops = 2 * total_macs + 2 * 1_071 + last.vector_ops
    assert (total_macs, flops) == (31_467, 65_077)
    rounds = 100 * 97 * 999 + 5 * 3 * 1999
    assert rounds == 9_720_285
    assert round(rounds * flops / 1e9, 1) == 632.6
    assert f"{rounds * (1_461 + 21_861 + 101):,}" in PAGE
    assert f"{rounds * (21_879 + 42_279 + 101):,}" in PAGE
