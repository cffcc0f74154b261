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
from hwcost.render.generation import tokens_per_s
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


def test_macs_of_mamba_are_those_of_generate() -> None:
    """Its convolutions are left out: that of generate() also computes results that it throws away."""
    transformers = pytest.importorskip("transformers")
    settings = {"num_hidden_layers": 2, "hidden_size": 64, "vocab_size": 50}
    found = []
    for item in count(generated("hf:mamba", **settings).items):
        if isinstance(item, Loop):
            products = (work.macs * n for work, n in leaves(item.body) if work.op.name != "aten.convolution")
            found += [sum(products)] * item.times
    model = transformers.AutoModelForCausalLM.from_config(transformers.MambaConfig(**settings)).eval()
    cache, passes = None, []
    for start, stop in ((0, PROMPT_STEPS), (PROMPT_STEPS, PROMPT_STEPS + 1)):
        ids = torch.full((1, stop - start), 7)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            out = model(ids, cache_params=cache, use_cache=True, logits_to_keep=1)
        cache = out.cache_params
        flops = counter.get_flop_counts()["Global"]
        passes.append(sum(n for op, n in flops.items() if "conv" not in str(op)) // 2)
    assert found == [passes[0]] + [passes[1]] * (TOKENS - 1)


LAYERS_32 = {"num_hidden_layers": 2, "vocab_size": 50, "intermediate_size": 64}


@pytest.mark.parametrize(("key_heads", "bytes_of_32_layers"), [(32, 524_288), (8, 131_072)])
def test_cache_of_llama_by_hand(key_heads: int, bytes_of_32_layers: int) -> None:
    """Llama 2 7B and Llama 3 8B in half precision: 2 (K, V) * 32 layers * heads * 128 * 2 bytes."""
    assert 2 * 32 * key_heads * 128 * 2 == bytes_of_32_layers
    pytest.importorskip("transformers")
    settings = LAYERS_32 | {"num_key_value_heads": key_heads}  # 4096 wide, 32 heads, as published
    for batch in (1, 3):
        report = hwcost.analyze(
            "hf:llama", prompt=9, generate=4, batch=batch, dtype="float16", settings=settings
        )
        assert report.generation is not None
        assert report.generation.cache_bytes == bytes_of_32_layers // 16
        assert report.state_bytes == batch * (9 + 4 - 1) * bytes_of_32_layers // 16
        assert report.held_bytes == report.trace.weight_bytes + report.state_bytes


def test_a_sliding_window_keeps_its_width() -> None:
    pytest.importorskip("transformers")
    trace = generated("hf:mistral", prompt=30, tokens=10, **MODELS["mistral"])
    assert kept_bytes(trace) == 2 * 2 * 8 * 2 * 16 * 4  # layers, K and V, window, heads, width, bytes


def test_gpt1_by_hand() -> None:
    trace = generated("gpt1", prompt=20, tokens=11, num_layers=2)
    width, vocabulary = 768, 40_478
    linear, head = 2 * 12 * width**2, width * vocabulary
    pairs = 2 * 2 * width  # scores and values, per pair of a query and a key
    by_hand = [20 * linear + 20 * 20 * pairs + head]  # dense within the prompt, the head once
    by_hand += [linear + t * pairs + head for t in range(21, 31)]
    found = macs_of_parts(trace)
    assert (found[0], found[1], found[-1]) == (by_hand[0], by_hand[1], by_hand[-1])
    assert sum(found) == sum(by_hand)
    assert (trace.seq_len, trace.prompt) == (30, 20)


@pytest.mark.parametrize("name", ["lstm", "tcn", "wavenet", "awd_lstm"])
@pytest.mark.parametrize("prompt", [1, 7, 29])
def test_what_does_not_grow_costs_what_its_steps_cost(name: str, prompt: int) -> None:
    """Of a prompt, all but the head."""
    settings = {"wavenet": {"levels": 3}}.get(name, {})
    order, _ = asked_order("streaming")
    stream = load_trace(name, seq_len=30, settings=settings, order=order, use_cache=False)
    trace = generated(name, prompt, 30 - prompt + 1, **settings)
    head = {"awd_lstm": 400 * 10_000, "wavenet": 256 * 256}.get(name, 0)
    assert macs(stream) - macs(trace) == (prompt - 1) * head
    assert kept_bytes(trace) == kept_bytes(stream)


def test_the_prompt_of_a_translator_is_its_source() -> None:
    trace = generated("transformer", 20, 11, num_layers=1)
    assert (trace.seq_len, trace.prompt) == (11, 20)
    assert any("source_len=20 was set: the prompt is the source" in note for note in trace.assumptions)
    first = next(item for item in trace.items if isinstance(item, Loop))
    assert first.axis == PROMPT
    report = hwcost.analyze(trace)
    assert report.generation is not None
    encoder = [layer for layer in report.layers if layer.module.startswith("encoder")]
    assert sum(layer.sum.macs for layer in encoder) > 0
    assert {id(c) for layer in encoder for c in layer.sum.costs} <= {
        id(c) for c in report.generation.prefill.costs
    }


@pytest.mark.parametrize("device", ["echo_arm", "h100_sxm", "stm32h743"])
@pytest.mark.parametrize("name", ["gpt1", "lstm", "transformer", "memory_gate"])
def test_parts_add_up_and_the_roofline_bounds_them(name: str, device: str) -> None:
    settings = {} if name == "lstm" else {"num_layers": 1}
    report = hwcost.analyze(name, prompt=12, generate=9, device=device, settings=settings)
    found, totals = report.generation, report.totals
    assert found is not None
    assert found.decode is not None
    assert found.prefill.macs + found.decode.macs == totals.macs
    assert isclose(found.first_token_s + 8 * (found.token_s or 0), totals.expected_s, rel_tol=1e-9)
    assert isclose(found.prefill.bytes + found.decode.bytes, totals.bytes, rel_tol=1e-9)
    assert found.tokens == 9
    assert 0 < (found.tokens_per_s or 0) <= (found.roofline_tokens_per_s or 0)
    assert report.steps is not None
    assert report.steps.count == 8


def test_memory_bound_decoding_is_no_faster_than_the_weights_arrive() -> None:
    report = hwcost.analyze("gpt1", prompt=8, generate=8, device="echo_arm")
    found = report.generation
    assert found is not None
    assert found.decode is not None
    slope = report.machine.slope("dram")
    assert slope is not None
    weights = report.trace.weight_bytes - 4 * 512 * 768  # of the table of positions a step reads one row
    most = slope.peak_bytes_per_s / weights
    assert 0.99 * most < (found.roofline_tokens_per_s or 0) < most
    assert weights < (found.token_bytes or 0) < 1.01 * weights


@pytest.fixture(scope="module")
def llama_7b() -> Trace:
    pytest.importorskip("transformers")
    order, seq_len = asked_order("offline", prompt=5, generate=200)
    return load_trace("hf:llama", seq_len=seq_len, order=order)


@pytest.mark.slow
@pytest.mark.parametrize(("weights", "measured"), [("bfloat16", 104.9), ("int8", 155.58), ("int4", 196.80)])
def test_against_the_measurements_of_gpt_fast(llama_7b: Trace, weights: str, measured: float) -> None:
    """README of pytorch-labs/gpt-fast, table of benchmarks; docs/generation.md shows the same figures."""
    report = hwcost.analyze(
        llama_7b, device="a100_sxm_80", weights=weights, activations="bfloat16", fusion="fused"
    )
    found = report.generation
    assert found is not None
    assert found.cache_bytes == 524_288
    assert 0.75 * measured < (found.tokens_per_s or 0) < measured < (found.roofline_tokens_per_s or 0)
    page = (Path(__file__).parents[2] / "docs" / "generation.md").read_text()
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {weights.replace('bfloat', 'bf')} |")]
    *_, shown, most = [cell.strip() for cell in row.strip("|").split("|")]
    assert shown == tokens_per_s(found.tokens_per_s)
    assert most == tokens_per_s(found.roofline_tokens_per_s)


def test_a_single_token_is_a_prompt_alone() -> None:
    report = hwcost.analyze("gpt1", prompt=9, generate=1, settings={"num_layers": 1})
    found = report.generation
    assert found is not None
    assert (found.tokens, found.decode, found.token_s, found.tokens_per_s) == (1, None, None, None)
    assert found.cache_bytes == 2 * 768 * 4
    assert report.state_bytes == 9 * found.cache_bytes
    assert isclose(found.first_token_s, report.totals.expected_s)


def test_formats_of_keys_and_values() -> None:
    wide, narrow = (
        hwcost.analyze("gpt1", prompt=9, generate=5, kv=kv, dtype="float16", settings={"num_layers": 1})
        for kv in (None, "int8")
    )
    assert wide.generation is not None
    assert narrow.generation is not None
    assert wide.generation.cache_bytes == 2 * narrow.generation.cache_bytes == 2 * 768 * 2


def test_a_saved_trace_and_json(tmp_path: Path) -> None:
    report = hwcost.analyze("gpt1", prompt=9, generate=5, settings={"num_layers": 1})
    path = tmp_path / "generation.json"
    report.trace.save(path)
    again = hwcost.analyze(str(path))
    assert again.trace == report.trace
    assert again.to_dict() == report.to_dict()
    assert hwcost.analyze(str(path), prompt=9, generate=5).to_dict() == report.to_dict()
    with pytest.raises(HwcostError, match="save another with hwcost trace MODEL --prompt 9 --generate 6"):
        hwcost.analyze(str(path), prompt=9, generate=6)
    told = json.loads(json.dumps(report.to_dict()))["generation"]
    assert (told["prompt"], told["tokens"], told["cache_bytes_per_token"]) == (9, 5, 2 * 768 * 4)
    assert told["decode"]["first_s"] <= told["decode"]["token_s"] <= told["decode"]["last_s"]
    assert "generation" not in hwcost.analyze("lstm", seq_len=9).to_dict()


class Tokens(nn.Module):
    """Ids [B, T] -> logits [B, T, 11]."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.gru, self.head = nn.Embedding(11, 6), nn.GRU(6, 8), nn.Linear(8, 11)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.gru(self.table(ids.T))[0]).transpose(0, 1)


def test_a_module_whose_inputs_are_the_prompt() -> None:
    report = hwcost.analyze((Tokens(), torch.zeros(2, 15, dtype=torch.int64)), prompt=15, generate=4)
    assert report.totals.macs == 2 * (18 * 24 * (6 + 8) + 4 * 8 * 11)
    with pytest.raises(HwcostError, match="no input with an axis of 14"):
        hwcost.analyze((Tokens(), torch.zeros(2, 15, dtype=torch.int64)), prompt=14, generate=4)


def test_two_results_have_no_head() -> None:
    class Two(Tokens):
        def forward(self, ids: Tensor) -> Any:
            hidden = self.gru(self.table(ids.T))[0]
            return self.head(hidden), hidden

    report = hwcost.analyze((Two(), torch.zeros(2, 15, dtype=torch.int64)), prompt=15, generate=4)
    assert report.totals.macs == 2 * 18 * (24 * (6 + 8) + 8 * 11)


@pytest.mark.parametrize(
    ("model", "options", "what"),
    [
        ("gpt1", {"prompt": 5}, r"--prompt says half of a generation; add --generate M"),
        ("gpt1", {"generate": 5}, r"--generate says half of a generation; add --prompt N"),
        ("gpt1", {"prompt": 0, "generate": 5}, r"a prompt and a token at least"),
        ("gpt1", {"prompt": 5, "generate": 5, "order": "chunk:2"}, r"an order of its own; leave --order out"),
        ("gpt1", {"prompt": 5, "generate": 5, "seq_len": 9}, r"leave --seq-len out"),
        ("gpt1", {"prompt": 5, "generate": 5, "phase": "training"}, r"training sees whole sequences"),
        ("bilstm", {"prompt": 5, "generate": 5}, r"backwards.*leave --prompt and --generate out"),
        ("resnet18", {"prompt": 5, "generate": 5}, r"no time axis; leave --prompt and --generate out"),
        ("hf:t5", {"prompt": 5, "generate": 5}, r"'t5' is no causal language model"),
        ("hf:gpt2", {"prompt": 1020, "generate": 50}, r"with N \+ M - 1 of at most 1024"),
    ],
)
def test_what_does_not_go_together_says_why(model: str, options: dict[str, Any], what: str) -> None:
    if model.startswith("hf:"):
        pytest.importorskip("transformers")
    with pytest.raises(HwcostError, match=what) as error:
        hwcost.analyze(model, **options)
    assert "\n" not in str(error.value)


def test_a_classifier_generates_nothing() -> None:
    class Last(Tokens):
        def forward(self, ids: Tensor) -> Tensor:
            return self.head(self.gru(self.table(ids.T))[0][-1])

    with pytest.raises(HwcostError, match="one of the whole sequence, so that it generates nothing"):
        hwcost.analyze((Last(), torch.zeros(2, 15, dtype=torch.int64)), prompt=15, generate=4)


def test_strides_do_not_go_on_token_by_token() -> None:
    module = nn.Conv1d(3, 3, 2, stride=2)
    with pytest.raises(HwcostError, match=r"2 steps at a time; it does not go on token by token"):
        hwcost.analyze((module, torch.zeros(1, 3, 16)), prompt=16, generate=4)
    with pytest.raises(HwcostError, match=r"2 steps at a time; take --order chunk:2"):
        hwcost.analyze((module, torch.zeros(1, 3, 16)), seq_len=16, order="streaming")


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_the_table_says_what_a_reader_waits_for(form: str) -> None:
    from hwcost.render.markdown import comparison_markdown, report_markdown
    from hwcost.render.terminal import comparison_text, report_text

    report = hwcost.analyze("gpt1", prompt=9, generate=5, batch=2, settings={"num_layers": 1})
    one = report_text(report) if form == "text" else report_markdown(report)
    for words in ("time to first token", "mean of the 4 behind it", "expected of all 2 sequences; no run"):
        assert words in one
    assert "prompt of 9 tokens, 5 generated, batch 2" in one
    assert "time per step" not in one
    both = [report, hwcost.analyze("lstm", prompt=9, generate=1)]
    side = comparison_text(both) if form == "text" else comparison_markdown(both)
    assert "tokens per second" in side
    assert max(map(len, one.splitlines())) <= 80 or form == "markdown"


def test_memory_that_holds_the_weights_and_not_what_is_kept() -> None:
    report = hwcost.analyze("gpt1", prompt=300, generate=2, batch=8, device="echo_arm")
    assert report.fits is False
    assert report.machine.memory_bytes is not None
    assert report.trace.weight_bytes < report.machine.memory_bytes < report.held_bytes
