"""The networks of published workloads as traces: what torch would record of them, made without torch."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final

from hwcost.graph import Attribute, Loop, Op, Role, Storage, Tensor, Trace, contiguous
from hwcost.rules.recurrent import CELLS
from hwcost.validation.traces import chain, first

DTYPE: Final = "float32"
"""What their weights are trained in; a chip takes them in its own bits."""

SIDE: Final = 224
COLOURS: Final = 3
"""An image of ImageNet: rows, columns and channels."""

KERNEL: Final = 3
HEADS: Final = (4096, 4096, 1000)
"""Of a VGG (Simonyan and Zisserman 2015, table 1): the sides of its filters, and its last layers."""

GATES: Final = CELLS["lstm"].gates


def mlp(name: str, widths: Sequence[int]) -> Trace:
    """Fully connected layers from widths[0] inputs on, each with a bias and a sigmoid, for one vector."""
    x = first((1, widths[0]), DTYPE)
    ops: list[Op] = []
    for i, width in enumerate(widths[1:], start=1):
        ops.append(_affine(x, width, f"{i}"))
        role: Role = "output" if i == len(widths) - 1 else "activation"
        ops.append(_pointwise("aten.sigmoid", ops[-1].outputs[0], f"{i}.sigmoid", role))
        x = ops[-1].outputs[0]
    return chain(name, tuple(ops), DTYPE)


def vgg(name: str, channels: Sequence[int]) -> Trace:
    """A VGG for one image. channels: of its convolutions; 0 stands for a maximum of 2 x 2."""
    x = first((1, COLOURS, SIDE, SIDE), DTYPE)
    ops: list[Op] = []
    for i, width in enumerate(channels):
        layer = (_halved(x, f"{i}"),) if not width else _with_relu(_convolved(x, width, f"{i}"))
        ops += layer
        x = ops[-1].outputs[0]
    x = contiguous(x.storage, (1, prod(x.shape)))
    for i, width in enumerate(HEADS[:-1], start=len(channels)):
        ops += _with_relu(_affine(x, width, f"{i}"))
        x = ops[-1].outputs[0]
    ops.append(_affine(x, HEADS[-1], "last", "output"))
    return chain(name, tuple(ops), DTYPE)


def language_model(
    name: str, *, layers: int, inputs: int, hidden: int, projection: int, words: int, steps: int
) -> Trace:
    """A stack of LSTM layers over one sequence, and behind it a layer of words for all steps at once.

    projection: how wide the state is that a layer passes on; 0: as wide as hidden.
    """
    width = projection or hidden
    x = contiguous(_storage("x", steps * inputs, "input"), (steps, 1, inputs))
    states = tuple(
        contiguous(_storage(key, layers * size, "activation"), (layers, 1, size))
        for key, size in (("h0", width), ("c0", hidden))
    )
    y = contiguous(_storage("y", steps * width, "activation"), (steps, 1, width))
    ends = tuple(
        contiguous(_storage(key, state.elements, "activation"), state.shape)
        for key, state in zip(("h", "c"), states, strict=True)
    )
    stack = Op(
        name="torch.lstm",
        inputs=(x, *states, *_lstm_weights(layers, inputs, hidden, projection)),
        outputs=(y, *ends),
        attributes=_lstm_attributes(layers, projection),
    )
    flat = contiguous(y.storage, (steps, width))
    return chain(name, (*map(_zeros, states), stack, _affine(flat, words, "words", "output")), DTYPE)


def lstm_stream(name: str, inputs: int, hidden: int, steps: int) -> Trace:
    """One LSTM layer whose inputs arrive step by step."""
    x = contiguous(_storage("x", steps * inputs, "input"), (1, 1, inputs), advance=(inputs,))
    states = tuple(contiguous(_storage(key, hidden, "state"), (1, 1, hidden)) for key in "hc")
    y = contiguous(_storage("y", steps * hidden, "output"), (1, 1, hidden), advance=(hidden,))
    step = Op(
        name="torch.lstm",
        inputs=(x, *states, *_lstm_weights(1, inputs, hidden, 0)),
        outputs=(y, *states),
        attributes=_lstm_attributes(1, 0),
    )
    loop = Loop(times=steps, body=(step,), axis="steps")
    return chain(name, (*map(_zeros, states), loop), DTYPE, order="streaming", seq_len=steps)


def _affine(x: Tensor, width: int, key: str, role: Role = "activation") -> Op:
    """x[n,k] W' + bias, as torch lays out W[width,k]."""
    n, k = x.shape
    bias = _weight(f"{key}.bias", width)
    stored = _weight(f"{key}.weight", width, k)
    w = Tensor(storage=stored.storage, shape=(k, width), strides=(1, k), dtype=DTYPE)
    y = contiguous(_storage(f"{key}.y", n * width, role), (n, width))
    return Op(name="aten.addmm", inputs=(bias, x, w), outputs=(y,), attributes={"beta": 1, "alpha": 1})


