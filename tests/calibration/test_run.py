import time
from pathlib import Path

import pytest

from hwcost.calibration import Budget, calibrated
from hwcost.calibration.bench import Bench
from hwcost.calibration.machine import cache_sizes, cpu_title
from hwcost.calibration.run import of_sittings, readings_of, steady_clock
from hwcost.errors import UsageError
from tests.calibration.synthetic import reading
from tests.calibration.test_clock import Clock


def bench(
    kind: str, clock: Clock, seconds: float, group: str = "", error: type[Exception] | None = None
) -> Bench:
    def make():  # type: ignore[no-untyped-def]
        if error is not None:
            raise error("no kernel")

        def call() -> None:
            clock.now += seconds

        return call

    return Bench(kind=kind, sizes=(), work=1, make=make, group=group)


def measured(benches: list[Bench], clock: Clock, end: float = 1e9) -> list[str]:
    budget = Budget(bench_s=0.0, slow_s=0.5)
    found = readings_of(
        benches, budget, lambda: None, lambda _what, _share: None, end, clock=clock, now=clock
    )
    return [one.kind for one in found]


def test_a_slow_call_ends_its_group() -> None:
    clock = Clock()
    benches = [bench("a", clock, 0.1, "g"), bench("b", clock, 0.6, "g"), bench("c", clock, 0.1, "g")]
    assert measured([*benches, bench("d", clock, 0.6)], clock) == ["a", "b", "d"]


def test_what_torch_has_no_kernel_for_is_left_out() -> None:
    clock = Clock()
    benches = [bench("a", clock, 0.1, "g", NotImplementedError), bench("b", clock, 0.1)]
    assert measured(benches, clock) == ["b"]


def test_other_errors_are_told() -> None:
    clock = Clock()
    with pytest.raises(RuntimeError, match="no kernel"):
        measured([bench("a", clock, 0.1, "", RuntimeError)], clock)


def test_nothing_starts_after_the_end() -> None:
    clock = Clock()
    assert measured([bench("a", clock, 1.0), bench("b", clock, 1.0)], clock, end=2.0) == ["a"]


def test_progress_comes_to_its_end() -> None:
    clock, told = Clock(), []
    benches = [bench("a", clock, 0.1), bench("b", clock, 0.1)]
    list(
        readings_of(
            benches,
            Budget(bench_s=0.0),
            lambda: None,
            lambda what, share: told.append(share),
            1e9,
            clock=clock,
        )
    )
    assert told == [0.0, 0.5, 1.0]


def test_an_unknown_device() -> None:
    with pytest.raises(UsageError, match="cannot measure 'tpu'"):
        calibrated(device="tpu")


def test_the_processor_by_name() -> None:
    text = "processor : 0\nmodel name\t: Chip 9\ncpu family\t: 25\nmodel\t\t: 17\n\nmodel name: other\n"
    assert cpu_title(text) == "Chip 9 (family 25, model 17)"
    assert cpu_title("")


def test_caches_as_the_system_tells_them(tmp_path: Path) -> None:
    rows = (
        ("1", "Data", "32K", "0"),
        ("1", "Instruction", "32K", "0"),
        ("2", "Unified", "1024K", "0"),
        ("3", "Unified", "32M", "0-3"),
    )
    for index, row in enumerate(rows):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for key, value in zip(("level", "type", "size", "shared_cpu_list"), row, strict=True):
            (folder / key).write_text(f"{value}\n")
    # Two threads have two private caches each, and share the third.
    assert cache_sizes(tmp_path, 2) == (("l1", 2**16), ("l2", 2**21), ("l3", 2**25))
    assert cache_sizes(tmp_path / "none", 1) == ()


def test_waiting_for_a_core_does_not_count_with_one_thread() -> None:
    assert steady_clock("cpu", 1) is time.thread_time
    assert steady_clock("cpu", 2) is steady_clock("cuda", 1) is time.perf_counter


def test_the_fastest_of_several_sittings_counts() -> None:
    slow, fast, other = reading("a", (1,), 1, 3.0), reading("a", (1,), 1, 2.0), reading("a", (2,), 1, 9.0)
    assert of_sittings([slow, other, fast]) == (fast, other)


def test_of_packing_the_middle_sitting_counts() -> None:
    one, two, three = (reading("lstm pack", (1,), 0, seconds) for seconds in (1.0, 2.0, 9.0))
    assert of_sittings([three, one, two]) == (two,)
