"""The published work as traces of one op, or of one loop of steps, made without torch."""

from __future__ import annotations

from math import prod

from hwcost.graph import Attribute, Loop, Op, Role, Storage, Tensor, Trace, Tree, contiguous, leaves
from hwcost.rules.recurrent import CELLS


def product(m: int, n: int, k: int, *, a: str, b: str, dtype: str, c_dtype: str, name: str = "") -> Trace:
    """C[m,n] = A[m,k] B[k,n] with all three in columns; "T": that operand lies transposed in memory."""
    left = _columns("a", m, k, dtype, "weight", is_transposed=a == "T")
    right = _columns("b", k, n, dtype, "input", is_transposed=b == "T")
    c = _columns("c", m, n, c_dtype, "output", is_transposed=False)
    op = Op(name="aten.mm", inputs=(left, right), outputs=(c,))
    return chain(name or f"{m} x {n} x {k} {a}{b}", (op,), dtype)


def linear(batch: int, inputs: int, outputs: int, dtype: str, name: str = "") -> Trace:
    """y[batch,outputs] = x[batch,inputs] W' as torch lays it out."""
    x = first((batch, inputs), dtype)
    op = linear_op(x, outputs, "", "output")
    return chain(name or f"linear {inputs} to {outputs}, batch {batch}", (op,), dtype)


def linear_op(x: Tensor, outputs: int, key: str, role: Role) -> Op:
    """One fully connected layer of x[batch,inputs], without bias.

    key sets its tensors apart from those of other layers; role is that of its result.
    """
    (batch, inputs), dtype = x.shape, x.dtype
    w = contiguous(_storage(f"w{key}", inputs * outputs, dtype, "weight"), (outputs, inputs))
    y = contiguous(_storage(f"y{key}", batch * outputs, dtype, role), (batch, outputs))
    return Op(name="aten.linear", inputs=(x, w), outputs=(y,), attributes={"bias": None})


def convolution(
    batch: int,
    channels: int,
    filters: int,
    image: tuple[int, int],
    kernel: tuple[int, int],
    padding: tuple[int, int],
    stride: tuple[int, int],
    dtype: str,
) -> Trace:
    """A convolution y of x with w; image, kernel, padding and stride as (height, width)."""
    x = first((batch, channels, *image), dtype)
    op = convolution_op(x, filters, kernel, padding, stride, "", "output")
    size = f"{image[1]} x {image[0]}, {channels} to {filters}"
    title = f"{size}, {kernel[1]} x {kernel[0]} / {stride[0]}, batch {batch}"
    return chain(title, (op,), dtype)


def convolution_op(
    x: Tensor,
    filters: int,
    kernel: tuple[int, int],
    padding: tuple[int, int],
    stride: tuple[int, int],
    key: str,
    role: Role,
) -> Op:
    """One convolution of x[batch,channels,height,width], without bias; key and role as of `linear_op`."""
    batch, channels, *image = x.shape
    height, width = ((image[i] + 2 * padding[i] - kernel[i]) // stride[i] + 1 for i in range(len(image)))
    w_shape, y_shape = (filters, channels, *kernel), (batch, filters, height, width)
    w = contiguous(_storage(f"w{key}", prod(w_shape), x.dtype, "weight"), w_shape)
    y = contiguous(_storage(f"y{key}", prod(y_shape), x.dtype, role), y_shape)
    return Op(
        name="aten.convolution",
        inputs=(x, w),
        outputs=(y,),
        attributes={
            "bias": None,
            "stride": stride,
            "padding": padding,
            "dilation": (1, 1),
            "transposed": False,
            "output_padding": (0, 0),
            "groups": 1,
        },
    )


def recurrence(cell: str, hidden: int, batch: int, steps: int, dtype: str) -> Trace:
    """The steps of a recurrent layer without its input product."""
    gates = CELLS[cell].gates * hidden
    of_steps = _storage("gates_x", steps * batch * gates, dtype, "input")
    gates_x = contiguous(of_steps, (batch, gates), advance=(batch * gates,))
    states = tuple(
        contiguous(_storage(name, batch * hidden, dtype, "state"), (batch, hidden))
        for name in "hc"[: CELLS[cell].states]
    )
    w = contiguous(_storage("w_hh", gates * hidden, dtype, "weight"), (gates, hidden))
    y = contiguous(
        _storage("y", steps * batch * hidden, dtype, "output"), (batch, hidden), advance=(batch * hidden,)
    )
    absent = {"b_hh": None, "w_hr": None} if cell == "lstm" else {"b_hh": None}
    step = Op(
        name=f"torch.{cell}.step",
        inputs=(gates_x, *states, w),
        outputs=(y, *states),
        attributes={"layer": "l0", **absent},
    )
    title = f"{cell} hidden {hidden}, batch {batch}, {steps} steps"
    return chain(title, (Loop(times=steps, body=(step,)),), dtype)


def first(shape: tuple[int, ...], dtype: str) -> Tensor:
    """The input of a model."""
    return contiguous(_storage("x", prod(shape), dtype, "input"), shape)


def chain(
    name: str, items: Tree[Op], dtype: str, *, order: str = "offline", seq_len: int | None = None
) -> Trace:
    """Ops and loops one after the other, with the weights that they share counted once."""
    weights = {
        tensor.storage.id: tensor.storage
        for op, _ in leaves(items)
        for tensor in op.inputs
        if tensor.role == "weight"
    }
    return Trace(
        model=name,
        parameters=sum(weight.elements for weight in weights.values()),
        weight_bytes=sum(weight.bytes for weight in weights.values()),
        dtype=dtype,
        items=items,
        order=order,
        seq_len=seq_len,
    )


def pointwise(name: str, op: str, dtype: str, shape: tuple[int, ...], weights: int = 0) -> Trace:
    """An op from one tensor to another of the same shape, with weights of its last dimension."""
    x = first(shape, dtype)
    given = tuple(
        contiguous(_storage(f"w{i}", shape[-1], dtype, "weight"), shape[-1:]) for i in range(weights)
    )
    y = contiguous(_storage("y", prod(shape), dtype, "output"), shape)
    attributes: dict[str, Attribute] = {"normalized_shape": shape[-1:], "eps": 1e-5} if weights else {}
    made = Op(name=op, inputs=(x, *given), outputs=(y,), attributes=attributes)
    return chain(name, (made,), dtype)


def max_pool(name: str, dtype: str, shape: tuple[int, ...], side: int) -> Trace:
    """The largest of side x side neighbours, stride 1, edges filled."""
    x = first(shape, dtype)
    y = contiguous(_storage("y", prod(shape), dtype, "output"), shape)
    attributes = {"kernel_size": (side, side), "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1)}
    op = Op(name="aten.max_pool2d", inputs=(x,), outputs=(y,), attributes=attributes)
    return chain(name, (op,), dtype)


def _columns(key: str, rows: int, columns: int, dtype: str, role: Role, *, is_transposed: bool) -> Tensor:
    strides = (columns, 1) if is_transposed else (1, rows)
    return Tensor(
        storage=_storage(key, rows * columns, dtype, role),
        shape=(rows, columns),
        strides=strides,
        dtype=dtype,
    )


def _storage(key: str, elements: int, dtype: str, role: Role) -> Storage:
    return Storage(id=key, elements=elements, dtype=dtype, role=role)
