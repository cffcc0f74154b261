"""Ready-made models through both exporters of torch: the file costs what the model did."""

from __future__ import annotations

import contextlib
import io
import logging
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

import hwcost
from hwcost.audit.audit import audit
from hwcost.graph import Loop, Trace
from hwcost.load import load_subject, load_trace
from hwcost.models.registry import build
from hwcost.rules.count import assumed_names, count
from hwcost.sources.subject import Subject, trace_of
from tests.sources.onnx_models import macs, products

pytestmark = pytest.mark.filterwarnings("ignore")

SCRIPT, PROGRAM = "torchscript", "program"

SIZES = {
    "lstm": {"hidden_size": 32, "input_size": 16},
    "gru": {"hidden_size": 32, "input_size": 16},
    "tcn": {"hidden_size": 20, "input_size": 20},
    "transformer_encoder": {"d_model": 32, "d_ff": 64, "num_layers": 2},
    "resnet18": {"image_size": 64},
}


def random_weights(module: nn.Module) -> nn.Module:
    """The module with weights of which no two are alike, since exporters join those that are."""
    module = module.to_empty(device="cpu").eval()
    random = torch.Generator().manual_seed(0)
    for each in (*module.parameters(), *(b for b in module.buffers() if b.is_floating_point())):
        each.data.uniform_(0.1, 1, generator=random)
    return module


def exported(module: nn.Module, inputs: tuple, path: Path, exporter: str, **options) -> str:
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            if exporter == PROGRAM:
                torch.onnx.export(module, inputs, path, dynamo=True, external_data=False, **options)
            else:
                torch.onnx.export(module, inputs, path, dynamo=False, **options)
    finally:
        logging.disable(logging.NOTSET)
    return str(path)


def both(name: str, exporter: str, folder: Path) -> tuple[Trace, Trace]:
    """The trace of a ready-made model, and that of its file."""
    steps = None if name == "resnet18" else 12
    module, inputs = build(name, seq_len=steps, batch=2, settings=SIZES[name])
    twin = trace_of(Subject(module=module, inputs=inputs))
    real = tuple(torch.randn(each.shape) for each in inputs)
    return twin, load_trace(exported(random_weights(module), real, folder / "m.onnx", exporter))


def sizes_of_products(trace: Trace) -> Counter[int]:
    """Calls by MACs, a loop of n calls as n, an input product of n steps as one."""
    found: Counter[int] = Counter()
    for (each, _), calls in products(trace).items():
        found[each] += calls
    return found


@pytest.mark.parametrize(
    ("name", "exporter"),
    [
        ("lstm", SCRIPT),
        ("lstm", PROGRAM),
        ("gru", SCRIPT),
        pytest.param("gru", PROGRAM, marks=pytest.mark.slow),
        ("tcn", SCRIPT),
        pytest.param("tcn", PROGRAM, marks=pytest.mark.slow),
        ("transformer_encoder", SCRIPT),
        pytest.param("transformer_encoder", PROGRAM, marks=pytest.mark.slow),
        ("resnet18", SCRIPT),
        pytest.param("resnet18", PROGRAM, marks=pytest.mark.slow),
    ],
)
def test_ready_made_models(name: str, exporter: str, tmp_path: Path) -> None:
    twin, trace = both(name, exporter, tmp_path)
    assert macs(trace) == macs(twin)
    assert not assumed_names(count(trace.items))
    if name in ("lstm", "gru", "tcn"):
        assert (trace.parameters, trace.weight_bytes) == (twin.parameters, twin.weight_bytes)
        assert sizes_of_products(trace) == sizes_of_products(twin)
    if name == "transformer_encoder":
        # Single numbers of one dimension (scales of the scores) are written as weights.
        assert 0 <= trace.parameters - twin.parameters < 10
    if name == "resnet18":
        # A batch norm's weight and bias are folded into the convolution before it, as one bias each.
        assert twin.parameters - trace.parameters == 4800


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 8, batch_first=True, bidirectional=True)
        self.out = nn.Linear(16, 5)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.lstm(self.embedding(ids))[0])


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tagger whose batch and length are open."""
    path = tmp_path_factory.mktemp("onnx") / "tagger.onnx"
    ids = torch.ones(2, 5, dtype=torch.int64)
    axes = {"ids": {0: "batch", 1: "words_len"}}
    return exported(Tagger().eval(), (ids,), path, SCRIPT, input_names=["ids"], dynamic_axes=axes)


@pytest.mark.parametrize(("batch", "steps"), [(1, 9), (3, 4)])
def test_open_sizes(tagger: str, batch: int, steps: int) -> None:
    twin = hwcost.trace(Tagger(), torch.ones(batch, steps, dtype=torch.int64))
    trace = load_trace(tagger, batch=batch, seq_len=steps)
    assert macs(trace) == macs(twin) == batch * steps * (2 * 32 * (16 + 8) + 16 * 5)
    assert trace.parameters == twin.parameters
    loops = [item.times for item in count(trace.items) if isinstance(item, Loop)]
    assert loops == [steps, steps]


def test_every_counter_of_the_audit_takes_it(tagger: str) -> None:
    found = audit(load_subject(tagger, batch=2, seq_len=6))
    assert found.ours.total == 2 * 6 * (2 * 32 * (16 + 8) + 16 * 5)
    assert {each.counter: each.why_not for each in found.counts if each.macs is None} == {}
    unrolled = next(each for each in found.counts if each.counter == "unrolled")
    assert unrolled.total == found.ours.total
