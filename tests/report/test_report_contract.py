"""The machine-readable report: its names and types, as others read them."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from priced import MACHINE, cost, costs, report

from hwcost.report import Cost, Report

SHAPE: dict[str, dict[str, tuple[type, ...]]] = {
    "model": {
        "name": (str,),
        "parameters": (int,),
        "weight_bytes": (int,),
        "seq_len": (int, type(None)),
        "batch": (int, type(None)),
        "dtype": (str,),
        "formats": (dict,),
        "order": (str,),
        "state_bytes": (int, type(None)),
    },
    "device": {"name": (str,), "kind": (str,), "unverified_numbers": (int,)},
    "totals": {
        "macs": (int,),
        "flops": (int,),
        "bytes": (int,),
        "bytes_low": (int,),
        "bytes_high": (int,),
        "intensity": (float, type(None)),
        "ridge_point": (float, type(None)),
        "roofline_s": (float,),
        "expected_s": (float,),
        "fast_s": (float,),
        "slow_s": (float,),
        "energy_j": (float, type(None)),
        "bound": (str,),
        "sequential_depth": (int,),
    },
}

LAYER = [
    "module",
    "op",
    "op_class",
    "calls",
    "macs",
    "flops",
    "bytes",
    "intensity",
    "expected_s",
    "share",
    "bound",
]


def read(result: Report) -> Any:
    """What a reader of the JSON gets; fails on NaN and infinity, which are no JSON."""
    return json.loads(json.dumps(result.to_dict(), allow_nan=False))


def check(whole: Any) -> None:
    assert list(whole) == [
        *("schema", "model", "device", "totals", "levels", "layers", "steps", "lower_bound", "assumed_ops")
    ]
    assert whole["schema"] == "hwcost.report/1"
    for part, fields in SHAPE.items():
        assert list(whole[part]) == list(fields)
        for name, types in fields.items():
            assert isinstance(whole[part][name], types), f"{part}.{name} is {whole[part][name]!r}"
    assert whole["totals"]["bound"] in ("compute", "latency", *(level["name"] for level in whole["levels"]))
    assert all(list(layer) == LAYER for layer in whole["layers"])
    assert all(list(level) == ["name", "read_bytes", "write_bytes", "seconds"] for level in whole["levels"])
    if whole["steps"] is not None:
        assert list(whole["steps"]) == ["count", "first", "steady", "last"]
        parts = [whole["steps"][name] for name in ("first", "steady", "last")]
        assert all(list(part) == ["bytes", "expected_s"] for part in parts if part is not None)


def test_by_hand() -> None:
    result = report(
        cost(macs=100, read=30.4, write=10.0, low=20.0, high=80.0, expected_s=2.0, energy_j=0.5),
        cost(
            "x.y",
            module="a",
            macs=1,
            read=0.2,
            expected_s=2.0,
            bound="compute",
            is_assumed=True,
            energy_j=1.0,
        ),
        seq_len=5,
        batch=2,
        sequential_depth=7,
    )
    whole = read(result)
    check(whole)
    assert whole["model"] == {
        "name": "m",
        "parameters": 10,
        "weight_bytes": 40,
        "seq_len": 5,
        "batch": 2,
        "dtype": "float32",
        "formats": {
            "weights": "float32",
            "activations": "float32",
            "kv": "float32",
            "computed_in": "float32",
            "unit": "vector",
            "stand_ins": [],
        },
        "order": "offline",
        "state_bytes": None,
    }
    assert whole["device"] == {"name": "paper", "kind": "cpu", "unverified_numbers": 2}
    assert whole["totals"]["bytes"] == 41  # 30.4 + 10 + 0.2, rounded
    assert whole["totals"]["energy_j"] == 1.5
    assert whole["totals"]["sequential_depth"] == 7
    assert whole["levels"][1] == {
        "name": "dram",
        "read_bytes": 31,  # 30.4 + 0.2
        "write_bytes": 10,
        "seconds": pytest.approx(40.6 / 5e7),
    }
    assert [layer["share"] for layer in whole["layers"]] == [0.5, 0.5]
    assert whole["steps"] is None
    assert (whole["lower_bound"], whole["assumed_ops"]) == (True, ["x.y"])


def test_a_model_without_ops() -> None:
    whole = read(report())
    check(whole)
    assert whole["totals"]["intensity"] is None
    assert whole["totals"]["bound"] == "latency"


def test_what_is_not_finite_is_null() -> None:
    slope = replace(MACHINE.slopes[1], peak_bytes_per_s=0.0)
    endless = cost(macs=1, read=nan, expected_s=inf)
    whole = read(report(endless, machine=replace(MACHINE, slopes=(slope,))))
    assert whole["totals"]["bytes"] is None
    assert whole["totals"]["expected_s"] is None
    assert whole["totals"]["ridge_point"] is None


@given(st.lists(costs(), max_size=8))
def test_every_report_keeps_the_contract(some: list[Cost]) -> None:
    check(read(report(*some)))
