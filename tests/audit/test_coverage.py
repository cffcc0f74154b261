"""Which ops are known: shares by count and by bytes, and where the others are."""

from __future__ import annotations

import json

import pytest

from hwcost.audit.coverage import coverage
from hwcost.graph import Loop, Op, Storage, Trace, contiguous
from hwcost.render.coverage import coverage_json, coverage_text, share


def tensor(name: str, elements: int):
    return contiguous(Storage(id=name, elements=elements, dtype="float32"), (elements,))


def op(name: str, module: str, elements: int, **marks: bool) -> Op:
    inputs = (tensor(f"{name}.{module}.in", elements),)
    return Op(
        name=name, module=module, inputs=inputs, outputs=(tensor(f"{name}.{module}.out", elements),), **marks
    )


TRACE = Trace(
    model="it",
    parameters=0,
    weight_bytes=0,
    dtype="float32",
    items=(
        op("aten.relu", "a", 10),
        op("mine.wave", "b", 5, is_pointwise=True),
        op("mine.look", "b", 5, is_view=True),
        op("mine.odd", "c", 20),
        Loop(times=3, body=(op("mine.odd", "d.0", 10),)),
    ),
)


def test_by_hand() -> None:
    found = coverage(TRACE)
    assert found.calls == {"rule": 1, "pointwise": 1, "view": 1, "assumed": 4}
    # 4 bytes, read once and written once; a view moves nothing
    assert found.bytes == {"rule": 80, "pointwise": 40, "view": 0, "assumed": 160 + 3 * 80}
    assert found.known_calls == pytest.approx(3 / 7)
    assert found.known_bytes == pytest.approx(120 / 520)
    (odd,) = found.unknown
    assert (odd.op, odd.calls, odd.bytes, odd.modules) == ("mine.odd", 4, 400, ("c", "d.0"))


def test_the_text_names_what_is_not_known() -> None:
    text = coverage_text([coverage(TRACE)])
    assert text.startswith("Ops without a rule in it: totals there are a lower bound.\n")
    assert "- it: mine.odd in c and d.0: 4 calls, 400 B." in text
    assert "42.86 %" in text
    assert max(map(len, text.splitlines())) <= 80


def test_json() -> None:
    whole = json.loads(coverage_json([coverage(TRACE)]))
    assert whole["schema"] == "hwcost.coverage/1"
    (model,) = whole["models"]
    assert model["assumed"] == [{"op": "mine.odd", "calls": 4, "bytes": 400, "modules": ["c", "d.0"]}]
    assert model["known_bytes"] == pytest.approx(120 / 520)


def test_an_empty_model_lacks_nothing() -> None:
    empty = coverage(Trace(model="empty", parameters=0, weight_bytes=0, dtype="float32", items=()))
    assert (empty.known_calls, empty.known_bytes) == (1.0, 1.0)


def test_a_share_is_whole_only_where_nothing_is_missing() -> None:
    assert [share(1.0), share(0.9999999), share(0.5), share(0.0)] == ["100 %", "99.99 %", "50 %", "0 %"]
