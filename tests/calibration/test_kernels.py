import pytest

from hwcost.calibration.kernels import kernel_figures, steps_of
from hwcost.calibration.places import memory_of
from hwcost.calibration.reading import Readings, among_others
from tests.calibration.synthetic import (
    CACHE,
    CONVOLUTION,
    ELEMENT,
    FAR,
    LAYER,
    MIXED_FACTOR,
    NEAR,
    PACK,
    PEAK,
    START,
    VECTOR_START,
    WEIGHT_SPEED,
    machine,
    reading,
    readings,
    share,
)


def test_weights_lie_near_and_far() -> None:
    memory = memory_of(readings())
    assert [place.name for place in memory.places] == ["l1", "l2", "dram"]
    assert memory.weights[""] == NEAR
    assert memory.weights["l2"] == pytest.approx(CACHE / 2, rel=0.3)
    assert memory.weights["dram"] == pytest.approx(FAR, rel=0.3)


def test_the_told_caches_get_their_speed() -> None:
    l1, l2, dram = memory_of(readings()).places
    assert (l1.is_fitted, l2.is_fitted) == (False, True)
    assert l1.capacity_bytes == 2**15
    assert l1.bytes_per_s == l2.bytes_per_s == pytest.approx(80e9, rel=0.01)
    assert dram.bytes_per_s == pytest.approx(20e9, rel=0.01)
    assert l2.peak_bytes_per_s == pytest.approx(120e9, rel=0.01)  # in place: 1.5 times as fast


def with_weights(end: int) -> Readings:
    """Products that read at 40 GB/s up to an end, at 10 beyond."""
    found = readings()
    sizes = [2**20 * n for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)]
    rows = tuple(
        reading("weights", (size,), size, START + size / (40e9 if size <= end else 10e9)) for size in sizes
    )
    return Readings(machine=found.machine, every=found.every + rows)


def test_an_end_that_weights_show_first_is_a_level_of_its_own() -> None:
    l1, near, l2, dram = memory_of(with_weights(4 * 2**20)).places
    assert [place.name for place in (l1, near, l2, dram)] == ["l1", "l2_near", "l2", "dram"]
    assert 4 * 2**20 <= near.capacity_bytes < 6 * 2**20
    assert near.bytes_per_s == l2.bytes_per_s  # sums see no end there
    memory = memory_of(with_weights(4 * 2**20))
    # Half of 4 MiB is too little to tell from the nearest cache.
    assert list(memory.weights) == ["", "l2", "dram"]
    assert near.capacity_bytes < memory.weights["l2"] < l2.capacity_bytes


def test_one_end_is_not_two() -> None:
    places = memory_of(with_weights(CACHE)).places
    assert [place.name for place in places] == ["l1", "l2", "dram"]


def figures_of_known_sizes():  # type: ignore[no-untyped-def]
    found = readings()
    memory = memory_of(found)
    # The synthetic products have their weights where the fitted places would put them.
    sizes = {NEAR: memory.weights[""], CACHE // 2: memory.weights["l2"], FAR: memory.weights["dram"]}
    every = tuple(
        reading(one.kind, (one.sizes[0], sizes[one.sizes[1]], *one.sizes[2:]), one.work, one.seconds)
        if one.kind in ("product", "lstm steps") and one.sizes[1]
        else one
        for one in found.every
    )
    return kernel_figures(Readings(machine=found.machine, every=every), memory, PEAK), memory


def test_the_shares_of_products_come_back() -> None:
    figures, memory = figures_of_known_sizes()
    gemm = figures["gemm"]
    for side, found in gemm.peak_share.items():
        assert found == pytest.approx(share(side))
    # Weights in memory come at 5 GB/s; 64 rows take longer to compute than to read:
    # per byte 2 * 64 / 4 operations at 90 GFLOP/s.
    peak = memory.places[-1].peak_bytes_per_s
    left = memory.missing(memory.weights["dram"], "dram")
    near_s = 0.5 / (PEAK * 0.2)  # of one row, per byte
    far_s = (1 / WEIGHT_SPEED - (1 - left) * near_s) / left
    assert gemm.level_share["dram"][1] == pytest.approx(1 / far_s / peak)
    assert gemm.level_share["dram"][64] == pytest.approx(90e9 / 32 / peak)


@pytest.mark.parametrize("kind", LAYER)
def test_layers_come_back(kind: str) -> None:
    found = figures_of_known_sizes()[0][kind]
    _, start, call = LAYER[kind]
    assert found.start_s == pytest.approx(start)
    assert found.call_s == pytest.approx(call)
    if kind == "lstm":
        assert found.peak_share[1] == pytest.approx(0.2, rel=0.01)
        assert found.peak_share[8] == pytest.approx(0.5, rel=0.01)
    else:
        assert not found.peak_share  # they multiply as any product does


def test_packing_comes_back() -> None:
    figures, _ = figures_of_known_sizes()
    assert list(figures["lstm"].pack_s_per_byte) == [4 * 4 * 256**2, 4 * 4 * 1024**2]
    for pack_s in figures["lstm"].pack_s_per_byte.values():
        assert pack_s == pytest.approx(PACK, rel=0.01)
    assert not figures["gru"].pack_s_per_byte


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_the_parts_of_convolutions_come_back(kind: str) -> None:
    found = figures_of_known_sizes()[0][kind]
    start, pack, element, reached = CONVOLUTION
    assert found.start_s == pytest.approx(MIXED_FACTOR * start)
    assert found.pack_s_per_byte[1] == pytest.approx(pack)
    assert found.element_s == pytest.approx(element)
    assert found.peak_share[1] == pytest.approx(reached)


def test_vectors_come_back() -> None:
    found = figures_of_known_sizes()[0]["gelu"]
    assert found.start_s == pytest.approx(MIXED_FACTOR * VECTOR_START)
    assert found.element_s == pytest.approx(ELEMENT)


def test_cells_come_back() -> None:
    found = figures_of_known_sizes()[0]["lstm_cell"]
    assert found.start_s == pytest.approx(MIXED_FACTOR * 15e-6)
    assert found.element_s == pytest.approx(1e-9, rel=0.01)


def test_calls_among_others_take_longer() -> None:
    assert among_others(readings()) == pytest.approx(MIXED_FACTOR)
    assert among_others(Readings(machine=machine(), every=())) == 1.0


def test_steps_are_differences() -> None:
    pair = [reading("x", (8, 0, 16, 2), 0, 5.0), reading("x", (8, 0, 16, 12), 0, 15.0)]
    (step,) = steps_of(pair)
    assert (step.step_s, step.rest_s) == (1.0, 3.0)  # (15 - 5) / 10; 5 - 2 * 1


def test_noise_makes_no_negative_step() -> None:
    pair = [reading("x", (8, 0, 16, 2), 0, 15.0), reading("x", (8, 0, 16, 12), 0, 14.0)]
    assert steps_of(pair)[0].step_s > 0
