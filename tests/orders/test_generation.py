"""Prompts and the tokens behind them, against generate() as transformers runs it, and by hand."""

from __future__ import annotations

import json
from functools import wraps
from math import isclose
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import hwcost
from hwcost.errors import HwcostError
from hwcost.graph import PROMPT, Loop, Trace, leaves
from hwcost.load import load_trace
from hwcost.orders import asked_order
from hwcost.rules.count import count
from tests.orders.streams import kept_bytes, macs

FEW = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 50}
GROUPED = FEW | {"intermediate_size": 96, "num_key_value_heads": 2}
MODELS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_layer": 2, "n_embd": 64, "n_head": 4, "vocab_size": 50},
    "llama": GROUPED,
    "qwen2": GROUPED,
    "gemma2": GROUPED | {"head_dim": 16, "sliding_window": 64},
    "mistral": GROUPED | {"sliding_window": 8},
    "gpt_neox": FEW | {"intermediate_size": 96},
}
PROMPT_STEPS, TOKENS = 20, 6


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path))


def generated(name: str, prompt: int = PROMPT_STEPS, tokens: int = TOKENS, **settings: object) -> Trace:
    order, seq_len = asked_order("offline", prompt=prompt, generate=tokens)
    return load_trace(name, seq_len=seq_len, settings=settings, order=order, use_cache=False)


def macs_of_parts(trace: Trace) -> list[int]:
    """The MACs of the prompt, then those of each step behind it, as far as its stretches tell."""
    found = []
    for item in count(trace.items):
        if isinstance(item, Loop):
            found += [sum(work.macs * calls for work, calls in leaves(item.body))] * item.times
    return found


def of_generate(name: str, prompt: int, tokens: int) -> list[int]:
    """MACs of each forward pass of greedy decoding on a CPU, by torch's own counter."""
    transformers = pytest.importorskip("transformers")
    config = transformers.AutoConfig.for_model(name, **MODELS[name], attn_implementation="eager")
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    found: list[int] = []
    forward = model.forward

    @wraps(forward)  # generate() looks whether it takes logits_to_keep
    def counted(*args: Any, **keywords: Any) -> Any:
        with FlopCounterMode(display=False) as counter:
            result = forward(*args, **keywords)
        found.append(counter.get_total_flops() // 2)
        return result

    model.forward = counted
    ids = torch.full((1, prompt), 7)
    with torch.no_grad():
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            min_new_tokens=tokens,
            max_new_tokens=tokens,
            do_sample=False,
            pad_token_id=0,
        )
    assert out.shape == (1, prompt + tokens)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_macs_are_those_of_generate(name: str) -> None:
    passes = of_generate(name, PROMPT_STEPS, TOKENS)
    assert len(passes) == TOKENS
    trace = generated(f"hf:{name}", **MODELS[name], attn_implementation="eager")
    found = macs_of_parts(trace)
    # The table of rotary positions is made once, of the whole sequence, and not at each pass.
    once = macs(trace) - sum(found)
    rotary = once // (PROMPT_STEPS + TOKENS - 1)
    assert found[0] + rotary * PROMPT_STEPS == passes[0]
    assert [part + rotary for part in found[1:]] == passes[1:]
    assert macs(trace) == sum(passes)
