"""Finding models, reading their cards, and refusing settings that do not fit."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import ModelError
from hwcost.models import build, card, model_names, source_path
from hwcost.models.card import Setting
from hwcost.models.settings import parsed, word

OUTPUTS = {
    "awd_lstm": (3, 2, 10_000),
    "bilstm": (3, 2, 62),
    "captioning": (3, 2, 10_000),
    "convs2s": (2, 3, 43_676),
    "deepspeech2": (2, 2, 29),  # two frames are a step: 3 of them make 2
    "gnmt": (3, 2, 32_000),
    "gpt1": (2, 3, 40_478),
    "gru": (3, 2, 512),
    "han": (2, 5),
    "hierarchical_attention": (2, 3, 512),
    "lstm": (3, 2, 512),
    "mamba": (3, 2, 50_280),
    "memory_gate": (2, 3, 512),
    "ntm": (3, 2, 9),
    "pervasive_attention": (2, 3, 128),
    "resnet152": (2, 1000),
    "resnet18": (2, 1000),
    "resnet50": (2, 1000),
    "rnn": (3, 2, 512),
    "seq2seq_attention": (3, 2, 30_000),
    "tcn": (2, 600, 3),
    "transformer_encoder": (2, 3, 512),
    "transformer": (2, 3, 37_000),
    "wavenet": (2, 256, 3),
}
"""Every ready-made model, and the shape of what it gives for 3 steps of a batch of 2."""


def test_names() -> None:
    assert model_names() == tuple(sorted(OUTPUTS))


def test_the_list_of_the_command_is_sorted_and_80_wide() -> None:
    command = [sys.executable, "-m", "hwcost", "models"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    headline, _, rest = output.partition("\n\n")
    lines = rest.splitlines()
    assert headline.startswith(f"{len(OUTPUTS)} ready-made models")
    assert [line.split()[0] for line in lines if line[:1].strip()] == sorted(OUTPUTS)
    assert max(map(len, output.splitlines())) <= 80


@pytest.mark.parametrize("name", model_names())
def test_card(name: str) -> None:
    it = card(name)
    assert it.name == name
    assert 20 < len(it.summary) < 110
    assert not it.summary.endswith(".")
    assert "\n" not in it.summary
    assert "doi:" in it.citation or "arXiv:" in it.citation
    signature = inspect.signature(importlib.import_module(f"hwcost.models.{name}").build)
    assert dict(it.settings) == {key: word(p.default) for key, p in signature.parameters.items()}


def test_card_of_lstm() -> None:
    it = card("lstm")
    assert it.summary == (
        "A stack of LSTM layers: four gates, each with a product over the input and one over the state"
    )
    assert it.citation.startswith("Hochreiter and Schmidhuber 1997")
    assert dict(it.settings) == {
        "seq_len": "1000",
        "batch": "1",
        "input_size": "512",
        "hidden_size": "512",
        "num_layers": "2",
        "bidirectional": "false",
        "proj_size": "0",
    }


def test_every_parameter_is_documented() -> None:
    for name in model_names():
        text = importlib.import_module(f"hwcost.models.{name}").build.__doc__
        for key in card(name).settings:
            assert f"        {key}: " in text, (name, key)


def test_only_known_types_of_settings() -> None:
    for name in model_names():
        tree = ast.parse(source_path(name).read_text(encoding="utf-8"))
        (builder,) = (s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == "build")
        assert {ast.unparse(a.annotation) for a in builder.args.kwonlyargs} <= {"int", "float", "bool", "str"}


def test_cards_and_wrong_settings_need_no_torch() -> None:
    program = """
import sys
from hwcost.errors import ModelError
from hwcost.models import build, card, model_names, source_path
for name in model_names():
    card(name), source_path(name)
for name, settings in (("lstm", {"hiden_size": "1"}), ("lstm", {"hidden_size": "x"}), ("ltsm", {})):
    try:
        build(name, seq_len=None, batch=None, settings=settings)
    except ModelError:
        continue
    raise SystemExit("accepted")
raise SystemExit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("name", model_names())
def test_forward_on_meta(name: str) -> None:
    seq_len = 3 if "seq_len" in card(name).settings else None
    model, inputs = build(name, seq_len=seq_len, batch=2, settings={})
    assert not model.training
    assert {tensor.device.type for tensor in (*model.parameters(), *model.buffers(), *inputs)} == {"meta"}
    with torch.no_grad():
        output = model(*inputs)
    assert tuple(output.shape) == OUTPUTS[name]


