"""Exported programs: what they were before the export, and nothing of them is run that is no op."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import hwcost
from hwcost.errors import HwcostError
from hwcost.graph import Trace, leaves
from hwcost.load import load_trace
from hwcost.rules.count import count
from hwcost.sources import exported_arguments, exported_ops

pytestmark = pytest.mark.filterwarnings("ignore")


class Tagger(nn.Module):
    """Embedding, LSTM, attention, a product; positions from a buffer, a constant in the code."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 32, 2, batch_first=True)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.out = nn.Linear(32, 50)
        self.register_buffer("order", torch.tensor([4, 3, 2, 1, 0]))

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.embedding(ids)[:, self.order] * torch.tensor([0.5])
        x, _ = self.lstm(x)
        return tuple(self.out(self.layer(x)).chunk(2, -1))


class Pooled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        self.out = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.conv(x).mean((2, 3))).reshape(x.shape[0] * 2, 2)


def saved(model: nn.Module, *inputs: torch.Tensor, path: Path, **options: Any) -> str:
    torch.export.save(torch.export.export(model.eval(), inputs, **options), path)
    return str(path)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> str:
    ids = torch.ones(2, 5, dtype=torch.int64)
    return saved(Tagger(), ids, path=tmp_path_factory.mktemp("exported") / "tagger.pt2")


def work(trace: Trace) -> list[tuple[str, str, int, int]]:
    """(module, op, MACs, calls) of every op with products."""
    return [(w.op.module, w.op.name, w.macs, calls) for w, calls in leaves(count(trace.items)) if w.macs]


def test_the_same_as_before_the_export(tagger: str) -> None:
    before = hwcost.trace(Tagger().eval(), torch.ones(2, 5, dtype=torch.int64))
    after = load_trace(tagger)
    assert (after.model, after.parameters, after.weight_bytes) == (
        "tagger",
        before.parameters,
        before.weight_bytes,
    )
    assert work(after) == work(before)
    assert {op.name for op, _ in leaves(after.items)} >= {"torch.lstm", "torch.scaled_dot_product_attention"}
    names = {tensor.storage.name for op, _ in leaves(after.items) for tensor in op.inputs}
    assert {"lstm.weight_ih_l0", "layer.self_attn.in_proj_weight", "out.bias"} <= names


def test_by_hand(tagger: str) -> None:
    # 10 tokens: LSTM 128 * (16 + 32) and 128 * (32 + 32); projections 4 * 32 * 32; scores and use 2 * 5 * 32;
    # feed-forward 2 * 32 * 64; out 32 * 50
    per_token = 128 * 48 + 128 * 64 + 4 * 32 * 32 + 2 * 5 * 32 + 2 * 32 * 64 + 32 * 50
    assert sum(macs * calls for _, _, macs, calls in work(load_trace(tagger))) == 10 * per_token


def test_sizes_left_open_are_those_of_the_example(tmp_path: Path) -> None:
    batch = torch.export.Dim("batch", min=2, max=64)
    path = saved(
        Pooled(), torch.zeros(4, 3, 8, 8), path=tmp_path / "pooled.pt2", dynamic_shapes={"x": {0: batch}}
    )
    macs = sum(macs * calls for _, _, macs, calls in work(load_trace(path)))
    assert macs == 4 * (6 * 6 * 8 * 3 * 3 * 3 + 8 * 4)


