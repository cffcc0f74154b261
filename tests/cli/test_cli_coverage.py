"""The command `coverage` from end to end."""

from __future__ import annotations

import json
import re

import pytest
from shell import Shell

ODD = """
import torch

@torch.library.custom_op("mine::odd", mutates_args=())
def odd(x: torch.Tensor) -> torch.Tensor:
    return x.clone()

@odd.register_fake
def _(x):
    return torch.empty_like(x)

class Inner(torch.nn.Module):
    def forward(self, x):
        return odd(x)

class Odd(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.linear = Inner(), torch.nn.Linear(8, 8)

    def forward(self, x):
        return self.linear(self.inner(x))

def build():
    return Odd(), torch.zeros(4, 8)
"""


def test_every_op_of_the_ready_made_models(traced: Shell) -> None:
    text = traced.out("coverage", "lstm", "tcn", "transformer_encoder", "--seq-len", "1000")
    assert text.startswith("Every op of 3 models is known.\n")
    assert len(re.findall(r" 100 % +100 %$", text, re.MULTILINE)) == 3
    assert max(map(len, text.splitlines())) <= 80


def test_an_op_that_nobody_knows_is_named_with_its_module(shell: Shell) -> None:
    (shell.folder / "odd.py").write_text(ODD)
    text = shell.out("coverage", "odd.py:build")
    assert text.startswith("Ops without a rule in build: totals there are a lower bound.\n")
    assert "- build: mine.odd in inner: 1 call, 256 B." in text  # 4 * 8 floats, read and written
    (model,) = json.loads(shell.out("coverage", "odd.py:build", "--format", "json"))["models"]
    assert model["calls"] == {"rule": 1, "pointwise": 0, "view": 0, "assumed": 1}
    # the product reads 4 * 8, 8 * 8 and 8, and writes 4 * 8 floats: 544 bytes
    assert model["known_bytes"] == pytest.approx(544 / 800)


def test_a_configuration_and_a_saved_trace(shell: Shell) -> None:
    config = {"model_type": "bert", "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 1}
    (shell.folder / "config.json").write_text(json.dumps(config))
    shell.out("trace", "hf:config.json", "-o", "saved.json")
    by_config = shell.out("coverage", "hf:config.json", "--format", "json")
    by_trace = shell.out("coverage", "saved.json", "--format", "json")
    assert json.loads(by_config) == json.loads(by_trace)


def test_transformers_says_nothing_of_its_own(shell: Shell) -> None:
    done = shell.run("coverage", "hf:mamba", "--set", "num_hidden_layers=1", "--seq-len", "4")
    assert (done.returncode, done.stderr) == (0, "")


def test_refused_in_one_line(shell: Shell) -> None:
    done = shell.run("coverage", "hf:bert", "--set", "hidden_sze=3")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "hwcost: hf:bert: BertConfig has no field 'hidden_sze'; did you mean 'hidden_size'?\n"
    )
