"""MACs of backward passes against torch's own counter on the meta device, module by module."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from hwcost.models.registry import build

from .flops import macs_by_module, macs_by_part, torch_macs, trained, works


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def convolutions(**options: Any) -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 8, 1), nn.Conv2d(8, 16, 3, **options), nn.ReLU())


CASES: dict[str, tuple[nn.Module, tuple[torch.Tensor, ...]]] = {
    "mlp": (nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), (meta(5, 8),)),
    "mlp in three dimensions": (
        nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4)),
        (meta(2, 5, 8),),
    ),
    "no bias": (nn.Sequential(nn.Linear(8, 16, bias=False), nn.Linear(16, 4, bias=False)), (meta(5, 8),)),
    "conv1d": (nn.Sequential(nn.Conv1d(4, 8, 3), nn.Conv1d(8, 6, 5, dilation=2)), (meta(2, 4, 32),)),
    "conv2d": (convolutions(padding=1, stride=2), (meta(2, 4, 9, 9),)),
    "conv3d": (nn.Sequential(nn.Conv3d(2, 4, 3), nn.Conv3d(4, 4, 2)), (meta(1, 2, 7, 7, 7),)),
    "transposed": (
        nn.Sequential(nn.Conv2d(4, 8, 1), nn.ConvTranspose2d(8, 4, 3, stride=2)),
        (meta(2, 4, 5, 5),),
    ),
    "embedding": (
        nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 10)),
        (torch.ones(2, 5, dtype=torch.int64),),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name: str) -> None:
    module, inputs = CASES[name]
    module = module.to("meta")
    forward, backward, _ = torch_macs(module, *(given.to("meta") for given in inputs))
    trace = trained(module, *inputs)
    assert macs_by_part(trace) == {"forward": forward, "backward": backward, "optimiser": 0}


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_resnets_agree_with_torch(name: str) -> None:
    module, inputs = build(name, seq_len=None, batch=2, settings={})
    forward, backward, by_module = torch_macs(module.to("meta"), *(given.to("meta") for given in inputs))
    trace = trained(module, *inputs)
    assert macs_by_part(trace) == {"forward": forward, "backward": backward, "optimiser": 0}
    ours = macs_by_module(trace)
    # Torch's counter gives no module what flows into a block by two ways.
    inner = [path for path in ours if path.startswith("layer") and "downsample" not in path]
    assert len(inner) >= 16
    assert {path: by_module[path] for path in inner} == {path: ours[path] for path in inner}
    # The first convolution makes no gradient of the image: 2 of 3 products; the last layer makes all 3.
    first = 2 * 64 * 112 * 112 * 3 * 7 * 7
    assert ours["conv1"] == 2 * first
    assert ours["fc"] == 3 * 2 * (512 if name == "resnet18" else 2048) * 1000


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_language_models_agree_with_torch(architecture: str) -> None:
    transformers = pytest.importorskip("transformers")
    if architecture == "bert":
        config = transformers.BertConfig(
            num_hidden_layers=2, hidden_size=32, num_attention_heads=4, intermediate_size=64, vocab_size=50
        )
    else:
        config = transformers.GPT2Config(n_layer=2, n_embd=32, n_head=4, vocab_size=50, n_positions=32)
    config._attn_implementation = "eager"
    kind = transformers.BertModel if architecture == "bert" else transformers.GPT2LMHeadModel
    module = kind(config)
    ids = torch.ones(2, 8, dtype=torch.int64)
    forward, backward, by_module = torch_macs(module, input_ids=ids, use_cache=False)
    trace = trained(module, input_ids=ids, use_cache=False)
    assert macs_by_part(trace) == {"forward": forward, "backward": backward, "optimiser": 0}
    ours = macs_by_module(trace)
    # Torch's counter mixes up modules that something flows into by several ways (query, key, value).
    for path in WITH_ONE_WAY_IN[architecture]:
        found = sum(macs for other, macs in ours.items() if f"{other}.".startswith(f"{path}."))
        assert by_module[path] == found
    # Every matrix of an inner layer takes part in three products: 16 tokens of 32 x 32, 32 x 64.
    if architecture == "bert":
        inner = {f"encoder.layer.1.attention.self.{name}": 32 for name in ("query", "key", "value")}
        inner |= {"encoder.layer.1.intermediate.dense": 64, "encoder.layer.1.attention.output.dense": 32}
        assert {path: ours[path] for path in inner} == {path: 3 * 16 * 32 * n for path, n in inner.items()}


WITH_ONE_WAY_IN = {
    "bert": (
        *("encoder.layer.1", "encoder.layer.1.attention.self.query", "encoder.layer.1.intermediate.dense"),
        *("encoder.layer.1.output.dense", "encoder.layer.1.attention.output.dense", "pooler"),
    ),
    "gpt2": (
        *("transformer.h.1", "transformer.h.1.mlp", "transformer.h.1.mlp.c_fc", "transformer.h.1.mlp.c_proj"),
        *("transformer.h.1.attn.c_attn", "transformer.h.1.attn.c_proj"),
    ),
}


@pytest.mark.parametrize("groups", [2, 4])
def test_grouped_convolution_by_hand(groups: int) -> None:
    """Torch's own counter counts the gradient of a grouped weight `groups` times."""
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 8, 3, groups=groups))
    ours = macs_by_part(trained(module, meta(2, 4, 9, 9)))
    first = 2 * 9 * 9 * 4 * 4
    second = 2 * 7 * 7 * 8 * (4 // groups) * 3 * 3
    assert ours == {"forward": first + second, "backward": first + 2 * second, "optimiser": 0}


def test_bilinear_by_hand() -> None:
    """Torch's own counter knows no rule for it."""
    n, i, j, o = 2, 3, 4, 5
    ours = macs_by_part(trained(nn.Bilinear(i, j, o), meta(n, i), meta(n, j)))
    assert ours["forward"] == n * o * i * j + n * o * j  # x w, then with z
    assert ours["backward"] == n * i * o + n * i * o * j  # dw = (x g) z; no gradient of x or z


def test_fused_attention_makes_its_scores_anew() -> None:
    """Against torch's math: h n m (d + dv) forward, twice that backward, and once h n m d for the scores."""
    heads, n, m, d = 4, 6, 6, 8

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(heads * d, heads * d) for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = (layer(x).view(2, n, heads, d).transpose(1, 2) for layer in (self.q, self.k, self.v))
            return nn.functional.scaled_dot_product_attention(q, k, v)

    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        forward, backward, _ = torch_macs(Attention().to("meta"), meta(2, n, heads * d))
    ours = macs_by_part(trained(Attention(), meta(2, n, heads * d)))
    assert ours["forward"] == forward
    assert ours["backward"] == backward + 2 * heads * n * m * d  # QK' again, for 2 samples


def test_transformer_encoder_agrees_with_torch_but_for_the_scores() -> None:
    module, inputs = build("transformer_encoder", seq_len=16, batch=2, settings={"num_layers": 2})
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            forward, backward, _ = torch_macs(module.to("meta"), *(given.to("meta") for given in inputs))
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    ours = macs_by_part(trained(module, *inputs))
    assert ours["forward"] == forward
    assert ours["backward"] == backward + 2 * 2 * 16 * 16 * 512  # layers * batch * n * m * (heads * d)


def test_frozen_parameters_get_no_gradient_and_no_step() -> None:
    module = nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 32), nn.Linear(32, 4))
    module[0].requires_grad_(requires_grad=False)
    module[1].bias.requires_grad_(requires_grad=False)
    trace = trained(module, meta(5, 8))
    # dw of the second layer; dx and dw of the third: nothing below the second needs one.
    assert macs_by_part(trace)["backward"] == 5 * 16 * 32 + 2 * 5 * 32 * 4
    steps = [work.op for work, _ in works(trace) if work.op.part == "optimiser"]
    assert [(op.module, op.inputs[0].shape) for op in steps] == [("1", (32, 16)), ("2", (4, 32)), ("2", (4,))]


def test_an_input_that_requires_a_gradient_gets_one() -> None:
    module = nn.Linear(8, 4)
    x = torch.zeros(5, 8)
    assert macs_by_part(trained(module, x))["backward"] == 5 * 8 * 4  # dw
    assert macs_by_part(trained(module, x.requires_grad_()))["backward"] == 2 * 5 * 8 * 4  # dw and dx
