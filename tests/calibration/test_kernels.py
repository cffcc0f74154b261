import pytest

from hwcost.calibration.kernels import kernel_figures, steps_of
from hwcost.calibration.places import memory_of
from tests.calibration.synthetic import FAR, LAYER, NEAR, PACK, PEAK, START, reading, readings, share


def test_weights_lie_near_and_far() -> None:
    memory = memory_of(readings(), START)
    assert [place.name for place in memory.places] == ["l1", "l2", "dram"]
    near, *others = memory.weights.values()
    assert near == NEAR
    assert memory.weights["dram"] == pytest.approx(FAR, rel=0.3)
    assert others[-1] > memory.places[1].capacity_bytes


def test_the_told_caches_get_their_speed() -> None:
    l1, l2, dram = memory_of(readings(), START).places
    assert (l1.is_fitted, l2.is_fitted) == (False, True)
    assert l1.capacity_bytes == 2**15
    assert l1.bytes_per_s == l2.bytes_per_s == pytest.approx(80e9, rel=0.01)
    assert dram.bytes_per_s == pytest.approx(20e9, rel=0.01)
    assert l2.peak_bytes_per_s == pytest.approx(120e9, rel=0.01)  # in place: 1.5 times as fast


def figures_of_known_sizes():  # type: ignore[no-untyped-def]
    found = readings()
    memory = memory_of(found, START)
    # The synthetic products have their weights where the fitted places would put them.
    sizes = {NEAR: memory.weights[""], FAR: memory.weights["dram"]}
    every = tuple(
        reading(one.kind, (one.sizes[0], sizes[one.sizes[1]], *one.sizes[2:]), one.work, one.seconds)
        if one.kind in ("product", "lstm steps", "gru steps", "rnn steps") and one.sizes[1]
        else one
        for one in found.every
    )
    return kernel_figures(type(found)(machine=found.machine, every=every), memory, PEAK), memory


def test_the_shares_of_products_come_back() -> None:
    figures, memory = figures_of_known_sizes()
    gemm = figures["gemm"]
    for side, found in gemm.peak_share.items():
        assert found == pytest.approx(share(side))
    # Far weights come at 5 GB/s; 64 rows take longer to compute than to read.
    peak = memory.places[-1].peak_bytes_per_s
    assert gemm.level_share["dram"][1] == pytest.approx(5e9 / peak)
    assert gemm.level_share["dram"][64] == 1.0


@pytest.mark.parametrize("kind", LAYER)
def test_layers_come_back(kind: str) -> None:
    found = figures_of_known_sizes()[0][kind]
    _, start, call = LAYER[kind]
    assert found.start_s == pytest.approx(start)
    assert found.call_s == pytest.approx(call)
    assert found.peak_share[1] == pytest.approx(0.2, rel=0.01)
    assert found.peak_share[8] == pytest.approx(0.5, rel=0.01)


def test_packing_comes_back() -> None:
    figures, _ = figures_of_known_sizes()
    for pack_s in figures["lstm"].pack_s_per_byte.values():
        assert pack_s == pytest.approx(PACK, rel=0.01)
    assert not figures["gru"].pack_s_per_byte


def test_steps_are_differences() -> None:
    pair = [reading("x", (8, 0, 16, 2), 0, 5.0), reading("x", (8, 0, 16, 12), 0, 15.0)]
    (step,) = steps_of(pair)
    assert (step.step_s, step.rest_s) == (1.0, 3.0)  # (15 - 5) / 10; 5 - 2 * 1


def test_noise_makes_no_negative_step() -> None:
    pair = [reading("x", (8, 0, 16, 2), 0, 15.0), reading("x", (8, 0, 16, 12), 0, 14.0)]
    assert steps_of(pair)[0].step_s > 0
