"""Runs the micro-benchmarks, the later ones sized by what the first ones show."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hwcost.calibration.allocator import keep_freed_memory
from hwcost.calibration.bench import Bench
from hwcost.calibration.clock import Clock, timed
from hwcost.calibration.places import memory_of
from hwcost.calibration.reading import Machine, Reading, Readings, Sample
from hwcost.errors import UsageError

Tell = Callable[[str, float], None]
"""Takes what is measured now, and the share that is done."""


SITTINGS = 3
"""How often the micro-benchmarks are gone through, so that a busy minute does not decide."""

FIRST_SHARE = 0.15
"""Of the time, for what decides the sizes of the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Seconds to spend.

    bench_s: on one micro-benchmark, more where one call takes longer. whole_s: after it no new one starts.
    slow_s: a call that takes this long ends its group.
    """

    bench_s: float = 0.12
    whole_s: float = 165.0
    slow_s: float = 0.03


def calibrated(
    *, device: str = "cpu", threads: int | None = None, budget: Budget | None = None, tell: Tell | None = None
) -> Readings:
    """All readings of this machine, in at most 3 minutes.

    device: "cpu" or "cuda". threads: of torch; None: as many as it takes by itself.

    Raises:
        UsageError: there is no such device.
    """
    import torch

    from hwcost.calibration.machine import this_machine

    if device not in ("cpu", "cuda"):
        raise UsageError(f"cannot measure {device!r}", mend="take cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("torch finds no CUDA device here", mend="take --on cpu")
    budget = budget or Budget()
    keep_freed_memory()
    with torch_threads(threads), torch.inference_mode():
        machine = this_machine(device, torch.get_num_threads())
        finish = torch.cuda.synchronize if device == "cuda" else _nothing
        clock = steady_clock(device, machine.threads)
        return _measured(machine, device, budget, finish, tell or (lambda _what, _share: None), clock)


def _measured(
    machine: Machine, device: str, budget: Budget, finish: Callable[[], object], tell: Tell, clock: Clock
) -> Readings:
    from hwcost.calibration import benches
    from hwcost.calibration.convolutions import convolution_benches
    from hwcost.calibration.recurrent import recurrent_benches
    from hwcost.calibration.vectors import mixed_bench, vector_benches

    end = time.perf_counter() + budget.whole_s
    cache_bytes = max((size for _, size in machine.caches), default=0)
    first = [
        *benches.start_benches(device),
        *benches.memory_benches(device, cache_bytes),
        *benches.weight_benches(device, cache_bytes),
    ]
    every: list[Reading] = []
    for sitting in range(SITTINGS):
        low, high = (FIRST_SHARE * part / SITTINGS for part in (sitting, sitting + 1))
        every += readings_of(first, budget, finish, _between(tell, low, high), end, clock=clock)
    memory = memory_of(Readings(machine=machine, every=of_sittings(every)))
    sizes = tuple(memory.weights.values())
    later = [
        *benches.peak_benches(device),
        *benches.product_benches(device, sizes),
        *convolution_benches(device),
        *benches.function_benches(device),
        *vector_benches(device),
        mixed_bench(device),
        *recurrent_benches(device, sizes),
    ]
    for sitting in range(SITTINGS):
        low, high = (FIRST_SHARE + (1 - FIRST_SHARE) * part / SITTINGS for part in (sitting, sitting + 1))
        every += readings_of(later, budget, finish, _between(tell, low, high), end, clock=clock)
    return Readings(machine=machine, every=of_sittings(every))


def of_sittings(every: Iterable[Reading]) -> tuple[Reading, ...]:
    """Of readings of the same the fastest: what other programs do only ever adds time.

    Of packing the middle one: it takes once or three times as long, as the heap happens to lie.
    """
    found: dict[tuple[str, tuple[int, ...]], list[Reading]] = {}
    for reading in every:
        found.setdefault((reading.kind, reading.sizes), []).append(reading)
    return tuple(_of_one(sorted(same, key=lambda one: one.seconds)) for same in found.values())


def _of_one(same: Sequence[Reading]) -> Reading:
    """same: from the fastest to the slowest."""
    return same[len(same) // 2 if same[0].kind.endswith(" pack") else 0]


def readings_of(
    benches: Iterable[Bench],
    budget: Budget,
    finish: Callable[[], object],
    tell: Tell,
    end: float,
    *,
    clock: Clock = time.perf_counter,
    now: Clock = time.perf_counter,
) -> Iterator[Reading]:
    """A reading of each bench that torch has a kernel for; those of a group end with the first too slow.

    clock: times the calls. now: tells whether the end has come.
    """
    benches = list(benches)
    ended: set[str] = set()
    for place, bench in enumerate(benches):
        tell(bench.kind, place / len(benches))
        if bench.group in ended or now() > end:
            continue
        sample = _sample(bench, budget, finish, clock)
        if sample is None or (bench.group and sample.seconds > budget.slow_s):
            ended.update({bench.group} - {""})
        if sample is not None:
            yield Reading(kind=bench.kind, sizes=bench.sizes, work=bench.work, sample=sample)
    tell("", 1.0)


def _sample(bench: Bench, budget: Budget, finish: Callable[[], object], clock: Clock) -> Sample | None:
    """None where torch has no kernel for the dtype."""
    try:
        call = bench.make()
        gc.collect()
        return timed(call, budget_s=budget.bench_s, finish=finish, clock=clock)
    except (NotImplementedError, RuntimeError):
        if not bench.group:
            raise
        return None


def steady_clock(device: str, threads: int) -> Clock:
    """The processor time of one thread, which waiting for a core does not add to; else wall time."""
    return time.thread_time if device == "cpu" and threads == 1 else time.perf_counter


@contextmanager
def torch_threads(threads: int | None) -> Iterator[None]:
    """Let torch use so many threads, and afterwards as many as before."""
    import torch

    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _between(tell: Tell, low: float, high: float) -> Tell:
    return lambda what, share: tell(what, low + (high - low) * share)


def _nothing() -> None:
    return None