def test_words_become_values() -> None:
    settings = {"hidden_size": "64", "bidirectional": "yes", "proj_size": " 16 ", "num_layers": 3}
    model, (x,) = build("lstm", seq_len=7, batch=5, settings=settings)
    assert x.shape == (7, 5, 512)
    layer = model.lstm
    assert (layer.hidden_size, layer.bidirectional, layer.proj_size, layer.num_layers) == (64, True, 16, 3)
    model, _ = build("transformer_encoder", seq_len=None, batch=None, settings={"dropout": "0.25"})
    assert model[0].dropout.p == 0.25
    model, _ = build("rnn", seq_len=None, batch=None, settings={"nonlinearity": "relu"})
    assert model.rnn.nonlinearity == "relu"


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("ltsm", "did you mean lstm?"),
        ("LSTM", "did you mean lstm?"),
        ("deepspeech", "did you mean deepspeech2?"),
        ("pervasive", "did you mean pervasive_attention?"),
        ("seq2seq", "did you mean seq2seq_attention?"),
        ("zebra", "see hwcost models"),
        ("", "see hwcost models"),
        ("t", "see hwcost models"),
        ("registry", "see hwcost models"),
        ("table", "see hwcost models"),
        ("../models/lstm", "see hwcost models"),
    ],
)
def test_unknown_names(name: str, mend: str) -> None:
    with pytest.raises(ModelError) as caught:
        build(name, seq_len=None, batch=None, settings={})
    assert str(caught.value) == f"no ready-made model is called {name!r}; {mend}"


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (
            "lstm",
            {"hidden": "4"},
            "lstm: no setting is called 'hidden'; did you mean hidden_size? there are ",
        ),
        ("gru", {"proj_size": "4"}, "gru: no setting is called 'proj_size'; "),
        ("resnet50", {"seq_len": "4"}, "resnet50: has no time axis; leave the sequence length out"),
        (
            "lstm",
            {"hidden_size": "big"},
            "lstm: hidden_size=big is not a whole number; it takes int, as in hidden_size=512",
        ),
        ("lstm", {"hidden_size": "4.5"}, "lstm: hidden_size=4.5 is not a whole number; "),
        ("lstm", {"hidden_size": 4.5}, "lstm: hidden_size=4.5 is not a whole number; "),
        ("lstm", {"hidden_size": True}, "lstm: hidden_size=True is not a whole number; "),
        ("lstm", {"hidden_size": ""}, "lstm: hidden_size= is not a whole number; "),
        ("lstm", {"hidden_size": None}, "lstm: hidden_size=None is not a whole number; "),
        (
            "lstm",
            {"bidirectional": "maybe"},
            "lstm: bidirectional=maybe is not true or false; it takes bool, ",
        ),
        ("tcn", {"dropout": "nan"}, "tcn: dropout=nan is not a number; it takes float, as in dropout=0.5"),
        ("tcn", {"dropout": "inf"}, "tcn: dropout=inf is not a number; "),
        ("rnn", {"nonlinearity": "elu"}, "rnn: nonlinearity is elu; it must be tanh or relu"),
        ("rnn", {"nonlinearity": 3}, "rnn: nonlinearity=3 is not a word; "),
        ("lstm", {"hidden_size": "0"}, "lstm: hidden_size is 0; it must be at least 1"),
        ("gru", {"num_layers": "-2"}, "gru: num_layers is -2; it must be at least 1"),
        ("lstm", {"proj_size": "-1"}, "lstm: proj_size is -1; it must be at least 0"),
        (
            "lstm",
            {"proj_size": "512"},
            "lstm: proj_size is 512; it must be below hidden_size, which is 512",
        ),
        ("rnn", {"num_layers": "1000000000"}, "rnn: num_layers is 1000000000; it must be at most 10000"),
        ("tcn", {"kernel_size": "0"}, "tcn: kernel_size is 0; it must be at least 1"),
        ("tcn", {"levels": "33"}, "tcn: levels is 33; it must be at most 32"),
        ("tcn", {"dropout": "1.5"}, "tcn: dropout is 1.5; it must lie between 0 and 1"),
        (
            "transformer_encoder",
            {"heads": "7"},
            "transformer_encoder: heads is 7; it must divide d_model, which is 512",
        ),
        ("transformer_encoder", {"heads": "0"}, "transformer_encoder: heads is 0; it must be at least 1"),
        ("resnet50", {"classes": "0"}, "resnet50: classes is 0; it must be at least 1"),
    ],
)
def test_refuses(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError) as caught:
        build(name, seq_len=None, batch=None, settings=settings)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize("digits", [18, 30, 5000])
def test_refuses_sizes_beyond_64_bits(name: str, digits: int) -> None:
    widest = next(
        key
        for key in card(name).settings
        if key in ("hidden_size", "d_ff", "classes", "d_model", "growth_rate")
    )
    with pytest.raises(ModelError) as caught:
        build(name, seq_len=None, batch=10**9, settings={widest: "9" * digits})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(("seq_len", "batch"), [(0, None), (None, 0), (-1, None)])
def test_refuses_sizes_out_of_range(seq_len: int | None, batch: int | None) -> None:
    with pytest.raises(ModelError, match=r"^lstm: (seq_len|batch) is (0|-1); it must be at least 1$"):
        build("lstm", seq_len=seq_len, batch=batch, settings={})


def test_a_time_axis_that_is_not_there() -> None:
    with pytest.raises(ModelError, match=r"^resnet50: has no time axis; leave the sequence length out$"):
        build("resnet50", seq_len=10, batch=None, settings={})


@given(
    st.one_of(st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
)
def test_a_value_and_its_word_are_the_same(value: bool | int | float) -> None:
    setting = Setting(name="x", type=type(value).__name__, default=value)
    assert parsed(setting, value, model="m") == value
    assert parsed(setting, word(value), model="m") == value