def changed(path: str, to: Path, change: Callable[[dict[str, Any]], None]) -> str:
    """The same archive with its graph changed."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith("models/model.json"):
                whole = json.loads(content)
                change(whole["graph_module"])
                content = json.dumps(whole).encode()
            new.writestr(entry.filename, content)
    return str(to)


def with_first_target(target: str) -> Callable[[dict[str, Any]], None]:
    def change(graph_module: dict[str, Any]) -> None:
        graph_module["graph"]["nodes"][0]["target"] = target

    return change


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "torch.load",
        "torch.ops.load_library",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.__class__.default",
        "torch.ops.aten.embedding.__init__",
        "torch.ops.mine.op.default",
        "_operator.pow",
        "torch.ops.higher_order.cond",
    ],
)
def test_nothing_is_run_but_ops(tagger: str, tmp_path: Path, target: str) -> None:
    path = changed(tagger, tmp_path / "changed.pt2", with_first_target(target))
    with pytest.raises(HwcostError) as found:
        load_trace(path)
    assert f"calls {target}, which" in str(found.value)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_is_unpickled_and_no_formula_evaluated(tagger: str, tmp_path: Path) -> None:
    went_off = tmp_path / "went_off"
    bomb = pickle.dumps(Bomb(went_off))
    formula = f"__import__('pathlib').Path({str(went_off)!r}).touch()"

    def open_size(graph_module: dict[str, Any]) -> None:
        expression = {"as_expr": {"expr_str": formula, "hint": {"as_int": 2}}}
        graph_module["graph"]["tensor_values"]["ids"]["sizes"][0] = expression

    path = changed(tagger, tmp_path / "open.pt2", open_size)
    armed = tmp_path / "armed.pt2"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(armed, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, bomb if entry.filename.endswith(".pt") else old.read(entry))
    assert load_trace(str(armed)).parameters > 0
    assert not went_off.exists()
    with suppress(Exception):
        torch.export.load(armed)
    assert went_off.exists()  # the bomb is a real one


def without_the_order(graph_module: dict[str, Any]) -> None:
    del graph_module["graph"]["tensor_values"]["b_order"]


def of_unknown_type(graph_module: dict[str, Any]) -> None:
    graph_module["graph"]["tensor_values"]["p_out_bias"]["dtype"] = 99


def with_a_token(graph_module: dict[str, Any]) -> None:
    graph_module["signature"]["input_specs"][0] = {"token": {"arg": {"name": "t"}}}


def with_a_cycle(graph_module: dict[str, Any]) -> None:
    nodes = graph_module["graph"]["nodes"]
    nodes[0], nodes[-1] = nodes[-1], nodes[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_the_order, "is no exported program that can be read: KeyError: 'b_order'"),
        (of_unknown_type, "has a tensor of the unknown type 99"),
        (with_a_token, "takes a token"),
        (with_a_cycle, "uses a value before it is made"),
        (lambda graph_module: graph_module.clear(), "is no exported program that can be read"),
    ],
)
def test_graphs_that_cannot_be_read(
    tagger: str, tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    with pytest.raises(HwcostError) as found:
        load_trace(changed(tagger, tmp_path / "changed.pt2", change))
    assert message in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated(tagger: str, tmp_path: Path, share: float) -> None:
    whole = Path(tagger).read_bytes()
    (tmp_path / "cut.pt2").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(HwcostError, match=r"is truncated|without the graph"):
        load_trace(str(tmp_path / "cut.pt2"))


def test_other_files(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(3)}, buffer)
    (tmp_path / "weights.pt2").write_bytes(buffer.getvalue())
    with pytest.raises(HwcostError, match="without the graph of an exported program"):
        load_trace(str(tmp_path / "weights.pt2"))
    with pytest.raises(HwcostError, match="there is no such file"):
        load_trace(str(tmp_path / "none.pt2"))
    with pytest.raises(HwcostError, match="has its sizes already"):
        load_trace(str(tmp_path / "none.pt2"), seq_len=3)


def test_numbers_of_the_schema_are_torchs() -> None:
    from torch._export.serde import schema, serialize

    assert {
        int(code): dtype for code, dtype in serialize._SERIALIZE_TO_TORCH_DTYPE.items()
    } == exported_arguments.SCALAR_TYPES
    formats = {int(code): form for code, form in serialize._SERIALIZE_TO_TORCH_MEMORY_FORMAT.items()}
    assert formats == exported_arguments.MEMORY_FORMATS
    assert schema.Layout.Strided.value == exported_arguments.STRIDED


def test_powers_are_no_arithmetic_of_sizes() -> None:
    assert not any("pow" in name or "lshift" in name for name in exported_ops.ARITHMETIC)


class Masked(nn.Module):
    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        hidden = torch.ones(8, 8, dtype=torch.bool).triu(1)
        return scores.masked_fill(hidden, float("-inf")).softmax(-1)


def test_infinity_is_written_as_a_word_and_read_as_a_number(tmp_path: Path) -> None:
    path = saved(Masked(), torch.zeros(8, 8), path=tmp_path / "masked.pt2")
    (fill,) = (op for op, _ in leaves(load_trace(path).items) if op.name == "aten.masked_fill")
    assert fill.attributes["band"] == (-7, 0)  # keys from 7 before the query to its own
