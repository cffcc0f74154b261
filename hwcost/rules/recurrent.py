"""The parts of a recurrent layer: the input product of all steps, and one step."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from hwcost.graph import Op, Product, Storage, Work, contiguous
from hwcost.rules.products import product_class
from hwcost.rules.registry import RULES
from hwcost.rules.work import operands, require, work_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Elementwise arithmetic of one step, per batch element and hidden unit.

    gates: blocks of H rows in its weights; each takes one addition for either bias, and one to sum
    the input's part with the state's. vector_ops: all further ones. special_ops: sigmoid and tanh.
    states: how many tensors it carries.
    """

    gates: int
    vector_ops: int
    special_ops: int
    states: int = 1


CELLS = {
    "lstm": Cell(gates=4, vector_ops=4, special_ops=5, states=2),
    "gru": Cell(gates=3, vector_ops=5, special_ops=3),
    "rnn_tanh": Cell(gates=1, vector_ops=0, special_ops=1),
    "rnn_relu": Cell(gates=1, vector_ops=1, special_ops=0),
}
"""By kind; the sums are in the docstrings of the steps below."""

STEP_OPERANDS = {
    "lstm": ("gates_x", "h", "c", "w_hh", "b_hh", "w_hr"),
    "gru": ("gates_x", "h", "w_hh", "b_hh"),
    "rnn_tanh": ("gates_x", "h", "w_hh", "b_hh"),
    "rnn_relu": ("gates_x", "h", "w_hh", "b_hh"),
}
"""Inputs of a step's op; the attributes have None for a bias or a projection that is absent."""


