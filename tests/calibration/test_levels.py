from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.calibration.levels import FoundLevel, error, found_levels, sweep_s_per_byte
from hwcost.memory.misses import misses

KIB = 2**10
SIZES = [2**power * part // 2 for power in range(14, 28) for part in (2, 3)]


def level(capacity: float, speed: float, policy: str) -> FoundLevel:
    return FoundLevel(capacity_bytes=capacity, bytes_per_s=speed, policy=policy)  # type: ignore[arg-type]


def curve_of(*levels: FoundLevel, noise: float = 0.0) -> list[tuple[int, float]]:
    """Seconds per byte, written out beside the formula under test: the slowest of the levels' shares."""
    found = []
    for place, size in enumerate(SIZES):
        share, slowest = 1.0, 0.0
        for one in levels:
            slowest = max(slowest, share / one.bytes_per_s)
            if one.capacity_bytes < inf:
                share = min(share, misses(size, one.capacity_bytes, one.policy))
        found.append((size, slowest * (1 + noise * (-1) ** place)))
    return found


def test_by_hand() -> None:
    levels = (level(1024 * KIB, 80e9, "lru"), level(inf, 20e9, "lru"))
    assert sweep_s_per_byte(512 * KIB, levels) == 1 / 80e9  # fits: nothing reaches the second level
    assert sweep_s_per_byte(2048 * KIB, levels) == 1 / 20e9  # lru: every byte is gone when it is due


@pytest.mark.parametrize("policy", ["lru", "random"])
@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_known_levels_come_back(policy: str, noise: float) -> None:
    known = (level(600 * KIB, 90e9, policy), level(14_000 * KIB, 45e9, policy), level(inf, 15e9, "lru"))
    curve = curve_of(*known, noise=noise)
    found = found_levels(curve)
    assert len(found) == 3
    for one, other in zip(found, known, strict=True):
        assert one.bytes_per_s == pytest.approx(other.bytes_per_s, rel=0.06)
    for one, other in zip(found[:-1], known[:-1], strict=True):
        assert one.capacity_bytes == pytest.approx(other.capacity_bytes, rel=0.35)
    assert error(curve, found) < 1.06


def test_the_policy_comes_back() -> None:
    for policy in ("lru", "random"):
        found = found_levels(curve_of(level(4096 * KIB, 80e9, policy), level(inf, 8e9, "lru")))
        assert found[0].policy == policy


def test_one_level_where_nothing_falls() -> None:
    assert found_levels([(size, 1 / 30e9) for size in SIZES]) == (level(inf, 30e9, "lru"),)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.97, 1.03), min_size=len(SIZES), max_size=len(SIZES)))
def test_noise_of_three_percent_is_no_level(wobble: list[float]) -> None:
    curve = [(size, part / 30e9) for size, part in zip(SIZES, wobble, strict=True)]
    assert len(found_levels(curve)) == 1


def test_a_curve_needs_points() -> None:
    with pytest.raises(ValueError, match="three points"):
        found_levels([(1, 1.0), (2, 1.0)])
