"""Pooling, transforms, resampling, random numbers, quantisation, linear algebra, losses."""

import pytest
import torch

from hwcost.graph import leaves
from hwcost.rules.count import count

from .recording import meta, recorded, tensor, work_by_hand, work_of

aten = torch.ops.aten


def cost(work) -> tuple[int, int]:
    return work.vector_ops, work.special_ops


def test_pools_by_hand() -> None:
    x = meta(1, 2, 8, 8)
    largest = work_of(aten.max_pool2d_with_indices.default, x, [3, 3], [1, 1], [1, 1])
    assert cost(largest) == (1152, 0)  # 9 * 128
    assert largest.write_bytes == 512  # 4 * 128: nothing reads the indices
    average = work_of(aten.avg_pool2d.default, x, [2], [2])
    assert cost(average) == (128, 32)  # 4 * 32 sums, 32 divisions
    everything = work_of(aten._adaptive_avg_pool2d.default, x, [1, 1])
    assert cost(everything) == (128, 2)
    assert cost(work_of(aten.mean.dim, x, [2, 3])) == (128, 2)  # the same thing


def test_adaptive_windows_overlap() -> None:
    work = work_of(aten._adaptive_avg_pool2d.default, meta(1, 1, 5, 4), [3, 4])
    assert cost(work) == (28, 12)  # rows 0-1, 1-3, 3-4: 2 + 3 + 2 = 7, times 4 columns of 1
    assert cost(work_of(aten.adaptive_max_pool2d.default, meta(1, 1, 5, 4), [3, 4]))[0] == 28


def test_indices_of_a_pool_are_written_where_they_are_used() -> None:
    def unpooled(x):
        values, indices = aten.max_pool2d_with_indices.default(x, [2, 2])
        return aten.max_unpool2d.default(values, indices, [8, 8])

    pool, *_ = count(tuple(recorded(unpooled, meta(1, 2, 8, 8))))
    assert pool.write_bytes == 384  # (4 + 8) * 32


def test_fourier_by_hand() -> None:
    real = work_of(aten._fft_r2c.default, meta(3, 64), [1], 0, True)
    assert real.vector_ops == 2880  # 3 * 2.5 * 64 * 6
    complex_ = work_of(aten._fft_c2c.default, meta(3, 64, dtype=torch.complex64), [1], 0, True)
    assert complex_.vector_ops == 5760
    back = work_of(aten._fft_c2r.default, meta(3, 33, dtype=torch.complex64), [1], 0, 64)
    assert back.vector_ops == 2880
    plane = work_of(aten._fft_c2c.default, meta(8, 16, dtype=torch.complex64), [0, 1], 0, True)
    assert plane.vector_ops == 4480  # 5 * 128 * 7
    assert all(work.counts_real for work in (real, complex_, back, plane))


@pytest.mark.parametrize(
    ("call", "per_element"),
    [
        ((aten.upsample_nearest2d.default, meta(1, 2, 4, 4), [8, 8]), 0),
        ((aten.upsample_linear1d.default, meta(1, 2, 4), [8], False), 3),
        ((aten.upsample_bilinear2d.default, meta(1, 2, 4, 4), [8, 8], False), 9),
        ((aten.upsample_trilinear3d.default, meta(1, 2, 4, 4, 4), [8, 8, 8], False), 21),
        ((aten.upsample_bicubic2d.default, meta(1, 2, 4, 4), [8, 8], False), 35),
    ],
    ids=lambda value: value[0].__name__ if isinstance(value, tuple) else None,
)
def test_interpolation(call, per_element) -> None:
    function, *arguments = call
    work = work_of(function, *arguments)
    assert work.vector_ops == per_element * work.writes[0].elements