def _convolved(x: Tensor, filters: int, key: str) -> Op:
    """3 x 3 filters with a bias, edges filled."""
    batch, channels, *image = x.shape
    w = _weight(f"{key}.weight", filters, channels, KERNEL, KERNEL)
    shape = (batch, filters, *image)
    y = contiguous(_storage(f"{key}.y", prod(shape), "activation"), shape)
    attributes: dict[str, Attribute] = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1)}
    attributes |= {"transposed": False, "output_padding": (0, 0), "groups": 1}
    inputs = (x, w, _weight(f"{key}.bias", filters))
    return Op(name="aten.convolution", inputs=inputs, outputs=(y,), attributes=attributes)


def _with_relu(op: Op) -> tuple[Op, Op]:
    y = op.outputs[0]
    return op, _pointwise("aten.relu", y, f"{y.storage.id}.relu")


def _halved(x: Tensor, key: str) -> Op:
    """The largest of 2 x 2, and where it was."""
    shape = (*x.shape[:2], *(side // 2 for side in x.shape[2:]))
    places = Storage(id=f"{key}.places", elements=prod(shape), dtype="int64")
    outputs = (contiguous(_storage(f"{key}.y", prod(shape), "activation"), shape), contiguous(places, shape))
    attributes: dict[str, Attribute] = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    attributes |= {"dilation": (1, 1), "ceil_mode": False}
    return Op(name="aten.max_pool2d_with_indices", inputs=(x,), outputs=outputs, attributes=attributes)


def _pointwise(name: str, x: Tensor, key: str, role: Role = "activation") -> Op:
    y = contiguous(_storage(key, x.elements, role), x.shape)
    return Op(name=name, inputs=(x,), outputs=(y,), is_pointwise=True)


def _zeros(state: Tensor) -> Op:
    return Op(name="aten.zeros", outputs=(state,), attributes={"dtype": DTYPE, "size": state.shape})


def _lstm_weights(layers: int, inputs: int, hidden: int, projection: int) -> tuple[Tensor, ...]:
    """w_ih, w_hh, b_ih, b_hh and, where h is projected, w_hr of each layer."""
    width = projection or hidden
    rows = GATES * hidden
    found = []
    for layer in range(layers):
        shapes: dict[str, tuple[int, ...]] = {
            "w_ih": (rows, width if layer else inputs),
            "w_hh": (rows, width),
            "b_ih": (rows,),
            "b_hh": (rows,),
        }
        if projection:
            shapes["w_hr"] = (projection, hidden)
        found += [_weight(f"{key}_l{layer}", *shape) for key, shape in shapes.items()]
    return tuple(found)


def _lstm_attributes(layers: int, projection: int) -> dict[str, Attribute]:
    return {
        "has_biases": True,
        "num_layers": layers,
        "bidirectional": False,
        "batch_first": False,
        "batch_sizes": None,
        "projection": projection,
    }


def _weight(key: str, *shape: int) -> Tensor:
    storage = Storage(id=key, elements=prod(shape), dtype=DTYPE, role="weight", name=key)
    return contiguous(storage, shape)


def _storage(key: str, elements: int, role: Role) -> Storage:
    return Storage(id=key, elements=elements, dtype=DTYPE, role=role)
