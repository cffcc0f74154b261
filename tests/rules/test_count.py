"""Counting a tree of ops: defaults, strictness, loops, expansions, and speed."""

import sys
from dataclasses import replace
from types import FrameType

import pytest
import torch

from hwcost.errors import UnknownOpError
from hwcost.graph import Loop, Op, Work, leaves
from hwcost.rules.count import assumed_names, count
from hwcost.rules.registry import Registry, filled, is_in_place, plain, rule_for

from .layers import layer
from .recording import tensor

TORCH = tuple(int(part) for part in torch.__version__.split(".")[:2])


def unknown(name: str = "mylib.mystery") -> Op:
    return Op(name=name, inputs=(tensor("x", 10), tensor("z", 5)), outputs=(tensor("y", 10),))


def add(x: str, y: str) -> Op:
    return Op(name="aten.add", inputs=(tensor(x, 10), tensor(x, 10)), outputs=(tensor(y, 10),))


def test_what_has_no_rule_is_assumed_and_says_so() -> None:
    (work,) = count((unknown(),))
    assert work.is_assumed
    assert (work.op_class, work.flops) == ("unknown", 0)
    assert (work.read_bytes, work.write_bytes) == (60, 40)


def test_defaults_by_schema_and_tag() -> None:
    (view,) = count((replace(unknown(), is_view=True),))
    assert (view.op_class, view.kernels, view.read_bytes, view.is_assumed) == ("view", 0, 0, False)
    (pointwise,) = count((replace(unknown(), is_pointwise=True),))
    assert (pointwise.op_class, pointwise.vector_ops, pointwise.is_assumed) == ("pointwise", 10, False)


def test_strict_names_the_ops_without_a_rule() -> None:
    items = (add("x", "a"), unknown("lib.one"), Loop(times=2, body=(unknown("lib.two"), unknown("lib.one"))))
    with pytest.raises(UnknownOpError, match=r"no rule for lib.one, lib.two; "):
        count(items, strict=True)
    assert assumed_names(count(items)) == ("lib.one", "lib.two")
    assert count(items[:1], strict=True)


def test_a_loop_of_ops_becomes_a_loop_of_works() -> None:
    (loop,) = count((Loop(times=7, body=(add("x", "y"),), axis="time"),))
    assert (loop.times, loop.axis) == (7, "time")
    assert sum(work.vector_ops * calls for work, calls in leaves((loop,))) == 70


def test_an_expansion_takes_its_place_and_keeps_the_order() -> None:
    tree = count((add("x", "a"), layer("gru", 3, 4, steps=5), add("y", "b")))
    names = [work.op.name for work, _ in leaves(tree)]
    assert names[0] == names[-1] == "aten.add"
    assert names[1] == "torch.gru.input_product"
    (loop,) = [item for item in tree if isinstance(item, Loop)]
    assert loop.times == 5


def test_results_that_the_model_returns_are_written_though_nothing_reads_them() -> None:
    x, y = tensor("x", 4, 5), tensor("y", 4)
    indices = tensor("i", 4, dtype="int64")
    op = Op(name="aten.max", inputs=(x,), outputs=(y, indices), attributes={"dim": 1})
    (unread,) = count((op,))
    assert unread.write_bytes == 16
    returned = replace(indices, storage=replace(indices.storage, role="output"))
    (read,) = count((replace(op, outputs=(y, returned)),))
    assert read.write_bytes == 48
    used = Op(name="aten.neg", inputs=(indices,), outputs=(tensor("n", 4, dtype="int64"),))
    assert count((op, used))[0].write_bytes == 48


def test_a_rule_is_registered_once() -> None:
    registry = Registry()

    @registry.add("lib.one", "lib.two")
    def rule(op: Op) -> Work:
        raise NotImplementedError

    assert registry.find("lib.one") is rule
    with pytest.raises(ValueError, match=r"lib\.two has a rule already"):
        registry.add("lib.two")(rule)


def test_names_that_share_a_rule() -> None:
    assert plain("aten.add_") == "aten.add"
    assert plain("aten._foreach_add_") == "aten.add"
    assert plain("aten.__and__") == "aten.__and__"
    assert rule_for("aten.add_") is rule_for("aten.add")
    assert rule_for("aten.copy_") is not rule_for("aten.copy")
    assert is_in_place(Op(name="aten.add_"))
    assert not is_in_place(Op(name="aten.__and__"))


def test_torchs_core_ops_all_have_a_rule() -> None:
    missing = []
    for name in torch._C._dispatch_get_all_op_names():
        namespace, _, rest = name.partition("::")
        base, _, overload = rest.partition(".")
        if namespace != "aten":
            continue
        op = getattr(getattr(torch.ops.aten, base), overload or "default", None)
        if op is None or torch.Tag.core not in op.tags:
            continue
        is_view = any(each.alias_info is not None for each in op._schema.returns)
        if not is_view and torch.Tag.pointwise not in op.tags and rule_for(f"aten.{base}") is None:
            missing.append(base)
    assert not missing


@pytest.mark.skipif(TORCH < (2, 13), reason="rules know ops that older versions do not have")
def test_rules_name_ops_that_exist() -> None:
    known = {name.partition("::")[2].partition(".")[0] for name in torch._C._dispatch_get_all_op_names()}
    names = [name.removeprefix("aten.") for name, _ in filled() if name.startswith("aten.")]
    assert len(names) > 500
    assert not [name for name in names if name not in known and f"{name}_" not in known]


def test_long_traces_take_calls_in_proportion() -> None:
    def calls(n: int) -> int:
        items = tuple(add(f"s{i}", f"s{i + 1}") for i in range(n))
        found = 0

        def seen(_: FrameType, event: str, __: object) -> None:
            nonlocal found
            found += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(seen)
        try:
            count(items)
        finally:
            sys.setprofile(before)
        return found

    calls(100)  # what is remembered after the first time
    short, long = calls(200), calls(2000)
    assert 2000 <= long <= 10 * short


def test_a_long_sequence_takes_no_longer_than_a_short_one() -> None:
    tree = count((layer("lstm", 3, 4, steps=10**6),))
    assert len(list(leaves(tree))) == 4
    assert sum(work.macs * calls for work, calls in leaves(tree)) == 10**6 * 4 * 4 * 7