def test_sampling_a_grid() -> None:
    work = work_of(aten.grid_sampler_2d.default, meta(1, 3, 8, 8), meta(1, 4, 4, 2), 0, 0, False)
    assert work.vector_ops == 592  # (2 * 4 - 1) * 48 + 8 * 32
    nearest = work_of(aten.grid_sampler_2d.default, meta(1, 3, 8, 8), meta(1, 4, 4, 2), 1, 0, False)
    assert nearest.vector_ops == 256
    grid = work_of(aten.affine_grid_generator.default, meta(1, 2, 3), [1, 3, 4, 4], False)
    assert grid.macs == 96  # 4 * 4 * 2 * 3


def test_random_numbers() -> None:
    assert cost(work_of(aten.rand.default, [10], device="meta")) == (0, 10)
    assert cost(work_of(aten.randn.default, [10], device="meta")) == (0, 40)
    uniform = work_of(aten.uniform_.default, meta(10))
    assert (uniform.read_bytes, uniform.write_bytes) == (0, 40)
    drawn = work_of(aten.bernoulli.default, meta(10))
    assert drawn.read_bytes == 40  # its probabilities


def test_dropout_by_hand() -> None:
    work = work_of(aten.native_dropout.default, meta(10), 0.5, True)
    assert cost(work) == (20, 10)
    assert work.write_bytes == 40  # nothing reads the mask
    idle = work_by_hand("aten.dropout", [tensor("x", 10)], [tensor("y", 10)], train=False)
    assert idle.flops == 0


def test_quantisation() -> None:
    x, scale = tensor("x", 10), tensor("s", 10)
    q = tensor("q", 10, dtype="int8")
    work = work_by_hand("quantized_decomposed.quantize_per_tensor", [x, scale], [q])
    assert (cost(work), work.write_bytes) == ((40, 0), 10)
    assert cost(work_by_hand("quantized_decomposed.dequantize_per_tensor", [q, scale], [x])) == (20, 0)


def test_linear_algebra_to_leading_order() -> None:
    a, b = meta(2, 30, 30), meta(2, 30, 4)
    assert work_of(aten.linalg_cholesky_ex.default, a).macs == 9000  # 2 * 30^3 / 6
    assert work_of(aten.linalg_lu_factor_ex.default, a).macs == 18000  # 2 * 30^3 / 3
    assert work_of(aten.linalg_inv_ex.default, a).macs == 54000  # 2 * 30^3
    assert work_of(aten.linalg_solve_triangular.default, a, b, upper=True).macs == 3600  # 2 * 900 * 4 / 2
    assert work_of(aten.cholesky_solve.default, b, a).macs == 7200  # both triangles
    assert work_of(aten._linalg_solve_ex.default, a, b).macs == 25200  # 2 * (9000 + 900 * 4)
    tall = work_of(aten.linalg_qr.default, meta(50, 10), "r")
    assert tall.macs == 4668  # 2 * (50*10*10 - 60*100/2 + 1000/3 rounded up)


def test_losses() -> None:
    x, y = meta(4, 10), meta(4, 10)
    assert cost(work_of(aten.mse_loss.default, x, y)) == (120, 1)  # 3 * 40, one division
    assert cost(work_of(aten.mse_loss.default, x, y, 0)) == (80, 0)
    targets = meta(4, dtype=torch.int64)
    nll = work_of(aten.nll_loss_forward.default, x, targets, None, 1, -100)
    assert nll.read_bytes == 48  # 4 targets: one number each, and the targets


def test_a_training_step_of_a_small_network_has_no_unknown_op() -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.AvgPool2d(2),
        torch.nn.GroupNorm(2, 4),
        torch.nn.Hardswish(),
        torch.nn.Upsample(scale_factor=2, mode="bilinear"),
        torch.nn.AdaptiveAvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Dropout(),
        torch.nn.Linear(16, 5),
        torch.nn.LogSoftmax(-1),
    ).to("meta")

    def train(x):
        with torch.enable_grad():
            loss = network(x).sum() + torch.nn.functional.mse_loss(network[0](x), meta(2, 4, 18, 18))
            loss.backward()

    ops = tuple(recorded(train, meta(2, 3, 20, 20)))
    assert len(ops) > 40
    assert not [work.op.name for work, _ in leaves(count(ops)) if work.is_assumed]
