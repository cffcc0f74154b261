"""Readings of a machine that is known exactly, so that the fits must give it back."""

from hwcost.calibration.reading import Machine, Reading, Readings, Sample

PEAK = 100e9
START = 2e-6
CACHE, CACHE_SPEED, MEMORY_SPEED = 8 * 2**20, 80e9, 20e9
LAYER = {"lstm": (4, 1e-6, 60e-6), "gru": (3, 8e-6, 20e-6), "rnn": (1, 3e-6, 20e-6)}
"""Gates, start of a step, and of a call."""

PACK = 0.2e-9
NEAR, FAR = 2**20, 3 * CACHE
WEIGHT_SPEED = 5e9
"""At which products read weights from memory."""

CONVOLUTION = (10e-6, 0.1e-9, 0.2e-9, 0.8)
"""Start, seconds per byte of weights, per element, and share of the peak."""

VECTOR_START, ELEMENT = 3e-6, 0.5e-9
MIXED_FACTOR = 1.25


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


def product_s(side: int, weights: int) -> float:
    """Arithmetic with weights in cache; from memory no faster than they come."""
    compute = 2 * side * weights / 4 / (PEAK * share(side))
    return compute if weights <= CACHE else max(compute, weights / WEIGHT_SPEED)


def convolution(kind: str, place: int, spread: float) -> Reading:
    """Six shapes, of which no part of the time is a multiple of another."""
    elements, weights, flop = 40000 * (place + 1), 9000 * (7 - place) ** 2, 1e7 * (1 + place % 3)
    start, pack, element, reached = CONVOLUTION
    seconds = start + pack * weights + element * elements + flop / (PEAK * reached)
    return reading(kind, (elements, weights, place), flop, seconds, spread)


def layers(kind: str, spread: float) -> list[Reading]:
    """All readings of one kind of recurrent layer and its cell."""
    gates, start, call = LAYER[kind]
    every = [reading(f"{kind} steps", (1, 0, 8, n), 0, call + n * start, spread) for n in (2, 12)]
    for side in (1, 8) if kind == "lstm" else ():
        for weights in (NEAR, CACHE // 2, FAR):
            hidden = round((weights / 4 / gates) ** 0.5)
            exact = 4 * gates * hidden**2
            step = start + product_s(side, weights) * exact / weights
            for steps in (2, 12):
                seconds = call + steps * step
                every.append(reading(f"{kind} steps", (side, weights, hidden, steps), 0, seconds, spread))
    for hidden in (256, 1024) if kind == "lstm" else ():
        one = 4 * gates * hidden**2
        for steps in (1, 5):
            seconds = call + 2 * one * PACK + (1 + steps) * (start + one / 50e9)
            every.append(reading(f"{kind} pack", (1, hidden, hidden, steps), 0, seconds, spread))
    every.append(reading(f"{kind} cell", (8, 1), 0, 15e-6, spread))
    product = 2 * 16 * gates * 64 * 72 / (PEAK * share(16))
    every.append(reading(f"{kind} cell", (64, 16), 0, 15e-6 + product + 1024 * 1e-9, spread))
    return every


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
        for weights in (NEAR, CACHE // 2, FAR):
            seconds = product_s(side, weights)
            every.append(reading("product", (side, weights, weights), 0, START + seconds, spread))
    every += [convolution("conv", place, spread) for place in range(6)]
    every += [convolution("depthwise", place, spread) for place in range(6)]
    for kind in ("gelu", "silu", "softmax", "layer_norm", "batch_norm", "max_pool"):
        for count in (1024, 102400):
            every.append(reading(kind, (count,), count, VECTOR_START + count * ELEMENT, spread))
    # Three calls that take START, and five that take VECTOR_START and 1024 elements.
    round_s = 3 * START + 5 * (VECTOR_START + 1024 * ELEMENT)
    every.append(reading("mixed", (), 0, MIXED_FACTOR * round_s, spread))
    for kind in LAYER:
        every += layers(kind, spread)
    return Readings(machine=machine(load=load), every=tuple(every))
