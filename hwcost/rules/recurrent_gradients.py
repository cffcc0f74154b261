"""The parts of a recurrent layer's backward pass: one step, and what is summed over all steps at once."""

from __future__ import annotations

from dataclasses import replace

from hwcost.graph import Op, Product, Storage, Work, contiguous
from hwcost.rules.products import product_class
from hwcost.rules.recurrent import CELLS
from hwcost.rules.registry import RULES
from hwcost.rules.work import operands, require, work_of

GRADIENT_OPERANDS = {
    "lstm": ("gradient", "gates", "c", "c_before", "dh", "dc", "w_hh", "w_hr"),
    "gru": ("gradient", "gates", "products", "h_before", "dh", "w_hh"),
    "rnn_tanh": ("gradient", "h", "dh", "w_hh"),
    "rnn_relu": ("gradient", "h", "dh", "w_hh"),
}
"""Inputs of a step's backward op; the attributes have None for those that are absent."""

VECTOR_OPS = {"lstm": 22, "gru": 17, "rnn_tanh": 3, "rnn_relu": 2}
"""Per batch element and hidden unit; the sums are in the docstrings below."""

SPECIAL_OPS = {"lstm": 1, "gru": 0, "rnn_tanh": 0, "rnn_relu": 0}

UNPROJECTED_VECTOR_OPS, UNPROJECTED_SPECIAL_OPS = 1, 1
"""Per unit, to make o tanh(c') anew: a product and a tanh."""


@RULES.add("torch.lstm.step_backward")
def lstm_step_backward(op: Op) -> Work:
    """Gradients of one LSTM step: of its gates, di df dg do, then dh = d(gates) w_hh and dc = dc f.

    macs         N * 4H * R for d(gates)[N,4H] @ w_hh[4H,R], none where the state before needs no gradient;
                 and N * R * H for dh[N,R] @ w_hr[R,H] where there is a projection
    vector_ops   22HN: do = dh tanh(c') o (1 - o) 4; dc + dh o (1 - tanh(c')^2) 5; di = dc g i (1 - i) 4;
                 df = dc c f (1 - f) 4; dg = dc i (1 - g^2) 4; dc f 1; and 1 more per element of the gradient
                 that comes from above, to add it to dh
    special_ops  1HN for tanh(c')
    bytes        the gradient from above, the gates, c', c, dh, dc and the weights are read once; d(gates),
                 dh and dc are written once, dh of all steps too where there is a projection
    source       Hochreiter and Schmidhuber 1997; aten/src/ATen/native/cuda/RNN.cu, lstm_cell_backward
    """
    work = _step(op, "lstm")
    *_, projection = operands(op, *GRADIENT_OPERANDS["lstm"])
    if projection is None:
        return work
    width, hidden = projection.shape
    (dh,) = operands(op, *GRADIENT_OPERANDS["lstm"][:5])[4:]
    batch = op.outputs[0].elements // op.outputs[0].shape[-1]
    name, dtype = f"{op.outputs[0].storage.id}.unprojected", op.outputs[0].dtype
    c = contiguous(Storage(id=name, elements=batch * hidden, dtype=dtype), (batch, hidden))
    product = Product(batch=1, m=batch, k=width, n=hidden, a=dh or c, b=projection, c=c)
    return replace(work, macs=work.macs + batch * width * hidden, products=(*work.products, product))


@RULES.add("torch.gru.step_backward")
def gru_step_backward(op: Op) -> Work:
    """Gradients of one GRU step: of both parts of its gates, then dh = dh z + d(gates_h) w_hh.

    macs         N * 3H * H for d(gates_h)[N,3H] @ w_hh[3H,H], none where the state before needs no gradient
    vector_ops   17HN: dz = dh (h - n) z (1 - z) 5; dn = dh (1 - z) (1 - n^2) 5; dr = dn q r (1 - r) 4,
                 q = h w_n' + b_n; dq = dn r 1; dh z and the sum 2; and 1 more per element of the gradient
                 that comes from above
    bytes        the gradient from above, the gates, q, h, dh and w_hh are read once; the gradients of both
                 parts of the gates and dh are written once
    source       aten/src/ATen/native/cuda/RNN.cu, gru_cell_backward
    """
    return _step(op, "gru")


@RULES.add("torch.rnn_tanh.step_backward", "torch.rnn_relu.step_backward")
def rnn_step_backward(op: Op) -> Work:
    """RNN step backward: da = dh f'(h), then dh = da w_hh.

    macs         N * H * H for da[N,H] @ w_hh[H,H], none where the state before needs no gradient
    vector_ops   tanh 3HN, (1 - h^2) and the product; relu 2HN, compare and select; and 1 more per element of
                 the gradient that comes from above
    bytes        the gradient from above, h, dh and w_hh are read once; da and dh are written once
    """
    return _step(op, op.name.split(".")[1])


