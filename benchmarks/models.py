"""The models that are measured, all on the meta device, with inputs that torch alone can run there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
import transformers
from torch import Tensor, nn

from hwcost.models import build


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model and the arguments of its forward pass."""

    model: nn.Module
    inputs: tuple[Tensor, ...] = ()
    keywords: Mapping[str, Tensor]

    def forward(self) -> None:
        """The bare forward pass."""
        with torch.no_grad():
            self.model(*self.inputs, **self.keywords)


def bert() -> Case:
    """BERT base, 128 tokens."""
    with torch.device("meta"):
        model: nn.Module = transformers.BertModel(transformers.BertConfig())
        return Case(model=model.eval(), keywords={"input_ids": torch.empty(1, 128, dtype=torch.long)})


def resnet50() -> Case:
    """The ready-made ResNet-50, one image."""
    model, inputs = build("resnet50", seq_len=None, batch=None, settings={})
    return Case(model=model, inputs=inputs, keywords={})


def resnet50_transformers() -> Case:
    """The ResNet-50 of transformers without its classifier, one image."""
    with torch.device("meta"):
        model: nn.Module = transformers.ResNetModel(transformers.ResNetConfig())
        return Case(model=model.eval(), keywords={"pixel_values": torch.empty(1, 3, 224, 224)})


def llama70b() -> Case:
    """Llama 3 70B, 128 tokens; with a 4-D mask, without which transformers reads values of a meta tensor."""
    tokens = 128
    with torch.device("meta"):
        config = transformers.LlamaConfig(
            hidden_size=8192,
            intermediate_size=28672,
            num_hidden_layers=80,
            num_attention_heads=64,
            num_key_value_heads=8,
            vocab_size=128256,
            use_cache=False,
        )
        keywords = {
            "input_ids": torch.empty(1, tokens, dtype=torch.long),
            "attention_mask": torch.empty(1, 1, tokens, tokens),
        }
        model: nn.Module = transformers.LlamaForCausalLM(config)
        return Case(model=model.eval(), keywords=keywords)


CASES: Final[Mapping[str, Callable[[], Case]]] = {
    "BERT base": bert,
    "ResNet-50": resnet50,
    "ResNet-50 of transformers": resnet50_transformers,
    "Llama 70B": llama70b,
}
