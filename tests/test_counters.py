"""Our MACs against torch's own counter on the meta device, module by module, on models of others."""

import warnings
from collections import defaultdict
from typing import Any

import pytest
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

import hwcost
from hwcost.graph import Trace, leaves
from hwcost.rules.count import count

IDS = torch.ones(1, 32, dtype=torch.int64)
IMAGE = torch.zeros(1, 3, 64, 64)

CASES: dict[str, tuple[type, Any, dict[str, torch.Tensor]]] = {
    "bert": (transformers.BertModel, transformers.BertConfig(num_hidden_layers=2), {"input_ids": IDS}),
    "gpt2": (transformers.GPT2LMHeadModel, transformers.GPT2Config(n_layer=2), {"input_ids": IDS}),
    "vit": (
        transformers.ViTModel,
        transformers.ViTConfig(num_hidden_layers=2, image_size=64),
        {"pixel_values": IMAGE},
    ),
    "resnet": (transformers.ResNetModel, transformers.ResNetConfig(), {"pixel_values": IMAGE}),
    "llama with grouped queries": (
        transformers.LlamaForCausalLM,
        transformers.LlamaConfig(num_hidden_layers=2, num_attention_heads=32, num_key_value_heads=4),
        {"input_ids": IDS},
    ),
    "whisper": (
        transformers.WhisperModel,
        transformers.WhisperConfig(encoder_layers=2, decoder_layers=2),
        {"input_features": torch.zeros(1, 80, 3000), "decoder_input_ids": IDS},
    ),
    "t5": (
        transformers.T5Model,
        transformers.T5Config(num_layers=2),
        {"input_ids": IDS, "decoder_input_ids": IDS},
    ),
    "wav2vec2": (
        transformers.Wav2Vec2Model,
        transformers.Wav2Vec2Config(num_hidden_layers=2),
        {"input_values": torch.zeros(1, 4000)},
    ),
    "mamba": (
        transformers.MambaModel,
        transformers.MambaConfig(num_hidden_layers=2, hidden_size=64, vocab_size=100),
        {"input_ids": IDS},
    ),
}


def by_module(trace: Trace) -> dict[str, int]:
    """MACs of each module and of all that it contains."""
    sums: dict[str, int] = defaultdict(int)
    for work, calls in leaves(count(trace.items)):
        parts = work.op.module.split(".") if work.op.module else []
        for depth in range(len(parts) + 1):
            sums[".".join(parts[:depth])] += work.macs * calls
    return sums


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torchs_counter_module_by_module(name: str) -> None:
    kind, config, inputs = CASES[name]
    with torch.device("meta"):
        model = kind(config).eval()
    with warnings.catch_warnings(), FlopCounterMode(display=False) as theirs, torch.no_grad():
        warnings.simplefilter("ignore")
        model(**{key: value.to("meta") for key, value in inputs.items()})
    ours = by_module(hwcost.trace(model, **inputs))
    assert ours[""] * 2 == theirs.get_total_flops() > 0
    counted = 0
    for path, by_op in theirs.get_flop_counts().items():
        top, _, module = path.partition(".")
        if top != "Global":
            counted += 1
            assert ours[module] * 2 == sum(by_op.values()), module
    assert counted > 5
