"""Every ready-made model and language models of transformers, step by step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from hwcost.errors import HwcostError
from hwcost.load import load_trace
from hwcost.models.registry import build, model_names
from hwcost.orders import parse_order
from tests.orders.streams import kept_bytes, macs, ready_made, stream_of

SMALL = {
    "mamba": {"num_layers": 1},
    "captioning": {"encoder": "vgg16"},
    "gpt1": {"num_layers": 2},
    "pervasive_attention": {"num_layers": 1},
    "wavenet": {"levels": 3},
}

ERRORS = {
    "bilstm": "`torch.lstm` in `lstm` reads the sequence backwards",
    "deepspeech2": "reads the sequence backwards",
    "han": "reads the sequence backwards",
    "resnet18": "has no time axis",
    "resnet50": "has no time axis",
    "resnet152": "has no time axis",
}


@pytest.mark.parametrize("name", model_names())
def test_every_ready_made_model_streams_or_says_why_not(name: str) -> None:
    length = None if name.startswith("resnet") else 20
    if name in ERRORS:
        with pytest.raises(HwcostError, match=ERRORS[name]) as error:
            load_trace(name, seq_len=length, order=parse_order("streaming"), use_cache=False)
        assert "\n" not in str(error.value)
        return
    trace = ready_made(name, 20, "streaming", **SMALL.get(name, {}))
    assert trace.model == name
    assert macs(trace) > 0
    assert kept_bytes(trace) > 0


def test_deepspeech2_runs_backwards_even_in_chunks() -> None:
    with pytest.raises(HwcostError, match="reads the sequence backwards"):
        ready_made("deepspeech2", 20, "chunk:2")


def test_attention_is_made_causal_and_says_so() -> None:
    trace = ready_made("transformer_encoder", 20, "streaming")
    assert any("causal=true was set" in note for note in trace.assumptions)
    with pytest.raises(HwcostError, match=r"attention.* mixes all steps.*causal=true"):
        ready_made("transformer_encoder", 20, "streaming", causal="false")
    with pytest.raises(HwcostError, match=r"windows reach beyond their position; --set causal=true"):
        ready_made("hierarchical_attention", 20, "streaming", causal="false")


def test_the_source_is_read_once() -> None:
    short, long = (ready_made("transformer", n, "streaming", source_len=30) for n in (10, 20))
    noted = ready_made("transformer", 10, "streaming")
    assert any("source_len=10 was set" in note for note in noted.assumptions)
    first = {op.module.partition(".")[0] for op in short.items if hasattr(op, "module")}
    assert "encoder" in first
    width, layers = 512, 6
    # Per target word: 4 products of width^2 each side of attention save K and V of the source, 2 * 4 in
    # the feed-forward network, and the scores; all words so far, and the 30 of the source.
    linear = layers * (4 + 2 + 8) * width**2
    pairs = layers * 2 * width
    per_word = [linear + pairs * (t + 30) for t in range(11, 21)]
    assert macs(long) - macs(short) - 10 * width * _vocabulary(short) == sum(per_word)


def _vocabulary(trace: object) -> int:
    return 37_000 if trace is None else _rows(trace)


def _rows(trace: object) -> int:
    from hwcost.graph import leaves

    last = [op for op, _ in leaves(trace.items)][-1]  # type: ignore[attr-defined]
    return int(last.outputs[0].shape[-1])


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("hierarchical_attention", {"window": 4, "levels": 3}),
        ("memory_gate", {"kept": 0.25, "threshold": 0.3, "num_layers": 2}),
    ],
)
def test_steps_compute_what_the_whole_does(name: str, settings: dict[str, object], steps: int) -> None:
    sizes = {"d_model": 16, "heads": 2, "d_ff": 32}
    module, (x,) = build(name, seq_len=60, batch=2, settings=settings | sizes)
    module = module.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        x = torch.randn(x.shape, generator=generator)
        state, outputs = module.initial_state(batch=2, past=0), []
        for start in range(0, 60, steps):
            y, state = module.step(x[:, start : start + steps], state=state)
            outputs.append(y)
        torch.testing.assert_close(torch.cat(outputs, 1), module(x), atol=1e-5, rtol=1e-5)
        expected = module.initial_state(batch=2, past=60)
    assert [t.shape for t in _tensors(state)] == [t.shape for t in _tensors(expected)]


def _tensors(state: object) -> list[Tensor]:
    if isinstance(state, Tensor):
        return [state]
    return [t for part in state for t in _tensors(part)] if isinstance(state, (list, tuple)) else []


def test_hierarchical_attention_by_hand() -> None:
    length, window, width, inner = 200, 10, 512, 2048
    trace = ready_made("hierarchical_attention", length, "streaming", window=window)
    linear = length * 2 * (4 * width**2 + 2 * width * inner)
    pairs = sum(min(t // d + 1, window) for d in (1, window) for t in range(length))
    exact = linear + 2 * width * pairs
    # What the dilated level looks at grows in stairs, which stretches of many steps even out.
    assert abs(macs(trace) - exact) <= 2 * width * length
    rings = 2 * width * (1 + window) * (window - 1)
    assert rings * 4 <= kept_bytes(trace) <= (rings + 4 * width) * 4


def test_memory_gate_by_hand() -> None:
    length, width, inner = 80, 512, 2048
    trace = ready_made("memory_gate", length, "streaming", num_layers=1)
    slots = sum(-(-t // 4) for t in range(1, length + 1))  # kept so far at each step, a quarter of all
    linear = length * (4 * width**2 + 2 * width * inner)
    assert abs(macs(trace) - linear - 3 * width * slots) <= 3 * width * length


FEW = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 50}
CAUSAL = {
    "gpt2": {"n_layer": 2, "n_embd": 64, "n_head": 4, "vocab_size": 50},
    "llama": FEW | {"intermediate_size": 96, "num_key_value_heads": 2},
    "qwen2": FEW | {"intermediate_size": 96, "num_key_value_heads": 2},
    "gemma": FEW | {"intermediate_size": 96, "num_key_value_heads": 1, "head_dim": 16},
    "opt": FEW | {"ffn_dim": 96, "word_embed_proj_dim": 64},
    "phi": FEW | {"intermediate_size": 96},
    "gpt_neox": FEW | {"intermediate_size": 96},
}
KV_HEADS = {"llama": 2, "qwen2": 2, "gemma": 1}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", CAUSAL)
def test_language_models_of_transformers(name: str, attention: str) -> None:
    pytest.importorskip("transformers")
    length, settings = 30, CAUSAL[name] | {"attn_implementation": attention}
    offline, stream = (
        load_trace(f"hf:{name}", seq_len=length, settings=settings, order=parse_order(order))
        for order in ("offline", "streaming")
    )
    hidden_pairs = length**2 - length * (length + 1) // 2
    assert macs(offline) - macs(stream) == 2 * 2 * 64 * hidden_pairs  # layers * (scores, values) * width
    assert kept_bytes(stream) == 2 * 2 * length * KV_HEADS.get(name, 4) * 16 * 4


@pytest.mark.parametrize(("order", "steps"), [("streaming", 1), ("chunk:6", 6)])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_sliding_window_keeps_what_it_sees(attention: str, order: str, steps: int) -> None:
    pytest.importorskip("transformers")
    length, window = 60, 20
    settings = CAUSAL["llama"] | {"sliding_window": window, "attn_implementation": attention}
    offline, stream = (
        load_trace("hf:mistral", seq_len=length, settings=settings, order=parse_order(each))
        for each in ("offline", order)
    )
    seen = sum(steps * min(end, window + steps - 1) for end in range(steps, length + 1, steps))
    assert macs(offline) - macs(stream) == 2 * 2 * 64 * (length**2 - seen)
    assert kept_bytes(stream) == 2 * 2 * (window + steps - 1) * 2 * 16 * 4


def test_mamba_of_transformers_keeps_its_size() -> None:
    pytest.importorskip("transformers")
    few = {"num_hidden_layers": 2, "hidden_size": 64, "vocab_size": 50}
    short, long = (
        load_trace("hf:mamba", seq_len=n, settings=few, order=parse_order("streaming")) for n in (30, 60)
    )
    assert kept_bytes(short) == kept_bytes(long)
    assert macs(long) == 2 * macs(short)


def test_an_encoder_of_transformers_has_no_stream() -> None:
    pytest.importorskip("transformers")
    with pytest.raises(HwcostError, match="mixes all steps"):
        load_trace("hf:bert", seq_len=20, settings=FEW, order=parse_order("streaming"))


def test_what_looks_ahead_is_named() -> None:
    class Peeking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 3), nn.Conv1d(3, 3, 5, padding=2)

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.second(self.first(x).transpose(1, 2)))

    with pytest.raises(HwcostError, match=r"`aten.convolution` in `second` looks 2 steps ahead"):
        stream_of(Peeking(), lambda n: (torch.empty(1, n, 3, device="meta"),), 30, "streaming")


@pytest.mark.parametrize(
    ("mix", "what"),
    [
        (lambda x: x.flip(1), r"`aten.flip` in `mix` mixes all steps: it has no streaming form"),
        (lambda x: torch.softmax(x, 1), r"`aten._softmax` in `mix` mixes all steps"),
        (lambda x: torch.fft.rfft(x, dim=1).real, r"mixes all steps"),
        (lambda x: x - x.mean(1, keepdim=True), r"needs at every step what is known only after the last"),
        (lambda x: x.sort(1)[0], r"`aten.sort` in `mix` mixes all steps"),
    ],
)
def test_what_mixes_all_steps_is_named(mix: object, what: str) -> None:
    class Mix(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return mix(x)  # type: ignore[operator]

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.mix = nn.Linear(3, 3), Mix()

        def forward(self, x: Tensor) -> Tensor:
            return self.mix(self.linear(x))

    with pytest.raises(HwcostError, match=what):
        stream_of(Model(), lambda n: (torch.empty(1, n, 3, device="meta"),), 30, "streaming")
