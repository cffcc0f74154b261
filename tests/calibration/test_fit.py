import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.calibration.convolutions import SHAPES, convolution_benches
from hwcost.calibration.fit import added_parts
from hwcost.devices.kernels import LAYS_OUT
from hwcost.graph import Work
from hwcost.load import trace_module

positive = st.floats(0.01, 100)


@given(st.lists(st.tuples(positive, positive), min_size=3, max_size=8), positive, positive)
def test_exact_sums_come_back(rows: list[tuple[float, float]], a: float, b: float) -> None:
    seconds = [a * x + b * y for x, y in rows]
    found = added_parts(rows, seconds)
    again = [found[0] * x + found[1] * y for x, y in rows]
    assert again == pytest.approx(seconds, rel=1e-5)


@given(st.lists(st.tuples(positive, positive, positive, positive), min_size=4, max_size=9))
def test_no_part_is_negative_and_none_is_better(rows: list[tuple[float, float, float, float]]) -> None:
    columns, seconds = [row[:3] for row in rows], [row[3] for row in rows]
    found = np.asarray(added_parts(columns, seconds))
    assert (found >= 0).all()

    def error(x: np.ndarray) -> float:
        return float((((np.asarray(columns) @ x) / np.asarray(seconds) - 1) ** 2).sum())

    # Any step that stays above zero makes it worse: the problem is convex, so this is the best of all.
    for part in range(3):
        for step in (-1e-3, 1e-3):
            moved = found.copy()
            moved[part] = max(moved[part] + step, 0.0)
            assert error(moved) >= error(found) * (1 - 1e-6) - 1e-9


def test_known_seconds_are_taken_off() -> None:
    # 2 + 3x: what is given is 2.
    assert added_parts([[1.0], [2.0]], [5.0, 8.0], given=[2.0, 2.0]) == pytest.approx((3.0,))


def test_without_readings_nothing_can_be_fitted() -> None:
    with pytest.raises(ValueError, match="0 parameters"):
        added_parts([], [])


@pytest.mark.parametrize(
    "bench", list(convolution_benches("cpu")), ids=lambda bench: f"{bench.kind}-{bench.sizes}"
)
def test_benches_count_what_the_trace_counts(bench) -> None:  # type: ignore[no-untyped-def]
    """Work, weights, elements and the way of each shape against the tracer's own."""
    from hwcost.kinds.processor.by_measurement import convolution_name, depthwise_name
    from hwcost.rules.count import count

    call = bench.make()
    trace = trace_module(call.func, call.args, name="conv")
    (work,) = (work for work in count(trace.items) if isinstance(work, Work) and work.macs)
    assert 2 * work.macs == bench.work
    x, weight = work.op.inputs[:2]
    assert bench.sizes[1] == weight.bytes
    way = depthwise_name(work) if work.op_class == "depthwise" else convolution_name(work)
    assert way == bench.kind
    shape = SHAPES[bench.kind][bench.sizes[2]]
    read = shape.results * shape.window * shape.inputs if bench.kind in LAYS_OUT else x.elements
    assert bench.sizes[0] == read + work.op.outputs[0].elements
