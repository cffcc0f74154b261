"""Recurrent layers: formulas, torch unrolled on meta, cells, packed sequences, addresses."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.errors import RuleError
from hwcost.graph import Loop, Op, Work, leaves
from hwcost.rules.count import count

from .layers import CELLS, MODULES, cell, counted, layer, loops, module_of, totals
from .recording import flops_of, meta, tensor, work_by_hand

KINDS = list(MODULES)
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
small = st.integers(1, 5)


def test_lstm_by_hand() -> None:
    works = count((layer("lstm", 8, 16, steps=10, batch=2),))
    product, initial, loop, final = works
    assert isinstance(loop, Loop)
    (step,) = loop.body
    assert [work.op.name for work in (product, initial, step, final)] == [
        "torch.lstm.input_product",
        "torch.lstm.initial_state",
        "torch.lstm.step",
        "torch.lstm.final_state",
    ]
    assert (loop.times, loop.axis) == (10, "time")
    assert {work.op.module for work in (product, step)} == {"recurrent"}
    assert step.op.attributes["layer"] == "l0"
    assert (product.op_class, product.macs) == ("gemm", 10240)  # 10 * 2 * 8 * 4*16
    assert product.vector_ops == 1280  # 10 * 2 * 4*16
    assert (step.op_class, step.macs) == ("recurrent step", 2048)  # 2 * 16 * 4*16
    assert step.vector_ops == 384  # (4 bias + 4 sums + 3 + 1) * 16 * 2
    assert step.special_ops == 160  # 5 * 16 * 2
    (inner,) = step.products
    assert (inner.batch, inner.m, inner.k, inner.n) == (1, 2, 16, 64)
    assert step.read_bytes == 5120  # 4 * (2*64 gates + 2 * 2*16 states + 64*16 weights + 64 bias)
    assert step.write_bytes == 384  # 4 * 2*16 to y, h and c
    assert (initial.read_bytes, initial.write_bytes, initial.kernels) == (256, 256, 0)
    assert final.write_bytes == 128  # h_n; c_n is used by nobody


def test_gru_by_hand() -> None:
    product, _, loop, _ = count((layer("gru", 8, 16, steps=10, batch=2),))
    (step,) = loop.body
    assert product.macs == 7680  # 10 * 2 * 8 * 3*16
    assert step.macs == 1536  # 2 * 16 * 3*16
    assert step.vector_ops == 352  # (3 bias + 3 sums + 1 + 4) * 16 * 2
    assert step.special_ops == 96  # 3 * 16 * 2


def test_plain_rnn_by_hand() -> None:
    _, _, loop, _ = count((layer("rnn_tanh", 8, 16, steps=10, batch=2),))
    (step,) = loop.body
    assert (step.macs, step.vector_ops, step.special_ops) == (512, 64, 32)
    _, _, loop, _ = count((layer("rnn_relu", 8, 16, steps=10, batch=2, bias=False),))
    (step,) = loop.body
    assert (step.macs, step.vector_ops, step.special_ops) == (512, 64, 0)  # sum and relu


@given(inputs=small, hidden=small, steps=small, batch=small)
def test_formulas_per_step(inputs: int, hidden: int, steps: int, batch: int) -> None:
    for kind in KINDS:
        macs, _, special_ops = counted(layer(kind, inputs, hidden, steps=steps, batch=batch))
        assert macs == steps * batch * GATES[kind] * hidden * (inputs + hidden)
        per_unit = {"lstm": 5, "gru": 3, "rnn_tanh": 1, "rnn_relu": 0}[kind]
        assert special_ops == steps * batch * hidden * per_unit


@settings(max_examples=40)
@given(
    kind=st.sampled_from(KINDS),
    inputs=small,
    hidden=st.integers(2, 5),
    steps=small,
    batch=small,
    layers=st.integers(1, 3),
    bidirectional=st.booleans(),
    bias=st.booleans(),
    batch_first=st.booleans(),
    projection=st.integers(0, 1),
)
def test_agrees_with_torch_unrolled(
    kind, inputs, hidden, steps, batch, layers, bidirectional, bias, batch_first, projection
) -> None:
    options = {
        "num_layers": layers,
        "bidirectional": bidirectional,
        "bias": bias,
        "batch_first": batch_first,
    }
    if kind == "lstm":
        options["proj_size"] = projection
    module = module_of(kind, inputs, hidden, **options)
    x = meta(*((batch, steps) if batch_first else (steps, batch)), inputs)
    macs, _, _ = counted(layer(kind, inputs, hidden, steps=steps, batch=batch, **options))
    assert 2 * macs == flops_of(module, x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_a_layer_costs_what_its_cells_cost(kind: str, bias: bool, steps: int) -> None:
    whole = counted(layer(kind, 7, 5, steps=steps, batch=3, bias=bias))
    by_cells = totals(count(tuple(cell(kind, 7, 5, batch=3, bias=bias, name=str(t)) for t in range(steps))))
    assert whole == by_cells
    assert flops_of(CELLS[kind][0](7, 5, device="meta"), meta(3, 7)) * steps == 2 * whole[0]


@pytest.mark.parametrize("kind", KINDS)
def test_cell_parts(kind: str) -> None:
    product, step = count((cell(kind, 7, 5, batch=1),))
    assert product.op_class == "gemv"
    assert step.op_class == "recurrent step"
    assert step.writes[0].storage.id == "h'"
    vector = cell(kind, 7, 5)
    flat = replace(
        vector,
        inputs=tuple(
            replace(t, shape=t.shape[-1:], strides=(1,)) if t.shape[0] == 1 else t for t in vector.inputs
        ),
    )
    assert counted(flat) == counted(vector)


def test_double_the_batch_doubles_the_work_but_not_the_weights() -> None:
    one, two = (count((layer("lstm", 8, 16, steps=5, batch=n),)) for n in (1, 2))
    assert totals(two) == tuple(2 * number for number in totals(one))

    def weights(tree):
        return sum(t.bytes for work, _ in leaves(tree) for t in work.reads if t.storage.id.startswith("w"))

    assert weights(one) == weights(two) == 4 * (4 * 16 * (8 + 16) + 2 * 4 * 16)


def test_projection_by_hand() -> None:
    (loop,) = loops(count((layer("lstm", 8, 16, steps=3, batch=2, proj_size=4),)))
    (step,) = loop.body
    assert step.macs == 640  # 2 * (4 * 4*16 + 16 * 4)
    recurrent, projection = step.products
    assert (recurrent.m, recurrent.k, recurrent.n) == (2, 4, 64)
    assert (projection.m, projection.k, projection.n) == (2, 16, 4)
    assert step.vector_ops == 384  # as without a projection: it has no bias


def packed(lengths: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Lengths in decreasing order -> (batch, steps) of the packed sequence."""
    batches = [sum(length > t for length in lengths) for t in range(lengths[0])]
    return tuple((batch, batches.count(batch)) for batch in sorted(set(batches), reverse=True))


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4).map(lambda x: tuple(sorted(x, reverse=True))),
    kind=st.sampled_from(KINDS),
    bidirectional=st.booleans(),
)
def test_packed_sequences_cost_the_sum_of_their_lengths(lengths, kind, bidirectional) -> None:
    whole = counted(layer(kind, 3, 4, runs=packed(lengths), bidirectional=bidirectional, num_layers=2))
    alone = [
        counted(layer(kind, 3, 4, steps=length, bidirectional=bidirectional, num_layers=2))
        for length in lengths
    ]
    assert whole == tuple(sum(column) for column in zip(*alone, strict=True))