@RULES.add(*(f"torch.{kind}.input_weight_gradient" for kind in CELLS))
def input_weight_gradient(op: Op) -> Work:
    """dw_ih[g*H, I] = d(gates)[T*N, g*H]' @ x[T*N, I], all steps of a sequence at once.

    macs         g * H * T * N * I
    bytes        d(gates) and x are read once, dw_ih is written once
    source       Appleyard et al. 2016, arXiv:1604.01946: the sum over steps is one product
    """
    return _weight_gradient(op)


@RULES.add(*(f"torch.{kind}.state_weight_gradient" for kind in CELLS))
def state_weight_gradient(op: Op) -> Work:
    """dw_hh[g*H, R] = d(gates)[T*N, g*H]' @ h[T*N, R], h the state before each step: h0, then y.

    macs         g * H * T * N * R
    bytes        d(gates), y and h0 are read once, dw_hh is written once
    source       as the gradient of w_ih
    """
    return _weight_gradient(op)


@RULES.add("torch.lstm.projection_gradient")
def projection_gradient(op: Op) -> Work:
    """dw_hr[R, H] = dh[T*N, R]' @ (o tanh(c'))[T*N, H].

    macs         R * T * N * H
    vector_ops   T * N * H to make o tanh(c') anew
    special_ops  T * N * H for tanh(c')
    bytes        dh, the gates and c' are read once, dw_hr is written once
    """
    dh, _, cells = op.inputs
    positions, width, hidden = cells.shape[0], dh.shape[-1], cells.shape[-1]
    product = Product(batch=1, m=width, k=positions, n=hidden, a=dh, b=cells, c=op.outputs[0])
    return work_of(
        op,
        product_class(product),
        macs=width * positions * hidden,
        vector_ops=UNPROJECTED_VECTOR_OPS * cells.elements,
        special_ops=UNPROJECTED_SPECIAL_OPS * cells.elements,
        products=(product,),
    )


@RULES.add(*(f"torch.{kind}.input_gradient" for kind in CELLS))
def input_gradient(op: Op) -> Work:
    """dx[T*N, I] (+)= d(gates)[T*N, g*H] @ w_ih[g*H, I], all steps of a sequence at once.

    macs         T * N * g * H * I
    vector_ops   T * N * I where the other direction's gradient is there already and is added to
    bytes        d(gates), w_ih (and dx) are read once, dx is written once
    """
    gates, weight, *others = op.inputs
    dx = op.outputs[0]
    k, n = weight.shape
    require(gates.shape[-1] == k, op, f"the weight has {k} rows")
    product = Product(batch=1, m=gates.elements // max(k, 1), k=k, n=n, a=gates, b=weight, c=dx)
    return work_of(
        op,
        product_class(product),
        macs=product.m * k * n,
        vector_ops=dx.elements * len(others),
        products=(product,),
    )


@RULES.add(*(f"torch.{kind}.bias_gradient" for kind in CELLS))
def bias_gradient(op: Op) -> Work:
    """db[g*H] = sum over steps and batch of d(gates)[T*N, g*H]; outside of a GRU it is that of both biases.

    vector_ops   T * N * g * H
    bytes        d(gates) are read once, each gradient is written once
    """
    return work_of(op, "reduction", vector_ops=op.inputs[0].elements)


@RULES.add(*(f"torch.{kind}.{end}_gradient" for kind in CELLS for end in ("last", "first")))
def carried_gradient(op: Op) -> Work:
    """The gradient of the last state is that of h_n (and c_n), or 0; that of the first is h0's (and c0's).

    macs         0
    bytes        each is read once, where it is there, and written once
    kernels      0: the copy rides with the first step, or the last
    """
    return work_of(op, "copy", kernels=0)


def _step(op: Op, kind: str) -> Work:
    found = dict(zip(GRADIENT_OPERANDS[kind], operands(op, *GRADIENT_OPERANDS[kind]), strict=True))
    gates = op.outputs[0]
    units = gates.elements // CELLS[kind].gates
    above, weight = found["gradient"], found["w_hh"]
    vector_ops = VECTOR_OPS[kind] * units + (0 if above is None else above.elements)
    products: tuple[Product, ...] = ()
    if weight is not None:
        k, n = weight.shape
        require(gates.shape[-1] == k, op, f"w_hh is {k} x {n}")
        used = op.outputs[1] if kind == "gru" else gates
        c = found["dh"] or gates
        products = (Product(batch=1, m=gates.elements // k, k=k, n=n, a=used, b=weight, c=c),)
    return work_of(
        op,
        "recurrent step",
        macs=sum(product.m * product.k * product.n for product in products),
        vector_ops=vector_ops,
        special_ops=SPECIAL_OPS[kind] * units,
        products=products,
    )


def _weight_gradient(op: Op) -> Work:
    gates, x = op.inputs[:2]
    dw = op.outputs[0]
    m, n = dw.shape
    require(gates.shape[-1] == m and x.shape[-1] == n, op, f"the gradient is {m} x {n}")
    k = gates.elements // max(m, 1)
    product = Product(batch=1, m=m, k=k, n=n, a=gates, b=x, c=dw)
    return work_of(op, product_class(product), macs=m * k * n, products=(product,))
