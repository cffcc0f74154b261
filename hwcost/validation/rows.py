"""A row of each table as a trace, on the card of one of its columns."""

from __future__ import annotations

from hwcost.graph import Trace
from hwcost.validation import operators, traces
from hwcost.validation.card import Card, Row
from hwcost.validation.layers import LAYERS
from hwcost.validation.networks import NETWORKS, network


def product(row: Row, card: Card) -> Trace:
    """A row of deepbench_gemm.csv and others."""
    m, n, k = (int(row[key]) for key in ("m", "n", "k"))
    return traces.product(m, n, k, a=row["a"], b=row["b"], dtype=card.dtype, c_dtype=card.result_dtype)


def convolution(row: Row, card: Card) -> Trace:
    """A row of deepbench_conv.csv."""

    def pair(name: str) -> tuple[int, int]:
        return int(row[f"{name}height"]), int(row[f"{name}width"])

    return traces.convolution(
        int(row["batch"]),
        int(row["channels"]),
        int(row["filters"]),
        pair(""),
        pair("filter_"),
        pair("pad_"),
        pair("stride_"),
        card.dtype,
    )


def recurrence(row: Row, card: Card) -> Trace:
    """A row of deepbench_rnn.csv."""
    hidden, batch, steps = (int(row[key]) for key in ("hidden", "batch", "steps"))
    return traces.recurrence(row["cell"], hidden, batch, steps, card.dtype)


def attention(row: Row, card: Card) -> Trace:
    """A row of attention.csv."""
    return operators.attention(
        batch=int(row["batch"]),
        heads=int(row["heads"]),
        key_heads=int(row["key_heads"]),
        n=int(row["n"]),
        m=int(row["m"]),
        d=int(row["d"]),
        dtype=card.dtype,
        is_causal=bool(int(row["causal"])),
    )


def depthwise(row: Row, card: Card) -> Trace:
    """A row of depthwise.csv."""
    return operators.depthwise(
        batch=int(row["batch"]),
        channels=int(row["channels"]),
        side=int(row["side"]),
        kernel=int(row["kernel"]),
        stride=int(row["stride"]),
        dtype=card.dtype,
    )


def fused_network(row: Row, card: Card) -> Trace:
    """A row of networks_ncnn.csv: norms and activations ride with the convolution before them."""
    return network(row["network"], int(row["batch"]), card.dtype, is_eager=False)


def eager_network(row: Row, card: Card) -> Trace:
    """A row of networks_mxnet.csv: norms and activations are ops of their own."""
    return network(row["network"], int(row["batch"]), card.dtype, is_eager=True)


def torch_network(row: Row, card: Card) -> Trace:
    """A row of networks.csv: torch has the stride of a bottleneck in its convolution of 3 x 3."""
    name = row["network"]
    late = f"{name}_late"
    return network(
        late if late in NETWORKS else name,
        int(row["batch"]),
        card.dtype,
        is_eager=True,
        is_training=row["mode"] == "training",
    )


def layer(row: Row, card: Card) -> Trace:
    """A row of torch_cpu.csv; sizes that its kind does not have are empty."""
    names = ("batch", "steps", "layers", "directions", "kernel", "stride", "side")
    sizes = {name: int(row[name]) for name in names if row[name]}
    widths = tuple(int(width) for width in row["widths"].split("-"))
    return LAYERS[row["kind"]](widths=widths, dtype=card.dtype, **sizes)