def test_packed_runs_go_forwards_and_backwards() -> None:
    op = layer("lstm", 3, 4, runs=((3, 2), (1, 5)), bidirectional=True)
    forwards_3, forwards_1, backwards_1, backwards_3 = loops(count((op,)))
    assert [loop.times for loop in (forwards_3, forwards_1)] == [2, 5]
    assert [loop.times for loop in (backwards_1, backwards_3)] == [5, 2]
    gates = [loop.body[0].reads[0] for loop in (forwards_3, forwards_1, backwards_1, backwards_3)]
    assert [t.shape for t in gates] == [(3, 16), (1, 16), (1, 16), (3, 16)]
    assert [t.offset for t in gates] == [0, 6 * 16, 10 * 16, 3 * 16]  # last rows first, backwards
    assert [t.advance for t in gates] == [(48,), (16,), (-16,), (-48,)]
    assert backwards_1.body[0].op.attributes["layer"] == "l0_reverse"
    states = [loop.body[0].reads[1] for loop in (backwards_1, backwards_3)]
    assert states[0].storage == states[1].storage
    assert states[0].storage.role == "state"


def addresses(tree) -> set[int]:
    """Every element of y that the loops write, round after round."""
    written: list[int] = []
    for loop in loops(tree):
        (step,) = loop.body
        y = step.writes[0]
        assert y.storage.id == "y"
        for t in range(loop.times):
            start = y.offset + t * y.advance[0]
            written += [
                start + n * y.strides[0] + r * y.strides[1]
                for n in range(y.shape[0])
                for r in range(y.shape[1])
            ]
    assert len(written) == len(set(written)), "an element is written twice"
    return set(written)


@given(steps=small, batch=small, hidden=small, batch_first=st.booleans(), bidirectional=st.booleans())
def test_the_steps_fill_the_result_once(steps, batch, hidden, batch_first, bidirectional) -> None:
    for runs in (None, ((batch + 1, steps), (1, 2))):
        op = layer(
            "gru",
            3,
            hidden,
            steps=steps,
            batch=batch,
            runs=runs,
            batch_first=batch_first and not runs,
            bidirectional=bidirectional,
        )
        assert addresses(count((op,))) == set(range(op.outputs[0].elements))