@RULES.add(*(f"torch.{kind}.input_product" for kind in CELLS))
def input_product(op: Op) -> Work:
    """gates_x[T*N, g*H] = x[T*N, I] @ w_ih[g*H, I]' (+ b_ih[g*H]), all steps of a sequence at once.

    macs         T * N * I * g * H, g = 4 for an LSTM, 3 for a GRU, 1 for a plain RNN
    vector_ops   T * N * g * H for the bias
    bytes        x, w_ih and b_ih are read once, gates_x is written once
    source       Appleyard et al. 2016, arXiv:1604.01946: what does not wait for the state runs at once
    """
    x, weight, *bias = op.inputs
    k, n = weight.shape[1], weight.shape[0]
    require(x.shape[-1] == k, op, f"the weight takes {k} inputs")
    product = Product(batch=1, m=x.elements // max(k, 1), k=k, n=n, a=x, b=weight, c=op.outputs[0])
    return work_of(
        op,
        product_class(product),
        macs=product.m * k * n,
        vector_ops=product.m * n * len(bias),
        products=(product,),
    )


@RULES.add("torch.lstm.step")
def lstm_step(op: Op) -> Work:
    """i, f, g, o = gates_x + h w_hh' (+ b_hh); c' = s(f) c + s(i) tanh(g); h' = s(o) tanh(c') (w_hr').

    macs         N * R * 4H for h[N,R] @ w_hh[4H,R]', and N * H * R where w_hr[R,H] projects; else R = H
    vector_ops   4HN for the bias, 4HN to sum both parts of the gates, 3HN for c', 1HN for h'
    special_ops  5HN: three sigmoids and two tanh
    bytes        gates_x of this step, h, c and the weights are read once; h' and c' are written to the
                 state, h' to the layer's result as well. The gates stay on the chip
    product      C is taken to be gates_x, which the product adds to
    source       torch.nn.LSTM; with the input product: 4H(I + H) macs per step and batch element
    """
    work = _step(op, "lstm")
    gates_x, h, _, _, _, projection = operands(op, *STEP_OPERANDS["lstm"])
    if projection is None or h is None or gates_x is None:
        return work
    width, hidden = projection.shape
    batch = work.products[0].m
    unprojected = Storage(id=f"{h.storage.id}.unprojected", elements=batch * hidden, dtype=h.dtype)
    a = contiguous(unprojected, (batch, hidden))
    product = Product(batch=1, m=batch, k=hidden, n=width, a=a, b=projection, c=h)
    return work_of(
        op,
        "recurrent step",
        macs=work.macs + batch * hidden * width,
        vector_ops=work.vector_ops,
        special_ops=work.special_ops,
        products=(*work.products, product),
    )


@RULES.add("torch.gru.step")
def gru_step(op: Op) -> Work:
    """r, z = s(gates_x + h w_hh' + b_hh); n = tanh(x_n + r (h w_n' + b_n)); h' = (1 - z) n + z h.

    macs         N * H * 3H for h[N,H] @ w_hh[3H,H]'
    vector_ops   3HN for the bias, 3HN to sum both parts of the gates, 1HN for r's product, 4HN for h'
    special_ops  3HN: two sigmoids and one tanh
    bytes        gates_x of this step, h and the weights are read once; h' is written to the state and to
                 the layer's result. The gates stay on the chip
    product      C is taken to be gates_x
    source       torch.nn.GRU; with the input product: 3H(I + H) macs per step and batch element
    """
    return _step(op, "gru")


@RULES.add("torch.rnn_tanh.step", "torch.rnn_relu.step")
def rnn_step(op: Op) -> Work:
    """RNN step: h' = f(gates_x + h w_hh' (+ b_hh)), f = tanh or relu.

    macs         N * H * H for h[N,H] @ w_hh[H,H]'
    vector_ops   1HN for the bias, 1HN to sum both parts, 1HN for relu
    special_ops  1HN for tanh
    bytes        gates_x of this step, h and the weights are read once; h' is written to the state and to
                 the layer's result
    product      C is taken to be gates_x
    source       torch.nn.RNN; with the input product: H(I + H) macs per step and batch element
    """
    return _step(op, op.name.split(".")[1])


@RULES.add(*(f"torch.{kind}.{end}_state" for kind in CELLS for end in ("initial", "final")))
def carried_state(op: Op) -> Work:
    """The layer's state before the first step is h0 (and c0); after the last it is h_n (and c_n).

    macs         0
    bytes        each state is read once and written once
    kernels      0: the copy rides with the first step, or the last
    """
    return work_of(op, "copy", kernels=0)


@RULES.add("aten._thnn_fused_lstm_cell", "aten._thnn_fused_gru_cell")
def fused_gates(op: Op) -> Work:
    """The step of a cell after both its products, as one kernel: gates_x, gates_h -> h' (and c').

    vector_ops   those of the steps above, biases where they are given
    special_ops  likewise
    bytes        both gates, the state and the biases are read once, the results are written once
    """
    cell = CELLS["lstm" if "lstm" in op.name else "gru"]
    gates_x, gates_h, _, *biases = op.inputs
    require(gates_x.shape == gates_h.shape, op, "the gates of input and state differ in shape")
    units = gates_x.elements // cell.gates
    vector_ops = units * (cell.gates * (1 + len(biases)) + cell.vector_ops)
    return work_of(op, "pointwise", vector_ops=vector_ops, special_ops=units * cell.special_ops)


def _step(op: Op, kind: str) -> Work:
    cell = CELLS[kind]
    found = dict(zip(STEP_OPERANDS[kind], operands(op, *STEP_OPERANDS[kind]), strict=True))
    gates_x, h = op.inputs[:2]
    w_hh = op.inputs[1 + cell.states]
    batch, k, n = prod(h.shape[:-1]), w_hh.shape[1], w_hh.shape[0]
    require(h.shape[-1] == k and n % cell.gates == 0, op, f"w_hh is {n} x {k}")
    units = batch * n // cell.gates
    additions = cell.gates * (1 + (found["b_hh"] is not None))
    return work_of(
        op,
        "recurrent step",
        macs=batch * k * n,
        vector_ops=units * (additions + cell.vector_ops),
        special_ops=units * cell.special_ops,
        products=(Product(batch=1, m=batch, k=k, n=n, a=h, b=w_hh, c=gates_x),),
    )
