"""Readings of a machine that is known exactly, so that the fits must give it back."""

from hwcost.calibration.reading import Machine, Reading, Readings, Sample

PEAK = 100e9
START = 2e-6
CACHE, CACHE_SPEED, MEMORY_SPEED = 8 * 2**20, 80e9, 20e9
LAYER = {"lstm": (4, 1e-6, 60e-6), "gru": (3, 8e-6, 20e-6), "rnn": (1, 3e-6, 20e-6)}
"""Gates, start of a step, and of a call."""

PACK = 0.2e-9
NEAR, FAR = 2**20, 6 * 2**22


def reading(kind: str, sizes: tuple[int, ...], work: float, seconds: float, spread: float = 1.0) -> Reading:
    sample = Sample(seconds=seconds, spread=spread, repeats=9)
    return Reading(kind=kind, sizes=sizes, work=work, sample=sample)


def machine(**changes: object) -> Machine:
    facts = {
        "title": 'Chip "X" [rev 1]',
        "kind": "cpu",
        "when": "2026-01-02 03:04 UTC",
        "versions": "torch 2.0, Python 3.11, Linux",
        "threads": 1,
        "cores": 4,
        "load": 0.1,
        "memory_bytes": 2**34,
        "caches": (("l1", 2**15), ("l2", CACHE)),
    }
    return Machine(**(facts | changes))  # type: ignore[arg-type]


def share(side: int) -> float:
    """Of the peak, by rows."""
    return {1: 0.2, 4: 0.4, 8: 0.5, 16: 0.7, 64: 0.9}[side]


def readings(*, spread: float = 1.0, load: float = 0.1) -> Readings:
    every = [reading(f"start {kind}", (), 0, START, spread) for kind in ("op", "gemm", "conv", "attention")]
    size = 2**14
    while size <= 2**27:
        speed = CACHE_SPEED if size <= CACHE else MEMORY_SPEED
        every.append(reading("read", (size,), size, START + size / speed, spread))
        every.append(reading("stream", (size,), 2 * size, START + 2 * size / (1.5 * speed), spread))
        size *= 2
    every += [reading("peak float32", (n,), 2 * n**3, 2 * n**3 / PEAK, spread) for n in (512, 1024)]
    every += [reading("peak float16", (512,), 2 * 512**3, 2 * 512**3 / 2e9, spread)]
    every += [reading("special", (i,), 65536, 65536 / 1e9, spread) for i in range(4)]
    every += [reading("vector", (), 65536, 65536 / 20e9, spread)]
    every += [reading("reduction", (), 7 * 65536, 7 * 65536 / 15e9, spread)]
    for side in (1, 4, 8, 16, 64):
        for weights in (NEAR, FAR):
            seconds = max(
                2 * side * weights / 4 / (PEAK * share(side)), 0 if weights == NEAR else weights / 5e9
            )
            every.append(reading("product", (side, weights, weights), 0, START + seconds, spread))
    for kind, (gates, start, call) in LAYER.items():
        for steps in (2, 12):
            every.append(reading(f"{kind} steps", (1, 0, 8, steps), 0, call + steps * start, spread))
        for side in (1, 8):
            for weights in (NEAR, FAR):
                hidden = round((weights / 4 / gates) ** 0.5)
                exact = 4 * gates * hidden**2
                compute = 2 * side * exact / 4 / (PEAK * share(side))
                step = start + max(compute, 0 if weights == NEAR else exact / 5e9)
                pack = 4 * gates * hidden * (hidden + 8) * PACK if kind == "lstm" else 0.0
                for steps in (2, 12):
                    seconds = call + pack + steps * step
                    every.append(reading(f"{kind} steps", (side, weights, hidden, steps), 0, seconds, spread))
        every.append(reading(f"{kind} cell", (), 0, 15e-6, spread))
    return Readings(machine=machine(load=load), every=tuple(every))
