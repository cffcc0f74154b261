from collections.abc import Callable

import pytest

from hwcost.calibration.clock import LEAST_ROUNDS, MOST_ROUNDS, timed


class Clock:
    """Stands still but for what the call under test takes."""

    def __init__(self, *seconds: float) -> None:
        self.now, self.calls, self.seconds = 0.0, 0, seconds

    def __call__(self) -> float:
        return self.now

    def work(self) -> None:
        self.now += self.seconds[self.calls % len(self.seconds)]
        self.calls += 1


def test_the_median_of_rounds() -> None:
    clock = Clock(1.0)
    sample = timed(clock.work, budget_s=10.0, clock=clock)
    assert sample.seconds == pytest.approx(1.0)
    assert sample.repeats == 10  # one call of a second per round, 10 of them in the budget
    assert sample.spread == 1.0


def test_one_slow_round_does_not_count() -> None:
    # Warm-up, the first look, then rounds of one call: 1, 9, 1 seconds.
    clock = Clock(1.0, 1.0, 1.0, 9.0, 1.0)
    sample = timed(clock.work, budget_s=0.0, clock=clock)
    assert (sample.repeats, sample.seconds) == (LEAST_ROUNDS, 1.0)
    assert sample.spread == pytest.approx(5.0)  # quartiles of 1, 1, 9: 1 and 5


def test_short_calls_are_timed_many_at_once() -> None:
    clock = Clock(1e-5)
    sample = timed(clock.work, budget_s=1.0, clock=clock)
    assert sample.seconds == pytest.approx(1e-5)
    assert sample.repeats == MOST_ROUNDS
    assert clock.calls == 2 + 200 * MOST_ROUNDS  # 2 ms / 10 us


def test_what_a_call_started_is_waited_for() -> None:
    clock = Clock(0.0)
    waits: list[Callable[[], object]] = []

    def finish() -> None:
        clock.now += 1.0
        waits.append(clock.work)

    assert timed(clock.work, budget_s=0.0, finish=finish, clock=clock).seconds == pytest.approx(1.0)
    assert len(waits) == 2 + LEAST_ROUNDS
