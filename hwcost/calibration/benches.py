"""The micro-benchmarks of memory, arithmetic and starts: plain calls of torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import torch
from torch.nn import functional

from hwcost.calibration.bench import Bench

SMALLEST_BYTES: Final = 2**14
SMALLEST_WEIGHTS: Final = 2**20
BEYOND_CACHE: Final = 6
"""Sweeps go up to this many times the last cache, at least LARGEST_BYTES."""

LARGEST_BYTES: Final = 2**27
FLOAT_BYTES: Final = 4

DTYPES: Final = ("float32", "float64", "bfloat16", "float16", "int8")
SQUARES: Final = (256, 512, 1024, 2048)
"""Sides of square products whose best rate is the peak of a dtype."""

GPU_SQUARES: Final = (2048, 4096, 8192)

SIDES: Final = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128, 256)
FEW_SIDES: Final = (1, 2, 4, 8, 16, 64, 256)
"""Of products with weights beyond the nearest cache."""

LEAST_KEYS: Final = 64
QUERIES: Final = (1, 16, 64, 128, 512)
HEADS, HEAD_WIDTH = 8, 64
SPECIALS: Final = ("sigmoid", "tanh", "exp", "erf")
ELEMENTS: Final = 2**16
"""Elements for the rates of functions: 256 KiB, in cache."""


def memory_benches(device: str, cache_bytes: int) -> Iterator[Bench]:
    """Sweeps over growing arrays: a sum reads, an op in place reads and writes."""
    size = SMALLEST_BYTES
    while size <= max(BEYOND_CACHE * cache_bytes, LARGEST_BYTES):
        # Four sizes from one power of two to the next would cost time; two show where a level ends.
        for part in (size, size * 3 // 2):
            yield Bench(kind="read", sizes=(part,), work=part, make=partial(_read, device, part))
        yield Bench(kind="stream", sizes=(size,), work=2 * size, make=partial(_stream, device, size))
        size *= 2


def weight_benches(device: str, cache_bytes: int) -> Iterator[Bench]:
    """Products of one row with growing weights: sizes (bytes), work bytes.

    They read as weights are read, which is slower than a sum, and falls off at other sizes.
    """
    size = SMALLEST_WEIGHTS
    while size <= max(BEYOND_CACHE * cache_bytes, LARGEST_BYTES):
        for part in (size, size * 3 // 2):
            k, n = _sides(part)
            exact = FLOAT_BYTES * k * n
            yield Bench(kind="weights", sizes=(exact,), work=exact, make=partial(_product, device, 1, k, n))
        size *= 2


def _sides(size: int) -> tuple[int, int]:
    """Inputs, and four times as many outputs, whose matrix has about that many bytes.

    Both are multiples of 64, as those of most layers: with others products of many rows reach less.
    """
    k = 64 * max(1, round((size / FLOAT_BYTES / 4) ** 0.5 / 64))
    return k, 64 * max(1, round(size / FLOAT_BYTES / k / 64))


def _read(device: str, size: int) -> Callable[[], object]:
    return torch.ones(size // FLOAT_BYTES, device=device).sum


def _stream(device: str, size: int) -> Callable[[], object]:
    return torch.ones(size // FLOAT_BYTES, device=device).relu_


def peak_benches(device: str) -> Iterator[Bench]:
    """Square products of every dtype that torch multiplies."""
    for dtype in DTYPES:
        for side in GPU_SQUARES if device == "cuda" else SQUARES:
            yield Bench(
                kind=f"peak {dtype}",
                sizes=(side,),
                work=2 * side**3,
                make=partial(_square, device, dtype, side),
                group=dtype,
            )


def _square(device: str, dtype: str, side: int) -> Callable[[], object]:
    if dtype == "int8":
        a = torch.ones(side, side, dtype=torch.int8, device=device)
        return partial(torch._int_mm, a, a)  # noqa: SLF001  the one product of int8 that torch has
    a = torch.randn(side, side, device=device).to(getattr(torch, dtype))
    return partial(torch.mm, a, a)


def start_benches(device: str) -> Iterator[Bench]:
    """Calls with next to no work."""
    small = torch.ones(1, device=device)
    yield Bench(kind="start op", sizes=(), work=0, make=lambda: partial(torch.add, small, small))
    for kind in ("gemm", "attention"):
        yield Bench(kind=f"start {kind}", sizes=(), work=0, make=partial(_start, device, kind))


def _start(device: str, kind: str) -> Callable[[], object]:
    if kind == "gemm":
        return partial(torch.nn.Linear(8, 8).to(device).eval(), torch.ones(1, 8, device=device))
    q = torch.ones(1, 1, 1, 8, device=device)
    return partial(functional.scaled_dot_product_attention, q, q, q)


def product_benches(device: str, weight_bytes: tuple[int, ...]) -> Iterator[Bench]:
    """x[side,k] @ w[n,k]' with weights of each size."""
    for size in weight_bytes:
        k, n = _sides(size)
        for side in SIDES if size == min(weight_bytes) else FEW_SIDES:
            exact = FLOAT_BYTES * k * n
            yield Bench(
                kind="product",
                sizes=(side, size, exact),
                work=2 * side * k * n,
                make=partial(_product, device, side, k, n),
            )


def _product(device: str, side: int, k: int, n: int) -> Callable[[], object]:
    x, w = torch.randn(side, k, device=device), torch.randn(n, k, device=device)
    return partial(functional.linear, x, w, torch.zeros(n, device=device))


def function_benches(device: str) -> Iterator[Bench]:
    """Attention by queries; exp, tanh and the like; and what is no product."""
    for n in QUERIES:
        m = max(n, LEAST_KEYS)
        flops = 2 * 2 * HEADS * n * m * HEAD_WIDTH
        yield Bench(kind="attention", sizes=(n,), work=flops, make=partial(_attention, device, n, m))
    x = torch.randn(ELEMENTS, device=device)
    for name in SPECIALS:
        yield Bench(kind="special", sizes=(SPECIALS.index(name),), work=ELEMENTS, make=partial(_of, name, x))
    yield Bench(kind="vector", sizes=(), work=ELEMENTS, make=partial(_of, "relu_", x.clone()))
    rows = torch.randn(ELEMENTS // 512, 512, device=device)
    # Of a layer normalisation 5 operations per element, and 2 for its weight and bias.
    norm = torch.nn.LayerNorm(512).to(device).eval()
    yield Bench(kind="reduction", sizes=(), work=7 * ELEMENTS, make=lambda: partial(norm, rows))


def _of(name: str, x: torch.Tensor) -> Callable[[], object]:
    return getattr(x, name)  # type: ignore[no-any-return]


def _attention(device: str, n: int, m: int) -> Callable[[], object]:
    q = torch.randn(1, HEADS, n, HEAD_WIDTH, device=device)
    k = torch.randn(1, HEADS, m, HEAD_WIDTH, device=device)
    return partial(functional.scaled_dot_product_attention, q, k, k)
