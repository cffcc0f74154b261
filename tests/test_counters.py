"""Our MACs against torch's own counter on the meta device, module by module, on models of others."""

import warnings
from collections import defaultdict
from typing import Any

import pytest
import torch
import transformers
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import hwcost
from hwcost.graph import Trace, leaves
from hwcost.rules.count import count

IDS = torch.ones(1, 32, dtype=torch.int64)
IMAGE = torch.zeros(1, 3, 64, 64)
MASK = torch.tensor([[0] * 5 + [1] * 27])

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
    "swin": (
        transformers.SwinModel,
        transformers.SwinConfig(image_size=64, embed_dim=24, depths=[2, 2], num_heads=[2, 4]),
        {"pixel_values": IMAGE},
    ),
    "rwkv": (
        transformers.RwkvModel,
        transformers.RwkvConfig(num_hidden_layers=2, hidden_size=64, vocab_size=100),
        {"input_ids": IDS},
    ),
    "mamba": (
        transformers.MambaModel,
        transformers.MambaConfig(num_hidden_layers=2, hidden_size=64, vocab_size=100),
        {"input_ids": IDS},
    ),
}

MASKED: dict[str, tuple[type, Any, dict[str, torch.Tensor]]] = {
    "bart with a mask": (
        transformers.BartModel,
        transformers.BartConfig(encoder_layers=2, decoder_layers=2, d_model=64, vocab_size=100),
        {"input_ids": IDS, "attention_mask": MASK, "decoder_input_ids": IDS},
    ),
    "deberta": (
        transformers.DebertaModel,
        transformers.DebertaConfig(num_hidden_layers=2, relative_attention=True, pos_att_type=["c2p", "p2c"]),
        {"input_ids": IDS, "attention_mask": MASK},
    ),
    "llama with a mask": (
        transformers.LlamaForCausalLM,
        transformers.LlamaConfig(num_hidden_layers=2, hidden_size=64, num_attention_heads=4, vocab_size=100),
        {"input_ids": IDS, "attention_mask": MASK},
    ),
    "mamba 2": (
        transformers.Mamba2Model,
        transformers.Mamba2Config(
            num_hidden_layers=2, hidden_size=64, num_heads=4, head_dim=32, n_groups=2, vocab_size=100
        ),
        {"input_ids": IDS, "attention_mask": MASK},
    ),
}
"""Models that look at the values of a mask, which torch's counter only has on a CPU."""


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


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MASKED)
def test_agrees_with_torchs_counter_on_a_cpu(name: str) -> None:
    kind, config, inputs = MASKED[name]
    with torch.device("meta"):
        bare = kind(config).eval()
    model = kind(config).eval().requires_grad_(requires_grad=False)
    with FlopCounterMode(display=False) as theirs, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model(**inputs)
    ours = hwcost.trace(model, **inputs)
    assert by_module(ours)[""] * 2 == theirs.get_total_flops() > 0
    assert ours.items == hwcost.trace(bare, **inputs).items


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("experts", ["grouped_mm", "eager"])
@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (transformers.MixtralForCausalLM, transformers.MixtralConfig),
        (transformers.Qwen3MoeForCausalLM, transformers.Qwen3MoeConfig),
    ],
)
def test_experts_count_each_token_as_often_as_it_is_routed(kind: type, config: Any, experts: str) -> None:
    settings = {"num_hidden_layers": 2, "hidden_size": 64, "vocab_size": 100, "num_experts_per_tok": 2}
    settings |= {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}
    width = "intermediate_size" if kind is transformers.MixtralForCausalLM else "moe_intermediate_size"
    count_name = "num_local_experts" if kind is transformers.MixtralForCausalLM else "num_experts"
    settings |= {width: 48, count_name: 4}
    with torch.device("meta"):
        model = kind(config(**settings, experts_implementation=experts)).eval()
    trace = hwcost.trace(model, IDS)
    total = sum(work.macs * calls for work, calls in leaves(count(trace.items)))
    # per layer and token: q 64 * 64, k and v 64 * 32 each, o 64 * 64; scores and mean 2 * 32 * 64;
    # router 64 * 4; two experts of three matrices 64 x 48; and 64 * 100 for the word
    layer = 2 * 64 * 64 + 2 * 64 * 32 + 2 * 32 * 64 + 64 * 4 + 2 * 3 * 64 * 48
    assert total == 32 * (2 * layer + 64 * 100)


@pytest.mark.filterwarnings("ignore")
def test_a_cache_makes_a_step_of_generation_cheap() -> None:
    config = transformers.T5Config(num_layers=2, d_model=64, d_kv=16, d_ff=96, num_heads=4, vocab_size=100)
    model = transformers.T5ForConditionalGeneration(config).eval()
    with torch.no_grad():
        first = model(input_ids=IDS, decoder_input_ids=IDS[:, :6])
    encoded = (first.encoder_last_hidden_state,)
    given = {"encoder_outputs": encoded, "past_key_values": first.past_key_values}
    trace = hwcost.trace(model, decoder_input_ids=IDS[:, :1], **given)
    total = sum(work.macs * calls for work, calls in leaves(count(trace.items)))
    # per layer: self-attention 4 * 64 * 64 and 2 * 7 * 64; over the input q and o 2 * 64 * 64 and
    # 2 * 32 * 64 (its keys and values are in the cache); two matrices 64 x 96; and 64 * 100 for the word
    layer = 4 * 64 * 64 + 2 * 7 * 64 + 2 * 64 * 64 + 2 * 32 * 64 + 2 * 64 * 96
    assert total == 2 * layer + 64 * 100
    assert first.past_key_values.get_seq_length() == 6
