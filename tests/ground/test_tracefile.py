"""Saved traces: what is written is read again; what is damaged is one clear error."""

import json
import random
from pathlib import Path

import pytest

from hwcost.errors import HwcostError, TraceFileError
from hwcost.graph import Loop, Op, Storage, Trace, contiguous
from hwcost.tracefile import LARGEST_FILE_BYTES, from_json, read, to_json, write


def small() -> Trace:
    weight = Storage(id="w", elements=6, dtype="float32", role="weight", name="layer.weight")
    x = Storage(id="x", elements=20, dtype="float32", role="input")
    y = Storage(id="y", elements=30, dtype="float32", role="output")
    op = Op(
        name="aten.mm",
        module="layer",
        inputs=(contiguous(x, (1, 2), advance=(2,)), contiguous(weight, (2, 3))),
        outputs=(contiguous(y, (1, 3), advance=(3,)),),
        attributes={"alpha": 1, "sizes": (1, 2, None), "name": "x", "flag": True, "beta": 0.5},
    )
    return Trace(
        model="small",
        parameters=6,
        weight_bytes=24,
        dtype="float32",
        seq_len=10,
        batch=1,
        items=(Loop(times=10, body=(op,)), op),
        assumptions=("a note",),
        made_by={"hwcost": "0"},
    )


def test_round_trip(tmp_path: Path) -> None:
    trace = small()
    assert from_json(to_json(trace)) == trace
    trace.save(tmp_path / "t.json")
    assert Trace.load(tmp_path / "t.json") == trace


def test_truncated_anywhere() -> None:
    text = to_json(small())
    for length in range(0, len(text), 7):
        with pytest.raises(TraceFileError) as error:
            from_json(text[:length])
        assert "\n" not in str(error.value)


def test_altered_anywhere() -> None:
    rng = random.Random(0)
    refusals: list[str] = []
    text = to_json(small())
    for _ in range(2000):
        at = rng.randrange(len(text))
        altered = text[:at] + rng.choice('0123456789-.eE"[]{},:xnul ') + text[at + 1 :]
        try:
            from_json(altered)
        except TraceFileError as error:
            refusals.append(str(error))
    assert len(refusals) > 500
    assert not any("\n" in refusal for refusal in refusals)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "hwcost.trace/9"),
        (("parameters",), -1),
        (("parameters",), float("inf")),
        (("storages", 0, 3), []),
        (("storages", 0, 3), "king"),
        (("storages", 0, 2), "float33"),
        (("tensors", 0, 2), [1]),
        (("tensors", 0, 0), 99),
        (("tensors", 0, 4), 1.5),
        (("items", 0, "times"), True),
        (("items",), 3),
    ],
)
def test_wrong_values(path: tuple[str | int, ...], value: object) -> None:
    data = json.loads(to_json(small()))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(TraceFileError):
        from_json(json.dumps(data))


def test_files_that_are_no_traces(tmp_path: Path) -> None:
    binary, missing = tmp_path / "b.json", tmp_path / "none.json"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (binary, missing, tmp_path):
        with pytest.raises(TraceFileError):
            read(path)
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(LARGEST_FILE_BYTES + 1)
    with pytest.raises(TraceFileError, match="larger than"):
        read(huge)


def test_nothing_half_written(tmp_path: Path) -> None:
    with pytest.raises(HwcostError, match="cannot write"):
        write(small(), tmp_path / "no" / "t.json")
    assert list(tmp_path.iterdir()) == []
