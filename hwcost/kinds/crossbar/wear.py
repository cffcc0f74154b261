"""How long cells last that are written again and again."""

from __future__ import annotations

from collections.abc import Sequence

from hwcost.devices.arrays import Arrays
from hwcost.kinds.crossbar.geometry import cells_per_weight
from hwcost.kinds.crossbar.move import loads_in
from hwcost.kinds.crossbar.placed import PlacedWork
from hwcost.report import Cost


def cells_written(costs: Sequence[Cost], arrays: Arrays) -> float:
    """Cells that a pass writes, each as often as it is written."""
    total = 0.0
    for cost in costs:
        work, traffic = cost.traffic.work, cost.traffic
        if not isinstance(work, PlacedWork):
            continue
        for held in work.held:
            if not held.in_digital:
                cells = held.matrix.weights * cells_per_weight(arrays, held.matrix.form.weight_bits)
                total += loads_in(held, traffic) * cells
        for change in work.changing:
            if change.waves:
                cells = change.matrix.weights * cells_per_weight(arrays, change.matrix.form.weight_bits)
                total += traffic.calls * change.matrix.new * cells
    return total


def lifetime_s(costs: Sequence[Cost], arrays: Arrays) -> float | None:
    """Seconds until cells wear out, if passes follow one another without pause: at best.

    endurance / (cells written per second / cells of all arrays): writes spread over all arrays
    evenly. None where nothing is written, or no limit is known.
    """
    written = cells_written(costs, arrays)
    seconds = sum(cost.expected_s for cost in costs)
    writing = arrays.writing
    if writing is None or writing.endurance is None or not written or not seconds:
        return None
    cells = arrays.count * arrays.rows * arrays.columns
    return writing.endurance * cells / (written / seconds)