def test_a_layer_reads_the_whole_layer_below() -> None:
    op = layer("lstm", 3, 4, steps=6, batch=2, num_layers=2, bidirectional=True)
    products = [work for work, _ in leaves(count((op,))) if work.op.name.endswith("input_product")]
    assert [work.reads[0].storage.id for work in products] == ["x", "x", "y.l0", "y.l0"]
    assert [work.op.attributes["layer"] for work in products] == ["l0", "l0_reverse", "l1", "l1_reverse"]
    assert products[2].macs == 1536  # 6 * 2 * 8 * 16: both directions side by side
    ids = [t.storage.id for work, _ in leaves(count((op,))) for t in work.writes]
    gates = [name for name in ids if name.endswith("gates_x")]
    assert len(gates) == len(set(gates)) == 4


def test_in_an_outer_loop_the_steps_advance_in_the_inner_one() -> None:
    op = layer("lstm", 3, 4, steps=6, batch=2)
    x = replace(op.inputs[0], advance=(36,))
    outer = Loop(times=5, body=(replace(op, inputs=(x, *op.inputs[1:])),))
    (counted_loop,) = count((outer,))
    product, _, inner, _ = counted_loop.body
    assert product.reads[0].advance == (36,)
    (step,) = inner.body
    assert step.reads[0].advance == (0, 32)  # gates_x: a new one each outer round
    assert step.writes[0].advance == (0, 8)
    assert step.reads[1].advance == ()
    assert totals((counted_loop,))[0] == 5 * counted(op)[0]


def test_missing_weights_and_wrong_packing_are_errors() -> None:
    op = layer("lstm", 3, 4, steps=6, num_layers=2)
    with pytest.raises(RuleError, match="a weight is missing"):
        count((replace(op, inputs=op.inputs[:-1]),))
    op = layer("gru", 3, 4, runs=((2, 2),))
    with pytest.raises(RuleError, match="the batch sizes sum to 3 rows"):
        count((replace(op, attributes={**op.attributes, "batch_sizes": ((2, 1), (1, 1))}),))


def test_fused_gates_of_a_gpu_count_as_the_step() -> None:
    gates = tensor("a", 2, 64), tensor("b", 2, 64)
    biases = tensor("c", 64), tensor("d", 64)
    state = tensor("s", 2, 16)
    work = work_by_hand("aten._thnn_fused_lstm_cell", [*gates, state, *biases], [tensor("h", 2, 16)])
    _, vector_ops, special_ops = counted(cell("lstm", 3, 16, batch=2))
    assert (work.vector_ops, work.special_ops) == (vector_ops, special_ops)


def gpu_op(kind: str, op: Op) -> Op:
    x, *rest = op.inputs
    count_of_states = 2 if kind == "lstm" else 1
    states, weights = rest[:count_of_states], rest[count_of_states:]
    attributes = {
        "weight_stride0": 4,
        "weight_buf": None,
        "mode": {"rnn_relu": 0, "rnn_tanh": 1, "lstm": 2, "gru": 3}[kind],
        "num_layers": 2,
        "batch_first": False,
        "bidirectional": True,
        "batch_sizes": (),
        "dropout_state": None,
    }
    return Op(
        name="aten._cudnn_rnn", inputs=(x, *weights, *states), outputs=op.outputs, attributes=attributes
    )


@pytest.mark.parametrize("kind", KINDS)
def test_gpu_layers_are_led_back_to_torchs(kind: str) -> None:
    op = layer(kind, 3, 4, steps=5, batch=2, num_layers=2, bidirectional=True)
    assert counted(gpu_op(kind, op)) == counted(op)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_cpu_layers_are_led_back_to_torchs(kind: str) -> None:
    op = layer(kind, 3, 4, steps=5, batch=2)
    x, h0, *rest = op.inputs
    weights = rest[1:] if kind == "lstm" else rest
    c0 = rest[0] if kind == "lstm" else h0
    below = Op(
        name="aten.mkldnn_rnn_layer",
        inputs=(x, *weights, h0, c0),
        outputs=(*op.outputs, tensor("workspace", 1)),
        attributes={"mode": 2 if kind == "lstm" else 3, "has_biases": True, "reverse": False},
    )
    assert counted(below) == counted(op)


def test_torchs_own_counter_sees_nothing_where_onednn_runs() -> None:
    """Why layers are caught whole: below torch.lstm a CPU runs one op that counters do not know."""
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this torch has no oneDNN")
    module = torch.nn.LSTM(3, 4).eval()
    with torch.no_grad():
        assert flops_of(module, torch.zeros(5, 2, 3)) == 0
    assert counted(layer("lstm", 3, 4, steps=5, batch=2))[0] == 1120  # 5 * 2 * 4*4 * (3 + 4)


def test_expansion_is_deterministic() -> None:
    op = layer("lstm", 3, 4, steps=6, num_layers=2)
    assert count((op,)) == count((op,))
    assert all(isinstance(work, Work) for work, _ in leaves(count((op,))))
