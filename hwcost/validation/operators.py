"""Attention and depthwise convolutions of published tables as traces of one op, made without torch."""

from __future__ import annotations

from math import prod

from hwcost.graph import Op, Role, Storage, Tensor, Trace, contiguous


def attention(
    *, batch: int, heads: int, key_heads: int, n: int, m: int, d: int, dtype: str, is_causal: bool
) -> Trace:
    """softmax(Q K') V of n queries and m keys, d wide."""
    q = _tensor("q", (batch, heads, n, d), dtype, "input")
    k, v = (_tensor(key, (batch, key_heads, m, d), dtype, "input") for key in "kv")
    y = _tensor("y", (batch, heads, n, d), dtype, "output")
    op = Op(
        name="torch.scaled_dot_product_attention",
        inputs=(q, k, v),
        outputs=(y,),
        attributes={
            "attn_mask": None,
            "dropout_p": 0.0,
            "is_causal": is_causal,
            "scale": None,
            "enable_gqa": heads != key_heads,
        },
    )
    title = f"{batch} x {heads} heads of {d}, {n} queries, {m} keys in {key_heads} heads"
    return _trace(f"{title}, causal" if is_causal else title, op, dtype)


def depthwise(*, batch: int, channels: int, side: int, kernel: int, stride: int, dtype: str) -> Trace:
    """A convolution of each channel of a square image with its own kernel, edges filled."""
    padding = kernel // 2
    reach = (side + 2 * padding - kernel) // stride + 1
    x = _tensor("x", (batch, channels, side, side), dtype, "input")
    w = _tensor("w", (channels, 1, kernel, kernel), dtype, "weight")
    y = _tensor("y", (batch, channels, reach, reach), dtype, "output")
    op = Op(
        name="aten.convolution",
        inputs=(x, w),
        outputs=(y,),
        attributes={
            "bias": None,
            "stride": (stride, stride),
            "padding": (padding, padding),
            "dilation": (1, 1),
            "transposed": False,
            "output_padding": (0, 0),
            "groups": channels,
        },
    )
    title = f"{channels} channels of {side} x {side}, {kernel} x {kernel} / {stride}, batch {batch}"
    return _trace(title, op, dtype)


def _tensor(key: str, shape: tuple[int, ...], dtype: str, role: Role) -> Tensor:
    return contiguous(Storage(id=key, elements=prod(shape), dtype=dtype, role=role), shape)


def _trace(title: str, op: Op, dtype: str) -> Trace:
    return Trace(model=title, parameters=0, weight_bytes=0, dtype=dtype, items=(op,))
