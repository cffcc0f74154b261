"""NVIDIA, "GPU Performance Background User's Guide", table 1: FLOP per byte at 16 bits."""

import torch

from .recording import meta, work_of

aten = torch.ops.aten
HALF = torch.float16


def intensity(work) -> float:
    return work.flops / (work.read_bytes + work.write_bytes)


def linear(batch: int):
    return work_of(aten.mm.default, meta(batch, 1024, dtype=HALF), meta(4096, 1024, dtype=HALF).t())


def test_linear_layer_with_a_large_batch() -> None:
    assert round(intensity(linear(512))) == 315  # 2*512*1024*4096 / (2 * (512*1024 + 1024*4096 + 512*4096))


def test_linear_layer_with_one_row() -> None:
    assert round(intensity(linear(1))) == 1


def test_max_pool() -> None:
    x = meta(8, 64, 56, 56, dtype=HALF)
    assert intensity(work_of(aten.max_pool2d_with_indices.default, x, [3, 3], [1, 1], [1, 1])) == 2.25


def test_relu() -> None:
    assert intensity(work_of(aten.relu.default, meta(1000, dtype=HALF))) == 0.25


def test_layer_norm() -> None:
    x, w = meta(512, 1024, dtype=HALF), meta(1024, dtype=HALF)
    found = intensity(work_of(aten.native_layer_norm.default, x, [1024], w, w, 1e-5))
    assert 1.7 < found < 10  # 7 operations on 4 bytes, and the rows' statistics
